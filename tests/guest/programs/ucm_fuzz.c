// SPDX-License-Identifier: GPL-2.0
/*
 * ucm_fuzz: what the door /dev/infiniband/rdma_cm answers to those who do not
 * come through librdmacm.
 *
 *	ucm_fuzz errnos ADDR PEER
 *		malformed commands of every kind, one after the other; prints what each was answered, always the
 *		same for the same door
 *	ucm_fuzz script SEED EPISODES ADDR PEER
 *		the same for commands in random order with random flaws; what they do is the same for the same seed
 *	ucm_fuzz answers PORT ADDR PEER
 *		answers to what is no request, and twice to what is one; prints what each was answered
 *	ucm_fuzz fuzz SEED OPERATIONS PORT ADDR PEER
 *		many processes, threads and files at once, as wild as can be, until so many operations were made; the
 *		ports are PORT to PORT + 3. Says so if an answer is no errno of user space's.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_user_cm.h>

#define NODE		"/dev/infiniband/rdma_cm"
#define COMMANDS	(RDMA_USER_CM_CMD_JOIN_MCAST + 1)
#define NEVER		0x7ffffff0u
#define ROOM		4096

union body {
	struct rdma_ucm_create_id create_id;
	struct rdma_ucm_destroy_id destroy_id;
	struct rdma_ucm_bind_ip bind_ip;
	struct rdma_ucm_bind bind;
	struct rdma_ucm_resolve_ip resolve_ip;
	struct rdma_ucm_resolve_addr resolve_addr;
	struct rdma_ucm_resolve_route resolve_route;
	struct rdma_ucm_query query;
	struct rdma_ucm_connect connect;
	struct rdma_ucm_listen listen;
	struct rdma_ucm_accept accept;
	struct rdma_ucm_reject reject;
	struct rdma_ucm_disconnect disconnect;
	struct rdma_ucm_init_qp_attr init_qp_attr;
	struct rdma_ucm_get_event get_event;
	struct rdma_ucm_set_option set_option;
	struct rdma_ucm_notify notify;
	struct rdma_ucm_join_ip_mcast join_ip_mcast;
	struct rdma_ucm_join_mcast join_mcast;
	struct rdma_ucm_migrate_id migrate_id;
	uint8_t octets[1024];
};

/* A command as it is written */
struct packet {
	struct rdma_ucm_cmd_hdr hdr;
	union body body;
};

#define FIELD(type, member)	offsetof(struct rdma_ucm_##type, member)
#define NONE			-1

/* Where each command has what: the fields that are worth going wrong */
static const struct shape {
	const char *name;
	uint16_t in;		/* octets */
	uint16_t out;		/* the least that it takes, 0: it answers nothing */
	int id;
	int response;
	int addr;		/* a sockaddr_in6 or sockaddr_storage */
	int addr_size;
	int reserved;		/* that has to be 0 */
} shapes[COMMANDS] = {
	[RDMA_USER_CM_CMD_CREATE_ID] = { "create_id", sizeof(struct rdma_ucm_create_id), 4,
		NONE, FIELD(create_id, response), NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_DESTROY_ID] = { "destroy_id", sizeof(struct rdma_ucm_destroy_id), 4,
		FIELD(destroy_id, id), FIELD(destroy_id, response), NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_BIND_IP] = { "bind_ip", sizeof(struct rdma_ucm_bind_ip), 0,
		FIELD(bind_ip, id), NONE, FIELD(bind_ip, addr), NONE, NONE },
	[RDMA_USER_CM_CMD_RESOLVE_IP] = { "resolve_ip", sizeof(struct rdma_ucm_resolve_ip), 0,
		FIELD(resolve_ip, id), NONE, FIELD(resolve_ip, dst_addr), NONE, NONE },
	[RDMA_USER_CM_CMD_RESOLVE_ROUTE] = { "resolve_route", sizeof(struct rdma_ucm_resolve_route), 0,
		FIELD(resolve_route, id), NONE, NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_QUERY_ROUTE] = { "query_route", sizeof(struct rdma_ucm_query),
		FIELD(query_route_resp, ibdev_index), FIELD(query, id), FIELD(query, response),
		NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_CONNECT] = { "connect", sizeof(struct rdma_ucm_connect), 0,
		FIELD(connect, id), NONE, NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_LISTEN] = { "listen", sizeof(struct rdma_ucm_listen), 0,
		FIELD(listen, id), NONE, NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_ACCEPT] = { "accept", sizeof(struct rdma_ucm_accept), 0,
		FIELD(accept, id), NONE, NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_REJECT] = { "reject", sizeof(struct rdma_ucm_reject), 0,
		FIELD(reject, id), NONE, NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_DISCONNECT] = { "disconnect", sizeof(struct rdma_ucm_disconnect), 0,
		FIELD(disconnect, id), NONE, NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_INIT_QP_ATTR] = { "init_qp_attr", sizeof(struct rdma_ucm_init_qp_attr),
		sizeof(struct ib_uverbs_qp_attr), FIELD(init_qp_attr, id),
		FIELD(init_qp_attr, response), NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_GET_EVENT] = { "get_event", sizeof(struct rdma_ucm_get_event),
		FIELD(event_resp, reserved), NONE, FIELD(get_event, response), NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_GET_OPTION] = { "get_option", sizeof(struct rdma_ucm_set_option), 0,
		FIELD(set_option, id), NONE, NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_SET_OPTION] = { "set_option", sizeof(struct rdma_ucm_set_option), 0,
		FIELD(set_option, id), NONE, NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_NOTIFY] = { "notify", sizeof(struct rdma_ucm_notify), 0,
		FIELD(notify, id), NONE, NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_JOIN_IP_MCAST] = { "join_ip_mcast", sizeof(struct rdma_ucm_join_ip_mcast), 4,
		FIELD(join_ip_mcast, id), FIELD(join_ip_mcast, response), FIELD(join_ip_mcast, addr),
		NONE, NONE },
	[RDMA_USER_CM_CMD_LEAVE_MCAST] = { "leave_mcast", sizeof(struct rdma_ucm_destroy_id), 4,
		FIELD(destroy_id, id), FIELD(destroy_id, response), NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_MIGRATE_ID] = { "migrate_id", sizeof(struct rdma_ucm_migrate_id), 4,
		FIELD(migrate_id, id), FIELD(migrate_id, response), NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_QUERY] = { "query", sizeof(struct rdma_ucm_query),
		FIELD(query_addr_resp, ibdev_index), FIELD(query, id), FIELD(query, response),
		NONE, NONE, NONE },
	[RDMA_USER_CM_CMD_BIND] = { "bind", sizeof(struct rdma_ucm_bind), 0,
		FIELD(bind, id), NONE, FIELD(bind, addr), FIELD(bind, addr_size), FIELD(bind, reserved) },
	[RDMA_USER_CM_CMD_RESOLVE_ADDR] = { "resolve_addr", sizeof(struct rdma_ucm_resolve_addr), 0,
		FIELD(resolve_addr, id), NONE, FIELD(resolve_addr, dst_addr),
		FIELD(resolve_addr, dst_size), FIELD(resolve_addr, reserved) },
	[RDMA_USER_CM_CMD_JOIN_MCAST] = { "join_mcast", sizeof(struct rdma_ucm_join_mcast), 4,
		FIELD(join_mcast, id), FIELD(join_mcast, response), FIELD(join_mcast, addr),
		FIELD(join_mcast, addr_size), NONE },
};

static struct sockaddr_in own, peer;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "ucm_fuzz: %s: %s\n", what, strerror(errno));
	exit(1);
}

#define must(call)					\
	do {						\
		if (call)				\
			die(#call);			\
	} while (0)

/* A generator of one's own, so that a seed means the same everywhere */
struct dice {
	uint64_t state;
};

static uint32_t throw(struct dice *d)
{
	d->state = d->state * 6364136223846793005ull + 1442695040888963407ull;
	return d->state >> 33;
}

static uint32_t below(struct dice *d, uint32_t n)
{
	return throw(d) % n;
}

static bool one_in(struct dice *d, uint32_t n)
{
	return !below(d, n);
}

/* Packets */

static int door(int flags)
{
	int fd = open(NODE, O_RDWR | O_CLOEXEC | flags);

	must(fd < 0);
	return fd;
}

static void put(struct packet *p, int at, const void *from, size_t len)
{
	if (at != NONE)
		memcpy(p->body.octets + at, from, len);
}

static void put_u16(struct packet *p, int at, uint16_t value)
{
	put(p, at, &value, sizeof(value));
}

static void put_u32(struct packet *p, int at, uint32_t value)
{
	put(p, at, &value, sizeof(value));
}

static void put_u64(struct packet *p, int at, uint64_t value)
{
	put(p, at, &value, sizeof(value));
}

static void put_response(struct packet *p, void *response)
{
	put_u64(p, shapes[p->hdr.cmd].response, (uintptr_t)response);
}

/* Without a flaw, except that what it asks may not fit the id's state */
static struct packet make(uint32_t cmd, uint32_t id, void *response, const struct sockaddr_in *addr)
{
	const struct shape *s = &shapes[cmd];
	struct packet p = {};

	p.hdr.cmd = cmd;
	p.hdr.in = s->in;
	p.hdr.out = ROOM;
	put_u32(&p, s->id, id);
	put_response(&p, response);
	put(&p, s->addr, addr, sizeof(*addr));
	put_u16(&p, s->addr_size, sizeof(*addr));
	switch (cmd) {
	case RDMA_USER_CM_CMD_CREATE_ID:
		p.body.create_id.ps = RDMA_PS_TCP;
		p.body.create_id.uid = 1;
		break;
	case RDMA_USER_CM_CMD_CONNECT:
		p.body.connect.conn_param.valid = 1;
		break;
	case RDMA_USER_CM_CMD_ACCEPT:
		p.body.accept.conn_param.valid = 1;
		p.body.accept.uid = 2;
		break;
	case RDMA_USER_CM_CMD_RESOLVE_IP:
		p.body.resolve_ip.timeout_ms = 1000;
		break;
	case RDMA_USER_CM_CMD_RESOLVE_ADDR:
		p.body.resolve_addr.timeout_ms = 1000;
		break;
	case RDMA_USER_CM_CMD_RESOLVE_ROUTE:
		p.body.resolve_route.timeout_ms = 1000;
		break;
	}
	return p;
}

/* 0 or the errno of what was asked */
static int ask(int fd, const struct packet *p)
{
	size_t len = sizeof(p->hdr) + p->hdr.in;
	ssize_t n = write(fd, p, len);

	if (n < 0)
		return errno;
	return n == (ssize_t)len ? 0 : -1;
}

static const char *name(int error)
{
	return error < 0 ? "a wrong length" : error ? strerrorname_np(error) ? : "no errno" : "0";
}

static uint32_t create(int fd, uint16_t ps)
{
	struct rdma_ucm_create_id_resp resp;
	struct packet p = make(RDMA_USER_CM_CMD_CREATE_ID, 0, &resp, &own);

	p.body.create_id.ps = ps;
	must(ask(fd, &p));
	return resp.id;
}

static int destroy(int fd, uint32_t id)
{
	struct rdma_ucm_destroy_id_resp resp;
	struct packet p = make(RDMA_USER_CM_CMD_DESTROY_ID, id, &resp, &own);

	return ask(fd, &p);
}

static struct sockaddr_in with_port(const struct sockaddr_in *addr, uint16_t port)
{
	struct sockaddr_in a = *addr;

	a.sin_port = htons(port);
	return a;
}

/* What must not be there, and what may only be read */
static uint8_t *edge;		/* the last page before a hole */
static uint8_t *readonly;

static void map_traps(void)
{
	long page = sysconf(_SC_PAGESIZE);

	edge = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(edge == MAP_FAILED);
	must(mprotect(edge + page, page, PROT_NONE));
	edge += page;
	readonly = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(readonly == MAP_FAILED);
}

/* The table of errnos */

static int files[2];		/* non-blocking */
static uint8_t room[ROOM];

static void tell(const char *what, uint32_t cmd, int error)
{
	printf("%s: %s: %s\n", cmd < COMMANDS ? shapes[cmd].name : "?", what, name(error));
}

static void tell_write(const char *what, uint32_t cmd, const void *from, size_t len)
{
	ssize_t n = write(files[0], from, len);

	tell(what, cmd, n < 0 ? errno : n == (ssize_t)len ? 0 : -1);
}

/* Answers may take a moment to come; nothing else is expected to be told. */
static void settle(int fd)
{
	struct packet p = make(RDMA_USER_CM_CMD_GET_EVENT, 0, room, &own);
	struct pollfd f = { .fd = fd, .events = POLLIN };
	const struct rdma_ucm_event_resp *event = (void *)room;

	if (poll(&f, 1, 3000) < 1) {
		puts("no event");
		return;
	}
	must(ask(fd, &p));
	printf("event %u, status %d, uid %llu\n", event->event, (int)event->status,
	       (unsigned long long)event->uid);
}

enum state { FRESH, BOUND, WILDCARD, LISTENING, RESOLVED, ROUTED, DATAGRAM, STATES };

static const char *const state_names[STATES] = {
	"a fresh id", "a bound id", "an id bound to the wildcard", "a listening id", "a resolved id",
	"a routed id", "a bound datagram id",
};

static uint32_t id_in_state(int fd, enum state state)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	uint32_t id = create(fd, state == DATAGRAM ? RDMA_PS_UDP : RDMA_PS_TCP);
	struct packet p;

	switch (state) {
	case FRESH:
	case STATES:
		break;
	case BOUND:
	case LISTENING:
	case DATAGRAM:
		p = make(RDMA_USER_CM_CMD_BIND, id, NULL, &own);
		must(ask(fd, &p));
		break;
	case WILDCARD:
		p = make(RDMA_USER_CM_CMD_BIND, id, NULL, &any);
		must(ask(fd, &p));
		break;
	case RESOLVED:
	case ROUTED:
		p = make(RDMA_USER_CM_CMD_RESOLVE_ADDR, id, NULL, &peer);
		must(ask(fd, &p));
		settle(fd);
		break;
	}
	if (state == LISTENING) {
		p = make(RDMA_USER_CM_CMD_LISTEN, id, NULL, &own);
		must(ask(fd, &p));
	}
	if (state == ROUTED) {
		p = make(RDMA_USER_CM_CMD_RESOLVE_ROUTE, id, NULL, &own);
		must(ask(fd, &p));
		settle(fd);
	}
	return id;
}

static void errnos_of_writes(void)
{
	struct packet p = make(RDMA_USER_CM_CMD_GET_OPTION, 0, room, &own);
	unsigned int len;

	for (len = 0; len < sizeof(p.hdr); len++)
		tell_write("a header cut short", COMMANDS, &p, len);
	p.hdr.cmd = COMMANDS;
	tell_write("unknown", COMMANDS, &p, sizeof(p));
	p.hdr.cmd = ~0u;
	tell_write("unknown", COMMANDS, &p, sizeof(p));
	tell_write("a header out of nowhere", COMMANDS, edge, sizeof(p));
	tell_write("a header out of nowhere, cut short", COMMANDS, edge, 4);
	p = make(RDMA_USER_CM_CMD_LISTEN, NEVER, room, &own);
	tell_write("more than there is to it", RDMA_USER_CM_CMD_LISTEN, &p, sizeof(p));
}

static void errnos_of_lengths(uint32_t cmd)
{
	const struct shape *s = &shapes[cmd];
	uint32_t id = create(files[0], RDMA_PS_TCP);
	struct packet p = make(cmd, id, room, &own);
	uint8_t *at = edge - sizeof(p.hdr) - s->in;

	tell_write("its length lies", cmd, &p, sizeof(p.hdr) + s->in - 1);
	tell_write("its length lies by all", cmd, &p, sizeof(p.hdr));
	p.hdr.in = 0xffff;
	tell_write("its length lies by far", cmd, &p, sizeof(p));
	p.hdr.in = 0;
	memcpy(edge - sizeof(p.hdr), &p, sizeof(p.hdr));
	tell_write("no more than a header, before a hole", cmd, edge - sizeof(p.hdr), sizeof(p.hdr));
	p.hdr.in = s->in;
	memcpy(at + 1, &p, sizeof(p.hdr) + s->in - 1);
	tell_write("its last octet in a hole", cmd, at + 1, sizeof(p.hdr) + s->in);
	if (s->out) {
		p = make(cmd, NEVER, room, &own);
		p.hdr.out = s->out - 1;
		tell("no room, no such id", cmd, ask(files[0], &p));
		p.hdr.out = 0;
		tell("no room at all, no such id", cmd, ask(files[0], &p));
		put_u32(&p, s->id, id);
		tell("no room at all", cmd, ask(files[0], &p));
		memcpy(at + 1, &p, sizeof(p.hdr) + s->in - 1);
		tell_write("no room at all, and in a hole", cmd, at + 1, sizeof(p.hdr) + s->in);
	}
	destroy(files[0], id);
}

static void errnos_of_ids(uint32_t cmd)
{
	const struct shape *s = &shapes[cmd];
	uint32_t ids[] = { NEVER, 0, ~0u, 0 };
	static const char *const which[] = { "no such id", "a destroyed id", "all ones", "another file's id" };
	struct packet p;
	unsigned int i;

	if (s->id == NONE)
		return;
	ids[1] = create(files[0], RDMA_PS_TCP);
	ids[3] = create(files[1], RDMA_PS_TCP);
	must(destroy(files[0], ids[1]));
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		p = make(cmd, ids[i], room, &own);
		if (cmd == RDMA_USER_CM_CMD_MIGRATE_ID)
			p.body.migrate_id.fd = files[0];
		tell(which[i], cmd, ask(files[0], &p));
		put_response(&p, NULL);
		tell("and no response", cmd, ask(files[0], &p));
	}
	must(destroy(files[1], ids[3]));
}

static void errnos_of_addresses(uint32_t cmd)
{
	static const struct {
		const char *name;
		uint16_t family;
		uint16_t size;
	} kinds[] = {
		{ "family 0", 0, 16 }, { "family 0, size 0", 0, 0 }, { "IPv4, size 0", AF_INET, 0 },
		{ "IPv4, size 15", AF_INET, 15 }, { "IPv4, size 28", AF_INET, 28 },
		{ "IPv6, size 16", AF_INET6, 16 }, { "IPv6, size 0", AF_INET6, 0 },
		{ "InfiniBand, size 28", 27, 28 }, { "Unix, size 16", AF_UNIX, 16 },
		{ "no family, size 16", 0xffff, 16 }, { "IPv4, all of it", AF_INET, 0xffff },
	};
	const struct shape *s = &shapes[cmd];
	uint32_t ids[2] = { create(files[0], RDMA_PS_TCP), NEVER };
	struct packet p;
	unsigned int i;

	for (i = 0; i < 2 * sizeof(kinds) / sizeof(kinds[0]) && s->addr != NONE; i++) {
		if (s->addr_size == NONE && kinds[i / 2].family == AF_INET)
			continue;
		p = make(cmd, ids[i % 2], room, &own);
		put_u16(&p, s->addr, kinds[i / 2].family);
		put_u16(&p, s->addr_size, kinds[i / 2].size);
		tell(kinds[i / 2].name, cmd, ask(files[0], &p));
	}
	if (s->reserved != NONE) {
		p = make(cmd, ids[0], room, &own);
		put_u16(&p, s->reserved, 1);
		tell("reserved", cmd, ask(files[0], &p));
	}
	must(destroy(files[0], ids[0]));
}

/* How much of the answer was written */
static unsigned int answered(void)
{
	unsigned int n = sizeof(room);

	while (n && room[n - 1] == 0xa5)
		n--;
	return n;
}

static void errnos_in_states(uint32_t cmd, enum state state)
{
	const struct shape *s = &shapes[cmd];
	char what[100];
	struct packet p;
	uint32_t id;
	int error;

	if (s->id == NONE || cmd == RDMA_USER_CM_CMD_DESTROY_ID)
		return;
	id = id_in_state(files[0], state);
	p = make(cmd, id, room, &own);
	if (cmd == RDMA_USER_CM_CMD_MIGRATE_ID)
		p.body.migrate_id.fd = files[0];
	if (s->response != NONE) {
		put_response(&p, NULL);
		snprintf(what, sizeof(what), "%s, no response", state_names[state]);
		tell(what, cmd, ask(files[0], &p));
		put_response(&p, readonly);
		tell("where it is read only", cmd, ask(files[0], &p));
		put_response(&p, edge - 3);
		tell("across a hole", cmd, ask(files[0], &p));
		put_response(&p, room + 1);
	}
	memset(room, 0xa5, sizeof(room));
	error = ask(files[0], &p);
	tell(state_names[state], cmd, error);
	if (s->response != NONE && !error)
		printf("%u octets\n", answered());
	if (!error && (cmd == RDMA_USER_CM_CMD_RESOLVE_IP || cmd == RDMA_USER_CM_CMD_RESOLVE_ADDR ||
		       cmd == RDMA_USER_CM_CMD_RESOLVE_ROUTE))
		settle(files[0]);
	tell("it is destroyed", cmd, destroy(files[0], id));
}

static void errnos_of_values(enum state state)
{
	static const uint32_t lengths[] = { 0, 1, 2, 4, 5, 72, 80, 144, 8u << 20, ~0u };
	uint32_t id = id_in_state(files[0], state), i, level, option;
	struct packet p;

	printf("values, %s\n", state_names[state]);
	for (i = 0; i < 12; i++) {
		p = make(RDMA_USER_CM_CMD_QUERY, id, room, &own);
		p.body.query.option = i == 11 ? ~0u : i;
		tell("options", p.hdr.cmd, ask(files[0], &p));
		p.hdr.out = i;
		tell("options, less room", p.hdr.cmd, ask(files[0], &p));
		p = make(RDMA_USER_CM_CMD_INIT_QP_ATTR, id, room, &own);
		p.body.init_qp_attr.qp_state = i == 11 ? ~0u : i;
		tell("QP states", p.hdr.cmd, ask(files[0], &p));
		p = make(RDMA_USER_CM_CMD_REJECT, id, room, &own);
		p.body.reject.reason = i == 11 ? 0xff : i == 10 ? 28 : i == 9 ? 35 : i;
		p.body.reject.private_data_len = i * 20;
		tell("reasons", p.hdr.cmd, ask(files[0], &p));
		p = make(RDMA_USER_CM_CMD_NOTIFY, id, room, &own);
		p.body.notify.event = i == 11 ? ~0u : i;
		tell("events", p.hdr.cmd, ask(files[0], &p));
		p = make(RDMA_USER_CM_CMD_JOIN_MCAST, id, room, &own);
		p.body.join_mcast.join_flags = i;
		tell("flags", p.hdr.cmd, ask(files[0], &p));
	}
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (level = 0; level < 3; level++) {
			for (option = 0; option < 5; option++) {
				/* Where TCP has the port these two are TCP's. */
				if (!level && (option == RDMA_OPTION_ID_REUSEADDR ||
					       option == RDMA_OPTION_ID_AFONLY) && lengths[i] == 4)
					continue;
				p = make(RDMA_USER_CM_CMD_SET_OPTION, id, room, &own);
				p.body.set_option.level = level;
				p.body.set_option.optname = option;
				p.body.set_option.optlen = lengths[i];
				p.body.set_option.optval = (uintptr_t)room;
				tell("options", p.hdr.cmd, ask(files[0], &p));
				p.body.set_option.optval = 8;
				tell("out of nowhere", p.hdr.cmd, ask(files[0], &p));
			}
		}
	}
	p = make(RDMA_USER_CM_CMD_CONNECT, id, room, &own);
	p.body.connect.conn_param.valid = 0;
	tell("not valid", p.hdr.cmd, ask(files[0], &p));
	p.body.connect.conn_param.valid = 1;
	p.hdr.in = offsetof(struct rdma_ucm_connect, ece);
	tell("as it was before ECE", p.hdr.cmd, ask(files[0], &p));
	p.hdr.in--;
	tell("one octet less", p.hdr.cmd, ask(files[0], &p));
	p = make(RDMA_USER_CM_CMD_ACCEPT, id, room, &own);
	p.body.accept.conn_param.valid = 0;
	tell("not valid", p.hdr.cmd, ask(files[0], &p));
	p.hdr.in = offsetof(struct rdma_ucm_accept, ece);
	tell("as it was before ECE", p.hdr.cmd, ask(files[0], &p));
	p.hdr.in--;
	tell("one octet less", p.hdr.cmd, ask(files[0], &p));
	must(destroy(files[0], id));
}

static void errnos_of_files(void)
{
	int null = open("/dev/null", O_RDWR), status, blocking;
	uint32_t id = create(files[0], RDMA_PS_TCP), ps;
	struct pollfd f = { .fd = files[0], .events = POLLIN | POLLOUT };
	struct packet p;
	char octet;
	pid_t pid;

	p = make(RDMA_USER_CM_CMD_MIGRATE_ID, id, room, &own);
	p.body.migrate_id.fd = -1;
	tell("from no file", p.hdr.cmd, ask(files[1], &p));
	p.body.migrate_id.fd = null;
	tell("from another kind of file", p.hdr.cmd, ask(files[1], &p));
	p.body.migrate_id.fd = files[1];
	tell("from a file that does not have it", p.hdr.cmd, ask(files[1], &p));
	p.body.migrate_id.fd = files[0];
	tell("from its file", p.hdr.cmd, ask(files[1], &p));
	tell("once more", p.hdr.cmd, ask(files[1], &p));
	tell("by its old file", RDMA_USER_CM_CMD_DESTROY_ID, destroy(files[0], id));
	tell("by its new file", RDMA_USER_CM_CMD_DESTROY_ID, destroy(files[1], id));
	tell("again", RDMA_USER_CM_CMD_DESTROY_ID, destroy(files[1], id));

	for (ps = 0; ps < 0x200; ps++) {
		p = make(RDMA_USER_CM_CMD_CREATE_ID, 0, room, &own);
		p.body.create_id.ps = ps;
		p.body.create_id.qp_type = IBV_QPT_RC;
		status = ask(files[0], &p);
		if (status == EINVAL)
			continue;
		printf("port space %#x: ", ps);
		tell("it is one", p.hdr.cmd, status);
		memcpy(&id, room, sizeof(id));
		must(destroy(files[0], id));
	}
	p = make(RDMA_USER_CM_CMD_GET_EVENT, 0, room, &own);
	tell("nothing is there", p.hdr.cmd, ask(files[0], &p));
	printf("poll: %d, %#x\n", poll(&f, 1, 0), f.revents);
	printf("read: %s\n", name(read(files[0], &octet, 1) < 0 ? errno : 0));
	printf("lseek: %s\n", name(lseek(files[0], 0, SEEK_SET) < 0 ? errno : 0));
	printf("pwrite: %s\n", name(pwrite(files[0], &octet, 1, 0) < 0 ? errno : 0));

	/* Its rights are its opener's. */
	fflush(stdout);
	pid = fork();
	if (!pid) {
		p = make(RDMA_USER_CM_CMD_CREATE_ID, 0, room, &own);
		must(setuid(65534));
		_exit(ask(files[0], &p));
	}
	must(waitpid(pid, &status, 0) != pid);
	tell("with other rights than its opener's", RDMA_USER_CM_CMD_CREATE_ID, WEXITSTATUS(status));

	/* A signal ends waiting. */
	blocking = door(0);
	pid = fork();
	if (!pid) {
		blocking = door(0);
		p = make(RDMA_USER_CM_CMD_GET_EVENT, 0, room, &own);
		must(signal(SIGALRM, SIG_DFL) == SIG_ERR);
		alarm(1);
		_exit(ask(blocking, &p));
	}
	must(waitpid(pid, &status, 0) != pid);
	printf("get_event: a signal: %s\n", WIFSIGNALED(status) ? "killed" : name(WEXITSTATUS(status)));
	close(blocking);
	close(null);
}

static int errnos(void)
{
	uint32_t cmd;
	int state;

	files[0] = door(O_NONBLOCK);
	files[1] = door(O_NONBLOCK);
	errnos_of_writes();
	errnos_of_files();
	for (cmd = 0; cmd < COMMANDS; cmd++) {
		errnos_of_lengths(cmd);
		errnos_of_ids(cmd);
		errnos_of_addresses(cmd);
	}
	for (state = 0; state < STATES; state++) {
		errnos_of_values(state);
		for (cmd = 0; cmd < COMMANDS; cmd++)
			errnos_in_states(cmd, state);
	}
	return 0;
}

/* Flaws */

static void flaw(struct dice *d, struct packet *p)
{
	const struct shape *s = &shapes[p->hdr.cmd];

	switch (below(d, 10)) {
	case 0:
		p->hdr.in = below(d, s->in + 1);
		break;
	case 1:
		p->hdr.out = below(d, s->out + 2);
		break;
	case 2:
		put_response(p, NULL);
		break;
	case 3:
		put_response(p, edge - below(d, 64));
		break;
	case 4:
		put_response(p, readonly);
		break;
	case 5:
		put_u32(p, s->id, NEVER - below(d, 3));
		break;
	case 6:
		put_u16(p, s->addr, below(d, 30));
		break;
	case 7:
		put_u16(p, s->addr_size, below(d, 140));
		break;
	case 8:
		put_u16(p, s->reserved, throw(d));
		break;
	case 9:
		/* Not of whom to look for: that could take its time. */
		if (p->hdr.cmd != RDMA_USER_CM_CMD_RESOLVE_IP && p->hdr.cmd != RDMA_USER_CM_CMD_RESOLVE_ADDR)
			p->body.octets[below(d, s->in)] ^= 1u << below(d, 8);
		break;
	}
}

/*
 * The random script: one id at a time, nobody else, so that the answers depend on
 * nothing but the door. What TCP's rules change is left out: ports that are in
 * use, and options about that.
 */

static void script_step(struct dice *d, uint32_t *id, bool *alive)
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
	uint32_t cmd = commands[below(d, sizeof(commands) / sizeof(commands[0]))];
	struct sockaddr_in any = { .sin_family = AF_INET };
	const struct sockaddr_in *addrs[] = { &own, &own, &any, &peer };
	struct packet p = make(cmd, *id, room, addrs[below(d, 4)]);
	int error;

	if (cmd == RDMA_USER_CM_CMD_QUERY)
		p.body.query.option = below(d, 4);
	if (cmd == RDMA_USER_CM_CMD_INIT_QP_ATTR)
		p.body.init_qp_attr.qp_state = below(d, 8);
	if (cmd == RDMA_USER_CM_CMD_SET_OPTION) {
		p.body.set_option.optname = below(d, 2) ? RDMA_OPTION_ID_TOS : RDMA_OPTION_ID_ACK_TIMEOUT;
		p.body.set_option.optlen = below(d, 3);
		p.body.set_option.optval = (uintptr_t)room;
	}
	if (one_in(d, 3))
		flaw(d, &p);
	memset(room, 0xa5, sizeof(room));
	error = ask(files[0], &p);
	printf("%s (%u %u): %s, %u octets\n", shapes[cmd].name, p.hdr.in, p.hdr.out, name(error), answered());
	if (!error && (cmd == RDMA_USER_CM_CMD_RESOLVE_IP || cmd == RDMA_USER_CM_CMD_RESOLVE_ADDR ||
		       cmd == RDMA_USER_CM_CMD_RESOLVE_ROUTE))
		settle(files[0]);
	/* Also when the answer could not be written */
	if (cmd == RDMA_USER_CM_CMD_DESTROY_ID && (!error || error == EFAULT))
		*alive = destroy(files[0], *id) != ENOENT;
}

static int script(uint64_t seed, uint32_t episodes)
{
	struct dice d = { seed };
	uint32_t n, id;
	unsigned int steps;
	bool alive;

	files[0] = door(O_NONBLOCK);
	for (n = 0; n < episodes; n++) {
		printf("episode %u\n", n);
		id = create(files[0], one_in(&d, 8) ? RDMA_PS_UDP : RDMA_PS_TCP);
		alive = true;
		for (steps = 1 + below(&d, 8); steps && alive; steps--)
			script_step(&d, &id, &alive);
		if (alive)
			destroy(files[0], id);
	}
	return 0;
}

/* The fuzzer: a process has some files, some threads, and no manners. */

#define FILES		4
#define QPS		6
#define KNOWN		64
#define PORTS		4

struct fuzzer {
	struct dice dice;
	unsigned int left;	/* operations */
};

static uint16_t first_port;
static int doors[FILES];	/* the first one blocks */
static _Atomic uint32_t known[KNOWN];
static _Atomic unsigned int wrong;
static struct ibv_pd *pd;
static struct ibv_cq *cq;
static pthread_mutex_t qps_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ibv_qp *qps[QPS];

static struct ibv_qp *qp_create(void)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { .max_send_wr = 2, .max_recv_wr = 2, .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .port_num = 1 };
	struct ibv_qp *qp = ibv_create_qp(pd, &init);

	if (qp)
		ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
			      IBV_QP_ACCESS_FLAGS);
	return qp;
}

static void open_device(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *context;

	must(!list || !list[0]);
	context = ibv_open_device(list[0]);
	must(!context);
	must(!(pd = ibv_alloc_pd(context)));
	must(!(cq = ibv_create_cq(context, 64, NULL, NULL, 0)));
}

/* One of few, so that it is used twice as well; now and then it is a new one. */
static uint32_t some_qp(struct dice *d)
{
	unsigned int i = below(d, QPS);
	uint32_t number = 0;

	if (one_in(d, 8))
		return below(d, 16);
	pthread_mutex_lock(&qps_lock);
	if (qps[i] && one_in(d, 2)) {
		ibv_destroy_qp(qps[i]);
		qps[i] = NULL;
	}
	if (!qps[i])
		qps[i] = qp_create();
	if (qps[i])
		number = qps[i]->qp_num;
	pthread_mutex_unlock(&qps_lock);
	return number;
}

/* One's own, somebody's, perhaps of a request that nobody has heard of, or nobody's */
static uint32_t some_id(struct dice *d)
{
	switch (below(d, 16)) {
	case 0:
		return throw(d) * 2;
	case 1 ... 6:
		return below(d, 48);
	default:
		return known[below(d, KNOWN)];
	}
}

static int some_door(struct dice *d)
{
	return doors[1 + below(d, FILES - 1)];
}

static struct sockaddr_in some_addr(struct dice *d)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	const struct sockaddr_in *addrs[] = { &own, &peer, &any };

	return with_port(addrs[below(d, 3)], one_in(d, 4) ? 0 : first_port + below(d, PORTS));
}

static void operation(struct fuzzer *f, int fd, const struct packet *p, size_t len)
{
	if (f->left)
		f->left--;
	if (write(fd, p, len) >= 0 || (errno > 0 && errno <= EHWPOISON))
		return;
	printf("command %u: errno %d\n", p->hdr.cmd, errno);
	wrong++;
}

static void operate(struct fuzzer *f, int fd, const struct packet *p)
{
	operation(f, fd, p, sizeof(p->hdr) + p->hdr.in);
}

static struct packet some_packet(struct dice *d, uint32_t cmd, uint32_t id, void *response)
{
	struct sockaddr_in addr = some_addr(d);
	struct packet p = make(cmd, id, response, &addr);

	switch (cmd) {
	case RDMA_USER_CM_CMD_CREATE_ID:
		if (one_in(d, 6))
			p.body.create_id.ps = one_in(d, 2) ? RDMA_PS_UDP : RDMA_PS_IB;
		p.body.create_id.uid = below(d, 8);
		break;
	case RDMA_USER_CM_CMD_CONNECT:
		p.body.connect.conn_param.qp_num = some_qp(d);
		p.body.connect.conn_param.private_data_len = one_in(d, 3) ? throw(d) : 0;
		break;
	case RDMA_USER_CM_CMD_ACCEPT:
		p.body.accept.conn_param.qp_num = some_qp(d);
		p.body.accept.conn_param.private_data_len = one_in(d, 3) ? throw(d) : 0;
		p.body.accept.uid = below(d, 8);
		break;
	case RDMA_USER_CM_CMD_LISTEN:
		p.body.listen.backlog = below(d, 6);
		break;
	case RDMA_USER_CM_CMD_RESOLVE_IP:
		p.body.resolve_ip.timeout_ms = below(d, 200);
		break;
	case RDMA_USER_CM_CMD_RESOLVE_ADDR:
		p.body.resolve_addr.timeout_ms = below(d, 200);
		break;
	case RDMA_USER_CM_CMD_RESOLVE_ROUTE:
		p.body.resolve_route.timeout_ms = below(d, 200);
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
		p.body.migrate_id.fd = doors[below(d, FILES)];
		break;
	}
	return p;
}

/* Anything, and flawed in half of the cases */
static void wild(struct fuzzer *f)
{
	struct dice *d = &f->dice;
	uint8_t response[ROOM];
	struct packet p = some_packet(d, below(d, COMMANDS), some_id(d), response);

	if (one_in(d, 2))
		flaw(d, &p);
	operate(f, some_door(d), &p);
}

static void garbage(struct fuzzer *f)
{
	struct dice *d = &f->dice;
	struct packet p;
	size_t i;

	for (i = 0; i < sizeof(p); i++)
		((uint8_t *)&p)[i] = one_in(d, 2) ? 0 : throw(d);
	p.hdr.cmd = below(d, COMMANDS + 1);
	operation(f, some_door(d), &p, below(d, sizeof(p)));
}

static uint32_t new_id(struct fuzzer *f, int fd)
{
	struct rdma_ucm_create_id_resp resp = { NEVER };
	struct packet p = some_packet(&f->dice, RDMA_USER_CM_CMD_CREATE_ID, 0, &resp);

	operate(f, fd, &p);
	known[below(&f->dice, KNOWN)] = resp.id;
	return resp.id;
}

static void simple(struct fuzzer *f, int fd, uint32_t cmd, uint32_t id)
{
	uint8_t response[ROOM];
	struct packet p = some_packet(&f->dice, cmd, id, response);

	operate(f, fd, &p);
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
	struct rdma_ucm_event_resp event = {};
	struct packet p = some_packet(&f->dice, RDMA_USER_CM_CMD_GET_EVENT, 0, &event);

	event.event = ~0u;
	operate(f, fd, &p);
	if (event.event != 4 /* a request */)
		return;
	known[below(&f->dice, KNOWN)] = event.id;
	if (one_in(&f->dice, 2))
		simple(f, fd, RDMA_USER_CM_CMD_ACCEPT, event.id);
	else if (one_in(&f->dice, 2))
		simple(f, fd, RDMA_USER_CM_CMD_REJECT, event.id);
}

static void await(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	poll(&p, 1, 20);
}

static void connector(struct fuzzer *f)
{
	int fd = some_door(&f->dice);
	uint32_t id = new_id(f, fd);

	if (one_in(&f->dice, 4))
		simple(f, fd, RDMA_USER_CM_CMD_BIND, id);
	simple(f, fd, RDMA_USER_CM_CMD_RESOLVE_ADDR, id);
	await(fd);
	simple(f, fd, RDMA_USER_CM_CMD_RESOLVE_ROUTE, id);
	await(fd);
	simple(f, fd, RDMA_USER_CM_CMD_CONNECT, id);
	if (one_in(&f->dice, 3))
		simple(f, fd, one_in(&f->dice, 2) ? RDMA_USER_CM_CMD_DISCONNECT :
		       RDMA_USER_CM_CMD_DESTROY_ID, id);
}

/* A request by plain TCP: MPA in revision 1. It hangs up when its turn comes. */
static void caller(struct fuzzer *f)
{
	static _Atomic int calls[8];
	static const char request[] = "MPA ID Req Frame\0\1\0\0";
	struct sockaddr_in to = with_port(one_in(&f->dice, 3) ? &peer : &own,
					  first_port + below(&f->dice, PORTS));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), old;
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (f->left)
		f->left--;
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno == EINPROGRESS)
		poll(&p, 1, 10);
	if (!one_in(&f->dice, 6))
		send(fd, request, 20, MSG_NOSIGNAL);
	old = atomic_exchange(&calls[below(&f->dice, 8)], fd);
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
	uint32_t cmd = commands[below(&f->dice, sizeof(commands) / sizeof(commands[0]))], id;
	int fd = some_door(&f->dice);

	for (id = 0; id < 32; id++)
		simple(f, fd, cmd, id);
}

/* Closed with all that is in it; its number stays a door. */
static void reopen(struct fuzzer *f)
{
	int fd = door(O_NONBLOCK);

	if (f->left)
		f->left--;
	must(dup3(fd, some_door(&f->dice), O_CLOEXEC) < 0);
	close(fd);
}

static void *fuzz_thread(void *context)
{
	static void (*const moves[])(struct fuzzer *f) = {
		wild, wild, wild, wild, wild, wild, garbage, listener, listener, connector,
		caller, caller, caller, caller, sweep,
	};
	struct fuzzer *f = context;

	while (f->left) {
		if (one_in(&f->dice, 40))
			reopen(f);
		else if (one_in(&f->dice, 3))
			reader(f, some_door(&f->dice));
		else
			moves[below(&f->dice, sizeof(moves) / sizeof(moves[0]))](f);
	}
	return NULL;
}

/* Waits in the first file for ever, for what others move there. */
static void *wait_thread(void *context)
{
	struct fuzzer f = { .dice = { (uintptr_t)context } };

	for (;;)
		reader(&f, doors[0]);
	return NULL;
}

static void __attribute__((noreturn)) fuzz_process(uint64_t seed, unsigned int operations, bool violent)
{
	struct fuzzer fuzzers[3];
	pthread_t threads[3], waiter;
	unsigned int i;

	open_device();
	for (i = 0; i < FILES; i++)
		doors[i] = door(i ? O_NONBLOCK : 0);
	must(pthread_create(&waiter, NULL, wait_thread, (void *)(uintptr_t)seed));
	for (i = 0; i < 3; i++) {
		fuzzers[i] = (struct fuzzer) { { seed * 3 + i }, operations / 3 };
		must(pthread_create(&threads[i], NULL, fuzz_thread, &fuzzers[i]));
	}
	/* The first one to end kills all, or waits for all; exiting closes what is open. */
	pthread_join(threads[0], NULL);
	if (violent)
		kill(getpid(), SIGKILL);
	for (i = 1; i < 3; i++)
		pthread_join(threads[i], NULL);
	fflush(stdout);
	_exit(wrong != 0);
}

/* Answers: to a connect that is under way, to a listener, and again and again to a request */

static void answer(const char *what, uint32_t id, uint32_t qp)
{
	static const uint32_t commands[] = {
		RDMA_USER_CM_CMD_ACCEPT, RDMA_USER_CM_CMD_ACCEPT, RDMA_USER_CM_CMD_REJECT,
		RDMA_USER_CM_CMD_REJECT, RDMA_USER_CM_CMD_ACCEPT,
	};
	struct packet p;
	unsigned int i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		p = make(commands[i], id, NULL, &own);
		if (commands[i] == RDMA_USER_CM_CMD_ACCEPT)
			p.body.accept.conn_param.qp_num = qp;
		tell(what, p.hdr.cmd, ask(files[0], &p));
	}
	tell(what, RDMA_USER_CM_CMD_DESTROY_ID, destroy(files[0], id));
}

static uint32_t connect_to(const struct sockaddr_in *to, uint32_t qp)
{
	uint32_t id = create(files[0], RDMA_PS_TCP);
	struct packet p = make(RDMA_USER_CM_CMD_RESOLVE_ADDR, id, NULL, to);

	must(ask(files[0], &p));
	settle(files[0]);
	p = make(RDMA_USER_CM_CMD_RESOLVE_ROUTE, id, NULL, to);
	must(ask(files[0], &p));
	settle(files[0]);
	p = make(RDMA_USER_CM_CMD_CONNECT, id, NULL, to);
	p.body.connect.conn_param.qp_num = qp;
	must(ask(files[0], &p));
	return id;
}

static uint32_t listen_at(const struct sockaddr_in *at)
{
	uint32_t id = create(files[0], RDMA_PS_TCP);
	struct packet p = make(RDMA_USER_CM_CMD_BIND, id, NULL, at);

	must(ask(files[0], &p));
	p = make(RDMA_USER_CM_CMD_LISTEN, id, NULL, at);
	must(ask(files[0], &p));
	return id;
}

static uint32_t request_at(const struct sockaddr_in *at)
{
	const struct rdma_ucm_event_resp *event = (void *)room;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd < 0);
	must(connect(fd, (const struct sockaddr *)at, sizeof(*at)));
	must(send(fd, "MPA ID Req Frame\0\1\0\0", 20, 0) != 20);
	settle(files[0]);
	return event->id;
}

static int answers(uint16_t port)
{
	struct sockaddr_in silent = with_port(&own, port), busy = with_port(&own, port + 1);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint32_t listener;

	must(fd < 0);
	must(bind(fd, (struct sockaddr *)&silent, sizeof(silent)));
	must(listen(fd, 4));
	open_device();
	files[0] = door(O_NONBLOCK);
	answer("while it connects", connect_to(&silent, qp_create()->qp_num), qp_create()->qp_num);
	listener = listen_at(&busy);
	answer("a request, with a QP", request_at(&busy), qp_create()->qp_num);
	answer("a request, without", request_at(&busy), NEVER);
	answer("a listener", listener, qp_create()->qp_num);
	return 0;
}

static int fuzz(uint64_t seed, unsigned int operations, uint16_t port)
{
	const unsigned int each = 300, together = 4;
	unsigned int begun = 0, running = 0, processes = operations / each + 1, killed = 0, bad = 0;
	int status;

	first_port = port;
	printf("seed %llu: %u processes with %u operations each\n", (unsigned long long)seed, processes, each);
	fflush(stdout);
	while (begun < processes || running) {
		if (begun < processes && running < together) {
			begun++;
			running++;
			pid_t pid = fork();

			must(pid < 0);
			if (!pid)
				fuzz_process(seed * 1000 + begun, each, begun % 3 == 0);
			continue;
		}
		must(wait(&status) < 0);
		running--;
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
			killed++;
		} else if (status) {
			printf("a process ended with status %#x\n", status);
			bad++;
		}
	}
	printf("%u processes, %u of them killed, %u bad\n", begun, killed, bad);
	return !!bad;
}

static void parse(const char *text, struct sockaddr_in *addr)
{
	addr->sin_family = AF_INET;
	must(inet_pton(AF_INET, text, &addr->sin_addr) != 1);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	bool alone = !strcmp(mode, "errnos");

	if (argc != (alone ? 4 : !strcmp(mode, "answers") ? 5 : !strcmp(mode, "script") ? 6 :
		     !strcmp(mode, "fuzz") ? 7 : 0)) {
		fputs("ucm_fuzz: see the head of ucm_fuzz.c\n", stderr);
		return 2;
	}
	parse(argv[argc - 2], &own);
	parse(argv[argc - 1], &peer);
	peer.sin_port = htons(9);
	map_traps();
	if (alone)
		return errnos();
	if (!strcmp(mode, "answers"))
		return answers(atoi(argv[2]));
	if (!strcmp(mode, "script"))
		return script(strtoull(argv[2], NULL, 0), atoi(argv[3]));
	return fuzz(strtoull(argv[2], NULL, 0), atoi(argv[3]), atoi(argv[4]));
}
