// SPDX-License-Identifier: GPL-2.0
/*
 * The end that sends.
 */
#include "harness.h"
#include "sender.h"

struct env *sender_start(bool crc, u32 max_ulpdu)
{
	struct env *env = env_new(4, 3, 3);

	memcpy(env_region(env, 0x100, HELLO, 16, 0)->mem, "helloworldabcdef", 16);
	env_pattern(env_region(env, 0x200, DATA, 4096, 0), 1);
	env_region(env, 0x300, SINK, 4096, CORE_LOCAL_WRITE);
	env_pattern(env_region(env, 0x400, ANSWER, 4096, CORE_REMOTE_READ), 2);
	core_start(&env->qp, crc, max_ulpdu, 0, 0, false);
	return env;
}

struct siw_sqe sender_sqe(u64 id, u8 opcode, u16 flags, struct siw_sge sge)
{
	struct siw_sqe sqe = env_sqe(id, opcode, flags);

	sqe.num_sge = 1;
	sqe.sge[0] = sge;
	sqe.rkey = 0xa1b2c3d4;
	sqe.raddr = 0x1122334455667788ull;
	return sqe;
}

/* A Read Request of the peer's */
int sender_try_ask(struct env *env, u32 msn, u32 len, u32 stag, u64 to)
{
	u8 payload[28];
	struct segment s = segment_read_request(payload, msn, 0x0badcafe,
						0x0102030405060708ull, len, stag, to);

	return env_feed_segment(env, s);
}

void sender_ask(struct env *env, u32 msn, u32 len, u32 stag, u64 to)
{
	CHECK_EQ(sender_try_ask(env, msn, len, stag, to), 0);
}
