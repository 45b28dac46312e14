// SPDX-License-Identifier: GPL-2.0
/*
 * A stream's beginning and its end by Terminate, and the table that says how
 * RDMAP uses DDP.
 */
#include "core.h"

/*
 * RFC 5040 figure 4. The rows of RFC 7306 (Immediate Data, Atomics) have their
 * place here once they are served; until then they are unexpected opcodes.
 */
const struct core_opcode core_opcodes[RDMAP_OPCODES] = {
	[RDMAP_WRITE] = {
		.header = sizeof(struct ddp_tagged), .tagged = true,
	},
	[RDMAP_READ_REQUEST] = {
		.header = sizeof(struct rdmap_read_request),
		.qn = DDP_QN_READ_REQUEST,
	},
	[RDMAP_READ_RESPONSE] = {
		.header = sizeof(struct ddp_tagged), .tagged = true,
	},
	[RDMAP_SEND] = {
		.header = sizeof(struct ddp_untagged), .qn = DDP_QN_SEND,
	},
	[RDMAP_SEND_INV] = {
		.header = sizeof(struct ddp_untagged), .qn = DDP_QN_SEND,
		.invalidates = true,
	},
	[RDMAP_SEND_SE] = {
		.header = sizeof(struct ddp_untagged), .qn = DDP_QN_SEND,
		.solicited = true,
	},
	[RDMAP_SEND_SE_INV] = {
		.header = sizeof(struct ddp_untagged), .qn = DDP_QN_SEND,
		.solicited = true, .invalidates = true,
	},
	[RDMAP_TERMINATE] = {
		.header = sizeof(struct ddp_untagged), .qn = DDP_QN_TERMINATE,
	},
};

/* enum core_check as an RDMAP protection error (RFC 5040 figure 10) */
const u8 core_protection_ecode[] = {
	[CORE_CHECK_STAG]	= TERM_RDMAP_STAG,
	[CORE_CHECK_STREAM]	= TERM_RDMAP_STAG_QP,
	[CORE_CHECK_ACCESS]	= TERM_RDMAP_ACCESS,
	[CORE_CHECK_BOUNDS]	= TERM_RDMAP_BOUNDS,
	[CORE_CHECK_WRAP]	= TERM_RDMAP_TO_WRAP,
};

static_assert(sizeof(struct ddp_tagged) == 16, "RFC 5041 figure 2");
static_assert(sizeof(struct ddp_untagged) == 20, "RFC 5041 figure 3");
static_assert(sizeof(struct rdmap_read_request) ==
	      sizeof(struct ddp_untagged) + RDMAP_READ_REQUEST_PAYLOAD,
	      "RFC 5040 figure 6");

/**
 * core_start() - begin FPDU mode
 * @qp: its rings and limits are set, everything else is overwritten
 * @crc: MPA agreed on CRCs
 * @max_ulpdu: longest ULPDU to send, from 128 to MPA_MAX_ULPDU octets
 * @send_rtr: enum iwarp_rtr to send before anything else, 0 for none
 * @expect_rtr: enum iwarp_rtr that the first FPDU must be, 0 for any
 * @hold_tx: send nothing until the first FPDU has come (RFC 5044 section 7.1.2)
 *
 * Context: stream lock.
 */
void core_start(struct core_qp *qp, bool crc, u32 max_ulpdu, u8 send_rtr,
		u8 expect_rtr, bool hold_tx)
{
	unsigned int qn;

	memset(&qp->scan, 0, sizeof(qp->scan));
	memset(&qp->rx, 0, sizeof(qp->rx));
	memset(&qp->tx, 0, sizeof(qp->tx));

	qp->crc = crc;
	qp->max_ulpdu = max_ulpdu;
	qp->error = false;
	qp->broken = false;
	qp->send_failed = false;
	qp->peer_term = false;

	/* RFC 5041 section 5.2: the first message of each queue is number 1 */
	for (qn = 0; qn < DDP_QUEUES; qn++) {
		qp->rx.msn[qn] = 1;
		qp->tx.msn[qn] = 1;
	}
	qp->rx.state = CORE_RX_CTRL;
	qp->rx.need = sizeof(struct iwarp_ctrl);
	qp->rx.first = true;
	qp->rx.rtr = expect_rtr;
	qp->tx.rtr = send_rtr;
	qp->tx.held = hold_tx;
}

/**
 * core_repeat_rtr() - say once more that the stream is ready
 * @qp: the stream, on which an RTR was sent
 *
 * By a zero-length RDMA Write, whatever the RTR was: it is good at any time and
 * changes nothing, while a Send takes a receive and a Read may have to wait.
 *
 * Context: stream lock.
 */
void core_repeat_rtr(struct core_qp *qp)
{
	qp->tx.rtr = IWARP_RTR_WRITE;
}

/**
 * core_terminate() - fail the stream, and tell the peer why
 * @qp: the stream
 * @layer: enum term_layer
 * @etype: error type in that layer
 * @ecode: error code of that type
 * @hdr: header of the segment that is refused, from ULPDU_Length on, or NULL
 * @hdr_len: octets at @hdr
 *
 * The first reason stays. From now on nothing is received and no work request
 * is begun; the Terminate goes out with the next core_transmit() that reaches
 * the end of an FPDU (RFC 5040 section 7.2).
 *
 * Context: stream lock.
 */
void core_terminate(struct core_qp *qp, u8 layer, u8 etype, u8 ecode,
		    const void *hdr, unsigned int hdr_len)
{
	struct core_tx *tx = &qp->tx;

	qp->error = true;
	if (tx->term_pending || tx->closed || tx->message == CORE_TX_TERMINATE)
		return;

	tx->term.layer = layer;
	tx->term.etype = etype;
	tx->term.ecode = ecode;
	tx->term.hdr_len = 0;
	if (hdr && hdr_len <= sizeof(tx->term.hdr)) {
		memcpy(tx->term.hdr, hdr, hdr_len);
		tx->term.hdr_len = hdr_len;
	}
	tx->term_pending = true;
}
