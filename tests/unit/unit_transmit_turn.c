// SPDX-License-Identifier: GPL-2.0
/*
 * transmit.c: the RTR and Read Responses, and their turn among the application's
 * requests.
 */
#include <stdio.h>

#include "harness.h"
#include "sender.h"
#include "sent.h"

static void response_fpdu__every_field(void)
{
	struct env *env = sender_start(false, 22);
	char hex[200];
	u8 *m;

	sender_ask(env, 1, 10, 0x400, ANSWER + 1);
	m = env_mem(env_region_of(env, 0x400), ANSWER + 1);
	snprintf(hex, sizeof(hex),
		 "0016 81 42 0badcafe 0102030405060708 %02x%02x%02x%02x%02x%02x%02x%02x 00000000;"
		 "0010 c1 42 0badcafe 0102030405060710 %02x%02x 0000 00000000",
		 m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9]);
	sent_expect(env, hex);
	CHECK_EQ(env->done_n, 0);
	CHECK(core_transmit_idle(&env->qp));
	/* Without octets there is no source to check */
	sender_ask(env, 2, 0, 0x999, 7);
	sent_expect(env, "000e c1 42 0badcafe 0102030405060708 00000000");
}

/* The Terminate quotes sender_ask()'s request for 10 octets, @done of which were sent. */
static void refused_after(struct bytes *b, u8 ecode, u32 msn, u32 done)
{
	u8 payload[28];
	struct segment s = segment_read_request(payload, msn, 0x0badcafe,
						0x0102030405060708ull + done,
						10 - done, 0x400, ANSWER + done);
	struct bytes request = {};

	frame_segment(&request, &s, false);
	frame_terminate(b, 0, 1, ecode, request.data, 48, true);
	bytes_free(&request);
}

static void response_fpdu__region_gone(void)
{
	static const struct {
		enum core_check check;
		u8 ecode;
	} cases[] = {
		{ CORE_CHECK_STAG, 0 }, { CORE_CHECK_BOUNDS, 1 },
		{ CORE_CHECK_ACCESS, 2 }, { CORE_CHECK_STREAM, 3 },
		{ CORE_CHECK_WRAP, 4 },
	};
	struct bytes got = {}, want = {};
	u32 i, sent;
	u8 out[100];

	/* Before the first FPDU, and between two */
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (sent = 0; sent <= 28; sent += 28) {
			struct env *env = sender_start(true, 22);

			unit_context("case %u after %u", i, sent);
			sender_ask(env, 1, 10, 0x400, ANSWER);
			CHECK_EQ(core_transmit(&env->qp, out, sent), sent);
			env->fail_check = 1;
			env->fail_with = cases[i].check;
			env_transmit(env, &got, 100);
			refused_after(&want, cases[i].ecode, 1, sent / 28 * 8);
			CHECK_BYTES(got.data, got.len, want.data, want.len);
			CHECK(!env->qp.broken);
			bytes_free(&got);
			bytes_free(&want);
		}
	}
}

/* It is the first that was not answered that is quoted, not the last that came */
static void response_fpdu__region_gone_behind_an_answer(void)
{
	struct env *env = sender_start(true, 22);
	struct bytes got = {}, want = {};
	u8 out[28];

	sender_ask(env, 1, 8, 0x400, ANSWER);
	sender_ask(env, 2, 10, 0x400, ANSWER);
	sender_ask(env, 3, 10, 0x400, ANSWER);
	CHECK_EQ(core_transmit(&env->qp, out, sizeof(out)), sizeof(out));
	env_region_of(env, 0x400)->gone = true;
	env_transmit(env, &got, 100);
	refused_after(&want, 0, 2, 0);
	CHECK_BYTES(got.data, got.len, want.data, want.len);
	bytes_free(&got);
	bytes_free(&want);
}

static void response_fpdu__region_not_found(void)
{
	struct env *env = sender_start(false, 22);

	sender_ask(env, 1, 10, 0x400, ANSWER);
	env_region_of(env, 0x400)->gone = true;
	sent_expect(env,
		    "0046 41 47 00000000 00000002 00000001 00000000 01 00 e0 00;"
		    "002e 41 41 00000000 00000001 00000001 00000000;"
		    "0badcafe 0102030405060708 0000000a 00000400 0000000000040000;"
		    "00000000");
}

static void response_fpdu__region_shorter(void)
{
	struct env *env = sender_start(true, 22);
	struct bytes got = {}, want = {};
	u8 out[28];

	/* Of the second FPDU one octet is there; as many as it has are, where the first began. */
	sender_ask(env, 1, 10, 0x400, ANSWER);
	CHECK_EQ(core_transmit(&env->qp, out, sizeof(out)), sizeof(out));
	env_region_of(env, 0x400)->len = 9;
	env_transmit(env, &got, 100);
	refused_after(&want, 1, 1, 8);
	CHECK_BYTES(got.data, got.len, want.data, want.len);
	CHECK(!env->qp.broken);
	bytes_free(&got);
	bytes_free(&want);
}

static void begin_rtr__each(void)
{
	static const char * const want[] = {
		[IWARP_RTR_SEND] =
			"0012 41 43 00000000 00000000 00000001 00000000 00000000",
		[IWARP_RTR_WRITE] =
			"000e c1 40 00000000 0000000000000000 00000000",
		[IWARP_RTR_READ] =
			"002e 41 41 00000000 00000001 00000001 00000000;"
			"00000000 0000000000000000 00000000 00000000 0000000000000000;"
			"00000000",
	};
	u8 rtr;

	for (rtr = IWARP_RTR_SEND; rtr <= IWARP_RTR_READ; rtr++) {
		struct env *env = sender_start(false, 1024);

		unit_context("rtr %u", rtr);
		core_start(&env->qp, false, 1024, rtr, 0, false);
		sent_expect(env, want[rtr]);
		CHECK_EQ(core_reads_outstanding(&env->qp), rtr == IWARP_RTR_READ);
		CHECK_EQ(env->done_n, 0);
		/* The application's first message comes after it, its Send is number two */
		env_must_post(env, sender_sqe(1, SIW_OP_SEND, SIGNALLED, env_sge(0x100, HELLO, 0)));
		sent_expect(env, rtr == IWARP_RTR_SEND ?
			    "0012 41 43 00000000 00000000 00000002 00000000 00000000" :
			    "0012 41 43 00000000 00000000 00000001 00000000 00000000");
		CHECK_EQ(env->done_n, 1);
	}
}

static void begin_rtr__before_everything(void)
{
	struct env *env = sender_start(false, 1024);

	core_start(&env->qp, false, 1024, IWARP_RTR_WRITE, 0, false);
	env_must_post(env, sender_sqe(1, SIW_OP_SEND, SIGNALLED, env_sge(0x100, HELLO, 0)));
	sender_ask(env, 1, 0, 0, 0);
	sent_expect(env,
		    "000e c1 40 00000000 0000000000000000 00000000;"
		    "0012 41 43 00000000 00000000 00000001 00000000 00000000;"
		    "000e c1 42 0badcafe 0102030405060708 00000000");
}

static void begin_rtr__read_without_ord(void)
{
	struct env *env = sender_start(false, 1024);

	core_start(&env->qp, false, 1024, IWARP_RTR_READ, 0, false);
	env->qp.ord = 0;
	sent_expect(env, "000e c1 40 00000000 0000000000000000 00000000");
	CHECK(!core_reads_outstanding(&env->qp));
	env->qp.ord = 3;
}

static void begin_message__held(void)
{
	struct env *env = sender_start(false, 1024);
	struct segment s = segment_write(0, 0, 0);
	struct bytes b = {};

	core_start(&env->qp, false, 1024, 0, 0, true);
	env_must_post(env, sender_sqe(1, SIW_OP_SEND, 0, env_sge(0x100, HELLO, 0)));
	sent_expect(env, "");
	CHECK(!core_transmit_idle(&env->qp));
	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len - 1), 0);
	sent_expect(env, "");
	CHECK_EQ(env_feed(env, b.data + b.len - 1, 1), 0);
	sent_expect(env, "0012 41 43 00000000 00000000 00000001 00000000 00000000");
	CHECK_EQ(env->firsts, 1);
	bytes_free(&b);
}

/* A message each, whatever their lengths, as long as there are both */
static void begin_message__turns(void)
{
	static const u8 want[] = { 3, 3, 3, 2, 2, 2, 0, 2, 2, 2, 0, 0, 3, 0 };
	struct env *env = sender_start(false, 22);
	struct bytes got = {};
	u32 i;

	env_must_post(env, sender_sqe(1, SIW_OP_SEND, 0, env_sge(0x100, HELLO, 9)));
	env_must_post(env, sender_sqe(2, SIW_OP_WRITE, 0, env_sge(0x100, HELLO, 1)));
	env_must_post(env, sender_sqe(3, SIW_OP_WRITE, 0, env_sge(0x100, HELLO, 9)));
	env_must_post(env, sender_sqe(4, SIW_OP_SEND, 0, env_sge(0x100, HELLO, 1)));
	sender_ask(env, 1, 20, 0x400, ANSWER);
	sender_ask(env, 2, 20, 0x400, ANSWER);
	env_transmit(env, &got, 5000);
	env_must_post(env, sender_sqe(5, SIW_OP_WRITE, 0, env_sge(0x100, HELLO, 1)));
	env_transmit(env, &got, 5000);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		unit_context("FPDU %u", i);
		CHECK_EQ(env->out[i].opcode, want[i]);
	}
	CHECK_EQ(env->out_n, ARRAY_SIZE(want));
	bytes_free(&got);
}

/* A response that cannot be made is the end: no request is begun any more */
static void begin_message__failed_response(void)
{
	struct env *env = sender_start(false, 1024);
	struct bytes got = {};

	env_must_post(env, sender_sqe(1, SIW_OP_WRITE, 0, env_sge(0x100, HELLO, 1)));
	env_transmit(env, &got, 100);
	env_must_post(env, sender_sqe(2, SIW_OP_WRITE, 0, env_sge(0x100, HELLO, 1)));
	sender_ask(env, 1, 10, 0x400, ANSWER);
	env_region_of(env, 0x400)->gone = true;
	sent_expect(env,
		    "0046 41 47 00000000 00000002 00000001 00000000 01 00 e0 00;"
		    "002e 41 41 00000000 00000001 00000001 00000000;"
		    "0badcafe 0102030405060708 0000000a 00000400 0000000000040000;"
		    "00000000");
	CHECK_EQ(env->qp.sq_get, 1);
	bytes_free(&got);
}

/* A Read that has to wait holds up the requests behind it, not the responses */
static void begin_message__response_while_the_queue_waits(void)
{
	struct env *env = sender_start(false, 1024);
	u32 i;

	for (i = 0; i < 4; i++)
		env_must_post(env, env_sqe(i, SIW_OP_READ, 0));
	sender_ask(env, 1, 0, 0, 0);
	sender_ask(env, 2, 0, 0, 0);
	sender_ask(env, 3, 0, 0, 0);
	sent_expect(env,
		    "002e 41 41 00000000 00000001 00000001 00000000 00000000 0000000000000000;"
		    "00000000 00000000 0000000000000000 00000000;"
		    "000e c1 42 0badcafe 0102030405060708 00000000;"
		    "002e 41 41 00000000 00000001 00000002 00000000 00000000 0000000000000000;"
		    "00000000 00000000 0000000000000000 00000000;"
		    "000e c1 42 0badcafe 0102030405060708 00000000;"
		    "002e 41 41 00000000 00000001 00000003 00000000 00000000 0000000000000000;"
		    "00000000 00000000 0000000000000000 00000000;"
		    "000e c1 42 0badcafe 0102030405060708 00000000");
	CHECK_EQ(env->qp.sq_get, 3);
}

static const struct unit_test tests[] = {
	UNIT_TEST(response_fpdu__every_field),
	UNIT_TEST(response_fpdu__region_gone),
	UNIT_TEST(response_fpdu__region_gone_behind_an_answer),
	UNIT_TEST(response_fpdu__region_not_found),
	UNIT_TEST(response_fpdu__region_shorter),
	UNIT_TEST(begin_rtr__each),
	UNIT_TEST(begin_rtr__before_everything),
	UNIT_TEST(begin_rtr__read_without_ord),
	UNIT_TEST(begin_message__held),
	UNIT_TEST(begin_message__turns),
	UNIT_TEST(begin_message__failed_response),
	UNIT_TEST(begin_message__response_while_the_queue_waits),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
