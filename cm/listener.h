/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CM_LISTENER_H
#define CM_LISTENER_H

struct iwarp_device;
struct iwarp_endpoint;
struct listener;

int listener_init(void);
void listener_exit(void);
void listener_get(struct listener *listener);
void listener_put(struct listener *listener);
void listener_detach_device(struct iwarp_device *dev);

/* The caller of these holds ep->lock. */
int listener_report(struct listener *listener, struct iwarp_endpoint *ep);
void listener_leave(struct listener *listener, struct iwarp_endpoint *ep);

#endif
