// SPDX-License-Identifier: GPL-2.0
#include "surroundings.h"

struct core_region {
	struct bench_side *side;
};

static struct core_region region;

static struct bench_side *side_of(struct core_qp *qp)
{
	return (struct bench_side *)qp;
}

struct core_region *core_region_get(struct core_qp *qp, u32 stag)
{
	region.side = side_of(qp);
	return stag == BENCH_STAG ? &region : NULL;
}

void core_region_put(struct core_region *r)
{
	(void)r;
}

enum core_check core_region_check(struct core_qp *qp, struct core_region *r, u64 addr, u32 len,
				  u32 access)
{
	(void)qp;
	(void)access;
	return addr >= BENCH_BASE && len <= r->side->size &&
	       addr - BENCH_BASE <= r->side->size - len ? CORE_CHECK_OK : CORE_CHECK_BOUNDS;
}

bool core_region_write(struct core_region *r, u32 stag, u64 addr, const void *src, u32 len)
{
	(void)stag;
	memcpy(r->side->memory + (addr - BENCH_BASE), src, len);
	return true;
}

bool core_region_read(struct core_region *r, u32 stag, u64 addr, void *dst, u32 len)
{
	(void)stag;
	memcpy(dst, r->side->memory + (addr - BENCH_BASE), len);
	return true;
}

enum core_check core_region_invalidate(struct core_qp *qp, u32 stag)
{
	(void)qp;
	(void)stag;
	return CORE_CHECK_STAG;
}

enum siw_wc_status core_local_register(struct core_qp *qp, const struct siw_sqe *wqe)
{
	(void)qp;
	(void)wqe;
	return SIW_WC_LOC_PROT_ERR;
}

enum siw_wc_status core_local_invalidate(struct core_qp *qp, u8 opcode, u32 stag)
{
	(void)qp;
	(void)opcode;
	(void)stag;
	return SIW_WC_LOC_PROT_ERR;
}

bool core_recv_fetch(struct core_qp *qp, struct siw_rqe *rqe)
{
	memset(rqe, 0, sizeof(*rqe));
	rqe->num_sge = 1;
	rqe->sge[0].laddr = BENCH_BASE;
	rqe->sge[0].length = side_of(qp)->size;
	rqe->sge[0].lkey = BENCH_STAG;
	return true;
}

void core_complete_send(struct core_qp *qp, const struct core_completion *c)
{
	side_of(qp)->sent += c->status == SIW_WC_SUCCESS;
}

void core_complete_recv(struct core_qp *qp, const struct core_completion *c)
{
	side_of(qp)->received += c->status == SIW_WC_SUCCESS;
}

void core_write_placed(struct core_qp *qp)
{
	side_of(qp)->received++;
}

void core_first_fpdu(struct core_qp *qp)
{
	(void)qp;
}

void core_trace_fpdu_out(struct core_qp *qp, u8 opcode, u16 ulpdu, u32 offset)
{
	(void)qp;
	(void)opcode;
	(void)ulpdu;
	(void)offset;
}

void core_trace_fpdu_placed(struct core_qp *qp, u8 opcode, u16 ulpdu)
{
	(void)qp;
	(void)opcode;
	(void)ulpdu;
}

void core_trace_terminate(struct core_qp *qp, bool sent, const struct core_term *term)
{
	(void)qp;
	(void)sent;
	(void)term;
}
