// SPDX-License-Identifier: GPL-2.0
/*
 * Memory regions that are part of a dma-buf. There is no device that could be attached to
 * it: the exporter maps it for the kernel, for as long as the region lives. Memory of a
 * device, which is not for copying, is refused.
 */
#include <linux/dma-buf.h>
#include <linux/random.h>
#include "region.h"

MODULE_IMPORT_NS(DMA_BUF);

static int dmabuf_map(struct core_region *region, struct dma_buf *dmabuf)
{
	struct iosys_map map;
	int err;

	err = dma_buf_begin_cpu_access(dmabuf, DMA_BIDIRECTIONAL);
	if (err)
		return err;
	err = compat_dma_buf_vmap(dmabuf, &map);
	if (!err && map.is_iomem) {
		compat_dma_buf_vunmap(dmabuf, &map);
		err = -EOPNOTSUPP;
	}
	if (err) {
		dma_buf_end_cpu_access(dmabuf, DMA_BIDIRECTIONAL);
		return err;
	}
	region->dmabuf = dmabuf;
	region->map = map.vaddr;
	return 0;
}

/**
 * siw_dmabuf_release() - a region needs its dma-buf no more
 * @region: of any kind
 *
 * May sleep.
 */
void siw_dmabuf_release(struct core_region *region)
{
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(region->map);

	if (!region->dmabuf)
		return;
	compat_dma_buf_vunmap(region->dmabuf, &map);
	dma_buf_end_cpu_access(region->dmabuf, DMA_BIDIRECTIONAL);
	dma_buf_put(region->dmabuf);
}

static struct core_region *dmabuf_region(struct ib_pd *pd, struct dma_buf *dmabuf, u64 offset,
					 u64 length, u64 virt, int access)
{
	struct core_region *region;
	int err;

	if (length > dmabuf->size || offset > dmabuf->size - length)
		return ERR_PTR(-EINVAL);
	region = siw_region_alloc_user(pd, length, virt, access);
	if (IS_ERR(region))
		return region;
	err = dmabuf_map(region, dmabuf);
	if (err) {
		kfree(region);
		return ERR_PTR(err);
	}
	region->start = virt;
	region->length = length;
	region->offset = offset;
	/* For who looks: the caller does not set them. */
	region->mr.iova = virt;
	region->mr.length = length;
	return region;
}

/**
 * siw_reg_user_mr_dmabuf() - ib_device_ops.reg_user_mr_dmabuf
 * @pd: protection domain
 * @offset: where in the dma-buf the region begins
 * @length: octets
 * @virt: address by which requests name its beginning
 * @fd: the dma-buf
 * @access: enum ib_access_flags
 * @arg: not used
 *
 * Return: the MR, or an ERR_PTR: -EINVAL also of an exporter that does not map for the
 * kernel, -EOPNOTSUPP of one that maps a device's memory.
 */
struct ib_mr *siw_reg_user_mr_dmabuf(struct ib_pd *pd, u64 offset, u64 length, u64 virt, int fd,
				     int access, compat_reg_dmabuf_arg *arg)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	struct core_region *region;
	int err;

	if (IS_ERR(dmabuf))
		return ERR_CAST(dmabuf);
	region = dmabuf_region(pd, dmabuf, offset, length, virt, access);
	if (IS_ERR(region)) {
		dma_buf_put(dmabuf);
		return ERR_CAST(region);
	}
	err = siw_region_publish(region, get_random_u32());
	if (err) {
		siw_region_free(region);
		return ERR_PTR(err);
	}
	return &region->mr;
}
