// SPDX-License-Identifier: GPL-2.0
/*
 * What makes a TCP socket a placeholder: operations of its own, which send
 * nothing, and an owner who hears instead.
 */
#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/refcount.h>
#include <linux/skbuff.h>
#include <net/sock.h>
#include <net/tcp.h>
#include "guard.h"
#include "placeholder.h"
#include "trace.h"

/* Own operations, and TCP's from which they were made; by address family */
static struct proto placeholder_prots[2];
static struct proto *placeholder_bases[2];
static DEFINE_MUTEX(placeholder_prots_lock);

bool placeholder_is(const struct sock *sk)
{
	const struct proto *prot;

	if (!sk_fullsock(sk))
		return false;
	prot = READ_ONCE(sk->sk_prot);
	return prot == &placeholder_prots[0] || prot == &placeholder_prots[1];
}

/*
 * Callbacks: from enter to leave the placeholder cannot go. A listener may have been
 * woken meanwhile, and what is in sk_user_data be somebody else's.
 */
struct portspace_placeholder *placeholder_enter(struct sock *sk)
{
	struct portspace_placeholder *ph = NULL;

	read_lock_bh(&sk->sk_callback_lock);
	if (placeholder_is(sk))
		ph = __locked_read_sk_user_data_with_flags(sk, 0);
	if (ph && !refcount_inc_not_zero(&ph->users))
		ph = NULL;
	read_unlock_bh(&sk->sk_callback_lock);
	return ph;
}

void placeholder_leave(struct portspace_placeholder *ph)
{
	if (refcount_dec_and_test(&ph->users))
		complete(&ph->unused);
}

/* Whether something for a listening placeholder is its owner's, or nobody's */
bool placeholder_concerns(struct sock *sk, const struct sk_buff *skb)
{
	struct portspace_placeholder *ph = placeholder_enter(sk);
	bool ret = true;

	if (!ph)
		return true;
	if (ph->owner.concerns)
		ret = ph->owner.concerns(ph->owner.context, skb);
	placeholder_leave(ph);
	return ret;
}

/**
 * placeholder_catch() - the host got something for a placeholder
 * @sk: the placeholder
 * @skb: for it, or about it
 * @whole: not a fragment, which nobody can make use of
 * @leaked: it should not have come here, and counts
 *
 * Return: the netfilter verdict; @skb is gone if that is NF_STOLEN, and with it
 * perhaps @sk.
 */
unsigned int placeholder_catch(struct sock *sk, struct sk_buff *skb, bool whole, bool leaked)
{
	unsigned int packets = max_t(unsigned int, skb_shinfo(skb)->gso_segs, 1);
	struct portspace_placeholder *ph;
	unsigned int verdict = NF_DROP;

	if (leaked)
		atomic64_add(packets, &placeholders_of(sock_net(sk))->leaks);
	ph = placeholder_enter(sk);
	if (!ph)
		return NF_DROP;
	if (leaked) {
		atomic64_add(packets, &ph->leaks);
		trace_portspace_leak(&ph->pair.local, &ph->pair.remote);
	}
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

/* What its TCP has to tell; false: it is no placeholder, or nobody knows. */
bool placeholder_ask(struct sock *sk, struct portspace_tcp_info *info)
{
	struct portspace_placeholder *ph;
	bool known = false;

	if (!placeholder_is(sk))
		return false;
	ph = placeholder_enter(sk);
	if (!ph)
		return false;
	if (ph->owner.info) {
		ph->owner.info(ph->owner.context, info);
		known = true;
	}
	placeholder_leave(ph);
	return known;
}

/* Operations of the socket */

static void placeholder_set(struct sock *sk, struct portspace_placeholder *ph, struct proto *prot)
{
	write_lock_bh(&sk->sk_callback_lock);
	rcu_assign_sk_user_data(sk, ph);
	WRITE_ONCE(sk->sk_prot, prot);
	write_unlock_bh(&sk->sk_callback_lock);
}

/* Without a FIN: what the peer hears is the business of the TCP that it talks to. */
static void placeholder_close(struct sock *sk, long timeout)
{
	struct proto *base = placeholder_bases[sk->sk_family == AF_INET6];

	lock_sock(sk);
	tcp_set_state(sk, TCP_CLOSE);
	placeholder_set(sk, NULL, base);
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
struct proto *placeholder_prot(const struct sock *sk)
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
int placeholder_dress(struct portspace_placeholder *ph, struct proto *prot)
{
	struct sock *sk = ph->sock->sk;
	int ret;

	ret = guard_deafen(sk);
	if (ret)
		return ret;
	placeholder_set(sk, ph, prot);
	return 0;
}

/* Likewise */
void placeholder_undress(struct sock *sk)
{
	placeholder_set(sk, NULL, placeholder_bases[sk->sk_family == AF_INET6]);
	guard_undeafen(sk);
}
