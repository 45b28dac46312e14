// SPDX-License-Identifier: GPL-2.0
/*
 * The port: the one interface in the namespace of the adapter's TCP. It carries
 * packets without a link layer, since where they go is the handles' business.
 */
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/net_namespace.h>
#include "compat.h"
#include "emulated.h"

#define PORT_FEATURES	(NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_HIGHDMA | \
			 NETIF_F_FRAGLIST | NETIF_F_GSO_SOFTWARE)

static const struct net_device_ops port_netdev_ops = {
	.ndo_start_xmit = emu_port_xmit,
	.ndo_get_stats64 = dev_get_tstats64,
};

static void port_free(struct net_device *netdev)
{
	free_percpu(netdev->tstats);
	netdev->tstats = NULL;
}

static void port_setup(struct net_device *netdev)
{
	netdev->netdev_ops = &port_netdev_ops;
	netdev->needs_free_netdev = true;
	netdev->priv_destructor = port_free;
	netdev->type = ARPHRD_RAWIP;
	netdev->flags = IFF_NOARP;
	netdev->features |= PORT_FEATURES;
	netdev->hw_features |= PORT_FEATURES;
	netdev->priv_flags |= IFF_NO_QUEUE;
	compat_netdev_lltx(netdev);
	compat_netdev_immutable(netdev);
	netif_keep_dst(netdev);
}

/**
 * emu_port_create() - give the adapter's TCP its namespace, and a port in that
 * @adapter: has none yet
 * @net: the namespace; a reference is taken
 *
 * Context: rtnl.
 * Return: 0, -EBUSY if it has one, or another errno.
 */
int emu_port_create(struct emu_adapter *adapter, struct net *net)
{
	struct net_device *netdev;
	int ret;

	if (adapter->net)
		return -EBUSY;
	netdev = alloc_netdev(sizeof(struct emu_adapter *), "port%d", NET_NAME_ENUM, port_setup);
	if (!netdev)
		return -ENOMEM;
	*(struct emu_adapter **)netdev_priv(netdev) = adapter;
	netdev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	if (!netdev->tstats) {
		free_netdev(netdev);
		return -ENOMEM;
	}
	dev_net_set(netdev, net);
	netdev->mtu = adapter->lower->mtu;
	netdev->max_mtu = ETH_MAX_MTU;
	netdev->needed_headroom = LL_RESERVED_SPACE(adapter->lower) + VLAN_HLEN;
	ret = register_netdevice(netdev);
	if (ret) {
		port_free(netdev);
		free_netdev(netdev);
		return ret;
	}
	adapter->net = get_net(net);
	rcu_assign_pointer(adapter->port, netdev);
	/* What has been listened on before */
	queue_work(emu_wq, &adapter->sync);
	return 0;
}

/* Nothing is sent or received any more after return; takes rtnl. */
void emu_port_destroy(struct emu_adapter *adapter)
{
	struct net_device *netdev;

	rtnl_lock();
	netdev = rtnl_dereference(adapter->port);
	emu_listeners_close(adapter);
	if (netdev)
		unregister_netdevice(netdev);
	rtnl_unlock();
	if (adapter->net)
		put_net(adapter->net);
	adapter->net = NULL;
}
