// SPDX-License-Identifier: GPL-2.0
/*
 * What comes in, from the wire or from one function for another.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include "emulated.h"

/* Shows an Ethernet function a frame, an IP-only one a packet. Data is the packet. */
static bool receive_dress(struct emu_adapter *adapter, struct emu_function *fn,
			  struct sk_buff *skb)
{
	struct net_device *lower = adapter->lower;

	if (fn->base.kind == RNIC_L3) {
		skb_reset_mac_header(skb);
		skb_reset_mac_len(skb);
		__vlan_hwaccel_clear_tag(skb);
		return true;
	}
	if (skb_mac_header_was_set(skb) && skb_mac_header_len(skb) >= ETH_HLEN)
		return true;
	if (skb_cow_head(skb, ETH_HLEN))
		return false;
	eth_header(skb, lower, ntohs(skb->protocol), lower->dev_addr, lower->dev_addr, skb->len);
	skb_reset_mac_header(skb);
	__skb_pull(skb, ETH_HLEN);
	skb_reset_mac_len(skb);
	return true;
}

static void receive_count(struct net_device *netdev, const struct sk_buff *skb)
{
	dev_sw_netstats_rx_add(netdev, skb->len);
}

/* As it was sent */
static void receive_count_frame(struct net_device *netdev, const struct sk_buff *skb)
{
	dev_sw_netstats_rx_add(netdev, skb->len + ETH_HLEN);
	if (skb->pkt_type == PACKET_MULTICAST)
		DEV_STATS_INC(netdev, multicast);
}

/* To an interface; false, and it is gone, when it cannot have it */
static bool receive_by(struct emu_adapter *adapter, struct emu_function *fn, struct sk_buff *skb)
{
	struct net_device *netdev = fn->base.netdev;

	if (!netif_running(netdev) || !receive_dress(adapter, fn, skb)) {
		dev_core_stats_rx_dropped_inc(netdev);
		kfree_skb(skb);
		return false;
	}
	skb->dev = netdev;
	if (fn->base.kind == RNIC_L2)
		receive_count_frame(netdev, skb);
	else
		receive_count(netdev, skb);
	return true;
}

/* Multicast and broadcast */

/*
 * The IPv4 address that an ARP packet asks about or answers to; false: not ARP for IPv4.
 * Everybody is told by an announcement, and by an answer to who has no address yet.
 */
static bool receive_arp(struct sk_buff *skb, struct in6_addr *target, bool *everybody)
{
	struct {
		struct arphdr head;
		u8 sender_mac[ETH_ALEN];
		__be32 sender;
		u8 target_mac[ETH_ALEN];
		__be32 target;
	} __packed buf;
	const typeof(buf) *arp;

	if (skb->protocol != htons(ETH_P_ARP))
		return false;
	arp = skb_header_pointer(skb, skb_network_offset(skb), sizeof(buf), &buf);
	if (!arp || arp->head.ar_hrd != htons(ARPHRD_ETHER) || arp->head.ar_pro != htons(ETH_P_IP))
		return false;
	ipv6_addr_set_v4mapped(arp->target, target);
	*everybody = arp->target == arp->sender || !arp->target;
	return true;
}

static struct emu_function *receive_router(struct emu_adapter *adapter)
{
	struct emu_function *fn;
	int i;

	for (i = 0; i < ARRAY_SIZE(adapter->router); i++) {
		fn = rcu_dereference(adapter->router[i]);
		if (fn && netif_running(fn->base.netdev))
			return fn;
	}
	return NULL;
}

static void receive_copy(struct emu_adapter *adapter, struct emu_function *fn,
			 struct sk_buff *skb, struct emu_function *from)
{
	struct sk_buff *copy;

	if (fn == from || fn->base.kind == RNIC_L3)
		return;
	copy = skb_clone(skb, GFP_ATOMIC);
	if (copy && receive_by(adapter, fn, copy))
		netif_rx(copy);
}

/*
 * Every Ethernet function gets its copy. But a question for an IPv4 address goes
 * to who has it, or to the router: hosts answer for all of their addresses on
 * every interface, and there is to be one answer. Not consumed.
 */
static void receive_flood(struct emu_adapter *adapter, struct sk_buff *skb,
			  struct emu_function *from)
{
	struct emu_function *fn;
	struct in6_addr target;
	bool everybody;

	if (receive_arp(skb, &target, &everybody) && !everybody) {
		fn = emu_find_function(adapter, &target, skb_vlan_tag_present(skb) ?
				       skb_vlan_tag_get_id(skb) : 0);
		fn = fn ?: receive_router(adapter);
		if (fn)
			receive_copy(adapter, fn, skb, from);
		return;
	}
	list_for_each_entry_rcu(fn, &adapter->functions, item)
		receive_copy(adapter, fn, skb, from);
}

/* One host's own */

static struct emu_target receive_steer(struct emu_adapter *adapter, struct sk_buff *skb,
				       struct emu_function *from)
{
	struct emu_target ret = {};
	struct emu_packet packet;
	struct in6_addr target;

	if (receive_arp(skb, &target, &ret.all)) {
		if (ret.all)
			return ret;
		ret.fn = emu_find_function(adapter, &target, skb_vlan_tag_present(skb) ?
					   skb_vlan_tag_get_id(skb) : 0);
		ret.fn = ret.fn ?: receive_router(adapter);
		if (!ret.fn)
			emu_count(adapter, EMU_DROP_NOBODY);
		return ret;
	}
	if (!emu_parse(skb, &packet)) {
		emu_count(adapter, EMU_DROP_MALFORMED);
		return ret;
	}
	return emu_steer(adapter, skb, &packet, from);
}

/* Where it is to be received; NULL, and it is gone, if nowhere or in copies */
static struct net_device *receive_target(struct emu_adapter *adapter, struct sk_buff *skb,
					 struct emu_function *from)
{
	struct emu_target target = receive_steer(adapter, skb, from);
	struct net_device *port;

	if (target.all) {
		receive_flood(adapter, skb, from);
		consume_skb(skb);
		return NULL;
	}
	if (target.fn)
		return receive_by(adapter, target.fn, skb) ? skb->dev : NULL;
	port = target.tcp ? rcu_dereference(adapter->port) : NULL;
	if (!port) {
		kfree_skb(skb);
		return NULL;
	}
	__vlan_hwaccel_clear_tag(skb);
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	skb->pkt_type = PACKET_HOST;
	skb->dev = port;
	receive_count(port, skb);
	return port;
}

static bool receive_is_ours(const struct sk_buff *skb)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
	case htons(ETH_P_IPV6):
	case htons(ETH_P_ARP):
		return true;
	default:
		return false;
	}
}

/**
 * emu_receive() - the lower interface's rx_handler
 * @pskb: what has come
 *
 * Other protocols than IP and ARP (LLDP, spanning tree) are the wire's, and stay
 * with the lower interface.
 */
rx_handler_result_t emu_receive(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	struct emu_adapter *adapter = rcu_dereference(skb->dev->rx_handler_data);

	if (skb->pkt_type == PACKET_LOOPBACK || skb->pkt_type == PACKET_OTHERHOST ||
	    !receive_is_ours(skb))
		return RX_HANDLER_PASS;
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb)
		return RX_HANDLER_CONSUMED;
	*pskb = skb;
	if (skb->pkt_type != PACKET_HOST) {
		receive_flood(adapter, skb, NULL);
		consume_skb(skb);
		return RX_HANDLER_CONSUMED;
	}
	return receive_target(adapter, skb, NULL) ? RX_HANDLER_ANOTHER : RX_HANDLER_CONSUMED;
}

/**
 * emu_inject() - receive what did not come from the wire
 * @adapter: the adapter
 * @skb: network header and protocol set, data begins there; for one of the adapter's
 *	addresses, or for nobody's; consumed
 * @from: the function that has sent it, or NULL
 *
 * Context: bottom halves off.
 */
void emu_inject(struct emu_adapter *adapter, struct sk_buff *skb, struct emu_function *from)
{
	skb_scrub_packet(skb, true);
	skb->pkt_type = PACKET_HOST;
	rcu_read_lock();
	if (receive_target(adapter, skb, from))
		netif_rx(skb);
	rcu_read_unlock();
}

/**
 * emu_frame_received() - make a frame that is sent look like one that has come
 * @skb: data begins with the Ethernet header, a VLAN tag is in the frame
 * @from: the function that sends it
 *
 * Return: the frame, data begins behind its headers; or NULL, and it is gone.
 */
struct sk_buff *emu_frame_received(struct sk_buff *skb, struct emu_function *from)
{
	skb->protocol = eth_type_trans(skb, from->base.netdev);
	if (eth_type_vlan(skb->protocol))
		skb = skb_vlan_untag(skb);
	if (skb)
		skb_reset_network_header(skb);
	return skb;
}

/* A copy of a frame for all; data begins with the Ethernet header. Not consumed. */
void emu_inject_flood(struct emu_adapter *adapter, struct sk_buff *skb, struct emu_function *from)
{
	struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

	if (!copy)
		return;
	skb_scrub_packet(copy, true);
	copy = emu_frame_received(copy, from);
	if (!copy)
		return;
	rcu_read_lock();
	if (receive_is_ours(copy))
		receive_flood(adapter, copy, from);
	rcu_read_unlock();
	consume_skb(copy);
}

/* What comes from the host itself has no tag, whatever VLAN its address is on. */
static bool stray_is_offloaded(struct emu_adapter *adapter, struct sk_buff *skb)
{
	struct emu_address *address;
	struct emu_packet packet;
	bool ret;

	if (!emu_parse(skb, &packet))
		return false;
	spin_lock(&adapter->lock);
	ret = emu_steer_stray(adapter, &packet);
	list_for_each_entry(address, &adapter->addresses, item) {
		if (ret)
			break;
		if (!ipv6_addr_equal(&address->entry.key.local, &packet.flow.local))
			continue;
		packet.flow.vlan = address->entry.key.vlan;
		ret = emu_steer_stray(adapter, &packet);
	}
	spin_unlock(&adapter->lock);
	return ret;
}

/*
 * The host has it, and it is for the adapter's TCP: it comes from the host itself, was put
 * together from fragments, or is of no connection that either of them has. When steering is
 * off, it is not helped back.
 */
void emu_stray(struct rnic_function *fn, struct sk_buff *skb)
{
	struct emu_adapter *adapter = to_emu_adapter(fn->adapter);
	struct net_device *port;

	rcu_read_lock();
	port = rcu_dereference(adapter->port);
	if (READ_ONCE(adapter->steering) && port && stray_is_offloaded(adapter, skb)) {
		skb_scrub_packet(skb, true);
		skb_reset_mac_header(skb);
		skb_reset_mac_len(skb);
		skb->pkt_type = PACKET_HOST;
		skb->dev = port;
		netif_rx(skb);
	} else {
		kfree_skb(skb);
	}
	rcu_read_unlock();
}
