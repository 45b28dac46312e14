// SPDX-License-Identifier: GPL-2.0
/*
 * Posting work requests. A user application writes its rings itself and calls
 * only to ring the doorbell; a kernel consumer's requests are written here, in
 * whatever context it posts.
 */
#include "siw.h"

static const u8 sqe_opcode[] = {
	[IB_WR_RDMA_WRITE]	= SIW_OP_WRITE,
	[IB_WR_SEND]		= SIW_OP_SEND,
	[IB_WR_RDMA_READ]	= SIW_OP_READ,
	[IB_WR_SEND_WITH_INV]	= SIW_OP_SEND_REMOTE_INV,
	[IB_WR_RDMA_READ_WITH_INV] = SIW_OP_READ_LOCAL_INV,
	[IB_WR_LOCAL_INV]	= SIW_OP_INVAL_STAG,
	[IB_WR_REG_MR]		= SIW_OP_REG_MR,
};

static int put_inline(struct siw_sqe *sqe, const struct ib_send_wr *wr)
{
	u8 *data = (u8 *)&sqe->sge[1];
	u32 bytes = 0;
	int i;

	for (i = 0; i < wr->num_sge; i++) {
		const struct ib_sge *sge = &wr->sg_list[i];

		if (sge->length > SIW_MAX_INLINE - bytes)
			return -EINVAL;
		memcpy(data + bytes, (void *)(uintptr_t)sge->addr, sge->length);
		bytes += sge->length;
	}
	sqe->sge[0].length = bytes;
	return 0;
}

/**
 * siw_put_sges() - an SGE list as the rings have it
 * @to: entries of a ring
 * @from: a kernel consumer's list
 * @num: how many
 */
void siw_put_sges(struct siw_sge *to, const struct ib_sge *from, int num)
{
	for (; num > 0; num--, to++, from++) {
		to->laddr = from->addr;
		to->length = from->length;
		to->lkey = from->lkey;
	}
}

static int put_sqe(struct siw_qp *qp, struct siw_sqe *sqe,
		   const struct ib_send_wr *wr)
{
	u16 flags = SIW_WQE_VALID;

	if (wr->opcode >= ARRAY_SIZE(sqe_opcode) ||
	    (!sqe_opcode[wr->opcode] && wr->opcode != IB_WR_RDMA_WRITE))
		return -EINVAL;
	if (wr->num_sge < 0 || wr->num_sge > SIW_MAX_SGE)
		return -EINVAL;

	if (qp->sig_all || (wr->send_flags & IB_SEND_SIGNALED))
		flags |= SIW_WQE_SIGNALLED;
	if (wr->send_flags & IB_SEND_SOLICITED)
		flags |= SIW_WQE_SOLICITED;
	if (wr->send_flags & IB_SEND_FENCE)
		flags |= SIW_WQE_READ_FENCE;

	sqe->id = wr->wr_id;
	sqe->opcode = sqe_opcode[wr->opcode];
	sqe->num_sge = wr->num_sge;
	switch (wr->opcode) {
	case IB_WR_SEND:
		break;
	case IB_WR_SEND_WITH_INV:
	case IB_WR_LOCAL_INV:
		sqe->rkey = wr->ex.invalidate_rkey;
		break;
	case IB_WR_REG_MR:
		sqe->base_mr = (uintptr_t)reg_wr(wr)->mr;
		sqe->rkey = reg_wr(wr)->key;
		sqe->access = reg_wr(wr)->access;
		break;
	default:
		sqe->rkey = rdma_wr(wr)->rkey;
		sqe->raddr = rdma_wr(wr)->remote_addr;
		break;
	}
	if (wr->opcode == IB_WR_REG_MR || wr->opcode == IB_WR_LOCAL_INV) {
		sqe->num_sge = 0;
	} else if (wr->send_flags & IB_SEND_INLINE) {
		if (put_inline(sqe, wr))
			return -EINVAL;
		flags |= SIW_WQE_INLINE;
	} else {
		siw_put_sges(sqe->sge, wr->sg_list, wr->num_sge);
	}
	/* The entry is complete before it is seen. */
	smp_store_release(&sqe->flags, flags);
	return 0;
}

/**
 * siw_post_send() - ib_device_ops.post_send
 * @base: the QP
 * @wr: requests of a kernel consumer; NULL is a user application's doorbell
 * @bad: the first request that was not taken
 *
 * Context: any for a kernel consumer, interrupts off included; it never finds
 * the socket's lock or sends from here. A doorbell may sleep.
 * Return: 0, -EINVAL for a request that cannot be, -ENOMEM for a full queue,
 * -ENOTCONN for a QP that never was connected.
 */
int siw_post_send(struct ib_qp *base, const struct ib_send_wr *wr,
		  const struct ib_send_wr **bad)
{
	struct siw_qp *qp = to_siw_qp(base);
	unsigned long flags;
	bool posted = false;
	int err = 0;

	if (!qp->kernel) {
		if (wr) {
			*bad = wr;
			return -EINVAL;
		}
		if (READ_ONCE(qp->state) == SIW_QP_IDLE && siw_qp_refuse_posts(qp))
			return -ENOTCONN;
		siw_qp_doorbell(qp);
		return 0;
	}
	if (READ_ONCE(qp->state) == SIW_QP_IDLE) {
		*bad = wr;
		return -ENOTCONN;
	}

	spin_lock_irqsave(&qp->sq_lock, flags);
	for (; wr; wr = wr->next) {
		struct siw_sqe *sqe = &qp->core.sq[qp->sq_put &
						   (qp->core.sq_size - 1)];

		/* Pairs with the core, which frees an entry once it is read. */
		if (smp_load_acquire(&sqe->flags) & SIW_WQE_VALID)
			err = -ENOMEM;
		else
			err = put_sqe(qp, sqe, wr);
		if (err) {
			*bad = wr;
			break;
		}
		qp->sq_put++;
		posted = true;
	}
	spin_unlock_irqrestore(&qp->sq_lock, flags);
	if (posted)
		siw_qp_queue_work(qp, 0);
	return err;
}

/**
 * siw_post_recv() - ib_device_ops.post_recv
 * @base: the QP
 * @wr: requests of a kernel consumer
 * @bad: the first request that was not taken
 *
 * Context: any.
 * Return: 0, -EINVAL for a request that cannot be, or for a QP that receives by
 * an SRQ, -ENOMEM for a full queue.
 */
int siw_post_recv(struct ib_qp *base, const struct ib_recv_wr *wr,
		  const struct ib_recv_wr **bad)
{
	struct siw_qp *qp = to_siw_qp(base);
	int err;

	if (!qp->kernel || qp->srq) {
		*bad = wr;
		return -EINVAL;
	}
	err = siw_rq_post(&qp->rq, wr, bad);
	/* The flush looks at the ring after it has set the state. */
	smp_mb();
	if (READ_ONCE(qp->state) == SIW_QP_ERROR)
		siw_qp_queue_work(qp, 0);
	return err;
}
