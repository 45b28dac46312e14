// SPDX-License-Identifier: GPL-2.0
/*
 * Moves: some are wild, some go by the rules, so that wild ones find something
 * to hit. All threads of a process make them with the same few files, ports, QPs
 * and ids.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/socket.h>

#include "door.h"
#include "move.h"
#include "qp.h"

#define FILES		4
#define KNOWN		64
#define PORTS		4

static uint16_t first_port;
static int doors[FILES];	/* the first one blocks */
static _Atomic uint32_t known[KNOWN];
static _Atomic unsigned int wrong;

/* One's own, somebody's, perhaps of a request that nobody has heard of, or nobody's */
static uint32_t some_id(struct dice *d)
{
	switch (below(d, 16)) {
	case 0:
		return throw(d) * 2;
	case 1 ... 6:
		return below(d, 48);
	default:
		return any_of(d, known);
	}
}

static int some_door(struct dice *d)
{
	return doors[1 + below(d, FILES - 1)];
}

static uint16_t some_port(struct dice *d)
{
	return first_port + below(d, PORTS);
}

static struct sockaddr_in some_addr(struct dice *d)
{
	static const struct sockaddr_in *const addrs[] = { &own, &peer, &any };

	return with_port(any_of(d, addrs), one_in(d, 4) ? 0 : some_port(d));
}

static struct packet some_packet(struct dice *d, uint32_t cmd, uint32_t id, void *response)
{
	struct sockaddr_in addr = some_addr(d);
	struct packet p = make(cmd, id, response, &addr);
	struct rdma_ucm_conn_param *param = conn_param(&p);

	if (param) {
		param->qp_num = qp_some(d);
		param->private_data_len = one_in(d, 3) ? throw(d) : 0;
	}
	if (has(shapes[cmd].timeout))
		put(&p, shapes[cmd].timeout, below(d, 200));
	switch (cmd) {
	case RDMA_USER_CM_CMD_CREATE_ID:
		if (one_in(d, 6))
			p.body.create_id.ps = one_in(d, 2) ? RDMA_PS_UDP : RDMA_PS_IB;
		p.body.create_id.uid = below(d, 8);
		break;
	case RDMA_USER_CM_CMD_ACCEPT:
		p.body.accept.uid = below(d, 8);
		break;
	case RDMA_USER_CM_CMD_LISTEN:
		p.body.listen.backlog = below(d, 6);
		break;
	case RDMA_USER_CM_CMD_QUERY:
		p.body.query.option = below(d, 4);
		break;
	case RDMA_USER_CM_CMD_INIT_QP_ATTR:
		p.body.init_qp_attr.qp_state = below(d, 8);
		break;
	case RDMA_USER_CM_CMD_SET_OPTION:
		p.body.set_option.level = one_in(d, 8);
		p.body.set_option.optname = below(d, 5);
		p.body.set_option.optlen = one_in(d, 4) ? below(d, 200) : one_in(d, 2) ? 1 : 4;
		p.body.set_option.optval = (uintptr_t)response;
		break;
	case RDMA_USER_CM_CMD_NOTIFY:
		p.body.notify.event = below(d, 20);
		break;
	case RDMA_USER_CM_CMD_MIGRATE_ID:
		p.body.migrate_id.fd = any_of(d, doors);
		break;
	}
	return p;
}

static void count(struct fuzzer *f)
{
	if (f->left)
		f->left--;
}

static void operate(struct fuzzer *f, int fd, const struct packet *p, size_t len)
{
	int error = door_write(fd, p, len);

	count(f);
	if (error <= EHWPOISON)
		return;
	printf("command %u: errno %d\n", p->hdr.cmd, error);
	wrong++;
}

static void write_packet(struct fuzzer *f, int fd, const struct packet *p)
{
	operate(f, fd, p, sizeof(p->hdr) + p->hdr.in);
}

static void command(struct fuzzer *f, int fd, uint32_t cmd, uint32_t id, void *response)
{
	struct packet p = some_packet(&f->dice, cmd, id, response);

	write_packet(f, fd, &p);
}

static void simple(struct fuzzer *f, int fd, uint32_t cmd, uint32_t id)
{
	uint8_t response[ROOM];

	command(f, fd, cmd, id, response);
}

static void learn(struct fuzzer *f, uint32_t id)
{
	any_of(&f->dice, known) = id;
}

/* Anything, and flawed in half of the cases */
static void wild(struct fuzzer *f)
{
	struct dice *d = &f->dice;
	uint8_t response[ROOM];
	struct packet p = some_packet(d, below(d, COMMANDS), some_id(d), response);

	if (one_in(d, 2))
		flaw(d, &p);
	write_packet(f, some_door(d), &p);
}

static void garbage(struct fuzzer *f)
{
	struct dice *d = &f->dice;
	struct packet p;
	size_t i;

	for (i = 0; i < sizeof(p); i++)
		((uint8_t *)&p)[i] = one_in(d, 2) ? 0 : throw(d);
	p.hdr.cmd = below(d, COMMANDS + 1);
	operate(f, some_door(d), &p, below(d, sizeof(p)));
}

static uint32_t new_id(struct fuzzer *f, int fd)
{
	struct rdma_ucm_create_id_resp resp = { NEVER };

	command(f, fd, RDMA_USER_CM_CMD_CREATE_ID, 0, &resp);
	learn(f, resp.id);
	return resp.id;
}

static void listener(struct fuzzer *f)
{
	int fd = some_door(&f->dice);
	uint32_t id = new_id(f, fd);

	simple(f, fd, RDMA_USER_CM_CMD_BIND, id);
	simple(f, fd, RDMA_USER_CM_CMD_LISTEN, id);
}

/* Reads one; what it tells of becomes known, and is answered, or not. */
static void reader(struct fuzzer *f, int fd)
{
	struct rdma_ucm_event_resp event = { .event = ~0u };

	command(f, fd, RDMA_USER_CM_CMD_GET_EVENT, 0, &event);
	if (event.event != 4 /* a request */)
		return;
	learn(f, event.id);
	if (one_in(&f->dice, 2))
		simple(f, fd, RDMA_USER_CM_CMD_ACCEPT, event.id);
	else if (one_in(&f->dice, 2))
		simple(f, fd, RDMA_USER_CM_CMD_REJECT, event.id);
}

static void await(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	poll(&p, 1, ms);
}

static void connector(struct fuzzer *f)
{
	int fd = some_door(&f->dice);
	uint32_t id = new_id(f, fd);

	if (one_in(&f->dice, 4))
		simple(f, fd, RDMA_USER_CM_CMD_BIND, id);
	simple(f, fd, RDMA_USER_CM_CMD_RESOLVE_ADDR, id);
	await(fd, POLLIN, 20);
	simple(f, fd, RDMA_USER_CM_CMD_RESOLVE_ROUTE, id);
	await(fd, POLLIN, 20);
	simple(f, fd, RDMA_USER_CM_CMD_CONNECT, id);
	if (one_in(&f->dice, 3))
		simple(f, fd, one_in(&f->dice, 2) ? RDMA_USER_CM_CMD_DISCONNECT :
		       RDMA_USER_CM_CMD_DESTROY_ID, id);
}

/* A request by plain TCP. It hangs up when its turn comes. */
static void caller(struct fuzzer *f)
{
	static _Atomic int calls[8];
	struct sockaddr_in to = with_port(one_in(&f->dice, 3) ? &peer : &own, some_port(&f->dice));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), old;

	count(f);
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno == EINPROGRESS)
		await(fd, POLLOUT, 10);
	if (!one_in(&f->dice, 6))
		send(fd, MPA_REQUEST, MPA_REQUEST_LEN, MSG_NOSIGNAL);
	old = atomic_exchange(&any_of(&f->dice, calls), fd);
	if (old > 0)
		close(old);
}

/* Everybody's handles, one after the other, in one of the files */
static void sweep(struct fuzzer *f)
{
	static const uint32_t commands[] = {
		RDMA_USER_CM_CMD_DESTROY_ID, RDMA_USER_CM_CMD_ACCEPT, RDMA_USER_CM_CMD_REJECT,
		RDMA_USER_CM_CMD_MIGRATE_ID, RDMA_USER_CM_CMD_QUERY, RDMA_USER_CM_CMD_DISCONNECT,
		RDMA_USER_CM_CMD_LISTEN, RDMA_USER_CM_CMD_RESOLVE_ADDR, RDMA_USER_CM_CMD_LEAVE_MCAST,
	};
	uint32_t cmd = any_of(&f->dice, commands), id;
	int fd = some_door(&f->dice);

	for (id = 0; id < 32; id++)
		simple(f, fd, cmd, id);
}

/* Closed with all that is in it; its number stays a door. */
static void reopen(struct fuzzer *f)
{
	int fd = door_open(O_NONBLOCK);

	count(f);
	must(dup3(fd, some_door(&f->dice), O_CLOEXEC) < 0);
	close(fd);
}

void move_open_doors(uint16_t port)
{
	unsigned int i;

	first_port = port;
	for (i = 0; i < FILES; i++)
		doors[i] = door_open(i ? O_NONBLOCK : 0);
}

void move(struct fuzzer *f)
{
	static void (*const moves[])(struct fuzzer *f) = {
		wild, wild, wild, wild, wild, wild, garbage, listener, listener, connector,
		caller, caller, caller, caller, sweep,
	};

	if (one_in(&f->dice, 40))
		reopen(f);
	else if (one_in(&f->dice, 3))
		reader(f, some_door(&f->dice));
	else
		any_of(&f->dice, moves)(f);
}

/* In the first file, for what others move there */
void move_wait(struct fuzzer *f)
{
	reader(f, doors[0]);
}

bool move_saw_wrong(void)
{
	return wrong;
}
