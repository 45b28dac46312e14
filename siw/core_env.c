// SPDX-License-Identifier: GPL-2.0
/*
 * What the hot core asks of its surroundings, but for memory regions, which
 * region.c answers.
 */
#include <linux/crc32c.h>
#include "siw.h"
#include "trace.h"

bool core_recv_fetch(struct core_qp *core, struct siw_rqe *rqe)
{
	struct siw_qp *qp = core_to_siw_qp(core);

	return qp->srq ? siw_srq_fetch(qp->srq, rqe) : siw_rq_fetch(&qp->rq, rqe);
}

void core_complete_send(struct core_qp *core, const struct core_completion *c)
{
	struct siw_qp *qp = core_to_siw_qp(core);

	siw_cq_add(qp->scq, qp, c);
}

void core_complete_recv(struct core_qp *core, const struct core_completion *c)
{
	struct siw_qp *qp = core_to_siw_qp(core);

	siw_cq_add(qp->rcq, qp, c);
}

void core_first_fpdu(struct core_qp *core)
{
	struct siw_qp *qp = core_to_siw_qp(core);

	if (!qp->initiator)
		siw_qp_report(qp, IWARP_QP_FIRST_FPDU);
}

/*
 * A program may sleep on the queue of its send completions until the peer
 * writes to its memory, as perftest does for its credits when all that it sent
 * has completed. No completion will wake it, so the Write does.
 */
void core_write_placed(struct core_qp *core)
{
	struct siw_qp *qp = core_to_siw_qp(core);

	if (!qp->kernel && qp->scq != qp->rcq)
		siw_cq_wake(qp->scq);
}

u32 core_crc32c(u32 crc, const void *data, u32 len)
{
	return crc32c(crc, data, len);
}

void core_trace_fpdu_out(struct core_qp *core, u8 opcode, u16 ulpdu, u32 offset)
{
	struct siw_qp *qp = core_to_siw_qp(core);

	siw_stats_fpdu(qp->dev, SIW_TX, &core->tx.ctrl);
	trace_siw_fpdu_out(qp, opcode, ulpdu, offset);
}

void core_trace_fpdu_placed(struct core_qp *core, u8 opcode, u16 ulpdu)
{
	struct siw_qp *qp = core_to_siw_qp(core);

	siw_stats_fpdu(qp->dev, SIW_RX, &core->rx.ctrl);
	trace_siw_fpdu_placed(qp, opcode, ulpdu);
}

void core_trace_terminate(struct core_qp *core, bool sent,
			  const struct core_term *term)
{
	struct siw_qp *qp = core_to_siw_qp(core);

	siw_stats_terminate(qp->dev, sent ? SIW_TX : SIW_RX, term);
	trace_siw_terminate(qp, sent, term);
}
