// SPDX-License-Identifier: GPL-2.0
/*
 * The host's own TCP as a transport: sockets that portspace reserved, and what
 * they accept.
 */
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/net.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/ip.h>
#include <net/inet_hashtables.h>
#include <net/inet6_hashtables.h>
#include <net/inet_timewait_sock.h>
#include "compat.h"
#include "portspace.h"
#include "iwarp_cm.h"
#include "iwarp_transport.h"

/* What is thrown away in one go while a connection closes */
#define HOSTTCP_DISCARD_MAX		SZ_1M

/**
 * struct hosttcp_callbacks - what TCP had in a socket before us
 * @data_ready: sk_data_ready
 * @state_change: sk_state_change
 */
struct hosttcp_callbacks {
	void (*data_ready)(struct sock *sk);
	void (*state_change)(struct sock *sk);
};

/**
 * struct hosttcp_conn - a connection
 * @base: what the connection manager sees
 * @sock: ours
 * @saved: put back before @sock is released
 * @addrs: set when it is known to be connected
 * @remote: initiator: where to connect to
 * @from_listener: it was accepted
 * @accepted: if so, for portspace
 */
struct hosttcp_conn {
	struct iwarp_conn base;
	struct socket *sock;
	struct hosttcp_callbacks saved;
	struct iwarp_addrs addrs;
	struct sockaddr_storage remote;
	bool from_listener;
	struct portspace_accepted accepted;
};

/**
 * struct hosttcp_listening - a listening port
 * @base: what the connection manager sees
 * @res: keeps @sock
 * @sock: the reservation's
 * @saved: put back when listening ends, and into accepted sockets
 */
struct hosttcp_listening {
	struct iwarp_listening base;
	struct portspace_reservation *res;
	struct socket *sock;
	struct hosttcp_callbacks saved;
};

static struct hosttcp_conn *to_hosttcp_conn(struct iwarp_conn *conn)
{
	return container_of(conn, struct hosttcp_conn, base);
}

static struct hosttcp_listening *to_hosttcp_listening(struct iwarp_listening *l)
{
	return container_of(l, struct hosttcp_listening, base);
}

static int hosttcp_addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
					     sizeof(struct sockaddr_in);
}

/*
 * The socket's callbacks. TCP calls them under the socket's lock, and they are
 * exchanged under it and under sk_callback_lock; a QP that has the socket has
 * its own in place, and its own sk_user_data. So what is found here under
 * sk_callback_lock is ours only if the callback still is.
 */
static void hosttcp_listening_notify(struct sock *sk)
{
	struct hosttcp_listening *l;

	read_lock_bh(&sk->sk_callback_lock);
	/* A child is born with its listener's callbacks, but not with its data. */
	l = __locked_read_sk_user_data_with_flags(sk, SK_USER_DATA_NOCOPY);
	if (l && sk->sk_data_ready == hosttcp_listening_notify)
		l->base.watch.notify(l->base.watch.context);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void hosttcp_conn_notify(struct sock *sk)
{
	struct hosttcp_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = __locked_read_sk_user_data_with_flags(sk, SK_USER_DATA_NOCOPY);
	if (conn && sk->sk_data_ready == hosttcp_conn_notify)
		conn->base.watch.notify(conn->base.watch.context);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void hosttcp_callbacks_save(struct hosttcp_callbacks *saved, struct sock *sk)
{
	saved->data_ready = sk->sk_data_ready;
	saved->state_change = sk->sk_state_change;
}

static void hosttcp_callbacks_set(struct sock *sk, void (*notify)(struct sock *sk), void *data)
{
	lock_sock(sk);
	write_lock_bh(&sk->sk_callback_lock);
	__rcu_assign_sk_user_data_with_flags(sk, data, SK_USER_DATA_NOCOPY);
	sk->sk_data_ready = notify;
	sk->sk_state_change = notify;
	write_unlock_bh(&sk->sk_callback_lock);
	release_sock(sk);
}

static void hosttcp_callbacks_restore(struct sock *sk, const struct hosttcp_callbacks *saved)
{
	lock_sock(sk);
	write_lock_bh(&sk->sk_callback_lock);
	rcu_assign_sk_user_data(sk, NULL);
	sk->sk_data_ready = saved->data_ready;
	sk->sk_state_change = saved->state_change;
	write_unlock_bh(&sk->sk_callback_lock);
	release_sock(sk);
}

static void hosttcp_set_tos(struct socket *sock, u8 tos)
{
	int tclass = tos;

	ip_sock_set_tos(sock->sk, tos);
	if (sock->sk->sk_family == AF_INET6)
		sock->ops->setsockopt(sock, SOL_IPV6, IPV6_TCLASS,
				      KERNEL_SOCKPTR(&tclass), sizeof(tclass));
}

/* One of the two ends of an AF_INET6 socket may be an IPv4 address. */
static void hosttcp_unmap(struct sockaddr_storage *addr)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (addr->ss_family != AF_INET6 || !ipv6_addr_v4mapped(&in6->sin6_addr))
		return;
	in.sin_port = in6->sin6_port;
	in.sin_addr.s_addr = in6->sin6_addr.s6_addr32[3];
	memset(addr, 0, sizeof(*addr));
	memcpy(addr, &in, sizeof(in));
}

static int hosttcp_read_addrs(struct hosttcp_conn *conn)
{
	struct iwarp_addrs *addrs = &conn->addrs;
	int ret;

	memset(addrs, 0, sizeof(*addrs));
	ret = kernel_getsockname(conn->sock, (struct sockaddr *)&addrs->local);
	if (ret < 0)
		return ret;
	ret = kernel_getpeername(conn->sock, (struct sockaddr *)&addrs->remote);
	if (ret < 0)
		return ret;
	hosttcp_unmap(&addrs->local);
	hosttcp_unmap(&addrs->remote);
	addrs->net = sock_net(conn->sock->sk);
	addrs->ifindex = READ_ONCE(conn->sock->sk->sk_bound_dev_if);
	return 0;
}

/* Listening */

static int hosttcp_start_listening(struct hosttcp_listening *l,
				   const struct iwarp_listen_params *params)
{
	struct sock *sk = l->sock->sk;
	int ret;

	if (params->tos_set)
		hosttcp_set_tos(l->sock, params->tos);
	hosttcp_callbacks_save(&l->saved, sk);
	hosttcp_callbacks_set(sk, hosttcp_listening_notify, l);
	lock_sock(sk);
	/* Children then get the kernel's lock classes for in-kernel sockets. */
	sk->sk_kern_sock = 1;
	release_sock(sk);
	ret = portspace_listen(l->res, params->backlog);
	if (ret) {
		lock_sock(sk);
		sk->sk_kern_sock = 0;
		release_sock(sk);
		hosttcp_callbacks_restore(sk, &l->saved);
	}
	return ret;
}

static struct iwarp_listening *hosttcp_listen(const struct iwarp_listen_params *params,
					      const struct iwarp_watch *watch)
{
	struct portspace_bind bind = {
		.addr = params->addr,
		.key = params->key,
		.v6only = params->v6only,
	};
	struct hosttcp_listening *l;
	int ret;

	l = kzalloc(sizeof(*l), GFP_KERNEL);
	if (!l)
		return ERR_PTR(-ENOMEM);
	l->base.watch = *watch;
	l->res = portspace_find(params->net, params->key);
	if (!l->res)
		l->res = portspace_reserve(params->net, &bind);
	if (IS_ERR(l->res)) {
		ret = PTR_ERR(l->res);
		goto err_free;
	}
	l->sock = portspace_socket(l->res);
	if (!l->sock) {
		ret = -EADDRINUSE;
		goto err_put;
	}
	ret = hosttcp_start_listening(l, params);
	if (ret)
		goto err_put;
	return &l->base;

err_put:
	portspace_put(l->res);
err_free:
	kfree(l);
	return ERR_PTR(ret);
}

static void hosttcp_unlisten(struct iwarp_listening *base)
{
	struct hosttcp_listening *l = to_hosttcp_listening(base);
	struct sock *sk = l->sock->sk;

	hosttcp_callbacks_restore(sk, &l->saved);
	/* Ends listening; the port stays for whoever else holds the reservation. */
	kernel_sock_shutdown(l->sock, SHUT_RD);
	lock_sock(sk);
	sk->sk_kern_sock = 0;
	release_sock(sk);
	portspace_put(l->res);
	kfree(l);
}

/* What a system call would have done: the socket is its listener's user's. */
static void hosttcp_copy_owner(struct socket *sock, struct socket *listener)
{
	struct sock *sk = sock->sk;

	SOCK_INODE(sock)->i_uid = SOCK_INODE(listener)->i_uid;
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_uid = listener->sk->sk_uid;
	write_unlock_bh(&sk->sk_callback_lock);
}

static struct iwarp_conn *hosttcp_accept(struct iwarp_listening *base)
{
	struct hosttcp_listening *l = to_hosttcp_listening(base);
	struct hosttcp_conn *conn;
	int ret;

	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn)
		return ERR_PTR(-ENOMEM);
	ret = kernel_accept(l->sock, &conn->sock, O_NONBLOCK);
	if (ret)
		goto err_free;
	conn->from_listener = true;
	conn->saved = l->saved;
	hosttcp_callbacks_restore(conn->sock->sk, &conn->saved);
	hosttcp_copy_owner(conn->sock, l->sock);
	tcp_sock_set_nodelay(conn->sock->sk);
	ret = hosttcp_read_addrs(conn);
	if (ret) {
		sock_release(conn->sock);
		ret = -ECONNABORTED;
		goto err_free;
	}
	portspace_accepted_add(&conn->accepted, conn->sock);
	return &conn->base;

err_free:
	kfree(conn);
	return ERR_PTR(ret);
}

/* Connecting */

static bool hosttcp_port_is_meant(struct net *net, const struct sockaddr_storage *local)
{
	/* At the same place in both families */
	u16 port = ntohs(((const struct sockaddr_in *)local)->sin_port);
	int low, high;

	inet_get_local_port_range(net, &low, &high);
	return port && (port < low || port > high);
}

/*
 * The RDMA CM puts a port from the automatic range into every id before it
 * connects; such a port says nothing, and TCP chooses a better one.
 */
static struct portspace_reservation *hosttcp_reserve(const struct iwarp_connect_params *params)
{
	struct portspace_bind bind = { .addr = params->local };

	if (!hosttcp_port_is_meant(params->net, &params->local)) {
		((struct sockaddr_in *)&bind.addr)->sin_port = 0;
		bind.late_port = true;
	}
	return portspace_reserve(params->net, &bind);
}

/* The id's own socket, or NULL; @late: its port was TCP's choice, not the user's */
static struct socket *hosttcp_reserved_socket(const struct iwarp_connect_params *params,
					      bool *late)
{
	struct portspace_reservation *res;
	struct socket *sock;

	res = portspace_find(params->net, params->key);
	if (!res)
		return NULL;
	*late = portspace_is_late(res);
	sock = portspace_take_socket(res);
	portspace_put(res);
	return sock;
}

static struct socket *hosttcp_new_socket(const struct iwarp_connect_params *params)
{
	struct portspace_reservation *res;
	struct socket *sock;

	res = hosttcp_reserve(params);
	if (IS_ERR(res))
		return ERR_CAST(res);
	sock = portspace_take_socket(res);
	portspace_put(res);
	return sock;
}

static int hosttcp_dial(struct hosttcp_conn *conn)
{
	struct sockaddr_storage remote = conn->remote;
	int ret;

	ret = kernel_connect(conn->sock, (struct sockaddr *)&remote, hosttcp_addr_len(&remote),
			     O_NONBLOCK);
	return ret == -EINPROGRESS ? 0 : ret;
}

static void hosttcp_release(struct iwarp_conn *base, bool reset);

/* Takes @sock over, or its error. */
static struct iwarp_conn *hosttcp_connect_socket(struct socket *sock,
						 const struct iwarp_connect_params *params,
						 const struct iwarp_watch *watch)
{
	struct hosttcp_conn *conn;
	int ret;

	if (IS_ERR(sock))
		return ERR_CAST(sock);
	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn) {
		sock_release(sock);
		return ERR_PTR(-ENOMEM);
	}
	conn->sock = sock;
	conn->remote = params->remote;
	conn->base.watch = *watch;
	if (params->tos_set)
		hosttcp_set_tos(sock, params->tos);
	tcp_sock_set_nodelay(sock->sk);
	hosttcp_callbacks_save(&conn->saved, sock->sk);
	hosttcp_callbacks_set(sock->sk, hosttcp_conn_notify, conn);
	ret = hosttcp_dial(conn);
	if (ret) {
		hosttcp_release(&conn->base, true);
		return ERR_PTR(ret);
	}
	return &conn->base;
}

static struct iwarp_conn *hosttcp_connect(const struct iwarp_connect_params *params,
					  const struct iwarp_watch *watch)
{
	struct iwarp_conn *conn;
	struct socket *sock;
	bool late = false;

	sock = hosttcp_reserved_socket(params, &late);
	if (sock) {
		conn = hosttcp_connect_socket(sock, params, watch);
		/*
		 * Somebody else may have got the 4-tuple since the port was chosen;
		 * then there may be another.
		 */
		if (!late || conn != ERR_PTR(-EADDRNOTAVAIL))
			return conn;
	}
	return hosttcp_connect_socket(hosttcp_new_socket(params), params, watch);
}

static int hosttcp_connected(struct iwarp_conn *base)
{
	struct hosttcp_conn *conn = to_hosttcp_conn(base);
	int ret;

	/* Asked again, connect(2) tells how the first attempt goes. */
	ret = hosttcp_dial(conn);
	if (ret == -EALREADY)
		return -EINPROGRESS;
	if (ret)
		return ret;
	return hosttcp_read_addrs(conn);
}

static int hosttcp_redial(struct iwarp_conn *base)
{
	struct hosttcp_conn *conn = to_hosttcp_conn(base);
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int ret;

	ret = kernel_connect(conn->sock, &unspec, sizeof(unspec), 0);
	if (ret)
		return ret;
	sock_error(conn->sock->sk);
	return hosttcp_dial(conn);
}

static void hosttcp_watch(struct iwarp_conn *base, const struct iwarp_watch *watch)
{
	struct hosttcp_conn *conn = to_hosttcp_conn(base);

	base->watch = *watch;
	hosttcp_callbacks_set(conn->sock->sk, hosttcp_conn_notify, conn);
}

static int hosttcp_addrs(struct iwarp_conn *base, struct iwarp_addrs *addrs)
{
	*addrs = to_hosttcp_conn(base)->addrs;
	return 0;
}

/* MPA frames */

static int hosttcp_send(struct iwarp_conn *base, const void *buf, size_t len)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	struct kvec vec = { .iov_base = (void *)buf, .iov_len = len };
	int ret;

	ret = kernel_sendmsg(to_hosttcp_conn(base)->sock, &msg, &vec, 1, len);
	if (ret < 0)
		return ret;
	return ret == len ? 0 : -ENOBUFS;
}

static int hosttcp_recv(struct iwarp_conn *base, void *buf, size_t len)
{
	struct msghdr msg = {};
	struct kvec vec = { .iov_base = buf, .iov_len = len };

	return kernel_recvmsg(to_hosttcp_conn(base)->sock, &msg, &vec, 1, len, MSG_DONTWAIT);
}

static int hosttcp_peek(struct iwarp_conn *base)
{
	struct msghdr msg = {};
	u8 octet;
	struct kvec vec = { .iov_base = &octet, .iov_len = 1 };

	return kernel_recvmsg(to_hosttcp_conn(base)->sock, &msg, &vec, 1, 1,
			      MSG_DONTWAIT | MSG_PEEK);
}

/* Closing */

static bool hosttcp_unsent(struct iwarp_conn *base)
{
	const struct tcp_sock *tp = tcp_sk(to_hosttcp_conn(base)->sock->sk);

	return READ_ONCE(tp->write_seq) != READ_ONCE(tp->snd_una);
}

static void hosttcp_shutdown_send(struct iwarp_conn *base)
{
	kernel_sock_shutdown(to_hosttcp_conn(base)->sock, SHUT_WR);
}

static void hosttcp_discard(struct socket *sock)
{
	struct msghdr msg = {};

	kernel_recvmsg(sock, &msg, NULL, 0, HOSTTCP_DISCARD_MAX, MSG_DONTWAIT | MSG_TRUNC);
}

static enum iwarp_closing hosttcp_closing(struct iwarp_conn *base)
{
	struct socket *sock = to_hosttcp_conn(base)->sock;

	hosttcp_discard(sock);
	switch (inet_sk_state_load(sock->sk)) {
	case TCP_CLOSE:
		return IWARP_CLOSING_DONE;
	case TCP_FIN_WAIT2:
		return IWARP_CLOSING_SENT;
	default:
		return IWARP_CLOSING_SENDING;
	}
}

static struct sock *hosttcp_lookup(const struct iwarp_addrs *addrs)
{
	struct inet_hashinfo *hashinfo = addrs->net->ipv4.tcp_death_row.hashinfo;
	const struct sockaddr_in6 *local6 = (const struct sockaddr_in6 *)&addrs->local;
	const struct sockaddr_in6 *remote6 = (const struct sockaddr_in6 *)&addrs->remote;
	const struct sockaddr_in *local = (const struct sockaddr_in *)&addrs->local;
	const struct sockaddr_in *remote = (const struct sockaddr_in *)&addrs->remote;

	if (addrs->local.ss_family == AF_INET6)
		return __inet6_lookup_established(addrs->net, hashinfo, &remote6->sin6_addr,
						  remote6->sin6_port, &local6->sin6_addr,
						  ntohs(local6->sin6_port), addrs->ifindex, 0);
	return __inet_lookup_established(addrs->net, hashinfo, remote->sin_addr.s_addr,
					 remote->sin_port, local->sin_addr.s_addr,
					 ntohs(local->sin_port), addrs->ifindex, 0);
}

/*
 * The side that closes first is left with a TIME_WAIT, which keeps the port
 * from the next listener. RDMA servers have never met that. Both FINs are
 * through, so all that is lost with it is the answer to a retransmitted FIN.
 */
static void hosttcp_end_time_wait(const struct iwarp_addrs *addrs)
{
	struct sock *sk;

	local_bh_disable();
	rcu_read_lock();
	sk = hosttcp_lookup(addrs);
	if (sk) {
		if (sk->sk_state == TCP_TIME_WAIT)
			inet_twsk_deschedule_put(inet_twsk(sk));
		else
			sock_gen_put(sk);
	}
	rcu_read_unlock();
	local_bh_enable();
}

static void hosttcp_release(struct iwarp_conn *base, bool reset)
{
	struct hosttcp_conn *conn = to_hosttcp_conn(base);
	struct iwarp_addrs addrs = conn->addrs;

	hosttcp_callbacks_restore(conn->sock->sk, &conn->saved);
	if (reset)
		sock_no_linger(conn->sock->sk);
	if (conn->from_listener) {
		struct net *net = addrs.net;

		/* The socket's reference of its namespace goes with it. */
		get_net(net);
		sock_release(conn->sock);
		hosttcp_end_time_wait(&addrs);
		portspace_accepted_del(&conn->accepted);
		put_net(net);
	} else {
		sock_release(conn->sock);
	}
	kfree(conn);
}

static struct socket *hosttcp_socket(struct iwarp_conn *base)
{
	return to_hosttcp_conn(base)->sock;
}

static int hosttcp_flag(struct iwarp_conn *base, const char *device, u32 qpn)
{
	const struct portspace_flag flag = {
		.ulp = PORTSPACE_ULP_SIW,
		.device = device,
		.qpn = qpn,
	};

	return portspace_flag(to_hosttcp_conn(base)->sock, &flag);
}

const struct iwarp_transport_ops iwarp_transport_tcp = {
	.listen = hosttcp_listen,
	.unlisten = hosttcp_unlisten,
	.accept = hosttcp_accept,
	.connect = hosttcp_connect,
	.connected = hosttcp_connected,
	.redial = hosttcp_redial,
	.watch = hosttcp_watch,
	.addrs = hosttcp_addrs,
	.send = hosttcp_send,
	.recv = hosttcp_recv,
	.peek = hosttcp_peek,
	.unsent = hosttcp_unsent,
	.shutdown = hosttcp_shutdown_send,
	.closing = hosttcp_closing,
	.release = hosttcp_release,
	.socket = hosttcp_socket,
	.flag = hosttcp_flag,
};
EXPORT_SYMBOL_GPL(iwarp_transport_tcp);
