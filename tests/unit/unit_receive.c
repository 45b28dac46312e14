// SPDX-License-Identifier: GPL-2.0
/*
 * receive.c: what core_receive() takes, with and without CRC, where it stops, and
 * what it holds meanwhile.
 */
#include "harness.h"
#include "receiver.h"

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

/* Of a Write in two segments: behind the first one is no better than within it. */
static void core_receive_between__every_octet(void)
{
	struct segment s[] = {
		segment_write(WRITABLE, WRITABLE_TO, 9),
		segment_write(WRITABLE, WRITABLE_TO + 9, 5),
	};
	u32 crc, cut;

	s[0].ddp = 0x81;
	for (crc = 0; crc < 2; crc++) {
		struct bytes b = {};

		frame_segment(&b, &s[0], crc);
		frame_segment(&b, &s[1], crc);
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
