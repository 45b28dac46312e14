// SPDX-License-Identifier: GPL-2.0
/* What the end that posts a work request finds wrong with it. */
#include "harness.h"

/* The client's @wr fails with @status; everything flushes, on both sides. */
static void local_error(struct ibv_send_wr wr, enum ibv_wc_status status)
{
	struct ibv_send_wr *bad, after = wr_of(2, IBV_WR_RDMA_WRITE, NULL, 0, UNSIGNALLED);
	uint32_t n;

	post_receives();
	barrier();
	if (client) {
		wr.next = &after;
		expect_zero(ibv_post_send(id->qp, &wr, &bad));
		await_wc_at(HERE, scq, 1, status);
		/* One that was not signalled flushes as well. */
		await_flush(scq, 2, 2);
	}
	await_flush(rcq, 100, 109);
	both_in_error();
	if (client) {
		/* libsiw has no doorbell for receives: the next Send brings it along. */
		post_recv(110, 0, 1);
		for (n = 3; n < 6; n++)
			post_write(n, 0, 1, TARGET, 0);
		await_flush(scq, 3, 5);
		await_flush(rcq, 110, 110);
	}
	barrier();
}

static void bad_lkey(void)
{
	struct ibv_sge s = sge(0, 100);

	s.lkey ^= 0x100;
	connect_both();
	local_error(wr_of(1, IBV_WR_SEND, &s, 0, 0), IBV_WC_LOC_PROT_ERR);
}

static void bad_lkey_key(void)
{
	struct ibv_sge s = sge(0, 100);

	s.lkey ^= 1;
	connect_both();
	local_error(wr_of(1, IBV_WR_RDMA_WRITE, &s, TARGET, UNSIGNALLED), IBV_WC_LOC_PROT_ERR);
}

static void local_bounds(void)
{
	struct ibv_sge s = sge(BUF_SIZE - 99, 100);

	connect_both();
	local_error(wr_of(1, IBV_WR_RDMA_WRITE, &s, TARGET, 0), IBV_WC_LOC_PROT_ERR);
}

static void with_mr(int access, struct ibv_pd *of, enum ibv_wr_opcode opcode,
		    enum ibv_wc_status status)
{
	static uint8_t memory[8192];
	struct ibv_mr *other = reg(of, memory, sizeof(memory), access);
	struct ibv_sge s = { (uintptr_t)memory, 100, other->lkey };

	connect_both();
	local_error(wr_of(1, opcode, &s, TARGET, 0), status);
	expect_zero(ibv_dereg_mr(other));
}

static void read_into_read_only(void)
{
	with_mr(0, pd, IBV_WR_RDMA_READ, IBV_WC_LOC_PROT_ERR);
}

static void lkey_of_other_pd(void)
{
	struct ibv_pd *other = ibv_alloc_pd(verbs);

	expect(other, "alloc_pd");
	with_mr(IBV_ACCESS_LOCAL_WRITE, other, IBV_WR_SEND, IBV_WC_LOC_PROT_ERR);
	expect_zero(ibv_dealloc_pd(other));
}

static void bad_receive_lkey(void)
{
	struct ibv_sge s = sge(0, 100);
	struct ibv_recv_wr wr = { .wr_id = 1, .sg_list = &s, .num_sge = 1 }, *bad;

	connect_both();
	if (client) {
		barrier();
		post_send(1, 0, 50, 0);
		await_wc(scq, 1, SUCCESS);
	} else {
		s.lkey ^= 0x100;
		expect_zero(ibv_post_recv(id->qp, &wr, &bad));
		barrier();
		await_wc(rcq, 1, LOC_PROT_ERR);
	}
	both_in_error();
}

static const struct test tests[] = {
	TEST(bad_lkey, "a Send from an unknown lkey"),
	TEST(bad_lkey_key, "an unsignalled Write from an lkey with the wrong key"),
	TEST(local_bounds, "a Write from beyond the region"),
	TEST(read_into_read_only, "a Read into a region without LOCAL_WRITE"),
	TEST(lkey_of_other_pd, "a Send from a region of another protection domain"),
	TEST(bad_receive_lkey, "a receive into an unknown lkey"),
};

const struct group local_errors_group = { tests, ARRAY_SIZE(tests) };
