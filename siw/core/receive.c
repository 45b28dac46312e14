// SPDX-License-Identifier: GPL-2.0
/*
 * From the stream's octets to FPDUs, DDP segments and RDMAP messages; each
 * header is judged as a whole before any octet behind it is placed.
 *
 * With CRCs the caller hands in whole FPDUs that core_scan() found good;
 * without, octets are placed as they come.
 */
#include "core.h"

/* Refuse the segment whose header stands in rx->hdr (RFC 5040 section 4.8). */
static int refuse(struct core_qp *qp, u8 layer, u8 etype, u8 ecode)
{
	core_terminate(qp, layer, etype, ecode, qp->rx.hdr, qp->rx.have);
	return -EPROTO;
}

static int refuse_stream(struct core_qp *qp)
{
	return refuse(qp, TERM_LAYER_RDMAP, TERM_RDMAP_OPERATION,
		      TERM_RDMAP_STREAM);
}

static int refuse_opcode(struct core_qp *qp)
{
	return refuse(qp, TERM_LAYER_RDMAP, TERM_RDMAP_OPERATION,
		      TERM_RDMAP_BAD_OPCODE);
}

static int refuse_untagged(struct core_qp *qp, u8 ecode)
{
	return refuse(qp, TERM_LAYER_DDP, TERM_DDP_UNTAGGED, ecode);
}

/* A tagged segment that may not be placed: DDP's business but for the rights */
static int refuse_tagged(struct core_qp *qp, enum core_check check)
{
	static const u8 ecode[] = {
		[CORE_CHECK_STAG]	= TERM_DDP_T_STAG,
		[CORE_CHECK_STREAM]	= TERM_DDP_T_STAG_QP,
		[CORE_CHECK_BOUNDS]	= TERM_DDP_T_BOUNDS,
		[CORE_CHECK_WRAP]	= TERM_DDP_T_TO_WRAP,
	};

	if (check == CORE_CHECK_ACCESS)
		return refuse(qp, TERM_LAYER_RDMAP, TERM_RDMAP_PROTECTION,
			      TERM_RDMAP_ACCESS);
	return refuse(qp, TERM_LAYER_DDP, TERM_DDP_TAGGED, ecode[check]);
}

static int refuse_protection(struct core_qp *qp, enum core_check check)
{
	return refuse(qp, TERM_LAYER_RDMAP, TERM_RDMAP_PROTECTION,
		      core_protection_ecode[check]);
}

static void region_release(struct core_rx *rx)
{
	if (rx->region) {
		core_region_put(rx->region);
		rx->region = NULL;
	}
}

static u32 rx_ulpdu(const struct core_rx *rx)
{
	return be16_to_cpu(rx->ctrl.length);
}

static u8 rx_opcode(const struct core_rx *rx)
{
	return rx->ctrl.rdmap & RDMAP_OPCODE_MASK;
}

static bool rx_last(const struct core_rx *rx)
{
	return rx->ctrl.ddp & DDP_FLAG_LAST;
}

static enum core_check check_stag(struct core_qp *qp, u32 stag, u64 to,
				  u32 len, u32 access)
{
	struct core_region *region;
	enum core_check check;

	if (!len)
		return CORE_CHECK_OK;
	region = core_region_get(qp, stag);
	if (!region)
		return CORE_CHECK_STAG;
	check = core_region_check(qp, region, to, len, access);
	core_region_put(region);
	return check;
}

static int begin_write(struct core_qp *qp)
{
	struct core_rx *rx = &qp->rx;
	enum core_check check;

	rx->place_stag = be32_to_cpu(rx->tagged.stag);
	rx->place_to = be64_to_cpu(rx->tagged.to);
	check = check_stag(qp, rx->place_stag, rx->place_to, rx->payload,
			   CORE_REMOTE_WRITE);
	return check == CORE_CHECK_OK ? 0 : refuse_tagged(qp, check);
}

/* The oldest RDMA Read ends with the reason why its response was refused. */
static int fail_read(struct core_qp *qp, u16 status)
{
	const struct core_read *read = &qp->orq[qp->orq_get % qp->ord];

	if (read->send != CORE_NO_SEND)
		core_queue_done(qp, read->send, status);
	return -EPROTO;
}

static int refuse_response(struct core_qp *qp, enum core_check check, u16 status)
{
	refuse_tagged(qp, check);
	return fail_read(qp, status);
}

/* A Read Response goes where the oldest RDMA Read said, or nowhere. */
static int begin_read_response(struct core_qp *qp)
{
	struct core_rx *rx = &qp->rx;
	struct core_read *read;
	enum core_check check;
	u32 left;

	if (!core_reads_outstanding(qp))
		return refuse_opcode(qp);

	read = &qp->orq[qp->orq_get % qp->ord];
	left = read->length - read->placed;
	rx->place_stag = be32_to_cpu(rx->tagged.stag);
	rx->place_to = be64_to_cpu(rx->tagged.to);

	if (rx->place_stag != read->sink_stag)
		return refuse_response(qp, CORE_CHECK_STAG, SIW_WC_BAD_RESP_ERR);
	if (rx->place_to != read->sink_to + read->placed)
		return refuse_response(qp, CORE_CHECK_BOUNDS, SIW_WC_BAD_RESP_ERR);
	if (rx->payload > left)
		return refuse_response(qp, CORE_CHECK_BOUNDS, SIW_WC_LOC_LEN_ERR);
	if (rx_last(rx) && rx->payload != left) {
		refuse_stream(qp);
		return fail_read(qp, SIW_WC_LOC_LEN_ERR);
	}

	check = check_stag(qp, rx->place_stag, rx->place_to, rx->payload,
			   CORE_LOCAL_WRITE);
	return check == CORE_CHECK_OK ? 0 : refuse_response(qp, check, SIW_WC_LOC_PROT_ERR);
}

static int fail_recv(struct core_qp *qp, u16 status)
{
	struct core_completion c = {
		.id = qp->rx.recv.id,
		.opcode = SIW_OP_RECEIVE,
		.status = status,
	};

	qp->rx.send_active = false;
	core_complete_recv(qp, &c);
	return -EPROTO;
}

/* What is wrong is here: no segment is quoted (RFC 5040 section 4.8). */
static int fail_recv_memory(struct core_qp *qp)
{
	core_terminate(qp, TERM_LAYER_RDMAP, TERM_RDMAP_LOCAL, 0, NULL, 0);
	return fail_recv(qp, SIW_WC_LOC_PROT_ERR);
}

/* Local memory of the receive WQE that this segment would fill */
static int check_recv(struct core_qp *qp)
{
	const struct core_rx *rx = &qp->rx;
	u32 offset = rx->recv_sge_offset;
	u32 left = rx->payload;
	unsigned int i;

	for (i = rx->recv_sge; left && i < rx->recv.num_sge; i++) {
		const struct siw_sge *sge = &rx->recv.sge[i];
		u32 n = min_t(u32, left, sge->length - offset);

		if (check_stag(qp, sge->lkey, sge->laddr + offset, n,
			       CORE_LOCAL_WRITE | CORE_RECEIVE) != CORE_CHECK_OK)
			return fail_recv_memory(qp);
		left -= n;
		offset = 0;
	}
	/* MO has 32 bits, and so has what a completion says. */
	if (left || rx->payload > U32_MAX - rx->send_offset) {
		refuse_untagged(qp, TERM_DDP_U_TOO_LONG);
		return fail_recv(qp, SIW_WC_LOC_LEN_ERR);
	}
	return 0;
}

static bool is_rtr_send(const struct core_rx *rx)
{
	return rx->first && rx->rtr && !rx->payload && rx_last(rx) &&
	       rx_opcode(rx) == RDMAP_SEND;
}

static int begin_send(struct core_qp *qp)
{
	struct core_rx *rx = &qp->rx;

	if (be32_to_cpu(rx->untagged.msn) != rx->msn[DDP_QN_SEND])
		return refuse_untagged(qp, TERM_DDP_U_MSN_RANGE);
	if (be32_to_cpu(rx->untagged.mo) !=
	    (rx->send_active ? rx->send_offset : 0))
		return refuse_untagged(qp, TERM_DDP_U_MO);
	/* RFC 6581 section 4: the RTR is MPA's, the application posts none */
	if (is_rtr_send(rx))
		return 0;

	if (!rx->send_active) {
		if (!core_recv_fetch(qp, &rx->recv))
			return refuse_untagged(qp, TERM_DDP_U_NO_BUFFER);
		if (rx->recv.num_sge > SIW_MAX_SGE)
			rx->recv.num_sge = 0;
		rx->send_active = true;
		rx->send_offset = 0;
		rx->recv_sge = 0;
		rx->recv_sge_offset = 0;
	}
	return check_recv(qp);
}

static int begin_read_request(struct core_qp *qp)
{
	struct core_rx *rx = &qp->rx;
	const struct rdmap_read_request *req = &rx->read_request;
	enum core_check check;

	if (be32_to_cpu(rx->untagged.msn) != rx->msn[DDP_QN_READ_REQUEST])
		return refuse_untagged(qp, TERM_DDP_U_MSN_RANGE);
	if (rx->untagged.mo)
		return refuse_untagged(qp, TERM_DDP_U_MO);
	if (rx->payload)
		return refuse_untagged(qp, TERM_DDP_U_TOO_LONG);
	if (!rx_last(rx))
		return refuse_stream(qp);
	if (core_ring_used(qp->irq_put, qp->irq_get, qp->ird) >= qp->ird)
		return refuse_untagged(qp, TERM_DDP_U_NO_BUFFER);

	check = check_stag(qp, be32_to_cpu(req->source_stag),
			   be64_to_cpu(req->source_to),
			   be32_to_cpu(req->read_size), CORE_REMOTE_READ);
	if (check == CORE_CHECK_OK)
		return 0;
	qp->tx.term_in_turn = true;
	return refuse_protection(qp, check);
}

static int begin_terminate(struct core_qp *qp)
{
	struct core_rx *rx = &qp->rx;

	if (be32_to_cpu(rx->untagged.msn) != rx->msn[DDP_QN_TERMINATE])
		return refuse_untagged(qp, TERM_DDP_U_MSN_RANGE);
	if (rx->untagged.mo)
		return refuse_untagged(qp, TERM_DDP_U_MO);
	if (!rx_last(rx) || rx->payload <
	    sizeof(struct rdmap_terminate) - sizeof(struct ddp_untagged))
		return refuse_stream(qp);
	memset(rx->terminate, 0, sizeof(rx->terminate));
	return 0;
}

/* The first FPDU must be what MPA agreed on (RFC 6581 section 4.2). */
static int check_rtr(struct core_qp *qp)
{
	static const u8 rtr_opcode[] = {
		[IWARP_RTR_SEND] = RDMAP_SEND,
		[IWARP_RTR_WRITE] = RDMAP_WRITE,
		[IWARP_RTR_READ] = RDMAP_READ_REQUEST,
	};
	struct core_rx *rx = &qp->rx;
	u8 opcode = rx_opcode(rx);

	if (!rx->first || !rx->rtr || opcode == RDMAP_TERMINATE)
		return 0;
	if (rx->rtr < ARRAY_SIZE(rtr_opcode) && opcode == rtr_opcode[rx->rtr] &&
	    !rx->payload && rx_last(rx) &&
	    (opcode != RDMAP_READ_REQUEST || !rx->read_request.read_size))
		return 0;
	return refuse(qp, TERM_LAYER_LLP, 0, TERM_MPA_NO_RTR);
}

/* Versions, opcode and queue, all that the DDP header itself tells */
static int check_header(struct core_qp *qp, const struct core_opcode *info)
{
	struct core_rx *rx = &qp->rx;
	bool tagged = rx->ctrl.ddp & DDP_FLAG_TAGGED;
	u32 qn;

	if ((rx->ctrl.ddp & DDP_VERSION_MASK) != DDP_VERSION)
		return tagged ? refuse(qp, TERM_LAYER_DDP, TERM_DDP_TAGGED,
				       TERM_DDP_T_VERSION) :
				refuse_untagged(qp, TERM_DDP_U_VERSION);
	qn = tagged ? 0 : be32_to_cpu(rx->untagged.qn);
	if (qn >= DDP_QUEUES)
		return refuse_untagged(qp, TERM_DDP_U_QN);
	if ((rx->ctrl.rdmap & RDMAP_VERSION_MASK) != RDMAP_VERSION)
		return refuse(qp, TERM_LAYER_RDMAP, TERM_RDMAP_OPERATION,
			      TERM_RDMAP_BAD_VERSION);
	if (!info->header || info->tagged != tagged || qn != info->qn)
		return refuse_opcode(qp);
	if (rx_ulpdu(rx) + MPA_LENGTH_SIZE < info->header)
		return refuse_stream(qp);
	return 0;
}

static int begin_payload(struct core_qp *qp)
{
	struct core_rx *rx = &qp->rx;
	int err;

	rx->payload = rx_ulpdu(rx) + MPA_LENGTH_SIZE -
		      core_opcodes[rx_opcode(rx)].header;
	err = check_rtr(qp);
	if (err)
		return err;

	switch (rx_opcode(rx)) {
	case RDMAP_WRITE:
		err = begin_write(qp);
		break;
	case RDMAP_READ_RESPONSE:
		err = begin_read_response(qp);
		break;
	case RDMAP_READ_REQUEST:
		err = begin_read_request(qp);
		break;
	case RDMAP_TERMINATE:
		err = begin_terminate(qp);
		break;
	default:
		err = begin_send(qp);
		break;
	}
	if (err)
		return err;

	rx->state = CORE_RX_PAYLOAD;
	rx->have = 0;
	rx->need = rx->payload;
	return 0;
}

static int header_complete(struct core_qp *qp)
{
	struct core_rx *rx = &qp->rx;
	const struct core_opcode *info = &core_opcodes[rx_opcode(rx)];
	u32 ddp = rx->ctrl.ddp & DDP_FLAG_TAGGED ? sizeof(struct ddp_tagged) :
						   sizeof(struct ddp_untagged);
	int err;

	if (rx->state == CORE_RX_CTRL) {
		/* Too short for what it claims to be: nothing to quote */
		if (rx_ulpdu(rx) + MPA_LENGTH_SIZE < ddp) {
			core_terminate(qp, TERM_LAYER_LLP, 0, TERM_MPA_MARKER,
				       NULL, 0);
			return -EPROTO;
		}
		rx->state = CORE_RX_HEADER;
		rx->need = ddp;
		return 0;
	}
	if (rx->have == ddp) {
		err = check_header(qp, info);
		if (err)
			return err;
		if (info->header > ddp) {
			rx->need = info->header;
			return 0;
		}
	}
	return begin_payload(qp);
}

static int place_tagged(struct core_qp *qp, const u8 *data, u32 len)
{
	struct core_rx *rx = &qp->rx;
	bool response = rx_opcode(rx) == RDMAP_READ_RESPONSE;
	enum core_check check = CORE_CHECK_STAG;

	/*
	 * The region is not held while the peer is waited for, so it may have
	 * gone since the header was judged.
	 */
	if (!rx->region) {
		rx->region = core_region_get(qp, rx->place_stag);
		if (rx->region)
			check = core_region_check(qp, rx->region, rx->place_to,
						  rx->need - rx->have,
						  response ? CORE_LOCAL_WRITE :
						  CORE_REMOTE_WRITE);
	} else {
		check = CORE_CHECK_OK;
	}
	if (check == CORE_CHECK_OK &&
	    !core_region_write(rx->region, rx->place_stag, rx->place_to, data, len))
		check = CORE_CHECK_STAG;
	if (check != CORE_CHECK_OK) {
		rx->have = sizeof(struct ddp_tagged);
		return response ? refuse_response(qp, check, SIW_WC_LOC_PROT_ERR) :
				  refuse_tagged(qp, check);
	}
	rx->place_to += len;
	if (response)
		qp->orq[qp->orq_get % qp->ord].placed += len;
	return 0;
}

/* Of an SGE, what this segment fills: @left octets at most, from @addr on */
static bool hold_recv_sge(struct core_qp *qp, const struct siw_sge *sge, u64 addr, u32 left)
{
	struct core_rx *rx = &qp->rx;
	u32 n = min_t(u32, left, sge->length - rx->recv_sge_offset);

	rx->region = core_region_get(qp, sge->lkey);
	return rx->region &&
	       core_region_check(qp, rx->region, addr, n,
				 CORE_LOCAL_WRITE | CORE_RECEIVE) == CORE_CHECK_OK;
}

static int place_send(struct core_qp *qp, const u8 *data, u32 len)
{
	struct core_rx *rx = &qp->rx;
	u32 left = rx->need - rx->have;
	bool ok = true;

	while (len) {
		const struct siw_sge *sge = &rx->recv.sge[rx->recv_sge];
		u64 addr = sge->laddr + rx->recv_sge_offset;
		u32 n = min_t(u32, len, sge->length - rx->recv_sge_offset);

		if (!n) {
			region_release(rx);
			rx->recv_sge++;
			rx->recv_sge_offset = 0;
			continue;
		}
		if (!rx->region)
			ok = hold_recv_sge(qp, sge, addr, left);
		if (!ok || !core_region_write(rx->region, sge->lkey, addr, data, n))
			return fail_recv_memory(qp);
		rx->recv_sge_offset += n;
		rx->send_offset += n;
		data += n;
		len -= n;
		left -= n;
	}
	return 0;
}

static int place(struct core_qp *qp, const u8 *data, u32 len)
{
	struct core_rx *rx = &qp->rx;

	if (core_opcodes[rx_opcode(rx)].tagged)
		return place_tagged(qp, data, len);
	if (rx_opcode(rx) == RDMAP_TERMINATE) {
		u32 at = sizeof(struct ddp_untagged) + rx->have;

		if (at < sizeof(rx->terminate))
			memcpy(rx->terminate + at, data,
			       min_t(u32, len, sizeof(rx->terminate) - at));
		return 0;
	}
	return place_send(qp, data, len);
}

static int end_send(struct core_qp *qp)
{
	struct core_rx *rx = &qp->rx;
	const struct core_opcode *info = &core_opcodes[rx_opcode(rx)];
	struct core_completion c = {
		.id = rx->recv.id,
		.opcode = SIW_OP_RECEIVE,
		.status = SIW_WC_SUCCESS,
		.bytes = rx->send_offset,
		.solicited = info->solicited,
		.invalidated = info->invalidates,
	};
	enum core_check check;

	if (!rx_last(rx))
		return 0;
	rx->msn[DDP_QN_SEND]++;
	if (!rx->send_active)
		return 0;

	if (info->invalidates) {
		c.inval_stag = be32_to_cpu(rx->untagged.inval_stag);
		check = core_region_invalidate(qp, c.inval_stag);
		if (check != CORE_CHECK_OK) {
			rx->have = sizeof(struct ddp_untagged);
			if (check == CORE_CHECK_ACCESS)
				refuse(qp, TERM_LAYER_RDMAP,
				       TERM_RDMAP_PROTECTION,
				       TERM_RDMAP_NO_INVALIDATE);
			else
				refuse_protection(qp, check);
			return fail_recv(qp, SIW_WC_REM_INV_REQ_ERR);
		}
	}
	rx->send_active = false;
	core_complete_recv(qp, &c);
	return 0;
}

static int end_read_response(struct core_qp *qp)
{
	struct core_read *read = &qp->orq[qp->orq_get % qp->ord];
	enum siw_wc_status status = SIW_WC_SUCCESS;
	struct core_send *send;

	if (!rx_last(&qp->rx))
		return 0;
	qp->orq_get = core_ring_next(qp->orq_get, qp->ord);
	if (read->send == CORE_NO_SEND)
		return 0;
	send = &qp->sends[read->send % qp->sq_size];
	send->bytes = read->length;
	if (send->opcode == SIW_OP_READ_LOCAL_INV)
		status = core_local_invalidate(qp, send->opcode, read->sink_stag);
	core_queue_done(qp, read->send, status);
	if (status == SIW_WC_SUCCESS)
		return 0;
	core_terminate(qp, TERM_LAYER_RDMAP, TERM_RDMAP_LOCAL, 0, NULL, 0);
	return -EPROTO;
}

static void end_read_request(struct core_qp *qp)
{
	const struct rdmap_read_request *req = &qp->rx.read_request;
	struct core_response *resp = &qp->irq[qp->irq_put % qp->ird];

	resp->sink_stag = be32_to_cpu(req->sink_stag);
	resp->sink_to = be64_to_cpu(req->sink_to);
	resp->length = be32_to_cpu(req->read_size);
	resp->source_stag = be32_to_cpu(req->source_stag);
	resp->source_to = be64_to_cpu(req->source_to);
	resp->msn = qp->rx.msn[DDP_QN_READ_REQUEST]++;
	qp->irq_put = core_ring_next(qp->irq_put, qp->ird);
}

/* It says so by bits that must be zero, where it quotes something. */
static bool is_mainlines(const struct rdmap_terminate *wire)
{
	return (wire->hdrct & ~TERM_MAINLINE_R) == (TERM_MAINLINE_M | TERM_MAINLINE_D) &&
	       !wire->reserved;
}

/*
 * Make of mainline's Terminate what RFC 5040 wants. Of a Read that may not be
 * answered it quotes the length as the MSN; it answers in order.
 */
static void correct_mainlines(struct core_qp *qp, struct rdmap_terminate *wire)
{
	struct ddp_untagged *quoted = (void *)(wire + 1);
	bool rdmap = wire->hdrct & TERM_MAINLINE_R;

	wire->layer_etype = wire->layer_etype << 4 | wire->layer_etype >> 4;
	wire->hdrct = TERM_HDRCT_M | TERM_HDRCT_D | (rdmap ? TERM_HDRCT_R : 0);
	if (wire->layer_etype == (TERM_LAYER_RDMAP << 4 | TERM_RDMAP_PROTECTION) &&
	    (quoted->ctrl.rdmap & RDMAP_OPCODE_MASK) == RDMAP_READ_REQUEST)
		quoted->msn = cpu_to_be32(qp->tx.msn[DDP_QN_READ_REQUEST] -
					  core_ring_used(qp->orq_put, qp->orq_get, qp->ord));
}

/* The peer gives up: the control word, and what it quotes of our segment */
static int end_terminate(struct core_qp *qp)
{
	struct core_term *term = &qp->received;
	struct rdmap_terminate *wire = (void *)qp->rx.terminate;
	u32 have = qp->rx.payload + sizeof(struct ddp_untagged);

	if (is_mainlines(wire))
		correct_mainlines(qp, wire);
	memset(term, 0, sizeof(*term));
	term->layer = wire->layer_etype >> 4;
	term->etype = wire->layer_etype & 0x0f;
	term->ecode = wire->ecode;
	if ((wire->hdrct & TERM_HDRCT_M) && (wire->hdrct & TERM_HDRCT_D)) {
		have = min_t(u32, have, sizeof(qp->rx.terminate));
		term->hdr_len = have - sizeof(*wire);
		memcpy(term->hdr, wire + 1, term->hdr_len);
	}
	qp->peer_term = true;
	qp->error = true;
	core_trace_terminate(qp, false, term);
	return -ECONNRESET;
}

static int fpdu_complete(struct core_qp *qp)
{
	struct core_rx *rx = &qp->rx;
	int err = 0;

	region_release(rx);
	core_trace_fpdu_placed(qp, rx_opcode(rx), rx_ulpdu(rx));

	switch (rx_opcode(rx)) {
	case RDMAP_WRITE:
		rx->write_active = !rx_last(rx);
		/* A Write of nothing, which an RTR is, is nothing to wait for. */
		if (rx_last(rx) && rx->payload)
			core_write_placed(qp);
		break;
	case RDMAP_READ_RESPONSE:
		err = end_read_response(qp);
		break;
	case RDMAP_READ_REQUEST:
		end_read_request(qp);
		break;
	case RDMAP_TERMINATE:
		err = end_terminate(qp);
		break;
	default:
		err = end_send(qp);
		break;
	}
	rx->state = CORE_RX_CTRL;
	rx->have = 0;
	rx->need = sizeof(struct iwarp_ctrl);
	if (rx->first && !err) {
		rx->first = false;
		qp->tx.held = false;
		core_first_fpdu(qp);
	}
	return err;
}

/* A part of an FPDU is complete, which may be empty: on to the next one */
static int part_complete(struct core_qp *qp)
{
	struct core_rx *rx = &qp->rx;

	switch (rx->state) {
	case CORE_RX_CTRL:
	case CORE_RX_HEADER:
		return header_complete(qp);
	case CORE_RX_PAYLOAD:
		rx->state = CORE_RX_TRAILER;
		rx->have = 0;
		rx->need = (-(MPA_LENGTH_SIZE + rx_ulpdu(rx)) & 3) + MPA_CRC_SIZE;
		return 0;
	default:
		return fpdu_complete(qp);
	}
}

/**
 * core_receive() - take octets of the stream
 * @qp: the stream
 * @data: octets, in order; with CRCs, of FPDUs that core_scan() has verified
 * @len: how many
 * @consumed: how many were taken, all of them unless the stream failed
 *
 * Context: stream lock. Calls of one batch are followed by
 * core_receive_pause().
 * Return: 0, -EPROTO when the peer broke a rule and core_terminate() has been
 * called, -ECONNRESET when the peer sent a Terminate.
 */
int core_receive(struct core_qp *qp, const u8 *data, u32 len, u32 *consumed)
{
	struct core_rx *rx = &qp->rx;
	u32 at = 0;
	int err = 0;

	while (!err && !qp->error && (at < len || rx->have == rx->need)) {
		u32 n = min_t(u32, len - at, rx->need - rx->have);

		if (n) {
			if (rx->state <= CORE_RX_HEADER)
				memcpy(rx->hdr + rx->have, data + at, n);
			else if (rx->state == CORE_RX_PAYLOAD)
				err = place(qp, data + at, n);
			if (err)
				break;
			rx->have += n;
			at += n;
		}
		if (rx->have == rx->need)
			err = part_complete(qp);
	}
	*consumed = at;
	if (!err && qp->error)
		err = -EPROTO;
	return err;
}

/**
 * core_receive_pause() - the octets at hand have been handed in
 * @qp: the stream
 *
 * Lets go of memory regions, so that a silent peer cannot keep one alive.
 *
 * Context: stream lock.
 */
void core_receive_pause(struct core_qp *qp)
{
	region_release(&qp->rx);
}

/**
 * core_receive_between() - may the stream end here?
 * @qp: the stream
 *
 * Context: stream lock.
 * Return: true between two messages, where a peer may close in good order.
 */
bool core_receive_between(const struct core_qp *qp)
{
	return qp->rx.state == CORE_RX_CTRL && !qp->rx.have &&
	       !qp->scan.seen && !qp->rx.send_active &&
	       !qp->rx.write_active && !core_reads_outstanding(qp);
}
