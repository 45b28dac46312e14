// SPDX-License-Identifier: GPL-2.0
/*
 * The placeholders of a network namespace: the list for /proc, and the hooks
 * that are there from the first of them on.
 */
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include "guard.h"
#include "placeholder.h"
#include "trace.h"

static unsigned int placeholder_net_id;

struct placeholders *placeholders_of(const struct net *net)
{
	return net_generic(net, placeholder_net_id);
}

/*
 * The hooks stay until the namespace goes: to take them down with each last
 * connection would have the kernel patch its own text all the time.
 */
int placeholder_enlist(struct portspace_placeholder *ph, struct net *net)
{
	struct placeholders *all = placeholders_of(net);
	int ret = 0;

	mutex_lock(&all->lock);
	if (!all->guarded)
		ret = guard_up(net);
	if (!ret) {
		all->guarded = true;
		WRITE_ONCE(all->count, all->count + 1);
		if (ph->kind == PLACEHOLDER_LISTENER)
			WRITE_ONCE(all->listeners, all->listeners + 1);
	}
	mutex_unlock(&all->lock);
	return ret;
}

void placeholder_delist(struct portspace_placeholder *ph, struct net *net)
{
	struct placeholders *all = placeholders_of(net);

	mutex_lock(&all->lock);
	if (ph->kind == PLACEHOLDER_LISTENER)
		WRITE_ONCE(all->listeners, all->listeners - 1);
	WRITE_ONCE(all->count, all->count - 1);
	mutex_unlock(&all->lock);
}

void placeholder_show(struct portspace_placeholder *ph)
{
	struct placeholders *all = placeholders_of(sock_net(ph->sock->sk));

	mutex_lock(&all->lock);
	list_add_tail(&ph->item, &all->list);
	mutex_unlock(&all->lock);
	trace_portspace_placeholder(&ph->pair.local, &ph->pair.remote);
}

void placeholder_hide(struct portspace_placeholder *ph)
{
	struct placeholders *all = placeholders_of(sock_net(ph->sock->sk));

	mutex_lock(&all->lock);
	list_del_init(&ph->item);
	mutex_unlock(&all->lock);
}

static int placeholders_seq_show(struct seq_file *seq, void *unused)
{
	static const char * const kinds[] = { "listener", "accepted", "active" };
	struct placeholders *all = placeholders_of(seq_file_single_net(seq));
	struct portspace_placeholder *ph;

	mutex_lock(&all->lock);
	seq_printf(seq, "leaks %lld\n", atomic64_read(&all->leaks));
	list_for_each_entry(ph, &all->list, item)
		seq_printf(seq, "%s %pISpc %pISpc leaks %lld missed %d\n", kinds[ph->kind],
			   &ph->pair.local, &ph->pair.remote, atomic64_read(&ph->leaks),
			   atomic_read(&ph->sock->sk->sk_drops));
	mutex_unlock(&all->lock);
	return 0;
}

#define PLACEHOLDERS_FILE "portspace_placeholders"

static int __net_init placeholders_net_init(struct net *net)
{
	struct placeholders *all = placeholders_of(net);

	mutex_init(&all->lock);
	INIT_LIST_HEAD(&all->list);
	if (!proc_create_net_single(PLACEHOLDERS_FILE, 0444, net->proc_net,
				    placeholders_seq_show, NULL))
		return -ENOMEM;
	return 0;
}

/* A grace period lies between this and the end of struct placeholders. */
static void __net_exit placeholders_net_pre_exit(struct net *net)
{
	if (placeholders_of(net)->guarded)
		guard_down(net);
}

static void __net_exit placeholders_net_exit(struct net *net)
{
	remove_proc_entry(PLACEHOLDERS_FILE, net->proc_net);
	/* Each keeps its namespace. */
	WARN_ON(placeholders_of(net)->count);
}

static struct pernet_operations placeholders_net_ops = {
	.init = placeholders_net_init,
	.pre_exit = placeholders_net_pre_exit,
	.exit = placeholders_net_exit,
	.id = &placeholder_net_id,
	.size = sizeof(struct placeholders),
};

int placeholder_init(void)
{
	return register_pernet_subsys(&placeholders_net_ops);
}

void placeholder_exit(void)
{
	unregister_pernet_subsys(&placeholders_net_ops);
}
