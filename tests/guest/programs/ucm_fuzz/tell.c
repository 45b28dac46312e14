// SPDX-License-Identifier: GPL-2.0
/*
 * What was answered, in print: nothing in it may differ from one door to the next
 * if they answer the same.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "door.h"
#include "ucm_fuzz.h"

#define BLANK	0xa5

int files[2];
uint8_t room[ROOM];

void files_open(void)
{
	files[0] = door_open(O_NONBLOCK);
	files[1] = door_open(O_NONBLOCK);
}

const char *error_name(int error)
{
	return error < 0 ? "a wrong length" : error ? strerrorname_np(error) ? : "no errno" : "0";
}

void tell(const char *what, uint32_t cmd, int error)
{
	printf("%s: %s: %s\n", cmd < COMMANDS ? shapes[cmd].name : "?", what, error_name(error));
}

void tell_write(const char *what, uint32_t cmd, const void *from, size_t len)
{
	tell(what, cmd, door_write(files[0], from, len));
}

void try(const char *what, const struct packet *p)
{
	tell(what, p->hdr.cmd, ask(files[0], p));
}

/* Answers may take a moment to come; nothing else is expected to be told. */
void settle(void)
{
	struct packet p = make(RDMA_USER_CM_CMD_GET_EVENT, 0, room, &own);
	struct pollfd f = { .fd = files[0], .events = POLLIN };
	const struct rdma_ucm_event_resp *event = (void *)room;

	if (poll(&f, 1, 3000) < 1) {
		puts("no event");
		return;
	}
	must(ask(files[0], &p));
	printf("event %u, status %d, uid %llu\n", event->event, (int)event->status,
	       (unsigned long long)event->uid);
}

void order(const struct packet *p)
{
	must(ask(files[0], p));
	if (has(shapes[p->hdr.cmd].timeout))
		settle();
}

void order_simply(uint32_t cmd, uint32_t id, const struct sockaddr_in *addr)
{
	struct packet p = make(cmd, id, NULL, addr);

	order(&p);
}

void blank(void)
{
	memset(room, BLANK, sizeof(room));
}

unsigned int answered(void)
{
	unsigned int n = sizeof(room);

	while (n && room[n - 1] == BLANK)
		n--;
	return n;
}
