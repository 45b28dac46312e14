// SPDX-License-Identifier: GPL-2.0
/* rdma_set_option() */
#include <linux/slab.h>
#include <linux/string.h>
#include <rdma/ib_sa.h>
#include <rdma/ib_verbs.h>
#include <rdma/opa_addr.h>
#include <rdma/rdma_cm_ib.h>
#include "ucm.h"

static int option_octet(const void *value, size_t len, u8 *octet)
{
	if (len != sizeof(*octet))
		return -EINVAL;
	*octet = *(const u8 *)value;
	return 0;
}

static int option_bool(const void *value, size_t len, bool *on)
{
	if (len != sizeof(int))
		return -EINVAL;
	*on = *(const int *)value;
	return 0;
}

static int option_set_id(struct ucm_id *id, u32 name, const void *value, size_t len)
{
	bool on;
	u8 octet;
	int ret;

	switch (name) {
	case RDMA_OPTION_ID_TOS:
		ret = option_octet(value, len, &octet);
		if (!ret)
			rdma_set_service_type(id->cm_id, octet);
		return ret;
	case RDMA_OPTION_ID_REUSEADDR:
		ret = option_bool(value, len, &on);
		return ret ? ret : ucm_port_set_reuse(id, on);
	case RDMA_OPTION_ID_AFONLY:
		ret = option_bool(value, len, &on);
		return ret ? ret : ucm_port_set_v6only(id, on);
	case RDMA_OPTION_ID_ACK_TIMEOUT:
		ret = option_octet(value, len, &octet);
		return ret ? ret : rdma_set_ack_timeout(id->cm_id, octet);
	default:
		return -ENOSYS;
	}
}

/* The primary path for both directions, of those that user space has found */
static struct ib_path_rec_data *option_find_path(struct ib_path_rec_data *data, size_t len)
{
	const u32 wanted = IB_PATH_GMP | IB_PATH_PRIMARY | IB_PATH_BIDIRECTIONAL;
	size_t i;

	for (i = 0; i < len / sizeof(*data); i++) {
		if (data[i].flags == wanted)
			return &data[i];
	}
	return NULL;
}

static int option_set_ib_path(struct ucm_id *id, void *value, size_t len)
{
	struct rdma_cm_event event = { .event = RDMA_CM_EVENT_ROUTE_RESOLVED };
	struct rdma_cm_id *cm_id = id->cm_id;
	struct sa_path_rec path = {}, opa;
	struct ib_path_rec_data *data;
	int ret;

	data = len % sizeof(*data) ? NULL : option_find_path(value, len);
	if (!data || !cm_id->device)
		return -EINVAL;
	path.rec_type = SA_PATH_REC_TYPE_IB;
	ib_sa_unpack_path(data->path_rec, &path);
	if (rdma_cap_opa_ah(cm_id->device, cm_id->port_num)) {
		sa_convert_path_ib_to_opa(&opa, &path);
		ret = rdma_set_ib_path(cm_id, &opa);
	} else {
		ret = rdma_set_ib_path(cm_id, &path);
	}
	if (ret)
		return ret;
	/* rdma_cm tells nobody, since it did not have to look for the route. */
	rdma_lock_handler(cm_id);
	ret = ucm_event_handler(cm_id, &event);
	rdma_unlock_handler(cm_id);
	return ret;
}

static int option_set(struct ucm_id *id, const struct rdma_ucm_set_option *in, void *value)
{
	switch (in->level) {
	case RDMA_OPTION_ID:
		return option_set_id(id, in->optname, value, in->optlen);
	case RDMA_OPTION_IB:
		if (in->optname != RDMA_OPTION_IB_PATH)
			return -ENOSYS;
		return option_set_ib_path(id, value, in->optlen);
	default:
		return -ENOSYS;
	}
}

int ucm_cmd_set_option(const struct ucm_command *cmd)
{
	struct rdma_ucm_set_option in;
	struct ucm_id *id;
	void *value;
	int ret;

	ret = ucm_get(cmd, &in, sizeof(in));
	if (ret)
		return ret;
	if (in.optlen > KMALLOC_MAX_SIZE)
		return -EINVAL;
	id = ucm_id_get(cmd->file, in.id);
	if (IS_ERR(id))
		return PTR_ERR(id);
	value = memdup_user(u64_to_user_ptr(in.optval), in.optlen);
	if (IS_ERR(value)) {
		ucm_id_put(id);
		return PTR_ERR(value);
	}
	mutex_lock(&id->lock);
	ret = option_set(id, &in, value);
	ucm_id_unlock(id);
	kfree(value);
	return ret;
}
