/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IWSTAT_FILTER_H
#define IWSTAT_FILTER_H

#include "endpoint.h"

/* A port that has to be, or must not be */
struct filter_port {
	bool foreign;
	bool differs;
	uint16_t port;
};

/**
 * struct filter - what is shown
 * @all: listening sockets of plain TCP as well
 * @held: nothing but what listens or holds a port
 * @tcp: plain TCP
 * @rdma: RDMA
 * @family: AF_INET, AF_INET6, or 0 for all
 * @states: STATE_BIT()s that were named; 0: none was
 * @ports: all of them have to fit
 * @port_count: how many
 * @devices: one of them has to fit
 * @device_count: how many
 */
struct filter {
	bool all;
	bool held;
	bool tcp;
	bool rdma;
	int family;
	uint32_t states;
	struct filter_port *ports;
	size_t port_count, port_room;
	char **devices;
	size_t device_count, device_room;
};

bool filter_add_state(struct filter *f, const char *name);
bool filter_parse(struct filter *f, int argc, char **argv);
bool filter_matches(const struct filter *f, const struct endpoint *e);

#endif
