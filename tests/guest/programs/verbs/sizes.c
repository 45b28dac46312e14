// SPDX-License-Identifier: GPL-2.0
/*
 * Data of every length arrives as it left, wherever in a page it begins: the
 * lengths are those at which pages and FPDUs end.
 */
#include "harness.h"
#include "sizes.h"

static const uint32_t sizes[] = {
	1, 2, 3, 4, 5, 493, 494, 495, 508, 509, 4095, 4096, 4097, 8191, 65507,
	65515, 65516, 65517, 65519, 65520, 65521, 65535, 65536, 65537, 131072,
	(1 << 20) + 3,
};

const uint32_t offsets[OFFSETS] = { 4096, 8193, 12289 + 4094, 4096 + 2048 + 2 };

void size_write(uint32_t n, uint32_t len, uint32_t from, uint32_t to)
{
	if (client) {
		fill(from, len, n);
		barrier();
		post_write(n, from, len, TARGET + to, 0);
		await_wc(scq, n, SUCCESS);
		post_send(n, 0, 0, 0);
		await_wc(scq, n, SUCCESS);
	} else {
		guard(TARGET + to, len);
		post_recv(n, 0, 0);
		barrier();
		await_wc(rcq, n, SUCCESS);
		verify(TARGET + to, len, n);
		verify_guard(TARGET + to, len);
	}
}

void size_read(uint32_t n, uint32_t len, uint32_t from, uint32_t to)
{
	struct ibv_wc wc;

	if (client) {
		guard(to, len);
		barrier();
		post_read(n, to, len, TARGET + from, 0);
		wc = await_wc(scq, n, SUCCESS);
		expect(wc.opcode == IBV_WC_RDMA_READ, "opcode %d", wc.opcode);
		expect(wc.byte_len == len, "byte_len %u, not %u", wc.byte_len, len);
		verify(to, len, n);
		verify_guard(to, len);
		barrier();
	} else {
		fill(TARGET + from, len, n);
		barrier();
		barrier();
	}
}

void size_send(uint32_t n, uint32_t len, uint32_t from, uint32_t to)
{
	struct ibv_wc wc;

	if (client) {
		fill(from, len, n);
		barrier();
		post_send(n, from, len, n & 1 ? IBV_SEND_SOLICITED : 0);
		wc = await_wc(scq, n, SUCCESS);
		expect(wc.opcode == IBV_WC_SEND, "opcode %d", wc.opcode);
	} else {
		guard(TARGET + to, len);
		post_recv(n, TARGET + to, len);
		barrier();
		wc = await_wc(rcq, n, SUCCESS);
		expect(wc.opcode == IBV_WC_RECV, "opcode %d", wc.opcode);
		expect(wc.byte_len == len, "byte_len %u, not %u", wc.byte_len, len);
		expect(wc.qp_num == id->qp->qp_num, "QP number %u", wc.qp_num);
		verify(TARGET + to, len, n);
		verify_guard(TARGET + to, len);
	}
}

void some_sizes(void)
{
	uint32_t i, n = 1;

	for (i = 0; i < ARRAY_SIZE(sizes); i += 2, n += 3) {
		snprintf(note, sizeof(note), ", length %u", sizes[i]);
		size_write(n, sizes[i], offsets[i % 4], offsets[0]);
		size_read(n + 1, sizes[i], offsets[1], offsets[i % 3]);
		size_send(n + 2, sizes[i], offsets[2], offsets[i % 2]);
	}
}

static void all_sizes(void (*one)(uint32_t n, uint32_t len, uint32_t from, uint32_t to))
{
	uint32_t i, n = 1;

	for (i = 0; i < ARRAY_SIZE(sizes); i++, n++) {
		snprintf(note, sizeof(note), ", length %u", sizes[i]);
		one(n, sizes[i], offsets[n % OFFSETS], offsets[(n / 3) % OFFSETS]);
	}
}

static void sizes_write(void)
{
	connect_both();
	all_sizes(size_write);
}

static void sizes_read(void)
{
	connect_both();
	all_sizes(size_read);
}

static void sizes_send(void)
{
	connect_both();
	all_sizes(size_send);
}

static const struct test tests[] = {
	TEST(sizes_write, "RDMA Writes of many lengths and alignments"),
	TEST(sizes_read, "RDMA Reads of many lengths and alignments"),
	TEST(sizes_send, "Sends of many lengths and alignments"),
};

const struct group sizes_group = { tests, ARRAY_SIZE(tests) };
