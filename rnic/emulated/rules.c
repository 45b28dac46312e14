// SPDX-License-Identifier: GPL-2.0
/*
 * Rules: whose a packet is by what its headers say.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rculist.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/inet_ecn.h>
#include <net/ipv6.h>
#include "emulated.h"

/**
 * struct emu_rule - a rule that is followed
 * @item: in emu_adapter.rules
 * @rcu: followed under RCU
 * @rule: a copy of the shim's
 * @fn: who gets what matches
 * @packets: that have
 * @octets: of them
 */
struct emu_rule {
	struct list_head item;
	struct rcu_head rcu;
	struct rnic_rule rule;
	struct emu_function *fn;
	atomic64_t packets;
	atomic64_t octets;
};

int emu_rule_add(struct rnic_rule *rule)
{
	struct emu_adapter *adapter = to_emu_adapter(rule->fn->adapter);
	struct emu_rule *r;

	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	r->rule = *rule;
	r->fn = to_emu_function(rule->fn);
	rule->adapter_data = r;
	spin_lock_bh(&adapter->lock);
	list_add_tail_rcu(&r->item, &adapter->rules);
	spin_unlock_bh(&adapter->lock);
	return 0;
}

void emu_rule_remove(struct rnic_rule *rule)
{
	struct emu_adapter *adapter = to_emu_adapter(rule->fn->adapter);
	struct emu_rule *r = rule->adapter_data;

	spin_lock_bh(&adapter->lock);
	list_del_rcu(&r->item);
	spin_unlock_bh(&adapter->lock);
	kfree_rcu(r, rcu);
}

void emu_rule_count(struct rnic_rule *rule, u64 *packets, u64 *octets)
{
	const struct emu_rule *r = rule->adapter_data;

	*packets = atomic64_read(&r->packets);
	*octets = atomic64_read(&r->octets);
}

/* What of a packet rules ask for */
struct rule_facts {
	u8 family;
	u8 protocol;
	u8 tos;
	struct in6_addr source;
	struct in6_addr dest;
	__be16 source_port;
	__be16 dest_port;
};

static void rule_get_facts(struct sk_buff *skb, struct rule_facts *facts)
{
	int offset = skb_network_offset(skb);
	__be16 buf[2], fragment;
	const __be16 *ports;

	memset(facts, 0, sizeof(*facts));
	if (skb->protocol == htons(ETH_P_IPV6)) {
		facts->family = AF_INET6;
		facts->tos = ipv6_get_dsfield(ipv6_hdr(skb));
		facts->source = ipv6_hdr(skb)->saddr;
		facts->dest = ipv6_hdr(skb)->daddr;
		facts->protocol = ipv6_hdr(skb)->nexthdr;
		offset = ipv6_skip_exthdr(skb, offset + sizeof(struct ipv6hdr), &facts->protocol,
					  &fragment);
	} else {
		facts->family = AF_INET;
		facts->tos = ip_hdr(skb)->tos;
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &facts->source);
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &facts->dest);
		facts->protocol = ip_hdr(skb)->protocol;
		offset += ip_hdr(skb)->ihl * 4;
	}
	if (offset < 0 || (facts->protocol != IPPROTO_TCP && facts->protocol != IPPROTO_UDP))
		return;
	ports = skb_header_pointer(skb, offset, sizeof(buf), buf);
	if (ports) {
		facts->source_port = ports[0];
		facts->dest_port = ports[1];
	}
}

static bool rule_matches(const struct rnic_rule *rule, const struct rule_facts *facts)
{
	return (!rule->family || rule->family == facts->family) &&
	       (!rule->protocol || rule->protocol == facts->protocol) &&
	       (facts->tos & rule->tos_mask) == rule->tos &&
	       (!rule->source_port || rule->source_port == facts->source_port) &&
	       (!rule->dest_port || rule->dest_port == facts->dest_port) &&
	       ipv6_prefix_equal(&rule->source, &facts->source, rule->source_bits) &&
	       ipv6_prefix_equal(&rule->dest, &facts->dest, rule->dest_bits);
}

/* Nobody is given what he has sent himself, nor an IP-only function what is of a VLAN. */
static bool rule_may_give(const struct emu_rule *r, const struct emu_packet *packet,
			  const struct emu_function *from)
{
	return r->fn != from && !(packet->flow.vlan && r->fn->base.kind == RNIC_L3);
}

/**
 * emu_rules_match() - the function that a rule gives a packet to
 * @adapter: the adapter
 * @skb: an IP packet that is no fragment
 * @packet: from emu_parse()
 * @from: the function that sent it, or NULL
 *
 * Context: RCU.
 * Return: the function, or NULL.
 */
struct emu_function *emu_rules_match(struct emu_adapter *adapter, struct sk_buff *skb,
				     const struct emu_packet *packet,
				     const struct emu_function *from)
{
	struct rule_facts facts;
	struct emu_rule *r;

	if (list_empty(&adapter->rules))
		return NULL;
	rule_get_facts(skb, &facts);
	list_for_each_entry_rcu(r, &adapter->rules, item) {
		if (!rule_may_give(r, packet, from) || !rule_matches(&r->rule, &facts))
			continue;
		atomic64_add(max_t(u16, skb_shinfo(skb)->gso_segs, 1), &r->packets);
		atomic64_add(skb->len - skb_network_offset(skb), &r->octets);
		return r->fn;
	}
	return NULL;
}
