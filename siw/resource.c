// SPDX-License-Identifier: GPL-2.0
/*
 * What `rdma resource show -dd` tells of the device's objects beyond what the
 * RDMA core knows. A snapshot: nothing is locked for it.
 */
#include <net/sock.h>
#include <rdma/iw_cm.h>
#include <rdma/rdma_cm.h>
#include <rdma/rdma_netlink.h>
#include <rdma/restrack.h>
#include <uapi/rdma/rdma_netlink.h>
#include "region.h"

/* The driver's table, with what @fill puts in */
static int put_table(struct sk_buff *msg, const void *object,
		     int (*fill)(struct sk_buff *msg, const void *object))
{
	struct nlattr *table = nla_nest_start(msg, RDMA_NLDEV_ATTR_DRIVER);

	if (!table)
		return -EMSGSIZE;
	if (fill(msg, object)) {
		nla_nest_cancel(msg, table);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, table);
	return 0;
}

static int fill_qp(struct sk_buff *msg, const void *object)
{
	static const char * const states[] = {
		[SIW_QP_IDLE]		= "idle",
		[SIW_QP_RTS]		= "stream",
		[SIW_QP_CLOSING]	= "closing",
		[SIW_QP_ERROR]		= "error",
	};
	const struct siw_qp *qp = object;
	const struct core_qp *core = &qp->core;
	const struct siw_stream *s = &qp->stream;

	return rdma_nl_put_driver_string(msg, "stream", states[READ_ONCE(qp->state)]) ||
	       rdma_nl_put_driver_u32(msg, "initiator", qp->initiator) ||
	       rdma_nl_put_driver_u32(msg, "crc", core->crc) ||
	       rdma_nl_put_driver_u32(msg, "max_ulpdu", core->max_ulpdu) ||
	       rdma_nl_put_driver_u32(msg, "ord", core->ord) ||
	       rdma_nl_put_driver_u32(msg, "ird", core->ird) ||
	       rdma_nl_put_driver_u32(msg, "reads_out",
				      core_ring_used(core->orq_put, core->orq_get, core->ord)) ||
	       rdma_nl_put_driver_u32(msg, "reads_in",
				      core_ring_used(core->irq_put, core->irq_get, core->ird)) ||
	       rdma_nl_put_driver_u32(msg, "sq_size", core->sq_size) ||
	       rdma_nl_put_driver_u32(msg, "sq_begun", core->sq_get) ||
	       rdma_nl_put_driver_u32(msg, "sq_open", core->sq_get - core->sends_tail) ||
	       rdma_nl_put_driver_u32(msg, "rq_size", qp->rq.size) ||
	       rdma_nl_put_driver_u32(msg, "rq_taken", READ_ONCE(qp->rq.get)) ||
	       rdma_nl_put_driver_u32(msg, "srq", !!qp->srq) ||
	       rdma_nl_put_driver_u32(msg, "tx_waiting", READ_ONCE(s->bytes)) ||
	       rdma_nl_put_driver_u32_hex(msg, "access", qp->access);
}

int siw_fill_res_qp(struct sk_buff *msg, struct ib_qp *base)
{
	return put_table(msg, to_siw_qp(base), fill_qp);
}

static int fill_cq(struct sk_buff *msg, const void *object)
{
	const struct siw_cq *cq = object;

	return rdma_nl_put_driver_u32(msg, "size", cq->size) ||
	       rdma_nl_put_driver_u32(msg, "written", READ_ONCE(cq->put)) ||
	       rdma_nl_put_driver_u32(msg, "overflow", READ_ONCE(cq->overflow)) ||
	       rdma_nl_put_driver_u32_hex(msg, "armed", READ_ONCE(cq->ctrl->flags));
}

int siw_fill_res_cq(struct sk_buff *msg, struct ib_cq *base)
{
	return put_table(msg, to_siw_cq(base), fill_cq);
}

static int fill_mr(struct sk_buff *msg, const void *object)
{
	const struct core_region *region = object;
	const char *kind = region->fast ? "fast" : region->dmabuf ? "dma-buf" : "pages";

	return rdma_nl_put_driver_string(msg, "kind", kind) ||
	       rdma_nl_put_driver_u32(msg, "valid", READ_ONCE(region->valid)) ||
	       rdma_nl_put_driver_u32_hex(msg, "access", READ_ONCE(region->access)) ||
	       rdma_nl_put_driver_u64(msg, "length", READ_ONCE(region->length)) ||
	       rdma_nl_put_driver_u32(msg, "users", refcount_read(&region->refs) - 1);
}

int siw_fill_res_mr(struct sk_buff *msg, struct ib_mr *base)
{
	return put_table(msg, container_of(base, struct core_region, mr), fill_mr);
}

/* An id, and its connection if there is one */
struct told_cm_id {
	bool offload;
	bool connection;
	struct iwarp_cm_info info;
};

static int fill_cm_id(struct sk_buff *msg, const void *object)
{
	const struct told_cm_id *told = object;
	const struct iwarp_cm_info *info = &told->info;

	if (rdma_nl_put_driver_u32(msg, "offload", told->offload))
		return -EMSGSIZE;
	if (!told->connection)
		return 0;
	return rdma_nl_put_driver_string(msg, "mpa", info->state) ||
	       rdma_nl_put_driver_u32(msg, "initiator", info->initiator) ||
	       rdma_nl_put_driver_u32(msg, "revision", info->revision) ||
	       rdma_nl_put_driver_u32(msg, "crc", info->crc) ||
	       rdma_nl_put_driver_string(msg, "rtr", siw_rtr_names[info->rtr]) ||
	       rdma_nl_put_driver_u32(msg, "rtr_wait", info->rtr_wait) ||
	       rdma_nl_put_driver_u32(msg, "ird", info->ird) ||
	       rdma_nl_put_driver_u32(msg, "ord", info->ord);
}

/* A port lies in the same place in every family. */
static bool cm_id_has_peer(const struct rdma_cm_id *id)
{
	return ((const struct sockaddr_in *)&id->route.addr.dst_addr)->sin_port;
}

int siw_fill_res_cm_id(struct sk_buff *msg, struct rdma_cm_id *id)
{
	struct told_cm_id told = {
		.offload = to_siw_dev(id->device)->cm.transport != &iwarp_transport_tcp,
	};
	struct iw_cm_id *iw;

	/*
	 * So that the iw_cm_id stays. That of a listen which fails does not: it is freed
	 * without this lock; but then there is no peer.
	 */
	rdma_lock_handler(id);
	iw = cm_id_has_peer(id) ? rdma_iw_cm_id(id) : NULL;
	told.connection = iw && iwarp_cm_info(iw, &told.info);
	rdma_unlock_handler(id);
	return put_table(msg, &told, fill_cm_id);
}
