// SPDX-License-Identifier: GPL-2.0
/*
 * Endpoints and what they are made of: addresses, states, flags, and the list of them.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "endpoint.h"
#include "memory.h"
/* The list */

struct endpoint *endpoints_add(struct endpoints *list)
{
	list->rows = grow(list->rows, list->count, &list->room, sizeof(*list->rows));
	return &list->rows[list->count++];
}

static int endpoint_compare(const void *x, const void *y)
{
	const struct endpoint *a = x, *b = y;
	int diff;

	if (a->rdma_only != b->rdma_only)
		return a->rdma_only ? 1 : -1;
	if (a->local.family != b->local.family)
		return a->local.family < b->local.family ? -1 : 1;
	if (a->local.port != b->local.port)
		return a->local.port < b->local.port ? -1 : 1;
	diff = address_compare(&a->local, &b->local);
	if (!diff)
		diff = address_compare(&a->foreign, &b->foreign);
	if (!diff && a->state != b->state)
		diff = a->state < b->state ? -1 : 1;
	return diff;
}

void endpoints_sort(struct endpoints *list)
{
	if (list->count)
		qsort(list->rows, list->count, sizeof(*list->rows), endpoint_compare);
}

void endpoints_clear(struct endpoints *list)
{
	size_t i, d;

	for (i = 0; i < list->count; i++) {
		for (d = 0; d < list->rows[i].device_count; d++)
			free(list->rows[i].devices[d]);
		free(list->rows[i].devices);
		free(list->rows[i].program);
	}
	free(list->rows);
	memset(list, 0, sizeof(*list));
}

bool endpoint_has_device(const struct endpoint *e, const char *name)
{
	size_t i;

	for (i = 0; i < e->device_count; i++) {
		if (!strcmp(e->devices[i], name))
			return true;
	}
	return false;
}

void endpoint_add_device(struct endpoint *e, const char *name)
{
	if (endpoint_has_device(e, name))
		return;
	e->devices = check_alloc(reallocarray(e->devices, e->device_count + 1, sizeof(*e->devices)));
	e->devices[e->device_count++] = check_alloc(strdup(name));
}

void endpoint_set_program(struct endpoint *e, const char *name)
{
	free(e->program);
	e->program = check_alloc(strdup(name));
}

/* States and flags */

static const char *const state_names[STATES] = {
	[STATE_ESTABLISHED] = "ESTABLISHED", [STATE_SYN_SENT] = "SYN_SENT", [STATE_SYN_RECV] = "SYN_RECV",
	[STATE_FIN_WAIT1] = "FIN_WAIT1", [STATE_FIN_WAIT2] = "FIN_WAIT2", [STATE_TIME_WAIT] = "TIME_WAIT",
	[STATE_CLOSE] = "CLOSE", [STATE_CLOSE_WAIT] = "CLOSE_WAIT", [STATE_LAST_ACK] = "LAST_ACK",
	[STATE_LISTEN] = "LISTEN", [STATE_CLOSING] = "CLOSING", [STATE_NEW_SYN_RECV] = "SYN_RECV",
	[STATE_BOUND] = "BOUND", [STATE_RESERVED] = "RESERVED",
	[STATE_RDMA + 0] = "IDLE", [STATE_RDMA + 1] = "ADDR_QUERY", [STATE_RDMA + 2] = "ADDR_RESOLVED",
	[STATE_RDMA + 3] = "ROUTE_QUERY", [STATE_RDMA + 4] = "ROUTE_RESOLVED", [STATE_RDMA + 5] = "CONNECT",
	[STATE_RDMA + 6] = "DISCONNECT", [STATE_RDMA + 7] = "ADDR_BOUND", [STATE_RDMA + 8] = "LISTEN",
	[STATE_RDMA + 9] = "DEVICE_REMOVAL", [STATE_RDMA + 10] = "DESTROYING",
};

/* Names that ss has for them, and for many at once */
static const struct {
	const char *name;
	uint32_t states;
} state_aliases[] = {
	{ "all", STATES_ALL },
	{ "connected", STATES_ALL & ~(STATES_HELD | STATE_BIT(STATE_RDMA + 7) | STATE_BIT(STATE_RDMA + 8)) },
	{ "listening", STATE_BIT(STATE_LISTEN) },
	{ "closed", STATE_BIT(STATE_CLOSE) },
	{ "fin-wait-1", STATE_BIT(STATE_FIN_WAIT1) },
	{ "fin-wait-2", STATE_BIT(STATE_FIN_WAIT2) },
};

const char *state_name(unsigned int state)
{
	return state < STATES && state_names[state] ? state_names[state] : "UNKNOWN";
}

static bool same_word(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b) &&
		    !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	}
	return *a == *b;
}

/* A set of STATE_BIT()s; 0: no such state. */
uint32_t state_parse(const char *name)
{
	uint32_t states = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(state_aliases); i++) {
		if (same_word(name, state_aliases[i].name))
			states |= state_aliases[i].states;
	}
	for (i = 0; i < STATES; i++) {
		if (state_names[i] && same_word(name, state_names[i]))
			states |= STATE_BIT(i);
	}
	return states;
}

const char *flag_name(unsigned int bit)
{
	static const char *const names[FLAGS] = {
		"siw", "offload", "rdma", "resv", "kern", "reuse", "v6only", "late",
		"nofilter", "noqueue",
	};

	return names[bit];
}

/* Addresses */

static size_t address_len(const struct address *a)
{
	return a->family == AF_INET ? 4 : 16;
}

bool address_is_any(const struct address *a)
{
	static const uint8_t zero[16];

	return !memcmp(a->octets, zero, sizeof(zero));
}

void address_from_sockaddr(struct address *a, const void *data, size_t len)
{
	struct sockaddr_storage addr;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr;

	memset(a, 0, sizeof(*a));
	memset(&addr, 0, sizeof(addr));
	memcpy(&addr, data, len < sizeof(addr) ? len : sizeof(addr));
	a->family = addr.ss_family;
	switch (addr.ss_family) {
	case AF_INET:
		memcpy(a->octets, &in->sin_addr, 4);
		a->port = ntohs(in->sin_port);
		break;
	case AF_INET6:
		memcpy(a->octets, &in6->sin6_addr, 16);
		a->port = ntohs(in6->sin6_port);
		a->ifindex = in6->sin6_scope_id;
		break;
	}
}

/* TCP may have an IPv4 connection on an IPv6 socket; RDMA never has. */
struct address address_unmapped(const struct address *a)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };
	struct address plain = *a;

	if (a->family == AF_INET6 && !memcmp(a->octets, prefix, sizeof(prefix))) {
		plain.family = AF_INET;
		memset(plain.octets, 0, sizeof(plain.octets));
		memcpy(plain.octets, a->octets + sizeof(prefix), 4);
	}
	return plain;
}

/* By family, address and port */
int address_compare(const struct address *a, const struct address *b)
{
	int diff;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	diff = memcmp(a->octets, b->octets, sizeof(a->octets));
	if (!diff && a->port != b->port)
		diff = a->port < b->port ? -1 : 1;
	return diff;
}

static void text_scope(uint32_t ifindex, char *buf)
{
	char name[IF_NAMESIZE];

	buf[0] = '\0';
	if (!ifindex)
		return;
	if (if_indextoname(ifindex, name))
		snprintf(buf, IF_NAMESIZE + 2, "%%%s", name);
	else
		snprintf(buf, IF_NAMESIZE + 2, "%%%u", ifindex);
}

/* As in 192.0.2.1:80, [fe80::1%eth0]:80, and with * for any port */
const char *address_text(const struct address *a, char *buf, size_t size)
{
	char host[INET6_ADDRSTRLEN], scope[IF_NAMESIZE + 2], port[8] = "*";

	if (a->port)
		snprintf(port, sizeof(port), "%u", a->port);
	if (a->family != AF_INET && a->family != AF_INET6) {
		snprintf(buf, size, "*:%s", port);
		return buf;
	}
	inet_ntop(a->family, a->octets, host, sizeof(host));
	text_scope(a->ifindex, scope);
	snprintf(buf, size, address_len(a) == 4 ? "%s%s:%s" : "[%s%s]:%s", host, scope, port);
	return buf;
}
