// SPDX-License-Identifier: GPL-2.0
/*
 * What only an emulation needs to be told from user space.
 */
#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include "emulated.h"
#include "rnic_emulated.h"

static const struct nla_policy emu_policy[RNIC_EMU_ATTR_MAX + 1] = {
	[RNIC_EMU_ADAPTER] = { .type = NLA_U32 },
	[RNIC_EMU_NETNS_FD] = { .type = NLA_U32 },
	[RNIC_EMU_IFINDEX] = { .type = NLA_U32 },
	[RNIC_EMU_STEERING] = NLA_POLICY_MAX(NLA_U8, 1),
};

static int emu_attach(struct sk_buff *skb, struct genl_info *info)
{
	struct emu_adapter *adapter;
	struct net *net;
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, RNIC_EMU_ADAPTER) ||
	    GENL_REQ_ATTR_CHECK(info, RNIC_EMU_NETNS_FD))
		return -EINVAL;
	net = get_net_ns_by_fd(nla_get_u32(info->attrs[RNIC_EMU_NETNS_FD]));
	if (IS_ERR(net))
		return PTR_ERR(net);
	rtnl_lock();
	adapter = emu_adapter_by_id(nla_get_u32(info->attrs[RNIC_EMU_ADAPTER]));
	ret = adapter ? emu_port_create(adapter, net) : -ENODEV;
	rtnl_unlock();
	put_net(net);
	return ret;
}

static struct emu_adapter *emu_adapter_of(struct genl_info *info)
{
	struct net_device *netdev;
	struct emu_adapter *adapter;

	netdev = __dev_get_by_index(genl_info_net(info),
				    nla_get_u32(info->attrs[RNIC_EMU_IFINDEX]));
	list_for_each_entry(adapter, &emu_adapters, item) {
		if (netdev && adapter->lower == netdev)
			return adapter;
	}
	return NULL;
}

static int emu_set(struct sk_buff *skb, struct genl_info *info)
{
	struct emu_adapter *adapter;
	int ret = -ENODEV;

	if (GENL_REQ_ATTR_CHECK(info, RNIC_EMU_IFINDEX))
		return -EINVAL;
	rtnl_lock();
	adapter = emu_adapter_of(info);
	if (adapter) {
		if (info->attrs[RNIC_EMU_STEERING])
			WRITE_ONCE(adapter->steering,
				   nla_get_u8(info->attrs[RNIC_EMU_STEERING]));
		ret = 0;
	}
	rtnl_unlock();
	return ret;
}

static const struct genl_small_ops emu_genl_ops[] = {
	{
		.cmd = RNIC_EMU_ATTACH,
		.flags = GENL_ADMIN_PERM,
		.doit = emu_attach,
	},
	{
		.cmd = RNIC_EMU_SET,
		.flags = GENL_ADMIN_PERM,
		.doit = emu_set,
	},
};

static struct genl_family emu_genl_family __ro_after_init = {
	.name = RNIC_EMU_FAMILY,
	.version = RNIC_EMU_VERSION,
	.maxattr = RNIC_EMU_ATTR_MAX,
	.policy = emu_policy,
	.module = THIS_MODULE,
	.netnsok = true,
	.small_ops = emu_genl_ops,
	.n_small_ops = ARRAY_SIZE(emu_genl_ops),
	.resv_start_op = RNIC_EMU_SET + 1,
};

int emu_netlink_init(void)
{
	return genl_register_family(&emu_genl_family);
}

void emu_netlink_exit(void)
{
	genl_unregister_family(&emu_genl_family);
}
