/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all files of ucm_fuzz share: the two hosts' addresses, and chance.
 */
#ifndef UCM_FUZZ_H
#define UCM_FUZZ_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* A request as plain TCP sends it: MPA in revision 1, without private data */
#define MPA_REQUEST	"MPA ID Req Frame\0\1\0\0"
#define MPA_REQUEST_LEN	(sizeof(MPA_REQUEST) - 1)

extern struct sockaddr_in own, peer;
extern const struct sockaddr_in any;

struct sockaddr_in with_port(const struct sockaddr_in *addr, uint16_t port);

void __attribute__((noreturn)) die(const char *what);

#define must(call)					\
	do {						\
		if (call)				\
			die(#call);			\
	} while (0)

/* A generator of one's own, so that a seed means the same everywhere */
struct dice {
	uint64_t state;
};

static inline uint32_t throw(struct dice *d)
{
	d->state = d->state * 6364136223846793005ull + 1442695040888963407ull;
	return d->state >> 33;
}

static inline uint32_t below(struct dice *d, uint32_t n)
{
	return throw(d) % n;
}

static inline bool one_in(struct dice *d, uint32_t n)
{
	return !below(d, n);
}

#define any_of(d, array)	((array)[below(d, ARRAY_SIZE(array))])

/* The ways to run it; what they return is the exit status. */
int errnos(void);
int script(uint64_t seed, uint32_t episodes);
int answers(uint16_t port);
int fuzz(uint64_t seed, unsigned int operations, uint16_t port);

#endif
