// SPDX-License-Identifier: GPL-2.0
/*
 * SIW_OP_READ_LOCAL_INV: the sink of an RDMA Read that is invalidated when it is done.
 */
#include "harness.h"
#include "local.h"
#include "sent.h"

/* The peer cannot tell it from any other Read. */
static void send_fpdu__read_local_inv(void)
{
	static const u8 opcodes[] = { SIW_OP_READ, SIW_OP_READ_LOCAL_INV };
	u32 i, room;

	for (i = 0; i < 2; i++) {
		for (room = 1; room < 60; room++) {
			struct env *env = local_start();
			struct bytes got = {};

			unit_context("opcode %u, room %u", opcodes[i], room);
			local_post_read(env, 1, opcodes[i], SIGNALLED, 16, 0x23);
			env_transmit(env, &got, room);
			CHECK_HEX(got.data, got.len,
				  "002e 41 41 00000000 00000001 00000001 00000000;"
				  "00000300 0000000000030010 00000023 a1b2c3d4 1122334455667788;"
				  "00000000");
			CHECK_EQ(env->out_n, 1);
			CHECK_EQ(env->done_n, 0);
			CHECK_EQ(env->locals_n, 0);
			CHECK(core_reads_outstanding(&env->qp));
			CHECK(!core_transmit_idle(&env->qp));
			bytes_free(&got);
		}
	}
}

static void queue_blocked__read_local_inv_counts(void)
{
	static const u8 kinds[] = { SIW_OP_READ, SIW_OP_READ_LOCAL_INV };
	u32 i, first, second, third;

	for (i = 0; i < 8; i++) {
		struct env *env = local_start();

		first = kinds[i & 1];
		second = kinds[i >> 1 & 1];
		third = kinds[i >> 2];
		unit_context("%u, %u, %u", first, second, third);
		local_post_read(env, 1, first, 0, 0, 8);
		local_post_read(env, 2, second, 0, 0, 8);
		local_post_read(env, 3, third, 0, 0, 8);
		sent_drop(env);
		CHECK_EQ(env->out_n, 2);
		CHECK(env->qp.sq[2].flags & SIW_WQE_VALID);
		CHECK_EQ(local_answer(env, 0, 8), 0);
		/* So that the last one finds its sink whatever the first one was */
		env_region_of(env, SINK)->gone = false;
		sent_drop(env);
		CHECK_EQ(env->out_n, 3);
		CHECK_EQ(env->qp.sq[2].flags, 0);
	}
}

/* Without ORD it is refused, and does not wait for ever. */
static void queue_blocked__read_local_inv_without_ord(void)
{
	struct env *env = local_start();

	env->qp.ord = 0;
	local_post_read(env, 1, SIW_OP_READ_LOCAL_INV, 0, 0, 8);
	sent_expect(env, TERMINATE_LOCAL);
	local_check_done(env, 0, 1, SIW_OP_READ_LOCAL_INV, SIW_WC_LOC_QP_OP_ERR);
	CHECK_EQ(env->locals_n, 0);
	env->qp.ord = 2;
}

/* 25 octets, none, and 15 */
static void frame_three(struct bytes *b, bool crc, u8 last)
{
	struct segment s[] = {
		segment_read_response(SINK, SINK_TO + 8, 25),
		segment_read_response(SINK, SINK_TO + 33, 0),
		segment_read_response(SINK, SINK_TO + 33, 15),
	};
	u32 i;

	s[0].ddp = 0x81;
	s[1].ddp = 0x81;
	s[2].ddp = last;
	for (i = 0; i < ARRAY_SIZE(s); i++)
		frame_segment(b, &s[i], crc);
}

static void sink_invalidated(struct env *env)
{
	CHECK_EQ(env->locals_n, 1);
	local_check(env, 0, SIW_OP_READ_LOCAL_INV, SINK, 1, 0);
	CHECK_EQ(env->locals[0].placed, 40);
	CHECK_EQ(env->locals[0].in_n, 3);
	CHECK(env_region_of(env, SINK)->gone);
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, false, 7, SIW_OP_READ_LOCAL_INV, SIW_WC_SUCCESS, 40);
	CHECK(!env->qp.error && !core_reads_outstanding(&env->qp));
	CHECK(core_receive_between(&env->qp) && core_transmit_idle(&env->qp));
}

/* Once, behind the last octet and before the completion, however it comes */
static void end_read_response__invalidates_the_sink(void)
{
	struct bytes b = {};
	struct env *env;
	u32 crc, cut, piece;

	for (crc = 0; crc < 2; crc++) {
		frame_three(&b, crc, 0xc1);
		for (cut = 0; cut <= b.len; cut++) {
			unit_context("crc %u, cut %u of %u", crc, cut, b.len);
			env = local_start_read(crc, SIW_OP_READ_LOCAL_INV);
			CHECK_EQ(env_feed(env, b.data, cut), 0);
			CHECK_EQ(env->locals_n, cut == b.len);
			CHECK_EQ(env->done_n, cut == b.len);
			CHECK_EQ(env_feed(env, b.data + cut, b.len - cut), 0);
			sink_invalidated(env);
			env_finish();
			env_reset();
		}
		for (piece = 1; piece < 30; piece++) {
			unit_context("crc %u, piece %u", crc, piece);
			env = local_start_read(crc, SIW_OP_READ_LOCAL_INV);
			env->piece = piece;
			CHECK_EQ(env_feed(env, b.data, b.len), 0);
			sink_invalidated(env);
		}
		unit_context("crc %u, an ordinary Read", crc);
		env = local_start_read(crc, SIW_OP_READ);
		CHECK_EQ(env_feed(env, b.data, b.len), 0);
		CHECK_EQ(env->done_n, 1);
		CHECK_EQ(env->locals_n, 0);
		bytes_free(&b);
	}
}

/* The peer is told at once if it goes on to write where the sink was. */
static void end_read_response__sink_not_written_afterwards(void)
{
	struct env *env = local_start_read(false, SIW_OP_READ_LOCAL_INV);

	env_region_of(env, SINK)->access |= CORE_REMOTE_WRITE;
	CHECK_EQ(env_feed_segment(env, segment_write(SINK, SINK_TO, 5)), 0);
	CHECK_EQ(local_answer(env, 8, 40), 0);
	CHECK_EQ(env->placed, 45);
	CHECK_EQ(env_feed_segment(env, segment_write(SINK, SINK_TO, 5)), -EPROTO);
	CHECK_EQ(env->placed, 45);
}

/* Of several, with Reads of the other kind between, each takes its own. */
static void end_read_response__each_its_own_sink(void)
{
	static const u32 sinks[] = { SINK, 0x301, 0x302, 0x303 };
	struct env *env = local_start_sized(false, 1024, 8, 4);
	u32 i, n;

	for (i = 1; i < 4; i++)
		env_region(env, sinks[i], SINK_TO, SIZE, CORE_LOCAL_WRITE);
	for (i = 0; i < 4; i++)
		local_post_one(env, i, i % 2 ? SIW_OP_READ_LOCAL_INV : SIW_OP_READ,
			       i < 2 ? SIGNALLED : 0, sinks[i], SINK_TO + i, i);
	sent_drop(env);
	CHECK_EQ(env->out_n, 4);
	for (i = 0; i < 4; i++) {
		unit_context("Read %u", i);
		CHECK_EQ(env_feed_segment(env, segment_read_response(sinks[i], SINK_TO + i, i)), 0);
		CHECK_EQ(env->locals_n, (i + 1) / 2);
		for (n = 0; n < 4; n++)
			CHECK_EQ(env_region_of(env, sinks[n])->gone, n % 2 && n <= i);
	}
	local_check(env, 0, SIW_OP_READ_LOCAL_INV, 0x301, 4, 1);
	local_check(env, 1, SIW_OP_READ_LOCAL_INV, 0x303, 4, 2);
	CHECK_EQ(env->done_n, 2);
	env_check_done(env, 1, false, 1, SIW_OP_READ_LOCAL_INV, SIW_WC_SUCCESS, 1);
	CHECK_EQ(env->qp.sends_tail, 4);
}

/* The stream ends after @cut octets: the sink stays what it was. */
static void failed_in_the_middle(bool crc, const struct bytes *b, u32 cut, bool told)
{
	struct env *env = local_start_read(crc, SIW_OP_READ_LOCAL_INV);
	struct bytes term = {};

	CHECK_EQ(env_feed(env, b->data, cut), 0);
	if (told) {
		frame_terminate(&term, 0, 0, 0, NULL, 0, crc);
		CHECK_EQ(env_feed(env, term.data, term.len), -ECONNRESET);
		bytes_free(&term);
	} else {
		core_terminate(&env->qp, TERM_LAYER_LLP, 0, TERM_MPA_CRC, NULL, 0);
		CHECK_EQ(env_feed(env, b->data + cut, b->len - cut), -EPROTO);
	}
	sent_drop(env);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, false, 7, SIW_OP_READ_LOCAL_INV, SIW_WC_WR_FLUSH_ERR, 0);
	CHECK_EQ(env->locals_n, 0);
	CHECK(!env_region_of(env, SINK)->gone);
	env_finish();
	env_reset();
}

static void end_read_response__not_when_the_stream_fails(void)
{
	struct bytes b = {};
	u32 crc, cut, first;

	for (crc = 0; crc < 2; crc++) {
		frame_three(&b, crc, 0xc1);
		first = 16 + 25 + 3 + 4;
		for (cut = 0; cut < b.len; cut++) {
			unit_context("crc %u, cut %u", crc, cut);
			failed_in_the_middle(crc, &b, cut, false);
			if (!cut || cut == first || cut == first + 20)
				failed_in_the_middle(crc, &b, cut, true);
		}
		bytes_free(&b);
	}
}

/* All of its octets are there, but the peer does not say that it was the last. */
static void end_read_response__not_before_the_last_segment(void)
{
	struct env *env = local_start_read(false, SIW_OP_READ_LOCAL_INV);
	struct bytes b = {};

	frame_three(&b, false, 0x81);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	CHECK_EQ(env->placed, 40);
	CHECK_EQ(env->locals_n, 0);
	CHECK_EQ(local_answer(env, 48, 1), -EPROTO);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->locals_n, 0);
	CHECK_EQ(env->done_n, 1);
	local_check_done(env, 0, 7, SIW_OP_READ_LOCAL_INV, SIW_WC_LOC_LEN_ERR);
	bytes_free(&b);
	/* With an empty last one it is done. */
	env = local_start_read(false, SIW_OP_READ_LOCAL_INV);
	frame_three(&b, false, 0x81);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	CHECK_EQ(local_answer(env, 48, 0), 0);
	CHECK_EQ(env->locals_n, 1);
	CHECK_EQ(env->done_n, 1);
	bytes_free(&b);
}

/* The peer refuses it: it is told so, and keeps its sink. */
static void end_read_response__not_when_the_peer_refuses(void)
{
	struct env *env = local_start();
	struct bytes out = {}, term = {};

	local_post_read(env, 1, SIW_OP_READ_LOCAL_INV, 0, 0, 8);
	env_transmit(env, &out, 100);
	frame_terminate(&term, 0, 1, 0, out.data, 48, false);
	CHECK_EQ(env_feed(env, term.data, term.len), -ECONNRESET);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, false, 1, SIW_OP_READ_LOCAL_INV, SIW_WC_REM_ACCESS_ERR, 0);
	CHECK_EQ(env->locals_n, 0);
	bytes_free(&out);
	bytes_free(&term);
}

/* The data is there, but who asked for the end of the STag did not get it. */
static void end_read_response__invalidate_fails(void)
{
	u32 i, signalled;

	for (i = 0; i < 2 * ARRAY_SIZE(local_failures); i++) {
		struct env *env = local_start();
		u16 status = local_failures[i / 2];

		signalled = i % 2 ? SIGNALLED : 0;
		unit_context("status %u, flags %u", status, signalled);
		local_post_read(env, 1, SIW_OP_READ_LOCAL_INV, signalled, 0, 8);
		local_post_send(env, 2, SIGNALLED);
		local_post_read(env, 3, SIW_OP_READ_LOCAL_INV, signalled, 8, 8);
		local_post_send(env, 4, FENCE);
		sent_drop(env);
		CHECK_EQ(env->out_n, 3);
		env->fail_local = 1;
		env->fail_local_with = status;
		CHECK_EQ(local_answer(env, 0, 8), -EPROTO);
		CHECK(env->qp.error && !env->qp.broken);
		CHECK_EQ(env->locals_n, 1);
		CHECK_EQ(env->placed, 8);
		CHECK_EQ(env->done_n, 1);
		local_check_done(env, 0, 1, SIW_OP_READ_LOCAL_INV, status);
		/* Nothing more is taken, and the Send behind the fence not begun */
		CHECK_EQ(local_answer(env, 8, 8), -EPROTO);
		CHECK_EQ(env->placed, 8);
		sent_expect(env, TERMINATE_LOCAL);
		core_queue_flush(&env->qp);
		CHECK_EQ(env->done_n, 4);
		/* It has been sent, but stands behind one that failed. */
		local_check_done(env, 1, 2, SIW_OP_SEND, SIW_WC_WR_FLUSH_ERR);
		local_check_done(env, 2, 3, SIW_OP_READ_LOCAL_INV, SIW_WC_WR_FLUSH_ERR);
		local_check_done(env, 3, 4, SIW_OP_SEND, SIW_WC_WR_FLUSH_ERR);
		CHECK_EQ(env->locals_n, 1);
		CHECK(!env_region_of(env, SINK)->gone);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(queue_blocked__read_local_inv_counts),
	UNIT_TEST(queue_blocked__read_local_inv_without_ord),
	UNIT_TEST(send_fpdu__read_local_inv),
	UNIT_TEST(end_read_response__invalidates_the_sink),
	UNIT_TEST(end_read_response__sink_not_written_afterwards),
	UNIT_TEST(end_read_response__each_its_own_sink),
	UNIT_TEST(end_read_response__not_when_the_stream_fails),
	UNIT_TEST(end_read_response__not_before_the_last_segment),
	UNIT_TEST(end_read_response__not_when_the_peer_refuses),
	UNIT_TEST(end_read_response__invalidate_fails),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
