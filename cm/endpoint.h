/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CM_ENDPOINT_H
#define CM_ENDPOINT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include "iwarp_cm.h"
#include "iwarp_transport.h"
#include "frame.h"
#include "mpa.h"

struct listener;

enum endpoint_state {
	EP_CONNECTING,		/* initiator: TCP is connecting */
	EP_REPLY_WAIT,		/* initiator: the MPA request was sent */
	EP_REQUEST_WAIT,	/* responder: TCP has connected */
	EP_ANSWER_WAIT,		/* responder: the ULP was told */
	EP_STREAM,		/* the QP has the connection */
	EP_CLOSING,		/* only TCP is left */
	EP_DEAD,		/* not even that */
};

/* Bits of iwarp_endpoint.events; the first are 1 << enum iwarp_qp_event */
enum endpoint_event {
	EP_EVENT_SOCKET = IWARP_QP_TERMINATED + 1,
	EP_EVENT_ORPHANED,	/* the listener is gone */
	EP_EVENT_ABORT,		/* backlog, or the device is gone */
	EP_EVENT_GOING,		/* the device is about to go */
	EP_EVENT_QUEUED,	/* none: the work will see what was set before */
};

/* What iw_cm still has to hear of this connection */
enum endpoint_due {
	EP_DUE_NOTHING,
	EP_DUE_REPLY,		/* CONNECT_REPLY, once, whatever happens */
	EP_DUE_CLOSE,		/* CLOSE, once, whatever happens */
};

/* How TCP is closed */
enum endpoint_ending {
	EP_END_RESET,		/* at once */
	EP_END_FLUSH,		/* reset when TCP has delivered what it has */
	EP_END_GRACEFUL,	/* FIN, and wait for the peer's */
};

/**
 * struct iwarp_endpoint - a connection, from the first SYN to the last FIN
 * @ref: references, held by
 *	- being alive: until EP_DEAD. The listener's lists, the request handle and
 *	  the list of all endpoints hold none, as they are left before that; the
 *	  transport's notification neither, as the connection is released before;
 *	- @work while it is queued;
 *	- @qp, from attach() to stop(): so iwarp_cm_qp_event() never drops the last;
 *	- whoever looked it up by its handle
 * @lock: everything below unless said otherwise. Taken by @work and by iw_cm's
 *	calls; inside rdma_cm's handler_mutex; around the QP's and the socket's
 *	locks, the listener's lock and iw_cm's event_handler
 * @state: where it is
 * @events: bits of enum endpoint_event; set without @lock
 * @work: all that happens to it, also by timer
 * @timed: @deadline is set
 * @deadline: jiffies; what runs out is told by @state
 * @item: in the list of all endpoints, under its lock
 * @dev: a reference, until EP_DEAD
 * @transport: of @dev
 * @conn: until EP_DEAD
 * @addrs: of the connection; an initiator's are what it asked for, until connected
 * @cm_id: a reference, as long as something is @due
 * @due: what iw_cm waits for
 * @qp: a reference, and attached
 * @listener: a reference, until the request is answered
 * @listener_item: in one of its lists, under its lock
 * @silent_since: jiffies when it was accepted by TCP
 * @handle: what iw_cm knows it by; 0 if it does not, or not any more
 * @id: for tracing
 * @initiator: this side connected
 * @rtr_wait: nothing was received in FPDU mode, and @deadline is for that
 * @ending: in EP_CLOSING
 * @unsent: in EP_CLOSING, octets that were not acknowledged when @deadline was set
 * @sent: our request or reply; its private data is @pdata
 * @pdata: initiator: the ULP's private data, until it was sent for the last time
 * @limits: what our message was made from
 * @received: the peer's message; its private data lives in @rx
 * @rx: the frame being received, and until it was reported
 * @agreed: what MPA agreed on
 */
struct iwarp_endpoint {
	struct kref ref;
	struct mutex lock;	/* all but ref, events, work, item, listener_item */
	enum endpoint_state state;
	unsigned long events;
	struct delayed_work work;
	bool timed;
	unsigned long deadline;
	struct list_head item;

	struct iwarp_device *dev;
	const struct iwarp_transport_ops *transport;
	struct iwarp_conn *conn;
	struct iwarp_addrs addrs;

	struct iw_cm_id *cm_id;
	enum endpoint_due due;
	struct ib_qp *qp;
	struct listener *listener;
	struct list_head listener_item;
	unsigned long silent_since;
	u32 handle;
	u32 id;

	bool initiator;
	bool rtr_wait;
	enum endpoint_ending ending;
	u32 unsent;
	struct mpa_message sent;
	void *pdata;
	struct mpa_limits limits;
	struct mpa_message received;
	struct frame rx;
	struct mpa_agreement agreed;
};

int endpoint_init(void);
void endpoint_exit(void);

struct iwarp_endpoint *endpoint_create(struct iwarp_device *dev, enum endpoint_state state);
void endpoint_get(struct iwarp_endpoint *ep);
void endpoint_put(struct iwarp_endpoint *ep);
void endpoint_kick(struct iwarp_endpoint *ep, unsigned int event);
void endpoint_notify(void *context);
int endpoint_publish(struct iwarp_endpoint *ep);
void endpoint_hide(struct iwarp_endpoint *ep);
struct iwarp_endpoint *endpoint_published(const struct iw_cm_id *id);
void endpoint_tell_all(struct iwarp_device *dev, enum endpoint_event event);

/* The caller of these holds ep->lock. */
void endpoint_set_deadline(struct iwarp_endpoint *ep, unsigned int ms);
void endpoint_begin(struct iwarp_endpoint *ep);
bool endpoint_timed_out(struct iwarp_endpoint *ep);
int endpoint_attach(struct iwarp_endpoint *ep, u32 qpn);
int endpoint_start_stream(struct iwarp_endpoint *ep, u8 refusal);
int endpoint_raise(struct iwarp_endpoint *ep, enum iw_cm_event_type type, int status,
		   bool with_pdata);
void endpoint_over(struct iwarp_endpoint *ep, int status, enum endpoint_ending ending);

#endif
