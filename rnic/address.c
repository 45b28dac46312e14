// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses that the host gives to functions: the adapter is told of each, and
 * an address that another of its functions has is refused.
 */
#include <linux/inetdevice.h>
#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>
#include "rnic.h"

/**
 * struct entry - an address that is registered
 * @item: in entries
 * @fn: whose
 * @ifindex: of the interface that has it: the function's, or that of a VLAN on it
 * @address: what the adapter was told
 */
struct entry {
	struct list_head item;
	struct rnic_function *fn;
	int ifindex;
	struct rnic_address address;
};

static LIST_HEAD(entries);
/* Around the adapter's operations, so that it hears of changes in their order */
static DEFINE_SPINLOCK(entries_lock);

static struct entry *entry_find(const struct rnic_adapter *adapter,
				const struct sockaddr_storage *addr)
{
	struct entry *entry;

	list_for_each_entry(entry, &entries, item) {
		if (entry->fn->adapter == adapter && addr_equal(&entry->address.addr, addr))
			return entry;
	}
	return NULL;
}

/* 0 also if it is there already; any context */
static int address_register(struct rnic_function *fn, u16 vlan, int ifindex,
			    const struct sockaddr_storage *addr)
{
	struct entry *entry, *other;
	int ret = 0;

	entry = kzalloc(sizeof(*entry), GFP_ATOMIC);
	if (!entry)
		return -ENOMEM;
	entry->fn = fn;
	entry->ifindex = ifindex;
	entry->address.addr = *addr;
	entry->address.vlan = vlan;

	spin_lock_bh(&entries_lock);
	other = entry_find(fn->adapter, addr);
	if (other)
		ret = other->fn == fn && other->ifindex == ifindex ? -EEXIST : -EADDRINUSE;
	else
		ret = fn->adapter->ops->address_add(fn, &entry->address);
	if (!ret) {
		list_add_tail(&entry->item, &entries);
		atomic_inc(&rnic_changes);
	}
	spin_unlock_bh(&entries_lock);
	if (ret)
		kfree(entry);
	return ret == -EEXIST ? 0 : ret;
}

static void entry_remove(struct entry *entry)
{
	list_del(&entry->item);
	atomic_inc(&rnic_changes);
	entry->fn->adapter->ops->address_remove(entry->fn, &entry->address);
	kfree(entry);
}

static void address_unregister(struct rnic_function *fn, int ifindex,
			       const struct sockaddr_storage *addr)
{
	struct entry *entry;

	spin_lock_bh(&entries_lock);
	entry = entry_find(fn->adapter, addr);
	if (entry && entry->fn == fn && entry->ifindex == ifindex)
		entry_remove(entry);
	spin_unlock_bh(&entries_lock);
}

/* What a function has registered, until @each says something else than 0; it may not sleep. */
int address_each(struct rnic_function *fn,
		 int (*each)(const struct rnic_address *address, void *data), void *data)
{
	struct entry *entry;
	int ret = 0;

	spin_lock_bh(&entries_lock);
	list_for_each_entry(entry, &entries, item) {
		if (!ret && entry->fn == fn)
			ret = each(&entry->address, data);
	}
	spin_unlock_bh(&entries_lock);
	return ret;
}

/* The function goes, and nobody finds it any more; or it goes to another namespace. */
void address_forget(struct rnic_function *fn)
{
	struct entry *entry, *next;

	spin_lock_bh(&entries_lock);
	list_for_each_entry_safe(entry, next, &entries, item) {
		if (entry->fn == fn)
			entry_remove(entry);
	}
	spin_unlock_bh(&entries_lock);
}

/**
 * address_function() - whose an address is
 * @net: in this namespace
 * @addr: AF_INET or AF_INET6
 * @vlan: is set to that of the interface
 * @ifindex: is set to the interface that has it
 *
 * Context: rnic_lock or RCU, which keep the function.
 * Return: the function, or NULL.
 */
struct rnic_function *address_function(const struct net *net,
				       const struct sockaddr_storage *addr, u16 *vlan,
				       int *ifindex)
{
	struct rnic_function *fn = NULL;
	struct entry *entry;

	spin_lock_bh(&entries_lock);
	list_for_each_entry(entry, &entries, item) {
		if (entry->fn->gone || !net_eq(dev_net(entry->fn->netdev), net) ||
		    !addr_equal(&entry->address.addr, addr))
			continue;
		fn = entry->fn;
		*vlan = entry->address.vlan;
		*ifindex = entry->ifindex;
		break;
	}
	spin_unlock_bh(&entries_lock);
	return fn;
}

/* What the host's notifiers tell */

#define ADDRESS_TAKEN	"another interface of this adapter has the address"

static void address_warn(const struct net_device *netdev, const struct sockaddr_storage *addr,
			 int err)
{
	if (err == -EADDRINUSE)
		net_warn_ratelimited("rnic: %s: %pISc is not registered with the adapter: %s\n",
				     netdev->name, addr, ADDRESS_TAKEN);
	else if (err)
		net_warn_ratelimited("rnic: %s: %pISc is not registered with the adapter: %d\n",
				     netdev->name, addr, err);
}

static int address_event(struct net_device *netdev, const struct sockaddr_storage *addr,
			 unsigned long what)
{
	struct rnic_function *fn;
	u16 vlan;
	int ret = 0;

	rcu_read_lock();
	fn = rnic_function_of(netdev, &vlan);
	if (fn && what == NETDEV_UP)
		ret = address_register(fn, vlan, netdev->ifindex, addr);
	else if (fn && what == NETDEV_DOWN)
		address_unregister(fn, netdev->ifindex, addr);
	rcu_read_unlock();
	return ret;
}

static int address_validate(struct net_device *netdev, const struct sockaddr_storage *addr,
			    struct netlink_ext_ack *extack)
{
	int ret = address_event(netdev, addr, NETDEV_UP);

	if (ret == -EADDRINUSE)
		NL_SET_ERR_MSG(extack, ADDRESS_TAKEN);
	/* The interface makes itself a link-local one, and nobody hears that it can not. */
	if (!extack)
		address_warn(netdev, addr, ret);
	return notifier_from_errno(ret);
}

static void address_set4(struct sockaddr_storage *addr, __be32 ip)
{
	*(struct sockaddr_in *)addr = (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_addr.s_addr = ip,
	};
}

static void address_set6(struct sockaddr_storage *addr, const struct in6_addr *ip, int ifindex)
{
	*(struct sockaddr_in6 *)addr = (struct sockaddr_in6) {
		.sin6_family = AF_INET6,
		.sin6_addr = *ip,
		.sin6_scope_id = ipv6_addr_type(ip) & IPV6_ADDR_LINKLOCAL ? ifindex : 0,
	};
}

static int address_validate4(struct notifier_block *nb, unsigned long what, void *arg)
{
	struct in_validator_info *info = arg;
	struct sockaddr_storage addr = {};

	address_set4(&addr, info->ivi_addr);
	return address_validate(info->ivi_dev->dev, &addr, info->extack);
}

static int address_validate6(struct notifier_block *nb, unsigned long what, void *arg)
{
	struct in6_validator_info *info = arg;
	struct net_device *netdev = info->i6vi_dev->dev;
	struct sockaddr_storage addr = {};

	address_set6(&addr, &info->i6vi_addr, netdev->ifindex);
	return address_validate(netdev, &addr, info->extack);
}

/* Whether another entry has the address, too: it may be there twice, with other masks. */
static bool address_remains4(const struct in_ifaddr *not, __be32 ip)
{
	const struct in_ifaddr *ifa;

	in_dev_for_each_ifa_rtnl(ifa, not->ifa_dev) {
		if (ifa != not && ifa->ifa_local == ip)
			return true;
	}
	return false;
}

/* A validator is shown the peer's address instead of the interface's own. */
static void address_forget_peer4(const struct in_ifaddr *ifa)
{
	struct sockaddr_storage addr = {};

	if (ifa->ifa_address == ifa->ifa_local || address_remains4(ifa, ifa->ifa_address))
		return;
	address_set4(&addr, ifa->ifa_address);
	address_event(ifa->ifa_dev->dev, &addr, NETDEV_DOWN);
}

static int address_event4(struct notifier_block *nb, unsigned long what, void *arg)
{
	struct in_ifaddr *ifa = arg;
	struct net_device *netdev = ifa->ifa_dev->dev;
	struct sockaddr_storage addr = {};

	if (what == NETDEV_UP)
		address_forget_peer4(ifa);
	if (what == NETDEV_DOWN && address_remains4(ifa, ifa->ifa_local))
		return NOTIFY_DONE;
	address_set4(&addr, ifa->ifa_local);
	address_warn(netdev, &addr, address_event(netdev, &addr, what));
	return NOTIFY_DONE;
}

/* What an interface makes of a router's advertisement is not asked about, and comes here first. */
static int address_event6(struct notifier_block *nb, unsigned long what, void *arg)
{
	struct inet6_ifaddr *ifa = arg;
	struct net_device *netdev = ifa->idev->dev;
	struct sockaddr_storage addr = {};

	address_set6(&addr, &ifa->addr, netdev->ifindex);
	address_warn(netdev, &addr, address_event(netdev, &addr, what));
	return NOTIFY_DONE;
}

/**
 * address_recall() - a VLAN is up again, whose function may have been elsewhere
 * @fn: the function
 * @vlan: the VLAN
 * @netdev: its interface
 *
 * Its IPv4 addresses have stayed, and nobody tells of them; the host makes the others anew.
 *
 * Context: rtnl.
 */
void address_recall(struct rnic_function *fn, u16 vlan, struct net_device *netdev)
{
	const struct in_device *in = __in_dev_get_rtnl(netdev);
	struct sockaddr_storage addr = {};
	const struct in_ifaddr *ifa;

	if (!in || !net_eq(dev_net(netdev), dev_net(fn->netdev)))
		return;
	in_dev_for_each_ifa_rtnl(ifa, in) {
		address_set4(&addr, ifa->ifa_local);
		address_warn(netdev, &addr,
			     address_register(fn, vlan, netdev->ifindex, &addr));
	}
}

static struct notifier_block address_validator4_nb = { .notifier_call = address_validate4 };
static struct notifier_block address_validator6_nb = { .notifier_call = address_validate6 };
static struct notifier_block address_nb4 = { .notifier_call = address_event4 };
static struct notifier_block address_nb6 = { .notifier_call = address_event6 };

int address_init(void)
{
	int ret;

	ret = register_inetaddr_validator_notifier(&address_validator4_nb);
	if (ret)
		return ret;
	ret = register_inet6addr_validator_notifier(&address_validator6_nb);
	if (ret)
		goto err_validator4;
	ret = register_inetaddr_notifier(&address_nb4);
	if (ret)
		goto err_validator6;
	ret = register_inet6addr_notifier(&address_nb6);
	if (ret)
		goto err_nb4;
	return 0;

err_nb4:
	unregister_inetaddr_notifier(&address_nb4);
err_validator6:
	unregister_inet6addr_validator_notifier(&address_validator6_nb);
err_validator4:
	unregister_inetaddr_validator_notifier(&address_validator4_nb);
	return ret;
}

void address_exit(void)
{
	unregister_inet6addr_notifier(&address_nb6);
	unregister_inetaddr_notifier(&address_nb4);
	unregister_inet6addr_validator_notifier(&address_validator6_nb);
	unregister_inetaddr_validator_notifier(&address_validator4_nb);
	WARN_ON(!list_empty(&entries));
}
