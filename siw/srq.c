// SPDX-License-Identifier: GPL-2.0
/*
 * Shared receive queues.
 */
#include "siw.h"

/* The limit was reached: said once, until the consumer sets another. */
static void srq_tell(struct work_struct *work)
{
	struct siw_srq *srq = container_of(work, struct siw_srq, tell);
	struct ib_event event = {
		.device = srq->base.device,
		.element.srq = &srq->base,
		.event = IB_EVENT_SRQ_LIMIT_REACHED,
	};

	if (srq->base.event_handler)
		srq->base.event_handler(&event, srq->base.srq_context);
}

/**
 * siw_srq_fetch() - take the oldest receive WQE for one of the QPs
 * @srq: the queue
 * @rqe: is set to a copy of it
 *
 * Context: any.
 * Return: false if there is none.
 */
bool siw_srq_fetch(struct siw_srq *srq, struct siw_rqe *rqe)
{
	bool reached = false;
	unsigned long flags;
	bool got;

	spin_lock_irqsave(&srq->rq.lock, flags);
	got = siw_rq_fetch(&srq->rq, rqe);
	if (srq->limit && !siw_rq_holds(&srq->rq, srq->limit)) {
		srq->limit = 0;
		reached = true;
	}
	spin_unlock_irqrestore(&srq->rq.lock, flags);
	if (reached)
		queue_work(siw_wq, &srq->tell);
	return got;
}

int siw_create_srq(struct ib_srq *base, struct ib_srq_init_attr *init, struct ib_udata *udata)
{
	struct siw_srq *srq = to_siw_srq(base);
	struct siw_uresp_create_srq resp = {};
	struct ib_srq_attr *attr = &init->attr;
	struct ib_ucontext *uctx = NULL;
	u64 key;
	int err;

	if (init->srq_type != IB_SRQT_BASIC)
		return -EOPNOTSUPP;
	if (!attr->max_wr || attr->max_wr > SIW_MAX_SRQ_WR || attr->max_sge > SIW_MAX_SGE)
		return -EINVAL;
	if (udata) {
		if (udata->outlen < sizeof(resp))
			return -EINVAL;
		uctx = &rdma_udata_to_drv_context(udata, struct siw_ucontext, base)->base;
	}

	spin_lock_init(&srq->rq.lock);
	INIT_WORK(&srq->tell, srq_tell);
	srq->kernel = !udata;
	err = siw_rq_alloc(&srq->rq, attr->max_wr, uctx, &key);
	if (err)
		return err;
	attr->max_wr = srq->rq.size;
	attr->max_sge = SIW_MAX_SGE;

	if (udata) {
		resp.num_rqe = srq->rq.size;
		resp.srq_key = key;
		err = ib_copy_to_udata(udata, &resp, sizeof(resp));
		if (err) {
			siw_rq_free(&srq->rq);
			return err;
		}
	}
	return 0;
}

/* The ring cannot grow: there is no way to tell libsiw of another. */
int siw_modify_srq(struct ib_srq *base, struct ib_srq_attr *attr, enum ib_srq_attr_mask mask,
		   struct ib_udata *udata)
{
	struct siw_srq *srq = to_siw_srq(base);

	if (mask & ~IB_SRQ_LIMIT)
		return -EOPNOTSUPP;
	if (!(mask & IB_SRQ_LIMIT))
		return 0;
	if (attr->srq_limit > srq->rq.size)
		return -EINVAL;
	spin_lock_irq(&srq->rq.lock);
	srq->limit = attr->srq_limit;
	spin_unlock_irq(&srq->rq.lock);
	return 0;
}

int siw_query_srq(struct ib_srq *base, struct ib_srq_attr *attr)
{
	struct siw_srq *srq = to_siw_srq(base);

	attr->max_wr = srq->rq.size;
	attr->max_sge = SIW_MAX_SGE;
	attr->srq_limit = READ_ONCE(srq->limit);
	return 0;
}

/* No QP uses it any more. */
int siw_destroy_srq(struct ib_srq *base, struct ib_udata *udata)
{
	struct siw_srq *srq = to_siw_srq(base);

	cancel_work_sync(&srq->tell);
	siw_rq_free(&srq->rq);
	return 0;
}

/**
 * siw_post_srq_recv() - ib_device_ops.post_srq_recv
 * @base: the SRQ
 * @wr: requests of a kernel consumer
 * @bad: the first request that was not taken
 *
 * Context: any.
 * Return: 0, -EINVAL for a request that cannot be, -ENOMEM for a full queue.
 */
int siw_post_srq_recv(struct ib_srq *base, const struct ib_recv_wr *wr,
		      const struct ib_recv_wr **bad)
{
	struct siw_srq *srq = to_siw_srq(base);

	if (!srq->kernel) {
		*bad = wr;
		return -EINVAL;
	}
	return siw_rq_post(&srq->rq, wr, bad);
}
