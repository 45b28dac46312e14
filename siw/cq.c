// SPDX-License-Identifier: GPL-2.0
/*
 * Completion queues.
 *
 * The ring and the consumer's wish to be woken are in memory that a user
 * consumer maps. An event must neither be lost nor be stolen: the entry is
 * written before the wish is read, with a full barrier between them, and the
 * wish is taken back by an atomic exchange, so that one that is renewed
 * meanwhile stays.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "siw.h"

static const u8 wc_opcode[SIW_NUM_OPCODES] = {
	[SIW_OP_WRITE]		= IB_WC_RDMA_WRITE,
	[SIW_OP_READ]		= IB_WC_RDMA_READ,
	[SIW_OP_READ_LOCAL_INV]	= IB_WC_RDMA_READ,
	[SIW_OP_SEND]		= IB_WC_SEND,
	[SIW_OP_SEND_WITH_IMM]	= IB_WC_SEND,
	[SIW_OP_SEND_REMOTE_INV] = IB_WC_SEND,
	[SIW_OP_RECEIVE]	= IB_WC_RECV,
	[SIW_OP_INVAL_STAG]	= IB_WC_LOCAL_INV,
	[SIW_OP_REG_MR]		= IB_WC_REG_MR,
};

static const u8 wc_status[SIW_NUM_WC_STATUS] = {
	[SIW_WC_SUCCESS]	= IB_WC_SUCCESS,
	[SIW_WC_LOC_LEN_ERR]	= IB_WC_LOC_LEN_ERR,
	[SIW_WC_LOC_PROT_ERR]	= IB_WC_LOC_PROT_ERR,
	[SIW_WC_LOC_QP_OP_ERR]	= IB_WC_LOC_QP_OP_ERR,
	[SIW_WC_WR_FLUSH_ERR]	= IB_WC_WR_FLUSH_ERR,
	[SIW_WC_BAD_RESP_ERR]	= IB_WC_BAD_RESP_ERR,
	[SIW_WC_LOC_ACCESS_ERR]	= IB_WC_LOC_ACCESS_ERR,
	[SIW_WC_REM_ACCESS_ERR]	= IB_WC_REM_ACCESS_ERR,
	[SIW_WC_REM_INV_REQ_ERR] = IB_WC_REM_INV_REQ_ERR,
	[SIW_WC_GENERAL_ERR]	= IB_WC_GENERAL_ERR,
};

static void cq_notify(struct tasklet_struct *t)
{
	struct siw_cq *cq = from_tasklet(cq, t, notify);

	if (test_and_clear_bit(SIW_CQ_TELL_OVERFLOW, &cq->tell) &&
	    cq->base.event_handler) {
		struct ib_event event = {
			.device = cq->base.device,
			.element.cq = &cq->base,
			.event = IB_EVENT_CQ_ERR,
		};

		cq->base.event_handler(&event, cq->base.cq_context);
	}
	if (test_and_clear_bit(SIW_CQ_TELL_COMPLETION, &cq->tell) &&
	    cq->base.comp_handler)
		cq->base.comp_handler(&cq->base, cq->base.cq_context);
}

/*
 * With bottom halves off for a moment the handler runs at once, not by way of
 * ksoftirqd.
 */
static void cq_tell_later(struct siw_cq *cq, unsigned int what)
{
	set_bit(what, &cq->tell);
	if (irqs_disabled()) {
		tasklet_schedule(&cq->notify);
		return;
	}
	local_bh_disable();
	tasklet_schedule(&cq->notify);
	local_bh_enable();
}

/*
 * A user consumer's handler is uverbs' own, which does nothing but wake up, and takes
 * no lock in which it could meet us: it needs no context of its own.
 */
static void cq_tell_completion(struct siw_cq *cq)
{
	if (cq->kernel)
		cq_tell_later(cq, SIW_CQ_TELL_COMPLETION);
	else
		cq->base.comp_handler(&cq->base, cq->base.cq_context);
}

/* Has the consumer asked to hear of this completion? Takes the wish back. */
static bool cq_disarm(struct siw_cq *cq, bool solicited)
{
	u32 flags = READ_ONCE(cq->ctrl->flags);

	if (!(flags & SIW_NOTIFY_NEXT_COMPLETION) &&
	    !((flags & SIW_NOTIFY_SOLICITED) && solicited))
		return false;
	return xchg(&cq->ctrl->flags, SIW_NOTIFY_NOT) != SIW_NOTIFY_NOT;
}

/**
 * siw_cq_add() - a work request has completed
 * @cq: where its completion goes
 * @qp: its queue pair
 * @c: the completion
 *
 * Context: any. A kernel consumer's handler is not called from here.
 */
void siw_cq_add(struct siw_cq *cq, struct siw_qp *qp,
		const struct core_completion *c)
{
	struct siw_cqe *cqe;
	unsigned long flags;
	bool lost = false;

	spin_lock_irqsave(&cq->lock, flags);
	cqe = &cq->ring[cq->put & (cq->size - 1)];
	/* Pairs with the consumer, who frees an entry when it is read. */
	if (smp_load_acquire(&cqe->flags) & SIW_WQE_VALID) {
		atomic64_inc(&qp->dev->counters.cq_overflows);
		lost = !cq->overflow;
		cq->overflow = true;
	} else {
		cqe->id = c->id;
		cqe->opcode = c->opcode;
		cqe->status = c->status;
		cqe->bytes = c->bytes;
		cqe->imm_data = 0;
		if (c->invalidated)
			cqe->inval_stag = c->inval_stag;
		if (qp->kernel)
			cqe->base_qp = &qp->base;
		else
			cqe->qp_id = qp->base.qp_num;
		/* The entry is complete before it is seen. */
		smp_store_release(&cqe->flags, SIW_WQE_VALID |
				  (c->invalidated ? SIW_WQE_REM_INVAL : 0));
		cq->put++;
	}
	spin_unlock_irqrestore(&cq->lock, flags);

	if (lost)
		cq_tell_later(cq, SIW_CQ_TELL_OVERFLOW);
	/* Pairs with the consumer, who writes its wish and then polls. */
	smp_mb();
	if (cq_disarm(cq, c->solicited || c->status != SIW_WC_SUCCESS))
		cq_tell_completion(cq);
}

/**
 * siw_cq_wake() - wake a consumer that waits for any completion, without one
 * @cq: the completion queue
 *
 * The consumer finds the queue empty, as it also may after any event.
 *
 * Context: any.
 */
void siw_cq_wake(struct siw_cq *cq)
{
	/* Pairs with the consumer, who writes its wish and then looks. */
	smp_mb();
	if (cq_disarm(cq, false))
		cq_tell_completion(cq);
}

int siw_create_cq(struct ib_cq *base, const struct ib_cq_init_attr *attr,
		  compat_create_cq_arg *arg)
{
	struct ib_udata *udata = compat_create_cq_udata(arg);
	struct siw_cq *cq = to_siw_cq(base);
	struct ib_ucontext *uctx = NULL;
	struct siw_uresp_create_cq resp = {};
	size_t bytes;
	u64 key = 0;
	int err;

	if (attr->flags)
		return -EOPNOTSUPP;
	if (!attr->cqe || attr->cqe > SIW_MAX_CQE)
		return -EINVAL;
	if (udata) {
		if (udata->outlen < sizeof(resp))
			return -EINVAL;
		uctx = &rdma_udata_to_drv_context(udata, struct siw_ucontext,
						  base)->base;
	}

	spin_lock_init(&cq->lock);
	tasklet_setup(&cq->notify, cq_notify);
	cq->kernel = !udata;
	cq->size = roundup_pow_of_two(attr->cqe);
	cq->base.cqe = cq->size;
	bytes = cq->size * sizeof(struct siw_cqe) + sizeof(struct siw_cq_ctrl);

	cq->ring = siw_ring_alloc(uctx, bytes, &cq->entry, &key);
	if (IS_ERR(cq->ring))
		return PTR_ERR(cq->ring);
	cq->ctrl = cq->kernel ? &cq->kernel_ctrl : (struct siw_cq_ctrl *)&cq->ring[cq->size];

	if (udata) {
		resp.cq_key = key;
		resp.cq_id = base->res.id;
		resp.num_cqe = cq->size;
		err = ib_copy_to_udata(udata, &resp, sizeof(resp));
		if (err) {
			siw_ring_free(cq->entry, cq->ring);
			return err;
		}
	}
	return 0;
}

/**
 * siw_resize_cq() - ib_device_ops.resize_cq
 * @base: the CQ, in use or not
 * @cqe: entries that it is to have at least, from 1 to the device's max_cqe
 * @udata: of a user consumer
 *
 * What waits to be polled stays, in its order. A user consumer has mapped its ring,
 * and libsiw can not be told of another: that one stays as it is.
 *
 * May sleep.
 * Return: 0; -EINVAL: so many there can not be, or more wait to be polled; -EOPNOTSUPP:
 * a user consumer wants more than there are; -ENOMEM.
 */
int siw_resize_cq(struct ib_cq *base, int cqe, struct ib_udata *udata)
{
	struct siw_cq *cq = to_siw_cq(base);
	struct siw_cqe *ring, *unused;
	struct siw_mmap *entry;
	int err = 0;
	u32 size, n;
	u64 key;

	if (cqe < 1 || cqe > SIW_MAX_CQE)
		return -EINVAL;
	if (!cq->kernel)
		return cqe <= cq->size ? 0 : -EOPNOTSUPP;
	size = roundup_pow_of_two(cqe);
	ring = siw_ring_alloc(NULL, size * sizeof(*ring), &entry, &key);
	if (IS_ERR(ring))
		return PTR_ERR(ring);

	spin_lock_irq(&cq->lock);
	if (cq->put - cq->get > size) {
		err = -EINVAL;
		unused = ring;
	} else {
		for (n = cq->get; n != cq->put; n++)
			ring[n & (size - 1)] = cq->ring[n & (cq->size - 1)];
		unused = cq->ring;
		cq->ring = ring;
		cq->size = size;
		base->cqe = size;
	}
	spin_unlock_irq(&cq->lock);
	siw_ring_free(NULL, unused);
	return err;
}

/**
 * siw_quiet_cq() - ib_device_ops.pre_destroy_cq
 * @base: the CQ, of a kernel consumer, that no QP uses any more
 *
 * The RDMA core cancels the work that the handler queues, and then frees it with
 * the CQ; so a handler that is still to be called has to be called before.
 *
 * Return: 0.
 */
int siw_quiet_cq(struct ib_cq *base)
{
	tasklet_kill(&to_siw_cq(base)->notify);
	return 0;
}

int siw_destroy_cq(struct ib_cq *base, struct ib_udata *udata)
{
	struct siw_cq *cq = to_siw_cq(base);

	tasklet_kill(&cq->notify);
	siw_ring_free(cq->entry, cq->ring);
	return 0;
}

int siw_poll_cq(struct ib_cq *base, int num, struct ib_wc *wc)
{
	struct siw_cq *cq = to_siw_cq(base);
	unsigned long flags;
	int n;

	spin_lock_irqsave(&cq->lock, flags);
	for (n = 0; n < num; n++, wc++) {
		struct siw_cqe *cqe = &cq->ring[cq->get & (cq->size - 1)];
		u8 valid = cqe->flags;

		if (!(valid & SIW_WQE_VALID))
			break;
		memset(wc, 0, sizeof(*wc));
		wc->wr_id = cqe->id;
		wc->status = wc_status[cqe->status];
		wc->opcode = wc_opcode[cqe->opcode];
		wc->byte_len = cqe->bytes;
		wc->qp = cqe->base_qp;
		if (valid & SIW_WQE_REM_INVAL) {
			wc->ex.invalidate_rkey = cqe->inval_stag;
			wc->wc_flags = IB_WC_WITH_INVALIDATE;
		}
		cqe->flags = 0;
		cq->get++;
	}
	spin_unlock_irqrestore(&cq->lock, flags);
	return n;
}

int siw_req_notify_cq(struct ib_cq *base, enum ib_cq_notify_flags flags)
{
	struct siw_cq *cq = to_siw_cq(base);
	u32 wish = SIW_NOTIFY_SOLICITED;
	unsigned long irq;
	bool missed;

	if ((flags & IB_CQ_SOLICITED_MASK) == IB_CQ_NEXT_COMP)
		wish |= SIW_NOTIFY_NEXT_COMPLETION;
	/* Full barrier: pairs with siw_cq_add(). */
	smp_store_mb(cq->ctrl->flags, wish);

	if (!(flags & IB_CQ_REPORT_MISSED_EVENTS))
		return 0;
	/* Another ring may be under way. */
	spin_lock_irqsave(&cq->lock, irq);
	missed = cq->ring[cq->get & (cq->size - 1)].flags & SIW_WQE_VALID;
	spin_unlock_irqrestore(&cq->lock, irq);
	return missed;
}
