// SPDX-License-Identifier: GPL-2.0
/*
 * An ordinary librdmacm and libibverbs application that does what it is told,
 * a line at a time, and tells all that it hears. An argument is its user id.
 *
 * Commands, each answered by "ok ..." or "err ERRNO WHAT":
 *   listen ADDR PORT BACKLOG [afonly]     ok PORT; afonly: no other family
 *   unlisten
 *   resolve ADDR PORT                     ok K, later "cm K ROUTE_RESOLVED"
 *   qp K                                  ok QPN
 *   connect|accept K IRD ORD PD [QPN]     PD: private data in hex, or -; QPN: another's QP
 *   reject K PD
 *   disconnect|fail|unqp|leave|close K    fail: the QP to error; unqp: destroy it;
 *                                         leave: disconnect and unqp in one
 *   query K                               ok STATE
 *   mr K LEN RIGHTS SEED [other]          ok H LKEY RKEY ADDR; other: in a PD
 *                                         that no QP has; RIGHTS: lwr or -
 *   check H                               ok clean | ok data N | ok guard N
 *   dump H OFFSET LEN                     ok HEX
 *   dereg H
 *   recv K WRID SGE...                    SGE: H:OFFSET:LEN
 *   post K WRID OP FLAGS RKEY RADDR SGE...
 *                                         OP: send send_inv write read
 *                                         FLAGS: sfei or -
 *   cat PATH                              ok HEX
 *   set PATH VALUE
 * What comes by itself:
 *   cm K EVENT STATUS IRD ORD PD
 *   wc K WRID OPCODE STATUS BYTES INVALIDATED
 *   async K EVENT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netdb.h>
#include <unistd.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#define CONNS		512
#define DEVICES		16
#define BUFS		512
#define GUARD		8192
#define GUARD_BYTE	0xa5
#define QUEUE		64
#define MAX_SGE		6

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

struct conn {
	struct rdma_cm_id *id;
	struct ibv_pd *pd;
	struct ibv_pd *other;
	struct ibv_cq *cq;
	unsigned int cq_events;
};

/* Registered is what lies between two guard zones, at an odd address. */
struct buf {
	unsigned char *base;
	size_t len;
	unsigned int seed;
	struct ibv_mr *mr;
	int conn;
};

/* A device, once for each time that it was added */
struct device {
	struct ibv_context *verbs;
	struct ibv_comp_channel *completions;
	bool gone;
};

static struct rdma_event_channel *events;
static struct device devices[DEVICES];
static unsigned int device_count;
static struct rdma_cm_id *listener;
static struct conn conns[CONNS];
static struct buf bufs[BUFS];
static int last_conn = -1;

static void ok(void) { printf("ok\n"); }
static void err(const char *what) { printf("err %d %s\n", errno, what); }

static void print_hex(const void *data, size_t len)
{
	const unsigned char *p = data;

	if (!len)
		putchar('-');
	while (len--)
		printf("%02x", *p++);
}

static size_t parse_hex(const char *hex, unsigned char *out, size_t room)
{
	size_t n = 0;
	unsigned int byte;

	if (!hex || !strcmp(hex, "-"))
		return 0;
	while (n < room && sscanf(hex + 2 * n, "%2x", &byte) == 1)
		out[n++] = byte;
	return n;
}

static char *word(void) { return strtok(NULL, " "); }

static unsigned long long number(void)
{
	char *w = word();

	return w ? strtoull(w, NULL, 0) : 0;
}

static struct conn *conn_arg(void)
{
	unsigned long long k = number();
	static struct conn none;

	return k < CONNS ? &conns[k] : &none;
}

static struct buf *buf_arg(void)
{
	unsigned long long h = number();
	static struct buf none;

	return h < BUFS ? &bufs[h] : &none;
}

/* Numbers are not used twice, so that a late report is seen as one. */
static struct conn *conn_new(struct rdma_cm_id *id)
{
	struct conn *c;

	if (last_conn + 1 == CONNS) {
		fprintf(stderr, "endpoint: too many connections\n");
		exit(1);
	}
	c = &conns[++last_conn];
	c->id = id;
	id->context = c;
	return c;
}

static int conn_number(const struct conn *c) { return c - conns; }

static void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static unsigned char pattern(const struct buf *b, size_t i) { return b->seed + 7 * i + (i >> 8); }

static bool address(const char *host, const char *port, struct sockaddr_storage *addr)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found;

	if (!host || !port || getaddrinfo(host, port, &hints, &found))
		return false;
	memcpy(addr, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return true;
}

/* Commands */

static void do_listen(void)
{
	struct sockaddr_storage addr;
	const char *host = word();
	const char *port = word();
	int backlog = number();
	int afonly = !!word();

	if (!address(host, port, &addr) || rdma_create_id(events, &listener, NULL, RDMA_PS_TCP)) {
		err("rdma_create_id");
		return;
	}
	if (afonly && rdma_set_option(listener, RDMA_OPTION_ID, RDMA_OPTION_ID_AFONLY, &afonly,
				      sizeof(afonly))) {
		err("rdma_set_option");
	} else if (rdma_bind_addr(listener, (struct sockaddr *)&addr)) {
		err("rdma_bind_addr");
	} else if (rdma_listen(listener, backlog)) {
		err("rdma_listen");
	} else {
		printf("ok %u\n", ntohs(rdma_get_src_port(listener)));
		return;
	}
	rdma_destroy_id(listener);
	listener = NULL;
}

static void do_unlisten(void)
{
	if (!listener || rdma_destroy_id(listener))
		err("rdma_destroy_id");
	else
		ok();
	listener = NULL;
}

static void do_resolve(void)
{
	struct sockaddr_storage addr;
	const char *host = word();
	const char *port = word();
	struct rdma_cm_id *id;

	if (!address(host, port, &addr) || rdma_create_id(events, &id, NULL, RDMA_PS_TCP)) {
		err("rdma_create_id");
		return;
	}
	conn_new(id);
	if (rdma_resolve_addr(id, NULL, (struct sockaddr *)&addr, 10000))
		err("rdma_resolve_addr");
	else
		printf("ok %d\n", conn_number(id->context));
}

static struct device *device_of(struct ibv_context *verbs)
{
	struct device *d = devices;

	while (d < devices + device_count && d->verbs != verbs)
		d++;
	if (d < devices + device_count)
		return d;
	if (!verbs || device_count == DEVICES)
		return NULL;
	d->verbs = verbs;
	d->completions = ibv_create_comp_channel(verbs);
	if (!d->completions)
		return NULL;
	set_nonblocking(d->completions->fd);
	set_nonblocking(verbs->async_fd);
	device_count++;
	return d;
}

static void do_qp(void)
{
	struct conn *c = conn_arg();
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.cap = {
			.max_send_wr = QUEUE,
			.max_recv_wr = QUEUE,
			.max_send_sge = MAX_SGE,
			.max_recv_sge = MAX_SGE,
			.max_inline_data = 64,
		},
	};
	struct device *d = NULL;

	if (c->id)
		d = device_of(c->id->verbs);
	if (!d) {
		err("ibv_create_comp_channel");
		return;
	}
	c->pd = ibv_alloc_pd(d->verbs);
	if (!c->pd) {
		err("ibv_alloc_pd");
		return;
	}
	c->cq = ibv_create_cq(d->verbs, 2 * QUEUE, c, d->completions, 0);
	if (!c->cq) {
		err("ibv_create_cq");
		return;
	}
	ibv_req_notify_cq(c->cq, 0);
	attr.send_cq = c->cq;
	attr.recv_cq = c->cq;
	if (rdma_create_qp(c->id, c->pd, &attr))
		err("rdma_create_qp");
	else
		printf("ok %u\n", c->id->qp->qp_num);
}

static void do_establish(bool accept)
{
	struct conn *c = conn_arg();
	unsigned char pd[255];
	struct rdma_conn_param param = { .private_data = pd };

	param.responder_resources = number();
	param.initiator_depth = number();
	param.private_data_len = parse_hex(word(), pd, sizeof(pd));
	param.qp_num = number();
	if (accept ? rdma_accept(c->id, &param) : rdma_connect(c->id, &param))
		err(accept ? "rdma_accept" : "rdma_connect");
	else
		ok();
}

static void do_reject(void)
{
	struct conn *c = conn_arg();
	unsigned char pd[255];
	size_t len = parse_hex(word(), pd, sizeof(pd));

	if (rdma_reject(c->id, pd, len))
		err("rdma_reject");
	else
		ok();
}

static void do_disconnect(void)
{
	if (rdma_disconnect(conn_arg()->id))
		err("rdma_disconnect");
	else
		ok();
}

static void do_fail(void)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };

	errno = ibv_modify_qp(conn_arg()->id->qp, &attr, IBV_QP_STATE);
	if (errno)
		err("ibv_modify_qp");
	else
		ok();
}

static void do_unqp(void)
{
	rdma_destroy_qp(conn_arg()->id);
	ok();
}

static void do_leave(void)
{
	struct rdma_cm_id *id = conn_arg()->id;

	if (rdma_disconnect(id))
		err("rdma_disconnect");
	else
		ok();
	rdma_destroy_qp(id);
}

static void do_query(void)
{
	struct conn *c = conn_arg();
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	errno = ibv_query_qp(c->id->qp, &attr, IBV_QP_STATE, &init);
	if (errno)
		err("ibv_query_qp");
	else
		printf("ok %d\n", attr.qp_state);
}

static void report_completions(struct conn *c)
{
	struct ibv_wc wc;

	while (c->cq && ibv_poll_cq(c->cq, 1, &wc) == 1)
		printf("wc %d %llu %d %d %u %x\n", conn_number(c),
		       (unsigned long long)wc.wr_id, wc.opcode, wc.status,
		       wc.status ? 0 : wc.byte_len,
		       wc.wc_flags & IBV_WC_WITH_INV ? wc.invalidated_rkey : 0);
}

static void buf_free(struct buf *b)
{
	if (b->mr && ibv_dereg_mr(b->mr))
		fprintf(stderr, "endpoint: ibv_dereg_mr failed\n");
	free(b->base);
	memset(b, 0, sizeof(*b));
}

static void do_close(void)
{
	struct conn *c = conn_arg();
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };
	int i;

	if (!c->id) {
		errno = ENOENT;
		err("close");
		return;
	}
	if (c->id->qp) {
		ibv_modify_qp(c->id->qp, &attr, IBV_QP_STATE);
		report_completions(c);
		rdma_destroy_qp(c->id);
	}
	report_completions(c);
	for (i = 0; i < BUFS; i++) {
		if (bufs[i].base && bufs[i].conn == conn_number(c))
			buf_free(&bufs[i]);
	}
	if (c->cq) {
		ibv_ack_cq_events(c->cq, c->cq_events);
		if (ibv_destroy_cq(c->cq))
			fprintf(stderr, "endpoint: ibv_destroy_cq failed\n");
	}
	if (rdma_destroy_id(c->id))
		fprintf(stderr, "endpoint: rdma_destroy_id failed\n");
	if (c->pd)
		ibv_dealloc_pd(c->pd);
	if (c->other)
		ibv_dealloc_pd(c->other);
	memset(c, 0, sizeof(*c));
	ok();
}

static void do_mr(void)
{
	struct conn *c = conn_arg();
	size_t len = number();
	const char *rights = word();
	unsigned int seed = number();
	const char *other = word();
	int access = 0;
	struct buf *b = bufs;
	size_t i;

	while (b < bufs + BUFS && b->base)
		b++;
	if (b == bufs + BUFS || !rights || !c->pd) {
		errno = EINVAL;
		err("mr");
		return;
	}
	if (other && !c->other)
		c->other = ibv_alloc_pd(c->pd->context);
	access |= strchr(rights, 'l') ? IBV_ACCESS_LOCAL_WRITE : 0;
	access |= strchr(rights, 'w') ? IBV_ACCESS_REMOTE_WRITE : 0;
	access |= strchr(rights, 'r') ? IBV_ACCESS_REMOTE_READ : 0;
	b->base = malloc(len + 2 * GUARD);
	b->len = len;
	b->seed = seed;
	b->conn = conn_number(c);
	memset(b->base, GUARD_BYTE, len + 2 * GUARD);
	for (i = 0; i < len; i++)
		b->base[GUARD + i] = pattern(b, i);
	b->mr = ibv_reg_mr(other ? c->other : c->pd, b->base + GUARD, len, access);
	if (!b->mr) {
		err("ibv_reg_mr");
		buf_free(b);
		return;
	}
	printf("ok %d %u %u %llu\n", (int)(b - bufs), b->mr->lkey, b->mr->rkey,
	       (unsigned long long)(uintptr_t)(b->base + GUARD));
}

static void do_check(void)
{
	const struct buf *b = buf_arg();
	size_t i;

	for (i = 0; i < b->len + 2 * GUARD; i++) {
		bool inside = i >= GUARD && i < GUARD + b->len;

		if (b->base[i] == (inside ? pattern(b, i - GUARD) : GUARD_BYTE))
			continue;
		if (!inside)
			printf("ok guard %zd\n", (ssize_t)i - GUARD);
		else
			printf("ok data %zd\n", (ssize_t)i - GUARD);
		return;
	}
	printf("ok clean\n");
}

static void do_dump(void)
{
	const struct buf *b = buf_arg();
	size_t offset = number();
	size_t len = number();

	if (!b->base || offset > b->len || len > b->len - offset) {
		errno = EINVAL;
		err("dump");
		return;
	}
	printf("ok ");
	print_hex(b->base + GUARD + offset, len);
	putchar('\n');
}

static void do_dereg(void)
{
	buf_free(buf_arg());
	ok();
}

static int parse_sges(struct ibv_sge *sge)
{
	unsigned int h;
	size_t offset;
	int n = 0;
	char *w;

	while (n < MAX_SGE && (w = word())) {
		if (sscanf(w, "%u:%zu:%u", &h, &offset, &sge[n].length) != 3 ||
		    h >= BUFS || !bufs[h].mr)
			return -1;
		sge[n].addr = (uintptr_t)bufs[h].base + GUARD + offset;
		sge[n++].lkey = bufs[h].mr->lkey;
	}
	return n;
}

static void do_recv(void)
{
	struct conn *c = conn_arg();
	struct ibv_sge sge[MAX_SGE];
	struct ibv_recv_wr wr = { .sg_list = sge };
	struct ibv_recv_wr *bad;

	wr.wr_id = number();
	wr.num_sge = parse_sges(sge);
	errno = wr.num_sge < 0 ? EINVAL : ibv_post_recv(c->id->qp, &wr, &bad);
	if (errno)
		err("ibv_post_recv");
	else
		ok();
}

static int parse_opcode(const char *name)
{
	static const struct { const char *name; int opcode; } opcodes[] = {
		{ "send", IBV_WR_SEND },
		{ "send_inv", IBV_WR_SEND_WITH_INV },
		{ "write", IBV_WR_RDMA_WRITE },
		{ "read", IBV_WR_RDMA_READ },
	};
	size_t i;

	for (i = 0; name && i < ARRAY_SIZE(opcodes); i++) {
		if (!strcmp(name, opcodes[i].name))
			return opcodes[i].opcode;
	}
	return -1;
}

static void do_post(void)
{
	struct conn *c = conn_arg();
	struct ibv_sge sge[MAX_SGE];
	struct ibv_send_wr wr = { .sg_list = sge };
	struct ibv_send_wr *bad;
	const char *flags;
	int opcode;

	wr.wr_id = number();
	opcode = parse_opcode(word());
	wr.opcode = opcode;
	flags = word();
	wr.wr.rdma.rkey = number();
	wr.wr.rdma.remote_addr = number();
	if (opcode == IBV_WR_SEND_WITH_INV)
		wr.invalidate_rkey = wr.wr.rdma.rkey;
	wr.num_sge = parse_sges(sge);
	if (opcode < 0 || wr.num_sge < 0 || !flags) {
		errno = EINVAL;
		err("post");
		return;
	}
	wr.send_flags |= strchr(flags, 's') ? IBV_SEND_SIGNALED : 0;
	wr.send_flags |= strchr(flags, 'f') ? IBV_SEND_FENCE : 0;
	wr.send_flags |= strchr(flags, 'e') ? IBV_SEND_SOLICITED : 0;
	wr.send_flags |= strchr(flags, 'i') ? IBV_SEND_INLINE : 0;
	errno = ibv_post_send(c->id->qp, &wr, &bad);
	if (errno)
		err("ibv_post_send");
	else
		ok();
}

static void do_cat(void)
{
	char text[65536];
	const char *path = word();
	int fd = open(path ? path : "", O_RDONLY);
	ssize_t n, len = 0;

	if (fd < 0) {
		err("open");
		return;
	}
	while ((n = read(fd, text + len, sizeof(text) - len)) > 0)
		len += n;
	close(fd);
	if (n < 0) {
		err("read");
		return;
	}
	printf("ok ");
	print_hex(text, len);
	putchar('\n');
}

static void do_set(void)
{
	const char *path = word();
	const char *value = word();
	int fd = open(path ? path : "", O_WRONLY);

	if (fd < 0) {
		err("open");
		return;
	}
	if (!value || write(fd, value, strlen(value)) < 0)
		err("write");
	else
		ok();
	close(fd);
}

static void do_connect(void) { do_establish(false); }
static void do_accept(void) { do_establish(true); }

static void command(char *line)
{
	static const struct { const char *name; void (*run)(void); } commands[] = {
		{ "listen", do_listen }, { "unlisten", do_unlisten },
		{ "resolve", do_resolve }, { "qp", do_qp },
		{ "connect", do_connect }, { "accept", do_accept }, { "reject", do_reject },
		{ "disconnect", do_disconnect }, { "fail", do_fail }, { "unqp", do_unqp },
		{ "leave", do_leave },
		{ "close", do_close },
		{ "query", do_query }, { "mr", do_mr }, { "check", do_check }, { "dump", do_dump },
		{ "dereg", do_dereg }, { "recv", do_recv }, { "post", do_post },
		{ "cat", do_cat }, { "set", do_set },
	};
	const char *name = strtok(line, " ");
	size_t i;

	errno = 0;
	for (i = 0; name && i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(name, commands[i].name)) {
			commands[i].run();
			return;
		}
	}
	errno = EINVAL;
	err("unknown");
}

/* What comes by itself */

static void report_cm(const struct rdma_cm_event *event)
{
	const struct rdma_conn_param *param = &event->param.conn;
	const char *name = rdma_event_str(event->event) + strlen("RDMA_CM_EVENT_");
	struct conn *c = event->id->context;

	if (event->event == RDMA_CM_EVENT_CONNECT_REQUEST)
		c = conn_new(event->id);
	if (!c)
		return;
	if (event->event == RDMA_CM_EVENT_ADDR_RESOLVED && !rdma_resolve_route(event->id, 10000))
		return;
	printf("cm %d %s %d %u %u ", conn_number(c), name, event->status,
	       param->responder_resources, param->initiator_depth);
	print_hex(param->private_data, param->private_data ? param->private_data_len : 0);
	putchar('\n');
}

static void on_cm(void)
{
	struct rdma_cm_event *event;

	while (!rdma_get_cm_event(events, &event)) {
		report_cm(event);
		rdma_ack_cm_event(event);
	}
}

static void on_completion(struct device *d)
{
	struct ibv_cq *cq;
	void *context;

	while (!ibv_get_cq_event(d->completions, &cq, &context)) {
		struct conn *c = context;

		c->cq_events++;
		ibv_req_notify_cq(cq, 0);
		report_completions(c);
	}
}

static void on_async(struct device *d)
{
	struct ibv_async_event event;
	int i;

	while (!ibv_get_async_event(d->verbs, &event)) {
		for (i = 0; i <= last_conn; i++) {
			if (conns[i].id && conns[i].id->qp == event.element.qp)
				printf("async %d %d\n", i, event.event_type);
		}
		ibv_ack_async_event(&event);
	}
}

static void on_input(void)
{
	static char line[8192];
	static size_t have;
	char *end;
	ssize_t n = read(STDIN_FILENO, line + have, sizeof(line) - 1 - have);

	if (n <= 0)
		exit(0);
	have += n;
	line[have] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		command(line);
		have -= end + 1 - line;
		memmove(line, end + 1, have + 1);
	}
}

int main(int argc, char **argv)
{
	static char out[1 << 20];

	setvbuf(stdout, out, _IOFBF, sizeof(out));
	if (argc > 1 && setuid(atoi(argv[1]))) {
		perror("endpoint: setuid");
		return 1;
	}
	events = rdma_create_event_channel();
	if (!events) {
		perror("endpoint: rdma_create_event_channel");
		return 1;
	}
	set_nonblocking(events->fd);
	for (;;) {
		struct pollfd fds[2 + 2 * DEVICES] = {
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = events->fd, .events = POLLIN },
		};
		unsigned int i, n = device_count;

		for (i = 0; i < n; i++) {
			const struct device *d = &devices[i];

			fds[2 + 2 * i].fd = d->gone ? -1 : d->completions->fd;
			fds[2 + 2 * i].events = POLLIN;
			fds[3 + 2 * i].fd = d->gone ? -1 : d->verbs->async_fd;
			fds[3 + 2 * i].events = POLLIN;
		}
		fflush(stdout);
		if (poll(fds, 2 + 2 * n, -1) < 0)
			continue;
		if (fds[1].revents)
			on_cm();
		for (i = 0; i < n; i++) {
			if (fds[2 + 2 * i].revents)
				on_completion(&devices[i]);
			if (fds[3 + 2 * i].revents)
				on_async(&devices[i]);
			/* What it had to tell is read, and nothing else will come. */
			if ((fds[2 + 2 * i].revents | fds[3 + 2 * i].revents) & POLLERR)
				devices[i].gone = true;
		}
		if (fds[0].revents)
			on_input();
	}
}
