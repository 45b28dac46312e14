// SPDX-License-Identifier: GPL-2.0
/*
 * Adapters that fail on demand, and carry nothing: for what the shim makes of
 * errors. They know the public header only.
 *
 * Each has one function: an interface "flt0", "flt1" on which packets are lost.
 * Parameters, which can be written at any time but for the first:
 *	adapters how many there are: 1 or 2
 *	fail	name of an operation that fails from now on, or "" for none
 *	error	with what, as a positive errno
 *	times	how often it still fails; -1: always
 *	only	of which adapter; -1: of each
 *	incoming a port from which a peer connects to whoever listens; 0: all of them
 *		hang up. The connection is one over the loopback, whatever ends it claims.
 *	linger	what is released is remembered until 0 is written here
 *	held	(read only) what was begun and not ended: 0 when nothing is left
 */
#include <linux/etherdevice.h>
#include <linux/in.h>
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
static int times = -1;
static int only = -1;
static unsigned int adapters = 1;
static int linger;
static atomic_t held = ATOMIC_INIT(0);

struct fault {
	struct rnic_adapter adapter;
	struct rnic_function function;
	struct net_device *netdev;
};

struct fault_listener {
	struct rnic_listener base;
	struct list_head item;
	struct sockaddr_storage addr;
	struct iwarp_watch watch;
	struct list_head arrived;
};

struct fault_conn {
	struct rnic_conn base;
	struct list_head item;
};

/* The other end of a connection */
struct fault_peer {
	struct socket *sock;
	struct list_head item;
};

static struct fault faults[2];

/* Released, and remembered */
static LIST_HEAD(lingering);
static DEFINE_MUTEX(lingering_lock);

static LIST_HEAD(listeners);
static LIST_HEAD(peers);
static DEFINE_MUTEX(incoming_lock);

static struct fault *to_fault(struct rnic_adapter *adapter)
{
	return container_of(adapter, struct fault, adapter);
}

static bool fails(struct rnic_adapter *adapter, const char *what)
{
	if (!sysfs_streq(fail, what) || !times || (only >= 0 && to_fault(adapter) != &faults[only]))
		return false;
	if (times > 0)
		times--;
	return true;
}

/* What an operation that begins something says: it fails, or counts. */
static int begin(struct rnic_adapter *adapter, const char *what)
{
	if (fails(adapter, what))
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
	int ret = begin(fn->adapter, "enable");

	if (!ret)
		end();
	return ret;
}

static int fault_address_add(struct rnic_function *fn, const struct rnic_address *addr)
{
	return begin(fn->adapter, "address_add");
}

static void fault_address_remove(struct rnic_function *fn, const struct rnic_address *addr)
{
	end();
}

static int fault_bind(struct rnic_adapter *a, struct net *net,
		      const struct sockaddr_storage *addr, bool v6only)
{
	return begin(a, "bind");
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
	struct fault_listener *l;
	int ret = begin(a, "listen");

	if (ret)
		return ERR_PTR(ret);
	l = kzalloc(sizeof(*l), GFP_KERNEL);
	if (!l) {
		end();
		return ERR_PTR(-ENOMEM);
	}
	l->base.adapter = a;
	l->addr = params->addr;
	l->watch = *watch;
	INIT_LIST_HEAD(&l->arrived);
	mutex_lock(&incoming_lock);
	list_add_tail(&l->item, &listeners);
	mutex_unlock(&incoming_lock);
	return &l->base;
}

static void conn_free(struct fault_conn *conn)
{
	sock_release(conn->base.sock);
	kfree(conn);
	end();
}

static void fault_unlisten(struct rnic_listener *base)
{
	struct fault_listener *l = container_of(base, struct fault_listener, base);
	struct fault_conn *conn, *next;

	mutex_lock(&incoming_lock);
	list_del(&l->item);
	mutex_unlock(&incoming_lock);
	list_for_each_entry_safe(conn, next, &l->arrived, item)
		conn_free(conn);
	kfree(l);
	end();
}

static struct rnic_conn *fault_accept(struct rnic_listener *base)
{
	struct fault_listener *l = container_of(base, struct fault_listener, base);
	int ret = -READ_ONCE(error);
	struct fault_conn *conn;
	bool failed, gone;

	mutex_lock(&incoming_lock);
	conn = list_first_entry_or_null(&l->arrived, struct fault_conn, item);
	failed = conn && fails(base->adapter, "accept");
	gone = failed && ret == -ECONNABORTED;
	if (conn && (!failed || gone))
		list_del(&conn->item);
	mutex_unlock(&incoming_lock);
	if (gone)
		conn_free(conn);
	if (failed)
		return ERR_PTR(ret);
	return conn ? &conn->base : ERR_PTR(-EAGAIN);
}

static void fault_reject(struct rnic_conn *conn)
{
	conn_free(container_of(conn, struct fault_conn, base));
}

/* It is under way as long as nobody answers. */
static struct rnic_conn *fault_connect(struct rnic_function *fn,
				       const struct rnic_connect_params *params)
{
	struct sockaddr_storage remote = params->flow.remote;
	struct fault_conn *conn;
	int ret = begin(fn->adapter, "connect");

	if (ret)
		return ERR_PTR(ret);
	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn) {
		end();
		return ERR_PTR(-ENOMEM);
	}
	ret = sock_create_kern(&init_net, remote.ss_family, SOCK_STREAM, IPPROTO_TCP,
			       &conn->base.sock);
	if (ret)
		goto err_free;
	iwarp_socket_reclassify(conn->base.sock->sk);
	ret = kernel_connect(conn->base.sock, (struct sockaddr *)&remote, sizeof(remote),
			     O_NONBLOCK);
	if (ret != -EINPROGRESS)
		goto err_release;
	conn->base.fn = fn;
	conn->base.flow = params->flow;
	conn->base.peer = params->flow.remote;
	return &conn->base;

err_release:
	sock_release(conn->base.sock);
err_free:
	kfree(conn);
	end();
	return ERR_PTR(ret ?: -EISCONN);
}

static int fault_steer(struct rnic_function *fn, const struct rnic_flow *flow)
{
	return begin(fn->adapter, "steer");
}

static void fault_unsteer(struct rnic_function *fn, const struct rnic_flow *flow)
{
	end();
}

static void fault_close(struct rnic_conn *conn)
{
	kernel_sock_shutdown(conn->sock, SHUT_WR);
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
	return begin(handle->fn->adapter, "handle_add");
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
	int ret = begin(fn->adapter, "set_role");

	if (!ret)
		end();
	return ret;
}

static int fault_rule_add(struct rnic_rule *rule)
{
	return begin(rule->fn->adapter, "rule_add");
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

/* Who connects */

/* Two sockets that are each other's */
static int pair_connect(struct socket *listening, struct socket **server, struct socket *client)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int ret;

	ret = kernel_bind(listening, (struct sockaddr *)&addr, sizeof(addr));
	ret = ret ?: kernel_listen(listening, 1);
	ret = ret ?: min(kernel_getsockname(listening, (struct sockaddr *)&addr), 0);
	ret = ret ?: kernel_connect(client, (struct sockaddr *)&addr, sizeof(addr), 0);
	return ret ?: kernel_accept(listening, server, 0);
}

static int pair_make(struct socket **server, struct socket **client)
{
	struct socket *listening;
	int ret;

	ret = sock_create_kern(&init_net, AF_INET, SOCK_STREAM, IPPROTO_TCP, &listening);
	if (ret)
		return ret;
	ret = sock_create_kern(&init_net, AF_INET, SOCK_STREAM, IPPROTO_TCP, client);
	if (!ret) {
		ret = pair_connect(listening, server, *client);
		if (ret)
			sock_release(*client);
	}
	sock_release(listening);
	return ret;
}

static void set_remote(struct sockaddr_storage *addr, __be16 port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	if (addr->ss_family == AF_INET) {
		be32_add_cpu(&in->sin_addr.s_addr, 1);
		in->sin_port = port;
	} else {
		be32_add_cpu(&in6->sin6_addr.s6_addr32[3], 1);
		in6->sin6_port = port;
	}
}

/* From the next address to that of the listener; under incoming_lock */
static int arrive(struct fault_listener *l, __be16 port)
{
	struct fault_conn *conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	struct fault_peer *peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	int ret = -ENOMEM;

	if (!conn || !peer)
		goto err_free;
	ret = pair_make(&conn->base.sock, &peer->sock);
	if (ret)
		goto err_free;
	conn->base.fn = &to_fault(l->base.adapter)->function;
	conn->base.flow.local = l->addr;
	conn->base.flow.remote = l->addr;
	set_remote(&conn->base.flow.remote, port);
	conn->base.peer = conn->base.flow.remote;
	atomic_inc(&held);
	list_add_tail(&conn->item, &l->arrived);
	list_add_tail(&peer->item, &peers);
	local_bh_disable();
	l->watch.notify(l->watch.context);
	local_bh_enable();
	return 0;

err_free:
	kfree(peer);
	kfree(conn);
	return ret;
}

static void hang_up(void)
{
	struct fault_peer *peer, *next;

	list_for_each_entry_safe(peer, next, &peers, item) {
		list_del(&peer->item);
		sock_release(peer->sock);
		kfree(peer);
	}
}

static int set_incoming(const char *val, const struct kernel_param *kp)
{
	struct fault_listener *l;
	u16 port;
	int ret = kstrtou16(val, 0, &port);

	if (ret)
		return ret;
	mutex_lock(&incoming_lock);
	l = list_first_entry_or_null(&listeners, struct fault_listener, item);
	if (!port)
		hang_up();
	else
		ret = l ? arrive(l, htons(port)) : -ENOTCONN;
	mutex_unlock(&incoming_lock);
	return ret;
}

static const struct kernel_param_ops incoming_ops = { .set = set_incoming };

static int get_held(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&held));
}

static const struct kernel_param_ops held_ops = { .get = get_held };

module_param_string(fail, fail, sizeof(fail), 0644);
module_param(error, int, 0644);
module_param(times, int, 0644);
module_param(only, int, 0644);
module_param(adapters, uint, 0444);
module_param_cb(incoming, &incoming_ops, NULL, 0200);
module_param_cb(linger, &linger_ops, &linger, 0644);
module_param_cb(held, &held_ops, NULL, 0444);

static netdev_tx_t fault_xmit(struct sk_buff *skb, struct net_device *dev)
{
	kfree_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops fault_netdev_ops = { .ndo_start_xmit = fault_xmit };

static int fault_add(struct fault *f)
{
	struct net_device *netdev;
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
	f->netdev = netdev;
	f->adapter.ops = &fault_ops;
	strscpy(f->adapter.name, netdev->name, sizeof(f->adapter.name));
	f->adapter.port = netdev;
	ret = rnic_adapter_register(&f->adapter);
	if (ret)
		goto err_netdev;
	f->function.adapter = &f->adapter;
	f->function.netdev = netdev;
	f->function.kind = RNIC_L2;
	f->function.number = 1;
	rnic_function_register(&f->function);
	rtnl_unlock();
	return 0;

err_netdev:
	unregister_netdevice(netdev);
err_free:
	rtnl_unlock();
	free_netdev(netdev);
	return ret;
}

static void fault_remove(struct fault *f)
{
	rtnl_lock();
	rnic_function_unregister(&f->function);
	unregister_netdevice(f->netdev);
	rtnl_unlock();
	rnic_adapter_unregister(&f->adapter);
}

static int __init fault_init(void)
{
	unsigned int i;
	int ret;

	if (!adapters || adapters > ARRAY_SIZE(faults))
		return -EINVAL;
	for (i = 0; i < adapters; i++) {
		ret = fault_add(&faults[i]);
		if (ret)
			goto err_remove;
	}
	return 0;

err_remove:
	while (i--) {
		fault_remove(&faults[i]);
		free_netdev(faults[i].netdev);
	}
	return ret;
}

static void __exit fault_exit(void)
{
	unsigned int i;

	for (i = 0; i < adapters; i++)
		fault_remove(&faults[i]);
	forget(false);
	hang_up();
	WARN_ON(atomic_read(&held));
	for (i = 0; i < adapters; i++)
		free_netdev(faults[i].netdev);
}

module_init(fault_init);
module_exit(fault_exit);
