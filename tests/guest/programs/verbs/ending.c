// SPDX-License-Identifier: GPL-2.0
/* The end of a connection, in peace and in the middle of traffic, and what it flushes. */
#include "harness.h"

static void flush_receives(void)
{
	connect_both();
	post_receives();
	barrier();
	if (client)
		expect_zero(to_error());
	await_flush(rcq, 100, 109);
	both_in_error();
	barrier();
	no_wc(rcq);
}

/* Many under way when the QP is moved to error: each completes exactly once. */
static void flush_under_way(void)
{
	struct ibv_wc wc;
	uint32_t n;
	bool flushed = false;

	connect_both(.reads = 2);
	post_receives();
	barrier();
	if (client) {
		for (n = 0; n < 60; n++) {
			if (n % 2)
				post_read(n, 0, 100000, TARGET, n % 4 == 1 ? UNSIGNALLED : 0);
			else
				post_write(n, 0, 100000, TARGET, 0);
		}
		expect_zero(to_error());
		for (n = 0; n < 60; ) {
			wc = next_wc(scq);
			expect(wc.status == IBV_WC_SUCCESS || wc.status == IBV_WC_WR_FLUSH_ERR,
			       "%s", ibv_wc_status_str(wc.status));
			expect(!flushed || wc.status != IBV_WC_SUCCESS, "a success after a flush");
			flushed = wc.status != IBV_WC_SUCCESS;
			/* Unsignalled ones that were successful say nothing. */
			while (n < 60 && n != wc.wr_id) {
				expect(n % 4 == 1, "%u is missing", n);
				expect(!flushed || n < wc.wr_id, "out of order");
				n++;
			}
			expect(n == wc.wr_id, "%llu came twice, or out of order",
			       (unsigned long long)wc.wr_id);
			n++;
		}
		no_wc(scq);
	}
	await_flush(rcq, 100, 109);
	both_in_error();
	barrier();
}

/* Reads that are not answered, and others that wait for them */
static void flush_waiting(void)
{
	uint32_t n;

	connect_both(.reads = 2);
	post_receives();
	if (!client)
		hold_back(true);
	barrier();
	if (client) {
		for (n = 0; n < 60; n++)
			post_read(n, 0, 1000, TARGET, n % 2 ? UNSIGNALLED : 0);
		no_wc(scq);
		expect_zero(to_error());
		await_flush(scq, 0, 59);
	}
	barrier();
	if (!client)
		hold_back(false);
	await_flush(rcq, 100, 109);
	both_in_error();
	barrier();
}

static void disconnect_flushes(void)
{
	connect_both();
	post_receives();
	barrier();
	if (client)
		expect_zero(rdma_disconnect(id));
	await_event(DISCONNECTED);
	if (!client)
		expect_zero(rdma_disconnect(id));
	await_flush(rcq, 100, 109);
	expect(qp_state() == IBV_QPS_ERR, "state %d", qp_state());
	barrier();
}

/* What was posted before an orderly disconnect arrives. */
static void disconnect_sends_all(void)
{
	uint32_t n;

	connect_both();
	if (client) {
		fill(0, 1 << 20, 8);
		barrier();
		for (n = 0; n < 10; n++)
			post_send(n, 0, 1 << 20, 0);
		expect_zero(rdma_disconnect(id));
		for (n = 0; n < 10; n++)
			await_wc(scq, n, SUCCESS);
		await_event(DISCONNECTED);
	} else {
		for (n = 0; n < 10; n++)
			post_recv(n, TARGET, 1 << 20);
		barrier();
		for (n = 0; n < 10; n++)
			await_wc(rcq, n, SUCCESS);
		verify(TARGET, 1 << 20, 8);
		await_event(DISCONNECTED);
	}
	barrier();
}

/*
 * What has completed arrives, even if the QP goes at once: ACKs come late, so TCP has no
 * room for all of it by then.
 */
static void destroy_after_send(bool short_of_memory)
{
	uint32_t size = 120000;	/* made in one go, and more than TCP takes from the start */

	connect_both();
	if (client) {
		fill(0, size, 9);
		barrier();
		post_send(1, 0, size, 0);
		await_wc(scq, 1, SUCCESS);
		if (short_of_memory)
			starve(true);
		expect_zero(rdma_disconnect(id));
		rdma_destroy_qp(id);
		if (short_of_memory)
			starve(false);
	} else {
		post_recv(1, TARGET, size);
		delay(200);
		barrier();
		await_wc(rcq, 1, SUCCESS);
		verify(TARGET, size, 9);
		await_event(DISCONNECTED);
		delay(0);
	}
	barrier();
}

static void destroy_sends_all(void)
{
	destroy_after_send(false);
}

static void starved_sends_all(void)
{
	destroy_after_send(true);
}

/* A link that takes longer for what TCP has than a peer may be silent */
static void narrow_sends_all(void)
{
	uint32_t size = 120000;

	if (client) {
		set("close_timeout", "1000");
		narrow(true);
	}
	connect_both();
	if (client) {
		fill(0, size, 10);
		barrier();
		post_send(1, 0, size, 0);
		await_wc(scq, 1, SUCCESS);
		expect_zero(rdma_disconnect(id));
	} else {
		post_recv(1, TARGET, size);
		barrier();
		await_wc(rcq, 1, SUCCESS);
		verify(TARGET, size, 10);
	}
	await_event(DISCONNECTED);
	barrier();
	if (client) {
		narrow(false);
		set("close_timeout", "5000");
	}
}

static void destroy_at_once(void)
{
	connect_both();
	post_receives();
	barrier();
	if (client) {
		rdma_destroy_qp(id);
	} else {
		await_flush(rcq, 100, 109);
		both_in_error();
	}
	barrier();
}

static void states(void)
{
	struct ibv_qp_attr rts = { .qp_state = IBV_QPS_RTS };

	connect_both();
	expect(qp_state() == IBV_QPS_RTS, "state %d", qp_state());
	expect_zero(ibv_modify_qp(id->qp, &rts, IBV_QP_STATE));
	barrier();
	if (client)
		expect_zero(to_error());
	both_in_error();
	expect(ibv_modify_qp(id->qp, &rts, IBV_QP_STATE), "from error to RTS");
	expect_zero(to_error());
}

/* One message of each kind, in round @n */
static void traffic(uint32_t n)
{
	if (client) {
		fill(0, 5000, n);
		barrier();
		post_write(1, 0, 5000, TARGET, 0);
		post_read(2, 10000, 5000, TARGET, 0);
		post_send(3, 0, 5000, 0);
		for (uint64_t i = 1; i <= 3; i++)
			await_wc(scq, i, SUCCESS);
		verify(10000, 5000, n);
	} else {
		post_recv(1, 10000, 5000);
		post_receives();
		barrier();
		await_wc(rcq, 1, SUCCESS);
		verify(10000, 5000, n);
		verify(TARGET, 5000, n);
	}
	barrier();
}

/* Over and over: what a QP was before is forgotten. */
static void reset(void)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };
	struct ibv_qp *qp = NULL;
	int n, i;

	for (n = 1; n <= 3; n++) {
		snprintf(note, sizeof(note), " (connection %d)", n);
		connect_both(.qp = qp);
		qp = id->qp;
		expect(ibv_modify_qp(qp, &attr, IBV_QP_STATE), "to RESET, connected");
		traffic(n);
		if (client)
			expect_zero(rdma_disconnect(id));
		await_event(DISCONNECTED);
		if (!client)
			await_flush(rcq, 100, 109);
		/* The connection manager lets go of it in its own time. */
		for (i = 0; ibv_modify_qp(qp, &attr, IBV_QP_STATE); i++) {
			expect(i < wait_ms, "to RESET, disconnected");
			usleep(1000);
		}
		expect(qp_state() == IBV_QPS_RESET, "state %d", qp_state());
		if (n == 3)
			break;
		id->qp = NULL;
		expect_zero(rdma_destroy_id(id));
		id = NULL;
	}
	barrier();
}

/* How many receives a QP that is not connected takes, from none */
static uint32_t room_for_receives(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT };
	struct ibv_sge s = sge(0, 1);
	struct ibv_recv_wr wr = { .wr_id = 1, .sg_list = &s, .num_sge = 1 }, *bad;
	uint32_t n = 0;

	if (ibv_modify_qp(qp, &attr, IBV_QP_STATE))
		return 0;
	while (n < 4 * DEPTH && !ibv_post_recv(qp, &wr, &bad))
		n++;
	return n;
}

/* Without a completion for any of them */
static void reset_forgets(void)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };
	struct ibv_qp_init_attr init = {
		.cap = { .max_send_wr = 1, .max_recv_wr = DEPTH, .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct ibv_qp *qp = lone_qp(&init);
	struct ibv_wc wc;
	uint32_t room, left;
	int done;

	room = room_for_receives(qp);
	left = ibv_modify_qp(qp, &attr, IBV_QP_STATE) ? 0 : room_for_receives(qp);
	done = ibv_poll_cq(rcq, 1, &wc);
	expect_zero(ibv_destroy_qp(qp));
	expect(room >= DEPTH && room < 4 * DEPTH && left == room, "room for %u, and then for %u", room, left);
	expect(!done, "%d completions", done);
}

/* How many of so many Sends are refused by a QP without a connection */
static uint32_t refused_posts(struct ibv_qp *qp, uint32_t count)
{
	struct ibv_sge s = sge(0, 100);
	struct ibv_send_wr wr = wr_of(1, IBV_WR_SEND, &s, 0, 0), *bad;
	uint32_t n, refused = 0;

	for (n = 0; n < count; n++)
		refused += !!ibv_post_send(qp, &wr, &bad);
	return refused;
}

/* They do not go out with a connection to come, be there a RESET before it or not. */
static void refused_forgotten(void)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };
	struct ibv_qp_init_attr init = {
		.cap = { .max_send_wr = DEPTH, .max_recv_wr = DEPTH, .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct ibv_qp *qp = lone_qp(&init);
	uint32_t n, refused = 0, tried = 0;

	if (client) {
		tried = 3 * DEPTH + 5;	/* more than the queue holds */
		refused = refused_posts(qp, tried);
		refused += !ibv_modify_qp(qp, &attr, IBV_QP_STATE);
		refused += refused_posts(qp, 3);
		tried += 4;
	}
	connect_both(.qp = qp);
	if (client) {
		barrier();
		for (n = 0; n < 10; n++) {
			fill(1000 * n, 1000, n);
			post_send(n, 1000 * n, 100 + n, 0);
			await_wc(scq, n, SUCCESS);
		}
	} else {
		for (n = 0; n < 10; n++)
			post_recv(n, TARGET + 1000 * n, 1000);
		barrier();
		for (n = 0; n < 10; n++) {
			expect(await_wc(rcq, n, SUCCESS).byte_len == 100 + n, "not what was posted");
			verify(TARGET + 1000 * n, 100 + n, n);
		}
	}
	barrier();
	no_wc(scq);
	no_wc(rcq);
	expect(refused == tried, "%u of %u are refused", refused, tried);
}

/* The memory is taken away in the middle of traffic. */
static void dereg_under_traffic(void)
{
	size_t size = 1 << 20;
	uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ibv_mr *theirs = reg(pd, memory, size, IBV_ACCESS_LOCAL_WRITE |
				    IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
	struct ibv_send_wr wr, *bad;
	struct ibv_sge s = sge(0, size);
	struct ibv_wc wc;
	struct window w = swap_windows(theirs);
	int n = 0;

	connect_both();
	if (client) {
		int out = 0;

		barrier();
		for (wc.status = IBV_WC_SUCCESS; wc.status == IBV_WC_SUCCESS; out--) {
			for (; out < 4; out++, n++) {
				wr = wr_of(n, n % 2 ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE, &s, 0, 0);
				aim(&wr, w);
				expect_zero(ibv_post_send(id->qp, &wr, &bad));
			}
			if (n == 8)
				barrier();
			wc = next_wc(scq);
			expect(n < 100000, "it goes on for ever");
		}
		expect(wc.status == IBV_WC_WR_FLUSH_ERR || wc.status == IBV_WC_REM_ACCESS_ERR,
		       "%s", ibv_wc_status_str(wc.status));
	} else {
		barrier();
		barrier();
		expect_zero(ibv_dereg_mr(theirs));
		munmap(memory, size);
		theirs = NULL;
	}
	both_in_error();
	if (theirs) {
		expect_zero(ibv_dereg_mr(theirs));
		munmap(memory, size);
	}
}

static const struct test tests[] = {
	TEST(flush_receives, "a QP moved to error flushes the receives of both sides"),
	TEST(flush_under_way, "a QP moved to error completes everything exactly once"),
	TEST(flush_waiting, "a QP moved to error flushes what waits, signalled or not"),
	TEST(disconnect_flushes, "disconnecting flushes the receives of both sides"),
	TEST(disconnect_sends_all, "disconnecting loses nothing that was posted before"),
	TEST(destroy_sends_all, "destroying a QP loses nothing that has completed"),
	TEST(starved_sends_all, "... when TCP is short of memory, too"),
	TEST(narrow_sends_all, "what has completed arrives however long the link takes"),
	TEST(destroy_at_once, "destroying a connected QP"),
	TEST(states, "the QP's states"),
	TEST(reset, "a QP that is reset serves another connection"),
	TEST(reset_forgets, "RESET forgets the receives of a QP that was not connected"),
	TEST(refused_forgotten, "a Send that was refused does not go out with a later connection"),
	TEST(dereg_under_traffic, "a region is taken away under traffic"),
};

const struct group ending_group = { tests, ARRAY_SIZE(tests) };
