// SPDX-License-Identifier: GPL-2.0
/*
 * transmit.c: what core_transmit() makes of it all, stopped at every octet; what is
 * done when it is out; and memory that goes in the middle of an FPDU.
 */
#include <stdlib.h>

#include "harness.h"
#include "sender.h"
#include "sent.h"

static void fpdu_sent__completes_with_the_last_octet(void)
{
	struct env *env = sender_start(true, 22);
	u8 out[100];
	u32 n;

	env_must_post(env, sender_sqe(1, SIW_OP_WRITE, SIGNALLED, env_sge(0x100, HELLO, 10)));
	for (n = 0; n < 28 + 24 - 1; n++) {
		CHECK_EQ(core_transmit(&env->qp, out, 1), 1);
		CHECK_EQ(env->done_n, 0);
	}
	CHECK_EQ(core_transmit(&env->qp, out, 1), 1);
	CHECK_EQ(env->done_n, 1);
	CHECK_EQ(core_transmit(&env->qp, out, 1), 0);
	CHECK(core_transmit_idle(&env->qp));
}

/* A Send behind an outstanding Read is done only when the Read is */
static void fpdu_sent__send_after_read(void)
{
	struct env *env = sender_start(false, 1024);
	struct segment s = segment_read_response(0x300, SINK, 8);
	struct bytes got = {}, b = {};

	env_must_post(env, sender_sqe(1, SIW_OP_READ, SIGNALLED, env_sge(0x300, SINK, 8)));
	env_must_post(env, sender_sqe(2, SIW_OP_SEND, SIGNALLED, env_sge(0x100, HELLO, 1)));
	env_transmit(env, &got, 100);
	CHECK_EQ(env->done_n, 0);
	CHECK(!core_transmit_idle(&env->qp));
	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	CHECK_EQ(env->done_n, 2);
	env_check_done(env, 0, false, 1, SIW_OP_READ, SIW_WC_SUCCESS, 8);
	env_check_done(env, 1, false, 2, SIW_OP_SEND, SIW_WC_SUCCESS, 0);
	CHECK(core_transmit_idle(&env->qp));
	bytes_free(&b);
	bytes_free(&got);
}

/* The same, but the application wants the Read's end before the Send begins */
static void fpdu_sent__fence(void)
{
	struct env *env = sender_start(false, 1024);
	struct segment s = segment_read_response(0x300, SINK, 8);
	struct bytes got = {}, b = {};

	env_must_post(env, sender_sqe(1, SIW_OP_READ, SIGNALLED, env_sge(0x300, SINK, 8)));
	env_must_post(env, sender_sqe(2, SIW_OP_SEND, SIGNALLED | SIW_WQE_READ_FENCE,
				      env_sge(0x100, HELLO, 1)));
	env_transmit(env, &got, 100);
	CHECK_EQ(env->out_n, 1);
	sent_expect(env, "");
	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len - 1), 0);
	sent_expect(env, "");
	CHECK_EQ(env_feed(env, b.data + b.len - 1, 1), 0);
	CHECK_EQ(env->done_n, 1);
	sent_expect(env, "0013 41 43 00000000 00000000 00000001 00000000 68 000000 00000000");
	CHECK_EQ(env->done_n, 2);
	bytes_free(&b);
	bytes_free(&got);
}

static u32 frame_gone(bool response, bool found, u32 sent, u32 room)
{
	struct env *env = sender_start(true, 1024);
	struct siw_sqe sqe = env_sqe(1, SIW_OP_WRITE, SIGNALLED);
	struct bytes got = {};
	u32 had;
	u8 out[200];

	sqe.num_sge = 2;
	sqe.sge[0] = env_sge(0x200, DATA, 20);
	sqe.sge[1] = env_sge(0x400, ANSWER, 20);
	if (response)
		sender_ask(env, 1, 40, 0x400, ANSWER);
	else
		env_must_post(env, sqe);
	CHECK_EQ(core_transmit(&env->qp, out, sent), sent);
	if (found)
		env_region_of(env, 0x400)->foreign = true;
	else
		env_region_of(env, 0x400)->gone = true;
	env_transmit(env, &got, room);
	had = got.len;
	CHECK(env->qp.broken && env->qp.error && env->qp.tx.closed);
	CHECK(!env->qp.tx.term_pending);
	env_transmit(env, &got, room);
	CHECK_EQ(got.len, had);
	if (!response) {
		CHECK_EQ(env->done_n, 1);
		env_check_done(env, 0, false, 1, SIW_OP_WRITE,
			       SIW_WC_LOC_PROT_ERR, 0);
	}
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, !response);
	env_transmit(env, &got, room);
	CHECK_EQ(got.len, had);
	bytes_free(&got);
	env_finish();
	env_reset();
	return sent + had;
}

/* In the middle of an FPDU: what was not read is not made up */
static void broken__memory_gone_inside_an_fpdu(void)
{
	u32 sent, room, found, n;

	for (room = 1; room < 70; room++) {
		for (sent = 1; sent < 16 + 40; sent++) {
			for (found = 0; found < 2; found++) {
				unit_context("after %u, room %u", sent, room);
				n = frame_gone(true, found, sent, room);
				CHECK(n <= (sent < 16 ? 16 : sent));
				n = frame_gone(false, found, sent, room);
				CHECK(n <= (sent < 36 ? 36 : sent));
			}
		}
	}
}

/* A bit of everything, every opcode but Terminate in it */
static struct env *mixture(bool crc)
{
	struct env *env = env_new(8, 3, 3);
	struct siw_sqe sqe;

	memcpy(env_region(env, 0x100, HELLO, 16, 0)->mem, "helloworldabcdef", 16);
	env_pattern(env_region(env, 0x200, DATA, 4096, 0), 1);
	env_region(env, 0x300, SINK, 4096, CORE_LOCAL_WRITE);
	env_pattern(env_region(env, 0x400, ANSWER, 4096, CORE_REMOTE_READ), 2);
	core_start(&env->qp, crc, 60, IWARP_RTR_SEND, 0, false);

	sqe = sender_sqe(1, SIW_OP_WRITE, SIGNALLED, env_sge(0x200, DATA, 20));
	sqe.num_sge = 4;
	sqe.sge[1] = env_sge(0x100, HELLO, 3);
	sqe.sge[2] = env_sge(0x999, HELLO, 0);
	sqe.sge[3] = env_sge(0x200, DATA + 7, 70);
	env_must_post(env, sqe);
	sqe = sender_sqe(2, SIW_OP_SEND_REMOTE_INV, SOLICITED | SIW_WQE_INLINE,
			 env_sge(0, 0, 79));
	bytes_pattern((u8 *)&sqe.sge[1], 79, 9);
	env_must_post(env, sqe);
	env_must_post(env, sender_sqe(3, SIW_OP_READ, SIGNALLED, env_sge(0x300, SINK, 5)));
	env_must_post(env, sender_sqe(4, SIW_OP_SEND, 0, env_sge(0x200, DATA, 42)));
	env_must_post(env, sender_sqe(5, SIW_OP_WRITE, 0, env_sge(0x200, DATA, 0)));
	sender_ask(env, 1, 101, 0x400, ANSWER);
	sender_ask(env, 2, 0, 0, 0);
	return env;
}

static void core_transmit__stopped_at_every_octet(void)
{
	struct bytes want = {}, got = {};
	u32 room, cut, crc;
	u8 *out;

	for (crc = 0; crc < 2; crc++) {
		env_transmit(mixture(crc), &want, 100000);
		CHECK(want.len > 600);

		for (room = 1; room <= want.len + 1; room++) {
			unit_context("room %u", room);
			env_transmit(mixture(crc), &got, room);
			CHECK_BYTES(got.data, got.len, want.data, want.len);
			bytes_free(&got);
			env_reset();
		}
		for (cut = 0; cut <= want.len; cut++) {
			struct env *env = mixture(crc);

			unit_context("cut %u", cut);
			out = malloc(cut + 1);
			CHECK_EQ(core_transmit(&env->qp, out, cut), cut);
			bytes_put(&got, out, cut);
			free(out);
			env_transmit(env, &got, 100000);
			CHECK_BYTES(got.data, got.len, want.data, want.len);
			bytes_free(&got);
			env_reset();
		}
		bytes_free(&want);
	}
}

static void core_transmit__nothing(void)
{
	struct env *env = sender_start(true, 1024);

	CHECK(core_transmit_idle(&env->qp));
	CHECK_EQ(core_transmit(&env->qp, NULL, 0), 0);
	sent_expect(env, "");
	env_must_post(env, env_sqe(1, SIW_OP_SEND, 0));
	CHECK(!core_transmit_idle(&env->qp));
	CHECK_EQ(core_transmit(&env->qp, NULL, 0), 0);
	CHECK_EQ(env->qp.sq_get, 0);
}

/* What the application does to a request once it is under way changes nothing. */
static void core_transmit__request_changed_under_way(void)
{
	struct bytes want = {}, got = {};
	u32 cut;

	env_transmit(mixture(true), &want, 100000);
	for (cut = 24 + 1; cut < 24 + 140; cut++) {
		struct env *env = mixture(true);
		struct siw_sqe *first = &env->qp.sq[0];
		u8 out[200];

		unit_context("cut %u", cut);
		CHECK_EQ(core_transmit(&env->qp, out, cut), cut);
		bytes_put(&got, out, cut);
		memset(first, 0xff, sizeof(*first));
		first->flags &= ~SIW_WQE_VALID;
		env_transmit(env, &got, 100000);
		CHECK_BYTES(got.data, got.len, want.data, want.len);
		CHECK_EQ(env->done[0].c.id, 1);
		bytes_free(&got);
		env_reset();
	}
	bytes_free(&want);
}

/* ORQ, IRQ and send queue go round many times, at sizes that divide nothing. */
static void core_transmit__rings_go_round(void)
{
	struct env *env = sender_start(false, 1024);
	struct bytes got = {};
	u32 i;

	env->sq_put = 0xffffffec;
	env->qp.sq_get = env->sq_put;
	env->qp.sends_tail = env->sq_put;
	for (i = 0; i < 60; i++) {
		struct segment s = segment_read_response(0x300, SINK + i, 1);
		struct bytes b = {};

		unit_context("turn %u", i);
		/* Two are outstanding all the time */
		env_must_post(env, sender_sqe(i, SIW_OP_READ, SIGNALLED,
					      env_sge(0x300, SINK + i, 1)));
		sender_ask(env, i + 1, 1, 0x400, ANSWER + i);
		env_transmit(env, &got, 5000);
		CHECK_EQ(env->qp.orq[env->qp.orq_get % 3].sink_to,
			 SINK + (i ? i - 1 : 0));
		if (!i)
			continue;
		s.to = SINK + i - 1;
		frame_segment(&b, &s, false);
		CHECK_EQ(env_feed(env, b.data, b.len), 0);
		CHECK_EQ(env->done_n, i);
		env_check_done(env, i - 1, false, i - 1, SIW_OP_READ, 0, 1);
		bytes_free(&b);
	}
	CHECK_EQ(env->out_n, 120);
	bytes_free(&got);
}

static void core_transmit_idle__each_reason(void)
{
	struct env *env = sender_start(true, 1024);
	struct bytes got = {};
	u8 out[100];

	env_must_post(env, env_sqe(1, SIW_OP_WRITE, 0));
	CHECK(!core_transmit_idle(&env->qp));
	CHECK_EQ(core_transmit(&env->qp, out, 19), 19);
	CHECK(!core_transmit_idle(&env->qp));
	CHECK_EQ(core_transmit(&env->qp, out, 1), 1);
	CHECK(core_transmit_idle(&env->qp));
	sender_ask(env, 1, 0, 0, 0);
	CHECK(!core_transmit_idle(&env->qp));
	env_transmit(env, &got, 100);
	CHECK(core_transmit_idle(&env->qp));
	env_must_post(env, env_sqe(2, SIW_OP_READ, 0));
	env_transmit(env, &got, 100);
	CHECK(!core_transmit_idle(&env->qp));
	core_queue_flush(&env->qp);
	CHECK(core_transmit_idle(&env->qp));
	env = sender_start(true, 1024);
	core_terminate(&env->qp, 0, 0, 0, NULL, 0);
	CHECK(!core_transmit_idle(&env->qp));
	env_transmit(env, &got, 100);
	CHECK(core_transmit_idle(&env->qp));
	bytes_free(&got);
}

static const struct unit_test tests[] = {
	UNIT_TEST(fpdu_sent__completes_with_the_last_octet),
	UNIT_TEST(fpdu_sent__send_after_read),
	UNIT_TEST(fpdu_sent__fence),
	UNIT_TEST(broken__memory_gone_inside_an_fpdu),
	UNIT_TEST(core_transmit__nothing),
	UNIT_TEST(core_transmit__stopped_at_every_octet),
	UNIT_TEST(core_transmit__request_changed_under_way),
	UNIT_TEST(core_transmit__rings_go_round),
	UNIT_TEST(core_transmit_idle__each_reason),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
