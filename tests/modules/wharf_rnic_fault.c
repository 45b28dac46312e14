// SPDX-License-Identifier: GPL-2.0
/*
 * An adapter that fails on demand, and carries nothing: for what the shim makes of
 * errors. It knows the public header only.
 *
 * There is one, with one function: an interface "flt0" on which packets are lost.
 * Parameters, which can be written at any time:
 *	fail	name of an operation that fails from now on, or "" for none
 *	error	with what, as a positive errno
 *	linger	what is released is remembered until 0 is written here
 *	held	(read only) what was begun and not ended: 0 when nothing is left
 */
#include <linux/etherdevice.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include "rnic_adapter.h"

MODULE_DESCRIPTION("Wharf: an adapter that fails on demand, for tests");
MODULE_AUTHOR("The Wharf developers");
MODULE_LICENSE("GPL");

static char fail[32] = "";
static int error = EIO;
static int linger;
static atomic_t held = ATOMIC_INIT(0);

struct fault_conn {
	struct rnic_conn base;
	struct list_head item;
};

static struct rnic_adapter adapter;
static struct rnic_function function;
static struct net_device *netdev;

/* Released, and remembered */
static LIST_HEAD(lingering);
static DEFINE_MUTEX(lingering_lock);

/* What an operation that begins something says: it fails, or counts. */
static int begin(const char *what)
{
	if (sysfs_streq(fail, what))
		return -READ_ONCE(error);
	atomic_inc(&held);
	return 0;
}

static void end(void)
{
	atomic_dec(&held);
}

static int fault_enable(struct rnic_function *fn)
{
	int ret = begin("enable");

	if (!ret)
		end();
	return ret;
}

static int fault_address_add(struct rnic_function *fn, const struct rnic_address *addr)
{
	return begin("address_add");
}

static void fault_address_remove(struct rnic_function *fn, const struct rnic_address *addr)
{
	end();
}

static int fault_bind(struct rnic_adapter *a, struct net *net,
		      const struct sockaddr_storage *addr, bool v6only)
{
	return begin("bind");
}

static void fault_unbind(struct rnic_adapter *a, struct net *net,
			 const struct sockaddr_storage *addr, bool v6only)
{
	end();
}

static struct rnic_listener *fault_listen(struct rnic_adapter *a,
					  const struct rnic_listen_params *params,
					  const struct iwarp_watch *watch)
{
	struct rnic_listener *listener;
	int ret = begin("listen");

	if (ret)
		return ERR_PTR(ret);
	listener = kzalloc(sizeof(*listener), GFP_KERNEL);
	if (!listener) {
		end();
		return ERR_PTR(-ENOMEM);
	}
	listener->adapter = a;
	return listener;
}

static void fault_unlisten(struct rnic_listener *listener)
{
	kfree(listener);
	end();
}

static struct rnic_conn *fault_accept(struct rnic_listener *listener)
{
	return ERR_PTR(-EAGAIN);
}

static void conn_free(struct fault_conn *conn)
{
	sock_release(conn->base.sock);
	kfree(conn);
	end();
}

/* It is under way for ever. */
static struct rnic_conn *fault_connect(struct rnic_function *fn,
				       const struct rnic_connect_params *params)
{
	struct fault_conn *conn;
	int ret = begin("connect");

	if (ret)
		return ERR_PTR(ret);
	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn) {
		end();
		return ERR_PTR(-ENOMEM);
	}
	ret = sock_create_kern(&init_net, params->flow.remote.ss_family, SOCK_STREAM, IPPROTO_TCP,
			       &conn->base.sock);
	if (ret) {
		kfree(conn);
		end();
		return ERR_PTR(ret);
	}
	conn->base.fn = fn;
	conn->base.flow = params->flow;
	conn->base.peer = params->flow.remote;
	return &conn->base;
}

static void fault_reject(struct rnic_conn *conn)
{
}

static int fault_steer(struct rnic_function *fn, const struct rnic_flow *flow)
{
	return begin("steer");
}

static void fault_unsteer(struct rnic_function *fn, const struct rnic_flow *flow)
{
	end();
}

static void fault_close(struct rnic_conn *conn)
{
}

static void fault_abort(struct rnic_conn *conn)
{
}

static bool fault_release(struct rnic_conn *base, bool reset)
{
	struct fault_conn *conn = container_of(base, struct fault_conn, base);

	if (!READ_ONCE(linger)) {
		conn_free(conn);
		return true;
	}
	mutex_lock(&lingering_lock);
	list_add_tail(&conn->item, &lingering);
	mutex_unlock(&lingering_lock);
	return false;
}

static int fault_handle_add(struct rnic_handle *handle, const struct rnic_hop *hop)
{
	return begin("handle_add");
}

static void fault_handle_update(struct rnic_handle *handle, const struct rnic_hop *hop)
{
}

static void fault_handle_remove(struct rnic_handle *handle)
{
	end();
}

static int fault_set_role(struct rnic_function *fn, enum rnic_nl_role role)
{
	int ret = begin("set_role");

	if (!ret)
		end();
	return ret;
}

static int fault_rule_add(struct rnic_rule *rule)
{
	return begin("rule_add");
}

static void fault_rule_remove(struct rnic_rule *rule)
{
	end();
}

static void fault_rule_count(struct rnic_rule *rule, u64 *packets, u64 *octets)
{
	*packets = 0;
	*octets = 0;
}

static const struct rnic_adapter_ops fault_ops = {
	.owner = THIS_MODULE,
	.enable = fault_enable,
	.address_add = fault_address_add,
	.address_remove = fault_address_remove,
	.bind = fault_bind,
	.unbind = fault_unbind,
	.listen = fault_listen,
	.unlisten = fault_unlisten,
	.accept = fault_accept,
	.reject = fault_reject,
	.connect = fault_connect,
	.steer = fault_steer,
	.unsteer = fault_unsteer,
	.close = fault_close,
	.abort = fault_abort,
	.release = fault_release,
	.handle_add = fault_handle_add,
	.handle_update = fault_handle_update,
	.handle_remove = fault_handle_remove,
	.set_role = fault_set_role,
	.rule_add = fault_rule_add,
	.rule_remove = fault_rule_remove,
	.rule_count = fault_rule_count,
};

/* All that linger are forgotten: with the shim told, or after it has let go of them. */
static void forget(bool tell)
{
	struct fault_conn *conn, *next;
	LIST_HEAD(all);

	mutex_lock(&lingering_lock);
	list_splice_init(&lingering, &all);
	mutex_unlock(&lingering_lock);
	list_for_each_entry_safe(conn, next, &all, item) {
		if (tell)
			rnic_conn_gone(&conn->base);
		conn_free(conn);
	}
}

static int set_linger(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_int(val, kp);

	if (!ret && !linger)
		forget(true);
	return ret;
}

static const struct kernel_param_ops linger_ops = {
	.set = set_linger,
	.get = param_get_int,
};

static int get_held(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&held));
}

static const struct kernel_param_ops held_ops = { .get = get_held };

module_param_string(fail, fail, sizeof(fail), 0644);
module_param(error, int, 0644);
module_param_cb(linger, &linger_ops, &linger, 0644);
module_param_cb(held, &held_ops, NULL, 0444);

static netdev_tx_t fault_xmit(struct sk_buff *skb, struct net_device *dev)
{
	kfree_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops fault_netdev_ops = { .ndo_start_xmit = fault_xmit };

static int __init fault_init(void)
{
	int ret;

	netdev = alloc_netdev(0, "flt%d", NET_NAME_ENUM, ether_setup);
	if (!netdev)
		return -ENOMEM;
	netdev->netdev_ops = &fault_netdev_ops;
	eth_hw_addr_random(netdev);
	rtnl_lock();
	ret = register_netdevice(netdev);
	if (ret)
		goto err_free;
	adapter.ops = &fault_ops;
	strscpy(adapter.name, "fault", sizeof(adapter.name));
	adapter.port = netdev;
	ret = rnic_adapter_register(&adapter);
	if (ret)
		goto err_netdev;
	function.adapter = &adapter;
	function.netdev = netdev;
	function.kind = RNIC_L2;
	function.number = 1;
	rnic_function_register(&function);
	rtnl_unlock();
	return 0;

err_netdev:
	unregister_netdevice(netdev);
err_free:
	rtnl_unlock();
	free_netdev(netdev);
	return ret;
}

static void __exit fault_exit(void)
{
	rtnl_lock();
	rnic_function_unregister(&function);
	unregister_netdevice(netdev);
	rtnl_unlock();
	rnic_adapter_unregister(&adapter);
	forget(false);
	WARN_ON(atomic_read(&held));
	free_netdev(netdev);
}

module_init(fault_init);
module_exit(fault_exit);
