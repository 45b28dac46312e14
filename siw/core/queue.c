// SPDX-License-Identifier: GPL-2.0
/*
 * The send queue: from the application's ring into a private copy, and out as
 * completions in the order of posting.
 *
 * libsiw rings the doorbell only when the entry before the new one is not
 * marked valid any more. So an entry is unmarked when it is accepted, not when
 * it completes, and after unmarking the ring is looked at again.
 */
#include "core.h"

#define SEND_MAX_LENGTH		0x80000000u

/* The application's WQE under way, by the number that sq_get gave it */
static struct core_send *queue_send(struct core_qp *qp, u32 send)
{
	return &qp->sends[send % qp->sq_size];
}

static void queue_complete(struct core_qp *qp, const struct core_send *send,
			   u16 status)
{
	struct core_completion c = {
		.id = send->id,
		.opcode = send->opcode,
		.status = status,
		.bytes = send->bytes,
	};

	if (status == SIW_WC_SUCCESS && !(send->flags & SIW_WQE_SIGNALLED))
		return;
	core_complete_send(qp, &c);
}

/**
 * core_queue_done() - a send WQE has been carried out, or has failed
 * @qp: the stream
 * @send: its number, as in core_tx.send or core_read.send
 * @status: enum siw_wc_status
 *
 * Raises its completion, if it wants one, unless an earlier one is still under
 * way: completions come in the order of posting. What stands behind one that has
 * failed waits to be flushed.
 *
 * Context: stream lock.
 */
void core_queue_done(struct core_qp *qp, u32 send, u16 status)
{
	struct core_send *s = queue_send(qp, send);

	s->status = status;
	s->state = CORE_SEND_DONE;

	while (qp->sends_tail != qp->sq_get) {
		s = queue_send(qp, qp->sends_tail);
		if (s->state != CORE_SEND_DONE || qp->send_failed)
			break;
		queue_complete(qp, s, s->status);
		qp->send_failed = s->status != SIW_WC_SUCCESS;
		s->state = CORE_SEND_FREE;
		qp->sends_tail++;
	}
}

static enum siw_wc_status check_sge(struct core_qp *qp,
				    const struct siw_sge *sge, u32 access)
{
	struct core_region *region;
	enum core_check check;

	if (!sge->length)
		return SIW_WC_SUCCESS;
	region = core_region_get(qp, sge->lkey);
	if (!region)
		return SIW_WC_LOC_PROT_ERR;
	check = core_region_check(qp, region, sge->laddr, sge->length, access);
	core_region_put(region);
	return check == CORE_CHECK_OK ? SIW_WC_SUCCESS : SIW_WC_LOC_PROT_ERR;
}

/**
 * core_queue_check_send() - may core_tx.wqe be carried out?
 * @qp: the stream
 *
 * Checks everything that the application wrote, its memory included, and sets
 * core_tx.length. What concerns this end only is carried out.
 *
 * Context: stream lock.
 * Return: SIW_WC_SUCCESS, or the status that the WQE completes with.
 */
enum siw_wc_status core_queue_check_send(struct core_qp *qp)
{
	struct siw_sqe *wqe = &qp->tx.wqe;
	enum siw_wc_status status;
	u32 access = CORE_LOCAL_READ;
	u64 length = 0;
	unsigned int i;

	switch (wqe->opcode) {
	case SIW_OP_WRITE:
	case SIW_OP_SEND:
	case SIW_OP_SEND_REMOTE_INV:
		break;
	case SIW_OP_REG_MR:
		return core_local_register(qp, wqe);
	case SIW_OP_INVAL_STAG:
		return core_local_invalidate(qp, wqe->opcode, wqe->rkey);
	case SIW_OP_READ:
	case SIW_OP_READ_LOCAL_INV:
		access = CORE_LOCAL_WRITE;
		if (wqe->num_sge > 1 || (wqe->flags & SIW_WQE_INLINE) || !qp->ord)
			return SIW_WC_LOC_QP_OP_ERR;
		/* It names the STag to invalidate. */
		if (wqe->opcode == SIW_OP_READ_LOCAL_INV && !wqe->num_sge)
			return SIW_WC_LOC_QP_OP_ERR;
		break;
	default:
		return SIW_WC_LOC_QP_OP_ERR;
	}

	if (wqe->flags & SIW_WQE_INLINE) {
		if (wqe->sge[0].length > SIW_MAX_INLINE)
			return SIW_WC_LOC_LEN_ERR;
		qp->tx.length = wqe->sge[0].length;
		return SIW_WC_SUCCESS;
	}

	if (wqe->num_sge > SIW_MAX_SGE)
		return SIW_WC_LOC_QP_OP_ERR;
	for (i = 0; i < wqe->num_sge; i++) {
		status = check_sge(qp, &wqe->sge[i], access);
		if (status != SIW_WC_SUCCESS)
			return status;
		length += wqe->sge[i].length;
	}
	if (length > SEND_MAX_LENGTH)
		return SIW_WC_LOC_LEN_ERR;
	qp->tx.length = length;
	return SIW_WC_SUCCESS;
}

/* Must this WQE wait for RDMA Reads to finish? */
static bool queue_blocked(const struct core_qp *qp, u8 opcode, u16 flags)
{
	if ((flags & SIW_WQE_READ_FENCE) && core_reads_outstanding(qp))
		return true;
	return core_is_read(opcode) && qp->ord &&
	       core_ring_used(qp->orq_put, qp->orq_get, qp->ord) >= qp->ord;
}

/**
 * core_queue_accept() - take the next send WQE into core_tx.wqe
 * @qp: the stream; no message is under way
 *
 * Context: stream lock.
 * Return: true if one was taken; false if there is none or it has to wait for
 * an RDMA Read.
 */
bool core_queue_accept(struct core_qp *qp)
{
	struct siw_sqe *wqe = &qp->tx.wqe;
	struct siw_sqe *sqe;
	struct core_send *send;

	if (qp->sq_get - qp->sends_tail >= qp->sq_size)
		return false;
	sqe = &qp->sq[qp->sq_get % qp->sq_size];
	/* Pairs with the release by which an entry is posted. */
	if (!(smp_load_acquire(&sqe->flags) & SIW_WQE_VALID))
		return false;

	memcpy(wqe, sqe, sizeof(*wqe));
	if (queue_blocked(qp, wqe->opcode, wqe->flags))
		return false;

	/* The application may write it anew from here on. */
	smp_store_release(&sqe->flags, 0);
	/* See the remark on the doorbell above. */
	smp_mb();

	send = queue_send(qp, qp->sq_get);
	send->id = wqe->id;
	send->flags = wqe->flags;
	send->opcode = wqe->opcode < SIW_NUM_OPCODES ? wqe->opcode : SIW_OP_SEND;
	send->bytes = 0;
	send->state = CORE_SEND_ACTIVE;
	qp->tx.send = qp->sq_get++;
	return true;
}

/* The RDMA Read that the peer's Terminate quotes, by its MSN */
static u32 refused_read(const struct core_qp *qp)
{
	const struct ddp_untagged *hdr = (const void *)qp->received.hdr;
	u32 used, nth;

	if (!qp->peer_term || qp->received.hdr_len < sizeof(*hdr) ||
	    (hdr->ctrl.rdmap & RDMAP_OPCODE_MASK) != RDMAP_READ_REQUEST ||
	    !core_reads_outstanding(qp))
		return CORE_NO_SEND;
	used = core_ring_used(qp->orq_put, qp->orq_get, qp->ord);
	nth = be32_to_cpu(hdr->msn) - (qp->tx.msn[DDP_QN_READ_REQUEST] - used);
	if (nth >= used)
		return CORE_NO_SEND;
	return qp->orq[(qp->orq_get + nth) % qp->ord].send;
}

static u16 read_status(const struct core_term *term)
{
	if (term->layer == TERM_LAYER_RDMAP &&
	    term->etype == TERM_RDMAP_PROTECTION)
		return SIW_WC_REM_ACCESS_ERR;
	return SIW_WC_REM_INV_REQ_ERR;
}

/**
 * core_queue_flush() - end every send WQE, and the receive under way
 * @qp: the stream, which has failed or ended
 *
 * What was accepted, or stands in the ring now, completes in order with
 * SIW_WC_WR_FLUSH_ERR; an RDMA Read that the peer's Terminate names completes
 * with the reason. Receive WQEs that wait are the caller's to flush.
 *
 * Context: stream lock, or the stream is not started.
 * Return: true if the application has added so much meanwhile that it has to be
 * called again; nobody rings for what is left.
 */
bool core_queue_flush(struct core_qp *qp)
{
	struct core_tx *tx = &qp->tx;
	struct core_send *s;
	u32 refused = refused_read(qp);
	u16 status;
	u32 n;

	for (; qp->sends_tail != qp->sq_get; qp->sends_tail++) {
		s = queue_send(qp, qp->sends_tail);
		status = SIW_WC_WR_FLUSH_ERR;
		if (qp->sends_tail % qp->sq_size == refused)
			status = read_status(&qp->received);
		else if (s->state == CORE_SEND_DONE && s->status != SIW_WC_SUCCESS)
			status = s->status;
		queue_complete(qp, s, status);
		s->state = CORE_SEND_FREE;
	}
	qp->orq_get = qp->orq_put;
	qp->irq_get = qp->irq_put;

	/* The ring's size bounds what an application can keep this busy with. */
	for (n = 0; n < qp->sq_size; n++) {
		struct siw_sqe *sqe = &qp->sq[qp->sq_get % qp->sq_size];
		struct core_completion c = { .status = SIW_WC_WR_FLUSH_ERR };

		/* As in core_queue_accept() */
		if (!(smp_load_acquire(&sqe->flags) & SIW_WQE_VALID))
			break;
		c.id = sqe->id;
		c.opcode = READ_ONCE(sqe->opcode);
		if (c.opcode >= SIW_NUM_OPCODES)
			c.opcode = SIW_OP_SEND;
		/* As in core_queue_accept() */
		smp_store_release(&sqe->flags, 0);
		smp_mb();	/* before the next entry is looked at */
		qp->sq_get++;
		qp->sends_tail++;
		core_complete_send(qp, &c);
	}

	if (qp->rx.send_active) {
		struct core_completion c = {
			.id = qp->rx.recv.id,
			.opcode = SIW_OP_RECEIVE,
			.status = SIW_WC_WR_FLUSH_ERR,
		};

		qp->rx.send_active = false;
		core_complete_recv(qp, &c);
	}
	/* What is left of an FPDU's payload may not be read any more. */
	if (tx->payload_left)
		qp->broken = true;
	tx->message = CORE_TX_NONE;
	tx->closed = true;
	tx->term_pending = false;
	qp->error = true;
	return n == qp->sq_size;
}

/**
 * core_queue_forget() - take back what stands in the ring, without completions
 * @qp: a QP without a stream, nothing of which is under way
 *
 * Context: the stream is not started.
 */
void core_queue_forget(struct core_qp *qp)
{
	u32 n;

	/* The ring's size bounds what an application can keep this busy with. */
	for (n = 0; n < qp->sq_size; n++) {
		struct siw_sqe *sqe = &qp->sq[qp->sq_get % qp->sq_size];

		if (!(READ_ONCE(sqe->flags) & SIW_WQE_VALID))
			break;
		/* As in core_queue_accept() */
		smp_store_release(&sqe->flags, 0);
		smp_mb();	/* before the next entry is looked at */
		qp->sq_get++;
		qp->sends_tail++;
	}
}
