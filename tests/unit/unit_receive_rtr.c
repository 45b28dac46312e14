// SPDX-License-Identifier: GPL-2.0
/*
 * receive.c: the RTR, which is the first FPDU if one was agreed on, and no other is.
 */
#include "harness.h"
#include "receiver.h"
#include "refusal.h"

/* check_rtr() */

static u8 expected_rtr;

static struct env *start_rtr(bool crc)
{
	struct env *env = receiver_start(crc);

	core_start(&env->qp, crc, 1024, 0, expected_rtr, true);
	return env;
}

static struct segment rtr_segment(u8 rtr, u8 payload[28])
{
	switch (rtr) {
	case IWARP_RTR_SEND:
		return segment_send(1, 0, 0);
	case IWARP_RTR_WRITE:
		return segment_write(0, 0, 0);
	default:
		return segment_read_request(payload, 1, 0, 0, 0, 0, 0);
	}
}

static void end_rtr(struct env *env)
{
	CHECK_EQ(env->firsts, 1);
	CHECK(!env->qp.tx.held);
	/* The RTR is not the application's: no receive is used up */
	CHECK_EQ(env->recv_get, 0);
	CHECK_EQ(env->done_n, 0);
	CHECK_EQ(env->qp.irq_put, expected_rtr == IWARP_RTR_READ);
	CHECK_EQ(env->qp.rx.msn[0], expected_rtr == IWARP_RTR_SEND ? 2 : 1);
	CHECK_EQ(env->qp.rx.msn[1], expected_rtr == IWARP_RTR_READ ? 2 : 1);
	/* A consumer that waits for the peer's Writes does not wait for this one. */
	CHECK_EQ(env->writes, 0);
}

static void check_rtr__each(void)
{
	struct segment s;
	u8 p[28];

	for (expected_rtr = 1; expected_rtr <= 3; expected_rtr++) {
		s = rtr_segment(expected_rtr, p);
		receiver_check_taken(start_rtr, &s, 1, end_rtr);
	}
}

/* Only the first Send is the RTR; the second takes a receive */
static void end_rtr_then_send(struct env *env)
{
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, true, 1, SIW_OP_RECEIVE, SIW_WC_SUCCESS, 0);
}

static void check_rtr__first_only(void)
{
	struct segment s[2] = { segment_send(1, 0, 0), segment_send(2, 0, 0) };

	expected_rtr = IWARP_RTR_SEND;
	receiver_check_taken(start_rtr, s, 2, end_rtr_then_send);
}

/* Without an RTR, an empty Send is the application's */
static void check_rtr__none_expected(void)
{
	struct segment s = segment_send(1, 0, 0);

	expected_rtr = IWARP_RTR_NONE;
	receiver_check_taken(start_rtr, &s, 1, end_rtr_then_send);
}

static void check_rtr__another(void)
{
	struct refusal r = {
		.start = start_rtr, .n = 1, .layer = TERM_LAYER_LLP,
		.etype = 0, .ecode = 7,
	};
	u8 p[28], rtr;

	for (expected_rtr = 1; expected_rtr <= 3; expected_rtr++) {
		for (rtr = 1; rtr <= 3; rtr++) {
			if (rtr == expected_rtr)
				continue;
			r.segments[0] = rtr_segment(rtr, p);
			r.quoted = rtr == IWARP_RTR_WRITE ? 16 :
				   rtr == IWARP_RTR_SEND ? 20 : 48;
			refusal_check(&r);
		}
	}
}

static void check_rtr__not_empty(void)
{
	struct refusal r = {
		.start = start_rtr, .n = 1, .layer = TERM_LAYER_LLP,
		.etype = 0, .ecode = 7,
	};
	u8 p[28];

	expected_rtr = IWARP_RTR_SEND;
	r.segments[0] = segment_send(1, 0, 1);
	r.quoted = 20;
	refusal_check(&r);
	expected_rtr = IWARP_RTR_WRITE;
	r.segments[0] = segment_write(WRITABLE, WRITABLE_TO, 1);
	r.quoted = 16;
	refusal_check(&r);
	expected_rtr = IWARP_RTR_READ;
	r.segments[0] = segment_read_request(p, 1, 1, 2, 1, READABLE, READABLE_TO);
	r.quoted = 48;
	refusal_check(&r);
}

/* A message that goes on is none of them */
static void check_rtr__not_last(void)
{
	struct refusal r = {
		.start = start_rtr, .n = 1, .layer = TERM_LAYER_LLP,
		.etype = 0, .ecode = 7,
	};
	u8 p[28];

	for (expected_rtr = 1; expected_rtr <= 3; expected_rtr++) {
		r.segments[0] = rtr_segment(expected_rtr, p);
		r.segments[0].ddp &= ~0x40;
		r.quoted = expected_rtr == IWARP_RTR_WRITE ? 16 :
			   expected_rtr == IWARP_RTR_SEND ? 20 : 48;
		refusal_check(&r);
	}
}

static void check_rtr__terminate_instead(void)
{
	struct bytes b = {};
	struct env *env;

	expected_rtr = IWARP_RTR_WRITE;
	env = start_rtr(false);
	frame_terminate(&b, 2, 0, 7, NULL, 0, false);
	CHECK_EQ(env_feed(env, b.data, b.len), -ECONNRESET);
	CHECK_EQ(env->firsts, 0);
	bytes_free(&b);
}

static const struct unit_test tests[] = {
	UNIT_TEST(check_rtr__each),
	UNIT_TEST(check_rtr__first_only),
	UNIT_TEST(check_rtr__none_expected),
	UNIT_TEST(check_rtr__another),
	UNIT_TEST(check_rtr__not_empty),
	UNIT_TEST(check_rtr__not_last),
	UNIT_TEST(check_rtr__terminate_instead),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
