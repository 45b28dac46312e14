// SPDX-License-Identifier: GPL-2.0
/*
 * Address handles: how a function reaches a peer, by its host's routes and
 * neighbours, for as long as somebody wants to know. The route says who the next
 * hop is, the neighbour where; a change of either is followed when the kernel
 * tells of it.
 */
#include <linux/etherdevice.h>
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/dst.h>
#include <net/fib_notifier.h>
#include <net/ip_fib.h>
#include <net/ip6_route.h>
#include <net/neighbour.h>
#include <net/netevent.h>
#include <net/netns/generic.h>
#include <net/route.h>
#include "rnic.h"

/**
 * struct handle - a handle, inside
 * @base: what the adapter sees; references of the function's interface, which keeps the
 *	function, and of the adapter
 * @ref: users; never taken from 0
 * @rcu: found under RCU
 * @node: in handles, under its lock, until the last reference is gone
 * @lock: what follows; around the adapter's update, inside handles_lock
 * @neigh: the next hop; a reference, or NULL
 * @hop: what the adapter was told
 * @lookups: how often the way was looked up
 * @found: the last lookup whose result is in @hop; what an older one found counts no more
 * @orphaned: the function is gone, or elsewhere: nothing is resolved any more
 */
struct handle {
	struct rnic_handle base;
	struct kref ref;
	struct rcu_head rcu;
	struct hlist_node node;
	spinlock_t lock;	/* neigh, hop, lookups, found, orphaned; the order of updates */
	struct neighbour *neigh;
	struct rnic_hop hop;
	unsigned int lookups;
	unsigned int found;
	bool orphaned;
};

/**
 * struct handle_net - what is followed in a namespace
 * @nb: of its routes
 * @net: the namespace
 * @refresh: a route has changed
 */
struct handle_net {
	struct notifier_block nb;
	struct net *net;
	struct work_struct refresh;
};

static DEFINE_HASHTABLE(handles, 8);
static DEFINE_SPINLOCK(handles_lock);
static unsigned int handle_net_id;

static struct handle *to_handle(struct rnic_handle *handle)
{
	return container_of(handle, struct handle, base);
}

/* Resolving */

static struct dst_entry *handle_route4(const struct rnic_handle *h, struct net *net, int oif)
{
	struct flowi4 fl4 = {
		.daddr = addr_in(&h->remote),
		.saddr = addr_in(&h->local),
		.flowi4_oif = oif,
		.flowi4_proto = IPPROTO_TCP,
	};
	struct fib_result res;
	struct rtable *rt;

	/* Without a route everybody would be on the interface's link. */
	if (oif && fib_lookup(net, &fl4, &res, 0))
		return ERR_PTR(-ENETUNREACH);
	rt = ip_route_output_key(net, &fl4);
	return IS_ERR(rt) ? ERR_CAST(rt) : &rt->dst;
}

static struct dst_entry *handle_route6(const struct rnic_handle *h, struct net *net, int oif)
{
	struct flowi6 fl6 = {
		.daddr = *addr_in6(&h->remote),
		.saddr = *addr_in6(&h->local),
		.flowi6_oif = oif ?: addr_scope(&h->local),
		.flowi6_proto = IPPROTO_TCP,
	};
	struct dst_entry *dst = ip6_route_output(net, NULL, &fl6);
	int ret = dst->error;

	if (!ret)
		return dst;
	dst_release(dst);
	return ERR_PTR(ret);
}

static struct dst_entry *handle_route_by(const struct rnic_handle *h, int oif)
{
	struct net *net = dev_net(h->fn->netdev);

	return h->remote.ss_family == AF_INET6 ? handle_route6(h, net, oif) :
						 handle_route4(h, net, oif);
}

static bool handle_is_own(const struct rnic_handle *h, const struct net_device *netdev, u16 *vlan)
{
	return rnic_function_of(netdev, vlan) == h->fn;
}

/* The interface that has the address: the function's, or that of a VLAN on it */
static int handle_interface(const struct rnic_handle *h)
{
	struct rnic_function *fn;
	int ifindex;
	u16 vlan;

	fn = address_function(dev_net(h->fn->netdev), &h->local, &vlan, &ifindex);
	return fn == h->fn ? ifindex : h->fn->netdev->ifindex;
}

/*
 * The host's route, if it leads over the function; else one that does, since the
 * adapter can send nowhere else. Under RCU.
 */
static struct dst_entry *handle_route(const struct rnic_handle *h)
{
	struct dst_entry *dst = handle_route_by(h, 0);
	u16 vlan;

	if (!IS_ERR(dst)) {
		if (dst->dev->flags & IFF_LOOPBACK || handle_is_own(h, dst->dev, &vlan))
			return dst;
		dst_release(dst);
	}
	return handle_route_by(h, handle_interface(h));
}

static void handle_read_neigh(struct neighbour *neigh, struct rnic_hop *hop)
{
	u8 state;

	read_lock_bh(&neigh->lock);
	state = neigh->nud_state;
	memcpy(hop->mac, neigh->ha, ETH_ALEN);
	read_unlock_bh(&neigh->lock);

	/* A broadcast address is no peer's, though there is a way to it. */
	if (state & NUD_VALID && !is_multicast_ether_addr(hop->mac))
		hop->state = RNIC_HOP_READY;
	else if (state & (NUD_FAILED | NUD_VALID))
		hop->state = RNIC_HOP_UNREACHABLE;
	else
		hop->state = RNIC_HOP_RESOLVING;
	if (hop->state != RNIC_HOP_READY)
		eth_zero_addr(hop->mac);
}

/* Asks for the neighbour if need be; under RCU. */
static struct neighbour *handle_find_hop(const struct rnic_handle *h, struct rnic_hop *hop)
{
	struct neighbour *neigh = NULL;
	struct dst_entry *dst;

	memset(hop, 0, sizeof(*hop));
	hop->state = RNIC_HOP_UNREACHABLE;
	dst = handle_route(h);
	if (IS_ERR(dst))
		return NULL;
	hop->mtu = dst_mtu(dst);
	if (dst->dev->flags & IFF_LOOPBACK) {
		hop->state = RNIC_HOP_READY;
		hop->here = true;
	} else if (h->fn->kind == RNIC_L3) {
		hop->state = RNIC_HOP_READY;
		hop->routed = true;
	} else if (handle_is_own(h, dst->dev, &hop->vlan)) {
		neigh = dst_neigh_lookup(dst, h->remote.ss_family == AF_INET6 ?
					 (const void *)addr_in6(&h->remote) :
					 &((const struct sockaddr_in *)&h->remote)->sin_addr);
	}
	dst_release(dst);
	if (!neigh)
		return NULL;
	handle_read_neigh(neigh, hop);
	if (hop->state != RNIC_HOP_READY) {
		hop->state = RNIC_HOP_RESOLVING;
		neigh_event_send(neigh, NULL);
		/* The answer may have been known at once. */
		handle_read_neigh(neigh, hop);
	}
	return neigh;
}

static void handle_tell(struct handle *h, const struct rnic_hop *hop)
{
	if (!memcmp(&h->hop, hop, sizeof(*hop)))
		return;
	h->hop = *hop;
	h->base.fn->adapter->ops->handle_update(&h->base, hop);
}

/*
 * What was not found is not kept: the host's table may have to make room. It is looked
 * up again when something is sent there. Locked.
 */
static void handle_let_go(struct handle *h)
{
	if (h->neigh && h->hop.state == RNIC_HOP_UNREACHABLE) {
		neigh_release(h->neigh);
		h->neigh = NULL;
	}
}

static void handle_resolve(struct handle *h)
{
	struct neighbour *neigh, *old;
	struct rnic_hop hop;
	unsigned int lookup;

	spin_lock_bh(&h->lock);
	lookup = ++h->lookups;
	spin_unlock_bh(&h->lock);
	rcu_read_lock();
	neigh = handle_find_hop(&h->base, &hop);
	rcu_read_unlock();
	spin_lock_bh(&h->lock);
	old = neigh;
	if (!h->orphaned && (int)(lookup - h->found) > 0) {
		h->found = lookup;
		old = h->neigh;
		h->neigh = neigh;
		/* It may have changed since, and not been known to be ours. */
		if (neigh)
			handle_read_neigh(neigh, &hop);
		handle_tell(h, &hop);
		handle_let_go(h);
	}
	spin_unlock_bh(&h->lock);
	if (old)
		neigh_release(old);
}

/* Life */

static u32 handle_hash(const struct sockaddr_storage *remote)
{
	if (remote->ss_family == AF_INET6)
		return jhash(addr_in6(remote), sizeof(struct in6_addr), 0);
	return (__force u32)addr_in(remote);
}

static struct handle *handle_find(struct rnic_function *fn, const struct sockaddr_storage *local,
				  const struct sockaddr_storage *remote)
{
	struct handle *h;

	hash_for_each_possible(handles, h, node, handle_hash(remote)) {
		if (h->base.fn == fn && !h->orphaned && addr_equal(&h->base.local, local) &&
		    addr_equal(&h->base.remote, remote) && kref_get_unless_zero(&h->ref))
			return h;
	}
	return NULL;
}

static struct handle *handle_alloc(struct rnic_function *fn, const struct sockaddr_storage *local,
				   const struct sockaddr_storage *remote)
{
	struct handle *h = kzalloc(sizeof(*h), GFP_ATOMIC);

	if (!h)
		return ERR_PTR(-ENOMEM);
	if (!rnic_adapter_get(fn->adapter)) {
		kfree(h);
		return ERR_PTR(-ENODEV);
	}
	dev_hold(fn->netdev);
	kref_init(&h->ref);
	spin_lock_init(&h->lock);
	h->base.fn = fn;
	h->base.local = *local;
	h->base.remote = *remote;
	addr_set_port(&h->base.local, 0);
	addr_set_port(&h->base.remote, 0);
	h->hop.state = RNIC_HOP_RESOLVING;
	return h;
}

/* The adapter may have been looking, under RCU, until now. */
static void handle_free(struct rcu_head *rcu)
{
	struct handle *h = container_of(rcu, struct handle, rcu);
	struct rnic_adapter *adapter = h->base.fn->adapter;

	dev_put(h->base.fn->netdev);
	rnic_adapter_put(adapter);
	kfree(h);
}

/**
 * rnic_handle_get - have a way to a peer resolved, and kept so
 * @fn: from where
 * @local: source address; the port does not matter
 * @remote: the peer; the port does not matter
 *
 * The adapter is told of a new handle by handle_add(), before this returns. Any
 * context, with no lock held that handle_add() or handle_update() take; under RCU, or
 * with @fn kept. A handle keeps its function's interface from being freed: who has one
 * puts it when the function goes.
 *
 * Return: a handle with a reference of the caller's, or an ERR_PTR: -ENOMEM,
 * -ENODEV: @fn is going; or what handle_add() says.
 */
struct rnic_handle *rnic_handle_get(struct rnic_function *fn,
				    const struct sockaddr_storage *local,
				    const struct sockaddr_storage *remote)
{
	struct handle *h, *other;
	int ret;

	if (READ_ONCE(fn->gone))
		return ERR_PTR(-ENODEV);
	spin_lock_bh(&handles_lock);
	h = handle_find(fn, local, remote);
	spin_unlock_bh(&handles_lock);
	if (h)
		return &h->base;

	h = handle_alloc(fn, local, remote);
	if (IS_ERR(h))
		return ERR_CAST(h);
	ret = fn->adapter->ops->handle_add(&h->base, &h->hop);
	if (ret) {
		handle_free(&h->rcu);
		return ERR_PTR(ret);
	}
	spin_lock_bh(&handles_lock);
	other = handle_find(fn, local, remote);
	if (!other)
		hash_add(handles, &h->node, handle_hash(remote));
	spin_unlock_bh(&handles_lock);
	if (other) {
		fn->adapter->ops->handle_remove(&h->base);
		call_rcu(&h->rcu, handle_free);
		return &other->base;
	}
	handle_resolve(h);
	return &h->base;
}
EXPORT_SYMBOL_GPL(rnic_handle_get);

static void handle_release(struct kref *ref)
{
	struct handle *h = container_of(ref, struct handle, ref);
	struct neighbour *neigh;

	spin_lock_bh(&handles_lock);
	hash_del(&h->node);
	spin_unlock_bh(&handles_lock);
	/* No update follows on the removal. */
	spin_lock_bh(&h->lock);
	h->orphaned = true;
	neigh = h->neigh;
	h->neigh = NULL;
	spin_unlock_bh(&h->lock);
	if (neigh)
		neigh_release(neigh);
	h->base.fn->adapter->ops->handle_remove(&h->base);
	call_rcu(&h->rcu, handle_free);
}

/**
 * rnic_handle_put - a handle is not needed any more by one of its users
 * @handle: from rnic_handle_get()
 *
 * Any context, as rnic_handle_get().
 */
void rnic_handle_put(struct rnic_handle *handle)
{
	kref_put(&to_handle(handle)->ref, handle_release);
}
EXPORT_SYMBOL_GPL(rnic_handle_put);

/**
 * rnic_handle_use - something is being sent by a handle
 * @handle: the handle
 *
 * For the adapter to call about once a second while it sends, and when what it sends can
 * not go there, as the host does not see that traffic: has the route looked up again, and a
 * neighbour that was not heard of for long asked. Any context, as rnic_handle_get(); a reference,
 * or RCU and no handle_remove() seen yet.
 */
void rnic_handle_use(struct rnic_handle *handle)
{
	struct handle *h = to_handle(handle);
	struct neighbour *neigh;

	if (READ_ONCE(h->orphaned))
		return;
	/* The host does not tell of every change: not of what an IPv4 redirect has made. */
	handle_resolve(h);
	spin_lock_bh(&h->lock);
	neigh = h->neigh;
	if (neigh)
		neigh_hold(neigh);
	spin_unlock_bh(&h->lock);
	if (neigh && !(READ_ONCE(neigh->nud_state) & NUD_CONNECTED))
		neigh_event_send(neigh, NULL);
	if (neigh)
		neigh_release(neigh);
}
EXPORT_SYMBOL_GPL(rnic_handle_use);

/*
 * The function goes, or moves to another namespace: its neighbours are its no more.
 * What ends its connections still goes where everything went.
 */
void handle_orphan(struct rnic_function *fn)
{
	const struct rnic_hop nowhere = { .state = RNIC_HOP_UNREACHABLE };
	struct handle *h;
	int i;

	spin_lock_bh(&handles_lock);
	hash_for_each(handles, i, h, node) {
		if (h->base.fn != fn)
			continue;
		spin_lock(&h->lock);
		h->orphaned = true;
		if (h->neigh)
			neigh_release(h->neigh);
		h->neigh = NULL;
		if (h->hop.state != RNIC_HOP_READY || h->hop.here)
			handle_tell(h, &nowhere);
		spin_unlock(&h->lock);
	}
	spin_unlock_bh(&handles_lock);
}

/* How many an adapter has */
unsigned int handle_count(const struct rnic_adapter *adapter)
{
	unsigned int count = 0;
	struct handle *h;
	int i;

	spin_lock_bh(&handles_lock);
	hash_for_each(handles, i, h, node)
		count += h->base.fn->adapter == adapter;
	spin_unlock_bh(&handles_lock);
	return count;
}

/* Following */

/* One that is dead says nothing any more; another takes its place. */
static void handle_neigh_changed(struct neighbour *neigh)
{
	bool dead = READ_ONCE(neigh->dead);
	struct rnic_hop hop;
	struct handle *h;
	int i;

	spin_lock_bh(&handles_lock);
	hash_for_each(handles, i, h, node) {
		if (READ_ONCE(h->neigh) != neigh)
			continue;
		if (dead) {
			handle_refresh(dev_net(h->base.fn->netdev));
			break;
		}
		spin_lock(&h->lock);
		if (h->neigh == neigh) {
			hop = h->hop;
			handle_read_neigh(neigh, &hop);
			handle_tell(h, &hop);
			handle_let_go(h);
		}
		spin_unlock(&h->lock);
	}
	spin_unlock_bh(&handles_lock);
}

static int handle_netevent(struct notifier_block *nb, unsigned long what, void *arg)
{
	const struct netevent_redirect *redirect = arg;

	if (what == NETEVENT_NEIGH_UPDATE)
		handle_neigh_changed(arg);
	else if (what == NETEVENT_REDIRECT)
		handle_refresh(dev_net(redirect->neigh->dev));
	return NOTIFY_DONE;
}

static struct notifier_block handle_netevent_nb = { .notifier_call = handle_netevent };

/*
 * The next of a namespace behind @last, with a reference; that of @last is put, which
 * has kept its place.
 */
static struct handle *handle_next(const struct net *net, struct handle *last)
{
	unsigned int i = last ? hash_min(handle_hash(&last->base.remote), HASH_BITS(handles)) : 0;
	struct hlist_node *node;
	struct handle *h = NULL;

	spin_lock_bh(&handles_lock);
	node = last ? last->node.next : handles[0].first;
	for (;;) {
		for (; node; node = node->next) {
			h = hlist_entry(node, struct handle, node);
			if (!h->orphaned && net_eq(dev_net(h->base.fn->netdev), net) &&
			    kref_get_unless_zero(&h->ref))
				goto out;
		}
		if (++i == HASH_SIZE(handles))
			break;
		node = handles[i].first;
	}
	h = NULL;
out:
	spin_unlock_bh(&handles_lock);
	if (last)
		rnic_handle_put(&last->base);
	return h;
}

static void handle_refresh_work(struct work_struct *work)
{
	struct handle_net *hn = container_of(work, struct handle_net, refresh);
	struct handle *h = NULL;

	/* An IPv4 route that goes is told of before it has gone; both under rtnl. */
	rtnl_lock();
	rtnl_unlock();
	while ((h = handle_next(hn->net, h)))
		handle_resolve(h);
}

/**
 * handle_refresh() - a route, or an interface, may have changed
 * @net: the namespace
 *
 * Context: any.
 */
void handle_refresh(struct net *net)
{
	struct handle_net *hn = net_generic(net, handle_net_id);

	queue_work(system_wq, &hn->refresh);
}

static int handle_fib_event(struct notifier_block *nb, unsigned long what, void *info)
{
	struct handle_net *hn = container_of(nb, struct handle_net, nb);

	queue_work(system_wq, &hn->refresh);
	return NOTIFY_DONE;
}

static int __net_init handle_net_init(struct net *net)
{
	struct handle_net *hn = net_generic(net, handle_net_id);
	int ret;

	hn->net = net;
	hn->nb.notifier_call = handle_fib_event;
	INIT_WORK(&hn->refresh, handle_refresh_work);
	ret = register_fib_notifier(net, &hn->nb, NULL, NULL);
	/* It may have been told of routes before it failed. */
	if (ret)
		cancel_work_sync(&hn->refresh);
	return ret;
}

static void __net_exit handle_net_exit(struct net *net)
{
	struct handle_net *hn = net_generic(net, handle_net_id);

	unregister_fib_notifier(net, &hn->nb);
	cancel_work_sync(&hn->refresh);
}

static struct pernet_operations handle_net_ops = {
	.init = handle_net_init,
	.exit = handle_net_exit,
	.id = &handle_net_id,
	.size = sizeof(struct handle_net),
};

int handle_init(void)
{
	int ret;

	ret = register_pernet_subsys(&handle_net_ops);
	if (ret)
		return ret;
	ret = register_netevent_notifier(&handle_netevent_nb);
	if (ret)
		unregister_pernet_subsys(&handle_net_ops);
	return ret;
}

void handle_exit(void)
{
	unregister_netevent_notifier(&handle_netevent_nb);
	unregister_pernet_subsys(&handle_net_ops);
	WARN_ON(!hash_empty(handles));
}
