// SPDX-License-Identifier: GPL-2.0
/*
 * receive.c: RDMA Writes and Read Responses, which say themselves where they go.
 */
#include "harness.h"
#include "receiver.h"
#include "refusal.h"

static void refuse_read_response(struct segment s, u8 layer, u8 etype, u8 ecode, u16 status)
{
	struct refusal r = {
		.start = receiver_start_read, .segments = { s }, .n = 1, .layer = layer,
		.etype = etype, .ecode = ecode, .quoted = 16, .read_status = status,
	};

	refusal_check(&r);
}

/* begin_write() */

static void end_write(struct env *env)
{
	receiver_check_placed(env, WRITABLE, WRITABLE_TO, 37, 1);
	receiver_check_placed(env, WRITABLE, WRITABLE_TO + SIZE - 50, 50, 2);
	CHECK_EQ(env->placed, 87);
	CHECK_EQ(env->writes, 1);	/* of a whole message, and not of nothing */
	CHECK_EQ(env->done_n, 0);
	CHECK_EQ(env->firsts, 1);
	CHECK(core_receive_between(&env->qp));
}

static void begin_write__placed(void)
{
	struct segment s[] = {
		segment_write(WRITABLE, WRITABLE_TO, 37),
		segment_write(WRITABLE, WRITABLE_TO + SIZE - 50, 50),
		segment_write(UNKNOWN, 12345, 0),	/* no octets, no check */
	};

	s[0].seed = 1;
	s[0].ddp = 0x81;
	s[1].seed = 2;
	/* Reserved bits are not looked at */
	s[1].ddp |= 0x3c;
	s[1].rdmap |= 0x30;
	receiver_check_taken(receiver_start, s, 3, end_write);
}

static void begin_write__stag_unknown(void)
{
	refusal_check_one(segment_write(UNKNOWN, WRITABLE_TO, 9), DDP, TAGGED, 0, 16);
}

static void begin_write__stag_of_another_domain(void)
{
	refusal_check_one(segment_write(FOREIGN, FOREIGN_TO, 9), DDP, TAGGED, 2, 16);
}

static void begin_write__no_right(void)
{
	refusal_check_one(segment_write(READABLE, READABLE_TO, 9), RDMAP, PROTECTION, 2, 16);
	refusal_check_one(segment_write(LOCAL, LOCAL_TO, 9), RDMAP, PROTECTION, 2, 16);
}

static void begin_write__past_region_end(void)
{
	refusal_check_one(segment_write(WRITABLE, WRITABLE_TO + SIZE - 8, 9),
			  DDP, TAGGED, 1, 16);
	refusal_check_one(segment_write(WRITABLE, WRITABLE_TO + SIZE, 1),
			  DDP, TAGGED, 1, 16);
}

static void begin_write__before_region(void)
{
	refusal_check_one(segment_write(WRITABLE, WRITABLE_TO - 1, 9), DDP, TAGGED, 1, 16);
}

static void begin_write__to_wraps(void)
{
	refusal_check_one(segment_write(TOP, TOP_TO + SIZE - 2, 9), DDP, TAGGED, 3, 16);
}

static void begin_write__second_segment_past_end(void)
{
	struct refusal r = {
		.start = receiver_start, .n = 2, .placed = 200, .layer = DDP,
		.etype = TAGGED, .ecode = 1, .quoted = 16,
		.segments = {
			segment_write(WRITABLE, WRITABLE_TO, 200),
			segment_write(WRITABLE, WRITABLE_TO + 200, 57),
		},
	};

	r.segments[0].ddp = 0x81;
	refusal_check(&r);
}

/* begin_read_response() */

static void end_read_40(struct env *env)
{
	receiver_check_placed(env, LOCAL, LOCAL_TO + 8, 25, 3);
	receiver_check_placed(env, LOCAL, LOCAL_TO + 8 + 25, 15, 4);
	CHECK_EQ(env->placed, 40);
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, false, 7, SIW_OP_READ, SIW_WC_SUCCESS, 40);
	CHECK(!core_reads_outstanding(&env->qp));
	CHECK(core_receive_between(&env->qp));
}

static void begin_read_response__placed(void)
{
	struct segment s[] = {
		segment_read_response(LOCAL, LOCAL_TO + 8, 25),
		segment_read_response(LOCAL, LOCAL_TO + 8 + 25, 0),
		segment_read_response(LOCAL, LOCAL_TO + 8 + 25, 15),
	};

	s[0].seed = 3;
	s[0].ddp = 0x81;
	s[1].ddp = 0x81;
	s[2].seed = 4;
	receiver_check_taken(receiver_start_read, s, 3, end_read_40);
}

static struct env *start_three_reads(bool crc)
{
	struct env *env = receiver_start(crc);

	receiver_post_read(env, 7, 0, 4);
	receiver_post_read(env, 8, 4, 0);
	receiver_post_read(env, 9, 4, 6);
	return env;
}

static void end_three_reads(struct env *env)
{
	CHECK_EQ(env->done_n, 3);
	env_check_done(env, 0, false, 7, SIW_OP_READ, SIW_WC_SUCCESS, 4);
	env_check_done(env, 1, false, 8, SIW_OP_READ, SIW_WC_SUCCESS, 0);
	env_check_done(env, 2, false, 9, SIW_OP_READ, SIW_WC_SUCCESS, 6);
}

static void begin_read_response__in_order(void)
{
	struct segment s[] = {
		segment_read_response(LOCAL, LOCAL_TO, 4),
		segment_read_response(LOCAL, LOCAL_TO + 4, 0),
		segment_read_response(LOCAL, LOCAL_TO + 4, 6),
	};
	struct refusal r = {
		.start = start_three_reads, .n = 1, .layer = DDP,
		.etype = TAGGED, .ecode = 1, .quoted = 16,
		.segments = { s[2] }, .read_status = SIW_WC_BAD_RESP_ERR,
	};

	receiver_check_taken(start_three_reads, s, 3, end_three_reads);
	/* The third's answer is none to the first */
	refusal_check(&r);
}

static void begin_read_response__nobody_asked(void)
{
	refusal_check_one(segment_read_response(LOCAL, LOCAL_TO, 9), RDMAP, OPERATION, 6, 16);
	refusal_check_one(segment_read_response(0, 0, 0), RDMAP, OPERATION, 6, 16);
}

/* One that is complete is not outstanding any more. */
static void begin_read_response__twice(void)
{
	struct segment s = segment_read_response(LOCAL, LOCAL_TO + 8, 40);
	struct bytes b = {}, want = {}, got = {};
	struct env *env = receiver_start_read(false);

	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	CHECK_EQ(env_feed(env, b.data, b.len), -EPROTO);
	CHECK_EQ(env->placed, 40);
	CHECK_EQ(env->done_n, 1);
	env_transmit(env, &got, 100);
	frame_terminate(&want, RDMAP, OPERATION, 6, b.data, 16, false);
	CHECK_BYTES(got.data, got.len, want.data, want.len);
	bytes_free(&b);
	bytes_free(&want);
	bytes_free(&got);
}

static void begin_read_response__wrong_stag(void)
{
	refuse_read_response(segment_read_response(WRITABLE, LOCAL_TO + 8, 40),
			     DDP, TAGGED, 0, SIW_WC_BAD_RESP_ERR);
}

static void begin_read_response__wrong_to(void)
{
	refuse_read_response(segment_read_response(LOCAL, LOCAL_TO + 7, 40),
			     DDP, TAGGED, 1, SIW_WC_BAD_RESP_ERR);
	refuse_read_response(segment_read_response(LOCAL, LOCAL_TO + 9, 39),
			     DDP, TAGGED, 1, SIW_WC_BAD_RESP_ERR);
}

static void begin_read_response__too_long(void)
{
	struct segment s = segment_read_response(LOCAL, LOCAL_TO + 8, 41);
	struct refusal r = {
		.start = receiver_start_read, .n = 2, .placed = 40, .layer = DDP,
		.etype = TAGGED, .ecode = 1, .quoted = 16,
		.segments = {
			segment_read_response(LOCAL, LOCAL_TO + 8, 40),
			segment_read_response(LOCAL, LOCAL_TO + 48, 1),
		},
		.read_status = SIW_WC_LOC_LEN_ERR,
	};

	refuse_read_response(s, DDP, TAGGED, 1, SIW_WC_LOC_LEN_ERR);
	s.ddp = 0x81;
	refuse_read_response(s, DDP, TAGGED, 1, SIW_WC_LOC_LEN_ERR);
	/* All is there, but not the last: then a bit more */
	r.segments[0].ddp = 0x81;
	refusal_check(&r);
}

static void begin_read_response__last_too_early(void)
{
	refuse_read_response(segment_read_response(LOCAL, LOCAL_TO + 8, 39),
			     RDMAP, OPERATION, 7, SIW_WC_LOC_LEN_ERR);
	refuse_read_response(segment_read_response(LOCAL, LOCAL_TO + 8, 0),
			     RDMAP, OPERATION, 7, SIW_WC_LOC_LEN_ERR);
}

static struct env *start_read_no_sink(bool crc)
{
	struct env *env = receiver_start_read(crc);

	env_region_of(env, LOCAL)->gone = true;
	return env;
}

static void begin_read_response__sink_gone(void)
{
	struct refusal r = {
		.start = start_read_no_sink, .n = 1, .layer = DDP,
		.etype = TAGGED, .ecode = 0, .quoted = 16,
		.segments = { segment_read_response(LOCAL, LOCAL_TO + 8, 40) },
		.read_status = SIW_WC_LOC_PROT_ERR,
	};

	refusal_check(&r);
}

/* place_tagged(): memory that goes between two octets */

static void place_tagged__region_gone_on_the_way(void)
{
	static const struct {
		enum core_check check;
		u8 layer, etype, ecode;
	} cases[] = {
		{ CORE_CHECK_STAG, DDP, TAGGED, 0 },
		{ CORE_CHECK_BOUNDS, DDP, TAGGED, 1 },
		{ CORE_CHECK_STREAM, DDP, TAGGED, 2 },
		{ CORE_CHECK_WRAP, DDP, TAGGED, 3 },
		{ CORE_CHECK_ACCESS, RDMAP, PROTECTION, 2 },
		{ CORE_CHECK_OK, DDP, TAGGED, 0 },	/* not even found */
	};
	struct segment s[] = {
		segment_write(WRITABLE, WRITABLE_TO, 40),
		segment_read_response(LOCAL, LOCAL_TO + 8, 40),
	};
	u32 i, cut, which;

	for (which = 0; which < 2; which++) {
		for (i = 0; i < ARRAY_SIZE(cases); i++) {
			for (cut = 16; cut < 56; cut++) {
				struct bytes b = {}, got = {}, want = {};
				struct env *env = receiver_start_read(false);

				unit_context("segment %u, case %u, cut %u",
					     which, i, cut);
				frame_segment(&b, &s[which], false);
				CHECK_EQ(env_feed(env, b.data, cut), 0);
				if (cases[i].check == CORE_CHECK_OK)
					env->fail_get = 1;
				else
					env->fail_check = 1;
				env->fail_with = cases[i].check;
				CHECK_EQ(env_feed(env, b.data + cut, b.len - cut),
					 -EPROTO);
				CHECK_EQ(env->placed, cut - 16);
				env_transmit(env, &got, 1000);
				frame_terminate(&want, cases[i].layer,
						cases[i].etype, cases[i].ecode,
						b.data, 16, false);
				CHECK_BYTES(got.data, got.len, want.data, want.len);
				CHECK_EQ(env->done_n, which);
				if (which)
					env_check_done(env, 0, false, 7, SIW_OP_READ,
						       SIW_WC_LOC_PROT_ERR, 0);
				bytes_free(&b);
				bytes_free(&got);
				bytes_free(&want);
				env_finish();
				env_reset();
			}
		}
	}
}

/* end_read_response() */

static struct env *start_rtr_and_read(void)
{
	struct env *env = receiver_start(false);

	core_start(&env->qp, false, 1024, IWARP_RTR_READ, 0, false);
	env->sq_put = 3;
	env->qp.sq_get = 3;
	env->qp.sends_tail = 3;
	receiver_post_read(env, 7, 0, 9);
	return env;
}

/* The RTR's Read has no work request, though its number looks like one */
static void end_read_response__of_the_rtr(void)
{
	struct segment s = segment_read_response(0, 0, 0);
	struct env *env = start_rtr_and_read();
	struct bytes b = {};

	CHECK_EQ(env->out_n, 2);
	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	CHECK_EQ(env->done_n, 0);
	CHECK(core_reads_outstanding(&env->qp));
	bytes_free(&b);
	s = segment_read_response(LOCAL, LOCAL_TO, 9);
	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	env_check_done(env, 0, false, 7, SIW_OP_READ, SIW_WC_SUCCESS, 9);
	bytes_free(&b);
}

/* Nor has it one to fail, whatever comes */
static void fail_read__of_the_rtr(void)
{
	struct segment s = segment_read_response(UNKNOWN, 0, 0);
	struct env *env = start_rtr_and_read();
	struct bytes b = {};

	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len), -EPROTO);
	CHECK_EQ(env->done_n, 0);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, false, 7, SIW_OP_READ, SIW_WC_WR_FLUSH_ERR, 0);
	bytes_free(&b);
}

/* A number that is all ones is one like any other */
static void end_read_response__of_the_last_number(void)
{
	struct segment s = segment_read_response(LOCAL, LOCAL_TO, 9);
	struct env *env = receiver_start(false);
	struct bytes b = {};

	env->sq_put = CORE_NO_SEND;
	env->qp.sq_get = CORE_NO_SEND;
	env->qp.sends_tail = CORE_NO_SEND;
	receiver_post_read(env, 7, 0, 9);
	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, false, 7, SIW_OP_READ, SIW_WC_SUCCESS, 9);
	bytes_free(&b);
}

static const struct unit_test tests[] = {
	UNIT_TEST(begin_write__placed),
	UNIT_TEST(begin_write__stag_unknown),
	UNIT_TEST(begin_write__stag_of_another_domain),
	UNIT_TEST(begin_write__no_right),
	UNIT_TEST(begin_write__past_region_end),
	UNIT_TEST(begin_write__before_region),
	UNIT_TEST(begin_write__to_wraps),
	UNIT_TEST(begin_write__second_segment_past_end),
	UNIT_TEST(begin_read_response__placed),
	UNIT_TEST(begin_read_response__in_order),
	UNIT_TEST(begin_read_response__nobody_asked),
	UNIT_TEST(begin_read_response__twice),
	UNIT_TEST(begin_read_response__wrong_stag),
	UNIT_TEST(begin_read_response__wrong_to),
	UNIT_TEST(begin_read_response__too_long),
	UNIT_TEST(begin_read_response__last_too_early),
	UNIT_TEST(begin_read_response__sink_gone),
	UNIT_TEST(place_tagged__region_gone_on_the_way),
	UNIT_TEST(end_read_response__of_the_rtr),
	UNIT_TEST(fail_read__of_the_rtr),
	UNIT_TEST(end_read_response__of_the_last_number),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
