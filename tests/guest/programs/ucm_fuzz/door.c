// SPDX-License-Identifier: GPL-2.0
/*
 * The door, as its files see it.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "door.h"
#include "ucm_fuzz.h"

int door_open(int flags)
{
	int fd = open("/dev/infiniband/rdma_cm", O_RDWR | O_CLOEXEC | flags);

	must(fd < 0);
	return fd;
}

int door_write(int fd, const void *from, size_t len)
{
	ssize_t n = write(fd, from, len);

	if (n < 0)
		return errno;
	return n == (ssize_t)len ? 0 : -1;
}

int ask(int fd, const struct packet *p)
{
	return door_write(fd, p, sizeof(p->hdr) + p->hdr.in);
}

uint32_t create(int fd, uint16_t ps)
{
	struct rdma_ucm_create_id_resp resp;
	struct packet p = make(RDMA_USER_CM_CMD_CREATE_ID, 0, &resp, &own);

	p.body.create_id.ps = ps;
	must(ask(fd, &p));
	return resp.id;
}

int destroy(int fd, uint32_t id)
{
	struct rdma_ucm_destroy_id_resp resp;
	struct packet p = make(RDMA_USER_CM_CMD_DESTROY_ID, id, &resp, &own);

	return ask(fd, &p);
}
