// SPDX-License-Identifier: GPL-2.0
/*
 * A reservation is a TCP socket that is bound. What may be bound next to what,
 * and by whom, is then for the kernel to say; nothing is imitated here.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/kref.h>
#include <linux/hashtable.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sock_diag.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>
#include <linux/net.h>
#include <linux/in.h>
#include <net/sock.h>
#include <net/inet_sock.h>
#include "portspace.h"
#include "reservation.h"
#include "trace.h"

/**
 * struct portspace_reservation - a port that is held
 * @ref: one for each caller of portspace_reserve(), _find() and _get()
 * @node: in reservations, if it has a key; under reservations_lock
 * @net: the socket holds the reference
 * @key: what portspace_find() looks for; NULL once hidden, under reservations_lock
 * @addr: what the socket was bound to; port 0 with late_port and no choice yet
 * @sock: NULL once it was taken; under reservations_lock
 * @serial: its place in all
 * @flags: PORTSPACE_F_*; of these REUSE may change
 * @held: what the extension holds for it, or NULL
 * @listening: who listens on it
 * @origin: who made it
 */
struct portspace_reservation {
	struct kref ref;
	struct hlist_node node;
	struct net *net;
	const void *key;
	struct sockaddr_storage addr;
	struct socket *sock;
	unsigned long serial;
	u32 flags;
	void *held;
	struct reservation_listening listening;
	struct reservation_origin origin;
};

/* As many are looked at in one go. */
#define WALK_BATCH	64

/* Ports of the kernel's choice that are tried when one is refused elsewhere */
#define HOLD_ATTEMPTS	16

static DEFINE_HASHTABLE(reservations, 8);
static DEFINE_SPINLOCK(reservations_lock);

/* With or without a key, by serial number; taken out under reservations_lock */
static DEFINE_XARRAY(all);
static atomic_long_t last_serial = ATOMIC_LONG_INIT(0);

/*
 * The RDMA CM binds and listens under its global mutex, which it also takes
 * inside rtnl; sockets of user space take their lock both around and inside
 * other locks of that chain. Ours are never seen by a system call.
 */
static struct lock_class_key portspace_slock_keys[2];
static struct lock_class_key portspace_sk_lock_keys[2];

void reservation_reclassify(struct sock *sk)
{
	if (WARN_ON_ONCE(!sock_allow_reclassification(sk)))
		return;
	if (sk->sk_family == AF_INET)
		sock_lock_init_class_and_name(sk, "slock-AF_INET-PORTSPACE",
					      &portspace_slock_keys[0],
					      "sk_lock-AF_INET-PORTSPACE",
					      &portspace_sk_lock_keys[0]);
	else
		sock_lock_init_class_and_name(sk, "slock-AF_INET6-PORTSPACE",
					      &portspace_slock_keys[1],
					      "sk_lock-AF_INET6-PORTSPACE",
					      &portspace_sk_lock_keys[1]);
}

static int reservation_setsockopt(struct socket *sock, int level, int name, int value)
{
	return sock->ops->setsockopt(sock, level, name, KERNEL_SOCKPTR(&value), sizeof(value));
}

void reservation_allow_reuse(struct sock *sk, bool reuse)
{
	lock_sock(sk);
	sk->sk_reuse = reuse ? SK_CAN_REUSE : SK_NO_REUSE;
	release_sock(sk);
}

/*
 * What an RDMA listener accepted is in nobody's way who reserves for RDMA: such a
 * connection allows reuse, and so does the socket for a moment. Whoever else is
 * bound to the port is still in the way, unless he allows reuse as well.
 */
static int reservation_bind_beside(struct socket *sock, struct sockaddr *addr, int len)
{
	int ret;

	reservation_allow_reuse(sock->sk, true);
	ret = kernel_bind(sock, addr, len);
	reservation_allow_reuse(sock->sk, false);
	return ret;
}

static int reservation_bind(struct socket *sock, const struct portspace_bind *bind)
{
	struct sockaddr_storage addr = bind->addr;
	struct sock *sk = sock->sk;
	u16 port;
	int len, ret;

	if (bind->addr.ss_family == AF_INET6) {
		len = sizeof(struct sockaddr_in6);
		ret = reservation_setsockopt(sock, SOL_IPV6, IPV6_V6ONLY, bind->v6only);
		if (ret)
			return ret;
	} else {
		len = sizeof(struct sockaddr_in);
	}
	if (bind->reuse)
		sock_set_reuseaddr(sk);
	if (bind->late_port) {
		ret = reservation_setsockopt(sock, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
		if (ret)
			return ret;
	}
	ret = kernel_bind(sock, (struct sockaddr *)&addr, len);
	port = ntohs(((const struct sockaddr_in *)&addr)->sin_port);
	if (ret == -EADDRINUSE && !bind->reuse && accepted_on_port(sock_net(sk), port))
		ret = reservation_bind_beside(sock, (struct sockaddr *)&addr, len);
	if (ret)
		return ret;
	if (bind->late_port)
		return bind->remote ? choice_make(sock, bind->remote) : 0;

	/*
	 * The kernel lets go of a port that it chose itself when a listener or a
	 * connection ends; this one is held until the socket is released.
	 */
	lock_sock(sk);
	sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
	release_sock(sk);
	return 0;
}

static void reservation_close(struct socket *sock)
{
	choice_release(sock);
	sock_release(sock);
}

/* Not held elsewhere yet */
static int reservation_hold_here(struct portspace_reservation *res,
				 const struct portspace_bind *bind)
{
	int ret;

	/* Not sock_create_kern(): that takes no reference of the namespace. */
	ret = __sock_create(res->net, bind->addr.ss_family, SOCK_STREAM, IPPROTO_TCP,
			    &res->sock, 0);
	if (ret)
		return ret;
	reservation_reclassify(res->sock->sk);
	ret = reservation_bind(res->sock, bind);
	if (!ret)
		ret = min(kernel_getsockname(res->sock, (struct sockaddr *)&res->addr), 0);
	if (ret)
		reservation_close(res->sock);
	return ret;
}

/*
 * A port of the kernel's choice that is refused elsewhere stays bound until there
 * is a better one, so that the kernel chooses another.
 */
static int reservation_hold(struct portspace_reservation *res, const struct portspace_bind *bind)
{
	/* The port is the third and fourth octet of both. */
	bool any_port = !((const struct sockaddr_in *)&bind->addr)->sin_port;
	struct socket *refused[HOLD_ATTEMPTS];
	int i = 0, ret;

	do {
		ret = reservation_hold_here(res, bind);
		if (ret || bind->late_port)
			break;
		res->held = extension_bind(res->net, &res->addr, bind->v6only);
		if (!IS_ERR(res->held))
			break;
		ret = PTR_ERR(res->held);
		refused[i++] = res->sock;
	} while (any_port && ret == -EADDRINUSE && i < HOLD_ATTEMPTS);
	while (i--)
		reservation_close(refused[i]);
	return ret;
}

/* A kernel thread is nobody's process; a process's threads are one. */
static void reservation_note_process(struct reservation_origin *origin)
{
	if (current->flags & PF_KTHREAD)
		return;
	origin->pid = get_pid(task_tgid(current));
	rcu_read_lock();
	get_task_comm(origin->comm, current->group_leader);
	rcu_read_unlock();
}

/* Makes it visible to reservation_walk(); before anybody can take its socket. */
static int reservation_enlist(struct portspace_reservation *res, const struct portspace_bind *bind)
{
	struct socket *sock = res->sock;
	u32 cookie[2];
	int ret;

	sock_diag_save_cookie(sock->sk, cookie);
	res->origin.cookie = (u64)cookie[1] << 32 | cookie[0];
	res->origin.inode = SOCK_INODE(sock)->i_ino;
	res->origin.uid = sock->sk->sk_uid;
	res->flags = (bind->reuse ? PORTSPACE_F_REUSE : 0) |
		     (bind->v6only ? PORTSPACE_F_V6ONLY : 0) |
		     (bind->late_port ? PORTSPACE_F_LATE_PORT : 0) |
		     (current->flags & PF_KTHREAD ? PORTSPACE_F_KERNEL : 0);
	reservation_note_process(&res->origin);
	res->serial = atomic_long_inc_return(&last_serial);
	ret = xa_insert(&all, res->serial, res, GFP_KERNEL);
	if (ret)
		put_pid(res->origin.pid);
	return ret;
}

/**
 * portspace_reserve - hold a port
 * @net: network namespace; the reservation keeps it
 * @bind: what to bind, and how
 *
 * To be called in the context of the process that asks for the port: user id,
 * cgroup and security label are taken from it, and CAP_NET_BIND_SERVICE is
 * asked of it. May sleep; takes no rtnl.
 *
 * Return: a reservation that the caller puts, or the errno of bind(2).
 */
struct portspace_reservation *portspace_reserve(struct net *net,
						const struct portspace_bind *bind)
{
	struct portspace_reservation *res;
	sa_family_t family = bind->addr.ss_family;
	int ret;

	if (family != AF_INET && family != AF_INET6)
		return ERR_PTR(-EAFNOSUPPORT);
	/* The port is the third and fourth octet of both. */
	if (bind->late_port && ((const struct sockaddr_in *)&bind->addr)->sin_port)
		return ERR_PTR(-EINVAL);
	if (bind->remote && !bind->late_port)
		return ERR_PTR(-EINVAL);

	res = kzalloc(sizeof(*res), GFP_KERNEL);
	if (!res)
		return ERR_PTR(-ENOMEM);
	kref_init(&res->ref);
	mutex_init(&res->listening.lock);
	res->net = net;
	res->key = bind->key;

	ret = reservation_hold(res, bind);
	if (ret)
		goto err_free;
	ret = reservation_enlist(res, bind);
	if (ret)
		goto err_release;

	if (res->key) {
		spin_lock(&reservations_lock);
		hash_add(reservations, &res->node, (unsigned long)res->key);
		spin_unlock(&reservations_lock);
	}
	trace_portspace_reserve(&res->addr, bind->late_port, 0);
	return res;

err_release:
	extension_unbind(res->held);
	reservation_close(res->sock);
err_free:
	kfree(res);
	trace_portspace_reserve(&bind->addr, bind->late_port, ret);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(portspace_reserve);

/**
 * portspace_find - the reservation that was made under a key
 * @net: its network namespace
 * @key: as in struct portspace_bind
 *
 * A reservation is found until it is put for the last time, also when its
 * socket was taken.
 *
 * Return: a reference that the caller puts, or NULL.
 */
struct portspace_reservation *portspace_find(struct net *net, const void *key)
{
	struct portspace_reservation *res;

	if (!key)
		return NULL;
	spin_lock(&reservations_lock);
	hash_for_each_possible(reservations, res, node, (unsigned long)key) {
		if (res->key == key && net_eq(res->net, net) && kref_get_unless_zero(&res->ref)) {
			spin_unlock(&reservations_lock);
			return res;
		}
	}
	spin_unlock(&reservations_lock);
	return NULL;
}
EXPORT_SYMBOL_GPL(portspace_find);

/**
 * portspace_get - take another reference of a reservation
 * @res: the reservation
 */
void portspace_get(struct portspace_reservation *res)
{
	kref_get(&res->ref);
}
EXPORT_SYMBOL_GPL(portspace_get);

/**
 * portspace_hide - a reservation's key is about to mean something else
 * @res: the reservation, which portspace_find() finds no more
 */
void portspace_hide(struct portspace_reservation *res)
{
	spin_lock(&reservations_lock);
	if (res->key)
		hash_del(&res->node);
	res->key = NULL;
	spin_unlock(&reservations_lock);
}
EXPORT_SYMBOL_GPL(portspace_hide);

static void reservation_release(struct kref *ref)
{
	struct portspace_reservation *res = container_of(ref, struct portspace_reservation, ref);

	portspace_hide(res);
	spin_lock(&reservations_lock);
	xa_erase(&all, res->serial);
	spin_unlock(&reservations_lock);
	put_pid(res->origin.pid);
	/* It may have outlived its socket, and with that the namespace. */
	extension_unbind(res->held);
	if (res->sock) {
		trace_portspace_release(&res->addr);
		reservation_close(res->sock);
	}
	kfree(res);
}

/**
 * portspace_put - drop a reference of a reservation
 * @res: the reservation
 *
 * The last one gives the port back, unless the socket was taken. May sleep.
 */
void portspace_put(struct portspace_reservation *res)
{
	kref_put(&res->ref, reservation_release);
}
EXPORT_SYMBOL_GPL(portspace_put);

/**
 * portspace_take_socket - make a connection out of a reservation
 * @res: the reservation
 *
 * The port now lives as long as the socket, which is the caller's to release.
 * The reservation stays findable and can be put as before, but holds nothing.
 *
 * Return: the bound socket, or NULL when it was taken before. May sleep.
 */
struct socket *portspace_take_socket(struct portspace_reservation *res)
{
	struct socket *sock;

	spin_lock(&reservations_lock);
	sock = res->sock;
	res->sock = NULL;
	spin_unlock(&reservations_lock);
	if (sock) {
		trace_portspace_take(&res->addr);
		choice_release(sock);
	}
	return sock;
}
EXPORT_SYMBOL_GPL(portspace_take_socket);

/**
 * portspace_socket - borrow a reservation's socket, to listen on it
 * @res: the reservation, which the caller keeps for as long as it listens
 *
 * Return: the bound socket, or NULL when it was taken.
 */
struct socket *portspace_socket(struct portspace_reservation *res)
{
	return READ_ONCE(res->sock);
}
EXPORT_SYMBOL_GPL(portspace_socket);

struct reservation_listening *reservation_listening(struct portspace_reservation *res)
{
	return &res->listening;
}

bool reservation_reuses(const struct portspace_reservation *res)
{
	return READ_ONCE(res->flags) & PORTSPACE_F_REUSE;
}

/**
 * portspace_set_reuse - SO_REUSEADDR of a reservation
 * @res: the reservation
 * @reuse: with the meaning that setsockopt(2) gives it for a bound socket
 */
void portspace_set_reuse(struct portspace_reservation *res, bool reuse)
{
	struct socket *sock = portspace_socket(res);

	/* The door calls this for one reservation at a time; others read it. */
	WRITE_ONCE(res->flags, reuse ? res->flags | PORTSPACE_F_REUSE :
				       res->flags & ~PORTSPACE_F_REUSE);
	if (sock)
		reservation_allow_reuse(sock->sk, reuse);
}
EXPORT_SYMBOL_GPL(portspace_set_reuse);

/**
 * portspace_set_v6only - IPV6_V6ONLY of a reservation
 * @res: the reservation
 * @v6only: as for setsockopt(2)
 *
 * Return: what setsockopt(2) says: -EINVAL when a port is bound; 0 and nothing
 * done for IPv4, which rdma_set_option() allows.
 */
int portspace_set_v6only(struct portspace_reservation *res, bool v6only)
{
	struct socket *sock = portspace_socket(res);

	if (!sock)
		return -EINVAL;
	if (sock->sk->sk_family != AF_INET6)
		return 0;
	return reservation_setsockopt(sock, SOL_IPV6, IPV6_V6ONLY, v6only);
}
EXPORT_SYMBOL_GPL(portspace_set_v6only);

/**
 * portspace_is_late - whether TCP chooses a reservation's port for a connection
 * @res: the reservation
 *
 * Return: late_port of struct portspace_bind.
 */
bool portspace_is_late(const struct portspace_reservation *res)
{
	return res->flags & PORTSPACE_F_LATE_PORT;
}
EXPORT_SYMBOL_GPL(portspace_is_late);

/**
 * portspace_addr - what a reservation is bound to
 * @res: the reservation
 * @addr: is set to its address and port; port 0 if it is chosen at connect
 *
 * Return: 0.
 */
int portspace_addr(struct portspace_reservation *res, struct sockaddr_storage *addr)
{
	*addr = res->addr;
	return 0;
}
EXPORT_SYMBOL_GPL(portspace_addr);

/* Caller holds reservations_lock, so the socket stays. */
static enum portspace_nl_state reservation_state(const struct portspace_reservation *res)
{
	if (!res->sock)
		return PORTSPACE_TAKEN;
	switch (inet_sk_state_load(res->sock->sk)) {
	case TCP_CLOSE:
		return PORTSPACE_RESERVED;
	case TCP_LISTEN:
		return PORTSPACE_LISTENING;
	default:
		return PORTSPACE_TAKEN;
	}
}

/**
 * reservation_walk - look at the reservations of a namespace
 * @net: the namespace
 * @from: 0 to begin with; set to where to go on
 * @look: is told of one after the other, under a spinlock; if it returns other
 *	than 0, the walk ends there, and goes on with that one
 * @context: for @look
 *
 * Between two calls reservations may come and go: those that stay are shown once.
 *
 * Return: what @look returned, or 0 at the end.
 */
int reservation_walk(struct net *net, unsigned long *from,
		     int (*look)(const struct reservation_view *view, void *context),
		     void *context)
{
	struct portspace_reservation *res;
	unsigned int seen = 0;
	unsigned long serial;
	int ret = 0;

	spin_lock(&reservations_lock);
	xa_for_each_start(&all, serial, res, *from) {
		struct reservation_view view = {
			.addr = &res->addr,
			.origin = &res->origin,
			.state = reservation_state(res),
			.flags = res->flags,
		};

		if (net_eq(res->net, net))
			ret = look(&view, context);
		if (ret)
			break;
		*from = serial + 1;
		/* Who reserves waits for us, whatever namespace he is in. */
		if (++seen % WALK_BATCH == 0) {
			spin_unlock(&reservations_lock);
			cond_resched();
			spin_lock(&reservations_lock);
		}
	}
	spin_unlock(&reservations_lock);
	return ret;
}

void reservation_exit(void)
{
	WARN_ON(!xa_empty(&all));
	WARN_ON(!hash_empty(reservations));
}
