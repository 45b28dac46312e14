// SPDX-License-Identifier: GPL-2.0
/*
 * A placeholder's life: it takes its port the way its kind does, is dressed up
 * before it is in any table, and undressed only when it is in none.
 */
#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/netfilter.h>
#include <linux/proc_fs.h>
#include <linux/refcount.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <net/inet6_hashtables.h>
#include <net/inet_connection_sock.h>
#include <net/inet_hashtables.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/transp_v6.h>
#include "portspace.h"
#include "portspace_placeholder.h"
#include "guard.h"
#include "placeholder.h"
#include "reservation.h"
#include "trace.h"

enum placeholder_kind {
	PLACEHOLDER_LISTENER,
	PLACEHOLDER_ACCEPTED,
	PLACEHOLDER_ACTIVE,
};

/**
 * struct portspace_placeholder - a socket in the host's tables, and its owner
 * @ref: of the memory
 * @users: one until it is destroyed, one for each callback that is running
 * @unused: completed by the last of @users
 * @rcu: callbacks find it through sk_user_data without a lock
 * @lock: destroying, flagging
 * @item: in struct placeholders, under its lock
 * @kind: how it has its port
 * @sock: NULL once it was destroyed; a listener's is @res's
 * @res: of a listener: a reference
 * @owner: never changes
 * @pair: where it is; a listener's remote end is empty
 * @leaks: packets that were caught
 */
struct portspace_placeholder {
	struct kref ref;
	refcount_t users;
	struct completion unused;
	struct rcu_head rcu;
	struct mutex lock;	/* sock */
	struct list_head item;
	enum placeholder_kind kind;
	struct socket *sock;
	struct portspace_reservation *res;
	struct portspace_owner owner;
	struct portspace_pair pair;
	atomic64_t leaks;
};

/* Own operations, and TCP's from which they were made; by address family */
static struct proto placeholder_prots[2];
static struct proto *placeholder_bases[2];
static DEFINE_MUTEX(placeholder_prots_lock);

static unsigned int placeholder_net_id;

struct placeholders *placeholders_of(const struct net *net)
{
	return net_generic(net, placeholder_net_id);
}

bool placeholder_is(const struct sock *sk)
{
	const struct proto *prot;

	if (!sk_fullsock(sk))
		return false;
	prot = READ_ONCE(sk->sk_prot);
	return prot == &placeholder_prots[0] || prot == &placeholder_prots[1];
}

/* Callbacks: from enter to leave the placeholder cannot go. */

static struct portspace_placeholder *placeholder_enter(struct sock *sk)
{
	struct portspace_placeholder *ph;

	rcu_read_lock();
	ph = rcu_dereference_sk_user_data(sk);
	if (ph && !refcount_inc_not_zero(&ph->users))
		ph = NULL;
	rcu_read_unlock();
	return ph;
}

static void placeholder_leave(struct portspace_placeholder *ph)
{
	if (refcount_dec_and_test(&ph->users))
		complete(&ph->unused);
}

/**
 * placeholder_catch() - the host got something for a placeholder
 * @sk: the placeholder
 * @skb: for it, or about it
 * @whole: not a fragment, which nobody can make use of
 *
 * Return: the netfilter verdict; @skb is gone if that is NF_STOLEN, and with it
 * perhaps @sk.
 */
unsigned int placeholder_catch(struct sock *sk, struct sk_buff *skb, bool whole)
{
	unsigned int packets = max_t(unsigned int, skb_shinfo(skb)->gso_segs, 1);
	struct portspace_placeholder *ph;
	unsigned int verdict = NF_DROP;

	atomic64_add(packets, &placeholders_of(sock_net(sk))->leaks);
	ph = placeholder_enter(sk);
	if (!ph)
		return NF_DROP;
	atomic64_add(packets, &ph->leaks);
	trace_portspace_leak(&ph->pair.local, &ph->pair.remote);
	if (whole && ph->owner.stray) {
		skb_orphan(skb);
		skb_dst_drop(skb);
		nf_reset_ct(skb);
		ph->owner.stray(ph->owner.context, skb);
		verdict = NF_STOLEN;
	}
	placeholder_leave(ph);
	return verdict;
}

/* Operations of the socket */

/* Without a FIN: what the peer hears is the business of the TCP that it talks to. */
static void placeholder_close(struct sock *sk, long timeout)
{
	struct proto *base = placeholder_bases[sk->sk_family == AF_INET6];

	lock_sock(sk);
	tcp_set_state(sk, TCP_CLOSE);
	rcu_assign_sk_user_data(sk, NULL);
	WRITE_ONCE(sk->sk_prot, base);
	release_sock(sk);
	base->close(sk, timeout);
}

/* Without a RST: who owns it ends the connection where it is. */
static int placeholder_diag_destroy(struct sock *sk, int error)
{
	struct portspace_placeholder *ph = placeholder_enter(sk);
	int ret = -EOPNOTSUPP;

	if (!ph)
		return -ENOENT;
	trace_portspace_kill(&ph->pair.local, &ph->pair.remote);
	if (ph->owner.killed) {
		ph->owner.killed(ph->owner.context);
		ret = 0;
	}
	placeholder_leave(ph);
	return ret;
}

/* Without a FIN, and without timers: nothing may be sent. */
static void placeholder_shutdown(struct sock *sk, int how)
{
}

static int placeholder_disconnect(struct sock *sk, int flags)
{
	return -EOPNOTSUPP;
}

static void placeholder_keepalive(struct sock *sk, int value)
{
}

/*
 * TCP's own operations are not exported, so they are taken from the first
 * socket; every TCP socket that is fresh from the kernel has the same.
 */
static struct proto *placeholder_prot(const struct sock *sk)
{
	unsigned int family = sk->sk_family == AF_INET6;
	struct proto *prot = &placeholder_prots[family];

	mutex_lock(&placeholder_prots_lock);
	if (!placeholder_bases[family]) {
		*prot = *sk->sk_prot;
		prot->close = placeholder_close;
		prot->diag_destroy = placeholder_diag_destroy;
		prot->shutdown = placeholder_shutdown;
		prot->disconnect = placeholder_disconnect;
		prot->keepalive = placeholder_keepalive;
		placeholder_bases[family] = sk->sk_prot;
	} else if (placeholder_bases[family] != sk->sk_prot) {
		prot = NULL;
	}
	mutex_unlock(&placeholder_prots_lock);
	return prot;
}

/* The socket is locked, and in no hash table. */
static int placeholder_dress(struct portspace_placeholder *ph, struct proto *prot)
{
	struct sock *sk = ph->sock->sk;
	int ret;

	ret = guard_deafen(sk);
	if (ret)
		return ret;
	rcu_assign_sk_user_data(sk, ph);
	WRITE_ONCE(sk->sk_prot, prot);
	return 0;
}

/* Likewise */
static void placeholder_undress(struct sock *sk)
{
	WRITE_ONCE(sk->sk_prot, placeholder_bases[sk->sk_family == AF_INET6]);
	rcu_assign_sk_user_data(sk, NULL);
	guard_undeafen(sk);
}

/* Lists and hooks of the namespace */

/*
 * The hooks stay until the namespace goes: to take them down with each last
 * connection would have the kernel patch its own text all the time.
 */
static int placeholder_enlist(struct portspace_placeholder *ph, struct net *net)
{
	struct placeholders *all = placeholders_of(net);
	int ret = 0;

	mutex_lock(&all->lock);
	if (!all->guarded)
		ret = guard_up(net);
	if (!ret) {
		all->guarded = true;
		WRITE_ONCE(all->count, all->count + 1);
		if (ph->kind == PLACEHOLDER_LISTENER)
			WRITE_ONCE(all->listeners, all->listeners + 1);
	}
	mutex_unlock(&all->lock);
	return ret;
}

static void placeholder_delist(struct portspace_placeholder *ph, struct net *net)
{
	struct placeholders *all = placeholders_of(net);

	mutex_lock(&all->lock);
	if (ph->kind == PLACEHOLDER_LISTENER)
		WRITE_ONCE(all->listeners, all->listeners - 1);
	WRITE_ONCE(all->count, all->count - 1);
	mutex_unlock(&all->lock);
}

static void placeholder_show(struct portspace_placeholder *ph)
{
	struct placeholders *all = placeholders_of(sock_net(ph->sock->sk));

	mutex_lock(&all->lock);
	list_add_tail(&ph->item, &all->list);
	mutex_unlock(&all->lock);
	trace_portspace_placeholder(&ph->pair.local, &ph->pair.remote);
}

static void placeholder_hide(struct portspace_placeholder *ph)
{
	struct placeholders *all = placeholders_of(sock_net(ph->sock->sk));

	mutex_lock(&all->lock);
	list_del_init(&ph->item);
	mutex_unlock(&all->lock);
}

static int placeholders_seq_show(struct seq_file *seq, void *unused)
{
	static const char * const kinds[] = { "listener", "accepted", "active" };
	struct placeholders *all = placeholders_of(seq_file_single_net(seq));
	struct portspace_placeholder *ph;

	mutex_lock(&all->lock);
	seq_printf(seq, "leaks %lld\n", atomic64_read(&all->leaks));
	list_for_each_entry(ph, &all->list, item)
		seq_printf(seq, "%s %pISpc %pISpc leaks %lld missed %d\n", kinds[ph->kind],
			   &ph->pair.local, &ph->pair.remote, atomic64_read(&ph->leaks),
			   atomic_read(&ph->sock->sk->sk_drops));
	mutex_unlock(&all->lock);
	return 0;
}

/* Making */

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
	kfree_rcu(ph, rcu);
}

static int placeholder_start_listening(struct portspace_placeholder *ph, struct proto *prot,
				       int backlog)
{
	struct sock *sk = ph->sock->sk;
	int ret;

	lock_sock(sk);
	ret = sk->sk_state == TCP_CLOSE ? placeholder_dress(ph, prot) : -EINVAL;
	if (ret)
		goto out;
	WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
	ret = inet_csk_listen_start(sk);
	if (ret)
		placeholder_undress(sk);
out:
	release_sock(sk);
	return ret;
}

static void placeholder_stop_listening(struct sock *sk)
{
	lock_sock(sk);
	tcp_set_state(sk, TCP_CLOSE);
	inet_csk_listen_stop(sk);
	placeholder_undress(sk);
	release_sock(sk);
}

/**
 * portspace_placeholder_listen - stand in for a listener
 * @res: where; kept until the placeholder is destroyed, and bound as before then
 * @backlog: what ss shows as such
 * @owner: who gets what the host receives for it; copied
 *
 * Takes the port as listen() does, and refuses it to listeners as that does.
 * Listeners cannot be flagged. May sleep.
 *
 * Return: a placeholder with one reference, or the errno of listen(2).
 */
struct portspace_placeholder *portspace_placeholder_listen(struct portspace_reservation *res,
							   int backlog,
							   const struct portspace_owner *owner)
{
	struct socket *sock = portspace_socket(res);
	struct portspace_placeholder *ph;
	struct proto *prot;
	struct net *net;
	int ret;

	if (!sock)
		return ERR_PTR(-EADDRINUSE);
	prot = placeholder_prot(sock->sk);
	if (!prot)
		return ERR_PTR(-EINVAL);
	ph = placeholder_alloc(PLACEHOLDER_LISTENER, owner);
	if (!ph)
		return ERR_PTR(-ENOMEM);
	net = sock_net(sock->sk);
	ph->sock = sock;
	ph->res = res;
	portspace_addr(res, &ph->pair.local);
	ph->pair.remote.ss_family = ph->pair.local.ss_family;

	ret = placeholder_enlist(ph, net);
	if (ret)
		goto err_free;
	ret = placeholder_start_listening(ph, prot, backlog);
	if (ret)
		goto err_delist;
	portspace_get(res);
	placeholder_show(ph);
	return ph;

err_delist:
	placeholder_delist(ph, net);
err_free:
	placeholder_free(ph);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(portspace_placeholder_listen);

static void placeholder_set_remote(struct sock *sk, const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *in = (const struct sockaddr_in *)addr;
	struct inet_sock *inet = inet_sk(sk);

	if (addr->ss_family == AF_INET6) {
		sk->sk_v6_daddr = in6->sin6_addr;
		inet->inet_daddr = LOOPBACK4_IPV6;
		inet->inet_dport = in6->sin6_port;
	} else {
		sk_daddr_set(sk, in->sin_addr.s_addr);
		inet->inet_dport = in->sin_port;
	}
}

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

/*
 * Into the table of connections, unless one is there with the same ends. The
 * kernel's connect does just that, and sends nothing; it chooses the port if the
 * socket has none.
 */
static int placeholder_hash(struct sock *sk)
{
	struct inet_timewait_death_row *row = &sock_net(sk)->ipv4.tcp_death_row;
	int ret;

	/* What ss makes of "never" looks odd. */
	tcp_sk(sk)->lsndtime = tcp_jiffies32;
	tcp_sk(sk)->rcv_tstamp = tcp_jiffies32;
	inet_csk(sk)->icsk_ack.lrcvtime = tcp_jiffies32;
	tcp_set_state(sk, TCP_ESTABLISHED);
	if (sk->sk_family == AF_INET6)
		ret = inet6_hash_connect(row, sk);
	else
		ret = inet_hash_connect(row, sk);
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
	put_net(net);
	return ph;

err_delist:
	sock_release(sock);
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
	placeholder_set_remote(sk, &ph->pair.remote);
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
		placeholder_set_remote(sk, &ph->pair.remote);
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
 * @ph: of a connection
 * @flag: as in portspace_flag(); its @ulp is not looked at
 *
 * Return: 0; -ENOTCONN: it listens, or was destroyed; or another errno.
 */
int portspace_placeholder_flag(struct portspace_placeholder *ph, const struct portspace_flag *flag)
{
	struct portspace_flag offload = *flag;
	int ret = -ENOTCONN;

	offload.ulp = PORTSPACE_ULP_OFFLOAD;
	mutex_lock(&ph->lock);
	if (ph->sock && ph->kind != PLACEHOLDER_LISTENER)
		ret = portspace_flag(ph->sock, &offload);
	mutex_unlock(&ph->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(portspace_placeholder_flag);

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
	if (ph->kind == PLACEHOLDER_LISTENER)
		placeholder_stop_listening(sock->sk);
	else
		sock_release(sock);
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

/* Namespaces */

#define PLACEHOLDERS_FILE "portspace_placeholders"

static int __net_init placeholders_net_init(struct net *net)
{
	struct placeholders *all = placeholders_of(net);

	mutex_init(&all->lock);
	INIT_LIST_HEAD(&all->list);
	if (!proc_create_net_single(PLACEHOLDERS_FILE, 0444, net->proc_net,
				    placeholders_seq_show, NULL))
		return -ENOMEM;
	return 0;
}

/* A grace period lies between this and the end of struct placeholders. */
static void __net_exit placeholders_net_pre_exit(struct net *net)
{
	if (placeholders_of(net)->guarded)
		guard_down(net);
}

static void __net_exit placeholders_net_exit(struct net *net)
{
	remove_proc_entry(PLACEHOLDERS_FILE, net->proc_net);
	/* Each keeps its namespace. */
	WARN_ON(placeholders_of(net)->count);
}

static struct pernet_operations placeholders_net_ops = {
	.init = placeholders_net_init,
	.pre_exit = placeholders_net_pre_exit,
	.exit = placeholders_net_exit,
	.id = &placeholder_net_id,
	.size = sizeof(struct placeholders),
};

int placeholder_init(void)
{
	return register_pernet_subsys(&placeholders_net_ops);
}

void placeholder_exit(void)
{
	unregister_pernet_subsys(&placeholders_net_ops);
}
