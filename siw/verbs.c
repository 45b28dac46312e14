// SPDX-License-Identifier: GPL-2.0
/*
 * The verbs that are about the device as a whole, rings that an application
 * maps, and the table of them all.
 */
#include <linux/if_ether.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <rdma/ib_user_verbs.h>
#include "compat.h"
#include "siw.h"

/* libsiw takes the one key for a sign of failure: all keys lie behind it. */
#define RING_MIN_PGOFF	((SIW_INVAL_UOBJ_KEY >> PAGE_SHIFT) + 1)

/*
 * An application may ask for more than its memory cgroup has: it is told so, and the OOM
 * killer not called for it, nor the log filled.
 */
#define RING_GFP_USER	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/**
 * siw_ring_alloc() - memory of a queue
 * @uctx: context that maps it, or NULL for a kernel consumer
 * @size: octets, rounded up to pages
 * @entry: for siw_ring_free(); set to NULL without @uctx
 * @key: what the application passes to mmap(2)
 *
 * An application's is charged to its memory cgroup.
 *
 * Return: zeroed memory, or an ERR_PTR.
 */
void *siw_ring_alloc(struct ib_ucontext *uctx, size_t size,
		     struct siw_mmap **entry, u64 *key)
{
	struct siw_mmap *map;
	void *ring;
	int err;

	*entry = NULL;
	*key = SIW_INVAL_UOBJ_KEY;
	size = PAGE_ALIGN(size);
	ring = __vmalloc(size, (uctx ? RING_GFP_USER : GFP_KERNEL) | __GFP_ZERO);
	if (!ring)
		return ERR_PTR(-ENOMEM);
	if (!uctx)
		return ring;

	map = kzalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map) {
		vfree(ring);
		return ERR_PTR(-ENOMEM);
	}
	map->ring = ring;
	err = rdma_user_mmap_entry_insert_range(uctx, &map->rdma, size,
						RING_MIN_PGOFF, U32_MAX);
	if (err) {
		kfree(map);
		vfree(ring);
		return ERR_PTR(err);
	}
	*key = rdma_user_mmap_get_offset(&map->rdma);
	*entry = map;
	return ring;
}

/**
 * siw_ring_free() - give a ring back
 * @entry: as siw_ring_alloc() set it
 * @ring: what it returned
 *
 * An application's mapping keeps the pages until it unmaps them.
 */
void siw_ring_free(struct siw_mmap *entry, void *ring)
{
	if (entry)
		rdma_user_mmap_entry_remove(&entry->rdma);
	else
		vfree(ring);
}

static void siw_mmap_free(struct rdma_user_mmap_entry *rdma)
{
	struct siw_mmap *map = container_of(rdma, struct siw_mmap, rdma);

	vfree(map->ring);
	kfree(map);
}

/* As remap_vmalloc_range() does with what vmalloc_user() has made, which nobody is charged for. */
static int ring_map(struct vm_area_struct *vma, void *ring, unsigned long pages)
{
	unsigned long i;
	int err = 0;

	for (i = 0; !err && i < pages; i++)
		err = vm_insert_page(vma, vma->vm_start + i * PAGE_SIZE,
				     vmalloc_to_page(ring + i * PAGE_SIZE));
	compat_vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	return err;
}

static int siw_mmap(struct ib_ucontext *uctx, struct vm_area_struct *vma)
{
	size_t size = vma->vm_end - vma->vm_start;
	struct rdma_user_mmap_entry *rdma;
	struct siw_mmap *map;
	int err;

	rdma = rdma_user_mmap_entry_get(uctx, vma);
	if (!rdma)
		return -EINVAL;
	map = container_of(rdma, struct siw_mmap, rdma);
	if (PAGE_ALIGN(size) != rdma->npages * PAGE_SIZE)
		err = -EINVAL;
	else
		err = ring_map(vma, map->ring, rdma->npages);
	rdma_user_mmap_entry_put(rdma);
	return err;
}

static int siw_alloc_ucontext(struct ib_ucontext *uctx, struct ib_udata *udata)
{
	struct siw_uresp_alloc_ctx resp = {};

	if (udata->outlen < sizeof(resp))
		return -EINVAL;
	resp.dev_id = uctx->device->index;
	return ib_copy_to_udata(udata, &resp, sizeof(resp));
}

static void siw_dealloc_ucontext(struct ib_ucontext *uctx)
{
}

/*
 * Having this tells the core that it may take a device from under a program:
 * `rdma link del` need not wait for it. The rings stay mapped and are silent.
 */
static void siw_disassociate_ucontext(struct ib_ucontext *uctx)
{
}

static int siw_alloc_pd(struct ib_pd *pd, struct ib_udata *udata)
{
	return 0;
}

static int siw_dealloc_pd(struct ib_pd *pd, struct ib_udata *udata)
{
	return 0;
}

static int siw_query_device(struct ib_device *ibdev,
			    struct ib_device_attr *attr, struct ib_udata *udata)
{
	if (udata->inlen || udata->outlen)
		return -EINVAL;

	memset(attr, 0, sizeof(*attr));
	attr->vendor_id = SIW_VENDOR_ID;
	attr->atomic_cap = IB_ATOMIC_NONE;
	attr->device_cap_flags = IB_DEVICE_MEM_MGT_EXTENSIONS | IB_DEVICE_PORT_ACTIVE_EVENT |
				 IB_DEVICE_SYS_IMAGE_GUID;
	attr->kernel_cap_flags = IBK_ALLOW_USER_UNREG | IBK_LOCAL_DMA_LKEY;
	attr->max_cq = SIW_MAX_CQ;
	attr->max_cqe = SIW_MAX_CQE;
	attr->max_fast_reg_page_list_len = SIW_MAX_FAST_REG;
	attr->max_mr = SIW_MAX_MR;
	attr->max_mr_size = ~0ull;
	attr->max_pd = SIW_MAX_PD;
	attr->max_pkeys = 1;
	attr->max_qp = SIW_MAX_QP;
	attr->max_qp_wr = SIW_MAX_QP_WR;
	attr->max_qp_init_rd_atom = SIW_MAX_ORD;
	attr->max_qp_rd_atom = SIW_MAX_IRD;
	attr->max_res_rd_atom = SIW_MAX_QP * SIW_MAX_IRD;
	attr->max_recv_sge = SIW_MAX_SGE;
	attr->max_srq = SIW_MAX_SRQ;
	attr->max_srq_wr = SIW_MAX_SRQ_WR;
	attr->max_srq_sge = SIW_MAX_SGE;
	attr->max_send_sge = SIW_MAX_SGE;
	attr->max_sge_rd = SIW_MAX_SGE_RD;
	attr->page_size_cap = PAGE_SIZE;
	attr->sys_image_guid = ibdev->node_guid;
	return 0;
}

static int siw_query_port(struct ib_device *ibdev, u32 port,
			  struct ib_port_attr *attr)
{
	struct siw_device *dev = to_siw_dev(ibdev);
	bool up = siw_device_active(dev);

	memset(attr, 0, sizeof(*attr));
	attr->gid_tbl_len = 1;
	attr->pkey_tbl_len = 1;
	attr->max_msg_sz = SIW_MAX_MESSAGE;
	/* An interface whose driver sets no limit has 0 there. */
	attr->max_mtu = ib_mtu_int_to_enum(dev->netdev->max_mtu ?: ETH_MAX_MTU);
	attr->active_mtu = ib_mtu_int_to_enum(READ_ONCE(dev->netdev->mtu));
	attr->port_cap_flags = IB_PORT_CM_SUP | IB_PORT_DEVICE_MGMT_SUP;
	attr->state = up ? IB_PORT_ACTIVE : IB_PORT_DOWN;
	attr->phys_state = up ? IB_PORT_PHYS_STATE_LINK_UP :
				IB_PORT_PHYS_STATE_DISABLED;
	siw_device_speed(dev, &attr->active_speed, &attr->active_width);
	return 0;
}

static int siw_get_port_immutable(struct ib_device *ibdev, u32 port,
				  struct ib_port_immutable *immutable)
{
	immutable->gid_tbl_len = 1;
	immutable->pkey_tbl_len = 1;
	immutable->core_cap_flags = RDMA_CORE_PORT_IWARP;
	return 0;
}

static int siw_query_gid(struct ib_device *ibdev, u32 port, int index,
			 union ib_gid *gid)
{
	struct siw_device *dev = to_siw_dev(ibdev);

	memcpy(gid->raw, dev->gid, sizeof(gid->raw));
	return 0;
}

/* iWARP has no partitions, but rdma_cm asks for a key before it connects to 127.0.0.1. */
static int siw_query_pkey(struct ib_device *ibdev, u32 port, u16 index, u16 *pkey)
{
	*pkey = IB_DEFAULT_PKEY_FULL;
	return 0;
}

static enum rdma_link_layer siw_link_layer(struct ib_device *ibdev, u32 port)
{
	return IB_LINK_LAYER_ETHERNET;
}

static int siw_iw_connect(struct iw_cm_id *id, struct iw_cm_conn_param *param)
{
	return iwarp_cm_connect(&to_siw_dev(id->device)->cm, id, param);
}

static int siw_iw_accept(struct iw_cm_id *id, struct iw_cm_conn_param *param)
{
	return iwarp_cm_accept(&to_siw_dev(id->device)->cm, id, param);
}

static int siw_iw_reject(struct iw_cm_id *id, const void *pdata, u8 len)
{
	return iwarp_cm_reject(&to_siw_dev(id->device)->cm, id, pdata, len);
}

static int siw_iw_create_listen(struct iw_cm_id *id, int backlog)
{
	return iwarp_cm_create_listen(&to_siw_dev(id->device)->cm, id, backlog);
}

static int siw_iw_destroy_listen(struct iw_cm_id *id)
{
	return iwarp_cm_destroy_listen(&to_siw_dev(id->device)->cm, id);
}

const struct ib_device_ops siw_device_ops = {
	.owner = THIS_MODULE,
	.uverbs_abi_ver = SIW_ABI_VERSION,
	.driver_id = RDMA_DRIVER_SIW,
	.device_group = &siw_settings_group,

	.alloc_hw_port_stats = siw_alloc_stats,
	.alloc_mr = siw_alloc_mr,
	.alloc_pd = siw_alloc_pd,
	.alloc_ucontext = siw_alloc_ucontext,
	.create_cq = siw_create_cq,
	.create_qp = siw_create_qp,
	.create_srq = siw_create_srq,
	.dealloc_driver = siw_device_dealloc,
	.dealloc_pd = siw_dealloc_pd,
	.dealloc_ucontext = siw_dealloc_ucontext,
	.dereg_mr = siw_dereg_mr,
	.destroy_cq = siw_destroy_cq,
	.destroy_qp = siw_destroy_qp,
	.destroy_srq = siw_destroy_srq,
	.disassociate_ucontext = siw_disassociate_ucontext,
	.enable_driver = siw_device_enable,
	.fill_res_cm_id_entry = siw_fill_res_cm_id,
	.fill_res_cq_entry = siw_fill_res_cq,
	.fill_res_mr_entry = siw_fill_res_mr,
	.fill_res_qp_entry = siw_fill_res_qp,
	.get_dma_mr = siw_get_dma_mr,
	.get_hw_stats = siw_get_stats,
	.get_link_layer = siw_link_layer,
	.get_port_immutable = siw_get_port_immutable,
	.iw_accept = siw_iw_accept,
	.iw_add_ref = siw_qp_add_ref,
	.iw_connect = siw_iw_connect,
	.iw_create_listen = siw_iw_create_listen,
	.iw_destroy_listen = siw_iw_destroy_listen,
	.iw_get_qp = siw_qp_find,
	.iw_reject = siw_iw_reject,
	.iw_rem_ref = siw_qp_put,
	.map_mr_sg = siw_map_mr_sg,
	.mmap = siw_mmap,
	.mmap_free = siw_mmap_free,
	.modify_qp = siw_modify_qp,
	.modify_srq = siw_modify_srq,
	.poll_cq = siw_poll_cq,
	.post_recv = siw_post_recv,
	.post_send = siw_post_send,
	.post_srq_recv = siw_post_srq_recv,
	.pre_destroy_cq = siw_quiet_cq,
	.query_device = siw_query_device,
	.query_gid = siw_query_gid,
	.query_pkey = siw_query_pkey,
	.query_port = siw_query_port,
	.query_qp = siw_query_qp,
	.query_srq = siw_query_srq,
	.reg_user_mr = siw_reg_user_mr,
	.reg_user_mr_dmabuf = siw_reg_user_mr_dmabuf,
	.req_notify_cq = siw_req_notify_cq,
	.rereg_user_mr = siw_rereg_user_mr,
	.resize_cq = siw_resize_cq,

	INIT_RDMA_OBJ_SIZE(ib_cq, siw_cq, base),
	INIT_RDMA_OBJ_SIZE(ib_pd, siw_pd, base),
	INIT_RDMA_OBJ_SIZE(ib_qp, siw_qp, base),
	INIT_RDMA_OBJ_SIZE(ib_srq, siw_srq, base),
	INIT_RDMA_OBJ_SIZE(ib_ucontext, siw_ucontext, base),
};
