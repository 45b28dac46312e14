/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rdma_ucm: the door through which user space reaches rdma_cm.
 *
 * It answers the ABI of <rdma/rdma_user_cm.h> in the stock module's place, for
 * every transport. What it adds is that TCP's port space and RDMA's are one: see
 * port.c.
 */
#ifndef UCM_H
#define UCM_H

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <rdma/rdma_cm.h>
#include <rdma/rdma_user_cm.h>

struct portspace_reservation;
struct ucm_event;

/**
 * struct ucm_file - an event channel: an open file of /dev/infiniband/rdma_cm
 * @filp: for its flags
 * @ids: its ids, under ucm_lists_lock
 * @events: what was not read, under ucm_lists_lock
 * @wait: readers; woken under ucm_lists_lock, so that an id keeps it
 */
struct ucm_file {
	struct file *filp;
	struct list_head ids;
	struct list_head events;
	wait_queue_head_t wait;
};

/* What an option was set to before there was anything to apply it to */
enum ucm_choice {
	UCM_UNSET = -1,
	UCM_OFF,
	UCM_ON,
};

/**
 * struct ucm_id - a user's rdma_cm_id
 * @handle: in ucm_ids; public while the entry is this id, reserved until it is freed
 * @users: one until it is closed, and one for each command that runs; who finds it
 *	through ucm_ids takes one. @cm_id is there while it is not 0.
 * @unused: @users is 0
 * @file: changed by migration only, under ucm_lists_lock and the id's handler lock
 * @item: in @file->ids, under ucm_lists_lock
 * @cm_id: the kernel's
 * @lock: one command at a time; inside nothing, around rdma_cm's own locks
 * @uid: what user space calls it; 0 if it has not accepted it. Under the handler lock
 * @events_reported: events that were read, under ucm_lists_lock
 * @backlog: requests that may still be queued, under ucm_lists_lock
 * @request: the event that tells of it, until that is read; under ucm_lists_lock
 * @multicasts: under ucm_lists_lock
 * @close_work: its device goes
 * @closed: by that work
 * @resolved: the destination's address is; set by an event, under the handler lock
 * @unanswered: it is a request, neither accepted nor rejected, under @lock
 * @bound: rdma_cm has an address of it, under @lock
 * @port_asked: with a port that its user asked for, under @lock
 * @reuse: RDMA_OPTION_ID_REUSEADDR, under @lock
 * @v6only: RDMA_OPTION_ID_AFONLY, under @lock
 * @reservation: its port, if portspace holds one, under @lock
 */
struct ucm_id {
	u32 handle;
	refcount_t users;
	struct completion unused;
	struct ucm_file *file;
	struct list_head item;
	struct rdma_cm_id *cm_id;
	struct mutex lock;	/* commands */
	u64 uid;
	u32 events_reported;
	u32 backlog;
	struct ucm_event *request;
	struct list_head multicasts;
	struct work_struct close_work;
	bool closed;
	bool resolved;
	bool unanswered;
	bool bound;
	bool port_asked;
	enum ucm_choice reuse;
	enum ucm_choice v6only;
	struct portspace_reservation *reservation;
};

/**
 * struct ucm_multicast - a group that an id joined
 * @id: whose; keeps it, as leaving and the id's end take it out of @id->multicasts
 * @handle: in ucm_multicasts
 * @uid: what user space calls it
 * @events_reported: events that were read, under ucm_lists_lock
 * @item: in @id->multicasts, under ucm_lists_lock
 * @addr: the group
 */
struct ucm_multicast {
	struct ucm_id *id;
	u32 handle;
	u64 uid;
	u32 events_reported;
	struct list_head item;
	struct sockaddr_storage addr;
};

/**
 * struct ucm_event - what was not read yet
 * @item: in the events of @id's file, under ucm_lists_lock
 * @id: whom it is counted for; a request: the listening id
 * @request: the id of a request; nobody knows it until it is read, and it is in the
 *	same file unless somebody has guessed its handle and moved it
 * @multicast: whom it is counted for as well, or NULL
 * @resp: what is read
 */
struct ucm_event {
	struct list_head item;
	struct ucm_id *id;
	struct ucm_id *request;
	struct ucm_multicast *multicast;
	struct rdma_ucm_event_resp resp;
};

/*
 * The lists of every file and id, and the numbers that go with them. One for all:
 * a listening id may move to another file while a request comes in for it.
 */
extern spinlock_t ucm_lists_lock;
extern const struct file_operations ucm_fops;
extern unsigned int ucm_max_backlog;

/* One command: what follows its header, and the room for the answer in octets */
struct ucm_command {
	struct ucm_file *file;
	const void __user *in;
	size_t in_len;
	size_t out_len;
};

static inline int ucm_get(const struct ucm_command *cmd, void *to, size_t len)
{
	return copy_from_user(to, cmd->in, len) ? -EFAULT : 0;
}

static inline int ucm_answer(u64 response, const void *from, size_t len)
{
	return copy_to_user(u64_to_user_ptr(response), from, len) ? -EFAULT : 0;
}

/* id.c */
void ucm_ids_exit(void);
struct ucm_id *ucm_id_create(void);
struct ucm_id *ucm_id_get(struct ucm_file *file, u32 handle);
void ucm_id_put(struct ucm_id *id);
void ucm_id_set(struct ucm_id *id, struct rdma_cm_id *cm_id);
void ucm_id_publish(struct ucm_id *id, struct ucm_file *file);
bool ucm_id_unpublish(struct ucm_id *id);
u32 ucm_id_destroy(struct ucm_id *id);
void ucm_id_removal(struct ucm_id *id);
void ucm_id_abort(struct ucm_id *id);
void ucm_file_close_ids(struct ucm_file *file);

/* The caller of these has the id locked with its lock. */
struct ucm_id *ucm_id_lock(struct ucm_file *file, u32 handle);
struct ucm_id *ucm_id_lock_bound(struct ucm_file *file, u32 handle);
void ucm_id_unlock(struct ucm_id *id);

/* event.c */
int ucm_event_handler(struct rdma_cm_id *cm_id, struct rdma_cm_event *event);
void ucm_events_drop(struct ucm_id *id);
void ucm_events_drop_multicast(struct ucm_multicast *multicast);

/* port.c; the caller holds the id's lock */
int ucm_port_bind(struct ucm_id *id, const struct sockaddr_storage *addr);
int ucm_port_resolve(struct ucm_id *id, struct sockaddr_storage *src,
		     struct sockaddr_storage *dst, u32 timeout_ms);
int ucm_port_choose(struct ucm_id *id);
int ucm_port_set_reuse(struct ucm_id *id, bool reuse);
int ucm_port_set_v6only(struct ucm_id *id, bool v6only);

/* multicast.c */
void ucm_multicasts_drop(struct ucm_id *id);
void ucm_multicasts_exit(void);

/* The commands: 0 or a negative errno */
int ucm_cmd_create_id(const struct ucm_command *cmd);
int ucm_cmd_destroy_id(const struct ucm_command *cmd);
int ucm_cmd_migrate_id(const struct ucm_command *cmd);
int ucm_cmd_get_event(const struct ucm_command *cmd);
int ucm_cmd_bind_ip(const struct ucm_command *cmd);
int ucm_cmd_bind(const struct ucm_command *cmd);
int ucm_cmd_resolve_ip(const struct ucm_command *cmd);
int ucm_cmd_resolve_addr(const struct ucm_command *cmd);
int ucm_cmd_resolve_route(const struct ucm_command *cmd);
int ucm_cmd_query_route(const struct ucm_command *cmd);
int ucm_cmd_query(const struct ucm_command *cmd);
int ucm_cmd_connect(const struct ucm_command *cmd);
int ucm_cmd_listen(const struct ucm_command *cmd);
int ucm_cmd_accept(const struct ucm_command *cmd);
int ucm_cmd_reject(const struct ucm_command *cmd);
int ucm_cmd_disconnect(const struct ucm_command *cmd);
int ucm_cmd_init_qp_attr(const struct ucm_command *cmd);
int ucm_cmd_notify(const struct ucm_command *cmd);
int ucm_cmd_set_option(const struct ucm_command *cmd);
int ucm_cmd_join_ip_mcast(const struct ucm_command *cmd);
int ucm_cmd_join_mcast(const struct ucm_command *cmd);
int ucm_cmd_leave_mcast(const struct ucm_command *cmd);

#endif
