// SPDX-License-Identifier: GPL-2.0
/*
 * Connections that RDMA listeners accepted.
 *
 * TCP keeps a port busy for bind(2) as long as a connection that was accepted on
 * it lives, unless everybody said SO_REUSEADDR. RDMA servers never had to: they
 * listen again beside what they accepted, and restart at once. So these
 * connections allow reuse, and who reserves in RDMA's name may ask whether it is
 * them that are in the way.
 */
#include <linux/module.h>
#include <linux/hashtable.h>
#include <linux/spinlock.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include "portspace.h"
#include "reservation.h"

static DEFINE_HASHTABLE(accepted_ports, 10);
static DEFINE_SPINLOCK(accepted_lock);

/**
 * portspace_accepted_add - an RDMA listener has accepted a connection
 * @accepted: lives until portspace_accepted_del()
 * @sock: the connection; allows the reuse of its port from now on
 *
 * May sleep.
 */
void portspace_accepted_add(struct portspace_accepted *accepted, struct socket *sock)
{
	struct sock *sk = sock->sk;

	accepted->net = sock_net(sk);
	accepted->port = inet_sk(sk)->inet_num;
	lock_sock(sk);
	sk->sk_reuse = SK_CAN_REUSE;
	release_sock(sk);
	spin_lock(&accepted_lock);
	hash_add(accepted_ports, &accepted->node, accepted->port);
	spin_unlock(&accepted_lock);
}
EXPORT_SYMBOL_GPL(portspace_accepted_add);

/**
 * portspace_accepted_del - such a connection is about to be released
 * @accepted: as it was added
 */
void portspace_accepted_del(struct portspace_accepted *accepted)
{
	spin_lock(&accepted_lock);
	hash_del(&accepted->node);
	spin_unlock(&accepted_lock);
}
EXPORT_SYMBOL_GPL(portspace_accepted_del);

/* whether there is one on that port; @port in host order */
bool accepted_on_port(const struct net *net, u16 port)
{
	struct portspace_accepted *accepted;
	bool found = false;

	spin_lock(&accepted_lock);
	hash_for_each_possible(accepted_ports, accepted, node, port) {
		found = accepted->port == port && net_eq(accepted->net, net);
		if (found)
			break;
	}
	spin_unlock(&accepted_lock);
	return found;
}
