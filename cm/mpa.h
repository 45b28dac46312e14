/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MPA requests and replies as values: what is in them, what is wrong with them,
 * and what two of them agree on. Pure; builds in user space as well.
 */
#ifndef CM_MPA_H
#define CM_MPA_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#endif
#include "iwarp_wire.h"

#define MPA_FRAME_MAX	(sizeof(struct mpa_frame) + MPA_MAX_PRIVATE_DATA)

enum mpa_kind {
	MPA_REQUEST,
	MPA_REPLY,
};

/* A set of enum iwarp_rtr, in struct mpa_message */
#define MPA_RTR_BIT(rtr)	((__u8)(1u << (rtr)))

/**
 * enum mpa_result - what came of a frame
 * @MPA_OK: all is well
 * @MPA_MORE: the frame is not complete
 * @MPA_BAD_KEY: not MPA, or the wrong one of request and reply
 * @MPA_BAD_REVISION: a revision that we do not speak
 * @MPA_BAD_LENGTH: more private data than MPA allows
 * @MPA_BAD_PARAMS: revision 2 without room for its parameters, or a reply that
 *	has them although nobody asked, or lacks them although we did
 * @MPA_OTHER_REVISION: a revision 1 reply to a revision 2 request
 * @MPA_REJECTED: the peer's ULP said no
 * @MPA_MARKERS: the peer demands markers
 * @MPA_NO_RTR: RFC 6581: no matching RTR
 * @MPA_NO_IRD: RFC 6581: insufficient IRD
 */
enum mpa_result {
	MPA_OK,
	MPA_MORE,
	MPA_BAD_KEY,
	MPA_BAD_REVISION,
	MPA_BAD_LENGTH,
	MPA_BAD_PARAMS,
	MPA_OTHER_REVISION,
	MPA_REJECTED,
	MPA_MARKERS,
	MPA_NO_RTR,
	MPA_NO_IRD,
};

/**
 * struct mpa_message - an MPA request or reply
 * @revision: 1 or 2
 * @crc: the sender wants CRCs
 * @markers: the sender wants markers in what it receives
 * @reject: reply only
 * @enhanced: revision 2 only: the fields that follow are there
 * @p2p: peer-to-peer: an RTR will come first
 * @rtr: set of MPA_RTR_BIT()
 * @ird: inbound RDMA Reads of the sender; 0x3fff: not negotiated
 * @ord: outbound RDMA Reads of the sender; 0x3fff: not negotiated
 * @pdata: the ULP's part of the private data; of a parsed frame: in its buffer
 * @pdata_len: its length
 */
struct mpa_message {
	__u8 revision;
	bool crc;
	bool markers;
	bool reject;
	bool enhanced;
	bool p2p;
	__u8 rtr;
	__u16 ird;
	__u16 ord;
	const void *pdata;
	__u16 pdata_len;
};

/**
 * struct mpa_limits - what the local side brings to a negotiation
 * @ird: inbound RDMA Reads that the ULP asked for
 * @ord: outbound RDMA Reads that the ULP asked for
 * @max_ird: what the device could do
 * @crc: ask for CRCs
 */
struct mpa_limits {
	__u16 ird;
	__u16 ord;
	__u16 max_ird;
	bool crc;
};

/**
 * struct mpa_agreement - what request and reply together say, for our side
 * @crc: CRCs in both directions
 * @rtr: the FPDU that the initiator sends first
 * @ird: inbound RDMA Reads to serve
 * @ord: outbound RDMA Reads to issue
 */
struct mpa_agreement {
	bool crc;
	enum iwarp_rtr rtr;
	__u16 ird;
	__u16 ord;
};

size_t mpa_pdata_max(const struct mpa_message *msg);
size_t mpa_encode(void *buf, enum mpa_kind kind, const struct mpa_message *msg);
enum mpa_result mpa_frame_size(const void *buf, size_t len, enum mpa_kind kind, size_t *size);
enum mpa_result mpa_parse(const void *buf, size_t len, enum mpa_kind kind,
			  struct mpa_message *msg);
enum mpa_result mpa_respond(const struct mpa_message *req, const struct mpa_limits *limits,
			    struct mpa_message *rep, struct mpa_agreement *agreed);
enum mpa_result mpa_conclude(const struct mpa_message *req, const struct mpa_message *rep,
			     const struct mpa_limits *limits, struct mpa_agreement *agreed);

#endif
