// SPDX-License-Identifier: GPL-2.0
/*
 * A placeholder's life: it takes its port the way its kind does, is dressed up
 * before it is in any table, and undressed only when it is in none.
 */
#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <net/inet6_hashtables.h>
#include <net/inet_connection_sock.h>
#include <net/inet_hashtables.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/transp_v6.h>
#include "portspace.h"
#include "portspace_placeholder.h"
#include "placeholder.h"
#include "reservation.h"
#include "trace.h"

static struct portspace_placeholder *placeholder_alloc(enum placeholder_kind kind,
						       const struct portspace_owner *owner)
{
	struct portspace_placeholder *ph = kzalloc(sizeof(*ph), GFP_KERNEL);

	if (!ph)
		return NULL;
	kref_init(&ph->ref);
	refcount_set(&ph->users, 1);
	init_completion(&ph->unused);
	mutex_init(&ph->lock);
	INIT_LIST_HEAD(&ph->item);
	ph->kind = kind;
	ph->owner = *owner;
	return ph;
}

static void placeholder_free(struct portspace_placeholder *ph)
{
	mutex_destroy(&ph->lock);
	kfree(ph);
}

/**
 * portspace_placeholder_listen - stand in for a listener
 * @res: where; kept until the placeholder is destroyed, and bound as before then
 * @backlog: what ss shows as such
 * @flag: what to say of it, as in portspace_flag(); its @ulp is not looked at
 * @owner: who gets what the host receives for it; copied
 *
 * Takes the port as listen() does, and refuses it to listeners as that does. While
 * the host's TCP listens there by portspace_listen(), the placeholder catches
 * nothing, and of it there is the flag only. May sleep.
 *
 * Return: a placeholder with one reference, or the errno of listen(2).
 */
struct portspace_placeholder *portspace_placeholder_listen(struct portspace_reservation *res,
							   int backlog,
							   const struct portspace_flag *flag,
							   const struct portspace_owner *owner)
{
	struct socket *sock = portspace_socket(res);
	struct portspace_placeholder *ph;
	struct net *net;
	int ret;

	if (!sock)
		return ERR_PTR(-EADDRINUSE);
	ph = placeholder_alloc(PLACEHOLDER_LISTENER, owner);
	if (!ph)
		return ERR_PTR(-ENOMEM);
	net = sock_net(sock->sk);
	ph->sock = sock;
	ph->res = res;
	ph->backlog = backlog;
	portspace_addr(res, &ph->pair.local);
	ph->pair.remote.ss_family = ph->pair.local.ss_family;

	ret = placeholder_enlist(ph, net);
	if (ret)
		goto err_free;
	ret = listening_stand_in(res, ph);
	if (ret)
		goto err_delist;
	ret = portspace_placeholder_flag(ph, flag);
	if (ret)
		goto err_stand_down;
	portspace_get(res);
	placeholder_show(ph);
	return ph;

err_stand_down:
	listening_stand_down(res, ph);
err_delist:
	/* It may have been dressed for a moment, and found. */
	placeholder_leave(ph);
	wait_for_completion(&ph->unused);
	placeholder_delist(ph, net);
err_free:
	placeholder_free(ph);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(portspace_placeholder_listen);

static void placeholder_set_local(struct sock *sk, const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *in = (const struct sockaddr_in *)addr;
	struct inet_sock *inet = inet_sk(sk);

	if (addr->ss_family == AF_INET6) {
		sk->sk_v6_rcv_saddr = in6->sin6_addr;
		inet6_sk(sk)->saddr = in6->sin6_addr;
		inet->inet_saddr = LOOPBACK4_IPV6;
		inet->inet_rcv_saddr = LOOPBACK4_IPV6;
	} else {
		inet->inet_saddr = in->sin_addr.s_addr;
		sk_rcv_saddr_set(sk, in->sin_addr.s_addr);
	}
}

static __be16 placeholder_port(const struct sockaddr_storage *addr)
{
	/* At the same place in both families */
	return ((const struct sockaddr_in *)addr)->sin_port;
}

/* Link-local addresses are an interface's. */
static int placeholder_ifindex(const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;

	if (addr->ss_family != AF_INET6 ||
	    !__ipv6_addr_needs_scope_id(ipv6_addr_type(&in6->sin6_addr)))
		return 0;
	return in6->sin6_scope_id;
}

static bool placeholder_is_any(const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET6)
		return ipv6_addr_any(&((const struct sockaddr_in6 *)addr)->sin6_addr);
	return !((const struct sockaddr_in *)addr)->sin_addr.s_addr;
}

static bool placeholder_pair_fits(const struct portspace_pair *pair)
{
	const struct sockaddr_in6 *local = (const struct sockaddr_in6 *)&pair->local;
	const struct sockaddr_in6 *remote = (const struct sockaddr_in6 *)&pair->remote;

	if (pair->local.ss_family != pair->remote.ss_family || !placeholder_port(&pair->remote))
		return false;
	if (placeholder_is_any(&pair->local) || placeholder_is_any(&pair->remote))
		return false;
	if (pair->local.ss_family == AF_INET)
		return true;
	return pair->local.ss_family == AF_INET6 && !ipv6_addr_v4mapped(&local->sin6_addr) &&
	       !ipv6_addr_v4mapped(&remote->sin6_addr);
}

static int placeholder_hash(struct sock *sk)
{
	int ret;

	/* What ss makes of "never" looks odd. */
	tcp_sk(sk)->lsndtime = tcp_jiffies32;
	tcp_sk(sk)->rcv_tstamp = tcp_jiffies32;
	inet_csk(sk)->icsk_ack.lrcvtime = tcp_jiffies32;
	tcp_set_state(sk, TCP_ESTABLISHED);
	ret = choice_hash(sk);
	if (!ret)
		sk->sk_socket->state = SS_CONNECTED;
	return ret;
}

/* Adds what does not depend on how the port is taken, and puts it into the tables. */
static int placeholder_establish(struct portspace_placeholder *ph,
				 const struct portspace_flag *flag,
				 int (*take_port)(struct portspace_placeholder *ph, void *data),
				 void *data)
{
	struct sock *sk = ph->sock->sk;
	struct proto *prot;
	int ret;

	prot = placeholder_prot(sk);
	if (!prot)
		return -EINVAL;
	ret = portspace_placeholder_flag(ph, flag);
	if (ret)
		return ret;
	lock_sock(sk);
	ret = placeholder_dress(ph, prot);
	ret = ret ?: take_port(ph, data);
	ret = ret ?: placeholder_hash(sk);
	release_sock(sk);
	if (ret)
		return ret;
	((struct sockaddr_in *)&ph->pair.local)->sin_port = inet_sk(sk)->inet_sport;
	placeholder_show(ph);
	return 0;
}

static struct portspace_placeholder *
placeholder_connection(enum placeholder_kind kind, struct socket *sock,
		       const struct portspace_pair *pair, const struct portspace_flag *flag,
		       const struct portspace_owner *owner,
		       int (*take_port)(struct portspace_placeholder *ph, void *data), void *data)
{
	struct portspace_placeholder *ph;
	struct net *net = sock_net(sock->sk);
	int ret;

	ph = placeholder_alloc(kind, owner);
	if (!ph) {
		sock_release(sock);
		return ERR_PTR(-ENOMEM);
	}
	ph->sock = sock;
	ph->pair = *pair;
	/* The socket's reference may be the last. */
	get_net(net);
	ret = placeholder_enlist(ph, net);
	if (ret)
		goto err_release;
	ret = placeholder_establish(ph, flag, take_port, data);
	if (ret)
		goto err_delist;
	if (kind == PLACEHOLDER_ACCEPTED)
		portspace_accepted_add(&ph->accepted, sock);
	put_net(net);
	return ph;

err_delist:
	sock_release(sock);
	placeholder_leave(ph);
	wait_for_completion(&ph->unused);
	placeholder_delist(ph, net);
	put_net(net);
	placeholder_free(ph);
	return ERR_PTR(ret);

err_release:
	sock_release(sock);
	put_net(net);
	placeholder_free(ph);
	return ERR_PTR(ret);
}

/* What accept() would have done: it is its listener's user's, and as liberal with its port. */
static void placeholder_inherit(struct socket *sock, const struct socket *listener)
{
	struct sock *sk = sock->sk;

	SOCK_INODE(sock)->i_uid = SOCK_INODE((struct socket *)listener)->i_uid;
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_uid = listener->sk->sk_uid;
	write_unlock_bh(&sk->sk_callback_lock);
	sk->sk_reuse = listener->sk->sk_reuse;
	sk->sk_reuseport = listener->sk->sk_reuseport;
	sk->sk_ipv6only = listener->sk->sk_ipv6only;
	sk->sk_bound_dev_if = listener->sk->sk_bound_dev_if;
}

static int placeholder_take_listeners_port(struct portspace_placeholder *ph, void *data)
{
	int ifindex = placeholder_ifindex(&ph->pair.local);
	const struct socket *listener = data;
	struct sock *sk = ph->sock->sk;
	int ret;

	placeholder_inherit(ph->sock, listener);
	if (ifindex)
		sk->sk_bound_dev_if = ifindex;
	placeholder_set_local(sk, &ph->pair.local);
	choice_set_remote(sk, &ph->pair.remote);
	inet_sk(sk)->inet_num = ntohs(placeholder_port(&ph->pair.local));
	inet_sk(sk)->inet_sport = placeholder_port(&ph->pair.local);
	local_bh_disable();
	ret = __inet_inherit_port(listener->sk, sk);
	local_bh_enable();
	/* Without a bucket it is not bound, and must not seem to be. */
	if (ret)
		inet_sk(sk)->inet_num = 0;
	return ret;
}

/**
 * portspace_placeholder_accept - stand in for a connection that was accepted
 * @listener: the reservation that it came through; its socket may be a
 *	placeholder that listens, may listen itself, or has stopped to
 * @pair: where it is; the local port has to be the listener's
 * @flag: what to say of it, as in portspace_flag(); its @ulp is not looked at
 * @owner: who gets what the host receives for it; copied
 *
 * Shares the port as an accepted connection does, and has the listener's user.
 * May sleep, in any context and namespace.
 *
 * Return: a placeholder with one reference; -EADDRNOTAVAIL: there is a
 * connection with these ends; or another errno.
 */
struct portspace_placeholder *portspace_placeholder_accept(struct portspace_reservation *listener,
							   const struct portspace_pair *pair,
							   const struct portspace_flag *flag,
							   const struct portspace_owner *owner)
{
	struct socket *parent = portspace_socket(listener);
	struct socket *sock;
	int ret;

	if (!placeholder_pair_fits(pair))
		return ERR_PTR(-EINVAL);
	if (!parent || ntohs(placeholder_port(&pair->local)) != inet_sk(parent->sk)->inet_num)
		return ERR_PTR(-EINVAL);
	ret = __sock_create(sock_net(parent->sk), pair->local.ss_family, SOCK_STREAM, IPPROTO_TCP,
			    &sock, 0);
	if (ret)
		return ERR_PTR(ret);
	reservation_reclassify(sock->sk);
	return placeholder_connection(PLACEHOLDER_ACCEPTED, sock, pair, flag, owner,
				      placeholder_take_listeners_port, parent);
}
EXPORT_SYMBOL_GPL(portspace_placeholder_accept);

/* A wildcard becomes the address that is meant; a bound one has to be that. */
static int placeholder_settle_local(struct sock *sk, const struct sockaddr_storage *addr)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;
	int ifindex = placeholder_ifindex(addr);
	int ret;

	if (ifindex && !sk->sk_bound_dev_if)
		sk->sk_bound_dev_if = ifindex;
	if (addr->ss_family == AF_INET) {
		if (inet_sk(sk)->inet_rcv_saddr)
			return inet_sk(sk)->inet_rcv_saddr == in->sin_addr.s_addr ? 0 : -EINVAL;
		return inet_bhash2_update_saddr(sk, &in->sin_addr.s_addr, AF_INET);
	}
	if (!ipv6_addr_any(&sk->sk_v6_rcv_saddr))
		return ipv6_addr_equal(&sk->sk_v6_rcv_saddr, &in6->sin6_addr) ? 0 : -EINVAL;
	ret = inet_bhash2_update_saddr(sk, &in6->sin6_addr, AF_INET6);
	if (!ret)
		placeholder_set_local(sk, addr);
	return ret;
}

static int placeholder_take_own_port(struct portspace_placeholder *ph, void *unused)
{
	struct sock *sk = ph->sock->sk;
	int ret;

	if (sk->sk_state != TCP_CLOSE || sk->sk_family != ph->pair.local.ss_family)
		return -EINVAL;
	ret = placeholder_settle_local(sk, &ph->pair.local);
	if (!ret)
		choice_set_remote(sk, &ph->pair.remote);
	return ret;
}

/**
 * portspace_placeholder_connect - stand in for a connection that is being made
 * @res: the local end; with @late_port the port is chosen here, by both ends, as
 *	connect() does. Its socket is taken, and gone also in case of an error.
 * @pair: where it is; the local port is not looked at
 * @flag: what to say of it, as in portspace_flag(); its @ulp is not looked at
 * @owner: who gets what the host receives for it; copied
 *
 * portspace_placeholder_pair() tells the port. May sleep.
 *
 * Return: a placeholder with one reference; -EADDRNOTAVAIL: there is a
 * connection with these ends, or no port is left; -EADDRINUSE: the reservation's
 * socket is gone; or another errno.
 */
struct portspace_placeholder *portspace_placeholder_connect(struct portspace_reservation *res,
							    const struct portspace_pair *pair,
							    const struct portspace_flag *flag,
							    const struct portspace_owner *owner)
{
	struct socket *sock;

	if (!placeholder_pair_fits(pair))
		return ERR_PTR(-EINVAL);
	sock = portspace_take_socket(res);
	if (!sock)
		return ERR_PTR(-EADDRINUSE);
	return placeholder_connection(PLACEHOLDER_ACTIVE, sock, pair, flag, owner,
				      placeholder_take_own_port, NULL);
}
EXPORT_SYMBOL_GPL(portspace_placeholder_connect);

/**
 * portspace_placeholder_flag - change what a placeholder says of itself
 * @ph: the placeholder
 * @flag: as in portspace_flag(); its @ulp is not looked at
 *
 * Return: 0; -ENOTCONN: it was destroyed; or another errno.
 */
int portspace_placeholder_flag(struct portspace_placeholder *ph, const struct portspace_flag *flag)
{
	struct portspace_flag offload = *flag;
	int ret = -ENOTCONN;

	offload.ulp = PORTSPACE_ULP_OFFLOAD;
	mutex_lock(&ph->lock);
	if (ph->sock)
		ret = portspace_flag(ph->sock, &offload);
	mutex_unlock(&ph->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(portspace_placeholder_flag);

/**
 * portspace_placeholder_closing - both ends have closed, and TCP remembers that
 * @ph: of a connection
 *
 * What is in TIME_WAIT shows as CLOSING from now on: a socket of that other state is
 * the host's TCP's own, and would answer. May sleep.
 */
void portspace_placeholder_closing(struct portspace_placeholder *ph)
{
	mutex_lock(&ph->lock);
	if (ph->sock && ph->kind != PLACEHOLDER_LISTENER) {
		lock_sock(ph->sock->sk);
		tcp_set_state(ph->sock->sk, TCP_CLOSING);
		release_sock(ph->sock->sk);
	}
	mutex_unlock(&ph->lock);
}
EXPORT_SYMBOL_GPL(portspace_placeholder_closing);

/**
 * portspace_placeholder_pair - where a placeholder is
 * @ph: the placeholder
 * @pair: is set; a listener's remote end is empty
 */
void portspace_placeholder_pair(const struct portspace_placeholder *ph, struct portspace_pair *pair)
{
	*pair = ph->pair;
}
EXPORT_SYMBOL_GPL(portspace_placeholder_pair);

/**
 * portspace_placeholder_leaks - how much the host received that was meant for it
 * @ph: the placeholder
 *
 * Return: number of packets.
 */
u64 portspace_placeholder_leaks(const struct portspace_placeholder *ph)
{
	return atomic64_read(&ph->leaks);
}
EXPORT_SYMBOL_GPL(portspace_placeholder_leaks);

/**
 * portspace_placeholder_get - take another reference of a placeholder
 * @ph: the placeholder
 */
void portspace_placeholder_get(struct portspace_placeholder *ph)
{
	kref_get(&ph->ref);
}
EXPORT_SYMBOL_GPL(portspace_placeholder_get);

static void placeholder_end(struct portspace_placeholder *ph)
{
	struct socket *sock = ph->sock;
	struct net *net = get_net(sock_net(sock->sk));

	trace_portspace_placeholder_destroy(&ph->pair.local, &ph->pair.remote);
	placeholder_hide(ph);
	if (ph->kind == PLACEHOLDER_ACCEPTED)
		portspace_accepted_del(&ph->accepted);
	if (ph->kind == PLACEHOLDER_LISTENER) {
		portspace_unflag(sock);
		listening_stand_down(ph->res, ph);
	} else {
		sock_release(sock);
	}
	ph->sock = NULL;

	placeholder_leave(ph);
	wait_for_completion(&ph->unused);
	placeholder_delist(ph, net);
	if (ph->res)
		portspace_put(ph->res);
	put_net(net);
}

/**
 * portspace_placeholder_destroy - take a placeholder out of the host's tables
 * @ph: the placeholder, or NULL
 *
 * Its port is free then, unless others have it, too. Neither of the owner's
 * callbacks is running or comes any more; so none of them may call this. May be
 * called again, and waits then until it is done. May sleep.
 */
void portspace_placeholder_destroy(struct portspace_placeholder *ph)
{
	if (!ph)
		return;
	mutex_lock(&ph->lock);
	if (ph->sock)
		placeholder_end(ph);
	mutex_unlock(&ph->lock);
}
EXPORT_SYMBOL_GPL(portspace_placeholder_destroy);

static void placeholder_last_put(struct kref *ref)
{
	struct portspace_placeholder *ph = container_of(ref, struct portspace_placeholder, ref);

	portspace_placeholder_destroy(ph);
	placeholder_free(ph);
}

/**
 * portspace_placeholder_put - drop a reference of a placeholder
 * @ph: the placeholder
 *
 * The last one destroys it. May sleep.
 */
void portspace_placeholder_put(struct portspace_placeholder *ph)
{
	kref_put(&ph->ref, placeholder_last_put);
}
EXPORT_SYMBOL_GPL(portspace_placeholder_put);
