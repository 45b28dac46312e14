// SPDX-License-Identifier: GPL-2.0
/*
 * The commands' layouts.
 */
#include <stddef.h>

#include "packet.h"

#define FIELD(type, member) \
	{ offsetof(struct rdma_ucm_##type, member), sizeof(((struct rdma_ucm_##type *)0)->member) }

const struct shape shapes[COMMANDS] = {
	[RDMA_USER_CM_CMD_CREATE_ID] = {
		.name = "create_id",
		.in = sizeof(struct rdma_ucm_create_id),
		.out = 4,
		.response = FIELD(create_id, response),
	},
	[RDMA_USER_CM_CMD_DESTROY_ID] = {
		.name = "destroy_id",
		.in = sizeof(struct rdma_ucm_destroy_id),
		.out = 4,
		.id = FIELD(destroy_id, id),
		.response = FIELD(destroy_id, response),
	},
	[RDMA_USER_CM_CMD_BIND_IP] = {
		.name = "bind_ip",
		.in = sizeof(struct rdma_ucm_bind_ip),
		.id = FIELD(bind_ip, id),
		.addr = FIELD(bind_ip, addr),
	},
	[RDMA_USER_CM_CMD_RESOLVE_IP] = {
		.name = "resolve_ip",
		.in = sizeof(struct rdma_ucm_resolve_ip),
		.id = FIELD(resolve_ip, id),
		.addr = FIELD(resolve_ip, dst_addr),
		.timeout = FIELD(resolve_ip, timeout_ms),
	},
	[RDMA_USER_CM_CMD_RESOLVE_ROUTE] = {
		.name = "resolve_route",
		.in = sizeof(struct rdma_ucm_resolve_route),
		.id = FIELD(resolve_route, id),
		.timeout = FIELD(resolve_route, timeout_ms),
	},
	[RDMA_USER_CM_CMD_QUERY_ROUTE] = {
		.name = "query_route",
		.in = sizeof(struct rdma_ucm_query),
		.out = offsetof(struct rdma_ucm_query_route_resp, ibdev_index),
		.id = FIELD(query, id),
		.response = FIELD(query, response),
	},
	[RDMA_USER_CM_CMD_CONNECT] = {
		.name = "connect",
		.in = sizeof(struct rdma_ucm_connect),
		.id = FIELD(connect, id),
	},
	[RDMA_USER_CM_CMD_LISTEN] = {
		.name = "listen",
		.in = sizeof(struct rdma_ucm_listen),
		.id = FIELD(listen, id),
	},
	[RDMA_USER_CM_CMD_ACCEPT] = {
		.name = "accept",
		.in = sizeof(struct rdma_ucm_accept),
		.id = FIELD(accept, id),
	},
	[RDMA_USER_CM_CMD_REJECT] = {
		.name = "reject",
		.in = sizeof(struct rdma_ucm_reject),
		.id = FIELD(reject, id),
	},
	[RDMA_USER_CM_CMD_DISCONNECT] = {
		.name = "disconnect",
		.in = sizeof(struct rdma_ucm_disconnect),
		.id = FIELD(disconnect, id),
	},
	[RDMA_USER_CM_CMD_INIT_QP_ATTR] = {
		.name = "init_qp_attr",
		.in = sizeof(struct rdma_ucm_init_qp_attr),
		.out = sizeof(struct ib_uverbs_qp_attr),
		.id = FIELD(init_qp_attr, id),
		.response = FIELD(init_qp_attr, response),
	},
	[RDMA_USER_CM_CMD_GET_EVENT] = {
		.name = "get_event",
		.in = sizeof(struct rdma_ucm_get_event),
		.out = offsetof(struct rdma_ucm_event_resp, reserved),
		.response = FIELD(get_event, response),
	},
	[RDMA_USER_CM_CMD_GET_OPTION] = {
		.name = "get_option",
		.in = sizeof(struct rdma_ucm_set_option),
		.id = FIELD(set_option, id),
	},
	[RDMA_USER_CM_CMD_SET_OPTION] = {
		.name = "set_option",
		.in = sizeof(struct rdma_ucm_set_option),
		.id = FIELD(set_option, id),
	},
	[RDMA_USER_CM_CMD_NOTIFY] = {
		.name = "notify",
		.in = sizeof(struct rdma_ucm_notify),
		.id = FIELD(notify, id),
	},
	[RDMA_USER_CM_CMD_JOIN_IP_MCAST] = {
		.name = "join_ip_mcast",
		.in = sizeof(struct rdma_ucm_join_ip_mcast),
		.out = 4,
		.id = FIELD(join_ip_mcast, id),
		.response = FIELD(join_ip_mcast, response),
		.addr = FIELD(join_ip_mcast, addr),
	},
	[RDMA_USER_CM_CMD_LEAVE_MCAST] = {
		.name = "leave_mcast",
		.in = sizeof(struct rdma_ucm_destroy_id),
		.out = 4,
		.id = FIELD(destroy_id, id),
		.response = FIELD(destroy_id, response),
	},
	[RDMA_USER_CM_CMD_MIGRATE_ID] = {
		.name = "migrate_id",
		.in = sizeof(struct rdma_ucm_migrate_id),
		.out = 4,
		.id = FIELD(migrate_id, id),
		.response = FIELD(migrate_id, response),
	},
	[RDMA_USER_CM_CMD_QUERY] = {
		.name = "query",
		.in = sizeof(struct rdma_ucm_query),
		.out = offsetof(struct rdma_ucm_query_addr_resp, ibdev_index),
		.id = FIELD(query, id),
		.response = FIELD(query, response),
	},
	[RDMA_USER_CM_CMD_BIND] = {
		.name = "bind",
		.in = sizeof(struct rdma_ucm_bind),
		.id = FIELD(bind, id),
		.addr = FIELD(bind, addr),
		.addr_size = FIELD(bind, addr_size),
		.reserved = FIELD(bind, reserved),
	},
	[RDMA_USER_CM_CMD_RESOLVE_ADDR] = {
		.name = "resolve_addr",
		.in = sizeof(struct rdma_ucm_resolve_addr),
		.id = FIELD(resolve_addr, id),
		.addr = FIELD(resolve_addr, dst_addr),
		.addr_size = FIELD(resolve_addr, dst_size),
		.reserved = FIELD(resolve_addr, reserved),
		.timeout = FIELD(resolve_addr, timeout_ms),
	},
	[RDMA_USER_CM_CMD_JOIN_MCAST] = {
		.name = "join_mcast",
		.in = sizeof(struct rdma_ucm_join_mcast),
		.out = 4,
		.id = FIELD(join_mcast, id),
		.response = FIELD(join_mcast, response),
		.addr = FIELD(join_mcast, addr),
		.addr_size = FIELD(join_mcast, addr_size),
	},
};
