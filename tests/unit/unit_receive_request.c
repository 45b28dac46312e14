// SPDX-License-Identifier: GPL-2.0
/*
 * receive.c: the peer's Read Requests, and how many of them we owe an answer.
 */
#include "harness.h"
#include "receiver.h"
#include "refusal.h"

/* begin_read_request() */

static void end_read_requests(struct env *env)
{
	struct core_response *r = env->qp.irq;

	CHECK_EQ(env->qp.irq_put, 2);
	CHECK_EQ(env->qp.irq_get, 0);
	CHECK_EQ(r[0].sink_stag, 0xcafe);
	CHECK_EQ(r[0].sink_to, 0x1122334455667788ull);
	CHECK_EQ(r[0].length, SIZE);
	CHECK_EQ(r[0].source_stag, READABLE);
	CHECK_EQ(r[0].source_to, READABLE_TO);
	/* No octets, no check */
	CHECK_EQ(r[1].length, 0);
	CHECK_EQ(r[1].source_stag, UNKNOWN);
	CHECK_EQ(env->placed, 0);
	CHECK_EQ(env->done_n, 0);
}

static void begin_read_request__taken(void)
{
	u8 p[2][28];
	struct segment s[] = {
		segment_read_request(p[0], 1, 0xcafe, 0x1122334455667788ull,
				     SIZE, READABLE, READABLE_TO),
		segment_read_request(p[1], 2, 0, 0, 0, UNKNOWN, 5),
	};

	receiver_check_taken(receiver_start, s, 2, end_read_requests);
}

static void refuse_request(u32 size, u32 stag, u64 to, u8 ecode)
{
	u8 p[28];

	refusal_check_one(segment_read_request(p, 1, 1, 2, size, stag, to),
			  RDMAP, PROTECTION, ecode, 48);
}

static void begin_read_request__each_protection_error(void)
{
	refuse_request(9, UNKNOWN, READABLE_TO, 0);
	refuse_request(9, READABLE, READABLE_TO + SIZE - 8, 1);
	refuse_request(9, READABLE, READABLE_TO - 1, 1);
	refuse_request(0xffffffff, READABLE, READABLE_TO, 1);
	refuse_request(9, WRITABLE, WRITABLE_TO, 2);
	refuse_request(9, LOCAL, LOCAL_TO, 2);
	refuse_request(9, FOREIGN, FOREIGN_TO, 3);
	refuse_request(9, TOP, TOP_TO + SIZE - 2, 4);
}

static void begin_read_request__msn_and_mo(void)
{
	u8 p[28];
	struct segment s;

	s = segment_read_request(p, 0, 1, 2, 9, READABLE, READABLE_TO);
	refusal_check_one(s, DDP, UNTAGGED, 3, 48);
	s.msn = 2;
	refusal_check_one(s, DDP, UNTAGGED, 3, 48);
	s.msn = 1;
	s.mo = 1;
	refusal_check_one(s, DDP, UNTAGGED, 4, 48);
}

static void begin_read_request__wrong_length(void)
{
	u8 p[29] = {};
	struct segment s;

	s = segment_read_request(p, 1, 1, 2, 9, READABLE, READABLE_TO);
	s.len = 29;
	refusal_check_one(s, DDP, UNTAGGED, 5, 48);
	/* Too short: judged by what there is of it */
	s.len = 27;
	refusal_check_one(s, RDMAP, OPERATION, 7, 20);
	s.len = 0;
	refusal_check_one(s, RDMAP, OPERATION, 7, 20);
}

static void begin_read_request__not_last(void)
{
	u8 p[28];
	struct segment s;

	s = segment_read_request(p, 1, 1, 2, 9, READABLE, READABLE_TO);
	s.ddp = 0x01;
	refusal_check_one(s, RDMAP, OPERATION, 7, 48);
}

static struct env *start_no_ird(bool crc)
{
	struct env *env = receiver_start(crc);

	env->qp.ird = 0;
	return env;
}

static void begin_read_request__ird_exceeded(void)
{
	u8 p[3][28];
	struct refusal r = {
		.start = receiver_start, .n = 3, .layer = DDP,
		.etype = UNTAGGED, .ecode = 2, .quoted = 48,
	};
	u32 i;

	for (i = 0; i < 3; i++)
		r.segments[i] = segment_read_request(p[i], i + 1, 1, 2, 0, 0, 0);
	/*
	 * The Terminate comes instead of the responses: they were refused too,
	 * as nothing is begun after an error.
	 */
	refusal_check(&r);
	r.start = start_no_ird;
	r.n = 1;
	refusal_check(&r);
}

/* The IRQ is free again when the response is out; numbers go round with IRD 2 */
static void begin_read_request__ird_over_and_over(void)
{
	struct env *env = receiver_start(true);
	struct bytes b = {}, out = {};
	struct segment s;
	u8 p[28];
	u32 i;

	for (i = 1; i <= 50; i++) {
		unit_context("request %u", i);
		s = segment_read_request(p, i, 1, 2, i, READABLE, READABLE_TO);
		frame_segment(&b, &s, true);
		CHECK_EQ(env_feed(env, b.data, b.len), 0);
		CHECK_EQ(env->qp.irq[(i - 1) % 2].length, i);
		if (i % 2 == 0)
			env_transmit(env, &out, 1000);
		bytes_free(&b);
	}
	CHECK_EQ(env->out_n, 50);
	bytes_free(&out);
}

static const struct unit_test tests[] = {
	UNIT_TEST(begin_read_request__taken),
	UNIT_TEST(begin_read_request__each_protection_error),
	UNIT_TEST(begin_read_request__msn_and_mo),
	UNIT_TEST(begin_read_request__wrong_length),
	UNIT_TEST(begin_read_request__not_last),
	UNIT_TEST(begin_read_request__ird_exceeded),
	UNIT_TEST(begin_read_request__ird_over_and_over),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
