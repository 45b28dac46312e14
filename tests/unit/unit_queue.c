// SPDX-License-Identifier: GPL-2.0
/*
 * queue.c: the application's ring, the private copy, completions in order.
 */
#include "env.h"
#include "harness.h"

#define SIGNALLED	SIW_WQE_SIGNALLED

static struct env *start(u32 sq_size)
{
	struct env *env = env_new(sq_size, 2, 2);

	env_region(env, 0x100, 0x10000, 4096, CORE_LOCAL_WRITE);
	env_region(env, 0x200, 0x20000, 4096, CORE_LOCAL_READ);
	env_region(env, 0x300, 0x30000, 4096, CORE_LOCAL_WRITE)->foreign = true;
	core_start(&env->qp, false, 1024, 0, 0, false);
	return env;
}

static void post(struct env *env, u64 id, u8 opcode, u16 flags)
{
	struct siw_sqe sqe = env_sqe(id, opcode, flags);

	CHECK(env_post(env, &sqe));
}

static u32 accept(struct env *env)
{
	CHECK(core_queue_accept(&env->qp));
	return env->qp.tx.send;
}

/* As if a Read Request for @send had gone out */
static void read_outstanding(struct env *env, u32 send)
{
	struct core_qp *qp = &env->qp;

	qp->orq[qp->orq_put % qp->ord].send = send;
	qp->orq_put = core_ring_next(qp->orq_put, qp->ord);
}

static void core_queue_done__in_the_order_of_posting(void)
{
	struct env *env = start(4);
	u32 i;

	for (i = 0; i < 3; i++) {
		post(env, 10 + i, SIW_OP_SEND, SIGNALLED);
		CHECK_EQ(accept(env), i);
	}
	core_queue_done(&env->qp, 1, SIW_WC_SUCCESS);
	CHECK_EQ(env->done_n, 0);
	core_queue_done(&env->qp, 0, SIW_WC_SUCCESS);
	CHECK_EQ(env->done_n, 2);
	core_queue_done(&env->qp, 2, SIW_WC_SUCCESS);
	CHECK_EQ(env->done_n, 3);
	for (i = 0; i < 3; i++)
		env_check_done(env, i, false, 10 + i, SIW_OP_SEND, 0, 0);
	CHECK_EQ(env->qp.sends_tail, 3);
}

static void core_queue_done__unsignalled(void)
{
	struct env *env = start(4);

	post(env, 1, SIW_OP_WRITE, 0);
	post(env, 2, SIW_OP_WRITE, SIGNALLED);
	post(env, 3, SIW_OP_WRITE, 0);
	accept(env);
	accept(env);
	accept(env);
	core_queue_done(&env->qp, 0, SIW_WC_SUCCESS);
	CHECK_EQ(env->done_n, 0);
	core_queue_done(&env->qp, 1, SIW_WC_SUCCESS);
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, false, 2, SIW_OP_WRITE, SIW_WC_SUCCESS, 0);
	/* A failure is told in any case */
	core_queue_done(&env->qp, 2, SIW_WC_LOC_PROT_ERR);
	CHECK_EQ(env->done_n, 2);
	env_check_done(env, 1, false, 3, SIW_OP_WRITE, SIW_WC_LOC_PROT_ERR, 0);
}

static void core_queue_done__every_status_waits_its_turn(void)
{
	struct env *env = start(4);

	post(env, 1, SIW_OP_READ, SIGNALLED);
	post(env, 2, SIW_OP_SEND, 0);
	accept(env);
	accept(env);
	core_queue_done(&env->qp, 1, SIW_WC_LOC_QP_OP_ERR);
	CHECK_EQ(env->done_n, 0);
	env->qp.sends[0].bytes = 77;
	core_queue_done(&env->qp, 0, SIW_WC_SUCCESS);
	CHECK_EQ(env->done_n, 2);
	env_check_done(env, 0, false, 1, SIW_OP_READ, SIW_WC_SUCCESS, 77);
	env_check_done(env, 1, false, 2, SIW_OP_SEND, SIW_WC_LOC_QP_OP_ERR, 0);
}

/* Four Sends are posted, whose numbers wrap round in the middle. */
static struct env *start_before_wrap(void)
{
	struct env *env = start(4);
	u32 i;

	env->sq_put = 0xfffffffe;
	env->qp.sq_get = 0xfffffffe;
	env->qp.sends_tail = 0xfffffffe;
	for (i = 0; i < 4; i++)
		post(env, i, SIW_OP_SEND, SIGNALLED);
	return env;
}

static void core_queue_done__numbers_wrap(void)
{
	struct env *env = start_before_wrap();
	u32 i;

	for (i = 0; i < 4; i++)
		CHECK_EQ(accept(env), 0xfffffffe + i);
	CHECK(!core_queue_accept(&env->qp));
	for (i = 4; i-- > 0;)
		core_queue_done(&env->qp, 0xfffffffe + i, SIW_WC_SUCCESS);
	CHECK_EQ(env->done_n, 4);
	for (i = 0; i < 4; i++)
		env_check_done(env, i, false, i, SIW_OP_SEND, 0, 0);
	CHECK_EQ(env->qp.sends_tail, 2);
}

static enum siw_wc_status check(struct env *env, u8 opcode, u16 flags,
				u8 num_sge, struct siw_sge sge)
{
	struct siw_sqe sqe = env_sqe(0, opcode, flags);
	u32 i;

	sqe.num_sge = num_sge;
	for (i = 0; i < SIW_MAX_SGE; i++)
		sqe.sge[i] = sge;
	env->qp.tx.wqe = sqe;
	env->qp.tx.length = 0xdeadbeef;
	return core_queue_check_send(&env->qp);
}

static void check_sge__each_protection_error(void)
{
	static const struct {
		u32 lkey;
		u64 addr;
		u32 len;
		enum siw_wc_status status;
	} cases[] = {
		{ 0x100, 0x10000, 4096, SIW_WC_SUCCESS },
		{ 0x100, 0x10fff, 1, SIW_WC_SUCCESS },
		{ 0x100, 0x11000, 1, SIW_WC_LOC_PROT_ERR },
		{ 0x100, 0x10001, 4096, SIW_WC_LOC_PROT_ERR },
		{ 0x100, 0xffff, 2, SIW_WC_LOC_PROT_ERR },
		{ 0x100, 0xffffffffffffffffull, 2, SIW_WC_LOC_PROT_ERR },
		{ 0x300, 0x30000, 1, SIW_WC_LOC_PROT_ERR },
		{ 0x999, 0x10000, 1, SIW_WC_LOC_PROT_ERR },
		{ 0x100, 0x10000, 0xffffffff, SIW_WC_LOC_PROT_ERR },
	};
	struct env *env = start(4);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unit_context("case %u", i);
		CHECK_EQ(check(env, SIW_OP_WRITE, 0, 1,
			       env_sge(cases[i].lkey, cases[i].addr, cases[i].len)),
			 cases[i].status);
	}
}

static void check_sge__zero_length_needs_no_key(void)
{
	struct env *env = start(4);

	CHECK_EQ(check(env, SIW_OP_SEND, 0, 1, env_sge(0x999, 1, 0)),
		 SIW_WC_SUCCESS);
	CHECK_EQ(env->qp.tx.length, 0);
}

static void core_queue_check_send__every_opcode(void)
{
	struct env *env = start(4);
	u32 opcode;

	for (opcode = 0; opcode < 256; opcode++) {
		bool local = opcode == SIW_OP_REG_MR || opcode == SIW_OP_INVAL_STAG;
		bool known = opcode == SIW_OP_WRITE || core_is_read(opcode) ||
			     opcode == SIW_OP_SEND ||
			     opcode == SIW_OP_SEND_REMOTE_INV;

		unit_context("opcode %u", opcode);
		env->fail_local = 1;
		env->fail_local_with = SIW_WC_GENERAL_ERR;
		env->locals_n = 0;
		CHECK_EQ(check(env, opcode, 0, 1, env_sge(0x100, 0x10000, 9)),
			 known ? SIW_WC_SUCCESS :
			 local ? SIW_WC_GENERAL_ERR : SIW_WC_LOC_QP_OP_ERR);
		CHECK_EQ(env->locals_n, local);
		if (known)
			CHECK_EQ(env->qp.tx.length, 9);
	}
}

static void core_queue_check_send__read(void)
{
	static const u8 opcodes[] = { SIW_OP_READ, SIW_OP_READ_LOCAL_INV };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(opcodes); i++) {
		struct siw_sge sge = env_sge(0x100, 0x10000, 9);
		struct env *env = start(4);
		u8 opcode = opcodes[i];

		unit_context("opcode %u", opcode);
		/* Without a sink there is no STag to invalidate. */
		CHECK_EQ(check(env, opcode, 0, 0, sge), opcode == SIW_OP_READ ?
			 SIW_WC_SUCCESS : SIW_WC_LOC_QP_OP_ERR);
		if (opcode == SIW_OP_READ)
			CHECK_EQ(env->qp.tx.length, 0);
		CHECK_EQ(check(env, opcode, 0, 1, sge), SIW_WC_SUCCESS);
		CHECK_EQ(check(env, opcode, 0, 2, sge), SIW_WC_LOC_QP_OP_ERR);
		CHECK_EQ(check(env, opcode, SIW_WQE_INLINE, 1, sge),
			 SIW_WC_LOC_QP_OP_ERR);
		/* The sink needs local write, the others do with read */
		sge = env_sge(0x200, 0x20000, 9);
		CHECK_EQ(check(env, opcode, 0, 1, sge), SIW_WC_LOC_PROT_ERR);
		CHECK_EQ(check(env, SIW_OP_WRITE, 0, 1, sge), SIW_WC_SUCCESS);
		env->qp.ord = 0;
		CHECK_EQ(check(env, opcode, 0, 0, sge), SIW_WC_LOC_QP_OP_ERR);
		env->qp.ord = 2;
		CHECK_EQ(env->locals_n, 0);
	}
}

static void core_queue_check_send__inline(void)
{
	struct env *env = start(4);
	u32 len;

	for (len = 0; len <= SIW_MAX_INLINE; len++) {
		CHECK_EQ(check(env, SIW_OP_SEND, SIW_WQE_INLINE, 255,
			       env_sge(0x999, 0, len)), SIW_WC_SUCCESS);
		CHECK_EQ(env->qp.tx.length, len);
	}
	CHECK_EQ(check(env, SIW_OP_WRITE, SIW_WQE_INLINE, 1,
		       env_sge(0, 0, SIW_MAX_INLINE + 1)), SIW_WC_LOC_LEN_ERR);
	CHECK_EQ(check(env, SIW_OP_WRITE, SIW_WQE_INLINE, 1,
		       env_sge(0, 0, 0xffffffff)), SIW_WC_LOC_LEN_ERR);
}

static void core_queue_check_send__every_num_sge(void)
{
	struct env *env = start(4);
	u32 n;

	for (n = 0; n < 256; n++) {
		unit_context("%u", n);
		CHECK_EQ(check(env, SIW_OP_SEND, 0, n, env_sge(0x100, 0x10000, 100)),
			 n <= SIW_MAX_SGE ? SIW_WC_SUCCESS : SIW_WC_LOC_QP_OP_ERR);
		if (n <= SIW_MAX_SGE)
			CHECK_EQ(env->qp.tx.length, 100 * n);
	}
}

/* 2^31 octets and not one more; the sum does not wrap */
static void core_queue_check_send__longest(void)
{
	struct env *env = start(4);

	env->regions->foreign = false;
	env->regions->len = 0xffffffff;
	CHECK_EQ(check(env, SIW_OP_SEND, 0, 2, env_sge(0x300, 0x30000, 0x40000000)),
		 SIW_WC_SUCCESS);
	CHECK_EQ(env->qp.tx.length, 0x80000000);
	CHECK_EQ(check(env, SIW_OP_SEND, 0, 1, env_sge(0x300, 0x30000, 0x80000001)),
		 SIW_WC_LOC_LEN_ERR);
	CHECK_EQ(check(env, SIW_OP_SEND, 0, 4, env_sge(0x300, 0x30000, 0x40000000)),
		 SIW_WC_LOC_LEN_ERR);
	CHECK_EQ(check(env, SIW_OP_SEND, 0, 6, env_sge(0x300, 0x30000, 0xffffffff)),
		 SIW_WC_LOC_LEN_ERR);
}

static void core_queue_check_send__each_sge(void)
{
	struct env *env = start(4);
	u32 bad;

	for (bad = 0; bad < SIW_MAX_SGE; bad++) {
		env->fail_get = 1 << bad;
		CHECK_EQ(check(env, SIW_OP_SEND, 0, SIW_MAX_SGE,
			       env_sge(0x100, 0x10000, 1)), SIW_WC_LOC_PROT_ERR);
		env->fail_get = 0;
		env->fail_check = 1 << bad;
		env->fail_with = CORE_CHECK_ACCESS;
		CHECK_EQ(check(env, SIW_OP_SEND, 0, SIW_MAX_SGE,
			       env_sge(0x100, 0x10000, 1)), SIW_WC_LOC_PROT_ERR);
		env->fail_check = 0;
	}
}

static void queue_blocked__fence(void)
{
	struct env *env = start(4);

	read_outstanding(env, CORE_NO_SEND);
	post(env, 1, SIW_OP_SEND, SIGNALLED);
	post(env, 2, SIW_OP_SEND, SIW_WQE_READ_FENCE);
	accept(env);
	CHECK(!core_queue_accept(&env->qp));
	CHECK_EQ(env->qp.sq_get, 1);
	CHECK(env->qp.sq[1].flags & SIW_WQE_VALID);
	env->qp.orq_get = core_ring_next(env->qp.orq_get, 2);
	CHECK_EQ(accept(env), 1);
}

static void queue_blocked__reads_outstanding(void)
{
	struct env *env = start(4);
	u32 i;

	/* At every place in the ring */
	for (i = 0; i < 4; i++) {
		unit_context("%u", i);
		read_outstanding(env, CORE_NO_SEND);
		post(env, 2 * i, SIW_OP_READ, 0);
		accept(env);
		read_outstanding(env, CORE_NO_SEND);
		post(env, 2 * i + 1, SIW_OP_READ, 0);
		CHECK(!core_queue_accept(&env->qp));
		env->qp.orq_get = core_ring_next(env->qp.orq_get, 2);
		accept(env);
		env->qp.orq_get = core_ring_next(env->qp.orq_get, 2);
		CHECK(!core_reads_outstanding(&env->qp));
		core_queue_done(&env->qp, 2 * i, 0);
		core_queue_done(&env->qp, 2 * i + 1, 0);
		read_outstanding(env, CORE_NO_SEND);
		env->qp.orq_get = core_ring_next(env->qp.orq_get, 2);
	}
}

/* Others than Reads are not held up by the limit */
static void queue_blocked__not_by_ord(void)
{
	struct env *env = start(4);

	read_outstanding(env, CORE_NO_SEND);
	read_outstanding(env, CORE_NO_SEND);
	post(env, 1, SIW_OP_WRITE, 0);
	accept(env);
	post(env, 2, SIW_OP_SEND, 0);
	accept(env);
	/* Without any ORD a Read is refused, and does not wait for ever */
	env->qp.orq_get = env->qp.orq_put;
	env->qp.ord = 0;
	post(env, 3, SIW_OP_READ, 0);
	accept(env);
	env->qp.ord = 2;
}

static void core_queue_accept__nothing_there(void)
{
	struct env *env = start(4);

	CHECK(!core_queue_accept(&env->qp));
	env->qp.sq[0].flags = SIW_WQE_SIGNALLED;
	CHECK(!core_queue_accept(&env->qp));
	CHECK_EQ(env->qp.sq_get, 0);
}

static void core_queue_accept__clears_valid(void)
{
	struct env *env = start(2);

	post(env, 1, SIW_OP_SEND, SIGNALLED);
	accept(env);
	CHECK_EQ(env->qp.sq[0].flags, 0);
	CHECK(!core_queue_accept(&env->qp));
}

/* What the application writes afterwards is not looked at */
static void core_queue_accept__copies(void)
{
	struct env *env = start(2);
	struct siw_sqe sqe = env_sqe(1, SIW_OP_WRITE, SIGNALLED);

	sqe.num_sge = 1;
	sqe.rkey = 0x55;
	sqe.raddr = 0x66;
	sqe.sge[0] = env_sge(0x100, 0x10000, 12);
	CHECK(env_post(env, &sqe));
	accept(env);
	memset(env->qp.sq, 0xff, 2 * sizeof(sqe));
	sqe.flags |= SIW_WQE_VALID;
	CHECK_BYTES(&env->qp.tx.wqe, sizeof(sqe), &sqe, sizeof(sqe));
	core_queue_done(&env->qp, 0, SIW_WC_SUCCESS);
	env_check_done(env, 0, false, 1, SIW_OP_WRITE, SIW_WC_SUCCESS, 0);
}

/* The application sees its ring free while all are still under way. */
static void core_queue_accept__private_ring_full(void)
{
	struct env *env = start(2);

	post(env, 1, SIW_OP_READ, SIGNALLED);
	post(env, 2, SIW_OP_READ, SIGNALLED);
	accept(env);
	accept(env);
	post(env, 3, SIW_OP_SEND, SIGNALLED);
	CHECK(!core_queue_accept(&env->qp));
	CHECK(env->qp.sq[0].flags & SIW_WQE_VALID);
	core_queue_done(&env->qp, 1, SIW_WC_SUCCESS);
	CHECK(!core_queue_accept(&env->qp));
	core_queue_done(&env->qp, 0, SIW_WC_SUCCESS);
	CHECK_EQ(accept(env), 2);
	core_queue_done(&env->qp, 2, SIW_WC_SUCCESS);
	CHECK_EQ(env->done_n, 3);
	env_check_done(env, 2, false, 3, SIW_OP_SEND, SIW_WC_SUCCESS, 0);
}

/* A completion's opcode is one that libsiw knows */
static void core_queue_accept__hostile_opcode(void)
{
	struct env *env = start(2);
	u32 opcode;

	for (opcode = 0; opcode < 256; opcode++) {
		unit_context("opcode %u", opcode);
		post(env, opcode, opcode, 0xffff & ~SIW_WQE_READ_FENCE);
		env->qp.send_failed = false;
		core_queue_done(&env->qp, accept(env), SIW_WC_LOC_QP_OP_ERR);
		env_check_done(env, opcode, false, opcode,
			       opcode < SIW_NUM_OPCODES ? opcode : SIW_OP_SEND,
			       SIW_WC_LOC_QP_OP_ERR, 0);
	}
}

static bool flush_all(struct env *env, u32 from, u64 first_id, u32 n)
{
	bool more = core_queue_flush(&env->qp);
	u32 i;

	CHECK_EQ(env->done_n, from + n);
	for (i = 0; i < n; i++) {
		CHECK_EQ(env->done[from + i].c.id, first_id + i);
		CHECK_EQ(env->done[from + i].c.status, SIW_WC_WR_FLUSH_ERR);
	}
	CHECK(env->qp.error && env->qp.tx.closed);
	CHECK_EQ(env->qp.sends_tail, env->qp.sq_get);
	return more;
}

static void core_queue_flush__accepted_then_ring(void)
{
	struct env *env = start(8);
	u32 i;

	for (i = 0; i < 8; i++)
		post(env, i, i % 3 ? SIW_OP_SEND : SIW_OP_WRITE, i % 2 ? SIGNALLED : 0);
	for (i = 0; i < 3; i++)
		accept(env);
	flush_all(env, 0, 0, 8);
	env_check_done(env, 3, false, 3, SIW_OP_WRITE, SIW_WC_WR_FLUSH_ERR, 0);
	for (i = 0; i < 8; i++)
		CHECK_EQ(env->qp.sq[i].flags, 0);
	/* What is posted later goes the same way */
	post(env, 8, SIW_OP_SEND, 0);
	flush_all(env, 8, 8, 1);
	flush_all(env, 9, 0, 0);
}

static void core_queue_flush__numbers_wrap(void)
{
	struct env *env = start(4);
	u32 i;

	env->sq_put = 0xffffffff;
	env->qp.sq_get = 0xffffffff;
	env->qp.sends_tail = 0xffffffff;
	for (i = 0; i < 4; i++)
		post(env, i, SIW_OP_SEND, SIGNALLED);
	accept(env);
	accept(env);
	/* No Read is number 0xffffffff, though it looks like CORE_NO_SEND */
	env->qp.peer_term = true;
	env->qp.received.hdr_len = 20;
	env->qp.received.hdr[3] = 0x41;
	read_outstanding(env, CORE_NO_SEND);
	flush_all(env, 0, 0, 4);
	CHECK_EQ(env->qp.sends_tail, 3);
}

static void core_queue_flush__finished_behind_a_read(void)
{
	struct env *env = start(4);

	post(env, 1, SIW_OP_READ, SIGNALLED);
	post(env, 2, SIW_OP_SEND, SIGNALLED);
	post(env, 3, SIW_OP_SEND, 0);
	accept(env);
	accept(env);
	accept(env);
	core_queue_done(&env->qp, 1, SIW_WC_SUCCESS);
	core_queue_done(&env->qp, 2, SIW_WC_LOC_PROT_ERR);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 3);
	env_check_done(env, 0, false, 1, SIW_OP_READ, SIW_WC_WR_FLUSH_ERR, 0);
	env_check_done(env, 1, false, 2, SIW_OP_SEND, SIW_WC_WR_FLUSH_ERR, 0);
	/* The reason of the failure is not lost */
	env_check_done(env, 2, false, 3, SIW_OP_SEND, SIW_WC_LOC_PROT_ERR, 0);
}

/* It completes with the reason at once, and they do not, sent or not. */
static void core_queue_done__behind_one_that_failed(void)
{
	struct env *env = start(4);

	post(env, 1, SIW_OP_READ, 0);
	post(env, 2, SIW_OP_SEND, SIGNALLED);
	post(env, 3, SIW_OP_SEND, SIGNALLED);
	accept(env);
	accept(env);
	accept(env);
	core_queue_done(&env->qp, 1, SIW_WC_SUCCESS);
	core_queue_done(&env->qp, 0, SIW_WC_LOC_PROT_ERR);
	core_queue_done(&env->qp, 2, SIW_WC_SUCCESS);
	CHECK_EQ(env->done_n, 1);
	env_check_done(env, 0, false, 1, SIW_OP_READ, SIW_WC_LOC_PROT_ERR, 0);
	flush_all(env, 1, 2, 2);
}

static void read_status__from_the_terminate(void)
{
	static const struct {
		u8 layer, etype, ecode, hdr_len, rdmap, msn;
		u16 first, second;
	} cases[] = {
		{ 0, 1, 0, 48, 0x41, 1, SIW_WC_REM_ACCESS_ERR, SIW_WC_WR_FLUSH_ERR },
		{ 0, 1, 0, 48, 0x41, 2, SIW_WC_WR_FLUSH_ERR, SIW_WC_REM_ACCESS_ERR },
		{ 0, 1, 4, 20, 0x41, 1, SIW_WC_REM_ACCESS_ERR, SIW_WC_WR_FLUSH_ERR },
		{ 0, 2, 6, 20, 0x41, 1, SIW_WC_REM_INV_REQ_ERR, SIW_WC_WR_FLUSH_ERR },
		{ 0, 0, 0, 20, 0x41, 1, SIW_WC_REM_INV_REQ_ERR, SIW_WC_WR_FLUSH_ERR },
		{ 1, 1, 0, 20, 0x41, 2, SIW_WC_WR_FLUSH_ERR, SIW_WC_REM_INV_REQ_ERR },
		{ 1, 2, 2, 20, 0x41, 1, SIW_WC_REM_INV_REQ_ERR, SIW_WC_WR_FLUSH_ERR },
		/* Names no Read of ours, or none at all */
		{ 0, 1, 0, 48, 0x41, 0, SIW_WC_WR_FLUSH_ERR, SIW_WC_WR_FLUSH_ERR },
		{ 0, 1, 0, 48, 0x41, 3, SIW_WC_WR_FLUSH_ERR, SIW_WC_WR_FLUSH_ERR },
		{ 0, 1, 0, 19, 0x41, 1, SIW_WC_WR_FLUSH_ERR, SIW_WC_WR_FLUSH_ERR },
		{ 0, 1, 0, 0, 0x41, 1, SIW_WC_WR_FLUSH_ERR, SIW_WC_WR_FLUSH_ERR },
		{ 0, 1, 0, 16, 0x40, 1, SIW_WC_WR_FLUSH_ERR, SIW_WC_WR_FLUSH_ERR },
		{ 0, 1, 0, 20, 0x43, 1, SIW_WC_WR_FLUSH_ERR, SIW_WC_WR_FLUSH_ERR },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct env *env = start(4);
		struct core_term *term = &env->qp.received;

		unit_context("case %u", i);
		post(env, 1, SIW_OP_WRITE, SIGNALLED);
		post(env, 2, SIW_OP_READ, 0);
		post(env, 3, SIW_OP_READ, SIGNALLED);
		accept(env);
		read_outstanding(env, accept(env));
		read_outstanding(env, accept(env));
		env->qp.tx.msn[DDP_QN_READ_REQUEST] = 3;
		env->qp.peer_term = true;
		term->layer = cases[i].layer;
		term->etype = cases[i].etype;
		term->ecode = cases[i].ecode;
		term->hdr_len = cases[i].hdr_len;
		term->hdr[3] = cases[i].rdmap;
		term->hdr[15] = cases[i].msn;
		core_queue_flush(&env->qp);
		env_check_done(env, 0, false, 1, SIW_OP_WRITE,
			       SIW_WC_WR_FLUSH_ERR, 0);
		env_check_done(env, 1, false, 2, SIW_OP_READ, cases[i].first, 0);
		env_check_done(env, 2, false, 3, SIW_OP_READ, cases[i].second, 0);
		CHECK(!core_reads_outstanding(&env->qp));
	}
}

static void core_queue_flush__receive_under_way(void)
{
	struct env *env = start(4);
	struct siw_sge sge = env_sge(0x100, 0x10000, 100);
	struct segment s = segment_send(1, 0, 30);
	struct bytes b = {};

	env_post_recv(env, 5, 1, &sge);
	env_post_recv(env, 6, 1, &sge);
	s.ddp = 0x01;
	frame_segment(&b, &s, false);
	CHECK_EQ(env_feed(env, b.data, b.len), 0);
	CHECK(!core_receive_between(&env->qp));
	post(env, 1, SIW_OP_SEND, 0);
	core_queue_flush(&env->qp);
	/* That one only: those that wait are the caller's */
	CHECK_EQ(env->done_n, 2);
	env_check_done(env, 0, false, 1, SIW_OP_SEND, SIW_WC_WR_FLUSH_ERR, 0);
	env_check_done(env, 1, true, 5, SIW_OP_RECEIVE, SIW_WC_WR_FLUSH_ERR, 0);
	core_queue_flush(&env->qp);
	CHECK_EQ(env->done_n, 2);
	bytes_free(&b);
}

static void post_more(struct env *env)
{
	post(env, env->done_n, SIW_OP_SEND, 0);
}

/* An application that posts as fast as it is flushed holds nobody up, and loses nothing */
static void core_queue_flush__bounded(void)
{
	struct env *env = start(4);

	env->on_done = post_more;
	post(env, 0, SIW_OP_SEND, 0);
	CHECK(flush_all(env, 0, 0, 4));
	CHECK(flush_all(env, 4, 4, 4));
	env->on_done = NULL;
	CHECK(!flush_all(env, 8, 8, 1));
}

static void core_queue_flush__ring_of_hostile_entries(void)
{
	struct env *env = start(4);
	u32 i;

	for (i = 0; i < 4; i++) {
		memset(&env->qp.sq[i], 0xff, sizeof(env->qp.sq[i]));
		env->qp.sq[i].id = i;
		env->open_sends[i] = true;
	}
	flush_all(env, 0, 0, 4);
	env_check_done(env, 0, false, 0, SIW_OP_SEND, SIW_WC_WR_FLUSH_ERR, 0);
}

/* Before any stream, as siw/ does when a QP goes from RESET to ERROR */
static void core_queue_flush__not_started(void)
{
	struct env *env = env_new(4, 2, 2);

	post(env, 0, SIW_OP_SEND, 0);
	flush_all(env, 0, 0, 1);
}

/*
 * In the middle of an FPDU: its memory is the application's again, so what is
 * missing cannot be sent any more.
 */
static void core_queue_flush__ends_output(void)
{
	u32 sent, max = 20 + 41 + 3 + 4;

	for (sent = 0; sent <= max; sent++) {
		struct env *env = start(4);
		struct siw_sqe sqe = env_sqe(1, SIW_OP_SEND, SIGNALLED);
		u8 out[200];
		u32 n;

		unit_context("after %u octets", sent);
		sqe.num_sge = 2;
		sqe.sge[0] = env_sge(0x100, 0x10000, 20);
		sqe.sge[1] = env_sge(0x200, 0x20000, 21);
		CHECK(env_post(env, &sqe));
		CHECK_EQ(core_transmit(&env->qp, out, sent), sent);
		core_queue_flush(&env->qp);
		env->regions->next->gone = true;
		env->regions->next->next->gone = true;
		n = core_transmit(&env->qp, out, sizeof(out));
		if (sent > 0 && sent < 20 + 41) {
			CHECK(env->qp.broken);
			CHECK_EQ(n, 0);
		} else {
			CHECK(!env->qp.broken);
			CHECK_EQ(n, sent ? max - sent : 0);
		}
		CHECK_EQ(env->done_n, 1);
		env_check_done(env, 0, false, 1, SIW_OP_SEND, sent == max ?
			       SIW_WC_SUCCESS : SIW_WC_WR_FLUSH_ERR, 0);
		CHECK_EQ(core_transmit(&env->qp, out, sizeof(out)), 0);
	}
}

static void core_queue_forget__no_completions(void)
{
	struct env *env = start_before_wrap();
	u32 i;

	core_queue_forget(&env->qp);
	CHECK_EQ(env->done_n, 0);
	CHECK_EQ(env->qp.sq_get, 2);
	CHECK_EQ(env->qp.sends_tail, 2);
	for (i = 0; i < 4; i++)
		CHECK_EQ(env->qp.sq[i].flags & SIW_WQE_VALID, 0);
	/* What is posted next is the next */
	post(env, 9, SIW_OP_SEND, SIGNALLED);
	CHECK_EQ(accept(env), 2);
	CHECK_EQ(env->qp.tx.wqe.id, 9);
	CHECK(!core_queue_accept(&env->qp));
}

static const struct unit_test tests[] = {
	UNIT_TEST(core_queue_done__in_the_order_of_posting),
	UNIT_TEST(core_queue_done__unsignalled),
	UNIT_TEST(core_queue_done__every_status_waits_its_turn),
	UNIT_TEST(core_queue_done__numbers_wrap),
	UNIT_TEST(check_sge__each_protection_error),
	UNIT_TEST(check_sge__zero_length_needs_no_key),
	UNIT_TEST(core_queue_check_send__every_opcode),
	UNIT_TEST(core_queue_check_send__read),
	UNIT_TEST(core_queue_check_send__inline),
	UNIT_TEST(core_queue_check_send__every_num_sge),
	UNIT_TEST(core_queue_check_send__longest),
	UNIT_TEST(core_queue_check_send__each_sge),
	UNIT_TEST(queue_blocked__fence),
	UNIT_TEST(queue_blocked__reads_outstanding),
	UNIT_TEST(queue_blocked__not_by_ord),
	UNIT_TEST(core_queue_accept__nothing_there),
	UNIT_TEST(core_queue_accept__clears_valid),
	UNIT_TEST(core_queue_accept__copies),
	UNIT_TEST(core_queue_accept__private_ring_full),
	UNIT_TEST(core_queue_accept__hostile_opcode),
	UNIT_TEST(core_queue_done__behind_one_that_failed),
	UNIT_TEST(read_status__from_the_terminate),
	UNIT_TEST(core_queue_flush__accepted_then_ring),
	UNIT_TEST(core_queue_flush__numbers_wrap),
	UNIT_TEST(core_queue_flush__finished_behind_a_read),
	UNIT_TEST(core_queue_flush__receive_under_way),
	UNIT_TEST(core_queue_flush__bounded),
	UNIT_TEST(core_queue_flush__ring_of_hostile_entries),
	UNIT_TEST(core_queue_flush__not_started),
	UNIT_TEST(core_queue_flush__ends_output),
	UNIT_TEST(core_queue_forget__no_completions),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests), env_finish, env_reset);
}
