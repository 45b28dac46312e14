// SPDX-License-Identifier: GPL-2.0
/*
 * Connections: one QP at each end, joined by rdma_cm. The server listens all
 * the time.
 */
#include <poll.h>
#include <arpa/inet.h>
#include "harness.h"

#define SERVER_ADDR	"10.0.0.2"
#define PORT		7200

struct ibv_context *verbs;
struct rdma_cm_id *id;
struct ibv_cq *scq, *rcq;
struct ibv_comp_channel *rcc;
struct ibv_srq *srq;		/* of those QPs that were made with it; clean_up() destroys it */
static struct ibv_comp_channel *scc;

/* A test may have two connections, one of which is the one above. */
struct connection {
	struct rdma_cm_id *id;
	struct ibv_cq *scq, *rcq;
	struct ibv_comp_channel *scc, *rcc;
};

static struct connection connections[2];
static unsigned int current;
static struct rdma_event_channel *channel;
static struct rdma_cm_id *keeper;	/* the listener, or what holds the client's device */

static struct rdma_cm_event *next_event(int ms)
{
	struct pollfd p = { .fd = channel->fd, .events = POLLIN };
	struct rdma_cm_event *event;

	if (poll(&p, 1, ms) != 1 || rdma_get_cm_event(channel, &event))
		return NULL;
	return event;
}

void await_event_at(const char *where, enum rdma_cm_event_type type)
{
	struct rdma_cm_event *event = next_event(wait_ms);
	enum rdma_cm_event_type got;
	int status;

	if (!event)
		fail(where, "no %s", rdma_event_str(type));
	got = event->event;
	status = event->status;
	rdma_ack_cm_event(event);
	if (got != type)
		fail(where, "%s (status %d) instead of %s", rdma_event_str(got), status,
		     rdma_event_str(type));
}

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

void open_device(void)
{
	struct sockaddr_in sin = server_addr();
	uint8_t ready = 1;

	channel = rdma_create_event_channel();
	must(channel, "an event channel");
	if (client) {
		hear(&ready, 1);
		resolve(&keeper);
	} else {
		must(!rdma_create_id(channel, &keeper, NULL, RDMA_PS_TCP), "an id");
		must(!rdma_bind_addr(keeper, (struct sockaddr *)&sin), "bind");
		must(!rdma_listen(keeper, 10), "listen");
		tell(&ready, 1);
	}
	verbs = keeper->verbs;
}

void close_device(void)
{
	rdma_destroy_id(keeper);
	rdma_destroy_event_channel(channel);
}

void make_cqs(uint32_t cqe)
{
	scc = ibv_create_comp_channel(verbs);
	rcc = ibv_create_comp_channel(verbs);
	expect(scc && rcc, "no completion channel");
	scq = ibv_create_cq(verbs, cqe, NULL, scc, 0);
	rcq = ibv_create_cq(verbs, cqe, NULL, rcc, 0);
	expect(scq && rcq, "no CQ");
}

/* A QP of RC that is not connected, with CQs of 16; the caller destroys it. */
struct ibv_qp *lone_qp(struct ibv_qp_init_attr *init)
{
	struct ibv_qp *qp;

	make_cqs(16);
	init->qp_type = IBV_QPT_RC;
	init->send_cq = scq;
	init->recv_cq = rcq;
	qp = ibv_create_qp(pd, init);
	expect(qp, "create_qp: %s", strerror(errno));
	return qp;
}

static int take_qp(struct ibv_qp *earlier, struct ibv_qp_init_attr *attr)
{
	if (!earlier)
		return rdma_create_qp(id, pd, attr);
	id->qp = earlier;
	return 0;
}

void connect_with(struct options o)
{
	struct rdma_conn_param param = {};
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.srq = o.srq,
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
	if (!o.qp)
		make_cqs(o.cqe ?: 4 * DEPTH);
	attr.send_cq = scq;
	attr.recv_cq = rcq;
	if (client) {
		barrier();	/* the server listens since it began */
		resolve(&id);
		expect_zero(take_qp(o.qp, &attr));
		expect_zero(rdma_connect(id, &param));
	} else {
		struct rdma_cm_event *event;

		barrier();
		event = next_event(wait_ms);
		expect(event, "no CONNECT_REQUEST");
		id = event->id;
		rdma_ack_cm_event(event);
		expect_zero(take_qp(o.qp, &attr));
		expect_zero(rdma_accept(id, &param));
	}
	await_event(ESTABLISHED);
	barrier();
}

void use_connection(unsigned int n)
{
	struct connection *c = &connections[n];

	connections[current] = (struct connection){ id, scq, rcq, scc, rcc };
	current = n;
	id = c->id;
	scq = c->scq;
	rcq = c->rcq;
	scc = c->scc;
	rcc = c->rcc;
}

static void clean_up_connection(void)
{
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
}

#define UNSHAPE	"tc qdisc del dev eth0 root"

static bool shaped;
static bool starved;

/* Whatever a test has left */
void clean_up(void)
{
	struct rdma_cm_event *event;
	unsigned int n;

	if (starved)
		starve(false);
	if (shaped)
		must(!system(UNSHAPE), UNSHAPE);
	shaped = false;
	for (n = 0; n < ARRAY_SIZE(connections); n++) {
		use_connection(ARRAY_SIZE(connections) - 1 - n);
		clean_up_connection();
	}
	if (srq)
		must(!ibv_destroy_srq(srq), "destroying an SRQ");
	srq = NULL;
	while ((event = next_event(0))) {
		struct rdma_cm_id *other = event->event == RDMA_CM_EVENT_CONNECT_REQUEST ?
					   event->id : NULL;

		rdma_ack_cm_event(event);
		if (other)
			rdma_destroy_id(other);
	}
}

enum ibv_qp_state qp_state(void)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	expect_zero(ibv_query_qp(id->qp, &attr, IBV_QP_STATE, &init));
	return attr.qp_state;
}

/* After an error: the other side hears of it, and both QPs are in error. */
void both_in_error(void)
{
	await_event(DISCONNECTED);
	expect(qp_state() == IBV_QPS_ERR, "the QP is in state %d", qp_state());
}

int to_error(void)
{
	return ibv_modify_qp(id->qp, &(struct ibv_qp_attr){ .qp_state = IBV_QPS_ERR }, IBV_QP_STATE);
}

static void shape(const char *how)
{
	char command[80] = UNSHAPE;

	if (how)
		snprintf(command, sizeof(command), "tc qdisc add dev eth0 root netem %s", how);
	expect(!system(command), "%s", command);
	shaped = how;
}

/* What this end sends comes so much later; 0: at once again. */
void delay(unsigned int ms)
{
	char how[20];

	snprintf(how, sizeof(how), "delay %ums", ms);
	shape(ms ? how : NULL);
}

/* This end has 32 KB/s, or all there is again. The delay has TCP send small packets. */
void narrow(bool yes)
{
	shape(yes ? "delay 50ms rate 256kbit" : NULL);
}

/* TCP has used up all its memory, on all hosts, or has as much as it had. */
void starve(bool yes)
{
	static const char store[] = "nsenter -t 1 -n sysctl -qn net.ipv4.tcp_mem";
	static char usual[40];
	char command[120];
	FILE *pipe;

	if (yes) {
		pipe = popen(store, "r");
		must(pipe && fgets(usual, sizeof(usual), pipe), store);
		usual[strcspn(usual, "\n")] = 0;
		pclose(pipe);
	}
	snprintf(command, sizeof(command), "nsenter -t 1 -n sysctl -qw net.ipv4.tcp_mem='%s'",
		 yes ? "1 2 3" : usual);
	must(!system(command), command);
	starved = yes;
}

/* Nothing comes from this end, or all of it again. */
void hold_back(bool yes)
{
	delay(yes ? 5000 : 0);
}
