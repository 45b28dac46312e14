/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The seam between the host and an adapter that terminates TCP itself.
 *
 * The host's side is rnic.ko, the shim: it holds the ports of the adapter's
 * connections in the host's own port space, resolves next hops by the host's
 * routes and neighbours, and puts RDMA devices over the adapter's functions. An
 * adapter's driver fills in a struct rnic_adapter and a struct rnic_function for
 * each of its virtual NICs, and is called through struct rnic_adapter_ops.
 * Nothing on the host's side knows more of an adapter than stands here.
 *
 * What an adapter has to bring along:
 * - A connection is an octet stream, which it presents as a connected TCP socket
 *   that belongs to it alone (struct rnic_conn). FPDUs are made and taken apart by
 *   siw's core on top of that. An adapter that does so itself needs verbs of its
 *   own, too, and can use the shim for ports and next hops only.
 * - Packets of what is steered to it never reach the host: see steer().
 * - It does no routing and answers no ARP or neighbour solicitation. It sends to
 *   where a handle says.
 *
 * Context: operations sleep and take no rtnl, and are called one at a time per
 * object, unless said otherwise. They may be called with rtnl held, and under the
 * shim's own lock: rnic_conn_gone(), rnic_adapter_rename(), and what registers and
 * unregisters, are not to be called from one. What an operation is given by pointer is
 * there until it returns, and has to be copied, but for objects with a life of their own:
 * functions, connections, listeners, rules and handles.
 */
#ifndef WHARF_RNIC_ADAPTER_H
#define WHARF_RNIC_ADAPTER_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/socket.h>
#include <linux/types.h>
#include "iwarp_socket.h"
#include "iwarp_transport.h"
#include "portspace_placeholder.h"
#include "rnic_netlink.h"

struct net;
struct net_device;
struct sk_buff;
struct socket;
struct rnic_adapter_ops;

/**
 * struct rnic_adapter - an adapter; the driver embeds it
 * @ops: set by the driver
 * @name: set by the driver; for messages and tools, so it should be the only one.
 *	Changed by rnic_adapter_rename().
 * @port: set by the driver: the host's interface that stands for its port. The shim takes
 *	no reference: the driver keeps it until rnic_adapter_unregister() has returned.
 * @id: the shim's: unlike @name, no other has it, or had it
 * @item: the shim's, under its lock, as what follows
 * @functions: those that are registered
 * @flows: connections that are steered to it
 * @refs: one for registration, one for each listener, held port, connection and handle
 * @unused: completed by the last reference
 */
struct rnic_adapter {
	const struct rnic_adapter_ops *ops;
	char name[32];
	struct net_device *port;

	u32 id;
	struct list_head item;
	struct list_head functions;
	atomic_t flows;
	refcount_t refs;
	struct completion unused;
};

/**
 * struct rnic_function - a virtual NIC of an adapter; the driver embeds it
 * @adapter: set by the driver
 * @netdev: set by the driver: what the host sees of it. Before 6.6 rdma_cm knows a device by
 *	the first 16 octets of its interface's dev_addr: functions that share a MAC
 *	address, or have none, put something of their own behind it (dev_addr_mod()).
 * @kind: set by the driver
 * @number: set by the driver: unique on the adapter, never 0
 * @role: the shim's
 * @item: the shim's, in @adapter->functions; read under RCU
 * @gone: the shim's: is unregistered
 */
struct rnic_function {
	struct rnic_adapter *adapter;
	struct net_device *netdev;
	enum rnic_nl_kind kind;
	u16 number;

	enum rnic_nl_role role;
	struct list_head item;
	bool gone;
};

/**
 * struct rnic_address - an address that the host has given a function
 * @addr: AF_INET or AF_INET6, never mapped; port 0. A link-local one has the scope
 *	id of its interface.
 * @vlan: of a VLAN interface on top of the function, or 0
 */
struct rnic_address {
	struct sockaddr_storage addr;
	u16 vlan;
};

/**
 * struct rnic_flow - the two ends of a connection
 * @local: AF_INET or AF_INET6, never mapped, with port
 * @remote: likewise
 * @vlan: of @local, see struct rnic_address
 */
struct rnic_flow {
	struct sockaddr_storage local;
	struct sockaddr_storage remote;
	u16 vlan;
};

enum rnic_hop_state {
	RNIC_HOP_RESOLVING,	/* keep what is to be sent there; an update follows */
	RNIC_HOP_READY,
	RNIC_HOP_UNREACHABLE,	/* for now: no route, or no neighbour */
};

/**
 * struct rnic_hop - where to send what goes to a peer
 * @state: whether the rest means anything
 * @here: READY: to the function's own host. One of the adapter's other functions, in another
 *	host, is a next hop as any: @mac is the port's.
 * @routed: READY: by the adapter's router function, as the function is an IP-only one
 * @mac: READY, and neither of the two: Ethernet address of the next hop
 * @vlan: READY: tag to send with, or 0
 * @mtu: what the host's route allows for an IP packet, octets
 */
struct rnic_hop {
	enum rnic_hop_state state;
	bool here;
	bool routed;
	u8 mac[ETH_ALEN];
	u16 vlan;
	u32 mtu;
};

/**
 * struct rnic_handle - an address handle: how a function reaches a peer
 * @fn: whose routes and neighbours count
 * @local: source address; port 0
 * @remote: the peer's address; port 0
 * @adapter_data: the driver's
 *
 * Made and kept current by the shim, which follows the host's routes and
 * neighbours. Counted by rnic_handle_get() and rnic_handle_put(). As long as there is
 * one, @fn stays, and unregistering its interface waits. The shim has one for
 * each of its connections; for what is sent before there is one (the answer to a SYN,
 * before accept()) or after it (a late RST) the adapter gets one itself. It says with
 * rnic_handle_use(), about once a second, that it sends, and at once what can not be sent.
 */
struct rnic_handle {
	struct rnic_function *fn;
	struct sockaddr_storage local;
	struct sockaddr_storage remote;
	void *adapter_data;
};

/**
 * struct rnic_conn - a connection of the adapter's TCP; the driver embeds it
 * @fn: set by the driver: whose local address it has
 * @flow: set by the driver
 * @sock: set by the driver: the connection as a socket of Linux's own TCP that
 *	nobody else has, with TCP's own callbacks, not those of a listener. siw goes
 *	past its proto_ops: it reads the receive queue and the sequence numbers of
 *	struct tcp_sock, and calls tcp_read_sock() and tcp_sendmsg_locked(). One that
 *	the driver makes itself has locks of a class of their own
 *	(iwarp_socket_reclassify()); one that TCP has made for a listener keeps what TCP
 *	gave it. The shim, and the QP, use its callbacks and its sk_user_data from
 *	accept() or connect() on until release().
 * @peer: set by the driver: what connect(2) on @sock is given to connect again
 * @shim: the shim's
 */
struct rnic_conn {
	struct rnic_function *fn;
	struct rnic_flow flow;
	struct socket *sock;
	struct sockaddr_storage peer;
	void *shim;
};

/**
 * struct rnic_listener - a listening port of the adapter's TCP; the driver embeds it
 * @adapter: set by the driver
 */
struct rnic_listener {
	struct rnic_adapter *adapter;
};

/**
 * struct rnic_listen_params - what to listen on
 * @net: network namespace; stays until unlisten() has returned
 * @addr: address and port. The wildcard means all addresses that functions of the
 *	adapter have registered in @net, also later; AF_INET6's includes those of
 *	AF_INET unless @v6only.
 * @v6only: see @addr
 * @tos_set: @tos is meant
 * @tos: type of service or traffic class
 * @backlog: connections that may wait for accept()
 */
struct rnic_listen_params {
	struct net *net;
	struct sockaddr_storage addr;
	bool v6only;
	bool tos_set;
	u8 tos;
	int backlog;
};

/**
 * struct rnic_connect_params - what to connect to
 * @flow: both ends; the host has reserved the local port, and judged that nobody
 *	else has these ends
 * @handle: how to get there; the shim keeps it until release(), or, if that returns
 *	false, until rnic_conn_gone()
 * @tos_set: @tos is meant
 * @tos: type of service or traffic class
 */
struct rnic_connect_params {
	struct rnic_flow flow;
	struct rnic_handle *handle;
	bool tos_set;
	u8 tos;
};

/**
 * struct rnic_rule - packets that a function gets, though they may be for another
 * @id: unique on the adapter
 * @fn: who gets them
 * @family: AF_INET, AF_INET6, or AF_UNSPEC: either
 * @protocol: IP protocol, or 0: any; with a port it is TCP or UDP
 * @tos: type of service or traffic class
 * @tos_mask: bits of it that count
 * @source: address; an IPv4 one is mapped
 * @dest: likewise
 * @source_bits: how much of it counts, from the front, of 128
 * @dest_bits: likewise
 * @source_port: or 0: any
 * @dest_port: or 0: any
 * @item: the shim's, in its list
 * @adapter_data: the driver's
 */
struct rnic_rule {
	u32 id;
	struct rnic_function *fn;
	u8 family;
	u8 protocol;
	u8 tos;
	u8 tos_mask;
	struct in6_addr source;
	struct in6_addr dest;
	u8 source_bits;
	u8 dest_bits;
	__be16 source_port;
	__be16 dest_port;

	struct list_head item;
	void *adapter_data;
};

/**
 * struct rnic_adapter_ops - an adapter
 *
 * There is no owner: rnic_adapter_unregister() waits until nothing is used any more.
 *
 * @enable: somebody wants to offload connections of @fn; an error is told to
 *	whoever adds an RDMA device. Called for each of them, without any lock, and may
 *	take rtnl.
 * @address_add: @fn has an address; packets for it go there. -EADDRINUSE: another
 *	function has it. The same once more: 0. An error is told to whoever gives the
 *	address, and only logged of one that the host gives itself. Any context, in the
 *	order of events; of the shim's, this and the following may call
 *	rnic_handle_put() only.
 * @address_remove: it has it no more. Any context.
 * @bind: hold a port for connections to come, in @net, which stays until unbind() has
 *	returned; the wildcard as in struct rnic_listen_params. -EADDRINUSE if that is
 *	impossible; any error is told to who binds. Optional, together with unbind().
 * @unbind: undo bind()
 * @listen: listen, and have what comes for the port steered here first. @watch->notify is
 *	called when there is something to accept, with bottom halves off. An error is
 *	told to who listens; of a wildcard that was there before @adapter's first
 *	function in the namespace it is only logged.
 * @unlisten: reset what was not accepted, and free @listener. No notification comes
 *	after return.
 * @accept: the next connection, established, or -EAGAIN,
 *	or -ECONNABORTED when there was one that is gone (ask again). After any other
 *	error it is asked again in a while.
 * @reject: refuse a connection that accept() has returned, by RST, and free it
 * @connect: begin to connect @params->flow, which is steered here. An error if that
 *	is impossible right away; it is told to who connects.
 * @steer: from now on packets with these ends come to the adapter's TCP, and with
 *	them ICMP errors about them, until unsteer(); but redirects are for the host,
 *	whose routes they are. What a listener has let in is steered by its own packets
 *	already. An error ends the connection, or refuses it.
 * @unsteer: undo steer(); may be called once the connection is over only
 * @close: send FIN after what is queued
 * @abort: send RST; the socket tells that it is closed. May run beside close(), not
 *	beside release().
 * @release: the connection is the adapter's alone again; with RST if @reset and it is
 *	still open. True: it is gone, and freed. False: its TCP still has to remember
 *	it (TIME_WAIT); it calls rnic_conn_gone() when it need not any more, and frees
 *	it then. RDMA servers have never met a TIME_WAIT on their port, so what was
 *	accepted should not be remembered. When the function goes first, or moves to another
 *	namespace, unsteer() and handle_remove() come then; the connection is still the
 *	driver's to free, and rnic_conn_gone() does nothing.
 * @handle_add: a handle; @hop is RNIC_HOP_RESOLVING yet, and handle_update() follows, maybe
 *	before rnic_handle_get() returns. For a moment there may be two with the
 *	same ends. Any context. Nothing of the shim's is
 *	to be called from this and the following two. An error is what rnic_handle_get()
 *	returns: it is told to who connects, and what comes in is refused.
 * @handle_update: it leads elsewhere. Any context, in the order of events.
 * @handle_remove: nobody uses it any more. Any context.
 * @info: what TCP knows of the connection; any context, beside all others. Optional.
 * @stray: the host has received a packet that is for a steered flow, or about one: from
 *	a program on the host itself, or through a hole in the steering. Data begins with
 *	the IP header; consumed. Bottom halves off. Optional.
 * @set_role: who gets what nobody has registered; there is one of each at most, and a
 *	former one loses it. An error is told to who gives the role. With rtnl held.
 *	Optional.
 * @rule_add: from now on what matches goes to @rule->fn, unless it is offloaded; the
 *	first of several that match counts. The rule stays as it is until
 *	rule_remove(). An error is told to who makes the rule. With rtnl held. Optional,
 *	together with the following two.
 * @rule_remove: undo rule_add(); the rule is freed after return
 * @rule_count: how much went by a rule
 * @steering: whether packets of what is steered come to its TCP: a test may have them
 *	go to the host. Optional: they do.
 * @counter: the name of the adapter's counter number @n, and its value; NULL: there
 *	are no more. Optional.
 */
struct rnic_adapter_ops {
	int (*enable)(struct rnic_function *fn);
	int (*address_add)(struct rnic_function *fn, const struct rnic_address *addr);
	void (*address_remove)(struct rnic_function *fn, const struct rnic_address *addr);
	int (*bind)(struct rnic_adapter *adapter, struct net *net,
		    const struct sockaddr_storage *addr, bool v6only);
	void (*unbind)(struct rnic_adapter *adapter, struct net *net,
		       const struct sockaddr_storage *addr, bool v6only);
	struct rnic_listener *(*listen)(struct rnic_adapter *adapter,
					const struct rnic_listen_params *params,
					const struct iwarp_watch *watch);
	void (*unlisten)(struct rnic_listener *listener);
	struct rnic_conn *(*accept)(struct rnic_listener *listener);
	void (*reject)(struct rnic_conn *conn);
	struct rnic_conn *(*connect)(struct rnic_function *fn,
				     const struct rnic_connect_params *params);
	int (*steer)(struct rnic_function *fn, const struct rnic_flow *flow);
	void (*unsteer)(struct rnic_function *fn, const struct rnic_flow *flow);
	void (*close)(struct rnic_conn *conn);
	void (*abort)(struct rnic_conn *conn);
	bool (*release)(struct rnic_conn *conn, bool reset);
	int (*handle_add)(struct rnic_handle *handle, const struct rnic_hop *hop);
	void (*handle_update)(struct rnic_handle *handle, const struct rnic_hop *hop);
	void (*handle_remove)(struct rnic_handle *handle);
	void (*info)(struct rnic_conn *conn, struct portspace_tcp_info *info);
	void (*stray)(struct rnic_function *fn, struct sk_buff *skb);
	int (*set_role)(struct rnic_function *fn, enum rnic_nl_role role);
	int (*rule_add)(struct rnic_rule *rule);
	void (*rule_remove)(struct rnic_rule *rule);
	void (*rule_count)(struct rnic_rule *rule, u64 *packets, u64 *octets);
	bool (*steering)(struct rnic_adapter *adapter);
	const char *(*counter)(struct rnic_adapter *adapter, unsigned int n, u64 *value);
};

/* Each is described where it is defined. */

/* These three sleep. rtnl may be held, but for unregistering, which waits for what is in use. */
int rnic_adapter_register(struct rnic_adapter *adapter);
void rnic_adapter_unregister(struct rnic_adapter *adapter);
void rnic_adapter_rename(struct rnic_adapter *adapter, const char *name);

/* These two sleep, and rtnl is held. */
int rnic_function_register(struct rnic_function *fn);
void rnic_function_unregister(struct rnic_function *fn);

/*
 * Any context, with no lock held that handle operations take; under RCU, or with the function
 * or the handle kept.
 */
struct rnic_handle *rnic_handle_get(struct rnic_function *fn,
				    const struct sockaddr_storage *local,
				    const struct sockaddr_storage *remote);
void rnic_handle_put(struct rnic_handle *handle);
void rnic_handle_use(struct rnic_handle *handle);

/* Sleeps, with no lock held that an operation takes. */
void rnic_conn_gone(struct rnic_conn *conn);

#endif
