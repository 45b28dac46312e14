// SPDX-License-Identifier: GPL-2.0
/*
 * cm/mpa.c: requests, replies, and what they agree on.
 */
#include <stdlib.h>
#include <string.h>
#include <asm/byteorder.h>
#include "harness.h"
#include "mpa.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* A copy at its exact size on the heap, so that ASan sees any octet too far. */
static __u8 *exact(const void *buf, size_t len)
{
	__u8 *copy = malloc(len ? len : 1);

	memcpy(copy, buf, len);
	return copy;
}

static enum mpa_result parse(const void *buf, size_t len, enum mpa_kind kind,
			     struct mpa_message *msg)
{
	__u8 *copy = exact(buf, len);
	enum mpa_result result = mpa_parse(copy, len, kind, msg);

	/* It points into what goes away here. */
	msg->pdata = (const __u8 *)buf + ((const __u8 *)msg->pdata - copy);
	free(copy);
	return result;
}

static void mpa_pdata_max__plain(void)
{
	struct mpa_message msg = { .revision = 1 };

	CHECK(mpa_pdata_max(&msg) == 512);
}

static void mpa_pdata_max__enhanced(void)
{
	struct mpa_message msg = { .revision = 2, .enhanced = true };

	CHECK(mpa_pdata_max(&msg) == 508);
}

static void mpa_encode__revision_1(void)
{
	struct mpa_message msg = { .revision = 1, .crc = true, .pdata = "xyz", .pdata_len = 3 };
	static const __u8 want[] = "MPA ID Req Frame\x40\x01\x00\x03xyz";
	__u8 buf[MPA_FRAME_MAX];

	CHECK(mpa_encode(buf, MPA_REQUEST, &msg) == 23);
	CHECK(!memcmp(buf, want, 23));
}

static void mpa_encode__each_flag(void)
{
	static const struct {
		struct mpa_message msg;
		__u8 flags;
	} rows[] = {
		{ { .revision = 1 }, 0x00 },
		{ { .revision = 1, .markers = true }, 0x80 },
		{ { .revision = 1, .crc = true }, 0x40 },
		{ { .revision = 1, .reject = true }, 0x20 },
		{ { .revision = 2, .enhanced = true }, 0x10 },
		{ { .revision = 2, .markers = true, .crc = true, .reject = true,
		    .enhanced = true }, 0xf0 },
	};
	__u8 buf[MPA_FRAME_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		mpa_encode(buf, MPA_REPLY, &rows[i].msg);
		CHECK(!memcmp(buf, "MPA ID Rep Frame", 16));
		CHECK(buf[16] == rows[i].flags);
		CHECK(buf[17] == rows[i].msg.revision);
	}
}

static void mpa_encode__params(void)
{
	static const struct {
		struct mpa_message msg;
		__u8 want[4];
	} rows[] = {
		{ { .ird = 1, .ord = 2 }, { 0x00, 0x01, 0x00, 0x02 } },
		{ { .ird = 0x3fff, .ord = 0x3fff }, { 0x3f, 0xff, 0x3f, 0xff } },
		{ { .ird = 0xffff, .ord = 0xffff }, { 0x3f, 0xff, 0x3f, 0xff } },
		{ { .p2p = true }, { 0x80, 0, 0, 0 } },
		{ { .rtr = MPA_RTR_BIT(IWARP_RTR_SEND) }, { 0x40, 0, 0, 0 } },
		{ { .rtr = MPA_RTR_BIT(IWARP_RTR_WRITE) }, { 0, 0, 0x80, 0 } },
		{ { .rtr = MPA_RTR_BIT(IWARP_RTR_READ) }, { 0, 0, 0x40, 0 } },
	};
	__u8 buf[MPA_FRAME_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mpa_message msg = rows[i].msg;

		msg.revision = 2;
		msg.enhanced = true;
		msg.pdata = "p";
		msg.pdata_len = 1;
		CHECK(mpa_encode(buf, MPA_REQUEST, &msg) == 25);
		CHECK(buf[18] == 0 && buf[19] == 5);
		CHECK(!memcmp(buf + 20, rows[i].want, 4));
		CHECK(buf[24] == 'p');
	}
}

static void mpa_encode__fills_frame_max(void)
{
	__u8 pdata[MPA_MAX_PRIVATE_DATA];
	struct mpa_message msg = { .revision = 2, .enhanced = true, .pdata = pdata };
	__u8 *buf = malloc(MPA_FRAME_MAX);

	memset(pdata, 0xa5, sizeof(pdata));
	msg.pdata_len = mpa_pdata_max(&msg);
	CHECK(mpa_encode(buf, MPA_REQUEST, &msg) == MPA_FRAME_MAX);
	CHECK(buf[18] == 2 && buf[19] == 0);
	free(buf);
}

static void mpa_frame_size__nothing(void)
{
	size_t size;

	CHECK(mpa_frame_size("", 0, MPA_REQUEST, &size) == MPA_MORE);
	CHECK(size == 20);
}

static void mpa_frame_size__each_wrong_key_octet(void)
{
	struct mpa_message msg = { .revision = 1 };
	__u8 buf[MPA_FRAME_MAX];
	size_t size;
	int i;

	for (i = 0; i < MPA_KEY_LEN; i++) {
		__u8 *copy;

		mpa_encode(buf, MPA_REQUEST, &msg);
		buf[i] ^= 0x01;
		copy = exact(buf, i + 1);
		CHECK(mpa_frame_size(copy, i, MPA_REQUEST, &size) == MPA_MORE);
		CHECK(mpa_frame_size(copy, i + 1, MPA_REQUEST, &size) == MPA_BAD_KEY);
		free(copy);
		CHECK(mpa_frame_size(buf, 20, MPA_REQUEST, &size) == MPA_BAD_KEY);
	}
}

static void mpa_frame_size__request_for_reply(void)
{
	struct mpa_message msg = { .revision = 1 };
	__u8 buf[MPA_FRAME_MAX];
	size_t size;

	mpa_encode(buf, MPA_REQUEST, &msg);
	CHECK(mpa_frame_size(buf, 20, MPA_REPLY, &size) == MPA_BAD_KEY);
	mpa_encode(buf, MPA_REPLY, &msg);
	CHECK(mpa_frame_size(buf, 20, MPA_REQUEST, &size) == MPA_BAD_KEY);
}

static void mpa_frame_size__each_revision(void)
{
	struct mpa_message msg = { .revision = 1 };
	__u8 buf[MPA_FRAME_MAX];
	size_t size;
	int revision;

	for (revision = 0; revision < 256; revision++) {
		mpa_encode(buf, MPA_REQUEST, &msg);
		buf[17] = revision;
		CHECK(mpa_frame_size(buf, 20, MPA_REQUEST, &size) ==
		      (revision == 1 || revision == 2 ? MPA_OK : MPA_BAD_REVISION));
	}
}

static void mpa_frame_size__each_length(void)
{
	struct mpa_message msg = { .revision = 1 };
	__u8 buf[MPA_FRAME_MAX];
	size_t size;
	int length;

	mpa_encode(buf, MPA_REQUEST, &msg);
	for (length = 0; length < 65536; length++) {
		buf[18] = length >> 8;
		buf[19] = length;
		if (length <= 512) {
			CHECK(mpa_frame_size(buf, 20, MPA_REQUEST, &size) == MPA_OK);
			CHECK(size == 20 + (size_t)length);
		} else {
			CHECK(mpa_frame_size(buf, 20, MPA_REQUEST, &size) == MPA_BAD_LENGTH);
		}
	}
}

static bool same(const struct mpa_message *a, const struct mpa_message *b)
{
	return a->revision == b->revision && a->crc == b->crc && a->markers == b->markers &&
	       a->reject == b->reject && a->enhanced == b->enhanced && a->p2p == b->p2p &&
	       a->rtr == b->rtr && a->ird == b->ird && a->ord == b->ord &&
	       a->pdata_len == b->pdata_len &&
	       (!a->pdata_len || !memcmp(a->pdata, b->pdata, a->pdata_len));
}

/* Every combination of flags, there and back, cut at every octet. */
static void mpa_parse__every_flag_at_every_cut(void)
{
	unsigned int bits;

	for (bits = 0; bits < 1u << 10; bits++) {
		struct mpa_message msg = {
			.revision = bits & 1 ? 2 : 1,
			.crc = bits & 2,
			.markers = bits & 4,
			.reject = bits & 8,
			.enhanced = bits & 1 && bits & 16,
			.pdata = "private",
			.pdata_len = bits & 32 ? 7 : 0,
		};
		enum mpa_kind kind = bits & 8 ? MPA_REPLY : MPA_REQUEST;
		__u8 buf[MPA_FRAME_MAX];
		struct mpa_message got;
		size_t len, cut;

		if (msg.enhanced) {
			msg.p2p = bits & 64;
			msg.rtr = bits >> 6 & 0xe;
			msg.ird = bits * 7 & 0x3fff;
			msg.ord = bits * 13 & 0x3fff;
		}
		len = mpa_encode(buf, kind, &msg);
		for (cut = 0; cut < len; cut++)
			CHECK(parse(buf, cut, kind, &got) == MPA_MORE);
		CHECK(parse(buf, len, kind, &got) == MPA_OK);
		CHECK(same(&msg, &got));
	}
}

static void mpa_parse__not_beyond_the_frame(void)
{
	struct mpa_message msg = { .revision = 1, .pdata = "ab", .pdata_len = 2 };
	__u8 buf[MPA_FRAME_MAX];
	struct mpa_message got;
	size_t len;

	len = mpa_encode(buf, MPA_REQUEST, &msg);
	CHECK(parse(buf, len + 10, MPA_REQUEST, &got) == MPA_OK);
	CHECK(got.pdata_len == 2);
}

static void mpa_parse__longest(void)
{
	__u8 pdata[MPA_MAX_PRIVATE_DATA] = { 1 };
	struct mpa_message msg = { .revision = 1, .pdata = pdata, .pdata_len = sizeof(pdata) };
	__u8 buf[MPA_FRAME_MAX];
	struct mpa_message got;

	CHECK(mpa_encode(buf, MPA_REQUEST, &msg) == sizeof(buf));
	CHECK(parse(buf, sizeof(buf) - 1, MPA_REQUEST, &got) == MPA_MORE);
	CHECK(parse(buf, sizeof(buf), MPA_REQUEST, &got) == MPA_OK);
	CHECK(got.pdata_len == 512);
}

static void mpa_parse__too_long(void)
{
	struct mpa_message msg = { .revision = 1 };
	__u8 buf[MPA_FRAME_MAX];
	struct mpa_message got;

	mpa_encode(buf, MPA_REQUEST, &msg);
	buf[18] = 2;
	buf[19] = 1;
	CHECK(parse(buf, 20, MPA_REQUEST, &got) == MPA_BAD_LENGTH);
}

static void mpa_parse__reserved_flags_ignored(void)
{
	struct mpa_message msg = { .revision = 2 };
	__u8 buf[MPA_FRAME_MAX];
	struct mpa_message got;

	mpa_encode(buf, MPA_REQUEST, &msg);
	buf[16] |= MPA_FLAGS_RESERVED;
	CHECK(parse(buf, 20, MPA_REQUEST, &got) == MPA_OK);
	CHECK(same(&msg, &(struct mpa_message){ .revision = 2, .pdata = buf }));
}

static void mpa_parse__enhanced_is_reserved_in_revision_1(void)
{
	struct mpa_message msg = { .revision = 1, .pdata = "abcdef", .pdata_len = 6 };
	__u8 buf[MPA_FRAME_MAX];
	struct mpa_message got;
	size_t len;

	len = mpa_encode(buf, MPA_REQUEST, &msg);
	buf[16] |= MPA_FLAG_ENHANCED;
	CHECK(parse(buf, len, MPA_REQUEST, &got) == MPA_OK);
	CHECK(!got.enhanced && got.pdata_len == 6);
}

static void mpa_parse__reject_means_nothing_in_a_request(void)
{
	struct mpa_message msg = { .revision = 1, .reject = true };
	__u8 buf[MPA_FRAME_MAX];
	struct mpa_message got;

	mpa_encode(buf, MPA_REQUEST, &msg);
	CHECK(parse(buf, 20, MPA_REQUEST, &got) == MPA_OK);
	CHECK(!got.reject);
}

static void mpa_parse__enhanced_without_room(void)
{
	struct mpa_message msg = { .revision = 2, .pdata = "abc" };
	__u8 buf[MPA_FRAME_MAX];
	struct mpa_message got;
	int length;

	for (length = 0; length < 4; length++) {
		size_t len;

		msg.pdata_len = length;
		len = mpa_encode(buf, MPA_REPLY, &msg);
		buf[16] |= MPA_FLAG_ENHANCED;
		CHECK(parse(buf, len, MPA_REPLY, &got) == MPA_BAD_PARAMS);
		/* One who says no need not negotiate. */
		buf[16] |= MPA_FLAG_REJECT;
		CHECK(parse(buf, len, MPA_REPLY, &got) == MPA_OK);
		CHECK(got.reject && !got.enhanced && got.pdata_len == length);
	}
}

static const struct mpa_limits limits = { .ird = 8, .ord = 4, .max_ird = 32 };

static void mpa_respond__revision_1(void)
{
	struct mpa_message req = { .revision = 1 }, rep;
	struct mpa_agreement agreed;

	CHECK(mpa_respond(&req, &limits, &rep, &agreed) == MPA_OK);
	CHECK(rep.revision == 1 && !rep.enhanced && !rep.crc && !rep.reject && !rep.markers);
	CHECK(agreed.ird == 8 && agreed.ord == 4 && agreed.rtr == IWARP_RTR_NONE && !agreed.crc);
}

static void mpa_respond__revision_2_plain(void)
{
	struct mpa_message req = { .revision = 2 }, rep;
	struct mpa_agreement agreed;

	CHECK(mpa_respond(&req, &limits, &rep, &agreed) == MPA_OK);
	CHECK(rep.revision == 2 && !rep.enhanced);
}

static void mpa_respond__crc_if_either(void)
{
	int i;

	for (i = 0; i < 4; i++) {
		struct mpa_message req = { .revision = 1, .crc = i & 1 }, rep;
		struct mpa_limits l = limits;
		struct mpa_agreement agreed;

		l.crc = i & 2;
		CHECK(mpa_respond(&req, &l, &rep, &agreed) == MPA_OK);
		CHECK(rep.crc == !!i && agreed.crc == !!i);
	}
}

static void mpa_respond__markers(void)
{
	struct mpa_message req = { .revision = 1, .markers = true }, rep;
	struct mpa_agreement agreed;

	CHECK(mpa_respond(&req, &limits, &rep, &agreed) == MPA_MARKERS);
	CHECK(!rep.markers);
}

static void mpa_respond__ord_within_their_ird(void)
{
	static const struct { __u16 ird, ord; } rows[] = {
		{ 0, 0 }, { 1, 1 }, { 4, 4 }, { 5, 4 }, { 0x3ffe, 4 }, { 0x3fff, 4 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mpa_message req = {
			.revision = 2, .enhanced = true, .ird = rows[i].ird, .ord = 100,
		}, rep;
		struct mpa_agreement agreed;

		CHECK(mpa_respond(&req, &limits, &rep, &agreed) == MPA_OK);
		CHECK(rep.enhanced && rep.ord == rows[i].ord && agreed.ord == rows[i].ord);
		CHECK(rep.ird == 8 && agreed.ird == 8);
	}
}

static void mpa_respond__each_rtr_offer(void)
{
	static const enum iwarp_rtr want[8] = {
		IWARP_RTR_WRITE, IWARP_RTR_SEND, IWARP_RTR_WRITE, IWARP_RTR_WRITE,
		IWARP_RTR_READ, IWARP_RTR_READ, IWARP_RTR_WRITE, IWARP_RTR_WRITE,
	};
	int i;

	for (i = 0; i < 8; i++) {
		struct mpa_message req = {
			.revision = 2, .enhanced = true, .p2p = true, .rtr = i << 1,
		}, rep;
		struct mpa_agreement agreed;

		CHECK(mpa_respond(&req, &limits, &rep, &agreed) == MPA_OK);
		CHECK(rep.p2p && rep.rtr == MPA_RTR_BIT(want[i]) && agreed.rtr == want[i]);
	}
}

static void mpa_respond__rtr_without_p2p(void)
{
	struct mpa_message req = { .revision = 2, .enhanced = true, .rtr = 0xe }, rep;
	struct mpa_agreement agreed;

	CHECK(mpa_respond(&req, &limits, &rep, &agreed) == MPA_OK);
	CHECK(!rep.p2p && !rep.rtr && agreed.rtr == IWARP_RTR_NONE);
}

static void mpa_respond__read_rtr_needs_ird(void)
{
	struct mpa_message req = {
		.revision = 2, .enhanced = true, .p2p = true, .rtr = MPA_RTR_BIT(IWARP_RTR_READ),
	}, rep;
	struct mpa_limits none = { 0 };
	struct mpa_agreement agreed;

	CHECK(mpa_respond(&req, &none, &rep, &agreed) == MPA_OK);
	CHECK(rep.ird == 1 && agreed.ird == 1);
}

static const struct mpa_message request = {
	.revision = 2, .enhanced = true, .p2p = true, .rtr = MPA_RTR_BIT(IWARP_RTR_WRITE),
	.ird = 8, .ord = 4, .crc = true,
};

static const struct mpa_message reply = {
	.revision = 2, .enhanced = true, .p2p = true, .rtr = MPA_RTR_BIT(IWARP_RTR_WRITE),
	.ird = 4, .ord = 8, .crc = true,
};

static void mpa_conclude__good(void)
{
	struct mpa_agreement agreed;

	CHECK(mpa_conclude(&request, &reply, &limits, &agreed) == MPA_OK);
	CHECK(agreed.crc && agreed.rtr == IWARP_RTR_WRITE && agreed.ird == 8 && agreed.ord == 4);
}

static void mpa_conclude__revision_1(void)
{
	struct mpa_message req = { .revision = 1 }, rep = { .revision = 1 };
	struct mpa_agreement agreed;

	CHECK(mpa_conclude(&req, &rep, &limits, &agreed) == MPA_OK);
	CHECK(!agreed.crc && agreed.rtr == IWARP_RTR_NONE && agreed.ird == 8 && agreed.ord == 4);
}

static void mpa_conclude__crc_if_either(void)
{
	int i;

	for (i = 0; i < 4; i++) {
		struct mpa_message req = { .revision = 1, .crc = i & 1 };
		struct mpa_message rep = { .revision = 1, .crc = i & 2 };
		struct mpa_agreement agreed;

		CHECK(mpa_conclude(&req, &rep, &limits, &agreed) == MPA_OK);
		CHECK(agreed.crc == !!i);
	}
}

static void mpa_conclude__other_revision(void)
{
	struct mpa_message rep = { .revision = 1 };
	struct mpa_agreement agreed;

	CHECK(mpa_conclude(&request, &rep, &limits, &agreed) == MPA_OTHER_REVISION);
	/* Also when it says no: that may be why. */
	rep.reject = true;
	CHECK(mpa_conclude(&request, &rep, &limits, &agreed) == MPA_OTHER_REVISION);
}

static void mpa_conclude__later_revision(void)
{
	struct mpa_message req = { .revision = 1 }, rep = { .revision = 2 };
	struct mpa_agreement agreed;

	CHECK(mpa_conclude(&req, &rep, &limits, &agreed) == MPA_BAD_REVISION);
}

static void mpa_conclude__rejected(void)
{
	struct mpa_message rep = reply;
	struct mpa_agreement agreed;

	rep.reject = true;
	CHECK(mpa_conclude(&request, &rep, &limits, &agreed) == MPA_REJECTED);
	rep.enhanced = false;
	CHECK(mpa_conclude(&request, &rep, &limits, &agreed) == MPA_REJECTED);
	rep.markers = true;
	CHECK(mpa_conclude(&request, &rep, &limits, &agreed) == MPA_REJECTED);
}

static void mpa_conclude__markers(void)
{
	struct mpa_message rep = reply;
	struct mpa_agreement agreed;

	rep.markers = true;
	CHECK(mpa_conclude(&request, &rep, &limits, &agreed) == MPA_MARKERS);
}

static void mpa_conclude__enhanced_mismatch(void)
{
	struct mpa_message req = { .revision = 2 }, rep = { .revision = 2 };
	struct mpa_agreement agreed;

	CHECK(mpa_conclude(&request, &rep, &limits, &agreed) == MPA_BAD_PARAMS);
	CHECK(mpa_conclude(&req, &reply, &limits, &agreed) == MPA_BAD_PARAMS);
	CHECK(mpa_conclude(&req, &rep, &limits, &agreed) == MPA_OK);
}

static void mpa_conclude__ord_goes_down_to_their_ird(void)
{
	static const struct { __u16 ird, ord; } rows[] = {
		{ 0, 0 }, { 1, 1 }, { 4, 4 }, { 5, 4 }, { 0x3ffe, 4 }, { 0x3fff, 4 },
	};
	struct mpa_message rep = reply;
	struct mpa_agreement agreed;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		rep.ird = rows[i].ird;
		CHECK(mpa_conclude(&request, &rep, &limits, &agreed) == MPA_OK);
		CHECK(agreed.ord == rows[i].ord);
	}
}

static void mpa_conclude__ird_goes_up_to_their_ord(void)
{
	static const struct {
		__u16 ord;
		enum mpa_result result;
		__u16 ird;
	} rows[] = {
		{ 0, MPA_OK, 8 }, { 8, MPA_OK, 8 }, { 9, MPA_OK, 9 }, { 32, MPA_OK, 32 },
		{ 33, MPA_NO_IRD, 0 }, { 0x3ffe, MPA_NO_IRD, 0 }, { 0x3fff, MPA_OK, 8 },
	};
	struct mpa_message rep = reply;
	struct mpa_agreement agreed;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		rep.ord = rows[i].ord;
		CHECK(mpa_conclude(&request, &rep, &limits, &agreed) == rows[i].result);
		CHECK(rows[i].result != MPA_OK || agreed.ird == rows[i].ird);
	}
}

static void mpa_conclude__each_rtr(void)
{
	int offered, chosen;

	for (offered = 1; offered < 8; offered++) {
		for (chosen = 0; chosen < 8; chosen++) {
			struct mpa_message req = request, rep = reply;
			struct mpa_agreement agreed;
			int both = offered & chosen;

			req.rtr = offered << 1;
			rep.rtr = chosen << 1;
			if (!both) {
				CHECK(mpa_conclude(&req, &rep, &limits, &agreed) == MPA_NO_RTR);
				continue;
			}
			CHECK(mpa_conclude(&req, &rep, &limits, &agreed) == MPA_OK);
			CHECK(both << 1 & MPA_RTR_BIT(agreed.rtr));
		}
	}
}

static void mpa_conclude__p2p_refused(void)
{
	struct mpa_message rep = reply;
	struct mpa_agreement agreed;

	rep.p2p = false;
	CHECK(mpa_conclude(&request, &rep, &limits, &agreed) == MPA_NO_RTR);
}

static void mpa_conclude__p2p_unasked(void)
{
	struct mpa_message req = request;
	struct mpa_agreement agreed;

	req.p2p = false;
	req.rtr = 0;
	CHECK(mpa_conclude(&req, &reply, &limits, &agreed) == MPA_OK);
	CHECK(agreed.rtr == IWARP_RTR_NONE);
}

static void mpa_conclude__read_rtr_needs_their_ird(void)
{
	struct mpa_message req = request, rep = reply;
	struct mpa_agreement agreed;

	req.rtr = MPA_RTR_BIT(IWARP_RTR_READ);
	rep.rtr = MPA_RTR_BIT(IWARP_RTR_READ);
	CHECK(mpa_conclude(&req, &rep, &limits, &agreed) == MPA_OK);
	CHECK(agreed.rtr == IWARP_RTR_READ);
	rep.ird = 0;
	CHECK(mpa_conclude(&req, &rep, &limits, &agreed) == MPA_NO_IRD);
}

/* What one side answers is what the other takes, and both see the same. */
static void mpa_conclude__of_mpa_respond(void)
{
	unsigned int bits;

	for (bits = 0; bits < 1u << 8; bits++) {
		struct mpa_message req = {
			.revision = bits & 1 ? 2 : 1, .enhanced = bits & 1, .crc = bits & 2,
			.ird = bits >> 4, .ord = bits >> 2 & 15,
		};
		struct mpa_limits mine = {
			.ird = req.ird, .ord = req.ord, .max_ird = 64, .crc = req.crc,
		};
		struct mpa_limits theirs = {
			.ird = bits * 5 & 15, .ord = bits * 11 & 15, .max_ird = 64,
			.crc = bits & 4,
		};
		struct mpa_agreement here, there;
		struct mpa_message rep;

		if (req.enhanced && bits & 8) {
			req.p2p = true;
			req.rtr = MPA_RTR_BIT(IWARP_RTR_WRITE);
		}
		CHECK(mpa_respond(&req, &theirs, &rep, &there) == MPA_OK);
		CHECK(mpa_conclude(&req, &rep, &mine, &here) == MPA_OK);
		CHECK(here.crc == there.crc && here.rtr == there.rtr);
		if (req.enhanced)
			CHECK(here.ord <= there.ird && there.ord <= here.ird);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(mpa_pdata_max__plain),
	UNIT_TEST(mpa_pdata_max__enhanced),
	UNIT_TEST(mpa_encode__revision_1),
	UNIT_TEST(mpa_encode__each_flag),
	UNIT_TEST(mpa_encode__params),
	UNIT_TEST(mpa_encode__fills_frame_max),
	UNIT_TEST(mpa_frame_size__nothing),
	UNIT_TEST(mpa_frame_size__each_wrong_key_octet),
	UNIT_TEST(mpa_frame_size__request_for_reply),
	UNIT_TEST(mpa_frame_size__each_revision),
	UNIT_TEST(mpa_frame_size__each_length),
	UNIT_TEST(mpa_parse__every_flag_at_every_cut),
	UNIT_TEST(mpa_parse__not_beyond_the_frame),
	UNIT_TEST(mpa_parse__longest),
	UNIT_TEST(mpa_parse__too_long),
	UNIT_TEST(mpa_parse__reserved_flags_ignored),
	UNIT_TEST(mpa_parse__enhanced_is_reserved_in_revision_1),
	UNIT_TEST(mpa_parse__reject_means_nothing_in_a_request),
	UNIT_TEST(mpa_parse__enhanced_without_room),
	UNIT_TEST(mpa_respond__revision_1),
	UNIT_TEST(mpa_respond__revision_2_plain),
	UNIT_TEST(mpa_respond__crc_if_either),
	UNIT_TEST(mpa_respond__markers),
	UNIT_TEST(mpa_respond__ord_within_their_ird),
	UNIT_TEST(mpa_respond__each_rtr_offer),
	UNIT_TEST(mpa_respond__rtr_without_p2p),
	UNIT_TEST(mpa_respond__read_rtr_needs_ird),
	UNIT_TEST(mpa_conclude__good),
	UNIT_TEST(mpa_conclude__revision_1),
	UNIT_TEST(mpa_conclude__crc_if_either),
	UNIT_TEST(mpa_conclude__other_revision),
	UNIT_TEST(mpa_conclude__later_revision),
	UNIT_TEST(mpa_conclude__rejected),
	UNIT_TEST(mpa_conclude__markers),
	UNIT_TEST(mpa_conclude__enhanced_mismatch),
	UNIT_TEST(mpa_conclude__ord_goes_down_to_their_ird),
	UNIT_TEST(mpa_conclude__ird_goes_up_to_their_ord),
	UNIT_TEST(mpa_conclude__each_rtr),
	UNIT_TEST(mpa_conclude__p2p_refused),
	UNIT_TEST(mpa_conclude__p2p_unasked),
	UNIT_TEST(mpa_conclude__read_rtr_needs_their_ird),
	UNIT_TEST(mpa_conclude__of_mpa_respond),
};

/* What is pure leaves nothing behind. */
static void nothing(void)
{
}

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), nothing, nothing);
}
