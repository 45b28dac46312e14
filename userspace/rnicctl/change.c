// SPDX-License-Identifier: GPL-2.0
/*
 * Roles, rules, and what only an emulation can be told.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rnic_emulated.h"
#include "rnic_netlink.h"
#include "rnicctl.h"

/* What a request asks for, put together before the kernel is asked for anything; each attribute once fits. */
struct words {
	uint32_t buf[64];
	struct nlmsghdr *nlh;
};

static struct nlmsghdr *begin(struct words *words)
{
	words->nlh = mnl_nlmsg_put_header(words->buf);
	return words->nlh;
}

/* Sends it, and tells what is wrong with it if something is. */
static int ask(const char *name, uint8_t command, const struct words *words)
{
	size_t len = mnl_nlmsg_get_payload_len(words->nlh);
	struct nlmsghdr *nlh;
	struct netlink *nl;
	uint16_t family;
	const char *why;
	int ret;

	nl = genl_open(name, &family);
	if (!nl) {
		fprintf(stderr, "rnicctl: the module that offers '%s' is not there: %s\n", name, strerror(errno));
		return 1;
	}
	nlh = genl_request(nl, family, command, 0);
	memcpy(mnl_nlmsg_get_payload_tail(nlh), mnl_nlmsg_get_payload(words->nlh), len);
	nlh->nlmsg_len += len;
	ret = netlink_talk(nl, NULL, NULL);
	why = netlink_why(nl);
	if (ret < 0)
		fprintf(stderr, "rnicctl: %s%s%s\n", why, *why ? ": " : "", strerror(errno));
	netlink_close(nl);
	return ret < 0 ? 1 : 0;
}

static int wrong(const char *what, const char *word)
{
	fprintf(stderr, "rnicctl: %s: %s\n", what, word);
	return -1;
}

/* The part of WORD before END */
static int number_until(const char *word, const char *end, unsigned long max, unsigned long *value)
{
	char *stop;

	errno = 0;
	*value = strtoul(word, &stop, 0);
	if (errno || !isdigit((unsigned char)*word) || stop != end || *value > max)
		return wrong("not a number that fits", word);
	return 0;
}

static int number(const char *word, unsigned long max, unsigned long *value)
{
	return number_until(word, word + strlen(word), max, value);
}

/* An interface; or PORT/NUMBER, for one that is in another namespace. Returns the exit status. */
static int put_function(struct nlmsghdr *nlh, const char *word)
{
	char port[IF_NAMESIZE] = "";
	const char *slash = strchr(word, '/');
	unsigned long value;
	unsigned int index;

	if (slash && number(slash + 1, 65535, &value))
		return 2;
	if (slash && (size_t)(slash - word) < sizeof(port))
		memcpy(port, word, slash - word);
	index = if_nametoindex(slash ? port : word);
	if (!index) {
		wrong("no such interface", word);
		return 1;
	}
	if (!slash) {
		mnl_attr_put_u32(nlh, RNIC_NL_IFINDEX, index);
		return 0;
	}
	mnl_attr_put_u32(nlh, RNIC_NL_PORT, index);
	mnl_attr_put_u16(nlh, RNIC_NL_NUMBER, value);
	return 0;
}

int set_role(const char *function, const char *role)
{
	static const char *const names[] = { "none", "primary", "secondary" };
	struct words words;
	uint8_t value;
	int ret;

	for (value = 0; value < 3; value++)
		if (!strcmp(role, names[value]))
			break;
	if (value == 3) {
		wrong("a role is none, primary or secondary", role);
		return 2;
	}
	mnl_attr_put_u8(begin(&words), RNIC_NL_ROLE, value);
	ret = put_function(words.nlh, function);
	return ret ? ret : ask(RNIC_NL_FAMILY, RNIC_NL_SET_ROLE, &words);
}

/* Rules */

static int put_prefix(struct nlmsghdr *nlh, const char *word, int attr)
{
	int prefix_attr = attr == RNIC_NL_SOURCE ? RNIC_NL_SOURCE_PREFIX : RNIC_NL_DEST_PREFIX;
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

static int put_protocol(struct nlmsghdr *nlh, const char *word, int attr)
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
	mnl_attr_put_u8(nlh, attr, value);
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

static int put_tos(struct nlmsghdr *nlh, const char *word, int attr)
{
	const char *slash = strchr(word, '/');
	unsigned long value, mask = 255;

	if (number_until(word, slash ? slash : word + strlen(word), 255, &value) ||
	    (slash && number(slash + 1, 255, &mask)))
		return -1;
	mnl_attr_put_u8(nlh, attr, value);
	mnl_attr_put_u8(nlh, RNIC_NL_TOS_MASK, mask);
	return 0;
}

static const struct field {
	const char *name;
	int (*put)(struct nlmsghdr *nlh, const char *word, int attr);
	int attr;
} fields[] = {
	{ "proto", put_protocol, RNIC_NL_PROTOCOL },
	{ "src", put_prefix, RNIC_NL_SOURCE },
	{ "dst", put_prefix, RNIC_NL_DEST },
	{ "sport", put_port, RNIC_NL_SOURCE_PORT },
	{ "dport", put_port, RNIC_NL_DEST_PORT },
	{ "tos", put_tos, RNIC_NL_TOS },
};

#define FIELDS	(sizeof(fields) / sizeof(*fields))

/* @given: a bit for each field that was there already */
static int put_match(struct nlmsghdr *nlh, const char *name, const char *word, unsigned int *given)
{
	size_t i;

	for (i = 0; i < FIELDS; i++)
		if (!strcmp(name, fields[i].name))
			break;
	if (i == FIELDS)
		return wrong("no such field", name);
	if (*given & 1u << i)
		return wrong("a field twice", name);
	*given |= 1u << i;
	return fields[i].put(nlh, word, fields[i].attr);
}

int add_rule(const char *function, char **words, int count)
{
	unsigned int given = 0;
	struct words match;
	int i, ret;

	if (count % 2) {
		wrong("a field without a value", words[count - 1]);
		return 2;
	}
	begin(&match);
	for (i = 0; i < count; i += 2)
		if (put_match(match.nlh, words[i], words[i + 1], &given))
			return 2;
	ret = put_function(match.nlh, function);
	return ret ? ret : ask(RNIC_NL_FAMILY, RNIC_NL_ADD_RULE, &match);
}

int delete_rule(const char *function, const char *id)
{
	struct words words;
	unsigned long value;
	int ret;

	if (number(id, UINT32_MAX, &value))
		return 2;
	mnl_attr_put_u32(begin(&words), RNIC_NL_RULE, value);
	ret = put_function(words.nlh, function);
	return ret ? ret : ask(RNIC_NL_FAMILY, RNIC_NL_DEL_RULE, &words);
}

/* Of an emulated adapter */
int set_steering(const char *port, const char *state)
{
	unsigned int index = if_nametoindex(port);
	struct words words;

	if (strcmp(state, "on") && strcmp(state, "off")) {
		wrong("steering is on or off", state);
		return 2;
	}
	if (!index) {
		wrong("no such interface", port);
		return 1;
	}
	mnl_attr_put_u32(begin(&words), RNIC_EMU_IFINDEX, index);
	mnl_attr_put_u8(words.nlh, RNIC_EMU_STEERING, !strcmp(state, "on"));
	return ask(RNIC_EMU_FAMILY, RNIC_EMU_SET, &words);
}
