/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTSPACE_RESERVATION_H
#define PORTSPACE_RESERVATION_H

#include <linux/types.h>

struct net;
struct sock;
struct socket;
struct sockaddr_storage;

void reservation_exit(void);

/* Locks of a class of their own, before anybody takes them */
void reservation_reclassify(struct sock *sk);

bool accepted_on_port(const struct net *net, u16 port);

int choice_make(struct socket *sock, const struct sockaddr_storage *remote);
void choice_release(struct socket *sock);

#endif
