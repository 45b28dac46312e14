/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the core asks of its surroundings, at the least cost there is: one memory
 * region, one receive that is never used up, and nobody to tell.
 */
#ifndef BENCH_SURROUNDINGS_H
#define BENCH_SURROUNDINGS_H

#include "core.h"

#define BENCH_STAG	0x100
#define BENCH_BASE	0x10000000ull

/**
 * struct bench_side - a stream and its surroundings
 * @qp: the stream; first, so that the stand-ins find the rest
 * @memory: the octets of its only region, BENCH_STAG from BENCH_BASE on
 * @size: how many there are
 * @sent: work requests that have completed
 * @received: messages that have completed
 */
struct bench_side {
	struct core_qp qp;
	u8 *memory;
	u32 size;
	u64 sent;
	u64 received;
};

const char *bench_crc_kind(void);

#endif
