/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTSPACE_PLACEHOLDER_IMPL_H
#define PORTSPACE_PLACEHOLDER_IMPL_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include "portspace_placeholder.h"

struct net;
struct proto;
struct sk_buff;
struct sock;
struct socket;

enum placeholder_kind {
	PLACEHOLDER_LISTENER,
	PLACEHOLDER_ACCEPTED,
	PLACEHOLDER_ACTIVE,
};

/**
 * struct portspace_placeholder - a socket in the host's tables, and its owner
 * @ref: of the memory
 * @users: one until it is destroyed, one for each callback that is running
 * @unused: completed by the last of @users
 * @lock: destroying, flagging
 * @item: in struct placeholders, under its lock
 * @kind: how it has its port
 * @sock: NULL once it was destroyed; a listener's is @res's
 * @res: of a listener: a reference
 * @backlog: of a listener, for ss
 * @accepted: of an accepted connection: in nobody's way who listens for RDMA
 * @owner: never changes
 * @pair: where it is; a listener's remote end is empty
 * @leaks: packets that were caught
 */
struct portspace_placeholder {
	struct kref ref;
	refcount_t users;
	struct completion unused;
	struct mutex lock;	/* sock */
	struct list_head item;
	enum placeholder_kind kind;
	struct socket *sock;
	struct portspace_reservation *res;
	int backlog;
	struct portspace_accepted accepted;
	struct portspace_owner owner;
	struct portspace_pair pair;
	atomic64_t leaks;
};

/**
 * struct placeholders - those of a network namespace
 * @lock: everything but @leaks
 * @list: those that are whole: for /proc/net/portspace_placeholders
 * @guarded: the netfilter hooks are there
 * @count: of those that may be in TCP's tables; read without @lock
 * @listeners: those of @count that listen; read without @lock
 * @leaks: packets that were caught, also for those that are gone
 */
struct placeholders {
	struct mutex lock;	/* list, guarded, count, listeners */
	struct list_head list;
	bool guarded;
	unsigned int count;
	unsigned int listeners;
	atomic64_t leaks;
};

int placeholder_init(void);
void placeholder_exit(void);

struct placeholders *placeholders_of(const struct net *net);
int placeholder_enlist(struct portspace_placeholder *ph, struct net *net);
void placeholder_delist(struct portspace_placeholder *ph, struct net *net);
void placeholder_show(struct portspace_placeholder *ph);
void placeholder_hide(struct portspace_placeholder *ph);

bool placeholder_is(const struct sock *sk);
void placeholder_leave(struct portspace_placeholder *ph);
struct proto *placeholder_prot(const struct sock *sk);
int placeholder_dress(struct portspace_placeholder *ph, struct proto *prot);
void placeholder_undress(struct sock *sk);
struct portspace_placeholder *placeholder_enter(struct sock *sk);
int listening_stand_in(struct portspace_reservation *res, struct portspace_placeholder *ph);
void listening_stand_down(struct portspace_reservation *res, struct portspace_placeholder *ph);
bool placeholder_ask(struct sock *sk, struct portspace_tcp_info *info);
bool placeholder_concerns(struct sock *sk, const struct sk_buff *skb);
unsigned int placeholder_catch(struct sock *sk, struct sk_buff *skb, bool whole, bool leaked);

#endif
