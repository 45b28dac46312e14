// SPDX-License-Identifier: GPL-2.0
/*
 * Fast registration (FRWR): what an STag means changes with work requests, while
 * other streams may be using it. So it is used under a lock, run by run, and
 * each time it is seen whether it is still what it was.
 */
#include <linux/log2.h>
#include <linux/random.h>
#include <linux/slab.h>
#include "region.h"

/* Its registration may have gone since the check; then nothing is copied. */
bool siw_fast_copy(struct core_region *region, u32 stag, u64 addr, void *mem, u32 len, bool in)
{
	struct fast_region *fast = region->fast;
	u32 n, within, size;
	bool ok;
	u64 at;

	read_lock_bh(&fast->lock);
	ok = region->valid && region->stag == stag && siw_region_holds(region, addr, len);
	at = addr - region->start + region->offset;
	size = 1u << fast->shift;
	for (; ok && len; len -= n, at += n, mem += n) {
		u8 *chunk = fast->used[at >> fast->shift];

		within = at & (size - 1);
		n = min(len, size - within);
		if (in)
			memcpy(chunk + within, mem, n);
		else
			memcpy(mem, chunk + within, n);
	}
	read_unlock_bh(&fast->lock);
	return ok;
}

/* When this returns nobody copies by that STag any more. It may have another by now. */
void siw_fast_invalidate(struct core_region *region, u32 stag)
{
	write_lock_bh(&region->fast->lock);
	if (region->stag == stag)
		WRITE_ONCE(region->valid, false);
	write_unlock_bh(&region->fast->lock);
}

enum siw_wc_status core_local_register(struct core_qp *core, const struct siw_sqe *wqe)
{
	struct siw_qp *qp = core_to_siw_qp(core);
	struct core_region *region;
	struct fast_region *fast;
	u64 offset;

	if (!qp->kernel)
		return SIW_WC_LOC_QP_OP_ERR;
	region = container_of((struct ib_mr *)(uintptr_t)wqe->base_mr, struct core_region, mr);
	fast = region->fast;
	if (!fast || region->pd != qp->base.pd || (wqe->rkey ^ region->stag) >> STAG_KEY_BITS ||
	    !fast->count)
		return SIW_WC_LOC_PROT_ERR;
	/* The consumer could have changed what map_mr_sg() had set. */
	offset = region->mr.iova & (region->mr.page_size - 1);
	if (!is_power_of_2(region->mr.page_size) ||
	    offset + region->mr.length > (u64)fast->count * region->mr.page_size)
		return SIW_WC_LOC_PROT_ERR;

	write_lock_bh(&fast->lock);
	if (region->valid) {
		write_unlock_bh(&fast->lock);
		return SIW_WC_LOC_QP_OP_ERR;
	}
	if (fast->fresh)
		swap(fast->used, fast->mapped);
	fast->fresh = false;
	region->access = siw_region_access(wqe->access);
	region->start = region->mr.iova;
	region->length = region->mr.length;
	region->offset = offset;
	fast->shift = ilog2(region->mr.page_size);
	WRITE_ONCE(region->stag, wqe->rkey);
	WRITE_ONCE(region->valid, true);
	write_unlock_bh(&fast->lock);
	return SIW_WC_SUCCESS;
}

/**
 * siw_alloc_mr() - ib_device_ops.alloc_mr: a region for fast registration
 * @pd: protection domain
 * @type: IB_MR_TYPE_MEM_REG, nothing else
 * @max_num_sg: blocks that it is to hold, up to max_fast_reg_page_list_len
 *
 * Its STag is invalid until the first IB_WR_REG_MR. May sleep.
 *
 * Return: the MR or an ERR_PTR.
 */
struct ib_mr *siw_alloc_mr(struct ib_pd *pd, enum ib_mr_type type, u32 max_num_sg)
{
	struct core_region *region;
	struct fast_region *fast;
	int err = -ENOMEM;

	if (type != IB_MR_TYPE_MEM_REG)
		return ERR_PTR(-EOPNOTSUPP);
	if (!max_num_sg || max_num_sg > SIW_MAX_FAST_REG)
		return ERR_PTR(-EINVAL);
	region = siw_region_alloc(to_siw_dev(pd->device), pd, 0);
	if (!region)
		return ERR_PTR(-ENOMEM);
	fast = kvzalloc(struct_size(fast, chunks, 2 * (size_t)max_num_sg), GFP_KERNEL);
	if (!fast)
		goto err_free;
	rwlock_init(&fast->lock);
	fast->max = max_num_sg;
	fast->used = fast->chunks;
	fast->mapped = fast->chunks + max_num_sg;
	region->fast = fast;
	region->valid = false;
	err = siw_region_publish(region, get_random_u32());
	if (err)
		goto err_free;
	return &region->mr;

err_free:
	siw_region_free(region);
	return ERR_PTR(err);
}

static int map_chunk(struct ib_mr *base, u64 addr)
{
	struct fast_region *fast = container_of(base, struct core_region, mr)->fast;

	if (fast->count == fast->max)
		return -ENOMEM;
	/* A device without DMA of its own: ib_dma_map_sg() gives kernel addresses. */
	fast->mapped[fast->count++] = (u8 *)(uintptr_t)addr;
	return 0;
}

/**
 * siw_map_mr_sg() - ib_device_ops.map_mr_sg: what the next IB_WR_REG_MR registers
 * @base: MR of siw_alloc_mr(); ULPs chain an IB_WR_LOCAL_INV before that, so its STag may be
 *	valid, and keeps its meaning until then
 * @sg: mapped by ib_dma_map_sg()
 * @num: entries of @sg
 * @offset: where in the first entry to begin; is set to where the next call begins
 *
 * Return: entries that were mapped, or a negative errno.
 */
int siw_map_mr_sg(struct ib_mr *base, struct scatterlist *sg, int num, unsigned int *offset)
{
	struct fast_region *fast = container_of(base, struct core_region, mr)->fast;

	if (!fast)
		return -EINVAL;
	fast->count = 0;
	fast->fresh = true;
	return ib_sg_to_pages(base, sg, num, offset, map_chunk);
}
