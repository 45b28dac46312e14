// SPDX-License-Identifier: GPL-2.0
/*
 * Queue pairs: their states, and their side of the connection manager.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <rdma/ib_user_verbs.h>
#include "siw.h"
#include "trace.h"

struct workqueue_struct *siw_wq;

static void qp_get(struct siw_qp *qp)
{
	refcount_inc(&qp->refs);
}

/* ib_device_ops.iw_add_ref: siw_qp_find() has taken the reference already. */
void siw_qp_add_ref(struct ib_qp *base)
{
}

void siw_qp_put(struct ib_qp *base)
{
	struct siw_qp *qp = to_siw_qp(base);

	if (refcount_dec_and_test(&qp->refs))
		complete(&qp->unused);
}

/**
 * siw_qp_find() - ib_device_ops.iw_get_qp
 * @ibdev: the device
 * @qpn: queue pair number, which may be any that a program wrote
 *
 * Comes with the reference that iw_cm asks for next, by iw_add_ref: nothing
 * else would keep the QP in between.
 *
 * Context: any, interrupts off included.
 * Return: the QP, or NULL.
 */
struct ib_qp *siw_qp_find(struct ib_device *ibdev, int qpn)
{
	struct xarray *qps = &to_siw_dev(ibdev)->qps;
	unsigned long flags;
	struct siw_qp *qp;

	xa_lock_irqsave(qps, flags);
	qp = xa_load(qps, qpn);
	if (qp)
		qp_get(qp);
	xa_unlock_irqrestore(qps, flags);
	return qp ? &qp->base : NULL;
}

/**
 * siw_qp_report() - tell the connection manager, if it has to do with this QP
 * @qp: the QP
 * @event: what happened
 *
 * Context: any but hard interrupt.
 */
void siw_qp_report(struct siw_qp *qp, enum iwarp_qp_event event)
{
	spin_lock_bh(&qp->lock);
	if (qp->ep)
		iwarp_cm_qp_event(qp->ep, event);
	spin_unlock_bh(&qp->lock);
}

static void qp_set_state(struct siw_qp *qp, enum siw_qp_state state)
{
	spin_lock_bh(&qp->lock);
	WRITE_ONCE(qp->state, state);
	spin_unlock_bh(&qp->lock);
}

/**
 * siw_qp_flush() - complete every work request of a QP in error
 * @qp: the QP, in SIW_QP_ERROR
 *
 * Context: stream lock, or qp->mutex without a stream.
 */
void siw_qp_flush(struct siw_qp *qp)
{
	struct core_completion c = {
		.opcode = SIW_OP_RECEIVE,
		.status = SIW_WC_WR_FLUSH_ERR,
	};
	struct siw_rqe rqe;
	u32 n;

	/* Who posts looks at the state after it has written: see siw_post_recv(). */
	smp_mb();
	/* One that goes on posting has its turn later; but destroy does not wait for it. */
	if (core_queue_flush(&qp->core) && !READ_ONCE(qp->destroyed))
		siw_qp_queue_work(qp, 1);
	/* The ring's size bounds what an application can add meanwhile. */
	for (n = 0; n < qp->rq.size && core_recv_fetch(&qp->core, &rqe); n++) {
		c.id = rqe.id;
		core_complete_recv(&qp->core, &c);
	}
}

/* Something is to be sent, or flushed. */
static void qp_kick(struct siw_qp *qp, void (*transmit)(struct siw_qp *qp, struct sock *sk))
{
	struct sock *sk = siw_stream_lock(qp);

	if (sk) {
		if (READ_ONCE(qp->state) == SIW_QP_ERROR)
			siw_qp_flush(qp);
		else
			transmit(qp, sk);
		siw_stream_unlock(sk);
		return;
	}
	mutex_lock(&qp->mutex);
	if (!qp->sk && qp->state == SIW_QP_ERROR)
		siw_qp_flush(qp);
	mutex_unlock(&qp->mutex);
}

void siw_qp_work(struct work_struct *work)
{
	struct siw_qp *qp = container_of(to_delayed_work(work), struct siw_qp,
					 work);

	qp_kick(qp, siw_stream_transmit);
	siw_qp_put(&qp->base);
}

static enum hrtimer_restart qp_gathered(struct hrtimer *timer)
{
	struct siw_qp *qp = container_of(timer, struct siw_qp, gather);

	/* The timer counts as not queued before the ring is looked at: see siw_qp_doorbell(). */
	smp_mb();
	if (!siw_stream_transmit_gathered(qp))
		siw_qp_queue_work(qp, 0);
	return HRTIMER_NORESTART;
}

/**
 * siw_qp_doorbell() - a user application has posted something
 * @qp: the QP
 *
 * The caller sends it, at once. One that posts message by message, faster than
 * they go out, would pay for TCP's whole way with each of them: what it posts
 * is gathered for a moment, and sent by a timer.
 *
 * Context: sleeping.
 */
void siw_qp_doorbell(struct siw_qp *qp)
{
	if (!READ_ONCE(qp->stream.posting) || READ_ONCE(qp->state) != SIW_QP_RTS) {
		qp_kick(qp, siw_stream_transmit_posted);
		return;
	}
	/*
	 * A timer that is queued will see what is posted: the entry comes before this
	 * look, as the end of being queued comes before the timer's look at the ring.
	 */
	smp_mb();
	if (!hrtimer_is_queued(&qp->gather))
		hrtimer_start(&qp->gather, ns_to_ktime(READ_ONCE(qp->stream.gather)),
			      HRTIMER_MODE_REL_SOFT);
}

/**
 * siw_qp_refuse_posts() - a user application rings before there is a connection
 * @qp: the QP
 *
 * libsiw tells the application that its request was refused, and leaves it in the
 * ring: it would go out with the connection.
 *
 * Context: sleeping.
 * Return: false if there is a connection, or has been one, by now.
 */
bool siw_qp_refuse_posts(struct siw_qp *qp)
{
	bool idle;

	mutex_lock(&qp->mutex);
	idle = qp->state == SIW_QP_IDLE;
	if (idle)
		core_queue_forget(&qp->core);
	mutex_unlock(&qp->mutex);
	return idle;
}

/* By @delay: what comes sooner looks at everything, and what comes later must not hold it up. */
static bool qp_work_comes(const struct siw_qp *qp, unsigned long delay)
{
	if (!delayed_work_pending(&qp->work))
		return false;
	return !timer_pending(&qp->work.timer) ||
	       !time_before(jiffies + delay, READ_ONCE(qp->work.timer.expires));
}

/**
 * siw_qp_queue_work() - have what is posted sent, or flushed, soon
 * @qp: the QP
 * @delay: in jiffies
 *
 * Context: any.
 */
void siw_qp_queue_work(struct siw_qp *qp, unsigned long delay)
{
	unsigned long flags;

	spin_lock_irqsave(&qp->sq_lock, flags);
	/* A work that is queued still will see what was written before this. */
	smp_mb__after_spinlock();
	if (!qp_work_comes(qp, delay)) {
		/*
		 * mod_delayed_work() does not tell a work that is disabled, since it is
		 * being cancelled.
		 */
		if (!cancel_delayed_work(&qp->work))
			qp_get(qp);
		if (!queue_delayed_work(siw_wq, &qp->work, delay))
			siw_qp_put(&qp->base);
	}
	spin_unlock_irqrestore(&qp->sq_lock, flags);
}

static int qp_check_attr(struct ib_qp_init_attr *attr)
{
	if (attr->create_flags)
		return -EOPNOTSUPP;
	if (attr->qp_type != IB_QPT_RC)
		return -EOPNOTSUPP;
	if (!attr->send_cq || !attr->recv_cq)
		return -EINVAL;
	if (attr->cap.max_send_wr > SIW_MAX_QP_WR ||
	    (!attr->srq && attr->cap.max_recv_wr > SIW_MAX_QP_WR) ||
	    attr->cap.max_send_sge > SIW_MAX_SGE ||
	    attr->cap.max_recv_sge > SIW_MAX_SGE ||
	    attr->cap.max_inline_data > SIW_MAX_INLINE)
		return -EINVAL;
	return 0;
}

static int qp_alloc_rings(struct siw_qp *qp, struct ib_qp_init_attr *attr,
			  struct ib_ucontext *uctx,
			  struct siw_uresp_create_qp *resp)
{
	struct core_qp *core = &qp->core;

	core->sq_size = siw_ring_size(attr->cap.max_send_wr);
	core->sq = siw_ring_alloc(uctx, core->sq_size * sizeof(*core->sq),
				  &qp->sq_entry, &resp->sq_key);
	if (IS_ERR(core->sq))
		return -ENOMEM;
	if (qp->srq)
		resp->rq_key = 0;	/* libsiw does without a ring, but not without a key */
	else if (siw_rq_alloc(&qp->rq, attr->cap.max_recv_wr, uctx, &resp->rq_key))
		goto err_sq;

	resp->num_sqe = core->sq_size;
	resp->num_rqe = qp->rq.size;
	return 0;

err_sq:
	siw_ring_free(qp->sq_entry, core->sq);
	return -ENOMEM;
}

static void qp_free_rings(struct siw_qp *qp)
{
	siw_rq_free(&qp->rq);
	siw_ring_free(qp->sq_entry, qp->core.sq);
	kvfree(qp->core.sends);
	kfree(qp->core.orq);
	kfree(qp->core.irq);
}

int siw_create_qp(struct ib_qp *base, struct ib_qp_init_attr *attr,
		  struct ib_udata *udata)
{
	struct siw_device *dev = to_siw_dev(base->device);
	struct siw_uresp_create_qp resp = {};
	struct siw_qp *qp = to_siw_qp(base);
	struct ib_ucontext *uctx = NULL;
	int err;

	err = qp_check_attr(attr);
	if (err)
		return err;
	if (udata) {
		if (udata->outlen < sizeof(resp))
			return -EINVAL;
		uctx = &rdma_udata_to_drv_context(udata, struct siw_ucontext,
						  base)->base;
	}

	qp->dev = dev;
	qp->kernel = !udata;
	qp->sig_all = attr->sq_sig_type == IB_SIGNAL_ALL_WR;
	qp->scq = to_siw_cq(attr->send_cq);
	qp->rcq = to_siw_cq(attr->recv_cq);
	qp->srq = attr->srq ? to_siw_srq(attr->srq) : NULL;
	/* iWARP's Idle is the verbs' INIT, where an RNIC's QP begins. */
	qp->state = SIW_QP_IDLE;
	qp->attr_state = IB_QPS_INIT;
	qp->event = -1;
	refcount_set(&qp->refs, 1);
	init_completion(&qp->unused);
	mutex_init(&qp->mutex);
	spin_lock_init(&qp->lock);
	spin_lock_init(&qp->sq_lock);
	spin_lock_init(&qp->rq.lock);
	INIT_DELAYED_WORK(&qp->work, siw_qp_work);
	hrtimer_init(&qp->gather, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	qp->gather.function = qp_gathered;

	err = qp_alloc_rings(qp, attr, uctx, &resp);
	if (err)
		return err;

	attr->cap.max_send_wr = qp->core.sq_size;
	attr->cap.max_recv_wr = qp->rq.size;
	attr->cap.max_send_sge = SIW_MAX_SGE;
	attr->cap.max_recv_sge = SIW_MAX_SGE;
	attr->cap.max_inline_data = SIW_MAX_INLINE;

	err = xa_alloc_cyclic_irq(&dev->qps, &base->qp_num, NULL,
				  XA_LIMIT(1, SIW_MAX_QP), &dev->next_qpn,
				  GFP_KERNEL);
	if (err < 0)
		goto err_rings;
	if (udata) {
		resp.qp_id = base->qp_num;
		err = ib_copy_to_udata(udata, &resp, sizeof(resp));
		if (err)
			goto err_xa;
	}
	/* Last: it can be found from here on, and there is no way back. */
	xa_store_irq(&dev->qps, base->qp_num, qp, GFP_KERNEL);
	return 0;

err_xa:
	xa_erase_irq(&dev->qps, base->qp_num);
err_rings:
	qp_free_rings(qp);
	return err;
}

static void qp_raise(struct siw_qp *qp, enum ib_event_type type)
{
	struct ib_event event = {
		.device = qp->base.device,
		.element.qp = &qp->base,
		.event = type,
	};

	if (qp->base.event_handler)
		qp->base.event_handler(&event, qp->base.qp_context);
}

/*
 * Is it time for LAST_WQE_REACHED? A QP that receives by an SRQ has completed what it
 * took from there, and takes no more: consumers wait for that before they destroy it.
 */
static bool qp_take_last_wqe(struct siw_qp *qp)
{
	bool first = qp->srq && !qp->last_wqe;

	lockdep_assert_held(&qp->mutex);
	qp->last_wqe = true;
	return first;
}

/*
 * To error: end the stream, flush, and have a pending connect given up. Returns whether
 * LAST_WQE_REACHED is to be raised.
 */
static bool qp_to_error(struct siw_qp *qp)
{
	struct sock *sk;
	bool last_wqe;

	mutex_lock(&qp->mutex);
	sk = siw_stream_lock(qp);
	if (sk) {
		siw_stream_fail(qp, IWARP_QP_ERROR);
		siw_stream_unlock(sk);
	} else {
		qp_set_state(qp, SIW_QP_ERROR);
		siw_qp_flush(qp);
		siw_qp_report(qp, IWARP_QP_ERROR);
	}
	last_wqe = qp_take_last_wqe(qp);
	mutex_unlock(&qp->mutex);
	return last_wqe;
}

int siw_destroy_qp(struct ib_qp *base, struct ib_udata *udata)
{
	struct siw_qp *qp = to_siw_qp(base);

	xa_erase_irq(&qp->dev->qps, base->qp_num);
	WRITE_ONCE(qp->destroyed, true);
	/* This is no time for LAST_WQE_REACHED. */
	qp_to_error(qp);
	/* Nobody rings any more; it may queue the work once more. */
	hrtimer_cancel(&qp->gather);
	if (cancel_delayed_work_sync(&qp->work))
		siw_qp_put(base);
	/* The connection manager and iw_cm let go once they have seen the end. */
	siw_qp_put(base);
	wait_for_completion(&qp->unused);
	qp_free_rings(qp);
	return 0;
}

/*
 * An orderly end: what was posted is sent and answered, then our side of TCP
 * closes; but no peer is waited for without a bound.
 */
static int qp_to_closing(struct siw_qp *qp, bool tell)
{
	struct sock *sk = siw_stream_lock(qp);
	u32 bound;

	if (!sk)
		return READ_ONCE(qp->state) == SIW_QP_ERROR ? 0 : -EINVAL;
	if (qp->state == SIW_QP_RTS) {
		bound = READ_ONCE(qp->dev->cm.settings.close_timeout);
		qp->stream.close_by = jiffies + msecs_to_jiffies(bound);
		qp->stream.tell_drained = tell;
		qp_set_state(qp, SIW_QP_CLOSING);
		siw_stream_transmit(qp, sk);
	}
	siw_stream_unlock(sk);
	return 0;
}

/*
 * Back to the beginning, when nothing is left of a connection. What was posted is forgotten,
 * without completions; what an SRQ has is others', too.
 */
static int qp_reset(struct siw_qp *qp)
{
	int err = -EINVAL;
	struct siw_rqe rqe;
	u32 n;

	mutex_lock(&qp->mutex);
	spin_lock_bh(&qp->lock);
	if (!qp->ep && !qp->sk) {
		qp->state = SIW_QP_IDLE;
		qp->attr_state = IB_QPS_RESET;
		qp->last_wqe = false;
		err = 0;
	}
	spin_unlock_bh(&qp->lock);
	if (!err)
		core_queue_forget(&qp->core);
	/* The ring's size bounds what an application can add meanwhile. */
	for (n = 0; !err && n < qp->rq.size && siw_rq_fetch(&qp->rq, &rqe); n++)
		;
	mutex_unlock(&qp->mutex);
	return err;
}

static int qp_idle_step(struct siw_qp *qp, enum ib_qp_state to)
{
	int err = -EINVAL;

	spin_lock_bh(&qp->lock);
	if (qp->state == SIW_QP_IDLE && to >= qp->attr_state) {
		qp->attr_state = to;
		err = 0;
	}
	spin_unlock_bh(&qp->lock);
	return err;
}

int siw_modify_qp(struct ib_qp *base, struct ib_qp_attr *attr, int mask,
		  struct ib_udata *udata)
{
	struct siw_qp *qp = to_siw_qp(base);

	/* A ring keeps its size. How many RDMA Reads there may be is agreed on by MPA. */
	if (mask & (~IB_QP_ATTR_STANDARD_BITS | IB_QP_CAP))
		return -EOPNOTSUPP;
	if (mask & IB_QP_ACCESS_FLAGS)
		qp->access = attr->qp_access_flags;
	if (!(mask & IB_QP_STATE))
		return 0;

	switch (attr->qp_state) {
	case IB_QPS_RESET:
		return qp_reset(qp);
	case IB_QPS_INIT:
	case IB_QPS_RTR:
		return qp_idle_step(qp, attr->qp_state);
	case IB_QPS_RTS:
		/* Only MPA gets it there; saying it again does no harm. */
		return READ_ONCE(qp->state) == SIW_QP_RTS ? 0 : -EINVAL;
	case IB_QPS_SQD:
		return qp_to_closing(qp, mask & IB_QP_EN_SQD_ASYNC_NOTIFY &&
					 attr->en_sqd_async_notify);
	case IB_QPS_ERR:
		if (qp_to_error(qp))
			qp_raise(qp, IB_EVENT_QP_LAST_WQE_REACHED);
		return 0;
	default:
		return -EINVAL;
	}
}

int siw_query_qp(struct ib_qp *base, struct ib_qp_attr *attr, int mask,
		 struct ib_qp_init_attr *init)
{
	static const enum ib_qp_state state[] = {
		[SIW_QP_RTS] = IB_QPS_RTS,
		[SIW_QP_CLOSING] = IB_QPS_SQD,
		[SIW_QP_ERROR] = IB_QPS_ERR,
	};
	struct siw_qp *qp = to_siw_qp(base);
	enum siw_qp_state now = READ_ONCE(qp->state);

	memset(attr, 0, sizeof(*attr));
	attr->qp_state = now == SIW_QP_IDLE ? qp->attr_state : state[now];
	attr->cur_qp_state = attr->qp_state;
	attr->cap.max_send_wr = qp->core.sq_size;
	attr->cap.max_recv_wr = qp->rq.size;
	attr->cap.max_send_sge = SIW_MAX_SGE;
	attr->cap.max_recv_sge = SIW_MAX_SGE;
	attr->cap.max_inline_data = SIW_MAX_INLINE;
	attr->path_mtu = ib_mtu_int_to_enum(READ_ONCE(qp->dev->netdev->mtu));
	attr->max_rd_atomic = qp->core.ord;
	attr->max_dest_rd_atomic = qp->core.ird;
	attr->qp_access_flags = qp->access;
	attr->port_num = 1;

	memset(init, 0, sizeof(*init));
	init->qp_type = IB_QPT_RC;
	init->send_cq = base->send_cq;
	init->recv_cq = base->recv_cq;
	init->srq = base->srq;
	init->sq_sig_type = qp->sig_all ? IB_SIGNAL_ALL_WR : IB_SIGNAL_REQ_WR;
	init->cap = attr->cap;
	return 0;
}

static int siw_cm_attach(struct ib_qp *base, struct iwarp_endpoint *ep)
{
	struct siw_qp *qp = to_siw_qp(base);
	int err = -EINVAL;

	spin_lock_bh(&qp->lock);
	if (qp->state == SIW_QP_IDLE && !qp->ep && !qp->sk) {
		qp->ep = ep;
		err = 0;
	}
	spin_unlock_bh(&qp->lock);
	return err;
}

/* What a stream needs besides the rings; a QP that waits for its connection does without. */
static int qp_alloc_stream(struct siw_qp *qp,
			   const struct iwarp_stream_params *p)
{
	struct core_qp *core = &qp->core;

	kfree(core->orq);
	kfree(core->irq);
	core->irq = NULL;
	core->ord = min_t(u32, p->ord, SIW_MAX_ORD);
	core->ird = min_t(u32, p->ird, SIW_MAX_IRD);
	core->orq_put = 0;
	core->orq_get = 0;
	core->irq_put = 0;
	core->irq_get = 0;
	if (!core->sends)
		core->sends = kvcalloc(core->sq_size, sizeof(*core->sends), GFP_KERNEL);
	core->orq = kcalloc(max(core->ord, 1u), sizeof(*core->orq), GFP_KERNEL);
	if (!core->sends || !core->orq)
		return -ENOMEM;
	core->irq = kcalloc(max(core->ird, 1u), sizeof(*core->irq), GFP_KERNEL);
	return core->irq ? 0 : -ENOMEM;
}

static int siw_cm_start(struct ib_qp *base,
			const struct iwarp_stream_params *p)
{
	struct siw_qp *qp = to_siw_qp(base);
	struct sock *sk = p->sock->sk;
	int err;

	mutex_lock(&qp->mutex);
	if (qp->state != SIW_QP_IDLE || qp->ep != p->ep) {
		err = -ECONNABORTED;
		goto out;
	}
	err = qp_alloc_stream(qp, p);
	if (err)
		goto out;

	qp->initiator = p->initiator;
	sock_hold(sk);
	lock_sock(sk);
	core_start(&qp->core, p->crc, READ_ONCE(qp->dev->max_ulpdu),
		   p->initiator ? p->rtr : IWARP_RTR_NONE,
		   p->initiator ? IWARP_RTR_NONE : p->rtr, p->hold_tx);
	if (p->refusal)
		core_terminate(&qp->core, TERM_LAYER_LLP, 0, p->refusal, NULL, 0);
	siw_stream_attach(qp, sk);
	if (p->initiator && p->rtr)
		siw_stream_repeat_rtr(qp);
	spin_lock_bh(&qp->lock);
	qp->sk = sk;
	WRITE_ONCE(qp->state, SIW_QP_RTS);
	spin_unlock_bh(&qp->lock);

	/* What came before the callbacks were in place, and what is posted */
	siw_stream_receive(qp, sk);
	siw_stream_transmit(qp, sk);
	siw_stream_unlock(sk);
	/* Whoever connects hears of it by that. */
	if (p->refusal)
		qp->event = -1;
out:
	mutex_unlock(&qp->mutex);
	return err;
}

static bool siw_cm_stop(struct ib_qp *base)
{
	struct siw_qp *qp = to_siw_qp(base);
	bool whole = true;
	struct sock *sk;
	bool last_wqe;
	int event;

	mutex_lock(&qp->mutex);
	sk = siw_stream_lock(qp);
	qp_set_state(qp, SIW_QP_ERROR);
	siw_qp_flush(qp);
	if (sk)
		whole = siw_stream_detach(qp, sk);
	spin_lock_bh(&qp->lock);
	qp->sk = NULL;
	qp->ep = NULL;
	spin_unlock_bh(&qp->lock);
	if (sk)
		siw_stream_unlock(sk);
	/* Once the lock is given up, this may be another connection's QP. */
	event = qp->event;
	qp->event = -1;
	last_wqe = qp_take_last_wqe(qp);
	mutex_unlock(&qp->mutex);
	if (event >= 0)
		qp_raise(qp, event);
	if (last_wqe)
		qp_raise(qp, IB_EVENT_QP_LAST_WQE_REACHED);
	return whole;
}

const struct iwarp_qp_ops siw_qp_cm_ops = {
	.attach = siw_cm_attach,
	.start = siw_cm_start,
	.stop = siw_cm_stop,
};
