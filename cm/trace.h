/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iwarp_cm

#if !defined(CM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define CM_TRACE_H

#include <linux/socket.h>
#include <linux/tracepoint.h>
#include <linux/in6.h>
#include "endpoint.h"

/* For programs that read the events in binary */
TRACE_DEFINE_ENUM(EP_CONNECTING);
TRACE_DEFINE_ENUM(EP_REPLY_WAIT);
TRACE_DEFINE_ENUM(EP_REQUEST_WAIT);
TRACE_DEFINE_ENUM(EP_ANSWER_WAIT);
TRACE_DEFINE_ENUM(EP_STREAM);
TRACE_DEFINE_ENUM(EP_CLOSING);
TRACE_DEFINE_ENUM(EP_DEAD);
TRACE_DEFINE_ENUM(EP_END_RESET);
TRACE_DEFINE_ENUM(EP_END_FLUSH);
TRACE_DEFINE_ENUM(EP_END_GRACEFUL);

#define cm_show_state(state) __print_symbolic(state,		\
	{ EP_CONNECTING, "connecting" },			\
	{ EP_REPLY_WAIT, "reply-wait" },			\
	{ EP_REQUEST_WAIT, "request-wait" },			\
	{ EP_ANSWER_WAIT, "answer-wait" },			\
	{ EP_STREAM, "stream" },				\
	{ EP_CLOSING, "closing" },				\
	{ EP_DEAD, "dead" })

#define cm_show_ending(ending) __print_symbolic(ending,		\
	{ EP_END_RESET, "reset" },				\
	{ EP_END_FLUSH, "flush" },				\
	{ EP_END_GRACEFUL, "graceful" })

DECLARE_EVENT_CLASS(iwarp_cm_endpoint,
	TP_PROTO(const struct iwarp_endpoint *ep),
	TP_ARGS(ep),
	TP_STRUCT__entry(
		__field(u32, id)
		__field(int, state)
		__array(__u8, local, sizeof(struct sockaddr_in6))
		__array(__u8, remote, sizeof(struct sockaddr_in6))
	),
	TP_fast_assign(
		__entry->id = ep->id;
		__entry->state = ep->state;
		memcpy(__entry->local, &ep->addrs.local, sizeof(struct sockaddr_in6));
		memcpy(__entry->remote, &ep->addrs.remote, sizeof(struct sockaddr_in6));
	),
	TP_printk("ep=%u %pISpc -> %pISpc state=%s", __entry->id, __entry->local,
		  __entry->remote, cm_show_state(__entry->state))
);

#define CM_ENDPOINT_EVENT(name)				\
DEFINE_EVENT(iwarp_cm_endpoint, iwarp_cm_##name,	\
	TP_PROTO(const struct iwarp_endpoint *ep),	\
	TP_ARGS(ep)					\
)

CM_ENDPOINT_EVENT(connect);
CM_ENDPOINT_EVENT(request);
CM_ENDPOINT_EVENT(accept);
CM_ENDPOINT_EVENT(reject);
CM_ENDPOINT_EVENT(established);
CM_ENDPOINT_EVENT(timeout);

DECLARE_EVENT_CLASS(iwarp_cm_status,
	TP_PROTO(const struct iwarp_endpoint *ep, int status),
	TP_ARGS(ep, status),
	TP_STRUCT__entry(
		__field(u32, id)
		__field(int, status)
		__array(__u8, local, sizeof(struct sockaddr_in6))
		__array(__u8, remote, sizeof(struct sockaddr_in6))
	),
	TP_fast_assign(
		__entry->id = ep->id;
		__entry->status = status;
		memcpy(__entry->local, &ep->addrs.local, sizeof(struct sockaddr_in6));
		memcpy(__entry->remote, &ep->addrs.remote, sizeof(struct sockaddr_in6));
	),
	TP_printk("ep=%u %pISpc -> %pISpc status=%d", __entry->id, __entry->local,
		  __entry->remote, __entry->status)
);

DEFINE_EVENT(iwarp_cm_status, iwarp_cm_connect_reply,
	TP_PROTO(const struct iwarp_endpoint *ep, int status),
	TP_ARGS(ep, status)
);

DEFINE_EVENT(iwarp_cm_status, iwarp_cm_closed,
	TP_PROTO(const struct iwarp_endpoint *ep, int status),
	TP_ARGS(ep, status)
);

TRACE_EVENT(iwarp_cm_closing,
	TP_PROTO(const struct iwarp_endpoint *ep, int status, int ending),
	TP_ARGS(ep, status, ending),
	TP_STRUCT__entry(
		__field(u32, id)
		__field(int, state)
		__field(int, status)
		__field(int, ending)
	),
	TP_fast_assign(
		__entry->id = ep->id;
		__entry->state = ep->state;
		__entry->status = status;
		__entry->ending = ending;
	),
	TP_printk("ep=%u state=%s status=%d ending=%s", __entry->id,
		  cm_show_state(__entry->state), __entry->status,
		  cm_show_ending(__entry->ending))
);

DECLARE_EVENT_CLASS(iwarp_cm_mpa,
	TP_PROTO(const struct iwarp_endpoint *ep, const struct mpa_message *msg),
	TP_ARGS(ep, msg),
	TP_STRUCT__entry(
		__field(u32, id)
		__field(bool, request)
		__field(u8, revision)
		__field(u8, rtr)
		__field(bool, crc)
		__field(bool, markers)
		__field(bool, reject)
		__field(bool, enhanced)
		__field(bool, p2p)
		__field(u16, ird)
		__field(u16, ord)
		__field(u16, pdata_len)
	),
	TP_fast_assign(
		__entry->id = ep->id;
		__entry->request = ep->initiator == (msg == &ep->sent);
		__entry->revision = msg->revision;
		__entry->rtr = msg->rtr;
		__entry->crc = msg->crc;
		__entry->markers = msg->markers;
		__entry->reject = msg->reject;
		__entry->enhanced = msg->enhanced;
		__entry->p2p = msg->p2p;
		__entry->ird = msg->ird;
		__entry->ord = msg->ord;
		__entry->pdata_len = msg->pdata_len;
	),
	TP_printk("ep=%u %s revision=%u%s%s%s%s%s rtr=%s ird=%u ord=%u pdata=%u",
		  __entry->id, __entry->request ? "request" : "reply", __entry->revision,
		  __entry->crc ? " crc" : "", __entry->markers ? " markers" : "",
		  __entry->reject ? " reject" : "", __entry->enhanced ? " enhanced" : "",
		  __entry->p2p ? " p2p" : "",
		  __print_flags(__entry->rtr, ",",
				{ 1 << IWARP_RTR_SEND, "send" },
				{ 1 << IWARP_RTR_WRITE, "write" },
				{ 1 << IWARP_RTR_READ, "read" }),
		  __entry->ird, __entry->ord, __entry->pdata_len)
);

DEFINE_EVENT(iwarp_cm_mpa, iwarp_cm_mpa_sent,
	TP_PROTO(const struct iwarp_endpoint *ep, const struct mpa_message *msg),
	TP_ARGS(ep, msg)
);

DEFINE_EVENT(iwarp_cm_mpa, iwarp_cm_mpa_received,
	TP_PROTO(const struct iwarp_endpoint *ep, const struct mpa_message *msg),
	TP_ARGS(ep, msg)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
