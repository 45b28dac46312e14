// SPDX-License-Identifier: GPL-2.0
/*
 * The flag is a TCP ULP that does nothing but be there: it has a name for ss,
 * and a few attributes for whoever asks sock_diag.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/net.h>
#include <net/inet_connection_sock.h>
#include <net/netlink.h>
#include <net/sock.h>
#include <net/tcp.h>
#include "portspace.h"
#include "flag.h"
#include "placeholder.h"

/**
 * struct flag - a socket's icsk_ulp_data
 * @rcu: sock_diag reads it without the socket's lock
 * @qpn: as in struct portspace_flag
 * @bypasses: as in struct portspace_flag
 * @device: as in struct portspace_flag
 */
struct flag {
	struct rcu_head rcu;
	u32 qpn;
	u32 bypasses;
	char device[PORTSPACE_FLAG_DEVICE_MAX];
};

/*
 * TCP calls this for setsockopt(TCP_ULP), ours or anybody's. Only
 * portspace_flag() has put the data there first; a program that claims our name
 * for a socket of its own has none, and would lie.
 */
static int flag_attach(struct sock *sk)
{
	return inet_csk(sk)->icsk_ulp_data ? 0 : -EPERM;
}

/* The socket is locked, or dead. */
static void flag_replace(struct sock *sk, struct flag *new)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct flag *old = (__force struct flag *)icsk->icsk_ulp_data;

	rcu_assign_pointer(icsk->icsk_ulp_data, new);
	if (old)
		kfree_rcu(old, rcu);
}

static void flag_release(struct sock *sk)
{
	flag_replace(sk, NULL);
}

static int flag_put_tcp(struct sk_buff *skb, const struct portspace_tcp_info *info)
{
	if (nla_put_u32(skb, PORTSPACE_FLAG_RTT, info->rtt) ||
	    nla_put_u32(skb, PORTSPACE_FLAG_CWND, info->cwnd) ||
	    nla_put_u32(skb, PORTSPACE_FLAG_RETRANSMITS, info->retransmits) ||
	    nla_put_u64_64bit(skb, PORTSPACE_FLAG_SENT, info->sent, PORTSPACE_FLAG_PAD) ||
	    nla_put_u64_64bit(skb, PORTSPACE_FLAG_RECEIVED, info->received, PORTSPACE_FLAG_PAD))
		return -EMSGSIZE;
	return 0;
}

static int flag_get_info(struct sock *sk, struct sk_buff *skb)
{
	struct portspace_tcp_info info = {};
	const struct flag *flag;
	int ret = 0;

	rcu_read_lock();
	flag = rcu_dereference(inet_csk(sk)->icsk_ulp_data);
	if (flag) {
		ret = nla_put_string(skb, PORTSPACE_FLAG_DEVICE, flag->device);
		ret = ret ?: nla_put_u32(skb, PORTSPACE_FLAG_QPN, flag->qpn);
		if (!ret && flag->bypasses)
			ret = nla_put_u32(skb, PORTSPACE_FLAG_BYPASSES, flag->bypasses);
	}
	rcu_read_unlock();
	if (!ret && placeholder_ask(sk, &info))
		ret = flag_put_tcp(skb, &info);
	return ret;
}

static size_t flag_get_info_size(const struct sock *sk)
{
	return nla_total_size(PORTSPACE_FLAG_DEVICE_MAX) + 5 * nla_total_size(sizeof(u32)) +
	       2 * nla_total_size_64bit(sizeof(u64));
}

/* Of a listener's child, while nobody else has seen it: the flag is not inherited. */
static void flag_clone(const struct request_sock *req, struct sock *child, const gfp_t gfp)
{
	inet_csk(child)->icsk_ulp_ops = NULL;
	RCU_INIT_POINTER(inet_csk(child)->icsk_ulp_data, NULL);
}

#define FLAG_ULP(_name)					\
	{						\
		.name = _name,				\
		.owner = THIS_MODULE,			\
		.init = flag_attach,			\
		.clone = flag_clone,			\
		.release = flag_release,		\
		.get_info = flag_get_info,		\
		.get_info_size = flag_get_info_size,	\
	}

static struct tcp_ulp_ops flag_ulps[] __read_mostly = {
	FLAG_ULP(PORTSPACE_ULP_SIW),
	FLAG_ULP(PORTSPACE_ULP_OFFLOAD),
};

static const struct tcp_ulp_ops *flag_find(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(flag_ulps); i++)
		if (!strcmp(flag_ulps[i].name, name))
			return &flag_ulps[i];
	return NULL;
}

/* Return: 0 when it is done, -EAGAIN when the ULP has still to be attached. */
static int flag_prepare(struct sock *sk, const struct tcp_ulp_ops *ulp, struct flag *flag)
{
	const struct tcp_ulp_ops *has;
	int ret;

	lock_sock(sk);
	has = inet_csk(sk)->icsk_ulp_ops;
	if (has && has != ulp) {
		ret = -EEXIST;
	} else if (has) {
		flag_replace(sk, flag);
		ret = 0;
	} else {
		/* Born while its listener was being flagged, it has that one's. */
		rcu_assign_pointer(inet_csk(sk)->icsk_ulp_data, flag);
		ret = -EAGAIN;
	}
	release_sock(sk);
	return ret;
}

static int flag_set_ulp(struct socket *sock, const struct tcp_ulp_ops *ulp)
{
	char name[TCP_ULP_NAME_MAX];
	int ret;

	strscpy(name, ulp->name, sizeof(name));
	ret = sock->ops->setsockopt(sock, SOL_TCP, TCP_ULP, KERNEL_SOCKPTR(name), strlen(name));
	if (ret) {
		lock_sock(sock->sk);
		flag_replace(sock->sk, NULL);
		release_sock(sock->sk);
	}
	return ret;
}

/**
 * portspace_flag - show that a TCP socket carries RDMA, and whose
 * @sock: the caller's TCP socket, which no user program has
 * @flag: what to say
 *
 * The flag goes with the socket, and keeps this module as long. Flagging it again
 * with the same ULP changes what it says. May sleep; one call at a time per
 * socket.
 *
 * Return: 0; -EEXIST: the socket has another ULP; -ENOMEM and others. The socket
 * works as before then.
 */
int portspace_flag(struct socket *sock, const struct portspace_flag *flag)
{
	const struct tcp_ulp_ops *ulp = flag_find(flag->ulp);
	struct flag *data;
	int ret;

	if (!ulp)
		return -ENOENT;
	data = kzalloc(sizeof(*data), GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	data->qpn = flag->qpn;
	data->bypasses = flag->bypasses;
	strscpy(data->device, flag->device, sizeof(data->device));

	ret = flag_prepare(sock->sk, ulp, data);
	if (ret == -EAGAIN)
		return flag_set_ulp(sock, ulp);
	if (ret)
		kfree(data);
	return ret;
}
EXPORT_SYMBOL_GPL(portspace_flag);

/**
 * portspace_unflag - show it no more
 * @sock: as in portspace_flag(); with a flag, or without
 *
 * May sleep; one call at a time per socket.
 */
void portspace_unflag(struct socket *sock)
{
	struct inet_connection_sock *icsk = inet_csk(sock->sk);
	const struct tcp_ulp_ops *has;

	lock_sock(sock->sk);
	has = icsk->icsk_ulp_ops;
	if (has && has->release == flag_release) {
		WRITE_ONCE(icsk->icsk_ulp_ops, NULL);
		flag_release(sock->sk);
		/* What attaching took; the caller uses this module himself. */
		module_put(THIS_MODULE);
	}
	release_sock(sock->sk);
}
EXPORT_SYMBOL_GPL(portspace_unflag);

int flag_init(void)
{
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(flag_ulps); i++) {
		ret = tcp_register_ulp(&flag_ulps[i]);
		if (ret)
			goto err;
	}
	return 0;

err:
	while (i--)
		tcp_unregister_ulp(&flag_ulps[i]);
	return ret;
}

void flag_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(flag_ulps); i++)
		tcp_unregister_ulp(&flag_ulps[i]);
}
