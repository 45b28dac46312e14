// SPDX-License-Identifier: GPL-2.0
/*
 * The host's own TCP as a transport: sockets that portspace reserved, and what
 * they accept.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/net.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include "portspace.h"
#include "iwarp_cm.h"
#include "iwarp_socket.h"
#include "iwarp_transport.h"

/**
 * struct hosttcp_conn - a connection
 * @s: what the connection manager sees, and the socket, which is ours
 * @addrs: set when it is known to be connected
 * @from_listener: it was accepted
 * @accepted: if so, for portspace
 */
struct hosttcp_conn {
	struct iwarp_socket s;
	struct iwarp_addrs addrs;
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
	struct iwarp_callbacks saved;
};

static struct hosttcp_conn *to_hosttcp_conn(struct iwarp_conn *conn)
{
	return container_of(to_iwarp_socket(conn), struct hosttcp_conn, s);
}

static struct hosttcp_listening *to_hosttcp_listening(struct iwarp_listening *l)
{
	return container_of(l, struct hosttcp_listening, base);
}

static int hosttcp_read_addrs(struct hosttcp_conn *conn)
{
	struct sock *sk = conn->s.sock->sk;

	conn->addrs.net = sock_net(sk);
	conn->addrs.ifindex = READ_ONCE(sk->sk_bound_dev_if);
	return iwarp_socket_pair(conn->s.sock, &conn->addrs.local, &conn->addrs.remote);
}

/* Listening */

static int hosttcp_start_listening(struct hosttcp_listening *l,
				   const struct iwarp_listen_params *params)
{
	struct sock *sk = l->sock->sk;
	int ret;

	if (params->tos_set)
		iwarp_socket_set_tos(l->sock, params->tos);
	lock_sock(sk);
	/* Children then get the kernel's lock classes for in-kernel sockets. */
	sk->sk_kern_sock = 1;
	release_sock(sk);
	ret = portspace_listen(l->res, params->backlog);
	if (ret) {
		lock_sock(sk);
		sk->sk_kern_sock = 0;
		release_sock(sk);
		return ret;
	}
	/* Not before: until then it may be a placeholder's. */
	iwarp_callbacks_save(&l->saved, sk);
	iwarp_callbacks_hook(sk, &l->base.watch);
	l->base.watch.notify(l->base.watch.context);
	return 0;
}

static struct iwarp_listening *hosttcp_listen(const struct iwarp_listen_params *params,
					      const struct iwarp_watch *watch)
{
	struct hosttcp_listening *l;
	int ret;

	l = kzalloc(sizeof(*l), GFP_KERNEL);
	if (!l)
		return ERR_PTR(-ENOMEM);
	l->base.watch = *watch;
	l->res = iwarp_ports_listen(params);
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

	iwarp_callbacks_unhook(sk, &l->saved);
	/* The port stays for whoever else holds the reservation. */
	portspace_unlisten(l->res);
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
	struct socket *sock;
	int ret;

	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn)
		return ERR_PTR(-ENOMEM);
	ret = kernel_accept(l->sock, &sock, O_NONBLOCK);
	/* `ss -K` has ended it: nothing comes any more. */
	if (ret == -EINVAL)
		ret = -EAGAIN;
	if (ret)
		goto err_free;
	conn->s.sock = sock;
	conn->s.saved = l->saved;
	conn->from_listener = true;
	iwarp_socket_unhook(&conn->s);
	hosttcp_copy_owner(sock, l->sock);
	tcp_sock_set_nodelay(sock->sk);
	ret = hosttcp_read_addrs(conn);
	if (ret) {
		sock_release(sock);
		ret = -ECONNABORTED;
		goto err_free;
	}
	portspace_accepted_add(&conn->accepted, sock);
	return &conn->s.base;

err_free:
	kfree(conn);
	return ERR_PTR(ret);
}

/* Connecting */

static void hosttcp_release(struct iwarp_conn *base, bool reset);

/* Takes the socket of @res, and puts that. */
static struct iwarp_conn *hosttcp_connect_from(struct portspace_reservation *res,
					       const struct iwarp_connect_params *params,
					       const struct iwarp_watch *watch)
{
	struct hosttcp_conn *conn;
	struct socket *sock;
	int ret;

	sock = portspace_take_socket(res);
	portspace_put(res);
	if (!sock)
		return ERR_PTR(-EADDRINUSE);
	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn) {
		sock_release(sock);
		return ERR_PTR(-ENOMEM);
	}
	conn->s.sock = sock;
	conn->s.remote = params->remote;
	conn->s.base.watch = *watch;
	if (params->tos_set)
		iwarp_socket_set_tos(sock, params->tos);
	tcp_sock_set_nodelay(sock->sk);
	iwarp_socket_hook(&conn->s);
	ret = iwarp_socket_dial(&conn->s);
	if (ret) {
		hosttcp_release(&conn->s.base, true);
		return ERR_PTR(ret);
	}
	return &conn->s.base;
}

static struct iwarp_conn *hosttcp_connect(const struct iwarp_connect_params *params,
					  const struct iwarp_watch *watch)
{
	return iwarp_ports_connect(params, watch, hosttcp_connect_from);
}

static int hosttcp_connected(struct iwarp_conn *base)
{
	int ret = iwarp_socket_connected(base);

	return ret ?: hosttcp_read_addrs(to_hosttcp_conn(base));
}

static int hosttcp_addrs(struct iwarp_conn *base, struct iwarp_addrs *addrs)
{
	*addrs = to_hosttcp_conn(base)->addrs;
	return 0;
}

static void hosttcp_release(struct iwarp_conn *base, bool reset)
{
	struct hosttcp_conn *conn = to_hosttcp_conn(base);
	struct iwarp_addrs addrs = conn->addrs;
	struct socket *sock = conn->s.sock;

	iwarp_socket_unhook(&conn->s);
	if (reset)
		sock_no_linger(sock->sk);
	if (conn->from_listener) {
		struct net *net = addrs.net;

		/* The socket's reference of its namespace goes with it. */
		get_net(net);
		sock_release(sock);
		iwarp_socket_in_time_wait(&addrs, true);
		portspace_accepted_del(&conn->accepted);
		put_net(net);
	} else {
		sock_release(sock);
	}
	kfree(conn);
}

static int hosttcp_flag(struct iwarp_conn *base, const char *device, u32 qpn)
{
	const struct portspace_flag flag = {
		.ulp = PORTSPACE_ULP_SIW,
		.device = device,
		.qpn = qpn,
	};

	return portspace_flag(to_iwarp_socket(base)->sock, &flag);
}

const struct iwarp_transport_ops iwarp_transport_tcp = {
	.listen = hosttcp_listen,
	.unlisten = hosttcp_unlisten,
	.accept = hosttcp_accept,
	.connect = hosttcp_connect,
	.connected = hosttcp_connected,
	.redial = iwarp_socket_redial,
	.watch = iwarp_socket_watch,
	.addrs = hosttcp_addrs,
	.send = iwarp_socket_send,
	.recv = iwarp_socket_recv,
	.peek = iwarp_socket_peek,
	.unsent = iwarp_socket_unsent,
	.shutdown = iwarp_socket_shutdown,
	.closing = iwarp_socket_closing,
	.release = hosttcp_release,
	.socket = iwarp_socket_socket,
	.flag = hosttcp_flag,
};
EXPORT_SYMBOL_GPL(iwarp_transport_tcp);
