/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CM_FRAME_H
#define CM_FRAME_H

#include "iwarp_transport.h"
#include "mpa.h"

/**
 * struct frame - an MPA frame that is being received
 * @fixed: its fixed part; all that a silent connection costs
 * @buf: @fixed, or the whole frame once its length is known
 * @have: octets received
 * @size: octets to receive, as far as is known
 */
struct frame {
	struct mpa_frame fixed;
	void *buf;
	size_t have;
	size_t size;
};

void frame_init(struct frame *frame);
void frame_destroy(struct frame *frame);
int frame_receive(struct frame *frame, const struct iwarp_transport_ops *transport,
		  struct iwarp_conn *conn, enum mpa_kind kind, struct mpa_message *msg,
		  enum mpa_result *result);
int frame_send(const struct iwarp_transport_ops *transport, struct iwarp_conn *conn,
	       enum mpa_kind kind, const struct mpa_message *msg);

#endif
