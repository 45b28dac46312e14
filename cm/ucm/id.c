// SPDX-License-Identifier: GPL-2.0
/*
 * The ids of user space: found by handle, closed once, by whoever comes first of
 * their owner, their file and their device.
 */
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <rdma/ib_verbs.h>
#include "iwarp_cm.h"
#include "portspace.h"
#include "ucm.h"

DEFINE_SPINLOCK(ucm_lists_lock);

/* Inside ucm_lists_lock */
static DEFINE_XARRAY_ALLOC(ucm_ids);

void ucm_ids_exit(void)
{
	WARN_ON(!xa_empty(&ucm_ids));
}

static void id_close_work(struct work_struct *work);

/* Nobody finds it, and there is nothing behind it, yet. */
struct ucm_id *ucm_id_create(void)
{
	struct ucm_id *id;

	id = kzalloc(sizeof(*id), GFP_KERNEL);
	if (!id)
		return NULL;
	INIT_WORK(&id->close_work, id_close_work);
	INIT_LIST_HEAD(&id->item);
	INIT_LIST_HEAD(&id->multicasts);
	init_completion(&id->unused);
	mutex_init(&id->lock);
	id->reuse = UCM_UNSET;
	id->v6only = UCM_UNSET;
	if (xa_alloc(&ucm_ids, &id->handle, NULL, xa_limit_32b, GFP_KERNEL)) {
		kfree(id);
		return NULL;
	}
	return id;
}

void ucm_id_set(struct ucm_id *id, struct rdma_cm_id *cm_id)
{
	id->cm_id = cm_id;
	refcount_set(&id->users, 1);
}

/* Under ucm_lists_lock; the handle was reserved, so there is nothing to allocate. */
void ucm_id_publish(struct ucm_id *id, struct ucm_file *file)
{
	id->file = file;
	list_add_tail(&id->item, &file->ids);
	xa_store(&ucm_ids, id->handle, id, 0);
}

/* Who succeeds has to destroy it. */
bool ucm_id_unpublish(struct ucm_id *id)
{
	return xa_cmpxchg(&ucm_ids, id->handle, id, XA_ZERO_ENTRY, 0) == id;
}

struct ucm_id *ucm_id_get(struct ucm_file *file, u32 handle)
{
	struct ucm_id *id;

	xa_lock(&ucm_ids);
	id = xa_load(&ucm_ids, handle);
	if (!id)
		id = ERR_PTR(-ENOENT);
	else if (id->file != file)
		id = ERR_PTR(-EINVAL);
	else if (!refcount_inc_not_zero(&id->users))
		id = ERR_PTR(-ENXIO);
	xa_unlock(&ucm_ids);
	return id;
}

void ucm_id_put(struct ucm_id *id)
{
	if (refcount_dec_and_test(&id->users))
		complete(&id->unused);
}

struct ucm_id *ucm_id_lock(struct ucm_file *file, u32 handle)
{
	struct ucm_id *id = ucm_id_get(file, handle);

	if (!IS_ERR(id))
		mutex_lock(&id->lock);
	return id;
}

/* One that has a device */
struct ucm_id *ucm_id_lock_bound(struct ucm_file *file, u32 handle)
{
	struct ucm_id *id = ucm_id_lock(file, handle);

	if (!IS_ERR(id) && !id->cm_id->device) {
		ucm_id_unlock(id);
		return ERR_PTR(-EINVAL);
	}
	return id;
}

void ucm_id_unlock(struct ucm_id *id)
{
	mutex_unlock(&id->lock);
	ucm_id_put(id);
}

/*
 * iw_cm waits for the answer to a connect before it disconnects or destroys, and
 * lets nobody interrupt it. The caller has the id to himself: binding and listening
 * change what is looked at here.
 */
void ucm_id_abort(struct ucm_id *id)
{
	const struct iw_cm_id *iw;

	rdma_lock_handler(id->cm_id);
	iw = id->cm_id->device ? rdma_iw_cm_id(id->cm_id) : NULL;
	if (iw)
		iwarp_cm_abort(iw);
	rdma_unlock_handler(id->cm_id);
}

static void id_close(struct ucm_id *id)
{
	/* No command waits for a peer: disconnecting has aborted for itself. */
	ucm_id_put(id);
	wait_for_completion(&id->unused);
	ucm_id_abort(id);
	/* The key is the rdma_cm_id's address. */
	if (id->reservation)
		portspace_hide(id->reservation);
	rdma_destroy_id(id->cm_id);
	if (id->reservation)
		portspace_put(id->reservation);
	id->reservation = NULL;
	id->cm_id = NULL;
	id->closed = true;
}

static void id_close_work(struct work_struct *work)
{
	id_close(container_of(work, struct ucm_id, close_work));
}

/* The device waits until its ids are closed; the handle stays its owner's. */
void ucm_id_removal(struct ucm_id *id)
{
	xa_lock(&ucm_ids);
	if (xa_load(&ucm_ids, id->handle) == id)
		queue_work(system_unbound_wq, &id->close_work);
	xa_unlock(&ucm_ids);
}

/* Not published any more, or not yet. Returns how many of its events were read. */
u32 ucm_id_destroy(struct ucm_id *id)
{
	u32 events_reported;

	cancel_work_sync(&id->close_work);
	if (id->cm_id)
		id_close(id);
	ucm_events_drop(id);
	ucm_multicasts_drop(id);
	events_reported = id->events_reported;
	xa_erase(&ucm_ids, id->handle);
	mutex_destroy(&id->lock);
	kfree(id);
	return events_reported;
}

/*
 * It has no descriptor any more, so nobody but us destroys or adds ids, except
 * that requests come in: behind their listener, which waits for them when it is
 * destroyed, and takes those along that were not read.
 */
void ucm_file_close_ids(struct ucm_file *file)
{
	struct ucm_id *id;

	for (;;) {
		spin_lock(&ucm_lists_lock);
		id = list_first_entry_or_null(&file->ids, struct ucm_id, item);
		/* What is in this file, only its own commands and listeners unpublish. */
		if (id)
			WARN_ON_ONCE(!ucm_id_unpublish(id));
		spin_unlock(&ucm_lists_lock);
		if (!id)
			break;
		ucm_id_destroy(id);
	}
}

int ucm_cmd_create_id(const struct ucm_command *cmd)
{
	struct rdma_ucm_create_id_resp resp;
	struct rdma_ucm_create_id in;
	struct rdma_cm_id *cm_id;
	enum ib_qp_type qp_type;
	struct ucm_id *id;
	int ret;

	if (cmd->out_len < sizeof(resp))
		return -ENOSPC;
	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	switch (in.ps) {
	case RDMA_PS_TCP:
		qp_type = IB_QPT_RC;
		break;
	case RDMA_PS_UDP:
	case RDMA_PS_IPOIB:
		qp_type = IB_QPT_UD;
		break;
	case RDMA_PS_IB:
		qp_type = in.qp_type;
		break;
	default:
		return -EINVAL;
	}

	id = ucm_id_create();
	if (!id)
		return -ENOMEM;
	id->uid = in.uid;
	cm_id = rdma_create_user_id(ucm_event_handler, id, in.ps, qp_type);
	if (IS_ERR(cm_id)) {
		ret = PTR_ERR(cm_id);
		goto err_destroy;
	}
	ucm_id_set(id, cm_id);
	resp.id = id->handle;
	ret = ucm_answer(in.response, &resp, sizeof(resp));
	if (ret)
		goto err_destroy;
	spin_lock(&ucm_lists_lock);
	ucm_id_publish(id, cmd->file);
	spin_unlock(&ucm_lists_lock);
	return 0;

err_destroy:
	ucm_id_destroy(id);
	return ret;
}

int ucm_cmd_destroy_id(const struct ucm_command *cmd)
{
	struct rdma_ucm_destroy_id_resp resp;
	struct rdma_ucm_destroy_id in;
	struct ucm_id *id;
	int ret;

	if (cmd->out_len < sizeof(resp))
		return -ENOSPC;
	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	xa_lock(&ucm_ids);
	id = xa_load(&ucm_ids, in.id);
	if (!id)
		id = ERR_PTR(-ENOENT);
	else if (id->file != cmd->file)
		id = ERR_PTR(-EINVAL);
	else
		__xa_store(&ucm_ids, in.id, XA_ZERO_ENTRY, 0);
	xa_unlock(&ucm_ids);
	if (IS_ERR(id))
		return PTR_ERR(id);
	resp.events_reported = ucm_id_destroy(id);
	return ucm_answer(in.response, &resp, sizeof(resp));
}

/* Under ucm_lists_lock */
static bool id_move(struct ucm_id *id, struct ucm_file *from, struct ucm_file *to)
{
	bool found;

	xa_lock(&ucm_ids);
	found = xa_load(&ucm_ids, id->handle) == id && id->file == from;
	if (found)
		id->file = to;
	xa_unlock(&ucm_ids);
	if (found)
		list_move_tail(&id->item, &to->ids);
	return found;
}

/*
 * Under the handler lock, so that no event of it is on its way; requests for it
 * may be, which look at its file under ucm_lists_lock.
 */
static int id_migrate(struct ucm_id *id, struct ucm_file *from, struct ucm_file *to, u64 response)
{
	struct rdma_ucm_migrate_resp resp;
	struct ucm_event *event, *next;
	bool found;

	rdma_lock_handler(id->cm_id);
	spin_lock(&ucm_lists_lock);
	found = id_move(id, from, to);
	if (found && from != to) {
		list_for_each_entry_safe(event, next, &from->events, item) {
			if (event->id != id)
				continue;
			list_move_tail(&event->item, &to->events);
			/* Its user will ask for it where he hears of it. */
			if (event->request)
				id_move(event->request, from, to);
		}
		wake_up_interruptible(&to->wait);
	}
	resp.events_reported = id->events_reported;
	spin_unlock(&ucm_lists_lock);
	rdma_unlock_handler(id->cm_id);
	return found ? ucm_answer(response, &resp, sizeof(resp)) : -ENOENT;
}

int ucm_cmd_migrate_id(const struct ucm_command *cmd)
{
	struct rdma_ucm_migrate_id in;
	struct ucm_file *from;
	struct file *filp;
	struct ucm_id *id;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	filp = fget(in.fd);
	if (!filp)
		return -ENOENT;
	if (filp->f_op != &ucm_fops) {
		fput(filp);
		return -EINVAL;
	}
	from = filp->private_data;
	id = ucm_id_get(from, in.id);
	if (IS_ERR(id)) {
		ret = PTR_ERR(id);
	} else {
		ret = id_migrate(id, from, cmd->file, in.response);
		ucm_id_put(id);
	}
	/* It kept the file, and so the id's list. */
	fput(filp);
	return ret;
}
