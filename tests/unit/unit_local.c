// SPDX-License-Identifier: GPL-2.0
/*
 * What a work request changes at this end: registrations and invalidations in
 * the send queue, the sink of an RDMA Read that is invalidated when it is done,
 * and memory whose STag changes its meaning while the stream uses it.
 */
#include <stdlib.h>

#include "harness.h"
#include "local.h"
#include "sent.h"

/* begin_send() */

static void begin_send__register_before_the_first_octet(void)
{
	struct env *env = local_start();
	u8 octet;

	local_post_register(env, 1, SIGNALLED);
	/* Nothing but this registration makes the Send's memory known. */
	local_post_one(env, 2, SIW_OP_SEND, SIGNALLED, NEW, FAST_TO, 4);
	CHECK_EQ(env->locals_n, 0);
	CHECK_EQ(core_transmit(&env->qp, &octet, 1), 1);
	CHECK_EQ(octet, 0);
	CHECK_EQ(env->locals_n, 1);
	local_check(env, 0, SIW_OP_REG_MR, NEW, 0, 0);
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, false, 1, SIW_OP_REG_MR, SIW_WC_SUCCESS, 0);
	sent_expect(env, "16 41 43 00000000 00000000 00000001 00000000 66617374 00000000");
	CHECK_EQ(env->locals_n, 1);
	CHECK_EQ(env->done_n, 2);
	env_check_done(env, 1, false, 2, SIW_OP_SEND, SIW_WC_SUCCESS, 0);
}

/* A copy of the request is carried out, and all of it is there. */
static void begin_send__register_as_posted(void)
{
	struct env *env = local_start();
	struct core_region *fast = env_region_of(env, FAST);

	env_must_post(env, env_register(1, SIGNALLED, fast, NEW, CORE_REMOTE_WRITE));
	sent_drop(env);
	CHECK_EQ(fast->stag, NEW);
	CHECK_EQ(fast->access, CORE_REMOTE_WRITE);
	CHECK(!fast->gone);
	CHECK_EQ(env_feed_segment(env, segment_write(NEW, FAST_TO + 9, 20)), 0);
	CHECK_EQ(fast->written, 20);
	/* By its old key nobody finds it. */
	CHECK_EQ(env_feed_segment(env, segment_write(FAST, FAST_TO + 9, 20)), -EPROTO);
	CHECK_EQ(fast->written, 20);
}

static void begin_send__nothing_but_local(void)
{
	struct env *env = local_start();

	local_post_register(env, 1, SIGNALLED);
	local_post_invalidate(env, 2, SIGNALLED, OPEN);
	CHECK(!core_transmit_idle(&env->qp));
	sent_expect(env, "");
	CHECK_EQ(env->out_n, 0);
	local_check(env, 0, SIW_OP_REG_MR, NEW, 0, 0);
	local_check(env, 1, SIW_OP_INVAL_STAG, OPEN, 0, 1);
	env_check_done(env, 0, false, 1, SIW_OP_REG_MR, SIW_WC_SUCCESS, 0);
	env_check_done(env, 1, false, 2, SIW_OP_INVAL_STAG, SIW_WC_SUCCESS, 0);
	CHECK(env_region_of(env, OPEN)->gone);
	CHECK(core_transmit_idle(&env->qp));
	CHECK(!env->qp.error);
	sent_expect(env, "");
	CHECK_EQ(env->locals_n, 2);
	CHECK_EQ(env->done_n, 2);
}

static void begin_send__unsignalled(void)
{
	struct env *env = local_start();

	local_post_register(env, 1, 0);
	local_post_invalidate(env, 2, 0, OPEN);
	local_post_invalidate(env, 3, SIGNALLED, HELLO);
	local_post_invalidate(env, 4, 0, ANSWER);
	sent_expect(env, "");
	CHECK_EQ(env->locals_n, 4);
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, false, 3, SIW_OP_INVAL_STAG, SIW_WC_SUCCESS, 0);
	CHECK_EQ(env->qp.sends_tail, 4);
	CHECK(core_transmit_idle(&env->qp));
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 1);
}

/*
 * All of the first Send goes out, whose memory the first of them takes away, and
 * then nothing until all of them are carried out.
 */
static void begin_send__several_between_two_sends(void)
{
	static const u32 rooms[] = { 1, 7, 28, 5000 };
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(rooms); i++) {
		struct env *env = local_start_sized(false, 22, 8, 2);
		struct bytes got = {};

		unit_context("room %u", rooms[i]);
		local_post_one(env, 1, SIW_OP_SEND, SIGNALLED, HELLO, HELLO_TO, 9);
		local_post_invalidate(env, 2, SIGNALLED, HELLO);
		local_post_invalidate(env, 3, 0, OPEN);
		local_post_register(env, 4, SIGNALLED);
		local_post_one(env, 5, SIW_OP_SEND, SIGNALLED, NEW, FAST_TO, 4);
		env_transmit(env, &got, rooms[i]);
		CHECK_HEX(got.data, got.len,
			  "0016 01 43 00000000 00000000 00000001 00000000 68656c6c 00000000;"
			  "0016 01 43 00000000 00000000 00000001 00000004 6f776f72 00000000;"
			  "0013 41 43 00000000 00000000 00000001 00000008 6c 000000 00000000;"
			  "0016 41 43 00000000 00000000 00000002 00000000 66617374 00000000");
		CHECK_EQ(env->locals_n, 3);
		local_check(env, 0, SIW_OP_INVAL_STAG, HELLO, 3, 1);
		local_check(env, 1, SIW_OP_INVAL_STAG, OPEN, 3, 2);
		local_check(env, 2, SIW_OP_REG_MR, NEW, 3, 2);
		for (n = 0; n < 3 && rooms[i] < 5000; n++)
			CHECK_EQ(env->locals[n].sent, 84);
		CHECK_EQ(env->done_n, 4);
		local_check_done(env, 0, 1, SIW_OP_SEND, SIW_WC_SUCCESS);
		local_check_done(env, 1, 2, SIW_OP_INVAL_STAG, SIW_WC_SUCCESS);
		local_check_done(env, 2, 4, SIW_OP_REG_MR, SIW_WC_SUCCESS);
		local_check_done(env, 3, 5, SIW_OP_SEND, SIW_WC_SUCCESS);
		bytes_free(&got);
	}
}

static void post_next_invalidate(struct env *env)
{
	if (env->done_n < 20)
		local_post_invalidate(env, env->done_n + 4, SIGNALLED, OPEN);
}

/*
 * The ring goes round, past where its numbers wrap. Who posts as fast as they
 * complete gets no more than a ring of them from one call.
 */
static void begin_send__ring_full_of_local(void)
{
	struct env *env = local_start_sized(false, 1024, 4, 2);
	u32 i;
	u8 octet;

	env->sq_put = 0xfffffffa;
	env->qp.sq_get = env->sq_put;
	env->qp.sends_tail = env->sq_put;
	env->on_done = post_next_invalidate;
	for (i = 0; i < 4; i++)
		local_post_invalidate(env, i + 1, SIGNALLED, OPEN);
	for (i = 4; i <= 24; i += 4) {
		CHECK_EQ(core_transmit(&env->qp, &octet, 1), 0);
		CHECK_EQ(env->locals_n, i < 24 ? i : 23);
	}
	CHECK_EQ(env->done_n, 23);
	for (i = 0; i < 23; i++)
		local_check_done(env, i, i + 1, SIW_OP_INVAL_STAG, SIW_WC_SUCCESS);
}

/* It is a work request like any other: not before the stream may send. */
static void begin_send__local_held(void)
{
	struct env *env = local_start();

	core_start(&env->qp, false, 1024, 0, 0, true);
	local_post_invalidate(env, 1, SIGNALLED, OPEN);
	sent_expect(env, "");
	CHECK_EQ(env->locals_n, 0);
	CHECK_EQ(env_feed_segment(env, segment_write(OPEN, OPEN_TO, 3)), 0);
	CHECK_EQ(env->locals_n, 0);
	CHECK_EQ(core_transmit(&env->qp, NULL, 0), 0);
	CHECK_EQ(env->locals_n, 0);
	sent_expect(env, "");
	CHECK_EQ(env->locals_n, 1);
	CHECK_EQ(env->locals[0].placed, 3);
	CHECK_EQ(env->done_n, 1);
}

/* It takes no turn away from the messages, and holds up no response. */
static void begin_send__local_between_responses(void)
{
	static const u8 want[] = { 3, 2, 3, 2, 2 };
	struct env *env = local_start();
	u32 i;

	local_post_register(env, 1, 0);
	local_post_send(env, 2, 0);
	local_post_invalidate(env, 3, 0, OPEN);
	local_post_send(env, 4, 0);
	local_post_invalidate(env, 5, 0, HELLO);
	local_ask(env, 1);
	local_ask(env, 2);
	sent_drop(env);
	local_check(env, 0, SIW_OP_REG_MR, NEW, 0, 0);
	local_check(env, 1, SIW_OP_INVAL_STAG, OPEN, 2, 0);
	local_check(env, 2, SIW_OP_INVAL_STAG, HELLO, 4, 0);
	/* Behind a queue that holds nothing else */
	local_post_invalidate(env, 6, SIGNALLED, NEW);
	local_ask(env, 3);
	sent_drop(env);
	CHECK_EQ(env->out_n, ARRAY_SIZE(want));
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		unit_context("FPDU %u", i);
		CHECK_EQ(env->out[i].opcode, want[i]);
	}
	CHECK_EQ(env->locals_n, 4);
	CHECK_EQ(env->done_n, 1);
}

/* With a fence it waits for the Read, and what is behind it waits, too. */
static void queue_blocked__fenced_invalidate(void)
{
	struct segment s = segment_read_response(SINK, SINK_TO, 8);
	struct env *env = local_start();
	struct bytes b = {};
	u32 i;

	local_post_read(env, 1, SIW_OP_READ, SIGNALLED, 0, 8);
	local_post_invalidate(env, 2, SIGNALLED | FENCE, SINK);
	local_post_send(env, 3, SIGNALLED);
	sent_drop(env);
	frame_segment(&b, &s, false);
	for (i = 0; i < b.len; i++) {
		unit_context("%u octets", i);
		CHECK_EQ(env->locals_n, 0);
		CHECK_EQ(env->out_n, 1);
		CHECK_EQ(env->done_n, 0);
		CHECK_EQ(env_feed(env, b.data + i, 1), 0);
		if (i < b.len - 1)
			sent_expect(env, "");
	}
	CHECK_EQ(env->done_n, 1);
	CHECK_EQ(env->locals_n, 0);
	sent_expect(env, "0013 41 43 00000000 00000000 00000001 00000000 68 000000 00000000");
	CHECK_EQ(env->locals_n, 1);
	local_check(env, 0, SIW_OP_INVAL_STAG, SINK, 1, 1);
	CHECK_EQ(env->locals[0].placed, 8);
	CHECK_EQ(env->done_n, 3);
	local_check_done(env, 0, 1, SIW_OP_READ, SIW_WC_SUCCESS);
	local_check_done(env, 1, 2, SIW_OP_INVAL_STAG, SIW_WC_SUCCESS);
	local_check_done(env, 2, 3, SIW_OP_SEND, SIW_WC_SUCCESS);
	bytes_free(&b);
}

/* Without it is carried out at once, but completes in its turn. */
static void queue_blocked__unfenced_invalidate(void)
{
	struct env *env = local_start();

	local_post_read(env, 1, SIW_OP_READ, SIGNALLED, 0, 8);
	local_post_invalidate(env, 2, SIGNALLED, OPEN);
	local_post_register(env, 3, 0);
	local_post_send(env, 4, SIGNALLED);
	sent_drop(env);
	CHECK_EQ(env->locals_n, 2);
	local_check(env, 0, SIW_OP_INVAL_STAG, OPEN, 1, 0);
	local_check(env, 1, SIW_OP_REG_MR, NEW, 1, 0);
	CHECK_EQ(env->out_n, 2);
	CHECK_EQ(env->done_n, 0);
	CHECK_EQ(local_answer(env, 0, 8), 0);
	CHECK_EQ(env->done_n, 3);
	local_check_done(env, 0, 1, SIW_OP_READ, SIW_WC_SUCCESS);
	local_check_done(env, 1, 2, SIW_OP_INVAL_STAG, SIW_WC_SUCCESS);
	local_check_done(env, 2, 4, SIW_OP_SEND, SIW_WC_SUCCESS);
	CHECK_EQ(env->locals_n, 2);
}

/* Who invalidates the sink of a Read under way gets no octet of its response. */
static void queue_blocked__unfenced_invalidate_of_the_sink(void)
{
	struct env *env = local_start();

	local_post_read(env, 1, SIW_OP_READ, SIGNALLED, 0, 8);
	local_post_invalidate(env, 2, SIGNALLED, SINK);
	sent_drop(env);
	CHECK_EQ(local_answer(env, 0, 8), -EPROTO);
	CHECK_EQ(env->placed, 0);
	sent_expect(env,
		    "0026 41 47 00000000 00000002 00000001 00000000 11 00 c0 00;"
		    "0016 c1 42 00000300 0000000000030000 00000000");
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 2);
	local_check_done(env, 0, 1, SIW_OP_READ, SIW_WC_WR_FLUSH_ERR);
	local_check_done(env, 1, 2, SIW_OP_INVAL_STAG, SIW_WC_WR_FLUSH_ERR);
	CHECK_EQ(env->locals_n, 1);
}

/* Behind what has to wait it waits, fence or not. */
static void queue_blocked__register_behind_a_blocked_read(void)
{
	struct env *env = local_start();
	u32 i;

	for (i = 0; i < 3; i++)
		local_post_read(env, i, SIW_OP_READ, 0, 8 * i, 8);
	local_post_register(env, 3, SIGNALLED);
	local_post_one(env, 4, SIW_OP_SEND, SIGNALLED, NEW, FAST_TO, 4);
	sent_drop(env);
	CHECK_EQ(env->out_n, 2);
	CHECK_EQ(env->locals_n, 0);
	CHECK_EQ(local_answer(env, 0, 8), 0);
	sent_drop(env);
	CHECK_EQ(env->out_n, 4);
	CHECK_EQ(env->out[2].opcode, RDMAP_READ_REQUEST);
	local_check(env, 0, SIW_OP_REG_MR, NEW, 3, 0);
	CHECK_EQ(local_answer(env, 8, 8), 0);
	CHECK_EQ(local_answer(env, 16, 8), 0);
	CHECK_EQ(env->done_n, 2);
	local_check_done(env, 0, 3, SIW_OP_REG_MR, SIW_WC_SUCCESS);
	local_check_done(env, 1, 4, SIW_OP_SEND, SIW_WC_SUCCESS);
}

/* What came before has gone out, whole; what is behind it is not begun. */
static void begin_send__register_fails(void)
{
	u32 i, signalled;

	for (i = 0; i < 2 * ARRAY_SIZE(local_failures); i++) {
		struct env *env = local_start();
		u16 status = local_failures[i / 2];

		signalled = i % 2 ? SIGNALLED : 0;
		unit_context("status %u, flags %u", status, signalled);
		env->fail_local = 1 << 1;
		env->fail_local_with = status;
		local_post_invalidate(env, 1, 0, OPEN);
		local_post_send(env, 2, SIGNALLED);
		local_post_register(env, 3, signalled);
		local_post_invalidate(env, 4, signalled, ANSWER);
		local_post_send(env, 5, signalled);
		local_post_read(env, 6, SIW_OP_READ_LOCAL_INV, signalled, 0, 8);
		sent_expect(env,
			    "0013 41 43 00000000 00000000 00000001 00000000 68 000000 00000000"
			    TERMINATE_LOCAL);
		CHECK_EQ(env->locals_n, 2);
		local_check(env, 1, SIW_OP_REG_MR, NEW, 1, 1);
		CHECK_EQ(env->done_n, 2);
		local_check_done(env, 0, 2, SIW_OP_SEND, SIW_WC_SUCCESS);
		env_check_done(env, 1, false, 3, SIW_OP_REG_MR, status, 0);
		CHECK(env->qp.error && env->qp.tx.closed && !env->qp.broken);
		core_queue_flush(&env->qp);
		CHECK_EQ(env->done_n, 5);
		local_check_done(env, 2, 4, SIW_OP_INVAL_STAG, SIW_WC_WR_FLUSH_ERR);
		local_check_done(env, 3, 5, SIW_OP_SEND, SIW_WC_WR_FLUSH_ERR);
		local_check_done(env, 4, 6, SIW_OP_READ_LOCAL_INV, SIW_WC_WR_FLUSH_ERR);
		sent_expect(env, "");
		CHECK_EQ(env->locals_n, 2);
		CHECK(!env_region_of(env, ANSWER)->gone);
	}
}

/* Its status is not lost while a Read before it is under way. */
static void begin_send__invalidate_fails(void)
{
	struct env *env = local_start();

	local_post_read(env, 1, SIW_OP_READ, SIGNALLED, 0, 8);
	local_post_invalidate(env, 2, 0, UNKNOWN);
	local_post_register(env, 3, SIGNALLED);
	sent_drop(env);
	CHECK_EQ(env->out_n, 2);
	CHECK_EQ(env->terms_n, 1);
	CHECK_EQ(env->terms[0].term.layer, TERM_LAYER_RDMAP);
	CHECK_EQ(env->terms[0].term.etype, TERM_RDMAP_LOCAL);
	CHECK_EQ(env->terms[0].term.hdr_len, 0);
	CHECK_EQ(env->locals_n, 1);
	CHECK_EQ(env->done_n, 0);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 3);
	local_check_done(env, 0, 1, SIW_OP_READ, SIW_WC_WR_FLUSH_ERR);
	local_check_done(env, 1, 2, SIW_OP_INVAL_STAG, SIW_WC_LOC_PROT_ERR);
	local_check_done(env, 2, 3, SIW_OP_REG_MR, SIW_WC_WR_FLUSH_ERR);
	CHECK_EQ(env->locals_n, 1);
}

/* SIW_OP_READ_LOCAL_INV */

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
	local_check_done(env, 0, 7, SIW_OP_READ_LOCAL_INV, SIW_WC_WR_FLUSH_ERR);
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
		CHECK_EQ(env->done_n, 2);
		local_check_done(env, 0, 1, SIW_OP_READ_LOCAL_INV, status);
		local_check_done(env, 1, 2, SIW_OP_SEND, SIW_WC_SUCCESS);
		/* Nothing more is taken, and the Send behind the fence not begun */
		CHECK_EQ(local_answer(env, 8, 8), -EPROTO);
		CHECK_EQ(env->placed, 8);
		sent_expect(env, TERMINATE_LOCAL);
		core_queue_flush(&env->qp);
		CHECK_EQ(env->done_n, 4);
		local_check_done(env, 2, 3, SIW_OP_READ_LOCAL_INV, SIW_WC_WR_FLUSH_ERR);
		local_check_done(env, 3, 4, SIW_OP_SEND, SIW_WC_WR_FLUSH_ERR);
		CHECK_EQ(env->locals_n, 1);
		CHECK(!env_region_of(env, SINK)->gone);
	}
}

/* core_queue_flush() */

static void post_each(struct env *env, u64 id)
{
	local_post_invalidate(env, id, 0, OPEN);
	local_post_register(env, id + 1, SIGNALLED);
	local_post_read(env, id + 2, SIW_OP_READ_LOCAL_INV, 0, 0, 8);
	local_post_send(env, id + 3, 0);
}

static void check_each_flushed(struct env *env, u32 n, u64 id)
{
	CHECK_EQ(env->done_n, n + 4);
	env_check_done(env, n, false, id, SIW_OP_INVAL_STAG, SIW_WC_WR_FLUSH_ERR, 0);
	env_check_done(env, n + 1, false, id + 1, SIW_OP_REG_MR, SIW_WC_WR_FLUSH_ERR, 0);
	env_check_done(env, n + 2, false, id + 2, SIW_OP_READ_LOCAL_INV,
		       SIW_WC_WR_FLUSH_ERR, 0);
	env_check_done(env, n + 3, false, id + 3, SIW_OP_SEND, SIW_WC_WR_FLUSH_ERR, 0);
	CHECK_EQ(env->locals_n, 0);
	CHECK(!env_region_of(env, OPEN)->gone && !env_region_of(env, SINK)->gone);
	CHECK(env_region_of(env, FAST)->gone);
	sent_expect(env, "");
	CHECK_EQ(env->locals_n, 0);
}

/* What was not carried out when the stream ends is never. */
static void core_queue_flush__local(void)
{
	struct env *env = local_start();

	post_each(env, 1);
	core_queue_flush(&env->qp);
	check_each_flushed(env, 0, 1);
	post_each(env, 5);
	sent_expect(env, "");
	core_queue_flush(&env->qp);
	check_each_flushed(env, 4, 5);
}

static void core_queue_flush__local_behind_a_fence(void)
{
	struct env *env = local_start();

	local_post_read(env, 1, SIW_OP_READ_LOCAL_INV, SIGNALLED, 0, 8);
	local_post_invalidate(env, 2, FENCE, SINK);
	sent_drop(env);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 2);
	local_check_done(env, 0, 1, SIW_OP_READ_LOCAL_INV, SIW_WC_WR_FLUSH_ERR);
	local_check_done(env, 1, 2, SIW_OP_INVAL_STAG, SIW_WC_WR_FLUSH_ERR);
	CHECK_EQ(env->locals_n, 0);
	CHECK(!env_region_of(env, SINK)->gone);
}

/* The peer's Terminate, or ours, is the end of them, too. */
static void core_queue_flush__local_after_a_terminate(void)
{
	struct bytes term = {};
	struct env *env = local_start();

	post_each(env, 1);
	frame_terminate(&term, 0, 0, 0, NULL, 0, false);
	CHECK_EQ(env_feed(env, term.data, term.len), -ECONNRESET);
	sent_expect(env, "");
	core_queue_flush(&env->qp);
	check_each_flushed(env, 0, 1);
	env = local_start();
	post_each(env, 1);
	core_terminate(&env->qp, TERM_LAYER_RDMAP, TERM_RDMAP_LOCAL, 0, NULL, 0);
	sent_expect(env, TERMINATE_LOCAL);
	core_queue_flush(&env->qp);
	check_each_flushed(env, 0, 1);
	bytes_free(&term);
}

/* Carried out, but not told of yet: it is not done again, nor undone. */
static void core_queue_flush__done_local_behind_a_read(void)
{
	struct env *env = local_start();

	local_post_read(env, 1, SIW_OP_READ, 0, 0, 8);
	local_post_invalidate(env, 2, 0, OPEN);
	local_post_register(env, 3, SIGNALLED);
	sent_drop(env);
	CHECK_EQ(env->locals_n, 2);
	CHECK_EQ(env->done_n, 0);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 3);
	local_check_done(env, 1, 2, SIW_OP_INVAL_STAG, SIW_WC_WR_FLUSH_ERR);
	local_check_done(env, 2, 3, SIW_OP_REG_MR, SIW_WC_WR_FLUSH_ERR);
	CHECK_EQ(env->locals_n, 2);
	CHECK(env_region_of(env, OPEN)->gone && !env_region_of(env, NEW)->gone);
}

/* An STag that changes its meaning between check and copy */

static u8 any_octet(const struct core_region *region)
{
	u8 any = 0;
	u32 i;

	for (i = 0; i < region->len; i++)
		any |= region->mem[i];
	return any;
}

/* In pieces of 7 octets: five of payload with the header's end, then seven each */
static void gone_before_copy(bool response, bool crc, u32 nth)
{
	struct env *env = local_start_read(crc, SIW_OP_READ_LOCAL_INV);
	struct segment s = response ? segment_read_response(SINK, SINK_TO + 8, 40) :
				      segment_write(OPEN, OPEN_TO + 8, 40);
	struct core_region *region = env_region_of(env, response ? SINK : OPEN);
	u32 placed = nth ? 5 + 7 * (nth - 1) : 0;
	struct bytes b = {}, got = {}, want = {};

	frame_segment(&b, &s, crc);
	env->piece = 7;
	env->fail_copy = 1 << nth;
	CHECK_EQ(env_feed(env, b.data, b.len), -EPROTO);
	CHECK_EQ(env->placed, placed);
	CHECK_BYTES(region->mem + 8, placed, b.data + 16, placed);
	memset(region->mem + 8, 0, placed);
	CHECK(!any_octet(region));
	/* It was this one that was refused, and nothing comes behind it */
	CHECK_EQ(env_feed(env, b.data, b.len), -EPROTO);
	CHECK_EQ(env->placed, placed);
	env_transmit(env, &got, 1000);
	frame_terminate(&want, 1, 1, 0, b.data, 16, crc);
	CHECK_BYTES(got.data, got.len, want.data, want.len);
	CHECK_EQ(env->done_n, 0);
	CHECK_EQ(env->writes, 0);
	core_queue_flush(&env->qp);
	local_check_done(env, 0, 7, SIW_OP_READ_LOCAL_INV, SIW_WC_WR_FLUSH_ERR);
	CHECK_EQ(env->locals_n, 0);
	bytes_free(&b);
	bytes_free(&got);
	bytes_free(&want);
	env_finish();
	env_reset();
}

static void place_tagged__gone_before_the_copy(void)
{
	u32 response, crc, nth;

	for (response = 0; response < 2; response++) {
		for (crc = 0; crc < 2; crc++) {
			for (nth = 0; nth < 6; nth++) {
				unit_context("response %u, crc %u, copy %u",
					     response, crc, nth);
				gone_before_copy(response, crc, nth);
			}
		}
	}
}

/* A receive of 64 + 36 octets */
static struct env *start_recv(bool crc)
{
	struct env *env = local_start_sized(crc, 1024, 8, 2);
	struct siw_sge sge[2] = {
		env_sge(SINK, SINK_TO, 64),
		env_sge(SINK, SINK_TO + 100, 36),
	};

	env_post_recv(env, 1, 2, sge);
	return env;
}

static void receive_refused(struct env *env, u32 placed)
{
	CHECK_EQ(env->placed, placed);
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, true, 1, SIW_OP_RECEIVE, SIW_WC_LOC_PROT_ERR, 0);
	CHECK(env->qp.error && !env->qp.broken);
	CHECK(env->qp.tx.term_pending);
	CHECK_EQ(env->qp.tx.term.layer, TERM_LAYER_RDMAP);
	CHECK_EQ(env->qp.tx.term.etype, TERM_RDMAP_LOCAL);
	CHECK_EQ(env->qp.tx.term.hdr_len, 0);
	sent_drop(env);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 1);
	env_finish();
	env_reset();
}

static void place_send__gone_before_the_copy(void)
{
	struct segment s = segment_send(1, 0, 100);
	u32 crc, nth;

	for (crc = 0; crc < 2; crc++) {
		struct bytes b = {};

		frame_segment(&b, &s, crc);
		/* An SGE at once */
		for (nth = 0; nth < 2; nth++) {
			struct env *env = start_recv(crc);

			unit_context("crc %u, SGE %u", crc, nth);
			env->fail_copy = 1 << nth;
			CHECK_EQ(env_feed(env, b.data, b.len), -EPROTO);
			CHECK_EQ(env_mem(env_region_of(env, SINK), SINK_TO + 100)[1], 0);
			receive_refused(env, 64 * nth);
		}
		/* One octet with the header's end, then seven each: 64 are a boundary */
		for (nth = 0; nth < 16; nth++) {
			struct env *env = start_recv(crc);

			unit_context("crc %u, copy %u", crc, nth);
			env->piece = 7;
			env->fail_copy = 1 << nth;
			CHECK_EQ(env_feed(env, b.data, b.len), -EPROTO);
			receive_refused(env, nth ? 1 + 7 * (nth - 1) : 0);
		}
		bytes_free(&b);
	}
}

/*
 * The region is held from one octet to the next: meanwhile another stream
 * registers it anew, or invalidates it.
 */
static void changed_while_held(struct env *env, struct segment s, struct core_region *region,
			       bool invalidated, u32 cut)
{
	struct bytes b = {};
	u32 consumed;

	frame_segment(&b, &s, false);
	CHECK_EQ(core_receive(&env->qp, b.data, cut, &consumed), 0);
	CHECK(region->refs > 0);
	if (invalidated)
		region->gone = true;
	else
		region->stag ^= 0xff;
	CHECK_EQ(core_receive(&env->qp, b.data + cut, b.len - cut, &consumed), -EPROTO);
	core_receive_pause(&env->qp);
	bytes_free(&b);
}

static void place_tagged__changed_while_held(void)
{
	u32 cut, invalidated, response;

	for (cut = 17; cut < 56; cut++) {
		for (response = 0; response < 2; response++) {
			for (invalidated = 0; invalidated < 2; invalidated++) {
				struct env *env = local_start_read(false, SIW_OP_READ);
				u32 stag = response ? SINK : OPEN;

				unit_context("cut %u, response %u", cut, response);
				changed_while_held(env, response ?
						   segment_read_response(SINK, SINK_TO + 8, 40) :
						   segment_write(OPEN, OPEN_TO, 40),
						   env_region_of(env, stag), invalidated, cut);
				CHECK_EQ(env->placed, cut - 16);
				CHECK_EQ(env->qp.tx.term.layer, TERM_LAYER_DDP);
				CHECK_EQ(env->qp.tx.term.etype, TERM_DDP_TAGGED);
				CHECK_EQ(env->qp.tx.term.ecode, TERM_DDP_T_STAG);
				CHECK_EQ(env->qp.tx.term.hdr_len, 16);
				CHECK_EQ(env->done_n, 0);
				env_finish();
				env_reset();
			}
		}
	}
}

static void place_send__changed_while_held(void)
{
	u32 cut, invalidated;

	for (cut = 21; cut < 120; cut++) {
		for (invalidated = 0; invalidated < 2; invalidated++) {
			struct env *env = start_recv(false);

			unit_context("cut %u, invalidated %u", cut, invalidated);
			changed_while_held(env, segment_send(1, 0, 100),
					   env_region_of(env, SINK), invalidated, cut);
			receive_refused(env, cut - 20);
		}
	}
}

/* 3 and 5 octets, or a response of 4 */
static struct env *start_source(u8 opcode, bool crc, u32 max_ulpdu)
{
	struct env *env = local_start_sized(crc, max_ulpdu, 8, 2);
	struct siw_sqe sqe = env_sqe(1, opcode, 0);

	if (opcode == SIW_OP_READ_RESPONSE) {
		local_ask(env, 1);
		return env;
	}
	sqe.num_sge = 3;
	sqe.sge[0] = env_sge(HELLO, HELLO_TO, 3);
	sqe.sge[1] = env_sge(UNKNOWN, 0, 0);
	sqe.sge[2] = env_sge(ANSWER, ANSWER_TO, 5);
	env_must_post(env, sqe);
	return env;
}

/* The @nth copy from the source fails; false if there are not so many. */
static bool source_gone(u8 opcode, bool crc, u32 max_ulpdu, u32 room, u32 nth)
{
	struct env *env = start_source(opcode, crc, max_ulpdu);
	struct bytes got = {}, whole = {};
	bool response = opcode == SIW_OP_READ_RESPONSE;
	bool failed;
	u32 had;

	env_transmit(start_source(opcode, crc, max_ulpdu), &whole, 5000);
	env->fail_copy = 1ull << nth;
	env_transmit(env, &got, room);
	failed = !env->fail_copy;
	if (failed) {
		/* What it sent was right, and is less than what would have come */
		had = got.len;
		CHECK(had < whole.len);
		CHECK_BYTES(got.data, had, whole.data, had);
		if (room == 1)
			CHECK_EQ(env->fetched, nth);
		/* Of the FPDU that it broke off in there are no more octets than copied. */
		CHECK(env->out_n > 1 || had <= (opcode == SIW_OP_SEND ? 20 : 16) + env->fetched);
		CHECK(env->qp.broken && env->qp.error && env->qp.tx.closed);
		CHECK(!env->qp.tx.term_pending);
		CHECK_EQ(env->terms_n, 0);
		CHECK_EQ(env->done_n, !response);
		if (!response)
			env_check_done(env, 0, false, 1, opcode, SIW_WC_LOC_PROT_ERR, 0);
		env_transmit(env, &got, room);
		core_queue_flush(&env->qp);
		env_transmit(env, &got, room);
		CHECK_EQ(got.len, had);
		CHECK_EQ(env->done_n, !response);
	} else {
		CHECK_BYTES(got.data, got.len, whole.data, whole.len);
	}
	bytes_free(&got);
	bytes_free(&whole);
	env_finish();
	env_reset();
	return failed;
}

/* In the middle of an FPDU: what was not copied is not made up. */
static void read_source__gone_before_the_copy(void)
{
	static const u8 opcodes[] = { SIW_OP_WRITE, SIW_OP_SEND, SIW_OP_READ_RESPONSE };
	u32 i, how, room, nth;

	for (i = 0; i < ARRAY_SIZE(opcodes); i++) {
		for (how = 0; how < 4; how++) {
			for (room = 1; room < 60; room++) {
				bool crc = how & 1;
				u32 max = how & 2 ? 21 : 1024;

				for (nth = 0; nth < 60; nth++) {
					unit_context("opcode %u, crc %u, max %u, room %u, copy %u",
						     opcodes[i], crc, max, room, nth);
					if (!source_gone(opcodes[i], crc, max, room, nth))
						break;
				}
				CHECK(nth >= (opcodes[i] == SIW_OP_READ_RESPONSE ? 1 : 2));
			}
		}
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(begin_send__register_before_the_first_octet),
	UNIT_TEST(begin_send__register_as_posted),
	UNIT_TEST(begin_send__nothing_but_local),
	UNIT_TEST(begin_send__unsignalled),
	UNIT_TEST(begin_send__several_between_two_sends),
	UNIT_TEST(begin_send__ring_full_of_local),
	UNIT_TEST(begin_send__local_held),
	UNIT_TEST(begin_send__local_between_responses),
	UNIT_TEST(begin_send__register_fails),
	UNIT_TEST(begin_send__invalidate_fails),
	UNIT_TEST(queue_blocked__fenced_invalidate),
	UNIT_TEST(queue_blocked__unfenced_invalidate),
	UNIT_TEST(queue_blocked__unfenced_invalidate_of_the_sink),
	UNIT_TEST(queue_blocked__register_behind_a_blocked_read),
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
	UNIT_TEST(core_queue_flush__local),
	UNIT_TEST(core_queue_flush__local_behind_a_fence),
	UNIT_TEST(core_queue_flush__local_after_a_terminate),
	UNIT_TEST(core_queue_flush__done_local_behind_a_read),
	UNIT_TEST(place_tagged__gone_before_the_copy),
	UNIT_TEST(place_tagged__changed_while_held),
	UNIT_TEST(place_send__gone_before_the_copy),
	UNIT_TEST(place_send__changed_while_held),
	UNIT_TEST(read_source__gone_before_the_copy),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
