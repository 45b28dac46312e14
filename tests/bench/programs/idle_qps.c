// SPDX-License-Identifier: GPL-2.0
/*
 * idle_qps N: makes N QPs with queues of 16 on the device siw_b, and keeps
 * them. Says "open" when all else is there, waits for a line of input, and says
 * "ready" when they are.
 *
 * A context has 64 of them: libsiw takes the key by which the 72nd QP's queue is
 * mapped with mainline's siw for the one that says that there is none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <infiniband/verbs.h>

#define PER_CONTEXT	64

struct context {
	struct ibv_pd *pd;
	struct ibv_cq *cq;
};

/* Where devices are shared, b sees a's as well. */
static struct ibv_device *device(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	int i;

	for (i = 0; list && list[i]; i++)
		if (!strcmp(ibv_get_device_name(list[i]), "siw_b"))
			return list[i];
	return NULL;
}

static int failed(const char *what, int n)
{
	printf("%s %d: %m\n", what, n);
	return 1;
}

static int open_contexts(struct context *contexts, int n)
{
	struct ibv_device *dev = device();
	int i;

	if (!dev)
		return failed("no device siw_b", 0);
	for (i = 0; i < n; i++) {
		struct ibv_context *verbs = ibv_open_device(dev);

		if (!verbs)
			return failed("open", i);
		contexts[i].pd = ibv_alloc_pd(verbs);
		contexts[i].cq = ibv_create_cq(verbs, 64, NULL, NULL, 0);
		if (!contexts[i].pd || !contexts[i].cq)
			return failed("PD and CQ", i);
	}
	return 0;
}

static int create_qps(struct context *contexts, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		struct context *c = &contexts[i / PER_CONTEXT];
		struct ibv_qp_init_attr attr = {
			.qp_type = IBV_QPT_RC,
			.send_cq = c->cq,
			.recv_cq = c->cq,
			.cap = {
				.max_send_wr = 16,
				.max_recv_wr = 16,
				.max_send_sge = 1,
				.max_recv_sge = 1,
			},
		};

		if (!ibv_create_qp(c->pd, &attr))
			return failed("QP", i);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };
	struct context *contexts;
	char line[16];
	int n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 2)
		return 2;
	n = atoi(argv[1]);
	contexts = calloc(n / PER_CONTEXT + 1, sizeof(*contexts));
	setrlimit(RLIMIT_NOFILE, &files);
	if (!contexts || open_contexts(contexts, n / PER_CONTEXT + 1))
		return 1;
	puts("open");
	if (!fgets(line, sizeof(line), stdin))
		return failed("input", 0);
	if (create_qps(contexts, n))
		return 1;
	puts("ready");
	pause();
	return 0;
}
