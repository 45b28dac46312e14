// SPDX-License-Identifier: GPL-2.0
/* Completions: which come, in what order, and whom they wake. */
#include <rdma/ib_user_verbs.h>
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

/* 0 or an errno. libsiw has no way to ask for it. */
static int resize(uint32_t cqe)
{
	struct ib_uverbs_resize_cq_resp resp;
	struct {
		struct ib_uverbs_cmd_hdr hdr;
		struct ib_uverbs_resize_cq cmd;
	} req = {
		.hdr = {
			.command = IB_USER_VERBS_CMD_RESIZE_CQ,
			.in_words = sizeof(req) / 4,
			.out_words = sizeof(resp) / 4,
		},
		.cmd = {
			.response = (uintptr_t)&resp,
			.cq_handle = scq->handle,
			.cqe = cqe,
		},
	};

	if (write(verbs->cmd_fd, &req, sizeof(req)) != sizeof(req))
		return errno;
	expect(resp.cqe == (uint32_t)scq->cqe, "it has %u entries, not %d", resp.cqe, scq->cqe);
	return 0;
}

/* Its ring is mapped, so a CQ does not grow; that it is large enough is no error. */
static void resized(void)
{
	static const struct {
		int more, error;
	} sizes[] = { { 0, 0 }, { -1, 0 }, { 1, EOPNOTSUPP }, { 1000, EOPNOTSUPP } };
	uint32_t n, i;
	int ret;

	connect_both();
	if (client) {
		barrier();
		for (n = 0; n < 10; n++)
			post_write(n, 0, 100, TARGET, 0);
		post_send(10, 0, 10, 0);
		barrier();
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			ret = resize(scq->cqe + sizes[i].more);
			expect(ret == sizes[i].error, "%d more: errno %d, not %d", sizes[i].more, ret,
			       sizes[i].error);
		}
		expect_zero(resize(1));
		ret = resize(0);
		expect(ret == EINVAL, "to nothing: errno %d", ret);
		for (n = 0; n <= 10; n++)
			await_wc(scq, n, SUCCESS);
		post_write(11, 0, 100, TARGET, 0);
		await_wc(scq, 11, SUCCESS);
		barrier();
	} else {
		post_recv(10, 0, 10);
		barrier();
		await_wc(rcq, 10, SUCCESS);
		barrier();
		barrier();
	}
}

static const struct test tests[] = {
	TEST(unsignalled, "unsignalled work requests complete in silence"),
	TEST(order, "completions come in the order of posting"),
	TEST(solicited, "solicited events"),
	TEST(one_event_per_wish, "one event for one request of notification"),
	TEST(resized, "a CQ of another size: none that is larger, and its completions stay"),
};

const struct group completions_group = { tests, ARRAY_SIZE(tests) };
