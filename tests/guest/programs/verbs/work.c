// SPDX-License-Identifier: GPL-2.0
/* Work requests: posted, and waited for until they complete. */
#include <poll.h>
#include "harness.h"

struct ibv_sge sge(uint32_t at, uint32_t len)
{
	return (struct ibv_sge){ (uintptr_t)buf + at, len, mr->lkey };
}

int post(struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad;
	int ret = ibv_post_send(id->qp, wr, &bad);

	return ret < 0 ? -ret : ret;
}

/* One buffer, signalled unless @flags has UNSIGNALLED */
struct ibv_send_wr wr_of(uint64_t wr_id, enum ibv_wr_opcode opcode, struct ibv_sge *s,
			 uint32_t remote, unsigned int flags)
{
	struct ibv_send_wr wr = {
		.wr_id = wr_id,
		.opcode = opcode,
		.sg_list = s,
		.num_sge = s ? 1 : 0,
		.send_flags = (flags & ~UNSIGNALLED) |
			      (flags & UNSIGNALLED ? 0 : IBV_SEND_SIGNALED),
		.wr.rdma = { .remote_addr = peer.addr + remote, .rkey = peer.rkey },
	};

	return wr;
}

void post_one_at(const char *where, uint64_t wr_id, enum ibv_wr_opcode opcode, uint32_t at,
		 uint32_t len, uint32_t remote, unsigned int flags)
{
	struct ibv_sge s = sge(at, len);
	struct ibv_send_wr wr = wr_of(wr_id, opcode, &s, remote, flags);
	int ret = post(&wr);

	if (ret)
		fail(where, "post_send: %s", strerror(ret));
}

void post_recv_at(const char *where, uint64_t wr_id, uint32_t at, uint32_t len)
{
	struct ibv_sge s = sge(at, len);
	struct ibv_recv_wr wr = { .wr_id = wr_id, .sg_list = &s, .num_sge = 1 };
	struct ibv_recv_wr *bad;
	int ret = ibv_post_recv(id->qp, &wr, &bad);

	if (ret)
		fail(where, "post_recv: %s", strerror(abs(ret)));
}

bool channel_has_event(struct ibv_comp_channel *cc, int ms)
{
	struct pollfd p = { .fd = cc->fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

void take_event(struct ibv_comp_channel *cc)
{
	struct ibv_cq *cq;
	void *context;

	expect_zero(ibv_get_cq_event(cc, &cq, &context));
	ibv_ack_cq_events(cq, 1);
}

struct ibv_wc next_wc_at(const char *where, struct ibv_cq *cq)
{
	struct ibv_wc wc;
	int n;

	for (;;) {
		n = ibv_poll_cq(cq, 1, &wc);
		if (!n) {
			if (ibv_req_notify_cq(cq, 0))
				fail(where, "req_notify_cq");
			n = ibv_poll_cq(cq, 1, &wc);
		}
		if (n == 1)
			return wc;
		if (n < 0)
			fail(where, "poll_cq: %d", n);
		if (!channel_has_event(cq->channel, wait_ms))
			fail(where, "no completion in the %s queue", cq == scq ? "send" : "receive");
		take_event(cq->channel);
	}
}

struct ibv_wc await_wc_at(const char *where, struct ibv_cq *cq, uint64_t wr_id,
			  enum ibv_wc_status status)
{
	struct ibv_wc wc = next_wc_at(where, cq);

	if (wc.wr_id != wr_id || wc.status != status)
		fail(where, "completion of %llu with %s, not of %llu with %s",
		     (unsigned long long)wc.wr_id, ibv_wc_status_str(wc.status),
		     (unsigned long long)wr_id, ibv_wc_status_str(status));
	return wc;
}

void no_wc_at(const char *where, struct ibv_cq *cq)
{
	struct ibv_wc wc;

	if (ibv_poll_cq(cq, 1, &wc))
		fail(where, "an unexpected completion: %llu, %s", (unsigned long long)wc.wr_id,
		     ibv_wc_status_str(wc.status));
}

/* Everything from @first to @last flushes, in order, and nothing else comes. */
void await_flush_at(const char *where, struct ibv_cq *cq, uint64_t first, uint64_t last)
{
	uint64_t n;

	for (n = first; n <= last; n++)
		await_wc_at(where, cq, n, IBV_WC_WR_FLUSH_ERR);
	no_wc_at(where, cq);
}

/* 100 to 109, for what ends the connection to flush */
void post_receives(void)
{
	uint64_t n;

	for (n = 100; n < 110; n++)
		post_recv(n, 0, 10);
}

/* @wr reads or writes memory @at the other end that is not its buf. */
void aim(struct ibv_send_wr *wr, struct window at)
{
	wr->wr.rdma.remote_addr = at.addr;
	wr->wr.rdma.rkey = at.rkey;
}

/* Debian 12's libsiw takes the key from where an RDMA Write has it. */
void invalidates(struct ibv_send_wr *wr, uint32_t rkey)
{
	wr->invalidate_rkey = rkey;
	wr->wr.rdma.rkey = rkey;
}
