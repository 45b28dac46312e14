// SPDX-License-Identifier: GPL-2.0
/*
 * receive.c: the peer's Terminate, whatever it quotes.
 */
#include "harness.h"
#include "receiver.h"
#include "refusal.h"

/* begin_terminate() and end_terminate() */

static struct core_term received(const struct bytes *b, u32 cut)
{
	struct env *env = receiver_start(false);
	struct core_term term;
	struct bytes out = {};

	CHECK_EQ(env_feed_cut(env, b, cut), -ECONNRESET);
	CHECK(env->qp.peer_term && env->qp.error);
	CHECK_EQ(env->terms_n, 1);
	CHECK_EQ(env->terms[0].sent, false);
	CHECK_BYTES(&env->terms[0].term, sizeof(term), &env->qp.received,
		    sizeof(term));
	CHECK_EQ(env->placed, 0);
	/* A Terminate is not answered, and begins no connection */
	env_transmit(env, &out, 100);
	CHECK_EQ(out.len, 0);
	CHECK_EQ(env->firsts, 0);
	term = env->qp.received;
	env_reset();
	return term;
}

static void end_terminate__every_quote(void)
{
	static const u8 lengths[] = { 0, 16, 20, 48 };
	struct core_term term;
	struct bytes b = {};
	u8 quote[48];
	u32 i, cut;

	bytes_pattern(quote, sizeof(quote), 77);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		frame_terminate(&b, 1, 2, 0xfe, quote, lengths[i], false);
		for (cut = 0; cut <= b.len; cut++) {
			unit_context("%u quoted, cut %u", lengths[i], cut);
			term = received(&b, cut);
			CHECK_EQ(term.layer, 1);
			CHECK_EQ(term.etype, 2);
			CHECK_EQ(term.ecode, 0xfe);
			CHECK_BYTES(term.hdr, term.hdr_len, quote, lengths[i]);
		}
		bytes_free(&b);
	}
}

/* Any length: what is promised may be missing, or be more than any header */
static void end_terminate__truncated_or_too_long(void)
{
	struct core_term term;
	struct bytes b = {};
	u8 payload[300];
	u32 len, hdrct;

	bytes_pattern(payload, sizeof(payload), 5);
	for (hdrct = 0; hdrct < 256; hdrct += 0x20) {
		for (len = 4; len < sizeof(payload); len += len < 80 ? 1 : 50) {
			struct segment s = segment_send(1, 0, len);

			unit_context("%u octets, hdrct %#x", len, hdrct);
			s.rdmap = 0x47;
			s.qn = 2;
			s.payload = payload;
			payload[2] = hdrct;
			frame_segment(&b, &s, false);
			term = received(&b, b.len / 2);
			CHECK_EQ(term.layer, payload[0] >> 4);
			CHECK_EQ(term.etype, payload[0] & 15);
			CHECK_EQ(term.ecode, payload[1]);
			CHECK_BYTES(term.hdr, term.hdr_len, payload + 4,
				    (hdrct & 0xc0) != 0xc0 ? 0 :
				    len - 4 < 48 ? len - 4 : 48);
			bytes_free(&b);
		}
	}
}

/* Only of what mainline's siw sends are the nibbles swapped and the bits moved. */
static void end_terminate__mainlines(void)
{
	struct segment s = segment_send(1, 0, 4 + 48);
	struct core_term term;
	struct bytes b = {};
	u8 payload[4 + 48];
	u32 hdrct, reserved;

	bytes_pattern(payload, sizeof(payload), 5);
	payload[4 + 3] = 0x43;	/* a Send, whose MSN is what it is */
	s.rdmap = 0x47;
	s.qn = 2;
	s.payload = payload;
	for (reserved = 0; reserved < 2; reserved++) {
		for (hdrct = 0; hdrct < 256; hdrct++) {
			bool mainlines = !reserved && (hdrct == 0x03 || hdrct == 0x07);

			unit_context("hdrct %#x, reserved %u", hdrct, reserved);
			payload[0] = 0x10;
			payload[2] = hdrct;
			payload[3] = reserved;
			frame_segment(&b, &s, false);
			term = received(&b, b.len / 2);
			CHECK_EQ(term.layer, mainlines ? 0 : 1);
			CHECK_EQ(term.etype, mainlines ? 1 : 0);
			CHECK_EQ(term.ecode, payload[1]);
			CHECK_BYTES(term.hdr, term.hdr_len, payload + 4,
				    mainlines || (hdrct & 0xc0) == 0xc0 ? 48 : 0);
			bytes_free(&b);
		}
	}
}

/* Three Reads, the first of which is answered; the Terminate quotes one with this MSN */
static void check_refused(const char *control, u32 msn, u16 second, u16 third)
{
	struct env *env = receiver_start_read(false);
	struct segment s, answer = segment_read_response(LOCAL, LOCAL_TO + 8, 40);
	struct bytes request = {}, b = {};
	u8 payload[28], quote[4 + 48];

	receiver_post_read(env, 8, 50, 3);
	receiver_post_read(env, 9, 60, 2);
	CHECK_EQ(env_feed_segment(env, answer), 0);
	s = segment_read_request(payload, msn, LOCAL, LOCAL_TO + 50, 3, 0, 0);
	frame_segment(&request, &s, false);
	memcpy(quote, control, 4);
	memcpy(quote + 4, request.data, 48);
	s = segment_send(1, 0, sizeof(quote));
	s.rdmap = 0x47;
	s.qn = 2;
	s.payload = quote;
	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len), -ECONNRESET);
	core_queue_flush(&env->qp);
	env_check_done(env, 0, false, 7, SIW_OP_READ, SIW_WC_SUCCESS, 40);
	env_check_done(env, 1, false, 8, SIW_OP_READ, second, 0);
	env_check_done(env, 2, false, 9, SIW_OP_READ, third, 0);
	bytes_free(&request);
	bytes_free(&b);
	env_reset();
}

/* Mainline's has the length where the MSN belongs; the oldest Read is the one. */
static void end_terminate__mainlines_refused_read(void)
{
	u32 msn;

	for (msn = 0; msn < 6; msn++) {
		unit_context("MSN %u", msn);
		check_refused("\x10\x02\x07\x00", msn, SIW_WC_REM_ACCESS_ERR, SIW_WC_WR_FLUSH_ERR);
		/* Of another reason the MSN is believed, and that of another peer always is. */
		check_refused("\x20\x07\x07\x00", msn,
			      msn == 2 ? SIW_WC_REM_INV_REQ_ERR : SIW_WC_WR_FLUSH_ERR,
			      msn == 3 ? SIW_WC_REM_INV_REQ_ERR : SIW_WC_WR_FLUSH_ERR);
		check_refused("\x01\x02\xe0\x00", msn,
			      msn == 2 ? SIW_WC_REM_ACCESS_ERR : SIW_WC_WR_FLUSH_ERR,
			      msn == 3 ? SIW_WC_REM_ACCESS_ERR : SIW_WC_WR_FLUSH_ERR);
	}
}

static void begin_terminate__malformed(void)
{
	static const u8 payload[4];
	struct segment s = segment_send(1, 0, 4);

	s.rdmap = 0x47;
	s.qn = 2;
	s.payload = payload;
	s.msn = 2;
	refusal_check_one(s, DDP, UNTAGGED, 3, 20);
	s.msn = 0;
	refusal_check_one(s, DDP, UNTAGGED, 3, 20);
	s.msn = 1;
	s.mo = 4;
	refusal_check_one(s, DDP, UNTAGGED, 4, 20);
	s.mo = 0;
	s.ddp = 0x01;
	refusal_check_one(s, RDMAP, OPERATION, 7, 20);
	s.ddp = 0x41;
	for (s.len = 0; s.len < 4; s.len++)
		refusal_check_one(s, RDMAP, OPERATION, 7, 20);
}

static const struct unit_test tests[] = {
	UNIT_TEST(begin_terminate__malformed),
	UNIT_TEST(end_terminate__every_quote),
	UNIT_TEST(end_terminate__truncated_or_too_long),
	UNIT_TEST(end_terminate__mainlines),
	UNIT_TEST(end_terminate__mainlines_refused_read),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
