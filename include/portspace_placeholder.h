/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A placeholder is a TCP socket that stands in the host's tables for a
 * connection, or a listener, whose TCP runs elsewhere. It keeps the port busy and
 * is seen by ss and netstat, and nothing that the host receives for it makes the
 * host send anything.
 *
 * It is contained, not made invisible: what the network brings to the host for
 * it should have gone elsewhere. Whoever owns the placeholder has steering in
 * place before it makes one, and until portspace_placeholder_destroy() has
 * returned; what leaks all the same is caught, counted, and given to the owner.
 */
#ifndef WHARF_PORTSPACE_PLACEHOLDER_H
#define WHARF_PORTSPACE_PLACEHOLDER_H

#include <linux/types.h>
#include <linux/socket.h>
#include "portspace.h"

struct sk_buff;
struct portspace_placeholder;

/**
 * struct portspace_tcp_info - what an adapter's TCP knows of a connection
 * @rtt: smoothed round trip time, microseconds
 * @cwnd: congestion window, segments
 * @retransmits: segments sent again, in all
 * @sent: octets that the peer has acknowledged
 * @received: octets in order
 */
struct portspace_tcp_info {
	u32 rtt;
	u32 cwnd;
	u32 retransmits;
	u64 sent;
	u64 received;
};

/**
 * struct portspace_owner - who stands behind a placeholder
 * @concerns: whether what the host received for a listener is for an address where
 *	that is one; for others TCP answers as for a port where nobody listens. @skb's
 *	network header is set; it stays as it is. Bottom halves off. NULL: all is.
 * @stray: the host received a TCP segment for it, or an ICMP error that quotes
 *	one of its own and is no redirect. @skb is the owner's from now on: its data
 *	begins with the IP header, it is not validated beyond that, and may be the
 *	product of GRO. Called with bottom halves off. NULL: it is dropped.
 * @killed: somebody wants it closed (ss -K). Process context, perhaps under the
 *	socket's lock; the placeholder stays until the owner destroys it. May be
 *	called more than once. NULL: ss -K is refused.
 * @info: somebody asks what its TCP has to tell (ss -i, iwstat): set what is known,
 *	the rest is 0. Any context. NULL: nothing.
 * @context: argument of all
 *
 * None may sleep, nor call portspace_placeholder_destroy(), which waits for
 * them. None is running or comes any more after that has returned.
 */
struct portspace_owner {
	bool (*concerns)(void *context, const struct sk_buff *skb);
	void (*stray)(void *context, struct sk_buff *skb);
	void (*killed)(void *context);
	void (*info)(void *context, struct portspace_tcp_info *info);
	void *context;
};

/**
 * struct portspace_pair - the two ends of a connection
 * @local: AF_INET or AF_INET6, never a mapped address; with the scope id if link-local
 * @remote: likewise, of the same family
 */
struct portspace_pair {
	struct sockaddr_storage local;
	struct sockaddr_storage remote;
};

struct portspace_placeholder *
portspace_placeholder_listen(struct portspace_reservation *res, int backlog,
			     const struct portspace_flag *flag,
			     const struct portspace_owner *owner);
struct portspace_placeholder *
portspace_placeholder_accept(struct portspace_reservation *listener,
			     const struct portspace_pair *pair,
			     const struct portspace_flag *flag,
			     const struct portspace_owner *owner);
struct portspace_placeholder *
portspace_placeholder_connect(struct portspace_reservation *res,
			      const struct portspace_pair *pair,
			      const struct portspace_flag *flag,
			      const struct portspace_owner *owner);

void portspace_placeholder_get(struct portspace_placeholder *ph);
void portspace_placeholder_put(struct portspace_placeholder *ph);
void portspace_placeholder_destroy(struct portspace_placeholder *ph);

int portspace_placeholder_flag(struct portspace_placeholder *ph,
			       const struct portspace_flag *flag);
void portspace_placeholder_closing(struct portspace_placeholder *ph);
void portspace_placeholder_pair(const struct portspace_placeholder *ph,
				struct portspace_pair *pair);
u64 portspace_placeholder_leaks(const struct portspace_placeholder *ph);

#endif
