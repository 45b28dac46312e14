/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The emulated adapter, inside. Its TCP is Linux TCP in a network namespace of its
 * own, in which there is nothing but a port, and which has no address: packets come
 * in through the port by the steering table, and go out through it by handles.
 */
#ifndef RNIC_EMULATED_H
#define RNIC_EMULATED_H

#include <linux/atomic.h>
#include <linux/in6.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "rnic_adapter.h"

/* What the steering table has entries of */
enum emu_kind {
	EMU_FLOW,	/* a connection of the adapter's TCP */
	EMU_LISTEN,	/* a port that it listens on; without the remote end */
	EMU_ADDRESS,	/* of a function; without ports and remote end */
	EMU_PATH,	/* how to get from an address to another; without ports, and with the
			 * VLAN where the address does not tell: it is link-local
			 */
};

/**
 * struct emu_key - what an entry of the steering table is found by
 * @kind: enum emu_kind
 * @zero: 0
 * @vlan: of the packets, or 0
 * @local_port: the adapter's end
 * @remote_port: the peer's
 * @local: likewise; an IPv4 address is mapped
 * @remote: likewise
 */
struct emu_key {
	u8 kind;
	u8 zero;
	u16 vlan;
	__be16 local_port;
	__be16 remote_port;
	struct in6_addr local;
	struct in6_addr remote;
};

/**
 * struct emu_entry - an entry of the steering table, embedded in what it stands for
 * @node: in emu_adapter.table
 * @key: never changes
 */
struct emu_entry {
	struct rhash_head node;
	struct emu_key key;
};

/**
 * struct emu_address - an address that a function has registered
 * @entry: EMU_ADDRESS
 * @item: in emu_adapter.addresses, under its lock
 * @rcu: found under RCU
 * @fn: whose; gone before that is
 * @address: as the shim told it
 */
struct emu_address {
	struct emu_entry entry;
	struct list_head item;
	struct rcu_head rcu;
	struct emu_function *fn;
	struct rnic_address address;
};

/* Packets, by what became of them */
enum emu_counter {
	EMU_TO_FLOW,		/* to a connection of the adapter's TCP */
	EMU_TO_LISTENER,	/* to a port that it listens on */
	EMU_BY_RULE,		/* to a function, by a rule */
	EMU_TO_FUNCTION,	/* to the function that has the address */
	EMU_TO_PRIMARY,		/* to a router function */
	EMU_TO_SECONDARY,
	EMU_FRAGMENTS,		/* of which: fragments */
	EMU_DROP_NOBODY,	/* lost: nobody has the address, and there is no router */
	EMU_DROP_QUEUE,		/* lost: too many wait for a neighbour */
	EMU_DROP_UNREACHABLE,	/* lost: no route, or no neighbour */
	EMU_DROP_TOO_BIG,	/* lost, and TCP told: more than the path carries */
	EMU_DROP_MALFORMED,	/* lost */
	EMU_COUNTERS
};

/**
 * struct emu_adapter - an adapter on top of an Ethernet interface
 * @base: what the shim sees
 * @id: its number, for the helper and its port's name
 * @item: in emu_adapters, under rtnl
 * @lower: the interface; gone with the last function
 * @functions: under rtnl; read under RCU
 * @numbers: of functions
 * @router: those that get what nobody has registered: primary, secondary
 * @steering: off for a test only: what is offloaded goes to the functions, too
 * @table: struct emu_entry, read under RCU
 * @lock: @addresses, @paths, @path_count, @waiting, and changes of @table; any context
 * @addresses: struct emu_address
 * @rules: struct emu_rule; read under RCU
 * @paths: struct emu_path that the adapter keeps for itself, the oldest first
 * @path_count: how many those are
 * @reap: lets go of paths that nobody uses
 * @enable_lock: @net and @port are being made; outside rtnl
 * @enabled: they are as they should be; under @enable_lock
 * @net: a reference, once it is enabled
 * @port: in @net; read under RCU
 * @tcp_lock: @listeners and their sockets
 * @listeners: struct emu_listener
 * @sync: addresses have changed, and with them what wildcards mean
 * @waiting: connections in TIME_WAIT, under @lock
 * @end: after the last function has gone
 * @counters: enum emu_counter
 */
struct emu_adapter {
	struct rnic_adapter base;
	int id;
	struct list_head item;
	struct net_device *lower;
	struct list_head functions;
	struct ida numbers;
	struct emu_function __rcu *router[2];
	bool steering;

	struct rhashtable table;
	spinlock_t lock;	/* addresses, paths, waiting, changes of table */
	struct list_head addresses;
	struct list_head rules;
	struct list_head paths;
	unsigned int path_count;
	struct delayed_work reap;

	struct mutex enable_lock;	/* enabled, net, port */
	bool enabled;
	struct net *net;
	struct net_device __rcu *port;

	struct mutex tcp_lock;		/* listeners */
	struct list_head listeners;
	struct work_struct sync;
	struct list_head waiting;
	struct work_struct end;
	atomic64_t counters[EMU_COUNTERS];
};

/**
 * struct emu_function - a virtual NIC, behind its net_device
 * @base: what the shim sees
 * @adapter: its adapter
 * @item: in emu_adapter.functions
 */
struct emu_function {
	struct rnic_function base;
	struct emu_adapter *adapter;
	struct list_head item;
};

/* What a packet is, for steering */
struct emu_packet {
	struct emu_key flow;	/* EMU_FLOW, from the receiver's point of view */
	bool tcp;
	bool opens;		/* a SYN without ACK */
	bool quoted;		/* an ICMP error: @flow is what it is about */
	bool fragment;
};

/* Where a packet goes */
struct emu_target {
	bool tcp;
	bool all;			/* every Ethernet function */
	struct emu_function *fn;	/* or NULL: nowhere */
};

static inline struct emu_adapter *to_emu_adapter(struct rnic_adapter *adapter)
{
	return container_of(adapter, struct emu_adapter, base);
}

static inline struct emu_function *to_emu_function(struct rnic_function *fn)
{
	return container_of(fn, struct emu_function, base);
}

static inline void emu_count(struct emu_adapter *adapter, enum emu_counter counter)
{
	atomic64_inc(&adapter->counters[counter]);
}

/* adapter.c */
extern struct list_head emu_adapters;
extern const struct rnic_adapter_ops emu_ops;
struct emu_adapter *emu_adapter_get(struct net_device *lower, struct netlink_ext_ack *extack);
void emu_adapter_drop(struct emu_adapter *adapter);
struct emu_adapter *emu_adapter_by_id(int id);
int emu_adapters_init(void);
void emu_adapters_exit(void);
extern struct workqueue_struct *emu_wq;

/* function.c */
int emu_functions_init(void);
void emu_functions_exit(void);
struct emu_function *emu_function_of(const struct net_device *netdev);
void emu_function_registered(struct net_device *netdev);
bool emu_function_refuses(const struct net_device *netdev, const u8 *addr);
void emu_function_lower_event(struct emu_adapter *adapter, unsigned long what);

/* port.c */
int emu_port_create(struct emu_adapter *adapter, struct net *net);
void emu_port_destroy(struct emu_adapter *adapter);

/* steering.c */
int emu_steering_init(struct emu_adapter *adapter);
void emu_steering_exit(struct emu_adapter *adapter);
void emu_key_set(struct emu_key *key, enum emu_kind kind, const struct sockaddr_storage *local,
		 const struct sockaddr_storage *remote, u16 vlan);
int emu_insert(struct emu_adapter *adapter, struct emu_entry *entry);
void emu_remove(struct emu_adapter *adapter, struct emu_entry *entry);
struct emu_entry *emu_find(struct emu_adapter *adapter, const struct emu_key *key);
struct emu_address *emu_find_registered(struct emu_adapter *adapter, const struct in6_addr *addr,
					u16 vlan);
struct emu_function *emu_find_function(struct emu_adapter *adapter, const struct in6_addr *addr,
				       u16 vlan);
struct emu_address *emu_find_address(struct emu_adapter *adapter, const struct in6_addr *addr,
				     u16 vlan);
bool emu_parse(struct sk_buff *skb, struct emu_packet *packet);
bool emu_is_own(struct emu_adapter *adapter, const struct emu_packet *packet);
bool emu_steer_stray(struct emu_adapter *adapter, const struct emu_packet *packet);
struct emu_target emu_steer(struct emu_adapter *adapter, struct sk_buff *skb,
			    struct emu_packet *packet, struct emu_function *from);
int emu_flow_steer(struct rnic_function *fn, const struct rnic_flow *flow);
void emu_flow_unsteer(struct rnic_function *fn, const struct rnic_flow *flow);
int emu_address_add(struct rnic_function *fn, const struct rnic_address *addr);
void emu_address_remove(struct rnic_function *fn, const struct rnic_address *addr);

/* rules.c */
int emu_rule_add(struct rnic_rule *rule);
void emu_rule_remove(struct rnic_rule *rule);
void emu_rule_count(struct rnic_rule *rule, u64 *packets, u64 *octets);
struct emu_function *emu_rules_match(struct emu_adapter *adapter, struct sk_buff *skb,
				     const struct emu_packet *packet,
				     const struct emu_function *from);

/* path.c */
int emu_path_add(struct rnic_handle *handle, const struct rnic_hop *hop);
void emu_path_update(struct rnic_handle *handle, const struct rnic_hop *hop);
void emu_path_remove(struct rnic_handle *handle);
void emu_path_send(struct emu_adapter *adapter, struct emu_packet *packet, struct sk_buff *skb);
void emu_paths_forget(struct emu_adapter *adapter, struct rnic_function *fn,
		      const struct in6_addr *local);
void emu_paths_reap(struct work_struct *work);

/* receive.c */
rx_handler_result_t emu_receive(struct sk_buff **pskb);
struct sk_buff *emu_frame_received(struct sk_buff *skb, struct emu_function *from);
void emu_inject(struct emu_adapter *adapter, struct sk_buff *skb, struct emu_function *from);
void emu_inject_flood(struct emu_adapter *adapter, struct sk_buff *skb, struct emu_function *from);
void emu_stray(struct rnic_function *fn, struct sk_buff *skb);

/* transmit.c */
netdev_tx_t emu_l2_xmit(struct sk_buff *skb, struct net_device *netdev);
netdev_tx_t emu_l3_xmit(struct sk_buff *skb, struct net_device *netdev);
netdev_tx_t emu_port_xmit(struct sk_buff *skb, struct net_device *netdev);

/* listener.c */
struct rnic_listener *emu_listen(struct rnic_adapter *adapter,
				 const struct rnic_listen_params *params,
				 const struct iwarp_watch *watch);
void emu_unlisten(struct rnic_listener *listener);
struct rnic_conn *emu_accept(struct rnic_listener *listener);
void emu_listeners_sync(struct work_struct *work);
void emu_listeners_close(struct emu_adapter *adapter);

/* connection.c */
int emu_socket(struct emu_adapter *adapter, const struct sockaddr_storage *local, u16 vlan,
	       u8 reuse, struct socket **sock);
struct rnic_conn *emu_conn_accepted(struct emu_adapter *adapter, struct socket *sock,
				    const struct rnic_address *address);
void emu_conn_reject(struct rnic_conn *conn);
struct rnic_conn *emu_conn_connect(struct rnic_function *fn,
				   const struct rnic_connect_params *params);
void emu_conn_close(struct rnic_conn *conn);
void emu_conn_abort(struct rnic_conn *conn);
bool emu_conn_release(struct rnic_conn *conn, bool reset);
void emu_conn_info(struct rnic_conn *conn, struct portspace_tcp_info *info);
void emu_conns_forget(struct emu_adapter *adapter);

/* netlink.c */
int emu_netlink_init(void);
void emu_netlink_exit(void);

#endif
