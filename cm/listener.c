// SPDX-License-Identifier: GPL-2.0
/*
 * Listening: one port for each address that somebody listens on, however many
 * devices attach to it, and its backlog.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include <net/ipv6.h>
#include "iwarp_cm.h"
#include "iwarp_transport.h"
#include "device.h"
#include "endpoint.h"
#include "listener.h"
#include "rdma_id.h"
#include "responder.h"

/*
 * Time for a connection to speak before it may have to make room: an honest
 * initiator's request follows its handshake at once.
 */
#define LISTENER_GRACE	(HZ / 2)

/**
 * struct listener - a port that is listened on
 * @ref: one while it has members, one for each endpoint that is not answered yet
 * @item: in listeners, under listeners_lock
 * @net: the transport's listener keeps it; not after it was closed
 * @key: whose it is: the id that listens, for a wildcard the parent of those that do
 * @transport: how it listens
 * @wildcard: on all devices; that of a connection is told by its local address
 * @work: accepts
 * @accept_lock: @listening; inside listeners_lock, around the lock of a new endpoint
 * @listening: until the last member has left
 * @lock: what follows; inside ep->lock, around iw_cm's event_handler
 * @members: an iw_cm_id for each device
 * @silent: connections whose MPA request has not come, the oldest first
 * @pending: connections whose request was reported and not answered
 * @held: how many those are together
 * @backlog: how many there may be
 */
struct listener {
	struct kref ref;
	struct list_head item;
	struct net *net;
	const void *key;
	const struct iwarp_transport_ops *transport;
	bool wildcard;
	struct delayed_work work;

	struct mutex accept_lock;	/* listening */
	struct iwarp_listening *listening;

	spinlock_t lock;	/* members, silent, pending, held */
	struct list_head members;
	struct list_head silent;
	struct list_head pending;
	unsigned int held;
	unsigned int backlog;
};

/**
 * struct member - a device that is attached to a listener; provider_data of its iw_cm_id
 * @item: in listener->members, under its lock
 * @listener: NULL when the device is not in the namespace, or gone; listeners_lock
 * @dev: a reference, as long as there is a listener
 * @cm_id: a reference; whom to tell
 */
struct member {
	struct list_head item;
	struct listener *listener;
	struct iwarp_device *dev;
	struct iw_cm_id *cm_id;
};

static struct workqueue_struct *listener_wq;
static LIST_HEAD(listeners);
/*
 * Inside rdma_cm's global mutex (create), around the listening socket's lock.
 * Nothing under it waits for rtnl, for rdma_cm, or for an endpoint.
 */
static DEFINE_MUTEX(listeners_lock);

int listener_init(void)
{
	listener_wq = alloc_workqueue("iwarp_cm_listen", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return listener_wq ? 0 : -ENOMEM;
}

void listener_exit(void)
{
	destroy_workqueue(listener_wq);
	WARN_ON(!list_empty(&listeners));
}

void listener_get(struct listener *listener)
{
	kref_get(&listener->ref);
}

static void listener_free(struct kref *ref)
{
	kfree(container_of(ref, struct listener, ref));
}

void listener_put(struct listener *listener)
{
	kref_put(&listener->ref, listener_free);
}

static void listener_kick(struct listener *listener)
{
	mod_delayed_work(listener_wq, &listener->work, 0);
}

static void listener_notify(void *context)
{
	listener_kick(context);
}

/* Accepting */

/* Members are in the order of rdma_cm's devices, in which it looks for the address of a request. */
static struct iwarp_device *listener_device(struct listener *listener,
					    const struct iwarp_addrs *addrs)
{
	struct iwarp_device *dev = NULL;
	struct member *member;

	spin_lock(&listener->lock);
	list_for_each_entry(member, &listener->members, item) {
		if (listener->wildcard && !device_owns_request(member->dev, addrs))
			continue;
		dev = member->dev;
		break;
	}
	if (dev && !device_get(dev))
		dev = NULL;
	spin_unlock(&listener->lock);
	return dev;
}

static void listener_count_stray(struct listener *listener)
{
	struct member *member;

	spin_lock(&listener->lock);
	member = list_first_entry_or_null(&listener->members, struct member, item);
	if (member)
		atomic64_inc(&member->dev->counters.strays);
	spin_unlock(&listener->lock);
}

/*
 * Whether there may be one more, if need be in place of one that has been silent
 * for long. Until one has, the next waits in TCP's queue.
 */
static bool listener_has_room(struct listener *listener)
{
	struct iwarp_endpoint *oldest;
	unsigned long now = jiffies;
	unsigned long until;
	bool room = true;

	spin_lock(&listener->lock);
	if (listener->held < listener->backlog)
		goto out;
	room = false;
	oldest = list_first_entry_or_null(&listener->silent, struct iwarp_endpoint,
					  listener_item);
	if (!oldest)
		goto out;
	until = oldest->silent_since + LISTENER_GRACE;
	if (time_before(now, until))
		queue_delayed_work(listener_wq, &listener->work, until - now);
	else
		room = true;
out:
	spin_unlock(&listener->lock);
	return room;
}

static void listener_add(struct listener *listener, struct iwarp_endpoint *ep)
{
	struct iwarp_endpoint *oldest = NULL;

	spin_lock(&listener->lock);
	if (listener->held >= listener->backlog)
		oldest = list_first_entry_or_null(&listener->silent, struct iwarp_endpoint,
						  listener_item);
	if (oldest) {
		list_del_init(&oldest->listener_item);
		listener->held--;
		atomic64_inc(&oldest->dev->counters.backlog_drops);
		/* On the list, so it is alive. */
		endpoint_kick(oldest, EP_EVENT_ABORT);
	}
	ep->silent_since = jiffies;
	list_add_tail(&ep->listener_item, &listener->silent);
	listener->held++;
	spin_unlock(&listener->lock);
}

static void listener_take(struct listener *listener, struct iwarp_conn *conn)
{
	const struct iwarp_transport_ops *transport = listener->transport;
	struct iwarp_endpoint *ep;
	struct iwarp_device *dev;
	struct iwarp_addrs addrs;

	transport->addrs(conn, &addrs);
	dev = listener_device(listener, &addrs);
	if (!dev) {
		listener_count_stray(listener);
		transport->release(conn, true);
		return;
	}
	ep = responder_create(dev, listener, conn, &addrs);
	device_put(dev);
	if (IS_ERR(ep)) {
		transport->release(conn, true);
		return;
	}
	listener_add(listener, ep);
	transport->watch(ep->conn, &(struct iwarp_watch){ endpoint_notify, ep });
	endpoint_begin(ep);
	endpoint_get(ep);
	mutex_unlock(&ep->lock);
	endpoint_put(ep);
}

static bool listener_accept(struct listener *listener)
{
	struct iwarp_conn *conn = ERR_PTR(-EAGAIN);
	bool more = true;

	mutex_lock(&listener->accept_lock);
	if (listener->listening && listener_has_room(listener))
		conn = listener->transport->accept(listener->listening);
	if (!IS_ERR(conn))
		listener_take(listener, conn);
	else
		more = PTR_ERR(conn) == -ECONNABORTED;
	mutex_unlock(&listener->accept_lock);
	/* Out of memory or files: nothing else would bring us back. */
	if (IS_ERR(conn) && !more && PTR_ERR(conn) != -EAGAIN)
		queue_delayed_work(listener_wq, &listener->work, LISTENER_GRACE);
	return more;
}

static void listener_work(struct work_struct *work)
{
	struct listener *listener = container_of(work, struct listener, work.work);

	while (listener_accept(listener))
		cond_resched();
}

/* Reporting */

/*
 * Under the lock, so that nothing is reported to an id after it has left. The
 * endpoint may have lost its place meanwhile.
 */
int listener_report(struct listener *listener, struct iwarp_endpoint *ep)
{
	struct member *member;
	int ret = -ECONNABORTED;

	spin_lock(&listener->lock);
	if (list_empty(&ep->listener_item))
		goto out;
	list_for_each_entry(member, &listener->members, item) {
		if (member->dev != ep->dev)
			continue;
		list_move_tail(&ep->listener_item, &listener->pending);
		ep->cm_id = member->cm_id;
		ret = endpoint_raise(ep, IW_CM_EVENT_CONNECT_REQUEST, 0, true);
		if (ret)
			atomic64_inc(&ep->dev->counters.backlog_drops);
		ep->cm_id = NULL;
		break;
	}
out:
	spin_unlock(&listener->lock);
	return ret;
}

/* The endpoint is answered or gone; what waits in TCP may have its place. */
void listener_leave(struct listener *listener, struct iwarp_endpoint *ep)
{
	spin_lock(&listener->lock);
	if (!list_empty(&ep->listener_item)) {
		list_del_init(&ep->listener_item);
		listener->held--;
		if (!list_empty(&listener->members))
			listener_kick(listener);
	}
	spin_unlock(&listener->lock);
}

/* Coming and going of devices; all under listeners_lock */

static struct listener *listener_find(struct net *net, const void *key,
				      const struct iwarp_transport_ops *transport)
{
	struct listener *listener;

	list_for_each_entry(listener, &listeners, item) {
		if (listener->key == key && listener->transport == transport &&
		    net_eq(listener->net, net))
			return listener;
	}
	return NULL;
}

static struct listener *listener_create(const struct iwarp_listen_params *params,
					const struct iwarp_transport_ops *transport,
					bool wildcard)
{
	struct listener *listener;
	struct iwarp_watch watch = { .notify = listener_notify };
	struct iwarp_listening *listening;

	listener = kzalloc(sizeof(*listener), GFP_KERNEL);
	if (!listener)
		return ERR_PTR(-ENOMEM);
	kref_init(&listener->ref);
	INIT_DELAYED_WORK(&listener->work, listener_work);
	mutex_init(&listener->accept_lock);
	spin_lock_init(&listener->lock);
	INIT_LIST_HEAD(&listener->members);
	INIT_LIST_HEAD(&listener->silent);
	INIT_LIST_HEAD(&listener->pending);
	listener->net = params->net;
	listener->key = params->key;
	listener->transport = transport;
	listener->wildcard = wildcard;
	listener->backlog = params->backlog;
	watch.context = listener;
	listening = transport->listen(params, &watch);
	if (IS_ERR(listening)) {
		/* It may have listened for a moment. */
		cancel_delayed_work_sync(&listener->work);
		kfree(listener);
		return ERR_CAST(listening);
	}
	listener->listening = listening;
	list_add_tail(&listener->item, &listeners);
	return listener;
}

/* The last member has left, so nothing new is taken or reported. */
static void listener_close(struct listener *listener)
{
	struct iwarp_listening *listening;
	struct iwarp_endpoint *ep;

	list_del(&listener->item);
	mutex_lock(&listener->accept_lock);
	listening = listener->listening;
	listener->listening = NULL;
	mutex_unlock(&listener->accept_lock);

	spin_lock(&listener->lock);
	list_for_each_entry(ep, &listener->silent, listener_item)
		endpoint_kick(ep, EP_EVENT_ABORT);
	list_for_each_entry(ep, &listener->pending, listener_item)
		endpoint_kick(ep, EP_EVENT_ORPHANED);
	spin_unlock(&listener->lock);
	listener->transport->unlisten(listening);
	/* Nobody queues it any more: no notification, and no members. */
	cancel_delayed_work_sync(&listener->work);
	listener_put(listener);
}

static void member_attach(struct member *member, struct listener *listener)
{
	member->listener = listener;
	spin_lock(&listener->lock);
	list_add_tail(&member->item, &listener->members);
	spin_unlock(&listener->lock);
}

static void member_detach(struct member *member)
{
	struct listener *listener = member->listener;
	bool last;

	if (!listener)
		return;
	member->listener = NULL;
	spin_lock(&listener->lock);
	list_del(&member->item);
	last = list_empty(&listener->members);
	spin_unlock(&listener->lock);
	device_put(member->dev);
	if (last)
		listener_close(listener);
}

void listener_detach_device(struct iwarp_device *dev)
{
	struct listener *listener, *next_listener;
	struct member *member, *next;

	mutex_lock(&listeners_lock);
	dev->deaf = true;
	list_for_each_entry_safe(listener, next_listener, &listeners, item) {
		list_for_each_entry_safe(member, next, &listener->members, item) {
			/* One member is this device's; the listener may go with it. */
			if (member->dev == dev) {
				member_detach(member);
				break;
			}
		}
	}
	mutex_unlock(&listeners_lock);
}

static int listener_attach(struct member *member, const struct rdma_cm_id *rdma_id, int backlog)
{
	const struct iw_cm_id *id = member->cm_id;
	struct iwarp_listen_params params = {
		.net = rdma_id_net(rdma_id),
		.key = rdma_id,
		.addr = id->local_addr,
		.v6only = id->afonly,
		.tos_set = id->tos_set,
		.tos = id->tos,
		.backlog = max(backlog, 1),
	};
	bool wildcard = addr_is_on_all(&id->local_addr);
	struct iwarp_device *dev = member->dev;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&params.addr;
	struct listener *listener = NULL;

	/* rdma_cm asks the devices of every namespace. */
	if (!net_eq(dev_net(dev->netdev), params.net))
		return 0;
	/* Each device has an id of its own then, whose context is the one that listens. */
	if (wildcard)
		params.key = rdma_id->context;
	if (in6->sin6_family == AF_INET6 && !in6->sin6_scope_id &&
	    ipv6_addr_type(&in6->sin6_addr) & IPV6_ADDR_LINKLOCAL)
		in6->sin6_scope_id = dev->netdev->ifindex;

	if (dev->deaf || !device_get(dev))
		return -ENODEV;
	if (wildcard)
		listener = listener_find(params.net, params.key, dev->transport);
	if (!listener)
		listener = listener_create(&params, dev->transport, wildcard);
	if (IS_ERR(listener)) {
		device_put(dev);
		return PTR_ERR(listener);
	}
	member_attach(member, listener);
	/* What came before there was a device to tell */
	listener_kick(listener);
	return 0;
}

/**
 * iwarp_cm_create_listen - ib_device_ops.iw_create_listen
 * @dev: the device that @id is on
 * @id: whom to tell; its context is an rdma_cm_id
 * @backlog: bounds the connections without an MPA request and the requests
 *	without an answer, together
 *
 * A wildcard or loopback address is listened on once, however many devices attach
 * to it. A device whose interface is not in the id's namespace listens to nothing.
 *
 * Return: 0, or the errno of bind(2) or listen(2).
 */
int iwarp_cm_create_listen(struct iwarp_device *dev, struct iw_cm_id *id, int backlog)
{
	const struct rdma_cm_id *rdma_id = rdma_id_of(id);
	struct member *member;
	int ret;

	if (!rdma_id)
		return -EINVAL;
	if (id->local_addr.ss_family != AF_INET && id->local_addr.ss_family != AF_INET6)
		return -EAFNOSUPPORT;
	member = kzalloc(sizeof(*member), GFP_KERNEL);
	if (!member)
		return -ENOMEM;
	member->dev = dev;
	member->cm_id = id;
	id->add_ref(id);

	mutex_lock(&listeners_lock);
	ret = listener_attach(member, rdma_id, backlog);
	mutex_unlock(&listeners_lock);
	if (ret) {
		id->rem_ref(id);
		kfree(member);
		return ret;
	}
	id->provider_data = member;
	return 0;
}
EXPORT_SYMBOL_GPL(iwarp_cm_create_listen);

/**
 * iwarp_cm_destroy_listen - ib_device_ops.iw_destroy_listen
 * @dev: the device that @id is on
 * @id: whom to tell no more
 *
 * With the last device, connections whose request has not come are reset;
 * requests that were reported may still be answered, within request_timeout.
 *
 * Return: 0.
 */
int iwarp_cm_destroy_listen(struct iwarp_device *dev, struct iw_cm_id *id)
{
	struct member *member = id->provider_data;

	if (!member)
		return 0;
	id->provider_data = NULL;
	mutex_lock(&listeners_lock);
	member_detach(member);
	mutex_unlock(&listeners_lock);
	id->rem_ref(id);
	kfree(member);
	return 0;
}
EXPORT_SYMBOL_GPL(iwarp_cm_destroy_listen);
