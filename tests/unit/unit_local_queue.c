// SPDX-License-Identifier: GPL-2.0
/*
 * Registrations and invalidations in the send queue: when they are carried out, when
 * they complete, and what becomes of the rest if one fails.
 */
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
	local_check_done(env, 0, 1, SIW_OP_READ, SIW_WC_LOC_PROT_ERR);
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
	UNIT_TEST(core_queue_flush__local),
	UNIT_TEST(core_queue_flush__local_behind_a_fence),
	UNIT_TEST(core_queue_flush__local_after_a_terminate),
	UNIT_TEST(core_queue_flush__done_local_behind_a_read),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
