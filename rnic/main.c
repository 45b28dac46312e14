// SPDX-License-Identifier: GPL-2.0
/*
 * rnic: the module, `rdma link add NAME type rnic`, and what happens to functions.
 */
#include <linux/module.h>
#include <linux/netdevice.h>
#include <rdma/rdma_netlink.h>
#include "portspace.h"
#include "rnic.h"
#include "siw_link.h"

MODULE_DESCRIPTION("Wharf: RDMA over adapters that terminate TCP themselves");
MODULE_AUTHOR("The Wharf developers");
MODULE_LICENSE("GPL");
MODULE_ALIAS_RDMA_LINK("rnic");

static int rnic_newlink(const char *name, struct net_device *netdev)
{
	struct rnic_adapter *adapter;
	struct rnic_function *fn;
	u16 vlan;
	int ret;

	mutex_lock(&rnic_lock);
	fn = rnic_function_of(netdev, &vlan);
	if (fn && !rnic_adapter_get(fn->adapter))
		fn = NULL;
	mutex_unlock(&rnic_lock);
	if (!fn) {
		netdev_warn(netdev, "rnic: no RDMA device here: neither a function of an adapter, nor a VLAN of one\n");
		return -EOPNOTSUPP;
	}
	/* The caller has the interface, and so the function, which stays below a VLAN. */
	adapter = fn->adapter;
	ret = adapter->ops->enable(fn);
	if (ret)
		netdev_warn(netdev, "rnic: no RDMA device here: adapter %s offloads nothing: %d\n",
			    adapter->name, ret);
	else
		ret = siw_link_add(name, netdev, &rnic_transport);
	rnic_adapter_put(adapter);
	return ret;
}

static struct rdma_link_ops rnic_link_ops = {
	.type = "rnic",
	.newlink = rnic_newlink,
};

static int rnic_netdev_event(struct notifier_block *nb, unsigned long what, void *arg)
{
	struct net_device *netdev = netdev_notifier_info_to_dev(arg);
	struct rnic_function *fn;
	u16 vlan;

	mutex_lock(&rnic_lock);
	fn = rnic_function_of(netdev, &vlan);
	switch (what) {
	case NETDEV_UP:
		if (fn && vlan)
			address_recall(fn, vlan, netdev);
		fallthrough;
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
	case NETDEV_CHANGEMTU:
	case NETDEV_CHANGEADDR:
		if (fn)
			handle_refresh(dev_net(netdev));
		break;
	case NETDEV_UNREGISTER:
		/* Or it moves to another namespace: its peers are others there. */
		if (fn && !vlan) {
			connection_drop_lingering(fn);
			/* Those of VLANs, which stay behind */
			address_forget(fn);
			handle_orphan(fn);
		}
		break;
	case NETDEV_REGISTER:
		if (fn && !vlan) {
			/* It may be seen by others than before. */
			atomic_inc(&rnic_changes);
			listening_extend(fn);
		}
		break;
	}
	mutex_unlock(&rnic_lock);
	return NOTIFY_DONE;
}

static struct notifier_block rnic_netdev_nb = {
	.notifier_call = rnic_netdev_event,
};

static int __init rnic_init(void)
{
	int ret;

	ret = connection_init();
	if (ret)
		return ret;
	ret = handle_init();
	if (ret)
		goto err_connection;
	ret = address_init();
	if (ret)
		goto err_handle;
	ret = register_netdevice_notifier(&rnic_netdev_nb);
	if (ret)
		goto err_address;
	ret = portspace_extend(&rnic_extension);
	if (ret)
		goto err_notifier;
	ret = netlink_init();
	if (ret)
		goto err_extension;
	rdma_link_register(&rnic_link_ops);
	return 0;

err_extension:
	portspace_unextend();
err_notifier:
	unregister_netdevice_notifier(&rnic_netdev_nb);
err_address:
	address_exit();
err_handle:
	handle_exit();
err_connection:
	connection_exit();
	return ret;
}

static void __exit rnic_exit(void)
{
	/* Adapters are gone: their drivers use this module. */
	rdma_link_unregister(&rnic_link_ops);
	netlink_exit();
	portspace_unextend();
	unregister_netdevice_notifier(&rnic_netdev_nb);
	address_exit();
	handle_exit();
	connection_exit();
	rcu_barrier();
}

module_init(rnic_init);
module_exit(rnic_exit);
