// SPDX-License-Identifier: GPL-2.0
/*
 * The random script: one id at a time, nobody else, so that the answers depend on
 * nothing but the door. What TCP's rules change is left out: ports that are in
 * use, and options about that.
 */
#include <errno.h>
#include <stdio.h>

#include "door.h"
#include "ucm_fuzz.h"

static struct packet some_packet(struct dice *d, uint32_t id)
{
	static const uint32_t commands[] = {
		RDMA_USER_CM_CMD_BIND_IP, RDMA_USER_CM_CMD_BIND, RDMA_USER_CM_CMD_RESOLVE_IP,
		RDMA_USER_CM_CMD_RESOLVE_ADDR, RDMA_USER_CM_CMD_RESOLVE_ADDR, RDMA_USER_CM_CMD_RESOLVE_ROUTE,
		RDMA_USER_CM_CMD_RESOLVE_ROUTE, RDMA_USER_CM_CMD_QUERY_ROUTE, RDMA_USER_CM_CMD_QUERY,
		RDMA_USER_CM_CMD_CONNECT, RDMA_USER_CM_CMD_LISTEN, RDMA_USER_CM_CMD_LISTEN,
		RDMA_USER_CM_CMD_ACCEPT, RDMA_USER_CM_CMD_REJECT, RDMA_USER_CM_CMD_DISCONNECT,
		RDMA_USER_CM_CMD_INIT_QP_ATTR, RDMA_USER_CM_CMD_NOTIFY, RDMA_USER_CM_CMD_SET_OPTION,
		RDMA_USER_CM_CMD_JOIN_IP_MCAST, RDMA_USER_CM_CMD_LEAVE_MCAST, RDMA_USER_CM_CMD_DESTROY_ID,
	};
	static const struct sockaddr_in *const addrs[] = { &own, &own, &any, &peer };
	uint32_t cmd = any_of(d, commands);
	struct packet p = make(cmd, id, room, any_of(d, addrs));

	switch (cmd) {
	case RDMA_USER_CM_CMD_QUERY:
		p.body.query.option = below(d, 4);
		break;
	case RDMA_USER_CM_CMD_INIT_QP_ATTR:
		p.body.init_qp_attr.qp_state = below(d, 8);
		break;
	case RDMA_USER_CM_CMD_SET_OPTION:
		p.body.set_option.optname = below(d, 2) ? RDMA_OPTION_ID_TOS : RDMA_OPTION_ID_ACK_TIMEOUT;
		p.body.set_option.optlen = below(d, 3);
		p.body.set_option.optval = (uintptr_t)room;
		break;
	}
	if (one_in(d, 3))
		flaw(d, &p);
	return p;
}

/* Whether the id is alive afterwards */
static bool step(struct dice *d, uint32_t id)
{
	struct packet p = some_packet(d, id);
	const struct shape *s = &shapes[p.hdr.cmd];
	int error;

	blank();
	error = ask(files[0], &p);
	printf("%s (%u %u): %s, %u octets\n", s->name, p.hdr.in, p.hdr.out, error_name(error), answered());
	if (has(s->timeout) && !error)
		settle();
	/* Also when the answer could not be written */
	if (p.hdr.cmd == RDMA_USER_CM_CMD_DESTROY_ID && (!error || error == EFAULT))
		return destroy(files[0], id) != ENOENT;
	return true;
}

int script(uint64_t seed, uint32_t episodes)
{
	struct dice d = { seed };
	unsigned int steps;
	uint32_t n, id;
	bool alive;

	files_open();
	for (n = 0; n < episodes; n++) {
		printf("episode %u\n", n);
		id = create(files[0], one_in(&d, 8) ? RDMA_PS_UDP : RDMA_PS_TCP);
		alive = true;
		for (steps = 1 + below(&d, 8); steps && alive; steps--)
			alive = step(&d, id);
		if (alive)
			destroy(files[0], id);
	}
	return 0;
}
