/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FPDUs put together octet by octet, as the RFCs draw them and without the
 * core's own structures.
 */
#ifndef UNIT_FRAME_H
#define UNIT_FRAME_H

#include "platform.h"

/**
 * struct bytes - octets in a row
 * @data: the octets
 * @len: how many
 * @size: how many fit in @data
 * @frame: where the last FPDU begins
 */
struct bytes {
	u8 *data;
	u32 len;
	u32 size;
	u32 frame;
};

/**
 * struct segment - a DDP segment
 * @ddp: DDP control octet
 * @rdmap: RDMAP control octet
 * @stag: STag, or untagged: the STag to invalidate
 * @to: tagged: TO
 * @qn: untagged: queue number
 * @msn: untagged: message number
 * @mo: untagged: message offset
 * @len: octets of payload
 * @seed: of the payload's pattern
 * @payload: the payload itself, unless NULL
 * @ulpdu: ULPDU_Length, if it is to be wrong
 */
struct segment {
	u8 ddp;
	u8 rdmap;
	u32 stag;
	u64 to;
	u32 qn;
	u32 msn;
	u32 mo;
	u32 len;
	u8 seed;
	const u8 *payload;
	u32 ulpdu;
};

void bytes_put(struct bytes *b, const void *data, u32 len);
void bytes_put_be(struct bytes *b, u64 value, unsigned int octets);
void bytes_drop(struct bytes *b, u32 len);
void bytes_free(struct bytes *b);
void bytes_pattern(u8 *data, u32 len, u8 seed);

u32 frame_crc(const void *data, u32 len);
void frame_begin(struct bytes *b);
void frame_end(struct bytes *b, u32 ulpdu, bool crc);
void frame_segment(struct bytes *b, const struct segment *s, bool crc);
void frame_terminate(struct bytes *b, u8 layer, u8 etype, u8 ecode,
		     const u8 *quoted, u32 quoted_len, bool crc);

struct segment segment_write(u32 stag, u64 to, u32 len);
struct segment segment_read_response(u32 stag, u64 to, u32 len);
struct segment segment_send(u32 msn, u32 mo, u32 len);
struct segment segment_read_request(u8 payload[28], u32 msn, u32 sink_stag,
				    u64 sink_to, u32 size, u32 source_stag,
				    u64 source_to);

#endif
