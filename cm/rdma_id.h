/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the provider's connect and listen may know of who calls: rdma_cm is the
 * only user of iw_cm, and an iw_cm_id's context is its rdma_id_private, which
 * begins with the public rdma_cm_id. Good only during those two calls.
 */
#ifndef CM_RDMA_ID_H
#define CM_RDMA_ID_H

#include <rdma/iw_cm.h>
#include <rdma/rdma_cm.h>

static inline const struct rdma_cm_id *rdma_id_of(const struct iw_cm_id *id)
{
	const struct rdma_cm_id *rdma_id = id->context;

	/* The layout of rdma_id_private is private, but this tells if it changes. */
	if (WARN_ON_ONCE(!rdma_id || rdma_id->device != id->device))
		return NULL;
	return rdma_id;
}

static inline struct net *rdma_id_net(const struct rdma_cm_id *rdma_id)
{
	return rdma_id->route.addr.dev_addr.net;
}

#endif
