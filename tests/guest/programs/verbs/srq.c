// SPDX-License-Identifier: GPL-2.0
/* Shared receive queues: the server's QPs have one, the client's have none. */
#include <poll.h>
#include "harness.h"

#define SLOT	64	/* octets of a receive buffer */

/* What earlier tests have left */
static void forget_async(void)
{
	struct pollfd p = { .fd = verbs->async_fd, .events = POLLIN };
	struct ibv_async_event event;

	while (poll(&p, 1, 0)) {
		expect_zero(ibv_get_async_event(verbs, &event));
		ibv_ack_async_event(&event);
	}
}

static void make_srq_of(struct ibv_pd *of, uint32_t max_wr)
{
	struct ibv_srq_init_attr attr = { .attr = { .max_wr = max_wr, .max_sge = MAX_SGE } };

	srq = ibv_create_srq(of, &attr);
	expect(srq, "create_srq: %s", strerror(errno));
	forget_async();
	expect(attr.attr.max_wr >= max_wr, "an SRQ of %u", attr.attr.max_wr);
}

static void make_srq(uint32_t max_wr)
{
	make_srq_of(pd, max_wr);
}

/* Number @n fills the n-th slot. */
static int try_srq_recv_by(uint64_t n, uint32_t lkey)
{
	struct ibv_sge s = { (uintptr_t)buf + n * SLOT, SLOT, lkey };
	struct ibv_recv_wr wr = { .wr_id = n, .sg_list = &s, .num_sge = 1 }, *bad;

	return abs(ibv_post_srq_recv(srq, &wr, &bad));
}

static int try_srq_recv(uint64_t n)
{
	return try_srq_recv_by(n, mr->lkey);
}

static void post_srq_recvs(uint64_t first, uint64_t count)
{
	uint64_t n;

	for (n = first; n < first + count; n++)
		expect_zero(try_srq_recv(n));
}

static void arm(uint32_t limit)
{
	struct ibv_srq_attr attr = { .srq_limit = limit };

	expect_zero(ibv_modify_srq(srq, &attr, IBV_SRQ_LIMIT));
}

/* Is the next asynchronous event this one? Others are taken as well. */
static void await_async(enum ibv_event_type type)
{
	struct pollfd p = { .fd = verbs->async_fd, .events = POLLIN };
	struct ibv_async_event event;

	expect(poll(&p, 1, wait_ms) == 1, "no %s", ibv_event_type_str(type));
	expect_zero(ibv_get_async_event(verbs, &event));
	ibv_ack_async_event(&event);
	expect(event.event_type == type, "%s instead of %s", ibv_event_type_str(event.event_type),
	       ibv_event_type_str(type));
}

static void no_async(void)
{
	struct pollfd p = { .fd = verbs->async_fd, .events = POLLIN };
	struct ibv_async_event event;

	if (!poll(&p, 1, 0))
		return;
	expect_zero(ibv_get_async_event(verbs, &event));
	ibv_ack_async_event(&event);
	expect(false, "%s was not expected", ibv_event_type_str(event.event_type));
}

/* One message over the current connection, which the server's @n-th receive takes */
static void message(uint64_t n)
{
	snprintf(note, sizeof(note), " (message %llu)", (unsigned long long)n);
	if (client) {
		fill(0, SLOT, n);
		post_send(n, 0, SLOT, 0);
		await_wc(scq, n, SUCCESS);
	} else {
		await_wc(rcq, n, SUCCESS);
		verify(n * SLOT, SLOT, n);
	}
	barrier();
}

/* Whoever has a message takes the oldest receive. */
static void srq_shared(void)
{
	enum { MESSAGES = 20 };
	uint64_t n;

	if (!client) {
		make_srq(32);
		post_srq_recvs(0, MESSAGES);
	}
	connect_both(.srq = srq);
	use_connection(1);
	connect_both(.srq = srq);
	for (n = 0; n < MESSAGES; n++) {
		use_connection(n % 3 == 1);
		message(n);
	}
}

static void srq_limit(void)
{
	uint64_t n;

	if (!client) {
		make_srq(16);
		post_srq_recvs(0, 8);
		arm(5);
	}
	connect_both(.srq = srq);
	for (n = 0; n < 3; n++)
		message(n);
	if (!client)
		no_async();
	barrier();	/* else message 3 may have come before the look */
	message(3);
	if (!client)
		await_async(IBV_EVENT_SRQ_LIMIT_REACHED);
	message(4);
	if (!client) {
		no_async();
		post_srq_recvs(8, 8);
		arm(11);
	}
	barrier();
	message(5);
	if (!client)
		await_async(IBV_EVENT_SRQ_LIMIT_REACHED);
	barrier();
}

/* The connection that finds nothing fails, the other one goes on. */
static void srq_empty(void)
{
	if (!client)
		make_srq(8);
	connect_both(.srq = srq);
	use_connection(1);
	connect_both(.srq = srq);
	if (client)
		post_send(1, 0, SLOT, 0);
	both_in_error();
	barrier();
	if (!client)
		post_srq_recvs(0, 1);
	use_connection(0);
	barrier();
	message(0);
}

/* Two connections whose servers take from one SRQ; the second is in use */
static void connect_two(void)
{
	if (!client) {
		make_srq(8);
		post_srq_recvs(0, 2);
	}
	connect_both(.srq = srq);
	use_connection(1);
	connect_both(.srq = srq);
}

/* What a QP in error has not taken stays for the others. */
static void srq_last_wqe(void)
{
	connect_two();
	if (!client) {
		expect_zero(to_error());
		await_async(IBV_EVENT_QP_LAST_WQE_REACHED);
		no_wc(rcq);
	}
	await_event(DISCONNECTED);
	if (!client)
		no_async();
	use_connection(0);
	barrier();
	message(0);
	message(1);
}

/* The QP hears of the end from its peer. */
static void srq_disconnected(void)
{
	connect_two();
	if (client)
		expect_zero(rdma_disconnect(id));
	await_event(DISCONNECTED);
	if (!client) {
		await_async(IBV_EVENT_QP_LAST_WQE_REACHED);
		no_wc(rcq);
		expect_zero(to_error());
		no_async();
	}
	use_connection(0);
	barrier();
	message(0);
	message(1);
}

/* The SRQ's receives are of its PD, whatever the QP's is. */
static void srq_of_other_pd(void)
{
	struct ibv_pd *other = NULL;
	struct ibv_mr *theirs = NULL;

	if (!client) {
		other = ibv_alloc_pd(verbs);
		expect(other, "alloc_pd");
		theirs = reg(other, buf, BUF_SIZE, IBV_ACCESS_LOCAL_WRITE);
		make_srq_of(other, 8);
		expect_zero(try_srq_recv_by(0, theirs->lkey));
		expect_zero(try_srq_recv_by(1, mr->lkey));
	}
	connect_both(.srq = srq);
	message(0);
	if (client) {
		post_send(1, 0, SLOT, 0);
		await_wc(scq, 1, SUCCESS);
	} else {
		await_wc(rcq, 1, LOC_PROT_ERR);
	}
	both_in_error();
	clean_up();
	if (!client) {
		expect_zero(ibv_dereg_mr(theirs));
		expect_zero(ibv_dealloc_pd(other));
	}
}

static void srq_refusals(void)
{
	struct ibv_srq_init_attr attr = { .attr = { .max_wr = 1u << 20, .max_sge = 1 } };
	struct ibv_srq_attr change = { .max_wr = 16, .srq_limit = 1000 };

	expect(!ibv_create_srq(pd, &attr) && errno == EINVAL, "too long an SRQ: %s", strerror(errno));
	attr.attr = (struct ibv_srq_attr){ .max_wr = 4, .max_sge = MAX_SGE + 1 };
	expect(!ibv_create_srq(pd, &attr) && errno == EINVAL, "too many SGEs: %s", strerror(errno));
	attr.attr = (struct ibv_srq_attr){ .max_sge = 1 };
	expect(!ibv_create_srq(pd, &attr) && errno == EINVAL, "an SRQ of 0: %s", strerror(errno));

	make_srq(4);
	expect(abs(ibv_modify_srq(srq, &change, IBV_SRQ_LIMIT)) == EINVAL, "a limit beyond its size");
	expect(abs(ibv_modify_srq(srq, &change, IBV_SRQ_MAX_WR)) == EOPNOTSUPP, "it grew");
	post_srq_recvs(0, 4);
	expect(try_srq_recv(4) == ENOMEM, "a full SRQ took another");

	connect_both(.srq = srq);
	expect(abs(ibv_destroy_srq(srq)) == EBUSY, "an SRQ in use was destroyed");
}

static const struct test tests[] = {
	TEST(srq_shared, "two QPs share a receive queue"),
	TEST(srq_limit, "the SRQ limit is told once"),
	TEST(srq_empty, "an empty SRQ ends one connection only"),
	TEST(srq_last_wqe, "a QP in error leaves the SRQ as it is, and says so"),
	TEST(srq_disconnected, "a QP that its peer disconnects leaves the SRQ as it is, and says so"),
	TEST(srq_of_other_pd, "an SRQ of another protection domain takes its own memory, not the QP's"),
	TEST(srq_refusals, "SRQs that cannot be"),
};

const struct group srq_group = { tests, ARRAY_SIZE(tests) };
