// SPDX-License-Identifier: GPL-2.0
/*
 * As much as a queue and a work request hold, and one more.
 */
#include <linux/slab.h>
#include "kverbs.h"

#define PAGES	5
#define GAP	7	/* octets before each piece of a buffer */

static int link_and_region(struct kv_world *w, struct ib_srq *srq, struct kv_link **l,
			   struct kv_region *r)
{
	*l = kv_link_open(w, IB_POLL_SOFTIRQ, srq);
	if (IS_ERR(*l))
		return PTR_ERR(*l);
	return kv_region_make(r, w->pd, PAGES, 0, 0) ?:
	       kv_do(kv_reg(&(*l)->peer, r, IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE),
		     IB_WC_SUCCESS);
}

/* Chains @count jobs; the caller posts them. */
static int chain(struct kv_job **jobs, u32 count, struct kv_end *end, struct kv_region *r)
{
	u32 i;

	for (i = 0; i < count; i++) {
		jobs[i] = kv_rdma(end, IB_WR_RDMA_WRITE, kv_sge(end, i, 1), r->mr->iova + i,
				  r->mr->rkey);
		if (!jobs[i])
			return -ENOMEM;
		if (i)
			jobs[i - 1]->rdma.wr.next = &jobs[i]->rdma.wr;
	}
	return 0;
}

#define EXTRA	3

/* Nothing is sent while a chain is posted, so it fills the queue. */
static int send_queue(struct kv_link *l, struct kv_region *r, u32 depth)
{
	struct kv_job *jobs[2 * KV_DEPTH + EXTRA];
	const struct ib_send_wr *bad = NULL;
	u32 i;
	int err;

	err = chain(jobs, depth + EXTRA, &l->owner, r);
	if (err)
		return err;
	for (i = 0; i < depth; i++)
		atomic_inc(&jobs[i]->posted);
	err = kv_expect(ib_post_send(l->owner.id->qp, &jobs[0]->rdma.wr, &bad) == -ENOMEM);
	err = err ?: kv_expect(bad == &jobs[depth]->rdma.wr);
	for (i = 0; i < depth; i++)
		err = err ?: kv_await(jobs[i], IB_WC_SUCCESS);
	for (i = depth; i < depth + EXTRA; i++)
		atomic_inc(&jobs[i]->posted);
	err = err ?: ib_post_send(l->owner.id->qp, bad, NULL);
	for (i = depth; i < depth + EXTRA; i++)
		err = err ?: kv_await(jobs[i], IB_WC_SUCCESS);
	return err;
}

static int receive_queue(struct kv_link *l, u32 depth)
{
	struct ib_qp *qp = l->peer.id->qp;
	const struct ib_recv_wr *bad = NULL;
	struct kv_job *first = NULL, *job;
	u32 i;
	int err = 0;

	for (i = 0; i < depth && !err; i++) {
		job = kv_post(kv_recv(&l->peer));
		first = first ?: job;
		err = job ? job->error : -ENOMEM;
	}
	job = kv_recv(&l->peer);
	if (err || !job)
		return err ?: -ENOMEM;
	err = kv_expect(ib_post_recv(qp, &job->recv, &bad) == -ENOMEM && bad == &job->recv);
	err = err ?: kv_do(kv_send(&l->owner, 1), IB_WC_SUCCESS);
	err = err ?: kv_await(first, IB_WC_SUCCESS);
	kv_post(job);
	return err ?: kv_expect(!job->error);
}

/* Test that a full queue says which request it has not taken, and takes it when there is room. */
int kv_test_full(struct kv_world *w)
{
	struct ib_qp_init_attr init;
	struct kv_region r = {};
	struct ib_qp_attr attr;
	struct kv_link *l;
	int i, err;

	err = link_and_region(w, NULL, &l, &r);
	err = err ?: ib_query_qp(l->owner.id->qp, &attr, IB_QP_CAP, &init);
	err = err ?: kv_expect(init.cap.max_send_wr >= KV_DEPTH &&
			       init.cap.max_send_wr <= 2 * KV_DEPTH);
	/* Around the ring's end, too */
	for (i = 0; i < 3 && !err; i++)
		err = send_queue(l, &r, init.cap.max_send_wr);
	err = err ?: receive_queue(l, init.cap.max_recv_wr);
	err = kv_link_close(l, err);
	kv_region_free(&r);
	return err;
}

static const u32 lengths[KV_SGES] = { 1, 0, 4096, 3, 6001, 77 };

/* As many pieces of @end's buffer: their octets in all */
static u32 pieces(struct kv_end *end, struct ib_sge *sges, bool backwards)
{
	u32 at = 0, sum = 0, len;
	int i;

	for (i = 0; i < KV_SGES; i++) {
		len = lengths[backwards ? KV_SGES - 1 - i : i];
		at += GAP;
		sges[i] = kv_sge(end, at, len);
		at += len;
		sum += len;
	}
	return sum;
}

/* Poison, but for the pieces, which follow each other in the pattern: written, or compared */
static bool pattern_in(struct kv_end *end, const struct ib_sge *sges, u8 seed, bool write)
{
	u32 at, n = 0, told = 0;
	bool good = true;
	u8 want;

	for (at = 0; at < KV_DATA; at++) {
		while (n < KV_SGES && at == sges[n].addr - end->dma + sges[n].length)
			n++;
		want = n < KV_SGES && at >= sges[n].addr - end->dma ? kv_pattern(seed, told++) :
		       KV_POISON;
		if (write)
			end->buf[at] = want;
		else
			good &= end->buf[at] == want;
	}
	return good;
}

/* More than a request can have */
static int too_many(struct kv_link *l)
{
	struct ib_sge sges[KV_SGES + 1];
	const struct ib_recv_wr *bad_recv = NULL;
	const struct ib_send_wr *bad = NULL;
	struct kv_job *send = kv_send(&l->owner, 0), *recv = kv_recv(&l->owner);
	int i, err;

	if (!send || !recv)
		return -ENOMEM;
	for (i = 0; i <= KV_SGES; i++)
		sges[i] = kv_sge(&l->owner, 0, 1);
	send->rdma.wr.sg_list = sges;
	send->rdma.wr.num_sge = KV_SGES + 1;
	recv->recv.sg_list = sges;
	recv->recv.num_sge = KV_SGES + 1;
	err = kv_expect(ib_post_send(l->owner.id->qp, &send->rdma.wr, &bad) == -EINVAL);
	err = err ?: kv_expect(bad == &send->rdma.wr);
	err = err ?: kv_expect(ib_post_recv(l->owner.id->qp, &recv->recv, &bad_recv) == -EINVAL);
	return err ?: kv_expect(bad_recv == &recv->recv);
}

/* @recv is posted for it; @srq: by whom, NULL for the peer's own queue. */
static int gathered(struct kv_link *l, struct kv_region *r, struct kv_job *recv, struct ib_srq *srq)
{
	struct ib_sge from[KV_SGES], to[KV_SGES];
	struct kv_end *owner = &l->owner, *peer = &l->peer;
	u32 sum = pieces(owner, from, false);
	struct kv_job *job;
	int err = 0;

	pieces(peer, to, true);
	pattern_in(owner, from, 1, true);
	memset(peer->buf, KV_POISON, KV_DATA);
	job = kv_rdma(owner, IB_WR_RDMA_WRITE, from[0], r->mr->iova, r->mr->rkey);
	if (!job)
		return -ENOMEM;
	job->rdma.wr.sg_list = from;
	job->rdma.wr.num_sge = KV_SGES;
	kv_post(job);

	recv->recv.wr_cqe = &recv->cqe;
	recv->recv.sg_list = to;
	recv->recv.num_sge = KV_SGES;
	if (srq) {
		err = ib_post_srq_recv(srq, &recv->recv, NULL);
		atomic_set(&recv->posted, !err);
	} else {
		kv_post(recv);
	}
	err = err ?: kv_await(job, IB_WC_SUCCESS);
	job = kv_send(owner, 0);
	if (err || !job)
		return err ?: -ENOMEM;
	job->rdma.wr.sg_list = from;
	job->rdma.wr.num_sge = KV_SGES;
	err = kv_do(job, IB_WC_SUCCESS);
	err = err ?: kv_await(recv, IB_WC_SUCCESS);
	err = err ?: kv_expect(recv->wc.byte_len == sum);
	err = err ?: kv_expect(pattern_in(peer, to, 1, false));
	return err ?: kv_expect(kv_region_holds(r, 1, 0, sum));
}

/* Test that as many SGEs as a request can have are gathered and scattered. */
int kv_test_gathered(struct kv_world *w)
{
	struct ib_srq_init_attr attr = {
		.attr = { .max_wr = 4, .max_sge = KV_SGES },
		.srq_type = IB_SRQT_BASIC,
	};
	struct kv_job *shared = kv_job_new(NULL, IB_WC_RECV);
	struct ib_srq *srq = ib_create_srq(w->pd, &attr);
	struct kv_region r = {};
	struct kv_link *l;
	struct kv_job *own;
	int err;

	err = shared ? PTR_ERR_OR_ZERO(srq) : -ENOMEM;
	if (err)
		goto out;
	err = link_and_region(w, NULL, &l, &r);
	own = err ? NULL : kv_job_new(&l->peer, IB_WC_RECV);
	if (!err)
		err = own ? gathered(l, &r, own, NULL) : -ENOMEM;
	err = err ?: too_many(l);
	err = kv_link_close(l, err);
	kv_region_free(&r);
	if (err)
		goto out;
	err = link_and_region(w, srq, &l, &r);
	err = err ?: gathered(l, &r, shared, srq);
	err = kv_link_close(l, err);
	kv_region_free(&r);
out:
	if (!IS_ERR(srq))
		ib_destroy_srq(srq);
	kfree(shared);
	return err;
}

/* Two halves of memory that has no key and is overwritten at once */
static int post_inline(struct kv_job *job, u32 bytes, u8 seed, const struct ib_send_wr **bad)
{
	u8 data[KV_INLINE + 1];
	struct ib_sge sges[2] = {
		{ .addr = (uintptr_t)data, .length = bytes / 2 },
		{ .addr = (uintptr_t)data + bytes / 2, .length = bytes - bytes / 2 },
	};
	u32 i;
	int err;

	for (i = 0; i < bytes; i++)
		data[i] = kv_pattern(seed, i);
	job->rdma.wr.sg_list = sges;
	job->rdma.wr.num_sge = 2;
	job->rdma.wr.send_flags |= IB_SEND_INLINE;
	err = ib_post_send(job->end->id->qp, &job->rdma.wr, bad);
	atomic_set(&job->posted, !err);
	memset(data, 0, sizeof(data));
	return err;
}

static int inlined(struct kv_link *l, struct kv_region *r, u32 bytes)
{
	struct kv_job *recv = kv_job_new(&l->peer, IB_WC_RECV), *write, *send;
	u32 i;
	int err;

	write = kv_rdma(&l->owner, IB_WR_RDMA_WRITE, kv_sge(&l->owner, 0, 0), r->mr->iova,
			r->mr->rkey);
	send = kv_send(&l->owner, 0);
	if (!recv || !write || !send)
		return -ENOMEM;
	recv->sge = kv_sge(&l->peer, 0, KV_INLINE);
	recv->recv.wr_cqe = &recv->cqe;
	recv->recv.sg_list = &recv->sge;
	recv->recv.num_sge = 1;
	kv_post(recv);
	err = post_inline(write, bytes, bytes, NULL);
	err = err ?: post_inline(send, bytes, bytes + 1, NULL);
	err = err ?: kv_await(write, IB_WC_SUCCESS);
	err = err ?: kv_await(send, IB_WC_SUCCESS);
	err = err ?: kv_await(recv, IB_WC_SUCCESS);
	err = err ?: kv_expect(recv->wc.byte_len == bytes);
	err = err ?: kv_expect(kv_region_holds(r, bytes, 0, bytes));
	for (i = 0; i < bytes && !err; i++)
		err = kv_expect(l->peer.buf[i] == kv_pattern(bytes + 1, i));
	return err;
}

/* Test that inline data is taken when it is posted, up to its limit. */
int kv_test_inlined(struct kv_world *w)
{
	static const u32 bytes[] = { 0, 1, KV_INLINE - 1, KV_INLINE };
	const struct ib_send_wr *bad = NULL;
	struct kv_region r = {};
	struct kv_link *l;
	struct kv_job *job;
	int i, err;

	err = link_and_region(w, NULL, &l, &r);
	for (i = 0; i < ARRAY_SIZE(bytes) && !err; i++)
		err = inlined(l, &r, bytes[i]);
	job = err ? NULL : kv_send(&l->owner, 0);
	if (job) {
		err = kv_expect(post_inline(job, KV_INLINE + 1, 0, &bad) == -EINVAL);
		err = err ?: kv_expect(bad == &job->rdma.wr);
		err = err ?: inlined(l, &r, KV_INLINE);
	}
	err = kv_link_close(l, err);
	kv_region_free(&r);
	return err;
}
