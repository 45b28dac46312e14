// SPDX-License-Identifier: GPL-2.0
/* Sends that take a region away from the other end. */
#include "harness.h"

static void invalidate(unsigned int flags)
{
	static uint8_t memory[4096];
	struct ibv_mr *theirs = reg(pd, memory, sizeof(memory), IBV_ACCESS_LOCAL_WRITE |
				    IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
	struct ibv_send_wr wr;
	struct window w;
	struct ibv_sge s = sge(0, 100);

	memset(memory, 0xee, sizeof(memory));
	w = swap_windows(theirs);
	connect_both();
	if (client) {
		fill(0, 100, 4);
		barrier();
		wr = wr_of(1, IBV_WR_RDMA_WRITE, &s, 0, 0);
		aim(&wr, w);
		expect_zero(post(&wr));
		await_wc(scq, 1, SUCCESS);
		wr = wr_of(2, IBV_WR_SEND_WITH_INV, &s, 0, flags);
		invalidates(&wr, w.rkey);
		expect_zero(post(&wr));
		await_wc(scq, 2, SUCCESS);
		barrier();
		wr = wr_of(3, IBV_WR_RDMA_READ, &s, 0, 0);
		aim(&wr, w);
		expect_zero(post(&wr));
		await_wc(scq, 3, REM_ACCESS_ERR);
	} else {
		post_recv(1, TARGET, 100);
		barrier();
		await_wc(rcq, 1, SUCCESS);
		verify(TARGET, 100, 4);
		for (int i = 0; i < 100; i++)
			expect(memory[i] == pattern(4, i), "octet %d of the Write", i);
		barrier();
	}
	both_in_error();
	expect_zero(ibv_dereg_mr(theirs));
}

static void send_with_invalidate(void)
{
	invalidate(0);
}

static void solicited_send_with_invalidate(void)
{
	invalidate(IBV_SEND_SOLICITED);
}

static void invalidate_nothing(void)
{
	struct ibv_sge s = sge(0, 100);
	struct ibv_send_wr wr;

	connect_both();
	if (client) {
		barrier();
		wr = wr_of(1, IBV_WR_SEND_WITH_INV, &s, 0, 0);
		invalidates(&wr, peer.rkey ^ 0x100);
		expect_zero(post(&wr));
		await_wc(scq, 1, SUCCESS);
	} else {
		post_recv(1, TARGET, 100);
		barrier();
		await_wc(rcq, 1, REM_INV_REQ_ERR);
	}
	both_in_error();
}

static const struct test tests[] = {
	TEST(send_with_invalidate, "Send with Invalidate"),
	TEST(solicited_send_with_invalidate, "solicited Send with Invalidate"),
	TEST(invalidate_nothing, "Send with Invalidate of an unknown rkey"),
};

const struct group invalidate_group = { tests, ARRAY_SIZE(tests) };
