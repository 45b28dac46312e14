// SPDX-License-Identifier: GPL-2.0
/*
 * What must come of segments that are wrong.
 */
#include "harness.h"
#include "refusal.h"

/* Feeds @b, cut in two, after which the Terminate must be @want. */
void refusal_check_at(const struct refusal *r, const struct bytes *b,
		      const struct bytes *want, bool crc, u32 cut, u32 piece)
{
	struct env *env = r->start(crc);
	struct bytes got = {};
	u32 before = env->done_n;

	unit_context("crc %u, cut %u of %u, piece %u", crc, cut, b->len, piece);
	env->piece = piece;
	CHECK_EQ(env_feed_cut(env, b, cut), -EPROTO);
	CHECK_EQ(env->placed, r->placed);
	CHECK(env->qp.error && !env->qp.broken && !env->qp.peer_term);
	/* Whatever comes behind is not looked at */
	CHECK_EQ(env_feed(env, b->data, b->len), -EPROTO);
	CHECK_EQ(env->placed, r->placed);
	env_transmit(env, &got, 1000);
	CHECK_BYTES(got.data, got.len, want->data, want->len);
	if (r->recv_status) {
		CHECK_EQ(env->done_n, before + 1);
		env_check_done(env, before, true, 1, SIW_OP_RECEIVE,
			       r->recv_status, 0);
	} else if (r->read_status) {
		CHECK_EQ(env->done_n, before + 1);
		env_check_done(env, before, false, 7, SIW_OP_READ, r->read_status, 0);
	} else {
		CHECK_EQ(env->done_n, before);
	}
	bytes_free(&got);
	env_finish();
	env_reset();
}

/* As soon as its header is there, whatever would follow */
static void refused_by_header(const struct refusal *r, const struct bytes *b)
{
	struct env *env = r->start(false);
	u32 len = b->frame + (r->quoted ?: r->header);

	unit_context("by its header");
	CHECK_EQ(env_feed_cut(env, b, len - 1), -EPROTO);
	env_reset();
	env = r->start(false);
	CHECK_EQ(env_feed(env, b->data, len - 1), 0);
	CHECK_EQ(env_feed(env, b->data + len - 1, 1), -EPROTO);
	CHECK_EQ(env->placed, r->placed);
	env_reset();
}

void refusal_check(const struct refusal *r)
{
	struct bytes b, want;
	u32 cut, i, crc;

	for (crc = 0; crc < 2; crc++) {
		memset(&b, 0, sizeof(b));
		memset(&want, 0, sizeof(want));
		for (i = 0; i < r->n; i++)
			frame_segment(&b, &r->segments[i], crc);
		frame_terminate(&want, r->layer, r->etype, r->ecode,
				b.data + b.frame, r->quoted, crc);
		for (cut = 0; cut <= b.len; cut++)
			refusal_check_at(r, &b, &want, crc, cut, 0);
		refusal_check_at(r, &b, &want, crc, 0, 1);
		refusal_check_at(r, &b, &want, crc, 0, 3);
		if (!crc && !r->at_end)
			refused_by_header(r, &b);
		bytes_free(&b);
		bytes_free(&want);
	}
}

void refusal_check_one(struct segment s, u8 layer, u8 etype, u8 ecode, u8 quoted)
{
	struct refusal r = {
		.start = receiver_start, .segments = { s }, .n = 1, .layer = layer,
		.etype = etype, .ecode = ecode, .quoted = quoted,
	};

	refusal_check(&r);
}
