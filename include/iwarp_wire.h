/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every bit that iWARP puts on the wire: MPA (RFC 5044, RFC 6581), DDP
 * (RFC 5041) and RDMAP (RFC 5040, RFC 7306). Builds in the kernel and in user
 * space; knows nothing but integers in network order.
 */
#ifndef WHARF_IWARP_WIRE_H
#define WHARF_IWARP_WIRE_H

#include <linux/types.h>

/* The kernel has this from its compiler headers. */
#ifndef __packed
#define __packed __attribute__((__packed__))
#endif

/*
 * MPA request and reply (RFC 5044 section 7.1.1). The IRD/ORD block of
 * RFC 6581 section 9 is the beginning of the private data and counts in its
 * length.
 */
#define MPA_KEY_LEN		16
#define MPA_KEY_REQ		"MPA ID Req Frame"
#define MPA_KEY_REP		"MPA ID Rep Frame"

#define MPA_REVISION_1		1
#define MPA_REVISION_2		2

#define MPA_MAX_PRIVATE_DATA	512

/* mpa_frame.flags */
#define MPA_FLAG_MARKERS	0x80
#define MPA_FLAG_CRC		0x40
#define MPA_FLAG_REJECT		0x20
#define MPA_FLAG_ENHANCED	0x10	/* revision 2: an mpa_v2_params follows */
#define MPA_FLAGS_RESERVED	0x0f

struct mpa_frame {
	__u8	key[MPA_KEY_LEN];
	__u8	flags;
	__u8	revision;
	__be16	pd_length;	/* octets that follow, mpa_v2_params included */
};

struct mpa_v2_params {
	__be16	ird;		/* and the control bits A and B */
	__be16	ord;		/* and the control bits C and D */
};

#define MPA_V2_MASK_IRD_ORD	0x3fff	/* 0x3fff itself: "not negotiated" */
#define MPA_V2_PEER_TO_PEER	0x8000	/* in ird: A */
#define MPA_V2_RTR_SEND		0x4000	/* in ird: B, zero length FPDU */
#define MPA_V2_RTR_WRITE	0x8000	/* in ord: C */
#define MPA_V2_RTR_READ		0x4000	/* in ord: D */

/* The FPDU by which an initiator says that it is ready (RFC 6581 section 4) */
enum iwarp_rtr {
	IWARP_RTR_NONE,
	IWARP_RTR_SEND,
	IWARP_RTR_WRITE,
	IWARP_RTR_READ,
};

/* FPDU: ULPDU_Length, ULPDU, pad to four octets, CRC (RFC 5044 section 4) */
#define MPA_LENGTH_SIZE		2
#define MPA_CRC_SIZE		4
#define MPA_MAX_ULPDU		65535
#define MPA_MARKER_SIZE		4
#define MPA_MARKER_SPACING	512

/* DDP control octet (RFC 5041 section 4.1) */
#define DDP_FLAG_TAGGED		0x80
#define DDP_FLAG_LAST		0x40
#define DDP_RESERVED		0x3c
#define DDP_VERSION_MASK	0x03
#define DDP_VERSION		1

/* RDMAP control octet (RFC 5040 section 4.1) */
#define RDMAP_VERSION_MASK	0xc0
#define RDMAP_VERSION		0x40
#define RDMAP_RESERVED		0x30
#define RDMAP_OPCODE_MASK	0x0f

enum rdmap_opcode {
	RDMAP_WRITE		= 0x0,
	RDMAP_READ_REQUEST	= 0x1,
	RDMAP_READ_RESPONSE	= 0x2,
	RDMAP_SEND		= 0x3,
	RDMAP_SEND_INV		= 0x4,
	RDMAP_SEND_SE		= 0x5,
	RDMAP_SEND_SE_INV	= 0x6,
	RDMAP_TERMINATE		= 0x7,
	RDMAP_IMMEDIATE		= 0x8,	/* RFC 7306 from here on */
	RDMAP_IMMEDIATE_SE	= 0x9,
	RDMAP_ATOMIC_REQUEST	= 0xa,
	RDMAP_ATOMIC_RESPONSE	= 0xb,
	RDMAP_OPCODES		= 0x10,
};

/* Queue numbers of untagged messages (RFC 5040 section 4.1) */
enum ddp_queue {
	DDP_QN_SEND		= 0,
	DDP_QN_READ_REQUEST	= 1,
	DDP_QN_TERMINATE	= 2,
	DDP_QUEUES		= 3,
};

/* What every ULPDU begins with; length is MPA's ULPDU_Length. */
struct iwarp_ctrl {
	__be16	length;
	__u8	ddp;
	__u8	rdmap;
} __packed;

struct ddp_tagged {
	struct iwarp_ctrl ctrl;
	__be32	stag;
	__be64	to;
} __packed;

struct ddp_untagged {
	struct iwarp_ctrl ctrl;
	__be32	inval_stag;	/* Send with Invalidate only, else zero */
	__be32	qn;
	__be32	msn;
	__be32	mo;
} __packed;

struct rdmap_read_request {
	struct ddp_untagged ddp;
	__be32	sink_stag;
	__be64	sink_to;
	__be32	read_size;
	__be32	source_stag;
	__be64	source_to;
} __packed;

/* The ULPDU part of a Read Request that DDP carries as payload */
#define RDMAP_READ_REQUEST_PAYLOAD	28

/*
 * Terminate (RFC 5040 section 4.8). The control word is followed by the
 * headers of what was refused, as far as the M, D and R bits promise.
 */
struct rdmap_terminate {
	struct ddp_untagged ddp;
	__u8	layer_etype;	/* layer in the upper four bits */
	__u8	ecode;
	__u8	hdrct;		/* M, D, R, then five bits of zero */
	__u8	reserved;
} __packed;

#define TERM_HDRCT_M		0x80	/* DDP Segment Length is valid */
#define TERM_HDRCT_D		0x40	/* DDP header is included */
#define TERM_HDRCT_R		0x20	/* RDMAP header is included */

/*
 * Mainline's siw on a little-endian machine has these where five bits of zero
 * belong, and the layer in the lower four bits of its octet.
 */
#define TERM_MAINLINE_M		0x01
#define TERM_MAINLINE_D		0x02
#define TERM_MAINLINE_R		0x04

enum term_layer {
	TERM_LAYER_RDMAP	= 0,
	TERM_LAYER_DDP		= 1,
	TERM_LAYER_LLP		= 2,
};

/* RDMAP error types and codes (RFC 5040 section 4.8, figure 10) */
enum term_rdmap_etype {
	TERM_RDMAP_LOCAL	= 0,	/* local catastrophic, code 0 */
	TERM_RDMAP_PROTECTION	= 1,
	TERM_RDMAP_OPERATION	= 2,
};

enum term_rdmap_protection {
	TERM_RDMAP_STAG		= 0x00,
	TERM_RDMAP_BOUNDS	= 0x01,
	TERM_RDMAP_ACCESS	= 0x02,
	TERM_RDMAP_STAG_QP	= 0x03,	/* STag not associated with the stream */
	TERM_RDMAP_TO_WRAP	= 0x04,
	TERM_RDMAP_NO_INVALIDATE = 0x09,
};

enum term_rdmap_operation {
	TERM_RDMAP_BAD_VERSION	= 0x05,
	TERM_RDMAP_BAD_OPCODE	= 0x06,
	TERM_RDMAP_STREAM	= 0x07,	/* catastrophic, this stream */
	TERM_RDMAP_GLOBAL	= 0x08,	/* catastrophic, the device */
	TERM_RDMAP_UNSPECIFIED	= 0xff,
};

/* DDP error types and codes (RFC 5041 section 7.2) */
enum term_ddp_etype {
	TERM_DDP_LOCAL		= 0,
	TERM_DDP_TAGGED		= 1,
	TERM_DDP_UNTAGGED	= 2,
	TERM_DDP_LLP		= 3,
};

enum term_ddp_tagged {
	TERM_DDP_T_STAG		= 0x00,
	TERM_DDP_T_BOUNDS	= 0x01,
	TERM_DDP_T_STAG_QP	= 0x02,
	TERM_DDP_T_TO_WRAP	= 0x03,
	TERM_DDP_T_VERSION	= 0x04,
};

enum term_ddp_untagged {
	TERM_DDP_U_QN		= 0x01,
	TERM_DDP_U_NO_BUFFER	= 0x02,	/* MSN: no buffer available */
	TERM_DDP_U_MSN_RANGE	= 0x03,
	TERM_DDP_U_MO		= 0x04,
	TERM_DDP_U_TOO_LONG	= 0x05,
	TERM_DDP_U_VERSION	= 0x06,
};

/* MPA error codes (RFC 5044 section 8, RFC 6581 section 8); etype 0 */
enum term_llp_ecode {
	TERM_MPA_CLOSED		= 0x01,	/* stream closed, reset, or timed out */
	TERM_MPA_CRC		= 0x02,
	TERM_MPA_MARKER		= 0x03,	/* marker and ULPDU_Length mismatch */
	TERM_MPA_INVALID_FRAME	= 0x04,
	TERM_MPA_LOCAL		= 0x05,
	TERM_MPA_NO_IRD		= 0x06,
	TERM_MPA_NO_RTR		= 0x07,
};

#endif
