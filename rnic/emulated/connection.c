// SPDX-License-Identifier: GPL-2.0
/*
 * Connections: sockets of the adapter's TCP, with the host's addresses.
 */
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/tcp.h>
#include "compat.h"
#include "emulated.h"

/* Between two looks at a TIME_WAIT, when it should be over */
#define CONN_LOOK	HZ

/**
 * struct emu_conn - a connection
 * @base: what the shim sees
 * @adapter: the adapter
 * @accepted: it came through a listener
 * @addrs: in the adapter's namespace
 * @item: in emu_adapter.waiting
 * @gone: looks whether TCP has forgotten it
 */
struct emu_conn {
	struct rnic_conn base;
	struct emu_adapter *adapter;
	bool accepted;
	struct iwarp_addrs addrs;
	struct list_head item;
	struct delayed_work gone;
};

static struct emu_conn *to_emu_conn(struct rnic_conn *conn)
{
	return container_of(conn, struct emu_conn, base);
}

static int addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
					     sizeof(struct sockaddr_in);
}

/* Link-local addresses are the port's in the adapter's namespace. */
static void emu_set_scope(struct emu_adapter *adapter, struct sockaddr_storage *addr)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;

	if (addr->ss_family != AF_INET6)
		return;
	in6->sin6_scope_id = 0;
	if (!(ipv6_addr_type(&in6->sin6_addr) & IPV6_ADDR_LINKLOCAL))
		return;
	rcu_read_lock();
	in6->sin6_scope_id = rcu_dereference(adapter->port)->ifindex;
	rcu_read_unlock();
}

/**
 * emu_socket() - a socket of the adapter's TCP, bound
 * @adapter: enabled
 * @local: address and port; only the host judges who may have it
 * @vlan: of @local: its packets have it as their mark
 * @reuse: SK_FORCE_REUSE to connect, beside whoever listens there: what a connection may be
 *	made from is for the host to say. SK_CAN_REUSE to listen, beside connections only:
 *	addresses that differ by their VLANs are one here.
 * @sock: is set
 *
 * Return: 0 or a negative errno.
 */
int emu_socket(struct emu_adapter *adapter, const struct sockaddr_storage *local, u16 vlan,
	       u8 reuse, struct socket **sock)
{
	struct sockaddr_storage addr = *local;
	int v6only = 1, ret;

	/* The adapter keeps the namespace. */
	ret = __sock_create(adapter->net, local->ss_family, SOCK_STREAM, IPPROTO_TCP, sock, 1);
	if (ret)
		return ret;
	iwarp_socket_reclassify((*sock)->sk);
	compat_set_transparent((*sock)->sk);
	(*sock)->sk->sk_reuse = reuse;
	sock_set_mark((*sock)->sk, vlan);
	if (local->ss_family == AF_INET6)
		ret = (*sock)->ops->setsockopt(*sock, SOL_IPV6, IPV6_V6ONLY,
					       KERNEL_SOCKPTR(&v6only), sizeof(v6only));
	emu_set_scope(adapter, &addr);
	ret = ret ?: kernel_bind(*sock, (struct sockaddr *)&addr, addr_len(&addr));
	if (ret)
		sock_release(*sock);
	return ret;
}

static void emu_conn_look(struct work_struct *work);

static struct emu_conn *emu_conn_create(struct emu_adapter *adapter, struct socket *sock)
{
	struct emu_conn *conn = kzalloc(sizeof(*conn), GFP_KERNEL);

	if (!conn)
		return NULL;
	conn->adapter = adapter;
	conn->base.sock = sock;
	conn->addrs.net = adapter->net;
	INIT_LIST_HEAD(&conn->item);
	INIT_DELAYED_WORK(&conn->gone, emu_conn_look);
	tcp_sock_set_nodelay(sock->sk);
	return conn;
}

/* What the host calls an address of the adapter's namespace */
static void emu_host_addr(struct sockaddr_storage *addr, const struct rnic_address *address)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;

	if (addr->ss_family == AF_INET6 && in6->sin6_scope_id)
		in6->sin6_scope_id = ((const struct sockaddr_in6 *)&address->addr)->sin6_scope_id;
}

/* Takes @sock over, whatever comes of it. */
struct rnic_conn *emu_conn_accepted(struct emu_adapter *adapter, struct socket *sock,
				    const struct rnic_address *address)
{
	struct emu_conn *conn = emu_conn_create(adapter, sock);
	struct emu_function *fn;
	struct emu_key key;

	if (!conn || iwarp_socket_pair(sock, &conn->addrs.local, &conn->addrs.remote))
		goto err_release;
	conn->accepted = true;
	conn->addrs.ifindex = READ_ONCE(sock->sk->sk_bound_dev_if);
	conn->base.flow.local = conn->addrs.local;
	conn->base.flow.remote = conn->addrs.remote;
	conn->base.flow.vlan = address->vlan;
	emu_host_addr(&conn->base.flow.local, address);
	emu_host_addr(&conn->base.flow.remote, address);
	conn->base.peer = conn->addrs.remote;
	emu_key_set(&key, EMU_ADDRESS, &conn->addrs.local, NULL, address->vlan);
	rcu_read_lock();
	fn = emu_find_function(adapter, &key.local, address->vlan);
	rcu_read_unlock();
	/* The shim calls us with functions kept. */
	if (!fn)
		goto err_release;
	conn->base.fn = &fn->base;
	return &conn->base;

err_release:
	sock_no_linger(sock->sk);
	sock_release(sock);
	kfree(conn);
	return ERR_PTR(-ECONNABORTED);
}

void emu_conn_reject(struct rnic_conn *base)
{
	sock_no_linger(base->sock->sk);
	sock_release(base->sock);
	kfree(to_emu_conn(base));
}

struct rnic_conn *emu_conn_connect(struct rnic_function *fn,
				   const struct rnic_connect_params *params)
{
	struct emu_adapter *adapter = to_emu_adapter(fn->adapter);
	struct emu_conn *conn;
	struct socket *sock;
	int ret;

	if (!rcu_access_pointer(adapter->port))
		return ERR_PTR(-ENETDOWN);
	ret = emu_socket(adapter, &params->flow.local, params->flow.vlan, SK_FORCE_REUSE, &sock);
	if (ret)
		return ERR_PTR(ret);
	conn = emu_conn_create(adapter, sock);
	if (!conn) {
		sock_release(sock);
		return ERR_PTR(-ENOMEM);
	}
	conn->base.fn = fn;
	conn->base.flow = params->flow;
	conn->base.peer = params->flow.remote;
	emu_set_scope(adapter, &conn->base.peer);
	conn->addrs.local = params->flow.local;
	conn->addrs.remote = params->flow.remote;
	if (params->tos_set)
		iwarp_socket_set_tos(sock, params->tos);
	ret = kernel_connect(sock, (struct sockaddr *)&conn->base.peer,
			     addr_len(&conn->base.peer), O_NONBLOCK);
	if (ret && ret != -EINPROGRESS) {
		emu_conn_reject(&conn->base);
		return ERR_PTR(ret);
	}
	conn->addrs.ifindex = READ_ONCE(sock->sk->sk_bound_dev_if);
	return &conn->base;
}

void emu_conn_close(struct rnic_conn *conn)
{
	kernel_sock_shutdown(conn->sock, SHUT_WR);
}

void emu_conn_abort(struct rnic_conn *conn)
{
	tcp_abort(conn->sock->sk, ECONNABORTED);
}

static void emu_conn_look(struct work_struct *work)
{
	struct emu_conn *conn = container_of(work, struct emu_conn, gone.work);
	struct emu_adapter *adapter = conn->adapter;
	bool ours;

	if (iwarp_socket_in_time_wait(&conn->addrs, false)) {
		queue_delayed_work(emu_wq, &conn->gone, CONN_LOOK);
		return;
	}
	spin_lock_bh(&adapter->lock);
	ours = !list_empty(&conn->item);
	list_del_init(&conn->item);
	spin_unlock_bh(&adapter->lock);
	if (!ours)
		return;
	rnic_conn_gone(&conn->base);
	kfree(conn);
}

/* Servers have never met a TIME_WAIT on their port; see iwarp_socket_in_time_wait(). */
bool emu_conn_release(struct rnic_conn *base, bool reset)
{
	struct emu_conn *conn = to_emu_conn(base);
	struct emu_adapter *adapter = conn->adapter;

	if (reset)
		sock_no_linger(base->sock->sk);
	sock_release(base->sock);
	base->sock = NULL;
	if (!iwarp_socket_in_time_wait(&conn->addrs, conn->accepted) || conn->accepted) {
		kfree(conn);
		return true;
	}
	spin_lock_bh(&adapter->lock);
	list_add_tail(&conn->item, &adapter->waiting);
	spin_unlock_bh(&adapter->lock);
	queue_delayed_work(emu_wq, &conn->gone, TCP_TIMEWAIT_LEN);
	return false;
}

/* The adapter ends; the shim has forgotten them already. */
void emu_conns_forget(struct emu_adapter *adapter)
{
	struct emu_conn *conn;

	for (;;) {
		spin_lock_bh(&adapter->lock);
		conn = list_first_entry_or_null(&adapter->waiting, struct emu_conn, item);
		if (conn)
			list_del_init(&conn->item);
		spin_unlock_bh(&adapter->lock);
		if (!conn)
			return;
		cancel_delayed_work_sync(&conn->gone);
		iwarp_socket_in_time_wait(&conn->addrs, true);
		kfree(conn);
	}
}

void emu_conn_info(struct rnic_conn *conn, struct portspace_tcp_info *info)
{
	const struct tcp_sock *tp = tcp_sk(conn->sock->sk);

	info->rtt = READ_ONCE(tp->srtt_us) >> 3;
	info->cwnd = READ_ONCE(tp->snd_cwnd);
	info->retransmits = READ_ONCE(tp->total_retrans);
	info->sent = READ_ONCE(tp->bytes_acked);
	info->received = READ_ONCE(tp->bytes_received);
}
