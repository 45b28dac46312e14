/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CM_INITIATOR_H
#define CM_INITIATOR_H

struct iwarp_endpoint;

/* The caller holds ep->lock. */
void initiator_run(struct iwarp_endpoint *ep, unsigned long events);

#endif
