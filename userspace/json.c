// SPDX-License-Identifier: GPL-2.0
/*
 * JSON: an array of objects, every one with the same keys; null is what is not known.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include "show.h"
#include "text.h"

static void key(const char *name)
{
	printf(", \"%s\": ", name);
}

static void put_string(const char *name, const char *text)
{
	key(name);
	if (text && text[0])
		text_json(stdout, text);
	else
		fputs("null", stdout);
}

static void put_number(const char *name, uint64_t number, bool known)
{
	key(name);
	if (known)
		printf("%" PRIu64, number);
	else
		fputs("null", stdout);
}

static void put_address(const char *name, const struct address *a)
{
	char host[INET6_ADDRSTRLEN] = "", interface[IF_NAMESIZE];

	if (a->family == AF_INET || a->family == AF_INET6)
		inet_ntop(a->family, a->octets, host, sizeof(host));
	key(name);
	fputs("{\"address\": ", stdout);
	if (host[0])
		text_json(stdout, host);
	else
		fputs("null", stdout);
	put_string("interface", a->ifindex ? if_indextoname(a->ifindex, interface) : NULL);
	put_number("port", a->port, a->port);
	fputc('}', stdout);
}

static void put_flags(const struct endpoint *e)
{
	const char *comma = "";
	unsigned int bit;

	key("flags");
	fputc('[', stdout);
	for (bit = 0; bit < FLAGS; bit++) {
		if (!(e->flags & 1u << bit))
			continue;
		printf("%s\"%s\"", comma, flag_name(bit));
		comma = ", ";
	}
	fputc(']', stdout);
}

static void put_devices(const struct endpoint *e)
{
	size_t i;

	key("devices");
	fputc('[', stdout);
	for (i = 0; i < e->device_count; i++) {
		fputs(i ? ", " : "", stdout);
		text_json(stdout, e->devices[i]);
	}
	fputc(']', stdout);
}

static void put_measures(const struct measures *tcp)
{
	put_number("rtt_us", tcp->rtt, tcp->known);
	put_number("cwnd", tcp->cwnd, tcp->known);
	put_number("retransmits", tcp->retransmits, tcp->known);
	put_number("sent", tcp->sent, tcp->known);
	put_number("received", tcp->received, tcp->known);
}

static void put_endpoint(const struct endpoint *e)
{
	printf("{\"proto\": \"%s\"", show_proto(e));
	put_number("recv_q", e->recv_queue, e->queues);
	put_number("send_q", e->send_queue, e->queues);
	put_address("local", &e->local);
	put_address("foreign", &e->foreign);
	put_string("state", state_name(e->state));
	put_flags(e);
	put_devices(e);
	put_number("qp", e->qp, e->qp);
	put_string("qp_state", e->qp_state);
	put_string("ulp", e->ulp);
	put_measures(&e->tcp);
	put_number("uid", e->uid, e->has_uid);
	put_string("user", e->has_uid ? show_user(e->uid) : NULL);
	put_number("inode", e->inode, e->inode);
	put_number("pid", e->pid, e->pid);
	put_string("program", e->program);
	fputc('}', stdout);
}

void show_json(const struct endpoints *list, const struct filter *filter, const struct show *show)
{
	const char *before = show->compact ? "" : "\n";
	bool any = false;
	size_t i;

	fputc('[', stdout);
	for (i = 0; i < list->count; i++) {
		if (!filter_matches(filter, &list->rows[i]))
			continue;
		fputs(any ? "," : "", stdout);
		fputs(before, stdout);
		put_endpoint(&list->rows[i]);
		any = true;
	}
	puts(any && !show->compact ? "\n]" : "]");
}
