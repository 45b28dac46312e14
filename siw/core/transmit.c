// SPDX-License-Identifier: GPL-2.0
/*
 * From work requests to FPDUs. The octets are copied once, into memory of the
 * stream's own, and the CRC is taken over the copy: the application may change
 * its buffer at any moment and the peer still sees a good FPDU; and TCP never
 * reads the application's buffer again, however often it retransmits.
 *
 * Output may stop at any octet and go on with the next call.
 */
#include "core.h"

static void begin_fpdu(struct core_qp *qp, unsigned int hdr_len, u32 payload,
		       u8 opcode, bool last)
{
	const struct core_opcode *info = &core_opcodes[opcode];
	struct core_tx *tx = &qp->tx;
	u16 ulpdu = hdr_len - MPA_LENGTH_SIZE + payload;

	tx->ctrl.length = cpu_to_be16(ulpdu);
	tx->ctrl.ddp = DDP_VERSION | (info->tagged ? DDP_FLAG_TAGGED : 0) |
		       (last ? DDP_FLAG_LAST : 0);
	tx->ctrl.rdmap = RDMAP_VERSION | opcode;
	tx->hdr_len = hdr_len;
	tx->hdr_sent = 0;
	tx->payload_left = payload;
	tx->trailer_len = (-(MPA_LENGTH_SIZE + (u32)ulpdu) & 3) + MPA_CRC_SIZE;
	tx->trailer_sent = 0;
	tx->crc = ~0u;
	core_trace_fpdu_out(qp, opcode, ulpdu, tx->offset);
}

static void set_tagged(struct core_tx *tx, u32 stag, u64 to)
{
	tx->tagged.stag = cpu_to_be32(stag);
	tx->tagged.to = cpu_to_be64(to);
}

static void set_untagged(struct core_tx *tx, u32 qn, u32 mo, u32 inval_stag)
{
	tx->untagged.inval_stag = cpu_to_be32(inval_stag);
	tx->untagged.qn = cpu_to_be32(qn);
	tx->untagged.msn = cpu_to_be32(tx->msn[qn]);
	tx->untagged.mo = cpu_to_be32(mo);
}

/* Octets of payload that the next FPDU of the message carries */
static u32 next_payload(const struct core_qp *qp, unsigned int hdr_len)
{
	u32 room = qp->max_ulpdu + MPA_LENGTH_SIZE - hdr_len;

	return min_t(u32, qp->tx.length - qp->tx.offset, room);
}

static u8 send_opcode(const struct siw_sqe *wqe)
{
	bool solicited = wqe->flags & SIW_WQE_SOLICITED;

	if (wqe->opcode == SIW_OP_SEND_REMOTE_INV)
		return solicited ? RDMAP_SEND_SE_INV : RDMAP_SEND_INV;
	return solicited ? RDMAP_SEND_SE : RDMAP_SEND;
}

static void fail_send(struct core_qp *qp, u16 status)
{
	qp->tx.message = CORE_TX_NONE;
	core_queue_done(qp, qp->tx.send, status);
	core_terminate(qp, TERM_LAYER_RDMAP, TERM_RDMAP_LOCAL, 0, NULL, 0);
}

static void set_read_request(struct rdmap_read_request *req, u32 sink_stag,
			     u64 sink_to, u32 length, u32 source_stag,
			     u64 source_to)
{
	req->sink_stag = cpu_to_be32(sink_stag);
	req->sink_to = cpu_to_be64(sink_to);
	req->read_size = cpu_to_be32(length);
	req->source_stag = cpu_to_be32(source_stag);
	req->source_to = cpu_to_be64(source_to);
}

static void put_read_request(struct core_qp *qp, u32 send, u32 sink_stag,
			     u64 sink_to, u32 length, u32 source_stag,
			     u64 source_to)
{
	struct core_read *read = &qp->orq[qp->orq_put % qp->ord];
	struct core_tx *tx = &qp->tx;

	read->send = send;
	read->sink_stag = sink_stag;
	read->sink_to = sink_to;
	read->length = length;
	read->placed = 0;
	qp->orq_put = core_ring_next(qp->orq_put, qp->ord);

	tx->offset = 0;
	tx->length = 0;
	set_untagged(tx, DDP_QN_READ_REQUEST, 0, 0);
	set_read_request(&tx->read_request, sink_stag, sink_to, length,
			 source_stag, source_to);
	tx->msn[DDP_QN_READ_REQUEST]++;
	begin_fpdu(qp, sizeof(tx->read_request), 0, RDMAP_READ_REQUEST, true);
}

/* Next FPDU of the send WQE under way */
static void send_fpdu(struct core_qp *qp)
{
	struct core_tx *tx = &qp->tx;
	const struct siw_sqe *wqe = &tx->wqe;
	u32 n;

	switch (wqe->opcode) {
	case SIW_OP_READ:
	case SIW_OP_READ_LOCAL_INV:
		put_read_request(qp, tx->send % qp->sq_size,
				 wqe->num_sge ? wqe->sge[0].lkey : 0,
				 wqe->num_sge ? wqe->sge[0].laddr : 0,
				 tx->length, wqe->rkey, wqe->raddr);
		return;
	case SIW_OP_WRITE:
		n = next_payload(qp, sizeof(tx->tagged));
		set_tagged(tx, wqe->rkey, wqe->raddr + tx->offset);
		begin_fpdu(qp, sizeof(tx->tagged), n, RDMAP_WRITE,
			   tx->offset + n == tx->length);
		break;
	default:
		n = next_payload(qp, sizeof(tx->untagged));
		set_untagged(tx, DDP_QN_SEND, tx->offset,
			     wqe->opcode == SIW_OP_SEND_REMOTE_INV ?
			     wqe->rkey : 0);
		begin_fpdu(qp, sizeof(tx->untagged), n, send_opcode(wqe),
			   tx->offset + n == tx->length);
		if (tx->offset + n == tx->length)
			tx->msn[DDP_QN_SEND]++;
		break;
	}
	tx->offset += n;
}

/* Nothing of it goes to the peer. */
static bool is_local(u8 opcode)
{
	return opcode == SIW_OP_REG_MR || opcode == SIW_OP_INVAL_STAG;
}

/*
 * The next WQE that has something for the peer; those before it are carried out.
 * No more than the ring holds: a consumer that posts as fast as they complete
 * calls for output again.
 */
static bool next_send(struct core_qp *qp)
{
	enum siw_wc_status status;
	u32 n;

	for (n = 0; n < qp->sq_size && core_queue_accept(qp); n++) {
		status = core_queue_check_send(qp);
		if (status != SIW_WC_SUCCESS) {
			fail_send(qp, status);
			return false;
		}
		if (!is_local(qp->tx.wqe.opcode))
			return true;
		core_queue_done(qp, qp->tx.send, SIW_WC_SUCCESS);
	}
	return false;
}

static bool begin_send(struct core_qp *qp)
{
	struct core_tx *tx = &qp->tx;

	if (!next_send(qp))
		return false;

	tx->offset = 0;
	tx->source_offset = 0;
	tx->sge = 0;
	tx->sge_offset = 0;
	tx->message = CORE_TX_SEND;
	send_fpdu(qp);
	return true;
}

static const struct core_response *current_response(const struct core_qp *qp)
{
	return &qp->irq[qp->irq_get % qp->ird];
}

/*
 * RFC 5040 section 4.8: the Terminate quotes the request, by whose MSN the
 * initiator knows it, as far as it is not answered.
 */
static void refuse_response(struct core_qp *qp, enum core_check check)
{
	const struct core_response *resp = current_response(qp);
	u32 done = qp->tx.offset;
	struct rdmap_read_request req = {
		.ddp.ctrl.length = cpu_to_be16(sizeof(req) - MPA_LENGTH_SIZE),
		.ddp.ctrl.ddp = DDP_VERSION | DDP_FLAG_LAST,
		.ddp.ctrl.rdmap = RDMAP_VERSION | RDMAP_READ_REQUEST,
		.ddp.qn = cpu_to_be32(DDP_QN_READ_REQUEST),
		.ddp.msn = cpu_to_be32(resp->msn),
	};

	set_read_request(&req, resp->sink_stag, resp->sink_to + done,
			 resp->length - done, resp->source_stag,
			 resp->source_to + done);
	qp->tx.message = CORE_TX_NONE;
	core_terminate(qp, TERM_LAYER_RDMAP, TERM_RDMAP_PROTECTION,
		       core_protection_ecode[check], &req, sizeof(req));
}

/*
 * Next FPDU of the Read Response under way. The region was checked when the
 * request came, and is checked again here since it may have gone.
 */
static bool response_fpdu(struct core_qp *qp)
{
	const struct core_response *resp = current_response(qp);
	struct core_tx *tx = &qp->tx;
	u32 n = next_payload(qp, sizeof(tx->tagged));
	enum core_check check = CORE_CHECK_OK;
	struct core_region *region;

	if (n) {
		region = core_region_get(qp, resp->source_stag);
		check = !region ? CORE_CHECK_STAG :
			core_region_check(qp, region,
					  resp->source_to + tx->offset, n,
					  CORE_REMOTE_READ);
		if (region)
			core_region_put(region);
	}
	if (check != CORE_CHECK_OK) {
		refuse_response(qp, check);
		return false;
	}
	set_tagged(tx, resp->sink_stag, resp->sink_to + tx->offset);
	begin_fpdu(qp, sizeof(tx->tagged), n, RDMAP_READ_RESPONSE,
		   tx->offset + n == tx->length);
	tx->offset += n;
	return true;
}

static bool begin_response(struct core_qp *qp)
{
	struct core_tx *tx = &qp->tx;

	if (qp->irq_get == qp->irq_put)
		return false;
	tx->message = CORE_TX_RESPONSE;
	tx->length = current_response(qp)->length;
	tx->offset = 0;
	tx->source_offset = 0;
	return response_fpdu(qp);
}

/* RFC 6581 section 4: zero length, and so without any STag to check */
static bool begin_rtr(struct core_qp *qp)
{
	struct core_tx *tx = &qp->tx;
	u8 rtr = tx->rtr;

	tx->rtr = 0;
	tx->message = CORE_TX_RTR;
	tx->length = 0;
	tx->offset = 0;
	switch (rtr) {
	case IWARP_RTR_SEND:
		set_untagged(tx, DDP_QN_SEND, 0, 0);
		tx->msn[DDP_QN_SEND]++;
		begin_fpdu(qp, sizeof(tx->untagged), 0, RDMAP_SEND, true);
		return true;
	case IWARP_RTR_READ:
		if (qp->ord) {
			put_read_request(qp, CORE_NO_SEND, 0, 0, 0, 0, 0);
			return true;
		}
		fallthrough;	/* without ORD nothing else is possible */
	default:
		set_tagged(tx, 0, 0);
		begin_fpdu(qp, sizeof(tx->tagged), 0, RDMAP_WRITE, true);
		return true;
	}
}

/* Control word, then what it refuses: MPA's length is the segment's length */
static void begin_terminate(struct core_qp *qp)
{
	const struct core_term *term = &qp->tx.term;
	struct core_tx *tx = &qp->tx;
	u8 ddp = sizeof(struct ddp_untagged);
	u8 quoted = 0;

	tx->term_pending = false;
	tx->message = CORE_TX_TERMINATE;
	tx->length = 0;
	tx->offset = 0;

	if (term->hdr_len >= sizeof(struct iwarp_ctrl)) {
		const struct iwarp_ctrl *ctrl = (const void *)term->hdr;

		if (ctrl->ddp & DDP_FLAG_TAGGED)
			ddp = sizeof(struct ddp_tagged);
		if (term->hdr_len >= ddp)
			quoted = TERM_HDRCT_M | TERM_HDRCT_D;
		if (term->hdr_len == sizeof(struct rdmap_read_request))
			quoted |= TERM_HDRCT_R;
	}
	set_untagged(tx, DDP_QN_TERMINATE, 0, 0);
	tx->terminate.layer_etype = term->layer << 4 | term->etype;
	tx->terminate.ecode = term->ecode;
	tx->terminate.hdrct = quoted;
	tx->terminate.reserved = 0;
	if (quoted)
		memcpy(tx->hdr + sizeof(tx->terminate), term->hdr,
		       term->hdr_len);
	begin_fpdu(qp, sizeof(tx->terminate) + (quoted ? term->hdr_len : 0), 0,
		   RDMAP_TERMINATE, true);
	core_trace_terminate(qp, true, term);
}

/* Responses and the application's work take turns, a message each. */
static bool begin_message(struct core_qp *qp)
{
	struct core_tx *tx = &qp->tx;

	if (qp->error || tx->held)
		return false;
	if (tx->rtr)
		return begin_rtr(qp);
	if (tx->prefer_response && begin_response(qp)) {
		tx->prefer_response = false;
		return true;
	}
	tx->prefer_response = true;
	if (!qp->error && begin_send(qp))
		return true;
	return !qp->error && begin_response(qp);
}

/* RFC 5040 section 5.5: what was asked before the refusal is answered first. */
static bool answer_fpdu(struct core_qp *qp)
{
	if (qp->tx.message == CORE_TX_RESPONSE)
		return response_fpdu(qp);
	return begin_response(qp);
}

static bool next_fpdu(struct core_qp *qp)
{
	struct core_tx *tx = &qp->tx;

	if (tx->closed)
		return false;
	if (tx->term_pending) {
		if (!core_answers_owed(qp) || !answer_fpdu(qp))
			begin_terminate(qp);
		return true;
	}
	if (qp->error)
		return false;

	switch (tx->message) {
	case CORE_TX_SEND:
		/* What was checked at the start may have gone. */
		if (core_queue_check_send(qp) != SIW_WC_SUCCESS) {
			fail_send(qp, SIW_WC_LOC_PROT_ERR);
			break;
		}
		send_fpdu(qp);
		return true;
	case CORE_TX_RESPONSE:
		if (response_fpdu(qp))
			return true;
		break;
	default:
		if (begin_message(qp))
			return true;
		break;
	}
	if (!tx->term_pending)
		return false;
	begin_terminate(qp);
	return true;
}

static void fpdu_sent(struct core_qp *qp)
{
	struct core_tx *tx = &qp->tx;
	u8 message = tx->message;

	if (tx->offset < tx->length)
		return;
	tx->message = CORE_TX_NONE;
	switch (message) {
	case CORE_TX_SEND:
		if (!core_is_read(tx->wqe.opcode))
			core_queue_done(qp, tx->send, SIW_WC_SUCCESS);
		break;
	case CORE_TX_RESPONSE:
		qp->irq_get = core_ring_next(qp->irq_get, qp->ird);
		break;
	case CORE_TX_TERMINATE:
		tx->closed = true;
		break;
	}
}

/*
 * Octets of the message, from the source_offset on, to @out. Returns less than
 * @len only when the memory has gone in the middle of an FPDU.
 */
static u32 read_source(struct core_qp *qp, u8 *out, u32 len)
{
	struct core_tx *tx = &qp->tx;
	u32 done = 0;

	if (tx->message == CORE_TX_SEND && (tx->wqe.flags & SIW_WQE_INLINE)) {
		memcpy(out, (u8 *)&tx->wqe.sge[1] + tx->source_offset, len);
		tx->source_offset += len;
		return len;
	}

	while (done < len) {
		struct core_region *region;
		u32 stag, access, n = len - done;
		u64 addr;
		bool ok;

		if (tx->message == CORE_TX_RESPONSE) {
			stag = current_response(qp)->source_stag;
			addr = current_response(qp)->source_to + tx->source_offset;
			access = CORE_REMOTE_READ;
		} else {
			const struct siw_sge *sge = &tx->wqe.sge[tx->sge];

			if (tx->sge_offset == sge->length) {
				tx->sge++;
				tx->sge_offset = 0;
				continue;
			}
			n = min_t(u32, n, sge->length - tx->sge_offset);
			stag = sge->lkey;
			addr = sge->laddr + tx->sge_offset;
			access = CORE_LOCAL_READ;
		}
		region = core_region_get(qp, stag);
		if (!region)
			break;
		ok = core_region_check(qp, region, addr, n, access) == CORE_CHECK_OK &&
		     core_region_read(region, stag, addr, out + done, n);
		core_region_put(region);
		if (!ok)
			break;
		tx->source_offset += n;
		tx->sge_offset += n;
		done += n;
	}
	return done;
}

static void end_body(struct core_tx *tx, bool crc)
{
	unsigned int pad = tx->trailer_len - MPA_CRC_SIZE;
	__le32 field;

	memset(tx->trailer, 0, pad);
	/* RFC 5044 section 4.4: the field is there even if nobody looks at it. */
	if (crc && pad)
		tx->crc = core_crc32c(tx->crc, tx->trailer, pad);
	field = cpu_to_le32(crc ? ~tx->crc : 0);
	memcpy(tx->trailer + pad, &field, sizeof(field));
}

static void broken(struct core_qp *qp)
{
	struct core_tx *tx = &qp->tx;

	qp->broken = true;
	qp->error = true;
	tx->closed = true;
	if (tx->message == CORE_TX_SEND)
		core_queue_done(qp, tx->send, SIW_WC_LOC_PROT_ERR);
	tx->message = CORE_TX_NONE;
}

/**
 * core_transmit() - the next octets to send
 * @qp: the stream
 * @out: where to
 * @room: how many octets fit
 *
 * A send WQE completes here, when its last octet has been copied to @out: the
 * caller sends what it gets, in order, or ends the stream.
 *
 * Context: stream lock.
 * Return: octets at @out. Less than @room: there is nothing more to send now, or
 * the stream has failed.
 */
u32 core_transmit(struct core_qp *qp, u8 *out, u32 room)
{
	struct core_tx *tx = &qp->tx;
	u32 done = 0;
	u32 run = 0;	/* what is under the CRC but not in tx->crc: [run, done) */
	u32 n;

	while (done < room && !qp->broken) {
		if (tx->trailer_sent == tx->trailer_len) {
			if (!next_fpdu(qp))
				return done;
			run = done;
		}
		if (tx->hdr_sent < tx->hdr_len) {
			n = min_t(u32, room - done, tx->hdr_len - tx->hdr_sent);
			memcpy(out + done, tx->hdr + tx->hdr_sent, n);
			tx->hdr_sent += n;
		} else if (tx->payload_left) {
			n = min_t(u32, room - done, tx->payload_left);
			if (read_source(qp, out + done, n) != n) {
				broken(qp);
				return done;
			}
			tx->payload_left -= n;
		} else {
			n = min_t(u32, room - done,
				  tx->trailer_len - tx->trailer_sent);
			memcpy(out + done, tx->trailer + tx->trailer_sent, n);
			tx->trailer_sent += n;
			done += n;
			if (tx->trailer_sent == tx->trailer_len)
				fpdu_sent(qp);
			continue;
		}
		done += n;
		if (tx->hdr_sent == tx->hdr_len && !tx->payload_left) {
			if (qp->crc)
				tx->crc = core_crc32c(tx->crc, out + run,
						      done - run);
			end_body(tx, qp->crc);
		} else if (done == room && qp->crc) {
			tx->crc = core_crc32c(tx->crc, out + run, done - run);
		}
	}
	return done;
}

/**
 * core_transmit_idle() - is nothing left to send?
 * @qp: the stream
 *
 * RDMA Reads that wait for their response count as left.
 *
 * Context: stream lock.
 */
bool core_transmit_idle(struct core_qp *qp)
{
	const struct core_tx *tx = &qp->tx;

	return tx->trailer_sent == tx->trailer_len &&
	       tx->message == CORE_TX_NONE && !tx->term_pending &&
	       qp->sends_tail == qp->sq_get && qp->irq_get == qp->irq_put &&
	       !(READ_ONCE(qp->sq[qp->sq_get % qp->sq_size].flags) &
		 SIW_WQE_VALID);
}
