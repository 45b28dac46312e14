// SPDX-License-Identifier: GPL-2.0
/*
 * connections: opens, closes and holds connections, for tests that count what
 * is left behind, and that kill.
 *
 *	connections serve ADDR PORT [N]		accept all, answer every Send;
 *						N: end after as many have come and gone
 *	connections row ADDR PORT N		open and close N, one after the other
 *	connections crowd ADDR PORT N		N at once
 *	connections pending ADDR PORT		listen, and leave requests unanswered
 *	connections connecting ADDR PORT	connect, and wait for ever
 *	connections idle ADDR PORT		be connected
 *	connections traffic ADDR PORT		Writes and Reads for ever, and a few Sends
 *	connections bind ADDR PORT		can plain TCP bind and listen there?
 *	connections pin ADDR PORT KIB		register memory
 *
 * Each says in a line of output how far it is. The last but two go on until
 * they are killed or lose their connection, which they say as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#define DEPTH		16
#define MESSAGE		512
#define AREA		(256u << 10)

struct conn {
	struct rdma_cm_id *id;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_mr *mr;
	uint8_t *memory;	/* AREA for RDMA, then MESSAGE per receive, then MESSAGE to send */
	uint32_t number;	/* which the client gave it */
	unsigned int sends;	/* that have not completed */
};

struct window {
	uint64_t addr;
	uint32_t rkey;
	uint32_t pad;
};

static struct rdma_event_channel *channel;
static struct addrinfo *where;

static void say(const char *what)
{
	puts(what);
	fflush(stdout);
}

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

#define must(call)					\
	do {						\
		if (call)				\
			die(#call);			\
	} while (0)

/* An object of a connection's own, of each kind there is */
static struct conn *conn_create(struct rdma_cm_id *id, uint32_t number)
{
	size_t size = AREA + (DEPTH + 1) * MESSAGE;
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
		.cap = {
			.max_send_wr = DEPTH,
			.max_recv_wr = DEPTH,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
	};
	struct conn *c = calloc(1, sizeof(*c));
	int i;

	c->id = id;
	c->number = number;
	id->context = c;
	c->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(c->memory == MAP_FAILED);
	must(!(c->pd = ibv_alloc_pd(id->verbs)));
	must(!(c->mr = ibv_reg_mr(c->pd, c->memory, size, IBV_ACCESS_LOCAL_WRITE |
				  IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ)));
	must(!(c->cq = ibv_create_cq(id->verbs, 4 * DEPTH, c,
				     ibv_create_comp_channel(id->verbs), 0)));
	must(!c->cq->channel);
	must(ibv_req_notify_cq(c->cq, 0));
	attr.send_cq = c->cq;
	attr.recv_cq = c->cq;
	must(rdma_create_qp(id, c->pd, &attr));
	for (i = 0; i < DEPTH; i++) {
		struct ibv_sge s = { (uintptr_t)c->memory + AREA + i * MESSAGE, MESSAGE, c->mr->lkey };
		struct ibv_recv_wr wr = { .wr_id = i, .sg_list = &s, .num_sge = 1 }, *bad;

		must(ibv_post_recv(id->qp, &wr, &bad));
	}
	return c;
}

static void conn_destroy(struct conn *c)
{
	struct ibv_comp_channel *cc = c->cq->channel;

	rdma_destroy_qp(c->id);
	must(ibv_destroy_cq(c->cq));
	must(ibv_destroy_comp_channel(cc));
	must(ibv_dereg_mr(c->mr));
	must(ibv_dealloc_pd(c->pd));
	must(rdma_destroy_id(c->id));
	munmap(c->memory, AREA + (DEPTH + 1) * MESSAGE);
	free(c);
}

static int conn_post(struct conn *c, enum ibv_wr_opcode opcode, void *from, uint32_t len,
		     struct window *w)
{
	struct ibv_sge s = { (uintptr_t)from, len, c->mr->lkey };
	struct ibv_send_wr wr = {
		.wr_id = ~0ull,
		.opcode = opcode,
		.sg_list = &s,
		.num_sge = 1,
	}, *bad;

	if (w) {
		wr.wr.rdma.remote_addr = w->addr;
		wr.wr.rdma.rkey = w->rkey;
	}
	c->sends++;
	return ibv_post_send(c->id->qp, &wr, &bad);
}

static uint8_t *conn_message(struct conn *c)
{
	return c->memory + AREA + DEPTH * MESSAGE;
}

static int conn_send(struct conn *c)
{
	uint32_t i, *m = (uint32_t *)conn_message(c);

	for (i = 0; i < MESSAGE / 4; i++)
		m[i] = c->number + i;
	return conn_post(c, IBV_WR_SEND, m, MESSAGE, NULL);
}

static void conn_repost(struct conn *c, uint64_t n)
{
	struct ibv_sge s = { (uintptr_t)c->memory + AREA + n * MESSAGE, MESSAGE, c->mr->lkey };
	struct ibv_recv_wr wr = { .wr_id = n, .sg_list = &s, .num_sge = 1 }, *bad;

	ibv_post_recv(c->id->qp, &wr, &bad);
}

/*
 * Takes what has completed. Returns the number of messages that have come, -1
 * when the connection is over.
 */
static int conn_poll(struct conn *c)
{
	struct ibv_wc wc;
	int messages = 0;

	while (ibv_poll_cq(c->cq, 1, &wc) == 1) {
		uint32_t i, *m;

		if (wc.status != IBV_WC_SUCCESS)
			return -1;
		if (wc.wr_id == ~0ull) {
			c->sends--;
			continue;
		}
		m = (uint32_t *)(c->memory + AREA + wc.wr_id * MESSAGE);
		if (!messages && !c->number)
			c->number = m[0];
		for (i = 0; i < MESSAGE / 4; i++) {
			if (m[i] != c->number + i) {
				fprintf(stderr, "connection %u: wrong data\n", c->number);
				exit(1);
			}
		}
		messages++;
		conn_repost(c, wc.wr_id);
	}
	return messages;
}

/* False (EIO) when the device has been taken away. */
static bool conn_take_event(struct conn *c)
{
	struct ibv_cq *cq;
	void *context;

	if (ibv_get_cq_event(c->cq->channel, &cq, &context))
		return false;
	ibv_ack_cq_events(cq, 1);
	must(ibv_req_notify_cq(cq, 0));
	return true;
}

/* Waits for a completion, or for the end or an event of the connection manager: true. */
static bool conn_wait(struct conn *c)
{
	struct pollfd p[2] = {
		{ .fd = c->cq->channel->fd, .events = POLLIN },
		{ .fd = channel->fd, .events = POLLIN },
	};

	if (poll(p, 2, 120000) < 1) {
		errno = ETIMEDOUT;
		die("waiting");
	}
	if (p[0].revents && !conn_take_event(c))
		return true;
	return p[1].revents;
}

static struct rdma_cm_id *expect_event(enum rdma_cm_event_type type, struct window *w)
{
	struct rdma_cm_event *event;
	struct rdma_cm_id *id;

	must(rdma_get_cm_event(channel, &event));
	if (event->event != type) {
		fprintf(stderr, "%s (status %d), not %s\n", rdma_event_str(event->event),
			event->status, rdma_event_str(type));
		exit(1);
	}
	if (w && event->param.conn.private_data_len >= sizeof(*w))
		memcpy(w, event->param.conn.private_data, sizeof(*w));
	id = event->id;
	rdma_ack_cm_event(event);
	return id;
}

static struct conn *begin_connect(uint32_t number)
{
	struct rdma_conn_param param = { .initiator_depth = 4, .responder_resources = 4 };
	struct rdma_cm_id *id;
	struct conn *c;

	must(rdma_create_id(channel, &id, NULL, RDMA_PS_TCP));
	must(rdma_resolve_addr(id, NULL, where->ai_addr, 5000));
	while (!id->verbs)
		expect_event(RDMA_CM_EVENT_ADDR_RESOLVED, NULL);
	must(rdma_resolve_route(id, 5000));
	expect_event(RDMA_CM_EVENT_ROUTE_RESOLVED, NULL);
	c = conn_create(id, number);
	must(rdma_connect(id, &param));
	return c;
}

static struct rdma_cm_id *begin_listen(void)
{
	struct rdma_cm_id *id;

	must(rdma_create_id(channel, &id, NULL, RDMA_PS_TCP));
	must(rdma_bind_addr(id, where->ai_addr));
	must(rdma_listen(id, 512));
	return id;
}

static void await_messages(struct conn *c, int want)
{
	int n;

	for (;;) {
		n = conn_poll(c);
		if (n < 0) {
			errno = ECONNRESET;
			die("the connection is lost");
		}
		want -= n;
		if (want <= 0)
			return;
		conn_wait(c);
	}
}

static void row(uint32_t total)
{
	struct conn *c;
	uint32_t n;

	for (n = 1; n <= total; n++) {
		c = begin_connect(n << 8);
		expect_event(RDMA_CM_EVENT_ESTABLISHED, NULL);
		must(conn_send(c));
		await_messages(c, 1);
		must(rdma_disconnect(c->id));
		expect_event(RDMA_CM_EVENT_DISCONNECTED, NULL);
		conn_destroy(c);
	}
	printf("%u opened and closed\n", total);
}

static void crowd(uint32_t total)
{
	struct rdma_conn_param param = { .initiator_depth = 4, .responder_resources = 4 };
	struct conn **all = calloc(total, sizeof(*all));
	struct rdma_cm_id *id;
	uint32_t n;

	/* Up to here one after the other, so that the connects come at once */
	for (n = 0; n < total; n++) {
		must(rdma_create_id(channel, &id, NULL, RDMA_PS_TCP));
		must(rdma_resolve_addr(id, NULL, where->ai_addr, 5000));
		expect_event(RDMA_CM_EVENT_ADDR_RESOLVED, NULL);
		must(rdma_resolve_route(id, 5000));
		expect_event(RDMA_CM_EVENT_ROUTE_RESOLVED, NULL);
		all[n] = conn_create(id, (n + 1) << 8);
	}
	for (n = 0; n < total; n++)
		must(rdma_connect(all[n]->id, &param));
	for (n = 0; n < total; n++)
		expect_event(RDMA_CM_EVENT_ESTABLISHED, NULL);
	say("all are up");
	for (n = 0; n < total; n++)
		must(conn_send(all[n]));
	for (n = 0; n < total; n++)
		await_messages(all[n], 1);
	for (n = 0; n < total; n++)
		must(rdma_disconnect(all[n]->id));
	for (n = 0; n < total; n++)
		expect_event(RDMA_CM_EVENT_DISCONNECTED, NULL);
	for (n = 0; n < total; n++)
		conn_destroy(all[n]);
	printf("%u opened and closed\n", total);
}

struct server {
	struct conn *conns[1024];
	uint32_t count;
	uint32_t gone;
	bool told;
};

static void server_accept(struct server *s, struct rdma_cm_id *id)
{
	struct conn *c = conn_create(id, 0);
	struct window w = { (uintptr_t)c->memory, c->mr->rkey, 0 };
	struct rdma_conn_param param = {
		.initiator_depth = 4,
		.responder_resources = 4,
		.private_data = &w,
		.private_data_len = sizeof(w),
	};

	if (s->count == 1024 || rdma_accept(id, &param)) {
		/* It has gone again: that is no fault of ours. */
		conn_destroy(c);
		s->gone++;
		return;
	}
	s->conns[s->count++] = c;
}

static void server_drop(struct server *s, struct rdma_cm_id *id)
{
	uint32_t i;

	for (i = 0; i < s->count && s->conns[i]->id != id; i++)
		;
	if (i == s->count)
		return;
	rdma_disconnect(id);
	conn_destroy(s->conns[i]);
	s->conns[i] = s->conns[--s->count];
	s->gone++;
}

static void server_event(struct server *s)
{
	struct rdma_cm_event *event;
	enum rdma_cm_event_type type;
	struct rdma_cm_id *id;

	must(rdma_get_cm_event(channel, &event));
	type = event->event;
	id = event->id;
	rdma_ack_cm_event(event);
	switch (type) {
	case RDMA_CM_EVENT_CONNECT_REQUEST:
		server_accept(s, id);
		break;
	case RDMA_CM_EVENT_ESTABLISHED:
		if (!s->told)
			say("established");
		s->told = true;
		break;
	case RDMA_CM_EVENT_DISCONNECTED:
	case RDMA_CM_EVENT_CONNECT_ERROR:
		if (s->gone < 3)
			say("disconnected");
		server_drop(s, id);
		break;
	default:
		fprintf(stderr, "%s\n", rdma_event_str(type));
		break;
	}
}

/* Answers every message; events of a connection that is lost come by themselves. */
static void serve(uint32_t total)
{
	struct rdma_cm_id *listener = begin_listen();
	static struct server s;
	static struct pollfd p[1025];
	struct conn *busy[1024];
	uint32_t i, n;
	int m;

	say("listening");
	while (!total || s.gone < total) {
		p[0] = (struct pollfd){ .fd = channel->fd, .events = POLLIN };
		n = s.count;
		for (i = 0; i < n; i++) {
			busy[i] = s.conns[i];
			p[i + 1] = (struct pollfd){ .fd = busy[i]->cq->channel->fd, .events = POLLIN };
		}
		must(poll(p, n + 1, -1) < 1);
		for (i = 0; i < n; i++) {
			if (!p[i + 1].revents || !conn_take_event(busy[i]))
				continue;
			for (m = conn_poll(busy[i]); m > 0; m--) {
				if (conn_send(busy[i]))
					break;
			}
		}
		if (p[0].revents)
			server_event(&s);
	}
	must(rdma_destroy_id(listener));
	printf("%u have come and gone\n", total);
}

static void pending(void)
{
	begin_listen();
	say("listening");
	expect_event(RDMA_CM_EVENT_CONNECT_REQUEST, NULL);
	say("request pending");
	for (;;)
		pause();
}

static void connecting(void)
{
	struct rdma_cm_event *event;

	begin_connect(1);
	say("connecting");
	must(rdma_get_cm_event(channel, &event));
	say(rdma_event_str(event->event));
}

static void until_over(void)
{
	struct rdma_cm_event *event;

	must(rdma_get_cm_event(channel, &event));
	say(event->event == RDMA_CM_EVENT_DISCONNECTED ? "disconnected" :
	    rdma_event_str(event->event));
	rdma_ack_cm_event(event);
}

static void idle(void)
{
	struct conn *c = begin_connect(1);
	struct ibv_wc wc;
	int flushed, tries;

	expect_event(RDMA_CM_EVENT_ESTABLISHED, NULL);
	say("established");
	until_over();
	/* Its device may be gone: nothing tells any more, but the memory is ours. */
	for (flushed = 0, tries = 0; flushed < DEPTH && tries < 10000; tries++) {
		if (ibv_poll_cq(c->cq, 1, &wc) == 1 && wc.status == IBV_WC_WR_FLUSH_ERR)
			flushed++;
		else
			usleep(1000);
	}
	printf("%d of %d receives flushed\n", flushed, DEPTH);
	fflush(stdout);
}

static void traffic(void)
{
	struct conn *c = begin_connect(256);
	unsigned long rounds = 0;
	struct window w = {};
	bool over = false;

	expect_event(RDMA_CM_EVENT_ESTABLISHED, &w);
	while (!over) {
		if (conn_poll(c) < 0)
			break;
		if (c->sends + 3 <= DEPTH) {
			uint32_t len = (rounds * 4099) % AREA;

			if (conn_post(c, IBV_WR_RDMA_WRITE, c->memory, len, &w) ||
			    conn_post(c, IBV_WR_RDMA_READ, c->memory, len, &w))
				break;
			/* The server may not run for long: no more Sends than it has receives from the start */
			if (rounds % 8 == 0 && rounds < 8 * DEPTH / 2 && conn_send(c))
				break;
			if (++rounds == 20)
				say("traffic");
			continue;
		}
		over = conn_wait(c);
	}
	until_over();
}

/* Two regions of as many KiB, and another when the first one is gone */
static void pin(uint32_t kib)
{
	uint8_t *memory = mmap(NULL, 3ul * kib * 1024, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ibv_mr *mr[3];
	struct rdma_cm_id *id;
	struct ibv_pd *pd;
	int i;

	must(rdma_create_id(channel, &id, NULL, RDMA_PS_TCP));
	must(rdma_bind_addr(id, where->ai_addr));
	must(!(pd = ibv_alloc_pd(id->verbs)));
	for (i = 0; i < 3; i++) {
		mr[i] = ibv_reg_mr(pd, memory + i * kib * 1024ul, kib * 1024ul,
				   IBV_ACCESS_LOCAL_WRITE);
		printf("region %d: %s\n", i, mr[i] ? "registered" : strerror(errno));
		if (i == 1 && mr[0])
			must(ibv_dereg_mr(mr[0]));
	}
}

static int plain_bind(void)
{
	int fd = socket(where->ai_family, SOCK_STREAM, 0);

	must(fd < 0);
	must(bind(fd, where->ai_addr, where->ai_addrlen));
	must(listen(fd, 1));
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
		void (*run_n)(uint32_t n);
	} modes[] = {
		{ "serve", .run_n = serve },
		{ "row", .run_n = row },
		{ "crowd", .run_n = crowd },
		{ "pending", .run = pending },
		{ "connecting", .run = connecting },
		{ "idle", .run = idle },
		{ "traffic", .run = traffic },
		{ "pin", .run_n = pin },
	};
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	unsigned int i;

	if (argc < 4 || getaddrinfo(argv[2], argv[3], &hints, &where)) {
		fprintf(stderr, "usage: connections MODE ADDR PORT [N]\n");
		return 2;
	}
	if (!strcmp(argv[1], "bind"))
		return plain_bind();
	must(!(channel = rdma_create_event_channel()));
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(argv[1], modes[i].name))
			continue;
		if (modes[i].run)
			modes[i].run();
		else
			modes[i].run_n(argc > 4 ? atoi(argv[4]) : 0);
		return 0;
	}
	return 2;
}
