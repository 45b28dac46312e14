// SPDX-License-Identifier: GPL-2.0
/* What cannot be: sizes beyond the device's, rights and memory that do not go together. */
#include "harness.h"

static void qp_limits(void)
{
	struct ibv_device_attr device;
	struct ibv_qp_init_attr attr;
	struct ibv_qp *qp;
	int n;

	expect_zero(ibv_query_device(verbs, &device));
	make_cqs(16);
	for (n = 0; n <= 6; n++) {
		attr = (struct ibv_qp_init_attr){
			.qp_type = n == 6 ? IBV_QPT_UD : IBV_QPT_RC,
			.send_cq = scq,
			.recv_cq = rcq,
			.cap = {
				.max_send_wr = n == 1 ? device.max_qp_wr + 1 : 1,
				.max_recv_wr = n == 2 ? device.max_qp_wr + 1 : 1,
				.max_send_sge = n == 3 ? device.max_sge + 1 : device.max_sge,
				.max_recv_sge = n == 4 ? device.max_sge + 1 : device.max_sge,
				.max_inline_data = n == 5 ? MAX_INLINE + 1 : MAX_INLINE,
			},
		};
		errno = 0;
		qp = ibv_create_qp(pd, &attr);
		if (!n) {
			expect(qp, "a good one: %s", strerror(errno));
			expect(attr.cap.max_send_sge >= MAX_SGE && attr.cap.max_recv_sge >= MAX_SGE &&
			       attr.cap.max_inline_data >= MAX_INLINE && attr.cap.max_send_wr,
			       "less than asked for");
			expect_zero(ibv_destroy_qp(qp));
			continue;
		}
		expect(!qp, "case %d was taken", n);
		expect(errno == (n == 6 ? EOPNOTSUPP : EINVAL), "case %d: %s", n, strerror(errno));
	}
}

static void cq_limits(void)
{
	struct ibv_device_attr device;
	struct ibv_cq *cq;

	expect_zero(ibv_query_device(verbs, &device));
	errno = 0;
	cq = ibv_create_cq(verbs, device.max_cqe + 1, NULL, NULL, 0);
	expect(!cq && errno == EINVAL, "too long: %s", strerror(errno));
	cq = ibv_create_cq(verbs, 0, NULL, NULL, 0);
	expect(!cq && errno == EINVAL, "of no length: %s", strerror(errno));
}

static void wr_limits(void)
{
	struct ibv_sge s[MAX_SGE + 1];
	struct ibv_send_wr wr;
	struct ibv_recv_wr rwr = { .sg_list = s, .num_sge = MAX_SGE + 1 }, *bad;
	int n;

	for (n = 0; n <= MAX_SGE; n++)
		s[n] = sge(0, 1);
	connect_both();
	wr = wr_of(1, IBV_WR_SEND, s, 0, 0);
	wr.num_sge = MAX_SGE + 1;
	expect(post(&wr) == EINVAL, "a Send of 7 SGEs was taken");
	expect(abs(ibv_post_recv(id->qp, &rwr, &bad)) == EINVAL, "a receive of 7 SGEs was taken");
	wr = wr_of(2, IBV_WR_ATOMIC_FETCH_AND_ADD, s, 0, 0);
	expect(post(&wr), "an atomic was taken");
	no_wc(scq);
	expect(qp_state() == IBV_QPS_RTS, "state %d", qp_state());
	barrier();
}

static void refuse_mr(const char *what, void *addr, size_t size, int access, int error)
{
	struct ibv_mr *bad;

	errno = 0;
	bad = ibv_reg_mr(pd, addr, size, access);
	if (bad)
		ibv_dereg_mr(bad);
	expect(!bad, "%s was taken", what);
	expect(errno == error, "%s: %s", what, strerror(errno));
}

static void mr_limits(void)
{
	uint8_t *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	struct ibv_mr *atomic = ibv_reg_mr(pd, buf, 4096, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_ATOMIC);

	/* Programs ask for what the device may not have. */
	expect(atomic && !ibv_dereg_mr(atomic), "REMOTE_ATOMIC was refused");
	refuse_mr("no length", buf, 0, IBV_ACCESS_LOCAL_WRITE, EINVAL);
	refuse_mr("REMOTE_WRITE without LOCAL_WRITE", buf, 4096, IBV_ACCESS_REMOTE_WRITE, EINVAL);
	refuse_mr("an unknown right", buf, 4096, IBV_ACCESS_LOCAL_WRITE | 1 << 19, EINVAL);
	refuse_mr("memory that is not there", (void *)4096, 4096, IBV_ACCESS_LOCAL_WRITE, EFAULT);
	refuse_mr("read-only memory, to write", page, 4096, IBV_ACCESS_LOCAL_WRITE, EFAULT);
	refuse_mr("more than there is", buf, (size_t)1 << 60, IBV_ACCESS_LOCAL_WRITE, EINVAL);
	refuse_mr("beyond the end of addresses", (void *)-4096ul, 8192, IBV_ACCESS_LOCAL_WRITE, EINVAL);
	munmap(page, 8192);
}

static const struct test tests[] = {
	TEST(qp_limits, "QPs of sizes that cannot be"),
	TEST(cq_limits, "CQs of sizes that cannot be"),
	TEST(wr_limits, "work requests that cannot be"),
	TEST(mr_limits, "regions that cannot be"),
};

const struct group limits_group = { tests, ARRAY_SIZE(tests) };
