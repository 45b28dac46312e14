// SPDX-License-Identifier: GPL-2.0
/*
 * stream.c: beginning, end by Terminate, and the table of opcodes.
 */
#include "env.h"
#include "harness.h"

/* RFC 5040 figure 4, and figures 5 to 8 for the headers' lengths */
static void core_opcodes__rfc5040_figure_4(void)
{
	static const struct {
		u8 opcode;
		u8 header;
		bool tagged;
		u8 qn;
		bool solicited;
		bool invalidates;
	} want[] = {
		{ 0, 16, true, 0, false, false },	/* RDMA Write */
		{ 1, 48, false, 1, false, false },	/* RDMA Read Request */
		{ 2, 16, true, 0, false, false },	/* RDMA Read Response */
		{ 3, 20, false, 0, false, false },	/* Send */
		{ 4, 20, false, 0, false, true },	/* Send with Invalidate */
		{ 5, 20, false, 0, true, false },	/* Send with SE */
		{ 6, 20, false, 0, true, true },	/* Send with SE and Inv. */
		{ 7, 20, false, 2, false, false },	/* Terminate */
	};
	u32 i;

	for (i = 0; i < RDMAP_OPCODES; i++) {
		unit_context("opcode %u", i);
		if (i >= ARRAY_SIZE(want)) {
			CHECK_EQ(core_opcodes[i].header, 0);
			continue;
		}
		CHECK_EQ(want[i].opcode, i);
		CHECK_EQ(core_opcodes[i].header, want[i].header);
		CHECK_EQ(core_opcodes[i].tagged, want[i].tagged);
		CHECK_EQ(core_opcodes[i].qn, want[i].qn);
		CHECK_EQ(core_opcodes[i].solicited, want[i].solicited);
		CHECK_EQ(core_opcodes[i].invalidates, want[i].invalidates);
	}
}

static void core_start__overwrites_an_old_stream(void)
{
	struct env *env = env_new(4, 2, 2);
	struct core_qp *qp = &env->qp;
	u32 qn;

	memset(&qp->scan, 0xff, sizeof(qp->scan));
	memset(&qp->rx, 0xff, sizeof(qp->rx));
	memset(&qp->tx, 0xff, sizeof(qp->tx));
	memset(&qp->error, 1, sizeof(qp->error));
	memset(&qp->broken, 1, sizeof(qp->broken));
	memset(&qp->peer_term, 1, sizeof(qp->peer_term));

	core_start(qp, true, 1460, IWARP_RTR_READ, IWARP_RTR_WRITE, true);
	CHECK_EQ(qp->crc, true);
	CHECK_EQ(qp->max_ulpdu, 1460);
	CHECK(!qp->error && !qp->broken && !qp->peer_term);
	CHECK_EQ(qp->tx.rtr, IWARP_RTR_READ);
	CHECK_EQ(qp->rx.rtr, IWARP_RTR_WRITE);
	CHECK_EQ(qp->tx.held, true);
	CHECK_EQ(qp->rx.first, true);
	CHECK(!qp->rx.region && !qp->rx.send_active && !qp->rx.have);
	CHECK(!qp->tx.closed && !qp->tx.term_pending && !qp->tx.hdr_len);
	CHECK(!qp->scan.seen && !qp->scan.verified);
	/* RFC 5041 section 5.2: the first message is number 1 */
	for (qn = 0; qn < DDP_QUEUES; qn++) {
		CHECK_EQ(qp->rx.msn[qn], 1);
		CHECK_EQ(qp->tx.msn[qn], 1);
	}
	CHECK_EQ(qp->sq_size, 4);
	CHECK(core_receive_between(qp));

	core_start(qp, false, 65535, 0, 0, false);
	CHECK(!qp->crc && !qp->tx.held && !qp->tx.rtr && !qp->rx.rtr);
}

static void core_terminate__first_reason_stays(void)
{
	struct env *env = env_new(4, 2, 2);
	struct core_qp *qp = &env->qp;
	struct bytes want = {}, got = {};
	u8 hdr[16] = { 0x00, 0x0e, 0xc1, 0x40, 9, 8, 7, 6 };

	core_start(qp, false, 1460, 0, 0, false);
	core_terminate(qp, 1, 1, 3, hdr, sizeof(hdr));
	CHECK(qp->error && qp->tx.term_pending);
	core_terminate(qp, 0, 2, 5, NULL, 0);
	frame_terminate(&want, 1, 1, 3, hdr, sizeof(hdr), false);
	env_transmit(env, &got, 7);
	CHECK_BYTES(got.data, got.len, want.data, want.len);
	CHECK(qp->tx.closed);
	bytes_free(&got);
	bytes_free(&want);
}

static void core_terminate__only_one(void)
{
	struct env *env = env_new(4, 2, 2);
	struct core_qp *qp = &env->qp;
	struct bytes want = {}, got = {};
	u8 octet;

	core_start(qp, true, 1460, 0, 0, false);
	core_terminate(qp, 0, 0, 0, NULL, 0);
	/* While it goes out ... */
	CHECK_EQ(core_transmit(qp, &octet, 1), 1);
	bytes_put(&got, &octet, 1);
	core_terminate(qp, 1, 2, 1, NULL, 0);
	CHECK(!qp->tx.term_pending);
	env_transmit(env, &got, 100);
	/* ... and when it is out */
	core_terminate(qp, 1, 2, 1, NULL, 0);
	CHECK(!qp->tx.term_pending);
	env_transmit(env, &got, 100);
	frame_terminate(&want, 0, 0, 0, NULL, 0, true);
	CHECK_BYTES(got.data, got.len, want.data, want.len);
	CHECK_EQ(env->terms_n, 1);
	bytes_free(&got);
	bytes_free(&want);
}

static void core_terminate__header_too_long_is_not_quoted(void)
{
	struct env *env = env_new(4, 2, 2);
	u8 hdr[CORE_MAX_HEADER + 1] = {};

	core_start(&env->qp, true, 1460, 0, 0, false);
	core_terminate(&env->qp, 1, 2, 4, hdr, sizeof(hdr));
	CHECK_EQ(env->qp.tx.term.hdr_len, 0);

	core_start(&env->qp, true, 1460, 0, 0, false);
	core_terminate(&env->qp, 1, 2, 4, hdr, CORE_MAX_HEADER);
	CHECK_EQ(env->qp.tx.term.hdr_len, CORE_MAX_HEADER);
}

static void core_terminate__stops_receiving(void)
{
	struct env *env = env_new(4, 2, 2);
	struct core_region *region = env_region(env, 0x100, 0, 64,
						CORE_REMOTE_WRITE);
	struct segment s = segment_write(0x100, 0, 8);
	struct bytes b = {};
	u32 consumed = 7;

	core_start(&env->qp, false, 1460, 0, 0, false);
	frame_segment(&b, &s, false);
	core_terminate(&env->qp, 0, 0, 0, NULL, 0);
	CHECK_EQ(core_receive(&env->qp, b.data, b.len, &consumed), -EPROTO);
	CHECK_EQ(consumed, 0);
	CHECK_EQ(region->written, 0);
	bytes_free(&b);
}

static const struct unit_test tests[] = {
	UNIT_TEST(core_opcodes__rfc5040_figure_4),
	UNIT_TEST(core_start__overwrites_an_old_stream),
	UNIT_TEST(core_terminate__first_reason_stays),
	UNIT_TEST(core_terminate__only_one),
	UNIT_TEST(core_terminate__header_too_long_is_not_quoted),
	UNIT_TEST(core_terminate__stops_receiving),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
