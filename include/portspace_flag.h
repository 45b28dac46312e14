/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flag: by what `ss -ti` and sock_diag tell a connection that carries RDMA
 * from others. User space may include this, too.
 *
 * A flagged TCP socket has an upper layer protocol (ULP). `ss -ti` shows its
 * name, as tcp-ulp-NAME, to whoever has CAP_NET_ADMIN. sock_diag has it as
 * INET_ULP_INFO_NAME in the nest INET_DIAG_ULP_INFO (linux/inet_diag.h), and
 * beside it the attributes below. Their numbers are far beyond those of the
 * kernel's enum there, so that neither can grow into the other; who does not
 * know them skips them.
 */
#ifndef WHARF_PORTSPACE_FLAG_H
#define WHARF_PORTSPACE_FLAG_H

/* The host's own TCP carries it; it is filtered, queued and counted as any. */
#define PORTSPACE_ULP_SIW	"siw"
/* Its TCP runs elsewhere: what the host shows is a placeholder. */
#define PORTSPACE_ULP_OFFLOAD	"rnic-offload"

#define PORTSPACE_FLAG_DEVICE_MAX	64	/* with the final 0 */

/**
 * enum portspace_flag_attr - netlink attributes in INET_DIAG_ULP_INFO
 * @PORTSPACE_FLAG_DEVICE: string: RDMA device, as it was called when the
 *	connection was flagged
 * @PORTSPACE_FLAG_QPN: u32: number of the queue pair, 0 as long as there is none
 * @PORTSPACE_FLAG_BYPASSES: u32: bits of enum portspace_flag_bypass; only if any
 * @PORTSPACE_FLAG_RTT: u32: of a placeholder, as its own TCP tells: smoothed round
 *	trip time, microseconds; what follows likewise
 * @PORTSPACE_FLAG_CWND: u32: congestion window, segments
 * @PORTSPACE_FLAG_RETRANSMITS: u32: segments sent again
 * @PORTSPACE_FLAG_SENT: u64: octets acknowledged
 * @PORTSPACE_FLAG_RECEIVED: u64: octets received in order
 * @PORTSPACE_FLAG_PAD: for alignment
 */
enum portspace_flag_attr {
	PORTSPACE_FLAG_DEVICE = 0x1000,
	PORTSPACE_FLAG_QPN,
	PORTSPACE_FLAG_BYPASSES,
	PORTSPACE_FLAG_RTT,
	PORTSPACE_FLAG_CWND,
	PORTSPACE_FLAG_RETRANSMITS,
	PORTSPACE_FLAG_SENT,
	PORTSPACE_FLAG_RECEIVED,
	PORTSPACE_FLAG_PAD,
};

/**
 * enum portspace_flag_bypass - what of the host its packets do not meet
 * @PORTSPACE_BYPASS_FILTER: netfilter and BPF, in and out
 * @PORTSPACE_BYPASS_QUEUE: queueing disciplines and traffic control
 */
enum portspace_flag_bypass {
	PORTSPACE_BYPASS_FILTER = 1 << 0,
	PORTSPACE_BYPASS_QUEUE = 1 << 1,
};

#endif
