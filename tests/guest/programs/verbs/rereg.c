// SPDX-License-Identifier: GPL-2.0
/*
 * Registering memory again under the same handle. libsiw has no way to ask for it, so the command is written as
 * the kernel's ABI has it.
 */
#include <rdma/ib_user_verbs.h>
#include "harness.h"

#define SIZE	8192
#define ALL	(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ)
#define NO_READ	(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE)

static uint8_t memory[2][SIZE];	/* the first octet of each tells which it is */

/* 0 or an errno; @of is what it has become */
static int rereg(struct ibv_mr *of, int flags, void *addr, size_t length, int access, struct ibv_pd *to)
{
	struct ib_uverbs_rereg_mr_resp resp;
	struct {
		struct ib_uverbs_cmd_hdr hdr;
		struct ib_uverbs_rereg_mr cmd;
	} req = {
		.hdr = {
			.command = IB_USER_VERBS_CMD_REREG_MR,
			.in_words = sizeof(req) / 4,
			.out_words = sizeof(resp) / 4,
		},
		.cmd = {
			.response = (uintptr_t)&resp,
			.mr_handle = of->handle,
			.flags = flags,
			.start = (uintptr_t)addr,
			.length = length,
			.hca_va = (uintptr_t)addr,
			.pd_handle = to ? to->handle : 0,
			.access_flags = access,
		},
	};

	if (write(verbs->cmd_fd, &req, sizeof(req)) != sizeof(req))
		return errno;
	of->lkey = resp.lkey;
	of->rkey = resp.rkey;
	if (flags & IBV_REREG_MR_CHANGE_TRANSLATION)
		of->addr = addr;
	return 0;
}

static struct ibv_mr *open_region(void)
{
	memset(memory[0], 1, SIZE);
	memset(memory[1], 2, SIZE);
	return reg(pd, memory[0], SIZE, ALL);
}

/* The client reads at @w and finds the memory that begins with @first. */
static void reads(uint64_t n, struct window w, uint8_t first)
{
	struct ibv_sge s = sge(0, SIZE);
	struct ibv_send_wr wr = wr_of(n, IBV_WR_RDMA_READ, &s, 0, 0);

	if (client) {
		aim(&wr, w);
		memset(buf, 0, SIZE);
		expect_zero(post(&wr));
		await_wc(scq, n, SUCCESS);
		expect(buf[0] == first && buf[SIZE - 1] == first, "read %u, not %u", buf[0], first);
	}
	barrier();
}

static void rereg_place(void)
{
	struct ibv_mr *other = open_region();
	struct window before = swap_windows(other), after;

	connect_both();
	barrier();
	reads(1, before, 1);
	expect_zero(rereg(other, IBV_REREG_MR_CHANGE_TRANSLATION, memory[1], SIZE, 0, NULL));
	after = swap_windows(other);
	reads(2, after, 2);
	remote_error(IBV_WR_RDMA_READ, before, SIZE);
	expect_zero(ibv_dereg_mr(other));
}

static void rereg_access(void)
{
	struct ibv_mr *other = open_region();
	struct window w;

	connect_both();
	expect_zero(rereg(other, IBV_REREG_MR_CHANGE_ACCESS, NULL, 0, NO_READ, NULL));
	expect_zero(rereg(other, IBV_REREG_MR_CHANGE_ACCESS, NULL, 0, ALL, NULL));
	w = swap_windows(other);
	reads(1, w, 1);
	expect_zero(rereg(other, IBV_REREG_MR_CHANGE_ACCESS, NULL, 0, NO_READ, NULL));
	w = swap_windows(other);
	remote_error(IBV_WR_RDMA_READ, w, SIZE);
	expect_zero(ibv_dereg_mr(other));
}

static void rereg_pd(void)
{
	struct ibv_pd *away = ibv_alloc_pd(verbs);
	struct ibv_mr *other = open_region();
	struct window w;

	expect(away, "alloc_pd");
	connect_both();
	expect_zero(rereg(other, IBV_REREG_MR_CHANGE_PD, NULL, 0, 0, away));
	expect_zero(rereg(other, IBV_REREG_MR_CHANGE_PD | IBV_REREG_MR_CHANGE_TRANSLATION, memory[1],
			  SIZE, 0, pd));
	w = swap_windows(other);
	reads(1, w, 2);
	expect_zero(rereg(other, IBV_REREG_MR_CHANGE_PD, NULL, 0, 0, away));
	w = swap_windows(other);
	remote_error(IBV_WR_RDMA_READ, w, SIZE);
	expect_zero(ibv_dereg_mr(other));
	expect_zero(ibv_dealloc_pd(away));
}

static void refused(struct ibv_mr *other, int flags, void *addr, size_t length, int access, int error)
{
	int ret = rereg(other, flags, addr, length, access, NULL);

	expect(ret == error, "flags %#x, %zu octets, access %#x: errno %d, not %d", flags, length,
	       access, ret, error);
}

static void rereg_refused(void)
{
	struct ibv_mr *other = open_region();
	void *gone = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct window w;

	expect(gone != MAP_FAILED, "memory");
	connect_both();
	refused(other, 0, NULL, 0, 0, EINVAL);
	refused(other, 0x40, NULL, 0, 0, EOPNOTSUPP);
	refused(other, IBV_REREG_MR_CHANGE_TRANSLATION, memory[1], 0, 0, EINVAL);
	refused(other, IBV_REREG_MR_CHANGE_TRANSLATION, memory[1], -1, 0, EINVAL);
	refused(other, IBV_REREG_MR_CHANGE_TRANSLATION, gone, SIZE, 0, EFAULT);
	refused(other, IBV_REREG_MR_CHANGE_ACCESS, NULL, 0, IBV_ACCESS_REMOTE_WRITE, EINVAL);
	refused(other, IBV_REREG_MR_CHANGE_ACCESS, NULL, 0, ALL | IBV_ACCESS_MW_BIND, EOPNOTSUPP);
	w = swap_windows(other);
	reads(1, w, 1);
	expect_zero(ibv_dereg_mr(other));
	munmap(gone, SIZE);
}

static const struct test tests[] = {
	TEST(rereg_place, "a region registered again for other memory"),
	TEST(rereg_access, "a region registered again for other access"),
	TEST(rereg_pd, "a region registered again for another PD"),
	TEST(rereg_refused, "what it is refused for leaves a region as it was"),
};

const struct group rereg_group = { tests, ARRAY_SIZE(tests) };
