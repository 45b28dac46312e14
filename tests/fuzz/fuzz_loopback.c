// SPDX-License-Identifier: GPL-2.0
/*
 * Any good work requests, on both sides, over a stream that is cut anywhere:
 * all of them succeed, in order, and all data is where it belongs.
 *
 * Input: octet 0 sets CRC (bit 0), ORD and IRD; 1 and 2 room and chunk of each
 * side's turn in hand; then three octets for each request: what, and its length.
 */
#include <stdlib.h>

#include "fuzz.h"

#define REQUESTS	24
#define SLOT		512
#define SOURCE_TO	0x7fff0000ull
#define SINK_TO		0xffffffff000ull

struct request {
	u8 side;
	u8 opcode;
	u16 flags;
	u32 len;
	u32 sges;
};

static void add_regions(struct env *env)
{
	env_pattern(env_region(env, 0x100, SOURCE_TO, REQUESTS * SLOT,
			       CORE_REMOTE_READ), 3);
	env_region(env, 0x200, SINK_TO, REQUESTS * SLOT,
		   CORE_LOCAL_WRITE | CORE_REMOTE_WRITE);
}

static struct request parse(struct input *in)
{
	static const u8 opcodes[] = {
		SIW_OP_WRITE, SIW_OP_READ, SIW_OP_SEND, SIW_OP_SEND,
	};
	u8 what = take(in);
	struct request r = {
		.side = what & 1,
		.opcode = opcodes[what >> 1 & 3],
		.flags = (what & 8 ? SIW_WQE_SIGNALLED : 0) |
			 (what & 16 ? SIW_WQE_READ_FENCE : 0) |
			 (what & 32 ? SIW_WQE_SOLICITED : 0),
	};

	r.len = (take(in) << 8 | take(in)) % (SLOT + 1);
	r.sges = r.opcode == SIW_OP_READ ? 1 : 1 + (what >> 6) % 4;
	if ((what >> 6) == 3 && r.opcode != SIW_OP_READ && r.len <= SIW_MAX_INLINE)
		r.flags |= SIW_WQE_INLINE;
	return r;
}

/* Request @id has slot @id, at both sides. */
static void make_sqe(struct env *env, const struct request *r, u32 id,
		     struct siw_sqe *sqe)
{
	u64 from = SOURCE_TO + id * SLOT, to = SINK_TO + id * SLOT;
	u32 i, piece = r->len / r->sges;

	*sqe = env_sqe(id, r->opcode, r->flags);
	sqe->num_sge = r->sges;
	if (r->opcode == SIW_OP_READ) {
		sqe->sge[0] = env_sge(0x200, to, r->len);
		sqe->rkey = 0x100;
		sqe->raddr = from;
		return;
	}
	sqe->rkey = 0x200;
	sqe->raddr = to;
	if (r->flags & SIW_WQE_INLINE) {
		sqe->sge[0].length = r->len;
		memcpy(&sqe->sge[1], env_mem(env->regions->next, from), r->len);
		return;
	}
	for (i = 0; i < r->sges; i++)
		sqe->sge[i] = env_sge(0x100, from + i * piece, i == r->sges - 1 ?
				      r->len - i * piece : piece);
}

static void check_request(struct env *env[2], const struct request *r, u32 id)
{
	u32 to = r->opcode == SIW_OP_READ ? r->side : !r->side;

	CHECK_BYTES(env_mem(env[to]->regions, SINK_TO + id * SLOT), r->len,
		    env_mem(env[!to]->regions->next, SOURCE_TO + id * SLOT), r->len);
}

static void check_side(struct env *env, const struct request *r, u32 n, u32 side)
{
	u64 last_send = 0, last_recv = 0;
	u32 i;

	for (i = 0; i < env->done_n; i++) {
		const struct core_completion *c = &env->done[i].c;
		u64 *last = env->done[i].recv ? &last_recv : &last_send;

		CHECK_EQ(c->status, SIW_WC_SUCCESS);
		CHECK(c->id >= *last);
		*last = c->id;
		if (env->done[i].recv || c->opcode == SIW_OP_READ)
			CHECK_EQ(c->bytes, r[c->id].len);
	}
	for (i = 0; i < n; i++) {
		if (r[i].side == side)
			CHECK_EQ(env->open_sends[i], !(r[i].flags & SIW_WQE_SIGNALLED));
		else if (r[i].opcode == SIW_OP_SEND)
			CHECK(!env->open_recvs[i]);
	}
	CHECK(core_transmit_idle(&env->qp));
	CHECK(core_receive_between(&env->qp));
}

int fuzz_one_input(const u8 *data, size_t len)
{
	struct input in = { .data = data, .len = len };
	u8 how = take(&in), room = take(&in), chunk = take(&in);
	struct request r[REQUESTS];
	u32 i, n, at, part, idle, side, count = 0, next[2] = {};
	struct env *env[2];
	u8 *out;

	env[0] = env_new(4, 1 + (how >> 1 & 3), 1 + (how >> 3 & 3));
	env[1] = env_new(4, env[0]->qp.ird, env[0]->qp.ord);
	for (side = 0; side < 2; side++) {
		add_regions(env[side]);
		core_start(&env[side]->qp, how & 1, 128 + (how >> 5), 0, 0, false);
	}
	while (in.len && count < REQUESTS) {
		r[count] = parse(&in);
		if (r[count].opcode == SIW_OP_SEND) {
			struct siw_sge sge[2];

			sge[0] = env_sge(0x200, SINK_TO + count * SLOT,
					 r[count].len / 2);
			sge[1] = env_sge(0x200, sge[0].laddr + sge[0].length,
					 r[count].len - sge[0].length);
			env_post_recv(env[!r[count].side], count, 2, sge);
		}
		count++;
	}

	out = malloc(room + 1);
	for (side = 0, idle = 0; idle < 2; side = !side) {
		for (; next[side] < count; next[side]++) {
			struct siw_sqe sqe;

			i = next[side];
			if (r[i].side != side)
				continue;
			make_sqe(env[side], &r[i], i, &sqe);
			if (!env_post(env[side], &sqe))
				break;
		}
		n = core_transmit(&env[side]->qp, out, room + 1);
		idle = n ? 0 : idle + 1;
		for (at = 0; at < n; at += part) {
			part = min_t(u32, n - at, chunk + 1);
			CHECK_EQ(env_feed(env[!side], out + at, part), 0);
		}
	}
	free(out);

	for (side = 0; side < 2; side++) {
		CHECK_EQ(next[side], count);
		check_side(env[side], r, count, side);
	}
	for (i = 0; i < count; i++)
		check_request(env, &r[i], i);
	env_finish();
	env_reset();
	return 0;
}
