/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iwarp_cm: one connection manager for every iWARP provider of Wharf.
 *
 * Upwards it is a provider of the kernel's iw_cm. Sideways it drives a
 * provider's queue pairs through struct iwarp_qp_ops and a TCP through struct
 * iwarp_transport_ops; it knows neither verbs nor adapters.
 */
#ifndef WHARF_IWARP_CM_H
#define WHARF_IWARP_CM_H

#include <linux/types.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/completion.h>
#include <linux/atomic.h>
#include <rdma/iw_cm.h>
#include <rdma/ib_verbs.h>
#include "iwarp_wire.h"

struct net;
struct socket;
struct iwarp_endpoint;
struct iwarp_device;
struct iwarp_transport_ops;

/**
 * struct iwarp_stream_params - a connection in FPDU mode, as MPA agreed on it
 * @sock: the TCP connection; the endpoint owns it, the QP borrows it from
 *	start() to stop()
 * @ep: the endpoint, for iwarp_cm_qp_event()
 * @crc: FPDUs carry a valid CRC in both directions
 * @markers_tx: FPDUs sent carry markers
 * @markers_rx: FPDUs received carry markers
 * @initiator: this side sent the MPA request
 * @rtr: initiator: send this zero length FPDU first. Responder: the first FPDU
 *	that arrives is of this kind; the QP reports IWARP_QP_FIRST_FPDU for it.
 *	A zero length Send does not consume a receive WQE.
 * @hold_tx: send nothing before the first FPDU has arrived (RFC 5044 section
 *	7.1.2: a responder waits for the initiator)
 * @refusal: 0, or an MPA error code (RFC 6581): all that is to be sent is a Terminate
 *	that says so, before start() returns
 * @ird: inbound RDMA Reads that this side serves at a time
 * @ord: outbound RDMA Reads that this side may have outstanding
 */
struct iwarp_stream_params {
	struct socket *sock;
	struct iwarp_endpoint *ep;
	bool crc;
	bool markers_tx;
	bool markers_rx;
	bool initiator;
	bool hold_tx;
	enum iwarp_rtr rtr;
	u8 refusal;
	u16 ird;
	u16 ord;
};

/**
 * enum iwarp_qp_event - what a QP tells its endpoint
 * @IWARP_QP_FIRST_FPDU: a responder got its first FPDU
 * @IWARP_QP_CLOSING: the QP has nothing more to send and wants an orderly close
 *	(SQD was asked for)
 * @IWARP_QP_PEER_CLOSED: the peer closed its side between two FPDUs
 * @IWARP_QP_ERROR: abort: the QP went to error for a local reason or a broken
 *	stream, or is being destroyed
 * @IWARP_QP_TERMINATED: a Terminate was sent or received; close after what is
 *	queued in TCP has been sent
 */
enum iwarp_qp_event {
	IWARP_QP_FIRST_FPDU,
	IWARP_QP_CLOSING,
	IWARP_QP_PEER_CLOSED,
	IWARP_QP_ERROR,
	IWARP_QP_TERMINATED,
};

/**
 * struct iwarp_qp_ops - how the connection manager drives a provider's QP
 * @attach: the QP gets a pending connection: called once, sleeping context,
 *	before start(). From then on the QP reports through
 *	iwarp_cm_qp_event(@ep), also when it is moved to error or destroyed before
 *	it started. -EINVAL when the QP is in a state that cannot connect
 *	(anything but RESET, INIT, RTR) or has a connection.
 * @start: enter FPDU mode and RTS; sleeping context. What TCP has queued
 *	already is the first FPDU's.
 * @stop: the stream is over: the QP goes to ERROR, flushes, restores the
 *	socket's callbacks and never touches the socket again; idempotent, also
 *	right after attach() without start(); sleeping context. No
 *	iwarp_cm_qp_event() is running or comes any more after return. False when TCP
 *	has not got all that completed work requests have made: the connection then has
 *	to end by a reset.
 *
 * The QP itself is kept by iw_cm's reference and by ib_device_ops.iw_add_ref.
 */
struct iwarp_qp_ops {
	int (*attach)(struct ib_qp *qp, struct iwarp_endpoint *ep);
	int (*start)(struct ib_qp *qp, const struct iwarp_stream_params *params);
	bool (*stop)(struct ib_qp *qp);
};

/**
 * struct iwarp_cm_settings - MPA policy of a device, changeable at any time
 * @mpa_revision: revision that connects begin with, 1 or 2
 * @rtr: RTR that connects offer in revision 2; IWARP_RTR_NONE: not peer-to-peer
 * @crc: ask for CRCs, 0 or 1 (RFC 5044 section 7.1.1 has them on unless both decline)
 * @connect_timeout: connecting: TCP and MPA together, a second attempt included
 * @request_timeout: accepted by TCP until the whole MPA request has come
 * @answer_timeout: a request that was reported until it is accepted or rejected;
 *	no more than @request_timeout once the listener is gone
 * @rtr_timeout: accepted, peer-to-peer, until the initiator's first FPDU has come
 * @close_timeout: closing, in the background, until the peer has closed as well, anew
 *	when it has acknowledged something; for a QP: until it has sent what was posted
 *	and was answered
 *
 * The bounds are of every half-open step, in milliseconds, IWARP_TIMEOUT_MIN to
 * IWARP_TIMEOUT_MAX. Written without a lock; each is read when its step begins.
 */
struct iwarp_cm_settings {
	u32 mpa_revision;
	u32 rtr;
	u32 crc;
	u32 connect_timeout;
	u32 request_timeout;
	u32 answer_timeout;
	u32 rtr_timeout;
	u32 close_timeout;
};

#define IWARP_TIMEOUT_MIN	10
#define IWARP_TIMEOUT_MAX	3600000

/**
 * struct iwarp_cm_counters - per device, for rdma statistic and tests
 */
struct iwarp_cm_counters {
	atomic64_t active_connects;	/* CONNECT_REPLY with status 0 */
	atomic64_t passive_connects;	/* ESTABLISHED on the accepting side */
	atomic64_t connects_failed;
	atomic64_t requests;		/* MPA requests handed up */
	atomic64_t rejects_sent;
	atomic64_t rejects_received;
	atomic64_t mpa_errors;		/* malformed requests and replies */
	atomic64_t mpa_fallbacks;	/* connects that were tried again in revision 1 */
	atomic64_t mpa_timeouts;	/* steps of connecting, not of closing */
	atomic64_t backlog_drops;	/* silent ones that made room, and requests without */
	atomic64_t strays;		/* came to an address of no device */
};

/**
 * struct iwarp_device - what the connection manager knows of a device
 * @ibdev: set by the provider
 * @netdev: set by the provider; requests that arrive for an address of it are
 *	this device's
 * @qp_ops: set by the provider
 * @transport: how this device's connections are carried
 * @settings: by iwarp_cm_defaults(), then free to change
 * @max_ird: upper limit of what MPA offers
 * @max_ord: upper limit of what MPA offers
 * @counters: counted by the connection manager
 * @list: connection manager's, under its device lock
 * @refs: one for registration, one for each endpoint and listener
 * @unused: completed by the last reference; iwarp_cm_unregister() waits for it
 * @deaf: is being unregistered: no listener any more; under the listeners' lock
 * @going: is being unregistered: no endpoint any more; under the endpoints' lock
 */
struct iwarp_device {
	struct ib_device *ibdev;
	struct net_device *netdev;
	const struct iwarp_qp_ops *qp_ops;
	const struct iwarp_transport_ops *transport;
	struct iwarp_cm_settings settings;
	u16 max_ird;
	u16 max_ord;
	struct iwarp_cm_counters counters;

	struct list_head list;
	refcount_t refs;
	struct completion unused;
	bool deaf;
	bool going;
};

/* The host's own TCP, over sockets reserved in portspace */
extern const struct iwarp_transport_ops iwarp_transport_tcp;

void iwarp_cm_defaults(struct iwarp_cm_settings *settings);
int iwarp_cm_register(struct iwarp_device *dev);
void iwarp_cm_enable(struct iwarp_device *dev);
void iwarp_cm_unregister(struct iwarp_device *dev);

/* For ib_device_ops; the provider maps ib_device to iwarp_device and back. */
int iwarp_cm_connect(struct iwarp_device *dev, struct iw_cm_id *id,
		     struct iw_cm_conn_param *param);
int iwarp_cm_accept(struct iwarp_device *dev, struct iw_cm_id *id,
		    struct iw_cm_conn_param *param);
int iwarp_cm_reject(struct iwarp_device *dev, struct iw_cm_id *id,
		    const void *pdata, u8 pdata_len);
int iwarp_cm_create_listen(struct iwarp_device *dev, struct iw_cm_id *id,
			   int backlog);
int iwarp_cm_destroy_listen(struct iwarp_device *dev, struct iw_cm_id *id);

/**
 * struct iwarp_cm_info - a connection, for those who look from outside
 * @state: what it is called
 * @initiator: this side sent the MPA request
 * @rtr_wait: established, and nothing has come from the peer yet
 * @revision: MPA's
 * @crc: agreed, as everything that follows, which means nothing before the stream
 * @rtr: enum iwarp_rtr
 * @ird: inbound RDMA Reads to serve
 * @ord: outbound RDMA Reads to issue
 */
struct iwarp_cm_info {
	const char *state;
	bool initiator;
	bool rtr_wait;
	u8 revision;
	bool crc;
	u8 rtr;
	u16 ird;
	u16 ord;
};

/* For those who know ids and no connections */
bool iwarp_cm_info(const struct iw_cm_id *id, struct iwarp_cm_info *info);
void iwarp_cm_abort(const struct iw_cm_id *id);
bool iwarp_cm_serves(struct net *net, const struct sockaddr_storage *addr);
bool iwarp_cm_has(const struct ib_device *ibdev);

/* From a QP, any context that may take a spinlock with bottom halves off */
void iwarp_cm_qp_event(struct iwarp_endpoint *ep, enum iwarp_qp_event event);

#endif
