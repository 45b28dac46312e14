/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A TCP connection as a kernel socket: what transports have in common whose
 * connections are one, whoever reserved the port and whoever runs the TCP.
 *
 * The functions that take a struct iwarp_conn are operations for a struct
 * iwarp_transport_ops, and as that says.
 */
#ifndef WHARF_IWARP_SOCKET_H
#define WHARF_IWARP_SOCKET_H

#include <linux/types.h>
#include <linux/socket.h>
#include "iwarp_transport.h"

struct sock;
struct socket;

/**
 * struct iwarp_callbacks - what TCP had in a socket before it was hooked
 * @data_ready: sk_data_ready
 * @state_change: sk_state_change
 */
struct iwarp_callbacks {
	void (*data_ready)(struct sock *sk);
	void (*state_change)(struct sock *sk);
};

/**
 * struct iwarp_socket - a connection that is a socket; first in the transport's own
 * @base: what the connection manager sees
 * @sock: the socket; whose it is, is the transport's to say
 * @saved: put back by iwarp_socket_unhook()
 * @remote: initiator: what connect(2) is given
 */
struct iwarp_socket {
	struct iwarp_conn base;
	struct socket *sock;
	struct iwarp_callbacks saved;
	struct sockaddr_storage remote;
};

static inline struct iwarp_socket *to_iwarp_socket(struct iwarp_conn *conn)
{
	return container_of(conn, struct iwarp_socket, base);
}

void iwarp_callbacks_save(struct iwarp_callbacks *saved, struct sock *sk);
void iwarp_callbacks_hook(struct sock *sk, struct iwarp_watch *watch);
void iwarp_callbacks_unhook(struct sock *sk, const struct iwarp_callbacks *saved);

void iwarp_socket_hook(struct iwarp_socket *s);
void iwarp_socket_unhook(struct iwarp_socket *s);
int iwarp_socket_dial(struct iwarp_socket *s);
int iwarp_socket_pair(struct socket *sock, struct sockaddr_storage *local,
		      struct sockaddr_storage *remote);
void iwarp_socket_reclassify(struct sock *sk);
void iwarp_socket_set_tos(struct socket *sock, u8 tos);

int iwarp_socket_connected(struct iwarp_conn *conn);
int iwarp_socket_redial(struct iwarp_conn *conn);
void iwarp_socket_watch(struct iwarp_conn *conn, const struct iwarp_watch *watch);
int iwarp_socket_send(struct iwarp_conn *conn, const void *buf, size_t len);
int iwarp_socket_recv(struct iwarp_conn *conn, void *buf, size_t len);
int iwarp_socket_peek(struct iwarp_conn *conn);
u32 iwarp_socket_unsent(struct iwarp_conn *conn);
void iwarp_socket_shutdown(struct iwarp_conn *conn);
enum iwarp_closing iwarp_socket_closing(struct iwarp_conn *conn);
struct socket *iwarp_socket_socket(struct iwarp_conn *conn);

bool iwarp_socket_in_time_wait(const struct iwarp_addrs *addrs, bool end);

#endif
