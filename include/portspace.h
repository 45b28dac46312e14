/* SPDX-License-Identifier: GPL-2.0 */
/*
 * portspace: a TCP port that RDMA holds is a kernel socket that is bound to it.
 *
 * This is the only seam through which the rest of Wharf gets ports. It knows
 * nothing of RDMA: a key is an opaque pointer, a reservation a bound socket.
 */
#ifndef WHARF_PORTSPACE_H
#define WHARF_PORTSPACE_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/socket.h>
#include "portspace_flag.h"

struct module;
struct net;
struct socket;
struct portspace_reservation;

/**
 * struct portspace_bind - what to reserve
 * @addr: address and port as for bind(2): AF_INET or AF_INET6, wildcard and
 *	port 0 allowed, link-local addresses with their scope id
 * @key: opaque key under which portspace_find() finds the reservation, or NULL
 * @reuse: SO_REUSEADDR, as the application asked for it
 * @v6only: IPV6_V6ONLY; ignored for AF_INET
 * @late_port: IP_BIND_ADDRESS_NO_PORT: only the address is bound, connect()
 *	chooses the port by the whole 4-tuple; needs port 0 in @addr
 * @remote: with @late_port, not NULL: make that choice now, for a connection to
 *	there, and hold the 4-tuple; @addr must be specific
 */
struct portspace_bind {
	struct sockaddr_storage addr;
	const void *key;
	bool reuse;
	bool v6only;
	bool late_port;
	const struct sockaddr_storage *remote;
};

/**
 * struct portspace_accepted - a connection that an RDMA listener accepted
 *
 * For whoever accepts, to embed; portspace's own.
 */
struct portspace_accepted {
	struct hlist_node node;
	const struct net *net;
	u16 port;
};

struct portspace_reservation *portspace_reserve(struct net *net,
						const struct portspace_bind *bind);
struct portspace_reservation *portspace_find(struct net *net, const void *key);
void portspace_get(struct portspace_reservation *res);
void portspace_put(struct portspace_reservation *res);

void portspace_hide(struct portspace_reservation *res);

int portspace_listen(struct portspace_reservation *res, int backlog);
void portspace_unlisten(struct portspace_reservation *res);
void portspace_set_reuse(struct portspace_reservation *res, bool reuse);
int portspace_set_v6only(struct portspace_reservation *res, bool v6only);

void portspace_accepted_add(struct portspace_accepted *accepted, struct socket *sock);
void portspace_accepted_del(struct portspace_accepted *accepted);

struct socket *portspace_take_socket(struct portspace_reservation *res);
struct socket *portspace_socket(struct portspace_reservation *res);
bool portspace_is_late(const struct portspace_reservation *res);
int portspace_addr(struct portspace_reservation *res,
		   struct sockaddr_storage *addr);

/**
 * struct portspace_extension - who holds reserved ports elsewhere, as on an adapter
 * @owner: stays while a port is held
 * @bind: hold the port of @addr, which the host has bound: AF_INET or AF_INET6,
 *	perhaps the wildcard. NULL: nobody there has to. -EADDRINUSE: somebody there
 *	refuses; if the host chose the port, it chooses another then. All or
 *	nothing. May sleep, inside rdma_cm's global mutex; takes no rtnl.
 * @unbind: let it go; may sleep likewise
 */
struct portspace_extension {
	struct module *owner;
	void *(*bind)(struct net *net, const struct sockaddr_storage *addr, bool v6only);
	void (*unbind)(void *held);
};

int portspace_extend(const struct portspace_extension *ext);
void portspace_unextend(void);

/**
 * struct portspace_flag - what a flagged connection says of itself
 * @ulp: PORTSPACE_ULP_SIW or PORTSPACE_ULP_OFFLOAD
 * @device: name of the RDMA device; cut to PORTSPACE_FLAG_DEVICE_MAX
 * @qpn: number of the queue pair, or 0
 * @bypasses: bits of enum portspace_flag_bypass
 */
struct portspace_flag {
	const char *ulp;
	const char *device;
	u32 qpn;
	u32 bypasses;
};

int portspace_flag(struct socket *sock, const struct portspace_flag *flag);
void portspace_unflag(struct socket *sock);

#endif
