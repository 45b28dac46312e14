// SPDX-License-Identifier: GPL-2.0
/*
 * servers: servers that end, begin again, and say on which device they are called.
 *
 *	servers serve ADDR PORT [BACKLOG]
 *		accepts all; prints DEVICE LOCAL PEER of each connection
 *	servers visit ADDR PORT [stay]
 *		connects, prints the same of its side, and disconnects; stay: waits until it is disconnected, or has
 *		lost its device, then destroys its id and says so
 *	servers restart ADDR PORT N
 *		N processes, one after the other, each of which accepts one connection, disconnects it first, and ends;
 *		prints how long all took
 *	servers patient ADDR PORT N
 *		connects, again when it is refused, and waits until it is disconnected; N times
 *	servers relisten ADDR PORT N
 *		accepts a connection, closes its listener, listens again, N times; the connections stay
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

static struct rdma_event_channel *channel;
static struct addrinfo *where;
static struct rdma_conn_param param = { .responder_resources = 1, .initiator_depth = 1 };

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "servers: %s: %s\n", what, strerror(errno));
	exit(1);
}

#define must(call)					\
	do {						\
		if (call)				\
			die(#call);			\
	} while (0)

static void say(const char *what)
{
	puts(what);
	fflush(stdout);
}

static void show(const struct sockaddr *addr)
{
	char host[INET6_ADDRSTRLEN], port[8];

	must(getnameinfo(addr, sizeof(struct sockaddr_in6), host, sizeof(host), port, sizeof(port),
			 NI_NUMERICHOST | NI_NUMERICSERV));
	printf(" %s", host);
}

static void show_connection(struct rdma_cm_id *id)
{
	printf("%s", ibv_get_device_name(id->verbs->device));
	show(rdma_get_local_addr(id));
	show(rdma_get_peer_addr(id));
	say("");
}

/* The id that the next event is about, and of which kind it is */
static struct rdma_cm_id *next(enum rdma_cm_event_type *type)
{
	struct rdma_cm_event *event;
	struct rdma_cm_id *id;

	must(rdma_get_cm_event(channel, &event));
	id = event->id;
	*type = event->event;
	rdma_ack_cm_event(event);
	return id;
}

static struct rdma_cm_id *expect(enum rdma_cm_event_type wanted)
{
	enum rdma_cm_event_type type;
	struct rdma_cm_id *id = next(&type);

	if (type == wanted)
		return id;
	fprintf(stderr, "servers: %s, not %s\n", rdma_event_str(type), rdma_event_str(wanted));
	exit(1);
}

static struct rdma_cm_id *create(void)
{
	struct rdma_cm_id *id;

	must(rdma_create_id(channel, &id, NULL, RDMA_PS_TCP));
	return id;
}

static void make_qp(struct rdma_cm_id *id)
{
	struct ibv_qp_init_attr attr = {
		.cap = { .max_send_wr = 2, .max_recv_wr = 2, .max_send_sge = 1, .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
	};

	must(rdma_create_qp(id, NULL, &attr));
}

static void end(struct rdma_cm_id *id)
{
	if (id->qp)
		rdma_destroy_qp(id);
	must(rdma_destroy_id(id));
}

static struct rdma_cm_id *listens(int backlog)
{
	struct rdma_cm_id *id = create();

	must(rdma_bind_addr(id, where->ai_addr));
	must(rdma_listen(id, backlog));
	return id;
}

static struct rdma_cm_id *accepts(void)
{
	struct rdma_cm_id *id = expect(RDMA_CM_EVENT_CONNECT_REQUEST);

	make_qp(id);
	must(rdma_accept(id, &param));
	expect(RDMA_CM_EVENT_ESTABLISHED);
	return id;
}

/* Returns NULL when it is refused. */
static struct rdma_cm_id *connects(void)
{
	struct rdma_cm_id *id = create();
	enum rdma_cm_event_type type;

	must(rdma_resolve_addr(id, NULL, where->ai_addr, 10000));
	expect(RDMA_CM_EVENT_ADDR_RESOLVED);
	must(rdma_resolve_route(id, 10000));
	expect(RDMA_CM_EVENT_ROUTE_RESOLVED);
	make_qp(id);
	must(rdma_connect(id, &param));
	next(&type);
	if (type == RDMA_CM_EVENT_ESTABLISHED)
		return id;
	if (type != RDMA_CM_EVENT_REJECTED)
		printf("%s\n", rdma_event_str(type));
	end(id);
	return NULL;
}

static int __attribute__((noreturn)) serve(int backlog)
{
	enum rdma_cm_event_type type;
	struct rdma_cm_id *id;

	listens(backlog ? backlog : 16);
	say("listening");
	for (;;) {
		id = next(&type);
		switch (type) {
		case RDMA_CM_EVENT_CONNECT_REQUEST:
			make_qp(id);
			if (rdma_accept(id, &param))
				end(id);
			break;
		case RDMA_CM_EVENT_ESTABLISHED:
			show_connection(id);
			break;
		case RDMA_CM_EVENT_DISCONNECTED:
			rdma_disconnect(id);
			end(id);
			break;
		default:
			say(rdma_event_str(type));
		}
	}
}

static int visit(bool stay)
{
	struct rdma_cm_id *id = connects();
	enum rdma_cm_event_type type;

	if (!id) {
		say("refused");
		return 1;
	}
	show_connection(id);
	if (!stay)
		must(rdma_disconnect(id));
	next(&type);
	say(rdma_event_str(type));
	end(id);
	say("destroyed");
	while (stay)
		pause();
	return 0;
}

static void restart_once(void)
{
	struct rdma_cm_id *listener, *id;

	must(!(channel = rdma_create_event_channel()));
	listener = listens(4);
	id = accepts();
	must(rdma_disconnect(id));
	expect(RDMA_CM_EVENT_DISCONNECTED);
	end(id);
	end(listener);
}

static int restart(int n)
{
	struct timespec began, ended;
	int i, status;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &began);
	for (i = 0; i < n; i++) {
		fflush(stdout);
		pid = fork();
		must(pid < 0);
		if (!pid) {
			restart_once();
			exit(0);
		}
		must(waitpid(pid, &status, 0) != pid);
		if (status) {
			printf("number %d ends with status %#x\n", i + 1, status);
			return 1;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	printf("%d servers, one after the other, in %.1f s\n", n,
	       ended.tv_sec - began.tv_sec + (ended.tv_nsec - began.tv_nsec) / 1e9);
	return 0;
}

static int patient(int n)
{
	struct rdma_cm_id *id;
	int i;

	for (i = 0; i < n; i++) {
		while (!(id = connects()))
			usleep(10000);
		expect(RDMA_CM_EVENT_DISCONNECTED);
		rdma_disconnect(id);
		end(id);
	}
	printf("%d connections, ended by the other side\n", n);
	return 0;
}

static int __attribute__((noreturn)) relisten(int n)
{
	struct rdma_cm_id *listener;
	int i;

	for (i = 0; i <= n; i++) {
		listener = listens(4);
		say(i ? "listening again" : "listening");
		accepts();
		say("accepted");
		end(listener);
	}
	say("closed");
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	const char *mode = argc > 1 ? argv[1] : "";
	int n = argc > 4 ? atoi(argv[4]) : 0;

	if (argc < 4 || getaddrinfo(argv[2], argv[3], &hints, &where)) {
		fputs("servers: see the head of servers.c\n", stderr);
		return 2;
	}
	/* Each has its own. */
	if (!strcmp(mode, "restart"))
		return restart(n);
	must(!(channel = rdma_create_event_channel()));
	if (!strcmp(mode, "serve"))
		return serve(n);
	if (!strcmp(mode, "visit"))
		return visit(argc > 4);
	if (!strcmp(mode, "patient"))
		return patient(n);
	if (!strcmp(mode, "relisten"))
		return relisten(n);
	return 2;
}
