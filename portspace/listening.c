// SPDX-License-Identifier: GPL-2.0
/*
 * Who listens on a reserved port: the host's own TCP, for connections that it
 * accepts; a placeholder, for an adapter's TCP; or both. A port has one listening
 * socket, so with both it is the host's, and the placeholder shows when that
 * has left.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <net/inet_connection_sock.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include <net/tcp.h>
#include "portspace.h"
#include "placeholder.h"
#include "reservation.h"

/* The socket is locked, closed, and bound. */
static int listening_start_dressed(struct portspace_placeholder *ph, struct sock *sk)
{
	struct proto *prot = placeholder_prot(sk);
	int ret;

	if (!prot)
		return -EINVAL;
	ret = placeholder_dress(ph, prot);
	if (ret)
		return ret;
	WRITE_ONCE(sk->sk_max_ack_backlog, ph->backlog);
	ret = inet_csk_listen_start(sk);
	if (ret)
		placeholder_undress(sk);
	return ret;
}

static int listening_start_placeholder(struct portspace_placeholder *ph, struct socket *sock)
{
	struct sock *sk = sock->sk;
	int ret = -EINVAL;

	lock_sock(sk);
	if (sk->sk_state == TCP_CLOSE)
		ret = listening_start_dressed(ph, sk);
	release_sock(sk);
	return ret;
}

static void listening_stop_placeholder(struct sock *sk)
{
	lock_sock(sk);
	tcp_set_state(sk, TCP_CLOSE);
	inet_csk_listen_stop(sk);
	placeholder_undress(sk);
	release_sock(sk);
}

/* The port is held all the while. */
static void listening_wake(struct sock *sk, int backlog)
{
	lock_sock(sk);
	placeholder_undress(sk);
	WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
	release_sock(sk);
}

static int listening_start(struct portspace_placeholder *ph, struct socket *sock, int backlog)
{
	return ph ? listening_start_placeholder(ph, sock) : kernel_listen(sock, backlog);
}

/* What RDMA listeners accepted on the port is not in the way. */
static int listening_start_beside(struct portspace_reservation *res,
				  struct portspace_placeholder *ph, struct socket *sock,
				  int backlog)
{
	int ret = listening_start(ph, sock, backlog);

	if (ret != -EADDRINUSE || reservation_reuses(res) ||
	    !accepted_on_port(sock_net(sock->sk), inet_sk(sock->sk)->inet_num))
		return ret;
	reservation_allow_reuse(sock->sk, true);
	ret = listening_start(ph, sock, backlog);
	reservation_allow_reuse(sock->sk, reservation_reuses(res));
	return ret;
}

static void listening_put_to_sleep(struct portspace_reservation *res,
				   struct portspace_placeholder *ph, struct socket *sock)
{
	struct sock *sk = sock->sk;
	int ret;

	lock_sock(sk);
	tcp_set_state(sk, TCP_CLOSE);
	inet_csk_listen_stop(sk);
	release_sock(sk);
	/* What has found it listening is over before it is dressed, and no child inherits that. */
	synchronize_net();
	ret = listening_start_beside(res, ph, sock, ph->backlog);
	if (ret)
		pr_warn("portspace: port %u is held, but does not show as listening: %d\n",
			inet_sk(sk)->inet_num, ret);
}

/**
 * portspace_listen - listen on a reserved port
 * @res: the reservation, with its socket; not its wildcard with a late port
 * @backlog: as for listen(2)
 *
 * Connections that RDMA listeners accepted on the port are not in the way, nor is a
 * placeholder of the same reservation. May sleep.
 *
 * Return: 0, or the errno of listen(2).
 */
int portspace_listen(struct portspace_reservation *res, int backlog)
{
	struct reservation_listening *l = reservation_listening(res);
	struct socket *sock = portspace_socket(res);
	int ret = 0;

	if (!sock)
		return -EADDRINUSE;
	mutex_lock(&l->lock);
	/* It is not asleep if it could not be put to sleep. */
	if (l->placeholder && sock->sk->sk_state == TCP_LISTEN)
		listening_wake(sock->sk, backlog);
	else
		ret = listening_start_beside(res, NULL, sock, backlog);
	l->live = !ret;
	mutex_unlock(&l->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(portspace_listen);

/**
 * portspace_unlisten - what portspace_listen() began is over
 * @res: the reservation; its port stays bound
 *
 * What was not accepted is reset. May sleep.
 */
void portspace_unlisten(struct portspace_reservation *res)
{
	struct reservation_listening *l = reservation_listening(res);
	struct socket *sock = portspace_socket(res);

	mutex_lock(&l->lock);
	if (!l->placeholder)
		kernel_sock_shutdown(sock, SHUT_RD);
	else if (l->live)
		listening_put_to_sleep(res, l->placeholder, sock);
	l->live = false;
	mutex_unlock(&l->lock);
}
EXPORT_SYMBOL_GPL(portspace_unlisten);

/* -EADDRINUSE when there is one. */
int listening_stand_in(struct portspace_reservation *res, struct portspace_placeholder *ph)
{
	struct reservation_listening *l = reservation_listening(res);
	int ret = 0;

	mutex_lock(&l->lock);
	/* `ss -K` may have ended it. */
	if (ph->sock->sk->sk_state != TCP_LISTEN)
		l->live = false;
	if (l->placeholder)
		ret = -EADDRINUSE;
	else if (!l->live)
		ret = listening_start_beside(res, ph, ph->sock, ph->backlog);
	if (!ret)
		l->placeholder = ph;
	mutex_unlock(&l->lock);
	return ret;
}

void listening_stand_down(struct portspace_reservation *res, struct portspace_placeholder *ph)
{
	struct reservation_listening *l = reservation_listening(res);

	mutex_lock(&l->lock);
	l->placeholder = NULL;
	if (!l->live)
		listening_stop_placeholder(ph->sock->sk);
	mutex_unlock(&l->lock);
}
