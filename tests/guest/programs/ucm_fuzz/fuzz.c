// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer: a process has some files, some threads, and no manners.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>

#include "move.h"
#include "qp.h"
#include "ucm_fuzz.h"

#define THREADS		3
#define EACH		300	/* operations of a process */
#define TOGETHER	4	/* processes */

static void *fuzz_thread(void *context)
{
	struct fuzzer *f = context;

	while (f->left)
		move(f);
	return NULL;
}

static void *wait_thread(void *context)
{
	struct fuzzer f = { .dice = { (uintptr_t)context } };

	for (;;)
		move_wait(&f);
	return NULL;
}

static void __attribute__((noreturn)) fuzz_process(uint64_t seed, uint16_t port, bool violent)
{
	struct fuzzer fuzzers[THREADS];
	pthread_t threads[THREADS], waiter;
	unsigned int i;

	qp_open_device();
	move_open_doors(port);
	must(pthread_create(&waiter, NULL, wait_thread, (void *)(uintptr_t)seed));
	for (i = 0; i < THREADS; i++) {
		fuzzers[i] = (struct fuzzer) { { seed * THREADS + i }, EACH / THREADS };
		must(pthread_create(&threads[i], NULL, fuzz_thread, &fuzzers[i]));
	}
	/* The first one to end kills all, or waits for all; exiting closes what is open. */
	pthread_join(threads[0], NULL);
	if (violent)
		kill(getpid(), SIGKILL);
	for (i = 1; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	fflush(stdout);
	_exit(move_saw_wrong());
}

int fuzz(uint64_t seed, unsigned int operations, uint16_t port)
{
	unsigned int begun = 0, running = 0, processes = operations / EACH + 1, killed = 0, bad = 0;
	int status;
	pid_t pid;

	printf("seed %llu: %u processes with %u operations each\n", (unsigned long long)seed, processes, EACH);
	fflush(stdout);
	while (begun < processes || running) {
		if (begun < processes && running < TOGETHER) {
			begun++;
			running++;
			pid = fork();
			must(pid < 0);
			if (!pid)
				fuzz_process(seed * 1000 + begun, port, begun % 3 == 0);
			continue;
		}
		must(wait(&status) < 0);
		running--;
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
			killed++;
		} else if (status) {
			printf("a process ended with status %#x\n", status);
			bad++;
		}
	}
	printf("%u processes, %u of them killed, %u bad\n", begun, killed, bad);
	return !!bad;
}
