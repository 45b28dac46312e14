// SPDX-License-Identifier: GPL-2.0
/* Multicast groups: InfiniBand's and RoCE's */
#include <linux/slab.h>
#include <linux/xarray.h>
#include <rdma/ib.h>
#include <rdma/ib_addr.h>
#include <rdma/ib_sa.h>
#include "ucm.h"

/* Inside ucm_lists_lock */
static DEFINE_XARRAY_ALLOC(ucm_multicasts);

void ucm_multicasts_exit(void)
{
	WARN_ON(!xa_empty(&ucm_multicasts));
}

static void multicast_add(struct ucm_multicast *multicast)
{
	spin_lock(&ucm_lists_lock);
	list_add_tail(&multicast->item, &multicast->id->multicasts);
	spin_unlock(&ucm_lists_lock);
}

/* It is found no more, and no event tells of it. */
static void multicast_forget(struct ucm_multicast *multicast)
{
	spin_lock(&ucm_lists_lock);
	list_del(&multicast->item);
	spin_unlock(&ucm_lists_lock);
	/* One that is on its way is told under the handler lock. */
	rdma_lock_handler(multicast->id->cm_id);
	ucm_events_drop_multicast(multicast);
	rdma_unlock_handler(multicast->id->cm_id);
}

/* Of an id that is closed, and its events are dropped */
void ucm_multicasts_drop(struct ucm_id *id)
{
	struct ucm_multicast *multicast, *next;

	list_for_each_entry_safe(multicast, next, &id->multicasts, item) {
		xa_erase(&ucm_multicasts, multicast->handle);
		kfree(multicast);
	}
}

static struct ucm_multicast *multicast_create(struct ucm_id *id,
					      const struct rdma_ucm_join_mcast *in)
{
	struct ucm_multicast *multicast;

	multicast = kzalloc(sizeof(*multicast), GFP_KERNEL);
	if (!multicast)
		return NULL;
	multicast->id = id;
	multicast->uid = in->uid;
	memcpy(&multicast->addr, &in->addr, in->addr_size);
	/* Reserved: whoever guesses the handle finds nothing before it has joined. */
	if (xa_alloc(&ucm_multicasts, &multicast->handle, NULL, xa_limit_32b, GFP_KERNEL)) {
		kfree(multicast);
		return NULL;
	}
	return multicast;
}

static int multicast_join(struct ucm_id *id, const struct rdma_ucm_join_mcast *in, u8 join_state)
{
	struct rdma_ucm_create_id_resp resp;
	struct ucm_multicast *multicast;
	struct sockaddr *addr;
	int ret;

	multicast = multicast_create(id, in);
	if (!multicast)
		return -ENOMEM;
	addr = (struct sockaddr *)&multicast->addr;
	multicast_add(multicast);
	ret = rdma_join_multicast(id->cm_id, addr, join_state, multicast);
	if (ret)
		goto err_forget;
	resp.id = multicast->handle;
	ret = ucm_answer(in->response, &resp, sizeof(resp));
	if (ret)
		goto err_leave;
	xa_store(&ucm_multicasts, multicast->handle, multicast, 0);
	return 0;

err_leave:
	rdma_leave_multicast(id->cm_id, addr);
err_forget:
	multicast_forget(multicast);
	xa_erase(&ucm_multicasts, multicast->handle);
	kfree(multicast);
	return ret;
}

static int multicast_process(const struct ucm_command *cmd, const struct rdma_ucm_join_mcast *in)
{
	struct ucm_id *id;
	u8 join_state;
	int ret;

	if (cmd->out_len < sizeof(struct rdma_ucm_create_id_resp))
		return -ENOSPC;
	if (in->addr_size != rdma_addr_size((struct sockaddr *)&in->addr))
		return -EINVAL;
	switch (in->join_flags) {
	case RDMA_MC_JOIN_FLAG_FULLMEMBER:
		join_state = BIT(FULLMEMBER_JOIN);
		break;
	case RDMA_MC_JOIN_FLAG_SENDONLY_FULLMEMBER:
		join_state = BIT(SENDONLY_FULLMEMBER_JOIN);
		break;
	default:
		return -EINVAL;
	}
	id = ucm_id_lock_bound(cmd->file, in->id);
	if (IS_ERR(id))
		return PTR_ERR(id);
	ret = multicast_join(id, in, join_state);
	ucm_id_unlock(id);
	return ret;
}

int ucm_cmd_join_ip_mcast(const struct ucm_command *cmd)
{
	struct rdma_ucm_join_mcast join = {};
	struct rdma_ucm_join_ip_mcast in;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	join.response = in.response;
	join.uid = in.uid;
	join.id = in.id;
	join.addr_size = rdma_addr_size_in6(&in.addr);
	if (!join.addr_size)
		return -EINVAL;
	join.join_flags = RDMA_MC_JOIN_FLAG_FULLMEMBER;
	memcpy(&join.addr, &in.addr, join.addr_size);
	return multicast_process(cmd, &join);
}

int ucm_cmd_join_mcast(const struct ucm_command *cmd)
{
	struct rdma_ucm_join_mcast in;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	if (!rdma_addr_size_kss(&in.addr))
		return -EINVAL;
	return multicast_process(cmd, &in);
}

/* Its id is kept for the caller, and nobody else finds it. */
static struct ucm_multicast *multicast_claim(struct ucm_file *file, u32 handle)
{
	struct ucm_multicast *multicast;

	xa_lock(&ucm_multicasts);
	multicast = xa_load(&ucm_multicasts, handle);
	if (!multicast)
		multicast = ERR_PTR(-ENOENT);
	else if (READ_ONCE(multicast->id->file) != file)
		multicast = ERR_PTR(-EINVAL);
	else if (!refcount_inc_not_zero(&multicast->id->users))
		multicast = ERR_PTR(-ENXIO);
	else
		__xa_erase(&ucm_multicasts, handle);
	xa_unlock(&ucm_multicasts);
	return multicast;
}

int ucm_cmd_leave_mcast(const struct ucm_command *cmd)
{
	struct rdma_ucm_destroy_id_resp resp;
	struct ucm_multicast *multicast;
	struct rdma_ucm_destroy_id in;
	struct ucm_id *id;
	int ret;

	if (cmd->out_len < sizeof(resp))
		return -ENOSPC;
	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	multicast = multicast_claim(cmd->file, in.id);
	if (IS_ERR(multicast))
		return PTR_ERR(multicast);
	id = multicast->id;
	mutex_lock(&id->lock);
	rdma_leave_multicast(id->cm_id, (struct sockaddr *)&multicast->addr);
	multicast_forget(multicast);
	ucm_id_unlock(id);
	resp.events_reported = multicast->events_reported;
	kfree(multicast);
	return ucm_answer(in.response, &resp, sizeof(resp));
}
