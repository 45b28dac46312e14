// SPDX-License-Identifier: GPL-2.0
/*
 * QPs of the first device.
 */
#include <pthread.h>
#include <infiniband/verbs.h>

#include "qp.h"
#include "ucm_fuzz.h"

#define QPS	6

static struct ibv_pd *pd;
static struct ibv_cq *cq;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ibv_qp *qps[QPS];

void qp_open_device(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *context;

	must(!list || !list[0]);
	context = ibv_open_device(list[0]);
	must(!context);
	must(!(pd = ibv_alloc_pd(context)));
	must(!(cq = ibv_create_cq(context, 64, NULL, NULL, 0)));
}

static struct ibv_qp *create(void)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { .max_send_wr = 2, .max_recv_wr = 2, .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .port_num = 1 };
	struct ibv_qp *qp = ibv_create_qp(pd, &init);

	if (qp)
		ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
			      IBV_QP_ACCESS_FLAGS);
	return qp;
}

uint32_t qp_new(void)
{
	struct ibv_qp *qp = create();

	must(!qp);
	return qp->qp_num;
}

/* One of few, so that it is used twice as well; now and then it is a new one, or nobody's. */
uint32_t qp_some(struct dice *d)
{
	unsigned int i = below(d, QPS);
	uint32_t number = 0;

	if (one_in(d, 8))
		return below(d, 16);
	pthread_mutex_lock(&lock);
	if (qps[i] && one_in(d, 2)) {
		ibv_destroy_qp(qps[i]);
		qps[i] = NULL;
	}
	if (!qps[i])
		qps[i] = create();
	if (qps[i])
		number = qps[i]->qp_num;
	pthread_mutex_unlock(&lock);
	return number;
}
