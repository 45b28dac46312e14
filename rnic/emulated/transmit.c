// SPDX-License-Identifier: GPL-2.0
/*
 * What goes out: of functions, and of the adapter's TCP.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <net/ndisc.h>
#include "emulated.h"

static struct emu_function *netdev_to_emu(struct net_device *netdev)
{
	return netdev_priv(netdev);
}

static netdev_tx_t transmit_drop(struct sk_buff *skb, struct net_device *netdev)
{
	dev_core_stats_tx_dropped_inc(netdev);
	kfree_skb(skb);
	return NETDEV_TX_OK;
}

static netdev_tx_t transmit_to_wire(struct emu_adapter *adapter, struct sk_buff *skb)
{
	skb->dev = adapter->lower;
	dev_queue_xmit(skb);
	return NETDEV_TX_OK;
}

/* To a sibling, or to the adapter's TCP; the wire would not bring it back. */
static netdev_tx_t transmit_to_self(struct emu_function *fn, struct sk_buff *skb)
{
	skb = emu_frame_received(skb, fn);
	if (skb)
		emu_inject(fn->adapter, skb, fn);
	return NETDEV_TX_OK;
}

netdev_tx_t emu_l2_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct emu_function *fn = netdev_to_emu(netdev);
	struct emu_adapter *adapter = fn->adapter;
	const struct ethhdr *eth;

	if (!pskb_may_pull(skb, ETH_HLEN))
		return transmit_drop(skb, netdev);
	dev_sw_netstats_tx_add(netdev, 1, skb->len);
	eth = (const struct ethhdr *)skb->data;
	if (ether_addr_equal(eth->h_dest, adapter->lower->dev_addr))
		return transmit_to_self(fn, skb);
	if (is_multicast_ether_addr(eth->h_dest))
		emu_inject_flood(adapter, skb, fn);
	return transmit_to_wire(adapter, skb);
}

/* Of neighbours or routers, which an IP-only function has none of */
static bool transmit_is_discovery(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip;
	struct ipv6hdr ip_buf;
	const u8 *type;
	u8 type_buf;

	if (skb->protocol != htons(ETH_P_IPV6))
		return false;
	ip = skb_header_pointer(skb, 0, sizeof(ip_buf), &ip_buf);
	if (!ip || ip->nexthdr != IPPROTO_ICMPV6)
		return false;
	type = skb_header_pointer(skb, sizeof(*ip), sizeof(type_buf), &type_buf);
	return type && *type >= NDISC_ROUTER_SOLICITATION && *type <= NDISC_REDIRECT;
}

/* It goes to who on the adapter has the address, or to the router, whose host sends it on. */
netdev_tx_t emu_l3_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct emu_function *fn = netdev_to_emu(netdev);

	if (transmit_is_discovery(skb) ||
	    (skb->protocol != htons(ETH_P_IP) && skb->protocol != htons(ETH_P_IPV6)))
		return transmit_drop(skb, netdev);
	dev_sw_netstats_tx_add(netdev, 1, skb->len);
	skb_reset_network_header(skb);
	emu_inject(fn->adapter, skb, fn);
	return NETDEV_TX_OK;
}

netdev_tx_t emu_port_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct emu_adapter *adapter = *(struct emu_adapter **)netdev_priv(netdev);
	struct emu_packet packet;

	skb_reset_network_header(skb);
	if (!emu_parse(skb, &packet))
		return transmit_drop(skb, netdev);
	dev_sw_netstats_tx_add(netdev, 1, skb->len);
	rcu_read_lock();
	emu_path_send(adapter, &packet, skb);
	rcu_read_unlock();
	return NETDEV_TX_OK;
}
