// SPDX-License-Identifier: GPL-2.0
/*
 * What keeps the host's TCP from hearing of its placeholders: hooks that take
 * away what TCP would find one for, and behind them, in the sockets themselves,
 * a filter that lets nothing in.
 */
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/route.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/transp_v6.h>
#include <net/xfrm.h>
#include "compat.h"
#include "guard.h"
#include "placeholder.h"

/* The ports of a quoted TCP header; RFC 792 quotes no more than eight octets. */
struct guard_ports {
	__be16 source;
	__be16 dest;
};

static struct inet_hashinfo *guard_hashinfo(struct net *net)
{
	return net->ipv4.tcp_death_row.hashinfo;
}

/* What was sent to a broadcast address does not get as far as to a TCP socket. */
static bool guard_concerns(struct net *net, const struct sk_buff *skb)
{
	return READ_ONCE(placeholders_of(net)->count) && skb->pkt_type == PACKET_HOST;
}

/* From the host itself: no steering could have taken it elsewhere. */
static bool guard_is_from_here(const struct sk_buff *skb)
{
	return skb->dev && skb->dev->flags & IFF_LOOPBACK;
}

/* @held: @sk comes with a reference, not with the packet */
static unsigned int guard_verdict(struct sock *sk, bool held, struct sk_buff *skb, bool whole)
{
	unsigned int verdict = NF_ACCEPT;

	if (!sk)
		return NF_ACCEPT;
	if (placeholder_is(sk))
		verdict = placeholder_catch(sk, skb, whole, !guard_is_from_here(skb));
	if (held)
		sock_gen_put(sk);
	return verdict;
}

/* What TCP does when it finds nobody for a segment; the segment is at @offset, and spoilt. */
static void guard_send_reset(struct sk_buff *skb, unsigned int offset)
{
	bool ip4 = skb->protocol == htons(ETH_P_IP);
	u8 family = ip4 ? AF_INET : AF_INET6;

	if (nf_checksum(skb, NF_INET_LOCAL_IN, offset, IPPROTO_TCP, family) ||
	    !xfrm_policy_check(NULL, XFRM_POLICY_IN, skb, family) || skb_linearize(skb))
		return;
	skb_set_transport_header(skb, offset);
	__skb_pull(skb, offset);
	if (tcp_hdrlen(skb) < sizeof(struct tcphdr) || tcp_hdrlen(skb) > skb->len)
		return;
	if (ip4) {
		memmove(&TCP_SKB_CB(skb)->header.h4, IPCB(skb), sizeof(struct inet_skb_parm));
		compat_tcp_send_reset(&tcp_prot, skb);
	} else if (IS_ENABLED(CONFIG_IPV6)) {
		memmove(&TCP_SKB_CB(skb)->header.h6, IP6CB(skb), sizeof(struct inet6_skb_parm));
		compat_tcp_send_reset(&tcpv6_prot, skb);
	}
}

/*
 * Of what comes to a listener steering knows a SYN. The rest could be the host's, whose own
 * connections may have the port, too, and is nobody's. What does not concern the owner is
 * refused when the host's filters have seen it.
 */
static unsigned int guard_listener(struct sock *sk, struct sk_buff *skb,
				   const struct tcphdr *tcp, unsigned int offset, bool whole,
				   bool last)
{
	bool opens = tcp->syn && !tcp->ack;

	if (!sk || !placeholder_is(sk))
		return NF_ACCEPT;
	if (placeholder_concerns(sk, skb))
		return placeholder_catch(sk, skb, whole, opens && !guard_is_from_here(skb));
	if (!last)
		return NF_ACCEPT;
	if (whole)
		guard_send_reset(skb, offset);
	return NF_DROP;
}

/*
 * TCP would have the socket's own route redirected, and a placeholder has none. From whom
 * the host takes it, and whether, is decided as ever. @sk comes with a reference, or is NULL.
 */
static unsigned int guard_redirect(struct net *net, struct sock *sk, struct sk_buff *skb,
				   unsigned int icmp, unsigned int quoted)
{
	bool ip4 = skb->protocol == htons(ETH_P_IP);
	bool concerned = sk && placeholder_is(sk);

	if (sk)
		sock_gen_put(sk);
	if (!concerned)
		return NF_ACCEPT;
	if (nf_checksum(skb, NF_INET_LOCAL_IN, icmp, ip4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
			ip4 ? AF_INET : AF_INET6) || skb_linearize(skb))
		return NF_DROP;
	skb_set_transport_header(skb, icmp);
	__skb_pull(skb, quoted);
	if (ip4)
		ipv4_redirect(skb, net, skb->dev->ifindex, IPPROTO_TCP);
	else if (IS_ENABLED(CONFIG_IPV6))
		ip6_redirect(skb, net, skb->dev->ifindex, 0, sock_net_uid(net, NULL));
	return NF_DROP;
}

/* The socket that TCP is going to find, unless early demux has found it. */
static unsigned int guard_tcp4(struct net *net, struct sk_buff *skb, bool last)
{
	unsigned int offset = skb_network_offset(skb) + ip_hdrlen(skb);
	const struct iphdr *ip = ip_hdr(skb);
	struct sock *sk = skb->sk;
	const struct tcphdr *tcp;
	struct tcphdr buf;
	bool held = false;

	tcp = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!tcp)
		return NF_ACCEPT;
	if (!sk) {
		sk = __inet_lookup_established(net, guard_hashinfo(net), ip->saddr, tcp->source,
					       ip->daddr, ntohs(tcp->dest), inet_iif(skb),
					       inet_sdif(skb));
		held = sk;
	}
	if (sk || !READ_ONCE(placeholders_of(net)->listeners))
		return guard_verdict(sk, held, skb, true);
	sk = __inet_lookup_listener(net, guard_hashinfo(net), skb, offset + __tcp_hdrlen(tcp),
				    ip->saddr, tcp->source, ip->daddr, ntohs(tcp->dest),
				    inet_iif(skb), inet_sdif(skb));
	return guard_listener(sk, skb, tcp, offset, true, last);
}

static unsigned int guard_icmp4(struct net *net, struct sk_buff *skb)
{
	unsigned int offset = skb_network_offset(skb) + ip_hdrlen(skb);
	unsigned int at = offset + sizeof(struct icmphdr);
	const struct guard_ports *ports;
	const struct icmphdr *icmp;
	const struct iphdr *quoted;
	struct guard_ports ports_buf;
	struct icmphdr icmp_buf;
	struct iphdr quoted_buf;
	struct sock *sk;

	icmp = skb_header_pointer(skb, offset, sizeof(icmp_buf), &icmp_buf);
	if (!icmp || !icmp_is_err(icmp->type))
		return NF_ACCEPT;
	quoted = skb_header_pointer(skb, at, sizeof(quoted_buf), &quoted_buf);
	if (!quoted || quoted->protocol != IPPROTO_TCP || quoted->ihl < 5 ||
	    quoted->frag_off & htons(IP_OFFSET))
		return NF_ACCEPT;
	ports = skb_header_pointer(skb, at + quoted->ihl * 4, sizeof(ports_buf), &ports_buf);
	if (!ports)
		return NF_ACCEPT;
	sk = __inet_lookup_established(net, guard_hashinfo(net), quoted->daddr, ports->dest,
				       quoted->saddr, ntohs(ports->source), inet_iif(skb), 0);
	if (icmp->type == ICMP_REDIRECT)
		return guard_redirect(net, sk, skb, offset, at);
	return guard_verdict(sk, sk, skb, true);
}

static unsigned int guard_ipv4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (!guard_concerns(state->net, skb))
		return NF_ACCEPT;
	switch (ip_hdr(skb)->protocol) {
	case IPPROTO_TCP:
		return guard_tcp4(state->net, skb, false);
	case IPPROTO_ICMP:
		return guard_icmp4(state->net, skb);
	default:
		return NF_ACCEPT;
	}
}

/* Early demux finds connections; what it has not found may be for a listener. */
static bool guard_concerns_listener(struct net *net, const struct sk_buff *skb)
{
	return guard_concerns(net, skb) && !skb->sk && READ_ONCE(placeholders_of(net)->listeners);
}

static unsigned int guard_ipv4_last(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	if (!guard_concerns_listener(state->net, skb) || ip_hdr(skb)->protocol != IPPROTO_TCP)
		return NF_ACCEPT;
	return guard_tcp4(state->net, skb, true);
}

#if IS_ENABLED(CONFIG_IPV6)
static unsigned int guard_tcp6(struct net *net, struct sk_buff *skb, unsigned int offset,
			       bool whole, bool last)
{
	const struct ipv6hdr *ip = ipv6_hdr(skb);
	struct sock *sk = skb->sk;
	const struct tcphdr *tcp;
	struct tcphdr buf;
	bool held = false;

	tcp = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!tcp)
		return NF_ACCEPT;
	if (!sk) {
		sk = __inet6_lookup_established(net, guard_hashinfo(net), &ip->saddr, tcp->source,
						&ip->daddr, ntohs(tcp->dest), inet6_iif(skb),
						inet6_sdif(skb));
		held = sk;
	}
	if (sk || !READ_ONCE(placeholders_of(net)->listeners))
		return guard_verdict(sk, held, skb, whole);
	sk = inet6_lookup_listener(net, guard_hashinfo(net), skb, offset + __tcp_hdrlen(tcp),
				   &ip->saddr, tcp->source, &ip->daddr, ntohs(tcp->dest),
				   inet6_iif(skb), inet6_sdif(skb));
	return guard_listener(sk, skb, tcp, offset, whole, last);
}

/* Where what it quotes begins; 0 if it does not, or does not count (RFC 4861 section 8.1). */
static unsigned int guard_redirect6(const struct sk_buff *skb, unsigned int offset)
{
	const struct ipv6hdr *ip = ipv6_hdr(skb);
	const struct nd_opt_hdr *opt;
	struct nd_opt_hdr buf;

	if (ip->hop_limit != 255 || !(ipv6_addr_type(&ip->saddr) & IPV6_ADDR_LINKLOCAL))
		return 0;
	offset += sizeof(struct rd_msg);
	while ((opt = skb_header_pointer(skb, offset, sizeof(buf), &buf)) && opt->nd_opt_len) {
		if (opt->nd_opt_type == ND_OPT_REDIRECT_HDR)
			return offset + 8;
		offset += opt->nd_opt_len * 8;
	}
	return 0;
}

static unsigned int guard_icmp6(struct net *net, struct sk_buff *skb, unsigned int offset,
				bool whole)
{
	const struct guard_ports *ports;
	const struct icmp6hdr *icmp;
	const struct ipv6hdr *quoted;
	struct guard_ports ports_buf;
	struct icmp6hdr icmp_buf;
	struct ipv6hdr quoted_buf;
	__be16 fragment;
	unsigned int start = 0;
	struct sock *sk;
	bool redirect;
	u8 protocol;
	int at;

	icmp = skb_header_pointer(skb, offset, sizeof(icmp_buf), &icmp_buf);
	if (!icmp)
		return NF_ACCEPT;
	redirect = icmp->icmp6_type == NDISC_REDIRECT;
	if (icmpv6_is_err(icmp->icmp6_type))
		start = offset + sizeof(*icmp);
	else if (redirect && !icmp->icmp6_code && whole)
		start = guard_redirect6(skb, offset);
	quoted = start ? skb_header_pointer(skb, start, sizeof(quoted_buf), &quoted_buf) : NULL;
	if (!quoted)
		return NF_ACCEPT;
	protocol = quoted->nexthdr;
	at = ipv6_skip_exthdr(skb, start + sizeof(*quoted), &protocol, &fragment);
	if (at < 0 || protocol != IPPROTO_TCP || fragment & htons(IP6_OFFSET))
		return NF_ACCEPT;
	ports = skb_header_pointer(skb, at, sizeof(ports_buf), &ports_buf);
	if (!ports)
		return NF_ACCEPT;
	sk = __inet6_lookup_established(net, guard_hashinfo(net), &quoted->daddr, ports->dest,
					&quoted->saddr, ntohs(ports->source), inet6_iif(skb),
					inet6_sdif(skb));
	if (redirect)
		return guard_redirect(net, sk, skb, offset, start);
	return guard_verdict(sk, sk, skb, whole);
}

/*
 * IPv6 puts fragments together behind this hook, and IPv4 before it. The first
 * one must have all headers (RFC 8200 section 4.5), or the host throws it away
 * itself; without it nothing is put together from the others.
 */
static unsigned int guard_ipv6(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	unsigned short fragment = 0;
	unsigned int offset = 0;
	int flags = 0, protocol;
	bool whole;

	if (!guard_concerns(state->net, skb))
		return NF_ACCEPT;
	protocol = ipv6_find_hdr(skb, &offset, -1, &fragment, &flags);
	if (protocol < 0 || fragment)
		return NF_ACCEPT;
	whole = !(flags & IP6_FH_F_FRAG);
	switch (protocol) {
	case IPPROTO_TCP:
		return guard_tcp6(state->net, skb, offset, whole, false);
	case IPPROTO_ICMPV6:
		return guard_icmp6(state->net, skb, offset, whole);
	default:
		return NF_ACCEPT;
	}
}

static unsigned int guard_ipv6_last(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	unsigned short fragment = 0;
	unsigned int offset = 0;
	int flags = 0;

	if (!guard_concerns_listener(state->net, skb) ||
	    ipv6_find_hdr(skb, &offset, -1, &fragment, &flags) != IPPROTO_TCP || fragment)
		return NF_ACCEPT;
	return guard_tcp6(state->net, skb, offset, !(flags & IP6_FH_F_FRAG), true);
}
#endif

/* First of all: a rule that rejects would send something. Last: one that drops is heeded. */
static const struct nf_hook_ops guard_hooks[] = {
	{
		.hook = guard_ipv4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP_PRI_FIRST,
	},
	{
		.hook = guard_ipv4_last,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP_PRI_LAST,
	},
#if IS_ENABLED(CONFIG_IPV6)
	{
		.hook = guard_ipv6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP6_PRI_FIRST,
	},
	{
		.hook = guard_ipv6_last,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP6_PRI_LAST,
	},
#endif
};

int guard_up(struct net *net)
{
	return nf_register_net_hooks(net, guard_hooks, ARRAY_SIZE(guard_hooks));
}

void guard_down(struct net *net)
{
	nf_unregister_net_hooks(net, guard_hooks, ARRAY_SIZE(guard_hooks));
}

/**
 * guard_deafen() - let nothing in
 * @sk: TCP socket, locked
 *
 * TCP asks a socket's filter before anything else, and drops without a word what
 * that refuses. So what comes to the socket some way around the hooks dies here;
 * sk_drops counts it.
 *
 * Return: 0 or -ENOMEM.
 */
int guard_deafen(struct sock *sk)
{
	struct sock_filter nothing[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog_kern program = {
		.len = ARRAY_SIZE(nothing),
		.filter = nothing,
	};
	struct sk_filter *filter;
	int ret;

	filter = kzalloc(sizeof(*filter), GFP_KERNEL);
	if (!filter)
		return -ENOMEM;
	ret = bpf_prog_create(&filter->prog, &program);
	if (ret) {
		kfree(filter);
		return ret;
	}
	refcount_set(&filter->refcnt, 1);
	/* What the kernel takes off again when the socket lets go of its filter */
	atomic_add(bpf_prog_size(filter->prog->len), &sk->sk_omem_alloc);
	rcu_assign_pointer(sk->sk_filter, filter);
	return 0;
}

/* The socket is locked, and in no hash table any more. */
void guard_undeafen(struct sock *sk)
{
	sk_detach_filter(sk);
}
