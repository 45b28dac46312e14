// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink: a family's number, and requests to it.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include "rnicctl.h"

static int take_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[CTRL_ATTR_MAX + 1];

	netlink_parse(nlh, sizeof(struct genlmsghdr), tb, CTRL_ATTR_MAX);
	*(uint16_t *)data = netlink_u32(tb[CTRL_ATTR_FAMILY_ID]);
	return MNL_CB_OK;
}

/* A socket and the number of the family NAME, or NULL: ENOENT if nobody has brought it */
struct netlink *genl_open(const char *name, uint16_t *family)
{
	struct netlink *nl = netlink_open(NETLINK_GENERIC);
	struct nlmsghdr *nlh;

	if (!nl)
		return NULL;
	*family = 0;
	nlh = genl_request(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
	if (!netlink_talk(nl, take_family, family) && *family)
		return nl;
	netlink_close(nl);
	return NULL;
}

struct nlmsghdr *genl_request(struct netlink *nl, uint16_t family, uint8_t command, uint16_t flags)
{
	struct nlmsghdr *nlh = netlink_request(nl, family, flags);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	genl->cmd = command;
	genl->version = 1;
	return nlh;
}
