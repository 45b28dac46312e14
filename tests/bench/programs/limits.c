// SPDX-License-Identifier: GPL-2.0
/*
 * limits: what plain TCP and plain copies come to, beside RDMA.
 *
 *	limits serve PORT			answers every octet with itself, one
 *						connection after the other
 *	limits pingpong ADDR PORT SIZE N	half of the median round trip, in us
 *	limits row ADDR PORT N			opens, uses once and closes N connections
 *	limits copy SIZE N				MiB/s from one process to another, N
 *						pieces, with process_vm_writev(2)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define must(call)					\
	do {						\
		if (call) {				\
			perror(#call);			\
			exit(1);			\
		}					\
	} while (0)

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void no_delay(int fd)
{
	int one = 1;

	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
}

static void write_all(int fd, const char *from, size_t len)
{
	while (len) {
		ssize_t n = write(fd, from, len);

		must(n <= 0);
		from += n;
		len -= n;
	}
}

static void read_all(int fd, char *to, size_t len)
{
	while (len) {
		ssize_t n = read(fd, to, len);

		must(n <= 0);
		to += n;
		len -= n;
	}
}

static int serve(int port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	static char buffer[1 << 20];
	int one = 1, fd;
	ssize_t n;

	must(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	must(bind(listener, (struct sockaddr *)&any, sizeof(any)));
	must(listen(listener, 16));
	for (;;) {
		must((fd = accept(listener, NULL, NULL)) < 0);
		no_delay(fd);
		while ((n = read(fd, buffer, sizeof(buffer))) > 0)
			write_all(fd, buffer, n);
		close(fd);
	}
}

static int dial(const char *addr, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(inet_pton(AF_INET, addr, &to.sin_addr) != 1);
	must(connect(fd, (struct sockaddr *)&to, sizeof(to)));
	no_delay(fd);
	return fd;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Clocked by the time stamp counter: a clock that is a system call costs as much as a message does. */
static int pingpong(int fd, size_t size, size_t n)
{
	uint64_t *took = calloc(n, sizeof(*took)), ticks, begin;
	char *buffer = calloc(1, size);
	double began, seconds;
	size_t i;

	must(!took || !buffer);
	for (i = 0; i < n / 10 + 1; i++) {
		write_all(fd, buffer, size);
		read_all(fd, buffer, size);
	}
	began = now();
	ticks = __rdtsc();
	for (i = 0; i < n; i++) {
		begin = __rdtsc();
		write_all(fd, buffer, size);
		read_all(fd, buffer, size);
		took[i] = __rdtsc() - begin;
	}
	ticks = __rdtsc() - ticks;
	seconds = now() - began;
	qsort(took, n, sizeof(*took), by_value);
	printf("%.3f\n", took[n / 2] * (seconds * 1e6 / ticks) / 2);
	return 0;
}

static int row(const char *addr, int port, size_t n)
{
	char message[512] = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		int fd = dial(addr, port);

		write_all(fd, message, sizeof(message));
		read_all(fd, message, sizeof(message));
		close(fd);
	}
	return 0;
}

static char *memory(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p == MAP_FAILED);
	return p;
}

static int copy(size_t size, size_t n)
{
	char *area = memory(size);
	struct iovec v = { area, size };
	size_t i;
	int ready[2];
	double began;
	pid_t child;
	char c;

	memset(area, 1, size);
	must(pipe(ready));
	must((child = fork()) < 0);
	if (!child) {
		memset(area, 2, size); /* pages of its own */
		must(write(ready[1], "", 1) != 1);
		pause();
		_exit(0);
	}
	must(read(ready[0], &c, 1) != 1);
	began = now();
	for (i = 0; i < n; i++)
		must(process_vm_writev(child, &v, 1, &v, 1, 0) != (ssize_t)size);
	printf("%.3f\n", (double)n * size / (now() - began) / (1 << 20));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]));
	if (argc == 6 && !strcmp(argv[1], "pingpong"))
		return pingpong(dial(argv[2], atoi(argv[3])), atoi(argv[4]), atoi(argv[5]));
	if (argc == 5 && !strcmp(argv[1], "row"))
		return row(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (argc == 4 && !strcmp(argv[1], "copy"))
		return copy(atoi(argv[2]), atoi(argv[3]));
	fprintf(stderr, "usage: limits serve PORT | pingpong ADDR PORT SIZE N | row ADDR PORT N | copy SIZE N\n");
	return 2;
}
