// SPDX-License-Identifier: GPL-2.0
/*
 * receive.c: Sends, and the receives that they use up.
 */
#include "harness.h"
#include "receiver.h"
#include "refusal.h"

/* begin_send() and check_recv() */

static void end_sends(struct env *env)
{
	receiver_check_placed(env, LOCAL, LOCAL_TO, 0, 0);
	CHECK_EQ(env->done_n, 2);
	env_check_done(env, 0, true, 1, SIW_OP_RECEIVE, SIW_WC_SUCCESS, 100);
	env_check_done(env, 1, true, 2, SIW_OP_RECEIVE, SIW_WC_SUCCESS, 0);
	CHECK_EQ(env->placed, 100);
	CHECK(!env->done[0].c.solicited && !env->done[0].c.invalidated);
	/* 60 octets of pattern 5, then 40 of pattern 6, over both SGEs */
	receiver_check_placed(env, LOCAL, LOCAL_TO, 60, 5);
	receiver_check_placed(env, LOCAL, LOCAL_TO + 60, 4, 6);
	CHECK_EQ(env_mem(env_region_of(env, LOCAL), LOCAL_TO + 100)[0], (u8)(6 + 4 * 7));
	CHECK_EQ(env_mem(env_region_of(env, LOCAL), LOCAL_TO + 135)[0], (u8)(6 + 39 * 7));
	CHECK_EQ(env_mem(env_region_of(env, LOCAL), LOCAL_TO + 136)[0], 0);
	CHECK(core_receive_between(&env->qp));
}

static void begin_send__two_segments_two_sges(void)
{
	struct segment s[] = {
		segment_send(1, 0, 60),
		segment_send(1, 60, 40),
		segment_send(2, 0, 0),
	};

	s[0].ddp = 0x01;
	s[0].seed = 5;
	s[1].seed = 6;
	receiver_check_taken(receiver_start, s, 3, end_sends);
}

static void begin_send__msn_low(void)
{
	refusal_check_one(segment_send(0, 0, 9), DDP, UNTAGGED, 3, 20);
}

static void begin_send__msn_high(void)
{
	refusal_check_one(segment_send(2, 0, 9), DDP, UNTAGGED, 3, 20);
	refusal_check_one(segment_send(0xffffffff, 0, 9), DDP, UNTAGGED, 3, 20);
}

static void refuse_second_send(struct segment s, u8 ecode)
{
	struct refusal r = {
		.start = receiver_start, .n = 2, .placed = 10, .layer = DDP,
		.etype = UNTAGGED, .ecode = ecode, .quoted = 20,
		.segments = { segment_send(1, 0, 10), s },
	};

	r.segments[0].ddp = 0x01;
	refusal_check(&r);
}

static void begin_send__msn_of_the_next_message(void)
{
	refuse_second_send(segment_send(2, 10, 5), 3);
	refuse_second_send(segment_send(2, 0, 5), 3);
}

static void begin_send__mo_wrong(void)
{
	refusal_check_one(segment_send(1, 1, 9), DDP, UNTAGGED, 4, 20);
	refuse_second_send(segment_send(1, 9, 5), 4);
	refuse_second_send(segment_send(1, 11, 5), 4);
	refuse_second_send(segment_send(1, 0, 5), 4);
}

static struct env *start_no_recv(bool crc)
{
	struct env *env = receiver_start(crc);

	env->recv_get = env->recv_put;
	return env;
}

static void begin_send__no_receive(void)
{
	struct refusal r = {
		.start = start_no_recv, .n = 1, .layer = DDP,
		.etype = UNTAGGED, .ecode = 2, .quoted = 20,
		.segments = { segment_send(1, 0, 9) },
	};

	refusal_check(&r);
	r.segments[0].len = 0;
	refusal_check(&r);
}

static struct env *start_hostile_recv(bool crc)
{
	struct env *env = receiver_start(crc);

	memset(env->recvs, 0xff, sizeof(env->recvs));
	env->recvs[0].id = 1;
	return env;
}

static void begin_send__hostile_num_sge(void)
{
	struct refusal r = {
		.start = start_hostile_recv, .n = 1, .layer = DDP,
		.etype = UNTAGGED, .ecode = 5, .quoted = 20,
		.segments = { segment_send(1, 0, 9) },
		.recv_status = SIW_WC_LOC_LEN_ERR,
	};

	refusal_check(&r);
}

/* Of a message that a large buffer has taken up to MO 0xfffffff8 */
static struct env *start_near_the_end(bool crc)
{
	struct segment s = segment_send(1, 0, 10);
	struct env *env = receiver_start(crc);
	struct bytes b = {};

	s.ddp = 0x01;
	frame_segment(&b, &s, crc);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	env->qp.rx.send_offset = 0xfffffff8;
	bytes_free(&b);
	return env;
}

static void check_recv__longer_than_mo_can_say(void)
{
	struct refusal r = {
		.start = start_near_the_end, .n = 1, .placed = 10, .layer = DDP,
		.etype = UNTAGGED, .ecode = 5, .quoted = 20,
		.segments = { segment_send(1, 0xfffffff8, 8) },
		.recv_status = SIW_WC_LOC_LEN_ERR,
	};

	refusal_check(&r);
}

static void check_recv__too_long(void)
{
	struct refusal r = {
		.start = receiver_start, .n = 1, .layer = DDP,
		.etype = UNTAGGED, .ecode = 5, .quoted = 20,
		.segments = { segment_send(1, 0, 101) },
		.recv_status = SIW_WC_LOC_LEN_ERR,
	};

	refusal_check(&r);
	r.segments[0] = segment_send(1, 0, 100);
	r.segments[0].ddp = 0x01;
	r.segments[1] = segment_send(1, 100, 1);
	r.n = 2;
	r.placed = 100;
	refusal_check(&r);
}

static struct env *start_bad_sge(bool crc)
{
	struct env *env = receiver_start(crc);

	env->recvs[0].sge[2].lkey = UNKNOWN;
	return env;
}

static struct env *start_bad_sge_access(bool crc)
{
	struct env *env = receiver_start(crc);

	env->recvs[0].sge[2] = env_sge(READABLE, READABLE_TO, 36);
	return env;
}

static struct env *start_bad_sge_bounds(bool crc)
{
	struct env *env = receiver_start(crc);

	env->recvs[0].sge[2] = env_sge(LOCAL, LOCAL_TO + SIZE - 35, 36);
	return env;
}

static struct env *start_sge_of_qp(bool crc)
{
	struct env *env = receiver_start(crc);

	env->recvs_foreign = true;
	return env;
}

/* Local catastrophic, and the receive knows why; not even the good SGE is used */
static void check_recv__bad_local_sge(void)
{
	static struct env *(* const starts[])(bool crc) = {
		start_bad_sge, start_bad_sge_access, start_bad_sge_bounds, start_sge_of_qp,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		struct refusal r = {
			.start = starts[i], .n = 1, .layer = RDMAP,
			.etype = TERM_RDMAP_LOCAL, .ecode = 0, .header = 20,
			.segments = { segment_send(1, 0, 100) },
			.recv_status = SIW_WC_LOC_PROT_ERR,
		};

		refusal_check(&r);
	}
}

/* What lies behind the message's end is not asked for */
static void check_recv__unused_sge_is_not_checked(void)
{
	struct segment s = segment_send(1, 0, 64);
	struct bytes b = {};
	struct env *env = start_bad_sge(false);

	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	env_check_done(env, 0, true, 1, SIW_OP_RECEIVE, SIW_WC_SUCCESS, 64);
	bytes_free(&b);
}

static void end_hundred(struct env *env)
{
	env_check_done(env, 0, true, 1, SIW_OP_RECEIVE, SIW_WC_SUCCESS, 100);
}

static struct env *start_sge_of_queue(bool crc)
{
	struct env *env = start_sge_of_qp(crc);

	env->recvs[0].sge[0] = env_sge(FOREIGN, FOREIGN_TO, 64);
	env->recvs[0].sge[2] = env_sge(FOREIGN, FOREIGN_TO + 100, 36);
	return env;
}

/* Of the receive queue, not of the stream */
static void check_recv__protection_domain(void)
{
	struct segment s = segment_send(1, 0, 100);

	receiver_check_taken(start_sge_of_queue, &s, 1, end_hundred);
}

/* place_send(): memory that goes between two octets */

static void place_send__region_gone_on_the_way(void)
{
	struct segment s = segment_send(1, 0, 100);
	u32 cut, get;

	for (get = 0; get < 2; get++) {
		for (cut = 20; cut < 120; cut++) {
			struct bytes b = {}, got = {}, want = {};
			struct env *env = receiver_start(false);

			unit_context("cut %u, %s", cut, get ? "lookup" : "check");
			frame_segment(&b, &s, false);
			CHECK_EQ(env_feed(env, b.data, cut), 0);
			if (get)
				env->fail_get = 1;
			else
				env->fail_check = 1;
			env->fail_with = CORE_CHECK_BOUNDS;
			CHECK_EQ(env_feed(env, b.data + cut, b.len - cut), -EPROTO);
			CHECK_EQ(env->placed, cut - 20);
			env_transmit(env, &got, 1000);
			frame_terminate(&want, RDMAP, TERM_RDMAP_LOCAL, 0,
					NULL, 0, false);
			CHECK_BYTES(got.data, got.len, want.data, want.len);
			CHECK_EQ(env->done_n, 1);
			env_check_done(env, 0, true, 1, SIW_OP_RECEIVE,
				       SIW_WC_LOC_PROT_ERR, 0);
			bytes_free(&b);
			bytes_free(&got);
			bytes_free(&want);
			env_finish();
			env_reset();
		}
	}
}

static struct env *start_sge_too_long(bool crc)
{
	struct env *env = receiver_start(crc);

	env->recvs[0].sge[2] = env_sge(LOCAL, LOCAL_TO + SIZE - 36, 5000);
	return env;
}

/* Of the SGE that the message ends in, only what it fills must be there. */
static void place_send__unused_part_of_an_sge(void)
{
	struct segment s = segment_send(1, 0, 100);

	receiver_check_taken(start_sge_too_long, &s, 1, end_hundred);
}

/* end_send() */

static void end_send__each_opcode(void)
{
	u32 opcode, crc;

	for (crc = 0; crc < 2; crc++) {
		for (opcode = 3; opcode <= 6; opcode++) {
			struct segment s = segment_send(1, 0, 10);
			struct env *env = receiver_start(crc);
			struct core_completion *c = &env->done[0].c;
			struct bytes b = {};

			unit_context("opcode %u", opcode);
			env_region_of(env, WRITABLE)->invalidatable = true;
			s.rdmap = 0x40 | opcode;
			s.stag = WRITABLE;
			frame_segment(&b, &s, crc);
			CHECK_EQ(env_feed(env, b.data, b.len), 0);
			env_check_done(env, 0, true, 1, SIW_OP_RECEIVE,
				       SIW_WC_SUCCESS, 10);
			CHECK_EQ(c->solicited, opcode >= 5);
			CHECK_EQ(c->invalidated, opcode == 4 || opcode == 6);
			CHECK_EQ(c->inval_stag, c->invalidated ? WRITABLE : 0);
			CHECK_EQ(env_region_of(env, WRITABLE)->gone, c->invalidated);
			bytes_free(&b);
		}
	}
}

/* The message is there, but the receive fails, and the peer hears of it */
static void end_send__cannot_invalidate(void)
{
	static const struct {
		u32 stag;
		u8 ecode;
	} cases[] = { { UNKNOWN, 0 }, { FOREIGN, 3 }, { WRITABLE, 9 } };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct refusal r = {
			.start = receiver_start, .n = 1, .placed = 10, .layer = RDMAP,
			.etype = PROTECTION, .ecode = cases[i].ecode,
			.quoted = 20, .segments = { segment_send(1, 0, 10) },
			.recv_status = SIW_WC_REM_INV_REQ_ERR, .at_end = true,
		};

		r.segments[0].rdmap = 0x44;
		r.segments[0].stag = cases[i].stag;
		refusal_check(&r);
	}
}

/* Not before its last segment */
static void end_send__invalidates_at_the_end(void)
{
	struct segment s = segment_send(1, 0, 10);
	struct env *env = receiver_start(false);
	struct bytes b = {};

	env_region_of(env, WRITABLE)->invalidatable = true;
	s.rdmap = 0x44;
	s.stag = WRITABLE;
	s.ddp = 0x01;
	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	CHECK(!env_region_of(env, WRITABLE)->gone);
	CHECK_EQ(env->done_n, 0);
	CHECK(!core_receive_between(&env->qp));
	bytes_free(&b);
	s.ddp = 0x41;
	s.mo = 10;
	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	CHECK(env_region_of(env, WRITABLE)->gone);
	CHECK_EQ(env->done_n, 1);
	bytes_free(&b);
}

/* fpdu_complete() */

static void fpdu_complete__msn_wraps(void)
{
	struct segment s = segment_send(0xffffffff, 0, 1);
	struct env *env = receiver_start(false);
	struct bytes b = {};

	env->qp.rx.msn[0] = 0xffffffff;
	frame_segment(&b, &s, false);
	s.msn = 0;
	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	CHECK_EQ(env->done_n, 2);
	bytes_free(&b);
}

static const struct unit_test tests[] = {
	UNIT_TEST(check_recv__longer_than_mo_can_say),
	UNIT_TEST(check_recv__too_long),
	UNIT_TEST(check_recv__bad_local_sge),
	UNIT_TEST(check_recv__unused_sge_is_not_checked),
	UNIT_TEST(check_recv__protection_domain),
	UNIT_TEST(begin_send__two_segments_two_sges),
	UNIT_TEST(begin_send__msn_low),
	UNIT_TEST(begin_send__msn_high),
	UNIT_TEST(begin_send__msn_of_the_next_message),
	UNIT_TEST(begin_send__mo_wrong),
	UNIT_TEST(begin_send__no_receive),
	UNIT_TEST(begin_send__hostile_num_sge),
	UNIT_TEST(place_send__region_gone_on_the_way),
	UNIT_TEST(place_send__unused_part_of_an_sge),
	UNIT_TEST(end_send__each_opcode),
	UNIT_TEST(end_send__cannot_invalidate),
	UNIT_TEST(end_send__invalidates_at_the_end),
	UNIT_TEST(fpdu_complete__msn_wraps),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
