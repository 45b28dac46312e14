// SPDX-License-Identifier: GPL-2.0
/*
 * Every opcode, some in several FPDUs, and a Terminate at the end: for a capture. tshark loses its place where
 * an FPDU begins in the last 7 octets of a segment. With these sizes none does, wherever TCP has begun one of
 * 1448 octets: no sum of consecutive FPDUs' lengths, be they of 1448 octets at most or whole messages, falls
 * short of a multiple of that by so little.
 */
#include "harness.h"

static void opcodes(void)
{
	static uint8_t memory[2][4096];
	struct ibv_mr *theirs[2];
	struct ibv_sge s = sge(0, 5000);
	struct window w[2];
	struct ibv_send_wr wr;
	uint32_t n;
	int i;

	for (i = 0; i < 2; i++) {
		theirs[i] = reg(pd, memory[i], sizeof(memory[i]),
				IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
		w[i] = swap_windows(theirs[i]);
	}
	connect_both();
	if (client) {
		fill(0, 10000, 1);
		barrier();
		for (n = 1; n <= 10; n++) {
			post_write(n, 0, 960 * n, TARGET, UNSIGNALLED);
			post_read(n, 16384, 703 * n, TARGET, UNSIGNALLED);
			post_send(n, 0, 477 * n, UNSIGNALLED);
			post_send(n, 0, 498 * n, UNSIGNALLED | IBV_SEND_SOLICITED);
		}
		for (i = 0; i < 2; i++) {
			wr = wr_of(100 + i, IBV_WR_SEND_WITH_INV, &s, 0, i ? IBV_SEND_SOLICITED : 0);
			invalidates(&wr, w[i].rkey);
			expect_zero(post(&wr));
			await_wc(scq, 100 + i, SUCCESS);
		}
		barrier();
		wr = wr_of(200, IBV_WR_RDMA_READ, &s, 0, 0);
		wr.wr.rdma.rkey ^= 0x100;
		expect_zero(post(&wr));
		await_wc(scq, 200, REM_ACCESS_ERR);
	} else {
		for (n = 0; n < 22; n++)
			post_recv(n, 0, 5000);
		barrier();
		for (n = 0; n < 22; n++)
			await_wc(rcq, n, SUCCESS);
		barrier();
	}
	both_in_error();
	for (i = 0; i < 2; i++)
		expect_zero(ibv_dereg_mr(theirs[i]));
}

static const struct test tests[] = {
	TEST(opcodes, "every opcode"),
};

const struct group opcodes_group = { tests, ARRAY_SIZE(tests) };
