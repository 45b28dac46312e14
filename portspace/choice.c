// SPDX-License-Identifier: GPL-2.0
/*
 * connect(2)'s choice of a port, made before there is a connection.
 *
 * An application of librdmacm asks once for the port that it connects from, when
 * its address is resolved, and keeps the answer. What has to be unique is the
 * 4-tuple, not the port; so the socket goes where a connecting one would go, into
 * the table of connections, and stays closed: TCP finds it there for whatever
 * arrives, and drops that. It is taken out before it really connects.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/net.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/transp_v6.h>
#include "reservation.h"

/* The socket's lock is the caller's. */
void choice_set_remote(struct sock *sk, const struct sockaddr_storage *remote)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)remote;
	const struct sockaddr_in *in = (const struct sockaddr_in *)remote;
	struct inet_sock *inet = inet_sk(sk);

	/* The port is the third and fourth octet of both. */
	inet->inet_dport = in->sin_port;
	if (remote->ss_family == AF_INET6) {
		sk->sk_v6_daddr = in6->sin6_addr;
		inet->inet_daddr = LOOPBACK4_IPV6;
	} else {
		sk_daddr_set(sk, in->sin_addr.s_addr);
	}
}

/*
 * Into the table of connections, unless one is there with the same ends. The
 * kernel's connect does just that, and sends nothing; it chooses the port if the
 * socket has none. The socket's lock is the caller's.
 */
int choice_hash(struct sock *sk)
{
	struct inet_timewait_death_row *row = &sock_net(sk)->ipv4.tcp_death_row;

	if (sk->sk_family == AF_INET6)
		return inet6_hash_connect(row, sk);
	return inet_hash_connect(row, sk);
}

/*
 * The socket is bound to a specific address, and to no port. Afterwards it holds
 * one, for as long as it lives, whatever becomes of its connection.
 */
int choice_make(struct socket *sock, const struct sockaddr_storage *remote)
{
	struct sock *sk = sock->sk;
	int ret;

	if (remote->ss_family != sk->sk_family)
		return -EAFNOSUPPORT;
	lock_sock(sk);
	choice_set_remote(sk, remote);
	ret = choice_hash(sk);
	if (!ret)
		sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
	release_sock(sk);
	return ret;
}

/* Before it connects, or is released. The port stays its own. */
void choice_release(struct socket *sock)
{
	struct sock *sk = sock->sk;

	lock_sock(sk);
	if (sk->sk_state == TCP_CLOSE && !sk_unhashed(sk))
		sk->sk_prot->unhash(sk);
	release_sock(sk);
}
