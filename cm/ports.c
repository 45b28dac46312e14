// SPDX-License-Identifier: GPL-2.0
/*
 * Which reservation a listener or a connect uses: its id's own, or a new one.
 */
#include <linux/module.h>
#include <linux/in.h>
#include <net/ip.h>
#include "portspace.h"
#include "iwarp_transport.h"

/**
 * iwarp_ports_listen - the port that a listener listens on
 * @params: as for the transport's listen()
 *
 * Return: a reservation that the caller puts, or the errno of bind(2).
 */
struct portspace_reservation *iwarp_ports_listen(const struct iwarp_listen_params *params)
{
	const struct portspace_bind bind = {
		.addr = params->addr,
		.key = params->key,
		.v6only = params->v6only,
	};
	struct portspace_reservation *res;

	res = portspace_find(params->net, params->key);
	return res ?: portspace_reserve(params->net, &bind);
}
EXPORT_SYMBOL_GPL(iwarp_ports_listen);

static bool ports_is_meant(struct net *net, const struct sockaddr_storage *local)
{
	/* At the same place in both families */
	u16 port = ntohs(((const struct sockaddr_in *)local)->sin_port);
	int low, high;

	inet_get_local_port_range(net, &low, &high);
	return port && (port < low || port > high);
}

/*
 * The RDMA CM puts a port from the automatic range into every id before it
 * connects; such a port says nothing, and TCP chooses a better one.
 */
static struct portspace_reservation *ports_reserve(const struct iwarp_connect_params *params)
{
	struct portspace_bind bind = { .addr = params->local };

	if (!ports_is_meant(params->net, &params->local)) {
		((struct sockaddr_in *)&bind.addr)->sin_port = 0;
		bind.late_port = true;
	}
	return portspace_reserve(params->net, &bind);
}

/**
 * iwarp_ports_connect - connect from the port of the id, or from a new one
 * @params: as for the transport's connect()
 * @watch: likewise
 * @from: connects, and puts the reservation, whatever comes of it; -EADDRINUSE
 *	when its socket was taken before
 *
 * Return: what @from returns.
 */
struct iwarp_conn *
iwarp_ports_connect(const struct iwarp_connect_params *params, const struct iwarp_watch *watch,
		    struct iwarp_conn *(*from)(struct portspace_reservation *res,
					       const struct iwarp_connect_params *params,
					       const struct iwarp_watch *watch))
{
	struct portspace_reservation *res;
	struct iwarp_conn *conn;
	bool late;

	res = portspace_find(params->net, params->key);
	if (res && portspace_socket(res)) {
		late = portspace_is_late(res);
		conn = from(res, params, watch);
		/*
		 * Somebody else may have got the 4-tuple since the port was chosen;
		 * then there may be another.
		 */
		if (!late || conn != ERR_PTR(-EADDRNOTAVAIL))
			return conn;
	} else if (res) {
		portspace_put(res);
	}
	res = ports_reserve(params);
	return IS_ERR(res) ? ERR_CAST(res) : from(res, params, watch);
}
EXPORT_SYMBOL_GPL(iwarp_ports_connect);
