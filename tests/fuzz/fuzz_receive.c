// SPDX-License-Identifier: GPL-2.0
/*
 * Any octets at all come from the peer. The stand-ins of tests/unit abort when
 * one is placed that no check has granted, when a reference is dropped that is
 * not held, and when something completes twice.
 *
 * Input: eight octets that set the scene, then the stream.
 *   0    bit 0: CRC; bit 1: make CRCs right; bits 2, 3: RTR; bit 4: hold output;
 *        bits 5 to 7: receives posted
 *   1    bits 0, 1: reads outstanding; bits 2, 3: reads that the peer may ask;
 *        bits 4 to 7: octets that one core_receive() gets, 0: all
 *   2    octets that come at once, 0: all
 *   3    room for output
 *   4-7  sixteen events, one after each of what comes, then again from the first
 */
#include <stdlib.h>

#include "fuzz.h"

#define SIZE		512
#define MAX_STREAM	4096

enum event {
	EVENT_NONE,
	EVENT_TRANSMIT,
	EVENT_TRANSMIT_ALL,
	EVENT_POST_WRITE,
	EVENT_POST_SEND,
	EVENT_POST_READ,
	EVENT_POST_RECV,
	EVENT_POST_HOSTILE,
	EVENT_LOOKUP_FAILS,
	EVENT_CHECK_FAILS,
	EVENT_REGION_GONE,
	EVENT_TERMINATE,
	EVENT_POST_READ_INV,
	EVENT_POST_LOCAL,
	EVENT_COPY_FAILS,
	EVENT_LOCAL_FAILS,
};

struct scene {
	struct env *env;
	u64 id;
	u64 recv_id;
	u32 room;
};

static void add_regions(struct env *env)
{
	env_region(env, 0x100, 0x10000, SIZE, CORE_LOCAL_WRITE);
	env_region(env, 0x200, 0x20000, SIZE, CORE_REMOTE_WRITE | CORE_LOCAL_WRITE);
	env_region(env, 0x300, 0x30000, SIZE, CORE_REMOTE_READ);
	env_region(env, 0x400, 0x40000, SIZE, CORE_REMOTE_READ | CORE_REMOTE_WRITE |
		   CORE_LOCAL_WRITE)->foreign = true;
	env_region(env, 0x500, 0xfffffffffffffe00ull, SIZE - 1,
		   CORE_REMOTE_READ | CORE_REMOTE_WRITE);
	env->regions->invalidatable = true;
}

static void post(struct scene *s, u8 opcode, u32 sges, u32 stag, u64 to, u32 len)
{
	struct siw_sqe sqe = env_sqe(s->id, opcode, SIW_WQE_SIGNALLED);
	u32 i;

	if (s->id == ENV_IDS)
		return;
	sqe.num_sge = sges;
	for (i = 0; i < sges; i++)
		sqe.sge[i] = env_sge(stag, to + i * len, len);
	sqe.rkey = 0xabc;
	if (env_post(s->env, &sqe))
		s->id++;
}

/* A region's next key, or the end of the one it has */
static void post_local(struct scene *s)
{
	struct core_region *region = s->env->regions;
	u32 i;
	struct siw_sqe sqe;

	if (s->id == ENV_IDS)
		return;
	for (i = s->id / 2 % 5; i && region->next; i--)
		region = region->next;
	if (s->id & 1)
		sqe = env_register(s->id, SIW_WQE_SIGNALLED, region, region->stag ^ 0x10,
				   region->access);
	else
		sqe = env_invalidate(s->id, SIW_WQE_SIGNALLED, region->stag);
	if (env_post(s->env, &sqe))
		s->id++;
}

static void post_recv(struct scene *s)
{
	struct siw_sge sge[3] = {
		env_sge(0x100, 0x10000, 40),
		env_sge(0x999, 0, s->recv_id % 8 == 7),
		env_sge(0x200, 0x20000 + 100, 60),
	};

	if (s->recv_id < ENV_IDS && s->env->recv_put - s->env->recv_get < ENV_RECVS)
		env_post_recv(s->env, s->recv_id++, 3, sge);
}

static void post_hostile(struct scene *s)
{
	struct siw_sqe *sqe = &s->env->qp.sq[s->env->sq_put % s->env->qp.sq_size];

	if (s->id == ENV_IDS || (sqe->flags & SIW_WQE_VALID))
		return;
	memset(sqe, s->id & 1 ? 0xff : 0x2b, sizeof(*sqe));
	sqe->flags |= SIW_WQE_VALID | SIW_WQE_SIGNALLED;
	sqe->id = s->id;
	s->env->open_sends[s->id++] = true;
	s->env->sq_put++;
}

static void transmit(struct scene *s, bool all)
{
	u8 *out = malloc(s->room);
	u32 n;

	do {
		n = core_transmit(&s->env->qp, out, s->room);
		CHECK(n <= s->room);
	} while (all && n == s->room);
	free(out);
}

static void happen(struct scene *s, enum event event)
{
	struct env *env = s->env;
	struct core_region *region = env->regions;

	switch (event) {
	case EVENT_TRANSMIT:
	case EVENT_TRANSMIT_ALL:
		transmit(s, event == EVENT_TRANSMIT_ALL);
		break;
	case EVENT_POST_WRITE:
		post(s, SIW_OP_WRITE, 6, 0x300, 0x30000, 33);
		break;
	case EVENT_POST_SEND:
		post(s, SIW_OP_SEND_REMOTE_INV, 2, 0x100, 0x10000, 71);
		break;
	case EVENT_POST_READ:
		post(s, SIW_OP_READ, 1, 0x100, 0x10000 + 200, 30);
		break;
	case EVENT_POST_RECV:
		post_recv(s);
		break;
	case EVENT_POST_HOSTILE:
		post_hostile(s);
		break;
	case EVENT_LOOKUP_FAILS:
		env->fail_get |= 2;
		break;
	case EVENT_CHECK_FAILS:
		env->fail_check |= 1;
		env->fail_with = CORE_CHECK_STAG + env->in_n % 5;
		break;
	case EVENT_REGION_GONE:
		while (region && region->gone)
			region = region->next;
		if (region)
			region->gone = true;
		break;
	case EVENT_TERMINATE:
		core_terminate(&env->qp, TERM_LAYER_RDMAP, TERM_RDMAP_LOCAL, 0,
			       NULL, 0);
		break;
	case EVENT_POST_READ_INV:
		post(s, SIW_OP_READ_LOCAL_INV, 1, 0x100, 0x10000 + 200, 30);
		break;
	case EVENT_POST_LOCAL:
		post_local(s);
		break;
	case EVENT_COPY_FAILS:
		env->fail_copy |= 2;
		break;
	case EVENT_LOCAL_FAILS:
		env->fail_local |= 1;
		env->fail_local_with = SIW_WC_LOC_PROT_ERR;
		break;
	default:
		break;
	}
}

/* So that the parser behind the CRC is reached */
static void make_crcs_right(u8 *data, u32 len)
{
	while (len >= 2) {
		u32 body = (2 + (data[0] << 8 | data[1]) + 3) & ~3u;
		u32 crc;

		if (len < body + 4)
			return;
		crc = cpu_to_le32(~core_crc32c(~0u, data, body));
		memcpy(data + body, &crc, 4);
		data += body + 4;
		len -= body + 4;
	}
}

/* Everything has an end, and one only. */
static void wind_up(struct scene *s)
{
	struct env *env = s->env;
	u32 i, locals, fetched = env->recv_get;
	u8 octet;

	transmit(s, true);
	locals = env->locals_n;
	core_queue_flush(&env->qp);
	CHECK_EQ(env->recv_get, fetched);
	for (i = 0; i < s->id; i++)
		CHECK(!env->open_sends[i]);
	for (i = 0; i < s->recv_id; i++)
		CHECK_EQ(env->open_recvs[i], i >= fetched);
	/* An FPDU may be finished, but no memory is looked at any more. */
	env->fetched = 0;
	transmit(s, true);
	CHECK_EQ(env->fetched, 0);
	CHECK_EQ(core_transmit(&env->qp, &octet, 1), 0);
	CHECK_EQ(env->locals_n, locals);
	env_finish();
}

int fuzz_one_input(const u8 *data, size_t len)
{
	struct input in = { .data = data, .len = len };
	struct scene s = {};
	u8 how, reads, at_once, events[4], *stream;
	u32 i, n, at, size;
	int err = 0;

	how = take(&in);
	reads = take(&in);
	at_once = take(&in);
	s.room = take(&in) + 1;
	for (i = 0; i < 4; i++)
		events[i] = take(&in);
	size = min_t(u32, in.len, MAX_STREAM);

	s.env = env_new(8, 3, reads >> 2 & 3);
	add_regions(s.env);
	core_start(&s.env->qp, how & 1, 128, 0, how >> 2 & 3, false);
	for (i = 0; i < how >> 5; i++)
		post_recv(&s);
	for (i = 0; i < (reads & 3); i++)
		post(&s, SIW_OP_READ, 1, 0x100, 0x10000 + 64 * i, 64 - i);
	transmit(&s, true);
	s.env->qp.tx.held = how >> 4 & 1;
	s.env->piece = reads >> 4;

	stream = malloc(size + 1);
	if (size)
		memcpy(stream, in.data, size);
	if ((how & 3) == 3)
		make_crcs_right(stream, size);
	for (at = 0, i = 0; at < size && !err; at += n, i++) {
		u8 *copy;

		n = min_t(u32, at_once ? at_once : size, size - at);
		/* At its exact size, so that nothing is read past its end */
		copy = malloc(n);
		memcpy(copy, stream + at, n);
		err = env_feed(s.env, copy, n);
		free(copy);
		if (err)
			CHECK(s.env->qp.error);
		happen(&s, events[i / 2 % 4] >> 4 * (i % 2) & 15);
	}
	wind_up(&s);
	free(stream);
	env_reset();
	return 0;
}
