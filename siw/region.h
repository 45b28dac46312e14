/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a memory region is made of, for those who make them.
 */
#ifndef SIW_REGION_H
#define SIW_REGION_H

#include "siw.h"

#define STAG_KEY_BITS		8

/**
 * struct fast_region - what a fast registration (FRWR) adds to a region
 * @lock: its registration, which may change at any time, against its use:
 *	core_region's stag, access, valid, start, length and offset, @used and @shift
 * @max: length of @used and of @mapped
 * @count: chunks that map_mr_sg() has mapped
 * @fresh: they are in @mapped, and not registered yet
 * @shift: a chunk's size
 * @used: kernel addresses, each of a block of the size that the consumer chose
 * @mapped: the same, for the next registration: this one may be valid until then
 * @chunks: both
 */
struct fast_region {
	rwlock_t lock;	/* registration and use */
	u32 max;
	u32 count;
	bool fresh;
	u8 shift;
	u8 **used;
	u8 **mapped;
	u8 *chunks[];	/* 2 * max */
};

/**
 * struct core_region - a registered memory region
 * @mr: embedded verbs object
 * @refs: one for the registration, one for each user of the moment
 * @unused: completed by the last reference
 * @dev: its device
 * @pd: protection domain; NULL: any (the local DMA lkey)
 * @stag: the whole STag, key included
 * @access: enum core_access
 * @valid: cleared when the peer or the owner invalidates the STag
 * @virt: addresses are the kernel's own; @pages is not used
 * @fast: fast registration, else NULL; @pages is not used
 * @start: first address, as the application sees it
 * @length: octets
 * @offset: of @start in its page, or in @dmabuf
 * @dmabuf: what it is a part of, else NULL
 * @map: all of @dmabuf; @pages is not used
 * @umem: pins the pages
 * @pages: every page, in order
 * @rcu: readers may still look at a region that has gone
 */
struct core_region {
	struct ib_mr mr;
	refcount_t refs;
	struct completion unused;
	struct siw_device *dev;
	struct ib_pd *pd;
	u32 stag;
	u32 access;
	bool valid;
	bool virt;
	struct fast_region *fast;
	u64 start;
	u64 length;
	u64 offset;
	struct dma_buf *dmabuf;
	void *map;
	struct ib_umem *umem;
	struct page **pages;
	struct rcu_head rcu;
};

/* region.c */
struct core_region *siw_region_alloc(struct siw_device *dev, struct ib_pd *pd, int access);
struct core_region *siw_region_alloc_user(struct ib_pd *pd, u64 length, u64 virt, int access);
int siw_region_publish(struct core_region *region, u8 key);
void siw_region_free(struct core_region *region);

/* dmabuf.c */
void siw_dmabuf_release(struct core_region *region);

/* fast.c */
bool siw_fast_copy(struct core_region *region, u32 stag, u64 addr, void *mem, u32 len, bool in);
void siw_fast_invalidate(struct core_region *region, u32 stag);

static inline u32 siw_region_access(int access)
{
	return (access & IB_ACCESS_LOCAL_WRITE ? CORE_LOCAL_WRITE : 0) |
	       (access & IB_ACCESS_REMOTE_WRITE ? CORE_REMOTE_WRITE : 0) |
	       (access & IB_ACCESS_REMOTE_READ ? CORE_REMOTE_READ : 0);
}

/* The access of siw_region_access(), the other way round */
static inline int siw_region_granted(const struct core_region *region)
{
	return (region->access & CORE_LOCAL_WRITE ? IB_ACCESS_LOCAL_WRITE : 0) |
	       (region->access & CORE_REMOTE_WRITE ? IB_ACCESS_REMOTE_WRITE : 0) |
	       (region->access & CORE_REMOTE_READ ? IB_ACCESS_REMOTE_READ : 0);
}

static inline bool siw_region_holds(const struct core_region *region, u64 addr, u32 len)
{
	return addr >= region->start && addr - region->start <= region->length &&
	       len <= region->length - (addr - region->start);
}

#endif
