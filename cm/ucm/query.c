// SPDX-License-Identifier: GPL-2.0
/* The commands that read an id's addresses and paths */
#include <linux/overflow.h>
#include <linux/slab.h>
#include <rdma/ib.h>
#include <rdma/ib_addr.h>
#include <rdma/ib_marshall.h>
#include <rdma/ib_sa.h>
#include <rdma/ib_verbs.h>
#include <rdma/opa_addr.h>
#include "ucm.h"

/* No pkey there means the default one, with full membership. */
#define QUERY_PKEY_DEFAULT	0xffff

static union ib_gid *query_gid_of(__u8 *raw)
{
	return (union ib_gid *)raw;
}

static void query_gids(struct ib_user_path_rec *rec, struct rdma_route *route, bool from_ip)
{
	if (from_ip) {
		rdma_ip2gid((struct sockaddr *)&route->addr.dst_addr, query_gid_of(rec->dgid));
		rdma_ip2gid((struct sockaddr *)&route->addr.src_addr, query_gid_of(rec->sgid));
		return;
	}
	rdma_addr_get_dgid(&route->addr.dev_addr, query_gid_of(rec->dgid));
	rdma_addr_get_sgid(&route->addr.dev_addr, query_gid_of(rec->sgid));
}

static void query_paths(struct rdma_ucm_query_route_resp *resp, struct rdma_route *route,
			bool roce)
{
	struct rdma_dev_addr *dev_addr = &route->addr.dev_addr;
	int i;

	resp->num_paths = route->num_pri_alt_paths;
	for (i = 0; i < resp->num_paths && i < ARRAY_SIZE(resp->ib_route); i++)
		ib_copy_path_rec_to_user(&resp->ib_route[i], &route->path_rec[i]);
	if (resp->num_paths)
		return;
	query_gids(&resp->ib_route[0], route, roce);
	resp->ib_route[0].pkey = cpu_to_be16(roce ? QUERY_PKEY_DEFAULT :
						    ib_addr_get_pkey(dev_addr));
}

static void query_device_route(struct rdma_ucm_query_route_resp *resp, struct rdma_cm_id *cm_id)
{
	struct ib_device *device = cm_id->device;

	if (!device)
		return;
	resp->node_guid = (__force __u64)device->node_guid;
	resp->ibdev_index = device->index;
	resp->port_num = cm_id->port_num;
	if (rdma_cap_ib_sa(device, cm_id->port_num))
		query_paths(resp, &cm_id->route, false);
	else if (rdma_protocol_roce(device, cm_id->port_num))
		query_paths(resp, &cm_id->route, true);
	else if (rdma_protocol_iwarp(device, cm_id->port_num))
		query_gids(&resp->ib_route[0], &cm_id->route, false);
}

/* An address that does not fit is one of InfiniBand, which has its own query. */
static void query_ip(struct sockaddr_in6 *to, const struct sockaddr_storage *from)
{
	memcpy(to, from, from->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(*to));
}

int ucm_cmd_query_route(const struct ucm_command *cmd)
{
	struct rdma_ucm_query_route_resp resp = {};
	struct rdma_ucm_query in;
	struct ucm_id *id;
	int ret;

	/* The device's index came later. */
	if (cmd->out_len < offsetof(struct rdma_ucm_query_route_resp, ibdev_index))
		return -ENOSPC;
	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	id = ucm_id_lock(cmd->file, in.id);
	if (IS_ERR(id))
		return PTR_ERR(id);
	ucm_port_choose(id);
	query_ip(&resp.src_addr, &id->cm_id->route.addr.src_addr);
	query_ip(&resp.dst_addr, &id->cm_id->route.addr.dst_addr);
	query_device_route(&resp, id->cm_id);
	ucm_id_unlock(id);
	return ucm_answer(in.response, &resp, min(cmd->out_len, sizeof(resp)));
}

static void query_device(struct rdma_ucm_query_addr_resp *resp, struct rdma_cm_id *cm_id)
{
	if (!cm_id->device)
		return;
	resp->node_guid = (__force __u64)cm_id->device->node_guid;
	resp->ibdev_index = cm_id->device->index;
	resp->port_num = cm_id->port_num;
	resp->pkey = (__force __u16)cpu_to_be16(ib_addr_get_pkey(&cm_id->route.addr.dev_addr));
}

static u16 query_sockaddr(struct __kernel_sockaddr_storage *to, struct sockaddr_storage *from)
{
	u16 size = rdma_addr_size((struct sockaddr *)from);

	memcpy(to, from, size);
	return size;
}

static void query_addr(struct rdma_ucm_query_addr_resp *resp, struct rdma_cm_id *cm_id)
{
	resp->src_size = query_sockaddr(&resp->src_addr, &cm_id->route.addr.src_addr);
	resp->dst_size = query_sockaddr(&resp->dst_addr, &cm_id->route.addr.dst_addr);
	query_device(resp, cm_id);
}

/* The address as InfiniBand has it, made up from an IP address where it is one */
static void query_sockaddr_ib(struct sockaddr_ib *to, struct sockaddr_storage *from,
			      struct rdma_cm_id *cm_id, u16 pkey, const union ib_gid *gid)
{
	if (from->ss_family == AF_IB) {
		memcpy(to, from, sizeof(*to));
		return;
	}
	to->sib_family = AF_IB;
	to->sib_pkey = (__force __be16)pkey;
	memcpy(&to->sib_addr, gid, sizeof(to->sib_addr));
	to->sib_sid = rdma_get_service_id(cm_id, (struct sockaddr *)from);
}

static void query_gid(struct rdma_ucm_query_addr_resp *resp, struct rdma_cm_id *cm_id)
{
	union ib_gid sgid = {}, dgid = {};

	query_device(resp, cm_id);
	rdma_read_gids(cm_id, &sgid, &dgid);
	resp->src_size = sizeof(struct sockaddr_ib);
	query_sockaddr_ib((struct sockaddr_ib *)&resp->src_addr, &cm_id->route.addr.src_addr,
			  cm_id, resp->pkey, &sgid);
	resp->dst_size = sizeof(struct sockaddr_ib);
	query_sockaddr_ib((struct sockaddr_ib *)&resp->dst_addr, &cm_id->route.addr.dst_addr,
			  cm_id, resp->pkey, &dgid);
}

static void query_pack_path(struct ib_path_rec_data *data, struct sa_path_rec *rec)
{
	struct sa_path_rec ib;

	data->flags = IB_PATH_GMP | IB_PATH_PRIMARY | IB_PATH_BIDIRECTIONAL;
	if (rec->rec_type == SA_PATH_REC_TYPE_OPA) {
		sa_convert_path_opa_to_ib(&ib, rec);
		rec = &ib;
	}
	ib_sa_pack_path(rec, &data->path_rec);
}

static int query_path(struct rdma_cm_id *cm_id, u64 response, size_t out_len)
{
	struct rdma_ucm_query_path_resp *resp;
	size_t paths = cm_id->route.num_pri_alt_paths;
	size_t room, i;
	int ret;

	if (out_len < sizeof(*resp))
		return -ENOSPC;
	room = (out_len - sizeof(*resp)) / sizeof(resp->path_data[0]);
	resp = kzalloc(struct_size(resp, path_data, min(paths, room)), GFP_KERNEL);
	if (!resp)
		return -ENOMEM;
	resp->num_paths = paths;
	for (i = 0; i < min(paths, room); i++)
		query_pack_path(&resp->path_data[i], &cm_id->route.path_rec[i]);
	ret = ucm_answer(response, resp, struct_size(resp, path_data, i));
	kfree(resp);
	return ret;
}

static int query_answer_addr(struct rdma_cm_id *cm_id, u64 response, size_t out_len,
			     void (*fill)(struct rdma_ucm_query_addr_resp *resp,
					  struct rdma_cm_id *cm_id))
{
	struct rdma_ucm_query_addr_resp resp = {};

	if (out_len < offsetof(struct rdma_ucm_query_addr_resp, ibdev_index))
		return -ENOSPC;
	fill(&resp, cm_id);
	return ucm_answer(response, &resp, min(out_len, sizeof(resp)));
}

int ucm_cmd_query(const struct ucm_command *cmd)
{
	struct rdma_ucm_query in;
	struct ucm_id *id;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	id = ucm_id_lock(cmd->file, in.id);
	if (IS_ERR(id))
		return PTR_ERR(id);
	ucm_port_choose(id);
	switch (in.option) {
	case RDMA_USER_CM_QUERY_ADDR:
		ret = query_answer_addr(id->cm_id, in.response, cmd->out_len, query_addr);
		break;
	case RDMA_USER_CM_QUERY_PATH:
		ret = query_path(id->cm_id, in.response, cmd->out_len);
		break;
	case RDMA_USER_CM_QUERY_GID:
		ret = query_answer_addr(id->cm_id, in.response, cmd->out_len, query_gid);
		break;
	default:
		ret = -ENOSYS;
	}
	ucm_id_unlock(id);
	return ret;
}
