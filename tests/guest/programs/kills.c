// SPDX-License-Identifier: GPL-2.0
/*
 * kills: brings processes into a state of a connection, kills them, and looks
 * how long they take to be gone, and whether their ports are free.
 *
 *	kills STATE COUNT ADDR PORT HOLE SERVER [random|crowd]
 *
 * STATE is one of
 *	bound, listening			on ADDR, PORT and the next ones
 *	unread, pending, accepted		with a request that plain TCP sends: not read, not answered, accepted
 *	connecting				to HOLE, where nobody answers to TCP
 *	leaving					the same, and its id is being destroyed, while the QP stays
 *	silent					to a plain TCP listener, which says nothing
 *	established				to SERVER, PORT - 1
 *
 * random: each is killed at a moment of its own, which may be before it is there, or after.
 * crowd: all are there before the first is killed, and one more connects to SERVER meanwhile.
 *
 * Prints how long it took from the signal until a process was gone; ends with 1 if a port is not free in the end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#define PATIENCE_MS	60000
#define MAX_COUNT	1024

struct victim {
	pid_t pid;
	int reports;		/* a port each time it has got somewhere */
	int caller;		/* plain TCP, that sent it a request */
	uint16_t port;		/* 0: not known */
};

static const char *state;
static struct sockaddr_in addr, hole, server;
static struct victim victims[MAX_COUNT];
static struct rdma_event_channel *channel;
static int silent;		/* a plain TCP listener */

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "kills: %s: %s\n", what, strerror(errno));
	exit(1);
}

#define must(call)					\
	do {						\
		if (call)				\
			die(#call);			\
	} while (0)

static bool is(const char *name)
{
	return !strcmp(state, name);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static struct sockaddr_in with_port(const struct sockaddr_in *a, uint16_t port)
{
	struct sockaddr_in b = *a;

	b.sin_port = htons(port);
	return b;
}

static int tcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd < 0);
	return fd;
}

/* The victim */

static struct rdma_cm_id *expect(enum rdma_cm_event_type type)
{
	struct rdma_cm_event *event;
	struct rdma_cm_id *id;

	must(rdma_get_cm_event(channel, &event));
	if (event->event != type) {
		fprintf(stderr, "kills: %s, status %d, not %s\n", rdma_event_str(event->event),
			event->status, rdma_event_str(type));
		exit(1);
	}
	id = event->id;
	rdma_ack_cm_event(event);
	return id;
}

static void report(int to, struct rdma_cm_id *id)
{
	uint16_t port = ntohs(rdma_get_src_port(id));

	must(write(to, &port, sizeof(port)) != sizeof(port));
}

static void make_qp(struct rdma_cm_id *id)
{
	struct ibv_qp_init_attr attr = {
		.cap = { .max_send_wr = 2, .max_recv_wr = 2, .max_send_sge = 1, .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
	};

	must(rdma_create_qp(id, NULL, &attr));
}

static void connects(struct rdma_cm_id *id, struct sockaddr_in *to, int reports, bool to_the_end)
{
	struct rdma_conn_param param = { .responder_resources = 1, .initiator_depth = 1 };

	must(rdma_resolve_addr(id, NULL, (struct sockaddr *)to, PATIENCE_MS));
	expect(RDMA_CM_EVENT_ADDR_RESOLVED);
	must(rdma_resolve_route(id, PATIENCE_MS));
	expect(RDMA_CM_EVENT_ROUTE_RESOLVED);
	make_qp(id);
	must(rdma_connect(id, &param));
	if (to_the_end)
		expect(RDMA_CM_EVENT_ESTABLISHED);
	report(reports, id);
}

static void listens(struct rdma_cm_id *id, uint16_t port, int reports)
{
	struct rdma_conn_param param = { .responder_resources = 1, .initiator_depth = 1 };
	struct sockaddr_in at = with_port(&addr, port);
	struct pollfd p = { .fd = channel->fd, .events = POLLIN };
	struct rdma_cm_id *request;

	must(rdma_bind_addr(id, (struct sockaddr *)&at));
	if (is("bound")) {
		report(reports, id);
		return;
	}
	must(rdma_listen(id, 4));
	report(reports, id);
	if (is("listening"))
		return;
	must(poll(&p, 1, PATIENCE_MS) < 1);
	if (is("unread")) {
		report(reports, id);
		return;
	}
	request = expect(RDMA_CM_EVENT_CONNECT_REQUEST);
	if (is("accepted")) {
		make_qp(request);
		must(rdma_accept(request, &param));
		expect(RDMA_CM_EVENT_ESTABLISHED);
	}
	report(reports, id);
}

static void __attribute__((noreturn)) live(uint16_t port, int reports, bool other)
{
	struct rdma_cm_id *id;

	channel = rdma_create_event_channel();
	must(!channel);
	must(rdma_create_id(channel, &id, NULL, RDMA_PS_TCP));
	if (other || is("established")) {
		connects(id, &server, reports, true);
	} else if (is("connecting") || is("leaving")) {
		connects(id, &hole, reports, false);
		/* Nobody could interrupt this if it waited for an answer. */
		if (is("leaving"))
			rdma_destroy_id(id);
	} else if (is("silent")) {
		struct sockaddr_in to;
		socklen_t len = sizeof(to);

		must(getsockname(silent, (struct sockaddr *)&to, &len));
		connects(id, &to, reports, false);
	} else {
		listens(id, port, reports);
	}
	for (;;)
		pause();
}

/* Who kills it */

static struct victim begin(uint16_t port, bool other)
{
	struct victim v = { .caller = -1 };
	int ends[2];

	must(pipe(ends));
	fflush(stdout);
	v.pid = fork();
	must(v.pid < 0);
	if (!v.pid)
		live(port, ends[1], other);
	close(ends[1]);
	v.reports = ends[0];
	return v;
}

static void await_report(struct victim *v)
{
	struct pollfd p = { .fd = v->reports, .events = POLLIN };

	if (poll(&p, 1, PATIENCE_MS) < 1 || read(v->reports, &v->port, sizeof(v->port)) != sizeof(v->port)) {
		fprintf(stderr, "kills: a process does not become %s\n", state);
		exit(1);
	}
}

/* Plain TCP calls, in MPA's revision 1. */
static void call(struct victim *v)
{
	struct sockaddr_in to = with_port(&addr, v->port);

	v->caller = tcp();
	must(connect(v->caller, (struct sockaddr *)&to, sizeof(to)));
	must(send(v->caller, "MPA ID Req Frame\0\1\0\0", 20, MSG_NOSIGNAL) != 20);
}

static void bring_there(struct victim *v)
{
	await_report(v);
	if (is("unread") || is("pending") || is("accepted")) {
		call(v);
		await_report(v);
	}
}

/* As far as it has come by itself */
static void note_port(struct victim *v)
{
	struct pollfd p = { .fd = v->reports, .events = POLLIN };
	uint16_t port;

	if (!v->port && poll(&p, 1, 0) == 1 && read(v->reports, &port, sizeof(port)) == sizeof(port))
		v->port = port;
}

static double end(struct victim *v)
{
	double began = now();
	int status;

	must(kill(v->pid, SIGKILL));
	must(waitpid(v->pid, &status, 0) != v->pid);
	if (!WIFSIGNALED(status)) {
		fprintf(stderr, "kills: a process ended by itself, with status %#x\n", status);
		exit(1);
	}
	return now() - began;
}

static void forget(struct victim *v)
{
	if (v->caller >= 0)
		close(v->caller);
	close(v->reports);
}

static int bind_and_listen(uint16_t port)
{
	struct sockaddr_in at = with_port(&addr, port);
	int fd = tcp();
	int ret = bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 1) ? errno : 0;

	close(fd);
	return ret;
}

/* What has talked closes in the background, within its time. */
static unsigned int ports_in_use(unsigned int count)
{
	double until = now() + PATIENCE_MS / 2;
	unsigned int i, busy;

	do {
		for (busy = 0, i = 0; i < count; i++) {
			if (!victims[i].port)
				continue;
			if (bind_and_listen(victims[i].port))
				busy++;
			else
				victims[i].port = 0;
		}
		if (busy)
			usleep(50000);
	} while (busy && now() < until);
	return busy;
}

static int compare(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

int main(int argc, char **argv)
{
	static double took[MAX_COUNT];
	unsigned int i, count, there = 0, busy;
	bool randomly, crowd;
	struct victim other;
	double began = 0;
	uint16_t port;

	if (argc < 7) {
		fputs("kills: see the head of kills.c\n", stderr);
		return 2;
	}
	state = argv[1];
	count = atoi(argv[2]);
	port = atoi(argv[4]);
	addr.sin_family = AF_INET;
	hole.sin_family = AF_INET;
	server.sin_family = AF_INET;
	must(count > MAX_COUNT);
	must(inet_pton(AF_INET, argv[3], &addr.sin_addr) != 1);
	must(inet_pton(AF_INET, argv[5], &hole.sin_addr) != 1);
	must(inet_pton(AF_INET, argv[6], &server.sin_addr) != 1);
	hole.sin_port = htons(port);
	server.sin_port = htons(port - 1);
	randomly = argc > 7 && !strcmp(argv[7], "random");
	crowd = argc > 7 && !strcmp(argv[7], "crowd");
	silent = tcp();
	must(bind(silent, (struct sockaddr *)&addr, sizeof(addr)));
	must(listen(silent, 4));
	srandom(getpid() ^ time(NULL));

	for (i = 0; crowd && i < count; i++) {
		victims[i] = begin(port + i, false);
		bring_there(&victims[i]);
	}
	if (crowd) {
		began = now();
		other = begin(0, true);
		await_report(&other);
		printf("with %u that are %s, another one connects: after %.0f ms\n", count, state, now() - began);
	}
	/* About twice the time that the first one took */
	if (randomly) {
		began = now();
		other = begin(port, false);
		bring_there(&other);
		began = now() - began;
		end(&other);
		forget(&other);
	}
	for (i = 0; i < count; i++) {
		if (!crowd)
			victims[i] = begin(port + i, false);
		if (randomly)
			usleep(random() % (unsigned int)(began * 2000));
		else if (!crowd)
			bring_there(&victims[i]);
		took[i] = end(&victims[i]);
		note_port(&victims[i]);
		there += victims[i].port != 0;
		forget(&victims[i]);
	}
	if (crowd) {
		end(&other);
		forget(&other);
	}
	close(silent);
	qsort(took, count, sizeof(took[0]), compare);
	busy = ports_in_use(count);
	printf("%u killed, %u of them %s: gone after %.0f ms at most, %.0f ms in the middle; %u ports not free\n",
	       count, there, state, took[count - 1], took[count / 2], busy);
	printf("longest %.0f\n", took[count - 1]);
	return !!busy;
}
