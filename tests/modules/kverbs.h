/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kernel consumer of RDMA that has both ends of its connections, and so can
 * say of each request how either end must see it.
 */
#ifndef KVERBS_H
#define KVERBS_H

#include <linux/socket.h>
#include <rdma/ib_verbs.h>
#include <rdma/rdma_cm.h>

#define KV_DATA		(32 * 1024)	/* octets for one-sided requests, each end */
#define KV_MESSAGE	256		/* octets of a message */
#define KV_DEPTH	32		/* entries of a queue */
#define KV_SGES		6		/* of a request */
#define KV_INLINE	80		/* octets of a request */
#define KV_TIMEOUT	(20 * HZ)
#define KV_POISON	0xa5
#define KV_UNREGISTERED	-1

struct kv_link;

/**
 * struct kv_world - what the links of one test have in common
 * @net: namespace of both ends
 * @addr: where both of them are
 * @listener: on @addr
 * @dev: serves @addr
 * @pd: of the QPs of the links that are made
 * @opening: the link that is being made
 * @count: rounds that were asked for
 */
struct kv_world {
	struct net *net;
	struct sockaddr_storage addr;
	struct rdma_cm_id *listener;
	struct ib_device *dev;
	struct ib_pd *pd;
	struct kv_link *opening;
	u32 count;
};

/**
 * struct kv_end - one end of a link
 * @link: the link
 * @id: its connection
 * @cq: of both its queues
 * @buf: KV_DATA octets, a message to send, a message to receive
 * @dma: of @buf
 * @steps: how far connecting has come, in events
 * @failed: it will not be connected
 * @gone: it was disconnected
 * @events: the QP's, a bit each
 */
struct kv_end {
	struct kv_link *link;
	struct rdma_cm_id *id;
	struct ib_cq *cq;
	u8 *buf;
	u64 dma;
	u32 steps;
	bool failed;
	bool gone;
	unsigned long events;
};

/**
 * struct kv_link - a connection
 * @world: where it is
 * @pd: of its QPs
 * @poll: context of its completions
 * @srq: what @peer receives by, or NULL
 * @owner: the end that connected; in most tests the one with the memory
 * @peer: the end that accepted
 * @jobs: everything that was to be posted
 * @stuck: something still uses it, and will for ever
 */
struct kv_link {
	struct kv_world *world;
	struct ib_pd *pd;
	enum ib_poll_context poll;
	struct ib_srq *srq;
	struct kv_end owner;
	struct kv_end peer;
	struct list_head jobs;
	bool stuck;
};

/**
 * struct kv_job - a work request
 * @cqe: how its completion finds it
 * @end: who posts it; NULL: an SRQ's
 * @list: in kv_link.jobs
 * @opcode: of its completion
 * @silent: unsignalled: completes only when it fails
 * @loop: posted again from its completion, until it fails
 * @freed: a LOCAL_INV's: poisoned in the moment in which it completes
 * @error: from posting
 * @posted: times that it was posted
 * @done: times that it completed
 * @softirq: completed in softirq context
 * @wc: the last completion
 * @sge: what it is about
 * @rdma: RDMA and Send, and LOCAL_INV
 * @reg: REG_MR
 * @recv: receive
 */
struct kv_job {
	struct ib_cqe cqe;
	struct kv_end *end;
	struct list_head list;
	enum ib_wc_opcode opcode;
	bool silent;
	bool loop;
	struct kv_region *freed;
	int error;
	atomic_t posted;
	atomic_t done;
	bool softirq;
	struct ib_wc wc;
	struct ib_sge sge;
	union {
		struct ib_rdma_wr rdma;
		struct ib_reg_wr reg;
		struct ib_recv_wr recv;
	};
};

/**
 * struct kv_region - memory for fast registration, in pages that do not follow each other
 * @mr: the MR
 * @dev: its device
 * @pages: @count of them
 * @sg: of @pages
 * @count: pages
 * @offset: of the first octet in the first page
 * @bytes: in all
 */
struct kv_region {
	struct ib_mr *mr;
	struct ib_device *dev;
	struct page **pages;
	struct scatterlist *sg;
	u32 count;
	u32 offset;
	u32 bytes;
};

extern wait_queue_head_t kv_happened;

#define kv_happens(cond)	wait_event_timeout(kv_happened, cond, KV_TIMEOUT)

/* 0, or an errno after a line in the log */
#define kv_expect(cond)		((cond) ? 0 : kv_wrong(__func__, __LINE__, #cond))
#define kv_await(job, status)	kv_await_at(__func__, __LINE__, job, status)
#define kv_do(job, status)	kv_await(kv_post(job), status)

/* kverbs_link.c */
int kv_wrong(const char *where, int line, const char *what);
int kv_world_open(struct kv_world *w);
void kv_world_close(struct kv_world *w);
struct kv_link *kv_link_open(struct kv_world *w, enum ib_poll_context poll, struct ib_srq *srq);
int kv_link_close(struct kv_link *l, int err);

/* kverbs_job.c: NULL stands for a job that there was no memory for. */
struct kv_job *kv_job_new(struct kv_end *end, enum ib_wc_opcode opcode);
struct kv_job *kv_rdma(struct kv_end *end, enum ib_wr_opcode opcode, struct ib_sge sge,
		       u64 addr, u32 rkey);
struct kv_job *kv_send(struct kv_end *end, u8 seed);
struct kv_job *kv_send_inv(struct kv_end *end, u32 rkey);
struct kv_job *kv_recv(struct kv_end *end);
struct kv_job *kv_reg(struct kv_end *end, struct kv_region *r, int access);
struct kv_job *kv_inv(struct kv_end *end, u32 rkey);
struct kv_job *kv_post(struct kv_job *job);
bool kv_job_over(struct kv_job *job);
bool kv_job_wait(struct kv_job *job);
int kv_await_at(const char *where, int line, struct kv_job *job, enum ib_wc_status status);
int kv_tell(struct kv_end *from, struct kv_end *to, u8 seed);

static inline struct kv_end *kv_other(struct kv_end *end)
{
	return end == &end->link->owner ? &end->link->peer : &end->link->owner;
}

static inline struct ib_sge kv_sge(struct kv_end *end, u32 at, u32 len)
{
	return (struct ib_sge){
		.addr = end->dma + at, .length = len,
		.lkey = end->link->pd->local_dma_lkey,
	};
}

/* kverbs_region.c */
u8 kv_pattern(u8 seed, u32 at);
int kv_region_make(struct kv_region *r, struct ib_pd *pd, u32 count, u32 offset, u32 cut);
void kv_region_free(struct kv_region *r);
int kv_region_renew(struct kv_region *r);
void kv_region_fill(struct kv_region *r, u8 seed);
void kv_region_poison(struct kv_region *r);
bool kv_region_poisoned(struct kv_region *r);
bool kv_region_holds(struct kv_region *r, u8 seed, u32 from, u32 to);
bool kv_region_bordered(struct kv_region *r);

/* kverbs_stag.c */
int kv_test_unregistered(struct kv_world *w);
int kv_test_registered(struct kv_world *w);
int kv_test_chain(struct kv_world *w);
int kv_test_renewed(struct kv_world *w);
int kv_test_access(struct kv_world *w);
int kv_test_bounds(struct kv_world *w);
int kv_test_invalidated(struct kv_world *w);
int kv_test_unknown(struct kv_world *w);
int kv_test_valid(struct kv_world *w);
int kv_test_send_inv(struct kv_world *w);
int kv_test_read_inv(struct kv_world *w);
int kv_test_other_pd(struct kv_world *w);
int kv_test_race(struct kv_world *w);
int kv_test_flushed(struct kv_world *w);
int kv_test_remap(struct kv_world *w);

/* kverbs_queue.c */
int kv_test_polled(struct kv_world *w);
int kv_test_drain(struct kv_world *w);
int kv_test_drain_srq(struct kv_world *w);
int kv_test_srq(struct kv_world *w);
int kv_test_resized(struct kv_world *w);
int kv_test_resized_busy(struct kv_world *w);

/* kverbs_limits.c */
int kv_test_full(struct kv_world *w);
int kv_test_gathered(struct kv_world *w);
int kv_test_inlined(struct kv_world *w);

#endif
