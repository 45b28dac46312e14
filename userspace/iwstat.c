// SPDX-License-Identifier: GPL-2.0
/*
 * iwstat: what netstat shows, with RDMA: TCP and RDMA endpoints, and the ports that are held.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "filter.h"
#include "join.h"
#include "ports.h"
#include "process.h"
#include "rdma.h"
#include "show.h"
#include "tcp.h"

#ifndef VERSION
#define VERSION	"?"
#endif

enum { EXIT_TROUBLE = 1, EXIT_USAGE = 2 };

struct options {
	struct filter filter;
	struct show show;
	bool json;
	double interval;
	bool expects_rdma;
	bool expects_ports;
};

static void usage(FILE *out)
{
	fputs("usage: iwstat [OPTION...] [FILTER]\n"
	      "Lists TCP and RDMA endpoints, and the ports that RDMA holds.\n"
	      "\n"
	      "Without an option: connections of TCP, and all of RDMA.\n"
	      "  -a, --all            all: listening sockets of TCP, too\n"
	      "  -l, --listening      only what listens or holds a port\n"
	      "  -t, --tcp            only plain TCP\n"
	      "  -r, --rdma           only RDMA\n"
	      "  -4, --ipv4           only IPv4\n"
	      "  -6, --ipv6           only IPv6\n"
	      "      --state STATE    only in that state; may be given more than once\n"
	      "  -p, --processes      show processes\n"
	      "  -e, --extend         show more: all flags, the QP's state, the inode\n"
	      "  -i, --info           show what TCP knows: round trip time, window, octets\n"
	      "  -n, --numeric        show numbers of users, not names\n"
	      "  -j, --json           JSON\n"
	      "  -c, --continuous[=SECONDS]\n"
	      "                       again and again, every second or so many\n"
	      "  -h, --help           this\n"
	      "  -V, --version        version\n"
	      "\n"
	      "FILTER: state STATE | sport = :PORT | dport = :PORT | device NAME, joined by `and'\n",
	      out);
}

/* A number of seconds that can be slept; 0: it is none. */
static double parse_interval(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	return *text && !*end && value > 0 && value < 1e6 ? value : 0;
}

/* The value of -c may be the next argument; a filter never begins with a digit. */
static bool take_interval(struct options *o, int argc, char **argv)
{
	const char *text = optarg;

	o->interval = 1;
	if (!text && optind < argc && strchr("0123456789.", argv[optind][0]) && argv[optind][0])
		text = argv[optind++];
	if (text)
		o->interval = parse_interval(text);
	if (!o->interval)
		fprintf(stderr, "iwstat: -c takes a number of seconds, not '%s'\n", text);
	return o->interval;
}

/* False: it is wrong, and that was said. */
static bool take_option(struct options *o, int option, int argc, char **argv)
{
	switch (option) {
	case 'a':
		o->filter.all = true;
		return true;
	case 'l':
		o->filter.held = true;
		return true;
	case 't':
		o->filter.tcp = true;
		return true;
	case 'r':
		o->filter.rdma = true;
		return true;
	case '4':
		o->filter.family = o->filter.family == AF_INET6 ? 0 : AF_INET;
		return true;
	case '6':
		o->filter.family = o->filter.family == AF_INET ? 0 : AF_INET6;
		return true;
	case 's':
		return filter_add_state(&o->filter, optarg);
	case 'p':
		o->show.processes = true;
		return true;
	case 'e':
		o->show.extended = true;
		return true;
	case 'i':
		o->show.measures = true;
		return true;
	case 'n':
		o->show.numeric = true;
		return true;
	case 'j':
		o->json = true;
		return true;
	case 'c':
		return take_interval(o, argc, argv);
	default:
		fputs("iwstat: see iwstat --help\n", stderr);
		return false;
	}
}

static bool parse_options(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "all", no_argument, NULL, 'a' }, { "listening", no_argument, NULL, 'l' },
		{ "tcp", no_argument, NULL, 't' }, { "rdma", no_argument, NULL, 'r' },
		{ "ipv4", no_argument, NULL, '4' }, { "ipv6", no_argument, NULL, '6' },
		{ "state", required_argument, NULL, 's' }, { "processes", no_argument, NULL, 'p' },
		{ "extend", no_argument, NULL, 'e' }, { "numeric", no_argument, NULL, 'n' },
		{ "info", no_argument, NULL, 'i' }, { "json", no_argument, NULL, 'j' },
		{ "continuous", optional_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' }, {}
	};
	int option;

	while ((option = getopt_long(argc, argv, "altr46peinjc::hV", names, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			exit(EXIT_SUCCESS);
		}
		if (option == 'V') {
			puts("iwstat (Wharf) " VERSION);
			exit(EXIT_SUCCESS);
		}
		if (!take_option(o, option, argc, argv))
			return false;
	}
	if (!filter_parse(&o->filter, argc - optind, argv + optind))
		return false;
	/* What was asked for by name is missed when it is not there. */
	o->expects_rdma = o->filter.rdma || o->filter.device_count;
	o->expects_ports = o->filter.rdma || o->filter.states == STATE_BIT(STATE_RESERVED);
	if (!o->filter.tcp && !o->filter.rdma) {
		o->filter.tcp = true;
		o->filter.rdma = true;
	}
	/* As with netstat, -l and -a together are -a. */
	o->filter.held = o->filter.held && !o->filter.all;
	o->show.compact = o->interval;
	return true;
}

static void say_missing(const char *what, bool *said)
{
	if (!*said)
		fprintf(stderr, "iwstat: %s: %s\n", what, strerror(errno));
	*said = true;
}

static bool read_all(const struct options *o, struct endpoints *list)
{
	static bool said_rdma, said_ports;
	struct ports ports = {};
	struct rdma rdma = {};

	/* The socket of an identifier that we have seen is more likely to be there than the other way round. */
	if (rdma_read(&rdma) && (o->expects_rdma || rdma.device_count))
		say_missing(rdma.device_count ? "not all of RDMA is shown" : "the kernel tells of no RDMA devices",
			    &said_rdma);
	if (ports_read(&ports) && o->expects_ports)
		say_missing("reserved ports are not shown: is portspace loaded?", &said_ports);
	if (tcp_read(list)) {
		fprintf(stderr, "iwstat: the kernel tells of no TCP sockets: %s\n", strerror(errno));
		return false;
	}
	join(list, &ports, &rdma);
	ports_clear(&ports);
	rdma_clear(&rdma);
	return true;
}

static bool look(const struct options *o)
{
	struct endpoints list = {};
	bool good = read_all(o, &list);

	if (good) {
		endpoints_sort(&list);
		process_find_users(&list);
		if (o->show.processes)
			process_find(&list);
		if (o->json)
			show_json(&list, &o->filter, &o->show);
		else
			show_table(&list, &o->filter, &o->show);
		good = !fflush(stdout) && !ferror(stdout);
	}
	endpoints_clear(&list);
	return good;
}

static void sleep_for(double seconds)
{
	struct timespec t = { .tv_sec = seconds };

	t.tv_nsec = (seconds - t.tv_sec) * 1e9;
	nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	struct options options = {};

	if (!parse_options(&options, argc, argv))
		return EXIT_USAGE;
	while (look(&options)) {
		if (!options.interval)
			return EXIT_SUCCESS;
		sleep_for(options.interval);
		if (!options.json)
			putchar('\n');
	}
	return EXIT_TROUBLE;
}
