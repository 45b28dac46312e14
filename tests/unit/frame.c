// SPDX-License-Identifier: GPL-2.0
/*
 * FPDUs by hand.
 */
#include <stdlib.h>

#include "frame.h"

void bytes_put(struct bytes *b, const void *data, u32 len)
{
	if (b->len + len > b->size) {
		b->size = 2 * (b->len + len);
		b->data = realloc(b->data, b->size);
		if (!b->data)
			abort();
	}
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

void bytes_put_be(struct bytes *b, u64 value, unsigned int octets)
{
	u8 octet;

	while (octets--) {
		octet = value >> 8 * octets;
		bytes_put(b, &octet, 1);
	}
}

void bytes_drop(struct bytes *b, u32 len)
{
	b->len -= len;
	if (len)
		memmove(b->data, b->data + len, b->len);
}

void bytes_free(struct bytes *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

/* No two neighbours 256 octets apart are alike. */
void bytes_pattern(u8 *data, u32 len, u8 seed)
{
	u32 i;

	for (i = 0; i < len; i++)
		data[i] = seed + i * 7 + (i >> 8) * 13;
}

/* RFC 3720 section 12.1, bit by bit */
u32 frame_crc(const void *data, u32 len)
{
	const u8 *p = data;
	u32 crc = ~0u;
	int bit;

	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return ~crc;
}

/* RFC 5044 section 4.1: the length comes first, and is filled in at the end. */
void frame_begin(struct bytes *b)
{
	b->frame = b->len;
	bytes_put_be(b, 0, 2);
}

/* @ulpdu: what the length is to say, the true one if 0 */
void frame_end(struct bytes *b, u32 ulpdu, bool crc)
{
	u32 n = b->len - b->frame - 2;
	u32 value;

	if (!ulpdu)
		ulpdu = n;
	b->data[b->frame] = ulpdu >> 8;
	b->data[b->frame + 1] = ulpdu;
	while ((b->len - b->frame) % 4)
		bytes_put_be(b, 0, 1);
	value = crc ? frame_crc(b->data + b->frame, b->len - b->frame) : 0;
	bytes_put_be(b, value & 0xff, 1);
	bytes_put_be(b, value >> 8 & 0xff, 1);
	bytes_put_be(b, value >> 16 & 0xff, 1);
	bytes_put_be(b, value >> 24, 1);
}

void frame_segment(struct bytes *b, const struct segment *s, bool crc)
{
	u8 *pattern;

	frame_begin(b);
	bytes_put_be(b, s->ddp, 1);
	bytes_put_be(b, s->rdmap, 1);
	bytes_put_be(b, s->stag, 4);
	if (s->ddp & 0x80) {
		bytes_put_be(b, s->to, 8);
	} else {
		bytes_put_be(b, s->qn, 4);
		bytes_put_be(b, s->msn, 4);
		bytes_put_be(b, s->mo, 4);
	}
	if (s->payload) {
		bytes_put(b, s->payload, s->len);
	} else if (s->len) {
		pattern = malloc(s->len);
		if (!pattern)
			abort();
		bytes_pattern(pattern, s->len, s->seed);
		bytes_put(b, pattern, s->len);
		free(pattern);
	}
	frame_end(b, s->ulpdu, crc);
}

/* RFC 5040 section 4.8; M, D and R as far as the quoted header goes */
void frame_terminate(struct bytes *b, u8 layer, u8 etype, u8 ecode,
		     const u8 *quoted, u32 quoted_len, bool crc)
{
	frame_begin(b);
	bytes_put_be(b, 0x41, 1);	/* last, DDP version 1 */
	bytes_put_be(b, 0x47, 1);	/* RDMAP version 1, Terminate */
	bytes_put_be(b, 0, 4);
	bytes_put_be(b, 2, 4);		/* queue number */
	bytes_put_be(b, 1, 4);		/* MSN */
	bytes_put_be(b, 0, 4);		/* MO */
	bytes_put_be(b, layer << 4 | etype, 1);
	bytes_put_be(b, ecode, 1);
	bytes_put_be(b, !quoted_len ? 0 : quoted_len == 48 ? 0xe0 : 0xc0, 1);
	bytes_put_be(b, 0, 1);
	bytes_put(b, quoted, quoted_len);
	frame_end(b, 0, crc);
}

struct segment segment_write(u32 stag, u64 to, u32 len)
{
	struct segment s = {
		.ddp = 0xc1, .rdmap = 0x40, .stag = stag, .to = to, .len = len,
	};

	return s;
}

struct segment segment_read_response(u32 stag, u64 to, u32 len)
{
	struct segment s = segment_write(stag, to, len);

	s.rdmap = 0x42;
	return s;
}

struct segment segment_send(u32 msn, u32 mo, u32 len)
{
	struct segment s = {
		.ddp = 0x41, .rdmap = 0x43, .msn = msn, .mo = mo, .len = len,
	};

	return s;
}

static void store_be(u8 *to, u64 value, unsigned int octets)
{
	while (octets--)
		*to++ = value >> 8 * octets;
}

struct segment segment_read_request(u8 payload[28], u32 msn, u32 sink_stag,
				    u64 sink_to, u32 size, u32 source_stag,
				    u64 source_to)
{
	struct segment s = {
		.ddp = 0x41, .rdmap = 0x41, .qn = 1, .msn = msn,
		.payload = payload, .len = 28,
	};

	store_be(payload, sink_stag, 4);
	store_be(payload + 4, sink_to, 8);
	store_be(payload + 12, size, 4);
	store_be(payload + 16, source_stag, 4);
	store_be(payload + 20, source_to, 8);
	return s;
}
