/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM portspace

#if !defined(PORTSPACE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define PORTSPACE_TRACE_H

#include <linux/socket.h>
#include <linux/tracepoint.h>
#include <linux/in6.h>

TRACE_EVENT(portspace_reserve,
	TP_PROTO(const struct sockaddr_storage *addr, bool late_port, int error),
	TP_ARGS(addr, late_port, error),
	TP_STRUCT__entry(
		__array(__u8, addr, sizeof(struct sockaddr_in6))
		__field(bool, late_port)
		__field(int, error)
	),
	TP_fast_assign(
		memcpy(__entry->addr, addr, sizeof(struct sockaddr_in6));
		__entry->late_port = late_port;
		__entry->error = error;
	),
	TP_printk("addr=%pISpc late_port=%d error=%d",
		  __entry->addr, __entry->late_port, __entry->error)
);

DECLARE_EVENT_CLASS(portspace_addr,
	TP_PROTO(const struct sockaddr_storage *addr),
	TP_ARGS(addr),
	TP_STRUCT__entry(
		__array(__u8, addr, sizeof(struct sockaddr_in6))
	),
	TP_fast_assign(
		memcpy(__entry->addr, addr, sizeof(struct sockaddr_in6));
	),
	TP_printk("addr=%pISpc", __entry->addr)
);

DEFINE_EVENT(portspace_addr, portspace_take,
	TP_PROTO(const struct sockaddr_storage *addr),
	TP_ARGS(addr)
);

DEFINE_EVENT(portspace_addr, portspace_release,
	TP_PROTO(const struct sockaddr_storage *addr),
	TP_ARGS(addr)
);

DECLARE_EVENT_CLASS(portspace_ends,
	TP_PROTO(const struct sockaddr_storage *local, const struct sockaddr_storage *remote),
	TP_ARGS(local, remote),
	TP_STRUCT__entry(
		__array(__u8, local, sizeof(struct sockaddr_in6))
		__array(__u8, remote, sizeof(struct sockaddr_in6))
	),
	TP_fast_assign(
		memcpy(__entry->local, local, sizeof(struct sockaddr_in6));
		memcpy(__entry->remote, remote, sizeof(struct sockaddr_in6));
	),
	TP_printk("local=%pISpc remote=%pISpc", __entry->local, __entry->remote)
);

DEFINE_EVENT(portspace_ends, portspace_placeholder,
	TP_PROTO(const struct sockaddr_storage *local, const struct sockaddr_storage *remote),
	TP_ARGS(local, remote)
);

DEFINE_EVENT(portspace_ends, portspace_placeholder_destroy,
	TP_PROTO(const struct sockaddr_storage *local, const struct sockaddr_storage *remote),
	TP_ARGS(local, remote)
);

DEFINE_EVENT(portspace_ends, portspace_leak,
	TP_PROTO(const struct sockaddr_storage *local, const struct sockaddr_storage *remote),
	TP_ARGS(local, remote)
);

DEFINE_EVENT(portspace_ends, portspace_kill,
	TP_PROTO(const struct sockaddr_storage *local, const struct sockaddr_storage *remote),
	TP_ARGS(local, remote)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
