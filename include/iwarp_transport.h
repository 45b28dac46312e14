/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the connection manager's TCP connections are carried. One table is in the
 * connection manager itself (the host's TCP); an adapter's shim brings another.
 *
 * All operations sleep and are called one at a time per connection or listener,
 * unless said otherwise. None of them waits for a peer.
 */
#ifndef WHARF_IWARP_TRANSPORT_H
#define WHARF_IWARP_TRANSPORT_H

#include <linux/types.h>
#include <linux/socket.h>

struct net;
struct socket;
struct portspace_reservation;

/**
 * struct iwarp_watch - who wants to know that there is something to do
 * @notify: called with bottom halves off, perhaps with spinlocks held: a listener
 *	has something to accept; a connection has connected, failed, received
 *	something or progressed in closing. May come for no reason.
 * @context: its argument; lives until unlisten() or release() have returned
 */
struct iwarp_watch {
	void (*notify)(void *context);
	void *context;
};

/**
 * struct iwarp_addrs - where a connection is
 * @net: network namespace of the host side
 * @local: AF_INET or AF_INET6, never a mapped address
 * @remote: likewise
 * @ifindex: the interface that the connection is bound to (link-local
 *	addresses), or 0
 */
struct iwarp_addrs {
	struct net *net;
	struct sockaddr_storage local;
	struct sockaddr_storage remote;
	int ifindex;
};

/**
 * struct iwarp_listen_params - what to listen on
 * @net: network namespace
 * @key: of a reservation in portspace, which is used if there is one
 * @addr: what to reserve otherwise
 * @v6only: do not take IPv4 connections
 * @tos_set: @tos is meant
 * @tos: type of service or traffic class
 * @backlog: connections that may wait for accept()
 */
struct iwarp_listen_params {
	struct net *net;
	const void *key;
	struct sockaddr_storage addr;
	bool v6only;
	bool tos_set;
	u8 tos;
	int backlog;
};

/**
 * struct iwarp_connect_params - what to connect to
 * @net: network namespace
 * @key: of a reservation in portspace, which is used if there is one
 * @local: address, and port if it is meant, 0 if TCP may choose it
 * @remote: address and port
 * @tos_set: @tos is meant
 * @tos: type of service or traffic class
 */
struct iwarp_connect_params {
	struct net *net;
	const void *key;
	struct sockaddr_storage local;
	struct sockaddr_storage remote;
	bool tos_set;
	u8 tos;
};

/**
 * struct iwarp_conn - a TCP connection; the first member of the transport's own
 * @watch: set at connect, or by watch() after accept()
 */
struct iwarp_conn {
	struct iwarp_watch watch;
};

/**
 * struct iwarp_listening - a listening port; the first member of the transport's own
 * @watch: set by listen()
 */
struct iwarp_listening {
	struct iwarp_watch watch;
};

/* How far a connection that was shut down is. */
enum iwarp_closing {
	IWARP_CLOSING_SENDING,	/* something, or our FIN, is not acknowledged */
	IWARP_CLOSING_SENT,	/* the peer's FIN has not come */
	IWARP_CLOSING_DONE,
};

/**
 * struct iwarp_transport_ops - a TCP
 * @listen: reserve if need be, and listen
 * @unlisten: stop listening, reset what was not accepted, free @l. No notify() is
 *	running or comes any more after return.
 * @accept: the next connection, or -EAGAIN, or -ECONNABORTED when there was one
 *	that is gone (ask again). It is not watched yet.
 * @connect: begin to connect; an error if that is impossible right away
 * @connected: 0 once connected, -EINPROGRESS, or why not
 * @redial: drop the connection or what is left of it, and connect again from the
 *	same reserved port or from a new automatic one
 * @watch: (re)install the notification, which a QP replaces while it has the socket
 * @addrs: where the connection is; not before it has connected
 * @send: send all of it, at once, or fail
 * @recv: up to @len octets, 0 at the peer's FIN, -EAGAIN, or why not
 * @peek: 1 if there is something to receive, 0 at the peer's FIN, -EAGAIN, or
 *	why not
 * @unsent: octets that are not acknowledged; our FIN is one
 * @shutdown: send FIN after what is queued
 * @closing: discard what the peer sends, and tell how far closing is
 * @release: give it up, with RST if @reset and it is still open, and free @conn.
 *	No notify() is running or comes any more after return. What the accepting
 *	side leaves behind must not keep the port busy.
 * @socket: the socket that a QP uses for FPDUs
 * @flag: have the host's tools (ss, sock_diag) show that the connection carries
 *	RDMA, of this device and QP. It is a label: when it fails, the connection
 *	is as good as before.
 */
struct iwarp_transport_ops {
	struct iwarp_listening *(*listen)(const struct iwarp_listen_params *params,
					  const struct iwarp_watch *watch);
	void (*unlisten)(struct iwarp_listening *l);
	struct iwarp_conn *(*accept)(struct iwarp_listening *l);
	struct iwarp_conn *(*connect)(const struct iwarp_connect_params *params,
				      const struct iwarp_watch *watch);
	int (*connected)(struct iwarp_conn *conn);
	int (*redial)(struct iwarp_conn *conn);
	void (*watch)(struct iwarp_conn *conn, const struct iwarp_watch *watch);
	int (*addrs)(struct iwarp_conn *conn, struct iwarp_addrs *addrs);
	int (*send)(struct iwarp_conn *conn, const void *buf, size_t len);
	int (*recv)(struct iwarp_conn *conn, void *buf, size_t len);
	int (*peek)(struct iwarp_conn *conn);
	u32 (*unsent)(struct iwarp_conn *conn);
	void (*shutdown)(struct iwarp_conn *conn);
	enum iwarp_closing (*closing)(struct iwarp_conn *conn);
	void (*release)(struct iwarp_conn *conn, bool reset);
	struct socket *(*socket)(struct iwarp_conn *conn);
	int (*flag)(struct iwarp_conn *conn, const char *device, u32 qpn);
};

/* For those whose ports are portspace's */
struct portspace_reservation *iwarp_ports_listen(const struct iwarp_listen_params *params);
struct iwarp_conn *
iwarp_ports_connect(const struct iwarp_connect_params *params, const struct iwarp_watch *watch,
		    struct iwarp_conn *(*from)(struct portspace_reservation *res,
					       const struct iwarp_connect_params *params,
					       const struct iwarp_watch *watch));

#endif
