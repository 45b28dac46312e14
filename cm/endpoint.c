// SPDX-License-Identifier: GPL-2.0
/*
 * An endpoint's life: its work, its timer, its QP, what iw_cm hears of it, and
 * its end. What happens before there is a stream is in initiator.c and
 * responder.c.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include "iwarp_cm.h"
#include "device.h"
#include "endpoint.h"
#include "initiator.h"
#include "listener.h"
#include "responder.h"
#include "trace.h"

/*
 * One work at a time: what happens first on the wire is told first. Programs that
 * open many connections at once count on it: perftest's ends number theirs, one by
 * its connects, the other by the requests that come. No work waits for a peer or
 * for another work; and iw_cm's own queue, which all of it goes through, is ordered.
 */
static struct workqueue_struct *endpoint_wq;
static LIST_HEAD(endpoints);
static DEFINE_SPINLOCK(endpoints_lock);
static atomic_t endpoint_ids;

/*
 * Endpoints that iw_cm knows, from a request that was reported, or a connect, to
 * the end of the connection. It may forget a request without a word, and ask for
 * a connection that is over, so it gets a handle and no pointer. The entries are
 * alive.
 */
static DEFINE_XARRAY_ALLOC1(published);
static u32 published_next;

static void endpoint_work(struct work_struct *work);

int endpoint_init(void)
{
	endpoint_wq = alloc_ordered_workqueue("iwarp_cm", WQ_MEM_RECLAIM);
	return endpoint_wq ? 0 : -ENOMEM;
}

void endpoint_exit(void)
{
	/* Devices and listeners are gone, and endpoints with them; works may run. */
	destroy_workqueue(endpoint_wq);
	WARN_ON(!list_empty(&endpoints));
	WARN_ON(!xa_empty(&published));
}

/* Comes locked: what wants to end it waits until the caller has made it whole. */
struct iwarp_endpoint *endpoint_create(struct iwarp_device *dev, enum endpoint_state state)
{
	struct iwarp_endpoint *ep;
	bool going;

	ep = kzalloc(sizeof(*ep), GFP_KERNEL);
	if (!ep)
		return ERR_PTR(-ENOMEM);
	if (!device_get(dev)) {
		kfree(ep);
		return ERR_PTR(-ENODEV);
	}
	kref_init(&ep->ref);
	mutex_init(&ep->lock);
	INIT_DELAYED_WORK(&ep->work, endpoint_work);
	INIT_LIST_HEAD(&ep->listener_item);
	frame_init(&ep->rx);
	ep->state = state;
	ep->dev = dev;
	ep->transport = dev->transport;
	ep->id = atomic_inc_return(&endpoint_ids);
	mutex_lock(&ep->lock);
	spin_lock(&endpoints_lock);
	going = dev->going;
	if (!going)
		list_add_tail(&ep->item, &endpoints);
	spin_unlock(&endpoints_lock);
	if (going) {
		mutex_unlock(&ep->lock);
		device_put(dev);
		kfree(ep);
		return ERR_PTR(-ENODEV);
	}
	return ep;
}

void endpoint_get(struct iwarp_endpoint *ep)
{
	kref_get(&ep->ref);
}

static void endpoint_free(struct kref *ref)
{
	struct iwarp_endpoint *ep = container_of(ref, struct iwarp_endpoint, ref);

	frame_destroy(&ep->rx);
	kfree(ep->pdata);
	mutex_destroy(&ep->lock);
	kfree(ep);
}

void endpoint_put(struct iwarp_endpoint *ep)
{
	kref_put(&ep->ref, endpoint_free);
}

/* Any context; the caller's reference, or what keeps it, outlives the call. */
void endpoint_kick(struct iwarp_endpoint *ep, unsigned int event)
{
	set_bit(event, &ep->events);
	/* One that is queued keeps its place. */
	if (test_and_set_bit(EP_EVENT_QUEUED, &ep->events))
		return;
	endpoint_get(ep);
	if (mod_delayed_work(endpoint_wq, &ep->work, 0))
		endpoint_put(ep);
}

/* The transport's notification */
void endpoint_notify(void *context)
{
	endpoint_kick(context, EP_EVENT_SOCKET);
}

/**
 * iwarp_cm_qp_event - a QP tells its endpoint
 * @ep: what the QP was attached to
 * @event: what happened
 *
 * Between attach() and stop(); any context that may take a spinlock. Takes none
 * of the connection manager's locks.
 */
void iwarp_cm_qp_event(struct iwarp_endpoint *ep, enum iwarp_qp_event event)
{
	endpoint_kick(ep, event);
}
EXPORT_SYMBOL_GPL(iwarp_cm_qp_event);

/* ep->handle becomes the provider_data of its iw_cm_id; under ep->lock. */
int endpoint_publish(struct iwarp_endpoint *ep)
{
	int ret;

	ret = xa_alloc_cyclic(&published, &ep->handle, ep, xa_limit_32b, &published_next,
			      GFP_KERNEL);
	if (ret < 0) {
		ep->handle = 0;
		return ret;
	}
	return 0;
}

void endpoint_hide(struct iwarp_endpoint *ep)
{
	if (ep->handle)
		xa_erase(&published, ep->handle);
	ep->handle = 0;
}

/* A reference that the caller puts, or NULL. What a listening id has is no handle. */
struct iwarp_endpoint *endpoint_published(const struct iw_cm_id *id)
{
	struct iwarp_endpoint *ep;

	xa_lock(&published);
	ep = xa_load(&published, (unsigned long)id->provider_data);
	if (ep)
		endpoint_get(ep);
	xa_unlock(&published);
	return ep;
}

/**
 * iwarp_cm_abort - end a connect that has not been answered
 * @id: any iw_cm_id, of any provider; nothing happens unless it is a pending
 *	connect of ours
 *
 * Its CONNECT_REPLY, with -ECONNABORTED, then comes without waiting for the peer,
 * and iw_cm's disconnect and destroy need not wait for it. The caller keeps @id.
 * Any context that may take a spinlock.
 */
void iwarp_cm_abort(const struct iw_cm_id *id)
{
	struct iwarp_endpoint *ep = endpoint_published(id);

	if (!ep)
		return;
	/* Does nothing to one that is established. */
	if (ep->initiator)
		endpoint_kick(ep, EP_EVENT_GOING);
	endpoint_put(ep);
}
EXPORT_SYMBOL_GPL(iwarp_cm_abort);

/**
 * iwarp_cm_info - what there is to tell of a connection
 * @id: any iw_cm_id of a device of ours
 * @info: is set
 *
 * May sleep, no longer than iw_cm's own calls.
 *
 * Return: false if there is no connection.
 */
bool iwarp_cm_info(const struct iw_cm_id *id, struct iwarp_cm_info *info)
{
	static const char * const states[] = {
		[EP_CONNECTING]		= "connecting",
		[EP_REPLY_WAIT]		= "reply wait",
		[EP_REQUEST_WAIT]	= "request wait",
		[EP_ANSWER_WAIT]	= "answer wait",
		[EP_STREAM]		= "stream",
		[EP_CLOSING]		= "closing",
		[EP_DEAD]		= "dead",
	};
	struct iwarp_endpoint *ep = endpoint_published(id);
	const struct mpa_message *msg;

	if (!ep)
		return false;
	mutex_lock(&ep->lock);
	/* The reply's is what holds, if there is one. */
	msg = ep->initiator && ep->received.revision ? &ep->received : &ep->sent;
	if (ep->state == EP_ANSWER_WAIT)
		msg = &ep->received;
	*info = (struct iwarp_cm_info) {
		.state = states[ep->state],
		.initiator = ep->initiator,
		.rtr_wait = ep->rtr_wait,
		.revision = msg->revision,
		.crc = ep->agreed.crc,
		.rtr = ep->agreed.rtr,
		.ird = ep->agreed.ird,
		.ord = ep->agreed.ord,
	};
	mutex_unlock(&ep->lock);
	endpoint_put(ep);
	return true;
}
EXPORT_SYMBOL_GPL(iwarp_cm_info);

void endpoint_tell_all(struct iwarp_device *dev, enum endpoint_event event)
{
	struct iwarp_endpoint *ep;

	spin_lock(&endpoints_lock);
	/* None is added from here on, until iwarp_cm_enable(). */
	dev->going = true;
	list_for_each_entry(ep, &endpoints, item) {
		if (ep->dev == dev)
			endpoint_kick(ep, event);
	}
	spin_unlock(&endpoints_lock);
}

/**
 * iwarp_cm_enable - a device that had gone for its consumers is back
 * @dev: the device
 *
 * On its way to another namespace a device goes, and comes again. To be called before
 * rdma_cm hears of it, by ib_device_ops.enable_driver.
 */
void iwarp_cm_enable(struct iwarp_device *dev)
{
	spin_lock(&endpoints_lock);
	dev->going = false;
	spin_unlock(&endpoints_lock);
}
EXPORT_SYMBOL_GPL(iwarp_cm_enable);

void endpoint_set_deadline(struct iwarp_endpoint *ep, unsigned int ms)
{
	ep->timed = true;
	ep->deadline = jiffies + msecs_to_jiffies(ms);
}

bool endpoint_timed_out(struct iwarp_endpoint *ep)
{
	if (!ep->timed || time_before(jiffies, ep->deadline))
		return false;
	trace_iwarp_cm_timeout(ep);
	return true;
}

/* An event that has come meanwhile has the work queued already. */
static void endpoint_rearm(struct iwarp_endpoint *ep)
{
	unsigned long now = jiffies;
	unsigned long delay;

	if (!ep->timed || ep->state == EP_DEAD)
		return;
	delay = time_before(now, ep->deadline) ? ep->deadline - now : 0;
	endpoint_get(ep);
	if (!queue_delayed_work(endpoint_wq, &ep->work, delay))
		endpoint_put(ep);
}

/**
 * endpoint_begin() - a connection is there, and watched
 * @ep: the endpoint, locked
 *
 * Something may have come before it was watched. Only then is the work queued: with
 * a place there from the start, a connection would be told of before those whose
 * requests have come earlier.
 */
void endpoint_begin(struct iwarp_endpoint *ep)
{
	if (ep->transport->peek(ep->conn) == -EAGAIN)
		endpoint_rearm(ep);
	else
		endpoint_kick(ep, EP_EVENT_SOCKET);
}

/**
 * endpoint_attach() - take a QP
 * @ep: the endpoint, which has none
 * @qpn: its number; iw_cm holds a reference while it calls us
 *
 * Return: 0, or -EINVAL when there is none, or it cannot connect.
 */
int endpoint_attach(struct iwarp_endpoint *ep, u32 qpn)
{
	struct ib_device *ibdev = ep->dev->ibdev;
	struct ib_qp *qp;
	int ret;

	qp = ibdev->ops.iw_get_qp(ibdev, qpn);
	if (!qp)
		return -EINVAL;
	ibdev->ops.iw_add_ref(qp);
	endpoint_get(ep);
	ret = ep->dev->qp_ops->attach(qp, ep);
	if (ret) {
		endpoint_put(ep);
		ibdev->ops.iw_rem_ref(qp);
		return ret;
	}
	ep->qp = qp;
	return 0;
}

/* False when the stream is not whole. */
static bool endpoint_stop_qp(struct iwarp_endpoint *ep)
{
	struct ib_qp *qp = ep->qp;
	bool whole;

	if (!qp)
		return true;
	ep->qp = NULL;
	whole = ep->dev->qp_ops->stop(qp);
	ep->dev->ibdev->ops.iw_rem_ref(qp);
	endpoint_put(ep);
	return whole;
}

/*
 * Out of memory for a label is no reason to end a connection that works; but
 * who looks for it with ss may know why it is not marked.
 */
static void endpoint_flag(struct iwarp_endpoint *ep)
{
	const struct ib_device *ibdev = ep->dev->ibdev;
	int ret = ep->transport->flag(ep->conn, ibdev->name, ep->qp->qp_num);

	if (ret)
		pr_warn_ratelimited("iwarp_cm: %s: QP %u: its connection could not be flagged: %d\n",
				    ibdev->name, ep->qp->qp_num, ret);
}

/* The QP gets the socket, with what TCP has queued in it, or is only to say @refusal. */
int endpoint_start_stream(struct iwarp_endpoint *ep, u8 refusal)
{
	struct iwarp_stream_params params = {
		.sock = ep->transport->socket(ep->conn),
		.ep = ep,
		.crc = ep->agreed.crc,
		.initiator = ep->initiator,
		.hold_tx = !ep->initiator,
		.rtr = ep->agreed.rtr,
		.refusal = refusal,
		.ird = ep->agreed.ird,
		.ord = ep->agreed.ord,
	};

	endpoint_flag(ep);
	ep->state = EP_STREAM;
	ep->timed = false;
	if (!ep->initiator && ep->agreed.rtr != IWARP_RTR_NONE) {
		ep->rtr_wait = true;
		endpoint_set_deadline(ep, READ_ONCE(ep->dev->settings.rtr_timeout));
	}
	return ep->dev->qp_ops->start(ep->qp, &params);
}

static u8 endpoint_event_depth(u16 depth)
{
	return min_t(u16, depth, U8_MAX);
}

/**
 * endpoint_raise() - tell iw_cm
 * @ep: the endpoint; of CONNECT_REQUEST, with @ep->cm_id still the listener's
 * @type: what happened
 * @status: 0, or why not
 * @with_pdata: with the ULP's private data out of @ep->received
 *
 * IRD and ORD are given from the peer's side, as all that read them take them:
 * event.ird bounds what this side may issue.
 *
 * Return: what iw_cm says.
 */
int endpoint_raise(struct iwarp_endpoint *ep, enum iw_cm_event_type type, int status,
		   bool with_pdata)
{
	struct iw_cm_event event = {
		.event = type,
		.status = status,
		.local_addr = ep->addrs.local,
		.remote_addr = ep->addrs.remote,
		.provider_data = (void *)(unsigned long)ep->handle,
		.ird = endpoint_event_depth(ep->agreed.ord),
		.ord = endpoint_event_depth(ep->agreed.ird),
	};

	if (with_pdata) {
		event.private_data = (void *)ep->received.pdata;
		event.private_data_len = ep->received.pdata_len;
	}
	return ep->cm_id->event_handler(ep->cm_id, &event);
}

static void endpoint_tell_cm(struct iwarp_endpoint *ep, int status)
{
	struct iw_cm_id *cm_id = ep->cm_id;
	bool rejected = ep->due == EP_DUE_REPLY && status == -ECONNREFUSED;

	switch (ep->due) {
	case EP_DUE_NOTHING:
		return;
	case EP_DUE_REPLY:
		atomic64_inc(&ep->dev->counters.connects_failed);
		trace_iwarp_cm_connect_reply(ep, status);
		/* Without memory for the peer's reason it still has to be said. */
		if (endpoint_raise(ep, IW_CM_EVENT_CONNECT_REPLY, status, rejected))
			endpoint_raise(ep, IW_CM_EVENT_CONNECT_REPLY, status, false);
		break;
	case EP_DUE_CLOSE:
		trace_iwarp_cm_closed(ep, status);
		endpoint_raise(ep, IW_CM_EVENT_CLOSE, status, false);
		break;
	}
	ep->due = EP_DUE_NOTHING;
	ep->cm_id = NULL;
	cm_id->rem_ref(cm_id);
}

static void endpoint_die(struct iwarp_endpoint *ep, bool reset)
{
	if (ep->conn)
		ep->transport->release(ep->conn, reset);
	ep->conn = NULL;
	ep->state = EP_DEAD;
	ep->timed = false;
	spin_lock(&endpoints_lock);
	list_del(&ep->item);
	spin_unlock(&endpoints_lock);
	if (cancel_delayed_work(&ep->work))
		endpoint_put(ep);
	device_put(ep->dev);
	endpoint_put(ep);
}

/* What is slow has all the time it takes, as long as something is acknowledged. */
static void endpoint_await_acks(struct iwarp_endpoint *ep)
{
	u32 unsent = ep->transport->unsent(ep->conn);

	if (unsent >= ep->unsent)
		return;
	ep->unsent = unsent;
	endpoint_set_deadline(ep, READ_ONCE(ep->dev->settings.close_timeout));
}

static void endpoint_run_closing(struct iwarp_endpoint *ep)
{
	endpoint_await_acks(ep);
	switch (ep->transport->closing(ep->conn)) {
	case IWARP_CLOSING_DONE:
		endpoint_die(ep, false);
		return;
	case IWARP_CLOSING_SENT:
		if (ep->ending == EP_END_FLUSH) {
			endpoint_die(ep, true);
			return;
		}
		break;
	case IWARP_CLOSING_SENDING:
		break;
	}
	if (endpoint_timed_out(ep))
		endpoint_die(ep, true);
}

/**
 * endpoint_over() - there is no connection any more
 * @ep: the endpoint
 * @status: for iw_cm
 * @ending: how to close TCP
 *
 * The QP goes to error, iw_cm hears what it still has to hear, and TCP closes,
 * if need be in the background. The caller has a reference of its own.
 */
void endpoint_over(struct iwarp_endpoint *ep, int status, enum endpoint_ending ending)
{
	trace_iwarp_cm_closing(ep, status, ending);
	endpoint_hide(ep);
	responder_forget(ep);
	if (!endpoint_stop_qp(ep)) {
		/* The peer must not take what it has for all there was. */
		status = status ?: -ECONNRESET;
		ending = EP_END_RESET;
	}
	endpoint_tell_cm(ep, status);

	if (ending == EP_END_FLUSH && !(ep->conn && ep->transport->unsent(ep->conn)))
		ending = EP_END_RESET;
	if (ending == EP_END_RESET || !ep->conn) {
		endpoint_die(ep, true);
		return;
	}
	ep->state = EP_CLOSING;
	ep->ending = ending;
	ep->transport->watch(ep->conn, &(struct iwarp_watch){ endpoint_notify, ep });
	ep->transport->shutdown(ep->conn);
	ep->unsent = U32_MAX;
	endpoint_await_acks(ep);
	/* In the work, so that whoever calls this does not wait for the socket. */
	endpoint_kick(ep, EP_EVENT_SOCKET);
}

static void endpoint_run_stream(struct iwarp_endpoint *ep, unsigned long events)
{
	if (events & BIT(IWARP_QP_FIRST_FPDU) && ep->rtr_wait) {
		ep->rtr_wait = false;
		ep->timed = false;
	}
	/* A QP is destroyed right after; what it has sent to the end is not aborted by that. */
	if (events & (BIT(IWARP_QP_TERMINATED) | BIT(IWARP_QP_CLOSING))) {
		endpoint_over(ep, 0, EP_END_GRACEFUL);
	} else if (events & BIT(IWARP_QP_ERROR)) {
		endpoint_over(ep, -ECONNRESET, EP_END_FLUSH);
	} else if (events & BIT(IWARP_QP_PEER_CLOSED)) {
		/* Keeps the ULP's own disconnect from reaching for the QP. */
		endpoint_raise(ep, IW_CM_EVENT_DISCONNECT, 0, false);
		endpoint_over(ep, 0, EP_END_GRACEFUL);
	} else if (endpoint_timed_out(ep)) {
		atomic64_inc(&ep->dev->counters.mpa_timeouts);
		endpoint_over(ep, -ETIMEDOUT, EP_END_RESET);
	}
}

static void endpoint_run(struct iwarp_endpoint *ep)
{
	unsigned long events = xchg(&ep->events, 0);

	if (ep->state == EP_DEAD)
		return;
	if (events & BIT(EP_EVENT_ABORT) ||
	    (events & BIT(EP_EVENT_GOING) && ep->state < EP_STREAM)) {
		/* This end's doing: -ECONNRESET would be told as the peer's. */
		endpoint_over(ep, -ECONNABORTED, EP_END_RESET);
		return;
	}
	switch (ep->state) {
	case EP_CONNECTING:
	case EP_REPLY_WAIT:
		initiator_run(ep, events);
		break;
	case EP_REQUEST_WAIT:
	case EP_ANSWER_WAIT:
		responder_run(ep, events);
		break;
	case EP_STREAM:
		endpoint_run_stream(ep, events);
		break;
	case EP_CLOSING:
		endpoint_run_closing(ep);
		break;
	case EP_DEAD:
		break;
	}
}

static void endpoint_work(struct work_struct *work)
{
	struct iwarp_endpoint *ep = container_of(work, struct iwarp_endpoint, work.work);

	mutex_lock(&ep->lock);
	endpoint_run(ep);
	endpoint_rearm(ep);
	mutex_unlock(&ep->lock);
	endpoint_put(ep);
}
