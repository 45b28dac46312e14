// SPDX-License-Identifier: GPL-2.0
/*
 * What an STag means to the peer, and when it does.
 */
#include <linux/slab.h>
#include "kverbs.h"

#define PAGES		5
#define OFFSET		100
#define CUT		77
#define REMOTE		(IB_ACCESS_REMOTE_READ | IB_ACCESS_REMOTE_WRITE)
#define ALL		(IB_ACCESS_LOCAL_WRITE | REMOTE)

enum { SEED_OLD = 1, SEED_NEW = 90 };

static const enum ib_wr_opcode both[] = { IB_WR_RDMA_WRITE, IB_WR_RDMA_READ };

/**
 * struct stage - a link, and a region of its owner's that holds SEED_OLD
 * @l: the link
 * @r: the region
 */
struct stage {
	struct kv_link *l;
	struct kv_region r;
};

static int stage_open(struct stage *s, struct kv_world *w, int access)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->l = kv_link_open(w, IB_POLL_SOFTIRQ, NULL);
	if (IS_ERR(s->l))
		return PTR_ERR(s->l);
	err = kv_region_make(&s->r, w->pd, PAGES, OFFSET, CUT);
	if (err)
		return err;
	kv_region_fill(&s->r, SEED_OLD);
	return access == KV_UNREGISTERED ? 0 :
		kv_do(kv_reg(&s->l->owner, &s->r, access), IB_WC_SUCCESS);
}

static int stage_close(struct stage *s, int err)
{
	err = kv_link_close(s->l, err);
	kv_region_free(&s->r);
	return err;
}

static struct kv_job *rdma(struct kv_link *l, struct kv_region *r, enum ib_wr_opcode opcode,
			   s32 at, u32 len)
{
	struct kv_end *peer = &l->peer;

	return kv_rdma(peer, opcode, kv_sge(peer, 0, len), r->mr->iova + at, r->mr->rkey);
}

/* The peer's Write or Read does what it should, and nothing else. */
static int permitted(struct kv_link *l, struct kv_region *r, enum ib_wr_opcode opcode, u32 at,
		     u32 len)
{
	struct kv_end *peer = &l->peer;
	u32 i;
	int err;

	kv_region_fill(r, SEED_OLD);
	memset(peer->buf, KV_POISON, KV_DATA);
	for (i = 0; opcode == IB_WR_RDMA_WRITE && i < len; i++)
		peer->buf[i] = kv_pattern(SEED_NEW, at + i);
	err = kv_do(rdma(l, r, opcode, at, len), IB_WC_SUCCESS);
	err = err ?: kv_tell(peer, &l->owner, 7);
	if (opcode == IB_WR_RDMA_READ) {
		for (i = 0; i < len && !err; i++)
			err = kv_expect(peer->buf[i] == kv_pattern(SEED_OLD, at + i));
		err = err ?: kv_expect(!memchr_inv(peer->buf + len, KV_POISON, KV_DATA - len));
		err = err ?: kv_expect(kv_region_holds(r, SEED_OLD, 0, r->bytes));
	} else {
		err = err ?: kv_expect(kv_region_holds(r, SEED_OLD, 0, at));
		err = err ?: kv_expect(kv_region_holds(r, SEED_NEW, at, at + len));
		err = err ?: kv_expect(kv_region_holds(r, SEED_OLD, at + len, r->bytes));
	}
	kv_region_fill(r, SEED_OLD);
	return err ?: kv_expect(kv_region_bordered(r));
}

/* @by's QP hears of @event, the other that it got a Terminate; neither of more. */
static int ended(struct kv_link *l, struct kv_end *by, enum ib_event_type event)
{
	struct kv_end *other = kv_other(by);
	int err;

	err = kv_expect(kv_happens(READ_ONCE(by->gone) && READ_ONCE(other->gone)));
	err = err ?: kv_expect(kv_happens(READ_ONCE(by->events) && READ_ONCE(other->events)));
	err = err ?: kv_expect(by->events == BIT(event));
	return err ?: kv_expect(other->events == BIT(IB_EVENT_QP_FATAL));
}

/* The peer's Write or Read moves nothing and ends the connection. */
static int refused(struct kv_link *l, struct kv_region *r, enum ib_wr_opcode opcode, s32 at,
		   u32 len)
{
	bool read = opcode == IB_WR_RDMA_READ;
	struct kv_end *peer = &l->peer;
	struct kv_job *owners, *peers;
	int err;

	kv_region_fill(r, SEED_OLD);
	memset(peer->buf, KV_POISON, KV_DATA);
	owners = kv_post(kv_recv(&l->owner));
	peers = kv_post(kv_recv(peer));
	/* A Write is over when it is sent: nobody answers it. */
	err = kv_do(rdma(l, r, opcode, at, len), read ? IB_WC_REM_ACCESS_ERR : IB_WC_SUCCESS);
	err = err ?: ended(l, &l->owner, IB_EVENT_QP_ACCESS_ERR);
	err = err ?: kv_await(owners, IB_WC_WR_FLUSH_ERR);
	err = err ?: kv_await(peers, IB_WC_WR_FLUSH_ERR);
	err = err ?: kv_expect(kv_region_holds(r, SEED_OLD, 0, r->bytes));
	err = err ?: kv_expect(kv_region_bordered(r));
	return err ?: kv_expect(!memchr_inv(peer->buf, KV_POISON, KV_DATA));
}

/* Test that an MR that was mapped but not registered is refused. */
int kv_test_unregistered(struct kv_world *w)
{
	struct stage s;
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(both) && !err; i++) {
		err = stage_open(&s, w, KV_UNREGISTERED);
		err = err ?: refused(s.l, &s.r, both[i], 0, 1000);
		err = stage_close(&s, err);
	}
	return err;
}

/* From region to region and back, all of it in one request each */
static int whole(struct kv_world *w, u32 count, u32 offset, u32 cut)
{
	struct kv_region far = {}, near = {};
	struct ib_sge sge;
	struct kv_link *l;
	int err;

	l = kv_link_open(w, IB_POLL_SOFTIRQ, NULL);
	err = PTR_ERR_OR_ZERO(l);
	err = err ?: kv_region_make(&near, w->pd, count, offset, cut);
	err = err ?: kv_region_make(&far, w->pd, count, offset, cut);
	err = err ?: kv_do(kv_reg(&l->owner, &near, ALL), IB_WC_SUCCESS);
	err = err ?: kv_do(kv_reg(&l->peer, &far, IB_ACCESS_LOCAL_WRITE), IB_WC_SUCCESS);
	if (err)
		goto out;
	sge = (struct ib_sge){ far.mr->iova, far.bytes, far.mr->lkey };
	kv_region_fill(&far, SEED_NEW);
	err = kv_do(kv_rdma(&l->peer, IB_WR_RDMA_WRITE, sge, near.mr->iova, near.mr->rkey),
		    IB_WC_SUCCESS);
	err = err ?: kv_tell(&l->peer, &l->owner, 7);
	err = err ?: kv_expect(kv_region_holds(&near, SEED_NEW, 0, near.bytes));
	err = err ?: kv_expect(kv_region_bordered(&near));

	kv_region_fill(&near, SEED_OLD);
	err = err ?: kv_do(kv_rdma(&l->peer, IB_WR_RDMA_READ, sge, near.mr->iova, near.mr->rkey),
			   IB_WC_SUCCESS);
	err = err ?: kv_expect(kv_region_holds(&far, SEED_OLD, 0, far.bytes));
	err = err ?: kv_expect(kv_region_bordered(&far));
out:
	err = kv_link_close(l, err);
	kv_region_free(&near);
	kv_region_free(&far);
	return err;
}

/* Test that lists of any length are registered as they are, and no longer ones. */
int kv_test_registered(struct kv_world *w)
{
	u32 max = w->dev->attrs.max_fast_reg_page_list_len;
	struct kv_region r = {};
	struct ib_mr *mr;
	int err;

	err = kv_expect(max >= 256);
	err = err ?: whole(w, 1, 0, 0);
	err = err ?: whole(w, 1, 4000, 95);
	err = err ?: whole(w, PAGES, OFFSET, CUT);
	err = err ?: whole(w, max, 8, 0);
	if (err)
		return err;
	mr = ib_alloc_mr(w->pd, IB_MR_TYPE_MEM_REG, max + 1);
	if (!IS_ERR(mr)) {
		ib_dereg_mr(mr);
		return kv_expect(!"more than the maximum is refused");
	}
	mr = ib_alloc_mr(w->pd, IB_MR_TYPE_MEM_REG, PAGES - 1);
	if (IS_ERR(mr))
		return PTR_ERR(mr);
	err = kv_region_make(&r, w->pd, PAGES, OFFSET, CUT);
	err = err ?: kv_expect(ib_map_mr_sg(mr, r.sg, PAGES, NULL, SZ_4K) == PAGES - 1);
	kv_region_free(&r);
	ib_dereg_mr(mr);
	return err;
}

/* Test that what is registered without a completion is there for who is told next. */
int kv_test_chain(struct kv_world *w)
{
	struct kv_job *reg, *send, *recv;
	struct stage s;
	int err;

	err = stage_open(&s, w, KV_UNREGISTERED);
	if (err)
		goto out;
	recv = kv_post(kv_recv(&s.l->peer));
	reg = kv_reg(&s.l->owner, &s.r, ALL);
	send = kv_send(&s.l->owner, 3);
	if (!reg || !send) {
		err = -ENOMEM;
		goto out;
	}
	reg->silent = true;
	reg->reg.wr.send_flags = 0;
	reg->reg.wr.next = &send->rdma.wr;
	atomic_inc(&send->posted);
	kv_post(reg);
	err = kv_await(recv, IB_WC_SUCCESS);
	err = err ?: permitted(s.l, &s.r, IB_WR_RDMA_WRITE, 1, 9000);
	err = err ?: permitted(s.l, &s.r, IB_WR_RDMA_READ, 1, 9000);
	err = err ?: kv_await(send, IB_WC_SUCCESS);
	err = err ?: kv_expect(!atomic_read(&reg->done));
out:
	return stage_close(&s, err);
}

/* Test that a region that is registered again has a new STag, and only that. */
int kv_test_renewed(struct kv_world *w)
{
	struct stage s;
	int i, err = 0;
	u32 old;

	for (i = 0; i < ARRAY_SIZE(both) && !err; i++) {
		err = stage_open(&s, w, ALL);
		err = err ?: permitted(s.l, &s.r, both[i], 0, 5000);
		if (err)
			goto out;
		old = s.r.mr->rkey;
		err = kv_do(kv_inv(&s.l->owner, old), IB_WC_SUCCESS);
		err = err ?: kv_region_renew(&s.r);
		err = err ?: kv_expect(s.r.mr->rkey != old && s.r.mr->rkey >> 8 == old >> 8);
		err = err ?: kv_do(kv_reg(&s.l->owner, &s.r, ALL), IB_WC_SUCCESS);
		err = err ?: permitted(s.l, &s.r, both[i], 0, 5000);
		s.r.mr->rkey = old;
		err = err ?: refused(s.l, &s.r, both[i], 0, 5000);
out:
		err = stage_close(&s, err);
	}
	return err;
}

/* Test that the peer may what it was granted, and nothing else. */
int kv_test_access(struct kv_world *w)
{
	static const struct {
		int access;
		enum ib_wr_opcode opcode;
		bool ok;
	} rows[] = {
		{ IB_ACCESS_REMOTE_READ, IB_WR_RDMA_READ, true },
		{ IB_ACCESS_REMOTE_READ, IB_WR_RDMA_WRITE, false },
		{ IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE, IB_WR_RDMA_WRITE, true },
		{ IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE, IB_WR_RDMA_READ, false },
		{ IB_ACCESS_LOCAL_WRITE, IB_WR_RDMA_WRITE, false },
		{ IB_ACCESS_LOCAL_WRITE, IB_WR_RDMA_READ, false },
	};
	struct stage s;
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(rows) && !err; i++) {
		err = stage_open(&s, w, rows[i].access);
		if (!err && rows[i].ok)
			err = permitted(s.l, &s.r, rows[i].opcode, 10, 6000);
		else if (!err)
			err = refused(s.l, &s.r, rows[i].opcode, 10, 6000);
		err = stage_close(&s, err);
	}
	return err;
}

/* Test the first and the last octet, and those beyond them. */
int kv_test_bounds(struct kv_world *w)
{
	const s32 bytes = PAGES * PAGE_SIZE - OFFSET - CUT;
	const struct {
		s32 at;
		u32 len;
		bool ok;
	} rows[] = {
		{ 0, 1, true },
		{ bytes - 1, 1, true },
		{ 0, bytes, true },
		{ -1, 1, false },
		{ -1, 2, false },
		{ bytes, 1, false },
		{ bytes - 1, 2, false },
		{ 0, bytes + 1, false },
		{ -1, bytes + 2, false },
	};
	struct stage s;
	int i, n, err = 0;

	for (i = 0; i < ARRAY_SIZE(rows) && !err; i++) {
		for (n = 0; n < ARRAY_SIZE(both) && !err; n++) {
			err = stage_open(&s, w, ALL);
			if (!err && rows[i].ok)
				err = permitted(s.l, &s.r, both[n], rows[i].at, rows[i].len);
			else if (!err)
				err = refused(s.l, &s.r, both[n], rows[i].at, rows[i].len);
			err = stage_close(&s, err);
		}
	}
	return err;
}

/* Test that LOCAL_INV takes effect, once and for all. */
int kv_test_invalidated(struct kv_world *w)
{
	struct stage s;
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(both) && !err; i++) {
		err = stage_open(&s, w, ALL);
		err = err ?: permitted(s.l, &s.r, both[i], 0, 5000);
		err = err ?: kv_do(kv_inv(&s.l->owner, s.r.mr->rkey), IB_WC_SUCCESS);
		err = err ?: kv_do(kv_inv(&s.l->owner, s.r.mr->rkey), IB_WC_SUCCESS);
		err = err ?: kv_tell(&s.l->owner, &s.l->peer, 5);
		err = err ?: refused(s.l, &s.r, both[i], 0, 5000);
		err = stage_close(&s, err);
	}
	return err;
}

/* @job, of the owner's, fails with @status and takes what was posted behind it along. */
static int fails_with(struct kv_link *l, struct kv_job *job, enum ib_wc_status status)
{
	struct kv_job *send, *recv = kv_post(kv_recv(&l->peer));
	int err;

	send = kv_send(&l->owner, 4);
	kv_post(job);
	kv_post(send);
	err = kv_await(job, status);
	err = err ?: kv_await(send, IB_WC_WR_FLUSH_ERR);
	err = err ?: kv_await(recv, IB_WC_WR_FLUSH_ERR);
	return err ?: ended(l, &l->owner, IB_EVENT_QP_FATAL);
}

static int fails(struct kv_link *l, struct kv_job *job)
{
	return fails_with(l, job, IB_WC_LOC_PROT_ERR);
}

/*
 * Test that an STag that is none can be neither invalidated nor registered, nor
 * memory that was not mapped.
 */
int kv_test_unknown(struct kv_world *w)
{
	struct stage s;
	int i, err = 0;

	/* An index that nobody has; a key that it has not. */
	for (i = 0; i < 2 && !err; i++) {
		err = stage_open(&s, w, ALL);
		err = err ?: fails(s.l, kv_inv(&s.l->owner, s.r.mr->rkey ^ (i ? 1 : 0x800000)));
		err = stage_close(&s, err);
	}
	if (err)
		return err;
	err = stage_open(&s, w, KV_UNREGISTERED);
	if (!err) {
		s.r.mr->rkey ^= 0x800000;
		err = fails(s.l, kv_reg(&s.l->owner, &s.r, ALL));
	}
	err = stage_close(&s, err);
	if (err)
		return err;

	/* More than was mapped */
	err = stage_open(&s, w, KV_UNREGISTERED);
	if (!err) {
		s.r.mr->length += s.r.mr->page_size;
		err = fails(s.l, kv_reg(&s.l->owner, &s.r, ALL));
	}
	return stage_close(&s, err);
}

/* Test that an STag which is valid is not registered anew, and means what it did. */
int kv_test_valid(struct kv_world *w)
{
	struct kv_link *l;
	struct stage s;
	int err;

	err = stage_open(&s, w, ALL);
	err = err ?: fails_with(s.l, kv_reg(&s.l->owner, &s.r, IB_ACCESS_LOCAL_WRITE),
				IB_WC_LOC_QP_OP_ERR);
	if (err)
		return stage_close(&s, err);
	l = kv_link_open(w, IB_POLL_SOFTIRQ, NULL);
	err = PTR_ERR_OR_ZERO(l);
	if (!err) {
		err = permitted(l, &s.r, IB_WR_RDMA_WRITE, 0, 5000);
		err = kv_link_close(l, err);
	}
	return stage_close(&s, err);
}

/* Test that a Send with Invalidate says so, and does so. */
int kv_test_send_inv(struct kv_world *w)
{
	struct kv_job *recv;
	struct stage s;
	int i, err = 0;

	for (i = 0; i <= ARRAY_SIZE(both) && !err; i++) {
		err = stage_open(&s, w, ALL);
		if (err)
			goto out;
		recv = kv_post(kv_recv(&s.l->owner));
		err = kv_do(kv_send_inv(&s.l->peer, s.r.mr->rkey), IB_WC_SUCCESS);
		err = err ?: kv_await(recv, IB_WC_SUCCESS);
		err = err ?: kv_expect(recv->wc.wc_flags == IB_WC_WITH_INVALIDATE);
		err = err ?: kv_expect(recv->wc.ex.invalidate_rkey == s.r.mr->rkey);
		err = err ?: kv_expect(recv->wc.byte_len == KV_MESSAGE);
		if (err)
			goto out;
		if (i < ARRAY_SIZE(both))
			err = refused(s.l, &s.r, both[i], 0, 5000);
		else	/* What the peer has done, the owner may do for safety's sake. */
			err = kv_do(kv_inv(&s.l->owner, s.r.mr->rkey), IB_WC_SUCCESS);
out:
		err = stage_close(&s, err);
	}
	if (err)
		return err;

	/* One that nothing was granted for is refused, and its receive says why. */
	err = stage_open(&s, w, IB_ACCESS_LOCAL_WRITE);
	if (!err) {
		recv = kv_post(kv_recv(&s.l->owner));
		err = kv_do(kv_send_inv(&s.l->peer, s.r.mr->rkey), IB_WC_SUCCESS);
		err = err ?: kv_await(recv, IB_WC_REM_INV_REQ_ERR);
		err = err ?: ended(s.l, &s.l->owner, IB_EVENT_QP_ACCESS_ERR);
	}
	return stage_close(&s, err);
}

/* Test that an RDMA Read with Invalidate leaves the data and takes the sink's STag. */
int kv_test_read_inv(struct kv_world *w)
{
	struct kv_region sink = {};
	struct kv_end *peer;
	struct ib_sge sge;
	struct stage s;
	int err;

	err = stage_open(&s, w, IB_ACCESS_REMOTE_READ);
	err = err ?: kv_region_make(&sink, w->pd, PAGES, OFFSET, CUT);
	if (err)
		goto out;
	peer = &s.l->peer;
	sge = (struct ib_sge){ sink.mr->iova, sink.bytes, sink.mr->lkey };
	err = kv_do(kv_reg(peer, &sink, IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE),
		    IB_WC_SUCCESS);
	err = err ?: kv_do(kv_rdma(peer, IB_WR_RDMA_READ_WITH_INV, sge, s.r.mr->iova,
				   s.r.mr->rkey), IB_WC_SUCCESS);
	err = err ?: kv_expect(kv_region_holds(&sink, SEED_OLD, 0, sink.bytes));
	err = err ?: kv_expect(kv_region_bordered(&sink));
	kv_region_poison(&sink);
	/* The source's STag is as valid as before. */
	err = err ?: permitted(s.l, &s.r, IB_WR_RDMA_READ, 0, 5000);
	err = err ?: kv_do(kv_rdma(peer, IB_WR_RDMA_READ, sge, s.r.mr->iova, s.r.mr->rkey),
			   IB_WC_LOC_PROT_ERR);
	err = err ?: ended(s.l, peer, IB_EVENT_QP_FATAL);
	err = err ?: kv_expect(kv_region_poisoned(&sink));
out:
	err = stage_close(&s, err);
	kv_region_free(&sink);
	return err;
}

/* Test that a QP can do nothing to what is in another protection domain. */
int kv_test_other_pd(struct kv_world *w)
{
	struct ib_pd *home = w->pd, *away = ib_alloc_pd(w->dev, 0);
	struct kv_link *l;
	struct stage s;
	int i, err;

	if (IS_ERR(away))
		return PTR_ERR(away);
	w->pd = away;
	err = stage_open(&s, w, ALL);
	w->pd = home;
	for (i = 0; i < 4 && !err; i++) {
		l = kv_link_open(w, IB_POLL_SOFTIRQ, NULL);
		err = PTR_ERR_OR_ZERO(l);
		if (!err && i < 2)
			err = refused(l, &s.r, both[i], 0, 5000);
		else if (!err && i == 2)
			err = fails(l, kv_inv(&l->owner, s.r.mr->rkey));
		else if (!err)
			err = fails(l, kv_reg(&l->owner, &s.r, IB_ACCESS_LOCAL_WRITE));
		err = kv_link_close(l, err);
		/* Nothing has changed for those who may. */
		err = err ?: permitted(s.l, &s.r, IB_WR_RDMA_WRITE, 0, 5000);
	}
	err = stage_close(&s, err);
	ib_dealloc_pd(away);
	return err;
}

/* Test that what is posted to a QP in error is flushed and does nothing. */
int kv_test_flushed(struct kv_world *w)
{
	struct ib_qp_attr attr = { .qp_state = IB_QPS_ERR };
	struct kv_link *l;
	struct stage s;
	int err;

	l = kv_link_open(w, IB_POLL_SOFTIRQ, NULL);
	if (IS_ERR(l))
		return PTR_ERR(l);
	err = ib_modify_qp(l->owner.id->qp, &attr, IB_QP_STATE);
	err = err ?: stage_open(&s, w, ALL);
	if (err)
		return kv_link_close(l, err);
	err = kv_do(kv_inv(&l->owner, s.r.mr->rkey), IB_WC_WR_FLUSH_ERR);
	err = err ?: kv_do(kv_recv(&l->owner), IB_WC_WR_FLUSH_ERR);
	err = err ?: permitted(s.l, &s.r, IB_WR_RDMA_WRITE, 0, 5000);
	err = err ?: kv_do(kv_inv(&s.l->owner, s.r.mr->rkey), IB_WC_SUCCESS);
	err = err ?: kv_region_renew(&s.r);
	err = err ?: kv_do(kv_reg(&l->owner, &s.r, ALL), IB_WC_WR_FLUSH_ERR);
	err = err ?: refused(s.l, &s.r, IB_WR_RDMA_WRITE, 0, 5000);
	err = stage_close(&s, err);
	return kv_link_close(l, err);
}

/*
 * Test that memory which is mapped for the next registration is no part of the one that is
 * valid still: rdma_rw and iser map first, and then post LOCAL_INV and REG_MR in a chain.
 */
int kv_test_remap(struct kv_world *w)
{
	struct kv_region next = {};
	struct kv_job *write;
	struct stage s;
	u32 i;
	int err;

	err = stage_open(&s, w, ALL);
	err = err ?: kv_region_make(&next, w->pd, 1, 2048, 1024);
	if (err)
		goto out;
	for (i = 0; i < 5000; i++)
		s.l->peer.buf[i] = kv_pattern(SEED_NEW, i);
	write = rdma(s.l, &s.r, IB_WR_RDMA_WRITE, 0, 5000);
	err = kv_expect(ib_map_mr_sg(s.r.mr, next.sg, 1, NULL, SZ_4K) == 1);
	err = err ?: kv_do(write, IB_WC_SUCCESS);
	err = err ?: kv_tell(&s.l->peer, &s.l->owner, 7);
	err = err ?: kv_expect(kv_region_poisoned(&next));
	err = err ?: kv_expect(kv_region_holds(&s.r, SEED_NEW, 0, 5000));
	err = err ?: kv_expect(kv_region_holds(&s.r, SEED_OLD, 5000, s.r.bytes));
out:
	err = stage_close(&s, err);
	kv_region_free(&next);
	return err;
}

#define WRITES		4	/* under way at once */

/*
 * A round: another connection writes as fast as it can; when LOCAL_INV has
 * completed the pages are the owner's alone, and stay as the owner leaves them.
 */
static int race(struct kv_world *w, struct stage *s, u32 round)
{
	struct kv_job *jobs[WRITES], *inv;
	struct kv_link *l;
	int i, err;

	err = kv_region_renew(&s->r);
	err = err ?: kv_do(kv_reg(&s->l->owner, &s->r, ALL), IB_WC_SUCCESS);
	if (err)
		return err;
	l = kv_link_open(w, round % 2 ? IB_POLL_SOFTIRQ : IB_POLL_WORKQUEUE, NULL);
	if (IS_ERR(l))
		return PTR_ERR(l);
	for (i = 0; i < KV_DATA; i++)
		l->peer.buf[i] = kv_pattern(round, i);
	err = kv_do(rdma(l, &s->r, IB_WR_RDMA_WRITE, 0, s->r.bytes), IB_WC_SUCCESS);
	err = err ?: kv_tell(&l->peer, &l->owner, round);
	err = err ?: kv_expect(kv_region_holds(&s->r, round, 0, s->r.bytes));
	if (err)
		goto out;
	for (i = 0; i < WRITES; i++) {
		jobs[i] = rdma(l, &s->r, IB_WR_RDMA_WRITE, i * 3, s->r.bytes - i * 3);
		if (jobs[i])
			jobs[i]->loop = true;
		kv_post(jobs[i]);
	}
	if (!jobs[0] || !kv_happens(atomic_read(&jobs[0]->done) > round % 8)) {
		err = kv_wrong(__func__, round, "it writes");
		goto out;
	}
	inv = kv_inv(&s->l->owner, s->r.mr->rkey);
	if (inv)
		inv->freed = &s->r;
	err = kv_do(inv, IB_WC_SUCCESS);
	err = err ?: ended(l, &l->owner, IB_EVENT_QP_ACCESS_ERR);
out:
	err = kv_link_close(l, err);
	err = err ?: kv_expect(kv_region_poisoned(&s->r));
	return err;
}

/* Test that nothing is placed any more when LOCAL_INV has completed. */
int kv_test_race(struct kv_world *w)
{
	struct stage s;
	u32 round;
	int err;

	err = stage_open(&s, w, KV_UNREGISTERED);
	for (round = 0; round < w->count && !err; round++)
		err = race(w, &s, round);
	return stage_close(&s, err);
}
