// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family by which user space sees the reservations.
 */
#include <linux/module.h>
#include <linux/capability.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include "portspace_netlink.h"
#include "netlink.h"
#include "reservation.h"

static struct genl_family portspace_family;

/**
 * struct netlink_dump - a message of a dump in the making
 * @skb: what is filled
 * @cb: the dump
 * @users: of who asks; user ids are told in it
 * @pids: of who asks; process ids are told in it
 * @admin: who asks may know other users' processes
 */
struct netlink_dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	struct user_namespace *users;
	struct pid_namespace *pids;
	bool admin;
};

static int netlink_put_addr(struct sk_buff *skb, const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *in = (const struct sockaddr_in *)addr;

	/* The port is at the same place in both. */
	if (nla_put_u8(skb, PORTSPACE_A_FAMILY, addr->ss_family) ||
	    nla_put_be16(skb, PORTSPACE_A_PORT, in->sin_port))
		return -EMSGSIZE;
	if (addr->ss_family == AF_INET)
		return nla_put_in_addr(skb, PORTSPACE_A_ADDR, in->sin_addr.s_addr);
	if (in6->sin6_scope_id && nla_put_u32(skb, PORTSPACE_A_IFINDEX, in6->sin6_scope_id))
		return -EMSGSIZE;
	return nla_put_in6_addr(skb, PORTSPACE_A_ADDR, &in6->sin6_addr);
}

/* Its number says nothing once it has ended: another may have it by then. */
static pid_t netlink_living(struct pid *pid, struct pid_namespace *ns)
{
	pid_t nr = 0;

	rcu_read_lock();
	if (pid && pid_task(pid, PIDTYPE_TGID))
		nr = pid_nr_ns(pid, ns);
	rcu_read_unlock();
	return nr;
}

static int netlink_put_origin(const struct netlink_dump *dump,
			      const struct reservation_origin *origin)
{
	struct sk_buff *skb = dump->skb;
	pid_t pid;

	if (nla_put_u32(skb, PORTSPACE_A_UID, from_kuid_munged(dump->users, origin->uid)) ||
	    nla_put_u32(skb, PORTSPACE_A_INODE, origin->inode) ||
	    nla_put_u64_64bit(skb, PORTSPACE_A_COOKIE, origin->cookie, PORTSPACE_A_PAD))
		return -EMSGSIZE;
	if (!dump->admin && !uid_eq(NETLINK_CREDS(dump->cb->skb)->uid, origin->uid))
		return 0;
	pid = netlink_living(origin->pid, dump->pids);
	if (!pid)
		return 0;
	if (nla_put_u32(skb, PORTSPACE_A_PID, pid) ||
	    nla_put_string(skb, PORTSPACE_A_COMM, origin->comm))
		return -EMSGSIZE;
	return 0;
}

/* Called under a spinlock */
static int netlink_put_reservation(const struct reservation_view *view, void *context)
{
	const struct netlink_dump *dump = context;
	struct sk_buff *skb = dump->skb;
	void *msg;

	msg = genlmsg_put(skb, NETLINK_CB(dump->cb->skb).portid, dump->cb->nlh->nlmsg_seq,
			  &portspace_family, NLM_F_MULTI, PORTSPACE_CMD_RESERVATION_GET);
	if (!msg)
		return -EMSGSIZE;
	if (netlink_put_addr(skb, view->addr) ||
	    nla_put_u8(skb, PORTSPACE_A_STATE, view->state) ||
	    nla_put_u32(skb, PORTSPACE_A_FLAGS, view->flags) ||
	    netlink_put_origin(dump, view->origin)) {
		genlmsg_cancel(skb, msg);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, msg);
	return 0;
}

/* cb->args[0] is where to go on; reservations may come and go between messages. */
static int netlink_dump_reservations(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct net *net = sock_net(cb->skb->sk);
	struct netlink_dump dump = {
		.skb = skb,
		.cb = cb,
		.users = sk_user_ns(NETLINK_CB(cb->skb).sk),
		.pids = task_active_pid_ns(current),
		.admin = netlink_ns_capable(cb->skb, net->user_ns, CAP_NET_ADMIN),
	};
	unsigned long from = cb->args[0];

	reservation_walk(net, &from, netlink_put_reservation, &dump);
	cb->args[0] = from;
	return skb->len;
}

static const struct genl_small_ops portspace_ops[] = {
	{
		.cmd = PORTSPACE_CMD_RESERVATION_GET,
		.dumpit = netlink_dump_reservations,
	},
};

/* No module alias: who only looks does not load us. */
static struct genl_family portspace_family __ro_after_init = {
	.name = PORTSPACE_NL_NAME,
	.version = PORTSPACE_NL_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.small_ops = portspace_ops,
	.n_small_ops = ARRAY_SIZE(portspace_ops),
};

int __init netlink_init(void)
{
	return genl_register_family(&portspace_family);
}

void netlink_exit(void)
{
	genl_unregister_family(&portspace_family);
}
