// SPDX-License-Identifier: GPL-2.0
/*
 * Work requests that remember what became of them.
 */
#include <linux/slab.h>
#include "kverbs.h"

#define SEND_AT		KV_DATA
#define RECV_AT		(KV_DATA + KV_MESSAGE)

static void job_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct kv_job *job = container_of(wc->wr_cqe, struct kv_job, cqe);

	if (job->freed && wc->status == IB_WC_SUCCESS)
		kv_region_poison(job->freed);
	job->wc = *wc;
	job->softirq = in_serving_softirq();
	if (job->loop && wc->status == IB_WC_SUCCESS)
		kv_post(job);
	/* After what it tells; a job that was posted again is not over meanwhile. */
	smp_mb__before_atomic();
	atomic_inc(&job->done);
	wake_up(&kv_happened);
}

struct kv_job *kv_job_new(struct kv_end *end, enum ib_wc_opcode opcode)
{
	struct kv_job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	if (!job)
		return NULL;
	job->cqe.done = job_done;
	job->end = end;
	job->opcode = opcode;
	INIT_LIST_HEAD(&job->list);
	if (end)
		list_add_tail(&job->list, &end->link->jobs);
	return job;
}

static struct kv_job *send_job(struct kv_end *end, enum ib_wc_opcode wc_opcode,
			       enum ib_wr_opcode opcode)
{
	struct kv_job *job = kv_job_new(end, wc_opcode);

	if (!job)
		return NULL;
	job->rdma.wr.wr_cqe = &job->cqe;
	job->rdma.wr.opcode = opcode;
	job->rdma.wr.send_flags = IB_SEND_SIGNALED;
	return job;
}

struct kv_job *kv_rdma(struct kv_end *end, enum ib_wr_opcode opcode, struct ib_sge sge,
		       u64 addr, u32 rkey)
{
	struct kv_job *job = send_job(end, opcode == IB_WR_RDMA_WRITE ? IB_WC_RDMA_WRITE :
				      IB_WC_RDMA_READ, opcode);

	if (!job)
		return NULL;
	job->sge = sge;
	job->rdma.wr.sg_list = &job->sge;
	job->rdma.wr.num_sge = 1;
	job->rdma.remote_addr = addr;
	job->rdma.rkey = rkey;
	return job;
}

/* A message that is told by its seed */
struct kv_job *kv_send(struct kv_end *end, u8 seed)
{
	struct kv_job *job = send_job(end, IB_WC_SEND, IB_WR_SEND);
	u32 i;

	if (!job)
		return NULL;
	for (i = 0; i < KV_MESSAGE; i++)
		end->buf[SEND_AT + i] = kv_pattern(seed, i);
	job->sge = kv_sge(end, SEND_AT, KV_MESSAGE);
	job->rdma.wr.sg_list = &job->sge;
	job->rdma.wr.num_sge = 1;
	return job;
}

struct kv_job *kv_send_inv(struct kv_end *end, u32 rkey)
{
	struct kv_job *job = kv_send(end, 0);

	if (!job)
		return NULL;
	job->rdma.wr.opcode = IB_WR_SEND_WITH_INV;
	job->rdma.wr.ex.invalidate_rkey = rkey;
	return job;
}

struct kv_job *kv_recv(struct kv_end *end)
{
	struct kv_job *job = kv_job_new(end, IB_WC_RECV);

	if (!job)
		return NULL;
	job->sge = kv_sge(end, RECV_AT, KV_MESSAGE);
	job->recv.wr_cqe = &job->cqe;
	job->recv.sg_list = &job->sge;
	job->recv.num_sge = 1;
	return job;
}

struct kv_job *kv_reg(struct kv_end *end, struct kv_region *r, int access)
{
	struct kv_job *job = send_job(end, IB_WC_REG_MR, IB_WR_REG_MR);

	if (!job)
		return NULL;
	job->reg.mr = r->mr;
	job->reg.key = r->mr->rkey;
	job->reg.access = access;
	return job;
}

struct kv_job *kv_inv(struct kv_end *end, u32 rkey)
{
	struct kv_job *job = send_job(end, IB_WC_LOCAL_INV, IB_WR_LOCAL_INV);

	if (job)
		job->rdma.wr.ex.invalidate_rkey = rkey;
	return job;
}

struct kv_job *kv_post(struct kv_job *job)
{
	int err;

	if (!job)
		return NULL;
	atomic_inc(&job->posted);
	if (job->opcode == IB_WC_RECV)
		err = ib_post_recv(job->end->id->qp, &job->recv, NULL);
	else
		err = ib_post_send(job->end->id->qp, &job->rdma.wr, NULL);
	if (err) {
		atomic_dec(&job->posted);
		job->error = err;
	}
	return job;
}

bool kv_job_over(struct kv_job *job)
{
	return atomic_read_acquire(&job->done) >= atomic_read(&job->posted);
}

bool kv_job_wait(struct kv_job *job)
{
	unsigned long until = jiffies + KV_TIMEOUT;

	if (!job->end || job->end->link->poll != IB_POLL_DIRECT)
		return kv_happens(kv_job_over(job));
	/* Such a queue tells nobody. */
	while (!kv_job_over(job)) {
		ib_process_cq_direct(job->end->cq, KV_DEPTH);
		if (time_after(jiffies, until))
			return false;
		if (!kv_job_over(job))
			schedule_timeout_uninterruptible(1);
	}
	return true;
}

/* Its completion, and all that a completion says */
int kv_await_at(const char *where, int line, struct kv_job *job, enum ib_wc_status status)
{
	const struct ib_wc *wc;

	if (!job)
		return -ENOMEM;
	if (job->error) {
		pr_err("wharf_kverbs: %s:%d: posting: error %d\n", where, line, job->error);
		return job->error;
	}
	if (!kv_job_wait(job))
		return kv_wrong(where, line, "it completes");
	wc = &job->wc;
	if (wc->status != status) {
		pr_err("wharf_kverbs: %s:%d: completed with '%s', not '%s'\n", where, line,
		       ib_wc_status_msg(wc->status), ib_wc_status_msg(status));
		return -EPROTO;
	}
	if (atomic_read(&job->done) != 1)
		return kv_wrong(where, line, "it completes once");
	if (job->end && wc->qp != job->end->id->qp)
		return kv_wrong(where, line, "it names its QP");
	if (status != IB_WC_SUCCESS)
		return 0;
	if (wc->opcode != job->opcode)
		return kv_wrong(where, line, "it names its opcode");
	if (job->opcode == IB_WC_RDMA_READ && wc->byte_len != job->sge.length)
		return kv_wrong(where, line, "it names its length");
	return 0;
}

/* A message: when it is there, so is all that was written before. */
int kv_tell(struct kv_end *from, struct kv_end *to, u8 seed)
{
	struct kv_job *recv = kv_post(kv_recv(to));
	u32 i;
	int err;

	err = kv_do(kv_send(from, seed), IB_WC_SUCCESS);
	err = err ?: kv_await(recv, IB_WC_SUCCESS);
	err = err ?: kv_expect(recv->wc.byte_len == KV_MESSAGE && !recv->wc.wc_flags);
	for (i = 0; i < KV_MESSAGE && !err; i++)
		err = kv_expect(to->buf[RECV_AT + i] == kv_pattern(seed, i));
	return err;
}
