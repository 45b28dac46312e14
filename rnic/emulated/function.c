// SPDX-License-Identifier: GPL-2.0
/*
 * Functions: virtual NICs on one port, and with its address. `ip link add NAME link
 * DEV type rnic` makes an Ethernet interface, `type rnic_l3` one that is IP only.
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <net/addrconf.h>
#include <net/rtnetlink.h>
#include "compat.h"
#include "emulated.h"

#define FUNCTION_FEATURES	(NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_HIGHDMA | \
				 NETIF_F_FRAGLIST | NETIF_F_GSO_SOFTWARE)

static struct rtnl_link_ops emu_l2_link_ops;
static struct rtnl_link_ops emu_l3_link_ops;

/* The function that an interface is, or NULL */
struct emu_function *emu_function_of(const struct net_device *netdev)
{
	if (netdev->rtnl_link_ops != &emu_l2_link_ops && netdev->rtnl_link_ops != &emu_l3_link_ops)
		return NULL;
	return netdev_priv(netdev);
}

/* Operations of the interface */

static int function_open(struct net_device *netdev)
{
	struct emu_function *fn = netdev_priv(netdev);
	struct net_device *lower = fn->adapter->lower;

	if (!(lower->flags & IFF_UP))
		return -ENETDOWN;
	netif_stacked_transfer_operstate(lower, netdev);
	return 0;
}

/* What the interface is to receive beyond its own, its port is to, @inc: 1, or not any more: -1 */
static int function_take(struct net_device *netdev, unsigned int flags, int inc)
{
	struct emu_function *fn = netdev_priv(netdev);
	struct net_device *lower = fn->adapter->lower;
	int ret = 0;

	if (flags & IFF_ALLMULTI)
		ret = dev_set_allmulti(lower, inc);
	if (ret || !(flags & IFF_PROMISC))
		return ret;
	ret = dev_set_promiscuity(lower, inc);
	if (ret && flags & IFF_ALLMULTI)
		dev_set_allmulti(lower, -inc);
	return ret;
}

static int emu_l2_open(struct net_device *netdev)
{
	int ret = function_open(netdev);

	return ret ?: function_take(netdev, netdev->flags, 1);
}

static int emu_l2_stop(struct net_device *netdev)
{
	struct emu_function *fn = netdev_priv(netdev);

	function_take(netdev, netdev->flags, -1);
	dev_mc_unsync(fn->adapter->lower, netdev);
	return 0;
}

static void function_change_rx_flags(struct net_device *netdev, int change)
{
	if (!(netdev->flags & IFF_UP))
		return;
	function_take(netdev, change & netdev->flags, 1);
	function_take(netdev, change & ~netdev->flags, -1);
}

static void function_set_rx_mode(struct net_device *netdev)
{
	struct emu_function *fn = netdev_priv(netdev);

	dev_mc_sync(fn->adapter->lower, netdev);
}

static int function_change_mtu(struct net_device *netdev, int mtu)
{
	struct emu_function *fn = netdev_priv(netdev);

	if (mtu > fn->adapter->lower->mtu)
		return -EINVAL;
	WRITE_ONCE(netdev->mtu, mtu);
	return 0;
}

static int function_iflink(const struct net_device *netdev)
{
	const struct emu_function *fn = netdev_priv(netdev);

	return READ_ONCE(fn->adapter->lower->ifindex);
}

static const struct net_device_ops emu_l2_netdev_ops = {
	.ndo_open = emu_l2_open,
	.ndo_stop = emu_l2_stop,
	.ndo_start_xmit = emu_l2_xmit,
	.ndo_change_rx_flags = function_change_rx_flags,
	.ndo_set_rx_mode = function_set_rx_mode,
	.ndo_change_mtu = function_change_mtu,
	.ndo_get_iflink = function_iflink,
	.ndo_get_stats64 = dev_get_tstats64,
	.ndo_validate_addr = eth_validate_addr,
};

static const struct net_device_ops emu_l3_netdev_ops = {
	.ndo_open = function_open,
	.ndo_start_xmit = emu_l3_xmit,
	.ndo_change_mtu = function_change_mtu,
	.ndo_get_iflink = function_iflink,
	.ndo_get_stats64 = dev_get_tstats64,
};

static int function_link_ksettings(struct net_device *netdev, struct ethtool_link_ksettings *cmd)
{
	struct emu_function *fn = netdev_priv(netdev);

	return __ethtool_get_link_ksettings(fn->adapter->lower, cmd);
}

static void function_drvinfo(struct net_device *netdev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "rnic_emulated", sizeof(info->driver));
}

static const struct ethtool_ops emu_ethtool_ops = {
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = function_link_ksettings,
	.get_drvinfo = function_drvinfo,
};

static void function_free(struct net_device *netdev)
{
	free_percpu(netdev->tstats);
	netdev->tstats = NULL;
}

static void function_setup(struct net_device *netdev)
{
	netdev->ethtool_ops = &emu_ethtool_ops;
	netdev->needs_free_netdev = true;
	netdev->priv_destructor = function_free;
	netdev->features |= FUNCTION_FEATURES;
	netdev->hw_features |= FUNCTION_FEATURES;
	netdev->vlan_features |= FUNCTION_FEATURES;
	netdev->hw_enc_features |= FUNCTION_FEATURES;
	netdev->priv_flags |= IFF_NO_QUEUE;
	compat_netdev_lltx(netdev);
	netdev->min_mtu = IPV4_MIN_MTU;
	netdev->max_mtu = ETH_MAX_MTU;
	netif_keep_dst(netdev);
}

static void emu_l2_setup(struct net_device *netdev)
{
	ether_setup(netdev);
	function_setup(netdev);
	netdev->netdev_ops = &emu_l2_netdev_ops;
	netdev->priv_flags &= ~(IFF_TX_SKB_SHARING | IFF_LIVE_ADDR_CHANGE);
	/*
	 * Frames for another address than the port's are none of a function's: it is no
	 * bridge's port, and not promiscuous because something on top has one.
	 */
	netdev->priv_flags |= IFF_DONT_BRIDGE | IFF_UNICAST_FLT;
}

/* Nothing but IP: what is seen on it is packets. */
static void emu_l3_setup(struct net_device *netdev)
{
	function_setup(netdev);
	netdev->netdev_ops = &emu_l3_netdev_ops;
	netdev->type = ARPHRD_RAWIP;
	netdev->flags = IFF_NOARP;
	netdev->hard_header_len = 0;
	netdev->addr_len = 0;
	netdev->features |= NETIF_F_VLAN_CHALLENGED;
}

/* Coming and going */

static int function_check_lower(struct net_device *lower, struct netlink_ext_ack *extack)
{
	if (lower->flags & IFF_LOOPBACK || lower->type != ARPHRD_ETHER) {
		NL_SET_ERR_MSG(extack, "a function needs an Ethernet interface under it");
		return -EINVAL;
	}
	if (emu_function_of(lower)) {
		NL_SET_ERR_MSG(extack, "a function can not stand on another function");
		return -EINVAL;
	}
	if (netif_is_bridge_port(lower)) {
		NL_SET_ERR_MSG(extack, "a bridge's port gives what it receives to the bridge");
		return -EBUSY;
	}
	if (netif_is_bond_slave(lower) || netif_is_team_port(lower)) {
		NL_SET_ERR_MSG(extack, "a bond's slave gives what it receives to the bond");
		return -EBUSY;
	}
	return 0;
}

/*
 * The port's own address, for those who share it. What lies behind it in the buffer
 * never gets on a wire: 6.1's rdma_cm tells interfaces apart by it, also those of
 * adapters whose ports share one (a VLAN and what is under it), and IPv6 gives them
 * link-local addresses of their own by dev_id.
 */
static void function_set_address(struct emu_function *fn)
{
	struct net_device *netdev = fn->base.netdev;
	__be16 behind[] = { htons(fn->base.number), htons(fn->adapter->id) };

	netdev->dev_id = fn->base.number;
	if (fn->base.kind == RNIC_L2)
		eth_hw_addr_set(netdev, fn->adapter->lower->dev_addr);
	dev_addr_mod(netdev, ETH_ALEN, behind, sizeof(behind));
}

/* Under the interface: number, address, counters */
static int function_prepare(struct emu_function *fn, struct emu_adapter *adapter,
			    struct net_device *netdev, enum rnic_nl_kind kind)
{
	int ret = ida_alloc_range(&adapter->numbers, 1, U16_MAX, GFP_KERNEL);

	if (ret < 0)
		return ret;
	fn->adapter = adapter;
	fn->base.adapter = &adapter->base;
	fn->base.netdev = netdev;
	fn->base.kind = kind;
	fn->base.number = ret;
	function_set_address(fn);
	netdev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	if (netdev->tstats)
		return 0;
	ida_free(&adapter->numbers, fn->base.number);
	return -ENOMEM;
}

static int function_newlink(struct net *src_net, struct net_device *netdev, struct nlattr *tb[],
			    enum rnic_nl_kind kind, struct netlink_ext_ack *extack)
{
	struct emu_function *fn = netdev_priv(netdev);
	struct emu_adapter *adapter;
	struct net_device *lower;
	int ret;

	if (!tb[IFLA_LINK]) {
		NL_SET_ERR_MSG(extack, "a function needs an interface under it: link DEV");
		return -EINVAL;
	}
	lower = __dev_get_by_index(src_net, nla_get_u32(tb[IFLA_LINK]));
	if (!lower)
		return -ENODEV;
	ret = function_check_lower(lower, extack);
	if (ret)
		return ret;
	if (tb[IFLA_MTU] && netdev->mtu > lower->mtu) {
		NL_SET_ERR_MSG(extack, "a function's MTU can not be above its port's");
		return -EINVAL;
	}
	adapter = emu_adapter_get(lower, extack);
	if (IS_ERR(adapter))
		return PTR_ERR(adapter);
	ret = function_prepare(fn, adapter, netdev, kind);
	if (ret)
		goto err_adapter;
	if (!tb[IFLA_MTU])
		netdev->mtu = lower->mtu;
	ret = register_netdevice(netdev);
	if (ret)
		goto err_prepared;
	ret = netdev_upper_dev_link(lower, netdev, extack);
	if (ret)
		goto err_unregister;
	list_add_tail_rcu(&fn->item, &adapter->functions);
	rnic_function_register(&fn->base);
	netif_stacked_transfer_operstate(lower, netdev);
	linkwatch_fire_event(netdev);
	return 0;

err_unregister:
	unregister_netdevice(netdev);
	ida_free(&adapter->numbers, fn->base.number);
	emu_adapter_drop(adapter);
	return ret;
err_prepared:
	function_free(netdev);
	ida_free(&adapter->numbers, fn->base.number);
err_adapter:
	emu_adapter_drop(adapter);
	return ret;
}

static int emu_l2_newlink(struct net *src_net, struct net_device *netdev, struct nlattr *tb[],
			  struct nlattr *data[], struct netlink_ext_ack *extack)
{
	return function_newlink(src_net, netdev, tb, RNIC_L2, extack);
}

static int emu_l3_newlink(struct net *src_net, struct net_device *netdev, struct nlattr *tb[],
			  struct nlattr *data[], struct netlink_ext_ack *extack)
{
	return function_newlink(src_net, netdev, tb, RNIC_L3, extack);
}

static int function_validate(struct nlattr *tb[], struct nlattr *data[],
			     struct netlink_ext_ack *extack)
{
	if (tb[IFLA_ADDRESS]) {
		NL_SET_ERR_MSG(extack, "a function has its port's address, or none");
		return -EINVAL;
	}
	return 0;
}

static void function_dellink(struct net_device *netdev, struct list_head *head)
{
	struct emu_function *fn = netdev_priv(netdev);
	struct emu_adapter *adapter = fn->adapter;
	int i;

	for (i = 0; i < ARRAY_SIZE(adapter->router); i++) {
		if (rtnl_dereference(adapter->router[i]) == fn)
			RCU_INIT_POINTER(adapter->router[i], NULL);
	}
	list_del_rcu(&fn->item);
	rnic_function_unregister(&fn->base);
	emu_paths_forget(adapter, &fn->base, NULL);
	dev_mc_unsync(adapter->lower, netdev);
	netdev_upper_dev_unlink(adapter->lower, netdev);
	unregister_netdevice_queue(netdev, head);
	ida_free(&adapter->numbers, fn->base.number);
	emu_adapter_drop(adapter);
}

static struct net *function_link_net(const struct net_device *netdev)
{
	const struct emu_function *fn = netdev_priv(netdev);

	return dev_net(fn->adapter->lower);
}

static struct rtnl_link_ops emu_l2_link_ops = {
	.kind = "rnic",
	.priv_size = sizeof(struct emu_function),
	.setup = emu_l2_setup,
	.validate = function_validate,
	.newlink = emu_l2_newlink,
	.dellink = function_dellink,
	.get_link_net = function_link_net,
};

static struct rtnl_link_ops emu_l3_link_ops = {
	.kind = "rnic_l3",
	.priv_size = sizeof(struct emu_function),
	.setup = emu_l3_setup,
	.validate = function_validate,
	.newlink = emu_l3_newlink,
	.dellink = function_dellink,
	.get_link_net = function_link_net,
};

MODULE_ALIAS_RTNL_LINK("rnic");
MODULE_ALIAS_RTNL_LINK("rnic_l3");

/*
 * An interface is there, perhaps in another namespace than before. IPv6 gives an IP-only
 * one no link-local address, and so asks no routers, unless somebody wants it to.
 */
void emu_function_registered(struct net_device *netdev)
{
	const struct emu_function *fn = emu_function_of(netdev);
	struct inet6_dev *idev;

	if (!fn || fn->base.kind != RNIC_L3)
		return;
	idev = __in6_dev_get(netdev);
	if (idev)
		WRITE_ONCE(idev->cnf.addr_gen_mode, IN6_ADDR_GEN_MODE_NONE);
}

/* Whether an interface is a VLAN on a function, and @addr is not the function's */
bool emu_function_refuses(const struct net_device *netdev, const u8 *addr)
{
	const struct net_device *real;

	if (!is_vlan_dev(netdev))
		return false;
	real = vlan_dev_real_dev(netdev);
	return emu_function_of(real) && !ether_addr_equal(real->dev_addr, addr);
}

static void function_lower_event(struct emu_function *fn, unsigned long what)
{
	struct net_device *netdev = fn->base.netdev;
	struct net_device *lower = fn->adapter->lower;

	switch (what) {
	case NETDEV_UNREGISTER:
		/* It goes to another namespace, and forgets its groups. */
		dev_mc_unsync(lower, netdev);
		break;
	case NETDEV_REGISTER:
		if (netif_running(netdev))
			dev_mc_sync(lower, netdev);
		break;
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
		netif_stacked_transfer_operstate(lower, netdev);
		break;
	case NETDEV_CHANGEMTU:
		if (netdev->mtu > lower->mtu)
			dev_set_mtu(netdev, lower->mtu);
		break;
	case NETDEV_CHANGEADDR:
		function_set_address(fn);
		call_netdevice_notifiers(NETDEV_CHANGEADDR, netdev);
		break;
	case NETDEV_NOTIFY_PEERS:
	case NETDEV_BONDING_FAILOVER:
	case NETDEV_RESEND_IGMP:
		/* A bond has failed over: the addresses that others are to be told are here. */
		call_netdevice_notifiers(what, netdev);
		break;
	}
}

/* The lower interface has changed; under rtnl. The adapter may be gone afterwards. */
void emu_function_lower_event(struct emu_adapter *adapter, unsigned long what)
{
	bool goes = what == NETDEV_UNREGISTER &&
		    adapter->lower->reg_state == NETREG_UNREGISTERING;
	struct emu_function *fn, *next;
	LIST_HEAD(gone);

	list_for_each_entry_safe(fn, next, &adapter->functions, item) {
		if (goes)
			function_dellink(fn->base.netdev, &gone);
		else
			function_lower_event(fn, what);
	}
	unregister_netdevice_many(&gone);
}

int emu_functions_init(void)
{
	int ret = rtnl_link_register(&emu_l2_link_ops);

	if (ret)
		return ret;
	ret = rtnl_link_register(&emu_l3_link_ops);
	if (ret)
		rtnl_link_unregister(&emu_l2_link_ops);
	return ret;
}

void emu_functions_exit(void)
{
	rtnl_link_unregister(&emu_l3_link_ops);
	rtnl_link_unregister(&emu_l2_link_ops);
}
