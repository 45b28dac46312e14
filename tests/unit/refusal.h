/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must come of segments that are wrong: the Terminate that the RFCs name, and
 * nothing of them placed, at every cut of the stream, with and without CRC.
 */
#ifndef UNIT_REFUSAL_H
#define UNIT_REFUSAL_H

#include "receiver.h"

#define RDMAP		TERM_LAYER_RDMAP
#define PROTECTION	TERM_RDMAP_PROTECTION
#define OPERATION	TERM_RDMAP_OPERATION
#define DDP		TERM_LAYER_DDP
#define TAGGED		TERM_DDP_TAGGED
#define UNTAGGED	TERM_DDP_UNTAGGED

/**
 * struct refusal - a stream whose last segment is refused
 * @start: what is there when it comes
 * @segments: what comes
 * @n: how many
 * @placed: octets that the good ones place
 * @layer: of the Terminate
 * @etype: of the Terminate
 * @ecode: of the Terminate
 * @quoted: octets of the last segment's header that it quotes
 * @header: octets of it that must be there, if none are quoted
 * @recv_status: what the first receive completes with, if it does
 * @read_status: what the oldest Read, 7, completes with, if it does
 * @at_end: known only when all of the last segment is there
 */
struct refusal {
	struct env *(*start)(bool crc);
	struct segment segments[3];
	u32 n;
	u32 placed;
	u8 layer;
	u8 etype;
	u8 ecode;
	u8 quoted;
	u8 header;
	u16 recv_status;
	u16 read_status;
	bool at_end;
};

void refusal_check_at(const struct refusal *r, const struct bytes *b,
		      const struct bytes *want, bool crc, u32 cut, u32 piece);
void refusal_check(const struct refusal *r);
void refusal_check_one(struct segment s, u8 layer, u8 etype, u8 ecode, u8 quoted);

#endif
