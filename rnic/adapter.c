// SPDX-License-Identifier: GPL-2.0
/*
 * Which adapters and functions there are.
 */
#include <linux/if_vlan.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rculist.h>
#include "rnic.h"

/* What it protects stands in rnic.h. */
DEFINE_MUTEX(rnic_lock);
LIST_HEAD(rnic_adapters);
atomic_t rnic_changes = ATOMIC_INIT(1);
static u32 adapter_last_id;	/* under rnic_lock */

bool rnic_adapter_get(struct rnic_adapter *adapter)
{
	return refcount_inc_not_zero(&adapter->refs);
}

void rnic_adapter_put(struct rnic_adapter *adapter)
{
	if (refcount_dec_and_test(&adapter->refs))
		complete(&adapter->unused);
}

/* Whether a function of it is in the namespace; under rnic_lock */
bool rnic_adapter_is_in(const struct rnic_adapter *adapter, const struct net *net)
{
	const struct rnic_function *fn;

	list_for_each_entry(fn, &adapter->functions, item) {
		if (net_eq(dev_net(fn->netdev), net))
			return true;
	}
	return false;
}

/* Its packets have one tag of 802.1Q's, and it is in the namespace of what it is on. */
static bool vlan_is_plain(const struct net_device *netdev)
{
	const struct net_device *real = vlan_dev_real_dev(netdev);

	return vlan_dev_vlan_proto(netdev) == htons(ETH_P_8021Q) &&
	       net_eq(dev_net(netdev), dev_net(real)) && dev_get_iflink(netdev) == real->ifindex;
}

/**
 * rnic_function_of() - the function that an interface is, or stands on
 * @netdev: any interface
 * @vlan: is set to the VLAN that it is on top of a function, or 0
 *
 * A VLAN in another namespace than the function has nothing to do with the adapter, nor
 * have VLANs in VLANs.
 *
 * Context: RCU, or rnic_lock.
 * Return: the function, or NULL.
 */
struct rnic_function *rnic_function_of(const struct net_device *netdev, u16 *vlan)
{
	struct rnic_adapter *adapter;
	struct rnic_function *fn;

	*vlan = 0;
	if (is_vlan_dev(netdev)) {
		if (!vlan_is_plain(netdev))
			return NULL;
		*vlan = vlan_dev_vlan_id(netdev);
		netdev = vlan_dev_real_dev(netdev);
	}
	list_for_each_entry_rcu(adapter, &rnic_adapters, item, lockdep_is_held(&rnic_lock)) {
		list_for_each_entry_rcu(fn, &adapter->functions, item,
					lockdep_is_held(&rnic_lock)) {
			if (fn->netdev == netdev)
				return fn;
		}
	}
	return NULL;
}

/**
 * rnic_adapter_register - there is an adapter
 * @adapter: filled in by the driver; stays until rnic_adapter_unregister()
 *
 * May be called with rtnl held.
 *
 * Return: 0, or -EINVAL when an operation is missing that is not optional.
 */
int rnic_adapter_register(struct rnic_adapter *adapter)
{
	const struct rnic_adapter_ops *ops = adapter->ops;

	if (WARN_ON(!adapter->port || !ops))
		return -EINVAL;
	if (WARN_ON(!ops->enable || !ops->address_add || !ops->address_remove ||
		    !ops->listen || !ops->unlisten || !ops->accept || !ops->reject ||
		    !ops->connect || !ops->steer || !ops->unsteer || !ops->close ||
		    !ops->abort || !ops->release || !ops->handle_add ||
		    !ops->handle_update || !ops->handle_remove || !ops->bind != !ops->unbind ||
		    !ops->rule_add != !ops->rule_remove || !ops->rule_add != !ops->rule_count))
		return -EINVAL;
	INIT_LIST_HEAD(&adapter->functions);
	atomic_set(&adapter->flows, 0);
	refcount_set(&adapter->refs, 1);
	init_completion(&adapter->unused);
	mutex_lock(&rnic_lock);
	adapter->id = ++adapter_last_id;
	list_add_tail_rcu(&adapter->item, &rnic_adapters);
	atomic_inc(&rnic_changes);
	mutex_unlock(&rnic_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(rnic_adapter_register);

/**
 * rnic_adapter_unregister - an adapter goes
 * @adapter: all of its functions are unregistered
 *
 * Waits until the connection manager has ended the connections of the functions'
 * RDMA devices, which it does when their interfaces are unregistered, until all
 * handles are put, and for nothing else. No operation is running or comes any more
 * after return. Not with rtnl held.
 */
void rnic_adapter_unregister(struct rnic_adapter *adapter)
{
	WARN_ON(!list_empty(&adapter->functions));
	mutex_lock(&rnic_lock);
	list_del_rcu(&adapter->item);
	atomic_inc(&rnic_changes);
	listening_forget(adapter);
	mutex_unlock(&rnic_lock);
	rnic_adapter_put(adapter);
	wait_for_completion(&adapter->unused);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(rnic_adapter_unregister);

/**
 * rnic_adapter_rename - an adapter has another name
 * @adapter: registered
 * @name: cut off if it is too long
 *
 * May be called with rtnl held.
 */
void rnic_adapter_rename(struct rnic_adapter *adapter, const char *name)
{
	mutex_lock(&rnic_lock);
	strscpy(adapter->name, name, sizeof(adapter->name));
	mutex_unlock(&rnic_lock);
}
EXPORT_SYMBOL_GPL(rnic_adapter_rename);

/**
 * rnic_function_register - an adapter has a function
 * @fn: filled in by the driver; its interface is registered, and has no address yet
 *
 * With rtnl held.
 *
 * Return: 0.
 */
int rnic_function_register(struct rnic_function *fn)
{
	fn->gone = false;
	fn->role = RNIC_ROLE_NONE;
	mutex_lock(&rnic_lock);
	list_add_tail_rcu(&fn->item, &fn->adapter->functions);
	atomic_inc(&rnic_changes);
	listening_extend(fn);
	mutex_unlock(&rnic_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(rnic_function_register);

/**
 * rnic_function_unregister - a function goes
 * @fn: stays until its interface is freed; no RDMA device is added any more
 *
 * With rtnl held, before its interface is unregistered or while it is.
 */
void rnic_function_unregister(struct rnic_function *fn)
{
	mutex_lock(&rnic_lock);
	WRITE_ONCE(fn->gone, true);
	list_del_rcu(&fn->item);
	atomic_inc(&rnic_changes);
	rules_forget(fn);
	connection_drop_lingering(fn);
	mutex_unlock(&rnic_lock);
	/* Who has found it under RCU may be registering an address, or getting a handle. */
	synchronize_rcu();
	address_forget(fn);
	handle_orphan(fn);
}
EXPORT_SYMBOL_GPL(rnic_function_unregister);
