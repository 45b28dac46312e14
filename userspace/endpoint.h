/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An endpoint: a row of the table, from whichever source it comes.
 */
#ifndef IWSTAT_ENDPOINT_H
#define IWSTAT_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* States are TCP's, by the kernel's numbers; one of ours; and rdma_cm's, counted from STATE_RDMA. */
enum state {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT,
	STATE_SYN_RECV,
	STATE_FIN_WAIT1,
	STATE_FIN_WAIT2,
	STATE_TIME_WAIT,
	STATE_CLOSE,
	STATE_CLOSE_WAIT,
	STATE_LAST_ACK,
	STATE_LISTEN,
	STATE_CLOSING,
	STATE_NEW_SYN_RECV,
	STATE_BOUND,
	STATE_RESERVED,
	STATE_RDMA,
	STATES = STATE_RDMA + 11,
};

#define STATE_BIT(state)	(1u << (state))
#define STATES_ALL		((1u << STATES) - 1)
#define STATES_HELD		(STATE_BIT(STATE_LISTEN) | STATE_BIT(STATE_BOUND) | STATE_BIT(STATE_RESERVED) | \
				 STATE_BIT(STATE_CLOSE))

enum flag {
	FLAG_SIW = 1 << 0,	/* RDMA, its TCP is this host's */
	FLAG_OFFLOAD = 1 << 1,	/* RDMA, its TCP is an adapter's */
	FLAG_RDMA = 1 << 2,	/* RDMA of another kind, or of no device yet */
	FLAG_RESERVED = 1 << 3,	/* a port that is held, and no more */
	FLAG_KERNEL = 1 << 4,	/* the kernel's own */
	FLAG_REUSE = 1 << 5,
	FLAG_V6ONLY = 1 << 6,
	FLAG_LATE_PORT = 1 << 7,
	FLAG_NO_FILTER = 1 << 8,
	FLAG_NO_QUEUE = 1 << 9,
};

#define FLAGS_RDMA	(FLAG_SIW | FLAG_OFFLOAD | FLAG_RDMA)
#define FLAGS_BRIEF	(FLAGS_RDMA | FLAG_RESERVED | FLAG_KERNEL)
#define FLAGS		10

/**
 * struct address - where one end is
 * @family: AF_INET, AF_INET6, or something else that has no address we can show
 * @octets: 4 or 16 of them are used
 * @port: host byte order; 0: any
 * @ifindex: scope, or interface that a socket is bound to; 0: none
 */
struct address {
	int family;
	uint8_t octets[16];
	uint16_t port;
	uint32_t ifindex;
};

/**
 * struct measures - what the TCP of a connection knows, wherever it runs
 * @known: the rest means anything
 * @rtt: smoothed round trip time, microseconds
 * @cwnd: congestion window, segments
 * @retransmits: segments sent again
 * @sent: octets that the peer has acknowledged
 * @received: octets received in order
 */
struct measures {
	bool known;
	uint32_t rtt;
	uint32_t cwnd;
	uint32_t retransmits;
	uint64_t sent;
	uint64_t received;
};

/**
 * struct endpoint - a row
 * @rdma_only: no TCP socket of the host's stands for it
 * @local: this end
 * @foreign: the other one, or nothing
 * @state: enum state
 * @flags: enum flag
 * @queues: @recv_queue and @send_queue are known
 * @recv_queue: octets that wait for the application
 * @send_queue: octets that wait for the peer
 * @tcp: of a connection
 * @ulp: name of the socket's upper layer protocol, or empty
 * @devices: names of its RDMA devices
 * @device_count: how many
 * @qp: its queue pair's number, or 0
 * @qp_state: that queue pair's state, or NULL
 * @has_uid: @uid is known
 * @uid: its user
 * @inode: its socket's, or 0
 * @cookie: its socket's, or 0
 * @pid: its process, or 0
 * @program: that process's name, or which part of the kernel; or NULL
 */
struct endpoint {
	bool rdma_only;
	struct address local;
	struct address foreign;
	unsigned int state;
	unsigned int flags;
	bool queues;
	uint32_t recv_queue;
	uint32_t send_queue;
	struct measures tcp;
	char ulp[16];
	char **devices;
	size_t device_count;
	uint32_t qp;
	const char *qp_state;
	bool has_uid;
	uint32_t uid;
	uint32_t inode;
	uint64_t cookie;
	uint32_t pid;
	char *program;
};

struct endpoints {
	struct endpoint *rows;
	size_t count;
	size_t room;
};

struct endpoint *endpoints_add(struct endpoints *list);
void endpoints_sort(struct endpoints *list);
void endpoints_clear(struct endpoints *list);

void endpoint_add_device(struct endpoint *e, const char *name);
bool endpoint_has_device(const struct endpoint *e, const char *name);
void endpoint_set_program(struct endpoint *e, const char *name);

const char *state_name(unsigned int state);
uint32_t state_parse(const char *name);
const char *flag_name(unsigned int bit);

bool address_is_any(const struct address *a);
void address_from_sockaddr(struct address *a, const void *data, size_t len);
struct address address_unmapped(const struct address *a);
int address_compare(const struct address *a, const struct address *b);
const char *address_text(const struct address *a, char *buf, size_t size);

#endif
