/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CM_RESPONDER_H
#define CM_RESPONDER_H

struct iwarp_conn;
struct iwarp_addrs;
struct iwarp_device;
struct iwarp_endpoint;
struct listener;

struct iwarp_endpoint *responder_create(struct iwarp_device *dev, struct listener *listener,
					struct iwarp_conn *conn, const struct iwarp_addrs *addrs);

/* The caller of these holds ep->lock. */
void responder_run(struct iwarp_endpoint *ep, unsigned long events);
void responder_forget(struct iwarp_endpoint *ep);

#endif
