// SPDX-License-Identifier: GPL-2.0
/*
 * A connection that is a kernel's TCP socket: its callbacks, what is sent and
 * received before there is a stream, and how it closes.
 */
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/net.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/ip.h>
#include <net/inet_hashtables.h>
#include <net/inet6_hashtables.h>
#include <net/inet_timewait_sock.h>
#include "iwarp_socket.h"

/* What is thrown away in one go while a connection closes */
#define SOCKET_DISCARD_MAX	SZ_1M

/* See iwarp_socket_reclassify() */
static struct lock_class_key socket_slock_keys[2];
static struct lock_class_key socket_lock_keys[2];

static int socket_addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
					     sizeof(struct sockaddr_in);
}

/*
 * TCP calls it under the socket's lock, and it is exchanged under that and under
 * sk_callback_lock; a QP that has the socket has its own in place, and its own
 * sk_user_data. So what is found here under sk_callback_lock is ours only if the
 * callback still is. A child is born with its listener's callbacks, but not with
 * its data.
 */
static void socket_notify(struct sock *sk)
{
	struct iwarp_watch *watch;

	read_lock_bh(&sk->sk_callback_lock);
	watch = __locked_read_sk_user_data_with_flags(sk, SK_USER_DATA_NOCOPY);
	if (watch && sk->sk_data_ready == socket_notify)
		watch->notify(watch->context);
	read_unlock_bh(&sk->sk_callback_lock);
}

/**
 * iwarp_callbacks_save - remember what TCP has in a socket
 * @saved: is set
 * @sk: a socket that is not hooked
 */
void iwarp_callbacks_save(struct iwarp_callbacks *saved, struct sock *sk)
{
	saved->data_ready = sk->sk_data_ready;
	saved->state_change = sk->sk_state_change;
}
EXPORT_SYMBOL_GPL(iwarp_callbacks_save);

static void callbacks_set(struct sock *sk, struct iwarp_watch *watch,
			  const struct iwarp_callbacks *callbacks)
{
	lock_sock(sk);
	write_lock_bh(&sk->sk_callback_lock);
	if (watch)
		__rcu_assign_sk_user_data_with_flags(sk, watch, SK_USER_DATA_NOCOPY);
	else
		rcu_assign_sk_user_data(sk, NULL);
	sk->sk_data_ready = callbacks->data_ready;
	sk->sk_state_change = callbacks->state_change;
	write_unlock_bh(&sk->sk_callback_lock);
	release_sock(sk);
}

/**
 * iwarp_callbacks_hook - have somebody told of what happens to a socket
 * @sk: the socket
 * @watch: whom; lives until iwarp_callbacks_unhook()
 *
 * May sleep, as it locks the socket.
 */
void iwarp_callbacks_hook(struct sock *sk, struct iwarp_watch *watch)
{
	static const struct iwarp_callbacks hooked = {
		.data_ready = socket_notify,
		.state_change = socket_notify,
	};

	callbacks_set(sk, watch, &hooked);
}
EXPORT_SYMBOL_GPL(iwarp_callbacks_hook);

/**
 * iwarp_callbacks_unhook - have nobody told
 * @sk: the socket
 * @saved: what it had before
 *
 * No notification is running or comes any more after return. May sleep.
 */
void iwarp_callbacks_unhook(struct sock *sk, const struct iwarp_callbacks *saved)
{
	callbacks_set(sk, NULL, saved);
}
EXPORT_SYMBOL_GPL(iwarp_callbacks_unhook);

/**
 * iwarp_socket_hook - begin to watch a connection of one's own making
 * @s: the connection, with its watch
 */
void iwarp_socket_hook(struct iwarp_socket *s)
{
	iwarp_callbacks_save(&s->saved, s->sock->sk);
	iwarp_callbacks_hook(s->sock->sk, &s->base.watch);
}
EXPORT_SYMBOL_GPL(iwarp_socket_hook);

/**
 * iwarp_socket_unhook - before the socket is released
 * @s: the connection
 */
void iwarp_socket_unhook(struct iwarp_socket *s)
{
	iwarp_callbacks_unhook(s->sock->sk, &s->saved);
}
EXPORT_SYMBOL_GPL(iwarp_socket_unhook);

/**
 * iwarp_socket_reclassify - locks of a class of their own, for a TCP beside the host's
 * @sk: a new socket
 *
 * It may be locked inside rdma_cm's global mutex and inside a socket of the host's,
 * so no lock of it may be one that is taken around those somewhere else. The
 * classes are here because lockdep keeps their module as long as there are such
 * sockets, and an adapter's driver may go before.
 */
void iwarp_socket_reclassify(struct sock *sk)
{
	if (sk->sk_family == AF_INET)
		sock_lock_init_class_and_name(sk, "slock-AF_INET-RNIC", &socket_slock_keys[0],
					      "sk_lock-AF_INET-RNIC", &socket_lock_keys[0]);
	else
		sock_lock_init_class_and_name(sk, "slock-AF_INET6-RNIC", &socket_slock_keys[1],
					      "sk_lock-AF_INET6-RNIC", &socket_lock_keys[1]);
}
EXPORT_SYMBOL_GPL(iwarp_socket_reclassify);

/**
 * iwarp_socket_set_tos - type of service, or traffic class
 * @sock: of either family
 * @tos: the octet
 */
void iwarp_socket_set_tos(struct socket *sock, u8 tos)
{
	int tclass = tos;

	ip_sock_set_tos(sock->sk, tos);
	if (sock->sk->sk_family == AF_INET6)
		sock->ops->setsockopt(sock, SOL_IPV6, IPV6_TCLASS,
				      KERNEL_SOCKPTR(&tclass), sizeof(tclass));
}
EXPORT_SYMBOL_GPL(iwarp_socket_set_tos);

/* One of the two ends of an AF_INET6 socket may be an IPv4 address. */
static void socket_unmap(struct sockaddr_storage *addr)
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

/**
 * iwarp_socket_pair - where a connected socket is
 * @sock: the socket
 * @local: is set; AF_INET rather than a mapped address
 * @remote: likewise
 *
 * Return: 0, or -ENOTCONN.
 */
int iwarp_socket_pair(struct socket *sock, struct sockaddr_storage *local,
		      struct sockaddr_storage *remote)
{
	int ret;

	memset(local, 0, sizeof(*local));
	memset(remote, 0, sizeof(*remote));
	ret = kernel_getsockname(sock, (struct sockaddr *)local);
	if (ret < 0)
		return ret;
	ret = kernel_getpeername(sock, (struct sockaddr *)remote);
	if (ret < 0)
		return ret;
	socket_unmap(local);
	socket_unmap(remote);
	return 0;
}
EXPORT_SYMBOL_GPL(iwarp_socket_pair);

/* Connecting */

/**
 * iwarp_socket_dial - connect, or ask how that goes
 * @s: the connection, with @s->remote
 *
 * Return: 0 if it is under way or done, or what connect(2) says; -EALREADY: it is
 * under way since an earlier call.
 */
int iwarp_socket_dial(struct iwarp_socket *s)
{
	struct sockaddr_storage remote = s->remote;
	int ret;

	ret = kernel_connect(s->sock, (struct sockaddr *)&remote, socket_addr_len(&remote),
			     O_NONBLOCK);
	return ret == -EINPROGRESS ? 0 : ret;
}
EXPORT_SYMBOL_GPL(iwarp_socket_dial);

int iwarp_socket_connected(struct iwarp_conn *conn)
{
	/* Asked again, connect(2) tells how the first attempt goes. */
	int ret = iwarp_socket_dial(to_iwarp_socket(conn));

	return ret == -EALREADY ? -EINPROGRESS : ret;
}
EXPORT_SYMBOL_GPL(iwarp_socket_connected);

int iwarp_socket_redial(struct iwarp_conn *conn)
{
	struct iwarp_socket *s = to_iwarp_socket(conn);
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int ret;

	ret = kernel_connect(s->sock, &unspec, sizeof(unspec), 0);
	if (ret)
		return ret;
	sock_error(s->sock->sk);
	return iwarp_socket_dial(s);
}
EXPORT_SYMBOL_GPL(iwarp_socket_redial);

void iwarp_socket_watch(struct iwarp_conn *conn, const struct iwarp_watch *watch)
{
	conn->watch = *watch;
	iwarp_callbacks_hook(to_iwarp_socket(conn)->sock->sk, &conn->watch);
}
EXPORT_SYMBOL_GPL(iwarp_socket_watch);

/* MPA frames */

int iwarp_socket_send(struct iwarp_conn *conn, const void *buf, size_t len)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	struct kvec vec = { .iov_base = (void *)buf, .iov_len = len };
	int ret;

	ret = kernel_sendmsg(to_iwarp_socket(conn)->sock, &msg, &vec, 1, len);
	if (ret < 0)
		return ret;
	return ret == len ? 0 : -ENOBUFS;
}
EXPORT_SYMBOL_GPL(iwarp_socket_send);

int iwarp_socket_recv(struct iwarp_conn *conn, void *buf, size_t len)
{
	struct msghdr msg = {};
	struct kvec vec = { .iov_base = buf, .iov_len = len };

	return kernel_recvmsg(to_iwarp_socket(conn)->sock, &msg, &vec, 1, len, MSG_DONTWAIT);
}
EXPORT_SYMBOL_GPL(iwarp_socket_recv);

int iwarp_socket_peek(struct iwarp_conn *conn)
{
	struct msghdr msg = {};
	u8 octet;
	struct kvec vec = { .iov_base = &octet, .iov_len = 1 };

	return kernel_recvmsg(to_iwarp_socket(conn)->sock, &msg, &vec, 1, 1,
			      MSG_DONTWAIT | MSG_PEEK);
}
EXPORT_SYMBOL_GPL(iwarp_socket_peek);

/* Closing */

u32 iwarp_socket_unsent(struct iwarp_conn *conn)
{
	const struct tcp_sock *tp = tcp_sk(to_iwarp_socket(conn)->sock->sk);

	return READ_ONCE(tp->write_seq) - READ_ONCE(tp->snd_una);
}
EXPORT_SYMBOL_GPL(iwarp_socket_unsent);

void iwarp_socket_shutdown(struct iwarp_conn *conn)
{
	kernel_sock_shutdown(to_iwarp_socket(conn)->sock, SHUT_WR);
}
EXPORT_SYMBOL_GPL(iwarp_socket_shutdown);

static void socket_discard(struct socket *sock)
{
	struct msghdr msg = {};

	kernel_recvmsg(sock, &msg, NULL, 0, SOCKET_DISCARD_MAX, MSG_DONTWAIT | MSG_TRUNC);
}

enum iwarp_closing iwarp_socket_closing(struct iwarp_conn *conn)
{
	struct socket *sock = to_iwarp_socket(conn)->sock;

	socket_discard(sock);
	switch (inet_sk_state_load(sock->sk)) {
	case TCP_CLOSE:
		return IWARP_CLOSING_DONE;
	case TCP_FIN_WAIT2:
		return IWARP_CLOSING_SENT;
	default:
		return IWARP_CLOSING_SENDING;
	}
}
EXPORT_SYMBOL_GPL(iwarp_socket_closing);

struct socket *iwarp_socket_socket(struct iwarp_conn *conn)
{
	return to_iwarp_socket(conn)->sock;
}
EXPORT_SYMBOL_GPL(iwarp_socket_socket);

static struct sock *socket_lookup(const struct iwarp_addrs *addrs)
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

/**
 * iwarp_socket_in_time_wait - whether TCP still remembers a connection that is over
 * @addrs: where it was, in the namespace of its TCP, which the caller keeps
 * @end: have it forgotten
 *
 * The side that closes first is left with a TIME_WAIT, which keeps the port
 * from the next listener. RDMA servers have never met that. When both FINs are
 * through, all that is lost with it is the answer to a retransmitted FIN.
 *
 * Return: whether there was one.
 */
bool iwarp_socket_in_time_wait(const struct iwarp_addrs *addrs, bool end)
{
	bool waits = false;
	struct sock *sk;

	local_bh_disable();
	rcu_read_lock();
	sk = socket_lookup(addrs);
	if (sk) {
		waits = sk->sk_state == TCP_TIME_WAIT;
		if (waits && end)
			inet_twsk_deschedule_put(inet_twsk(sk));
		else
			sock_gen_put(sk);
	}
	rcu_read_unlock();
	local_bh_enable();
	return waits;
}
EXPORT_SYMBOL_GPL(iwarp_socket_in_time_wait);
