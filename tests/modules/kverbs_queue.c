// SPDX-License-Identifier: GPL-2.0
/*
 * Queues as kernel consumers use them: polled in each context, drained, shared.
 */
#include <linux/completion.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "kverbs.h"

#define REMOTE	(IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_READ | IB_ACCESS_REMOTE_WRITE)

static const enum ib_poll_context contexts[] = {
	IB_POLL_DIRECT, IB_POLL_SOFTIRQ, IB_POLL_WORKQUEUE, IB_POLL_UNBOUND_WORKQUEUE,
};

static int polled(struct kv_link *l, struct kv_region *r)
{
	struct kv_end *owner = &l->owner, *peer = &l->peer;
	struct kv_job *job;
	int err;

	err = kv_do(kv_reg(owner, r, REMOTE), IB_WC_SUCCESS);
	memset(peer->buf, 1, KV_DATA);
	err = err ?: kv_do(kv_rdma(peer, IB_WR_RDMA_WRITE, kv_sge(peer, 0, r->bytes), r->mr->iova,
				   r->mr->rkey), IB_WC_SUCCESS);
	memset(peer->buf, 2, KV_DATA);
	err = err ?: kv_do(kv_rdma(peer, IB_WR_RDMA_READ, kv_sge(peer, 0, r->bytes), r->mr->iova,
				   r->mr->rkey), IB_WC_SUCCESS);
	err = err ?: kv_expect(!memchr_inv(peer->buf, 1, r->bytes));
	err = err ?: kv_tell(peer, owner, 11);
	err = err ?: kv_tell(owner, peer, 12);
	err = err ?: kv_do(kv_inv(owner, r->mr->rkey), IB_WC_SUCCESS);
	list_for_each_entry(job, &l->jobs, list)
		err = err ?: kv_expect(job->softirq == (l->poll == IB_POLL_SOFTIRQ));
	return err;
}

/* Test that completions come in the context that was asked for. */
int kv_test_polled(struct kv_world *w)
{
	struct kv_region r = {};
	struct kv_link *l;
	int i, err;

	err = kv_region_make(&r, w->pd, 3, 10, 0);
	for (i = 0; i < ARRAY_SIZE(contexts) && !err; i++) {
		l = kv_link_open(w, contexts[i], NULL);
		err = PTR_ERR_OR_ZERO(l);
		err = err ?: polled(l, &r);
		err = kv_link_close(l, err);
		err = err ?: kv_region_renew(&r);
	}
	kv_region_free(&r);
	return err;
}

struct drain {
	struct work_struct work;
	struct ib_qp *qp;
	struct completion over;
};

static void drain_work(struct work_struct *work)
{
	struct drain *d = container_of(work, struct drain, work);

	ib_drain_qp(d->qp);
	complete(&d->over);
}

/* ib_drain_qp() knows no bound, so it is another that waits for it. */
static int drain(struct kv_end *end)
{
	struct drain *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return -ENOMEM;
	INIT_WORK(&d->work, drain_work);
	init_completion(&d->over);
	d->qp = end->id->qp;
	schedule_work(&d->work);
	if (!wait_for_completion_timeout(&d->over, KV_TIMEOUT)) {
		end->link->stuck = true;
		return kv_expect(!"draining ends");
	}
	flush_work(&d->work);
	kfree(d);
	return 0;
}

/* Now, without waiting: everything of this end's is over, and counts those flushed. */
static int drained(struct kv_end *end, u32 *flushed)
{
	struct kv_job *job;
	int err = 0;

	*flushed = 0;
	list_for_each_entry(job, &end->link->jobs, list) {
		if (job->end != end)
			continue;
		err = err ?: kv_expect(!job->error && kv_job_over(job));
		err = err ?: kv_expect(job->wc.status == IB_WC_SUCCESS ||
				       job->wc.status == IB_WC_WR_FLUSH_ERR);
		*flushed += job->wc.status == IB_WC_WR_FLUSH_ERR;
	}
	return err;
}

/* @wait: until the first request is over, not from the beginning */
static int drain_busy(struct kv_link *l, struct kv_region *r, bool wait)
{
	struct kv_end *owner = &l->owner, *peer = &l->peer;
	struct kv_job *first = NULL, *job;
	u32 i, flushed;
	int err;

	err = kv_do(kv_reg(peer, r, REMOTE), IB_WC_SUCCESS);
	for (i = 0; i < KV_DEPTH / 2 && !err; i++) {
		kv_post(kv_recv(owner));
		kv_post(kv_recv(peer));
	}
	/* One entry is left for who drains. */
	for (i = 0; i < KV_DEPTH - 2 && !err; i++) {
		job = kv_rdma(owner, i % 2 ? IB_WR_RDMA_READ : IB_WR_RDMA_WRITE,
			      kv_sge(owner, i % 2 * KV_DATA / 2, KV_DATA / 2), r->mr->iova,
			      r->mr->rkey);
		first = first ?: job;
		kv_post(job);
	}
	err = err ?: kv_expect(first);
	if (wait && !err)
		err = kv_expect(kv_job_wait(first));
	err = err ?: drain(owner);
	err = err ?: drained(owner, &flushed);
	err = err ?: kv_expect(flushed >= KV_DEPTH / 2);
	err = err ?: drain(peer);
	err = err ?: drained(peer, &flushed);
	return err ?: kv_expect(flushed == KV_DEPTH / 2);
}

/* Test that nothing is left to complete when ib_drain_qp() returns, wherever it completes. */
int kv_test_drain(struct kv_world *w)
{
	struct kv_region r = {};
	struct kv_link *l;
	int i, err = 0;

	for (i = 0; i < 2 * ARRAY_SIZE(contexts) && !err; i++) {
		err = kv_region_make(&r, w->pd, 8, 0, 0);
		l = kv_link_open(w, contexts[i / 2], NULL);
		err = err ?: PTR_ERR_OR_ZERO(l);
		err = err ?: drain_busy(l, &r, i % 2);
		err = kv_link_close(l, err);
		kv_region_free(&r);
	}
	return err;
}

#define SHARED		8	/* entries of an SRQ */
#define LIMIT		4

/**
 * struct shared - an SRQ and what is posted to it
 * @srq: the SRQ
 * @buf: a message for each of @jobs
 * @dma: of @buf
 * @jobs: receives; the last is one more than there is room for
 * @events: how often the limit was reached
 * @others: other events
 */
struct shared {
	struct ib_srq *srq;
	u8 *buf;
	u64 dma;
	struct kv_job *jobs[SHARED + 1];
	atomic_t events;
	atomic_t others;
};

static void srq_event(struct ib_event *event, void *context)
{
	struct shared *sh = context;

	atomic_inc(event->event == IB_EVENT_SRQ_LIMIT_REACHED && event->element.srq == sh->srq ?
		   &sh->events : &sh->others);
	wake_up(&kv_happened);
}

static int shared_post(struct shared *sh, u32 n, const struct ib_recv_wr **bad)
{
	int err = ib_post_srq_recv(sh->srq, &sh->jobs[n]->recv, bad);

	if (!err)
		atomic_inc(&sh->jobs[n]->posted);
	return err;
}

static void shared_close(struct shared *sh, struct kv_world *w)
{
	int i;

	if (!IS_ERR_OR_NULL(sh->srq))
		ib_destroy_srq(sh->srq);
	for (i = 0; i <= SHARED; i++)
		kfree(sh->jobs[i]);
	if (sh->buf)
		ib_dma_unmap_single(w->dev, sh->dma, (SHARED + 1) * KV_MESSAGE, DMA_FROM_DEVICE);
	kfree(sh->buf);
}

/* An SRQ that is full */
static int shared_open(struct shared *sh, struct kv_world *w)
{
	struct ib_srq_init_attr attr = {
		.event_handler = srq_event,
		.srq_context = sh,
		.attr = { .max_wr = SHARED, .max_sge = 1 },
		.srq_type = IB_SRQT_BASIC,
	};
	const struct ib_recv_wr *bad = NULL;
	u32 i;
	int err;

	sh->buf = kzalloc((SHARED + 1) * KV_MESSAGE, GFP_KERNEL);
	if (!sh->buf)
		return -ENOMEM;
	sh->dma = ib_dma_map_single(w->dev, sh->buf, (SHARED + 1) * KV_MESSAGE, DMA_FROM_DEVICE);
	sh->srq = ib_create_srq(w->pd, &attr);
	if (IS_ERR(sh->srq))
		return PTR_ERR(sh->srq);
	err = kv_expect(attr.attr.max_wr == SHARED);
	for (i = 0; i <= SHARED && !err; i++) {
		struct kv_job *job = kv_job_new(NULL, IB_WC_RECV);

		if (!job)
			return -ENOMEM;
		job->sge = (struct ib_sge){ sh->dma + i * KV_MESSAGE, KV_MESSAGE,
					    w->pd->local_dma_lkey };
		job->recv.wr_cqe = &job->cqe;
		job->recv.sg_list = &job->sge;
		job->recv.num_sge = 1;
		sh->jobs[i] = job;
		if (i < SHARED)
			err = shared_post(sh, i, &bad);
	}
	err = err ?: kv_expect(shared_post(sh, SHARED, &bad) == -ENOMEM);
	return err ?: kv_expect(bad == &sh->jobs[SHARED]->recv);
}

/* The owner's next message goes where the SRQ's receive @n says. */
static int shared_take(struct shared *sh, struct kv_link *l, u32 n)
{
	struct kv_job *job = sh->jobs[n];
	u32 i;
	int err;

	memset(sh->buf + n * KV_MESSAGE, 0, KV_MESSAGE);
	err = kv_do(kv_send(&l->owner, n + 20), IB_WC_SUCCESS);
	err = err ?: kv_await(job, IB_WC_SUCCESS);
	err = err ?: kv_expect(job->wc.qp == l->peer.id->qp && job->wc.byte_len == KV_MESSAGE);
	for (i = 0; i < KV_MESSAGE && !err; i++)
		err = kv_expect(sh->buf[n * KV_MESSAGE + i] == kv_pattern(n + 20, i));
	return err;
}

static int shared_limit(struct shared *sh, u32 limit)
{
	struct ib_srq_attr attr = { .srq_limit = limit };

	return ib_modify_srq(sh->srq, &attr, IB_SRQ_LIMIT);
}

static int shared_by_two(struct shared *sh, struct kv_link *l, struct kv_link *m)
{
	struct ib_srq_attr attr;
	u32 i;
	int err;

	err = kv_expect(shared_limit(sh, SHARED + 1) == -EINVAL);
	err = err ?: shared_limit(sh, LIMIT);
	err = err ?: ib_query_srq(sh->srq, &attr);
	err = err ?: kv_expect(attr.srq_limit == LIMIT && attr.max_wr == SHARED);
	for (i = 0; i < SHARED - LIMIT && !err; i++)
		err = shared_take(sh, i % 2 ? l : m, i);
	err = err ?: kv_expect(!atomic_read(&sh->events));
	err = err ?: shared_take(sh, l, i);
	err = err ?: kv_expect(kv_happens(atomic_read(&sh->events)));
	err = err ?: ib_query_srq(sh->srq, &attr);
	err = err ?: kv_expect(!attr.srq_limit);

	/* What was taken is posted again, and the event is said once until it is asked for. */
	for (i = 0; i <= SHARED - LIMIT && !err; i++) {
		atomic_set(&sh->jobs[i]->done, 0);
		atomic_set(&sh->jobs[i]->posted, 0);
		err = shared_post(sh, i, NULL);
	}
	err = err ?: kv_expect(shared_post(sh, SHARED, NULL) == -ENOMEM);
	for (i = 0; i < SHARED && !err; i++)
		err = shared_take(sh, i % 3 ? m : l, (SHARED - LIMIT + 1 + i) % SHARED);
	err = err ?: kv_expect(atomic_read(&sh->events) == 1 && !atomic_read(&sh->others));
	err = err ?: shared_post(sh, SHARED, NULL);
	err = err ?: shared_limit(sh, 1);
	err = err ?: shared_take(sh, m, SHARED);
	err = err ?: kv_expect(kv_happens(atomic_read(&sh->events) == 2));
	/* A Send that finds nothing to receive it ends its own connection only. */
	err = err ?: kv_do(kv_send(&l->owner, 0), IB_WC_SUCCESS);
	err = err ?: kv_expect(kv_happens(READ_ONCE(l->owner.gone) && READ_ONCE(l->peer.gone)));
	atomic_set(&sh->jobs[0]->done, 0);
	atomic_set(&sh->jobs[0]->posted, 0);
	err = err ?: shared_post(sh, 0, NULL);
	return err ?: shared_take(sh, m, 0);
}

/* Test that two QPs receive by one SRQ, which tells when it runs low. */
int kv_test_srq(struct kv_world *w)
{
	struct kv_link *l = NULL, *m = NULL;
	struct shared sh = {};
	int err;

	err = shared_open(&sh, w);
	if (err)
		goto out;
	l = kv_link_open(w, IB_POLL_SOFTIRQ, sh.srq);
	m = kv_link_open(w, IB_POLL_WORKQUEUE, sh.srq);
	err = PTR_ERR_OR_ZERO(l) ?: PTR_ERR_OR_ZERO(m);
	err = err ?: shared_by_two(&sh, l, m);
	err = kv_link_close(m, err);
	err = kv_link_close(l, err);
	err = err ?: kv_expect(atomic_read(&sh.events) == 2 && !atomic_read(&sh.others));
out:
	shared_close(&sh, w);
	return err;
}

/* Test that a QP with an SRQ is drained, which leaves the SRQ to the others. */
int kv_test_drain_srq(struct kv_world *w)
{
	struct kv_link *l = NULL, *m = NULL;
	struct shared sh = {};
	struct kv_end *peer;
	u32 i, flushed;
	int err;

	err = shared_open(&sh, w);
	if (err)
		goto out;
	l = kv_link_open(w, IB_POLL_SOFTIRQ, sh.srq);
	m = kv_link_open(w, IB_POLL_SOFTIRQ, sh.srq);
	err = PTR_ERR_OR_ZERO(l) ?: PTR_ERR_OR_ZERO(m);
	for (i = 0; i < 3 && !err; i++)
		err = shared_take(&sh, l, i);
	if (err)
		goto close;
	peer = &l->peer;
	for (i = 0; i < KV_DEPTH / 2; i++) {
		kv_post(kv_recv(&l->owner));
		kv_post(kv_send(peer, 1));
	}
	err = drain(peer);
	err = err ?: drained(peer, &flushed);
	err = err ?: kv_expect(peer->events == BIT(IB_EVENT_QP_LAST_WQE_REACHED));
close:
	err = kv_link_close(l, err);
	for (i = 3; i < SHARED && !err; i++)
		err = shared_take(&sh, m, i);
	err = kv_link_close(m, err);
out:
	shared_close(&sh, w);
	return err;
}

#define WAITING		16	/* completions in a CQ that is resized */

static int resized(struct kv_end *end)
{
	struct ib_qp_attr attr = { .qp_state = IB_QPS_ERR };
	struct kv_job *jobs[WAITING];
	struct ib_cq *cq = end->cq;
	int i, err;

	/* Then those that wait go around the end of the ring. */
	err = ib_resize_cq(cq, WAITING);
	for (i = 0; i < WAITING - 5 && !err; i++)
		err = kv_tell(end, kv_other(end), i);
	for (i = 0; i < WAITING && !err; i++) {
		jobs[i] = kv_post(kv_recv(end));
		err = jobs[i] ? jobs[i]->error : -ENOMEM;
	}
	/* They are flushed when this returns, and nobody polls meanwhile. */
	err = err ?: ib_modify_qp(end->id->qp, &attr, IB_QP_STATE);
	err = err ?: kv_expect(ib_resize_cq(cq, 0) == -EINVAL);
	err = err ?: kv_expect(ib_resize_cq(cq, cq->device->attrs.max_cqe + 1) == -EINVAL);
	err = err ?: kv_expect(ib_resize_cq(cq, WAITING / 2) == -EINVAL && cq->cqe == WAITING);
	err = err ?: kv_expect(!ib_resize_cq(cq, 5 * WAITING) && cq->cqe >= 5 * WAITING);
	err = err ?: kv_expect(!ib_resize_cq(cq, WAITING) && cq->cqe == WAITING);
	for (i = 0; i < WAITING && !err; i++) {
		err = kv_expect(!kv_job_over(jobs[i]));
		ib_process_cq_direct(cq, 1);
		err = err ?: kv_expect(kv_job_over(jobs[i]));
		err = err ?: kv_await(jobs[i], IB_WC_WR_FLUSH_ERR);
	}
	return err;
}

/* Test that a CQ of another size has in it, in order, what it had before. */
int kv_test_resized(struct kv_world *w)
{
	struct kv_link *l = kv_link_open(w, IB_POLL_DIRECT, NULL);

	if (IS_ERR(l))
		return PTR_ERR(l);
	return kv_link_close(l, resized(&l->owner));
}

/* Test that no completion is lost when the size of a CQ changes while it is in use. */
int kv_test_resized_busy(struct kv_world *w)
{
	struct kv_link *l = kv_link_open(w, IB_POLL_SOFTIRQ, NULL);
	struct kv_region r = {};
	struct kv_job *jobs[8];
	enum ib_wr_opcode opcode;
	int i, err;
	u32 round;

	if (IS_ERR(l))
		return PTR_ERR(l);
	err = kv_region_make(&r, w->pd, 3, 10, 0);
	err = err ?: kv_do(kv_reg(&l->peer, &r, REMOTE), IB_WC_SUCCESS);
	for (round = 0; round < w->count && !err; round++) {
		for (i = 0; i < ARRAY_SIZE(jobs); i++) {
			opcode = i % 2 ? IB_WR_RDMA_READ : IB_WR_RDMA_WRITE;
			jobs[i] = kv_post(kv_rdma(&l->owner, opcode,
						  kv_sge(&l->owner, i % 2 * KV_DATA / 2, 100),
						  r.mr->iova, r.mr->rkey));
		}
		err = ib_resize_cq(l->owner.cq, KV_DEPTH << (round % 4));
		for (i = 0; i < ARRAY_SIZE(jobs); i++)
			err = err ?: kv_await(jobs[i], IB_WC_SUCCESS);
	}
	err = kv_link_close(l, err);
	kv_region_free(&r);
	return err;
}
