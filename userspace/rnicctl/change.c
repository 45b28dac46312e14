// SPDX-License-Identifier: GPL-2.0
/*
 * Roles, rules, and what only an emulation can be told.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rnic_emulated.h"
#include "rnic_netlink.h"
#include "rnicctl.h"

/* Sends a request, and tells what is wrong with it if something is. */
static int ask(struct netlink *nl)
{
	int ret = netlink_talk(nl, NULL, NULL);
	const char *why = netlink_why(nl);

	if (ret < 0)
		fprintf(stderr, "rnicctl: %s%s%s\n", why, *why ? ": " : "", strerror(errno));
	netlink_close(nl);
	return ret < 0 ? 1 : 0;
}

static struct netlink *begin(const char *name, uint8_t command, struct nlmsghdr **nlh)
{
	uint16_t family;
	struct netlink *nl = genl_open(name, &family);

	if (nl)
		*nlh = genl_request(nl, family, command, 0);
	else
		fprintf(stderr, "rnicctl: the module that offers '%s' is not there: %s\n", name, strerror(errno));
	return nl;
}

static int wrong(const char *what, const char *word)
{
	fprintf(stderr, "rnicctl: %s: %s\n", what, word);
	return -1;
}

static int number(const char *word, unsigned long max, unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(word, &end, 0);
	if (errno || end == word || *end || *value > max)
		return wrong("not a number that fits", word);
	return 0;
}

/* An interface; or PORT/NUMBER, for one that is in another namespace */
static int put_function(struct nlmsghdr *nlh, const char *word)
{
	char port[IF_NAMESIZE] = "";
	const char *slash = strchr(word, '/');
	unsigned long value;
	unsigned int index;

	if (slash && (size_t)(slash - word) < sizeof(port))
		memcpy(port, word, slash - word);
	index = if_nametoindex(slash ? port : word);
	if (!index)
		return wrong("no such interface", word);
	if (!slash) {
		mnl_attr_put_u32(nlh, RNIC_NL_IFINDEX, index);
		return 0;
	}
	if (number(slash + 1, 65535, &value))
		return -1;
	mnl_attr_put_u32(nlh, RNIC_NL_PORT, index);
	mnl_attr_put_u16(nlh, RNIC_NL_NUMBER, value);
	return 0;
}

int set_role(const char *function, const char *role)
{
	static const char *const names[] = { "none", "primary", "secondary" };
	struct nlmsghdr *nlh;
	struct netlink *nl;
	uint8_t value;

	for (value = 0; value < 3; value++)
		if (!strcmp(role, names[value]))
			break;
	if (value == 3) {
		wrong("a role is none, primary or secondary", role);
		return 2;
	}
	nl = begin(RNIC_NL_FAMILY, RNIC_NL_SET_ROLE, &nlh);
	if (!nl)
		return 1;
	mnl_attr_put_u8(nlh, RNIC_NL_ROLE, value);
	if (!put_function(nlh, function))
		return ask(nl);
	netlink_close(nl);
	return 1;
}

/* Rules */

static int put_prefix(struct nlmsghdr *nlh, const char *word, int attr, int prefix_attr)
{
	char addr[INET6_ADDRSTRLEN] = "";
	const char *slash = strchr(word, '/');
	size_t len = slash ? (size_t)(slash - word) : strlen(word);
	unsigned char octets[16];
	unsigned long bits;
	int family = memchr(word, ':', len) ? AF_INET6 : AF_INET;

	if (len < sizeof(addr))
		memcpy(addr, word, len);
	if (inet_pton(family, addr, octets) != 1)
		return wrong("not an address", word);
	mnl_attr_put(nlh, attr, family == AF_INET ? 4 : 16, octets);
	if (!slash)
		return 0;
	if (number(slash + 1, family == AF_INET ? 32 : 128, &bits))
		return -1;
	mnl_attr_put_u8(nlh, prefix_attr, bits);
	return 0;
}

static int put_protocol(struct nlmsghdr *nlh, const char *word)
{
	const struct protoent *entry = getprotobyname(word);
	unsigned long value;

	/* The names that matter most are known also where /etc/protocols is not. */
	if (!strcmp(word, "tcp"))
		value = IPPROTO_TCP;
	else if (!strcmp(word, "udp"))
		value = IPPROTO_UDP;
	else if (entry)
		value = entry->p_proto;
	else if (number(word, 255, &value))
		return -1;
	mnl_attr_put_u8(nlh, RNIC_NL_PROTOCOL, value);
	return 0;
}

static int put_port(struct nlmsghdr *nlh, const char *word, int attr)
{
	unsigned long value;

	if (number(word, 65535, &value))
		return -1;
	mnl_attr_put_u16(nlh, attr, htons(value));
	return 0;
}

static int put_tos(struct nlmsghdr *nlh, const char *word)
{
	char tos[8] = "";
	const char *slash = strchr(word, '/');
	unsigned long value, mask = 255;

	snprintf(tos, sizeof(tos), "%.*s", slash ? (int)(slash - word) : 7, word);
	if (number(tos, 255, &value) || (slash && number(slash + 1, 255, &mask)))
		return -1;
	mnl_attr_put_u8(nlh, RNIC_NL_TOS, value);
	mnl_attr_put_u8(nlh, RNIC_NL_TOS_MASK, mask);
	return 0;
}

static int put_match(struct nlmsghdr *nlh, const char *field, const char *word)
{
	if (!strcmp(field, "proto"))
		return put_protocol(nlh, word);
	if (!strcmp(field, "src"))
		return put_prefix(nlh, word, RNIC_NL_SOURCE, RNIC_NL_SOURCE_PREFIX);
	if (!strcmp(field, "dst"))
		return put_prefix(nlh, word, RNIC_NL_DEST, RNIC_NL_DEST_PREFIX);
	if (!strcmp(field, "sport"))
		return put_port(nlh, word, RNIC_NL_SOURCE_PORT);
	if (!strcmp(field, "dport"))
		return put_port(nlh, word, RNIC_NL_DEST_PORT);
	if (!strcmp(field, "tos"))
		return put_tos(nlh, word);
	return wrong("no such field", field);
}

int add_rule(const char *function, char **words, int count)
{
	struct nlmsghdr *nlh;
	struct netlink *nl;
	int i, ret;

	if (count % 2) {
		wrong("a field without a value", words[count - 1]);
		return 2;
	}
	nl = begin(RNIC_NL_FAMILY, RNIC_NL_ADD_RULE, &nlh);
	if (!nl)
		return 1;
	ret = put_function(nlh, function);
	for (i = 0; i < count && !ret; i += 2)
		ret = put_match(nlh, words[i], words[i + 1]);
	if (!ret)
		return ask(nl);
	netlink_close(nl);
	return 1;
}

int delete_rule(const char *function, const char *id)
{
	struct nlmsghdr *nlh;
	struct netlink *nl;
	unsigned long value;

	if (number(id, UINT32_MAX, &value))
		return 2;
	nl = begin(RNIC_NL_FAMILY, RNIC_NL_DEL_RULE, &nlh);
	if (!nl)
		return 1;
	mnl_attr_put_u32(nlh, RNIC_NL_RULE, value);
	if (!put_function(nlh, function))
		return ask(nl);
	netlink_close(nl);
	return 1;
}

/* Of an emulated adapter */
int set_steering(const char *port, const char *state)
{
	unsigned int index = if_nametoindex(port);
	struct nlmsghdr *nlh;
	struct netlink *nl;

	if (strcmp(state, "on") && strcmp(state, "off")) {
		wrong("steering is on or off", state);
		return 2;
	}
	if (!index) {
		wrong("no such interface", port);
		return 1;
	}
	nl = begin(RNIC_EMU_FAMILY, RNIC_EMU_SET, &nlh);
	if (!nl)
		return 1;
	mnl_attr_put_u32(nlh, RNIC_EMU_IFINDEX, index);
	mnl_attr_put_u8(nlh, RNIC_EMU_STEERING, !strcmp(state, "on"));
	return ask(nl);
}
