/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hot core: received TCP payload in, placed bytes and completions out; work
 * requests in, FPDUs out. It does no input or output and takes no lock: all of
 * a struct core_qp is protected by one lock of the caller's, the stream lock
 * (in the kernel: the lock of the TCP socket). It never sleeps.
 *
 * A received byte goes scan -> receive -> place -> queue; a work request goes
 * queue -> transmit. No layer asks the one above it.
 */
#ifndef SIW_CORE_H
#define SIW_CORE_H

#include "platform.h"
#include "iwarp_wire.h"
#include <rdma/siw-abi.h>

struct core_region;

/* The longest header: a Read Request, which DDP carries as payload. */
#define CORE_MAX_HEADER		sizeof(struct rdmap_read_request)

/*
 * Terminate: what it quotes begins with the DDP Segment Length, which is MPA's
 * ULPDU_Length under another name.
 */
#define CORE_MAX_TERMINATE	(sizeof(struct rdmap_terminate) + \
				 sizeof(struct rdmap_read_request))

enum core_access {
	CORE_LOCAL_READ		= 0,
	CORE_LOCAL_WRITE	= 1 << 0,
	CORE_REMOTE_WRITE	= 1 << 1,
	CORE_REMOTE_READ	= 1 << 2,
	CORE_RECEIVE		= 1 << 3,	/* no right: it is for a receive, maybe of an SRQ */
};

enum core_check {
	CORE_CHECK_OK,
	CORE_CHECK_STAG,	/* no such STag, or it is invalid */
	CORE_CHECK_STREAM,	/* STag of another protection domain */
	CORE_CHECK_ACCESS,
	CORE_CHECK_BOUNDS,
	CORE_CHECK_WRAP,
};

/**
 * struct core_term - a Terminate, to be sent or as received
 * @layer: enum term_layer
 * @etype: error type within @layer
 * @ecode: error code within @etype
 * @hdr_len: octets of @hdr that belong to what was refused, 0 if nothing does
 * @hdr: header of the refused segment, from MPA's ULPDU_Length on
 */
struct core_term {
	u8 layer;
	u8 etype;
	u8 ecode;
	u8 hdr_len;
	u8 hdr[CORE_MAX_HEADER];
};

/**
 * struct core_completion - one work request's end
 * @id: the application's wr_id
 * @opcode: enum siw_opcode
 * @status: enum siw_wc_status
 * @bytes: octets received or read
 * @inval_stag: STag that the peer invalidated, if @invalidated
 * @invalidated: the message was a Send with Invalidate
 * @solicited: wakes a consumer that waits for solicited events only
 */
struct core_completion {
	u64 id;
	u8 opcode;
	u16 status;
	u32 bytes;
	u32 inval_stag;
	bool invalidated;
	bool solicited;
};

/* The life of an accepted send queue entry */
enum core_send_state {
	CORE_SEND_FREE,
	CORE_SEND_ACTIVE,	/* being sent, or an RDMA Read under way */
	CORE_SEND_DONE,		/* waits for earlier ones to complete */
};

/**
 * struct core_send - what stays of a send WQE until it completes
 * @id: the application's wr_id
 * @bytes: for the completion
 * @flags: enum siw_wqe_flags as posted
 * @status: enum siw_wc_status, once DONE
 * @opcode: enum siw_opcode
 * @state: enum core_send_state
 */
struct core_send {
	u64 id;
	u32 bytes;
	u16 flags;
	u16 status;
	u8 opcode;
	u8 state;
};

#define CORE_NO_SEND	0xffffffff	/* core_read.send: the RTR's Read */

/**
 * struct core_read - an outstanding RDMA Read of ours (an ORQ entry)
 * @send: index in core_qp.sends, or CORE_NO_SEND
 * @sink_stag: where the response may be placed
 * @sink_to: where the response begins
 * @length: octets asked for
 * @placed: octets that have arrived
 */
struct core_read {
	u32 send;
	u32 sink_stag;
	u64 sink_to;
	u32 length;
	u32 placed;
};

/**
 * struct core_response - an RDMA Read of the peer's to answer (an IRQ entry)
 * @sink_stag: the peer's buffer
 * @sink_to: the peer's buffer
 * @length: octets asked for
 * @source_stag: our region
 * @source_to: our region
 * @msn: the request's
 */
struct core_response {
	u64 sink_to;
	u64 source_to;
	u32 sink_stag;
	u32 source_stag;
	u32 length;
	u32 msn;
};

/**
 * struct core_scan - checks the CRC of whole FPDUs before any is placed
 * @crc: over what has been seen of it
 * @seen: octets of it that have been seen
 * @verified: octets of complete, good FPDUs that are not consumed yet
 * @len: ULPDU_Length as it comes in
 * @trailer: CRC field as it comes in
 */
struct core_scan {
	u32 crc;
	u32 seen;
	u32 verified;
	u8 len[MPA_LENGTH_SIZE];
	u8 trailer[MPA_CRC_SIZE];
};

enum core_rx_state {
	CORE_RX_CTRL,		/* ULPDU_Length, DDP and RDMAP control */
	CORE_RX_HEADER,		/* rest of the header */
	CORE_RX_PAYLOAD,
	CORE_RX_TRAILER,	/* pad and CRC */
};

/**
 * struct core_rx - the receiving half of a stream
 * @state: what the next octet is
 * @have: octets of the current part that have come
 * @need: octets of the current part in all
 * @hdr: the current FPDU's header
 * @payload: octets of payload of the current FPDU, in all
 * @first: no FPDU has come yet
 * @rtr: enum iwarp_rtr that the first FPDU is to be, 0 for any
 * @msn: next MSN expected, per queue
 * @send_offset: octets of the current Send that have been placed
 * @send_active: @recv holds the WQE of the Send that is being received
 * @write_active: the last segment of a Write has still to come
 * @recv: the receive WQE in use
 * @recv_sge: SGE of @recv that @send_offset lies in
 * @recv_sge_offset: octets of that SGE that are filled
 * @place_stag: tagged payload: region, valid in CORE_RX_PAYLOAD
 * @place_to: tagged payload: where the next octet goes
 * @region: @place_stag's region, held within one core_receive() only
 * @terminate: a Terminate as it comes in
 */
struct core_rx {
	u8 state;
	bool first;
	u8 rtr;
	bool send_active;
	bool write_active;
	u8 recv_sge;
	u32 recv_sge_offset;
	u32 have;
	u32 need;
	u32 payload;
	u32 send_offset;
	u32 msn[DDP_QUEUES];
	u32 place_stag;
	u64 place_to;
	struct core_region *region;
	struct siw_rqe recv;
	union {
		u8 hdr[CORE_MAX_HEADER];
		struct iwarp_ctrl ctrl;
		struct ddp_tagged tagged;
		struct ddp_untagged untagged;
		struct rdmap_read_request read_request;
	};
	u8 terminate[CORE_MAX_TERMINATE];
};

/* What the transmitting half is in the middle of */
enum core_tx_message {
	CORE_TX_NONE,
	CORE_TX_SEND,		/* the WQE in core_tx.wqe */
	CORE_TX_RESPONSE,	/* the head of the IRQ */
	CORE_TX_RTR,
	CORE_TX_TERMINATE,
};

/**
 * struct core_tx - the transmitting half of a stream
 * @message: enum core_tx_message
 * @opcode: RDMAP opcode of the message under way
 * @held: nothing may be sent before the peer's first FPDU
 * @rtr: enum iwarp_rtr to send first, 0 when done
 * @prefer_response: the next message is a Read Response if there is one
 * @term_pending: @term is to be sent at the next FPDU boundary
 * @term_in_turn: ... but first comes what @irq owes, since it was asked earlier
 * @closed: nothing is sent any more (Terminate sent, or stream over)
 * @hdr_len: octets in @hdr
 * @hdr_sent: octets of @hdr that have gone out
 * @payload_left: octets of payload of the current FPDU that have not
 * @trailer_len: pad and CRC
 * @trailer_sent: octets of @trailer that have gone out
 * @length: the message's length
 * @offset: octets of the message that are in FPDUs already begun
 * @source_offset: octets of payload that have been read from the source
 * @sge: SGE of @wqe that @source_offset lies in
 * @sge_offset: octets of that SGE that have been read
 * @crc: over what went out of the current FPDU
 * @msn: next MSN to send, per queue
 * @send: index in core_qp.sends of @wqe
 * @wqe: private copy of the send WQE under way
 * @term: the Terminate to send
 */
struct core_tx {
	u8 message;
	u8 opcode;
	bool held;
	u8 rtr;
	bool prefer_response;
	bool term_pending;
	bool term_in_turn;
	bool closed;
	u8 hdr_len;
	u8 hdr_sent;
	u8 trailer_len;
	u8 trailer_sent;
	u8 sge;
	u32 sge_offset;
	u32 payload_left;
	u32 length;
	u32 offset;
	u32 source_offset;
	u32 crc;
	u32 msn[DDP_QUEUES];
	u32 send;
	struct siw_sqe wqe;
	struct core_term term;
	union {
		u8 hdr[CORE_MAX_TERMINATE];
		struct iwarp_ctrl ctrl;
		struct ddp_tagged tagged;
		struct ddp_untagged untagged;
		struct rdmap_read_request read_request;
		struct rdmap_terminate terminate;
	};
	u8 trailer[3 + MPA_CRC_SIZE];
};

/**
 * struct core_qp - one RDMAP stream and its queues
 * @sq: send queue that the application writes, @sq_size entries; what is read
 *	from it is copied once and then checked, since it may change at any time
 * @sends: private send queue, @sq_size entries
 * @orq: outstanding RDMA Reads, @ord entries
 * @irq: the peer's RDMA Reads, @ird entries
 * @sq_size: entries of @sq and @sends, a power of two
 * @sq_get: next entry of @sq to accept (counts up for ever)
 * @sends_tail: oldest entry of @sends that has not completed; entries up to
 *	@sq_get are in use, since both rings have one numbering
 * @ord: limit of RDMA Reads outstanding
 * @ird: limit of the peer's RDMA Reads
 * @orq_put: next free entry of @orq, see core_ring_next()
 * @orq_get: oldest entry of @orq
 * @irq_put: next free entry of @irq
 * @irq_get: oldest entry of @irq
 * @crc: FPDUs carry a CRC
 * @max_ulpdu: longest ULPDU to send
 * @error: the stream failed or ended: nothing is received any more
 * @broken: an FPDU was begun that cannot be finished: only a reset helps
 * @send_failed: a send WQE has completed with an error
 * @peer_term: the peer sent a Terminate, see @received
 * @received: the peer's Terminate
 * @scan: receive: CRC
 * @rx: receive
 * @tx: transmit
 */
struct core_qp {
	struct siw_sqe *sq;
	struct core_send *sends;
	struct core_read *orq;
	struct core_response *irq;
	u32 sq_size;
	u32 sq_get;
	u32 sends_tail;
	u32 ord;
	u32 ird;
	u32 orq_put;
	u32 orq_get;
	u32 irq_put;
	u32 irq_get;
	u32 max_ulpdu;
	bool crc;
	bool error;
	bool broken;
	bool send_failed;
	bool peer_term;
	struct core_term received;
	struct core_scan scan;
	struct core_rx rx;
	struct core_tx tx;
};

/**
 * struct core_opcode - how RDMAP uses DDP for an opcode
 * @header: octets from ULPDU_Length to the payload, 0: not an opcode
 * @tagged: tagged buffer model
 * @qn: queue number, if untagged
 * @solicited: completes the receive as solicited
 * @invalidates: carries an STag to invalidate
 */
struct core_opcode {
	u8 header;
	bool tagged;
	u8 qn;
	bool solicited;
	bool invalidates;
};

/* stream.c */
extern const struct core_opcode core_opcodes[RDMAP_OPCODES];

extern const u8 core_protection_ecode[];

void core_start(struct core_qp *qp, bool crc, u32 max_ulpdu, u8 send_rtr,
		u8 expect_rtr, bool hold_tx);
void core_repeat_rtr(struct core_qp *qp);
void core_terminate(struct core_qp *qp, u8 layer, u8 etype, u8 ecode,
		    const void *hdr, unsigned int hdr_len);

/* scan.c */
int core_scan(struct core_scan *scan, const u8 *data, u32 len);
u32 core_scan_wants(const struct core_scan *scan);

/* receive.c */
int core_receive(struct core_qp *qp, const u8 *data, u32 len, u32 *consumed);
void core_receive_pause(struct core_qp *qp);
bool core_receive_between(const struct core_qp *qp);

/* transmit.c */
u32 core_transmit(struct core_qp *qp, u8 *out, u32 room);
bool core_transmit_idle(struct core_qp *qp);

/* queue.c */
bool core_queue_accept(struct core_qp *qp);
void core_queue_done(struct core_qp *qp, u32 send, u16 status);
bool core_queue_flush(struct core_qp *qp);
void core_queue_forget(struct core_qp *qp);
enum siw_wc_status core_queue_check_send(struct core_qp *qp);

static inline bool core_is_read(u8 opcode)
{
	return opcode == SIW_OP_READ || opcode == SIW_OP_READ_LOCAL_INV;
}

static inline bool core_reads_outstanding(const struct core_qp *qp)
{
	return qp->orq_put != qp->orq_get;
}

/*
 * The numbers of ORQ and IRQ entries go round at twice the ring's size, which
 * is anything: a number that wraps at 2^32 would jump in the ring.
 */
static inline u32 core_ring_next(u32 n, u32 size)
{
	return n + 1 < 2 * size ? n + 1 : 0;
}

static inline u32 core_ring_used(u32 put, u32 get, u32 size)
{
	return put >= get ? put - get : put + 2 * size - get;
}

/* Answers that go out before the Terminate does */
static inline bool core_answers_owed(const struct core_qp *qp)
{
	return qp->tx.term_pending && qp->tx.term_in_turn &&
	       (qp->tx.message == CORE_TX_RESPONSE || qp->irq_put != qp->irq_get);
}

/*
 * What the core asks of its surroundings, all of it without sleeping. In the
 * kernel siw/ answers, in the tests a stand-in.
 */
struct core_region *core_region_get(struct core_qp *qp, u32 stag);
void core_region_put(struct core_region *region);
enum core_check core_region_check(struct core_qp *qp,
				  struct core_region *region, u64 addr,
				  u32 len, u32 access);
/*
 * Both after a check that said yes; false: @stag does not mean that memory any
 * more, and nothing was done.
 */
bool core_region_write(struct core_region *region, u32 stag, u64 addr,
		       const void *src, u32 len);
bool core_region_read(struct core_region *region, u32 stag, u64 addr,
		      void *dst, u32 len);
/* The peer's wish, by a Send with Invalidate */
enum core_check core_region_invalidate(struct core_qp *qp, u32 stag);
/* The application's: SIW_OP_REG_MR, SIW_OP_INVAL_STAG, SIW_OP_READ_LOCAL_INV */
enum siw_wc_status core_local_register(struct core_qp *qp,
				       const struct siw_sqe *wqe);
enum siw_wc_status core_local_invalidate(struct core_qp *qp, u8 opcode,
					 u32 stag);

bool core_recv_fetch(struct core_qp *qp, struct siw_rqe *rqe);
void core_complete_send(struct core_qp *qp, const struct core_completion *c);
void core_complete_recv(struct core_qp *qp, const struct core_completion *c);
void core_first_fpdu(struct core_qp *qp);
void core_write_placed(struct core_qp *qp);

u32 core_crc32c(u32 crc, const void *data, u32 len);

void core_trace_fpdu_out(struct core_qp *qp, u8 opcode, u16 ulpdu, u32 offset);
void core_trace_fpdu_placed(struct core_qp *qp, u8 opcode, u16 ulpdu);
void core_trace_terminate(struct core_qp *qp, bool sent,
			  const struct core_term *term);

#endif
