// SPDX-License-Identifier: GPL-2.0
/*
 * Listening: a port of the host's, with a placeholder, and on each adapter that
 * has a function where it counts.
 */
#include <linux/slab.h>
#include <net/net_namespace.h>
#include "portspace.h"
#include "portspace_placeholder.h"
#include "rnic.h"

/**
 * struct listening - a listening port
 * @base: what the connection manager sees
 * @item: in listenings
 * @net: kept by @res
 * @res: the port
 * @placeholder: shows it
 * @everywhere: on all functions of @net, also those to come
 * @params: for the adapters
 * @parts: those that listen
 */
struct listening {
	struct iwarp_listening base;
	struct list_head item;
	struct net *net;
	struct portspace_reservation *res;
	struct portspace_placeholder *placeholder;
	bool everywhere;
	struct rnic_listen_params params;
	struct list_head parts;
};

/**
 * struct part - an adapter that listens
 * @item: in listening->parts
 * @adapter: a reference
 * @listener: the adapter's
 */
struct part {
	struct list_head item;
	struct rnic_adapter *adapter;
	struct rnic_listener *listener;
};

/* Under rnic_lock */
static LIST_HEAD(listenings);

static struct listening *to_listening(struct iwarp_listening *base)
{
	return container_of(base, struct listening, base);
}

static int part_add(struct listening *l, struct rnic_adapter *adapter)
{
	struct rnic_listener *listener;
	struct part *part;

	part = kzalloc(sizeof(*part), GFP_KERNEL);
	if (!part)
		return -ENOMEM;
	if (!rnic_adapter_get(adapter)) {
		kfree(part);
		return -ENODEV;
	}
	listener = adapter->ops->listen(adapter, &l->params, &l->base.watch);
	if (IS_ERR(listener)) {
		rnic_adapter_put(adapter);
		kfree(part);
		return PTR_ERR(listener);
	}
	part->adapter = adapter;
	part->listener = listener;
	list_add_tail(&part->item, &l->parts);
	return 0;
}

static void part_remove(struct part *part)
{
	list_del(&part->item);
	part->adapter->ops->unlisten(part->listener);
	rnic_adapter_put(part->adapter);
	kfree(part);
}

static void listening_close(struct listening *l)
{
	struct part *part, *next;

	/* The host answers for the port only when nothing is steered away any more. */
	portspace_placeholder_destroy(l->placeholder);
	list_for_each_entry_safe(part, next, &l->parts, item)
		part_remove(part);
}

/* All of them, or none */
static int listening_open(struct listening *l)
{
	struct rnic_adapter *adapter;
	struct rnic_function *fn;
	int ifindex, ret;
	u16 vlan;

	if (!l->everywhere) {
		fn = address_function(l->net, &l->params.addr, &vlan, &ifindex);
		return fn ? part_add(l, fn->adapter) : -EADDRNOTAVAIL;
	}
	/* What is for the host itself does not come to an adapter. */
	if (addr_is_loopback(&l->params.addr))
		return 0;
	list_for_each_entry(adapter, &rnic_adapters, item) {
		if (!rnic_adapter_is_in(adapter, l->net))
			continue;
		ret = part_add(l, adapter);
		if (ret)
			return ret;
	}
	return 0;
}

/* A function has come: wildcards count on it, too. */
void listening_extend(struct rnic_function *fn)
{
	struct listening *l;
	struct part *part;
	bool known;
	int ret;

	list_for_each_entry(l, &listenings, item) {
		if (!l->everywhere || addr_is_loopback(&l->params.addr) ||
		    !net_eq(dev_net(fn->netdev), l->net))
			continue;
		known = false;
		list_for_each_entry(part, &l->parts, item)
			known |= part->adapter == fn->adapter;
		ret = known ? 0 : part_add(l, fn->adapter);
		if (ret)
			pr_warn("rnic: %s does not listen on port %u, which was open when %s came: %d\n",
				fn->adapter->name, ntohs(addr_port(&l->params.addr)),
				fn->netdev->name, ret);
	}
}

struct iwarp_listening *rnic_listen(const struct iwarp_listen_params *params,
				    const struct iwarp_watch *watch)
{
	const struct portspace_owner owner = {
		.concerns = connection_concerns_listener,
		.stray = connection_stray_listener,
		.context = params->net,
	};
	struct listening *l;
	int ret;

	l = kzalloc(sizeof(*l), GFP_KERNEL);
	if (!l)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&l->parts);
	l->base.watch = *watch;
	l->net = params->net;
	l->everywhere = addr_is_any(&params->addr) || addr_is_loopback(&params->addr);
	l->res = iwarp_ports_listen(params);
	if (IS_ERR(l->res)) {
		ret = PTR_ERR(l->res);
		goto err_free;
	}
	l->params = (struct rnic_listen_params) {
		.net = params->net,
		.v6only = params->v6only,
		.tos_set = params->tos_set,
		.tos = params->tos,
		.backlog = params->backlog,
	};
	portspace_addr(l->res, &l->params.addr);
	mutex_lock(&rnic_lock);
	ret = listening_open(l);
	if (ret)
		goto err_close;
	l->placeholder = portspace_placeholder_listen(l->res, params->backlog, &rnic_flag,
						      &owner);
	if (IS_ERR(l->placeholder)) {
		ret = PTR_ERR(l->placeholder);
		l->placeholder = NULL;
		goto err_close;
	}
	list_add_tail(&l->item, &listenings);
	mutex_unlock(&rnic_lock);
	return &l->base;

err_close:
	listening_close(l);
	mutex_unlock(&rnic_lock);
	portspace_put(l->res);
err_free:
	kfree(l);
	return ERR_PTR(ret);
}

void rnic_unlisten(struct iwarp_listening *base)
{
	struct listening *l = to_listening(base);

	mutex_lock(&rnic_lock);
	list_del(&l->item);
	listening_close(l);
	mutex_unlock(&rnic_lock);
	portspace_placeholder_put(l->placeholder);
	portspace_put(l->res);
	kfree(l);
}

struct iwarp_conn *rnic_accept(struct iwarp_listening *base)
{
	struct iwarp_conn *ret = ERR_PTR(-EAGAIN);
	struct listening *l = to_listening(base);
	struct rnic_conn *conn;
	struct part *part;

	mutex_lock(&rnic_lock);
	list_for_each_entry(part, &l->parts, item) {
		conn = part->adapter->ops->accept(part->listener);
		if (conn == ERR_PTR(-EAGAIN))
			continue;
		ret = IS_ERR(conn) ? ERR_CAST(conn) : connection_accepted(l->res, conn, l->net);
		/* The others have their turn next time. */
		list_move_tail(&part->item, &l->parts);
		break;
	}
	mutex_unlock(&rnic_lock);
	return ret;
}

/* Ports that are reserved and do not listen yet */

/**
 * struct hold - a port that adapters hold
 * @item: in holds
 * @net: of the reservation; a reference, as that may outlive its socket
 * @addr: likewise
 * @v6only: likewise
 * @adapters: those that do, each with a reference
 * @count: how many
 */
struct hold {
	struct list_head item;
	struct net *net;
	struct sockaddr_storage addr;
	bool v6only;
	unsigned int count;
	struct rnic_adapter *adapters[];
};

/* Under rnic_lock */
static LIST_HEAD(holds);

static void hold_let_go(struct hold *hold, unsigned int i)
{
	struct rnic_adapter *adapter = hold->adapters[i];

	adapter->ops->unbind(adapter, hold->net, &hold->addr, hold->v6only);
	hold->adapters[i] = hold->adapters[--hold->count];
	rnic_adapter_put(adapter);
}

static void hold_undo(struct hold *hold)
{
	while (hold->count)
		hold_let_go(hold, hold->count - 1);
	list_del(&hold->item);
	put_net(hold->net);
	kfree(hold);
}

static int hold_on(struct hold *hold, struct rnic_adapter *adapter)
{
	int ret;

	if (!rnic_adapter_get(adapter))
		return 0;
	ret = adapter->ops->bind(adapter, hold->net, &hold->addr, hold->v6only);
	if (ret)
		rnic_adapter_put(adapter);
	else
		hold->adapters[hold->count++] = adapter;
	return ret;
}

/* Whether an adapter has to hold ports of @addr */
static bool hold_concerns(const struct hold *hold, const struct rnic_adapter *adapter,
			  const struct rnic_function *fn)
{
	if (!adapter->ops->bind)
		return false;
	return fn ? fn->adapter == adapter : rnic_adapter_is_in(adapter, hold->net);
}

static void *hold_all(struct net *net, const struct sockaddr_storage *addr, bool v6only)
{
	struct rnic_function *fn = NULL;
	struct rnic_adapter *adapter;
	unsigned int most = 0;
	struct hold *hold;
	int ifindex, ret = 0;
	u16 vlan;

	if (!addr_is_any(addr)) {
		fn = address_function(net, addr, &vlan, &ifindex);
		if (!fn)
			return NULL;
	}
	list_for_each_entry(adapter, &rnic_adapters, item)
		most++;
	hold = kzalloc(struct_size(hold, adapters, most), GFP_KERNEL);
	if (!hold)
		return ERR_PTR(-ENOMEM);
	list_add_tail(&hold->item, &holds);
	hold->net = get_net(net);
	hold->addr = *addr;
	hold->v6only = v6only;
	list_for_each_entry(adapter, &rnic_adapters, item) {
		if (!ret && hold_concerns(hold, adapter, fn))
			ret = hold_on(hold, adapter);
	}
	if (!ret && hold->count)
		return hold;
	hold_undo(hold);
	return ERR_PTR(ret);
}

static void *rnic_bind(struct net *net, const struct sockaddr_storage *addr, bool v6only)
{
	void *held;

	mutex_lock(&rnic_lock);
	held = hold_all(net, addr, v6only);
	mutex_unlock(&rnic_lock);
	return held;
}

static void rnic_unbind(void *held)
{
	mutex_lock(&rnic_lock);
	hold_undo(held);
	mutex_unlock(&rnic_lock);
}

/* The adapter goes: nobody listens on it, or holds a port of it, any more. */
void listening_forget(struct rnic_adapter *adapter)
{
	struct listening *l;
	struct part *part, *next;
	struct hold *hold;
	unsigned int i;

	list_for_each_entry(l, &listenings, item) {
		list_for_each_entry_safe(part, next, &l->parts, item) {
			if (part->adapter == adapter)
				part_remove(part);
		}
	}
	list_for_each_entry(hold, &holds, item) {
		for (i = hold->count; i--;) {
			if (hold->adapters[i] == adapter)
				hold_let_go(hold, i);
		}
	}
}

const struct portspace_extension rnic_extension = {
	.owner = THIS_MODULE,
	.bind = rnic_bind,
	.unbind = rnic_unbind,
};
