// SPDX-License-Identifier: GPL-2.0
/*
 * receive.c: headers of a version, a queue or an opcode that there is not, and ULPDUs
 * that are shorter than their header.
 */
#include "harness.h"
#include "receiver.h"
#include "refusal.h"

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

static const struct unit_test tests[] = {
	UNIT_TEST(check_header__ddp_version),
	UNIT_TEST(check_header__queue_number),
	UNIT_TEST(check_header__rdmap_version),
	UNIT_TEST(check_header__opcode),
	UNIT_TEST(header_complete__ulpdu_too_short),
	UNIT_TEST(header_complete__whole_but_too_short),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
