/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generic netlink family of adapters that terminate TCP themselves: their
 * functions, roles, addresses, rules and counters. User space may include this, too.
 *
 * A caller sees what is in his network namespace: an adapter with all that it has
 * where its port is, a function where its interface is.
 */
#ifndef WHARF_RNIC_NETLINK_H
#define WHARF_RNIC_NETLINK_H

#define RNIC_NL_FAMILY	"rnic"
#define RNIC_NL_VERSION	1

/**
 * enum rnic_nl_command - changes need CAP_NET_ADMIN in the initial namespaces
 * @RNIC_NL_GET_ADAPTERS: dump: ADAPTER, ADAPTER_ID, PORT, STEERING, FLOWS, HANDLES,
 *	COUNTER ...
 * @RNIC_NL_GET_FUNCTIONS: dump: ADAPTER, ADAPTER_ID, PORT (if seen), NUMBER, KIND, ROLE,
 *	IFNAME, IFINDEX or else NETNSID, ADDRESS ... Addresses that do not fit come in
 *	further messages, right behind, of the same ADAPTER_ID and NUMBER.
 * @RNIC_NL_SET_ROLE: a function (IFINDEX; or PORT and NUMBER), ROLE
 * @RNIC_NL_GET_RULES: dump: ADAPTER, ADAPTER_ID, PORT (if seen), NUMBER, IFNAME,
 *	RULE, what it asks for, PACKETS, OCTETS
 * @RNIC_NL_ADD_RULE: a function, what the rule asks for: PROTOCOL, SOURCE,
 *	SOURCE_PREFIX, DEST, DEST_PREFIX, SOURCE_PORT, DEST_PORT, TOS, TOS_MASK
 * @RNIC_NL_DEL_RULE: a function, RULE
 *
 * A dump that has NLM_F_DUMP_INTR in a message is to be asked for again: something came
 * or went meanwhile.
 */
enum rnic_nl_command {
	RNIC_NL_CMD_UNSPEC,
	RNIC_NL_GET_ADAPTERS,
	RNIC_NL_GET_FUNCTIONS,
	RNIC_NL_SET_ROLE,
	RNIC_NL_GET_RULES,
	RNIC_NL_ADD_RULE,
	RNIC_NL_DEL_RULE,
};

/**
 * enum rnic_nl_attr
 * @RNIC_NL_ADAPTER: string: its name; one in another namespace may have the same
 * @RNIC_NL_PORT: u32: interface index of the adapter's port
 * @RNIC_NL_NUMBER: u16: a function's on its adapter
 * @RNIC_NL_KIND: u8: enum rnic_nl_kind
 * @RNIC_NL_ROLE: u8: enum rnic_nl_role
 * @RNIC_NL_IFINDEX: u32: a function's interface, in the caller's namespace
 * @RNIC_NL_IFNAME: string: what it is called where it is
 * @RNIC_NL_NETNSID: s32: the caller's number of its namespace, if that is another;
 *	-1: it has none
 * @RNIC_NL_ADDRESS: nest: DEST and perhaps VLAN: what the function has registered
 * @RNIC_NL_VLAN: u16: tag
 * @RNIC_NL_COUNTER: nest: NAME and PACKETS
 * @RNIC_NL_NAME: string
 * @RNIC_NL_PACKETS: u64
 * @RNIC_NL_OCTETS: u64: of IP packets
 * @RNIC_NL_PAD: for alignment
 * @RNIC_NL_RULE: u32: its number on the adapter
 * @RNIC_NL_PROTOCOL: u8: IP protocol; ports ask for TCP or UDP
 * @RNIC_NL_SOURCE: 4 or 16 octets: address
 * @RNIC_NL_SOURCE_PREFIX: u8: bits of it that count; all when it is missing
 * @RNIC_NL_DEST: likewise
 * @RNIC_NL_DEST_PREFIX: likewise
 * @RNIC_NL_SOURCE_PORT: be16
 * @RNIC_NL_DEST_PORT: be16
 * @RNIC_NL_TOS: u8: type of service, or traffic class
 * @RNIC_NL_TOS_MASK: u8: bits of it that count; all when it is missing
 * @RNIC_NL_ADAPTER_ID: u32: that no other adapter has
 * @RNIC_NL_STEERING: u8: 0: a test has what is offloaded go to the host
 * @RNIC_NL_FLOWS: u32: connections that are steered to the adapter
 * @RNIC_NL_HANDLES: u32: address handles: pairs of addresses whose next hop is followed
 */
enum rnic_nl_attr {
	RNIC_NL_ATTR_UNSPEC,
	RNIC_NL_ADAPTER,
	RNIC_NL_PORT,
	RNIC_NL_NUMBER,
	RNIC_NL_KIND,
	RNIC_NL_ROLE,
	RNIC_NL_IFINDEX,
	RNIC_NL_IFNAME,
	RNIC_NL_NETNSID,
	RNIC_NL_ADDRESS,
	RNIC_NL_VLAN,
	RNIC_NL_COUNTER,
	RNIC_NL_NAME,
	RNIC_NL_PACKETS,
	RNIC_NL_OCTETS,
	RNIC_NL_PAD,
	RNIC_NL_RULE,
	RNIC_NL_PROTOCOL,
	RNIC_NL_SOURCE,
	RNIC_NL_SOURCE_PREFIX,
	RNIC_NL_DEST,
	RNIC_NL_DEST_PREFIX,
	RNIC_NL_SOURCE_PORT,
	RNIC_NL_DEST_PORT,
	RNIC_NL_TOS,
	RNIC_NL_TOS_MASK,
	RNIC_NL_ADAPTER_ID,
	RNIC_NL_STEERING,
	RNIC_NL_FLOWS,
	RNIC_NL_HANDLES,
	RNIC_NL_ATTR_END
};

#define RNIC_NL_ATTR_MAX	(RNIC_NL_ATTR_END - 1)

/* What a function is to the host */
enum rnic_nl_kind {
	RNIC_L2,	/* an Ethernet interface */
	RNIC_L3,	/* IP only: no MAC address, no ARP */
};

/* Who gets packets for an address that no function has registered */
enum rnic_nl_role {
	RNIC_ROLE_NONE,
	RNIC_ROLE_PRIMARY,
	RNIC_ROLE_SECONDARY,	/* when there is no primary router, or it is down */
};

#endif
