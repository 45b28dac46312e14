/* SPDX-License-Identifier: GPL-2.0 */
/*
 * siw's verbs for others: an RDMA device over an interface whose connections are
 * carried by a transport of the caller's.
 */
#ifndef WHARF_SIW_LINK_H
#define WHARF_SIW_LINK_H

struct iwarp_transport_ops;
struct net_device;

int siw_link_add(const char *name, struct net_device *netdev,
		 const struct iwarp_transport_ops *transport);

#endif
