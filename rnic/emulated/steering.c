// SPDX-License-Identifier: GPL-2.0
/*
 * The steering table: whose a packet is.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/icmp.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include "emulated.h"

#define DHCP_CLIENT_PORT	68

static const struct rhashtable_params emu_table_params = {
	.head_offset = offsetof(struct emu_entry, node),
	.key_offset = offsetof(struct emu_entry, key),
	.key_len = sizeof(struct emu_key),
	.automatic_shrinking = true,
};

/**
 * struct emu_flow - a connection that is steered to the adapter's TCP
 * @entry: EMU_FLOW
 * @rcu: found under RCU
 */
struct emu_flow {
	struct emu_entry entry;
	struct rcu_head rcu;
};

int emu_steering_init(struct emu_adapter *adapter)
{
	return rhashtable_init(&adapter->table, &emu_table_params);
}

void emu_steering_exit(struct emu_adapter *adapter)
{
	WARN_ON(atomic_read(&adapter->table.nelems));
	rhashtable_destroy(&adapter->table);
}

static void emu_set_addr(struct in6_addr *to, const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET6)
		*to = ((const struct sockaddr_in6 *)addr)->sin6_addr;
	else
		ipv6_addr_set_v4mapped(((const struct sockaddr_in *)addr)->sin_addr.s_addr, to);
}

/* @remote may be NULL; ports count where the kind has them. */
void emu_key_set(struct emu_key *key, enum emu_kind kind, const struct sockaddr_storage *local,
		 const struct sockaddr_storage *remote, u16 vlan)
{
	memset(key, 0, sizeof(*key));
	key->kind = kind;
	key->vlan = vlan;
	emu_set_addr(&key->local, local);
	if (remote)
		emu_set_addr(&key->remote, remote);
	/* At the same place in both families */
	if (kind == EMU_FLOW || kind == EMU_LISTEN)
		key->local_port = ((const struct sockaddr_in *)local)->sin_port;
	if (kind == EMU_FLOW)
		key->remote_port = ((const struct sockaddr_in *)remote)->sin_port;
}

int emu_insert(struct emu_adapter *adapter, struct emu_entry *entry)
{
	return rhashtable_lookup_insert_fast(&adapter->table, &entry->node, emu_table_params);
}

/* It is there. */
void emu_remove(struct emu_adapter *adapter, struct emu_entry *entry)
{
	rhashtable_remove_fast(&adapter->table, &entry->node, emu_table_params);
}

/* Under RCU */
struct emu_entry *emu_find(struct emu_adapter *adapter, const struct emu_key *key)
{
	return rhashtable_lookup(&adapter->table, key, emu_table_params);
}

/* Likewise */
struct emu_address *emu_find_registered(struct emu_adapter *adapter, const struct in6_addr *addr,
					u16 vlan)
{
	const struct emu_key key = { .kind = EMU_ADDRESS, .vlan = vlan, .local = *addr };
	struct emu_entry *entry = emu_find(adapter, &key);

	return entry ? container_of(entry, struct emu_address, entry) : NULL;
}

struct emu_function *emu_find_function(struct emu_adapter *adapter, const struct in6_addr *addr,
				       u16 vlan)
{
	struct emu_address *address = emu_find_registered(adapter, addr, vlan);

	return address ? address->fn : NULL;
}

/* Who has an address, in whichever VLAN unless it is link-local; under the adapter's lock */
struct emu_address *emu_find_address(struct emu_adapter *adapter, const struct in6_addr *addr,
				     u16 vlan)
{
	bool any = !(ipv6_addr_type(addr) & IPV6_ADDR_LINKLOCAL);
	struct emu_address *address;

	list_for_each_entry(address, &adapter->addresses, item) {
		if (ipv6_addr_equal(&address->entry.key.local, addr) &&
		    (any || address->entry.key.vlan == vlan))
			return address;
	}
	return NULL;
}

/* Looking into packets */

struct emu_ports {
	__be16 source;
	__be16 dest;
};

static bool emu_parse_ports(struct sk_buff *skb, int offset, struct emu_key *flow, bool quoted)
{
	struct emu_ports buf;
	const struct emu_ports *ports = skb_header_pointer(skb, offset, sizeof(buf), &buf);

	if (!ports)
		return false;
	flow->local_port = quoted ? ports->source : ports->dest;
	flow->remote_port = quoted ? ports->dest : ports->source;
	return true;
}

static bool emu_parse_tcp(struct sk_buff *skb, int offset, struct emu_packet *packet)
{
	struct tcphdr buf;
	const struct tcphdr *tcp = skb_header_pointer(skb, offset, sizeof(buf), &buf);

	if (!tcp)
		return false;
	packet->flow.local_port = tcp->dest;
	packet->flow.remote_port = tcp->source;
	packet->opens = tcp->syn && !tcp->ack;
	return true;
}

/* What an ICMP error is about; a false result is no matter. Redirects are for who has routes. */
static bool emu_parse_quoted4(struct sk_buff *skb, int offset, struct emu_packet *packet)
{
	struct icmphdr icmp_buf;
	const struct icmphdr *icmp = skb_header_pointer(skb, offset, sizeof(icmp_buf), &icmp_buf);
	struct iphdr ip_buf;
	const struct iphdr *ip;

	if (!icmp || !icmp_is_err(icmp->type) || icmp->type == ICMP_REDIRECT)
		return false;
	offset += sizeof(*icmp);
	ip = skb_header_pointer(skb, offset, sizeof(ip_buf), &ip_buf);
	if (!ip || ip->protocol != IPPROTO_TCP || ip->ihl < 5 || ip->frag_off & htons(IP_OFFSET) ||
	    !emu_parse_ports(skb, offset + ip->ihl * 4, &packet->flow, true))
		return false;
	ipv6_addr_set_v4mapped(ip->saddr, &packet->flow.local);
	ipv6_addr_set_v4mapped(ip->daddr, &packet->flow.remote);
	return true;
}

static bool emu_parse4(struct sk_buff *skb, struct emu_packet *packet)
{
	int offset = skb_network_offset(skb);
	const struct iphdr *ip;
	int protocol;

	if (!pskb_may_pull(skb, offset + sizeof(*ip)))
		return false;
	ip = ip_hdr(skb);
	if (ip->version != 4 || ip->ihl < 5)
		return false;
	ipv6_addr_set_v4mapped(ip->daddr, &packet->flow.local);
	ipv6_addr_set_v4mapped(ip->saddr, &packet->flow.remote);
	packet->fragment = ip_is_fragment(ip);
	if (packet->fragment)
		return true;
	protocol = ip->protocol;
	offset += ip->ihl * 4;
	if (protocol == IPPROTO_TCP)
		packet->tcp = emu_parse_tcp(skb, offset, packet);
	else if (protocol == IPPROTO_ICMP)
		packet->quoted = emu_parse_quoted4(skb, offset, packet);
	return true;
}

static bool emu_parse_quoted6(struct sk_buff *skb, int offset, struct emu_packet *packet)
{
	struct icmp6hdr icmp_buf;
	const struct icmp6hdr *icmp = skb_header_pointer(skb, offset, sizeof(icmp_buf), &icmp_buf);
	struct ipv6hdr ip_buf;
	const struct ipv6hdr *ip;
	__be16 fragment;
	u8 protocol;
	int at;

	if (!icmp || !icmpv6_is_err(icmp->icmp6_type))
		return false;
	offset += sizeof(*icmp);
	ip = skb_header_pointer(skb, offset, sizeof(ip_buf), &ip_buf);
	if (!ip)
		return false;
	protocol = ip->nexthdr;
	at = ipv6_skip_exthdr(skb, offset + sizeof(*ip), &protocol, &fragment);
	if (at < 0 || protocol != IPPROTO_TCP || fragment & htons(IP6_OFFSET) ||
	    !emu_parse_ports(skb, at, &packet->flow, true))
		return false;
	packet->flow.local = ip->saddr;
	packet->flow.remote = ip->daddr;
	return true;
}

static bool emu_parse6(struct sk_buff *skb, struct emu_packet *packet)
{
	int offset = skb_network_offset(skb);
	const struct ipv6hdr *ip;
	__be16 fragment = 0;
	u8 protocol;

	if (!pskb_may_pull(skb, offset + sizeof(*ip)))
		return false;
	ip = ipv6_hdr(skb);
	if (ip->version != 6)
		return false;
	packet->flow.local = ip->daddr;
	packet->flow.remote = ip->saddr;
	protocol = ip->nexthdr;
	offset = ipv6_skip_exthdr(skb, offset + sizeof(*ip), &protocol, &fragment);
	packet->fragment = fragment != 0;
	if (offset < 0 || packet->fragment)
		return true;
	if (protocol == IPPROTO_TCP)
		packet->tcp = emu_parse_tcp(skb, offset, packet);
	else if (protocol == IPPROTO_ICMPV6)
		packet->quoted = emu_parse_quoted6(skb, offset, packet);
	return true;
}

/**
 * emu_parse() - what of a packet matters to steering
 * @skb: its network header is set, and its protocol; data is at or before that
 * @packet: is set; for an ICMP error about a TCP connection, @packet->flow is that
 *
 * Return: whether it is IP, as far as one has to look.
 */
bool emu_parse(struct sk_buff *skb, struct emu_packet *packet)
{
	memset(packet, 0, sizeof(*packet));
	packet->flow.kind = EMU_FLOW;
	/* No address is on a VLAN of another kind. */
	if (skb_vlan_tag_present(skb))
		packet->flow.vlan = skb->vlan_proto == htons(ETH_P_8021Q) ?
				    skb_vlan_tag_get_id(skb) : VLAN_N_VID;
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return emu_parse4(skb, packet);
	case htons(ETH_P_IPV6):
		return emu_parse6(skb, packet);
	default:
		return false;
	}
}

static bool emu_is_flow(struct emu_adapter *adapter, const struct emu_packet *packet)
{
	return (packet->tcp || packet->quoted) && emu_find(adapter, &packet->flow);
}

static bool emu_is_to_listener(struct emu_adapter *adapter, const struct emu_packet *packet)
{
	struct emu_key key = packet->flow;

	key.kind = EMU_LISTEN;
	key.remote_port = 0;
	memset(&key.remote, 0, sizeof(key.remote));
	return packet->tcp && emu_find(adapter, &key);
}

/* Whether the adapter's own TCP has a socket for a segment: a connection that is not steered yet */
static bool emu_is_known(struct emu_adapter *adapter, const struct emu_key *flow)
{
	struct net_device *port = rcu_dereference(adapter->port);
	struct net *net = port ? dev_net(port) : NULL;
	struct sock *sk = NULL;

	if (!net)
		return false;
	if (ipv6_addr_v4mapped(&flow->local))
		sk = __inet_lookup_established(net, net->ipv4.tcp_death_row.hashinfo,
					       flow->remote.s6_addr32[3], flow->remote_port,
					       flow->local.s6_addr32[3], ntohs(flow->local_port),
					       port->ifindex, 0);
	else if (IS_ENABLED(CONFIG_IPV6))
		sk = __inet6_lookup_established(net, net->ipv4.tcp_death_row.hashinfo,
						&flow->remote, flow->remote_port, &flow->local,
						ntohs(flow->local_port), port->ifindex, 0);
	if (sk)
		sock_gen_put(sk);
	return sk;
}

/* A connection of the host's own TCP may have the port, too. */
static bool emu_is_for_listener(struct emu_adapter *adapter, const struct emu_packet *packet)
{
	return emu_is_to_listener(adapter, packet) &&
	       (packet->opens || emu_is_known(adapter, &packet->flow));
}

/* Whether what the adapter's TCP sends is for itself; under RCU */
bool emu_is_own(struct emu_adapter *adapter, const struct emu_packet *packet)
{
	return emu_is_flow(adapter, packet) || emu_is_for_listener(adapter, packet);
}

static bool emu_count_if(struct emu_adapter *adapter, enum emu_counter counter, bool is)
{
	if (is)
		emu_count(adapter, counter);
	return is;
}

/* As emu_is_own(), and counts it */
static bool emu_steer_offloaded(struct emu_adapter *adapter, const struct emu_packet *packet)
{
	return emu_count_if(adapter, EMU_TO_FLOW, emu_is_flow(adapter, packet)) ||
	       emu_count_if(adapter, EMU_TO_LISTENER, emu_is_for_listener(adapter, packet));
}

/*
 * The same for what the host has not, either: the adapter's listener answers to what is of
 * no connection, and takes the echo of a SYN cookie for one.
 */
bool emu_steer_stray(struct emu_adapter *adapter, const struct emu_packet *packet)
{
	return emu_count_if(adapter, EMU_TO_FLOW, emu_is_flow(adapter, packet)) ||
	       emu_count_if(adapter, EMU_TO_LISTENER, emu_is_to_listener(adapter, packet));
}

static bool emu_is_up(const struct emu_function *fn)
{
	return fn && netif_running(fn->base.netdev);
}

/* The function that gets what nobody has registered */
static struct emu_function *emu_router(struct emu_adapter *adapter, const struct emu_function *not)
{
	struct emu_function *fn;
	int i;

	for (i = 0; i < ARRAY_SIZE(adapter->router); i++) {
		fn = rcu_dereference(adapter->router[i]);
		if (fn != not && emu_is_up(fn)) {
			emu_count(adapter, EMU_TO_PRIMARY + i);
			return fn;
		}
	}
	return NULL;
}

/* The destination of a packet; an ICMP error's is not what it is about. */
static void emu_destination(struct sk_buff *skb, struct in6_addr *addr)
{
	if (skb->protocol == htons(ETH_P_IPV6))
		*addr = ipv6_hdr(skb)->daddr;
	else
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, addr);
}

/* What a DHCP server sends to a client may be for the address that it is to get. */
static bool emu_is_offer(struct sk_buff *skb)
{
	struct emu_key flow;
	const struct iphdr *ip = ip_hdr(skb);

	return skb->protocol == htons(ETH_P_IP) && ip->protocol == IPPROTO_UDP &&
	       emu_parse_ports(skb, skb_network_offset(skb) + ip->ihl * 4, &flow, false) &&
	       flow.local_port == htons(DHCP_CLIENT_PORT);
}

/**
 * emu_steer() - whose a packet is
 * @adapter: the adapter
 * @skb: the packet
 * @packet: from emu_parse()
 * @from: the function that sent it, which does not get it back by a rule or as a router;
 *	or NULL
 *
 * A fragment has no ports, or is not whole; a router's host can put it together.
 *
 * Context: RCU.
 */
struct emu_target emu_steer(struct emu_adapter *adapter, struct sk_buff *skb,
			    struct emu_packet *packet, struct emu_function *from)
{
	struct emu_target target = {};
	struct in6_addr addr;

	if (packet->fragment) {
		emu_count(adapter, EMU_FRAGMENTS);
		target.fn = emu_router(adapter, from);
		if (target.fn)
			return target;
	} else if (READ_ONCE(adapter->steering) && emu_steer_offloaded(adapter, packet)) {
		target.tcp = true;
		return target;
	}
	if (!packet->fragment) {
		target.fn = emu_rules_match(adapter, skb, packet, from);
		if (target.fn) {
			emu_count(adapter, EMU_BY_RULE);
			return target;
		}
	}
	emu_destination(skb, &addr);
	target.fn = emu_find_function(adapter, &addr, packet->flow.vlan);
	target.all = !target.fn && !packet->fragment && emu_is_offer(skb);
	if (target.fn || target.all)
		emu_count(adapter, EMU_TO_FUNCTION);
	else
		target.fn = emu_router(adapter, from);
	if (!target.fn && !target.all)
		emu_count(adapter, EMU_DROP_NOBODY);
	return target;
}

/* Operations of the adapter */

int emu_flow_steer(struct rnic_function *fn, const struct rnic_flow *flow)
{
	struct emu_adapter *adapter = to_emu_adapter(fn->adapter);
	struct emu_flow *f;
	int ret;

	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	emu_key_set(&f->entry.key, EMU_FLOW, &flow->local, &flow->remote, flow->vlan);
	ret = emu_insert(adapter, &f->entry);
	if (ret)
		kfree(f);
	return ret;
}

void emu_flow_unsteer(struct rnic_function *fn, const struct rnic_flow *flow)
{
	struct emu_adapter *adapter = to_emu_adapter(fn->adapter);
	struct emu_entry *entry;
	struct emu_key key;
	struct emu_flow *f;

	emu_key_set(&key, EMU_FLOW, &flow->local, &flow->remote, flow->vlan);
	rcu_read_lock();
	entry = emu_find(adapter, &key);
	if (entry) {
		f = container_of(entry, struct emu_flow, entry);
		emu_remove(adapter, entry);
		kfree_rcu(f, rcu);
	}
	rcu_read_unlock();
}

int emu_address_add(struct rnic_function *fn, const struct rnic_address *addr)
{
	struct emu_adapter *adapter = to_emu_adapter(fn->adapter);
	struct emu_address *address;
	int ret;

	address = kzalloc(sizeof(*address), GFP_ATOMIC);
	if (!address)
		return -ENOMEM;
	address->fn = to_emu_function(fn);
	address->address = *addr;
	emu_key_set(&address->entry.key, EMU_ADDRESS, &addr->addr, NULL, addr->vlan);
	spin_lock_bh(&adapter->lock);
	ret = emu_insert(adapter, &address->entry);
	if (!ret)
		list_add_tail(&address->item, &adapter->addresses);
	spin_unlock_bh(&adapter->lock);
	if (!ret) {
		queue_work(emu_wq, &adapter->sync);
		return 0;
	}
	if (ret == -EEXIST) {
		rcu_read_lock();
		ret = emu_find_function(adapter, &address->entry.key.local, addr->vlan) ==
		      address->fn ? 0 : -EADDRINUSE;
		rcu_read_unlock();
	}
	kfree(address);
	return ret;
}

void emu_address_remove(struct rnic_function *fn, const struct rnic_address *addr)
{
	struct emu_adapter *adapter = to_emu_adapter(fn->adapter);
	struct emu_address *address;
	struct emu_entry *entry;
	struct emu_key key;

	emu_key_set(&key, EMU_ADDRESS, &addr->addr, NULL, addr->vlan);
	spin_lock_bh(&adapter->lock);
	rcu_read_lock();
	entry = emu_find(adapter, &key);
	address = entry ? container_of(entry, struct emu_address, entry) : NULL;
	if (address && address->fn == to_emu_function(fn)) {
		emu_remove(adapter, entry);
		list_del(&address->item);
		kfree_rcu(address, rcu);
	}
	rcu_read_unlock();
	spin_unlock_bh(&adapter->lock);
	/* Who has it next has other routes. */
	emu_paths_forget(adapter, fn, &key.local);
	queue_work(emu_wq, &adapter->sync);
}
