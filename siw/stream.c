// SPDX-License-Identifier: GPL-2.0
/*
 * A QP's TCP socket. Everything here runs under the socket's lock, owned by a
 * process or held by a bottom half; the callbacks below are called that way.
 *
 * Output is made by whoever finds work and room: the doorbell, an
 * ACK that frees send buffer, a request that arrives. It goes from
 * the application's memory into pages of the CPU's own, many FPDUs and work
 * requests at a time, and from there to TCP without another copy.
 */
#include <linux/skbuff.h>
#include <net/sock.h>
#include <net/tcp.h>
#include "siw.h"
#include "trace.h"

#define TX_BATCH		(128 * 1024)
#define TX_MIN_ROOM		256
#define TX_RETRY		(HZ / 100 + 1)
#define TX_TERMINATE_WAIT	(5 * HZ)
#define TX_RTR_WAIT		(HZ / 10)

/*
 * For how long posts are gathered, in ns: less and less as long as the queue is full by
 * then, since libsiw does not ring for what it writes meanwhile
 */
#define TX_GATHER_LEAST		(5 * NSEC_PER_USEC)
#define TX_GATHER_MOST		(50 * NSEC_PER_USEC)

/*
 * Doorbells in a row before posts are gathered, what must be found then for that to be
 * of use, and how often in a row there may be less
 */
#define TX_POSTING		16
#define TX_POSTING_MAX		4096
#define TX_MANY			2
#define TX_PATIENCE		128

/*
 * Room for the FPDU that is waited for and another, in segments that are small
 * beside what their skbs cost
 */
#define RX_MIN_BUFFER		(16 * 65536)

/* Pages that output is made in; bottom halves off while one is used */
static DEFINE_PER_CPU(struct page_frag, tx_frag);

/* The socket, with a reference, or NULL */
static struct sock *stream_hold(struct siw_qp *qp)
{
	struct sock *sk;

	spin_lock_bh(&qp->lock);
	sk = qp->sk;
	if (sk)
		sock_hold(sk);
	spin_unlock_bh(&qp->lock);
	return sk;
}

/**
 * siw_stream_lock() - lock a QP's stream, if it has one
 * @qp: the QP
 *
 * Context: sleeping.
 * Return: the socket, for siw_stream_unlock(), or NULL.
 */
struct sock *siw_stream_lock(struct siw_qp *qp)
{
	struct sock *sk = stream_hold(qp);

	if (!sk)
		return NULL;
	lock_sock(sk);
	if (READ_ONCE(qp->sk) == sk)
		return sk;
	siw_stream_unlock(sk);
	return NULL;
}

/* Does the peer know of less than half of the window that it may have, most of which is free? */
static bool stream_window_stale(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	int space = tcp_space(sk);

	return sk->sk_state == TCP_ESTABLISHED && space >= tcp_full_space(sk) / 2 &&
	       min_t(u32, space, tp->rcv_ssthresh) / 2 >= tcp_receive_window(tp);
}

/**
 * siw_stream_unlock() - let others have the stream again
 * @sk: the socket, with a reference, which is put
 *
 * TCP gives us now what came meanwhile, its backlog. As long as it does, it takes all of
 * the backlog for unread (tcp_space()), and so shows the peer a small window or none, of
 * which nobody would tell it the end before its TCP asks, in 200 ms.
 *
 * Context: sleeping.
 */
void siw_stream_unlock(struct sock *sk)
{
	release_sock(sk);
	if (stream_window_stale(sk)) {
		spin_lock_bh(&sk->sk_lock.slock);
		if (!sock_owned_by_user(sk) && stream_window_stale(sk))
			compat_tcp_send_ack(sk);
		spin_unlock_bh(&sk->sk_lock.slock);
	}
	sock_put(sk);
}

static void tx_drop(struct siw_stream *s)
{
	while (s->count) {
		put_page(s->segs[s->first].bv_page);
		s->first++;
		s->count--;
	}
	s->bytes = 0;
}

/**
 * siw_stream_fail() - the stream is over
 * @qp: the QP
 * @event: IWARP_QP_ERROR or IWARP_QP_TERMINATED
 *
 * Flushes, and leaves the socket to the connection manager.
 *
 * Context: stream lock.
 */
void siw_stream_fail(struct siw_qp *qp, enum iwarp_qp_event event)
{
	spin_lock_bh(&qp->lock);
	WRITE_ONCE(qp->state, SIW_QP_ERROR);
	spin_unlock_bh(&qp->lock);

	siw_qp_flush(qp);
	siw_qp_report(qp, event);
}

/* It was not the application that wanted it. */
static void stream_broke(struct siw_qp *qp, enum iwarp_qp_event event)
{
	atomic64_inc(&qp->dev->counters.streams_failed);
	siw_stream_fail(qp, event);
}

/* Makes output until the batch is full; false when memory ran out. */
static bool tx_fill(struct siw_qp *qp)
{
	struct siw_stream *s = &qp->stream;
	struct page_frag *frag;
	bool ok = true;

	s->first = 0;
	local_bh_disable();
	frag = this_cpu_ptr(&tx_frag);
	while (s->count < SIW_TX_SEGMENTS && s->bytes < TX_BATCH) {
		u32 room, n;

		if (!skb_page_frag_refill(TX_MIN_ROOM, frag,
					  GFP_ATOMIC | __GFP_NOWARN)) {
			ok = s->count;
			break;
		}
		room = frag->size - frag->offset;
		n = core_transmit(&qp->core, page_address(frag->page) +
				  frag->offset, room);
		if (n) {
			struct bio_vec *seg = &s->segs[s->count++];

			bvec_set_page(seg, frag->page, n, frag->offset);
			get_page(frag->page);
			frag->offset += n;
			s->bytes += n;
		}
		if (n < room)
			break;
	}
	local_bh_enable();
	return ok;
}

/* Gives what is made to TCP; 0 when it has taken all. */
static int tx_push(struct siw_stream *s, struct sock *sk)
{
	while (s->count) {
		ssize_t n = compat_tcp_splice(sk, &s->segs[s->first], s->count,
					      s->bytes);

		if (n <= 0)
			return n ? n : -EAGAIN;
		s->bytes -= n;
		while (n) {
			struct bio_vec *seg = &s->segs[s->first];

			if (n < seg->bv_len) {
				seg->bv_offset += n;
				seg->bv_len -= n;
				break;
			}
			n -= seg->bv_len;
			put_page(seg->bv_page);
			s->first++;
			s->count--;
		}
	}
	return 0;
}

/*
 * What is made goes out past the send buffer's limit: of work requests that have completed
 * with success it may be the only copy, and nobody waits for room any more. A peer that
 * has sent a Terminate takes nothing.
 *
 * Short of memory, TCP lowers the limit again with each packet that it takes.
 */
static bool tx_push_last(struct siw_qp *qp, struct sock *sk)
{
	const int more = 2 * TX_BATCH;
	struct siw_stream *s = &qp->stream;
	u32 left = U32_MAX;
	int err = -EAGAIN;

	WRITE_ONCE(tcp_sk(sk)->notsent_lowat, U32_MAX);
	while (err == -EAGAIN && s->bytes < left && !qp->core.peer_term) {
		int most = max(sk->sk_sndbuf, sk->sk_wmem_queued);

		left = s->bytes;
		WRITE_ONCE(sk->sk_sndbuf, min(most, INT_MAX - more) + more);
		err = tx_push(s, sk);
	}
	tx_drop(s);
	return !err || qp->core.peer_term;
}

static void tx_wait_for_room(struct sock *sk)
{
	if (sk->sk_socket)
		set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
}

/* A peer that does not read has a while to make room for its Terminate. */
static bool tx_may_still_terminate(struct siw_qp *qp)
{
	struct siw_stream *s = &qp->stream;

	if (qp->core.broken)
		return false;
	if (!s->failing) {
		s->failing = true;
		s->fail_by = jiffies + TX_TERMINATE_WAIT;
	}
	if (time_after_eq(jiffies, s->fail_by))
		return false;
	siw_qp_queue_work(qp, s->fail_by - jiffies);
	return true;
}

/* Memory that the peer may not touch is refused by DDP or by RDMAP. */
static int term_event(const struct core_term *term)
{
	if (term->layer == TERM_LAYER_RDMAP && term->etype == TERM_RDMAP_PROTECTION)
		return IB_EVENT_QP_ACCESS_ERR;
	if (term->layer == TERM_LAYER_DDP && term->etype == TERM_DDP_TAGGED &&
	    term->ecode != TERM_DDP_T_VERSION)
		return IB_EVENT_QP_ACCESS_ERR;
	return IB_EVENT_QP_FATAL;
}

/* The core gave up, for a reason of the peer's, the application's or its own. */
static void tx_core_failed(struct siw_qp *qp, bool sent)
{
	bool terminated = qp->core.tx.closed && !qp->core.broken;

	if (qp->event < 0)
		qp->event = term_event(&qp->core.tx.term);
	stream_broke(qp, terminated && sent ? IWARP_QP_TERMINATED :
					      IWARP_QP_ERROR);
}

static void tx_run(struct siw_qp *qp, struct sock *sk)
{
	struct siw_stream *s = &qp->stream;
	int err;

	for (;;) {
		err = tx_push(s, sk);
		if (err)
			break;
		/* A Terminate may exceed the send buffer: nothing follows it. */
		if (!sk_stream_memory_free(sk) &&
		    (!qp->core.tx.term_pending || core_answers_owed(&qp->core))) {
			err = -EAGAIN;
			break;
		}
		if (!tx_fill(qp)) {
			atomic64_inc(&qp->dev->counters.no_memory);
			siw_qp_queue_work(qp, TX_RETRY);
			return;
		}
		if (!s->count)
			break;
	}

	if (qp->state == SIW_QP_ERROR)
		return;
	if (err == -EAGAIN && (!qp->core.error || tx_may_still_terminate(qp))) {
		tx_wait_for_room(sk);
		/* No ACK will come: TCP itself was out of memory. */
		if (tcp_rtx_and_write_queues_empty(sk))
			siw_qp_queue_work(qp, TX_RETRY);
		return;
	}
	if (qp->core.error) {
		tx_core_failed(qp, !err);
		return;
	}
	if (err)
		stream_broke(qp, IWARP_QP_ERROR);
}

/**
 * siw_stream_repeat_rtr() - have the RTR repeated until the peer says something
 * @qp: the QP
 *
 * Mainline's siw (6.12, siw_accept()) answers the MPA request first and only
 * then has itself told of what comes: an RTR that is faster stays in its
 * socket, with all that follows before, until something more comes. A peer
 * that has seen it loses nothing by a second one.
 *
 * Context: stream lock.
 */
void siw_stream_repeat_rtr(struct siw_qp *qp)
{
	struct siw_stream *s = &qp->stream;

	s->rtr_repeats = READ_ONCE(qp->dev->rtr_repeats);
	s->rtr_by = jiffies + TX_RTR_WAIT;
}

static void tx_repeat_rtr(struct siw_qp *qp)
{
	struct siw_stream *s = &qp->stream;

	if (!qp->core.rx.first) {
		s->rtr_repeats = 0;
		return;
	}
	if (time_after_eq(jiffies, s->rtr_by)) {
		s->rtr_repeats--;
		s->rtr_by = jiffies + 2 * TX_RTR_WAIT;
		core_repeat_rtr(&qp->core);
		atomic64_inc(&qp->dev->counters.rtr_repeats);
	}
	if (s->rtr_repeats)
		siw_qp_queue_work(qp, s->rtr_by - jiffies);
}

/* SQD was asked for: is all sent and answered, or the time for it over? */
static void tx_closing(struct siw_qp *qp)
{
	struct siw_stream *s = &qp->stream;

	if (s->told_closing)
		return;
	if (!s->count && core_transmit_idle(&qp->core)) {
		s->told_closing = true;
		if (s->tell_drained)
			qp->event = IB_EVENT_SQ_DRAINED;
		siw_qp_report(qp, IWARP_QP_CLOSING);
	} else if (time_after_eq(jiffies, s->close_by)) {
		stream_broke(qp, IWARP_QP_ERROR);
	} else {
		siw_qp_queue_work(qp, s->close_by - jiffies);
	}
}

/**
 * siw_stream_transmit() - send what there is to send, as far as there is room
 * @qp: the QP
 * @sk: its socket
 *
 * TCP may take packets from the socket's backlog in the middle of a send, and
 * so call back: that caller leaves its work to the one that is sending.
 *
 * Context: stream lock.
 */
void siw_stream_transmit(struct siw_qp *qp, struct sock *sk)
{
	struct siw_stream *s = &qp->stream;

	if (s->sending) {
		s->again = true;
		return;
	}
	s->sending = true;
	if (s->rtr_repeats && qp->state != SIW_QP_ERROR)
		tx_repeat_rtr(qp);
	do {
		s->again = false;
		if (qp->state == SIW_QP_ERROR)
			break;
		tx_run(qp, sk);
	} while (s->again);
	s->sending = false;
	if (qp->state == SIW_QP_CLOSING)
		tx_closing(qp);
}

/* Has the peer said something of its own? After an RDMA Read it is nothing but the response. */
static bool tx_answered(const struct siw_stream *s, const struct sock *sk)
{
	return s->heard != tcp_sk(sk)->rcv_nxt && !s->asked;
}

static void tx_posted(struct siw_qp *qp, struct sock *sk)
{
	struct siw_stream *s = &qp->stream;
	u32 reads = qp->core.orq_put;

	siw_stream_transmit(qp, sk);
	s->asked = qp->core.orq_put != reads || core_reads_outstanding(&qp->core);
	s->heard = tcp_sk(sk)->rcv_nxt;
}

/**
 * siw_stream_transmit_posted() - siw_stream_transmit() for a doorbell
 * @qp: the QP
 * @sk: its socket
 *
 * Context: stream lock, a process.
 */
void siw_stream_transmit_posted(struct siw_qp *qp, struct sock *sk)
{
	struct siw_stream *s = &qp->stream;

	if (s->sleeps != current->nvcsw || tx_answered(s, sk))
		s->busy = 0;
	else if (++s->busy >= s->hesitation && hrtimer_resolution <= TX_GATHER_MOST)
		WRITE_ONCE(s->posting, true);
	tx_posted(qp, sk);
	s->sleeps = current->nvcsw;
}

/* When gathering was of no use, it takes longer to begin the next time. */
static void tx_gathered(struct siw_qp *qp, struct sock *sk)
{
	struct siw_stream *s = &qp->stream;
	bool answered = tx_answered(s, sk);
	u32 found = qp->core.sq_get;

	tx_posted(qp, sk);
	found = qp->core.sq_get - found;
	if (found >= qp->core.sq_size)
		WRITE_ONCE(s->gather, max_t(u32, s->gather / 2, TX_GATHER_LEAST));
	else
		WRITE_ONCE(s->gather, min_t(u32, s->gather * 2, TX_GATHER_MOST));
	if (!s->posting)
		return;
	if (!answered && found >= TX_MANY) {
		s->idle = 0;
		s->hesitation = TX_POSTING;
	} else if (++s->idle == TX_PATIENCE) {
		s->idle = 0;
		s->busy = 0;
		s->hesitation = min(2 * s->hesitation, TX_POSTING_MAX);
		WRITE_ONCE(s->posting, false);
	}
}

/**
 * siw_stream_transmit_gathered() - siw_stream_transmit() for what was gathered
 * @qp: the QP
 *
 * Context: bottom half, no lock.
 * Return: false if a process has the stream's lock, or the stream is over.
 */
bool siw_stream_transmit_gathered(struct siw_qp *qp)
{
	struct sock *sk = stream_hold(qp);
	bool done = false;

	if (!sk)
		return false;

	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk) && qp->sk == sk && qp->state != SIW_QP_ERROR) {
		tx_gathered(qp, sk);
		done = true;
	}
	bh_unlock_sock(sk);
	sock_put(sk);
	return done;
}

struct rx_batch {
	struct siw_qp *qp;
	int err;
};

/* One skb's octets from @offset on to @take() */
static u32 rx_walk(struct sk_buff *skb, u32 offset, u32 len,
		   int (*take)(struct rx_batch *b, const u8 *data, u32 len,
			       u32 *taken), struct rx_batch *b)
{
	struct skb_seq_state st;
	const u8 *data;
	u32 done = 0;
	u32 n;

	skb_prepare_seq_read(skb, offset, offset + len, &st);
	while (done < len) {
		u32 taken = 0;

		n = skb_seq_read(done, &data, &st);
		if (!n)
			return done;
		/* It stops at the end of a fragment, not at ours. */
		n = min(n, len - done);
		b->err = take(b, data, n, &taken);
		done += taken;
		if (b->err || taken < n)
			break;
	}
	skb_abort_seq_read(&st);
	return done;
}

static int rx_take(struct rx_batch *b, const u8 *data, u32 len, u32 *taken)
{
	return core_receive(&b->qp->core, data, len, taken);
}

static int rx_scan(struct rx_batch *b, const u8 *data, u32 len, u32 *taken)
{
	*taken = len;
	return core_scan(&b->qp->core.scan, data, len);
}

static int rx_actor(read_descriptor_t *desc, struct sk_buff *skb,
		    unsigned int offset, size_t len)
{
	struct rx_batch *b = desc->arg.data;
	u32 n = min_t(size_t, len, desc->count);

	n = rx_walk(skb, offset, n, rx_take, b);
	desc->count -= n;
	if (b->err)
		desc->count = 0;
	return n;
}

/* Checks what has come since the last time; consumes nothing. */
static int rx_verify(struct siw_qp *qp, struct sock *sk)
{
	struct core_scan *scan = &qp->core.scan;
	u32 seq = tcp_sk(sk)->copied_seq + scan->verified + scan->seen;
	struct rx_batch b = { .qp = qp };
	struct sk_buff *skb;

	skb_queue_walk(&sk->sk_receive_queue, skb) {
		u32 offset = seq - TCP_SKB_CB(skb)->seq;

		/* Before @seq, as far as it is not a retransmission's overlap */
		if (offset >= skb->len)
			continue;
		seq += rx_walk(skb, offset, skb->len - offset, rx_scan, &b);
		if (b.err)
			return b.err;
	}
	return 0;
}

/* Consumes @limit octets, which are there, or all there are. */
static int rx_place(struct siw_qp *qp, struct sock *sk, size_t limit)
{
	struct rx_batch b = { .qp = qp };
	read_descriptor_t desc = { .count = limit, .arg.data = &b };

	if (limit) {
		tcp_read_sock(sk, &desc, rx_actor);
		core_receive_pause(&qp->core);
	}
	/* TCP does not read past urgent data, and a stream of FPDUs has none. */
	if (!b.err && tcp_sk(sk)->urg_data)
		b.err = -EPIPE;
	return b.err;
}

static int rx_run(struct siw_qp *qp, struct sock *sk)
{
	struct core_scan *scan = &qp->core.scan;
	int bad_crc, err;

	if (!qp->core.crc)
		return rx_place(qp, sk, INT_MAX);

	bad_crc = rx_verify(qp, sk);
	err = rx_place(qp, sk, scan->verified);
	scan->verified = 0;
	if (err)
		return err;
	if (bad_crc) {
		atomic64_inc(&qp->dev->counters.crc_errors);
		core_terminate(&qp->core, TERM_LAYER_LLP, 0, TERM_MPA_CRC,
			       NULL, 0);
		return bad_crc;
	}
	/* Not to be called for every segment of a long FPDU */
	WRITE_ONCE(sk->sk_rcvlowat, scan->seen + core_scan_wants(scan));
	return 0;
}

static void rx_peer_closed(struct siw_qp *qp)
{
	if (core_receive_between(&qp->core)) {
		siw_qp_report(qp, IWARP_QP_PEER_CLOSED);
		return;
	}
	stream_broke(qp, IWARP_QP_ERROR);
}

/**
 * siw_stream_receive() - take what has come, and see whether the stream goes on
 * @qp: the QP
 * @sk: its socket
 *
 * Context: stream lock.
 */
void siw_stream_receive(struct siw_qp *qp, struct sock *sk)
{
	int err = 0;

	if (qp->state == SIW_QP_ERROR)
		return;
	if (!qp->core.error)
		err = rx_run(qp, sk);

	if (err == -ECONNRESET) {
		if (qp->event < 0)
			qp->event = IB_EVENT_QP_FATAL;
		stream_broke(qp, IWARP_QP_TERMINATED);
		return;
	}
	if (err == -EPIPE) {
		stream_broke(qp, IWARP_QP_ERROR);
		return;
	}
	/* Reads answered, reads finished, or a Terminate to send */
	siw_stream_transmit(qp, sk);
	if (qp->state == SIW_QP_ERROR)
		return;
	if (sk->sk_err || sk->sk_state == TCP_CLOSE)
		stream_broke(qp, IWARP_QP_ERROR);
	else if (qp->core.error)
		return;
	else if (sk->sk_shutdown & RCV_SHUTDOWN)
		rx_peer_closed(qp);
}

static void siw_data_ready(struct sock *sk)
{
	struct siw_qp *qp = sk->sk_user_data;

	if (qp)
		siw_stream_receive(qp, sk);
}

static void siw_write_space(struct sock *sk)
{
	struct siw_qp *qp = sk->sk_user_data;

	/* TCP calls this from within a send as well, when it is out of memory. */
	if (!qp || qp->stream.sending || !sk_stream_is_writeable(sk))
		return;
	if (sk->sk_socket)
		clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	siw_stream_transmit(qp, sk);
}

/**
 * siw_stream_attach() - take a connected socket over
 * @qp: the QP, whose core is started
 * @sk: the socket
 *
 * Context: stream lock.
 */
void siw_stream_attach(struct siw_qp *qp, struct sock *sk)
{
	struct siw_stream *s = &qp->stream;

	memset(s, 0, sizeof(*s));
	s->hesitation = TX_POSTING;
	s->gather = TX_GATHER_MOST;
	sk->sk_allocation = GFP_ATOMIC;
	sk->sk_use_task_frag = false;
	/* An FPDU is verified as a whole, so a whole one must fit. */
	if (sk->sk_rcvbuf < RX_MIN_BUFFER) {
		WRITE_ONCE(sk->sk_rcvbuf, RX_MIN_BUFFER);
		tcp_sk(sk)->window_clamp =
			max_t(u32, tcp_sk(sk)->window_clamp,
			      tcp_win_from_space(sk, RX_MIN_BUFFER));
	}

	s->data_ready = sk->sk_data_ready;
	s->write_space = sk->sk_write_space;
	s->state_change = sk->sk_state_change;
	s->error_report = sk->sk_error_report;
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = qp;
	sk->sk_data_ready = siw_data_ready;
	sk->sk_write_space = siw_write_space;
	sk->sk_state_change = siw_data_ready;
	sk->sk_error_report = siw_data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * siw_stream_detach() - give the socket back, to be closed
 * @qp: the QP, in SIW_QP_ERROR
 * @sk: the socket
 *
 * Context: stream lock, a process.
 * Return: false if TCP did not take all that has been made.
 */
bool siw_stream_detach(struct siw_qp *qp, struct sock *sk)
{
	struct siw_stream *s = &qp->stream;
	bool whole;

	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = NULL;
	sk->sk_data_ready = s->data_ready;
	sk->sk_write_space = s->write_space;
	sk->sk_state_change = s->state_change;
	sk->sk_error_report = s->error_report;
	write_unlock_bh(&sk->sk_callback_lock);
	WRITE_ONCE(sk->sk_rcvlowat, 1);
	whole = tx_push_last(qp, sk);
	core_receive_pause(&qp->core);
	atomic64_add(tcp_sk(sk)->total_retrans, &qp->dev->counters.tcp_retransmits);
	return whole;
}

void siw_stream_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct page_frag *frag = per_cpu_ptr(&tx_frag, cpu);

		if (frag->page)
			put_page(frag->page);
	}
}
