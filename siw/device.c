// SPDX-License-Identifier: GPL-2.0
/*
 * A device: made over an interface, and gone with it.
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <rdma/ib_verbs.h>
#include "siw.h"

/* Another interface of the namespace, with a device, that rdma_cm would take for this one */
static bool device_has_twin(struct net_device *netdev)
{
	struct net_device *other;
	struct ib_device *ibdev;
	bool found = false;

	rcu_read_lock();
	for_each_netdev_rcu(dev_net(netdev), other) {
		if (other == netdev || memcmp(other->dev_addr, netdev->dev_addr, SIW_GID_LEN))
			continue;
		ibdev = ib_device_get_by_netdev(other, RDMA_DRIVER_SIW);
		if (!ibdev)
			continue;
		ib_device_put(ibdev);
		found = true;
		break;
	}
	rcu_read_unlock();
	return found;
}

/*
 * rdma_cm copies an address whole, whatever its length. So interfaces that share
 * one differ, as functions of an adapter do, by what they put behind it.
 */
static bool device_has_address(const struct net_device *netdev)
{
	return memchr_inv(netdev->dev_addr, 0, SIW_GID_LEN);
}

/**
 * siw_device_enslaved() - does IP run over another interface in this one's stead?
 * @netdev: the interface
 *
 * Return: why no device stands here then, or NULL.
 */
const char *siw_device_enslaved(struct net_device *netdev)
{
	struct net_device *master;
	const char *why = NULL;

	rcu_read_lock();
	master = netdev_master_upper_dev_get_rcu(netdev);
	if (master && netif_is_bond_master(master))
		why = "a bond's slave has no IP of its own; the bond can carry it";
	else if (master && netif_is_team_master(master))
		why = "a team's port has no IP of its own; the team can carry it";
	else if (master && (netif_is_bridge_master(master) || netif_is_ovs_master(master)))
		why = "a bridge's port has no IP of its own; the bridge can carry it";
	rcu_read_unlock();
	return why;
}

/**
 * siw_device_obstacle() - can an RDMA device stand on this interface?
 * @netdev: the interface
 * @why: is set to the reason why not
 *
 * It can where IP runs over the interface itself, and where rdma_cm of the
 * running kernel finds the device.
 *
 * Return: 0, -EOPNOTSUPP, or -EADDRINUSE.
 */
int siw_device_obstacle(struct net_device *netdev, const char **why)
{
	switch (netdev->type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
		break;
	default:
		*why = "not a kind of interface that carries it";
		return -EOPNOTSUPP;
	}
	*why = siw_device_enslaved(netdev);
	if (*why)
		return -EOPNOTSUPP;
	if (!COMPAT_CMA_BY_ADDRESS)
		return 0;
	if (!device_has_address(netdev)) {
		*why = "this kernel knows a device by its interface's address, and there is none";
		return -EOPNOTSUPP;
	}
	if (device_has_twin(netdev)) {
		*why = "this kernel knows a device by its interface's address, and another has it";
		return -EADDRINUSE;
	}
	return 0;
}

/**
 * siw_device_active() - can the port carry anything?
 * @dev: the device
 *
 * Return: its interface is up, and has a carrier.
 */
bool siw_device_active(const struct siw_device *dev)
{
	return netif_running(dev->netdev) && netif_carrier_ok(dev->netdev);
}

/**
 * siw_device_speed() - the interface's speed as InfiniBand spells it
 * @dev: the device
 * @speed: enum ib_port_speed
 * @width: enum ib_port_width
 *
 * One that is on its way out has the lowest there is.
 */
void siw_device_speed(struct siw_device *dev, u16 *speed, u8 *width)
{
	*speed = IB_SPEED_SDR;
	*width = IB_WIDTH_1X;
	ib_get_eth_speed(&dev->ibdev, 1, speed, width);
}

/**
 * siw_device_create() - make a device that nobody sees yet
 * @netdev: its interface
 * @transport: who carries its connections
 *
 * Return: the device, for siw_device_register(), or an ERR_PTR.
 */
struct siw_device *siw_device_create(struct net_device *netdev,
				     const struct iwarp_transport_ops *transport)
{
	struct siw_device *dev;
	struct ib_device *ibdev;
	int err;

	dev = ib_alloc_device(siw_device, ibdev);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	ibdev = &dev->ibdev;

	xa_init_flags(&dev->qps, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_IRQ);
	dev->traffic = alloc_percpu(struct siw_traffic);
	if (!dev->traffic) {
		err = -ENOMEM;
		goto err_dealloc;
	}
	err = siw_region_init(dev);
	if (err)
		goto err_traffic;

	/* A GID of zeros would be taken for none. */
	if (device_has_address(netdev))
		memcpy(dev->gid, netdev->dev_addr, SIW_GID_LEN);
	else
		eth_random_addr(dev->gid);
	addrconf_addr_eui48((u8 *)&ibdev->node_guid, dev->gid);
	/* Interfaces may share an address, nodes no GUID. */
	((u8 *)&ibdev->node_guid)[3] ^= dev->gid[6];
	((u8 *)&ibdev->node_guid)[4] ^= dev->gid[7];
	/* All 12 bits of a VLAN's, where a function's number seldom reaches */
	if (is_vlan_dev(netdev)) {
		((u8 *)&ibdev->node_guid)[3] ^= vlan_dev_vlan_id(netdev) >> 4;
		((u8 *)&ibdev->node_guid)[4] ^= vlan_dev_vlan_id(netdev) << 4;
	}
	ibdev->node_type = RDMA_NODE_RNIC;
	strscpy(ibdev->node_desc, SIW_NODE_DESC_COMMON,
		sizeof(ibdev->node_desc));
	ibdev->phys_port_cnt = 1;
	/*
	 * There are no vectors: a completion is told where it is made. But ULPs spread
	 * their CQs, and nvmet its SRQs, over as many as there are.
	 */
	ibdev->num_comp_vectors = num_possible_cpus();
	ibdev->uverbs_cmd_mask |= BIT_ULL(IB_USER_VERBS_CMD_POST_SEND);
	ibdev->iw_driver_flags = IW_F_NO_PORT_MAP;
	strscpy(ibdev->iw_ifname, netdev->name, sizeof(ibdev->iw_ifname));

	/*
	 * ib_alloc_device() puts every device into the initial namespace; this
	 * one belongs where its interface is.
	 */
	write_pnet(&ibdev->coredev.rdma_net, dev_net(netdev));

	err = ib_device_set_netdev(ibdev, netdev, 1);
	if (err)
		goto err_region;

	dev->max_ulpdu = SIW_DEFAULT_ULPDU;
	dev->rtr_repeats = SIW_DEFAULT_RTR_REPEATS;
	dev->cm.ibdev = ibdev;
	dev->cm.netdev = netdev;
	dev->cm.qp_ops = &siw_qp_cm_ops;
	dev->cm.transport = transport;
	dev->cm.max_ird = SIW_MAX_IRD;
	dev->cm.max_ord = SIW_MAX_ORD;
	iwarp_cm_defaults(&dev->cm.settings);
	dev_hold(netdev);
	dev->netdev = netdev;
	return dev;

err_region:
	siw_region_exit(dev);
err_traffic:
	free_percpu(dev->traffic);
err_dealloc:
	xa_destroy(&dev->qps);
	ib_dealloc_device(ibdev);
	return ERR_PTR(err);
}

static void device_cleanup(struct siw_device *dev)
{
	dev_put(dev->netdev);
	siw_region_exit(dev);
	free_percpu(dev->traffic);
	xa_destroy(&dev->qps);
}

/**
 * siw_device_register() - show a device to the world
 * @dev: from siw_device_create(); freed on failure
 * @name: what it is to be called
 *
 * Return: 0 or a negative errno.
 */
int siw_device_register(struct siw_device *dev, const char *name)
{
	int err;

	err = iwarp_cm_register(&dev->cm);
	if (err) {
		device_cleanup(dev);
		goto err_dealloc;
	}
	/* From here on ib_dealloc_device() calls siw_device_dealloc(). */
	ib_set_device_ops(&dev->ibdev, &siw_device_ops);
	ib_mark_name_assigned_by_user(&dev->ibdev);
	err = ib_register_device(&dev->ibdev, name, NULL);
	if (err)
		goto err_dealloc;
	return 0;

err_dealloc:
	ib_dealloc_device(&dev->ibdev);
	return err;
}

/* ib_device_ops.dealloc_driver: all users have gone */
void siw_device_dealloc(struct ib_device *ibdev)
{
	struct siw_device *dev = to_siw_dev(ibdev);

	iwarp_cm_unregister(&dev->cm);
	device_cleanup(dev);
}
