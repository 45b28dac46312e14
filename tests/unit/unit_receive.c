// SPDX-License-Identifier: GPL-2.0
/*
 * receive.c: every way in which a segment can be wrong is refused with the
 * Terminate that the RFCs name, and nothing of it is placed: at every cut of
 * the stream, with and without CRC.
 */
#include "harness.h"
#include "refusal.h"

static void refuse_read_response(struct segment s, u8 layer, u8 etype, u8 ecode)
{
	struct refusal r = {
		.start = receiver_start_read, .segments = { s }, .n = 1, .layer = layer,
		.etype = etype, .ecode = ecode, .quoted = 16,
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
		.segments = { s[2] },
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
			     DDP, TAGGED, 0);
}

static void begin_read_response__wrong_to(void)
{
	refuse_read_response(segment_read_response(LOCAL, LOCAL_TO + 7, 40),
			     DDP, TAGGED, 1);
	refuse_read_response(segment_read_response(LOCAL, LOCAL_TO + 9, 39),
			     DDP, TAGGED, 1);
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
	};

	refuse_read_response(s, DDP, TAGGED, 1);
	s.ddp = 0x81;
	refuse_read_response(s, DDP, TAGGED, 1);
	/* All is there, but not the last: then a bit more */
	r.segments[0].ddp = 0x81;
	refusal_check(&r);
}

static void begin_read_response__last_too_early(void)
{
	refuse_read_response(segment_read_response(LOCAL, LOCAL_TO + 8, 39),
			     RDMAP, OPERATION, 7);
	refuse_read_response(segment_read_response(LOCAL, LOCAL_TO + 8, 0),
			     RDMAP, OPERATION, 7);
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
	};

	refusal_check(&r);
}

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

/* Local catastrophic, and the receive knows why; not even the good SGE is used */
static void check_recv__bad_local_sge(void)
{
	static struct env *(* const starts[])(bool crc) = {
		start_bad_sge, start_bad_sge_access, start_bad_sge_bounds,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		struct refusal r = {
			.start = starts[i], .n = 1, .layer = RDMAP,
			.etype = TERM_RDMAP_LOCAL, .ecode = 0, .quoted = 20,
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

/* check_header() */

static void check_header__ddp_version(void)
{
	static const u8 versions[] = { 0, 2, 3 };
	struct segment s;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		s = segment_write(WRITABLE, WRITABLE_TO, 9);
		s.ddp = 0xc0 | versions[i];
		refusal_check_one(s, DDP, TAGGED, 4, 16);
		s = segment_send(1, 0, 9);
		s.ddp = 0x40 | versions[i];
		refusal_check_one(s, DDP, UNTAGGED, 6, 20);
	}
}

static void check_header__queue_number(void)
{
	struct segment s = segment_send(1, 0, 9);

	s.qn = 3;
	refusal_check_one(s, DDP, UNTAGGED, 1, 20);
	s.qn = 0xffffffff;
	refusal_check_one(s, DDP, UNTAGGED, 1, 20);
	s.qn = 0x01000000;
	refusal_check_one(s, DDP, UNTAGGED, 1, 20);
}

static void check_header__rdmap_version(void)
{
	static const u8 versions[] = { 0x00, 0x80, 0xc0 };
	struct segment s;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		s = segment_write(WRITABLE, WRITABLE_TO, 9);
		s.rdmap = versions[i];
		refusal_check_one(s, RDMAP, OPERATION, 5, 16);
		s = segment_send(1, 0, 9);
		s.rdmap = versions[i] | 3;
		refusal_check_one(s, RDMAP, OPERATION, 5, 20);
	}
}

/* Unused ones, and each on the wrong queue or in the wrong buffer model */
static void check_header__opcode(void)
{
	static const u8 queue[] = { 9, 1, 9, 0, 0, 0, 0, 2 };
	struct segment s;
	u32 opcode, qn;

	for (opcode = 0; opcode < 16; opcode++) {
		s = segment_write(WRITABLE, WRITABLE_TO, 30);
		s.rdmap = 0x40 | opcode;
		if (opcode != 0 && opcode != 2)
			refusal_check_one(s, RDMAP, OPERATION, 6, 16);
		for (qn = 0; qn < 3; qn++) {
			if (opcode < 8 && queue[opcode] == qn)
				continue;
			s = segment_send(1, 0, 30);
			s.rdmap = 0x40 | opcode;
			s.qn = qn;
			refusal_check_one(s, RDMAP, OPERATION, 6, 20);
		}
	}
}

/*
 * An ULPDU that is shorter than its header, though more octets come. The CRC is
 * not where such an FPDU has it, so with CRCs the scan would be first.
 */
static void header_complete__ulpdu_too_short(void)
{
	static const u8 zeros[64];
	u32 opcode, ulpdu, cut;

	for (opcode = 0; opcode < 16; opcode++) {
		bool tagged = opcode == 0 || opcode == 2;

		for (ulpdu = 1; ulpdu < (tagged ? 14 : 18); ulpdu++) {
			struct segment s = tagged ? segment_write(1, 2, 40) :
						    segment_send(1, 0, 40);
			struct refusal r = { .start = receiver_start };
			struct bytes b = {}, want = {};

			s.payload = zeros;
			s.rdmap = 0x40 | opcode;
			s.ulpdu = ulpdu;
			frame_segment(&b, &s, false);
			frame_terminate(&want, TERM_LAYER_LLP, 0,
					TERM_MPA_MARKER, NULL, 0, false);
			for (cut = 0; cut <= b.len; cut++)
				refusal_check_at(&r, &b, &want, false, cut, 0);
			bytes_free(&b);
			bytes_free(&want);
		}
	}
}

/* The same with a good CRC: ULPDUs of 0 to 17 octets */
static void header_complete__whole_but_too_short(void)
{
	u32 ulpdu, tagged, i, cut;

	for (tagged = 0; tagged < 2; tagged++) {
		for (ulpdu = 0; ulpdu < (tagged ? 14 : 18); ulpdu++) {
			struct refusal r = { .start = receiver_start };
			struct bytes b = {}, want = {};

			frame_begin(&b);
			for (i = 0; i < ulpdu; i++)
				bytes_put_be(&b, i == 0 ? (tagged ? 0xc1 : 0x41) :
					     i == 1 ? 0x43 : 0, 1);
			frame_end(&b, 0, true);
			frame_terminate(&want, TERM_LAYER_LLP, 0,
					TERM_MPA_MARKER, NULL, 0, true);
			for (cut = 0; cut <= b.len; cut++)
				refusal_check_at(&r, &b, &want, true, cut, 0);
			bytes_free(&b);
			bytes_free(&want);
		}
	}
}

/* place_tagged() and place_send(): memory that goes between two octets */

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
				CHECK_EQ(env->done_n, 0);
				bytes_free(&b);
				bytes_free(&got);
				bytes_free(&want);
				env_finish();
				env_reset();
			}
		}
	}
}

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

/* Of the SGE that the message ends in, only what it fills must be there. */
static void place_send__unused_part_of_an_sge(void)
{
	struct segment s = segment_send(1, 0, 100);
	struct bytes b = {};
	u32 cut;

	frame_segment(&b, &s, false);
	for (cut = 0; cut <= b.len; cut++) {
		struct env *env = receiver_start(false);

		unit_context("cut %u", cut);
		env->recvs[0].sge[2] = env_sge(LOCAL, LOCAL_TO + SIZE - 36, 5000);
		CHECK_EQ(env_feed_cut(env, &b, cut), 0);
		env_check_done(env, 0, true, 1, SIW_OP_RECEIVE, SIW_WC_SUCCESS, 100);
	}
	bytes_free(&b);
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

/* end_read_response() */

/* The RTR's Read has no work request, though its number looks like one */
static void end_read_response__of_the_rtr(void)
{
	struct segment s = segment_read_response(0, 0, 0);
	struct env *env = receiver_start(false);
	struct bytes b = {};

	core_start(&env->qp, false, 1024, IWARP_RTR_READ, 0, false);
	env->sq_put = 3;
	env->qp.sq_get = 3;
	env->qp.sends_tail = 3;
	receiver_post_read(env, 7, 0, 9);
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

/* core_receive() */

/* Every octet of a frame wrong, in turn: not one octet is placed */
static void core_receive__crc_wrong_at_every_octet(void)
{
	struct segment s[] = {
		segment_write(WRITABLE, WRITABLE_TO, 21),
		segment_send(1, 0, 21),
		segment_read_response(LOCAL, LOCAL_TO + 8, 40),
	};
	u32 i, at;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		struct bytes b = {}, want = {};

		frame_terminate(&want, 2, 0, 2, NULL, 0, true);
		frame_segment(&b, &s[i], true);
		/* A wrong length needs more octets before its CRC is there */
		for (at = 2; at < b.len; at++) {
			struct env *env = receiver_start_read(true);
			struct bytes got = {};

			unit_context("segment %u, octet %u", i, at);
			b.data[at] ^= 0x10;
			CHECK_EQ(env_feed(env, b.data, b.len - 1), 0);
			CHECK_EQ(env_feed(env, b.data + b.len - 1, 1), -EBADMSG);
			CHECK_EQ(env->placed, 0);
			CHECK_EQ(env->in_n, 0);
			env_transmit(env, &got, 100);
			CHECK_BYTES(got.data, got.len, want.data, want.len);
			b.data[at] ^= 0x10;
			bytes_free(&got);
			env_reset();
		}
		bytes_free(&b);
		bytes_free(&want);
	}
}

/* RFC 5044 section 4.4: without CRCs the field is there and means nothing */
static void core_receive__crc_off_is_not_looked_at(void)
{
	struct segment s = segment_write(WRITABLE, WRITABLE_TO, 21);
	struct env *env = receiver_start(false);
	struct bytes b = {};

	frame_segment(&b, &s, true);
	memset(b.data + b.len - 4, 0xee, 4);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	CHECK_EQ(env->placed, 42);
	CHECK_EQ(env->firsts, 1);
	bytes_free(&b);
}

static void core_receive__stops_at_the_first_error(void)
{
	struct segment s = segment_write(UNKNOWN, WRITABLE_TO, 21);
	struct env *env = receiver_start(false);
	struct bytes b = {};
	u32 consumed;

	frame_segment(&b, &s, false);
	CHECK_EQ(core_receive(&env->qp, b.data, b.len, &consumed), -EPROTO);
	CHECK_EQ(consumed, 16);
	CHECK_EQ(core_receive(&env->qp, b.data + 16, b.len - 16, &consumed), -EPROTO);
	CHECK_EQ(consumed, 0);
	CHECK_EQ(core_receive(&env->qp, NULL, 0, &consumed), -EPROTO);
	bytes_free(&b);
}

static void core_receive__nothing(void)
{
	struct env *env = receiver_start(false);
	u32 consumed = 5;

	CHECK_EQ(core_receive(&env->qp, NULL, 0, &consumed), 0);
	CHECK_EQ(consumed, 0);
}

/* A silent peer keeps no region alive */
static void core_receive_pause__lets_go(void)
{
	struct segment s[] = {
		segment_write(WRITABLE, WRITABLE_TO, 40),
		segment_send(1, 0, 40),
	};
	u32 i, cut, consumed;

	for (i = 0; i < 2; i++) {
		struct bytes b = {};
		struct env *env = receiver_start(false);

		frame_segment(&b, &s[i], false);
		cut = b.len - 20;
		CHECK_EQ(core_receive(&env->qp, b.data, cut, &consumed), 0);
		CHECK_EQ(env_region_of(env, i ? LOCAL : WRITABLE)->refs, 1);
		core_receive_pause(&env->qp);
		CHECK_EQ(env_region_of(env, i ? LOCAL : WRITABLE)->refs, 0);
		CHECK_EQ(env_feed(env, b.data + cut, b.len - cut), 0);
		CHECK_EQ(env->placed, 40);
		bytes_free(&b);
	}
}

static void core_receive_between__every_octet(void)
{
	struct segment s = segment_write(WRITABLE, WRITABLE_TO, 9);
	u32 crc, cut;

	for (crc = 0; crc < 2; crc++) {
		struct bytes b = {};

		frame_segment(&b, &s, crc);
		for (cut = 0; cut <= b.len; cut++) {
			struct env *env = receiver_start(crc);

			unit_context("crc %u, cut %u", crc, cut);
			CHECK_EQ(env_feed(env, b.data, cut), 0);
			CHECK_EQ(core_receive_between(&env->qp),
				 cut == 0 || cut == b.len);
		}
		bytes_free(&b);
	}
	CHECK(!core_receive_between(&receiver_start_read(false)->qp));
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
	UNIT_TEST(check_recv__too_long),
	UNIT_TEST(check_recv__bad_local_sge),
	UNIT_TEST(check_recv__unused_sge_is_not_checked),
	UNIT_TEST(begin_send__two_segments_two_sges),
	UNIT_TEST(begin_send__msn_low),
	UNIT_TEST(begin_send__msn_high),
	UNIT_TEST(begin_send__msn_of_the_next_message),
	UNIT_TEST(begin_send__mo_wrong),
	UNIT_TEST(begin_send__no_receive),
	UNIT_TEST(begin_send__hostile_num_sge),
	UNIT_TEST(begin_read_request__taken),
	UNIT_TEST(begin_read_request__each_protection_error),
	UNIT_TEST(begin_read_request__msn_and_mo),
	UNIT_TEST(begin_read_request__wrong_length),
	UNIT_TEST(begin_read_request__not_last),
	UNIT_TEST(begin_read_request__ird_exceeded),
	UNIT_TEST(begin_read_request__ird_over_and_over),
	UNIT_TEST(begin_terminate__malformed),
	UNIT_TEST(check_rtr__each),
	UNIT_TEST(check_rtr__first_only),
	UNIT_TEST(check_rtr__none_expected),
	UNIT_TEST(check_rtr__another),
	UNIT_TEST(check_rtr__not_empty),
	UNIT_TEST(check_rtr__not_last),
	UNIT_TEST(check_rtr__terminate_instead),
	UNIT_TEST(check_header__ddp_version),
	UNIT_TEST(check_header__queue_number),
	UNIT_TEST(check_header__rdmap_version),
	UNIT_TEST(check_header__opcode),
	UNIT_TEST(header_complete__ulpdu_too_short),
	UNIT_TEST(header_complete__whole_but_too_short),
	UNIT_TEST(place_tagged__region_gone_on_the_way),
	UNIT_TEST(place_send__region_gone_on_the_way),
	UNIT_TEST(place_send__unused_part_of_an_sge),
	UNIT_TEST(end_send__each_opcode),
	UNIT_TEST(end_send__cannot_invalidate),
	UNIT_TEST(end_send__invalidates_at_the_end),
	UNIT_TEST(end_read_response__of_the_rtr),
	UNIT_TEST(end_read_response__of_the_last_number),
	UNIT_TEST(end_terminate__every_quote),
	UNIT_TEST(end_terminate__truncated_or_too_long),
	UNIT_TEST(fpdu_complete__msn_wraps),
	UNIT_TEST(core_receive__nothing),
	UNIT_TEST(core_receive__crc_wrong_at_every_octet),
	UNIT_TEST(core_receive__crc_off_is_not_looked_at),
	UNIT_TEST(core_receive__stops_at_the_first_error),
	UNIT_TEST(core_receive_pause__lets_go),
	UNIT_TEST(core_receive_between__every_octet),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
