/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTSPACE_PLACEHOLDER_IMPL_H
#define PORTSPACE_PLACEHOLDER_IMPL_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct net;
struct sk_buff;
struct sock;

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
bool placeholder_is(const struct sock *sk);
unsigned int placeholder_catch(struct sock *sk, struct sk_buff *skb, bool whole);

#endif
