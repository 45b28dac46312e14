/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The end that receives: memory of every kind, receives, a Read that waits for its
 * response, and what must come of segments that are good, at every cut of the
 * stream, with and without CRC.
 */
#ifndef UNIT_RECEIVER_H
#define UNIT_RECEIVER_H

#include "env.h"

/* Our memory, by STag */
#define LOCAL		0x100		/* receive buffers, read sinks */
#define LOCAL_TO	0x10000
#define WRITABLE	0x200		/* remote write */
#define WRITABLE_TO	0x20000
#define READABLE	0x300		/* remote read */
#define READABLE_TO	0x30000
#define FOREIGN		0x400		/* another protection domain's, all rights */
#define FOREIGN_TO	0x40000
#define TOP		0x500		/* at the end of the address space, all rights */
#define TOP_TO		0xffffffffffffff00ull
#define UNKNOWN		0x999
#define SIZE		256

struct env *receiver_start(bool crc);
void receiver_post_read(struct env *env, u64 id, u32 offset, u32 len);
struct env *receiver_start_read(bool crc);
void receiver_check_taken(struct env *(*begin)(bool crc),
			  const struct segment *segments, u32 n,
			  void (*end)(struct env *env));
void receiver_check_placed(struct env *env, u32 stag, u64 addr, u32 len, u8 seed);

#endif
