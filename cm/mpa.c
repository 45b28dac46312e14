// SPDX-License-Identifier: GPL-2.0
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif
#include <asm/byteorder.h>
#include "mpa.h"

static const char *mpa_key(enum mpa_kind kind)
{
	return kind == MPA_REQUEST ? MPA_KEY_REQ : MPA_KEY_REP;
}

/**
 * mpa_pdata_max - how much private data the ULP may add to a message
 * @msg: the message
 *
 * Return: octets.
 */
size_t mpa_pdata_max(const struct mpa_message *msg)
{
	return MPA_MAX_PRIVATE_DATA - (msg->enhanced ? sizeof(struct mpa_v2_params) : 0);
}

static void mpa_encode_params(struct mpa_v2_params *params, const struct mpa_message *msg)
{
	__u16 ird = msg->ird & MPA_V2_MASK_IRD_ORD;
	__u16 ord = msg->ord & MPA_V2_MASK_IRD_ORD;

	if (msg->p2p)
		ird |= MPA_V2_PEER_TO_PEER;
	if (msg->rtr & MPA_RTR_BIT(IWARP_RTR_SEND))
		ird |= MPA_V2_RTR_SEND;
	if (msg->rtr & MPA_RTR_BIT(IWARP_RTR_WRITE))
		ord |= MPA_V2_RTR_WRITE;
	if (msg->rtr & MPA_RTR_BIT(IWARP_RTR_READ))
		ord |= MPA_V2_RTR_READ;
	params->ird = __cpu_to_be16(ird);
	params->ord = __cpu_to_be16(ord);
}

static void mpa_parse_params(const struct mpa_v2_params *params, struct mpa_message *msg)
{
	__u16 ird = __be16_to_cpu(params->ird);
	__u16 ord = __be16_to_cpu(params->ord);

	msg->p2p = ird & MPA_V2_PEER_TO_PEER;
	if (ird & MPA_V2_RTR_SEND)
		msg->rtr |= MPA_RTR_BIT(IWARP_RTR_SEND);
	if (ord & MPA_V2_RTR_WRITE)
		msg->rtr |= MPA_RTR_BIT(IWARP_RTR_WRITE);
	if (ord & MPA_V2_RTR_READ)
		msg->rtr |= MPA_RTR_BIT(IWARP_RTR_READ);
	msg->ird = ird & MPA_V2_MASK_IRD_ORD;
	msg->ord = ord & MPA_V2_MASK_IRD_ORD;
}

/**
 * mpa_encode - put a message on the wire
 * @buf: MPA_FRAME_MAX octets
 * @kind: request or reply
 * @msg: the message; no more private data than mpa_pdata_max()
 *
 * Return: octets to send.
 */
size_t mpa_encode(void *buf, enum mpa_kind kind, const struct mpa_message *msg)
{
	struct mpa_frame *frame = buf;
	size_t len = sizeof(*frame);

	memcpy(frame->key, mpa_key(kind), MPA_KEY_LEN);
	frame->revision = msg->revision;
	frame->flags = 0;
	if (msg->markers)
		frame->flags |= MPA_FLAG_MARKERS;
	if (msg->crc)
		frame->flags |= MPA_FLAG_CRC;
	if (msg->reject)
		frame->flags |= MPA_FLAG_REJECT;
	if (msg->enhanced) {
		struct mpa_v2_params params;

		frame->flags |= MPA_FLAG_ENHANCED;
		mpa_encode_params(&params, msg);
		memcpy((__u8 *)buf + len, &params, sizeof(params));
		len += sizeof(params);
	}
	if (msg->pdata_len)
		memcpy((__u8 *)buf + len, msg->pdata, msg->pdata_len);
	len += msg->pdata_len;
	frame->pd_length = __cpu_to_be16(len - sizeof(*frame));
	return len;
}

/**
 * mpa_frame_size - judge the beginning of a frame
 * @buf: what has arrived
 * @len: its length
 * @kind: request or reply
 * @size: is set to the length of the whole frame when it is known, else to that
 *	of its fixed part
 *
 * A wrong key is seen at its first wrong octet. The reserved flags are not
 * looked at, as RFC 5044 section 7.1.1 has it.
 *
 * Return: MPA_OK when @size is that of the frame, MPA_MORE, or what is wrong.
 */
enum mpa_result mpa_frame_size(const void *buf, size_t len, enum mpa_kind kind, size_t *size)
{
	const struct mpa_frame *frame = buf;
	__u16 pd_length;

	*size = sizeof(*frame);
	if (memcmp(buf, mpa_key(kind), len < MPA_KEY_LEN ? len : MPA_KEY_LEN))
		return MPA_BAD_KEY;
	if (len < sizeof(*frame))
		return MPA_MORE;
	if (frame->revision != MPA_REVISION_1 && frame->revision != MPA_REVISION_2)
		return MPA_BAD_REVISION;
	pd_length = __be16_to_cpu(frame->pd_length);
	if (pd_length > MPA_MAX_PRIVATE_DATA)
		return MPA_BAD_LENGTH;
	*size = sizeof(*frame) + pd_length;
	return MPA_OK;
}

/**
 * mpa_parse - take a frame apart
 * @buf: what has arrived; aligned for struct mpa_frame
 * @len: its length; octets beyond the frame are not looked at
 * @kind: request or reply
 * @msg: is set from the frame
 *
 * Return: MPA_OK, MPA_MORE, or what is wrong.
 */
enum mpa_result mpa_parse(const void *buf, size_t len, enum mpa_kind kind,
			  struct mpa_message *msg)
{
	const struct mpa_frame *frame = buf;
	struct mpa_v2_params params;
	enum mpa_result result;
	size_t size;

	memset(msg, 0, sizeof(*msg));
	result = mpa_frame_size(buf, len, kind, &size);
	if (result != MPA_OK)
		return result;
	if (len < size)
		return MPA_MORE;

	msg->revision = frame->revision;
	msg->markers = frame->flags & MPA_FLAG_MARKERS;
	msg->crc = frame->flags & MPA_FLAG_CRC;
	msg->reject = kind == MPA_REPLY && frame->flags & MPA_FLAG_REJECT;
	msg->pdata = (const __u8 *)buf + sizeof(*frame);
	msg->pdata_len = size - sizeof(*frame);

	/* The bit is reserved in revision 1. */
	if (frame->revision == MPA_REVISION_1 || !(frame->flags & MPA_FLAG_ENHANCED))
		return MPA_OK;

	/* Nothing is negotiated with one who says no. */
	if (msg->pdata_len < sizeof(params))
		return msg->reject ? MPA_OK : MPA_BAD_PARAMS;
	memcpy(&params, msg->pdata, sizeof(params));
	mpa_parse_params(&params, msg);
	msg->enhanced = true;
	msg->pdata = (const __u8 *)msg->pdata + sizeof(params);
	msg->pdata_len -= sizeof(params);
	return MPA_OK;
}

static enum iwarp_rtr mpa_choose_rtr(__u8 offered)
{
	/* A zero length Write costs neither a receive nor a read resource. */
	if (offered & MPA_RTR_BIT(IWARP_RTR_WRITE))
		return IWARP_RTR_WRITE;
	if (offered & MPA_RTR_BIT(IWARP_RTR_READ))
		return IWARP_RTR_READ;
	if (offered & MPA_RTR_BIT(IWARP_RTR_SEND))
		return IWARP_RTR_SEND;
	return IWARP_RTR_NONE;
}

static __u16 mpa_bound(__u16 wanted, __u16 offered)
{
	if (offered == MPA_V2_MASK_IRD_ORD || wanted < offered)
		return wanted;
	return offered;
}

/**
 * mpa_respond - answer a request with yes
 * @req: the request
 * @limits: what the accepting ULP and its device want
 * @rep: is set to the reply, without private data
 * @agreed: is set to what the responder then has to do
 *
 * Our ORD never exceeds the initiator's IRD. Where our IRD is less than its ORD
 * the reply says so, and it is the initiator that goes down or gives up.
 *
 * Return: MPA_OK, or MPA_MARKERS when the answer has to be no.
 */
enum mpa_result mpa_respond(const struct mpa_message *req, const struct mpa_limits *limits,
			    struct mpa_message *rep, struct mpa_agreement *agreed)
{
	memset(rep, 0, sizeof(*rep));
	memset(agreed, 0, sizeof(*agreed));
	rep->revision = req->revision;
	rep->crc = req->crc || limits->crc;
	rep->enhanced = req->enhanced;
	agreed->crc = rep->crc;
	agreed->ird = limits->ird;
	agreed->ord = limits->ord;
	if (req->markers)
		return MPA_MARKERS;
	if (!req->enhanced)
		return MPA_OK;

	agreed->ord = mpa_bound(limits->ord, req->ird);
	if (req->p2p) {
		agreed->rtr = mpa_choose_rtr(req->rtr);
		/* Some initiators leave the choice to us. */
		if (agreed->rtr == IWARP_RTR_NONE)
			agreed->rtr = IWARP_RTR_WRITE;
		if (agreed->rtr == IWARP_RTR_READ && !agreed->ird)
			agreed->ird = 1;
		rep->p2p = true;
		rep->rtr = MPA_RTR_BIT(agreed->rtr);
	}
	rep->ird = agreed->ird;
	rep->ord = agreed->ord;
	return MPA_OK;
}

/**
 * mpa_conclude - what a reply to our request means
 * @req: the request that was sent
 * @rep: the reply
 * @limits: what the request was made from
 * @agreed: is set to what the initiator then has to do, if MPA_OK
 *
 * Return: MPA_OK, or why there is no connection.
 */
enum mpa_result mpa_conclude(const struct mpa_message *req, const struct mpa_message *rep,
			     const struct mpa_limits *limits, struct mpa_agreement *agreed)
{
	memset(agreed, 0, sizeof(*agreed));
	if (rep->revision != req->revision)
		return rep->revision < req->revision ? MPA_OTHER_REVISION : MPA_BAD_REVISION;
	if (rep->reject)
		return MPA_REJECTED;
	if (rep->markers)
		return MPA_MARKERS;
	if (rep->enhanced != req->enhanced)
		return MPA_BAD_PARAMS;

	agreed->crc = req->crc || rep->crc;
	agreed->ird = limits->ird;
	agreed->ord = limits->ord;
	if (!req->enhanced)
		return MPA_OK;

	agreed->ird = req->ird;
	agreed->ord = mpa_bound(req->ord, rep->ird);
	if (rep->ord != MPA_V2_MASK_IRD_ORD && rep->ord > agreed->ird) {
		if (rep->ord > limits->max_ird)
			return MPA_NO_IRD;
		agreed->ird = rep->ord;
	}
	if (req->p2p) {
		agreed->rtr = rep->p2p ? mpa_choose_rtr(req->rtr & rep->rtr) : IWARP_RTR_NONE;
		if (agreed->rtr == IWARP_RTR_NONE)
			return MPA_NO_RTR;
		if (agreed->rtr == IWARP_RTR_READ && !agreed->ord)
			return MPA_NO_IRD;
	}
	return MPA_OK;
}
