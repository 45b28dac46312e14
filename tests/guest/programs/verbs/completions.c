// SPDX-License-Identifier: GPL-2.0
/* Completions: which come, in what order, and whom they wake. */
#include "harness.h"

static void unsignalled(void)
{
	uint32_t n;

	connect_both(.sq = 128, .rq = 128);
	if (client) {
		fill(0, 100, 3);
		barrier();
		for (n = 0; n < 100; n++)
			post_send(n, n, 1, UNSIGNALLED);
		post_write(100, 0, 100, TARGET, UNSIGNALLED);
		post_read(101, 4096, 100, TARGET, UNSIGNALLED);
		post_send(102, 0, 0, 0);
		await_wc(scq, 102, SUCCESS);
		no_wc(scq);
		/* The Read before it has come, too: completions keep the order. */
		verify(4096, 100, 3);
		barrier();
	} else {
		for (n = 0; n <= 100; n++)
			post_recv(n, TARGET + 8192 + n, 1);
		barrier();
		for (n = 0; n <= 100; n++)
			await_wc(rcq, n, SUCCESS);
		verify(TARGET + 8192, 100, 3);
		verify(TARGET, 100, 3);
		barrier();
	}
}

static void order(void)
{
	uint32_t n;

	connect_both();
	if (client) {
		barrier();
		for (n = 0; n < 60; n++) {
			switch (n % 3) {
			case 0:
				post_write(n, 0, 1 + 1000 * n, TARGET, 0);
				break;
			case 1:
				post_read(n, 128 << 10, 1 + 2000 * n, TARGET, 0);
				break;
			case 2:
				post_send(n, 0, n, 0);
				break;
			}
		}
		for (n = 0; n < 60; n++)
			await_wc(scq, n, SUCCESS);
		barrier();
	} else {
		for (n = 2; n < 60; n += 3)
			post_recv(n, 4096, 60);
		barrier();
		for (n = 2; n < 60; n += 3) {
			struct ibv_wc wc = await_wc(rcq, n, SUCCESS);

			expect(wc.byte_len == n, "byte_len %u, not %u", wc.byte_len, n);
		}
		barrier();
	}
}

static void solicited(void)
{
	struct ibv_wc wc;
	int n;

	connect_both();
	if (client) {
		barrier();
		post_send(1, 0, 10, 0);
		await_wc(scq, 1, SUCCESS);
		barrier();
		post_send(2, 0, 10, IBV_SEND_SOLICITED);
		await_wc(scq, 2, SUCCESS);
		barrier();
		post_send(3, 0, 10, 0);
		await_wc(scq, 3, SUCCESS);
		barrier();
		barrier();
	} else {
		for (n = 1; n <= 4; n++)
			post_recv(n, 0, 10);
		expect_zero(ibv_req_notify_cq(rcq, 1));
		barrier();
		for (n = 0; !ibv_poll_cq(rcq, 1, &wc); n++) {
			expect(n < wait_ms, "the plain Send did not come");
			usleep(1000);
		}
		expect(wc.wr_id == 1, "wr_id %llu", (unsigned long long)wc.wr_id);
		expect(!channel_has_event(rcc, 0), "a plain Send woke us");
		barrier();
		expect(channel_has_event(rcc, wait_ms), "a solicited Send did not wake us");
		take_event(rcc);
		await_wc(rcq, 2, SUCCESS);
		/* next_wc() may have asked for every event: a new CQ state for the rest */
		barrier();
		await_wc(rcq, 3, SUCCESS);
		barrier();
		while (channel_has_event(rcc, 0))
			take_event(rcc);
		/* An error is told even to who waits for solicited events only. */
		expect_zero(ibv_req_notify_cq(rcq, 1));
		expect_zero(to_error());
		expect(channel_has_event(rcc, wait_ms), "a flush did not wake us");
		take_event(rcc);
		await_flush(rcq, 4, 4);
		barrier();
	}
}

/* The CQ is asked for an event while nothing is there, once: one event comes. */
static void one_event_per_wish(void)
{
	int n;

	connect_both();
	if (client) {
		barrier();
		for (n = 0; n < 10; n++)
			post_send(n, 0, 1, 0);
		for (n = 0; n < 10; n++)
			await_wc(scq, n, SUCCESS);
		barrier();
	} else {
		for (n = 0; n < 10; n++)
			post_recv(n, 0, 1);
		expect_zero(ibv_req_notify_cq(rcq, 0));
		barrier();
		barrier();
		expect(channel_has_event(rcc, wait_ms), "no event");
		take_event(rcc);
		for (n = 0; n < 10; n++) {
			struct ibv_wc wc;
			int i;

			for (i = 0; !ibv_poll_cq(rcq, 1, &wc); i++) {
				expect(i < wait_ms, "receive %d did not come", n);
				usleep(1000);
			}
		}
		expect(!channel_has_event(rcc, 0), "a second event, for one wish");
	}
}

static const struct test tests[] = {
	TEST(unsignalled, "unsignalled work requests complete in silence"),
	TEST(order, "completions come in the order of posting"),
	TEST(solicited, "solicited events"),
	TEST(one_event_per_wish, "one event for one request of notification"),
};

const struct group completions_group = { tests, ARRAY_SIZE(tests) };
