// SPDX-License-Identifier: GPL-2.0
/*
 * Memory whose STag changes its meaning while the stream uses it: between check and
 * copy, or from one octet to the next.
 */
#include "harness.h"
#include "local.h"
#include "sent.h"

static u8 any_octet(const struct core_region *region)
{
	u8 any = 0;
	u32 i;

	for (i = 0; i < region->len; i++)
		any |= region->mem[i];
	return any;
}

/* In pieces of 7 octets: five of payload with the header's end, then seven each */
static void gone_before_copy(bool response, bool crc, u32 nth)
{
	struct env *env = local_start_read(crc, SIW_OP_READ_LOCAL_INV);
	struct segment s = response ? segment_read_response(SINK, SINK_TO + 8, 40) :
				      segment_write(OPEN, OPEN_TO + 8, 40);
	struct core_region *region = env_region_of(env, response ? SINK : OPEN);
	u32 placed = nth ? 5 + 7 * (nth - 1) : 0;
	struct bytes b = {}, got = {}, want = {};

	frame_segment(&b, &s, crc);
	env->piece = 7;
	env->fail_copy = 1 << nth;
	CHECK_EQ(env_feed(env, b.data, b.len), -EPROTO);
	CHECK_EQ(env->placed, placed);
	CHECK_BYTES(region->mem + 8, placed, b.data + 16, placed);
	memset(region->mem + 8, 0, placed);
	CHECK(!any_octet(region));
	/* It was this one that was refused, and nothing comes behind it */
	CHECK_EQ(env_feed(env, b.data, b.len), -EPROTO);
	CHECK_EQ(env->placed, placed);
	env_transmit(env, &got, 1000);
	frame_terminate(&want, 1, 1, 0, b.data, 16, crc);
	CHECK_BYTES(got.data, got.len, want.data, want.len);
	CHECK_EQ(env->done_n, response);
	CHECK_EQ(env->writes, 0);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 1);
	local_check_done(env, 0, 7, SIW_OP_READ_LOCAL_INV,
			 response ? SIW_WC_LOC_PROT_ERR : SIW_WC_WR_FLUSH_ERR);
	CHECK_EQ(env->locals_n, 0);
	bytes_free(&b);
	bytes_free(&got);
	bytes_free(&want);
	env_finish();
	env_reset();
}

static void place_tagged__gone_before_the_copy(void)
{
	u32 response, crc, nth;

	for (response = 0; response < 2; response++) {
		for (crc = 0; crc < 2; crc++) {
			for (nth = 0; nth < 6; nth++) {
				unit_context("response %u, crc %u, copy %u",
					     response, crc, nth);
				gone_before_copy(response, crc, nth);
			}
		}
	}
}

/* A receive of 64 + 36 octets */
static struct env *start_recv(bool crc)
{
	struct env *env = local_start_sized(crc, 1024, 8, 2);
	struct siw_sge sge[2] = {
		env_sge(SINK, SINK_TO, 64),
		env_sge(SINK, SINK_TO + 100, 36),
	};

	env_post_recv(env, 1, 2, sge);
	return env;
}

static void receive_refused(struct env *env, u32 placed)
{
	CHECK_EQ(env->placed, placed);
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, true, 1, SIW_OP_RECEIVE, SIW_WC_LOC_PROT_ERR, 0);
	CHECK(env->qp.error && !env->qp.broken);
	CHECK(env->qp.tx.term_pending);
	CHECK_EQ(env->qp.tx.term.layer, TERM_LAYER_RDMAP);
	CHECK_EQ(env->qp.tx.term.etype, TERM_RDMAP_LOCAL);
	CHECK_EQ(env->qp.tx.term.hdr_len, 0);
	sent_drop(env);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 1);
	env_finish();
	env_reset();
}

static void place_send__gone_before_the_copy(void)
{
	struct segment s = segment_send(1, 0, 100);
	u32 crc, nth;

	for (crc = 0; crc < 2; crc++) {
		struct bytes b = {};

		frame_segment(&b, &s, crc);
		/* An SGE at once */
		for (nth = 0; nth < 2; nth++) {
			struct env *env = start_recv(crc);

			unit_context("crc %u, SGE %u", crc, nth);
			env->fail_copy = 1 << nth;
			CHECK_EQ(env_feed(env, b.data, b.len), -EPROTO);
			CHECK_EQ(env_mem(env_region_of(env, SINK), SINK_TO + 100)[1], 0);
			receive_refused(env, 64 * nth);
		}
		/* One octet with the header's end, then seven each: 64 are a boundary */
		for (nth = 0; nth < 16; nth++) {
			struct env *env = start_recv(crc);

			unit_context("crc %u, copy %u", crc, nth);
			env->piece = 7;
			env->fail_copy = 1 << nth;
			CHECK_EQ(env_feed(env, b.data, b.len), -EPROTO);
			receive_refused(env, nth ? 1 + 7 * (nth - 1) : 0);
		}
		bytes_free(&b);
	}
}

/*
 * The region is held from one octet to the next: meanwhile another stream
 * registers it anew, or invalidates it.
 */
static void changed_while_held(struct env *env, struct segment s, struct core_region *region,
			       bool invalidated, u32 cut)
{
	struct bytes b = {};
	u32 consumed;

	frame_segment(&b, &s, false);
	CHECK_EQ(core_receive(&env->qp, b.data, cut, &consumed), 0);
	CHECK(region->refs > 0);
	if (invalidated)
		region->gone = true;
	else
		region->stag ^= 0xff;
	CHECK_EQ(core_receive(&env->qp, b.data + cut, b.len - cut, &consumed), -EPROTO);
	core_receive_pause(&env->qp);
	bytes_free(&b);
}

static void place_tagged__changed_while_held(void)
{
	u32 cut, invalidated, response;

	for (cut = 17; cut < 56; cut++) {
		for (response = 0; response < 2; response++) {
			for (invalidated = 0; invalidated < 2; invalidated++) {
				struct env *env = local_start_read(false, SIW_OP_READ);
				u32 stag = response ? SINK : OPEN;

				unit_context("cut %u, response %u", cut, response);
				changed_while_held(env, response ?
						   segment_read_response(SINK, SINK_TO + 8, 40) :
						   segment_write(OPEN, OPEN_TO, 40),
						   env_region_of(env, stag), invalidated, cut);
				CHECK_EQ(env->placed, cut - 16);
				CHECK_EQ(env->qp.tx.term.layer, TERM_LAYER_DDP);
				CHECK_EQ(env->qp.tx.term.etype, TERM_DDP_TAGGED);
				CHECK_EQ(env->qp.tx.term.ecode, TERM_DDP_T_STAG);
				CHECK_EQ(env->qp.tx.term.hdr_len, 16);
				CHECK_EQ(env->done_n, response);
				if (response)
					local_check_done(env, 0, 7, SIW_OP_READ,
							 SIW_WC_LOC_PROT_ERR);
				env_finish();
				env_reset();
			}
		}
	}
}

static void place_send__changed_while_held(void)
{
	u32 cut, invalidated;

	for (cut = 21; cut < 120; cut++) {
		for (invalidated = 0; invalidated < 2; invalidated++) {
			struct env *env = start_recv(false);

			unit_context("cut %u, invalidated %u", cut, invalidated);
			changed_while_held(env, segment_send(1, 0, 100),
					   env_region_of(env, SINK), invalidated, cut);
			receive_refused(env, cut - 20);
		}
	}
}

/* 3 and 5 octets, or a response of 4 */
static struct env *start_source(u8 opcode, bool crc, u32 max_ulpdu)
{
	struct env *env = local_start_sized(crc, max_ulpdu, 8, 2);
	struct siw_sqe sqe = env_sqe(1, opcode, 0);

	if (opcode == SIW_OP_READ_RESPONSE) {
		local_ask(env, 1);
		return env;
	}
	sqe.num_sge = 3;
	sqe.sge[0] = env_sge(HELLO, HELLO_TO, 3);
	sqe.sge[1] = env_sge(UNKNOWN, 0, 0);
	sqe.sge[2] = env_sge(ANSWER, ANSWER_TO, 5);
	env_must_post(env, sqe);
	return env;
}

/* The @nth copy from the source fails; false if there are not so many. */
static bool source_gone(u8 opcode, bool crc, u32 max_ulpdu, u32 room, u32 nth)
{
	struct env *env = start_source(opcode, crc, max_ulpdu);
	struct bytes got = {}, whole = {};
	bool response = opcode == SIW_OP_READ_RESPONSE;
	bool failed;
	u32 had;

	env_transmit(start_source(opcode, crc, max_ulpdu), &whole, 5000);
	env->fail_copy = 1ull << nth;
	env_transmit(env, &got, room);
	failed = !env->fail_copy;
	if (failed) {
		/* What it sent was right, and is less than what would have come */
		had = got.len;
		CHECK(had < whole.len);
		CHECK_BYTES(got.data, had, whole.data, had);
		if (room == 1)
			CHECK_EQ(env->fetched, nth);
		/* Of the FPDU that it broke off in there are no more octets than copied. */
		CHECK(env->out_n > 1 || had <= (opcode == SIW_OP_SEND ? 20 : 16) + env->fetched);
		CHECK(env->qp.broken && env->qp.error && env->qp.tx.closed);
		CHECK(!env->qp.tx.term_pending);
		CHECK_EQ(env->terms_n, 0);
		CHECK_EQ(env->done_n, !response);
		if (!response)
			env_check_done(env, 0, false, 1, opcode, SIW_WC_LOC_PROT_ERR, 0);
		env_transmit(env, &got, room);
		core_queue_flush(&env->qp);
		env_transmit(env, &got, room);
		CHECK_EQ(got.len, had);
		CHECK_EQ(env->done_n, !response);
	} else {
		CHECK_BYTES(got.data, got.len, whole.data, whole.len);
	}
	bytes_free(&got);
	bytes_free(&whole);
	env_finish();
	env_reset();
	return failed;
}

/* In the middle of an FPDU: what was not copied is not made up. */
static void read_source__gone_before_the_copy(void)
{
	static const u8 opcodes[] = { SIW_OP_WRITE, SIW_OP_SEND, SIW_OP_READ_RESPONSE };
	u32 i, how, room, nth;

	for (i = 0; i < ARRAY_SIZE(opcodes); i++) {
		for (how = 0; how < 4; how++) {
			for (room = 1; room < 60; room++) {
				bool crc = how & 1;
				u32 max = how & 2 ? 21 : 1024;

				for (nth = 0; nth < 60; nth++) {
					unit_context("opcode %u, crc %u, max %u, room %u, copy %u",
						     opcodes[i], crc, max, room, nth);
					if (!source_gone(opcodes[i], crc, max, room, nth))
						break;
				}
				CHECK(nth >= (opcodes[i] == SIW_OP_READ_RESPONSE ? 1 : 2));
			}
		}
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(place_tagged__gone_before_the_copy),
	UNIT_TEST(place_tagged__changed_while_held),
	UNIT_TEST(place_send__gone_before_the_copy),
	UNIT_TEST(place_send__changed_while_held),
	UNIT_TEST(read_source__gone_before_the_copy),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
