// SPDX-License-Identifier: GPL-2.0
/*
 * The devices that use the connection manager.
 */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/module.h>
#include <net/addrconf.h>
#include <net/ipv6.h>
#include "compat.h"
#include "iwarp_cm.h"
#include "iwarp_transport.h"
#include "device.h"
#include "endpoint.h"
#include "listener.h"

static LIST_HEAD(devices);
static DEFINE_MUTEX(devices_lock);

/*
 * The caller knows the device by its own means (an ib_device that is there, a
 * listener that has it); it fails when the device is being unregistered.
 */
bool device_get(struct iwarp_device *dev)
{
	return refcount_inc_not_zero(&dev->refs);
}

void device_put(struct iwarp_device *dev)
{
	if (refcount_dec_and_test(&dev->refs))
		complete(&dev->unused);
}

/*
 * The interface that has the address, under RCU, or NULL; for IPv6 one that is in
 * the VRF of @netdev, if that is in one.
 */
static const struct net_device *addr_owner(const struct iwarp_addrs *addrs,
					   struct net_device *netdev)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addrs->local;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&addrs->local;

	if (addrs->local.ss_family == AF_INET)
		return __ip_dev_find(addrs->net, in->sin_addr.s_addr, false);
	if (ipv6_addr_type(&in6->sin6_addr) & IPV6_ADDR_LINKLOCAL)
		return dev_get_by_index_rcu(addrs->net, addrs->ifindex);
	return ipv6_dev_find(addrs->net, &in6->sin6_addr, netdev);
}

/* The same as rdma_cm sees it for a request: of a link-local address it forgets the scope. */
static const struct net_device *addr_owner_of_request(const struct iwarp_addrs *addrs,
						      struct net_device *of)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addrs->local;
	struct net_device *netdev;

	if (addrs->local.ss_family == AF_INET ||
	    !(ipv6_addr_type(&in6->sin6_addr) & IPV6_ADDR_LINKLOCAL))
		return addr_owner(addrs, of);
	for_each_netdev_rcu(addrs->net, netdev)
		if (ipv6_chk_addr(addrs->net, &in6->sin6_addr, netdev, 1))
			return netdev;
	return NULL;
}

/* Whether what has the local address may stand for this device's interface */
static bool device_owns(const struct iwarp_device *dev, const struct iwarp_addrs *addrs,
			const struct net_device *(*owner_of)(const struct iwarp_addrs *addrs,
							     struct net_device *netdev))
{
	const struct net_device *owner;
	bool owns;

	if (!net_eq(dev_net(dev->netdev), addrs->net))
		return false;
	rcu_read_lock();
	owner = owner_of(addrs, dev->netdev);
	owns = owner && (owner == dev->netdev || compat_cma_confuses(owner, dev->netdev));
	rcu_read_unlock();
	return owns;
}

/*
 * Whether rdma_cm may find this device when it looks for the local address of a
 * request, which is what it does with it: the first of its devices of which that is so.
 */
bool device_owns_request(const struct iwarp_device *dev, const struct iwarp_addrs *addrs)
{
	return device_owns(dev, addrs, addr_owner_of_request);
}

bool addr_is_wildcard(const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET6)
		return ipv6_addr_any(&((const struct sockaddr_in6 *)addr)->sin6_addr);
	return ((const struct sockaddr_in *)addr)->sin_addr.s_addr == htonl(INADDR_ANY);
}

/* rdma_cm listens on every device for it, by an id each. */
bool addr_is_on_all(const struct sockaddr_storage *addr)
{
	if (addr_is_wildcard(addr))
		return true;
	if (addr->ss_family == AF_INET6)
		return ipv6_addr_loopback(&((const struct sockaddr_in6 *)addr)->sin6_addr);
	return ipv4_is_loopback(((const struct sockaddr_in *)addr)->sin_addr.s_addr);
}

/**
 * iwarp_cm_serves - whether an address is one of our devices'
 * @net: network namespace
 * @addr: AF_INET or AF_INET6; a wildcard or loopback address is served by any device
 *	whose interface is in @net
 *
 * May sleep. Takes no rtnl.
 */
bool iwarp_cm_serves(struct net *net, const struct sockaddr_storage *addr)
{
	struct iwarp_addrs addrs = {
		.net = net,
		.local = *addr,
		.ifindex = addr->ss_family == AF_INET6 ?
			   ((const struct sockaddr_in6 *)addr)->sin6_scope_id : 0,
	};
	bool wildcard = addr_is_on_all(addr), serves = false;
	struct iwarp_device *dev;

	mutex_lock(&devices_lock);
	list_for_each_entry(dev, &devices, list) {
		serves = wildcard ? net_eq(dev_net(dev->netdev), net) :
				    device_owns(dev, &addrs, addr_owner);
		if (serves)
			break;
	}
	mutex_unlock(&devices_lock);
	return serves;
}
EXPORT_SYMBOL_GPL(iwarp_cm_serves);

/* Under devices_lock; NULL if it is not ours */
static struct iwarp_device *device_of(const struct ib_device *ibdev)
{
	struct iwarp_device *dev;

	list_for_each_entry(dev, &devices, list) {
		if (dev->ibdev == ibdev)
			return dev;
	}
	return NULL;
}

/**
 * iwarp_cm_has - whether a device is one of ours
 * @ibdev: any, of any provider
 *
 * May sleep.
 */
bool iwarp_cm_has(const struct ib_device *ibdev)
{
	bool has;

	mutex_lock(&devices_lock);
	has = device_of(ibdev);
	mutex_unlock(&devices_lock);
	return has;
}
EXPORT_SYMBOL_GPL(iwarp_cm_has);

/**
 * iwarp_cm_register - let a device have connections
 * @dev: filled in by the provider; lives until iwarp_cm_unregister() has returned
 *
 * To be called before the ib_device is registered.
 *
 * Return: 0, or -EINVAL when something is missing in @dev.
 */
int iwarp_cm_register(struct iwarp_device *dev)
{
	if (WARN_ON(!dev->ibdev || !dev->netdev || !dev->qp_ops || !dev->transport))
		return -EINVAL;
	refcount_set(&dev->refs, 1);
	dev->going = false;
	dev->deaf = false;
	init_completion(&dev->unused);
	mutex_lock(&devices_lock);
	list_add_tail(&dev->list, &devices);
	mutex_unlock(&devices_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(iwarp_cm_register);

/*
 * rdma_cm, told that a device goes, destroys its ids, and waits for connects
 * that are under way; their programs would end them by destroying the QP, but
 * they are told after rdma_cm. So connects end here, before it: clients are told
 * in the reverse order of their registration.
 */
static void device_going(struct ib_device *ibdev, void *data)
{
	struct iwarp_device *dev;

	mutex_lock(&devices_lock);
	dev = device_of(ibdev);
	if (dev)
		endpoint_tell_all(dev, EP_EVENT_GOING);
	mutex_unlock(&devices_lock);
}

static struct ib_client device_client = {
	.name = "iwarp_cm",
	.remove = device_going,
};

int device_init(void)
{
	return ib_register_client(&device_client);
}

void device_exit(void)
{
	ib_unregister_client(&device_client);
}

/**
 * iwarp_cm_unregister - end all connections of a device
 * @dev: the device
 *
 * Resets what there still is and waits until nothing refers to @dev; waits for
 * no peer. To be called after the ib_device was unregistered, so that rdma_cm
 * could tell its users first, or at least after verbs cannot reach @dev any more.
 */
void iwarp_cm_unregister(struct iwarp_device *dev)
{
	mutex_lock(&devices_lock);
	list_del(&dev->list);
	mutex_unlock(&devices_lock);
	listener_detach_device(dev);
	endpoint_tell_all(dev, EP_EVENT_ABORT);
	device_put(dev);
	wait_for_completion(&dev->unused);
}
EXPORT_SYMBOL_GPL(iwarp_cm_unregister);
