// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for fast registration, scattered as it is in a page cache.
 */
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "kverbs.h"

u8 kv_pattern(u8 seed, u32 at)
{
	return (at ^ at >> 8 ^ at >> 16) * 31 + seed;
}

/* Descending, so that none continues the one before */
static int by_address(const void *a, const void *b)
{
	unsigned long x = page_to_pfn(*(struct page **)a), y = page_to_pfn(*(struct page **)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

static int get_pages(struct kv_region *r)
{
	u32 i;

	r->pages = kvcalloc(r->count, sizeof(*r->pages), GFP_KERNEL);
	r->sg = kvcalloc(r->count, sizeof(*r->sg), GFP_KERNEL);
	if (!r->pages || !r->sg)
		return -ENOMEM;
	for (i = 0; i < r->count; i++) {
		r->pages[i] = alloc_page(GFP_KERNEL);
		if (!r->pages[i])
			return -ENOMEM;
	}
	sort(r->pages, r->count, sizeof(*r->pages), by_address, NULL);
	return 0;
}

/* All of @count pages but @offset octets at the beginning and @cut at the end */
int kv_region_make(struct kv_region *r, struct ib_pd *pd, u32 count, u32 offset, u32 cut)
{
	u32 i, at = offset;
	int err;

	r->dev = pd->device;
	r->count = count;
	r->offset = offset;
	r->bytes = count * PAGE_SIZE - offset - cut;
	err = get_pages(r);
	if (err)
		return err;
	sg_init_table(r->sg, count);
	for (i = 0; i < count; i++, at = 0)
		sg_set_page(&r->sg[i], r->pages[i],
			    PAGE_SIZE - at - (i == count - 1 ? cut : 0), at);
	err = kv_expect(ib_dma_map_sg(r->dev, r->sg, count, DMA_BIDIRECTIONAL) == count);
	if (err)
		return err;
	kv_region_poison(r);
	r->mr = ib_alloc_mr(pd, IB_MR_TYPE_MEM_REG, count);
	if (IS_ERR(r->mr))
		return PTR_ERR(r->mr);
	return kv_region_renew(r);
}

/* Another key, and the memory mapped anew: for the next REG_MR */
int kv_region_renew(struct kv_region *r)
{
	int n;

	ib_update_fast_reg_key(r->mr, ib_inc_rkey(r->mr->rkey));
	n = ib_map_mr_sg(r->mr, r->sg, r->count, NULL, SZ_4K);
	return kv_expect(n == r->count && r->mr->length == r->bytes);
}

void kv_region_free(struct kv_region *r)
{
	u32 i;

	if (!IS_ERR_OR_NULL(r->mr)) {
		ib_dereg_mr(r->mr);
		ib_dma_unmap_sg(r->dev, r->sg, r->count, DMA_BIDIRECTIONAL);
	}
	for (i = 0; r->pages && i < r->count; i++)
		if (r->pages[i])
			__free_page(r->pages[i]);
	kvfree(r->pages);
	kvfree(r->sg);
	memset(r, 0, sizeof(*r));
}

static u8 *octet(struct kv_region *r, u32 at)
{
	at += r->offset;
	return (u8 *)page_address(r->pages[at / PAGE_SIZE]) + at % PAGE_SIZE;
}

void kv_region_fill(struct kv_region *r, u8 seed)
{
	u32 at;

	for (at = 0; at < r->bytes; at++)
		*octet(r, at) = kv_pattern(seed, at);
}

/* Octets [@from, @to) are as kv_region_fill() leaves them. */
bool kv_region_holds(struct kv_region *r, u8 seed, u32 from, u32 to)
{
	u32 at;

	for (at = from; at < to; at++)
		if (*octet(r, at) != kv_pattern(seed, at))
			return false;
	return true;
}

void kv_region_poison(struct kv_region *r)
{
	u32 i;

	for (i = 0; i < r->count; i++)
		memset(page_address(r->pages[i]), KV_POISON, PAGE_SIZE);
}

bool kv_region_poisoned(struct kv_region *r)
{
	u32 i;

	for (i = 0; i < r->count; i++)
		if (memchr_inv(page_address(r->pages[i]), KV_POISON, PAGE_SIZE))
			return false;
	return true;
}

/* What of its pages does not belong to it is still poison. */
bool kv_region_bordered(struct kv_region *r)
{
	u32 end = r->offset + r->bytes;
	u8 *last = page_address(r->pages[r->count - 1]);

	return !memchr_inv(page_address(r->pages[0]), KV_POISON, r->offset) &&
	       (end % PAGE_SIZE == 0 ||
		!memchr_inv(last + end % PAGE_SIZE, KV_POISON, PAGE_SIZE - end % PAGE_SIZE));
}
