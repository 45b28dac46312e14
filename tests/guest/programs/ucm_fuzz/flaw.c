// SPDX-License-Identifier: GPL-2.0
/*
 * Flaws, one at a time, in commands that had none; and memory that is none to
 * write to.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "packet.h"
#include "ucm_fuzz.h"

uint8_t *edge, *readonly;

void map_traps(void)
{
	long page = sysconf(_SC_PAGESIZE);

	edge = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(edge == MAP_FAILED);
	must(mprotect(edge + page, page, PROT_NONE));
	edge += page;
	readonly = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(readonly == MAP_FAILED);
}

void flaw(struct dice *d, struct packet *p)
{
	const struct shape *s = &shapes[p->hdr.cmd];

	switch (below(d, 10)) {
	case 0:
		p->hdr.in = below(d, s->in + 1);
		break;
	case 1:
		p->hdr.out = below(d, s->out + 2);
		break;
	case 2:
		put_response(p, NULL);
		break;
	case 3:
		put_response(p, edge - below(d, 64));
		break;
	case 4:
		put_response(p, readonly);
		break;
	case 5:
		put(p, s->id, NEVER - below(d, 3));
		break;
	case 6:
		put_family(p, below(d, 30));
		break;
	case 7:
		put(p, s->addr_size, below(d, 140));
		break;
	case 8:
		put(p, s->reserved, (uint16_t)throw(d));
		break;
	case 9:
		/* Not of whom to look for: that could take its time. */
		if (!has(s->timeout) || !has(s->addr))
			p->body.octets[below(d, s->in)] ^= 1u << below(d, 8);
		break;
	}
}
