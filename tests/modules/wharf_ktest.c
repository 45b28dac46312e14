// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel consumer of RDMA that posts where it hurts: from its completion
 * handler, and with interrupts off.
 *
 *	echo "ADDR PORT" >/sys/module/wharf_ktest/parameters/listen
 *	echo "ADDR PORT COUNT MODE" >/sys/module/wharf_ktest/parameters/run
 *
 * Each write works in the network namespace of the writer. A server echoes what
 * it receives. A run connects, plays COUNT rounds, and fails with an errno: in
 * MODE 0 rounds of Send, RDMA Write and RDMA Read whose data is checked; in
 * MODE 1 the connection is torn down in the middle of them. Every work request
 * must complete exactly once either way.
 */
#include <linux/inet.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include <rdma/rdma_cm.h>

#define DEPTH		16		/* messages under way, each side */
#define SLOT		512		/* octets of a message */
#define CQ_SIZE		(8 * DEPTH)
#define TIMEOUT		(120 * HZ)

enum { WR_SEND, WR_RECV, WR_WRITE, WR_READ, WR_KINDS };

/* The server's buffer, told in the private data of its reply */
struct remote {
	__be64 addr;
	__be32 rkey;
} __packed;

/**
 * struct side - one end of a connection
 * @id: connection
 * @pd: with a key for all memory
 * @cq: of both queues
 * @buf: @DEPTH slots to send, to receive, to read to; one slot for the peer
 * @dma: of @buf
 * @lock: posting and counting, interrupts off
 * @posted: work requests, by kind
 * @completed: work requests, by kind
 * @flushed: how many of them were flushed
 * @server: echoes
 * @closing: nothing new is posted
 * @rounds: to play
 * @sent: messages sent
 * @echoed: messages that came back
 * @error: the first thing that went wrong
 * @peer: the server's buffer
 * @event: a connection event came, or all is done
 * @connected: ESTABLISHED came
 * @gone: no connection any more
 * @list: servers, under servers_lock
 */
struct side {
	struct rdma_cm_id *id;
	struct ib_pd *pd;
	struct ib_cq *cq;
	u8 *buf;
	u64 dma;
	spinlock_t lock;	/* posting and counting */
	u32 posted[WR_KINDS];
	u32 completed[WR_KINDS];
	u32 flushed;
	bool server;
	bool closing;
	u32 rounds;
	u32 sent;
	u32 echoed;
	int error;
	struct remote peer;
	wait_queue_head_t event;
	bool connected;
	bool gone;
	struct list_head list;
};

static DEFINE_MUTEX(servers_lock);
static LIST_HEAD(servers);
static struct rdma_cm_id *listener;

static u32 slot_of(unsigned int kind, u32 n)
{
	return (kind * DEPTH + n % DEPTH) * SLOT;
}

static void fill(u8 *p, u32 n)
{
	int i;

	for (i = 0; i < SLOT; i++)
		p[i] = n * 31 + i;
}

static bool is_filled(const u8 *p, u32 n)
{
	int i;

	for (i = 0; i < SLOT; i++)
		if (p[i] != (u8)(n * 31 + i))
			return false;
	return true;
}

static void fail(struct side *s, int error)
{
	if (!s->error)
		s->error = error;
	s->closing = true;
	wake_up(&s->event);
}

/* Caller holds s->lock. */
static void post(struct side *s, unsigned int kind, u32 n)
{
	struct ib_sge sge = {
		.addr = s->dma + slot_of(kind == WR_WRITE ? WR_SEND : kind, n),
		.length = SLOT,
		.lkey = s->pd->local_dma_lkey,
	};
	u64 wr_id = (u64)kind << 32 | n;
	const struct ib_recv_wr *bad_recv;
	const struct ib_send_wr *bad_send;
	struct ib_rdma_wr wr = {};
	int err;

	if (kind == WR_RECV) {
		struct ib_recv_wr recv = {
			.wr_id = wr_id, .sg_list = &sge, .num_sge = 1,
		};

		err = ib_post_recv(s->id->qp, &recv, &bad_recv);
	} else {
		wr.wr.wr_id = wr_id;
		wr.wr.sg_list = &sge;
		wr.wr.num_sge = 1;
		wr.wr.send_flags = IB_SEND_SIGNALED;
		wr.wr.opcode = kind == WR_SEND ? IB_WR_SEND :
			       kind == WR_WRITE ? IB_WR_RDMA_WRITE :
						  IB_WR_RDMA_READ;
		wr.remote_addr = be64_to_cpu(s->peer.addr) + n % DEPTH * SLOT;
		wr.rkey = be32_to_cpu(s->peer.rkey);
		err = ib_post_send(s->id->qp, &wr.wr, &bad_send);
	}
	if (err)
		fail(s, err);
	else
		s->posted[kind]++;
}

/* A round: write a slot of the server's, read it back, send it, have it echoed */
static void play(struct side *s)
{
	u32 n = s->sent;

	if (s->closing || n >= s->rounds)
		return;
	s->sent++;
	fill(s->buf + slot_of(WR_SEND, n), n);
	memset(s->buf + slot_of(WR_READ, n), 0, SLOT);
	post(s, WR_WRITE, n);
	post(s, WR_READ, n);
	post(s, WR_SEND, n);
}

static void completed(struct side *s, const struct ib_wc *wc)
{
	unsigned int kind = wc->wr_id >> 32;
	u32 n = wc->wr_id;

	if (kind >= WR_KINDS || ++s->completed[kind] > s->posted[kind]) {
		fail(s, -EOVERFLOW);
		return;
	}
	if (wc->status != IB_WC_SUCCESS) {
		s->flushed++;
		if (!s->closing && !s->server)
			fail(s, -EIO);
		return;
	}
	if (s->closing)
		return;

	if (s->server) {
		if (kind != WR_RECV)
			return;
		memcpy(s->buf + slot_of(WR_SEND, n), s->buf + slot_of(WR_RECV, n), SLOT);
		post(s, WR_RECV, n);
		post(s, WR_SEND, n);
		return;
	}
	if (kind == WR_READ && !is_filled(s->buf + slot_of(WR_READ, n), n))
		fail(s, -EBADMSG);
	if (kind != WR_RECV)
		return;
	if (wc->byte_len != SLOT || !is_filled(s->buf + slot_of(WR_RECV, n), s->echoed)) {
		fail(s, -EBADMSG);
		return;
	}
	s->echoed++;
	post(s, WR_RECV, n);
	play(s);
}

static void completion(struct ib_cq *cq, void *context)
{
	struct side *s = context;
	unsigned long flags;
	struct ib_wc wc[8];
	int i, num;

	do {
		while ((num = ib_poll_cq(cq, ARRAY_SIZE(wc), wc)) > 0) {
			spin_lock_irqsave(&s->lock, flags);
			for (i = 0; i < num; i++)
				completed(s, &wc[i]);
			spin_unlock_irqrestore(&s->lock, flags);
		}
	} while (ib_req_notify_cq(cq, IB_CQ_NEXT_COMP | IB_CQ_REPORT_MISSED_EVENTS) > 0);
	wake_up(&s->event);
}

static bool all_completed(struct side *s)
{
	int kind;

	for (kind = 0; kind < WR_KINDS; kind++)
		if (READ_ONCE(s->completed[kind]) != READ_ONCE(s->posted[kind]))
			return false;
	return true;
}

static struct side *side_alloc(void)
{
	struct side *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->buf = kzalloc(WR_KINDS * DEPTH * SLOT, GFP_KERNEL);
	if (!s->buf) {
		kfree(s);
		return NULL;
	}
	spin_lock_init(&s->lock);
	init_waitqueue_head(&s->event);
	INIT_LIST_HEAD(&s->list);
	return s;
}

static int side_open(struct side *s, struct rdma_cm_id *id)
{
	struct ib_cq_init_attr cq_attr = { .cqe = CQ_SIZE };
	struct ib_qp_init_attr attr = {
		.qp_type = IB_QPT_RC,
		.cap = {
			.max_send_wr = 3 * DEPTH, .max_recv_wr = 2 * DEPTH,
			.max_send_sge = 1, .max_recv_sge = 1,
		},
	};
	unsigned long flags;
	int err;
	u32 n;

	s->id = id;
	s->pd = ib_alloc_pd(id->device, IB_PD_UNSAFE_GLOBAL_RKEY);
	if (IS_ERR(s->pd))
		return PTR_ERR(s->pd);
	s->dma = ib_dma_map_single(id->device, s->buf, WR_KINDS * DEPTH * SLOT,
				   DMA_BIDIRECTIONAL);
	s->cq = ib_create_cq(id->device, completion, NULL, s, &cq_attr);
	if (IS_ERR(s->cq)) {
		err = PTR_ERR(s->cq);
		goto err_pd;
	}
	ib_req_notify_cq(s->cq, IB_CQ_NEXT_COMP);
	attr.send_cq = s->cq;
	attr.recv_cq = s->cq;
	err = rdma_create_qp(id, s->pd, &attr);
	if (err)
		goto err_cq;

	spin_lock_irqsave(&s->lock, flags);
	for (n = 0; n < DEPTH; n++)
		post(s, WR_RECV, n);
	spin_unlock_irqrestore(&s->lock, flags);
	return s->error;

err_cq:
	ib_destroy_cq(s->cq);
err_pd:
	ib_dealloc_pd(s->pd);
	s->pd = NULL;
	return err;
}

/* Ends it in the middle of whatever is under way. */
static int side_close(struct side *s)
{
	struct ib_qp_attr attr = { .qp_state = IB_QPS_ERR };
	unsigned long flags;
	int err = 0;

	if (!s->pd)
		return 0;
	spin_lock_irqsave(&s->lock, flags);
	s->closing = true;
	spin_unlock_irqrestore(&s->lock, flags);

	rdma_disconnect(s->id);
	ib_modify_qp(s->id->qp, &attr, IB_QP_STATE);
	if (!wait_event_timeout(s->event, all_completed(s), TIMEOUT)) {
		pr_err("wharf_ktest: work requests that never completed\n");
		err = -ETIMEDOUT;
	}
	rdma_destroy_qp(s->id);
	ib_destroy_cq(s->cq);
	ib_dma_unmap_single(s->id->device, s->dma, WR_KINDS * DEPTH * SLOT,
			    DMA_BIDIRECTIONAL);
	ib_dealloc_pd(s->pd);
	s->pd = NULL;
	return err ?: s->error == -EOVERFLOW ? s->error : 0;
}

static void side_free(struct side *s)
{
	kfree(s->buf);
	kfree(s);
}

static int serve(struct rdma_cm_id *id)
{
	struct rdma_conn_param param = {
		.responder_resources = DEPTH, .initiator_depth = DEPTH,
	};
	struct side *s = side_alloc();
	struct remote here;
	int err;

	if (!s)
		return -ENOMEM;
	s->server = true;
	err = side_open(s, id);
	if (err)
		goto err;
	here.addr = cpu_to_be64(s->dma + slot_of(WR_WRITE, 0));
	here.rkey = cpu_to_be32(s->pd->unsafe_global_rkey);
	param.private_data = &here;
	param.private_data_len = sizeof(here);
	id->context = s;
	mutex_lock(&servers_lock);
	list_add(&s->list, &servers);
	mutex_unlock(&servers_lock);
	err = rdma_accept(id, &param);
	if (!err)
		return 0;
	mutex_lock(&servers_lock);
	list_del(&s->list);
	mutex_unlock(&servers_lock);
err:
	side_close(s);
	side_free(s);
	/* The caller has the id destroyed. */
	return err;
}

static int handler(struct rdma_cm_id *id, struct rdma_cm_event *event)
{
	struct side *s = id->context;

	switch (event->event) {
	case RDMA_CM_EVENT_CONNECT_REQUEST:
		return serve(id);
	case RDMA_CM_EVENT_ESTABLISHED:
		if (event->param.conn.private_data_len >= sizeof(s->peer) && !s->server)
			memcpy(&s->peer, event->param.conn.private_data, sizeof(s->peer));
		s->connected = true;
		break;
	case RDMA_CM_EVENT_ADDR_RESOLVED:
	case RDMA_CM_EVENT_ROUTE_RESOLVED:
		s->connected = true;
		break;
	default:
		if (s)
			s->gone = true;
		break;
	}
	if (s)
		wake_up(&s->event);
	return 0;
}

static int parse(const char *val, struct sockaddr_storage *addr, u32 *count, u32 *mode)
{
	char host[64], port[8];
	int n = sscanf(val, "%63s %7s %u %u", host, port, count, mode);

	if (n < 2)
		return -EINVAL;
	return inet_pton_with_scope(current->nsproxy->net_ns, AF_UNSPEC, host, port, addr);
}

static int wait_step(struct side *s)
{
	if (!wait_event_timeout(s->event, s->connected || s->gone, TIMEOUT))
		return -ETIMEDOUT;
	if (s->gone)
		return -ECONNREFUSED;
	s->connected = false;
	return 0;
}

static int run_connected(struct side *s, u32 mode)
{
	unsigned long flags;
	int n;

	spin_lock_irqsave(&s->lock, flags);
	for (n = 0; n < DEPTH / 2; n++)
		play(s);
	spin_unlock_irqrestore(&s->lock, flags);

	if (!wait_event_timeout(s->event, s->gone || s->error ||
				READ_ONCE(s->echoed) >= (mode ? s->rounds / 2 : s->rounds),
				TIMEOUT))
		return -ETIMEDOUT;
	if (s->error)
		return s->error;
	return s->gone ? -ECONNRESET : 0;
}

static int client(struct sockaddr_storage *addr, u32 rounds, u32 mode)
{
	struct rdma_conn_param param = {
		.responder_resources = DEPTH, .initiator_depth = DEPTH,
	};
	struct side *s = side_alloc();
	struct rdma_cm_id *id;
	int err, late;

	if (!s)
		return -ENOMEM;
	s->rounds = rounds;
	id = rdma_create_id(current->nsproxy->net_ns, handler, s, RDMA_PS_TCP, IB_QPT_RC);
	if (IS_ERR(id)) {
		side_free(s);
		return PTR_ERR(id);
	}
	err = rdma_resolve_addr(id, NULL, (struct sockaddr *)addr, 2000);
	err = err ?: wait_step(s);
	err = err ?: rdma_resolve_route(id, 2000);
	err = err ?: wait_step(s);
	err = err ?: side_open(s, id);
	err = err ?: rdma_connect(id, &param);
	err = err ?: wait_step(s);
	err = err ?: run_connected(s, mode);
	late = side_close(s);
	pr_info("wharf_ktest: %u rounds sent, %u echoed, %u work requests flushed, error %d/%d\n",
		s->sent, s->echoed, s->flushed, err, late);
	rdma_destroy_id(id);
	side_free(s);
	return err ?: late;
}

static int run_set(const char *val, const struct kernel_param *kp)
{
	struct sockaddr_storage addr;
	u32 count = 1000, mode = 0;
	int err = parse(val, &addr, &count, &mode);

	return err ?: client(&addr, count, mode);
}

static int listen_set(const char *val, const struct kernel_param *kp)
{
	struct sockaddr_storage addr;
	struct rdma_cm_id *id;
	u32 none;
	int err = parse(val, &addr, &none, &none);

	if (err)
		return err;
	if (listener)
		return -EBUSY;
	id = rdma_create_id(current->nsproxy->net_ns, handler, NULL, RDMA_PS_TCP, IB_QPT_RC);
	if (IS_ERR(id))
		return PTR_ERR(id);
	err = rdma_bind_addr(id, (struct sockaddr *)&addr);
	err = err ?: rdma_listen(id, DEPTH);
	if (err)
		rdma_destroy_id(id);
	else
		listener = id;
	return err;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
static const struct kernel_param_ops listen_ops = { .set = listen_set };
module_param_cb(run, &run_ops, NULL, 0200);
module_param_cb(listen, &listen_ops, NULL, 0200);

static int __init ktest_init(void)
{
	return 0;
}

static void __exit ktest_exit(void)
{
	struct side *s, *next;

	if (listener)
		rdma_destroy_id(listener);
	list_for_each_entry_safe(s, next, &servers, list) {
		struct rdma_cm_id *id = s->id;

		if (side_close(s))
			pr_err("wharf_ktest: a server did not close\n");
		rdma_destroy_id(id);
		side_free(s);
	}
}

module_init(ktest_init);
module_exit(ktest_exit);
MODULE_DESCRIPTION("Wharf: a kernel consumer for tests");
MODULE_LICENSE("GPL");
