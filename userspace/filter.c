// SPDX-License-Identifier: GPL-2.0
/*
 * Which endpoints are shown: options, and expressions in the manner of ss.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "filter.h"
#include "memory.h"

static bool complain(const char *what, const char *word)
{
	fprintf(stderr, "iwstat: %s '%s'\n", what, word);
	return false;
}

bool filter_add_state(struct filter *f, const char *name)
{
	uint32_t states = state_parse(name);

	if (!states)
		return complain("no such state:", name);
	f->states |= states;
	return true;
}

static bool add_device(struct filter *f, const char *name)
{
	f->devices = grow(f->devices, f->device_count, &f->device_room, sizeof(*f->devices));
	f->devices[f->device_count++] = check_alloc(strdup(name));
	return true;
}

/* :PORT or PORT, a number or the name of a service */
static bool add_port(struct filter *f, const char *text, bool foreign, bool differs)
{
	const char *name = text + (text[0] == ':');
	const struct servent *service;
	struct filter_port *port;
	unsigned long number;
	char *end;

	number = strtoul(name, &end, 10);
	if (*end || !*name || name[0] == '-') {
		service = getservbyname(name, "tcp");
		if (!service)
			return complain("no such port:", text);
		number = ntohs(service->s_port);
	}
	if (number > 65535)
		return complain("no such port:", text);
	f->ports = grow(f->ports, f->port_count, &f->port_room, sizeof(*f->ports));
	port = &f->ports[f->port_count++];
	*port = (struct filter_port){ .foreign = foreign, .differs = differs, .port = number };
	return true;
}

/* The words of an expression, taken one by one */
struct words {
	char **word;
	size_t count, room, next;
};

static const char *next_word(struct words *words)
{
	return words->next < words->count ? words->word[words->next++] : NULL;
}

static bool next_is(struct words *words, const char *const *names)
{
	for (; words->next < words->count && *names; names++) {
		if (!strcmp(words->word[words->next], *names)) {
			words->next++;
			return true;
		}
	}
	return false;
}

static bool parse_port(struct filter *f, struct words *words, const char *key)
{
	static const char *const equal[] = { "=", "==", "eq", "is", NULL };
	static const char *const differs[] = { "!=", "ne", "neq", NULL };
	bool not = next_is(words, differs);
	const char *value;

	if (!not)
		next_is(words, equal);
	value = next_word(words);
	if (!value)
		return complain("a port is missing after", key);
	if (strpbrk(value, "<>!="))
		return complain("not understood (only = and !=):", value);
	return add_port(f, value, key[0] == 'd', not);
}

static bool parse_term(struct filter *f, struct words *words)
{
	static const char *const equal[] = { "=", "==", "eq", "is", NULL };
	const char *key = next_word(words);
	const char *value;

	if (!strcmp(key, "sport") || !strcmp(key, "dport"))
		return parse_port(f, words, key);
	if (strcmp(key, "state") && strcmp(key, "device") && strcmp(key, "dev"))
		return complain("not understood in a filter (state, sport, dport, device, and):", key);
	next_is(words, equal);
	value = next_word(words);
	if (!value)
		return complain("a name is missing after", key);
	return key[0] == 's' ? filter_add_state(f, value) : add_device(f, value);
}

static bool parse_words(struct filter *f, struct words *words)
{
	static const char *const and[] = { "and", "&&", "&", NULL };

	while (words->next < words->count) {
		if (!parse_term(f, words))
			return false;
		if (next_is(words, and) && words->next == words->count)
			return complain("something is missing after", words->word[words->next - 1]);
	}
	return true;
}

/* An expression may come in one argument, or in many. */
bool filter_parse(struct filter *f, int argc, char **argv)
{
	struct words words = {};
	char *word, *state;
	bool good;
	int i;

	for (i = 0; i < argc; i++) {
		for (word = strtok_r(argv[i], " \t\n", &state); word; word = strtok_r(NULL, " \t\n", &state)) {
			words.word = grow(words.word, words.count, &words.room, sizeof(*words.word));
			words.word[words.count++] = word;
		}
	}
	good = parse_words(f, &words);
	free(words.word);
	return good;
}

static bool matches_ports(const struct filter *f, const struct endpoint *e)
{
	size_t i;

	for (i = 0; i < f->port_count; i++) {
		const struct filter_port *want = &f->ports[i];
		uint16_t port = want->foreign ? e->foreign.port : e->local.port;

		if (want->differs ? port == want->port : port != want->port)
			return false;
	}
	return true;
}

static bool matches_devices(const struct filter *f, const struct endpoint *e)
{
	size_t i;

	for (i = 0; i < f->device_count; i++) {
		if (endpoint_has_device(e, f->devices[i]))
			return true;
	}
	return !f->device_count;
}

/* Like netstat, without a word about states: connections, and all of RDMA */
static bool matches_state(const struct filter *f, const struct endpoint *e)
{
	uint32_t state = STATE_BIT(e->state);

	if (f->states)
		return f->states & state;
	if (f->all)
		return true;
	if (f->held)
		return STATES_HELD & state;
	return (e->flags & FLAGS_RDMA) || !(STATES_HELD & state);
}

bool filter_matches(const struct filter *f, const struct endpoint *e)
{
	if (!(e->flags & FLAGS_RDMA ? f->rdma : f->tcp))
		return false;
	if (f->family && e->local.family != f->family)
		return false;
	return matches_state(f, e) && matches_ports(f, e) && matches_devices(f, e);
}
