// SPDX-License-Identifier: GPL-2.0
/* What the other end finds wrong with a message: both QPs end in error. */
#include "harness.h"

/* The client's request is refused by the server, and both sides flush. */
void remote_error(enum ibv_wr_opcode opcode, struct window at, uint32_t len)
{
	struct ibv_sge s = sge(0, len);
	struct ibv_send_wr wr = wr_of(1, opcode, &s, 0, 0);

	aim(&wr, at);
	post_receives();
	barrier();
	if (client) {
		fill(0, len, 1);
		expect_zero(post(&wr));
		if (opcode == IBV_WR_RDMA_READ)
			await_wc(scq, 1, REM_ACCESS_ERR);
		else
			await_wc(scq, 1, SUCCESS); /* it has left; that is all a Write tells */
		no_wc(scq);
	}
	await_flush(rcq, 100, 109);
	both_in_error();
	barrier();
}

static void read_bad_rkey(void)
{
	connect_both();
	remote_error(IBV_WR_RDMA_READ, (struct window){ peer.addr, peer.rkey ^ 0x100 }, 100);
}

static void read_bad_key(void)
{
	connect_both();
	remote_error(IBV_WR_RDMA_READ, (struct window){ peer.addr, peer.rkey ^ 1 }, 100);
}

static void read_past_end(void)
{
	connect_both();
	remote_error(IBV_WR_RDMA_READ, (struct window){ peer.addr + BUF_SIZE - 99, peer.rkey }, 100);
}

static void read_before_start(void)
{
	connect_both();
	remote_error(IBV_WR_RDMA_READ, (struct window){ peer.addr - 1, peer.rkey }, 100);
}

static void read_wraps(void)
{
	connect_both();
	remote_error(IBV_WR_RDMA_READ, (struct window){ -50ull, peer.rkey }, 100);
}

static void write_bad_rkey(void)
{
	connect_both();
	remote_error(IBV_WR_RDMA_WRITE, (struct window){ peer.addr, peer.rkey ^ 0x100 }, 100);
}

static void write_past_end(void)
{
	connect_both();
	memset(buf + BUF_SIZE - 200, 0xee, 200);
	remote_error(IBV_WR_RDMA_WRITE, (struct window){ peer.addr + BUF_SIZE - 99, peer.rkey }, 100);
	for (int i = 1; !client && i <= 200; i++)
		expect(buf[BUF_SIZE - i] == 0xee, "something was placed");
}

/* What the server registered with @access is not for @opcode. */
static void without_right(int access, enum ibv_wr_opcode opcode)
{
	static uint8_t memory[8192];
	struct ibv_mr *other;
	struct window w;

	memset(memory, 0xee, sizeof(memory));
	other = reg(pd, memory, sizeof(memory), access);
	w = swap_windows(other);
	connect_both();
	remote_error(opcode, w, 100);
	for (int i = 0; i < 100; i++)
		expect(memory[i] == 0xee, "something was placed");
	expect_zero(ibv_dereg_mr(other));
}

static void read_without_right(void)
{
	without_right(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE, IBV_WR_RDMA_READ);
}

static void write_without_right(void)
{
	without_right(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ, IBV_WR_RDMA_WRITE);
}

static void rkey_of_other_pd(void)
{
	struct ibv_pd *other = ibv_alloc_pd(verbs);
	static uint8_t memory[8192];
	struct ibv_mr *theirs;
	struct window w;

	expect(other, "alloc_pd");
	theirs = reg(other, memory, sizeof(memory), IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ);
	w = swap_windows(theirs);
	connect_both();
	remote_error(IBV_WR_RDMA_READ, w, 10);
	expect_zero(ibv_dereg_mr(theirs));
	expect_zero(ibv_dealloc_pd(other));
}

/* Reads before the refused one come to a good end, those after it flush. */
static void read_error_in_a_row(void)
{
	uint32_t n;

	connect_both();
	barrier();
	if (client) {
		struct ibv_sge s = sge(0, 1000);
		struct ibv_send_wr wr[6], *bad;

		for (n = 0; n < 6; n++) {
			wr[n] = wr_of(n, IBV_WR_RDMA_READ, &s, TARGET, 0);
			wr[n].next = n < 5 ? &wr[n + 1] : NULL;
		}
		wr[3].wr.rdma.rkey ^= 0x100;
		expect_zero(ibv_post_send(id->qp, wr, &bad));
		for (n = 0; n < 3; n++)
			await_wc(scq, n, SUCCESS);
		await_wc(scq, 3, REM_ACCESS_ERR);
		await_flush(scq, 4, 5);
	}
	both_in_error();
}

static void no_receive_posted(void)
{
	connect_both();
	barrier();
	if (client) {
		post_send(1, 0, 100, 0);
		await_wc(scq, 1, SUCCESS);
	}
	both_in_error();
	no_wc(rcq);
}

static void receive_too_short(void)
{
	connect_both();
	if (client) {
		barrier();
		post_send(1, 0, 100, 0);
		await_wc(scq, 1, SUCCESS);
	} else {
		memset(buf, 0xee, 200);
		post_recv(1, 0, 99);
		post_recv(2, 0, 99);
		barrier();
		await_wc(rcq, 1, LOC_LEN_ERR);
		await_flush(rcq, 2, 2);
		expect(buf[99] == 0xee, "something was placed behind the buffer");
	}
	both_in_error();
}

static const struct test tests[] = {
	TEST(read_bad_rkey, "a Read from an unknown rkey"),
	TEST(read_bad_key, "a Read from an rkey with the wrong key"),
	TEST(read_past_end, "a Read from beyond the region"),
	TEST(read_before_start, "a Read from before the region"),
	TEST(read_wraps, "a Read that wraps around"),
	TEST(write_bad_rkey, "a Write to an unknown rkey"),
	TEST(write_past_end, "a Write to beyond the region places nothing"),
	TEST(read_without_right, "a Read from a region without REMOTE_READ"),
	TEST(write_without_right, "a Write to a region without REMOTE_WRITE"),
	TEST(rkey_of_other_pd, "a Read from a region of another protection domain"),
	TEST(read_error_in_a_row, "Reads before the refused one succeed, those after it flush"),
	TEST(no_receive_posted, "a Send without a receive"),
	TEST(receive_too_short, "a Send longer than the receive"),
};

const struct group remote_errors_group = { tests, ARRAY_SIZE(tests) };
