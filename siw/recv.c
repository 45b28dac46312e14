// SPDX-License-Identifier: GPL-2.0
/*
 * Receive queues: of a QP, or shared by several (SRQ).
 *
 * A user application writes its ring itself, so nobody counts what is posted:
 * an entry is there if it is marked valid.
 */
#include <linux/log2.h>
#include "siw.h"

static struct siw_rqe *rq_entry(struct siw_recv_queue *rq, u32 n)
{
	return &rq->ring[n & (rq->size - 1)];
}

/**
 * siw_rq_alloc() - make the ring
 * @rq: the queue, zeroed
 * @wr: work requests that it has to hold
 * @uctx: context that maps it, or NULL for a kernel consumer
 * @key: what the application passes to mmap(2)
 *
 * A queue of length 0 gets one entry: libsiw maps it always, and takes an index
 * modulo its size. Sizes are powers of two, for indexes that wrap.
 *
 * Return: 0 or -ENOMEM.
 */
int siw_rq_alloc(struct siw_recv_queue *rq, u32 wr, struct ib_ucontext *uctx, u64 *key)
{
	u32 size = siw_ring_size(wr);

	rq->ring = siw_ring_alloc(uctx, size * sizeof(*rq->ring), &rq->entry, key);
	if (IS_ERR(rq->ring))
		return PTR_ERR(rq->ring);
	rq->size = size;
	return 0;
}

/**
 * siw_rq_free() - give the ring back
 * @rq: the queue; nothing happens if it has none
 */
void siw_rq_free(struct siw_recv_queue *rq)
{
	if (rq->size)
		siw_ring_free(rq->entry, rq->ring);
}

/**
 * siw_rq_fetch() - take the oldest receive WQE
 * @rq: the queue
 * @rqe: is set to a copy of it
 *
 * Context: one at a time per queue, which is the caller's business.
 * Return: false if there is none.
 */
bool siw_rq_fetch(struct siw_recv_queue *rq, struct siw_rqe *rqe)
{
	struct siw_rqe *entry;

	if (!rq->size)
		return false;
	entry = rq_entry(rq, rq->get);
	/* Pairs with the release by which an entry is posted. */
	if (!(smp_load_acquire(&entry->flags) & SIW_WQE_VALID))
		return false;
	/* The application may change the entry: it is read once. */
	memcpy(rqe, entry, sizeof(*rqe));
	/* Free for the next post only when it has been read. */
	smp_store_release(&entry->flags, 0);
	rq->get++;
	return true;
}

/**
 * siw_rq_holds() - are there at least so many receive WQEs?
 * @rq: the queue
 * @count: from 1 to the queue's size
 *
 * Context: as siw_rq_fetch().
 */
bool siw_rq_holds(struct siw_recv_queue *rq, u32 count)
{
	return READ_ONCE(rq_entry(rq, rq->get + count - 1)->flags) & SIW_WQE_VALID;
}

/**
 * siw_rq_post() - post a kernel consumer's receive requests
 * @rq: the queue
 * @wr: the requests
 * @bad: the first request that was not taken
 *
 * Context: any.
 * Return: 0, -EINVAL for a request that cannot be, -ENOMEM for a full queue.
 */
int siw_rq_post(struct siw_recv_queue *rq, const struct ib_recv_wr *wr,
		const struct ib_recv_wr **bad)
{
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&rq->lock, flags);
	for (; wr; wr = wr->next) {
		struct siw_rqe *rqe = rq_entry(rq, rq->put);

		if (wr->num_sge < 0 || wr->num_sge > SIW_MAX_SGE)
			err = -EINVAL;
		/* Pairs with siw_rq_fetch(), which frees an entry. */
		else if (smp_load_acquire(&rqe->flags) & SIW_WQE_VALID)
			err = -ENOMEM;
		if (err) {
			*bad = wr;
			break;
		}
		rqe->id = wr->wr_id;
		rqe->num_sge = wr->num_sge;
		siw_put_sges(rqe->sge, wr->sg_list, wr->num_sge);
		/* The entry is complete before it is seen. */
		smp_store_release(&rqe->flags, SIW_WQE_VALID);
		rq->put++;
	}
	spin_unlock_irqrestore(&rq->lock, flags);
	return err;
}
