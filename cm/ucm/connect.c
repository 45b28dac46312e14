// SPDX-License-Identifier: GPL-2.0
/* The commands about connections */
#include <rdma/ib_cm.h>
#include <rdma/ib_marshall.h>
#include <rdma/ib_verbs.h>
#include <rdma/restrack.h>
#include "iwarp_cm.h"
#include "ucm.h"

/* What came before ECE is what every user sends. */
static int connect_get(const struct ucm_command *cmd, void *in, size_t size, size_t first_size)
{
	if (cmd->in_len < first_size)
		return -EINVAL;
	memset(in, 0, size);
	return ucm_get(cmd, in, min(cmd->in_len, size));
}

static void connect_fill(struct rdma_conn_param *to, const struct rdma_cm_id *cm_id,
			 const struct rdma_ucm_conn_param *from)
{
	*to = (struct rdma_conn_param) {
		.private_data = from->private_data,
		.private_data_len = from->private_data_len,
		.responder_resources = from->responder_resources,
		.initiator_depth = from->initiator_depth,
		.flow_control = from->flow_control,
		.retry_count = from->retry_count,
		.rnr_retry_count = from->rnr_retry_count,
		.srq = from->srq,
		.qp_num = from->qp_num & 0xffffff,
	};
	if (cm_id->route.addr.src_addr.ss_family == AF_IB)
		to->qkey = from->qkey;
}

/* What an application that drops its rights has made before is still its own. */
static bool connect_qp_is_callers(const struct ib_qp *qp)
{
	struct task_struct *maker = qp->res.task;

	if (rdma_is_kernel_res(&qp->res) || !maker)
		return false;
	return same_thread_group(maker, current) ||
	       uid_eq(task_uid(maker), current_uid());
}

/*
 * The QP is whichever the program has named, and iw_cm takes it as it is: without
 * this anybody could connect a QP of another user's, or of the kernel's, to a peer of
 * his own. It is kept until the answer, so that its number stays its own.
 *
 * Sets @qp, which connect_put_qp() takes: NULL for others' devices.
 */
static int connect_get_qp(const struct rdma_cm_id *cm_id, u32 qpn, struct ib_qp **qp)
{
	struct ib_device *ibdev = cm_id->device;

	*qp = NULL;
	if (!ibdev || !iwarp_cm_has(ibdev))
		return 0;
	*qp = ibdev->ops.iw_get_qp(ibdev, qpn);
	if (!*qp)
		return -EINVAL;
	ibdev->ops.iw_add_ref(*qp);
	if (connect_qp_is_callers(*qp))
		return 0;
	ibdev->ops.iw_rem_ref(*qp);
	return -EINVAL;
}

static void connect_put_qp(struct ib_qp *qp)
{
	if (qp)
		qp->device->ops.iw_rem_ref(qp);
}

int ucm_cmd_connect(const struct ucm_command *cmd)
{
	struct rdma_conn_param param;
	struct rdma_ucm_connect in;
	struct ucm_id *id;
	struct ib_qp *qp;
	int ret;

	ret = connect_get(cmd, &in, sizeof(in), offsetofend(struct rdma_ucm_connect, reserved));
	if (ret)
		return ret;
	if (!in.conn_param.valid)
		return -EINVAL;
	id = ucm_id_lock_bound(cmd->file, in.id);
	if (IS_ERR(id))
		return PTR_ERR(id);
	connect_fill(&param, id->cm_id, &in.conn_param);
	ret = connect_get_qp(id->cm_id, param.qp_num, &qp);
	if (ret)
		goto out;
	ret = ucm_port_choose(id);
	if (!ret)
		ret = rdma_connect_ece(id->cm_id, &param, &in.ece);
	connect_put_qp(qp);
out:
	ucm_id_unlock(id);
	return ret;
}

/* As for listen(2), an address comes by itself. */
static int listen_bind(struct ucm_id *id)
{
	struct sockaddr_storage any = { .ss_family = AF_INET };

	return id->bound ? 0 : ucm_port_bind(id, &any);
}

int ucm_cmd_listen(const struct ucm_command *cmd)
{
	unsigned int max = READ_ONCE(ucm_max_backlog);
	struct rdma_ucm_listen in;
	struct ucm_id *id;
	int backlog, ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	id = ucm_id_lock(cmd->file, in.id);
	if (IS_ERR(id))
		return PTR_ERR(id);
	backlog = in.backlog && in.backlog <= max ? in.backlog : max;
	spin_lock(&ucm_lists_lock);
	id->backlog = backlog;
	spin_unlock(&ucm_lists_lock);
	ret = listen_bind(id);
	/* What rdma_cm bound in a resolution that then failed has an address already. */
	if (!ret || ret == -EINVAL)
		ret = rdma_listen(id->cm_id, backlog);
	if (!ret)
		id->bound = true;
	ucm_id_unlock(id);
	return ret;
}

/*
 * iw_cm refuses to answer what is no request, but takes even that for the end of
 * a connect that is under way: its next disconnect or destroy is a BUG(). So is a
 * second answer before it has seen what became of the first one.
 */
static int connect_begin_answer(struct ucm_id *id)
{
	if (!rdma_cap_iw_cm(id->cm_id->device, id->cm_id->port_num))
		return 0;
	if (!id->unanswered)
		return -EINVAL;
	id->unanswered = false;
	return 0;
}

int ucm_cmd_accept(const struct ucm_command *cmd)
{
	struct rdma_conn_param param;
	struct rdma_ucm_accept in;
	struct ib_qp *qp = NULL;
	struct ucm_id *id;
	int ret;

	ret = connect_get(cmd, &in, sizeof(in), offsetofend(struct rdma_ucm_accept, reserved));
	if (ret)
		return ret;
	id = ucm_id_lock_bound(cmd->file, in.id);
	if (IS_ERR(id))
		return PTR_ERR(id);
	connect_fill(&param, id->cm_id, &in.conn_param);
	ret = connect_begin_answer(id);
	if (ret)
		goto out;
	if (in.conn_param.valid)
		ret = connect_get_qp(id->cm_id, param.qp_num, &qp);
	if (ret) {
		/* As wherever rdma_accept() itself fails: the peer is not left waiting. */
		rdma_reject(id->cm_id, NULL, 0, IB_CM_REJ_CONSUMER_DEFINED);
		goto out;
	}
	rdma_lock_handler(id->cm_id);
	ret = rdma_accept_ece(id->cm_id, in.conn_param.valid ? &param : NULL, &in.ece);
	/* Before the next event, which is told under this name */
	if (!ret && in.conn_param.valid)
		id->uid = in.uid;
	rdma_unlock_handler(id->cm_id);
	connect_put_qp(qp);
out:
	ucm_id_unlock(id);
	return ret;
}

int ucm_cmd_reject(const struct ucm_command *cmd)
{
	struct rdma_ucm_reject in;
	struct ucm_id *id;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	if (!in.reason)
		in.reason = IB_CM_REJ_CONSUMER_DEFINED;
	if (in.reason != IB_CM_REJ_CONSUMER_DEFINED &&
	    in.reason != IB_CM_REJ_VENDOR_OPTION_NOT_SUPPORTED)
		return -EINVAL;
	id = ucm_id_lock_bound(cmd->file, in.id);
	if (IS_ERR(id))
		return PTR_ERR(id);
	ret = connect_begin_answer(id);
	if (!ret)
		ret = rdma_reject(id->cm_id, in.private_data, in.private_data_len, in.reason);
	ucm_id_unlock(id);
	return ret;
}

int ucm_cmd_disconnect(const struct ucm_command *cmd)
{
	struct rdma_ucm_disconnect in;
	struct ucm_id *id;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	id = ucm_id_lock_bound(cmd->file, in.id);
	if (IS_ERR(id))
		return PTR_ERR(id);
	ucm_id_abort(id);
	ret = rdma_disconnect(id->cm_id);
	ucm_id_unlock(id);
	return ret;
}

int ucm_cmd_init_qp_attr(const struct ucm_command *cmd)
{
	struct rdma_ucm_init_qp_attr in;
	struct ib_uverbs_qp_attr resp = {};
	struct ib_qp_attr attr = {};
	struct ucm_id *id;
	int ret;

	if (cmd->out_len < sizeof(resp))
		return -ENOSPC;
	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	if (in.qp_state > IB_QPS_ERR)
		return -EINVAL;
	id = ucm_id_lock_bound(cmd->file, in.id);
	if (IS_ERR(id))
		return PTR_ERR(id);
	attr.qp_state = in.qp_state;
	ret = rdma_init_qp_attr(id->cm_id, &attr, &resp.qp_attr_mask);
	if (!ret)
		ib_copy_qp_attr_to_user(id->cm_id->device, &resp, &attr);
	ucm_id_unlock(id);
	return ret ? ret : ucm_answer(in.response, &resp, sizeof(resp));
}

int ucm_cmd_notify(const struct ucm_command *cmd)
{
	struct rdma_ucm_notify in;
	struct ucm_id *id;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	id = ucm_id_lock_bound(cmd->file, in.id);
	if (IS_ERR(id))
		return PTR_ERR(id);
	ret = rdma_notify(id->cm_id, (enum ib_event_type)in.event);
	ucm_id_unlock(id);
	return ret;
}
