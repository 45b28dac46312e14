// SPDX-License-Identifier: GPL-2.0
/*
 * Paths: what the adapter makes of handles. A path keeps what is sent while its
 * next hop is being resolved.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/kref.h>
#include <linux/slab.h>
#include <net/dst.h>
#include <net/ip6_route.h>
#include <net/route.h>
#include <net/tcp.h>
#include "compat.h"
#include "emulated.h"

/* Packets that wait for a neighbour, for each path */
#define PATH_QUEUE_MAX	64
/* Between two times that the host is told that a path is in use */
#define PATH_USE	HZ
/* A path that the adapter asked for itself is kept for so long without use. */
#define PATH_IDLE	(60 * HZ)
/* How many of those; the oldest gives way then, unless a connection keeps it, too. */
#define PATHS_MAX	1024

/**
 * struct emu_path - how to get from an address of a function to a peer
 * @entry: EMU_PATH
 * @item: in emu_adapter.paths, under its lock, while the adapter has a reference of
 *	@handle of its own
 * @rcu: found under RCU
 * @ref: one for the handle, one for @flush while it is queued
 * @adapter: the adapter
 * @handle: the shim's; under the RCU of who found the path in the table, or ready
 * @listed: in the table; under the adapter's lock
 * @lock: @hop and @queue
 * @hop: where it leads
 * @queue: what waits to be sent
 * @flush: sends it, or says that it cannot be
 * @used: jiffies when something was sent
 * @told: jiffies when the host was told that
 */
struct emu_path {
	struct emu_entry entry;
	struct list_head item;
	struct rcu_head rcu;
	struct kref ref;
	struct emu_adapter *adapter;
	struct rnic_handle *handle;
	bool listed;
	spinlock_t lock;	/* hop, queue */
	struct rnic_hop hop;
	struct sk_buff_head queue;
	struct work_struct flush;
	unsigned long used;
	unsigned long told;
};

static void emu_drop(struct emu_adapter *adapter, struct sk_buff *skb, enum emu_counter why)
{
	emu_count(adapter, why);
	kfree_skb(skb);
}

/* Sending */

/* Into the stack of the function's host, as from itself: it would refuse its own address. */
static void path_to_host(struct emu_path *path, struct sk_buff *skb)
{
	struct net_device *netdev = path->handle->fn->netdev;
	struct net *net = dev_net(netdev);
	struct dst_entry *dst;

	if (skb->protocol == htons(ETH_P_IPV6)) {
		struct flowi6 fl6 = {
			.daddr = ipv6_hdr(skb)->daddr,
			.saddr = ipv6_hdr(skb)->saddr,
			.flowi6_oif = ipv6_addr_type(&ipv6_hdr(skb)->daddr) &
				      IPV6_ADDR_LINKLOCAL ? netdev->ifindex : 0,
		};

		dst = ip6_route_output(net, NULL, &fl6);
	} else {
		struct flowi4 fl4 = { .daddr = ip_hdr(skb)->daddr, .saddr = ip_hdr(skb)->saddr };
		struct rtable *rt = ip_route_output_key(net, &fl4);

		dst = IS_ERR(rt) ? ERR_CAST(rt) : &rt->dst;
	}
	if (IS_ERR(dst) || dst->error) {
		if (!IS_ERR(dst))
			dst_release(dst);
		emu_drop(path->adapter, skb, EMU_DROP_UNREACHABLE);
		return;
	}
	skb_scrub_packet(skb, true);
	skb_dst_set(skb, dst);
	skb->dev = net->loopback_dev;
	skb->pkt_type = PACKET_HOST;
	skb_reset_mac_header(skb);
	netif_rx(skb);
}

static void path_tag(const struct rnic_hop *hop, struct sk_buff *skb)
{
	if (hop->vlan)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), hop->vlan);
}

static void path_to_wire(struct emu_path *path, const struct rnic_hop *hop, struct sk_buff *skb)
{
	struct net_device *lower = path->adapter->lower;

	if (skb_cow_head(skb, LL_RESERVED_SPACE(lower) + VLAN_HLEN)) {
		emu_drop(path->adapter, skb, EMU_DROP_QUEUE);
		return;
	}
	skb->dev = lower;
	path_tag(hop, skb);
	eth_header(skb, lower, ntohs(skb->protocol), hop->mac, lower->dev_addr, skb->len);
	skb_reset_mac_header(skb);
	skb->mark = 0;
	dev_queue_xmit(skb);
}

static bool path_is_too_narrow(const struct rnic_hop *hop, const struct sk_buff *skb)
{
	if (!hop->mtu)
		return false;
	return skb_is_gso(skb) ? !skb_gso_validate_network_len(skb, hop->mtu) :
				 skb->len > hop->mtu;
}

/* Both ends are the adapter's; the host need not see what it would only give back. */
static bool path_is_inside(struct emu_adapter *adapter, struct sk_buff *skb)
{
	struct emu_packet packet;
	bool ret;

	rcu_read_lock();
	ret = emu_parse(skb, &packet) && packet.tcp && emu_is_own(adapter, &packet);
	rcu_read_unlock();
	return ret;
}

static void path_output(struct emu_path *path, const struct rnic_hop *hop, struct sk_buff *skb)
{
	struct emu_adapter *adapter = path->adapter;

	if (hop->state != RNIC_HOP_READY) {
		emu_drop(adapter, skb, EMU_DROP_UNREACHABLE);
	} else if (hop->here && path_is_inside(adapter, skb)) {
		emu_inject(adapter, skb, NULL);
	} else if (hop->here) {
		path_to_host(path, skb);
	} else if (path_is_too_narrow(hop, skb)) {
		/* As a tunnel does: TCP asks its route before it sends again. */
		skb_dst_update_pmtu_no_confirm(skb, hop->mtu);
		emu_drop(adapter, skb, EMU_DROP_TOO_BIG);
	} else if (hop->routed || ether_addr_equal(hop->mac, adapter->lower->dev_addr)) {
		path_tag(hop, skb);
		emu_inject(adapter, skb, to_emu_function(path->handle->fn));
	} else {
		path_to_wire(path, hop, skb);
	}
}

/* Keeps it; the oldest gives way. */
static void path_wait(struct emu_path *path, struct sk_buff *skb)
{
	struct sk_buff *oldest = NULL;

	skb_dst_force(skb);
	if (skb_queue_len(&path->queue) >= PATH_QUEUE_MAX)
		oldest = __skb_dequeue(&path->queue);
	__skb_queue_tail(&path->queue, skb);
	if (oldest)
		emu_drop(path->adapter, oldest, EMU_DROP_QUEUE);
}

/*
 * As with a host's, what failed is asked for again by what is sent there next, once those
 * who have waited for it are told.
 */
static bool path_asks_again(const struct emu_path *path)
{
	return READ_ONCE(path->hop.state) == RNIC_HOP_UNREACHABLE &&
	       skb_queue_empty_lockless(&path->queue);
}

static void path_send(struct emu_path *path, struct sk_buff *skb)
{
	unsigned long now = jiffies;
	struct rnic_hop hop;

	WRITE_ONCE(path->used, now);
	if (path_asks_again(path) || time_after(now, READ_ONCE(path->told) + PATH_USE)) {
		WRITE_ONCE(path->told, now);
		rnic_handle_use(path->handle);
	}
	spin_lock_bh(&path->lock);
	hop = path->hop;
	if (hop.state == RNIC_HOP_RESOLVING || !skb_queue_empty(&path->queue)) {
		path_wait(path, skb);
		skb = NULL;
	}
	spin_unlock_bh(&path->lock);
	if (skb)
		path_output(path, &hop, skb);
}

static void path_free_rcu(struct rcu_head *rcu)
{
	struct emu_path *path = container_of(rcu, struct emu_path, rcu);
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&path->queue)))
		emu_drop(path->adapter, skb, EMU_DROP_UNREACHABLE);
	kfree(path);
}

static void path_release(struct kref *ref)
{
	call_rcu(&container_of(ref, struct emu_path, ref)->rcu, path_free_rcu);
}

static void path_unref(struct emu_path *path)
{
	kref_put(&path->ref, path_release);
}

/* What a host's TCP hears from an unresolved neighbour */
static void path_tell_unreachable(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	if (!sk || !sk_fullsock(sk) || sk->sk_state != TCP_SYN_SENT)
		return;
	/* The packet keeps its memory; the socket may be closing. */
	if (!refcount_inc_not_zero(&sk->sk_refcnt))
		return;
	lock_sock(sk);
	if (sk->sk_state == TCP_SYN_SENT) {
		WRITE_ONCE(sk->sk_err, EHOSTUNREACH);
		sk_error_report(sk);
		tcp_done(sk);
	}
	release_sock(sk);
	sock_put(sk);
}

/* The oldest of what waits, if that has an end; false: nothing */
static bool path_flush_one(struct emu_path *path)
{
	struct sk_buff *skb;
	struct rnic_hop hop;

	/* Until it is out the handle stays, which a path that is ready points at. */
	rcu_read_lock_bh();
	spin_lock(&path->lock);
	hop = path->hop;
	skb = hop.state == RNIC_HOP_RESOLVING ? NULL : __skb_dequeue(&path->queue);
	spin_unlock(&path->lock);
	if (skb && hop.state == RNIC_HOP_READY)
		path_output(path, &hop, skb);
	rcu_read_unlock_bh();
	if (skb && hop.state == RNIC_HOP_UNREACHABLE) {
		path_tell_unreachable(skb);
		emu_drop(path->adapter, skb, EMU_DROP_UNREACHABLE);
	}
	return skb;
}

static void path_flush(struct work_struct *work)
{
	struct emu_path *path = container_of(work, struct emu_path, flush);

	while (path_flush_one(path))
		cond_resched();
	path_unref(path);
}

/* Coming and going */

static struct emu_path *emu_path_find(struct emu_adapter *adapter, const struct emu_key *key)
{
	struct emu_entry *entry = emu_find(adapter, key);

	return entry ? container_of(entry, struct emu_path, entry) : NULL;
}

static bool path_is_link_local(const struct in6_addr *local)
{
	return ipv6_addr_type(local) & IPV6_ADDR_LINKLOCAL;
}

/* The VLAN that a link-local address is in, by its scope; under the adapter's lock */
static u16 path_vlan(struct emu_adapter *adapter, const struct emu_path *path)
{
	const struct sockaddr_in6 *local = (struct sockaddr_in6 *)&path->handle->local;
	struct rnic_function *fn = path->handle->fn;
	struct emu_address *address;
	const struct sockaddr_in6 *addr;

	if (!path_is_link_local(&path->entry.key.local))
		return 0;
	list_for_each_entry(address, &adapter->addresses, item) {
		addr = (struct sockaddr_in6 *)&address->address.addr;
		if (&address->fn->base == fn && addr->sin6_scope_id == local->sin6_scope_id &&
		    ipv6_addr_equal(&address->entry.key.local, &path->entry.key.local))
			return address->entry.key.vlan;
	}
	return 0;
}

/* In place of another that is on its way out; under the adapter's lock */
static int path_list(struct emu_adapter *adapter, struct emu_path *path)
{
	struct emu_path *other;
	int ret;

	if (path->listed)
		return 0;
	rcu_read_lock();
	other = emu_path_find(adapter, &path->entry.key);
	if (other) {
		emu_remove(adapter, &other->entry);
		other->listed = false;
	}
	rcu_read_unlock();
	ret = emu_insert(adapter, &path->entry);
	path->listed = !ret;
	return ret;
}

int emu_path_add(struct rnic_handle *handle, const struct rnic_hop *hop)
{
	struct emu_adapter *adapter = to_emu_adapter(handle->fn->adapter);
	struct emu_path *path;
	int ret;

	path = kzalloc(sizeof(*path), GFP_ATOMIC);
	if (!path)
		return -ENOMEM;
	kref_init(&path->ref);
	path->adapter = adapter;
	path->handle = handle;
	path->hop = *hop;
	path->used = jiffies;
	path->told = jiffies;
	spin_lock_init(&path->lock);
	__skb_queue_head_init(&path->queue);
	INIT_LIST_HEAD(&path->item);
	INIT_WORK(&path->flush, path_flush);
	emu_key_set(&path->entry.key, EMU_PATH, &handle->local, &handle->remote, 0);
	handle->adapter_data = path;

	spin_lock_bh(&adapter->lock);
	path->entry.key.vlan = path_vlan(adapter, path);
	ret = path_list(adapter, path);
	spin_unlock_bh(&adapter->lock);
	if (ret)
		kfree(path);
	return ret;
}

void emu_path_update(struct rnic_handle *handle, const struct rnic_hop *hop)
{
	struct emu_path *path = handle->adapter_data;
	bool waiting;

	spin_lock_bh(&path->lock);
	path->hop = *hop;
	waiting = !skb_queue_empty(&path->queue);
	spin_unlock_bh(&path->lock);
	if (!waiting || hop->state == RNIC_HOP_RESOLVING)
		return;
	kref_get(&path->ref);
	if (!queue_work(emu_wq, &path->flush))
		path_unref(path);
}

void emu_path_remove(struct rnic_handle *handle)
{
	struct emu_path *path = handle->adapter_data;
	struct emu_adapter *adapter = path->adapter;

	spin_lock_bh(&adapter->lock);
	if (path->listed)
		emu_remove(adapter, &path->entry);
	path->listed = false;
	spin_unlock_bh(&adapter->lock);
	spin_lock_bh(&path->lock);
	path->hop.state = RNIC_HOP_UNREACHABLE;
	spin_unlock_bh(&path->lock);
	path_unref(path);
}

/* Under the adapter's lock */
static struct rnic_handle *path_unown(struct emu_adapter *adapter, struct emu_path *path)
{
	list_del_init(&path->item);
	adapter->path_count--;
	return path->handle;
}

/* Has @path's handle, or has it already; what is to be put in exchange, or NULL */
static struct rnic_handle *path_own(struct emu_adapter *adapter, struct emu_path *path)
{
	struct rnic_handle *surplus = path->handle;

	spin_lock_bh(&adapter->lock);
	if (list_empty(&path->item)) {
		surplus = NULL;
		if (adapter->path_count == PATHS_MAX)
			surplus = path_unown(adapter, list_first_entry(&adapter->paths,
								       struct emu_path, item));
		list_add_tail(&path->item, &adapter->paths);
		adapter->path_count++;
	}
	path_list(adapter, path);
	spin_unlock_bh(&adapter->lock);
	return surplus;
}

/* Nobody has asked for it yet: an answer to somebody who connects, or late in coming. */
static struct emu_path *path_make(struct emu_adapter *adapter, const struct emu_key *key)
{
	struct sockaddr_storage local = {}, remote = {};
	struct emu_address *address;
	struct rnic_handle *handle, *surplus;
	struct rnic_function *fn = NULL;
	struct emu_path *path;

	spin_lock_bh(&adapter->lock);
	address = emu_find_address(adapter, &key->local, key->vlan);
	if (address) {
		fn = &address->fn->base;
		local = address->address.addr;
	}
	spin_unlock_bh(&adapter->lock);
	if (!fn)
		return NULL;
	remote = local;
	if (local.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&remote)->sin6_addr = key->remote;
	else
		((struct sockaddr_in *)&remote)->sin_addr.s_addr = key->remote.s6_addr32[3];
	if (local.ss_family == AF_INET6 &&
	    !(ipv6_addr_type(&key->remote) & IPV6_ADDR_LINKLOCAL))
		((struct sockaddr_in6 *)&remote)->sin6_scope_id = 0;
	handle = rnic_handle_get(fn, &local, &remote);
	if (IS_ERR(handle))
		return NULL;
	path = handle->adapter_data;
	surplus = path_own(adapter, path);
	if (surplus)
		rnic_handle_put(surplus);
	return path;
}

/**
 * emu_path_send() - send a packet of the adapter's TCP to where it belongs
 * @adapter: the adapter
 * @packet: from emu_parse(), as if it were received
 * @skb: the packet; data begins with the IP header; consumed
 *
 * Context: RCU, bottom halves off.
 */
void emu_path_send(struct emu_adapter *adapter, struct emu_packet *packet, struct sk_buff *skb)
{
	const struct emu_key key = {
		.kind = EMU_PATH,
		.vlan = path_is_link_local(&packet->flow.remote) ? skb->mark : 0,
		.local = packet->flow.remote,
		.remote = packet->flow.local,
	};
	struct emu_path *path = emu_path_find(adapter, &key) ?: path_make(adapter, &key);

	if (path)
		path_send(path, skb);
	else
		emu_drop(adapter, skb, EMU_DROP_UNREACHABLE);
}

/* @fn: it goes, or its address @local does; neither: paths go that are not used */
static bool path_is_over(const struct emu_path *path, const struct rnic_function *fn,
			 const struct in6_addr *local)
{
	if (!fn)
		return time_after_eq(jiffies, READ_ONCE(path->used) + PATH_IDLE);
	return path->handle->fn == fn &&
	       (!local || ipv6_addr_equal(&path->entry.key.local, local));
}

/* One of those that the adapter keeps for itself, and need not any more; not its any more */
static struct rnic_handle *path_disown(struct emu_adapter *adapter, const struct rnic_function *fn,
				       const struct in6_addr *local)
{
	struct rnic_handle *handle = NULL;
	struct emu_path *path;

	spin_lock_bh(&adapter->lock);
	list_for_each_entry(path, &adapter->paths, item) {
		if (!path_is_over(path, fn, local))
			continue;
		handle = path_unown(adapter, path);
		break;
	}
	spin_unlock_bh(&adapter->lock);
	return handle;
}

/* A function goes, or one of its addresses if @local is not NULL. */
void emu_paths_forget(struct emu_adapter *adapter, struct rnic_function *fn,
		      const struct in6_addr *local)
{
	struct rnic_handle *handle;

	while ((handle = path_disown(adapter, fn, local)))
		rnic_handle_put(handle);
}

void emu_paths_reap(struct work_struct *work)
{
	struct emu_adapter *adapter = container_of(work, struct emu_adapter, reap.work);
	struct rnic_handle *handle;

	while ((handle = path_disown(adapter, NULL, NULL)))
		rnic_handle_put(handle);
	queue_delayed_work(emu_wq, &adapter->reap, PATH_IDLE);
}
