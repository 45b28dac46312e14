// SPDX-License-Identifier: GPL-2.0
/*
 * transmit.c: the Terminate, every octet of it, and what still goes out before it.
 */
#include <stdlib.h>

#include "harness.h"
#include "sender.h"
#include "sent.h"

/* Layer, type and code at their places; M, D and R as the quote goes */
static void begin_terminate__every_field(void)
{
	static const u8 tagged[16] = {
		0x00, 0x13, 0xc1, 0x40, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
	};
	static const u8 untagged[48] = {
		0x00, 0x2e, 0x41, 0x41, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
		13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
		29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
	};
	struct env *env = sender_start(false, 128);

	core_terminate(&env->qp, 1, 2, 3, NULL, 0);
	sent_expect(env,
		    "0016 41 47 00000000 00000002 00000001 00000000 12 03 00 00 00000000");
	env = sender_start(false, 128);
	core_terminate(&env->qp, 0xf, 0xe, 0xff, tagged, 16);
	sent_expect(env,
		    "0026 41 47 00000000 00000002 00000001 00000000 fe ff c0 00;"
		    "0013 c1 40 01020304 05060708090a0b0c 00000000");
	env = sender_start(false, 128);
	core_terminate(&env->qp, 0, 1, 4, untagged, 20);
	sent_expect(env,
		    "002a 41 47 00000000 00000002 00000001 00000000 01 04 c0 00;"
		    "002e 41 41 01020304 05060708 090a0b0c 0d0e0f10 00000000");
	env = sender_start(false, 128);
	core_terminate(&env->qp, 0, 1, 4, untagged, 48);
	sent_expect(env,
		    "0046 41 47 00000000 00000002 00000001 00000000 01 04 e0 00;"
		    "002e 41 41 01020304 05060708 090a0b0c 0d0e0f10;"
		    "11121314 15161718191a1b1c 1d1e1f20 21222324 25262728292a2b2c;"
		    "00000000");
	CHECK_EQ(env->terms_n, 1);
	CHECK_EQ(env->terms[0].sent, true);
	CHECK_EQ(env->terms[0].term.ecode, 4);
	/* Less than a DDP header is no header */
	env = sender_start(false, 128);
	core_terminate(&env->qp, 1, 1, 4, tagged, 15);
	sent_expect(env,
		    "0016 41 47 00000000 00000002 00000001 00000000 11 04 00 00 00000000");
	env = sender_start(false, 128);
	core_terminate(&env->qp, 1, 1, 4, untagged, 19);
	sent_expect(env,
		    "0016 41 47 00000000 00000002 00000001 00000000 11 04 00 00 00000000");
}

/* After the FPDU under way, which is finished, and instead of the next */
static void next_fpdu__terminate_waits_for_the_end(void)
{
	u32 cut;

	for (cut = 1; cut <= 28; cut++) {
		struct env *env = sender_start(false, 22);
		struct bytes got = {};
		u8 out[28];

		unit_context("cut %u", cut);
		env_must_post(env, sender_sqe(1, SIW_OP_WRITE, 0, env_sge(0x100, HELLO, 10)));
		CHECK_EQ(core_transmit(&env->qp, out, cut), cut);
		bytes_put(&got, out, cut);
		core_terminate(&env->qp, 2, 0, 2, NULL, 0);
		CHECK(!core_transmit_idle(&env->qp));
		env_transmit(env, &got, 100);
		CHECK_HEX(got.data, got.len,
			  "0016 81 40 a1b2c3d4 1122334455667788 68656c6c6f776f72 00000000;"
			  "0016 41 47 00000000 00000002 00000001 00000000 20 02 00 00 00000000");
		CHECK_EQ(env->done_n, 0);
		core_queue_flush(&env->qp);
		env_check_done(env, 0, false, 1, SIW_OP_WRITE, SIW_WC_WR_FLUSH_ERR, 0);
		bytes_free(&got);
	}
}

/* Two Reads of 10 and 9 octets are owed, a request waits, a Write is under way */
static struct env *start_owing(struct bytes *out, u32 cut)
{
	struct env *env = sender_start(false, 22);
	u32 room = cut;
	u8 *chunk = malloc(cut + 1);

	env_must_post(env, sender_sqe(1, SIW_OP_WRITE, 0, env_sge(0x100, HELLO, 10)));
	sender_ask(env, 1, 10, 0x400, ANSWER);
	sender_ask(env, 2, 9, 0x400, ANSWER + 100);
	CHECK_EQ(core_transmit(&env->qp, chunk, room), room);
	bytes_put(out, chunk, room);
	free(chunk);
	if (env->qp.sq_get)
		env_must_post(env, sender_sqe(2, SIW_OP_WRITE, 0, env_sge(0x100, HELLO, 1)));
	CHECK_EQ(sender_try_ask(env, 3, 1, 0x999, 0), -EPROTO);
	return env;
}

/* RFC 5040 section 5.5: first what was asked before the refusal, nothing else */
static void next_fpdu__answers_before_the_terminate(void)
{
	u32 whole = 28 + 24 + 28 + 24 + 28 + 24;
	u32 cut;

	for (cut = 1; cut <= whole; cut++) {
		struct bytes got = {};
		struct env *env = start_owing(&got, cut);
		u32 i, answers = 0;

		unit_context("refused after %u octets", cut);
		env_transmit(env, &got, 1000);
		for (i = 0; i < env->out_n; i++)
			answers += env->out[i].opcode == RDMAP_READ_RESPONSE;
		CHECK_EQ(answers, 4);
		/* Of the Write only what had begun */
		CHECK_EQ(env->out_n, 5 + (cut > 28 ? 2 : 1));
		CHECK_EQ(env->out[env->out_n - 1].opcode, RDMAP_TERMINATE);
		CHECK_HEX(got.data + got.len - 76, 27,
			  "0046 41 47 00000000 00000002 00000001 00000000 01 00 e0 00 002e 41;");
		CHECK(env->qp.tx.closed && !env->qp.broken);
		CHECK_EQ(core_answers_owed(&env->qp), false);
		bytes_free(&got);
	}
}

static void next_fpdu__answers_that_cannot_be_made(void)
{
	struct bytes got = {};
	struct env *env = start_owing(&got, 1);

	env_region_of(env, 0x400)->gone = true;
	env_transmit(env, &got, 1000);
	CHECK_EQ(env->out_n, 2);
	CHECK_EQ(env->out[1].opcode, RDMAP_TERMINATE);
	/* The first reason stays */
	CHECK_EQ(env->terms[0].term.hdr_len, 48);
	CHECK(!env->qp.broken);
	bytes_free(&got);
}

/* Any other refusal does not wait */
static void next_fpdu__other_refusals_come_at_once(void)
{
	struct env *env = sender_start(false, 22);

	sender_ask(env, 1, 10, 0x400, ANSWER);
	core_terminate(&env->qp, 1, 1, 4, NULL, 0);
	sent_expect(env,
		    "0016 41 47 00000000 00000002 00000001 00000000 11 04 00 00 00000000");
}

static void next_fpdu__nothing_after_the_peers_terminate(void)
{
	struct env *env = sender_start(false, 22);
	struct bytes b = {};

	env_must_post(env, sender_sqe(1, SIW_OP_WRITE, 0, env_sge(0x100, HELLO, 10)));
	frame_terminate(&b, 0, 0, 0, NULL, 0, false);
	CHECK_EQ(env_feed(env, b.data, b.len), -ECONNRESET);
	sent_expect(env, "");
	CHECK(!env->qp.tx.term_pending);
	bytes_free(&b);
}

static void next_fpdu__nothing_of_a_message_either(void)
{
	struct bytes term = {}, got = {};
	u8 out[28];
	u32 i;

	frame_terminate(&term, 0, 0, 0, NULL, 0, false);
	for (i = 0; i < 2; i++) {
		struct env *env = sender_start(false, 22);

		unit_context("case %u", i);
		if (i)
			sender_ask(env, 1, 16, 0x400, ANSWER);
		else
			env_must_post(env, sender_sqe(1, SIW_OP_WRITE, 0, env_sge(0x100, HELLO, 16)));
		CHECK_EQ(core_transmit(&env->qp, out, sizeof(out)), sizeof(out));
		CHECK_EQ(env_feed(env, term.data, term.len), -ECONNRESET);
		env_transmit(env, &got, 100);
		CHECK_EQ(got.len, 0);
		env_reset();
	}
	bytes_free(&term);
	bytes_free(&got);
}

static const struct unit_test tests[] = {
	UNIT_TEST(begin_terminate__every_field),
	UNIT_TEST(next_fpdu__terminate_waits_for_the_end),
	UNIT_TEST(next_fpdu__answers_before_the_terminate),
	UNIT_TEST(next_fpdu__answers_that_cannot_be_made),
	UNIT_TEST(next_fpdu__other_refusals_come_at_once),
	UNIT_TEST(next_fpdu__nothing_after_the_peers_terminate),
	UNIT_TEST(next_fpdu__nothing_of_a_message_either),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
