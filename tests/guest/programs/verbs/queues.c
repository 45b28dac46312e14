// SPDX-License-Identifier: GPL-2.0
/* Queues: full, gone round many times, not connected, too short. */
#include <poll.h>
#include "harness.h"

/*
 * Reads that are not answered keep the queue full: one is under way, since ORD
 * is 1, and the others wait. One at a time: libsiw forgets that the queue was
 * full when it has to ring the doorbell for others.
 */
static void queue_full(void)
{
	enum { SQ = 8 };
	struct ibv_sge s = sge(0, 1);
	struct ibv_send_wr wr = wr_of(0, IBV_WR_RDMA_READ, &s, TARGET, 0), *bad = NULL;
	struct ibv_recv_wr rwr = { .sg_list = &s, .num_sge = 1 }, *rbad = NULL;
	int ret, n;

	connect_both(.sq = SQ, .rq = SQ, .reads = 1);
	if (!client)
		hold_back(true);
	barrier();
	for (n = 0; n < SQ; n++)
		post_recv(n, 0, 1);
	ret = ibv_post_recv(id->qp, &rwr, &rbad);
	expect(abs(ret) == ENOMEM && rbad == &rwr, "a full receive queue: %d", ret);
	if (client) {
		for (n = 0; n <= SQ; n++) {
			wr.wr_id = n;
			expect_zero(post(&wr));
		}
		wr.wr_id = n;
		ret = ibv_post_send(id->qp, &wr, &bad);
		expect(abs(ret) == ENOMEM && bad == &wr, "a full send queue: %d", ret);
		no_wc(scq);
	}
	barrier();
	if (!client)
		hold_back(false);
	if (client) {
		for (n = 0; n <= SQ; n++)
			await_wc(scq, n, SUCCESS);
		no_wc(scq);
		wr.wr_id = n;
		expect_zero(post(&wr));
		await_wc(scq, n, SUCCESS);
	}
	barrier();
}

/* No space is given twice: a long queue keeps its order over many rounds. */
static void many_rounds(void)
{
	enum { ROUNDS = 3000 };
	int got = 0, n = 0;

	connect_both(.sq = 16, .rq = 64);
	if (client) {
		barrier();
		while (got < ROUNDS) {
			while (n < ROUNDS && n - got < 16) {
				buf[n % 64] = n;
				post_write(n, n % 64, 1, TARGET + n % 64, 0);
				n++;
			}
			await_wc(scq, got, SUCCESS);
			got++;
		}
		post_send(ROUNDS, 0, 0, 0);
		await_wc(scq, ROUNDS, SUCCESS);
	} else {
		post_recv(1, 0, 0);
		barrier();
		await_wc(rcq, 1, SUCCESS);
		for (n = ROUNDS - 40; n < ROUNDS; n++)
			expect(buf[TARGET + n % 64] == (uint8_t)n, "round %d", n);
	}
	barrier();
}

static void not_connected(void)
{
	struct ibv_qp_init_attr attr = {
		.cap = { .max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct ibv_qp *qp = lone_qp(&attr);
	struct ibv_send_wr wr, *bad;
	int ret;

	wr = wr_of(1, IBV_WR_SEND, NULL, 0, 0);
	ret = ibv_post_send(qp, &wr, &bad);
	ibv_destroy_qp(qp);
	expect(ret, "a Send was taken before there was a connection");
}

/* An event of a CQ or QP of ours, after whatever earlier tests have left */
static void await_async(enum ibv_event_type type, const void *of)
{
	struct ibv_async_event event;
	struct pollfd p = { .fd = verbs->async_fd, .events = POLLIN };
	bool found = false;

	while (!found) {
		expect(poll(&p, 1, wait_ms) == 1, "no '%s'", ibv_event_type_str(type));
		expect_zero(ibv_get_async_event(verbs, &event));
		found = event.event_type == type && event.element.cq == of;
		ibv_ack_async_event(&event);
	}
}

static void cq_overflow(void)
{
	int n;

	connect_both(.cqe = 4);
	if (client) {
		for (n = 0; n < 12; n++)
			post_write(n, 0, 1, TARGET, 0);
		await_async(IBV_EVENT_CQ_ERR, scq);
	}
	barrier();
}

/* SQD is the way to an orderly end: all is sent before it, and the end is told if that is asked for. */
static void drained(void)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_SQD, .en_sqd_async_notify = 1 };
	uint32_t n;

	connect_both();
	if (client) {
		for (n = 0; n < 10; n++)
			post_write(n, 0, 1 << 20, TARGET, 0);
		expect_zero(ibv_modify_qp(id->qp, &attr, IBV_QP_STATE | IBV_QP_EN_SQD_ASYNC_NOTIFY));
		await_async(IBV_EVENT_SQ_DRAINED, id->qp);
		for (n = 0; n < 10; n++)
			await_wc(scq, n, SUCCESS);
	}
	await_event(DISCONNECTED);
	barrier();
}

static const struct test tests[] = {
	TEST(queue_full, "a full queue says so"),
	TEST(many_rounds, "a short queue, thousands of times"),
	TEST(not_connected, "posting without a connection is refused"),
	TEST(cq_overflow, "a lost completion is told"),
	TEST(drained, "a send queue that has drained after SQD is told"),
};

const struct group queues_group = { tests, ARRAY_SIZE(tests) };
