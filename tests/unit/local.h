/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An end whose work requests change its own memory: the memory, the requests, and
 * in which order they were carried out.
 */
#ifndef UNIT_LOCAL_H
#define UNIT_LOCAL_H

#include "env.h"

#define SIGNALLED	SIW_WQE_SIGNALLED
#define FENCE		SIW_WQE_READ_FENCE

#define HELLO		0x100		/* "helloworldabcdef" */
#define HELLO_TO	0x10000
#define FAST		0x200		/* "fast...", means nothing until registered */
#define FAST_TO		0x20000
#define NEW		0x2a1		/* its next key */
#define SINK		0x300
#define SINK_TO		0x30000
#define ANSWER		0x400		/* remote read, a pattern */
#define ANSWER_TO	0x40000
#define OPEN		0x500		/* remote write */
#define OPEN_TO		0x50000
#define UNKNOWN		0x999
#define SIZE		256

#define TERMINATE_LOCAL	\
	"0016 41 47 00000000 00000002 00000001 00000000 00 00 00 00 00000000"

#define LOCAL_FAILURES	4
/* What a registration or invalidation may fail with */
extern const u16 local_failures[LOCAL_FAILURES];

struct env *local_start_sized(bool crc, u32 max_ulpdu, u32 sq_size, u32 ord);
struct env *local_start(void);
struct env *local_start_read(bool crc, u8 opcode);
void local_post_one(struct env *env, u64 id, u8 opcode, u16 flags, u32 lkey, u64 addr,
		    u32 len);
void local_post_send(struct env *env, u64 id, u16 flags);
void local_post_register(struct env *env, u64 id, u16 flags);
void local_post_invalidate(struct env *env, u64 id, u16 flags, u32 stag);
void local_post_read(struct env *env, u64 id, u8 opcode, u16 flags, u32 at, u32 len);
int local_answer(struct env *env, u32 at, u32 len);
void local_ask(struct env *env, u32 msn);
void local_check(struct env *env, u32 n, u8 opcode, u32 stag, u32 out_n, u32 done_n);
void local_check_done(struct env *env, u32 n, u64 id, u8 opcode, u16 status);

#endif
