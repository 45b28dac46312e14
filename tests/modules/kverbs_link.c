// SPDX-License-Identifier: GPL-2.0
/*
 * Connections whose ends are both ours: made, and taken down with every work
 * request accounted for.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include "kverbs.h"

#define BUF_SIZE	(KV_DATA + 2 * KV_MESSAGE)
#define CQ_SIZE		(4 * KV_DEPTH)
#define READS		16

DECLARE_WAIT_QUEUE_HEAD(kv_happened);

int kv_wrong(const char *where, int line, const char *what)
{
	pr_err("wharf_kverbs: %s:%d: not so: %s\n", where, line, what);
	return -EPROTO;
}

static void qp_event(struct ib_event *event, void *context)
{
	struct kv_end *e = context;

	set_bit(event->event, &e->events);
	wake_up(&kv_happened);
}

static int end_open(struct kv_end *e, struct ib_srq *srq)
{
	struct kv_link *l = e->link;
	struct ib_qp_init_attr attr = {
		.event_handler = qp_event,
		.qp_context = e,
		.sq_sig_type = IB_SIGNAL_REQ_WR,
		.qp_type = IB_QPT_RC,
		.srq = srq,
		.cap = {
			.max_send_wr = KV_DEPTH, .max_recv_wr = srq ? 0 : KV_DEPTH,
			.max_send_sge = KV_SGES, .max_recv_sge = KV_SGES,
			.max_inline_data = KV_INLINE,
		},
	};

	e->buf = kmalloc(BUF_SIZE, GFP_KERNEL);
	if (!e->buf)
		return -ENOMEM;
	memset(e->buf, KV_POISON, BUF_SIZE);
	e->dma = ib_dma_map_single(l->world->dev, e->buf, BUF_SIZE, DMA_BIDIRECTIONAL);
	e->cq = ib_alloc_cq(l->world->dev, e, CQ_SIZE, 0, l->poll);
	if (IS_ERR(e->cq))
		return PTR_ERR(e->cq);
	attr.send_cq = e->cq;
	attr.recv_cq = e->cq;
	return rdma_create_qp(e->id, l->pd, &attr);
}

static void end_free(struct kv_end *e)
{
	if (e->id && e->id->qp)
		rdma_destroy_qp(e->id);
	if (!IS_ERR_OR_NULL(e->cq))
		ib_free_cq(e->cq);
	if (e->buf)
		ib_dma_unmap_single(e->link->world->dev, e->dma, BUF_SIZE, DMA_BIDIRECTIONAL);
	kfree(e->buf);
	if (e->id)
		rdma_destroy_id(e->id);
}

static int accept(struct kv_world *w, struct rdma_cm_id *id)
{
	struct rdma_conn_param param = { .responder_resources = READS, .initiator_depth = READS };
	struct kv_end *e = w->opening ? &w->opening->peer : NULL;
	int err;

	if (!e || e->id)
		return -ECONNREFUSED;
	e->id = id;
	id->context = e;
	err = end_open(e, e->link->srq);
	err = err ?: rdma_accept(id, &param);
	if (err) {
		/* The caller has the id destroyed. */
		if (id->qp)
			rdma_destroy_qp(id);
		e->id = NULL;
		e->failed = true;
		wake_up(&kv_happened);
	}
	return err;
}

static int handler(struct rdma_cm_id *id, struct rdma_cm_event *event)
{
	struct kv_end *e = id->context;

	switch (event->event) {
	case RDMA_CM_EVENT_CONNECT_REQUEST:
		return accept(id->context, id);
	case RDMA_CM_EVENT_ADDR_RESOLVED:
	case RDMA_CM_EVENT_ROUTE_RESOLVED:
	case RDMA_CM_EVENT_ESTABLISHED:
		WRITE_ONCE(e->steps, e->steps + 1);
		break;
	case RDMA_CM_EVENT_DISCONNECTED:
		WRITE_ONCE(e->gone, true);
		break;
	case RDMA_CM_EVENT_TIMEWAIT_EXIT:
		break;
	default:
		pr_err("wharf_kverbs: %s, status %d\n", rdma_event_msg(event->event),
		       event->status);
		WRITE_ONCE(e->failed, true);
		break;
	}
	wake_up(&kv_happened);
	return 0;
}

static int await_step(struct kv_end *e, u32 steps)
{
	if (!kv_happens(READ_ONCE(e->steps) >= steps || READ_ONCE(e->failed)))
		return kv_wrong(__func__, steps, "an event came in time");
	return e->failed ? -ECONNREFUSED : 0;
}

static int connect(struct kv_link *l)
{
	struct rdma_conn_param param = { .responder_resources = READS, .initiator_depth = READS };
	struct kv_world *w = l->world;
	struct kv_end *e = &l->owner;
	struct rdma_cm_id *id;
	int err;

	id = rdma_create_id(w->net, handler, e, RDMA_PS_TCP, IB_QPT_RC);
	if (IS_ERR(id))
		return PTR_ERR(id);
	e->id = id;
	err = rdma_resolve_addr(id, NULL, (struct sockaddr *)&w->addr, 2000);
	err = err ?: await_step(e, 1);
	err = err ?: kv_expect(id->device == w->dev);
	err = err ?: rdma_resolve_route(id, 2000);
	err = err ?: await_step(e, 2);
	err = err ?: end_open(e, NULL);
	err = err ?: rdma_connect(id, &param);
	err = err ?: await_step(e, 3);
	return err ?: await_step(&l->peer, 1);
}

/* An ERR_PTR if it does not come about. */
struct kv_link *kv_link_open(struct kv_world *w, enum ib_poll_context poll, struct ib_srq *srq)
{
	struct kv_link *l = kzalloc(sizeof(*l), GFP_KERNEL);
	int err;

	if (!l)
		return ERR_PTR(-ENOMEM);
	l->world = w;
	l->pd = w->pd;
	l->poll = poll;
	l->srq = srq;
	l->owner.link = l;
	l->peer.link = l;
	INIT_LIST_HEAD(&l->jobs);
	w->opening = l;
	err = connect(l);
	w->opening = NULL;
	if (!err)
		return l;
	return ERR_PTR(kv_link_close(l, err));
}

static void end_stop(struct kv_end *e)
{
	struct ib_qp_attr attr = { .qp_state = IB_QPS_ERR };

	if (!e->id || !e->id->qp)
		return;
	rdma_disconnect(e->id);
	ib_modify_qp(e->id->qp, &attr, IB_QP_STATE);
}

/* Signalled: exactly once each time. Others: not at all, but for the last, when it failed. */
static bool accounted_for(struct kv_job *job)
{
	int posted = atomic_read(&job->posted), done = atomic_read(&job->done);

	if (job->silent)
		return !done || (posted == 1 && done == 1 && job->wc.status != IB_WC_SUCCESS);
	return done == posted;
}

/* Passes @err on, or else what is wrong now. */
int kv_link_close(struct kv_link *l, int err)
{
	struct kv_job *job, *next;

	if (IS_ERR_OR_NULL(l))
		return err ?: PTR_ERR(l);
	if (l->stuck) {
		__module_get(THIS_MODULE);
		return err ?: -EBUSY;
	}
	end_stop(&l->owner);
	end_stop(&l->peer);
	list_for_each_entry(job, &l->jobs, list) {
		if (job->silent || kv_job_wait(job))
			continue;
		err = err ?: kv_expect(!"every request completes");
		break;
	}
	end_free(&l->owner);
	end_free(&l->peer);
	list_for_each_entry_safe(job, next, &l->jobs, list) {
		err = err ?: kv_expect(accounted_for(job));
		kfree(job);
	}
	kfree(l);
	return err;
}

int kv_world_open(struct kv_world *w)
{
	struct rdma_cm_id *id;
	int err;

	id = rdma_create_id(w->net, handler, w, RDMA_PS_TCP, IB_QPT_RC);
	if (IS_ERR(id))
		return PTR_ERR(id);
	w->listener = id;
	err = rdma_bind_addr(id, (struct sockaddr *)&w->addr);
	err = err ?: rdma_listen(id, 4);
	err = err ?: kv_expect(id->device);
	if (err)
		return err;
	w->dev = id->device;
	w->pd = ib_alloc_pd(w->dev, 0);
	return PTR_ERR_OR_ZERO(w->pd);
}

void kv_world_close(struct kv_world *w)
{
	if (w->listener)
		rdma_destroy_id(w->listener);
	if (!IS_ERR_OR_NULL(w->pd))
		ib_dealloc_pd(w->pd);
}
