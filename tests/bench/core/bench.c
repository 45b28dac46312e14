// SPDX-License-Identifier: GPL-2.0
/*
 * The hot core alone, in user space: what it takes to make FPDUs of messages,
 * and to check and place them, beside a memcpy() of the same octets (and a CRC
 * over them), which is the least that it has to do.
 *
 *	send	core_transmit(), from the application's memory to output
 *	receive	core_scan() with CRC, core_receive(), from input to memory
 *	limit	memcpy() from memory to memory, and core_crc32c() with CRC
 *
 * All three run over the same buffers in turn, for a few rounds; a figure is the
 * median of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "surroundings.h"

#define BATCH		(1u << 20)	/* octets of messages at a time, at least */
#define SQ_SIZE		1024
#define MAX_BATCH	(BATCH + (SQ_SIZE + BATCH / 1024) * 64)	/* with headers and trailers */
#define CHUNK		(32u << 10)	/* what siw/ gives core_transmit() */
#define ROUNDS		15

enum { SEND, RECEIVE, LIMIT, KINDS };

struct run {
	double rate[KINDS][ROUNDS];
};

static u8 *input;
static u32 input_len;

static void *allocate(size_t size)
{
	void *p = malloc(size);

	if (!p)
		abort();
	return memset(p, 0x5a, size);
}

/* What others do on the machine does not count. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static struct bench_side *side(bool crc)
{
	struct bench_side *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->size = BATCH;
	s->memory = allocate(BATCH);
	s->qp.sq_size = SQ_SIZE;
	s->qp.ord = 1;
	s->qp.ird = 1;
	s->qp.sq = calloc(SQ_SIZE, sizeof(*s->qp.sq));
	s->qp.sends = calloc(SQ_SIZE, sizeof(*s->qp.sends));
	s->qp.orq = calloc(1, sizeof(*s->qp.orq));
	s->qp.irq = calloc(1, sizeof(*s->qp.irq));
	if (!s->qp.sq || !s->qp.sends || !s->qp.orq || !s->qp.irq)
		abort();
	core_start(&s->qp, crc, 65534, 0, 0, false);
	return s;
}

static void release(struct bench_side *s)
{
	free(s->memory);
	free(s->qp.sq);
	free(s->qp.sends);
	free(s->qp.orq);
	free(s->qp.irq);
	free(s);
}

static void post(struct bench_side *s, u8 opcode, u32 size, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		struct siw_sqe *sqe = &s->qp.sq[(s->qp.sq_get + i) % SQ_SIZE];

		memset(sqe, 0, sizeof(*sqe));
		sqe->opcode = opcode;
		sqe->num_sge = 1;
		sqe->sge[0].laddr = BENCH_BASE;
		sqe->sge[0].length = size;
		sqe->sge[0].lkey = BENCH_STAG;
		sqe->raddr = BENCH_BASE;
		sqe->rkey = BENCH_STAG;
		sqe->flags = SIW_WQE_VALID | SIW_WQE_SIGNALLED;
	}
}

static double transmit(struct bench_side *s, u32 n)
{
	u64 before = s->sent;
	double began = now();
	u32 got;

	input_len = 0;
	do {
		u32 room = MAX_BATCH - input_len;

		room = min_t(u32, room, CHUNK);
		got = core_transmit(&s->qp, input + input_len, room);
		input_len += got;
	} while (got == CHUNK);
	began = now() - began;
	if (s->sent - before != n)
		abort();
	return began;
}

static double receive(struct bench_side *s, u32 n)
{
	struct core_scan *scan = &s->qp.scan;
	u64 before = s->received;
	u32 at, len, ready, consumed, done = 0;
	double began = now();

	/* As it comes out of skbs: with CRC an FPDU is placed when all of it has come. */
	for (at = 0; at < input_len; at += len) {
		len = min_t(u32, CHUNK, input_len - at);
		if (s->qp.crc && core_scan(scan, input + at, len))
			abort();
		ready = s->qp.crc ? scan->verified : len;
		if (ready && core_receive(&s->qp, input + done, ready, &consumed))
			abort();
		done += ready;
		scan->verified = 0;
	}
	core_receive_pause(&s->qp);
	began = now() - began;
	if (done != input_len || s->received - before != n)
		abort();
	return began;
}

static double limit(struct bench_side *s, u32 size, u32 n)
{
	static volatile u32 results;
	u32 result = 0;
	double began;
	u32 i;

	began = now();
	for (i = 0; i < n; i++) {
		/* The compiler must not know that they are all alike. */
		__asm__ volatile("" : : : "memory");
		memcpy(input + (size_t)i * size, s->memory, size);
		if (s->qp.crc)
			result += core_crc32c(~0u, input + (size_t)i * size, size);
	}
	began = now() - began;
	results += result;
	return began;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void line(const char *name, u8 opcode, u32 size, bool crc)
{
	struct bench_side *from = side(crc), *to = side(crc);
	u32 n = min_t(u32, BATCH / size, SQ_SIZE), round, repeat, kind;
	u32 repeats = (32u << 20) / (n * (size + 256)) + 1;
	static struct run run;
	double median[KINDS];

	for (round = 0; round < ROUNDS; round++) {
		double took[KINDS] = { 0 };

		for (repeat = 0; repeat < repeats; repeat++) {
			post(from, opcode, size, n);
			took[SEND] += transmit(from, n);
			took[RECEIVE] += receive(to, n);
			took[LIMIT] += limit(from, size, n);
		}
		for (kind = 0; kind < KINDS; kind++)
			run.rate[kind][round] = (double)n * size * repeats / took[kind] / (1 << 20);
	}
	for (kind = 0; kind < KINDS; kind++) {
		qsort(run.rate[kind], ROUNDS, sizeof(double), by_value);
		median[kind] = run.rate[kind][ROUNDS / 2];
	}
	printf("%-6s %8u %4s %9.0f %9.0f %9.0f %8.2f %8.2f\n", name, size, crc ? "on" : "off", median[SEND],
	       median[RECEIVE], median[LIMIT], median[SEND] / median[LIMIT], median[RECEIVE] / median[LIMIT]);
	release(from);
	release(to);
}

int main(void)
{
	static const u32 sizes[] = { 64, 512, 4096, 65536, 1 << 20 };
	u32 i, crc;

	input = allocate(MAX_BATCH);
	printf("MiB/s of CPU time; CRC: %s\n", bench_crc_kind());
	printf("%-6s %8s %4s %9s %9s %9s %8s %8s\n", "", "octets", "CRC", "send", "receive", "limit", "send/",
	       "receive/");
	for (crc = 0; crc < 2; crc++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			line("Write", SIW_OP_WRITE, sizes[i], crc);
			line("Send", SIW_OP_SEND, sizes[i], crc);
		}
	}
	free(input);
	return 0;
}
