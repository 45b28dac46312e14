// SPDX-License-Identifier: GPL-2.0
/*
 * Two cores back to back: what one transmits, the other scans and receives.
 */
#include <stdlib.h>

#include "env.h"
#include "harness.h"

#define SIGNALLED	SIW_WQE_SIGNALLED
#define SOLICITED	SIW_WQE_SOLICITED
#define INLINE		SIW_WQE_INLINE
#define MAX_ULPDU	128

/* The same memory on both sides */
#define SOURCE		0x100		/* a pattern; remote read */
#define SOURCE_TO	0x1000000ull
#define SINK		0x200		/* remote write */
#define SINK_TO		0xffff00000000ull
#define WINDOW		0x300		/* may be invalidated */
#define SIZE		4096

/**
 * struct wire - how octets go from one side to the other
 * @room: octets that core_transmit() may write at once
 * @chunk: octets that the receiver is handed at once, 0: all
 * @cut_from: side whose stream is cut in two
 * @cut: where
 */
struct wire {
	u32 room;
	u32 chunk;
	u32 cut_from;
	u32 cut;
};

/**
 * struct link - two sides, each with what it has sent so far
 * @env: the sides
 * @sent: octets that have gone out of each
 * @err: what receiving ended with, at each
 */
struct link {
	struct env *env[2];
	u32 sent[2];
	int err[2];
};

static const struct wire straight = { .room = 8192 };

static struct env *side(bool crc, u32 ord, u32 ird)
{
	struct env *env = env_new(8, ord, ird);

	env_pattern(env_region(env, SOURCE, SOURCE_TO, SIZE, CORE_REMOTE_READ), 11);
	env_region(env, SINK, SINK_TO, SIZE, CORE_LOCAL_WRITE | CORE_REMOTE_WRITE);
	env_region(env, WINDOW, 0, 16, CORE_REMOTE_WRITE)->invalidatable = true;
	core_start(&env->qp, crc, MAX_ULPDU, 0, 0, false);
	return env;
}

static void link_up(struct link *l, bool crc)
{
	memset(l, 0, sizeof(*l));
	l->env[0] = side(crc, 2, 3);
	l->env[1] = side(crc, 3, 2);
}

static void hand_over(struct link *l, u32 to, const u8 *data, u32 len, u32 chunk)
{
	u32 n;

	while (len && !l->err[to]) {
		n = min_t(u32, len, chunk ? chunk : len);
		l->err[to] = env_feed(l->env[to], data, n);
		data += n;
		len -= n;
	}
}

/* Turn by turn until neither side has anything to send */
static void pump(struct link *l, const struct wire *w)
{
	u8 *out = malloc(w->room);
	u32 from, n, before, idle = 0;

	for (from = 0; idle < 2; from = !from) {
		n = core_transmit(&l->env[from]->qp, out, w->room);
		idle = n ? 0 : idle + 1;
		before = 0;
		if (w->cut_from == from && w->cut > l->sent[from] &&
		    w->cut < l->sent[from] + n)
			before = w->cut - l->sent[from];
		hand_over(l, !from, out, before, w->chunk);
		hand_over(l, !from, out + before, n - before, w->chunk);
		l->sent[from] += n;
	}
	free(out);
}

/**
 * struct op - something that side 0 asks for
 * @name: for people
 * @opcode: enum siw_opcode
 * @flags: enum siw_wqe_flags
 * @sges: into how many SGEs it is split on the side that has them
 * @wire: RDMAP opcode of the request
 */
struct op {
	const char *name;
	u8 opcode;
	u16 flags;
	u8 sges;
	u8 wire;
};

static const struct op ops[] = {
	{ "write", SIW_OP_WRITE, SIGNALLED, 1, 0 },
	{ "write, 6 SGEs", SIW_OP_WRITE, SIGNALLED, 6, 0 },
	{ "write, inline", SIW_OP_WRITE, SIGNALLED | INLINE, 1, 0 },
	{ "read", SIW_OP_READ, SIGNALLED, 1, 1 },
	{ "send", SIW_OP_SEND, SIGNALLED, 1, 3 },
	{ "send, 6 SGEs", SIW_OP_SEND, SIGNALLED, 6, 3 },
	{ "send, inline", SIW_OP_SEND, SIGNALLED | INLINE, 3, 3 },
	{ "send with invalidate", SIW_OP_SEND_REMOTE_INV, SIGNALLED, 2, 4 },
	{ "send with SE", SIW_OP_SEND, SIGNALLED | SOLICITED, 1, 5 },
	{ "send with SE and invalidate", SIW_OP_SEND_REMOTE_INV,
	  SIGNALLED | SOLICITED, 6, 6 },
};

#define HOLE	11	/* octets between two SGEs, which stay as they are */

/* @len octets from @addr on in @n pieces, some of them empty, holes between */
static u32 split(struct siw_sge *sge, u32 n, u32 lkey, u64 addr, u32 len)
{
	u32 i, piece;

	for (i = 0; i < n; i++) {
		piece = i == n - 1 ? len : i % 3 == 1 ? 0 : len / 3;
		sge[i] = env_sge(lkey, addr, piece);
		addr += piece + HOLE;
		len -= piece;
	}
	return n;
}

static void gather(struct env *env, const struct siw_sge *sge, u32 n, u8 *out)
{
	for (; n--; out += sge++->length)
		memcpy(out, env_mem(env_region_of(env, sge->lkey), sge->laddr), sge->length);
}

static bool is_send(const struct op *op)
{
	return op->wire >= 3;
}

static bool fits(const struct op *op, u32 len)
{
	return !(op->flags & INLINE) || len <= SIW_MAX_INLINE;
}

static void post_op(struct link *l, u64 id, const struct op *op, u32 len)
{
	struct siw_sqe sqe = env_sqe(id, op->opcode, op->flags);
	struct siw_sge recv[6];

	sqe.num_sge = op->sges;
	split(sqe.sge, op->sges, SOURCE, SOURCE_TO + 3, len);
	if (op->opcode == SIW_OP_READ) {
		sqe.sge[0] = env_sge(SINK, SINK_TO + 5, len);
		sqe.rkey = SOURCE;
		sqe.raddr = SOURCE_TO + 3;
	} else if (op->opcode == SIW_OP_WRITE) {
		sqe.rkey = SINK;
		sqe.raddr = SINK_TO + 5;
	} else {
		sqe.rkey = WINDOW;
		split(recv, op->sges, SINK, SINK_TO + 5, len);
		env_post_recv(l->env[1], id, op->sges, recv);
	}
	if (op->flags & INLINE) {
		sqe.sge[0].length = len;
		memcpy(&sqe.sge[1], env_mem(env_region_of(l->env[0], SOURCE),
					    SOURCE_TO + 3), len);
	}
	CHECK(env_post(l->env[0], &sqe));
}

static void check_op(struct link *l, u64 id, const struct op *op, u32 len)
{
	struct env *to = l->env[op->opcode != SIW_OP_READ];
	u8 want[SIZE], got[SIZE];
	struct siw_sge sge[6];
	u32 i;

	CHECK_EQ(l->err[0], 0);
	CHECK_EQ(l->err[1], 0);
	CHECK_EQ(l->env[0]->done_n, 1);
	env_check_done(l->env[0], 0, false, id, op->opcode, SIW_WC_SUCCESS,
		       op->opcode == SIW_OP_READ ? len : 0);
	CHECK_EQ(l->env[1]->done_n, is_send(op));
	if (is_send(op)) {
		const struct core_completion *c = &l->env[1]->done[0].c;
		bool invalidates = op->opcode == SIW_OP_SEND_REMOTE_INV;

		env_check_done(l->env[1], 0, true, id, SIW_OP_RECEIVE,
			       SIW_WC_SUCCESS, len);
		CHECK_EQ(c->solicited, !!(op->flags & SOLICITED));
		CHECK_EQ(c->invalidated, invalidates);
		CHECK_EQ(c->inval_stag, invalidates ? WINDOW : 0);
		CHECK_EQ(env_region_of(l->env[1], WINDOW)->gone, invalidates);
	}

	/* What left one side, with its holes; what came to the other, with its */
	split(sge, op->flags & INLINE ? 1 : op->sges, SOURCE, SOURCE_TO + 3, len);
	gather(l->env[!(to == l->env[1])], sge, op->flags & INLINE ? 1 : op->sges,
	       want);
	split(sge, is_send(op) ? op->sges : 1, SINK, SINK_TO + 5, len);
	gather(to, sge, is_send(op) ? op->sges : 1, got);
	CHECK_BYTES(got, len, want, len);
	CHECK_EQ(to->placed, len);
	CHECK_EQ(l->env[to == l->env[0]]->placed, 0);
	for (i = 0; i < 5; i++)
		CHECK_EQ(env_region_of(to, SINK)->mem[i], 0);

	for (i = 0; i < l->env[0]->out_n; i++)
		CHECK_EQ(l->env[0]->out[i].opcode, op->wire);
	CHECK_EQ(l->env[0]->out_n, l->env[1]->in_n);
	CHECK_EQ(l->env[1]->out_n, l->env[0]->in_n);
	CHECK(core_transmit_idle(&l->env[0]->qp));
	CHECK(core_transmit_idle(&l->env[1]->qp));
	CHECK(core_receive_between(&l->env[0]->qp));
	CHECK(core_receive_between(&l->env[1]->qp));
}

static void run_op(const struct op *op, u32 len, bool crc, const struct wire *w,
		   u32 sent[2])
{
	struct link l;

	unit_context("%s, %u octets, crc %u, room %u, chunk %u, cut %u of side %u",
		     op->name, len, crc, w->room, w->chunk, w->cut, w->cut_from);
	link_up(&l, crc);
	post_op(&l, 1, op, len);
	pump(&l, w);
	check_op(&l, 1, op, len);
	if (sent)
		memcpy(sent, l.sent, sizeof(l.sent));
	env_finish();
	env_reset();
}

static void loop__every_operation_and_size(void)
{
	u32 i, len, crc;

	for (crc = 0; crc < 2; crc++)
		for (i = 0; i < ARRAY_SIZE(ops); i++)
			for (len = 0; len < 2 * MAX_ULPDU + 20; len++)
				if (fits(&ops[i], len))
					run_op(&ops[i], len, crc, &straight, NULL);
}

static void loop__large(void)
{
	u32 i, crc;

	for (crc = 0; crc < 2; crc++)
		for (i = 0; i < ARRAY_SIZE(ops); i++)
			if (fits(&ops[i], 4000))
				run_op(&ops[i], 4000, crc, &straight, NULL);
}

static void every_cut(const struct op *op, u32 len, bool crc)
{
	struct wire w = straight;
	u32 sent[2];

	run_op(op, len, crc, &w, sent);
	for (w.cut_from = 0; w.cut_from < 2; w.cut_from++)
		for (w.cut = 1; w.cut < sent[w.cut_from]; w.cut++)
			run_op(op, len, crc, &w, NULL);
}

/* Received in two parts, cut at every octet of either direction */
static void loop__received_in_two_parts(void)
{
	static const u32 lengths[] = { 0, 1, 78, 110, 111, 115, 270 };
	u32 i, n, crc;

	for (crc = 0; crc < 2; crc++)
		for (i = 0; i < ARRAY_SIZE(ops); i++)
			for (n = 0; n < ARRAY_SIZE(lengths); n++)
				if (fits(&ops[i], lengths[n]))
					every_cut(&ops[i], lengths[n], crc);
}

/* Received in chunks, and transmitted in chunks, from one octet on */
static void loop__in_chunks_of_every_size(void)
{
	struct wire w;
	u32 i, n, crc;

	for (crc = 0; crc < 2; crc++) {
		for (i = 0; i < ARRAY_SIZE(ops); i++) {
			for (n = 1; n < 150; n += n < 24 ? 1 : 9) {
				w = straight;
				w.chunk = n;
				run_op(&ops[i], 77, crc, &w, NULL);
				if (fits(&ops[i], 300))
					run_op(&ops[i], 300, crc, &w, NULL);
				w.room = n;
				w.chunk = 0;
				run_op(&ops[i], 77, crc, &w, NULL);
				if (fits(&ops[i], 300))
					run_op(&ops[i], 300, crc, &w, NULL);
			}
		}
	}
}

/* Both sides at once, more Reads than ORD and IRD allow at a time */
static void run_mixture(bool crc, const struct wire *w)
{
	struct link l;
	u32 from, i;

	unit_context("crc %u, room %u, chunk %u", crc, w->room, w->chunk);
	link_up(&l, crc);
	for (from = 0; from < 2; from++) {
		for (i = 0; i < 4; i++) {
			struct siw_sge sge = env_sge(SINK, SINK_TO + 3000 + 200 * i, 200);

			env_post_recv(l.env[!from], 100 + i, 1, &sge);
		}
		for (i = 0; i < 8; i++) {
			struct siw_sqe sqe = env_sqe(i, i % 2 ? SIW_OP_SEND : SIW_OP_READ,
						     i % 3 ? SIGNALLED : 0);

			if (i == 5)
				sqe.flags |= SIW_WQE_READ_FENCE;
			sqe.num_sge = 1;
			sqe.rkey = SOURCE;
			sqe.raddr = SOURCE_TO + 100 * i;
			sqe.sge[0] = i % 2 ? env_sge(SOURCE, SOURCE_TO + i, 160 + i) :
					     env_sge(SINK, SINK_TO + 300 * i, 260 + i);
			CHECK(env_post(l.env[from], &sqe));
		}
	}
	pump(&l, w);

	for (from = 0; from < 2; from++) {
		static const u8 order[] = { 1, 2, 4, 5, 7 };
		struct env *env = l.env[from];
		u32 sends = 0, recvs = 0;

		CHECK_EQ(l.err[from], 0);
		CHECK_EQ(env->done_n, 5 + 4);
		for (i = 0; i < env->done_n; i++) {
			CHECK_EQ(env->done[i].c.status, SIW_WC_SUCCESS);
			if (env->done[i].recv) {
				CHECK_EQ(env->done[i].c.id, 100 + recvs);
				CHECK_EQ(env->done[i].c.bytes, 160 + 2 * recvs + 1);
				recvs++;
			} else {
				CHECK_EQ(env->done[i].c.id, order[sends++]);
			}
		}
		for (i = 0; i < 8; i += 2)
			CHECK_BYTES(env_mem(env_region_of(env, SINK), SINK_TO + 300 * i),
				    260 + i,
				    env_mem(env_region_of(env, SOURCE), SOURCE_TO + 100 * i),
				    260 + i);
		for (i = 0; i < 4; i++)
			CHECK_BYTES(env_mem(env_region_of(env, SINK),
					    SINK_TO + 3000 + 200 * i), 161 + 2 * i,
				    env_mem(env_region_of(env, SOURCE),
					    SOURCE_TO + 2 * i + 1), 161 + 2 * i);
		CHECK(core_transmit_idle(&env->qp));
	}
	env_finish();
	env_reset();
}

static void loop__both_ways_at_once(void)
{
	struct wire w;
	u32 crc, n;

	for (crc = 0; crc < 2; crc++) {
		run_mixture(crc, &straight);
		for (n = 1; n < 400; n += n < 64 ? 1 : 17) {
			w = straight;
			w.room = n;
			run_mixture(crc, &w);
			w.chunk = 1 + n % 7;
			run_mixture(crc, &w);
		}
	}
}

/* An initiator with each RTR, a responder that holds back until it has come */
static void loop__each_rtr(void)
{
	struct wire w = straight;
	struct siw_sge sge = env_sge(SINK, SINK_TO, 8);
	u32 rtr, i, crc;

	for (crc = 0; crc < 2; crc++) {
		for (rtr = IWARP_RTR_SEND; rtr <= IWARP_RTR_READ; rtr++) {
			for (w.room = 1; w.room < 100; w.room += 7) {
				struct link l;

				unit_context("rtr %u, crc %u, room %u", rtr, crc,
					     w.room);
				link_up(&l, crc);
				core_start(&l.env[0]->qp, crc, MAX_ULPDU, rtr, 0, false);
				core_start(&l.env[1]->qp, crc, MAX_ULPDU, 0, rtr, true);
				for (i = 0; i < 2; i++) {
					struct siw_sqe sqe = env_sqe(1, SIW_OP_SEND,
								     SIGNALLED);

					env_post_recv(l.env[i], 2, 1, &sge);
					sqe.num_sge = 1;
					sqe.sge[0] = env_sge(SOURCE, SOURCE_TO, 8);
					CHECK(env_post(l.env[i], &sqe));
				}
				pump(&l, &w);
				for (i = 0; i < 2; i++) {
					CHECK_EQ(l.err[i], 0);
					CHECK_EQ(l.env[i]->firsts, 1);
					CHECK_EQ(l.env[i]->done_n, 2);
					CHECK_EQ(l.env[i]->placed, 8);
					CHECK(core_transmit_idle(&l.env[i]->qp));
				}
				env_finish();
				env_reset();
			}
		}
	}
}

/* What the peer refuses ends as the Terminate says, and all else is flushed. */
static void loop__read_refused(void)
{
	static const struct {
		u32 stag;
		u64 to;
		u8 ecode;
	} cases[] = {
		{ 0x999, SOURCE_TO, 0 }, { SOURCE, SOURCE_TO + SIZE - 9, 1 },
		{ SINK, SINK_TO, 2 },
	};
	u32 i, crc;

	for (crc = 0; crc < 2; crc++) {
		for (i = 0; i < ARRAY_SIZE(cases); i++) {
			struct siw_sqe sqe = env_sqe(1, SIW_OP_READ, 0);
			struct link l;

			unit_context("case %u, crc %u", i, crc);
			link_up(&l, crc);
			sqe.num_sge = 1;
			sqe.sge[0] = env_sge(SINK, SINK_TO, 10);
			sqe.rkey = cases[i].stag;
			sqe.raddr = cases[i].to;
			CHECK(env_post(l.env[0], &sqe));
			sqe = env_sqe(2, SIW_OP_WRITE, 0);
			CHECK(env_post(l.env[0], &sqe));
			pump(&l, &straight);
			CHECK_EQ(l.err[1], -EPROTO);
			CHECK_EQ(l.err[0], -ECONNRESET);
			CHECK_EQ(l.env[0]->qp.received.layer, TERM_LAYER_RDMAP);
			CHECK_EQ(l.env[0]->qp.received.etype, TERM_RDMAP_PROTECTION);
			CHECK_EQ(l.env[0]->qp.received.ecode, cases[i].ecode);
			CHECK_EQ(l.env[0]->qp.received.hdr_len, 48);
			core_queue_flush(&l.env[0]->qp);
			core_queue_flush(&l.env[1]->qp);
			CHECK_EQ(l.env[0]->done_n, 2);
			env_check_done(l.env[0], 0, false, 1, SIW_OP_READ,
				       SIW_WC_REM_ACCESS_ERR, 0);
			env_check_done(l.env[0], 1, false, 2, SIW_OP_WRITE,
				       SIW_WC_WR_FLUSH_ERR, 0);
			env_finish();
			env_reset();
		}
	}
}

/* Of three the second is refused: the first is served, the third is flushed */
static void loop__second_read_refused(void)
{
	struct wire w = straight;
	u32 crc, i;

	for (crc = 0; crc < 2; crc++) {
		for (w.room = 1; w.room < 1000; w.room += w.room < 60 ? 1 : 50) {
			struct link l;

			unit_context("crc %u, room %u", crc, w.room);
			link_up(&l, crc);
			l.env[0]->qp.orq_get = 3;
			l.env[0]->qp.orq_put = 3;
			for (i = 0; i < 3; i++) {
				struct siw_sqe sqe = env_sqe(i, SIW_OP_READ, SIGNALLED);

				sqe.num_sge = 1;
				sqe.sge[0] = env_sge(SINK, SINK_TO + 300 * i, 250);
				sqe.rkey = i == 1 ? 0x999 : SOURCE;
				sqe.raddr = SOURCE_TO;
				CHECK(env_post(l.env[0], &sqe));
			}
			pump(&l, &w);
			core_queue_flush(&l.env[0]->qp);
			CHECK_EQ(l.env[0]->done_n, 3);
			env_check_done(l.env[0], 0, false, 0, SIW_OP_READ,
				       SIW_WC_SUCCESS, 250);
			env_check_done(l.env[0], 1, false, 1, SIW_OP_READ,
				       SIW_WC_REM_ACCESS_ERR, 0);
			env_check_done(l.env[0], 2, false, 2, SIW_OP_READ,
				       SIW_WC_WR_FLUSH_ERR, 0);
			CHECK_EQ(l.env[0]->placed, 250);
			env_finish();
			env_reset();
		}
	}
}

static void loop__write_refused(void)
{
	struct siw_sqe sqe = env_sqe(1, SIW_OP_WRITE, SIGNALLED);
	struct link l;

	link_up(&l, true);
	sqe.num_sge = 1;
	sqe.sge[0] = env_sge(SOURCE, SOURCE_TO, 300);
	sqe.rkey = SINK;
	sqe.raddr = SINK_TO + SIZE - 299;
	CHECK(env_post(l.env[0], &sqe));
	pump(&l, &straight);
	/* Two segments fit, the third does not */
	CHECK_EQ(l.env[1]->placed, 2 * (MAX_ULPDU - 14));
	CHECK_EQ(l.err[1], -EPROTO);
	CHECK_EQ(l.err[0], -ECONNRESET);
	CHECK_EQ(l.env[0]->qp.received.layer, TERM_LAYER_DDP);
	CHECK_EQ(l.env[0]->qp.received.etype, TERM_DDP_TAGGED);
	CHECK_EQ(l.env[0]->qp.received.ecode, TERM_DDP_T_BOUNDS);
	CHECK_EQ(l.env[0]->qp.received.hdr_len, 16);
}

static const struct unit_test tests[] = {
	UNIT_TEST(loop__every_operation_and_size),
	UNIT_TEST(loop__large),
	UNIT_TEST(loop__received_in_two_parts),
	UNIT_TEST(loop__in_chunks_of_every_size),
	UNIT_TEST(loop__both_ways_at_once),
	UNIT_TEST(loop__each_rtr),
	UNIT_TEST(loop__read_refused),
	UNIT_TEST(loop__second_read_refused),
	UNIT_TEST(loop__write_refused),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
