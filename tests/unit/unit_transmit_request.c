// SPDX-License-Identifier: GPL-2.0
/*
 * transmit.c: every octet that the application's requests become, against RFC 5040,
 * 5041 and 5044. What is expected is written out by hand: fields stand between
 * blanks.
 */
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
	UNIT_TEST(end_body__every_pad),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
