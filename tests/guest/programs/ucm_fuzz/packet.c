// SPDX-License-Identifier: GPL-2.0
/*
 * Commands as librdmacm would write them.
 */
#include <string.h>

#include "packet.h"

void put(struct packet *p, struct field f, uint64_t value)
{
	union {
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
	} v;

	switch (f.octets) {
	case 2:
		v.u16 = value;
		break;
	case 4:
		v.u32 = value;
		break;
	default:
		v.u64 = value;
		break;
	}
	memcpy(p->body.octets + f.at, &v, f.octets);
}

/* An address begins with it. */
void put_family(struct packet *p, uint16_t family)
{
	struct field f = shapes[p->hdr.cmd].addr;

	if (has(f))
		put(p, (struct field) { f.at, sizeof(family) }, family);
}

void put_response(struct packet *p, void *response)
{
	put(p, shapes[p->hdr.cmd].response, (uintptr_t)response);
}

struct rdma_ucm_conn_param *conn_param(struct packet *p)
{
	switch (p->hdr.cmd) {
	case RDMA_USER_CM_CMD_CONNECT:
		return &p->body.connect.conn_param;
	case RDMA_USER_CM_CMD_ACCEPT:
		return &p->body.accept.conn_param;
	}
	return NULL;
}

struct packet make(uint32_t cmd, uint32_t id, void *response, const struct sockaddr_in *addr)
{
	const struct shape *s = &shapes[cmd];
	struct packet p = {};

	p.hdr.cmd = cmd;
	p.hdr.in = s->in;
	p.hdr.out = ROOM;
	put(&p, s->id, id);
	put_response(&p, response);
	if (has(s->addr))
		memcpy(p.body.octets + s->addr.at, addr, sizeof(*addr));
	put(&p, s->addr_size, sizeof(*addr));
	put(&p, s->timeout, 1000);
	if (conn_param(&p))
		conn_param(&p)->valid = 1;
	switch (cmd) {
	case RDMA_USER_CM_CMD_CREATE_ID:
		p.body.create_id.ps = RDMA_PS_TCP;
		p.body.create_id.uid = 1;
		break;
	case RDMA_USER_CM_CMD_ACCEPT:
		p.body.accept.uid = 2;
		break;
	}
	return p;
}
