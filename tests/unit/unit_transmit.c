// SPDX-License-Identifier: GPL-2.0
/*
 * transmit.c: every octet that goes out, against RFC 5040, 5041 and 5044. What
 * is expected is written out by hand: fields stand between blanks.
 */
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"
#include "sender.h"
#include "sent.h"

static void send_fpdu__write(void)
{
	struct env *env = sender_start(true, 1024);

	env_must_post(env, sender_sqe(1, SIW_OP_WRITE, SIGNALLED, env_sge(0x100, HELLO, 5)));
	sent_expect(env, "0013 c1 40 a1b2c3d4 1122334455667788 68656c6c6f 000000 1c09b640");
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, false, 1, SIW_OP_WRITE, SIW_WC_SUCCESS, 0);
	CHECK_EQ(env->out_n, 1);
	CHECK_EQ(env->out[0].opcode, 0);
	CHECK_EQ(env->out[0].ulpdu, 0x13);
}

static void send_fpdu__send(void)
{
	struct env *env = sender_start(true, 1024);

	env_must_post(env, sender_sqe(1, SIW_OP_SEND, SIGNALLED, env_sge(0x100, HELLO + 10, 3)));
	sent_expect(env, "0015 41 43 00000000 00000000 00000001 00000000 616263 00 447065aa");
	env_check_done(env, 0, false, 1, SIW_OP_SEND, SIW_WC_SUCCESS, 0);
}

static void send_fpdu__each_send_opcode(void)
{
	struct env *env = sender_start(false, 1024);

	env_must_post(env, sender_sqe(1, SIW_OP_SEND, 0, env_sge(0x100, HELLO, 4)));
	sent_expect(env, "0016 41 43 00000000 00000000 00000001 00000000 68656c6c 00000000");
	env_must_post(env, sender_sqe(2, SIW_OP_SEND_REMOTE_INV, 0, env_sge(0x100, HELLO, 4)));
	sent_expect(env, "0016 41 44 a1b2c3d4 00000000 00000002 00000000 68656c6c 00000000");
	env_must_post(env, sender_sqe(3, SIW_OP_SEND, SOLICITED, env_sge(0x100, HELLO, 4)));
	sent_expect(env, "0016 41 45 00000000 00000000 00000003 00000000 68656c6c 00000000");
	env_must_post(env, sender_sqe(4, SIW_OP_SEND_REMOTE_INV, SOLICITED,
				      env_sge(0x100, HELLO, 4)));
	sent_expect(env, "0016 41 46 a1b2c3d4 00000000 00000004 00000000 68656c6c 00000000");
	CHECK_EQ(env->done_n, 0);
}

/* RFC 5040 section 4.4; the sink is our SGE, the source the peer's */
static void put_read_request__every_field(void)
{
	struct env *env = sender_start(false, 1024);

	env_must_post(env, sender_sqe(1, SIW_OP_READ, SIGNALLED, env_sge(0x300, SINK + 16, 0x123)));
	sent_expect(env,
		    "002e 41 41 00000000 00000001 00000001 00000000;"
		    "00000300 0000000000030010 00000123 a1b2c3d4 1122334455667788;"
		    "00000000");
	CHECK_EQ(env->done_n, 0);
	CHECK(core_reads_outstanding(&env->qp));
	/* Numbered by themselves; Sends in between count on theirs */
	env_must_post(env, sender_sqe(2, SIW_OP_SEND, 0, env_sge(0x100, HELLO, 0)));
	sent_expect(env, "0012 41 43 00000000 00000000 00000001 00000000 00000000");
	env_must_post(env, env_sqe(3, SIW_OP_READ, 0));
	sent_expect(env,
		    "002e 41 41 00000000 00000001 00000002 00000000;"
		    "00000000 0000000000000000 00000000 00000000 0000000000000000;"
		    "00000000");
}

static void send_fpdu__zero_length(void)
{
	struct env *env = sender_start(false, 1024);

	env_must_post(env, env_sqe(1, SIW_OP_WRITE, SIGNALLED));
	sent_expect(env, "000e c1 40 00000000 0000000000000000 00000000");
	env_must_post(env, env_sqe(2, SIW_OP_SEND, SIGNALLED));
	sent_expect(env, "0012 41 43 00000000 00000000 00000001 00000000 00000000");
	CHECK_EQ(env->done_n, 2);
}

static void send_fpdu__inline(void)
{
	struct env *env = sender_start(false, 1024);
	struct siw_sqe sqe = sender_sqe(1, SIW_OP_SEND, SIW_WQE_INLINE | SIGNALLED,
					env_sge(0, 0, 6));

	memcpy(&sqe.sge[1], "inline", 6);
	env_must_post(env, sqe);
	sent_expect(env,
		    "0018 41 43 00000000 00000000 00000001 00000000;"
		    "696e6c696e65 0000 00000000");
	sqe.opcode = SIW_OP_WRITE;
	sqe.id = 2;
	sqe.sge[0].length = 1;
	env_must_post(env, sqe);
	sent_expect(env, "000f c1 40 a1b2c3d4 1122334455667788 69 000000 00000000");
}

static void send_fpdu__many_sges(void)
{
	struct env *env = sender_start(false, 1024);
	struct siw_sqe sqe = env_sqe(1, SIW_OP_SEND, SIGNALLED);

	sqe.num_sge = 6;
	sqe.sge[0] = env_sge(0x999, 0, 0);
	sqe.sge[1] = env_sge(0x100, HELLO + 4, 2);
	sqe.sge[2] = env_sge(0x100, HELLO, 0);
	sqe.sge[3] = env_sge(0x100, HELLO, 1);
	sqe.sge[4] = env_sge(0x100, HELLO + 10, 6);
	sqe.sge[5] = env_sge(0x999, 0, 0);
	env_must_post(env, sqe);
	sent_expect(env,
		    "001b 41 43 00000000 00000000 00000001 00000000;"
		    "6f77 68 616263646566 000000 00000000");
}

/* L on the last segment only; TO and MO go on; one MSN per message */
static void next_payload__segments_at_max_ulpdu(void)
{
	struct env *env = sender_start(false, 22);

	env_must_post(env, sender_sqe(1, SIW_OP_WRITE, SIGNALLED, env_sge(0x100, HELLO, 10)));
	sent_expect(env,
		    "0016 81 40 a1b2c3d4 1122334455667788 68656c6c6f776f72 00000000;"
		    "0010 c1 40 a1b2c3d4 1122334455667790 6c64 0000 00000000");
	env_must_post(env, sender_sqe(2, SIW_OP_SEND_REMOTE_INV, 0, env_sge(0x100, HELLO, 9)));
	sent_expect(env,
		    "0016 01 44 a1b2c3d4 00000000 00000001 00000000 68656c6c 00000000;"
		    "0016 01 44 a1b2c3d4 00000000 00000001 00000004 6f776f72 00000000;"
		    "0013 41 44 a1b2c3d4 00000000 00000001 00000008 6c 000000 00000000");
	env_must_post(env, sender_sqe(3, SIW_OP_SEND, 0, env_sge(0x100, HELLO, 1)));
	sent_expect(env, "0013 41 43 00000000 00000000 00000002 00000000 68 000000 00000000");
	CHECK_EQ(env->out_n, 6);
	CHECK_EQ(env->out[1].offset, 8);
}

/* No empty segment behind a full one */
static void next_payload__exactly_full(void)
{
	struct env *env;
	struct bytes got = {}, want = {};
	struct segment s;
	u32 len, n;

	for (len = 120; len <= 390; len++) {
		unit_context("%u octets", len);
		env = sender_start(true, 128);
		env_must_post(env, sender_sqe(1, SIW_OP_WRITE, 0, env_sge(0x200, DATA, len)));
		env_must_post(env, sender_sqe(2, SIW_OP_SEND, 0, env_sge(0x200, DATA, len)));
		env_transmit(env, &got, 5000);

		for (n = 0; n < len; n += s.len) {
			s = segment_write(0xa1b2c3d4, 0x1122334455667788ull + n,
					  min_t(u32, 128 - 14, len - n));
			s.payload = env_mem(env_region_of(env, 0x200), DATA + n);
			s.ddp = n + s.len == len ? 0xc1 : 0x81;
			frame_segment(&want, &s, true);
		}
		for (n = 0; n < len; n += s.len) {
			s = segment_send(1, n, min_t(u32, 128 - 18, len - n));
			s.payload = env_mem(env_region_of(env, 0x200), DATA + n);
			s.ddp = n + s.len == len ? 0x41 : 0x01;
			frame_segment(&want, &s, true);
		}
		CHECK_BYTES(got.data, got.len, want.data, want.len);
		bytes_free(&got);
		bytes_free(&want);
	}
}

/* The 16 bit length holds; nothing is longer. */
static void next_payload__longest_ulpdu(void)
{
	struct env *env = env_new(4, 3, 3);
	struct core_region *region = env_region(env, 0x100, 0, 70000, 0);
	struct bytes got = {};

	env_pattern(region, 5);
	core_start(&env->qp, false, 65535, 0, 0, false);
	env_must_post(env, sender_sqe(1, SIW_OP_WRITE, 0, env_sge(0x100, 0, 70000)));
	env_transmit(env, &got, 5000);
	CHECK_HEX(got.data, 16, "ffff 81 40 a1b2c3d4 1122334455667788");
	CHECK_BYTES(got.data + 16, 65521, region->mem, 65521);
	/* Pad of three, CRC */
	CHECK_HEX(got.data + 16 + 65521, 7 + 16,
		  "000000 00000000 118d c1 40 a1b2c3d4 1122334455677779");
	bytes_free(&got);
}

static void begin_send__refused_request(void)
{
	struct env *env = sender_start(false, 1024);

	env_must_post(env, sender_sqe(1, SIW_OP_WRITE, 0, env_sge(0x200, DATA, 4097)));
	env_must_post(env, sender_sqe(2, SIW_OP_WRITE, 0, env_sge(0x200, DATA, 1)));
	/* Local catastrophic, and nothing of either */
	sent_expect(env,
		    "0016 41 47 00000000 00000002 00000001 00000000 00 00 00 00 00000000");
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, false, 1, SIW_OP_WRITE, SIW_WC_LOC_PROT_ERR, 0);
	CHECK(env->qp.error && env->qp.tx.closed && !env->qp.broken);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 2);
	env_check_done(env, 1, false, 2, SIW_OP_WRITE, SIW_WC_WR_FLUSH_ERR, 0);
	sent_expect(env, "");
}

/* The application takes its memory back between two FPDUs */
static void send_fpdu__memory_gone_between_two(void)
{
	struct env *env = sender_start(false, 22);
	u8 out[100];

	env_must_post(env, sender_sqe(1, SIW_OP_WRITE, 0, env_sge(0x100, HELLO, 10)));
	CHECK_EQ(core_transmit(&env->qp, out, 28), 28);
	env_region_of(env, 0x100)->gone = true;
	sent_expect(env,
		    "0016 41 47 00000000 00000002 00000001 00000000 00 00 00 00 00000000");
	CHECK(!env->qp.broken);
	env_check_done(env, 0, false, 1, SIW_OP_WRITE, SIW_WC_LOC_PROT_ERR, 0);
}

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
			frame_terminate(&want, 0, 1, cases[i].ecode, NULL, 0, true);
			CHECK_BYTES(got.data, got.len, want.data, want.len);
			CHECK(!env->qp.broken);
			bytes_free(&got);
			bytes_free(&want);
		}
	}
}

static void response_fpdu__region_not_found(void)
{
	struct env *env = sender_start(false, 22);

	sender_ask(env, 1, 10, 0x400, ANSWER);
	env_region_of(env, 0x400)->gone = true;
	sent_expect(env,
		    "0016 41 47 00000000 00000002 00000001 00000000 01 00 00 00 00000000");
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
		    "0016 41 47 00000000 00000002 00000001 00000000 01 00 00 00 00000000");
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

static void end_body__every_pad(void)
{
	struct env *env = sender_start(true, 1024);
	struct bytes got = {};
	u32 n, pad, crc;

	for (n = 1; n <= 9; n++) {
		unit_context("%u octets", n);
		env_must_post(env, sender_sqe(n, SIW_OP_WRITE, 0, env_sge(0x100, HELLO, n)));
		env_transmit(env, &got, 100);
		pad = (4 - n % 4) % 4;
		CHECK_EQ(got.len, 16 + n + pad + 4);
		CHECK_HEX(got.data + 16 + n, pad, pad == 3 ? "000000" : pad == 2 ?
			  "0000" : pad ? "00" : "");
		crc = frame_crc(got.data, got.len - 4);
		CHECK_EQ(got.data[got.len - 4], crc & 0xff);
		CHECK_EQ(got.data[got.len - 3], crc >> 8 & 0xff);
		CHECK_EQ(got.data[got.len - 2], crc >> 16 & 0xff);
		CHECK_EQ(got.data[got.len - 1], crc >> 24);
		bytes_free(&got);
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
	UNIT_TEST(next_payload__segments_at_max_ulpdu),
	UNIT_TEST(next_payload__exactly_full),
	UNIT_TEST(next_payload__longest_ulpdu),
	UNIT_TEST(put_read_request__every_field),
	UNIT_TEST(send_fpdu__write),
	UNIT_TEST(send_fpdu__send),
	UNIT_TEST(send_fpdu__each_send_opcode),
	UNIT_TEST(send_fpdu__zero_length),
	UNIT_TEST(send_fpdu__inline),
	UNIT_TEST(send_fpdu__many_sges),
	UNIT_TEST(send_fpdu__memory_gone_between_two),
	UNIT_TEST(begin_send__refused_request),
	UNIT_TEST(response_fpdu__every_field),
	UNIT_TEST(response_fpdu__region_gone),
	UNIT_TEST(response_fpdu__region_not_found),
	UNIT_TEST(begin_rtr__each),
	UNIT_TEST(begin_rtr__before_everything),
	UNIT_TEST(begin_rtr__read_without_ord),
	UNIT_TEST(begin_terminate__every_field),
	UNIT_TEST(begin_message__held),
	UNIT_TEST(begin_message__turns),
	UNIT_TEST(begin_message__failed_response),
	UNIT_TEST(begin_message__response_while_the_queue_waits),
	UNIT_TEST(next_fpdu__terminate_waits_for_the_end),
	UNIT_TEST(next_fpdu__answers_before_the_terminate),
	UNIT_TEST(next_fpdu__answers_that_cannot_be_made),
	UNIT_TEST(next_fpdu__other_refusals_come_at_once),
	UNIT_TEST(next_fpdu__nothing_after_the_peers_terminate),
	UNIT_TEST(fpdu_sent__completes_with_the_last_octet),
	UNIT_TEST(fpdu_sent__send_after_read),
	UNIT_TEST(fpdu_sent__fence),
	UNIT_TEST(end_body__every_pad),
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
