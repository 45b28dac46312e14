// SPDX-License-Identifier: GPL-2.0
/*
 * buffers: may a buffer be overwritten once a later completion covers it?
 *
 *	buffers serve ADDR PORT
 *	buffers write ADDR PORT ROUNDS RETRANSMITTED
 *
 * A round: three unsignalled RDMA Writes and a signalled one, whose completion
 * is waited for; then all four buffers are overwritten at once, and a Send asks
 * the server whether it has the octets from before. Goes on for ROUNDS rounds,
 * and until RETRANSMITTED of them have seen TcpRetransSegs rise after their
 * completion, which it prints; gives up after 20 times as many.
 */
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>
#include <rdma/rdma_verbs.h>

#define BUFFERS		4
#define BUFFER		(48u << 10)
#define AREA		(BUFFERS * BUFFER)
#define SPACE		"\n "

struct window {
	uint64_t addr;
	uint32_t rkey;
	uint32_t pad;
};

static uint8_t area[AREA] __attribute__((aligned(4096)));
static uint32_t message[2];

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

static uint8_t octet(uint32_t round, uint32_t at)
{
	return round * 97 + at + (at >> 8);
}

static uint32_t wrong_octets(uint32_t round)
{
	uint32_t at, wrong = 0;

	for (at = 0; at < AREA; at++)
		wrong += area[at] != octet(round, at);
	return wrong;
}

static struct rdma_cm_id *endpoint(char **argv, int flags)
{
	struct rdma_addrinfo hints = { .ai_port_space = RDMA_PS_TCP, .ai_flags = flags };
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.cap = {
			.max_send_wr = 2 * BUFFERS, .max_recv_wr = 4,
			.max_send_sge = 1, .max_recv_sge = 1,
		},
	};
	struct rdma_addrinfo *ai;
	struct rdma_cm_id *id;

	must(rdma_getaddrinfo(argv[0], argv[1], &hints, &ai));
	must(rdma_create_ep(&id, ai, NULL, &attr));
	rdma_freeaddrinfo(ai);
	return id;
}

static struct ibv_wc completed(struct rdma_cm_id *id, int receive)
{
	struct ibv_wc wc;

	if ((receive ? rdma_get_recv_comp(id, &wc) : rdma_get_send_comp(id, &wc)) != 1)
		die("completion");
	if (wc.status) {
		fprintf(stderr, "completion: %s\n", ibv_wc_status_str(wc.status));
		exit(1);
	}
	return wc;
}

static int serve(char **argv)
{
	struct rdma_cm_id *listening = endpoint(argv, RAI_PASSIVE), *id;
	struct window window = { 0 };
	struct rdma_conn_param param = {
		.private_data = &window, .private_data_len = sizeof(window),
	};
	struct ibv_mr *mr, *messages;
	struct ibv_wc wc;

	must(rdma_listen(listening, 1));
	must(rdma_get_request(listening, &id));
	must(!(mr = rdma_reg_write(id, area, AREA)));
	must(!(messages = rdma_reg_msgs(id, message, sizeof(message))));
	window.addr = (uintptr_t)area;
	window.rkey = mr->rkey;
	must(rdma_post_recv(id, NULL, message, sizeof(message[0]), messages));
	must(rdma_accept(id, &param));
	/* Until the writer disconnects, which flushes the receive */
	while (rdma_get_recv_comp(id, &wc) == 1 && !wc.status) {
		message[1] = wrong_octets(message[0]);
		must(rdma_post_recv(id, NULL, message, sizeof(message[0]), messages));
		must(rdma_post_send(id, NULL, &message[1], sizeof(message[1]), messages,
				    IBV_SEND_SIGNALED));
		completed(id, 0);
	}
	rdma_disconnect(id);
	rdma_dereg_mr(messages);
	rdma_dereg_mr(mr);
	rdma_destroy_ep(id);
	rdma_destroy_ep(listening);
	return 0;
}

/* Of this process's network namespace */
static unsigned long retransmitted(void)
{
	char names[1024], values[1024], *name, *value, *n, *v;
	FILE *file = fopen("/proc/net/snmp", "r");
	unsigned long found = 0;

	if (!file)
		die("/proc/net/snmp");
	while (fgets(names, sizeof(names), file) && fgets(values, sizeof(values), file)) {
		if (strncmp(names, "Tcp:", 4))
			continue;
		name = strtok_r(names, SPACE, &n);
		value = strtok_r(values, SPACE, &v);
		while (name && value) {
			if (!strcmp(name, "RetransSegs"))
				found = strtoul(value, NULL, 10);
			name = strtok_r(NULL, SPACE, &n);
			value = strtok_r(NULL, SPACE, &v);
		}
	}
	fclose(file);
	return found;
}

static int write_rounds(char **argv)
{
	struct rdma_cm_id *id = endpoint(argv, 0);
	uint32_t rounds = atoi(argv[2]), wanted = atoi(argv[3]);
	uint32_t round, i, at, risen = 0, damaged = 0;
	const struct window *window;
	struct ibv_mr *mr, *messages;
	unsigned long before;

	must(rdma_connect(id, NULL));
	window = id->event->param.conn.private_data;
	must(!(mr = rdma_reg_msgs(id, area, AREA)));
	must(!(messages = rdma_reg_msgs(id, message, sizeof(message))));

	for (round = 1; round <= 20 * rounds && (round <= rounds || risen < wanted); round++) {
		for (at = 0; at < AREA; at++)
			area[at] = octet(round, at);
		for (i = 0; i < BUFFERS; i++)
			must(rdma_post_write(id, NULL, area + i * BUFFER, BUFFER, mr,
					     i + 1 < BUFFERS ? 0 : IBV_SEND_SIGNALED,
					     window->addr + i * BUFFER, window->rkey));
		completed(id, 0);
		memset(area, 0xee, AREA);
		before = retransmitted();

		must(rdma_post_recv(id, NULL, &message[1], sizeof(message[1]), messages));
		message[0] = round;
		must(rdma_post_send(id, NULL, message, sizeof(message[0]), messages,
				    IBV_SEND_SIGNALED));
		completed(id, 0);
		completed(id, 1);
		if (message[1]) {
			printf("round %u: %u octets are not those from before the completion\n",
			       round, message[1]);
			damaged++;
		}
		risen += retransmitted() > before;
	}
	printf("%u rounds, %u damaged, %u with a retransmission after the completion\n",
	       round - 1, damaged, risen);
	rdma_disconnect(id);
	rdma_dereg_mr(messages);
	rdma_dereg_mr(mr);
	rdma_destroy_ep(id);
	return damaged || risen < wanted;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(argv + 2);
	if (argc == 6 && !strcmp(argv[1], "write"))
		return write_rounds(argv + 2);
	fprintf(stderr, "usage: buffers serve ADDR PORT | write ADDR PORT ROUNDS RETRANSMITTED\n");
	return 2;
}
