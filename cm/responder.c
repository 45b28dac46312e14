// SPDX-License-Identifier: GPL-2.0
/*
 * The side that is connected to: the MPA request, the ULP's answer, the reply.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include "iwarp_cm.h"
#include "endpoint.h"
#include "listener.h"
#include "responder.h"
#include "trace.h"

/* Comes locked. */
struct iwarp_endpoint *responder_create(struct iwarp_device *dev, struct listener *listener,
					struct iwarp_conn *conn, const struct iwarp_addrs *addrs)
{
	struct iwarp_endpoint *ep;

	ep = endpoint_create(dev, EP_REQUEST_WAIT);
	if (IS_ERR(ep))
		return ep;
	ep->conn = conn;
	ep->addrs = *addrs;
	ep->listener = listener;
	listener_get(listener);
	endpoint_set_deadline(ep, READ_ONCE(ep->dev->settings.request_timeout));
	return ep;
}

/* Its listener does not know it any more. */
void responder_forget(struct iwarp_endpoint *ep)
{
	if (ep->listener) {
		listener_leave(ep->listener, ep);
		listener_put(ep->listener);
		ep->listener = NULL;
	}
}

static int responder_send(struct iwarp_endpoint *ep)
{
	int ret;

	ret = frame_send(ep->transport, ep->conn, MPA_REPLY, &ep->sent);
	if (!ret)
		trace_iwarp_cm_mpa_sent(ep, &ep->sent);
	return ret;
}

/* Say no, and close as soon as the peer has heard it. */
static void responder_refuse(struct iwarp_endpoint *ep, u8 revision, const void *pdata,
			     size_t pdata_len)
{
	bool enhanced = ep->received.enhanced;

	ep->sent = (struct mpa_message) {
		.revision = revision,
		.crc = ep->received.crc,
		.reject = true,
		.enhanced = enhanced,
		.ird = ep->agreed.ird,
		.ord = ep->agreed.ord,
		.pdata = pdata,
		.pdata_len = pdata_len,
	};
	atomic64_inc(&ep->dev->counters.rejects_sent);
	trace_iwarp_cm_reject(ep);
	if (responder_send(ep))
		endpoint_over(ep, -ECONNRESET, EP_END_RESET);
	else
		endpoint_over(ep, -ECONNREFUSED, EP_END_GRACEFUL);
}

/*
 * The caller has hung up, or said what has no place. A FIN is answered by one: TCP
 * repeats it if it is lost, but not a reset.
 */
static void responder_lose_caller(struct iwarp_endpoint *ep, int status)
{
	int ret = ep->transport->peek(ep->conn);

	if (ret > 0)
		atomic64_inc(&ep->dev->counters.mpa_errors);
	endpoint_over(ep, status, ret ? EP_END_RESET : EP_END_GRACEFUL);
}

static bool responder_caller_waits(struct iwarp_endpoint *ep)
{
	return ep->transport->peek(ep->conn) == -EAGAIN;
}

static void responder_bad_request(struct iwarp_endpoint *ep, enum mpa_result result)
{
	const struct mpa_frame *frame = ep->rx.buf;

	atomic64_inc(&ep->dev->counters.mpa_errors);
	/* A later revision is told what we speak; anything else is not MPA. */
	if (result == MPA_BAD_REVISION && frame->revision > MPA_REVISION_2)
		responder_refuse(ep, MPA_REVISION_2, NULL, 0);
	else if (result == MPA_MARKERS || result == MPA_OK)
		responder_refuse(ep, ep->received.revision, NULL, 0);
	else
		endpoint_over(ep, -EPROTO, EP_END_RESET);
}

static int responder_report(struct iwarp_endpoint *ep)
{
	const struct mpa_message *req = &ep->received;
	int ret;

	ret = endpoint_publish(ep);
	if (ret)
		return ret;
	ep->state = EP_ANSWER_WAIT;
	endpoint_set_deadline(ep, READ_ONCE(ep->dev->settings.answer_timeout));

	/* For the ULP to choose within; accept has the last word. */
	ep->agreed.ird = ep->dev->max_ird;
	ep->agreed.ord = ep->dev->max_ord;
	if (req->enhanced) {
		ep->agreed.ird = min(ep->agreed.ird, req->ord);
		ep->agreed.ord = min(ep->agreed.ord, req->ird);
	}
	ret = listener_report(ep->listener, ep);
	if (ret)
		return ret;
	trace_iwarp_cm_request(ep);
	atomic64_inc(&ep->dev->counters.requests);
	return 0;
}

static void responder_judge_request(struct iwarp_endpoint *ep)
{
	int ret;

	trace_iwarp_cm_mpa_received(ep, &ep->received);
	if (ep->received.markers) {
		responder_bad_request(ep, MPA_MARKERS);
		return;
	}
	/* iw_cm has eight bits for it. */
	if (ep->received.pdata_len > U8_MAX) {
		responder_bad_request(ep, MPA_OK);
		return;
	}
	/* The initiator has to wait for our reply. */
	if (!responder_caller_waits(ep)) {
		responder_lose_caller(ep, -EPROTO);
		return;
	}
	ret = responder_report(ep);
	if (ret)
		endpoint_over(ep, ret, EP_END_RESET);
}

static void responder_run_request_wait(struct iwarp_endpoint *ep)
{
	enum mpa_result result;
	int ret;

	ret = frame_receive(&ep->rx, ep->transport, ep->conn, MPA_REQUEST, &ep->received,
			    &result);
	if (!ret) {
		responder_judge_request(ep);
	} else if (ret == -EPROTO) {
		responder_bad_request(ep, result);
	} else if (ret == -EPIPE) {
		responder_lose_caller(ep, ret);
	} else if (ret != -EAGAIN) {
		endpoint_over(ep, ret, EP_END_RESET);
	} else if (endpoint_timed_out(ep)) {
		atomic64_inc(&ep->dev->counters.mpa_timeouts);
		endpoint_over(ep, -ETIMEDOUT, EP_END_RESET);
	}
}

static void responder_run_answer_wait(struct iwarp_endpoint *ep, unsigned long events)
{
	unsigned long soon;

	if (events & BIT(EP_EVENT_ORPHANED)) {
		soon = jiffies + msecs_to_jiffies(READ_ONCE(ep->dev->settings.request_timeout));
		if (time_before(soon, ep->deadline))
			ep->deadline = soon;
	}
	if (!responder_caller_waits(ep)) {
		responder_lose_caller(ep, -ECONNRESET);
	} else if (endpoint_timed_out(ep)) {
		atomic64_inc(&ep->dev->counters.mpa_timeouts);
		endpoint_over(ep, -ETIMEDOUT, EP_END_RESET);
	}
}

void responder_run(struct iwarp_endpoint *ep, unsigned long events)
{
	if (ep->state == EP_REQUEST_WAIT)
		responder_run_request_wait(ep);
	else
		responder_run_answer_wait(ep, events);
}

/* The request that iw_cm means, locked, or NULL when it is gone */
static struct iwarp_endpoint *responder_lock_request(struct iw_cm_id *id)
{
	struct iwarp_endpoint *ep = endpoint_published(id);

	if (!ep)
		return NULL;
	mutex_lock(&ep->lock);
	if (ep->state == EP_ANSWER_WAIT && ep->handle)
		return ep;
	mutex_unlock(&ep->lock);
	endpoint_put(ep);
	return NULL;
}

static void responder_unlock_request(struct iwarp_endpoint *ep)
{
	mutex_unlock(&ep->lock);
	endpoint_put(ep);
}

static int responder_accept(struct iwarp_endpoint *ep, struct iw_cm_id *id,
			    const struct iw_cm_conn_param *param)
{
	struct iwarp_device *dev = ep->dev;
	int ret;

	ep->limits.ird = min_t(u32, param->ird, dev->max_ird);
	ep->limits.ord = min_t(u32, param->ord, dev->max_ord);
	ep->limits.max_ird = dev->max_ird;
	ep->limits.crc = READ_ONCE(dev->settings.crc);
	mpa_respond(&ep->received, &ep->limits, &ep->sent, &ep->agreed);
	if (param->private_data_len > mpa_pdata_max(&ep->sent))
		return -EINVAL;
	ep->sent.pdata = param->private_data;
	ep->sent.pdata_len = param->private_data_len;

	/* iw_cm's answer may come before the event that tells of this. */
	if (!responder_caller_waits(ep))
		return -ECONNRESET;
	ret = endpoint_attach(ep, param->qpn);
	if (ret)
		return ret;
	ret = responder_send(ep);
	ep->sent.pdata = NULL;
	if (ret)
		return -ECONNRESET;
	responder_forget(ep);
	frame_destroy(&ep->rx);
	ret = endpoint_start_stream(ep, 0);
	if (ret)
		return ret;

	ep->cm_id = id;
	ret = endpoint_raise(ep, IW_CM_EVENT_ESTABLISHED, 0, false);
	if (ret) {
		ep->cm_id = NULL;
		return ret;
	}
	id->add_ref(id);
	ep->due = EP_DUE_CLOSE;
	trace_iwarp_cm_established(ep);
	atomic64_inc(&dev->counters.passive_connects);
	/* For the timer, and for what the QP has said meanwhile */
	endpoint_kick(ep, EP_EVENT_SOCKET);
	return 0;
}

/**
 * iwarp_cm_accept - ib_device_ops.iw_accept
 * @dev: the device that @id is on
 * @id: with the provider_data of its CONNECT_REQUEST
 * @param: QP, private data, IRD and ORD
 *
 * ESTABLISHED was raised when it returns success. After an error the connection
 * is gone, and the peer was told so.
 *
 * Return: 0, -ECONNRESET when the request is gone, -EINVAL for a QP or private
 * data that do not fit.
 */
int iwarp_cm_accept(struct iwarp_device *dev, struct iw_cm_id *id,
		    struct iw_cm_conn_param *param)
{
	struct iwarp_endpoint *ep = responder_lock_request(id);
	int ret;

	if (!ep)
		return -ECONNRESET;
	trace_iwarp_cm_accept(ep);
	ret = responder_accept(ep, id, param);
	if (ret) {
		if (ep->state == EP_ANSWER_WAIT && ret != -ECONNRESET)
			responder_refuse(ep, ep->received.revision, NULL, 0);
		else if (ep->state == EP_ANSWER_WAIT)
			responder_lose_caller(ep, ret);
		else
			endpoint_over(ep, ret, EP_END_RESET);
	}
	responder_unlock_request(ep);
	return ret;
}
EXPORT_SYMBOL_GPL(iwarp_cm_accept);

/**
 * iwarp_cm_reject - ib_device_ops.iw_reject
 * @dev: the device that @id is on
 * @id: with the provider_data of its CONNECT_REQUEST
 * @pdata: private data for the peer
 * @pdata_len: its length
 *
 * Return: 0, or -ECONNRESET when the request or its caller is gone.
 */
int iwarp_cm_reject(struct iwarp_device *dev, struct iw_cm_id *id,
		    const void *pdata, u8 pdata_len)
{
	struct iwarp_endpoint *ep = responder_lock_request(id);
	int ret = 0;

	if (!ep)
		return -ECONNRESET;
	if (responder_caller_waits(ep)) {
		responder_refuse(ep, ep->received.revision, pdata, pdata_len);
	} else {
		responder_lose_caller(ep, -ECONNRESET);
		ret = -ECONNRESET;
	}
	responder_unlock_request(ep);
	return ret;
}
EXPORT_SYMBOL_GPL(iwarp_cm_reject);
