// SPDX-License-Identifier: GPL-2.0
/*
 * The two ends: how each fails, and how they meet, over a pair of local
 * sockets.
 */
#include <poll.h>
#include <stdarg.h>
#include "harness.h"

struct message {
	uint32_t step;
	char text[240];
};

#define STEP_END	(~0u)	/* the test is over; text: why it failed, or empty */

bool client;
int peer_fd;
int wait_ms = 20000;
jmp_buf bail;
char why[240];
char note[40];
const char *skipped;
static uint32_t step;

void fail(const char *where, const char *format, ...)
{
	va_list args;
	int n;

	n = snprintf(why, sizeof(why), "%s, %s%s: ",
		     client ? "client" : "server", where, note);
	va_start(args, format);
	vsnprintf(why + n, sizeof(why) - n, format, args);
	va_end(args);
	longjmp(bail, BAIL_FAILED);
}

void must(bool condition, const char *what)
{
	if (condition)
		return;
	printf("# %s: %s: %s\n", client ? "client" : "server", what, strerror(errno));
	printf("Bail out! %s\n", what);
	exit(1);
}

void tell(const void *data, size_t size)
{
	must(write(peer_fd, data, size) == (ssize_t)size, "the other end is gone");
}

void hear(void *data, size_t size)
{
	struct pollfd p = { .fd = peer_fd, .events = POLLIN };

	must(poll(&p, 1, 4 * wait_ms) == 1, "the other end is silent");
	must(read(peer_fd, data, size) == (ssize_t)size, "the other end is gone");
}

/* Both ends get here, and exchange @size octets. */
void swap(const void *mine, void *theirs, size_t size)
{
	struct message m = { .step = ++step };

	if (size)
		memcpy(m.text, mine, size);
	tell(&m, sizeof(m));
	hear(&m, sizeof(m));
	if (m.step == STEP_END) {
		snprintf(why, sizeof(why), "%s", m.text[0] ? m.text : "the other end is through already");
		longjmp(bail, BAIL_ENDED);
	}
	if (m.step != step)
		fail(HERE, "at step %u, the other end at %u", step, m.step);
	if (size)
		memcpy(theirs, m.text, size);
}

void barrier(void)
{
	swap(NULL, NULL, 0);
}

/* Both ends say so, and return. */
void skip(const char *reason)
{
	skipped = reason;
}

void begin_test(void)
{
	skipped = NULL;
	why[0] = 0;
	note[0] = 0;
	step = 0;
}

/* Both ends agree on how it went. @how: what bail was left with, or 0 */
bool end_test(int how)
{
	struct message m = { .step = STEP_END };

	memcpy(m.text, why, sizeof(m.text));
	tell(&m, sizeof(m));
	if (how == BAIL_ENDED)
		return false;	/* the other end's was read by swap() */
	do {
		hear(&m, sizeof(m));
	} while (m.step != STEP_END);
	if (!why[0])
		memcpy(why, m.text, sizeof(why));
	return !why[0];
}
