/* SPDX-License-Identifier: GPL-2.0 */
/*
 * siw: an iWARP device on any network interface.
 *
 * Locks, outermost first:
 *   siw_qp.mutex    a QP's attach, start, stop and state changes
 *   stream lock     lock_sock() or bottom half lock of the QP's TCP socket:
 *                   struct core_qp, the receive queue's consumer, siw_stream
 *   siw_qp.lock     siw_qp.{state,ep,sk}
 *   siw_recv_queue.lock  posts of kernel consumers; an SRQ
 *   siw_cq.lock     a completion queue
 */
#ifndef SIW_H
#define SIW_H

#include <linux/bvec.h>
#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <rdma/ib_verbs.h>
#include <rdma/siw-abi.h>
#include "iwarp_cm.h"
#include "compat.h"
#include "core.h"

#define SIW_MAX_QP		0x100000
#define SIW_MAX_QP_WR		0x8000
#define SIW_MAX_SRQ		0x100000
#define SIW_MAX_SRQ_WR		0x8000
#define SIW_MAX_CQ		0x100000
#define SIW_MAX_CQE		0x200000
#define SIW_MAX_MR		0xfffffe
#define SIW_MAX_FAST_REG	2048
#define SIW_MAX_PD		0x100000
#define SIW_MAX_IRD		128
#define SIW_MAX_ORD		128
#define SIW_MAX_SGE_RD		1
#define SIW_MAX_MESSAGE		0x80000000u

#define SIW_GID_LEN		16
#define SIW_MIN_FPDU		512
/* Mainline's siw says so too. */
#define SIW_VENDOR_ID		0x626d74
#define SIW_DEFAULT_ULPDU	65534
#define SIW_DEFAULT_RTR_REPEATS	2
#define SIW_MAX_RTR_REPEATS	10

struct siw_device;
struct siw_qp;

enum siw_direction {
	SIW_TX,
	SIW_RX,
	SIW_DIRECTIONS
};

/* RDMAP opcodes that are counted each by itself */
#define SIW_OPCODES	(RDMAP_TERMINATE + 1)

/**
 * struct siw_traffic - what a CPU has counted
 * @fpdus: FPDUs, by direction
 * @messages: RDMAP messages that were whole, by direction and opcode
 * @bytes: octets of payload, likewise
 */
struct siw_traffic {
	u64 fpdus[SIW_DIRECTIONS];
	u64 messages[SIW_DIRECTIONS][SIW_OPCODES];
	u64 bytes[SIW_DIRECTIONS][SIW_OPCODES];
};

/* What a Terminate is about: its layer and error type */
enum siw_term_cause {
	SIW_TERM_RDMAP_LOCAL,
	SIW_TERM_RDMAP_PROTECTION,
	SIW_TERM_RDMAP_OPERATION,
	SIW_TERM_DDP_LOCAL,
	SIW_TERM_DDP_TAGGED,
	SIW_TERM_DDP_UNTAGGED,
	SIW_TERM_LLP,
	SIW_TERM_UNKNOWN,
	SIW_TERM_CAUSES
};

/**
 * struct siw_counters - what a device has seen that is rare
 */
struct siw_counters {
	atomic64_t crc_errors;		/* FPDUs */
	atomic64_t terminates[SIW_DIRECTIONS][SIW_TERM_CAUSES];
	atomic64_t streams_failed;	/* streams that ended in an error */
	atomic64_t no_memory;		/* times that output waited for memory */
	atomic64_t cq_overflows;	/* completions that were lost */
	atomic64_t rtr_repeats;		/* RTRs that were sent again */
	atomic64_t tcp_retransmits;	/* segments, on streams that have ended */
};

/**
 * struct siw_device - one interface's RDMA device
 * @ibdev: embedded ib_device; owns this object
 * @cm: what the connection manager knows of it
 * @netdev: held from creation to dealloc_driver
 * @active: what the port's consumers were told last; under rtnl
 * @enabled: it was there for consumers before; under rtnl
 * @max_ulpdu: longest ULPDU to send, a setting; read when a stream starts
 * @rtr_repeats: how often an RTR is repeated, a setting; read when a stream starts
 * @gid: the interface's address, then zeros (6.1's rdma_cm looks for that); one of
 *	our own if it has none
 * @qps: QP number -> struct siw_qp; its lock is taken with interrupts off
 * @regions: STag index -> struct core_region, read under RCU
 * @next_qpn: cursor of @qps
 * @next_region: cursor of @regions
 * @local: what the local DMA lkey means for kernel consumers
 * @counters: see there
 * @traffic: see there
 */
struct siw_device {
	struct ib_device ibdev;
	struct iwarp_device cm;
	struct net_device *netdev;
	bool active;
	bool enabled;
	u32 max_ulpdu;
	u32 rtr_repeats;
	u8 gid[SIW_GID_LEN];
	struct xarray qps;
	struct xarray regions;
	u32 next_qpn;
	u32 next_region;
	struct core_region *local;
	struct siw_counters counters;
	struct siw_traffic __percpu *traffic;
};

struct siw_ucontext {
	struct ib_ucontext base;
};

struct siw_pd {
	struct ib_pd base;
};

/* A ring that an application may map; freed with its last mapping. */
struct siw_mmap {
	struct rdma_user_mmap_entry rdma;
	void *ring;
};

/**
 * struct siw_cq - a completion queue
 * @base: embedded ib_cq; owns this object
 * @lock: @put, @get, the ring's producer, and which ring it is; taken in any context
 * @ring: @size entries; mapped by a user consumer, whose @ctrl comes behind them
 * @ctrl: how the consumer wants to be woken; a user consumer writes it
 * @kernel_ctrl: a kernel consumer's @ctrl, which stays when the ring is another
 * @entry: the mapping, for a user consumer
 * @size: entries, a power of two
 * @put: next entry to write, counts up for ever
 * @get: next entry to poll, kernel consumers only
 * @kernel: a kernel consumer
 * @overflow: an entry was lost, which the consumer is told once
 * @tell: something to tell the consumer: completions, or the overflow
 * @notify: calls the consumer's handler, one at a time, in softirq context and
 *	never from within a verbs call
 */
struct siw_cq {
	struct ib_cq base;
	spinlock_t lock;	/* put, get, producing, ring and size */
	struct siw_cqe *ring;
	struct siw_cq_ctrl *ctrl;
	struct siw_cq_ctrl kernel_ctrl;
	struct siw_mmap *entry;
	u32 size;
	u32 put;
	u32 get;
	bool kernel;
	bool overflow;
	unsigned long tell;
	struct tasklet_struct notify;
};

#define SIW_CQ_TELL_COMPLETION	0
#define SIW_CQ_TELL_OVERFLOW	1

enum siw_qp_state {
	SIW_QP_IDLE,		/* RESET, INIT and RTR */
	SIW_QP_RTS,
	SIW_QP_CLOSING,		/* SQD was asked for */
	SIW_QP_ERROR,
};

/**
 * struct siw_recv_queue - receive WQEs in a ring that the application writes
 * @ring: @size entries
 * @entry: the mapping, for a user consumer
 * @size: entries, a power of two; 0: none
 * @get: next entry to fetch; @lock for an SRQ's, else the stream lock, or
 *	siw_qp.mutex without a stream
 * @put: next entry to post, kernel consumers only, under @lock
 * @lock: kernel consumers' posts, in any context
 */
struct siw_recv_queue {
	struct siw_rqe *ring;
	struct siw_mmap *entry;
	u32 size;
	u32 get;
	u32 put;
	spinlock_t lock;	/* put; an SRQ's get */
};

/**
 * struct siw_srq - a shared receive queue
 * @base: embedded ib_srq; owns this object
 * @rq: its lock protects @limit as well
 * @limit: the consumer hears when fewer WQEs are left; 0: not armed
 * @kernel: a kernel consumer
 * @tell: calls the consumer's handler
 */
struct siw_srq {
	struct ib_srq base;
	struct siw_recv_queue rq;
	u32 limit;
	bool kernel;
	struct work_struct tell;
};

#define SIW_TX_SEGMENTS		16

/**
 * struct siw_stream - a QP's TCP socket; everything under the stream lock
 * @segs: octets made by core_transmit() that TCP has not taken
 * @first: first of @segs in use
 * @count: how many of @segs are in use
 * @bytes: octets in them
 * @sending: output is being made; whoever comes meanwhile sets @again
 * @again: look for more to send before leaving
 * @failing: the core has failed, and has until @fail_by to say so to the peer
 * @fail_by: jiffies
 * @close_by: in SIW_QP_CLOSING, how long it may take to get there; jiffies
 * @tell_drained: the consumer wants SQ_DRAINED when SIW_QP_CLOSING is through
 * @told_closing: IWARP_QP_CLOSING was reported
 * @posting: the application does little but post, and what it posts is gathered for
 *	a moment; read without lock
 * @gather: for how long, in ns; read without lock
 * @asked: there were RDMA Reads under way when what was posted was last sent
 * @idle: how often in a row gathering was of no use
 * @busy: doorbells in a row that speak for it
 * @hesitation: how many it takes
 * @heard: what had come from the peer by then, by TCP's sequence number
 * @sleeps: how often the application had slept then
 * @rtr_repeats: how often the RTR is still to be repeated
 * @rtr_by: when, if no FPDU comes before; jiffies
 * @data_ready: the socket's own callback
 * @write_space: the socket's own callback
 * @state_change: the socket's own callback
 * @error_report: the socket's own callback
 */
struct siw_stream {
	struct bio_vec segs[SIW_TX_SEGMENTS];
	u8 first;
	u8 count;
	u32 bytes;
	bool sending;
	bool again;
	bool failing;
	bool tell_drained;
	bool told_closing;
	bool posting;
	bool asked;
	u32 gather;
	u8 idle;
	u16 busy;
	u16 hesitation;
	u32 heard;
	unsigned long sleeps;
	u8 rtr_repeats;
	unsigned long rtr_by;
	unsigned long fail_by;
	unsigned long close_by;
	void (*data_ready)(struct sock *sk);
	void (*write_space)(struct sock *sk);
	void (*state_change)(struct sock *sk);
	void (*error_report)(struct sock *sk);
};

/**
 * struct siw_qp - a queue pair
 * @base: embedded ib_qp
 * @dev: its device
 * @core: rings and stream state; stream lock, or @mutex without a stream
 * @scq: send completions
 * @rcq: receive completions
 * @rq: receive queue, none with an SRQ
 * @srq: shared receive queue, or NULL
 * @last_wqe: the consumer has heard, or is not to hear, that nothing more is
 *	taken from @srq; under @mutex
 * @sq_entry: mapping of core.sq, for a user consumer
 * @sq_lock: kernel consumers' posts to the send queue, and queueing @work; in any context
 * @sq_put: next entry of the send queue to post, kernel consumers only
 * @sig_all: every send WQE is signalled
 * @kernel: a kernel consumer
 * @destroyed: destroy has begun; what is posted from here on may stay unflushed
 * @refs: one for the verbs object, one for each of siw_qp_find()'s, and @work's
 * @unused: completed by the last reference; destroy waits for it
 * @mutex: attach, start, stop, state changes
 * @lock: @state, @ep and @sk; bottom halves off
 * @state: where the QP is
 * @attr_state: what IDLE is called: RESET, INIT or RTR
 * @access: qp_access_flags as set
 * @ep: connection manager's endpoint, from attach to stop
 * @sk: the stream's socket, from start to stop
 * @initiator: this side sent the MPA request
 * @event: an asynchronous event to raise when the stream has stopped, or -1
 * @stream: output state and saved callbacks
 * @work: makes output, or flushes, for those who may not lock a socket
 * @gather: the same for an application that is busy posting; has no reference, since
 *	only doorbells start it
 */
struct siw_qp {
	struct ib_qp base;
	struct siw_device *dev;
	struct core_qp core;
	struct siw_cq *scq;
	struct siw_cq *rcq;
	struct siw_recv_queue rq;
	struct siw_srq *srq;
	bool last_wqe;
	struct siw_mmap *sq_entry;
	spinlock_t sq_lock;	/* sq_put, queueing work */
	u32 sq_put;
	bool sig_all;
	bool kernel;
	bool destroyed;
	refcount_t refs;
	struct completion unused;
	struct mutex mutex;	/* attach, start, stop, state changes */
	spinlock_t lock;	/* state, ep, sk */
	enum siw_qp_state state;
	enum ib_qp_state attr_state;
	int access;
	struct iwarp_endpoint *ep;
	struct sock *sk;
	bool initiator;
	int event;
	struct siw_stream stream;
	struct delayed_work work;
	struct hrtimer gather;
};

static inline struct siw_device *to_siw_dev(struct ib_device *ibdev)
{
	return container_of(ibdev, struct siw_device, ibdev);
}

static inline struct siw_qp *to_siw_qp(struct ib_qp *qp)
{
	return container_of(qp, struct siw_qp, base);
}

static inline struct siw_srq *to_siw_srq(struct ib_srq *srq)
{
	return container_of(srq, struct siw_srq, base);
}

static inline struct siw_cq *to_siw_cq(struct ib_cq *cq)
{
	return container_of(cq, struct siw_cq, base);
}

static inline struct siw_qp *core_to_siw_qp(struct core_qp *core)
{
	return container_of(core, struct siw_qp, core);
}

/* device.c */
struct siw_device *siw_device_create(struct net_device *netdev,
				     const struct iwarp_transport_ops *transport);
int siw_device_register(struct siw_device *dev, const char *name);
int siw_device_enable(struct ib_device *ibdev);
void siw_device_dealloc(struct ib_device *ibdev);
bool siw_device_active(const struct siw_device *dev);
const char *siw_device_enslaved(struct net_device *netdev);
int siw_device_obstacle(struct net_device *netdev, const char **why);
void siw_device_speed(struct siw_device *dev, u16 *speed, u8 *width);

/* folder.c */
int siw_folder_init(void);
void siw_folder_exit(void);
void siw_folder_rename(struct ib_device *ibdev, const char *old);

/* settings.c */
extern const struct attribute_group siw_settings_group;
extern const char * const siw_rtr_names[];

/* stats.c */
struct rdma_hw_stats *siw_alloc_stats(struct ib_device *ibdev, u32 port);
int siw_get_stats(struct ib_device *ibdev, struct rdma_hw_stats *stats,
		  u32 port, int index);
void siw_stats_fpdu(struct siw_device *dev, enum siw_direction dir,
		    const struct iwarp_ctrl *ctrl);
void siw_stats_terminate(struct siw_device *dev, enum siw_direction dir,
			 const struct core_term *term);

/* resource.c */
int siw_fill_res_qp(struct sk_buff *msg, struct ib_qp *base);
int siw_fill_res_cq(struct sk_buff *msg, struct ib_cq *base);
int siw_fill_res_mr(struct sk_buff *msg, struct ib_mr *base);
int siw_fill_res_cm_id(struct sk_buff *msg, struct rdma_cm_id *id);

/* verbs.c */
extern const struct ib_device_ops siw_device_ops;
void *siw_ring_alloc(struct ib_ucontext *uctx, size_t size,
		     struct siw_mmap **entry, u64 *key);
void siw_ring_free(struct siw_mmap *entry, void *ring);

/* Of a ring: a power of two, for indexes that wrap, and never nothing */
static inline u32 siw_ring_size(u32 wr)
{
	return roundup_pow_of_two(max(wr, 1u));
}

/* qp.c */
int siw_create_qp(struct ib_qp *base, struct ib_qp_init_attr *attr,
		  struct ib_udata *udata);
int siw_destroy_qp(struct ib_qp *base, struct ib_udata *udata);
int siw_modify_qp(struct ib_qp *base, struct ib_qp_attr *attr, int mask,
		  struct ib_udata *udata);
int siw_query_qp(struct ib_qp *base, struct ib_qp_attr *attr, int mask,
		 struct ib_qp_init_attr *init);
void siw_qp_add_ref(struct ib_qp *base);
void siw_qp_put(struct ib_qp *base);
struct ib_qp *siw_qp_find(struct ib_device *ibdev, int qpn);
void siw_qp_report(struct siw_qp *qp, enum iwarp_qp_event event);
void siw_qp_flush(struct siw_qp *qp);
bool siw_qp_refuse_posts(struct siw_qp *qp);
void siw_qp_doorbell(struct siw_qp *qp);
void siw_qp_queue_work(struct siw_qp *qp, unsigned long delay);
void siw_qp_work(struct work_struct *work);
extern const struct iwarp_qp_ops siw_qp_cm_ops;
extern struct workqueue_struct *siw_wq;

/* stream.c */
struct sock *siw_stream_lock(struct siw_qp *qp);
void siw_stream_unlock(struct sock *sk);
void siw_stream_attach(struct siw_qp *qp, struct sock *sk);
bool siw_stream_detach(struct siw_qp *qp, struct sock *sk);
void siw_stream_receive(struct siw_qp *qp, struct sock *sk);
void siw_stream_repeat_rtr(struct siw_qp *qp);
void siw_stream_transmit(struct siw_qp *qp, struct sock *sk);
void siw_stream_transmit_posted(struct siw_qp *qp, struct sock *sk);
bool siw_stream_transmit_gathered(struct siw_qp *qp);
void siw_stream_fail(struct siw_qp *qp, enum iwarp_qp_event event);
void siw_stream_exit(void);

/* recv.c */
int siw_rq_alloc(struct siw_recv_queue *rq, u32 wr, struct ib_ucontext *uctx,
		 u64 *key);
void siw_rq_free(struct siw_recv_queue *rq);
bool siw_rq_fetch(struct siw_recv_queue *rq, struct siw_rqe *rqe);
bool siw_rq_holds(struct siw_recv_queue *rq, u32 count);
int siw_rq_post(struct siw_recv_queue *rq, const struct ib_recv_wr *wr,
		const struct ib_recv_wr **bad);

/* srq.c */
int siw_create_srq(struct ib_srq *base, struct ib_srq_init_attr *init,
		   struct ib_udata *udata);
int siw_modify_srq(struct ib_srq *base, struct ib_srq_attr *attr,
		   enum ib_srq_attr_mask mask, struct ib_udata *udata);
int siw_query_srq(struct ib_srq *base, struct ib_srq_attr *attr);
int siw_destroy_srq(struct ib_srq *base, struct ib_udata *udata);
int siw_post_srq_recv(struct ib_srq *base, const struct ib_recv_wr *wr,
		      const struct ib_recv_wr **bad);
bool siw_srq_fetch(struct siw_srq *srq, struct siw_rqe *rqe);

/* post.c */
void siw_put_sges(struct siw_sge *to, const struct ib_sge *from, int num);
int siw_post_send(struct ib_qp *base, const struct ib_send_wr *wr,
		  const struct ib_send_wr **bad);
int siw_post_recv(struct ib_qp *base, const struct ib_recv_wr *wr,
		  const struct ib_recv_wr **bad);

/* cq.c */
int siw_create_cq(struct ib_cq *base, const struct ib_cq_init_attr *attr,
		  compat_create_cq_arg *arg);
int siw_resize_cq(struct ib_cq *base, int cqe, struct ib_udata *udata);
int siw_quiet_cq(struct ib_cq *base);
int siw_destroy_cq(struct ib_cq *base, struct ib_udata *udata);
int siw_poll_cq(struct ib_cq *base, int num, struct ib_wc *wc);
int siw_req_notify_cq(struct ib_cq *base, enum ib_cq_notify_flags flags);
void siw_cq_wake(struct siw_cq *cq);
void siw_cq_add(struct siw_cq *cq, struct siw_qp *qp,
		const struct core_completion *c);

/* dmabuf.c */
struct ib_mr *siw_reg_user_mr_dmabuf(struct ib_pd *pd, u64 offset, u64 length, u64 virt, int fd,
				     int access, compat_reg_dmabuf_arg *arg);

/* region.c */
struct ib_mr *siw_reg_user_mr(struct ib_pd *pd, u64 start, u64 length,
			      u64 virt, int access, struct ib_udata *udata);
struct ib_mr *siw_get_dma_mr(struct ib_pd *pd, int access);
struct ib_mr *siw_alloc_mr(struct ib_pd *pd, enum ib_mr_type type, u32 max_num_sg);
int siw_map_mr_sg(struct ib_mr *base, struct scatterlist *sg, int num,
		  unsigned int *offset);
struct ib_mr *siw_rereg_user_mr(struct ib_mr *base, int flags, u64 start, u64 length, u64 virt,
				int access, struct ib_pd *pd, struct ib_udata *udata);
int siw_dereg_mr(struct ib_mr *base, struct ib_udata *udata);
int siw_region_init(struct siw_device *dev);
void siw_region_exit(struct siw_device *dev);

#endif
