/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What portspace tells of its reservations, over generic netlink.
 *
 * A dump of PORTSPACE_CMD_RESERVATION_GET answers one message for each
 * reservation of the network namespace of the socket that asks. Ports that are
 * merely bound show in no other interface of the kernel before 6.8.
 */
#ifndef WHARF_PORTSPACE_NETLINK_H
#define WHARF_PORTSPACE_NETLINK_H

#define PORTSPACE_NL_NAME	"portspace"
#define PORTSPACE_NL_VERSION	1

enum portspace_nl_cmd {
	PORTSPACE_CMD_UNSPEC,
	PORTSPACE_CMD_RESERVATION_GET,
};

enum portspace_nl_attr {
	PORTSPACE_A_UNSPEC,
	PORTSPACE_A_PAD,
	PORTSPACE_A_FAMILY,	/* u8: AF_INET or AF_INET6 */
	PORTSPACE_A_ADDR,	/* 4 or 16 octets, network byte order */
	PORTSPACE_A_PORT,	/* u16, network byte order; 0: chosen at connect */
	PORTSPACE_A_IFINDEX,	/* u32: scope of a link-local address */
	PORTSPACE_A_STATE,	/* u8: enum portspace_nl_state */
	PORTSPACE_A_FLAGS,	/* u32: PORTSPACE_F_* */
	PORTSPACE_A_UID,	/* u32: whose it is */
	PORTSPACE_A_INODE,	/* u32: the socket's, as in idiag_inode */
	PORTSPACE_A_COOKIE,	/* u64: the socket's, as in idiag_cookie */
	/*
	 * The process that reserved it, while it lives; told to its own user
	 * and to CAP_NET_ADMIN. Not there if the kernel itself did.
	 */
	PORTSPACE_A_PID,	/* u32: in the pid namespace of who asks */
	PORTSPACE_A_COMM,	/* string */
	__PORTSPACE_A_MAX,
};

#define PORTSPACE_A_MAX (__PORTSPACE_A_MAX - 1)

/* What became of a reservation */
enum portspace_nl_state {
	PORTSPACE_RESERVED,	/* bound, no more */
	PORTSPACE_LISTENING,
	PORTSPACE_TAKEN,	/* a connection has its socket, or had */
};

#define PORTSPACE_F_REUSE	0x1	/* SO_REUSEADDR */
#define PORTSPACE_F_V6ONLY	0x2	/* IPV6_V6ONLY */
#define PORTSPACE_F_LATE_PORT	0x4	/* connect() chooses the port */
#define PORTSPACE_F_KERNEL	0x8	/* no process, but a thread of the kernel's */

#endif
