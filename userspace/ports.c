// SPDX-License-Identifier: GPL-2.0
/*
 * Ports that RDMA holds, from portspace's netlink family.
 */
#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include "memory.h"
#include "netlink.h"
#include "ports.h"
#include "portspace_netlink.h"

static struct nlmsghdr *request(struct netlink *nl, uint16_t type, uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *nlh = netlink_request(nl, type, flags);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

static int read_family_id(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[CTRL_ATTR_MAX + 1];

	netlink_parse(nlh, sizeof(struct genlmsghdr), tb, CTRL_ATTR_MAX);
	*(uint16_t *)data = netlink_u32(tb[CTRL_ATTR_FAMILY_ID]);
	return MNL_CB_OK;
}

/* The family's number, or 0 and errno; the kernel says ENOENT when it has none of that name. */
static uint16_t family_id(struct netlink *nl)
{
	struct nlmsghdr *nlh = request(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	uint16_t id = 0;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, PORTSPACE_NL_NAME);
	if (netlink_talk(nl, read_family_id, &id))
		return 0;
	return id;
}

static unsigned int read_flags(uint32_t flags)
{
	return FLAG_RDMA | (flags & PORTSPACE_F_REUSE ? FLAG_REUSE : 0) |
	       (flags & PORTSPACE_F_V6ONLY ? FLAG_V6ONLY : 0) |
	       (flags & PORTSPACE_F_LATE_PORT ? FLAG_LATE_PORT : 0) |
	       (flags & PORTSPACE_F_KERNEL ? FLAG_KERNEL : 0);
}

static int read_port(const struct nlmsghdr *nlh, void *data)
{
	struct ports *ports = data;
	const struct nlattr *addr;
	struct port *port;
	const struct nlattr *tb[PORTSPACE_A_MAX + 1];

	netlink_parse(nlh, sizeof(struct genlmsghdr), tb, PORTSPACE_A_MAX);
	addr = tb[PORTSPACE_A_ADDR];
	if (!addr || mnl_attr_get_payload_len(addr) > sizeof(port->local.octets))
		return MNL_CB_OK;
	ports->all = grow(ports->all, ports->count, &ports->room, sizeof(*ports->all));
	port = &ports->all[ports->count++];
	port->local.family = netlink_u32(tb[PORTSPACE_A_FAMILY]);
	memcpy(port->local.octets, mnl_attr_get_payload(addr), mnl_attr_get_payload_len(addr));
	port->local.port = ntohs(netlink_u32(tb[PORTSPACE_A_PORT]));
	port->local.ifindex = netlink_u32(tb[PORTSPACE_A_IFINDEX]);
	port->state = netlink_u32(tb[PORTSPACE_A_STATE]);
	port->flags = read_flags(netlink_u32(tb[PORTSPACE_A_FLAGS]));
	/* A connection has its port, whoever chose it. */
	if (port->state == PORTSPACE_TAKEN)
		port->flags &= ~FLAG_LATE_PORT;
	if (port->local.family != AF_INET6 || !address_is_any(&port->local))
		port->flags &= ~FLAG_V6ONLY;
	port->uid = netlink_u32(tb[PORTSPACE_A_UID]);
	port->inode = netlink_u32(tb[PORTSPACE_A_INODE]);
	port->cookie = netlink_u64(tb[PORTSPACE_A_COOKIE]);
	port->pid = netlink_u32(tb[PORTSPACE_A_PID]);
	netlink_string(tb[PORTSPACE_A_COMM], port->program, sizeof(port->program));
	return MNL_CB_OK;
}

/* 0, or -1 and errno; ENOENT: portspace is not loaded. */
int ports_read(struct ports *ports)
{
	struct netlink *nl = netlink_open(NETLINK_GENERIC);
	uint16_t id;
	int ret = -1;

	if (!nl)
		return -1;
	id = family_id(nl);
	if (id) {
		request(nl, id, PORTSPACE_CMD_RESERVATION_GET, NLM_F_DUMP);
		ret = netlink_talk(nl, read_port, ports);
	}
	ports->known = !ret;
	netlink_close(nl);
	return ret;
}

void ports_clear(struct ports *ports)
{
	free(ports->all);
	memset(ports, 0, sizeof(*ports));
}
