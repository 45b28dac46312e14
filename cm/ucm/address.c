// SPDX-License-Identifier: GPL-2.0
/* The commands that give an id its addresses */
#include <rdma/ib.h>
#include <rdma/ib_addr.h>
#include "ucm.h"

static int address_bind(const struct ucm_command *cmd, u32 handle,
			const struct sockaddr_storage *addr)
{
	struct ucm_id *id;
	int ret;

	id = ucm_id_lock(cmd->file, handle);
	if (IS_ERR(id))
		return PTR_ERR(id);
	ret = ucm_port_bind(id, addr);
	ucm_id_unlock(id);
	return ret;
}

int ucm_cmd_bind_ip(const struct ucm_command *cmd)
{
	struct sockaddr_storage addr = {};
	struct rdma_ucm_bind_ip in;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	if (!rdma_addr_size_in6(&in.addr))
		return -EINVAL;
	memcpy(&addr, &in.addr, sizeof(in.addr));
	return address_bind(cmd, in.id, &addr);
}

int ucm_cmd_bind(const struct ucm_command *cmd)
{
	struct sockaddr_storage addr = {};
	struct rdma_ucm_bind in;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	if (in.reserved || !in.addr_size || in.addr_size != rdma_addr_size_kss(&in.addr))
		return -EINVAL;
	memcpy(&addr, &in.addr, in.addr_size);
	return address_bind(cmd, in.id, &addr);
}

static int address_resolve(const struct ucm_command *cmd, u32 handle,
			   struct sockaddr_storage *src, struct sockaddr_storage *dst,
			   u32 timeout_ms)
{
	struct ucm_id *id;
	int ret;

	id = ucm_id_lock(cmd->file, handle);
	if (IS_ERR(id))
		return PTR_ERR(id);
	ret = ucm_port_resolve(id, src, dst, timeout_ms);
	ucm_id_unlock(id);
	return ret;
}

int ucm_cmd_resolve_ip(const struct ucm_command *cmd)
{
	struct sockaddr_storage src = {}, dst = {};
	struct rdma_ucm_resolve_ip in;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	if ((in.src_addr.sin6_family && !rdma_addr_size_in6(&in.src_addr)) ||
	    !rdma_addr_size_in6(&in.dst_addr))
		return -EINVAL;
	memcpy(&src, &in.src_addr, sizeof(in.src_addr));
	memcpy(&dst, &in.dst_addr, sizeof(in.dst_addr));
	return address_resolve(cmd, in.id, &src, &dst, in.timeout_ms);
}

int ucm_cmd_resolve_addr(const struct ucm_command *cmd)
{
	struct sockaddr_storage src = {}, dst = {};
	struct rdma_ucm_resolve_addr in;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	if (in.reserved ||
	    (in.src_size && in.src_size != rdma_addr_size_kss(&in.src_addr)) ||
	    !in.dst_size || in.dst_size != rdma_addr_size_kss(&in.dst_addr))
		return -EINVAL;
	memcpy(&src, &in.src_addr, sizeof(in.src_addr));
	memcpy(&dst, &in.dst_addr, sizeof(in.dst_addr));
	return address_resolve(cmd, in.id, &src, &dst, in.timeout_ms);
}

int ucm_cmd_resolve_route(const struct ucm_command *cmd)
{
	struct rdma_ucm_resolve_route in;
	struct ucm_id *id;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	id = ucm_id_lock_bound(cmd->file, in.id);
	if (IS_ERR(id))
		return PTR_ERR(id);
	ret = rdma_resolve_route(id->cm_id, in.timeout_ms);
	ucm_id_unlock(id);
	return ret;
}
