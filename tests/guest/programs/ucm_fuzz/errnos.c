// SPDX-License-Identifier: GPL-2.0
/*
 * The table of errnos: each command with each flaw, and each command in each
 * state that an id can be in.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "door.h"
#include "ucm_fuzz.h"

/* What is ordered, until a 0, brings a fresh id to the state. */
static const struct state {
	const char *name;
	uint16_t ps;
	const struct sockaddr_in *addr;
	uint32_t orders[3];
} states[] = {
	{ "a fresh id", RDMA_PS_TCP, NULL, {} },
	{ "a bound id", RDMA_PS_TCP, &own, { RDMA_USER_CM_CMD_BIND } },
	{ "an id bound to the wildcard", RDMA_PS_TCP, &any, { RDMA_USER_CM_CMD_BIND } },
	{ "a listening id", RDMA_PS_TCP, &own, { RDMA_USER_CM_CMD_BIND, RDMA_USER_CM_CMD_LISTEN } },
	{ "a resolved id", RDMA_PS_TCP, &peer, { RDMA_USER_CM_CMD_RESOLVE_ADDR } },
	{ "a routed id", RDMA_PS_TCP, &peer, { RDMA_USER_CM_CMD_RESOLVE_ADDR, RDMA_USER_CM_CMD_RESOLVE_ROUTE } },
	{ "a bound datagram id", RDMA_PS_UDP, &own, { RDMA_USER_CM_CMD_BIND } },
};

static uint32_t id_in_state(const struct state *state)
{
	uint32_t id = create(files[0], state->ps);
	const uint32_t *cmd;

	for (cmd = state->orders; *cmd; cmd++)
		order_simply(*cmd, id, state->addr);
	return id;
}

/* To migrate an id takes the file that has it. */
static struct packet make_here(uint32_t cmd, uint32_t id)
{
	struct packet p = make(cmd, id, room, &own);

	if (cmd == RDMA_USER_CM_CMD_MIGRATE_ID)
		p.body.migrate_id.fd = files[0];
	return p;
}

static void of_writes(void)
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

/* Of the len octets that are announced the last one is not there. */
static void try_before_hole(const char *what, const struct packet *p, size_t len)
{
	uint8_t *at = edge - len + 1;

	memcpy(at, p, len - 1);
	tell_write(what, p->hdr.cmd, at, len);
}

static void of_lengths(uint32_t cmd)
{
	const struct shape *s = &shapes[cmd];
	uint32_t id = create(files[0], RDMA_PS_TCP);
	struct packet p = make(cmd, id, room, &own);
	size_t len = sizeof(p.hdr) + s->in;

	tell_write("its length lies", cmd, &p, len - 1);
	tell_write("its length lies by all", cmd, &p, sizeof(p.hdr));
	p.hdr.in = 0xffff;
	tell_write("its length lies by far", cmd, &p, sizeof(p));
	p.hdr.in = 0;
	memcpy(edge - sizeof(p.hdr), &p, sizeof(p.hdr));
	tell_write("no more than a header, before a hole", cmd, edge - sizeof(p.hdr), sizeof(p.hdr));
	p.hdr.in = s->in;
	try_before_hole("its last octet in a hole", &p, len);
	if (s->out) {
		p = make(cmd, NEVER, room, &own);
		p.hdr.out = s->out - 1;
		try("no room, no such id", &p);
		p.hdr.out = 0;
		try("no room at all, no such id", &p);
		put(&p, s->id, id);
		try("no room at all", &p);
		try_before_hole("no room at all, and in a hole", &p, len);
	}
	destroy(files[0], id);
}

static void of_ids(uint32_t cmd)
{
	uint32_t destroyed = create(files[0], RDMA_PS_TCP), elsewhere = create(files[1], RDMA_PS_TCP);
	const struct {
		const char *name;
		uint32_t id;
	} kinds[] = {
		{ "no such id", NEVER }, { "a destroyed id", destroyed }, { "all ones", ~0u },
		{ "another file's id", elsewhere },
	};
	struct packet p;
	unsigned int i;

	must(destroy(files[0], destroyed));
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		p = make_here(cmd, kinds[i].id);
		try(kinds[i].name, &p);
		put_response(&p, NULL);
		try("and no response", &p);
	}
	must(destroy(files[1], elsewhere));
}

static void of_addresses(uint32_t cmd)
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

	for (i = 0; i < 2 * ARRAY_SIZE(kinds) && has(s->addr); i++) {
		if (!has(s->addr_size) && kinds[i / 2].family == AF_INET)
			continue;
		p = make(cmd, ids[i % 2], room, &own);
		put_family(&p, kinds[i / 2].family);
		put(&p, s->addr_size, kinds[i / 2].size);
		try(kinds[i / 2].name, &p);
	}
	if (has(s->reserved)) {
		p = make(cmd, ids[0], room, &own);
		put(&p, s->reserved, 1);
		try("reserved", &p);
	}
	must(destroy(files[0], ids[0]));
}

static void in_state(uint32_t cmd, const struct state *state)
{
	const struct shape *s = &shapes[cmd];
	char what[100];
	struct packet p;
	uint32_t id;
	int error;

	if (!has(s->id) || cmd == RDMA_USER_CM_CMD_DESTROY_ID)
		return;
	id = id_in_state(state);
	p = make_here(cmd, id);
	if (has(s->response)) {
		put_response(&p, NULL);
		snprintf(what, sizeof(what), "%s, no response", state->name);
		try(what, &p);
		put_response(&p, readonly);
		try("where it is read only", &p);
		put_response(&p, edge - 3);
		try("across a hole", &p);
		put_response(&p, room + 1);
	}
	blank();
	error = ask(files[0], &p);
	tell(state->name, cmd, error);
	if (has(s->response) && !error)
		printf("%u octets\n", answered());
	if (has(s->timeout) && !error)
		settle();
	tell("it is destroyed", cmd, destroy(files[0], id));
}

static void of_options(uint32_t id)
{
	static const uint32_t lengths[] = { 0, 1, 2, 4, 5, 72, 80, 144, 8u << 20, ~0u };
	struct packet p = make(RDMA_USER_CM_CMD_SET_OPTION, id, room, &own);
	uint32_t i, level, option;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (level = 0; level < 3; level++) {
			for (option = 0; option < 5; option++) {
				/* Where TCP has the port these two are TCP's. */
				if (!level && (option == RDMA_OPTION_ID_REUSEADDR ||
					       option == RDMA_OPTION_ID_AFONLY) && lengths[i] == 4)
					continue;
				p.body.set_option.level = level;
				p.body.set_option.optname = option;
				p.body.set_option.optlen = lengths[i];
				p.body.set_option.optval = (uintptr_t)room;
				try("options", &p);
				p.body.set_option.optval = 8;
				try("out of nowhere", &p);
			}
		}
	}
}

static void try_before_ece(struct packet *p, size_t ece)
{
	p->hdr.in = ece;
	try("as it was before ECE", p);
	p->hdr.in--;
	try("one octet less", p);
}

static void of_values(const struct state *state)
{
	uint32_t id = id_in_state(state), i;
	struct packet p;

	printf("values, %s\n", state->name);
	for (i = 0; i < 12; i++) {
		uint32_t value = i == 11 ? ~0u : i;

		p = make(RDMA_USER_CM_CMD_QUERY, id, room, &own);
		p.body.query.option = value;
		try("options", &p);
		p.hdr.out = i;
		try("options, less room", &p);
		p = make(RDMA_USER_CM_CMD_INIT_QP_ATTR, id, room, &own);
		p.body.init_qp_attr.qp_state = value;
		try("QP states", &p);
		p = make(RDMA_USER_CM_CMD_REJECT, id, room, &own);
		p.body.reject.reason = i == 10 ? 28 : i == 9 ? 35 : value;
		p.body.reject.private_data_len = i * 20;
		try("reasons", &p);
		p = make(RDMA_USER_CM_CMD_NOTIFY, id, room, &own);
		p.body.notify.event = value;
		try("events", &p);
		p = make(RDMA_USER_CM_CMD_JOIN_MCAST, id, room, &own);
		p.body.join_mcast.join_flags = i;
		try("flags", &p);
	}
	of_options(id);
	p = make(RDMA_USER_CM_CMD_CONNECT, id, room, &own);
	conn_param(&p)->valid = 0;
	try("not valid", &p);
	conn_param(&p)->valid = 1;
	try_before_ece(&p, offsetof(struct rdma_ucm_connect, ece));
	p = make(RDMA_USER_CM_CMD_ACCEPT, id, room, &own);
	conn_param(&p)->valid = 0;
	try("not valid", &p);
	try_before_ece(&p, offsetof(struct rdma_ucm_accept, ece));
	must(destroy(files[0], id));
}

static void of_migration(void)
{
	uint32_t id = create(files[0], RDMA_PS_TCP);
	struct packet p = make(RDMA_USER_CM_CMD_MIGRATE_ID, id, room, &own);
	int null = open("/dev/null", O_RDWR);
	const struct {
		const char *what;
		int fd;
	} from[] = {
		{ "from no file", -1 }, { "from another kind of file", null },
		{ "from a file that does not have it", files[1] }, { "from its file", files[0] },
		{ "once more", files[0] },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(from); i++) {
		p.body.migrate_id.fd = from[i].fd;
		tell(from[i].what, p.hdr.cmd, ask(files[1], &p));
	}
	close(null);
	tell("by its old file", RDMA_USER_CM_CMD_DESTROY_ID, destroy(files[0], id));
	tell("by its new file", RDMA_USER_CM_CMD_DESTROY_ID, destroy(files[1], id));
	tell("again", RDMA_USER_CM_CMD_DESTROY_ID, destroy(files[1], id));
}

static void of_port_spaces(void)
{
	uint32_t id, ps;
	int error;

	for (ps = 0; ps < 0x200; ps++) {
		struct packet p = make(RDMA_USER_CM_CMD_CREATE_ID, 0, room, &own);

		p.body.create_id.ps = ps;
		p.body.create_id.qp_type = IBV_QPT_RC;
		error = ask(files[0], &p);
		if (error == EINVAL)
			continue;
		printf("port space %#x: ", ps);
		tell("it is one", p.hdr.cmd, error);
		memcpy(&id, room, sizeof(id));
		must(destroy(files[0], id));
	}
}

/* Its rights are its opener's. */
static int create_as_nobody(void)
{
	struct packet p = make(RDMA_USER_CM_CMD_CREATE_ID, 0, room, &own);

	must(setuid(65534));
	return ask(files[0], &p);
}

/* A signal ends waiting. */
static int wait_for_signal(void)
{
	struct packet p = make(RDMA_USER_CM_CMD_GET_EVENT, 0, room, &own);
	int blocking = door_open(0);

	must(signal(SIGALRM, SIG_DFL) == SIG_ERR);
	alarm(1);
	return ask(blocking, &p);
}

/* Its wait status */
static int in_child(int (*ask_there)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(ask_there());
	must(waitpid(pid, &status, 0) != pid);
	return status;
}

static void of_files(void)
{
	struct packet p = make(RDMA_USER_CM_CMD_GET_EVENT, 0, room, &own);
	struct pollfd f = { .fd = files[0], .events = POLLIN | POLLOUT };
	char octet;
	int status;

	try("nothing is there", &p);
	printf("poll: %d, %#x\n", poll(&f, 1, 0), f.revents);
	printf("read: %s\n", error_name(read(files[0], &octet, 1) < 0 ? errno : 0));
	printf("lseek: %s\n", error_name(lseek(files[0], 0, SEEK_SET) < 0 ? errno : 0));
	printf("pwrite: %s\n", error_name(pwrite(files[0], &octet, 1, 0) < 0 ? errno : 0));
	tell("with other rights than its opener's", RDMA_USER_CM_CMD_CREATE_ID,
	     WEXITSTATUS(in_child(create_as_nobody)));
	status = in_child(wait_for_signal);
	printf("get_event: a signal: %s\n", WIFSIGNALED(status) ? "killed" : error_name(WEXITSTATUS(status)));
}

int errnos(void)
{
	const struct state *state;
	uint32_t cmd;

	files_open();
	of_writes();
	of_migration();
	of_port_spaces();
	of_files();
	for (cmd = 0; cmd < COMMANDS; cmd++) {
		of_lengths(cmd);
		if (has(shapes[cmd].id))
			of_ids(cmd);
		of_addresses(cmd);
	}
	for (state = states; state < states + ARRAY_SIZE(states); state++) {
		of_values(state);
		for (cmd = 0; cmd < COMMANDS; cmd++)
			in_state(cmd, state);
	}
	return 0;
}
