// SPDX-License-Identifier: GPL-2.0
/*
 * Connections: the adapter's TCP has them, and the host a placeholder for each:
 * from before its first packet, or from when it is accepted, until the adapter's
 * TCP has forgotten it.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include "iwarp_socket.h"
#include "portspace.h"
#include "portspace_placeholder.h"
#include "rnic.h"

/**
 * struct connection - an offloaded connection
 * @s: what the connection manager sees, over the adapter's socket
 * @conn: the adapter's
 * @fn: whose local address it has
 * @adapter: a reference
 * @flow: steered to the adapter
 * @handle: a reference, which keeps @fn
 * @placeholder: in the host's tables
 * @addrs: as the host sees it
 * @lock: @live, @killed
 * @live: @conn may be asked and aborted
 * @killed: to be aborted, if need be as soon as there is a @conn
 * @kill: aborts it
 * @item: in lingering, once it was released and TCP remembers it
 */
struct connection {
	struct iwarp_socket s;
	struct rnic_conn *conn;
	struct rnic_function *fn;
	struct rnic_adapter *adapter;
	struct rnic_flow flow;
	struct rnic_handle *handle;
	struct portspace_placeholder *placeholder;
	struct iwarp_addrs addrs;
	spinlock_t lock;	/* live, killed */
	bool live;
	bool killed;
	struct work_struct kill;
	struct list_head item;
};

/* Under rnic_lock */
static LIST_HEAD(lingering);
static struct workqueue_struct *connection_wq;

static struct connection *to_connection(struct iwarp_conn *base)
{
	return container_of(to_iwarp_socket(base), struct connection, s);
}

/* What the host's placeholder hears */

static void connection_killed(void *context)
{
	struct connection *c = context;

	spin_lock_bh(&c->lock);
	c->killed = true;
	if (c->live)
		queue_work(connection_wq, &c->kill);
	spin_unlock_bh(&c->lock);
}

static void connection_kill(struct work_struct *work)
{
	struct connection *c = container_of(work, struct connection, kill);

	c->adapter->ops->abort(c->conn);
}

static void connection_info(void *context, struct portspace_tcp_info *info)
{
	struct connection *c = context;

	spin_lock_bh(&c->lock);
	if (c->live && c->adapter->ops->info)
		c->adapter->ops->info(c->conn, info);
	spin_unlock_bh(&c->lock);
}

static void stray_to(struct rnic_function *fn, struct sk_buff *skb)
{
	if (fn && fn->adapter->ops->stray)
		fn->adapter->ops->stray(fn, skb);
	else
		kfree_skb(skb);
}

static void connection_stray(void *context, struct sk_buff *skb)
{
	stray_to(((struct connection *)context)->fn, skb);
}

/* Whose what is received for is, in a network namespace; RCU keeps it. */
static struct rnic_function *stray_function(const struct net *net, const struct sk_buff *skb)
{
	struct sockaddr_storage addr = {};
	int ifindex;
	u16 vlan;

	if (skb->protocol == htons(ETH_P_IPV6)) {
		addr.ss_family = AF_INET6;
		((struct sockaddr_in6 *)&addr)->sin6_addr = ipv6_hdr(skb)->daddr;
		((struct sockaddr_in6 *)&addr)->sin6_scope_id = inet6_iif(skb);
	} else {
		addr.ss_family = AF_INET;
		((struct sockaddr_in *)&addr)->sin_addr.s_addr = ip_hdr(skb)->daddr;
	}
	return address_function(net, &addr, &vlan, &ifindex);
}

/**
 * connection_concerns_listener() - whether a port listens on an address
 * @context: its network namespace
 * @skb: what the host received, as in struct portspace_owner
 *
 * A wildcard is for what the adapters have; the host has more.
 */
bool connection_concerns_listener(void *context, const struct sk_buff *skb)
{
	bool ret;

	rcu_read_lock();
	ret = stray_function(context, skb);
	rcu_read_unlock();
	return ret;
}

/**
 * connection_stray_listener() - the host received something for a port that listens
 * @context: its network namespace
 * @skb: as in struct portspace_owner
 */
void connection_stray_listener(void *context, struct sk_buff *skb)
{
	rcu_read_lock();
	stray_to(stray_function(context, skb), skb);
	rcu_read_unlock();
}

/* Life */

static struct connection *connection_create(struct rnic_function *fn, const struct rnic_flow *flow,
					    struct net *net)
{
	struct connection *c;

	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return ERR_PTR(-ENOMEM);
	if (!rnic_adapter_get(fn->adapter)) {
		kfree(c);
		return ERR_PTR(-ENODEV);
	}
	spin_lock_init(&c->lock);
	INIT_WORK(&c->kill, connection_kill);
	INIT_LIST_HEAD(&c->item);
	c->fn = fn;
	c->adapter = fn->adapter;
	c->flow = *flow;
	c->addrs = (struct iwarp_addrs) {
		.net = net,
		.local = flow->local,
		.remote = flow->remote,
		.ifindex = addr_scope(&flow->local),
	};
	c->handle = rnic_handle_get(fn, &flow->local, &flow->remote);
	if (IS_ERR(c->handle)) {
		int ret = PTR_ERR(c->handle);

		rnic_adapter_put(c->adapter);
		kfree(c);
		return ERR_PTR(ret);
	}
	return c;
}

static int connection_steer(struct connection *c)
{
	int ret = c->adapter->ops->steer(c->fn, &c->flow);

	if (!ret)
		atomic_inc(&c->adapter->flows);
	return ret;
}

static void connection_unsteer(struct connection *c)
{
	c->adapter->ops->unsteer(c->fn, &c->flow);
	atomic_dec(&c->adapter->flows);
}

/* What is steered stays so until the host answers for it again. */
static void connection_free(struct connection *c, bool steered)
{
	if (!IS_ERR_OR_NULL(c->placeholder)) {
		portspace_placeholder_destroy(c->placeholder);
		portspace_placeholder_put(c->placeholder);
	}
	if (steered)
		connection_unsteer(c);
	rnic_handle_put(c->handle);
	rnic_adapter_put(c->adapter);
	kfree(c);
}

static struct portspace_owner connection_owner(struct connection *c)
{
	return (struct portspace_owner) {
		.stray = connection_stray,
		.killed = connection_killed,
		.info = connection_info,
		.context = c,
	};
}

/* What is said of whatever an adapter has */
const struct portspace_flag rnic_flag = {
	.device = "",
	.bypasses = PORTSPACE_BYPASS_FILTER | PORTSPACE_BYPASS_QUEUE,
};

/* It has its adapter's connection, and may be killed. Without @watch it is watched later. */
static void connection_begin(struct connection *c, struct rnic_conn *conn,
			     const struct iwarp_watch *watch)
{
	conn->shim = c;
	c->conn = conn;
	c->s.sock = conn->sock;
	c->s.remote = conn->peer;
	if (watch) {
		c->s.base.watch = *watch;
		iwarp_socket_hook(&c->s);
	} else {
		iwarp_callbacks_save(&c->s.saved, c->s.sock->sk);
	}
	spin_lock_bh(&c->lock);
	c->live = true;
	if (c->killed)
		queue_work(connection_wq, &c->kill);
	spin_unlock_bh(&c->lock);
}

static struct connection *connection_accept(struct portspace_reservation *res,
					    struct rnic_conn *conn, struct net *net)
{
	const struct portspace_pair pair = {
		.local = conn->flow.local,
		.remote = conn->flow.remote,
	};
	struct portspace_owner owner;
	struct connection *c;
	int ret;

	c = connection_create(conn->fn, &conn->flow, net);
	if (IS_ERR(c))
		return c;
	ret = connection_steer(c);
	if (ret) {
		connection_free(c, false);
		return ERR_PTR(ret);
	}
	owner = connection_owner(c);
	c->placeholder = portspace_placeholder_accept(res, &pair, &rnic_flag, &owner);
	if (IS_ERR(c->placeholder)) {
		ret = PTR_ERR(c->placeholder);
		connection_free(c, true);
		return ERR_PTR(ret);
	}
	connection_begin(c, conn, NULL);
	return c;
}

/**
 * connection_accepted() - an adapter has accepted a connection
 * @res: the port that it came through
 * @conn: the adapter's; refused if the host cannot have it
 * @net: where the port is
 *
 * Context: rnic_lock.
 * Return: the connection, or -ECONNABORTED.
 */
struct iwarp_conn *connection_accepted(struct portspace_reservation *res, struct rnic_conn *conn,
				       struct net *net)
{
	struct connection *c = ERR_PTR(-ECONNABORTED);

	/* The address may have moved to another namespace meanwhile. */
	if (net_eq(dev_net(conn->fn->netdev), net))
		c = connection_accept(res, conn, net);
	if (!IS_ERR(c))
		return &c->s.base;
	conn->fn->adapter->ops->reject(conn);
	return ERR_PTR(-ECONNABORTED);
}

/* Its port is the placeholder's; it has its ends, and is steered. */
static int connection_connect(struct connection *c, const struct iwarp_connect_params *params,
			      const struct iwarp_watch *watch)
{
	const struct rnic_connect_params how = {
		.flow = c->flow,
		.handle = c->handle,
		.tos_set = params->tos_set,
		.tos = params->tos,
	};
	struct rnic_conn *conn;

	conn = c->adapter->ops->connect(c->fn, &how);
	if (IS_ERR(conn))
		return PTR_ERR(conn);
	connection_begin(c, conn, watch);
	return 0;
}

static struct iwarp_conn *connection_connect_by(struct rnic_function *fn, u16 vlan,
						struct portspace_reservation *res,
						const struct iwarp_connect_params *params,
						const struct iwarp_watch *watch)
{
	struct portspace_pair pair = { .local = params->local, .remote = params->remote };
	struct rnic_flow flow = { .local = params->local, .remote = params->remote, .vlan = vlan };
	struct portspace_owner owner;
	struct connection *c;
	int ret;

	c = connection_create(fn, &flow, params->net);
	if (IS_ERR(c))
		return ERR_CAST(c);
	owner = connection_owner(c);
	c->placeholder = portspace_placeholder_connect(res, &pair, &rnic_flag, &owner);
	if (IS_ERR(c->placeholder)) {
		ret = PTR_ERR(c->placeholder);
		goto err_free;
	}
	portspace_placeholder_pair(c->placeholder, &pair);
	addr_set_port(&c->flow.local, addr_port(&pair.local));
	c->addrs.local = c->flow.local;
	/* Nobody has heard of the port yet, so nothing comes before it is steered. */
	ret = connection_steer(c);
	if (ret)
		goto err_free;
	ret = connection_connect(c, params, watch);
	if (ret) {
		connection_free(c, true);
		return ERR_PTR(ret);
	}
	return &c->s.base;

err_free:
	connection_free(c, false);
	return ERR_PTR(ret);
}

static struct iwarp_conn *rnic_connect_from(struct portspace_reservation *res,
					    const struct iwarp_connect_params *params,
					    const struct iwarp_watch *watch)
{
	struct iwarp_conn *conn = ERR_PTR(-EADDRNOTAVAIL);
	struct rnic_function *fn;
	int ifindex;
	u16 vlan;

	mutex_lock(&rnic_lock);
	fn = address_function(params->net, &params->local, &vlan, &ifindex);
	if (fn)
		conn = connection_connect_by(fn, vlan, res, params, watch);
	mutex_unlock(&rnic_lock);
	portspace_put(res);
	return conn;
}

static struct iwarp_conn *rnic_connect(const struct iwarp_connect_params *params,
				       const struct iwarp_watch *watch)
{
	return iwarp_ports_connect(params, watch, rnic_connect_from);
}

static int rnic_addrs(struct iwarp_conn *base, struct iwarp_addrs *addrs)
{
	*addrs = to_connection(base)->addrs;
	return 0;
}

static void rnic_shutdown(struct iwarp_conn *base)
{
	struct connection *c = to_connection(base);

	c->adapter->ops->close(c->conn);
}

static void rnic_release(struct iwarp_conn *base, bool reset)
{
	struct connection *c = to_connection(base);
	bool over;

	spin_lock_bh(&c->lock);
	c->live = false;
	spin_unlock_bh(&c->lock);
	cancel_work_sync(&c->kill);
	iwarp_socket_unhook(&c->s);

	mutex_lock(&rnic_lock);
	over = c->adapter->ops->release(c->conn, reset);
	if (!over && c->fn->gone) {
		c->conn->shim = NULL;
		over = true;
	} else if (!over) {
		portspace_placeholder_closing(c->placeholder);
		list_add_tail(&c->item, &lingering);
	}
	mutex_unlock(&rnic_lock);
	if (over)
		connection_free(c, true);
}

/**
 * rnic_conn_gone - the adapter's TCP need not remember a connection any more
 * @conn: release() has returned false for it; the driver may free it after return
 *
 * Sleeping context, with nothing locked that an operation locks.
 */
void rnic_conn_gone(struct rnic_conn *conn)
{
	struct connection *c;

	mutex_lock(&rnic_lock);
	c = conn->shim;
	if (c) {
		list_del(&c->item);
		connection_free(c, true);
	}
	mutex_unlock(&rnic_lock);
}
EXPORT_SYMBOL_GPL(rnic_conn_gone);

/* The function goes: what it remembers is nobody's. Under rnic_lock. */
void connection_drop_lingering(struct rnic_function *fn)
{
	struct connection *c, *next;

	list_for_each_entry_safe(c, next, &lingering, item) {
		if (c->fn != fn)
			continue;
		list_del(&c->item);
		c->conn->shim = NULL;
		connection_free(c, true);
	}
}

static int rnic_flag_conn(struct iwarp_conn *base, const char *device, u32 qpn)
{
	struct portspace_flag flag = rnic_flag;

	flag.device = device;
	flag.qpn = qpn;
	return portspace_placeholder_flag(to_connection(base)->placeholder, &flag);
}

const struct iwarp_transport_ops rnic_transport = {
	.listen = rnic_listen,
	.unlisten = rnic_unlisten,
	.accept = rnic_accept,
	.connect = rnic_connect,
	.connected = iwarp_socket_connected,
	.redial = iwarp_socket_redial,
	.watch = iwarp_socket_watch,
	.addrs = rnic_addrs,
	.send = iwarp_socket_send,
	.recv = iwarp_socket_recv,
	.peek = iwarp_socket_peek,
	.unsent = iwarp_socket_unsent,
	.shutdown = rnic_shutdown,
	.closing = iwarp_socket_closing,
	.release = rnic_release,
	.socket = iwarp_socket_socket,
	.flag = rnic_flag_conn,
};

int connection_init(void)
{
	connection_wq = alloc_workqueue("rnic", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return connection_wq ? 0 : -ENOMEM;
}

void connection_exit(void)
{
	destroy_workqueue(connection_wq);
	WARN_ON(!list_empty(&lingering));
}
