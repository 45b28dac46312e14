/* SPDX-License-Identifier: GPL-2.0 */
/* The shim, inside. */
#ifndef RNIC_H
#define RNIC_H

#include <linux/atomic.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/mutex.h>
#include <net/ipv6.h>
#include "rnic_adapter.h"

struct portspace_reservation;

/*
 * Adapters, functions, listenings and their parts, connections that linger. Inside
 * rtnl, rdma_cm's mutex and the connection manager's; around those of adapters.
 */
extern struct mutex rnic_lock;
extern struct list_head rnic_adapters;
/* Counts adapters, functions, addresses and rules that come or go: for who lists them */
extern atomic_t rnic_changes;
extern const struct iwarp_transport_ops rnic_transport;
extern const struct portspace_flag rnic_flag;

static inline __be16 addr_port(const struct sockaddr_storage *addr)
{
	/* At the same place in both families */
	return ((const struct sockaddr_in *)addr)->sin_port;
}

static inline void addr_set_port(struct sockaddr_storage *addr, __be16 port)
{
	((struct sockaddr_in *)addr)->sin_port = port;
}

static inline const struct in6_addr *addr_in6(const struct sockaddr_storage *addr)
{
	return &((const struct sockaddr_in6 *)addr)->sin6_addr;
}

static inline __be32 addr_in(const struct sockaddr_storage *addr)
{
	return ((const struct sockaddr_in *)addr)->sin_addr.s_addr;
}

static inline void addr_mapped(struct in6_addr *to, const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET6)
		*to = *addr_in6(addr);
	else
		ipv6_addr_set_v4mapped(addr_in(addr), to);
}

static inline bool addr_is_linklocal(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 &&
	       ipv6_addr_type(addr_in6(addr)) & IPV6_ADDR_LINKLOCAL;
}

/* Of an address without a scope there is 0. */
static inline u32 addr_scope(const struct sockaddr_storage *addr)
{
	return addr_is_linklocal(addr) ?
	       ((const struct sockaddr_in6 *)addr)->sin6_scope_id : 0;
}

static inline bool addr_is_any(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? ipv6_addr_any(addr_in6(addr)) : !addr_in(addr);
}

static inline bool addr_is_loopback(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? ipv6_addr_loopback(addr_in6(addr)) :
					     ipv4_is_loopback(addr_in(addr));
}

/* But for the port */
static inline bool addr_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return addr_in(a) == addr_in(b);
	return ipv6_addr_equal(addr_in6(a), addr_in6(b)) && addr_scope(a) == addr_scope(b);
}

/* adapter.c */
struct rnic_function *rnic_function_of(const struct net_device *netdev, u16 *vlan);
bool rnic_adapter_get(struct rnic_adapter *adapter);
void rnic_adapter_put(struct rnic_adapter *adapter);
bool rnic_adapter_is_in(const struct rnic_adapter *adapter, const struct net *net);

/* netlink.c */
int netlink_init(void);
void netlink_exit(void);

/* rules.c; under rnic_lock */
extern struct list_head rnic_rules;
int rules_add(struct rnic_rule *rule);
bool rules_delete(struct rnic_function *fn, u32 id);
void rules_forget(struct rnic_function *fn);

/* address.c */
int address_init(void);
void address_exit(void);
struct rnic_function *address_function(const struct net *net,
				       const struct sockaddr_storage *addr, u16 *vlan,
				       int *ifindex);
int address_each(struct rnic_function *fn,
		 int (*each)(const struct rnic_address *address, void *data), void *data);
void address_forget(struct rnic_function *fn);
void address_recall(struct rnic_function *fn, u16 vlan, struct net_device *netdev);

/* handle.c */
int handle_init(void);
void handle_exit(void);
void handle_orphan(struct rnic_function *fn);
void handle_refresh(struct net *net);
unsigned int handle_count(const struct rnic_adapter *adapter);

/* listening.c; under rnic_lock */
void listening_extend(struct rnic_function *fn);
void listening_forget(struct rnic_adapter *adapter);
struct iwarp_listening *rnic_listen(const struct iwarp_listen_params *params,
				    const struct iwarp_watch *watch);
void rnic_unlisten(struct iwarp_listening *base);
struct iwarp_conn *rnic_accept(struct iwarp_listening *base);
extern const struct portspace_extension rnic_extension;

/* connection.c */
int connection_init(void);
void connection_exit(void);
struct iwarp_conn *connection_accepted(struct portspace_reservation *res, struct rnic_conn *conn,
				       struct net *net);
void connection_drop_lingering(struct rnic_function *fn);
bool connection_concerns_listener(void *context, const struct sk_buff *skb);
void connection_stray_listener(void *context, struct sk_buff *skb);

#endif
