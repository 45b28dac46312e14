// SPDX-License-Identifier: GPL-2.0
/*
 * One port space. An id that gets an address of an iWARP device, or a wildcard
 * that such devices serve, reserves its port with the kernel's TCP, which decides;
 * rdma_cm's own table, by which it finds the listener of an InfiniBand or RoCE
 * request, follows as far as it goes.
 *
 * Reservations are found by the id's address, by the connection manager's listen
 * and connect.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/sched/signal.h>
#include <net/addrconf.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <rdma/ib_verbs.h>
#include <rdma/iw_cm.h>
#include "iwarp_cm.h"
#include "portspace.h"
#include "ucm.h"

/* Where the last shadow is that rdma_cm had no automatic port for */
static atomic_t port_last_shadow = ATOMIC_INIT(0);

/* The port is the third and fourth octet of both families. */
static __be16 *port_of(struct sockaddr_storage *addr)
{
	return &((struct sockaddr_in *)addr)->sin_port;
}

static struct sockaddr_storage *port_source(struct ucm_id *id)
{
	return &id->cm_id->route.addr.src_addr;
}

static struct net *port_net(struct ucm_id *id)
{
	return id->cm_id->route.addr.dev_addr.net;
}

static bool port_is_shared(struct ucm_id *id, const struct sockaddr_storage *addr)
{
	if (id->cm_id->ps != RDMA_PS_TCP)
		return false;
	if (addr->ss_family != AF_INET && addr->ss_family != AF_INET6)
		return false;
	return iwarp_cm_serves(port_net(id), addr);
}

static bool port_v6only(struct ucm_id *id)
{
	if (id->v6only == UCM_UNSET)
		return READ_ONCE(port_net(id)->ipv6.sysctl.bindv6only);
	return id->v6only == UCM_ON;
}

/* rdma_cm's table is stricter than TCP, and asks more of who wants a low port. */
static bool port_is_refused(int error)
{
	return error == -EADDRINUSE || error == -EADDRNOTAVAIL || error == -EACCES;
}

/* One of the ports that a user need not be privileged for, each in its turn */
static __be16 port_next_shadow(void)
{
	unsigned int n = atomic_dec_return(&port_last_shadow);

	return htons(PROT_SOCK + n % (U16_MAX + 1 - PROT_SOCK));
}

/*
 * Any place in rdma_cm's table will do for an id whose port portspace holds, or will
 * choose: iw_cm and its devices know it by the port that is written afterwards.
 */
static int port_bind_shadow(struct ucm_id *id, const struct sockaddr_storage *addr)
{
	struct sockaddr_storage shadow = *addr;
	unsigned int tries;
	int ret;

	*port_of(&shadow) = 0;
	ret = rdma_bind_addr(id->cm_id, (struct sockaddr *)&shadow);
	for (tries = 0; port_is_refused(ret) && tries <= U16_MAX - PROT_SOCK; tries++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		/* The address may be what is not available any more. */
		if (tries % 256 == 255 && !iwarp_cm_serves(port_net(id), addr))
			return -EADDRNOTAVAIL;
		*port_of(&shadow) = port_next_shadow();
		ret = rdma_bind_addr(id->cm_id, (struct sockaddr *)&shadow);
		cond_resched();
	}
	return ret;
}

static int port_bind_reserved(struct ucm_id *id, struct portspace_reservation *reservation)
{
	struct sockaddr_storage addr;
	int ret;

	portspace_addr(reservation, &addr);
	ret = rdma_bind_addr(id->cm_id, (struct sockaddr *)&addr);
	if (!port_is_refused(ret))
		return ret;
	ret = port_bind_shadow(id, &addr);
	if (!ret)
		*port_of(port_source(id)) = *port_of(&addr);
	return ret;
}

/* For ids whose port is rdma_cm's own affair; portspace has its own notion of it. */
static void port_pass_reuse(struct ucm_id *id)
{
	if (id->reuse != UCM_UNSET)
		rdma_set_reuseaddr(id->cm_id, id->reuse);
}

/**
 * ucm_port_bind() - rdma_bind_addr(), after TCP has agreed
 * @id: locked
 * @addr: as for bind(2)
 *
 * Return: 0, or the errno of bind(2), or of rdma_bind_addr().
 */
int ucm_port_bind(struct ucm_id *id, const struct sockaddr_storage *addr)
{
	struct portspace_bind bind = {
		.addr = *addr,
		.key = id->cm_id,
		.reuse = id->reuse == UCM_ON,
	};
	struct portspace_reservation *reservation;
	int ret;

	if (id->bound || !port_is_shared(id, addr)) {
		port_pass_reuse(id);
		ret = rdma_bind_addr(id->cm_id, (struct sockaddr *)&bind.addr);
		if (!ret) {
			id->bound = true;
			id->port_asked = *port_of(&bind.addr);
		}
		return ret;
	}

	bind.v6only = port_v6only(id);
	reservation = portspace_reserve(port_net(id), &bind);
	if (IS_ERR(reservation))
		return PTR_ERR(reservation);
	ret = port_bind_reserved(id, reservation);
	if (ret) {
		portspace_put(reservation);
		return ret;
	}
	id->bound = true;
	/* Two devices have that address, and rdma_cm took the other one. */
	if (id->cm_id->device && !rdma_cap_iw_cm(id->cm_id->device, id->cm_id->port_num))
		portspace_put(reservation);
	else
		id->reservation = reservation;
	return 0;
}

/* An id without address, as rdma_resolve_addr() binds it, but for the port */
static int port_bind_late(struct ucm_id *id, const struct sockaddr_storage *src,
			  const struct sockaddr_storage *dst)
{
	const struct sockaddr_in6 *dst6 = (const struct sockaddr_in6 *)dst;
	struct sockaddr_storage any = { .ss_family = dst->ss_family };

	if (src->ss_family)
		return port_bind_shadow(id, src);
	if (dst->ss_family == AF_INET6 &&
	    ipv6_addr_type(&dst6->sin6_addr) & IPV6_ADDR_LINKLOCAL)
		id->cm_id->route.addr.dev_addr.bound_dev_if = dst6->sin6_scope_id;
	return port_bind_shadow(id, &any);
}

/**
 * ucm_port_resolve() - rdma_resolve_addr(), with ports as TCP has them
 * @id: locked
 * @src: the source address, which matters if @id has none; family 0: there is none
 * @dst: the destination
 * @timeout_ms: as for rdma_resolve_addr()
 *
 * A port is reserved only if one is asked for: who gives an address alone wants
 * what IP_BIND_ADDRESS_NO_PORT gives, see ucm_port_choose(). Meanwhile rdma_cm gives
 * a port of its own, and must not fail when it finds none.
 *
 * Return: 0, or the errno of bind(2), or of rdma_resolve_addr().
 */
int ucm_port_resolve(struct ucm_id *id, struct sockaddr_storage *src,
		     struct sockaddr_storage *dst, u32 timeout_ms)
{
	struct sockaddr_storage any = { .ss_family = dst->ss_family };
	bool shared = !id->bound && port_is_shared(id, src->ss_family ? src : &any);
	int ret = 0;

	if (shared && src->ss_family && *port_of(src))
		ret = ucm_port_bind(id, src);
	else if (!id->bound)
		port_pass_reuse(id);
	/* Of an id that it bound when it failed before, rdma_cm ignores the source. */
	if (ret && ret != -EINVAL)
		return ret;

	ret = rdma_resolve_addr(id->cm_id, (struct sockaddr *)src, (struct sockaddr *)dst,
				timeout_ms);
	if (ret == -EADDRNOTAVAIL && shared && !id->bound) {
		ret = port_bind_late(id, src, dst);
		if (!ret)
			ret = rdma_resolve_addr(id->cm_id, (struct sockaddr *)src,
						(struct sockaddr *)dst, timeout_ms);
	}
	if (!ret && !id->bound) {
		id->bound = true;
		id->port_asked = src->ss_family && *port_of(src);
	}
	return ret;
}

static bool port_is_chosen_by_tcp(struct ucm_id *id)
{
	const struct rdma_cm_id *cm_id = id->cm_id;

	return READ_ONCE(id->resolved) && !id->reservation && cm_id->ps == RDMA_PS_TCP &&
	       cm_id->device && rdma_cap_iw_cm(cm_id->device, cm_id->port_num) &&
	       (port_source(id)->ss_family == AF_INET ||
		port_source(id)->ss_family == AF_INET6);
}

/**
 * ucm_port_choose() - let TCP choose the port that an id will connect from
 * @id: locked; nothing happens unless its destination is resolved and it has no
 *	reservation
 *
 * Early, since librdmacm asks for the port only once, when the address is
 * resolved; the connection manager would choose another one. In the context of
 * whoever asks. A port that was asked for when no device of ours was there is
 * reserved now.
 *
 * Return: 0, or why there is no port: for who connects, and not for who looks.
 */
int ucm_port_choose(struct ucm_id *id)
{
	struct portspace_reservation *reservation;
	struct portspace_bind bind = {
		.key = id->cm_id,
		.reuse = id->reuse == UCM_ON,
	};
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&bind.addr;
	struct sockaddr_storage addr;

	if (!port_is_chosen_by_tcp(id))
		return 0;
	bind.addr = *port_source(id);
	if (!id->port_asked) {
		*port_of(&bind.addr) = 0;
		bind.late_port = true;
		bind.remote = &id->cm_id->route.addr.dst_addr;
	}
	if (in6->sin6_family == AF_INET6 && !in6->sin6_scope_id &&
	    ipv6_addr_type(&in6->sin6_addr) & IPV6_ADDR_LINKLOCAL)
		in6->sin6_scope_id = id->cm_id->route.addr.dev_addr.bound_dev_if;
	reservation = portspace_reserve(port_net(id), &bind);
	if (IS_ERR(reservation))
		return PTR_ERR(reservation);
	portspace_addr(reservation, &addr);
	rdma_lock_handler(id->cm_id);
	*port_of(port_source(id)) = *port_of(&addr);
	rdma_unlock_handler(id->cm_id);
	id->reservation = reservation;
	return 0;
}

/* RDMA_OPTION_ID_REUSEADDR: TCP's SO_REUSEADDR where TCP has the port */
int ucm_port_set_reuse(struct ucm_id *id, bool reuse)
{
	if (id->cm_id->ps != RDMA_PS_TCP)
		return rdma_set_reuseaddr(id->cm_id, reuse);
	if (id->bound && !id->reservation)
		return rdma_set_reuseaddr(id->cm_id, reuse);
	if (id->reservation)
		portspace_set_reuse(id->reservation, reuse);
	id->reuse = reuse ? UCM_ON : UCM_OFF;
	return 0;
}

/* RDMA_OPTION_ID_AFONLY: TCP's IPV6_V6ONLY where TCP has the port */
int ucm_port_set_v6only(struct ucm_id *id, bool v6only)
{
	int ret;

	if (id->reservation) {
		ret = portspace_set_v6only(id->reservation, v6only);
		if (ret)
			return ret;
	}
	ret = rdma_set_afonly(id->cm_id, v6only);
	if (!ret)
		id->v6only = v6only ? UCM_ON : UCM_OFF;
	return ret;
}
