// SPDX-License-Identifier: GPL-2.0
/*
 * Memory: a buffer of each end that is registered for everything, patterns that
 * tell every octet from its neighbours, and guards beside what is meant.
 */
#include "harness.h"

#define GUARD	64

struct ibv_pd *pd;
uint8_t *buf;
struct ibv_mr *mr;
struct window peer;

void open_memory(struct ibv_context *of)
{
	struct window mine;

	buf = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(buf != MAP_FAILED, "memory");
	pd = ibv_alloc_pd(of);
	must(pd, "a PD");
	mr = ibv_reg_mr(pd, buf, BUF_SIZE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			IBV_ACCESS_REMOTE_READ);
	must(mr, "an MR");
	mine = window_of(mr);
	tell(&mine, sizeof(mine));
	hear(&peer, sizeof(peer));
}

void close_memory(void)
{
	ibv_dereg_mr(mr);
	ibv_dealloc_pd(pd);
}

struct ibv_mr *reg(struct ibv_pd *of, void *memory, size_t size, int access)
{
	struct ibv_mr *other = ibv_reg_mr(of, memory, size, access);

	expect(other, "reg_mr: %s", strerror(errno));
	return other;
}

struct window window_of(const struct ibv_mr *of)
{
	return (struct window){ (uintptr_t)of->addr, of->rkey };
}

/* Where the other end's counterpart of @mine is */
struct window swap_windows(const struct ibv_mr *mine)
{
	struct window w = window_of(mine);

	swap(&w, &w, sizeof(w));
	return w;
}

uint8_t pattern(uint32_t seed, uint32_t i)
{
	uint32_t x = (seed + 1) * 2654435761u + (i ^ (i >> 8)) * 40503u;

	return x >> 13;
}

void fill(uint32_t at, uint32_t len, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		buf[at + i] = pattern(seed, i);
}

void verify_at(const char *where, uint32_t at, uint32_t len, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		if (buf[at + i] != pattern(seed, i))
			fail(where, "octet %u of %u is %02x, not %02x", i, len,
			     buf[at + i], pattern(seed, i));
	}
}

void guard(uint32_t at, uint32_t len)
{
	memset(buf + at - GUARD, 0xee, len + 2 * GUARD);
}

void verify_guard_at(const char *where, uint32_t at, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < GUARD; i++) {
		if (buf[at - GUARD + i] != 0xee || buf[at + len + i] != 0xee)
			fail(where, "an octet beside the %u that were meant was written", len);
	}
}
