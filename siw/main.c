// SPDX-License-Identifier: GPL-2.0
/*
 * siw: the module, `rdma link add`, and what happens to interfaces.
 */
#include <linux/module.h>
#include <linux/netdevice.h>
#include <rdma/ib_cache.h>
#include <rdma/rdma_netlink.h>
#include "siw.h"
#include "siw_link.h"

MODULE_DESCRIPTION("Wharf: iWARP RDMA over any network interface");
MODULE_AUTHOR("The Wharf developers");
MODULE_LICENSE("GPL");
MODULE_ALIAS_RDMA_LINK("siw");

/* One device for an interface: from looking for another to being found */
static DEFINE_MUTEX(newlink_lock);

static int newlink(const char *name, struct net_device *netdev,
		   const struct iwarp_transport_ops *transport)
{
	struct siw_device *dev;
	struct ib_device *other;
	const char *why;
	int err;

	err = siw_device_obstacle(netdev, &why);
	if (err) {
		netdev_warn(netdev, "siw: no RDMA device here: %s\n", why);
		return err;
	}
	other = ib_device_get_by_netdev(netdev, RDMA_DRIVER_SIW);
	if (other) {
		netdev_warn(netdev, "siw: device %s stands on this interface already\n",
			    dev_name(&other->dev));
		ib_device_put(other);
		return -EEXIST;
	}
	dev = siw_device_create(netdev, transport);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	return siw_device_register(dev, name);
}

/**
 * siw_link_add - make an RDMA device, as `rdma link add` does
 * @name: what it is to be called; may have a %d
 * @netdev: its interface, with which it goes
 * @transport: who carries its connections; stays until @netdev has gone
 *
 * Return: 0, -EEXIST when the interface has a device, or another errno, whose
 * reason is in the kernel's log.
 */
int siw_link_add(const char *name, struct net_device *netdev,
		 const struct iwarp_transport_ops *transport)
{
	int err;

	mutex_lock(&newlink_lock);
	err = newlink(name, netdev, transport);
	mutex_unlock(&newlink_lock);
	return err;
}
EXPORT_SYMBOL_GPL(siw_link_add);

static int siw_newlink(const char *name, struct net_device *netdev)
{
	return siw_link_add(name, netdev, &iwarp_transport_tcp);
}

static struct rdma_link_ops siw_link_ops = {
	.type = "siw",
	.newlink = siw_newlink,
};

static void port_event(struct ib_device *ibdev, enum ib_event_type type)
{
	struct ib_event event = {
		.device = ibdev,
		.element.port_num = 1,
		.event = type,
	};

	ib_dispatch_event(&event);
}

static void port_update(struct siw_device *dev)
{
	bool active = siw_device_active(dev);

	if (active == dev->active)
		return;
	dev->active = active;
	port_event(&dev->ibdev, active ? IB_EVENT_PORT_ACTIVE : IB_EVENT_PORT_ERR);
}

/* A device that could not be made now does not stay either. */
static void upper_changed(struct siw_device *dev)
{
	const char *why = siw_device_enslaved(dev->netdev);

	if (!why)
		return;
	netdev_warn(dev->netdev, "siw: device %s goes: %s\n", dev_name(&dev->ibdev.dev), why);
	ib_unregister_device_queued(&dev->ibdev);
}

/* Do those who ask for the port's state, cached, hear what it is? */
static bool port_state_is_known(struct siw_device *dev)
{
	enum ib_port_state state;

	return !ib_get_cached_port_state(&dev->ibdev, 1, &state) &&
	       (state == IB_PORT_ACTIVE) == dev->active;
}

/*
 * ib_device_ops.enable_driver: its interface's events come from here on, and its consumers will.
 * It may have been on its way to another namespace, when none came.
 */
int siw_device_enable(struct ib_device *ibdev)
{
	struct siw_device *dev = to_siw_dev(ibdev);
	int err = 0;

	iwarp_cm_enable(&dev->cm);
	rtnl_lock();
	dev->active = siw_device_active(dev);
	if (!port_state_is_known(dev))
		port_event(ibdev, dev->active ? IB_EVENT_PORT_ACTIVE : IB_EVENT_PORT_ERR);
	if (dev->enabled)
		upper_changed(dev);
	else if (siw_device_enslaved(dev->netdev))
		err = -EOPNOTSUPP;
	else if (dev->netdev->reg_state != NETREG_REGISTERED ||
		 !net_eq(dev_net(dev->netdev), read_pnet(&ibdev->coredev.rdma_net)))
		err = -ENODEV; /* It has gone before anybody could tell us. */
	dev->enabled = true;
	rtnl_unlock();
	return err;
}

static int siw_netdev_event(struct notifier_block *nb, unsigned long what,
			    void *arg)
{
	struct net_device *netdev = netdev_notifier_info_to_dev(arg);
	struct ib_device *ibdev;

	ibdev = ib_device_get_by_netdev(netdev, RDMA_DRIVER_SIW);
	if (!ibdev)
		return NOTIFY_DONE;

	switch (what) {
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
		port_update(to_siw_dev(ibdev));
		break;
	case NETDEV_CHANGEADDR:
		memcpy(to_siw_dev(ibdev)->gid, netdev->dev_addr, sizeof(to_siw_dev(ibdev)->gid));
		port_event(ibdev, IB_EVENT_GID_CHANGE);
		break;
	case NETDEV_CHANGENAME:
		siw_folder_rename(ibdev, ibdev->iw_ifname);
		strscpy(ibdev->iw_ifname, netdev->name,
			sizeof(ibdev->iw_ifname));
		break;
	case NETDEV_CHANGEUPPER:
		upper_changed(to_siw_dev(ibdev));
		break;
	case NETDEV_UNREGISTER:
		/* Moving to another namespace unregisters as well. */
		ib_unregister_device_queued(ibdev);
		break;
	}
	ib_device_put(ibdev);
	return NOTIFY_DONE;
}

static struct notifier_block siw_netdev_nb = {
	.notifier_call = siw_netdev_event,
};

static int __init siw_init(void)
{
	int err;

	siw_wq = alloc_workqueue("siw", WQ_HIGHPRI | WQ_MEM_RECLAIM, 0);
	if (!siw_wq)
		return -ENOMEM;
	err = siw_folder_init();
	if (err)
		goto err_wq;
	err = register_netdevice_notifier(&siw_netdev_nb);
	if (err)
		goto err_folder;
	rdma_link_register(&siw_link_ops);
	return 0;

err_folder:
	siw_folder_exit();
err_wq:
	destroy_workqueue(siw_wq);
	return err;
}

static void __exit siw_exit(void)
{
	rdma_link_unregister(&siw_link_ops);
	unregister_netdevice_notifier(&siw_netdev_nb);
	ib_unregister_driver(RDMA_DRIVER_SIW);
	siw_folder_exit();
	destroy_workqueue(siw_wq);
	siw_stream_exit();
	/* Regions and their readers */
	rcu_barrier();
}

module_init(siw_init);
module_exit(siw_exit);
