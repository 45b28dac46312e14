// SPDX-License-Identifier: GPL-2.0
/*
 * The table: one line for each endpoint, every column as wide as it has to be.
 */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "memory.h"
#include "show.h"
#include "text.h"

#define CELL	128
#define COLUMNS	18	/* at most */

struct column {
	const char *title;
	bool right;
	void (*cell)(const struct endpoint *e, const struct show *show, char *buf);
};

/* The user's name, or NULL. Rows of one user tend to follow each other. */
const char *show_user(uint32_t uid)
{
	static char name[64];
	static uint32_t known;
	static bool looked;
	const struct passwd *user;

	if (!looked || known != uid) {
		user = getpwuid(uid);
		snprintf(name, sizeof(name), "%s", user ? user->pw_name : "");
		known = uid;
		looked = true;
	}
	return name[0] ? name : NULL;
}

const char *show_proto(const struct endpoint *e)
{
	if (e->local.family == AF_INET6)
		return e->rdma_only ? "rdma6" : "tcp6";
	return e->rdma_only ? "rdma" : "tcp";
}

/* Cells; an empty one gets a dash. */

static void cell_proto(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	snprintf(buf, CELL, "%s", show_proto(e));
}

static void cell_recv_queue(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	if (e->queues)
		snprintf(buf, CELL, "%u", e->recv_queue);
}

static void cell_send_queue(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	if (e->queues)
		snprintf(buf, CELL, "%u", e->send_queue);
}

static void cell_local(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	address_text(&e->local, buf, CELL);
}

static void cell_foreign(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	address_text(&e->foreign, buf, CELL);
}

static void cell_state(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	snprintf(buf, CELL, "%s", state_name(e->state));
}

static void cell_flags(const struct endpoint *e, const struct show *show, char *buf)
{
	unsigned int flags = e->flags & (show->extended ? ~0u : FLAGS_BRIEF);
	unsigned int bit;

	for (bit = 0; bit < FLAGS; bit++) {
		if (flags & 1u << bit)
			snprintf(buf + strlen(buf), CELL - strlen(buf), "%s%s", buf[0] ? "," : "", flag_name(bit));
	}
}

static void cell_device(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	if (e->device_count > 1)
		snprintf(buf, CELL, "%s+%zu", e->devices[0], e->device_count - 1);
	else if (e->device_count)
		snprintf(buf, CELL, "%s", e->devices[0]);
}

static void cell_qp(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	if (e->qp)
		snprintf(buf, CELL, "%u", e->qp);
}

static void cell_qp_state(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	if (e->qp_state)
		snprintf(buf, CELL, "%s", e->qp_state);
}

/* Milliseconds, as in ss */
static void cell_rtt(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	if (e->tcp.known)
		snprintf(buf, CELL, "%u.%03u", e->tcp.rtt / 1000, e->tcp.rtt % 1000);
}

static void cell_cwnd(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	if (e->tcp.known)
		snprintf(buf, CELL, "%u", e->tcp.cwnd);
}

static void cell_retransmits(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	if (e->tcp.known)
		snprintf(buf, CELL, "%u", e->tcp.retransmits);
}

static void cell_sent(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	if (e->tcp.known)
		snprintf(buf, CELL, "%" PRIu64, e->tcp.sent);
}

static void cell_received(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	if (e->tcp.known)
		snprintf(buf, CELL, "%" PRIu64, e->tcp.received);
}

static void cell_inode(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	if (e->inode)
		snprintf(buf, CELL, "%u", e->inode);
}

static void cell_user(const struct endpoint *e, const struct show *show, char *buf)
{
	const char *name = e->has_uid && !show->numeric ? show_user(e->uid) : NULL;

	if (name)
		snprintf(buf, CELL, "%s", name);
	else if (e->has_uid)
		snprintf(buf, CELL, "%u", e->uid);
}

static void cell_process(const struct endpoint *e, const struct show *show, char *buf)
{
	(void)show;
	if (e->pid)
		snprintf(buf, CELL, "%u/%s", e->pid, e->program ? e->program : "-");
	else if (e->program)
		snprintf(buf, CELL, "-/%s", e->program);
}

static size_t choose_columns(const struct show *show, struct column *columns)
{
	static const struct column first[] = {
		{ "Proto", false, cell_proto },
		{ "Recv-Q", true, cell_recv_queue }, { "Send-Q", true, cell_send_queue },
		{ "Local-Address", false, cell_local }, { "Foreign-Address", false, cell_foreign },
		{ "State", false, cell_state }, { "Flags", false, cell_flags }, { "Device", false, cell_device },
		{ "QP", true, cell_qp },
	};
	static const struct column measures[] = {
		{ "RTT-ms", true, cell_rtt }, { "Cwnd", true, cell_cwnd }, { "Retrans", true, cell_retransmits },
		{ "Sent", true, cell_sent }, { "Received", true, cell_received },
	};
	size_t n = ARRAY_SIZE(first);

	memcpy(columns, first, sizeof(first));
	if (show->extended)
		columns[n++] = (struct column){ "QP-State", false, cell_qp_state };
	if (show->measures) {
		memcpy(columns + n, measures, sizeof(measures));
		n += ARRAY_SIZE(measures);
	}
	columns[n++] = (struct column){ "User", false, cell_user };
	if (show->extended)
		columns[n++] = (struct column){ "Inode", true, cell_inode };
	if (show->processes)
		columns[n++] = (struct column){ "PID/Program", false, cell_process };
	return n;
}

/* Lines of text, kept until the width of each column is known */
struct lines {
	char (*cells)[COLUMNS][CELL];
	size_t count;
	size_t room;
};

static void add_line(struct lines *lines, const struct endpoint *e, const struct show *show,
		     const struct column *columns, size_t n)
{
	char (*line)[CELL];
	size_t c;

	lines->cells = grow(lines->cells, lines->count, &lines->room, sizeof(*lines->cells));
	line = lines->cells[lines->count++];
	for (c = 0; c < n; c++) {
		if (e)
			columns[c].cell(e, show, line[c]);
		else
			snprintf(line[c], CELL, "%s", columns[c].title);
		if (!line[c][0])
			snprintf(line[c], CELL, "-");
	}
}

/* The last column is not filled up: no line ends in blanks. */
static void print_cell(const char *text, size_t width, bool right, bool last)
{
	size_t len = strlen(text);
	int blanks = width > len ? width - len : 0;

	if (right)
		printf("%*s", blanks, "");
	text_plain(stdout, text);
	if (!last)
		printf("%*s  ", right ? 0 : blanks, "");
}

static void print_lines(const struct lines *lines, const struct column *columns, size_t n)
{
	bool bold = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	size_t widths[COLUMNS] = {};
	size_t i, c;

	for (i = 0; i < lines->count; i++) {
		for (c = 0; c < n; c++) {
			size_t len = strlen(lines->cells[i][c]);

			if (len > widths[c])
				widths[c] = len;
		}
	}
	for (i = 0; i < lines->count; i++) {
		fputs(bold && !i ? "\033[1m" : "", stdout);
		for (c = 0; c < n; c++)
			print_cell(lines->cells[i][c], widths[c], columns[c].right, c == n - 1);
		puts(bold && !i ? "\033[0m" : "");
	}
}

void show_table(const struct endpoints *list, const struct filter *filter, const struct show *show)
{
	struct column columns[COLUMNS];
	size_t n = choose_columns(show, columns);
	struct lines lines = {};
	size_t i;

	add_line(&lines, NULL, show, columns, n);
	for (i = 0; i < list->count; i++) {
		if (filter_matches(filter, &list->rows[i]))
			add_line(&lines, &list->rows[i], show, columns, n);
	}
	print_lines(&lines, columns, n);
	free(lines.cells);
}
