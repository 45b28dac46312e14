// SPDX-License-Identifier: GPL-2.0
/*
 * User Mode Linux has one CPU, and its gettimeofday() is a system call of 10 us. perftest measures the clock rate with
 * it while its peer spins, is put aside for 10 ms in the middle every now and then, and says "Can't produce a report".
 * Preloaded in UML guests, this answers perftest (ib_*) from the time stamp counter; all others get
 * the kernel's answer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <x86intrin.h>

struct reading {
	uint64_t tsc;
	double usec;
};

/* The best of a few, which is the one that nobody interrupted. */
static struct reading look(void)
{
	struct reading best = { 0 };
	uint64_t shortest = UINT64_MAX;

	for (int i = 0; i < 20; i++) {
		struct timespec now;
		uint64_t start = __rdtsc(), end;

		clock_gettime(CLOCK_REALTIME, &now);
		end = __rdtsc();
		if (end - start >= shortest)
			continue;
		shortest = end - start;
		best.tsc = start + shortest / 2;
		best.usec = now.tv_sec * 1e6 + now.tv_nsec / 1e3;
	}
	return best;
}

static struct reading base;
static double rate; /* ticks per microsecond; 0: not perftest */

__attribute__((constructor)) static void calibrate(void)
{
	struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	struct reading later;

	if (strncmp(program_invocation_short_name, "ib_", 3))
		return;
	base = look();
	nanosleep(&pause, NULL);
	later = look();
	rate = (later.tsc - base.tsc) / (later.usec - base.usec);
}

int gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec now;
	double usec;

	(void)zone;
	if (rate) {
		usec = base.usec + (__rdtsc() - base.tsc) / rate;
		tv->tv_sec = usec / 1e6;
		tv->tv_usec = usec - tv->tv_sec * 1e6;
		return 0;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	tv->tv_sec = now.tv_sec;
	tv->tv_usec = now.tv_nsec / 1000;
	return 0;
}
