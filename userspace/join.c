// SPDX-License-Identifier: GPL-2.0
/*
 * One row out of what the sources say of the same endpoint: a reservation and its socket have a cookie in common, an
 * RDMA identifier and its socket the addresses of both ends. What fits no socket gets a row of its own.
 */
#include <stdlib.h>
#include <string.h>
#include "join.h"
#include "memory.h"
#include "portspace_netlink.h"

/* Rows, sorted to be searched */
struct index {
	struct endpoint **rows;
	size_t count;
	int (*compare)(const struct endpoint *a, const struct endpoint *b);
};

static int compare_cookies(const struct endpoint *a, const struct endpoint *b)
{
	return a->cookie < b->cookie ? -1 : a->cookie > b->cookie;
}

static int compare_tuples(const struct endpoint *a, const struct endpoint *b)
{
	struct address la = address_unmapped(&a->local), lb = address_unmapped(&b->local);
	struct address fa = address_unmapped(&a->foreign), fb = address_unmapped(&b->foreign);
	int diff = address_compare(&la, &lb);

	return diff ? diff : address_compare(&fa, &fb);
}

static int compare_rows(const void *x, const void *y, void *context)
{
	const struct index *index = context;

	return index->compare(*(const struct endpoint **)x, *(const struct endpoint **)y);
}

/* It is good until the next row is added. */
static void index_rows(struct index *index, const struct endpoints *list,
		       int (*compare)(const struct endpoint *a, const struct endpoint *b))
{
	size_t i;

	index->compare = compare;
	index->count = list->count;
	index->rows = check_alloc(calloc(list->count + 1, sizeof(*index->rows)));
	for (i = 0; i < list->count; i++)
		index->rows[i] = &list->rows[i];
	qsort_r(index->rows, index->count, sizeof(*index->rows), compare_rows, index);
}

/* The place of the first row that is not less than KEY */
static size_t index_first(const struct index *index, const struct endpoint *key)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (index->compare(index->rows[mid], key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Reservations */

static void mark_reserved(struct endpoint *e)
{
	e->state = STATE_RESERVED;
	e->flags |= FLAG_RESERVED;
}

static void merge_port(struct endpoint *e, const struct port *port)
{
	e->flags |= port->flags;
	if (port->state == PORTSPACE_RESERVED)
		mark_reserved(e);
	if (port->pid && !e->pid) {
		e->pid = port->pid;
		endpoint_set_program(e, port->program);
	}
}

static void add_port(struct endpoints *list, const struct port *port)
{
	struct endpoint *e = endpoints_add(list);

	e->local = port->local;
	e->foreign.family = port->local.family;
	e->has_uid = true;
	e->uid = port->uid;
	e->inode = port->inode;
	e->cookie = port->cookie;
	e->queues = true;
	merge_port(e, port);
}

static void join_ports(struct endpoints *list, const struct ports *ports)
{
	bool *found = check_alloc(calloc(ports->count + 1, sizeof(*found)));
	struct index index;
	size_t i, at;

	index_rows(&index, list, compare_cookies);
	for (i = 0; i < ports->count; i++) {
		const struct endpoint key = { .cookie = ports->all[i].cookie };

		at = index_first(&index, &key);
		found[i] = at < index.count && !compare_cookies(index.rows[at], &key);
		if (found[i])
			merge_port(index.rows[at], &ports->all[i]);
	}
	free(index.rows);

	/* One that listens began to after we had looked at the sockets; one that is taken has the connection's row. */
	for (i = 0; i < ports->count; i++) {
		if (!found[i] && ports->all[i].state == PORTSPACE_RESERVED)
			add_port(list, &ports->all[i]);
	}
	free(found);
}

/* Identifiers */

static void merge_id(struct endpoint *e, const struct rdma_id *id, const struct rdma *rdma)
{
	const struct rdma_device *device = &rdma->devices[id->device];
	const struct rdma_qp *qp = id->qp ? rdma_find_qp(rdma, id->device, id->qp) : NULL;

	endpoint_add_device(e, device->name);
	/* The socket knows better, if it was asked. */
	if (!(e->flags & (FLAG_SIW | FLAG_OFFLOAD)))
		e->flags |= id->offload ? FLAG_OFFLOAD : device->kind;
	/* Such a socket is a placeholder, and its own TCP knows nothing. */
	if (id->offload && !e->ulp[0])
		e->tcp.known = false;
	if (id->qp)
		e->qp = id->qp;
	if (qp)
		e->qp_state = rdma_qp_state_name(qp->state);
	if (id->pid && !e->pid)
		e->pid = id->pid;
	if (id->kernel[0]) {
		e->flags |= FLAG_KERNEL;
		endpoint_set_program(e, id->kernel);
		e->pid = 0;
	}
}

/*
 * Whether an identifier may be ROW's, whose addresses are the same. Plain TCP may have the same port as what is bound
 * in rdma_cm's own table of ports, and as what an adapter listens on without our port space.
 */
static bool may_be(const struct endpoint *row, const struct rdma_id *id, bool needs_port)
{
	if (row->local.ifindex && id->local.ifindex && row->local.ifindex != id->local.ifindex)
		return false;
	switch (id->state) {
	case RDMA_ID_ADDR_BOUND:
		return row->flags & FLAG_RESERVED;
	case RDMA_ID_LISTEN:
		return row->state == STATE_LISTEN && (row->flags & FLAGS_RDMA || !needs_port);
	default:
		return true;
	}
}

/* Of several with one address, that of its own process */
static struct endpoint *find_tuple(const struct index *index, const struct rdma_id *id, bool needs_port)
{
	const struct endpoint key = { .local = id->local, .foreign = id->foreign };
	struct endpoint *row, *found = NULL;
	size_t at;

	for (at = index_first(index, &key); at < index->count && !compare_tuples(index->rows[at], &key); at++) {
		row = index->rows[at];
		if (!may_be(row, id, needs_port))
			continue;
		if (!found || (row->pid && row->pid == id->pid && found->pid != id->pid))
			found = row;
	}
	return found;
}

/*
 * An address that the RDMA core does not know yet, because TCP still chooses its port: the socket itself may have
 * named its queue pair.
 */
static struct endpoint *find_qp(const struct endpoints *list, const struct rdma_id *id, const char *device)
{
	size_t i;

	for (i = 0; id->qp && i < list->count; i++) {
		if (list->rows[i].qp == id->qp && endpoint_has_device(&list->rows[i], device))
			return &list->rows[i];
	}
	return NULL;
}

static unsigned int id_state(const struct rdma_id *id, const struct rdma_qp *qp)
{
	if (id->state == RDMA_ID_LISTEN)
		return STATE_LISTEN;
	/* rdma_cm has one state for both. */
	if (id->state == RDMA_ID_CONNECT && qp && qp->state == RDMA_QP_RTS)
		return STATE_ESTABLISHED;
	return STATE_RDMA + id->state < STATES ? STATE_RDMA + id->state : STATE_RDMA;
}

static void add_id(struct endpoints *list, const struct rdma_id *id, const struct rdma *rdma)
{
	const struct rdma_device *device = &rdma->devices[id->device];
	struct endpoint *e;

	/* A wildcard of another namespace: there is no port in this one. */
	if (device->kind == FLAG_SIW && id->state == RDMA_ID_LISTEN)
		return;
	e = endpoints_add(list);
	e->rdma_only = true;
	e->local = id->local;
	e->foreign = id->foreign;
	e->state = id_state(id, rdma_find_qp(rdma, id->device, id->qp));
	merge_id(e, id, rdma);
	/* Without a socket it has no port: rdma_cm throws dice for one, and TCP does not use it. */
	if (device->kind == FLAG_SIW && id->state != RDMA_ID_ADDR_BOUND)
		e->local.port = 0;
}

static void join_ids(struct endpoints *list, const struct ports *ports, struct rdma *rdma)
{
	struct index index;
	size_t i;

	index_rows(&index, list, compare_tuples);
	for (i = 0; i < rdma->id_count; i++) {
		struct rdma_id *id = &rdma->ids[i];
		const struct rdma_device *device = &rdma->devices[id->device];
		struct endpoint *e = NULL;

		if (device->iwarp)
			e = find_tuple(&index, id, ports->known || device->kind != FLAG_SIW);
		if (device->iwarp && !e)
			e = find_qp(list, id, device->name);
		id->joined = e;
		if (e)
			merge_id(e, id, rdma);
	}
	free(index.rows);

	for (i = 0; i < rdma->id_count; i++) {
		if (!rdma->ids[i].joined)
			add_id(list, &rdma->ids[i], rdma);
	}
}

/* The queue pair that a socket named, and nobody else */
static void find_qp_states(struct endpoints *list, const struct rdma *rdma)
{
	const struct rdma_qp *qp;
	size_t i, d;

	for (i = 0; i < list->count; i++) {
		struct endpoint *e = &list->rows[i];

		for (d = 0; e->qp && !e->qp_state && d < rdma->device_count; d++) {
			if (!endpoint_has_device(e, rdma->devices[d].name))
				continue;
			qp = rdma_find_qp(rdma, d, e->qp);
			if (!qp)
				continue;
			e->qp_state = rdma_qp_state_name(qp->state);
			if (!e->pid)
				e->pid = qp->pid;
		}
	}
}

void join(struct endpoints *list, const struct ports *ports, struct rdma *rdma)
{
	size_t i;

	join_ports(list, ports);
	join_ids(list, ports, rdma);
	find_qp_states(list, rdma);
	for (i = 0; i < list->count; i++) {
		if (list->rows[i].flags & (FLAG_SIW | FLAG_OFFLOAD))
			list->rows[i].flags &= ~FLAG_RDMA;
	}
}
