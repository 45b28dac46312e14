// SPDX-License-Identifier: GPL-2.0
/*
 * Memory regions: what an STag means.
 *
 * A region is found by its STag under RCU and held by a reference while octets
 * go in or out, never longer: deregistering takes the STag out, waits for the
 * last reference, and only then lets go of the pages.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <rdma/ib_umem.h>
#include "region.h"

#define STAG_INDEX_MAX		0xffffff

#define REGION_ACCESS	(IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE | \
			 IB_ACCESS_REMOTE_READ)

/* Nobody finds it yet. */
struct core_region *siw_region_alloc(struct siw_device *dev, struct ib_pd *pd, int access)
{
	struct core_region *region;

	region = kzalloc(sizeof(*region), GFP_KERNEL);
	if (!region)
		return NULL;
	refcount_set(&region->refs, 1);
	init_completion(&region->unused);
	region->dev = dev;
	region->pd = pd;
	region->access = siw_region_access(access);
	region->valid = true;
	return region;
}

int siw_region_publish(struct core_region *region, u8 key)
{
	struct siw_device *dev = region->dev;
	u32 index;
	int err;

	/*
	 * The entry is reserved first and filled when the STag is known, so
	 * nobody finds a region that is half made.
	 */
	err = xa_alloc_cyclic(&dev->regions, &index, NULL,
			      XA_LIMIT(1, STAG_INDEX_MAX), &dev->next_region,
			      GFP_KERNEL);
	if (err < 0)
		return err;
	region->stag = index << STAG_KEY_BITS | key;
	region->mr.lkey = region->stag;
	region->mr.rkey = region->stag;
	xa_store(&dev->regions, index, region, GFP_KERNEL);
	return 0;
}

static void region_withdraw(struct core_region *region)
{
	xa_erase(&region->dev->regions, region->stag >> STAG_KEY_BITS);
	WRITE_ONCE(region->valid, false);
	core_region_put(region);
	wait_for_completion(&region->unused);
}

struct core_region *core_region_get(struct core_qp *core, u32 stag)
{
	struct siw_qp *qp = core_to_siw_qp(core);
	struct core_region *region;

	rcu_read_lock();
	if (stag >> STAG_KEY_BITS)
		region = xa_load(&qp->dev->regions, stag >> STAG_KEY_BITS);
	else
		region = qp->kernel && !stag ? qp->dev->local : NULL;
	if (region && (READ_ONCE(region->stag) != stag || !READ_ONCE(region->valid) ||
		       !refcount_inc_not_zero(&region->refs)))
		region = NULL;
	rcu_read_unlock();
	return region;
}

void core_region_put(struct core_region *region)
{
	if (refcount_dec_and_test(&region->refs))
		complete(&region->unused);
}

/* A receive is its queue's, and an SRQ has a PD of its own. */
static const struct ib_pd *pd_of_access(const struct siw_qp *qp, u32 access)
{
	return access & CORE_RECEIVE && qp->srq ? qp->srq->base.pd : qp->base.pd;
}

static enum core_check region_check(struct siw_qp *qp, struct core_region *region, u64 addr,
				    u32 len, u32 access)
{
	if (region->pd && region->pd != pd_of_access(qp, access))
		return CORE_CHECK_STREAM;
	if (access & ~(region->access | CORE_RECEIVE))
		return CORE_CHECK_ACCESS;
	if (addr + len < addr)
		return CORE_CHECK_WRAP;
	if (region->virt) {
		/* A peer names the address: it must at least be memory. */
		if (access & (CORE_REMOTE_READ | CORE_REMOTE_WRITE) &&
		    (!virt_addr_valid((void *)(uintptr_t)addr) ||
		     !virt_addr_valid((void *)(uintptr_t)(addr + len - 1))))
			return CORE_CHECK_BOUNDS;
		return CORE_CHECK_OK;
	}
	return siw_region_holds(region, addr, len) ? CORE_CHECK_OK : CORE_CHECK_BOUNDS;
}

enum core_check core_region_check(struct core_qp *core,
				  struct core_region *region, u64 addr,
				  u32 len, u32 access)
{
	struct siw_qp *qp = core_to_siw_qp(core);
	enum core_check check;

	if (!region->fast)
		return region_check(qp, region, addr, len, access);
	read_lock_bh(&region->fast->lock);
	check = region_check(qp, region, addr, len, access);
	read_unlock_bh(&region->fast->lock);
	return check;
}

bool core_region_write(struct core_region *region, u32 stag, u64 addr, const void *src, u32 len)
{
	u64 at;

	if (region->fast)
		return siw_fast_copy(region, stag, addr, (void *)src, len, true);
	if (region->virt) {
		memcpy((void *)(uintptr_t)addr, src, len);
		return true;
	}
	at = addr - region->start + region->offset;
	if (region->dmabuf) {
		memcpy(region->map + at, src, len);
		return true;
	}
	while (len) {
		u32 n = min_t(u32, len, PAGE_SIZE - offset_in_page(at));

		memcpy_to_page(region->pages[at >> PAGE_SHIFT],
			       offset_in_page(at), src, n);
		src += n;
		at += n;
		len -= n;
	}
	return true;
}

bool core_region_read(struct core_region *region, u32 stag, u64 addr, void *dst, u32 len)
{
	u64 at;

	if (region->fast)
		return siw_fast_copy(region, stag, addr, dst, len, false);
	if (region->virt) {
		memcpy(dst, (void *)(uintptr_t)addr, len);
		return true;
	}
	at = addr - region->start + region->offset;
	if (region->dmabuf) {
		memcpy(dst, region->map + at, len);
		return true;
	}
	while (len) {
		u32 n = min_t(u32, len, PAGE_SIZE - offset_in_page(at));

		memcpy_from_page(dst, region->pages[at >> PAGE_SHIFT],
				 offset_in_page(at), n);
		dst += n;
		at += n;
		len -= n;
	}
	return true;
}

/* When this returns nobody copies by that STag any more, if it is a fast registration's. */
static void region_invalidate(struct core_region *region, u32 stag)
{
	if (region->fast)
		siw_fast_invalidate(region, stag);
	else
		WRITE_ONCE(region->valid, false);
}

enum core_check core_region_invalidate(struct core_qp *core, u32 stag)
{
	struct siw_qp *qp = core_to_siw_qp(core);
	struct core_region *region = core_region_get(core, stag);
	enum core_check check = CORE_CHECK_OK;

	if (!region)
		return CORE_CHECK_STAG;
	/* What no peer may use, no peer may take away. */
	if (region->virt || !(region->access & (CORE_REMOTE_READ | CORE_REMOTE_WRITE)))
		check = CORE_CHECK_ACCESS;
	else if (region->pd != qp->base.pd)
		check = CORE_CHECK_STREAM;
	else
		region_invalidate(region, stag);
	core_region_put(region);
	return check;
}

/* An STag may be invalid already: so say the verbs, and so do the ULPs. */
enum siw_wc_status core_local_invalidate(struct core_qp *core, u8 opcode, u32 stag)
{
	enum siw_wc_status status = SIW_WC_LOC_PROT_ERR;
	struct siw_qp *qp = core_to_siw_qp(core);
	struct core_region *region;

	if (opcode == SIW_OP_INVAL_STAG && !qp->kernel)
		return SIW_WC_LOC_QP_OP_ERR;
	rcu_read_lock();
	region = xa_load(&qp->dev->regions, stag >> STAG_KEY_BITS);
	if (region && !refcount_inc_not_zero(&region->refs))
		region = NULL;
	rcu_read_unlock();
	if (!region)
		return status;
	if (region->stag == stag && region->pd == qp->base.pd && !region->virt) {
		region_invalidate(region, stag);
		status = SIW_WC_SUCCESS;
	}
	core_region_put(region);
	return status;
}

static int region_pin(struct core_region *region, u64 start, u64 length,
		      u64 virt, int access)
{
	struct sg_page_iter iter;
	struct ib_umem *umem;
	size_t pages, i = 0;

	umem = ib_umem_get(&region->dev->ibdev, start, length, access);
	if (IS_ERR(umem))
		return PTR_ERR(umem);

	pages = ib_umem_num_pages(umem);
	region->pages = kvmalloc_array(pages, sizeof(*region->pages),
				       GFP_KERNEL_ACCOUNT);
	if (!region->pages) {
		ib_umem_release(umem);
		return -ENOMEM;
	}
	for_each_sgtable_page(&umem->sgt_append.sgt, &iter, 0) {
		if (i == pages)
			break;
		region->pages[i++] = sg_page_iter_page(&iter);
	}
	region->umem = umem;
	region->start = virt;
	region->length = length;
	region->offset = offset_in_page(start);
	return 0;
}

void siw_region_free(struct core_region *region)
{
	siw_dmabuf_release(region);
	ib_umem_release(region->umem);
	kvfree(region->pages);
	kvfree(region->fast);
	kfree_rcu(region, rcu);
}

/* For what an application registers, if it may; without memory yet */
struct core_region *siw_region_alloc_user(struct ib_pd *pd, u64 length, u64 virt, int access)
{
	struct core_region *region;

	if (!length || virt + length < virt)
		return ERR_PTR(-EINVAL);
	/* qperf and libfabric ask for atomics as well. There are none: nothing is granted. */
	if (access & ~(REGION_ACCESS | IB_ACCESS_REMOTE_ATOMIC | IB_ACCESS_OPTIONAL))
		return ERR_PTR(-EOPNOTSUPP);
	region = siw_region_alloc(to_siw_dev(pd->device), pd, access);
	return region ?: ERR_PTR(-ENOMEM);
}

/* What an application registers, ready to be found */
static struct core_region *region_of_user(struct ib_pd *pd, u64 start, u64 length, u64 virt,
					  int access, u8 key)
{
	struct core_region *region;
	int err;

	region = siw_region_alloc_user(pd, length, virt, access);
	if (IS_ERR(region))
		return region;
	err = region_pin(region, start, length, virt, access);
	err = err ?: siw_region_publish(region, key);
	if (err) {
		siw_region_free(region);
		return ERR_PTR(err);
	}
	return region;
}

struct ib_mr *siw_reg_user_mr(struct ib_pd *pd, u64 start, u64 length,
			      u64 virt, int access, struct ib_udata *udata)
{
	struct siw_uresp_reg_mr resp = {};
	struct siw_ureq_reg_mr req = {};
	struct core_region *region;
	int err;

	if (udata->inlen < sizeof(req) || udata->outlen < sizeof(resp))
		return ERR_PTR(-EINVAL);
	err = ib_copy_from_udata(&req, udata, sizeof(req));
	if (err)
		return ERR_PTR(err);

	region = region_of_user(pd, start, length, virt, access, req.stag_key);
	if (IS_ERR(region))
		return ERR_CAST(region);
	resp.stag = region->stag;
	err = ib_copy_to_udata(udata, &resp, sizeof(resp));
	if (err) {
		region_withdraw(region);
		siw_region_free(region);
		return ERR_PTR(err);
	}
	return &region->mr;
}

/**
 * siw_rereg_user_mr() - ib_device_ops.rereg_user_mr
 * @base: MR of siw_reg_user_mr()
 * @flags: enum ib_mr_rereg_flags: which of the following are new
 * @start: address of the memory
 * @length: octets
 * @virt: address by which requests name @start
 * @access: enum ib_access_flags
 * @pd: protection domain
 * @udata: not used
 *
 * The new registration is an MR with an STag of its own. The caller deregisters the
 * old one, which octets under way use until then; if this fails it stays as it was.
 *
 * Return: the new MR or an ERR_PTR.
 */
struct ib_mr *siw_rereg_user_mr(struct ib_mr *base, int flags, u64 start, u64 length, u64 virt,
				int access, struct ib_pd *pd, struct ib_udata *udata)
{
	struct core_region *old = container_of(base, struct core_region, mr);
	struct core_region *region;

	if (!old->umem)
		return ERR_PTR(-EINVAL);
	if (!(flags & IB_MR_REREG_TRANS)) {
		/* The address would be another's. */
		if (old->umem->owning_mm != current->mm)
			return ERR_PTR(-EINVAL);
		start = old->umem->address;
		length = old->length;
		virt = old->start;
	}
	if (!(flags & IB_MR_REREG_ACCESS))
		access = siw_region_granted(old);
	region = region_of_user(flags & IB_MR_REREG_PD ? pd : old->pd, start, length, virt, access,
				old->stag);
	if (IS_ERR(region))
		return ERR_CAST(region);
	/* For who looks: the caller sets them of a first registration only. */
	region->mr.iova = virt;
	region->mr.length = length;
	return &region->mr;
}

struct ib_mr *siw_get_dma_mr(struct ib_pd *pd, int access)
{
	struct core_region *region;
	int err;

	region = siw_region_alloc(to_siw_dev(pd->device), pd, access);
	if (!region)
		return ERR_PTR(-ENOMEM);
	region->virt = true;
	err = siw_region_publish(region, get_random_u32());
	if (err) {
		siw_region_free(region);
		return ERR_PTR(err);
	}
	return &region->mr;
}

int siw_dereg_mr(struct ib_mr *base, struct ib_udata *udata)
{
	struct core_region *region = container_of(base, struct core_region, mr);

	region_withdraw(region);
	siw_region_free(region);
	return 0;
}

/* What lkey 0 stands for: IBK_LOCAL_DMA_LKEY, kernel consumers only. */
int siw_region_init(struct siw_device *dev)
{
	xa_init_flags(&dev->regions, XA_FLAGS_ALLOC1);
	dev->next_region = get_random_u32() & (STAG_INDEX_MAX >> 1);
	dev->local = siw_region_alloc(dev, NULL, IB_ACCESS_LOCAL_WRITE);
	if (!dev->local)
		return -ENOMEM;
	dev->local->virt = true;
	return 0;
}

void siw_region_exit(struct siw_device *dev)
{
	if (dev->local)
		kfree_rcu(dev->local, rcu);
	xa_destroy(&dev->regions);
}
