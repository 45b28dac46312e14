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
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
