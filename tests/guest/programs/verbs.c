// SPDX-License-Identifier: GPL-2.0
/*
 * verbs: what the verbs promise, between the hosts a and b. Prints TAP.
 *
 *	verbs [TEST...]		these tests, or all
 *
 * The program is both ends: it starts itself once more in namespace b. A test
 * is one function that both ends run, each its part; they meet at barriers,
 * which go over a pair of local sockets. Client is the end in a.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#define SERVER_ADDR	"10.0.0.2"
#define PORT		7200
#define BUF_SIZE	(4u << 20)
#define GUARD		64
#define DEPTH		64
#define MAX_SGE		6
#define MAX_INLINE	80
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Where an end's buffer is */
struct window {
	uint64_t addr;
	uint32_t rkey;
};

struct message {
	uint32_t test;
	uint32_t step;
	char text[240];
};

#define STEP_END	(~0u)	/* the test is over; text: why it failed, or empty */

static bool client;
static int peer_fd;
static int wait_ms = 20000;
static jmp_buf bail;
static uint32_t test_number, step;
static char why[240];
static char note[40];		/* what the test is at, for why */

static struct rdma_event_channel *channel;
static struct rdma_cm_id *listener, *keeper, *id;
static struct ibv_context *verbs;
static struct ibv_pd *pd;
static struct ibv_cq *scq, *rcq;
static struct ibv_comp_channel *scc, *rcc;
static uint8_t *buf;
static struct ibv_mr *mr;
static struct window peer;	/* the other end's buf */

/* Failing and meeting */

static void __attribute__((noreturn, format(printf, 2, 3)))
fail(int line, const char *format, ...)
{
	va_list args;
	int n;

	n = snprintf(why, sizeof(why), "%s, line %d%s: ",
		     client ? "client" : "server", line, note);
	va_start(args, format);
	vsnprintf(why + n, sizeof(why) - n, format, args);
	va_end(args);
	longjmp(bail, 1);
}

#define expect(condition, ...)					\
	do {							\
		if (!(condition))				\
			fail(__LINE__, __VA_ARGS__);		\
	} while (0)

#define expect_zero(call)					\
	do {							\
		int ret_ = (call);				\
								\
		expect(!ret_, #call ": %d, errno %d (%s)", ret_, errno, strerror(errno)); \
	} while (0)

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	printf("# %s: %s: %s\n", client ? "client" : "server", what, strerror(errno));
	printf("Bail out! %s\n", what);
	exit(1);
}

static void tell(const void *data, size_t size)
{
	must(write(peer_fd, data, size) == (ssize_t)size, "the other end is gone");
}

static void hear(void *data, size_t size)
{
	struct pollfd p = { .fd = peer_fd, .events = POLLIN };

	must(poll(&p, 1, 4 * wait_ms) == 1, "the other end is silent");
	must(read(peer_fd, data, size) == (ssize_t)size, "the other end is gone");
}

/* Both ends get here, and exchange @size octets. */
static void swap(const void *mine, void *theirs, size_t size)
{
	struct message m = { .test = test_number, .step = ++step };

	if (size)
		memcpy(m.text, mine, size);
	tell(&m, sizeof(m));
	hear(&m, sizeof(m));
	if (m.step == STEP_END) {
		/* For end_test() to read again */
		snprintf(why, sizeof(why), "%s", m.text[0] ? m.text : "the other end is through already");
		longjmp(bail, 2);
	}
	if (m.step != step)
		fail(__LINE__, "at step %u, the other end at %u", step, m.step);
	if (size)
		memcpy(theirs, m.text, size);
}

static void barrier(void)
{
	swap(NULL, NULL, 0);
}

/* Data */

static uint8_t pattern(uint32_t seed, uint32_t i)
{
	uint32_t x = (seed + 1) * 2654435761u + (i ^ (i >> 8)) * 40503u;

	return x >> 13;
}

static void fill(uint32_t at, uint32_t len, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		buf[at + i] = pattern(seed, i);
}

static void verify(int line, uint32_t at, uint32_t len, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		if (buf[at + i] != pattern(seed, i))
			fail(line, "octet %u of %u is %02x, not %02x", i, len,
			     buf[at + i], pattern(seed, i));
	}
}

static void guard(uint32_t at, uint32_t len)
{
	memset(buf + at - GUARD, 0xee, len + 2 * GUARD);
}

static void verify_guard(int line, uint32_t at, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < GUARD; i++) {
		if (buf[at - GUARD + i] != 0xee || buf[at + len + i] != 0xee)
			fail(line, "an octet beside the %u that were meant was written", len);
	}
}

#define verify(at, len, seed)	verify(__LINE__, at, len, seed)
#define verify_guard(at, len)	verify_guard(__LINE__, at, len)

/* Connections */

static struct rdma_cm_event *next_event(int ms)
{
	struct pollfd p = { .fd = channel->fd, .events = POLLIN };
	struct rdma_cm_event *event;

	if (poll(&p, 1, ms) != 1 || rdma_get_cm_event(channel, &event))
		return NULL;
	return event;
}

static struct rdma_cm_id *await_event(int line, enum rdma_cm_event_type type)
{
	struct rdma_cm_event *event = next_event(wait_ms);
	struct rdma_cm_id *whose;

	if (!event)
		fail(line, "no %s", rdma_event_str(type));
	if (event->event != type) {
		enum rdma_cm_event_type got = event->event;
		int status = event->status;

		rdma_ack_cm_event(event);
		fail(line, "%s (status %d) instead of %s", rdma_event_str(got), status,
		     rdma_event_str(type));
	}
	whose = event->id;
	rdma_ack_cm_event(event);
	return whose;
}

#define await_event(type)	await_event(__LINE__, RDMA_CM_EVENT_ ## type)

struct options {
	uint32_t sq, rq;
	uint8_t reads;		/* ORD and IRD, 1 to ... */
	uint32_t cqe;
};

static struct sockaddr_in server_addr(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	inet_pton(AF_INET, SERVER_ADDR, &sin.sin_addr);
	return sin;
}

static void resolve(struct rdma_cm_id **to)
{
	struct sockaddr_in sin = server_addr();

	expect_zero(rdma_create_id(channel, to, NULL, RDMA_PS_TCP));
	expect_zero(rdma_resolve_addr(*to, NULL, (struct sockaddr *)&sin, 5000));
	await_event(ADDR_RESOLVED);
	expect_zero(rdma_resolve_route(*to, 5000));
	await_event(ROUTE_RESOLVED);
}

static void make_cqs(uint32_t cqe)
{
	scc = ibv_create_comp_channel(verbs);
	rcc = ibv_create_comp_channel(verbs);
	expect(scc && rcc, "no completion channel");
	scq = ibv_create_cq(verbs, cqe, NULL, scc, 0);
	rcq = ibv_create_cq(verbs, cqe, NULL, rcc, 0);
	expect(scq && rcq, "no CQ");
}

static void connect_with(struct options o)
{
	struct rdma_conn_param param = {};
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.cap = {
			.max_send_wr = o.sq ?: DEPTH,
			.max_recv_wr = o.rq ?: DEPTH,
			.max_send_sge = MAX_SGE,
			.max_recv_sge = MAX_SGE,
			.max_inline_data = MAX_INLINE,
		},
	};

	param.initiator_depth = o.reads ?: 8;
	param.responder_resources = o.reads ?: 8;
	make_cqs(o.cqe ?: 4 * DEPTH);
	attr.send_cq = scq;
	attr.recv_cq = rcq;
	if (client) {
		barrier();	/* the server listens since it began */
		resolve(&id);
		expect_zero(rdma_create_qp(id, pd, &attr));
		expect_zero(rdma_connect(id, &param));
	} else {
		struct rdma_cm_event *event;

		barrier();
		event = next_event(wait_ms);
		expect(event, "no CONNECT_REQUEST");
		id = event->id;
		rdma_ack_cm_event(event);
		expect_zero(rdma_create_qp(id, pd, &attr));
		expect_zero(rdma_accept(id, &param));
	}
	await_event(ESTABLISHED);
	barrier();
}

#define connect_both(...)	connect_with((struct options){ __VA_ARGS__ })

/* Whatever a test has left */
static void clean_up(void)
{
	struct rdma_cm_event *event;

	if (id) {
		rdma_disconnect(id);
		if (id->qp)
			rdma_destroy_qp(id);
		rdma_destroy_id(id);
		id = NULL;
	}
	if (scq)
		must(!ibv_destroy_cq(scq), "destroying a CQ");
	if (rcq)
		must(!ibv_destroy_cq(rcq), "destroying a CQ");
	if (scc)
		ibv_destroy_comp_channel(scc);
	if (rcc)
		ibv_destroy_comp_channel(rcc);
	scq = NULL;
	rcq = NULL;
	scc = NULL;
	rcc = NULL;
	while ((event = next_event(0))) {
		struct rdma_cm_id *other = event->event == RDMA_CM_EVENT_CONNECT_REQUEST ?
					   event->id : NULL;

		rdma_ack_cm_event(event);
		if (other)
			rdma_destroy_id(other);
	}
}

/* Work requests and completions */

static struct ibv_sge sge(uint32_t at, uint32_t len)
{
	return (struct ibv_sge){ (uintptr_t)buf + at, len, mr->lkey };
}

static int post(struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad;
	int ret = ibv_post_send(id->qp, wr, &bad);

	return ret < 0 ? -ret : ret;
}

/* One buffer, signalled unless @flags has UNSIGNALLED */
#define UNSIGNALLED	(1u << 31)

static struct ibv_send_wr wr_of(uint64_t wr_id, enum ibv_wr_opcode opcode,
				struct ibv_sge *s, uint32_t remote, unsigned int flags)
{
	struct ibv_send_wr wr = {
		.wr_id = wr_id,
		.opcode = opcode,
		.sg_list = s,
		.num_sge = s ? 1 : 0,
		.send_flags = (flags & ~UNSIGNALLED) |
			      (flags & UNSIGNALLED ? 0 : IBV_SEND_SIGNALED),
		.wr.rdma = { .remote_addr = peer.addr + remote, .rkey = peer.rkey },
	};

	return wr;
}

static void do_post(int line, uint64_t wr_id, enum ibv_wr_opcode opcode, uint32_t at,
		    uint32_t len, uint32_t remote, unsigned int flags)
{
	struct ibv_sge s = sge(at, len);
	struct ibv_send_wr wr = wr_of(wr_id, opcode, &s, remote, flags);
	int ret = post(&wr);

	if (ret)
		fail(line, "post_send: %s", strerror(ret));
}

static void do_recv(int line, uint64_t wr_id, uint32_t at, uint32_t len)
{
	struct ibv_sge s = sge(at, len);
	struct ibv_recv_wr wr = { .wr_id = wr_id, .sg_list = &s, .num_sge = 1 };
	struct ibv_recv_wr *bad;
	int ret = ibv_post_recv(id->qp, &wr, &bad);

	if (ret)
		fail(line, "post_recv: %s", strerror(abs(ret)));
}

#define post_write(n, at, len, remote, flags)	do_post(__LINE__, n, IBV_WR_RDMA_WRITE, at, len, remote, flags)
#define post_read(n, at, len, remote, flags)	do_post(__LINE__, n, IBV_WR_RDMA_READ, at, len, remote, flags)
#define post_send(n, at, len, flags)		do_post(__LINE__, n, IBV_WR_SEND, at, len, 0, flags)
#define post_recv(n, at, len)			do_recv(__LINE__, n, at, len)

static bool channel_has_event(struct ibv_comp_channel *cc, int ms)
{
	struct pollfd p = { .fd = cc->fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

static void take_event(struct ibv_comp_channel *cc)
{
	struct ibv_cq *cq;
	void *context;

	expect_zero(ibv_get_cq_event(cc, &cq, &context));
	ibv_ack_cq_events(cq, 1);
}

static struct ibv_wc next_wc(int line, struct ibv_cq *cq)
{
	struct ibv_wc wc;
	int n;

	for (;;) {
		n = ibv_poll_cq(cq, 1, &wc);
		if (!n) {
			if (ibv_req_notify_cq(cq, 0))
				fail(line, "req_notify_cq");
			n = ibv_poll_cq(cq, 1, &wc);
		}
		if (n == 1)
			return wc;
		if (n < 0)
			fail(line, "poll_cq: %d", n);
		if (!channel_has_event(cq->channel, wait_ms))
			fail(line, "no completion in the %s queue", cq == scq ? "send" : "receive");
		take_event(cq->channel);
	}
}

#define next_wc(cq)	next_wc(__LINE__, cq)

static struct ibv_wc await_wc(int line, struct ibv_cq *cq, uint64_t wr_id,
			      enum ibv_wc_status status)
{
	struct ibv_wc wc = (next_wc)(line, cq);

	if (wc.wr_id != wr_id || wc.status != status)
		fail(line, "completion of %llu with %s, not of %llu with %s",
		     (unsigned long long)wc.wr_id, ibv_wc_status_str(wc.status),
		     (unsigned long long)wr_id, ibv_wc_status_str(status));
	return wc;
}

#define await_wc(cq, wr_id, status)	await_wc(__LINE__, cq, wr_id, IBV_WC_ ## status)

static void no_wc(int line, struct ibv_cq *cq)
{
	struct ibv_wc wc;

	if (ibv_poll_cq(cq, 1, &wc))
		fail(line, "an unexpected completion: %llu, %s", (unsigned long long)wc.wr_id,
		     ibv_wc_status_str(wc.status));
}

#define no_wc(cq)	no_wc(__LINE__, cq)

/* Everything from @first to @last flushes, in order, and nothing else comes. */
static void await_flush(int line, struct ibv_cq *cq, uint64_t first, uint64_t last)
{
	uint64_t n;

	for (n = first; n <= last; n++)
		(await_wc)(line, cq, n, IBV_WC_WR_FLUSH_ERR);
	(no_wc)(line, cq);
}

#define await_flush(cq, first, last)	await_flush(__LINE__, cq, first, last)

static enum ibv_qp_state qp_state(void)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	expect_zero(ibv_query_qp(id->qp, &attr, IBV_QP_STATE, &init));
	return attr.qp_state;
}

/* After an error: the other side hears of it, and both QPs are in error. */
static void both_in_error(void)
{
	await_event(DISCONNECTED);
	expect(qp_state() == IBV_QPS_ERR, "the QP is in state %d", qp_state());
}

/* Settings of the device, in sysfs */

static void set(const char *name, const char *value)
{
	char path[120];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/siw/%s",
		 ibv_get_device_name(verbs->device), name);
	file = fopen(path, "w");
	expect(file, "%s: %s", path, strerror(errno));
	fputs(value, file);
	expect(!fclose(file), "%s to %s: %s", name, value, strerror(errno));
}

static void get(const char *name, char *value, size_t size)
{
	char path[120];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/siw/%s",
		 ibv_get_device_name(verbs->device), name);
	file = fopen(path, "r");
	expect(file, "%s: %s", path, strerror(errno));
	expect(fgets(value, size, file), "%s is empty", name);
	value[strcspn(value, "\n")] = 0;
	fclose(file);
}

/* The tests: data */

static const uint32_t sizes[] = {
	1, 2, 3, 4, 5, 493, 494, 495, 508, 509, 4095, 4096, 4097, 8191, 65507,
	65515, 65516, 65517, 65519, 65520, 65521, 65535, 65536, 65537, 131072,
	(1 << 20) + 3,
};

static const uint32_t offsets[] = { 4096, 8193, 12289 + 4094, 4096 + 2048 + 2 };

#define TARGET	(2u << 20)

static void size_write(uint32_t n, uint32_t len, uint32_t from, uint32_t to)
{
	if (client) {
		fill(from, len, n);
		barrier();
		post_write(n, from, len, TARGET + to, 0);
		await_wc(scq, n, SUCCESS);
		post_send(n, 0, 0, 0);
		await_wc(scq, n, SUCCESS);
	} else {
		guard(TARGET + to, len);
		post_recv(n, 0, 0);
		barrier();
		await_wc(rcq, n, SUCCESS);
		verify(TARGET + to, len, n);
		verify_guard(TARGET + to, len);
	}
}

static void size_read(uint32_t n, uint32_t len, uint32_t from, uint32_t to)
{
	struct ibv_wc wc;

	if (client) {
		guard(to, len);
		barrier();
		post_read(n, to, len, TARGET + from, 0);
		wc = await_wc(scq, n, SUCCESS);
		expect(wc.opcode == IBV_WC_RDMA_READ, "opcode %d", wc.opcode);
		expect(wc.byte_len == len, "byte_len %u, not %u", wc.byte_len, len);
		verify(to, len, n);
		verify_guard(to, len);
		barrier();
	} else {
		fill(TARGET + from, len, n);
		barrier();
		barrier();
	}
}

static void size_send(uint32_t n, uint32_t len, uint32_t from, uint32_t to)
{
	struct ibv_wc wc;

	if (client) {
		fill(from, len, n);
		barrier();
		post_send(n, from, len, n & 1 ? IBV_SEND_SOLICITED : 0);
		wc = await_wc(scq, n, SUCCESS);
		expect(wc.opcode == IBV_WC_SEND, "opcode %d", wc.opcode);
	} else {
		guard(TARGET + to, len);
		post_recv(n, TARGET + to, len);
		barrier();
		wc = await_wc(rcq, n, SUCCESS);
		expect(wc.opcode == IBV_WC_RECV, "opcode %d", wc.opcode);
		expect(wc.byte_len == len, "byte_len %u, not %u", wc.byte_len, len);
		expect(wc.qp_num == id->qp->qp_num, "QP number %u", wc.qp_num);
		verify(TARGET + to, len, n);
		verify_guard(TARGET + to, len);
	}
}

static void all_sizes(void (*one)(uint32_t n, uint32_t len, uint32_t from, uint32_t to))
{
	uint32_t i, n = 1;

	for (i = 0; i < ARRAY_SIZE(sizes); i++, n++) {
		snprintf(note, sizeof(note), ", length %u", sizes[i]);
		one(n, sizes[i], offsets[n % ARRAY_SIZE(offsets)],
		    offsets[(n / 3) % ARRAY_SIZE(offsets)]);
	}
}

static void sizes_write(void)
{
	connect_both();
	all_sizes(size_write);
}

static void sizes_read(void)
{
	connect_both();
	all_sizes(size_read);
}

static void sizes_send(void)
{
	connect_both();
	all_sizes(size_send);
}

static void with_setting(const char *name, const char *value, const char *again)
{
	uint32_t i, n = 1;

	set(name, value);
	barrier();
	connect_both();
	for (i = 0; i < ARRAY_SIZE(sizes); i += 2, n += 3) {
		snprintf(note, sizeof(note), ", length %u", sizes[i]);
		size_write(n, sizes[i], offsets[i % 4], offsets[0]);
		size_read(n + 1, sizes[i], offsets[1], offsets[i % 3]);
		size_send(n + 2, sizes[i], offsets[2], offsets[i % 2]);
	}
	set(name, again);
	barrier();
}

static void small_fpdus(void)
{
	with_setting("max_ulpdu", "512", "65534");
}

static void ethernet_fpdus(void)
{
	with_setting("max_ulpdu", "1442", "65534");
}

static void largest_fpdus(void)
{
	with_setting("max_ulpdu", "65535", "65534");
}

static void without_crc(void)
{
	with_setting("mpa_crc", "0", "1");
}

static void without_crc_small_fpdus(void)
{
	set("max_ulpdu", "601");
	with_setting("mpa_crc", "0", "1");
	set("max_ulpdu", "65534");
}

/* One side wants the CRC: both use it. */
static void crc_on_one_side(void)
{
	if (client)
		set("mpa_crc", "0");
	barrier();
	connect_both();
	size_write(1, 70001, offsets[1], offsets[2]);
	size_read(2, 70001, offsets[1], offsets[2]);
	if (client)
		set("mpa_crc", "1");
}

static void rtr_kinds(void)
{
	static const char * const kinds[] = { "none", "send", "read", "write" };
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		set("mpa_rtr", kinds[i]);
		barrier();
		connect_both();
		size_send(1, 5000, offsets[1], offsets[2]);
		size_read(2, 5000, offsets[1], offsets[2]);
		barrier();
		clean_up();
	}
}

static void revision_1(void)
{
	set("mpa_revision", "1");
	barrier();
	connect_both();
	size_write(1, 70001, offsets[1], offsets[2]);
	set("mpa_revision", "2");
	barrier();
}

static void bad_settings(void)
{
	static const char * const bad[][2] = {
		{ "max_ulpdu", "511" }, { "max_ulpdu", "65536" }, { "max_ulpdu", "x" },
		{ "mpa_revision", "0" }, { "mpa_revision", "3" }, { "mpa_rtr", "other" },
		{ "mpa_crc", "maybe" },
	};
	char path[120], before[40], after[40];
	uint32_t i;
	FILE *file;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		get(bad[i][0], before, sizeof(before));
		snprintf(path, sizeof(path), "/sys/class/infiniband/%s/siw/%s",
			 ibv_get_device_name(verbs->device), bad[i][0]);
		file = fopen(path, "w");
		expect(file, "%s: %s", path, strerror(errno));
		fputs(bad[i][1], file);
		expect(fclose(file), "%s took %s", bad[i][0], bad[i][1]);
		get(bad[i][0], after, sizeof(after));
		expect(!strcmp(before, after), "%s went from %s to %s", bad[i][0], before, after);
	}
}

static void many_sges(void)
{
	static const uint32_t lens[MAX_SGE] = { 1, 0, 4096, 3, 65537, 4095 };
	struct ibv_sge s[MAX_SGE];
	struct ibv_recv_wr rwr = { .wr_id = 7, .sg_list = s, .num_sge = MAX_SGE }, *bad;
	struct ibv_send_wr wr;
	uint32_t total = 0, at = 0, i, n;

	for (i = 0; i < MAX_SGE; i++)
		total += lens[i];
	connect_both();
	if (client) {
		/* Gathered in order of the pattern, from odd places */
		for (i = 0; i < MAX_SGE; i++) {
			uint32_t where = 100001 * (MAX_SGE - i);

			for (n = 0; n < lens[i]; n++)
				buf[where + n] = pattern(5, at + n);
			s[i] = sge(where, lens[i]);
			at += lens[i];
		}
		barrier();
		wr = wr_of(1, IBV_WR_RDMA_WRITE, s, TARGET + 77, 0);
		wr.num_sge = MAX_SGE;
		expect_zero(post(&wr));
		wr = wr_of(2, IBV_WR_SEND, s, 0, 0);
		wr.num_sge = MAX_SGE;
		expect_zero(post(&wr));
		await_wc(scq, 1, SUCCESS);
		await_wc(scq, 2, SUCCESS);
		barrier();
	} else {
		struct ibv_wc wc;

		/* Scattered in another rhythm */
		for (i = 0; i < MAX_SGE; i++)
			s[i] = sge(200003 * (i + 1), lens[MAX_SGE - 1 - i]);
		expect_zero(ibv_post_recv(id->qp, &rwr, &bad));
		barrier();
		wc = await_wc(rcq, 7, SUCCESS);
		expect(wc.byte_len == total, "byte_len %u, not %u", wc.byte_len, total);
		verify(TARGET + 77, total, 5);
		for (i = 0; i < MAX_SGE; i++) {
			for (n = 0; n < s[i].length; n++, at++)
				expect(buf[200003 * (i + 1) + n] == pattern(5, at),
				       "SGE %u, octet %u", i, n);
		}
		barrier();
	}
}

static void inline_data(void)
{
	static const uint32_t lens[] = { 0, 1, 79, 80 };
	uint8_t stack[2][MAX_INLINE + 1];
	struct ibv_send_wr wr;
	struct ibv_sge s[2];
	uint32_t i, n;

	connect_both();
	if (!client) {
		for (i = 0; i < ARRAY_SIZE(lens); i++)
			post_recv(i, TARGET + 256 * i, MAX_INLINE);
		barrier();
		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			struct ibv_wc wc = await_wc(rcq, i, SUCCESS);

			expect(wc.byte_len == lens[i], "byte_len %u", wc.byte_len);
			verify(TARGET + 256 * i, lens[i], i);
			verify(TARGET + 4096 + 256 * i, lens[i], i);
		}
		barrier();
		return;
	}
	barrier();
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		/* Memory that nobody registered, in two parts, overwritten at once */
		uint32_t half = lens[i] / 2;

		for (n = 0; n < lens[i]; n++)
			stack[n >= half][n >= half ? n - half : n] = pattern(i, n);
		s[0] = (struct ibv_sge){ (uintptr_t)stack[0], half, 0 };
		s[1] = (struct ibv_sge){ (uintptr_t)stack[1], lens[i] - half, 0 };
		wr = wr_of(2 * i, IBV_WR_RDMA_WRITE, s, TARGET + 4096 + 256 * i, IBV_SEND_INLINE);
		wr.num_sge = 2;
		expect_zero(post(&wr));
		wr = wr_of(2 * i + 1, IBV_WR_SEND, s, 0, IBV_SEND_INLINE);
		wr.num_sge = 2;
		expect_zero(post(&wr));
		memset(stack, 0x55, sizeof(stack));
		await_wc(scq, 2 * i, SUCCESS);
		await_wc(scq, 2 * i + 1, SUCCESS);
	}
	s[0] = (struct ibv_sge){ (uintptr_t)stack[0], MAX_INLINE + 1, 0 };
	wr = wr_of(99, IBV_WR_SEND, s, 0, IBV_SEND_INLINE);
	expect(post(&wr) == EINVAL, "81 octets inline were taken");
	no_wc(scq);
	barrier();
}

static void zero_length(void)
{
	struct ibv_send_wr wr;
	struct ibv_wc wc;

	connect_both();
	if (client) {
		barrier();
		wr = wr_of(1, IBV_WR_SEND, NULL, 0, 0);
		expect_zero(post(&wr));
		wr = wr_of(2, IBV_WR_RDMA_WRITE, NULL, 0, 0);
		expect_zero(post(&wr));
		wr = wr_of(3, IBV_WR_RDMA_READ, NULL, 0, 0);
		expect_zero(post(&wr));
		/* With keys that mean nothing: no octet, no access */
		wr.wr_id = 4;
		wr.wr.rdma.rkey = 0;
		expect_zero(post(&wr));
		wr.wr_id = 5;
		wr.opcode = IBV_WR_RDMA_WRITE;
		expect_zero(post(&wr));
		post_send(6, 0, 0, 0);
		for (uint64_t n = 1; n <= 6; n++)
			await_wc(scq, n, SUCCESS);
		barrier();
		expect(qp_state() == IBV_QPS_RTS, "state %d", qp_state());
	} else {
		post_recv(1, 0, 0);
		post_recv(2, 0, 100);
		barrier();
		wc = await_wc(rcq, 1, SUCCESS);
		expect(!wc.byte_len, "byte_len %u", wc.byte_len);
		wc = await_wc(rcq, 2, SUCCESS);
		expect(!wc.byte_len, "byte_len %u", wc.byte_len);
		barrier();
	}
}

/* The tests: queues and completions */

static void unsignalled(void)
{
	uint32_t n;

	connect_both(.sq = 128, .rq = 128);
	if (client) {
		fill(0, 100, 3);
		barrier();
		for (n = 0; n < 100; n++)
			post_send(n, n, 1, UNSIGNALLED);
		post_write(100, 0, 100, TARGET, UNSIGNALLED);
		post_read(101, 4096, 100, TARGET, UNSIGNALLED);
		post_send(102, 0, 0, 0);
		await_wc(scq, 102, SUCCESS);
		no_wc(scq);
		/* The Read before it has come, too: completions keep the order. */
		verify(4096, 100, 3);
		barrier();
	} else {
		for (n = 0; n <= 100; n++)
			post_recv(n, TARGET + 8192 + n, 1);
		barrier();
		for (n = 0; n <= 100; n++)
			await_wc(rcq, n, SUCCESS);
		verify(TARGET + 8192, 100, 3);
		verify(TARGET, 100, 3);
		barrier();
	}
}

static void order(void)
{
	uint32_t n;

	connect_both();
	if (client) {
		barrier();
		for (n = 0; n < 60; n++) {
			switch (n % 3) {
			case 0:
				post_write(n, 0, 1 + 1000 * n, TARGET, 0);
				break;
			case 1:
				post_read(n, 128 << 10, 1 + 2000 * n, TARGET, 0);
				break;
			case 2:
				post_send(n, 0, n, 0);
				break;
			}
		}
		for (n = 0; n < 60; n++)
			await_wc(scq, n, SUCCESS);
		barrier();
	} else {
		for (n = 2; n < 60; n += 3)
			post_recv(n, 4096, 60);
		barrier();
		for (n = 2; n < 60; n += 3) {
			struct ibv_wc wc = await_wc(rcq, n, SUCCESS);

			expect(wc.byte_len == n, "byte_len %u, not %u", wc.byte_len, n);
		}
		barrier();
	}
}

static void solicited(void)
{
	struct ibv_wc wc;
	int n;

	connect_both();
	if (client) {
		barrier();
		post_send(1, 0, 10, 0);
		await_wc(scq, 1, SUCCESS);
		barrier();
		post_send(2, 0, 10, IBV_SEND_SOLICITED);
		await_wc(scq, 2, SUCCESS);
		barrier();
		post_send(3, 0, 10, 0);
		await_wc(scq, 3, SUCCESS);
		barrier();
		barrier();
	} else {
		for (n = 1; n <= 4; n++)
			post_recv(n, 0, 10);
		expect_zero(ibv_req_notify_cq(rcq, 1));
		barrier();
		for (n = 0; !ibv_poll_cq(rcq, 1, &wc); n++) {
			expect(n < wait_ms, "the plain Send did not come");
			usleep(1000);
		}
		expect(wc.wr_id == 1, "wr_id %llu", (unsigned long long)wc.wr_id);
		expect(!channel_has_event(rcc, 0), "a plain Send woke us");
		barrier();
		expect(channel_has_event(rcc, wait_ms), "a solicited Send did not wake us");
		take_event(rcc);
		await_wc(rcq, 2, SUCCESS);
		/* next_wc() may have asked for every event: a new CQ state for the rest */
		barrier();
		await_wc(rcq, 3, SUCCESS);
		barrier();
		while (channel_has_event(rcc, 0))
			take_event(rcc);
		/* An error is told even to who waits for solicited events only. */
		expect_zero(ibv_req_notify_cq(rcq, 1));
		expect_zero(ibv_modify_qp(id->qp, &(struct ibv_qp_attr){ .qp_state = IBV_QPS_ERR },
					  IBV_QP_STATE));
		expect(channel_has_event(rcc, wait_ms), "a flush did not wake us");
		take_event(rcc);
		await_flush(rcq, 4, 4);
		barrier();
	}
}

/* The CQ is asked for an event while nothing is there, once: one event comes. */
static void one_event_per_wish(void)
{
	int n;

	connect_both();
	if (client) {
		barrier();
		for (n = 0; n < 10; n++)
			post_send(n, 0, 1, 0);
		for (n = 0; n < 10; n++)
			await_wc(scq, n, SUCCESS);
		barrier();
	} else {
		for (n = 0; n < 10; n++)
			post_recv(n, 0, 1);
		expect_zero(ibv_req_notify_cq(rcq, 0));
		barrier();
		barrier();
		expect(channel_has_event(rcc, wait_ms), "no event");
		take_event(rcc);
		for (n = 0; n < 10; n++) {
			struct ibv_wc wc;
			int i;

			for (i = 0; !ibv_poll_cq(rcq, 1, &wc); i++) {
				expect(i < wait_ms, "receive %d did not come", n);
				usleep(1000);
			}
		}
		expect(!channel_has_event(rcc, 0), "a second event, for one wish");
	}
}

/* Nothing comes from this end, or all of it again. */
static void hold_back(bool yes)
{
	const char *command = yes ? "tc qdisc add dev eth0 root netem delay 5s" :
				    "tc qdisc del dev eth0 root";

	expect(!system(command), "%s", command);
}

/*
 * Reads that are not answered keep the queue full: one is under way, since ORD
 * is 1, and the others wait. One at a time: libsiw forgets that the queue was
 * full when it has to ring the doorbell for others.
 */
static void queue_full(void)
{
	enum { SQ = 8 };
	struct ibv_sge s = sge(0, 1);
	struct ibv_send_wr wr = wr_of(0, IBV_WR_RDMA_READ, &s, TARGET, 0), *bad = NULL;
	struct ibv_recv_wr rwr = { .sg_list = &s, .num_sge = 1 }, *rbad = NULL;
	int ret, n;

	connect_both(.sq = SQ, .rq = SQ, .reads = 1);
	if (!client)
		hold_back(true);
	barrier();
	for (n = 0; n < SQ; n++)
		post_recv(n, 0, 1);
	ret = ibv_post_recv(id->qp, &rwr, &rbad);
	expect(abs(ret) == ENOMEM && rbad == &rwr, "a full receive queue: %d", ret);
	if (client) {
		for (n = 0; n <= SQ; n++) {
			wr.wr_id = n;
			expect_zero(post(&wr));
		}
		wr.wr_id = n;
		ret = ibv_post_send(id->qp, &wr, &bad);
		expect(abs(ret) == ENOMEM && bad == &wr, "a full send queue: %d", ret);
		no_wc(scq);
	}
	barrier();
	if (!client)
		hold_back(false);
	if (client) {
		for (n = 0; n <= SQ; n++)
			await_wc(scq, n, SUCCESS);
		no_wc(scq);
		wr.wr_id = n;
		expect_zero(post(&wr));
		await_wc(scq, n, SUCCESS);
	}
	barrier();
}

/* No space is given twice: a long queue keeps its order over many rounds. */
static void many_rounds(void)
{
	enum { ROUNDS = 3000 };
	int got = 0, n = 0;

	connect_both(.sq = 16, .rq = 64);
	if (client) {
		barrier();
		while (got < ROUNDS) {
			while (n < ROUNDS && n - got < 16) {
				buf[n % 64] = n;
				post_write(n, n % 64, 1, TARGET + n % 64, 0);
				n++;
			}
			await_wc(scq, got, SUCCESS);
			got++;
		}
		post_send(ROUNDS, 0, 0, 0);
		await_wc(scq, ROUNDS, SUCCESS);
	} else {
		post_recv(1, 0, 0);
		barrier();
		await_wc(rcq, 1, SUCCESS);
		for (n = ROUNDS - 40; n < ROUNDS; n++)
			expect(buf[TARGET + n % 64] == (uint8_t)n, "round %d", n);
	}
	barrier();
}

static void not_connected(void)
{
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct ibv_send_wr wr, *bad;
	struct ibv_qp *qp;
	int ret;

	make_cqs(16);
	attr.send_cq = scq;
	attr.recv_cq = rcq;
	qp = ibv_create_qp(pd, &attr);
	expect(qp, "create_qp: %s", strerror(errno));
	wr = wr_of(1, IBV_WR_SEND, NULL, 0, 0);
	ret = ibv_post_send(qp, &wr, &bad);
	ibv_destroy_qp(qp);
	expect(ret, "a Send was taken before there was a connection");
}

static void cq_overflow(void)
{
	struct ibv_async_event event;
	struct pollfd p = { .fd = verbs->async_fd, .events = POLLIN };
	int n;

	connect_both(.cqe = 4);
	if (client) {
		for (n = 0; n < 12; n++)
			post_write(n, 0, 1, TARGET, 0);
		for (;;) {
			bool overrun;

			expect(poll(&p, 1, wait_ms) == 1, "nobody told of the lost completions");
			expect_zero(ibv_get_async_event(verbs, &event));
			overrun = event.event_type == IBV_EVENT_CQ_ERR && event.element.cq == scq;
			ibv_ack_async_event(&event);
			if (overrun)
				break;
		}
	}
	barrier();
}

/* The tests: RDMA Reads */

static void fence(void)
{
	uint32_t len = 300000, n;

	connect_both();
	for (n = 1; n <= 20; n++) {
		if (client) {
			memset(buf, 0, len);
			barrier();
			post_read(n, 0, len, TARGET, UNSIGNALLED);
			post_send(n, 0, len, IBV_SEND_FENCE);
			await_wc(scq, n, SUCCESS);
		} else {
			fill(TARGET, len, n);
			post_recv(n, 0, len);
			barrier();
			await_wc(rcq, n, SUCCESS);
			verify(0, len, n);
		}
	}
}

static void ord_is_kept(void)
{
	uint32_t len = 30001, n;

	connect_both(.reads = 2);
	if (client) {
		barrier();
		for (n = 0; n < 32; n++)
			post_read(n, 32768 * n, len, TARGET + n, 0);
		for (n = 0; n < 32; n++)
			await_wc(scq, n, SUCCESS);
		for (n = 0; n < 32; n++) {
			for (uint32_t i = 0; i < len; i += 97)
				expect(buf[32768 * n + i] == pattern(9, n + i), "Read %u, octet %u",
				       n, i);
		}
		barrier();
	} else {
		fill(TARGET, len + 32, 9);
		barrier();
		barrier();
	}
}

/* Both sides read from each other and write at the same time. */
static void crossing(void)
{
	uint32_t len = 100003, n, i;

	connect_both(.reads = 4);
	fill(TARGET, len, client);
	barrier();
	for (n = 0; n < 48; n += 3) {
		post_read(n, 128 << 10, len, TARGET, 0);
		post_write(n + 1, TARGET, len, 1 << 20, 0);
		post_read(n + 2, 256 << 10, 5, TARGET, 0);
	}
	for (n = 0; n < 48; n++)
		await_wc(scq, n, SUCCESS);
	verify(128 << 10, len, !client);
	for (i = 0; i < 5; i++)
		expect(buf[(256 << 10) + i] == pattern(!client, i), "octet %u", i);
	barrier();
}

/* The tests: errors */

static void post_receives(void)
{
	uint32_t n;

	for (n = 100; n < 110; n++)
		post_recv(n, 0, 10);
}

/* The client's @wr fails with @status; everything flushes, on both sides. */
static void local_error(struct ibv_send_wr wr, enum ibv_wc_status status)
{
	struct ibv_send_wr *bad, after = wr_of(2, IBV_WR_RDMA_WRITE, NULL, 0, UNSIGNALLED);
	uint32_t n;

	post_receives();
	barrier();
	if (client) {
		wr.next = &after;
		expect_zero(ibv_post_send(id->qp, &wr, &bad));
		(await_wc)(__LINE__, scq, 1, status);
		/* One that was not signalled flushes as well. */
		await_flush(scq, 2, 2);
	}
	await_flush(rcq, 100, 109);
	both_in_error();
	if (client) {
		/* libsiw has no doorbell for receives: the next Send brings it along. */
		post_recv(110, 0, 1);
		for (n = 3; n < 6; n++)
			post_write(n, 0, 1, TARGET, 0);
		await_flush(scq, 3, 5);
		await_flush(rcq, 110, 110);
	}
	barrier();
}

static void bad_lkey(void)
{
	struct ibv_sge s = sge(0, 100);

	s.lkey ^= 0x100;
	connect_both();
	local_error(wr_of(1, IBV_WR_SEND, &s, 0, 0), IBV_WC_LOC_PROT_ERR);
}

static void bad_lkey_key(void)
{
	struct ibv_sge s = sge(0, 100);

	s.lkey ^= 1;
	connect_both();
	local_error(wr_of(1, IBV_WR_RDMA_WRITE, &s, TARGET, UNSIGNALLED), IBV_WC_LOC_PROT_ERR);
}

static void local_bounds(void)
{
	struct ibv_sge s = sge(BUF_SIZE - 99, 100);

	connect_both();
	local_error(wr_of(1, IBV_WR_RDMA_WRITE, &s, TARGET, 0), IBV_WC_LOC_PROT_ERR);
}

static void with_mr(int access, struct ibv_pd *of, enum ibv_wr_opcode opcode,
		    enum ibv_wc_status status)
{
	static uint8_t memory[8192];
	struct ibv_mr *other = ibv_reg_mr(of, memory, sizeof(memory), access);
	struct ibv_sge s;

	expect(other, "reg_mr: %s", strerror(errno));
	s = (struct ibv_sge){ (uintptr_t)memory, 100, other->lkey };
	connect_both();
	local_error(wr_of(1, opcode, &s, TARGET, 0), status);
	expect_zero(ibv_dereg_mr(other));
}

static void read_into_read_only(void)
{
	with_mr(0, pd, IBV_WR_RDMA_READ, IBV_WC_LOC_PROT_ERR);
}

static void lkey_of_other_pd(void)
{
	struct ibv_pd *other = ibv_alloc_pd(verbs);

	expect(other, "alloc_pd");
	with_mr(IBV_ACCESS_LOCAL_WRITE, other, IBV_WR_SEND, IBV_WC_LOC_PROT_ERR);
	expect_zero(ibv_dealloc_pd(other));
}

static void bad_receive_lkey(void)
{
	struct ibv_sge s = sge(0, 100);
	struct ibv_recv_wr wr = { .wr_id = 1, .sg_list = &s, .num_sge = 1 }, *bad;

	connect_both();
	if (client) {
		barrier();
		post_send(1, 0, 50, 0);
		await_wc(scq, 1, SUCCESS);
	} else {
		s.lkey ^= 0x100;
		expect_zero(ibv_post_recv(id->qp, &wr, &bad));
		barrier();
		await_wc(rcq, 1, LOC_PROT_ERR);
	}
	both_in_error();
}

/* The client's request is refused by the server: @status on the client. */
static void remote_error(enum ibv_wr_opcode opcode, struct window at, uint32_t len)
{
	struct ibv_sge s = sge(0, len);
	struct ibv_send_wr wr = wr_of(1, opcode, &s, 0, 0);

	wr.wr.rdma.remote_addr = at.addr;
	wr.wr.rdma.rkey = at.rkey;
	post_receives();
	barrier();
	if (client) {
		fill(0, len, 1);
		expect_zero(post(&wr));
		if (opcode == IBV_WR_RDMA_READ)
			await_wc(scq, 1, REM_ACCESS_ERR);
		else
			await_wc(scq, 1, SUCCESS); /* it has left; that is all a Write tells */
		no_wc(scq);
	}
	await_flush(rcq, 100, 109);
	both_in_error();
	barrier();
}

static void read_bad_rkey(void)
{
	connect_both();
	remote_error(IBV_WR_RDMA_READ, (struct window){ peer.addr, peer.rkey ^ 0x100 }, 100);
}

static void read_bad_key(void)
{
	connect_both();
	remote_error(IBV_WR_RDMA_READ, (struct window){ peer.addr, peer.rkey ^ 1 }, 100);
}

static void read_past_end(void)
{
	connect_both();
	remote_error(IBV_WR_RDMA_READ, (struct window){ peer.addr + BUF_SIZE - 99, peer.rkey }, 100);
}

static void read_before_start(void)
{
	connect_both();
	remote_error(IBV_WR_RDMA_READ, (struct window){ peer.addr - 1, peer.rkey }, 100);
}

static void read_wraps(void)
{
	connect_both();
	remote_error(IBV_WR_RDMA_READ, (struct window){ -50ull, peer.rkey }, 100);
}

static void write_bad_rkey(void)
{
	connect_both();
	remote_error(IBV_WR_RDMA_WRITE, (struct window){ peer.addr, peer.rkey ^ 0x100 }, 100);
}

static void write_past_end(void)
{
	connect_both();
	memset(buf + BUF_SIZE - 200, 0xee, 200);
	remote_error(IBV_WR_RDMA_WRITE, (struct window){ peer.addr + BUF_SIZE - 99, peer.rkey }, 100);
	for (int i = 1; !client && i <= 200; i++)
		expect(buf[BUF_SIZE - i] == 0xee, "something was placed");
}

/* What the server registered with @access is not for @opcode. */
static void without_right(int access, enum ibv_wr_opcode opcode)
{
	static uint8_t memory[8192];
	struct ibv_mr *other;
	struct window w;

	memset(memory, 0xee, sizeof(memory));
	other = ibv_reg_mr(pd, memory, sizeof(memory), access);
	expect(other, "reg_mr: %s", strerror(errno));
	w = (struct window){ (uintptr_t)memory, other->rkey };
	swap(&w, &w, sizeof(w));
	connect_both();
	remote_error(opcode, w, 100);
	for (int i = 0; i < 100; i++)
		expect(memory[i] == 0xee, "something was placed");
	expect_zero(ibv_dereg_mr(other));
}

static void read_without_right(void)
{
	without_right(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE, IBV_WR_RDMA_READ);
}

static void write_without_right(void)
{
	without_right(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ, IBV_WR_RDMA_WRITE);
}

static void rkey_of_other_pd(void)
{
	struct ibv_pd *other = ibv_alloc_pd(verbs);
	static uint8_t memory[8192];
	struct ibv_mr *theirs;
	struct window w;

	expect(other, "alloc_pd");
	theirs = ibv_reg_mr(other, memory, sizeof(memory),
			    IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ);
	expect(theirs, "reg_mr");
	w = (struct window){ (uintptr_t)memory, theirs->rkey };
	swap(&w, &w, sizeof(w));
	connect_both();
	remote_error(IBV_WR_RDMA_READ, w, 10);
	expect_zero(ibv_dereg_mr(theirs));
	expect_zero(ibv_dealloc_pd(other));
}

/* Reads before the refused one come to a good end, those after it flush. */
static void read_error_in_a_row(void)
{
	uint32_t n;

	connect_both();
	barrier();
	if (client) {
		struct ibv_sge s = sge(0, 1000);
		struct ibv_send_wr wr[6], *bad;

		for (n = 0; n < 6; n++) {
			wr[n] = wr_of(n, IBV_WR_RDMA_READ, &s, TARGET, 0);
			wr[n].next = n < 5 ? &wr[n + 1] : NULL;
		}
		wr[3].wr.rdma.rkey ^= 0x100;
		expect_zero(ibv_post_send(id->qp, wr, &bad));
		for (n = 0; n < 3; n++)
			await_wc(scq, n, SUCCESS);
		await_wc(scq, 3, REM_ACCESS_ERR);
		await_flush(scq, 4, 5);
	}
	both_in_error();
}

static void no_receive_posted(void)
{
	connect_both();
	barrier();
	if (client) {
		post_send(1, 0, 100, 0);
		await_wc(scq, 1, SUCCESS);
	}
	both_in_error();
	no_wc(rcq);
}

static void receive_too_short(void)
{
	connect_both();
	if (client) {
		barrier();
		post_send(1, 0, 100, 0);
		await_wc(scq, 1, SUCCESS);
	} else {
		memset(buf, 0xee, 200);
		post_recv(1, 0, 99);
		post_recv(2, 0, 99);
		barrier();
		await_wc(rcq, 1, LOC_LEN_ERR);
		await_flush(rcq, 2, 2);
		expect(buf[99] == 0xee, "something was placed behind the buffer");
	}
	both_in_error();
}

/* The tests: invalidation */

/* Debian 12's libsiw takes the key from where an RDMA Write has it. */
static void invalidates(struct ibv_send_wr *wr, uint32_t rkey)
{
	wr->invalidate_rkey = rkey;
	wr->wr.rdma.rkey = rkey;
}

static void invalidate(unsigned int flags)
{
	static uint8_t memory[4096];
	struct ibv_mr *theirs = ibv_reg_mr(pd, memory, sizeof(memory), IBV_ACCESS_LOCAL_WRITE |
					   IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
	struct ibv_send_wr wr;
	struct window w;
	struct ibv_sge s = sge(0, 100);

	expect(theirs, "reg_mr");
	memset(memory, 0xee, sizeof(memory));
	w = (struct window){ (uintptr_t)memory, theirs->rkey };
	swap(&w, &w, sizeof(w));
	connect_both();
	if (client) {
		fill(0, 100, 4);
		barrier();
		wr = wr_of(1, IBV_WR_RDMA_WRITE, &s, 0, 0);
		wr.wr.rdma.remote_addr = w.addr;
		wr.wr.rdma.rkey = w.rkey;
		expect_zero(post(&wr));
		await_wc(scq, 1, SUCCESS);
		wr = wr_of(2, IBV_WR_SEND_WITH_INV, &s, 0, flags);
		invalidates(&wr, w.rkey);
		expect_zero(post(&wr));
		await_wc(scq, 2, SUCCESS);
		barrier();
		wr = wr_of(3, IBV_WR_RDMA_READ, &s, 0, 0);
		wr.wr.rdma.remote_addr = w.addr;
		wr.wr.rdma.rkey = w.rkey;
		expect_zero(post(&wr));
		await_wc(scq, 3, REM_ACCESS_ERR);
	} else {
		post_recv(1, TARGET, 100);
		barrier();
		await_wc(rcq, 1, SUCCESS);
		verify(TARGET, 100, 4);
		for (int i = 0; i < 100; i++)
			expect(memory[i] == pattern(4, i), "octet %d of the Write", i);
		barrier();
	}
	both_in_error();
	expect_zero(ibv_dereg_mr(theirs));
}

static void send_with_invalidate(void)
{
	invalidate(0);
}

static void solicited_send_with_invalidate(void)
{
	invalidate(IBV_SEND_SOLICITED);
}

static void invalidate_nothing(void)
{
	struct ibv_sge s = sge(0, 100);
	struct ibv_send_wr wr;

	connect_both();
	if (client) {
		barrier();
		wr = wr_of(1, IBV_WR_SEND_WITH_INV, &s, 0, 0);
		invalidates(&wr, peer.rkey ^ 0x100);
		expect_zero(post(&wr));
		await_wc(scq, 1, SUCCESS);
	} else {
		post_recv(1, TARGET, 100);
		barrier();
		await_wc(rcq, 1, REM_INV_REQ_ERR);
	}
	both_in_error();
}

/* The tests: the end of a connection */

static int to_error(void)
{
	return ibv_modify_qp(id->qp, &(struct ibv_qp_attr){ .qp_state = IBV_QPS_ERR }, IBV_QP_STATE);
}

static void flush_receives(void)
{
	connect_both();
	post_receives();
	barrier();
	if (client)
		expect_zero(to_error());
	await_flush(rcq, 100, 109);
	both_in_error();
	barrier();
	no_wc(rcq);
}

/* Many under way when the QP is moved to error: each completes exactly once. */
static void flush_under_way(void)
{
	struct ibv_wc wc;
	uint32_t n;
	bool flushed = false;

	connect_both(.reads = 2);
	post_receives();
	barrier();
	if (client) {
		for (n = 0; n < 60; n++) {
			if (n % 2)
				post_read(n, 0, 100000, TARGET, n % 4 == 1 ? UNSIGNALLED : 0);
			else
				post_write(n, 0, 100000, TARGET, 0);
		}
		expect_zero(to_error());
		for (n = 0; n < 60; ) {
			wc = next_wc(scq);
			expect(wc.status == IBV_WC_SUCCESS || wc.status == IBV_WC_WR_FLUSH_ERR,
			       "%s", ibv_wc_status_str(wc.status));
			expect(!flushed || wc.status != IBV_WC_SUCCESS, "a success after a flush");
			flushed = wc.status != IBV_WC_SUCCESS;
			/* Unsignalled ones that were successful say nothing. */
			while (n < 60 && n != wc.wr_id) {
				expect(n % 4 == 1, "%u is missing", n);
				expect(!flushed || n < wc.wr_id, "out of order");
				n++;
			}
			expect(n == wc.wr_id, "%llu came twice, or out of order",
			       (unsigned long long)wc.wr_id);
			n++;
		}
		no_wc(scq);
	}
	await_flush(rcq, 100, 109);
	both_in_error();
	barrier();
}

/* Reads that are not answered, and others that wait for them */
static void flush_waiting(void)
{
	uint32_t n;

	connect_both(.reads = 2);
	post_receives();
	if (!client)
		hold_back(true);
	barrier();
	if (client) {
		for (n = 0; n < 60; n++)
			post_read(n, 0, 1000, TARGET, n % 2 ? UNSIGNALLED : 0);
		no_wc(scq);
		expect_zero(to_error());
		await_flush(scq, 0, 59);
	}
	barrier();
	if (!client)
		hold_back(false);
	await_flush(rcq, 100, 109);
	both_in_error();
	barrier();
}

static void disconnect_flushes(void)
{
	connect_both();
	post_receives();
	barrier();
	if (client)
		expect_zero(rdma_disconnect(id));
	await_event(DISCONNECTED);
	if (!client)
		expect_zero(rdma_disconnect(id));
	await_flush(rcq, 100, 109);
	expect(qp_state() == IBV_QPS_ERR, "state %d", qp_state());
	barrier();
}

/* What was posted before an orderly disconnect arrives. */
static void disconnect_sends_all(void)
{
	uint32_t n;

	connect_both();
	if (client) {
		fill(0, 1 << 20, 8);
		barrier();
		for (n = 0; n < 10; n++)
			post_send(n, 0, 1 << 20, 0);
		expect_zero(rdma_disconnect(id));
		for (n = 0; n < 10; n++)
			await_wc(scq, n, SUCCESS);
		await_event(DISCONNECTED);
	} else {
		for (n = 0; n < 10; n++)
			post_recv(n, TARGET, 1 << 20);
		barrier();
		for (n = 0; n < 10; n++)
			await_wc(rcq, n, SUCCESS);
		verify(TARGET, 1 << 20, 8);
		await_event(DISCONNECTED);
	}
	barrier();
}

static void destroy_at_once(void)
{
	connect_both();
	post_receives();
	barrier();
	if (client) {
		rdma_destroy_qp(id);
	} else {
		await_flush(rcq, 100, 109);
		both_in_error();
	}
	barrier();
}

static void states(void)
{
	struct ibv_qp_attr rts = { .qp_state = IBV_QPS_RTS };

	connect_both();
	expect(qp_state() == IBV_QPS_RTS, "state %d", qp_state());
	expect_zero(ibv_modify_qp(id->qp, &rts, IBV_QP_STATE));
	barrier();
	if (client)
		expect_zero(to_error());
	both_in_error();
	expect(ibv_modify_qp(id->qp, &rts, IBV_QP_STATE), "from error to RTS");
	expect_zero(to_error());
}

/* The memory is taken away in the middle of traffic. */
static void dereg_under_traffic(void)
{
	size_t size = 1 << 20;
	uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ibv_mr *theirs = ibv_reg_mr(pd, memory, size, IBV_ACCESS_LOCAL_WRITE |
					   IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
	struct ibv_send_wr wr, *bad;
	struct ibv_sge s = sge(0, size);
	struct ibv_wc wc;
	struct window w;
	int n = 0;

	expect(theirs, "reg_mr");
	w = (struct window){ (uintptr_t)memory, theirs->rkey };
	swap(&w, &w, sizeof(w));
	connect_both();
	if (client) {
		int out = 0;

		barrier();
		for (wc.status = IBV_WC_SUCCESS; wc.status == IBV_WC_SUCCESS; out--) {
			for (; out < 4; out++, n++) {
				wr = wr_of(n, n % 2 ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE, &s, 0, 0);
				wr.wr.rdma.remote_addr = w.addr;
				wr.wr.rdma.rkey = w.rkey;
				expect_zero(ibv_post_send(id->qp, &wr, &bad));
			}
			if (n == 8)
				barrier();
			wc = next_wc(scq);
			expect(n < 100000, "it goes on for ever");
		}
		expect(wc.status == IBV_WC_WR_FLUSH_ERR || wc.status == IBV_WC_REM_ACCESS_ERR,
		       "%s", ibv_wc_status_str(wc.status));
	} else {
		barrier();
		barrier();
		expect_zero(ibv_dereg_mr(theirs));
		munmap(memory, size);
		theirs = NULL;
	}
	both_in_error();
	if (theirs) {
		expect_zero(ibv_dereg_mr(theirs));
		munmap(memory, size);
	}
}

/* The tests: what is refused */

static void qp_limits(void)
{
	struct ibv_device_attr device;
	struct ibv_qp_init_attr attr;
	struct ibv_qp *qp;
	int n;

	expect_zero(ibv_query_device(verbs, &device));
	make_cqs(16);
	for (n = 0; n <= 6; n++) {
		attr = (struct ibv_qp_init_attr){
			.qp_type = n == 6 ? IBV_QPT_UD : IBV_QPT_RC,
			.send_cq = scq,
			.recv_cq = rcq,
			.cap = {
				.max_send_wr = n == 1 ? device.max_qp_wr + 1 : 1,
				.max_recv_wr = n == 2 ? device.max_qp_wr + 1 : 1,
				.max_send_sge = n == 3 ? device.max_sge + 1 : device.max_sge,
				.max_recv_sge = n == 4 ? device.max_sge + 1 : device.max_sge,
				.max_inline_data = n == 5 ? MAX_INLINE + 1 : MAX_INLINE,
			},
		};
		errno = 0;
		qp = ibv_create_qp(pd, &attr);
		if (!n) {
			expect(qp, "a good one: %s", strerror(errno));
			expect(attr.cap.max_send_sge >= MAX_SGE && attr.cap.max_recv_sge >= MAX_SGE &&
			       attr.cap.max_inline_data >= MAX_INLINE && attr.cap.max_send_wr,
			       "less than asked for");
			expect_zero(ibv_destroy_qp(qp));
			continue;
		}
		expect(!qp, "case %d was taken", n);
		expect(errno == (n == 6 ? EOPNOTSUPP : EINVAL), "case %d: %s", n, strerror(errno));
	}
}

static void cq_limits(void)
{
	struct ibv_device_attr device;
	struct ibv_cq *cq;

	expect_zero(ibv_query_device(verbs, &device));
	errno = 0;
	cq = ibv_create_cq(verbs, device.max_cqe + 1, NULL, NULL, 0);
	expect(!cq && errno == EINVAL, "too long: %s", strerror(errno));
	cq = ibv_create_cq(verbs, 0, NULL, NULL, 0);
	expect(!cq && errno == EINVAL, "of no length: %s", strerror(errno));
}

static void wr_limits(void)
{
	struct ibv_sge s[MAX_SGE + 1];
	struct ibv_send_wr wr;
	struct ibv_recv_wr rwr = { .sg_list = s, .num_sge = MAX_SGE + 1 }, *bad;
	int n;

	for (n = 0; n <= MAX_SGE; n++)
		s[n] = sge(0, 1);
	connect_both();
	wr = wr_of(1, IBV_WR_SEND, s, 0, 0);
	wr.num_sge = MAX_SGE + 1;
	expect(post(&wr) == EINVAL, "a Send of 7 SGEs was taken");
	expect(abs(ibv_post_recv(id->qp, &rwr, &bad)) == EINVAL, "a receive of 7 SGEs was taken");
	wr = wr_of(2, IBV_WR_ATOMIC_FETCH_AND_ADD, s, 0, 0);
	expect(post(&wr), "an atomic was taken");
	no_wc(scq);
	expect(qp_state() == IBV_QPS_RTS, "state %d", qp_state());
	barrier();
}

static void refuse_mr(const char *what, void *addr, size_t size, int access, int error)
{
	struct ibv_mr *bad;

	errno = 0;
	bad = ibv_reg_mr(pd, addr, size, access);
	if (bad)
		ibv_dereg_mr(bad);
	expect(!bad, "%s was taken", what);
	expect(errno == error, "%s: %s", what, strerror(errno));
}

static void mr_limits(void)
{
	uint8_t *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	refuse_mr("no length", buf, 0, IBV_ACCESS_LOCAL_WRITE, EINVAL);
	refuse_mr("REMOTE_WRITE without LOCAL_WRITE", buf, 4096, IBV_ACCESS_REMOTE_WRITE, EINVAL);
	refuse_mr("an unknown right", buf, 4096, IBV_ACCESS_LOCAL_WRITE | 1 << 19, EINVAL);
	refuse_mr("memory that is not there", (void *)4096, 4096, IBV_ACCESS_LOCAL_WRITE, EFAULT);
	refuse_mr("read-only memory, to write", page, 4096, IBV_ACCESS_LOCAL_WRITE, EFAULT);
	refuse_mr("more than there is", buf, (size_t)1 << 60, IBV_ACCESS_LOCAL_WRITE, EINVAL);
	refuse_mr("beyond the end of addresses", (void *)-4096ul, 8192, IBV_ACCESS_LOCAL_WRITE, EINVAL);
	munmap(page, 8192);
}

/* Every opcode, some in several FPDUs, and a Terminate at the end: for a capture */
static void opcodes(void)
{
	static uint8_t memory[2][4096];
	struct ibv_mr *theirs[2];
	struct ibv_sge s = sge(0, 5000);
	struct window w[2];
	struct ibv_send_wr wr;
	uint32_t n;
	int i;

	for (i = 0; i < 2; i++) {
		theirs[i] = ibv_reg_mr(pd, memory[i], sizeof(memory[i]),
				       IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
		expect(theirs[i], "reg_mr");
		w[i] = (struct window){ (uintptr_t)memory[i], theirs[i]->rkey };
	}
	swap(w, w, sizeof(w));
	connect_both();
	if (client) {
		fill(0, 10000, 1);
		barrier();
		for (n = 1; n <= 10; n++) {
			post_write(n, 0, 1001 * n, TARGET, UNSIGNALLED);
			post_read(n, 16384, 703 * n, TARGET, UNSIGNALLED);
			post_send(n, 0, 499 * n, UNSIGNALLED);
			post_send(n, 0, 498 * n, UNSIGNALLED | IBV_SEND_SOLICITED);
		}
		for (i = 0; i < 2; i++) {
			wr = wr_of(100 + i, IBV_WR_SEND_WITH_INV, &s, 0, i ? IBV_SEND_SOLICITED : 0);
			invalidates(&wr, w[i].rkey);
			expect_zero(post(&wr));
			await_wc(scq, 100 + i, SUCCESS);
		}
		barrier();
		wr = wr_of(200, IBV_WR_RDMA_READ, &s, 0, 0);
		wr.wr.rdma.rkey ^= 0x100;
		expect_zero(post(&wr));
		await_wc(scq, 200, REM_ACCESS_ERR);
	} else {
		for (n = 0; n < 22; n++)
			post_recv(n, 0, 5000);
		barrier();
		for (n = 0; n < 22; n++)
			await_wc(rcq, n, SUCCESS);
		barrier();
	}
	both_in_error();
	for (i = 0; i < 2; i++)
		expect_zero(ibv_dereg_mr(theirs[i]));
}

#define TEST(name, text)	{ #name, name, text }

static const struct {
	const char *name;
	void (*run)(void);
	const char *text;
} tests[] = {
	TEST(sizes_write, "RDMA Writes of many lengths and alignments"),
	TEST(sizes_read, "RDMA Reads of many lengths and alignments"),
	TEST(sizes_send, "Sends of many lengths and alignments"),
	TEST(small_fpdus, "the same with FPDUs of 512 octets"),
	TEST(ethernet_fpdus, "the same with FPDUs of an Ethernet frame"),
	TEST(largest_fpdus, "the same with FPDUs as large as they can be"),
	TEST(without_crc, "the same without CRC"),
	TEST(without_crc_small_fpdus, "the same without CRC, FPDUs of 601 octets"),
	TEST(crc_on_one_side, "one side wants the CRC"),
	TEST(rtr_kinds, "every way of peer-to-peer, and none"),
	TEST(revision_1, "MPA revision 1"),
	TEST(bad_settings, "settings refuse what they cannot be"),
	TEST(many_sges, "six SGEs gathered, six scattered"),
	TEST(inline_data, "inline data up to its limit"),
	TEST(zero_length, "no octets at all"),
	TEST(unsignalled, "unsignalled work requests complete in silence"),
	TEST(order, "completions come in the order of posting"),
	TEST(solicited, "solicited events"),
	TEST(one_event_per_wish, "one event for one request of notification"),
	TEST(queue_full, "a full queue says so"),
	TEST(many_rounds, "a short queue, thousands of times"),
	TEST(not_connected, "posting without a connection is refused"),
	TEST(cq_overflow, "a lost completion is told"),
	TEST(fence, "a fenced Send waits for the Read before it"),
	TEST(ord_is_kept, "more Reads posted than ORD"),
	TEST(crossing, "both sides read and write at once"),
	TEST(bad_lkey, "a Send from an unknown lkey"),
	TEST(bad_lkey_key, "an unsignalled Write from an lkey with the wrong key"),
	TEST(local_bounds, "a Write from beyond the region"),
	TEST(read_into_read_only, "a Read into a region without LOCAL_WRITE"),
	TEST(lkey_of_other_pd, "a Send from a region of another protection domain"),
	TEST(bad_receive_lkey, "a receive into an unknown lkey"),
	TEST(read_bad_rkey, "a Read from an unknown rkey"),
	TEST(read_bad_key, "a Read from an rkey with the wrong key"),
	TEST(read_past_end, "a Read from beyond the region"),
	TEST(read_before_start, "a Read from before the region"),
	TEST(read_wraps, "a Read that wraps around"),
	TEST(write_bad_rkey, "a Write to an unknown rkey"),
	TEST(write_past_end, "a Write to beyond the region places nothing"),
	TEST(read_without_right, "a Read from a region without REMOTE_READ"),
	TEST(write_without_right, "a Write to a region without REMOTE_WRITE"),
	TEST(rkey_of_other_pd, "a Read from a region of another protection domain"),
	TEST(read_error_in_a_row, "Reads before the refused one succeed, those after it flush"),
	TEST(no_receive_posted, "a Send without a receive"),
	TEST(receive_too_short, "a Send longer than the receive"),
	TEST(send_with_invalidate, "Send with Invalidate"),
	TEST(solicited_send_with_invalidate, "solicited Send with Invalidate"),
	TEST(invalidate_nothing, "Send with Invalidate of an unknown rkey"),
	TEST(flush_receives, "a QP moved to error flushes the receives of both sides"),
	TEST(flush_under_way, "a QP moved to error completes everything exactly once"),
	TEST(flush_waiting, "a QP moved to error flushes what waits, signalled or not"),
	TEST(disconnect_flushes, "disconnecting flushes the receives of both sides"),
	TEST(disconnect_sends_all, "disconnecting loses nothing that was posted before"),
	TEST(destroy_at_once, "destroying a connected QP"),
	TEST(states, "the QP's states"),
	TEST(dereg_under_traffic, "a region is taken away under traffic"),
	TEST(qp_limits, "QPs of sizes that cannot be"),
	TEST(cq_limits, "CQs of sizes that cannot be"),
	TEST(wr_limits, "work requests that cannot be"),
	TEST(mr_limits, "regions that cannot be"),
	TEST(opcodes, "every opcode"),
};

/* Both ends agree on how it went. */
static bool end_test(int how)
{
	struct message m = { .test = test_number, .step = STEP_END };

	memcpy(m.text, why, sizeof(m.text));
	tell(&m, sizeof(m));
	if (how == 2)
		return false;	/* the other end's was read by swap() */
	do {
		hear(&m, sizeof(m));
	} while (m.step != STEP_END);
	if (!why[0])
		memcpy(why, m.text, sizeof(why));
	return !why[0];
}

static bool run_test(unsigned int i)
{
	bool good;
	int how;

	why[0] = 0;
	note[0] = 0;
	step = 0;
	test_number = i;
	how = setjmp(bail);
	if (!how)
		tests[i].run();
	good = end_test(how);
	clean_up();
	if (client) {
		printf("%sok %u - %s (%s)\n", good ? "" : "not ", ++test_number, tests[i].text,
		       tests[i].name);
		if (!good)
			printf("# %s\n", why);
		fflush(stdout);
	}
	return good;
}

static void start_end(void)
{
	struct sockaddr_in sin = server_addr();
	uint8_t ready = 1;
	struct window mine;

	if (setjmp(bail)) {
		printf("Bail out! %s\n", why);
		exit(1);
	}
	buf = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(buf != MAP_FAILED, "memory");
	channel = rdma_create_event_channel();
	must(channel, "an event channel");
	if (client) {
		hear(&ready, 1);
		resolve(&keeper);
		verbs = keeper->verbs;
	} else {
		must(!rdma_create_id(channel, &listener, NULL, RDMA_PS_TCP), "an id");
		must(!rdma_bind_addr(listener, (struct sockaddr *)&sin), "bind");
		must(!rdma_listen(listener, 10), "listen");
		verbs = listener->verbs;
		tell(&ready, 1);
	}
	pd = ibv_alloc_pd(verbs);
	must(pd, "a PD");
	mr = ibv_reg_mr(pd, buf, BUF_SIZE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			IBV_ACCESS_REMOTE_READ);
	must(mr, "an MR");
	mine = (struct window){ (uintptr_t)buf, mr->rkey };
	tell(&mine, sizeof(mine));
	hear(&peer, sizeof(peer));
}

static bool wanted(unsigned int i, int argc, char **argv)
{
	if (!argc)
		return true;
	for (; argc > 0; argc--, argv++) {
		if (!strcmp(tests[i].name, *argv))
			return true;
	}
	return false;
}

/* In the right namespace, at last: both ends do this. */
static int run_end(int argc, char **argv)
{
	unsigned int i, total = 0, bad = 0;

	start_end();
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!wanted(i, argc, argv))
			continue;
		total++;
		if (!run_test(i))
			bad++;
	}
	ibv_dereg_mr(mr);
	ibv_dealloc_pd(pd);
	if (keeper)
		rdma_destroy_id(keeper);
	if (listener)
		rdma_destroy_id(listener);
	rdma_destroy_event_channel(channel);
	if (client)
		printf("1..%u\n", total);
	return bad ? 1 : 0;
}

static pid_t start_in(const char *namespace, int fd, char **argv, int argc)
{
	char number[12], *args[argc + 8];
	pid_t pid = fork();
	int i, n = 0;

	if (pid)
		return pid;
	snprintf(number, sizeof(number), "%d", fd);
	args[n++] = "ip";
	args[n++] = "netns";
	args[n++] = "exec";
	args[n++] = (char *)namespace;
	args[n++] = argv[0];
	args[n++] = "--end";
	args[n++] = number;
	for (i = 1; i < argc; i++)
		args[n++] = argv[i];
	args[n] = NULL;
	execvp("ip", args);
	_exit(127);
}

int main(int argc, char **argv)
{
	int pair[2], status, bad = 0;
	pid_t ends[2];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getenv("WHARF_ENGINE") && strcmp(getenv("WHARF_ENGINE"), "uml"))
		wait_ms *= 3;
	if (argc >= 3 && !strcmp(argv[1], "--end")) {
		peer_fd = atoi(argv[2]);
		client = !getenv("VERBS_SERVER");
		return run_end(argc - 3, argv + 3);
	}
	must(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "a pair of sockets");
	setenv("VERBS_SERVER", "1", 1);
	ends[0] = start_in("b", pair[0], argv, argc);
	unsetenv("VERBS_SERVER");
	ends[1] = start_in("a", pair[1], argv, argc);
	close(pair[0]);
	close(pair[1]);
	for (int i = 0; i < 2; i++) {
		waitpid(ends[1 - i], &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			bad = 1;
	}
	return bad;
}
