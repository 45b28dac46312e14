// SPDX-License-Identifier: GPL-2.0
/*
 * Listening: a socket of the adapter's TCP for each address. A wildcard means those
 * that functions have in one of the host's namespaces, and functions of others may
 * listen on the same port, so a wildcard socket would not do.
 */
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <net/inet_connection_sock.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include "emulated.h"

/**
 * struct emu_listener - a listening port
 * @base: what the shim sees
 * @adapter: the adapter
 * @item: in emu_adapter.listeners
 * @params: what to listen on
 * @watch: whom to tell
 * @sockets: struct emu_listening
 */
struct emu_listener {
	struct rnic_listener base;
	struct emu_adapter *adapter;
	struct list_head item;
	struct rnic_listen_params params;
	struct iwarp_watch watch;
	struct list_head sockets;
};

/**
 * struct emu_listening - a listener on one of its addresses
 * @entry: EMU_LISTEN
 * @listener: whose; entries come and go under emu_adapter.tcp_lock
 * @item: in emu_listener.sockets
 * @rcu: found under RCU
 * @address: with which a connection is handed on
 * @sock: of the adapter's TCP
 * @saved: put back before @sock is released, and into what it has accepted
 */
struct emu_listening {
	struct emu_entry entry;
	struct emu_listener *listener;
	struct list_head item;
	struct rcu_head rcu;
	struct rnic_address address;
	struct socket *sock;
	struct iwarp_callbacks saved;
};

static struct emu_listener *to_emu_listener(struct rnic_listener *listener)
{
	return container_of(listener, struct emu_listener, base);
}

static bool listener_is_any(const struct emu_listener *l)
{
	const struct sockaddr_storage *addr = &l->params.addr;

	if (addr->ss_family == AF_INET6)
		return ipv6_addr_any(&((const struct sockaddr_in6 *)addr)->sin6_addr);
	return !((const struct sockaddr_in *)addr)->sin_addr.s_addr;
}

static __be16 listener_port(const struct emu_listener *l)
{
	return ((const struct sockaddr_in *)&l->params.addr)->sin_port;
}

static int listening_open(struct emu_listener *l, struct emu_listening *s)
{
	struct sockaddr_storage local = s->address.addr;
	int ret;

	((struct sockaddr_in *)&local)->sin_port = listener_port(l);
	emu_key_set(&s->entry.key, EMU_LISTEN, &local, NULL, s->address.vlan);
	ret = emu_socket(l->adapter, &local, s->address.vlan, SK_CAN_REUSE, &s->sock);
	if (ret)
		return ret;
	if (l->params.tos_set)
		iwarp_socket_set_tos(s->sock, l->params.tos);
	iwarp_callbacks_save(&s->saved, s->sock->sk);
	iwarp_callbacks_hook(s->sock->sk, &l->watch);
	ret = kernel_listen(s->sock, l->params.backlog);
	ret = ret ?: emu_insert(l->adapter, &s->entry);
	if (ret) {
		iwarp_callbacks_unhook(s->sock->sk, &s->saved);
		sock_release(s->sock);
	}
	return ret;
}

static void listening_close(struct emu_listener *l, struct emu_listening *s)
{
	list_del(&s->item);
	emu_remove(l->adapter, &s->entry);
	iwarp_callbacks_unhook(s->sock->sk, &s->saved);
	sock_release(s->sock);
	kfree_rcu(s, rcu);
}

static int listener_add(struct emu_listener *l, const struct rnic_address *address)
{
	struct emu_listening *s;
	int ret;

	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	s->listener = l;
	s->address = *address;
	ret = listening_open(l, s);
	if (ret) {
		kfree(s);
		return ret;
	}
	list_add_tail(&s->item, &l->sockets);
	return 0;
}

/* An IPv6 address without a scope of its own is the same with any. */
static bool listener_is_on(const struct emu_listener *l, const struct rnic_address *address)
{
	const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)&l->params.addr;
	const struct sockaddr_in6 *b = (const struct sockaddr_in6 *)&address->addr;

	if (a->sin6_family != b->sin6_family)
		return false;
	if (a->sin6_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return ipv6_addr_equal(&a->sin6_addr, &b->sin6_addr) &&
	       (!b->sin6_scope_id || a->sin6_scope_id == b->sin6_scope_id);
}

/*
 * Whether a listener is for an address; under the adapter's lock. The link-local address of
 * a VLAN is that of its function, too, and one port can have no two listeners on it.
 */
static bool listener_covers(const struct emu_listener *l, const struct emu_address *address)
{
	if (!net_eq(dev_net(address->fn->base.netdev), l->params.net))
		return false;
	if (!listener_is_any(l))
		return listener_is_on(l, &address->address);
	if (address->address.vlan &&
	    ipv6_addr_type(&address->entry.key.local) & IPV6_ADDR_LINKLOCAL)
		return false;
	if (address->address.addr.ss_family == l->params.addr.ss_family)
		return true;
	return l->params.addr.ss_family == AF_INET6 && !l->params.v6only;
}

/* Under RCU; a listener may have thousands of sockets. */
static bool listener_has(const struct emu_listener *l, const struct emu_address *address)
{
	struct emu_key key = address->entry.key;
	struct emu_entry *entry;

	key.kind = EMU_LISTEN;
	key.local_port = listener_port(l);
	entry = emu_find(l->adapter, &key);
	return entry && container_of(entry, struct emu_listening, entry)->listener == l;
}

/* How many addresses have no socket yet; @missing gets the first @max of them. */
static unsigned int listener_missing(struct emu_listener *l, struct rnic_address *missing,
				     unsigned int max)
{
	struct emu_address *address;
	unsigned int n = 0;

	spin_lock_bh(&l->adapter->lock);
	rcu_read_lock();
	list_for_each_entry(address, &l->adapter->addresses, item) {
		if (!listener_covers(l, address) || listener_has(l, address))
			continue;
		if (n < max)
			missing[n] = address->address;
		n++;
	}
	rcu_read_unlock();
	spin_unlock_bh(&l->adapter->lock);
	return n;
}

static bool listening_is_wanted(struct emu_listener *l, const struct emu_listening *s)
{
	const struct emu_key *key = &s->entry.key;
	struct emu_address *address;
	bool wanted;

	spin_lock_bh(&l->adapter->lock);
	rcu_read_lock();
	address = emu_find_registered(l->adapter, &key->local, key->vlan);
	wanted = address && listener_covers(l, address);
	rcu_read_unlock();
	spin_unlock_bh(&l->adapter->lock);
	return wanted;
}

/* Until the adapter is enabled nobody can connect. One address that fails costs no other. */
static int listener_open(struct emu_listener *l)
{
	struct rnic_address *missing;
	unsigned int max, n, i;
	int first = 0;
	int ret;

	if (!rcu_access_pointer(l->adapter->port))
		return 0;
	max = listener_missing(l, NULL, 0);
	if (!max)
		return 0;
	missing = kvmalloc_array(max, sizeof(*missing), GFP_KERNEL);
	if (!missing)
		return -ENOMEM;
	/* For what comes from here on, sync is queued. */
	n = min(max, listener_missing(l, missing, max));
	for (i = 0; i < n; i++) {
		ret = listener_add(l, &missing[i]);
		first = first ?: ret;
	}
	kvfree(missing);
	return first;
}

/* What has gone from one listener may have come to another: that is in the way no more. */
static void listeners_trim(struct emu_adapter *adapter)
{
	struct emu_listening *s, *next;
	struct emu_listener *l;

	list_for_each_entry(l, &adapter->listeners, item) {
		list_for_each_entry_safe(s, next, &l->sockets, item) {
			if (!listening_is_wanted(l, s))
				listening_close(l, s);
		}
	}
}

/* Addresses have come or gone. */
void emu_listeners_sync(struct work_struct *work)
{
	struct emu_adapter *adapter = container_of(work, struct emu_adapter, sync);
	struct emu_listener *l;
	int ret;

	mutex_lock(&adapter->tcp_lock);
	listeners_trim(adapter);
	list_for_each_entry(l, &adapter->listeners, item) {
		ret = listener_open(l);
		if (ret)
			pr_warn("rnic_emulated: %s: not every address listens on port %u: %d\n",
				adapter->base.name, ntohs(listener_port(l)), ret);
	}
	mutex_unlock(&adapter->tcp_lock);
}

static void listener_close(struct emu_listener *l)
{
	struct emu_listening *s, *next;

	list_for_each_entry_safe(s, next, &l->sockets, item)
		listening_close(l, s);
}

/* The port has gone; those that listen do so again when there is another. */
void emu_listeners_close(struct emu_adapter *adapter)
{
	struct emu_listener *l;

	mutex_lock(&adapter->tcp_lock);
	RCU_INIT_POINTER(adapter->port, NULL);
	list_for_each_entry(l, &adapter->listeners, item)
		listener_close(l);
	mutex_unlock(&adapter->tcp_lock);
}

struct rnic_listener *emu_listen(struct rnic_adapter *base,
				 const struct rnic_listen_params *params,
				 const struct iwarp_watch *watch)
{
	struct emu_adapter *adapter = to_emu_adapter(base);
	struct emu_listener *l;
	int ret;

	l = kzalloc(sizeof(*l), GFP_KERNEL);
	if (!l)
		return ERR_PTR(-ENOMEM);
	l->base.adapter = base;
	l->adapter = adapter;
	l->params = *params;
	l->watch = *watch;
	INIT_LIST_HEAD(&l->sockets);

	mutex_lock(&adapter->tcp_lock);
	listeners_trim(adapter);
	ret = listener_open(l);
	if (ret)
		listener_close(l);
	else
		list_add_tail(&l->item, &adapter->listeners);
	mutex_unlock(&adapter->tcp_lock);
	if (ret) {
		kfree(l);
		return ERR_PTR(ret);
	}
	return &l->base;
}

void emu_unlisten(struct rnic_listener *base)
{
	struct emu_listener *l = to_emu_listener(base);
	struct emu_adapter *adapter = l->adapter;

	mutex_lock(&adapter->tcp_lock);
	list_del(&l->item);
	listener_close(l);
	mutex_unlock(&adapter->tcp_lock);
	kfree(l);
}

/* The next that one of the sockets has; each has its turn. */
struct rnic_conn *emu_accept(struct rnic_listener *base)
{
	struct emu_listener *l = to_emu_listener(base);
	struct rnic_conn *conn = ERR_PTR(-EAGAIN);
	struct emu_adapter *adapter = l->adapter;
	struct emu_listening *s;
	struct socket *sock;
	int ret;

	mutex_lock(&adapter->tcp_lock);
	list_for_each_entry(s, &l->sockets, item) {
		ret = kernel_accept(s->sock, &sock, O_NONBLOCK);
		if (ret == -EAGAIN)
			continue;
		if (ret) {
			conn = ERR_PTR(ret);
			break;
		}
		iwarp_callbacks_unhook(sock->sk, &s->saved);
		conn = emu_conn_accepted(adapter, sock, &s->address);
		list_move_tail(&s->item, &l->sockets);
		break;
	}
	mutex_unlock(&adapter->tcp_lock);
	return conn;
}
