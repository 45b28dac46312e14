// SPDX-License-Identifier: GPL-2.0
/*
 * An end whose work requests change its own memory.
 */
#include "harness.h"
#include "local.h"
#include "sent.h"

const u16 local_failures[LOCAL_FAILURES] = {
	SIW_WC_LOC_PROT_ERR, SIW_WC_LOC_QP_OP_ERR, SIW_WC_LOC_ACCESS_ERR,
	SIW_WC_GENERAL_ERR,
};

struct env *local_start_sized(bool crc, u32 max_ulpdu, u32 sq_size, u32 ord)
{
	struct env *env = env_new(sq_size, ord, 2);
	struct core_region *fast = env_region(env, FAST, FAST_TO, SIZE, 0);

	memcpy(env_region(env, HELLO, HELLO_TO, 16, 0)->mem, "helloworldabcdef", 16);
	memcpy(fast->mem, "fast", 4);
	fast->gone = true;
	env_region(env, SINK, SINK_TO, SIZE, CORE_LOCAL_WRITE);
	env_pattern(env_region(env, ANSWER, ANSWER_TO, SIZE, CORE_REMOTE_READ), 2);
	env_region(env, OPEN, OPEN_TO, SIZE, CORE_REMOTE_WRITE);
	core_start(&env->qp, crc, max_ulpdu, 0, 0, false);
	return env;
}

struct env *local_start(void)
{
	return local_start_sized(false, 1024, 8, 2);
}

struct env *local_start_read(bool crc, u8 opcode)
{
	struct env *env = local_start_sized(crc, 1024, 8, 2);

	local_post_read(env, 7, opcode, SIGNALLED, 8, 40);
	sent_drop(env);
	return env;
}

void local_post_one(struct env *env, u64 id, u8 opcode, u16 flags, u32 lkey, u64 addr,
		    u32 len)
{
	struct siw_sqe sqe = env_sqe(id, opcode, flags);

	sqe.num_sge = 1;
	sqe.sge[0] = env_sge(lkey, addr, len);
	sqe.rkey = 0xa1b2c3d4;
	sqe.raddr = 0x1122334455667788ull;
	env_must_post(env, sqe);
}

void local_post_send(struct env *env, u64 id, u16 flags)
{
	local_post_one(env, id, SIW_OP_SEND, flags, HELLO, HELLO_TO, 1);
}

void local_post_register(struct env *env, u64 id, u16 flags)
{
	env_must_post(env, env_register(id, flags, env_region_of(env, FAST), NEW, 0));
}

void local_post_invalidate(struct env *env, u64 id, u16 flags, u32 stag)
{
	env_must_post(env, env_invalidate(id, flags, stag));
}

/* A Read of @len octets to SINK_TO + @at */
void local_post_read(struct env *env, u64 id, u8 opcode, u16 flags, u32 at, u32 len)
{
	local_post_one(env, id, opcode, flags, SINK, SINK_TO + at, len);
}

int local_answer(struct env *env, u32 at, u32 len)
{
	return env_feed_segment(env, segment_read_response(SINK, SINK_TO + at, len));
}

void local_ask(struct env *env, u32 msn)
{
	u8 payload[28];

	CHECK_EQ(env_feed_segment(env, segment_read_request(payload, msn, 0x0badcafe, 0, 4,
							    ANSWER, ANSWER_TO)), 0);
}

/* The @n-th local operation came behind @out_n FPDUs and @done_n completions. */
void local_check(struct env *env, u32 n, u8 opcode, u32 stag, u32 out_n, u32 done_n)
{
	const struct env_local *local = &env->locals[n];

	CHECK(n < env->locals_n);
	CHECK_EQ(local->opcode, opcode);
	CHECK_EQ(local->stag, stag);
	CHECK_EQ(local->out_n, out_n);
	CHECK_EQ(local->done_n, done_n);
}

void local_check_done(struct env *env, u32 n, u64 id, u8 opcode, u16 status)
{
	CHECK(n < env->done_n);
	CHECK(!env->done[n].recv);
	CHECK_EQ(env->done[n].c.id, id);
	CHECK_EQ(env->done[n].c.opcode, opcode);
	CHECK_EQ(env->done[n].c.status, status);
}
