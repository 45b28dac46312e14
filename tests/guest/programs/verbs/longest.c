// SPDX-License-Identifier: GPL-2.0
/* Queues as long as the device allows, full of messages of an octet. */
#include "harness.h"

static int try_recv(uint64_t n)
{
	struct ibv_sge s = sge(TARGET + n, 1);
	struct ibv_recv_wr wr = { .wr_id = n, .sg_list = &s, .num_sge = 1 }, *bad;

	return abs(srq ? ibv_post_srq_recv(srq, &wr, &bad) : ibv_post_recv(id->qp, &wr, &bad));
}

static void fill_with_receives(uint32_t depth)
{
	uint64_t n;

	for (n = 0; n < depth; n++)
		expect_zero(try_recv(n));
	expect(try_recv(depth) == ENOMEM, "a full queue took another");
}

/* All at once, with one doorbell */
static void send_all(uint32_t depth)
{
	struct ibv_send_wr *wrs = calloc(depth, sizeof(*wrs));
	struct ibv_sge *sges = calloc(depth, sizeof(*sges));
	uint32_t n;
	int ret;

	must(wrs && sges, "memory");
	fill(0, depth, 3);
	for (n = 0; n < depth; n++) {
		sges[n] = sge(n, 1);
		wrs[n] = wr_of(n, IBV_WR_SEND, &sges[n], 0, n + 1 < depth ? UNSIGNALLED : 0);
		if (n)
			wrs[n - 1].next = &wrs[n];
	}
	ret = post(wrs);
	free(wrs);
	free(sges);
	expect(!ret, "post_send: %s", strerror(ret));
	await_wc(scq, depth - 1, SUCCESS);
}

static void receive_all(uint32_t depth)
{
	uint64_t n;

	for (n = 0; n < depth; n++)
		await_wc(rcq, n, SUCCESS);
	verify(TARGET, depth, 3);
}

static void longest_qp(void)
{
	struct ibv_device_attr device;
	uint32_t depth;

	expect_zero(ibv_query_device(verbs, &device));
	depth = device.max_qp_wr;
	connect_both(.sq = depth, .rq = depth, .cqe = depth);
	if (!client)
		fill_with_receives(depth);
	barrier();
	if (client)
		send_all(depth);
	else
		receive_all(depth);
	barrier();
}

static void longest_srq(void)
{
	struct ibv_srq_init_attr attr = { .attr = { .max_sge = MAX_SGE } };
	struct ibv_device_attr device;
	uint32_t depth;

	expect_zero(ibv_query_device(verbs, &device));
	depth = device.max_srq_wr;
	if (!client) {
		attr.attr.max_wr = depth;
		srq = ibv_create_srq(pd, &attr);
		expect(srq, "create_srq: %s", strerror(errno));
		fill_with_receives(depth);
	}
	connect_both(.sq = depth, .srq = srq, .cqe = depth);
	if (client)
		send_all(depth);
	else
		receive_all(depth);
	barrier();
}

static const struct test tests[] = {
	TEST(longest_qp, "a QP of as many work requests as the device says"),
	TEST(longest_srq, "an SRQ of as many"),
};

const struct group longest_group = { tests, ARRAY_SIZE(tests) };
