/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTSPACE_RESERVATION_H
#define PORTSPACE_RESERVATION_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/sched.h>
#include <linux/socket.h>
#include <linux/uidgid.h>
#include "portspace_netlink.h"

struct net;
struct portspace_placeholder;
struct portspace_reservation;
struct pid;
struct sock;
struct socket;

/**
 * struct reservation_origin - where a reservation comes from; constant for its life
 * @uid: its user
 * @inode: its socket's, also when that was taken
 * @cookie: its socket's, also when that was taken
 * @pid: the process that reserved it, or NULL; a reference
 * @comm: that process's name then
 */
struct reservation_origin {
	kuid_t uid;
	u32 inode;
	u64 cookie;
	struct pid *pid;
	char comm[TASK_COMM_LEN];
};

/**
 * struct reservation_view - what a walk shows of a reservation
 * @addr: what it is bound to
 * @origin: where it comes from
 * @state: what became of it
 * @flags: PORTSPACE_F_*
 */
struct reservation_view {
	const struct sockaddr_storage *addr;
	const struct reservation_origin *origin;
	enum portspace_nl_state state;
	u32 flags;
};

int reservation_walk(struct net *net, unsigned long *from,
		     int (*look)(const struct reservation_view *view, void *context),
		     void *context);
void reservation_exit(void);

/**
 * struct reservation_listening - who listens on a reserved port
 * @lock: what follows; around the socket's lock
 * @live: the host's TCP does
 * @placeholder: stands in for a TCP elsewhere that does
 */
struct reservation_listening {
	struct mutex lock;	/* live, placeholder */
	bool live;
	struct portspace_placeholder *placeholder;
};

struct reservation_listening *reservation_listening(struct portspace_reservation *res);
bool reservation_reuses(const struct portspace_reservation *res);
void reservation_allow_reuse(struct sock *sk, bool reuse);

void *extension_bind(struct net *net, const struct sockaddr_storage *addr, bool v6only);
void extension_unbind(void *held);

/* Locks of a class of their own, before anybody takes them */
void reservation_reclassify(struct sock *sk);

bool accepted_on_port(const struct net *net, u16 port);

void choice_set_remote(struct sock *sk, const struct sockaddr_storage *remote);
int choice_hash(struct sock *sk);
int choice_make(struct socket *sock, const struct sockaddr_storage *remote);
void choice_release(struct socket *sock);

#endif
