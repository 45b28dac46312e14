/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IWSTAT_PORTS_H
#define IWSTAT_PORTS_H

#include "endpoint.h"

/**
 * struct port - a reservation of portspace
 * @local: what is bound
 * @state: enum portspace_nl_state
 * @flags: enum flag
 * @uid: whose it is
 * @inode: its socket's
 * @cookie: its socket's
 * @pid: who reserved it, or 0
 * @program: that process's name, or empty
 */
struct port {
	struct address local;
	uint8_t state;
	unsigned int flags;
	uint32_t uid;
	uint32_t inode;
	uint64_t cookie;
	uint32_t pid;
	char program[16];
};

/**
 * struct ports - all reservations of this namespace
 * @known: portspace is there, so what is not among them is no port of its
 * @all: the reservations
 */
struct ports {
	bool known;
	struct port *all;
	size_t count;
	size_t room;
};

int ports_read(struct ports *ports);
void ports_clear(struct ports *ports);

#endif
