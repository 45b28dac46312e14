// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/infiniband/rdma_cm: each write is a command, answered before it returns.
 */
#include <linux/nospec.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <rdma/ib.h>
#include "ucm.h"

static int (*const file_commands[])(const struct ucm_command *cmd) = {
	[RDMA_USER_CM_CMD_CREATE_ID] = ucm_cmd_create_id,
	[RDMA_USER_CM_CMD_DESTROY_ID] = ucm_cmd_destroy_id,
	[RDMA_USER_CM_CMD_BIND_IP] = ucm_cmd_bind_ip,
	[RDMA_USER_CM_CMD_RESOLVE_IP] = ucm_cmd_resolve_ip,
	[RDMA_USER_CM_CMD_RESOLVE_ROUTE] = ucm_cmd_resolve_route,
	[RDMA_USER_CM_CMD_QUERY_ROUTE] = ucm_cmd_query_route,
	[RDMA_USER_CM_CMD_CONNECT] = ucm_cmd_connect,
	[RDMA_USER_CM_CMD_LISTEN] = ucm_cmd_listen,
	[RDMA_USER_CM_CMD_ACCEPT] = ucm_cmd_accept,
	[RDMA_USER_CM_CMD_REJECT] = ucm_cmd_reject,
	[RDMA_USER_CM_CMD_DISCONNECT] = ucm_cmd_disconnect,
	[RDMA_USER_CM_CMD_INIT_QP_ATTR] = ucm_cmd_init_qp_attr,
	[RDMA_USER_CM_CMD_GET_EVENT] = ucm_cmd_get_event,
	[RDMA_USER_CM_CMD_SET_OPTION] = ucm_cmd_set_option,
	[RDMA_USER_CM_CMD_NOTIFY] = ucm_cmd_notify,
	[RDMA_USER_CM_CMD_JOIN_IP_MCAST] = ucm_cmd_join_ip_mcast,
	[RDMA_USER_CM_CMD_LEAVE_MCAST] = ucm_cmd_leave_mcast,
	[RDMA_USER_CM_CMD_MIGRATE_ID] = ucm_cmd_migrate_id,
	[RDMA_USER_CM_CMD_QUERY] = ucm_cmd_query,
	[RDMA_USER_CM_CMD_BIND] = ucm_cmd_bind,
	[RDMA_USER_CM_CMD_RESOLVE_ADDR] = ucm_cmd_resolve_addr,
	[RDMA_USER_CM_CMD_JOIN_MCAST] = ucm_cmd_join_mcast,
};

static ssize_t file_write(struct file *filp, const char __user *buf, size_t len, loff_t *pos)
{
	struct rdma_ucm_cmd_hdr hdr;
	struct ucm_command cmd;
	int ret;

	/* What is written is full of pointers, so it must be the writer's own doing. */
	if (!ib_safe_file_access(filp)) {
		pr_err_once("rdma_ucm: %s (process %d) got this file from somebody with other rights, and may not write to it\n",
			    current->comm, task_tgid_vnr(current));
		return -EACCES;
	}
	if (len < sizeof(hdr))
		return -EINVAL;
	if (copy_from_user(&hdr, buf, sizeof(hdr)))
		return -EFAULT;
	if (hdr.cmd >= ARRAY_SIZE(file_commands) || hdr.in > len - sizeof(hdr))
		return -EINVAL;
	hdr.cmd = array_index_nospec(hdr.cmd, ARRAY_SIZE(file_commands));
	if (!file_commands[hdr.cmd])
		return -ENOSYS;

	cmd.file = filp->private_data;
	cmd.in = buf + sizeof(hdr);
	cmd.in_len = hdr.in;
	cmd.out_len = hdr.out;
	ret = file_commands[hdr.cmd](&cmd);
	return ret ? ret : len;
}

static __poll_t file_poll(struct file *filp, poll_table *wait)
{
	struct ucm_file *file = filp->private_data;

	poll_wait(filp, &file->wait, wait);
	return list_empty(&file->events) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static int file_open(struct inode *inode, struct file *filp)
{
	struct ucm_file *file;

	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return -ENOMEM;
	INIT_LIST_HEAD(&file->ids);
	INIT_LIST_HEAD(&file->events);
	init_waitqueue_head(&file->wait);
	file->filp = filp;
	filp->private_data = file;
	return stream_open(inode, filp);
}

static int file_release(struct inode *inode, struct file *filp)
{
	struct ucm_file *file = filp->private_data;

	ucm_file_close_ids(file);
	kfree(file);
	return 0;
}

const struct file_operations ucm_fops = {
	.owner = THIS_MODULE,
	.open = file_open,
	.release = file_release,
	.write = file_write,
	.poll = file_poll,
};
