// SPDX-License-Identifier: GPL-2.0
/*
 * The side that connects: TCP, the MPA request, its reply, and perhaps all of
 * it again in revision 1.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include "iwarp_cm.h"
#include "endpoint.h"
#include "initiator.h"
#include "rdma_id.h"
#include "trace.h"

/*
 * rdma_cm tells apart: the peer did not want it (-ECONNREFUSED, -ECONNRESET), no answer
 * (-ETIMEDOUT), and errors.
 */
static int initiator_status(int error)
{
	switch (error) {
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -EHOSTDOWN:
		return -ETIMEDOUT;
	case -EPIPE:
		return -ECONNRESET;
	default:
		return error;
	}
}

static int initiator_send_request(struct iwarp_endpoint *ep)
{
	int ret;

	ret = frame_send(ep->transport, ep->conn, MPA_REQUEST, &ep->sent);
	if (ret)
		return ret;
	trace_iwarp_cm_mpa_sent(ep, &ep->sent);
	ep->state = EP_REPLY_WAIT;
	return 0;
}

/*
 * The peer answered in revision 1, or hung up on revision 2: that is what peers
 * that know revision 1 only do. Once, and under the time that is left.
 */
static bool initiator_fall_back(struct iwarp_endpoint *ep)
{
	if (ep->sent.revision != MPA_REVISION_2)
		return false;
	/* What the first peer said lives in the frame that goes. */
	memset(&ep->received, 0, sizeof(ep->received));
	frame_destroy(&ep->rx);
	ep->sent = (struct mpa_message) {
		.revision = MPA_REVISION_1,
		.crc = ep->sent.crc,
		.pdata = ep->sent.pdata,
		.pdata_len = ep->sent.pdata_len,
	};
	ep->state = EP_CONNECTING;
	trace_iwarp_cm_connect(ep);
	if (ep->transport->redial(ep->conn))
		return false;
	atomic64_inc(&ep->dev->counters.mpa_fallbacks);
	return true;
}

/*
 * iw_cm takes the local address from its id, not from the event. Where a port
 * mapper runs, it also finds its own notes by it, and must find them again.
 */
static void initiator_tell_address(struct iwarp_endpoint *ep)
{
	if (ep->cm_id->mapped)
		return;
	ep->cm_id->local_addr = ep->addrs.local;
	ep->cm_id->m_local_addr = ep->addrs.local;
}

static void initiator_establish(struct iwarp_endpoint *ep)
{
	int ret;

	ret = endpoint_start_stream(ep, 0);
	if (ret) {
		endpoint_over(ep, ret, EP_END_RESET);
		return;
	}
	initiator_tell_address(ep);
	ret = endpoint_raise(ep, IW_CM_EVENT_CONNECT_REPLY, 0, true);
	if (ret) {
		endpoint_over(ep, ret, EP_END_RESET);
		return;
	}
	ep->due = EP_DUE_CLOSE;
	trace_iwarp_cm_connect_reply(ep, 0);
	atomic64_inc(&ep->dev->counters.active_connects);
	frame_destroy(&ep->rx);
	kfree(ep->pdata);
	ep->pdata = NULL;
	ep->sent.pdata = NULL;
}

static void initiator_rejected(struct iwarp_endpoint *ep)
{
	atomic64_inc(&ep->dev->counters.rejects_received);
	endpoint_over(ep, -ECONNREFUSED, EP_END_GRACEFUL);
}

static void initiator_bad_reply(struct iwarp_endpoint *ep)
{
	atomic64_inc(&ep->dev->counters.mpa_errors);
	ep->received.pdata_len = 0;
	endpoint_over(ep, -EPROTO, EP_END_RESET);
}

/* For the responder there is a connection, so it learns the reason by a Terminate (RFC 6581). */
static void initiator_terminate(struct iwarp_endpoint *ep, u8 refusal)
{
	ep->agreed.rtr = IWARP_RTR_NONE;
	if (endpoint_start_stream(ep, refusal)) {
		initiator_bad_reply(ep);
		return;
	}
	atomic64_inc(&ep->dev->counters.mpa_errors);
	endpoint_over(ep, -EPROTO, EP_END_GRACEFUL);
}

static void initiator_judge_reply(struct iwarp_endpoint *ep)
{
	enum mpa_result result;

	trace_iwarp_cm_mpa_received(ep, &ep->received);
	result = mpa_conclude(&ep->sent, &ep->received, &ep->limits, &ep->agreed);
	/* iw_cm has eight bits for it. */
	if (ep->received.pdata_len > U8_MAX && result != MPA_OTHER_REVISION) {
		initiator_bad_reply(ep);
		return;
	}
	switch (result) {
	case MPA_OK:
		initiator_establish(ep);
		break;
	case MPA_OTHER_REVISION:
		if (!initiator_fall_back(ep))
			initiator_bad_reply(ep);
		break;
	case MPA_REJECTED:
		initiator_rejected(ep);
		break;
	case MPA_NO_IRD:
		initiator_terminate(ep, TERM_MPA_NO_IRD);
		break;
	case MPA_NO_RTR:
		initiator_terminate(ep, TERM_MPA_NO_RTR);
		break;
	default:
		initiator_bad_reply(ep);
	}
}

static void initiator_run_reply_wait(struct iwarp_endpoint *ep)
{
	enum mpa_result result;
	int ret;

	ret = frame_receive(&ep->rx, ep->transport, ep->conn, MPA_REPLY, &ep->received,
			    &result);
	switch (ret) {
	case 0:
		initiator_judge_reply(ep);
		break;
	case -EAGAIN:
		break;
	case -EPROTO:
		initiator_bad_reply(ep);
		break;
	default:
		if ((ret == -EPIPE || ret == -ECONNRESET) && !ep->rx.have &&
		    initiator_fall_back(ep))
			break;
		endpoint_over(ep, initiator_status(ret), EP_END_RESET);
	}
}

static void initiator_run_connecting(struct iwarp_endpoint *ep)
{
	int ret;

	ret = ep->transport->connected(ep->conn);
	if (ret == -EINPROGRESS)
		return;
	if (!ret)
		ret = ep->transport->addrs(ep->conn, &ep->addrs);
	if (!ret)
		ret = initiator_send_request(ep);
	if (ret)
		endpoint_over(ep, initiator_status(ret), EP_END_RESET);
}

void initiator_run(struct iwarp_endpoint *ep, unsigned long events)
{
	/* The QP has nothing else to say before it is started. */
	if (events & (BIT(EP_EVENT_SOCKET) - 1)) {
		endpoint_over(ep, -ECONNABORTED, EP_END_RESET);
		return;
	}
	if (ep->state == EP_CONNECTING)
		initiator_run_connecting(ep);
	if (ep->state == EP_REPLY_WAIT)
		initiator_run_reply_wait(ep);
	if ((ep->state == EP_CONNECTING || ep->state == EP_REPLY_WAIT) &&
	    endpoint_timed_out(ep)) {
		atomic64_inc(&ep->dev->counters.mpa_timeouts);
		endpoint_over(ep, -ETIMEDOUT, EP_END_RESET);
	}
}

static int initiator_prepare(struct iwarp_endpoint *ep, const struct iw_cm_conn_param *param)
{
	struct iwarp_device *dev = ep->dev;
	u8 rtr = READ_ONCE(dev->settings.rtr);

	ep->limits.ird = min_t(u32, param->ird, dev->max_ird);
	ep->limits.ord = min_t(u32, param->ord, dev->max_ord);
	ep->limits.max_ird = dev->max_ird;
	ep->limits.crc = READ_ONCE(dev->settings.crc);

	ep->sent.revision = READ_ONCE(dev->settings.mpa_revision);
	ep->sent.crc = ep->limits.crc;
	if (ep->sent.revision == MPA_REVISION_2) {
		ep->sent.enhanced = true;
		ep->sent.ird = ep->limits.ird;
		ep->sent.ord = ep->limits.ord;
		if (rtr != IWARP_RTR_NONE) {
			ep->sent.p2p = true;
			ep->sent.rtr = MPA_RTR_BIT(rtr);
		}
		if (rtr == IWARP_RTR_READ && !ep->sent.ord)
			ep->sent.ord = 1;
	}
	if (param->private_data_len > mpa_pdata_max(&ep->sent))
		return -EINVAL;
	if (param->private_data_len) {
		ep->pdata = kmemdup(param->private_data, param->private_data_len, GFP_KERNEL);
		if (!ep->pdata)
			return -ENOMEM;
		ep->sent.pdata = ep->pdata;
		ep->sent.pdata_len = param->private_data_len;
	}
	return 0;
}

static int initiator_dial(struct iwarp_endpoint *ep, struct iw_cm_id *id)
{
	struct iwarp_connect_params params = {
		.key = id->context,
		.local = id->local_addr,
		.remote = id->remote_addr,
		.tos_set = id->tos_set,
		.tos = id->tos,
	};
	struct iwarp_watch watch = { endpoint_notify, ep };
	struct sockaddr_in6 *local = (struct sockaddr_in6 *)&params.local;
	const struct rdma_cm_id *rdma_id = rdma_id_of(id);
	struct iwarp_conn *conn;

	if (!rdma_id)
		return -EINVAL;
	params.net = rdma_id_net(rdma_id);
	if (params.local.ss_family != params.remote.ss_family)
		return -EAFNOSUPPORT;
	if (local->sin6_family == AF_INET6 && !local->sin6_scope_id &&
	    ipv6_addr_type(&local->sin6_addr) & IPV6_ADDR_LINKLOCAL)
		local->sin6_scope_id = rdma_id->route.addr.dev_addr.bound_dev_if ?:
				       ep->dev->netdev->ifindex;

	ep->addrs.net = params.net;
	ep->addrs.local = params.local;
	ep->addrs.remote = params.remote;
	trace_iwarp_cm_connect(ep);
	conn = ep->transport->connect(&params, &watch);
	if (IS_ERR(conn))
		return PTR_ERR(conn);
	ep->conn = conn;
	return 0;
}

/**
 * iwarp_cm_connect - ib_device_ops.iw_connect
 * @dev: the device that @id is on
 * @id: whom to tell; its context is an rdma_cm_id
 * @param: QP, private data, IRD and ORD
 *
 * Waits for nobody. After success there is exactly one CONNECT_REPLY: within
 * connect_timeout, or at once when the QP goes to error or is destroyed.
 *
 * Return: 0, -EINVAL for a QP or private data that do not fit, or what connect(2)
 * says right away, such as -EADDRINUSE or -ENETUNREACH.
 */
int iwarp_cm_connect(struct iwarp_device *dev, struct iw_cm_id *id,
		     struct iw_cm_conn_param *param)
{
	struct iwarp_endpoint *ep;
	int ret;

	ep = endpoint_create(dev, EP_CONNECTING);
	if (IS_ERR(ep))
		return PTR_ERR(ep);
	endpoint_get(ep);
	ep->initiator = true;
	ret = initiator_prepare(ep, param);
	if (!ret)
		ret = initiator_dial(ep, id);
	if (!ret)
		ret = endpoint_publish(ep);
	/* Late, since it cannot be undone: the QP goes to error with the endpoint. */
	if (!ret)
		ret = endpoint_attach(ep, param->qpn);
	if (ret) {
		endpoint_over(ep, ret, EP_END_RESET);
	} else {
		id->add_ref(id);
		ep->cm_id = id;
		id->provider_data = (void *)(unsigned long)ep->handle;
		ep->due = EP_DUE_REPLY;
		endpoint_set_deadline(ep, READ_ONCE(ep->dev->settings.connect_timeout));
		endpoint_kick(ep, EP_EVENT_SOCKET);
	}
	mutex_unlock(&ep->lock);
	endpoint_put(ep);
	return ret;
}
EXPORT_SYMBOL_GPL(iwarp_cm_connect);
