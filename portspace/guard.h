/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTSPACE_GUARD_H
#define PORTSPACE_GUARD_H

struct net;
struct sock;

int guard_up(struct net *net);
void guard_down(struct net *net);

int guard_deafen(struct sock *sk);
void guard_undeafen(struct sock *sk);

#endif
