// SPDX-License-Identifier: GPL-2.0
/*
 * What rdma_cm tells, until user space reads it.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <rdma/ib_marshall.h>
#include "ucm.h"

static void event_fill_conn(struct rdma_ucm_conn_param *to, const struct rdma_conn_param *from)
{
	if (from->private_data_len)
		memcpy(to->private_data, from->private_data, from->private_data_len);
	to->private_data_len = from->private_data_len;
	to->responder_resources = from->responder_resources;
	to->initiator_depth = from->initiator_depth;
	to->flow_control = from->flow_control;
	to->retry_count = from->retry_count;
	to->rnr_retry_count = from->rnr_retry_count;
	to->srq = from->srq;
	to->qp_num = from->qp_num;
}

static void event_fill_ud(struct ib_device *device, struct rdma_ucm_ud_param *to,
			  struct rdma_ud_param *from)
{
	if (from->private_data_len)
		memcpy(to->private_data, from->private_data, from->private_data_len);
	to->private_data_len = from->private_data_len;
	ib_copy_ah_attr_to_user(device, &to->ah_attr, &from->ah_attr);
	to->qp_num = from->qp_num;
	to->qkey = from->qkey;
}

/* @id is whom it is counted for, @cm_id whom it is about: not the same of a request. */
static struct ucm_event *event_create(struct ucm_id *id, struct rdma_cm_id *cm_id,
				      struct rdma_cm_event *event)
{
	struct ucm_event *new;

	new = kzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return NULL;
	new->id = id;
	new->resp.uid = id->uid;
	new->resp.id = id->handle;
	new->resp.event = event->event;
	new->resp.status = event->status;
	new->resp.ece.vendor_id = event->ece.vendor_id;
	new->resp.ece.attr_mod = event->ece.attr_mod;
	if (event->event == RDMA_CM_EVENT_MULTICAST_JOIN ||
	    event->event == RDMA_CM_EVENT_MULTICAST_ERROR) {
		/* The context of rdma_join_multicast() comes back in there. */
		new->multicast = (struct ucm_multicast *)event->param.ud.private_data;
		new->resp.uid = new->multicast->uid;
		new->resp.id = new->multicast->handle;
	}
	if (cm_id->qp_type == IB_QPT_UD)
		event_fill_ud(cm_id->device, &new->resp.param.ud, &event->param.ud);
	else
		event_fill_conn(&new->resp.param.conn, &event->param.conn);
	return new;
}

/* Under ucm_lists_lock */
static void event_queue(struct ucm_event *event)
{
	struct ucm_file *file = event->id->file;

	list_add_tail(&event->item, &file->events);
	wake_up_interruptible(&file->wait);
}

static bool backlog_take(struct ucm_id *listener)
{
	bool room;

	spin_lock(&ucm_lists_lock);
	room = listener->backlog;
	if (room)
		listener->backlog--;
	spin_unlock(&ucm_lists_lock);
	return room;
}

static void backlog_give(struct ucm_id *listener)
{
	spin_lock(&ucm_lists_lock);
	listener->backlog++;
	spin_unlock(&ucm_lists_lock);
}

/* An error makes rdma_cm destroy @cm_id, and refuse the request. */
static int request_handle(struct ucm_id *listener, struct rdma_cm_id *cm_id,
			  struct rdma_cm_event *event)
{
	struct ucm_event *new;
	struct ucm_id *id;

	if (!backlog_take(listener))
		return -ENOMEM;
	id = ucm_id_create();
	if (!id)
		goto err_backlog;
	new = event_create(listener, cm_id, event);
	if (!new)
		goto err_destroy;
	ucm_id_set(id, cm_id);
	id->unanswered = true;
	cm_id->context = id;
	new->resp.id = id->handle;
	new->request = id;

	spin_lock(&ucm_lists_lock);
	id->request = new;
	ucm_id_publish(id, listener->file);
	event_queue(new);
	spin_unlock(&ucm_lists_lock);
	return 0;

err_destroy:
	/* Without its rdma_cm_id, which rdma_cm destroys */
	ucm_id_destroy(id);
err_backlog:
	backlog_give(listener);
	return -ENOMEM;
}

int ucm_event_handler(struct rdma_cm_id *cm_id, struct rdma_cm_event *event)
{
	struct ucm_id *id = cm_id->context;
	struct ucm_event *new;

	if (event->event == RDMA_CM_EVENT_CONNECT_REQUEST)
		return request_handle(id, cm_id, event);
	if (event->event == RDMA_CM_EVENT_ADDR_RESOLVED && !event->status)
		WRITE_ONCE(id->resolved, true);

	/*
	 * Before it has accepted, its user has no name for it that could be told;
	 * he will see when he accepts.
	 */
	new = id->uid ? event_create(id, cm_id, event) : NULL;
	if (new) {
		spin_lock(&ucm_lists_lock);
		event_queue(new);
		spin_unlock(&ucm_lists_lock);
	}
	if (event->event == RDMA_CM_EVENT_DEVICE_REMOVAL)
		ucm_id_removal(id);
	return 0;
}

/* Under ucm_lists_lock; it is in the list */
static void event_remove(struct ucm_event *event)
{
	list_del(&event->item);
	if (event->request) {
		event->request->request = NULL;
		event->id->backlog++;
	}
}

/* Of an id that is closed: it leaves its file, with what was not read of it. */
void ucm_events_drop(struct ucm_id *id)
{
	struct ucm_event *event, *next, *told;
	LIST_HEAD(dropped);

	spin_lock(&ucm_lists_lock);
	told = id->request;
	if (told)
		event_remove(told);
	if (!list_empty(&id->item)) {
		list_for_each_entry_safe(event, next, &id->file->events, item) {
			if (event->id != id)
				continue;
			event_remove(event);
			list_add_tail(&event->item, &dropped);
			/*
			 * Whoever guessed its handle may be destroying it already, or
			 * have moved it, and then it is the other file's.
			 */
			if (event->request && (event->request->file != id->file ||
					       !ucm_id_unpublish(event->request)))
				event->request = NULL;
		}
		list_del_init(&id->item);
	}
	spin_unlock(&ucm_lists_lock);

	kfree(told);
	list_for_each_entry_safe(event, next, &dropped, item) {
		if (event->request)
			ucm_id_destroy(event->request);
		kfree(event);
	}
}

void ucm_events_drop_multicast(struct ucm_multicast *multicast)
{
	struct ucm_event *event, *next;
	LIST_HEAD(dropped);

	spin_lock(&ucm_lists_lock);
	list_for_each_entry_safe(event, next, &multicast->id->file->events, item) {
		if (event->multicast == multicast)
			list_move_tail(&event->item, &dropped);
	}
	spin_unlock(&ucm_lists_lock);
	list_for_each_entry_safe(event, next, &dropped, item)
		kfree(event);
}

/*
 * The oldest, counted as read. Its ids stay until event_done(), so that who
 * destroys them learns the right count.
 */
static struct ucm_event *event_take(struct ucm_file *file)
{
	struct ucm_event *event;

	spin_lock(&ucm_lists_lock);
	event = list_first_entry_or_null(&file->events, struct ucm_event, item);
	if (event) {
		event_remove(event);
		event->id->events_reported++;
		if (event->multicast)
			event->multicast->events_reported++;
		/* What is being closed is not waited for. */
		if (!refcount_inc_not_zero(&event->id->users))
			event->id = NULL;
		if (event->request && !refcount_inc_not_zero(&event->request->users))
			event->request = NULL;
	}
	spin_unlock(&ucm_lists_lock);
	return event;
}

static bool event_has_multicast(const struct ucm_event *event)
{
	struct ucm_multicast *multicast;

	list_for_each_entry(multicast, &event->id->multicasts, item) {
		/* Another one may have its place in memory by now. */
		if (multicast == event->multicast && multicast->handle == event->resp.id &&
		    multicast->uid == event->resp.uid)
			return true;
	}
	return false;
}

/* It could not be copied: it is the oldest again, if what it tells of is still there. */
static bool event_put_back(struct ucm_event *event)
{
	struct ucm_id *id = event->id;

	if (!id || (event->multicast && !event_has_multicast(event)))
		return false;
	id->events_reported--;
	if (event->multicast)
		event->multicast->events_reported--;
	if (event->request) {
		event->request->request = event;
		if (id->backlog)
			id->backlog--;
	}
	list_add(&event->item, &id->file->events);
	wake_up_interruptible(&id->file->wait);
	return true;
}

static void event_done(struct ucm_event *event, bool read)
{
	struct ucm_id *id = event->id, *request = event->request;
	bool kept;

	spin_lock(&ucm_lists_lock);
	kept = !read && event_put_back(event);
	spin_unlock(&ucm_lists_lock);
	if (!kept)
		kfree(event);
	if (request)
		ucm_id_put(request);
	if (id)
		ucm_id_put(id);
}

int ucm_cmd_get_event(const struct ucm_command *cmd)
{
	struct ucm_file *file = cmd->file;
	struct rdma_ucm_get_event in;
	struct ucm_event *event;
	int ret;

	/* Up to the union is what the first users of this ABI asked for. */
	if (cmd->out_len < offsetofend(struct rdma_ucm_event_resp, param))
		return -ENOSPC;
	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	for (;;) {
		event = event_take(file);
		if (event)
			break;
		if (file->filp->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(file->wait, !list_empty(&file->events)))
			return -ERESTARTSYS;
	}
	ret = ucm_answer(in.response, &event->resp, min(cmd->out_len, sizeof(event->resp)));
	event_done(event, !ret);
	return ret;
}
