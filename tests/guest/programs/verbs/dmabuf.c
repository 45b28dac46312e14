// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of a dma-buf. libsiw has no way to ask for one, so the command is written as the kernel's ABI has it. The
 * dma-buf is udmabuf's: memory of a file that the kernel maps.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/ioctl.h>
#include <linux/udmabuf.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/rdma_user_ioctl.h>
#include "harness.h"

#define PAGE	4096
#define ALL	16384	/* of the dma-buf */
#define OFFSET	PAGE	/* of the region in it */
#define SIZE	8192
#define AT	0x7000000ull	/* where requests find the region */
#define ACCESS	(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ)

#define IN(id, value, size)	{ UVERBS_ATTR_REG_DMABUF_MR_ ## id, size, UVERBS_ATTR_F_MANDATORY, {}, { value } }
#define IDR(id, value)		IN(id, value, 0)
#define OUT(id, to)		IN(id, (uintptr_t)(to), 4)

struct dmabuf_mr {
	uint32_t handle, lkey, rkey;
};

/* 0 or an errno */
static int reg_dmabuf(struct dmabuf_mr *to, int fd, uint64_t offset, uint64_t length, int access)
{
	struct {
		struct ib_uverbs_ioctl_hdr hdr;
		struct ib_uverbs_attr attrs[9];
	} req = {
		.hdr = {
			.length = sizeof(req),
			.object_id = UVERBS_OBJECT_MR,
			.method_id = UVERBS_METHOD_REG_DMABUF_MR,
			.num_attrs = 9,
			.driver_id = RDMA_DRIVER_SIW,
		},
		.attrs = {
			IDR(HANDLE, 0),
			IDR(PD_HANDLE, pd->handle),
			IN(OFFSET, offset, 8),
			IN(LENGTH, length, 8),
			IN(IOVA, AT, 8),
			IN(FD, (uint32_t)fd, 4),
			IN(ACCESS_FLAGS, access, 8),
			OUT(RESP_LKEY, &to->lkey),
			OUT(RESP_RKEY, &to->rkey),
		},
	};

	if (ioctl(verbs->cmd_fd, RDMA_VERBS_IOCTL, &req))
		return errno;
	to->handle = req.attrs[0].data;
	return 0;
}

static int dereg_dmabuf(const struct dmabuf_mr *of)
{
	struct {
		struct ib_uverbs_cmd_hdr hdr;
		struct ib_uverbs_dereg_mr cmd;
	} req = {
		.hdr = { .command = IB_USER_VERBS_CMD_DEREG_MR, .in_words = sizeof(req) / 4 },
		.cmd.mr_handle = of->handle,
	};

	return write(verbs->cmd_fd, &req, sizeof(req)) == sizeof(req) ? 0 : errno;
}

static int memory_file(void)
{
	int fd = memfd_create("dmabuf", MFD_ALLOW_SEALING);

	must(fd >= 0 && !ftruncate(fd, ALL) && !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), "a file in memory");
	return fd;
}

static int udmabuf_of(int file)
{
	struct udmabuf_create create = { .memfd = file, .size = ALL };
	int maker = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;

	if (maker < 0)
		return -1;
	fd = ioctl(maker, UDMABUF_CREATE, &create);
	must(fd >= 0, "UDMABUF_CREATE");
	close(maker);
	return fd;
}

/* The client writes from its region to the server's, and reads back. */
static void dmabuf(void)
{
	int file = memory_file(), fd = udmabuf_of(file);
	struct window w = { .addr = AT };
	struct dmabuf_mr region;
	struct ibv_send_wr wr;
	struct ibv_sge s;
	uint8_t *memory;
	uint32_t i;
	int other;

	if (fd < 0) {
		close(file);
		skip("no /dev/udmabuf here");
		return;
	}
	memory = mmap(NULL, ALL, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	must(memory != MAP_FAILED, "mmap");
	for (i = 0; i < ALL; i++)
		memory[i] = client ? pattern(4, i - OFFSET) : 0xee;
	other = reg_dmabuf(&region, fd, ALL - SIZE + PAGE, SIZE, ACCESS);
	expect(other == EINVAL, "past the end: errno %d", other);
	expect_zero(reg_dmabuf(&region, fd, OFFSET, SIZE, ACCESS));
	/* The region keeps it. */
	close(fd);
	close(file);
	w.rkey = region.rkey;
	swap(&w, &w, sizeof(w));
	connect_both();
	barrier();
	if (client) {
		s = (struct ibv_sge){ AT, SIZE, region.lkey };
		wr = wr_of(1, IBV_WR_RDMA_WRITE, &s, 0, 0);
		aim(&wr, w);
		expect_zero(post(&wr));
		s = sge(0, SIZE);
		wr = wr_of(2, IBV_WR_RDMA_READ, &s, 0, 0);
		aim(&wr, w);
		expect_zero(post(&wr));
		await_wc(scq, 1, SUCCESS);
		await_wc(scq, 2, SUCCESS);
		verify(0, SIZE, 4);
	}
	barrier();
	for (i = 0; i < ALL && !client; i++) {
		uint8_t wanted = i < OFFSET || i >= OFFSET + SIZE ? 0xee : pattern(4, i - OFFSET);

		expect(memory[i] == wanted, "octet %u is %02x, not %02x", i, memory[i], wanted);
	}
	w.addr++;
	remote_error(IBV_WR_RDMA_READ, w, SIZE);
	expect_zero(dereg_dmabuf(&region));
	munmap(memory, ALL);
}

static void dmabuf_none(void)
{
	struct dmabuf_mr region;
	int file = memory_file(), ret;

	ret = reg_dmabuf(&region, file, 0, ALL, ACCESS);
	close(file);
	expect(ret == EINVAL, "a file: errno %d", ret);
	ret = reg_dmabuf(&region, -1, 0, ALL, ACCESS);
	expect(ret == EBADF, "no file: errno %d", ret);
}

static const struct test tests[] = {
	TEST(dmabuf, "a region of a dma-buf is written and read, and no octet beside it"),
	TEST(dmabuf_none, "what is no dma-buf is refused"),
};

const struct group dmabuf_group = { tests, ARRAY_SIZE(tests) };
