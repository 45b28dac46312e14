// SPDX-License-Identifier: GPL-2.0
/*
 * RDMA devices, their identifiers and queue pairs, from rdma netlink.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/rdma_netlink.h>
#include <stdlib.h>
#include <string.h>
#include "memory.h"
#include "netlink.h"
#include "rdma.h"

#define LAST_ATTR	RDMA_NLDEV_ATTR_UVERBS_DRIVER_ID

/* Where a callback puts what it reads */
struct reader {
	struct rdma *rdma;
	size_t device;
	uint32_t answer;
	char protocol[16];
};

static struct nlmsghdr *request(struct netlink *nl, unsigned int cmd, uint16_t flags)
{
	return netlink_request(nl, RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, cmd), flags);
}

/* A device that has gone meanwhile is left out: the kernel knows no such number any more. */
static int dump_device(struct netlink *nl, unsigned int cmd, mnl_cb_t cb, struct reader *reader)
{
	struct nlmsghdr *nlh = request(nl, cmd, NLM_F_DUMP);
	int ret;

	mnl_attr_put_u32(nlh, RDMA_NLDEV_ATTR_DEV_INDEX, reader->rdma->devices[reader->device].index);
	ret = netlink_talk(nl, cb, reader);
	return ret && (errno == ENODEV || errno == EINVAL) ? 0 : ret;
}

/* Devices */

static int read_device(const struct nlmsghdr *nlh, void *data)
{
	struct rdma *rdma = data;
	struct rdma_device *device;
	char protocol[16];
	const struct nlattr *tb[LAST_ATTR + 1];

	netlink_parse(nlh, 0, tb, LAST_ATTR);
	if (!tb[RDMA_NLDEV_ATTR_DEV_INDEX] || !tb[RDMA_NLDEV_ATTR_DEV_NAME])
		return MNL_CB_OK;
	rdma->devices = grow(rdma->devices, rdma->device_count, &rdma->device_room, sizeof(*rdma->devices));
	device = &rdma->devices[rdma->device_count++];
	device->index = netlink_u32(tb[RDMA_NLDEV_ATTR_DEV_INDEX]);
	netlink_string(tb[RDMA_NLDEV_ATTR_DEV_NAME], device->name, sizeof(device->name));
	netlink_string(tb[RDMA_NLDEV_ATTR_DEV_PROTOCOL], protocol, sizeof(protocol));
	device->iwarp = !strcmp(protocol, "iw");
	device->kind = FLAG_RDMA;
	return MNL_CB_OK;
}

static int read_driver(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[LAST_ATTR + 1];

	netlink_parse(nlh, 0, tb, LAST_ATTR);
	*(uint32_t *)data = netlink_u32(tb[RDMA_NLDEV_ATTR_UVERBS_DRIVER_ID]);
	return MNL_CB_OK;
}

/* An iWARP device that is not software is an adapter with a TCP of its own. */
static void find_kind(struct netlink *nl, struct rdma_device *device)
{
	struct nlmsghdr *nlh = request(nl, RDMA_NLDEV_CMD_GET_CHARDEV, 0);
	uint32_t driver = RDMA_DRIVER_UNKNOWN;

	mnl_attr_put_strz(nlh, RDMA_NLDEV_ATTR_CHARDEV_TYPE, "uverbs");
	mnl_attr_put_u32(nlh, RDMA_NLDEV_ATTR_DEV_INDEX, device->index);
	if (netlink_talk(nl, read_driver, &driver) || !device->iwarp || driver == RDMA_DRIVER_UNKNOWN)
		return;
	device->kind = driver == RDMA_DRIVER_SIW ? FLAG_SIW : FLAG_OFFLOAD;
}

static int read_netns_mode(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[RDMA_NLDEV_SYS_ATTR_NETNS_MODE + 1];

	netlink_parse(nlh, 0, tb, RDMA_NLDEV_SYS_ATTR_NETNS_MODE);
	*(uint32_t *)data = netlink_u32(tb[RDMA_NLDEV_SYS_ATTR_NETNS_MODE]);
	return MNL_CB_OK;
}

static int read_netdev(const struct nlmsghdr *nlh, void *data)
{
	struct reader *reader = data;
	const struct nlattr *tb[LAST_ATTR + 1];

	netlink_parse(nlh, 0, tb, LAST_ATTR);
	reader->answer |= netlink_u32(tb[RDMA_NLDEV_ATTR_NDEV_INDEX]);
	return MNL_CB_OK;
}

/*
 * When RDMA devices are shared by all namespaces, those of other namespaces' interfaces show as well; the addresses of
 * their connections mean nothing here. The kernel names an interface only to its own namespace.
 */
static void drop_strangers(struct netlink *nl, struct rdma *rdma)
{
	struct reader reader = { .rdma = rdma };
	uint32_t shared = 0;

	request(nl, RDMA_NLDEV_CMD_SYS_GET, 0);
	if (netlink_talk(nl, read_netns_mode, &shared) || !shared)
		return;
	while (reader.device < rdma->device_count) {
		struct rdma_device *device = &rdma->devices[reader.device];

		reader.answer = 0;
		if (!device->iwarp || dump_device(nl, RDMA_NLDEV_CMD_PORT_GET, read_netdev, &reader) || reader.answer)
			reader.device++;
		else
			*device = rdma->devices[--rdma->device_count];
	}
}

static int read_devices(struct netlink *nl, struct rdma *rdma)
{
	size_t i;

	request(nl, RDMA_NLDEV_CMD_GET, NLM_F_DUMP);
	if (netlink_talk(nl, read_device, rdma))
		return -1;
	drop_strangers(nl, rdma);
	for (i = 0; i < rdma->device_count; i++)
		find_kind(nl, &rdma->devices[i]);
	return 0;
}

/* Identifiers and queue pairs */

static void read_sockaddr(struct address *a, const struct nlattr *attr)
{
	if (attr)
		address_from_sockaddr(a, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
}

/* The driver's own attributes are names, each followed by its value. */
static bool is_offloaded(const struct nlattr *driver)
{
	const struct nlattr *attr;
	char name[16] = "";

	mnl_attr_for_each_nested(attr, driver) {
		if (mnl_attr_get_type(attr) == RDMA_NLDEV_ATTR_DRIVER_STRING)
			netlink_string(attr, name, sizeof(name));
		else if (mnl_attr_get_type(attr) == RDMA_NLDEV_ATTR_DRIVER_U32 && !strcmp(name, "offload"))
			return netlink_u32(attr);
	}
	return false;
}

static void read_id(struct reader *reader, const struct nlattr *entry)
{
	struct rdma *rdma = reader->rdma;
	struct rdma_id *id;
	const struct nlattr *tb[LAST_ATTR + 1];

	netlink_parse_nested(entry, tb, LAST_ATTR);
	rdma->ids = grow(rdma->ids, rdma->id_count, &rdma->id_room, sizeof(*rdma->ids));
	id = &rdma->ids[rdma->id_count++];
	id->device = reader->device;
	id->state = netlink_u32(tb[RDMA_NLDEV_ATTR_RES_STATE]);
	id->qp = netlink_u32(tb[RDMA_NLDEV_ATTR_RES_LQPN]);
	id->pid = netlink_u32(tb[RDMA_NLDEV_ATTR_RES_PID]);
	netlink_string(tb[RDMA_NLDEV_ATTR_RES_KERN_NAME], id->kernel, sizeof(id->kernel));
	read_sockaddr(&id->local, tb[RDMA_NLDEV_ATTR_RES_SRC_ADDR]);
	id->offload = tb[RDMA_NLDEV_ATTR_DRIVER] && is_offloaded(tb[RDMA_NLDEV_ATTR_DRIVER]);
	if (id->state == RDMA_ID_LISTEN || id->state == RDMA_ID_ADDR_BOUND)
		id->foreign.family = id->local.family;
	else
		read_sockaddr(&id->foreign, tb[RDMA_NLDEV_ATTR_RES_DST_ADDR]);
}

static void read_qp(struct reader *reader, const struct nlattr *entry)
{
	struct rdma *rdma = reader->rdma;
	struct rdma_qp *qp;
	const struct nlattr *tb[LAST_ATTR + 1];

	netlink_parse_nested(entry, tb, LAST_ATTR);
	rdma->qps = grow(rdma->qps, rdma->qp_count, &rdma->qp_room, sizeof(*rdma->qps));
	qp = &rdma->qps[rdma->qp_count++];
	qp->device = reader->device;
	qp->num = netlink_u32(tb[RDMA_NLDEV_ATTR_RES_LQPN]);
	qp->state = netlink_u32(tb[RDMA_NLDEV_ATTR_RES_STATE]);
	qp->pid = netlink_u32(tb[RDMA_NLDEV_ATTR_RES_PID]);
}

static int read_table(const struct nlmsghdr *nlh, struct reader *reader, unsigned int table,
		      void (*read_entry)(struct reader *reader, const struct nlattr *entry))
{
	const struct nlattr *entry;
	const struct nlattr *tb[LAST_ATTR + 1];

	netlink_parse(nlh, 0, tb, LAST_ATTR);
	if (!tb[table])
		return MNL_CB_OK;
	mnl_attr_for_each_nested(entry, tb[table])
		read_entry(reader, entry);
	return MNL_CB_OK;
}

static int read_ids(const struct nlmsghdr *nlh, void *data)
{
	return read_table(nlh, data, RDMA_NLDEV_ATTR_RES_CM_ID, read_id);
}

static int read_qps(const struct nlmsghdr *nlh, void *data)
{
	return read_table(nlh, data, RDMA_NLDEV_ATTR_RES_QP, read_qp);
}

static int compare_qps(const void *x, const void *y)
{
	const struct rdma_qp *a = x, *b = y;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return a->num < b->num ? -1 : a->num > b->num;
}

/* 0, or -1 and errno. A device that goes meanwhile is left out. */
int rdma_read(struct rdma *rdma)
{
	struct netlink *nl = netlink_open(NETLINK_RDMA);
	struct reader reader = { .rdma = rdma };
	int ret;

	if (!nl)
		return -1;
	ret = read_devices(nl, rdma);
	for (; !ret && reader.device < rdma->device_count; reader.device++) {
		ret = dump_device(nl, RDMA_NLDEV_CMD_RES_CM_ID_GET, read_ids, &reader) ||
		      dump_device(nl, RDMA_NLDEV_CMD_RES_QP_GET, read_qps, &reader) ? -1 : 0;
	}
	netlink_close(nl);
	if (rdma->qp_count)
		qsort(rdma->qps, rdma->qp_count, sizeof(*rdma->qps), compare_qps);
	return ret;
}

void rdma_clear(struct rdma *rdma)
{
	free(rdma->devices);
	free(rdma->ids);
	free(rdma->qps);
	memset(rdma, 0, sizeof(*rdma));
}

const struct rdma_qp *rdma_find_qp(const struct rdma *rdma, size_t device, uint32_t num)
{
	const struct rdma_qp key = { .device = device, .num = num };

	if (!rdma->qp_count)
		return NULL;
	return bsearch(&key, rdma->qps, rdma->qp_count, sizeof(key), compare_qps);
}

const char *rdma_qp_state_name(unsigned int state)
{
	static const char *const names[] = { "RESET", "INIT", "RTR", "RTS", "SQD", "SQE", "ERR" };

	return state < ARRAY_SIZE(names) ? names[state] : "UNKNOWN";
}
