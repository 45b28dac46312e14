/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel tells of adapters, as it is shown. */
#ifndef RNICCTL_MODEL_H
#define RNICCTL_MODEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counter {
	char name[32];
	uint64_t value;
};

struct adapter {
	char name[32];
	uint32_t id;
	uint32_t port;
	bool steering;
	uint32_t flows, handles;
	struct counter *counters;
	size_t count, room;
};

struct prefix {
	int family;
	struct in6_addr addr;	/* or the 4 octets of an IPv4 one at its start */
	unsigned int bits;
	unsigned int vlan;
};

struct function {
	char adapter[32];
	uint32_t adapter_id;
	char name[32];
	unsigned int number;
	unsigned int kind;
	unsigned int role;
	bool elsewhere;		/* in another namespace */
	int netnsid;
	struct prefix *addresses;
	size_t count, room;
};

struct rule {
	uint32_t adapter_id;
	char name[32];		/* of the function's interface */
	unsigned int number;	/* of the function */
	uint32_t id;
	unsigned int protocol;
	struct prefix source, dest;
	unsigned int source_port, dest_port;
	unsigned int tos, tos_mask;
	uint64_t packets, octets;
};

struct model {
	struct adapter *adapters;
	size_t adapter_count, adapter_room;
	struct function *functions;
	size_t function_count, function_room;
	struct rule *rules;
	size_t rule_count, rule_room;
};

int model_read(struct model *model);
void model_free(struct model *model);

const char *kind_name(unsigned int kind);
const char *role_name(unsigned int role);
const char *prefix_text(const struct prefix *prefix, bool with_bits, char *buf, size_t size);

bool show_finds(const struct model *model, const char *name);
void show_text(const struct model *model, const char *only);
void show_json(const struct model *model, const char *only);

#endif
