/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Commands as they are written to the door: how they are laid out, built without
 * a flaw, and given one.
 */
#ifndef UCM_FUZZ_PACKET_H
#define UCM_FUZZ_PACKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_user_cm.h>

#define COMMANDS	(RDMA_USER_CM_CMD_JOIN_MCAST + 1)
#define NEVER		0x7ffffff0u	/* an id that is nobody's */
#define ROOM		4096		/* for an answer */

struct dice;

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

struct packet {
	struct rdma_ucm_cmd_hdr hdr;
	union body body;
};

/* Where it is in the body; a command that does not have it has no octets of it. */
struct field {
	uint16_t at;
	uint16_t octets;
};

/**
 * struct shape - where a command has what: the fields that are worth going wrong
 * @name: the command's
 * @in: octets of its body
 * @out: the least that it takes for an answer; 0: it answers nothing
 * @id: whose it is
 * @response: where to answer
 * @addr: a sockaddr_in6 or sockaddr_storage
 * @addr_size: octets of @addr
 * @reserved: has to be 0
 * @timeout: in ms; what has one is answered by an event
 */
struct shape {
	const char *name;
	uint16_t in;
	uint16_t out;
	struct field id;
	struct field response;
	struct field addr;
	struct field addr_size;
	struct field reserved;
	struct field timeout;
};

extern const struct shape shapes[COMMANDS];

static inline bool has(struct field f)
{
	return f.octets;
}

void put(struct packet *p, struct field f, uint64_t value);
void put_family(struct packet *p, uint16_t family);
void put_response(struct packet *p, void *response);

/* NULL for commands that have none */
struct rdma_ucm_conn_param *conn_param(struct packet *p);

/* Without a flaw, except that what it asks may not fit the id's state */
struct packet make(uint32_t cmd, uint32_t id, void *response, const struct sockaddr_in *addr);

/* What must not be there begins at edge; the other page may only be read. */
extern uint8_t *edge, *readonly;

void map_traps(void);
void flaw(struct dice *d, struct packet *p);

#endif
