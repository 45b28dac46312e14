// SPDX-License-Identifier: GPL-2.0
/* What a QP says of itself: what was asked for, and what was agreed on. */
#include "harness.h"

#define MASK	(IBV_QP_STATE | IBV_QP_CAP | IBV_QP_ACCESS_FLAGS | IBV_QP_PATH_MTU | \
		 IBV_QP_MAX_QP_RD_ATOMIC | IBV_QP_MAX_DEST_RD_ATOMIC)

static void check_cap(const struct ibv_qp_cap *cap, uint32_t sends, uint32_t receives)
{
	struct ibv_device_attr device;

	expect_zero(ibv_query_device(verbs, &device));
	expect(cap->max_send_wr >= sends && cap->max_send_wr <= (uint32_t)device.max_qp_wr,
	       "max_send_wr %u", cap->max_send_wr);
	expect(cap->max_recv_wr >= receives && cap->max_recv_wr <= (uint32_t)device.max_qp_wr,
	       "max_recv_wr %u", cap->max_recv_wr);
	expect(cap->max_send_sge == MAX_SGE && cap->max_recv_sge == MAX_SGE, "SGEs: %u, %u",
	       cap->max_send_sge, cap->max_recv_sge);
	expect(cap->max_inline_data == MAX_INLINE, "max_inline_data %u", cap->max_inline_data);
}

static void access_is(unsigned int access)
{
	struct ibv_qp_attr attr = { .qp_access_flags = access };
	struct ibv_qp_init_attr init;

	expect_zero(ibv_modify_qp(id->qp, &attr, IBV_QP_ACCESS_FLAGS));
	expect_zero(ibv_query_qp(id->qp, &attr, MASK, &init));
	expect(attr.qp_access_flags == access, "access %#x, not %#x", attr.qp_access_flags, access);
}

static void query_connected(void)
{
	struct ibv_qp_init_attr init;
	struct ibv_port_attr port;
	struct ibv_qp_attr attr;

	connect_both(.sq = 40, .rq = 20, .reads = client ? 3 : 7);
	expect_zero(ibv_query_qp(id->qp, &attr, MASK, &init));
	expect(attr.qp_state == IBV_QPS_RTS, "state %d", attr.qp_state);
	check_cap(&init.cap, 40, 20);
	check_cap(&attr.cap, 40, 20);
	expect(init.qp_type == IBV_QPT_RC && init.send_cq == scq && init.recv_cq == rcq && !init.srq,
	       "it is another QP");
	expect(!init.sq_sig_all, "sq_sig_all");

	/* Neither may ask for more at once than the other answers. */
	expect(attr.max_rd_atomic == 3, "ORD %u", attr.max_rd_atomic);
	expect(attr.max_dest_rd_atomic == (client ? 3 : 7), "IRD %u", attr.max_dest_rd_atomic);

	expect_zero(ibv_query_port(verbs, 1, &port));
	expect(attr.path_mtu == port.active_mtu, "path_mtu %d, the port's %d", attr.path_mtu,
	       port.active_mtu);

	access_is(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ);
	access_is(IBV_ACCESS_REMOTE_WRITE);
	barrier();
}

static void query_idle(void)
{
	struct ibv_qp_init_attr init = {
		.cap = { .max_send_wr = 5, .max_recv_wr = 3, .max_send_sge = 1, .max_recv_sge = 1 },
		.sq_sig_all = 1,
	};
	struct ibv_qp *qp = lone_qp(&init);
	struct ibv_qp_attr attr;
	int ret;

	memset(&init, 0, sizeof(init));
	ret = ibv_query_qp(qp, &attr, MASK, &init);
	ibv_destroy_qp(qp);
	expect(!ret, "query_qp: %d", ret);
	expect(init.sq_sig_all == 1, "sq_sig_all %d", init.sq_sig_all);
	check_cap(&init.cap, 5, 3);
	expect(!attr.max_rd_atomic && !attr.max_dest_rd_atomic, "ORD %u, IRD %u, of no connection",
	       attr.max_rd_atomic, attr.max_dest_rd_atomic);
}

static const struct test tests[] = {
	TEST(query_connected, "a connected QP tells what was asked for and agreed on"),
	TEST(query_idle, "a QP that is not connected tells what was asked for"),
};

const struct group query_group = { tests, ARRAY_SIZE(tests) };
