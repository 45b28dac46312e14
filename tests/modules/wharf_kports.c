// SPDX-License-Identifier: GPL-2.0
/*
 * Holds ports that nobody listens on, as an application does that has bound.
 *
 *	echo "ADDR PORT [COUNT [MODE]]" >/sys/module/wharf_kports/parameters/reserve
 *	echo [COUNT] >/sys/module/wharf_kports/parameters/release
 *
 * Reserves PORT and those behind it, COUNT in all, in the network namespace of
 * the writer. MODE adds up: 1 SO_REUSEADDR, 2 IPV6_V6ONLY, 4 the port is chosen
 * at connect, 8 the sockets are taken, as for connections, 16 by the kernel
 * itself. Releasing gives all back, or the last COUNT.
 */
#include <linux/inet.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include "portspace.h"

enum { MODE_REUSE = 1, MODE_V6ONLY = 2, MODE_LATE_PORT = 4, MODE_TAKEN = 8, MODE_KERNEL = 16 };

struct held {
	struct list_head list;
	struct portspace_reservation *res;
	struct socket *sock;
};

struct order {
	struct work_struct work;
	struct net *net;
	struct portspace_bind bind;
	u32 count;
	u32 mode;
	int result;
};

static DEFINE_MUTEX(held_lock);
static LIST_HEAD(helds);

static int hold(struct net *net, const struct portspace_bind *bind, bool taken)
{
	struct held *held = kzalloc(sizeof(*held), GFP_KERNEL);

	if (!held)
		return -ENOMEM;
	held->res = portspace_reserve(net, bind);
	if (IS_ERR(held->res)) {
		int ret = PTR_ERR(held->res);

		kfree(held);
		return ret;
	}
	if (taken)
		held->sock = portspace_take_socket(held->res);
	mutex_lock(&held_lock);
	list_add(&held->list, &helds);
	mutex_unlock(&held_lock);
	return 0;
}

static int hold_all(struct order *order)
{
	/* The port is at the same place in both families. */
	struct sockaddr_in *in = (struct sockaddr_in *)&order->bind.addr;
	u16 first = ntohs(in->sin_port);
	int ret = 0;
	u32 n;

	for (n = 0; n < order->count && !ret; n++) {
		in->sin_port = first ? htons(first + n) : 0;
		ret = hold(order->net, &order->bind, order->mode & MODE_TAKEN);
	}
	return ret;
}

static void hold_work(struct work_struct *work)
{
	struct order *order = container_of(work, struct order, work);

	order->result = hold_all(order);
}

static int hold_by_kernel(struct order *order)
{
	INIT_WORK_ONSTACK(&order->work, hold_work);
	schedule_work(&order->work);
	flush_work(&order->work);
	destroy_work_on_stack(&order->work);
	return order->result;
}

static int reserve_set(const char *val, const struct kernel_param *kp)
{
	struct order order = { .net = current->nsproxy->net_ns, .count = 1 };
	char host[64], port[8];
	int ret;

	if (sscanf(val, "%63s %7s %u %u", host, port, &order.count, &order.mode) < 2)
		return -EINVAL;
	ret = inet_pton_with_scope(order.net, AF_UNSPEC, host, port, &order.bind.addr);
	if (ret)
		return ret;
	order.bind.reuse = order.mode & MODE_REUSE;
	order.bind.v6only = order.mode & MODE_V6ONLY;
	order.bind.late_port = order.mode & MODE_LATE_PORT;
	return order.mode & MODE_KERNEL ? hold_by_kernel(&order) : hold_all(&order);
}

static void release(u32 count)
{
	struct held *held, *next;

	mutex_lock(&held_lock);
	list_for_each_entry_safe(held, next, &helds, list) {
		if (!count--)
			break;
		list_del(&held->list);
		if (held->sock)
			sock_release(held->sock);
		portspace_put(held->res);
		kfree(held);
	}
	mutex_unlock(&held_lock);
}

static int release_set(const char *val, const struct kernel_param *kp)
{
	u32 count = U32_MAX;
	int ret = *val == '\n' ? 0 : kstrtou32(val, 10, &count);

	release(ret ? 0 : count);
	return ret;
}

static const struct kernel_param_ops reserve_ops = { .set = reserve_set };
static const struct kernel_param_ops release_ops = { .set = release_set };
module_param_cb(reserve, &reserve_ops, NULL, 0200);
module_param_cb(release, &release_ops, NULL, 0200);

static int __init kports_init(void)
{
	return 0;
}

static void __exit kports_exit(void)
{
	release(U32_MAX);
}

module_init(kports_init);
module_exit(kports_exit);
MODULE_DESCRIPTION("Wharf: holds ports for tests");
MODULE_LICENSE("GPL");
