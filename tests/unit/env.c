// SPDX-License-Identifier: GPL-2.0
/*
 * Stand-ins for what the core asks of its surroundings.
 */
#include <stdlib.h>

#include "crc32c.h"
#include "env.h"
#include "harness.h"

static struct env *envs;

static struct env *env_of(struct core_qp *qp)
{
	return (struct env *)qp;
}

static void *allocate(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		abort();
	return p;
}

struct env *env_new(u32 sq_size, u32 ord, u32 ird)
{
	struct env *env = allocate(1, sizeof(*env));

	env->next = envs;
	envs = env;
	env->qp.sq_size = sq_size;
	env->qp.ord = ord;
	env->qp.ird = ird;
	env->qp.sq = allocate(sq_size, sizeof(*env->qp.sq));
	env->qp.sends = allocate(sq_size, sizeof(*env->qp.sends));
	env->qp.orq = allocate(ord, sizeof(*env->qp.orq));
	env->qp.irq = allocate(ird, sizeof(*env->qp.irq));
	return env;
}

struct core_region *env_region(struct env *env, u32 stag, u64 base, u32 len,
			       u32 access)
{
	struct core_region *region = allocate(1, sizeof(*region));

	region->env = env;
	region->next = env->regions;
	env->regions = region;
	region->stag = stag;
	region->base = base;
	region->len = len;
	region->access = access;
	region->mem = allocate(len, 1);
	return region;
}

struct core_region *env_region_of(struct env *env, u32 stag)
{
	struct core_region *region = env->regions;

	while (region->stag != stag)
		region = region->next;
	return region;
}

void env_pattern(struct core_region *region, u8 seed)
{
	bytes_pattern(region->mem, region->len, seed);
}

u8 *env_mem(struct core_region *region, u64 addr)
{
	CHECK(addr >= region->base && addr - region->base <= region->len);
	return region->mem + (addr - region->base);
}

struct siw_sge env_sge(u32 lkey, u64 addr, u32 len)
{
	struct siw_sge sge = { .laddr = addr, .length = len, .lkey = lkey };

	return sge;
}

struct siw_sqe env_sqe(u64 id, u8 opcode, u16 flags)
{
	struct siw_sqe sqe = { .id = id, .opcode = opcode, .flags = flags };

	return sqe;
}

/* The application gives the region, its new key and its rights. */
struct siw_sqe env_register(u64 id, u16 flags, struct core_region *region, u32 stag,
			    u32 access)
{
	struct siw_sqe sqe = env_sqe(id, SIW_OP_REG_MR, flags);

	sqe.base_mr = (uintptr_t)region;
	sqe.rkey = stag;
	sqe.access = access;
	return sqe;
}

struct siw_sqe env_invalidate(u64 id, u16 flags, u32 stag)
{
	struct siw_sqe sqe = env_sqe(id, SIW_OP_INVAL_STAG, flags);

	sqe.rkey = stag;
	return sqe;
}

/* As libsiw does it: false if the entry is still marked */
bool env_post(struct env *env, const struct siw_sqe *sqe)
{
	struct siw_sqe *entry = &env->qp.sq[env->sq_put % env->qp.sq_size];

	if (entry->flags & SIW_WQE_VALID)
		return false;
	CHECK(sqe->id < ENV_IDS && !env->open_sends[sqe->id]);
	env->open_sends[sqe->id] = true;
	*entry = *sqe;
	entry->flags |= SIW_WQE_VALID;
	env->sq_put++;
	return true;
}

void env_must_post(struct env *env, struct siw_sqe sqe)
{
	CHECK(env_post(env, &sqe));
}

void env_post_recv(struct env *env, u64 id, u32 num_sge, const struct siw_sge *sge)
{
	struct siw_rqe *rqe = &env->recvs[env->recv_put++ % ENV_RECVS];
	u32 i;

	CHECK(env->recv_put - env->recv_get <= ENV_RECVS);
	CHECK(id < ENV_IDS && !env->open_recvs[id]);
	env->open_recvs[id] = true;
	memset(rqe, 0, sizeof(*rqe));
	rqe->id = id;
	rqe->num_sge = num_sge;
	for (i = 0; i < num_sge && i < SIW_MAX_SGE; i++)
		rqe->sge[i] = sge[i];
}

/* As siw/ does it: with CRCs only what the scan has found good is handed in. */
int env_feed(struct env *env, const void *data, u32 len)
{
	struct core_qp *qp = &env->qp;
	u32 offer = env->held.len + len;
	u32 at, n, consumed;
	int bad = 0, err = 0;

	bytes_put(&env->held, data, len);
	if (qp->crc) {
		bad = core_scan(&qp->scan, data, len);
		offer = qp->scan.verified;
		CHECK(offer <= env->held.len);
		CHECK(bad || core_scan_wants(&qp->scan) > 0);
	}
	for (at = 0; at < offer && !err; at += consumed) {
		n = min_t(u32, offer - at, env->piece ? env->piece : offer);
		err = core_receive(qp, env->held.data + at, n, &consumed);
		CHECK(consumed <= n);
		CHECK(err || consumed == n);
	}
	core_receive_pause(qp);
	bytes_drop(&env->held, at);
	if (qp->crc)
		qp->scan.verified -= at;
	if (bad && !err) {
		core_terminate(qp, TERM_LAYER_LLP, 0, TERM_MPA_CRC, NULL, 0);
		err = bad;
	}
	return err;
}

int env_feed_cut(struct env *env, const struct bytes *b, u32 cut)
{
	int err = env_feed(env, b->data, cut);

	return err ? err : env_feed(env, b->data + cut, b->len - cut);
}

int env_feed_segment(struct env *env, struct segment s)
{
	struct bytes b = {};
	int err;

	frame_segment(&b, &s, env->qp.crc);
	err = env_feed(env, b.data, b.len);
	bytes_free(&b);
	return err;
}

/* All that there is to send, @room octets a call */
void env_transmit(struct env *env, struct bytes *out, u32 room)
{
	u8 *chunk = allocate(room, 1);
	u32 n;

	do {
		n = core_transmit(&env->qp, chunk, room);
		if (n > room)
			abort();
		bytes_put(out, chunk, n);
		env->sent += n;
	} while (n == room);
	free(chunk);
}

void env_check_done(struct env *env, u32 n, bool recv, u64 id, u8 opcode,
		    u16 status, u32 bytes)
{
	const struct env_completion *done = &env->done[n];

	CHECK(n < env->done_n);
	CHECK_EQ(done->recv, recv);
	CHECK_EQ(done->c.id, id);
	CHECK_EQ(done->c.opcode, opcode);
	CHECK_EQ(done->c.status, status);
	CHECK_EQ(done->c.bytes, bytes);
}

void env_finish(void)
{
	struct core_region *region;
	struct env *env;

	for (env = envs; env; env = env->next)
		for (region = env->regions; region; region = region->next)
			CHECK_EQ(region->refs, 0);
}

void env_reset(void)
{
	struct core_region *region;
	struct env *env;

	while (envs) {
		env = envs;
		envs = env->next;
		while (env->regions) {
			region = env->regions;
			env->regions = region->next;
			free(region->mem);
			free(region);
		}
		free(env->qp.sq);
		free(env->qp.sends);
		free(env->qp.orq);
		free(env->qp.irq);
		bytes_free(&env->held);
		free(env);
	}
}

static bool fails(u64 *mask)
{
	bool fail = *mask & 1;

	*mask >>= 1;
	return fail;
}

struct core_region *core_region_get(struct core_qp *qp, u32 stag)
{
	struct env *env = env_of(qp);
	struct core_region *region;

	if (fails(&env->fail_get))
		return NULL;
	for (region = env->regions; region; region = region->next) {
		if (region->stag != stag || region->gone)
			continue;
		region->granted = false;
		region->held_as = stag;
		region->refs++;
		return region;
	}
	return NULL;
}

void core_region_put(struct core_region *region)
{
	CHECK(region->refs > 0);
	region->refs--;
	region->granted = false;
}

enum core_check core_region_check(struct core_qp *qp, struct core_region *region,
				  u64 addr, u32 len, u32 access)
{
	struct env *env = env_of(qp);

	CHECK(region->refs > 0);
	CHECK(region->env == env);
	CHECK(len > 0);
	region->granted = false;
	if (fails(&env->fail_check))
		return env->fail_with;
	if (region->foreign != (env->recvs_foreign && access & CORE_RECEIVE))
		return CORE_CHECK_STREAM;
	if (access & ~(region->access | CORE_RECEIVE))
		return CORE_CHECK_ACCESS;
	if (addr + len < addr)
		return CORE_CHECK_WRAP;
	if (addr < region->base || len > region->len ||
	    addr - region->base > region->len - len)
		return CORE_CHECK_BOUNDS;
	region->granted = true;
	region->grant_from = addr;
	region->grant_to = addr + len;
	region->grant_access = access;
	return CORE_CHECK_OK;
}

/*
 * What was granted must be asked for in any case. Whether it is still there is
 * another question: after a no there is no second try without a new check.
 */
static bool still_granted(struct core_region *region, u32 stag, u64 addr, u32 len)
{
	CHECK(region->refs > 0);
	CHECK(region->granted);
	CHECK(addr >= region->grant_from && addr + len <= region->grant_to);
	CHECK_EQ(stag, region->held_as);
	region->granted = !fails(&region->env->fail_copy) && !region->gone &&
			  region->stag == stag;
	return region->granted;
}

bool core_region_write(struct core_region *region, u32 stag, u64 addr, const void *src,
		       u32 len)
{
	CHECK(region->grant_access & (CORE_LOCAL_WRITE | CORE_REMOTE_WRITE));
	if (!still_granted(region, stag, addr, len))
		return false;
	memcpy(region->mem + (addr - region->base), src, len);
	region->written += len;
	region->env->placed += len;
	return true;
}

bool core_region_read(struct core_region *region, u32 stag, u64 addr, void *dst, u32 len)
{
	CHECK(region->grant_access == CORE_LOCAL_READ ||
	      region->grant_access == CORE_REMOTE_READ);
	if (!still_granted(region, stag, addr, len))
		return false;
	memcpy(dst, region->mem + (addr - region->base), len);
	region->env->fetched += len;
	return true;
}

enum core_check core_region_invalidate(struct core_qp *qp, u32 stag)
{
	struct env *env = env_of(qp);
	struct core_region *region;

	for (region = env->regions; region; region = region->next) {
		if (region->stag != stag || region->gone)
			continue;
		if (region->foreign)
			return CORE_CHECK_STREAM;
		if (!region->invalidatable)
			return CORE_CHECK_ACCESS;
		region->gone = true;
		return CORE_CHECK_OK;
	}
	return CORE_CHECK_STAG;
}

static enum siw_wc_status note_local(struct env *env, u8 opcode, u32 stag,
				     enum siw_wc_status status)
{
	struct env_local *local = &env->locals[env->locals_n++];

	CHECK(env->locals_n <= ENV_LOG);
	if (fails(&env->fail_local))
		status = env->fail_local_with;
	local->opcode = opcode;
	local->stag = stag;
	local->status = status;
	local->sent = env->sent;
	local->out_n = env->out_n;
	local->in_n = env->in_n;
	local->placed = env->placed;
	local->done_n = env->done_n;
	return status;
}

enum siw_wc_status core_local_register(struct core_qp *qp, const struct siw_sqe *wqe)
{
	struct env *env = env_of(qp);
	struct core_region *region = env->regions;
	enum siw_wc_status status;

	CHECK_EQ(wqe->opcode, SIW_OP_REG_MR);
	while (region && (uintptr_t)region != wqe->base_mr)
		region = region->next;
	status = note_local(env, SIW_OP_REG_MR, wqe->rkey, region && !region->foreign ?
			    SIW_WC_SUCCESS : SIW_WC_LOC_PROT_ERR);
	if (status != SIW_WC_SUCCESS)
		return status;
	region->stag = wqe->rkey;
	region->access = wqe->access;
	region->gone = false;
	return SIW_WC_SUCCESS;
}

/* One that is invalid already is found, too. */
enum siw_wc_status core_local_invalidate(struct core_qp *qp, u8 opcode, u32 stag)
{
	struct env *env = env_of(qp);
	struct core_region *region = env->regions;
	enum siw_wc_status status;

	CHECK(opcode == SIW_OP_INVAL_STAG || opcode == SIW_OP_READ_LOCAL_INV);
	while (region && (region->stag != stag || region->foreign))
		region = region->next;
	status = note_local(env, opcode, stag, region ? SIW_WC_SUCCESS : SIW_WC_LOC_PROT_ERR);
	if (status != SIW_WC_SUCCESS)
		return status;
	region->gone = true;
	return SIW_WC_SUCCESS;
}

bool core_recv_fetch(struct core_qp *qp, struct siw_rqe *rqe)
{
	struct env *env = env_of(qp);

	if (env->recv_get == env->recv_put)
		return false;
	*rqe = env->recvs[env->recv_get++ % ENV_RECVS];
	return true;
}

static void complete(struct env *env, bool *open, bool recv,
		     const struct core_completion *c)
{
	CHECK(c->id < ENV_IDS);
	CHECK(open[c->id]);
	CHECK(c->status < SIW_NUM_WC_STATUS);
	CHECK(c->opcode < SIW_NUM_OPCODES);
	CHECK(env->done_n < ENV_LOG);
	open[c->id] = false;
	env->done[env->done_n].recv = recv;
	env->done[env->done_n++].c = *c;
	if (env->on_done)
		env->on_done(env);
}

void core_complete_send(struct core_qp *qp, const struct core_completion *c)
{
	complete(env_of(qp), env_of(qp)->open_sends, false, c);
}

void core_complete_recv(struct core_qp *qp, const struct core_completion *c)
{
	complete(env_of(qp), env_of(qp)->open_recvs, true, c);
}

void core_write_placed(struct core_qp *qp)
{
	env_of(qp)->writes++;
}

void core_first_fpdu(struct core_qp *qp)
{
	env_of(qp)->firsts++;
}

u32 core_crc32c(u32 crc, const void *data, u32 len)
{
	return crc32c_by_table(crc, data, len);
}

static void note(struct env_fpdu *log, u32 *n, u8 opcode, u16 ulpdu, u32 offset)
{
	log += (*n)++ % ENV_LOG;
	log->opcode = opcode;
	log->ulpdu = ulpdu;
	log->offset = offset;
}

void core_trace_fpdu_out(struct core_qp *qp, u8 opcode, u16 ulpdu, u32 offset)
{
	note(env_of(qp)->out, &env_of(qp)->out_n, opcode, ulpdu, offset);
}

void core_trace_fpdu_placed(struct core_qp *qp, u8 opcode, u16 ulpdu)
{
	note(env_of(qp)->in, &env_of(qp)->in_n, opcode, ulpdu, 0);
}

void core_trace_terminate(struct core_qp *qp, bool sent,
			  const struct core_term *term)
{
	struct env *env = env_of(qp);

	CHECK(env->terms_n < ENV_LOG);
	env->terms[env->terms_n].sent = sent;
	env->terms[env->terms_n++].term = *term;
}
