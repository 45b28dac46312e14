// SPDX-License-Identifier: GPL-2.0
/* Where the data of one work request comes from: many SGEs, inline, or nowhere. */
#include <pthread.h>
#include <time.h>
#include "harness.h"

static void many_sges(void)
{
	static const uint32_t lens[MAX_SGE] = { 1, 0, 4096, 3, 65537, 4095 };
	struct ibv_sge s[MAX_SGE];
	struct ibv_recv_wr rwr = { .wr_id = 7, .sg_list = s, .num_sge = MAX_SGE }, *bad;
	struct ibv_send_wr wr;
	uint32_t total = 0, at = 0, i, n;

	for (i = 0; i < MAX_SGE; i++)
		total += lens[i];
	connect_both();
	if (client) {
		/* Gathered in order of the pattern, from odd places */
		for (i = 0; i < MAX_SGE; i++) {
			uint32_t where = 100001 * (MAX_SGE - i);

			for (n = 0; n < lens[i]; n++)
				buf[where + n] = pattern(5, at + n);
			s[i] = sge(where, lens[i]);
			at += lens[i];
		}
		barrier();
		wr = wr_of(1, IBV_WR_RDMA_WRITE, s, TARGET + 77, 0);
		wr.num_sge = MAX_SGE;
		expect_zero(post(&wr));
		wr = wr_of(2, IBV_WR_SEND, s, 0, 0);
		wr.num_sge = MAX_SGE;
		expect_zero(post(&wr));
		await_wc(scq, 1, SUCCESS);
		await_wc(scq, 2, SUCCESS);
		barrier();
	} else {
		struct ibv_wc wc;

		/* Scattered in another rhythm */
		for (i = 0; i < MAX_SGE; i++)
			s[i] = sge(200003 * (i + 1), lens[MAX_SGE - 1 - i]);
		expect_zero(ibv_post_recv(id->qp, &rwr, &bad));
		barrier();
		wc = await_wc(rcq, 7, SUCCESS);
		expect(wc.byte_len == total, "byte_len %u, not %u", wc.byte_len, total);
		verify(TARGET + 77, total, 5);
		for (i = 0; i < MAX_SGE; i++) {
			for (n = 0; n < s[i].length; n++, at++)
				expect(buf[200003 * (i + 1) + n] == pattern(5, at),
				       "SGE %u, octet %u", i, n);
		}
		barrier();
	}
}

static void inline_data(void)
{
	static const uint32_t lens[] = { 0, 1, 79, 80 };
	uint8_t stack[2][MAX_INLINE + 1];
	struct ibv_send_wr wr;
	struct ibv_sge s[2];
	uint32_t i, n;

	connect_both();
	if (!client) {
		for (i = 0; i < ARRAY_SIZE(lens); i++)
			post_recv(i, TARGET + 256 * i, MAX_INLINE);
		barrier();
		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			struct ibv_wc wc = await_wc(rcq, i, SUCCESS);

			expect(wc.byte_len == lens[i], "byte_len %u", wc.byte_len);
			verify(TARGET + 256 * i, lens[i], i);
			verify(TARGET + 4096 + 256 * i, lens[i], i);
		}
		barrier();
		return;
	}
	barrier();
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		/* Memory that nobody registered, in two parts, overwritten at once */
		uint32_t half = lens[i] / 2;

		for (n = 0; n < lens[i]; n++)
			stack[n >= half][n >= half ? n - half : n] = pattern(i, n);
		s[0] = (struct ibv_sge){ (uintptr_t)stack[0], half, 0 };
		s[1] = (struct ibv_sge){ (uintptr_t)stack[1], lens[i] - half, 0 };
		wr = wr_of(2 * i, IBV_WR_RDMA_WRITE, s, TARGET + 4096 + 256 * i, IBV_SEND_INLINE);
		wr.num_sge = 2;
		expect_zero(post(&wr));
		wr = wr_of(2 * i + 1, IBV_WR_SEND, s, 0, IBV_SEND_INLINE);
		wr.num_sge = 2;
		expect_zero(post(&wr));
		memset(stack, 0x55, sizeof(stack));
		await_wc(scq, 2 * i, SUCCESS);
		await_wc(scq, 2 * i + 1, SUCCESS);
	}
	s[0] = (struct ibv_sge){ (uintptr_t)stack[0], MAX_INLINE + 1, 0 };
	wr = wr_of(99, IBV_WR_SEND, s, 0, IBV_SEND_INLINE);
	expect(post(&wr) == EINVAL, "81 octets inline were taken");
	no_wc(scq);
	barrier();
}

static void zero_length(void)
{
	struct ibv_send_wr wr;
	struct ibv_wc wc;

	connect_both();
	if (client) {
		barrier();
		wr = wr_of(1, IBV_WR_SEND, NULL, 0, 0);
		expect_zero(post(&wr));
		wr = wr_of(2, IBV_WR_RDMA_WRITE, NULL, 0, 0);
		expect_zero(post(&wr));
		wr = wr_of(3, IBV_WR_RDMA_READ, NULL, 0, 0);
		expect_zero(post(&wr));
		/* With keys that mean nothing: no octet, no access */
		wr.wr_id = 4;
		wr.wr.rdma.rkey = 0;
		expect_zero(post(&wr));
		wr.wr_id = 5;
		wr.opcode = IBV_WR_RDMA_WRITE;
		expect_zero(post(&wr));
		post_send(6, 0, 0, 0);
		for (uint64_t n = 1; n <= 6; n++)
			await_wc(scq, n, SUCCESS);
		barrier();
		expect(qp_state() == IBV_QPS_RTS, "state %d", qp_state());
	} else {
		post_recv(1, 0, 0);
		post_recv(2, 0, 100);
		barrier();
		wc = await_wc(rcq, 1, SUCCESS);
		expect(!wc.byte_len, "byte_len %u", wc.byte_len);
		wc = await_wc(rcq, 2, SUCCESS);
		expect(!wc.byte_len, "byte_len %u", wc.byte_len);
		barrier();
	}
}

#define SCRIBBLED	(1u << 20)

static volatile bool scribbling;

/* Over the source; ends by itself if the test does not come to it. */
static void *scribble(void *unused)
{
	time_t until = time(NULL) + 10;
	uint8_t n = 0;
	uint32_t i;

	for (; scribbling && time(NULL) < until; n++) {
		for (i = 0; i < SCRIBBLED; i += 7)
			buf[i] = n;
	}
	return unused;
}

static unsigned long crc_errors(void)
{
	unsigned long count = -1;
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/1/hw_counters/crc_errors",
		 ibv_get_device_name(verbs->device));
	file = fopen(path, "r");
	expect(file && fscanf(file, "%lu", &count) == 1, "%s", path);
	fclose(file);
	return count;
}

/*
 * What arrives is anybody's guess, but the CRC is of that. TCP has to wait for ACKs now
 * and then, in the middle of an FPDU: so one CPU is enough.
 */
static void scribbled(void)
{
	unsigned long before = crc_errors();
	pthread_t thread;
	uint64_t n;

	connect_both();
	if (client) {
		barrier();
		scribbling = true;
		expect_zero(pthread_create(&thread, NULL, scribble, NULL));
		for (n = 0; n < 16; n++)
			post_write(n, 0, SCRIBBLED, TARGET, 0);
		for (n = 0; n < 16; n++)
			await_wc(scq, n, SUCCESS);
		scribbling = false;
		pthread_join(thread, NULL);
		barrier();
		fill(0, SCRIBBLED, 9);
		post_write(16, 0, SCRIBBLED, TARGET, 0);
		barrier();
		post_send(17, 0, 1, 0);
		await_wc(scq, 16, SUCCESS);
		await_wc(scq, 17, SUCCESS);
		barrier();
	} else {
		post_recv(1, 0, 1);
		delay(2);
		barrier();
		barrier();
		delay(0);
		barrier();
		await_wc(rcq, 1, SUCCESS);
		verify(TARGET, SCRIBBLED, 9);
		expect(crc_errors() == before, "%lu CRC errors", crc_errors() - before);
		barrier();
	}
}

static const struct test tests[] = {
	TEST(many_sges, "six SGEs gathered, six scattered"),
	TEST(inline_data, "inline data up to its limit"),
	TEST(zero_length, "no octets at all"),
	TEST(scribbled, "the source changes all the time, and no CRC is wrong"),
};

const struct group gather_group = { tests, ARRAY_SIZE(tests) };
