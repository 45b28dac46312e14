/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The emulated adapter's generic netlink family: what only an emulation needs. User
 * space may include this, too.
 */
#ifndef WHARF_RNIC_EMULATED_H
#define WHARF_RNIC_EMULATED_H

#define RNIC_EMU_FAMILY		"rnic_emulated"
#define RNIC_EMU_VERSION	1

/**
 * enum rnic_emu_command - all need CAP_NET_ADMIN in the initial namespaces
 * @RNIC_EMU_ATTACH: give an adapter a namespace for its TCP, in which there is a new
 *	interface "port0" then: ADAPTER, NETNS_FD
 * @RNIC_EMU_SET: change an adapter: IFINDEX of the interface under it in the caller's
 *	namespace, STEERING
 */
enum rnic_emu_command {
	RNIC_EMU_UNSPEC,
	RNIC_EMU_ATTACH,
	RNIC_EMU_SET,
};

/**
 * enum rnic_emu_attr
 * @RNIC_EMU_ADAPTER: u32: number of an adapter
 * @RNIC_EMU_NETNS_FD: u32: open file of a network namespace
 * @RNIC_EMU_IFINDEX: u32: interface under an adapter
 * @RNIC_EMU_STEERING: u8: 0: offloaded packets go to the host's functions instead of to
 *	the adapter's TCP, to see what the host makes of them; 1: as it should be
 */
enum rnic_emu_attr {
	RNIC_EMU_ATTR_UNSPEC,
	RNIC_EMU_ADAPTER,
	RNIC_EMU_NETNS_FD,
	RNIC_EMU_IFINDEX,
	RNIC_EMU_STEERING,
	RNIC_EMU_ATTR_END
};

#define RNIC_EMU_ATTR_MAX	(RNIC_EMU_ATTR_END - 1)

#endif
