// SPDX-License-Identifier: GPL-2.0
/*
 * scan.c: FPDUs by their CRC.
 */
#include "env.h"
#include "harness.h"

static void check_crc(const u8 *data, u32 len, const char *want)
{
	__le32 crc = cpu_to_le32(~core_crc32c(~0u, data, len));

	CHECK_HEX(&crc, sizeof(crc), want);
	crc = cpu_to_le32(frame_crc(data, len));
	CHECK_HEX(&crc, sizeof(crc), want);
}

/* What the rest of the tests rests on */
static void core_crc32c__rfc3720_b4(void)
{
	static const u8 read_command[48] = {
		[0] = 0x01, [1] = 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14,
		[31] = 0x18, [32] = 0x28, [40] = 0x02,
	};
	u8 data[32];
	u32 i;

	memset(data, 0, sizeof(data));
	check_crc(data, sizeof(data), "aa36918a");
	memset(data, 0xff, sizeof(data));
	check_crc(data, sizeof(data), "43aba862");
	for (i = 0; i < 32; i++)
		data[i] = i;
	check_crc(data, sizeof(data), "4e79dd46");
	for (i = 0; i < 32; i++)
		data[i] = 31 - i;
	check_crc(data, sizeof(data), "5cdb3f11");
	check_crc(read_command, sizeof(read_command), "563a96d9");
}

/* A Write of "hello", its CRC computed elsewhere */
static void core_scan__known_frame(void)
{
	static const u8 frame[] = {
		0x00, 0x13, 0xc1, 0x40, 0xa1, 0xb2, 0xc3, 0xd4,
		0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
		0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x00, 0x00, 0x00,
		0x1c, 0x09, 0xb6, 0x40,
	};
	struct core_scan scan = {};

	CHECK_EQ(core_scan(&scan, frame, sizeof(frame)), 0);
	CHECK_EQ(scan.verified, sizeof(frame));
	CHECK_EQ(scan.seen, 0);
}

/* FPDUs of each pad, then the shortest and a long one; ends at @ends */
static void make_stream(struct bytes *b, u32 *ends, u32 *n)
{
	static const u32 lengths[] = { 0, 1, 2, 3, 4, 5, 6, 7, 30, 255, 1, 0 };
	struct segment s;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		s = segment_write(0x100, 0x1000, lengths[i]);
		s.seed = i;
		frame_segment(b, &s, true);
		ends[i] = b->len;
	}
	/* ULPDU_Length may be less than any header: the scan does not care */
	frame_begin(b);
	frame_end(b, 0, true);
	ends[i++] = b->len;
	frame_begin(b);
	bytes_put_be(b, 0xab, 1);
	frame_end(b, 0, true);
	ends[i++] = b->len;
	*n = i;
}

static u32 whole(const u32 *ends, u32 n, u32 len)
{
	u32 i, at = 0;

	for (i = 0; i < n && ends[i] <= len; i++)
		at = ends[i];
	return at;
}

static void core_scan__every_cut(void)
{
	u32 ends[16], n, cut;
	struct bytes b = {};

	make_stream(&b, ends, &n);
	for (cut = 0; cut <= b.len; cut++) {
		struct core_scan scan = {};

		unit_context("cut %u", cut);
		CHECK_EQ(core_scan(&scan, b.data, cut), 0);
		CHECK_EQ(scan.verified, whole(ends, n, cut));
		CHECK_EQ(core_scan(&scan, b.data + cut, b.len - cut), 0);
		CHECK_EQ(scan.verified, b.len);
		CHECK_EQ(scan.seen, 0);
	}
	bytes_free(&b);
}

static void core_scan__steps_of_every_size(void)
{
	u32 ends[16], n, step, at, len;
	struct bytes b = {};

	make_stream(&b, ends, &n);
	for (step = 1; step < 64; step++) {
		struct core_scan scan = {};

		for (at = 0; at < b.len; at += len) {
			unit_context("step %u at %u", step, at);
			len = min_t(u32, step, b.len - at);
			CHECK_EQ(core_scan(&scan, b.data + at, len), 0);
			CHECK_EQ(scan.verified, whole(ends, n, at + len));
		}
	}
	bytes_free(&b);
}

static void core_scan__longest_ulpdu(void)
{
	struct segment s = segment_write(0x100, 0, 65535 - 14);
	struct core_scan scan = {};
	struct bytes b = {};

	frame_segment(&b, &s, true);
	CHECK_EQ(b.len, 65535 + 2 + 3 + 4);
	CHECK_EQ(core_scan(&scan, b.data, b.len - 1), 0);
	CHECK_EQ(scan.verified, 0);
	CHECK_EQ(core_scan(&scan, b.data + b.len - 1, 1), 0);
	CHECK_EQ(scan.verified, b.len);
	bytes_free(&b);
}

/* Every bit of the second of two FPDUs; a wrong length may need more octets. */
static void core_scan__every_bit_wrong(void)
{
	struct segment s = segment_write(0x100, 0x1000, 21);
	static const u8 more[65600];
	u32 first, bit, cut;
	struct bytes b = {};

	frame_segment(&b, &s, true);
	first = b.len;
	frame_segment(&b, &s, true);
	for (bit = 8 * first; bit < 8 * b.len; bit++) {
		for (cut = 0; cut <= b.len; cut += cut < first ? first : 1) {
			struct core_scan scan = {};
			int err;

			unit_context("bit %u cut %u", bit, cut);
			b.data[bit / 8] ^= 1 << bit % 8;
			err = core_scan(&scan, b.data, cut);
			if (!err)
				err = core_scan(&scan, b.data + cut, b.len - cut);
			if (!err)
				err = core_scan(&scan, more, sizeof(more));
			b.data[bit / 8] ^= 1 << bit % 8;
			CHECK_EQ(err, -EBADMSG);
			CHECK_EQ(scan.verified, first);
		}
	}
	bytes_free(&b);
}

/* The caller takes what it consumes off verified, at any time. */
static void core_scan__verified_is_the_callers(void)
{
	struct segment s = segment_write(0x100, 0x1000, 5);
	struct core_scan scan = {};
	struct bytes b = {};
	u32 i;

	frame_segment(&b, &s, true);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(core_scan(&scan, b.data, b.len), 0);
		CHECK_EQ(scan.verified, b.len);
		CHECK_EQ(core_scan(&scan, b.data, 10), 0);
		scan.verified -= b.len;
		CHECK_EQ(core_scan(&scan, b.data + 10, b.len - 10), 0);
		CHECK_EQ(scan.verified, b.len);
		scan.verified = 0;
	}
	bytes_free(&b);
}

static void core_scan_wants__every_position(void)
{
	struct segment s = segment_write(0x100, 0x1000, 6);
	struct bytes b = {};
	u32 at;

	frame_segment(&b, &s, true);
	for (at = 0; at < b.len; at++) {
		struct core_scan scan = {};

		unit_context("at %u", at);
		CHECK_EQ(core_scan(&scan, b.data, at), 0);
		CHECK_EQ(core_scan_wants(&scan), at < 2 ? 1 : b.len - at);
	}
	bytes_free(&b);
}

static const struct unit_test tests[] = {
	UNIT_TEST(core_crc32c__rfc3720_b4),
	UNIT_TEST(core_scan__known_frame),
	UNIT_TEST(core_scan__every_cut),
	UNIT_TEST(core_scan__steps_of_every_size),
	UNIT_TEST(core_scan__longest_ulpdu),
	UNIT_TEST(core_scan__every_bit_wrong),
	UNIT_TEST(core_scan__verified_is_the_callers),
	UNIT_TEST(core_scan_wants__every_position),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
