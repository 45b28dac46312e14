/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM siw

#if !defined(SIW_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SIW_TRACE_H

#include <linux/tracepoint.h>
#include "siw.h"

#define show_rdmap_opcode(opcode)				\
	__print_symbolic(opcode,				\
		{ RDMAP_WRITE, "Write" },			\
		{ RDMAP_READ_REQUEST, "ReadRequest" },		\
		{ RDMAP_READ_RESPONSE, "ReadResponse" },	\
		{ RDMAP_SEND, "Send" },				\
		{ RDMAP_SEND_INV, "SendInv" },			\
		{ RDMAP_SEND_SE, "SendSE" },			\
		{ RDMAP_SEND_SE_INV, "SendSEInv" },		\
		{ RDMAP_TERMINATE, "Terminate" })

TRACE_EVENT(siw_fpdu_out,
	TP_PROTO(const struct siw_qp *qp, u8 opcode, u16 ulpdu, u32 offset),
	TP_ARGS(qp, opcode, ulpdu, offset),
	TP_STRUCT__entry(
		__string(device, dev_name(&qp->dev->ibdev.dev))
		__field(u32, qpn)
		__field(u8, opcode)
		__field(u16, ulpdu)
		__field(u32, offset)
	),
	TP_fast_assign(
		compat_assign_str(device, dev_name(&qp->dev->ibdev.dev));
		__entry->qpn = qp->base.qp_num;
		__entry->opcode = opcode;
		__entry->ulpdu = ulpdu;
		__entry->offset = offset;
	),
	TP_printk("%s qpn=%u %s ulpdu=%u offset=%u", __get_str(device),
		  __entry->qpn, show_rdmap_opcode(__entry->opcode),
		  __entry->ulpdu, __entry->offset)
);

TRACE_EVENT(siw_fpdu_placed,
	TP_PROTO(const struct siw_qp *qp, u8 opcode, u16 ulpdu),
	TP_ARGS(qp, opcode, ulpdu),
	TP_STRUCT__entry(
		__string(device, dev_name(&qp->dev->ibdev.dev))
		__field(u32, qpn)
		__field(u8, opcode)
		__field(u16, ulpdu)
	),
	TP_fast_assign(
		compat_assign_str(device, dev_name(&qp->dev->ibdev.dev));
		__entry->qpn = qp->base.qp_num;
		__entry->opcode = opcode;
		__entry->ulpdu = ulpdu;
	),
	TP_printk("%s qpn=%u %s ulpdu=%u", __get_str(device), __entry->qpn,
		  show_rdmap_opcode(__entry->opcode), __entry->ulpdu)
);

TRACE_EVENT(siw_terminate,
	TP_PROTO(const struct siw_qp *qp, bool sent,
		 const struct core_term *term),
	TP_ARGS(qp, sent, term),
	TP_STRUCT__entry(
		__string(device, dev_name(&qp->dev->ibdev.dev))
		__field(u32, qpn)
		__field(bool, sent)
		__field(u8, layer)
		__field(u8, etype)
		__field(u8, ecode)
	),
	TP_fast_assign(
		compat_assign_str(device, dev_name(&qp->dev->ibdev.dev));
		__entry->qpn = qp->base.qp_num;
		__entry->sent = sent;
		__entry->layer = term->layer;
		__entry->etype = term->etype;
		__entry->ecode = term->ecode;
	),
	TP_printk("%s qpn=%u %s layer=%u etype=%u ecode=0x%02x",
		  __get_str(device), __entry->qpn,
		  __entry->sent ? "sent" : "received", __entry->layer,
		  __entry->etype, __entry->ecode)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
