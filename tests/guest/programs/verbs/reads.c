// SPDX-License-Identifier: GPL-2.0
/* RDMA Reads: fenced, limited in number, from both sides. */
#include "harness.h"

static void fence(void)
{
	uint32_t len = 300000, n;

	connect_both();
	for (n = 1; n <= 20; n++) {
		if (client) {
			memset(buf, 0, len);
			barrier();
			post_read(n, 0, len, TARGET, UNSIGNALLED);
			post_send(n, 0, len, IBV_SEND_FENCE);
			await_wc(scq, n, SUCCESS);
		} else {
			fill(TARGET, len, n);
			post_recv(n, 0, len);
			barrier();
			await_wc(rcq, n, SUCCESS);
			verify(0, len, n);
		}
	}
}

static void ord_is_kept(void)
{
	uint32_t len = 30001, n;

	connect_both(.reads = 2);
	if (client) {
		barrier();
		for (n = 0; n < 32; n++)
			post_read(n, 32768 * n, len, TARGET + n, 0);
		for (n = 0; n < 32; n++)
			await_wc(scq, n, SUCCESS);
		for (n = 0; n < 32; n++) {
			for (uint32_t i = 0; i < len; i += 97)
				expect(buf[32768 * n + i] == pattern(9, n + i), "Read %u, octet %u",
				       n, i);
		}
		barrier();
	} else {
		fill(TARGET, len + 32, 9);
		barrier();
		barrier();
	}
}

/* Both sides read from each other and write at the same time. */
static void crossing(void)
{
	uint32_t len = 100003, n, i;

	connect_both(.reads = 4);
	fill(TARGET, len, client);
	barrier();
	for (n = 0; n < 48; n += 3) {
		post_read(n, 128 << 10, len, TARGET, 0);
		post_write(n + 1, TARGET, len, 1 << 20, 0);
		post_read(n + 2, 256 << 10, 5, TARGET, 0);
	}
	for (n = 0; n < 48; n++)
		await_wc(scq, n, SUCCESS);
	verify(128 << 10, len, !client);
	for (i = 0; i < 5; i++)
		expect(buf[(256 << 10) + i] == pattern(!client, i), "octet %u", i);
	barrier();
}

static const struct test tests[] = {
	TEST(fence, "a fenced Send waits for the Read before it"),
	TEST(ord_is_kept, "more Reads posted than ORD"),
	TEST(crossing, "both sides read and write at once"),
};

const struct group reads_group = { tests, ARRAY_SIZE(tests) };
