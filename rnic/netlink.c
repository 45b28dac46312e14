// SPDX-License-Identifier: GPL-2.0
/*
 * What an administrator sees of adapters, and changes: see rnic_netlink.h.
 */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include "rnic.h"

static struct genl_family rnic_family;

/* Rules that address the wrong length, or a port without TCP or UDP, are refused. */
static const struct nla_policy rnic_policy[RNIC_NL_ATTR_MAX + 1] = {
	[RNIC_NL_PORT] = { .type = NLA_U32 },
	[RNIC_NL_NUMBER] = { .type = NLA_U16 },
	[RNIC_NL_IFINDEX] = { .type = NLA_U32 },
	[RNIC_NL_ROLE] = NLA_POLICY_MAX(NLA_U8, RNIC_ROLE_SECONDARY),
	[RNIC_NL_RULE] = { .type = NLA_U32 },
	[RNIC_NL_PROTOCOL] = { .type = NLA_U8 },
	[RNIC_NL_SOURCE] = { .type = NLA_BINARY, .len = sizeof(struct in6_addr) },
	[RNIC_NL_SOURCE_PREFIX] = { .type = NLA_U8 },
	[RNIC_NL_DEST] = { .type = NLA_BINARY, .len = sizeof(struct in6_addr) },
	[RNIC_NL_DEST_PREFIX] = { .type = NLA_U8 },
	[RNIC_NL_SOURCE_PORT] = { .type = NLA_U16 },
	[RNIC_NL_DEST_PORT] = { .type = NLA_U16 },
	[RNIC_NL_TOS] = { .type = NLA_U8 },
	[RNIC_NL_TOS_MASK] = { .type = NLA_U8 },
};

/* Showing */

/**
 * struct dump - a dump that goes on
 * @skb: the message to fill
 * @cb: netlink's
 * @net: who asks
 * @done: items that earlier messages had
 * @seen: items that were met in this one
 * @addresses: of the item after those, how many addresses earlier messages had
 */
struct dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	struct net *net;
	unsigned int done;
	unsigned int seen;
	unsigned int addresses;
};

static void *dump_begin(struct dump *d, u8 command)
{
	return genlmsg_put(d->skb, NETLINK_CB(d->cb->skb).portid, d->cb->nlh->nlmsg_seq,
			   &rnic_family, NLM_F_MULTI, command);
}

static int dump_end(struct dump *d, void *head, int ret)
{
	if (ret) {
		genlmsg_cancel(d->skb, head);
		return ret;
	}
	genl_dump_check_consistent(d->cb, head);
	genlmsg_end(d->skb, head);
	return 0;
}

static bool sees_port(const struct net *net, const struct rnic_adapter *adapter)
{
	return net_eq(dev_net(adapter->port), net);
}

static bool sees(const struct net *net, const struct rnic_function *fn)
{
	return sees_port(net, fn->adapter) || net_eq(dev_net(fn->netdev), net);
}

static int put_adapter_id(struct dump *d, const struct rnic_adapter *adapter)
{
	if (nla_put_string(d->skb, RNIC_NL_ADAPTER, adapter->name) ||
	    nla_put_u32(d->skb, RNIC_NL_ADAPTER_ID, adapter->id))
		return -EMSGSIZE;
	if (!sees_port(d->net, adapter))
		return 0;
	return nla_put_u32(d->skb, RNIC_NL_PORT, adapter->port->ifindex);
}

static int put_counter(struct sk_buff *skb, const char *name, u64 value)
{
	struct nlattr *nest = nla_nest_start(skb, RNIC_NL_COUNTER);

	if (!nest || nla_put_string(skb, RNIC_NL_NAME, name) ||
	    nla_put_u64_64bit(skb, RNIC_NL_PACKETS, value, RNIC_NL_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_adapter(struct dump *d, struct rnic_adapter *adapter)
{
	const char *name;
	unsigned int n;
	u64 value;

	if (put_adapter_id(d, adapter) ||
	    nla_put_u8(d->skb, RNIC_NL_STEERING,
		       !adapter->ops->steering || adapter->ops->steering(adapter)) ||
	    nla_put_u32(d->skb, RNIC_NL_FLOWS, atomic_read(&adapter->flows)) ||
	    nla_put_u32(d->skb, RNIC_NL_HANDLES, handle_count(adapter)))
		return -EMSGSIZE;
	for (n = 0; adapter->ops->counter; n++) {
		name = adapter->ops->counter(adapter, n, &value);
		if (!name)
			break;
		if (put_counter(d->skb, name, value))
			return -EMSGSIZE;
	}
	return 0;
}

static int dump_adapters(struct dump *d)
{
	struct rnic_adapter *adapter;
	void *head;

	list_for_each_entry(adapter, &rnic_adapters, item) {
		if (!sees_port(d->net, adapter) || d->seen++ < d->done)
			continue;
		head = dump_begin(d, RNIC_NL_GET_ADAPTERS);
		if (!head || dump_end(d, head, put_adapter(d, adapter)))
			return -EMSGSIZE;
		d->done++;
	}
	return 0;
}

/* IPv4 addresses are mapped; the length tells the family. */
static int put_in6(struct sk_buff *skb, int attr, const struct in6_addr *addr, bool is_ipv4)
{
	return is_ipv4 ? nla_put(skb, attr, sizeof(__be32), &addr->s6_addr32[3]) :
			 nla_put(skb, attr, sizeof(*addr), addr);
}

/**
 * struct address_dump - a function's addresses in a message
 * @d: the dump
 * @seen: those that were met
 */
struct address_dump {
	struct dump *d;
	unsigned int seen;
};

static int put_address(const struct rnic_address *address, void *data)
{
	struct address_dump *a = data;
	struct sk_buff *skb = a->d->skb;
	struct in6_addr addr;
	struct nlattr *nest;

	if (a->seen++ < a->d->addresses)
		return 0;
	addr_mapped(&addr, &address->addr);
	nest = nla_nest_start(skb, RNIC_NL_ADDRESS);
	if (!nest || put_in6(skb, RNIC_NL_DEST, &addr, address->addr.ss_family == AF_INET) ||
	    (address->vlan && nla_put_u16(skb, RNIC_NL_VLAN, address->vlan))) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	a->d->addresses++;
	return 0;
}

static int put_function_id(struct dump *d, struct rnic_function *fn)
{
	struct net *net = dev_net(fn->netdev);

	if (put_adapter_id(d, fn->adapter) || nla_put_u16(d->skb, RNIC_NL_NUMBER, fn->number) ||
	    nla_put_u8(d->skb, RNIC_NL_KIND, fn->kind) ||
	    nla_put_u8(d->skb, RNIC_NL_ROLE, fn->role) ||
	    nla_put_string(d->skb, RNIC_NL_IFNAME, fn->netdev->name))
		return -EMSGSIZE;
	return net_eq(net, d->net) ? nla_put_u32(d->skb, RNIC_NL_IFINDEX, fn->netdev->ifindex) :
				     nla_put_s32(d->skb, RNIC_NL_NETNSID, peernet2id(d->net, net));
}

/* What does not fit of its addresses comes in messages of the same function. */
static int put_function(struct dump *d, struct rnic_function *fn)
{
	void *head = dump_begin(d, RNIC_NL_GET_FUNCTIONS);
	unsigned int before = d->addresses;
	struct address_dump a = { .d = d };
	int ret;

	if (!head)
		return -EMSGSIZE;
	ret = put_function_id(d, fn) ?: address_each(fn, put_address, &a);
	if (ret && d->addresses == before)
		return dump_end(d, head, ret);
	dump_end(d, head, 0);
	return ret;
}

static int dump_functions_of(struct dump *d, struct rnic_adapter *adapter)
{
	struct rnic_function *fn;

	list_for_each_entry(fn, &adapter->functions, item) {
		if (!sees(d->net, fn) || d->seen++ < d->done)
			continue;
		if (put_function(d, fn))
			return -EMSGSIZE;
		d->done++;
		d->addresses = 0;
	}
	return 0;
}

static int dump_functions(struct dump *d)
{
	struct rnic_adapter *adapter;
	int ret = 0;

	list_for_each_entry(adapter, &rnic_adapters, item)
		ret = ret ?: dump_functions_of(d, adapter);
	return ret;
}

static int put_rule_address(struct sk_buff *skb, const struct rnic_rule *rule, int attr,
			    int prefix_attr, const struct in6_addr *addr, u8 bits)
{
	bool is_ipv4 = rule->family == AF_INET;

	return put_in6(skb, attr, addr, is_ipv4) ?:
	       nla_put_u8(skb, prefix_attr, is_ipv4 ? max_t(u8, bits, 96) - 96 : bits);
}

static int put_rule_addresses(struct sk_buff *skb, const struct rnic_rule *rule)
{
	int least = rule->family == AF_INET ? 96 : 0;
	bool source = rule->source_bits > least;

	if (source && put_rule_address(skb, rule, RNIC_NL_SOURCE, RNIC_NL_SOURCE_PREFIX,
				       &rule->source, rule->source_bits))
		return -EMSGSIZE;
	/* Where no prefix has a length, one still says which family is meant. */
	if (rule->dest_bits <= least && (source || !rule->family))
		return 0;
	return put_rule_address(skb, rule, RNIC_NL_DEST, RNIC_NL_DEST_PREFIX, &rule->dest,
				rule->dest_bits);
}

static int put_rule_match(struct sk_buff *skb, const struct rnic_rule *rule)
{
	if (rule->protocol && nla_put_u8(skb, RNIC_NL_PROTOCOL, rule->protocol))
		return -EMSGSIZE;
	if (rule->source_port && nla_put_be16(skb, RNIC_NL_SOURCE_PORT, rule->source_port))
		return -EMSGSIZE;
	if (rule->dest_port && nla_put_be16(skb, RNIC_NL_DEST_PORT, rule->dest_port))
		return -EMSGSIZE;
	if (rule->tos_mask && (nla_put_u8(skb, RNIC_NL_TOS, rule->tos) ||
			       nla_put_u8(skb, RNIC_NL_TOS_MASK, rule->tos_mask)))
		return -EMSGSIZE;
	return put_rule_addresses(skb, rule);
}

static int put_rule(struct dump *d, struct rnic_rule *rule)
{
	u64 packets, octets;

	rule->fn->adapter->ops->rule_count(rule, &packets, &octets);
	if (put_adapter_id(d, rule->fn->adapter) ||
	    nla_put_u16(d->skb, RNIC_NL_NUMBER, rule->fn->number) ||
	    nla_put_string(d->skb, RNIC_NL_IFNAME, rule->fn->netdev->name) ||
	    nla_put_u32(d->skb, RNIC_NL_RULE, rule->id) ||
	    nla_put_u64_64bit(d->skb, RNIC_NL_PACKETS, packets, RNIC_NL_PAD) ||
	    nla_put_u64_64bit(d->skb, RNIC_NL_OCTETS, octets, RNIC_NL_PAD))
		return -EMSGSIZE;
	return put_rule_match(d->skb, rule);
}

static int dump_rules(struct dump *d)
{
	struct rnic_rule *rule;
	void *head;

	list_for_each_entry(rule, &rnic_rules, item) {
		if (!sees(d->net, rule->fn) || d->seen++ < d->done)
			continue;
		head = dump_begin(d, RNIC_NL_GET_RULES);
		if (!head || dump_end(d, head, put_rule(d, rule)))
			return -EMSGSIZE;
		d->done++;
	}
	return 0;
}

/*
 * A dump goes on where the message before it ended, by counting. If something came or went
 * meanwhile that is not the same place, and the message says so (NLM_F_DUMP_INTR).
 */
static int dump(struct sk_buff *skb, struct netlink_callback *cb, int (*all)(struct dump *d))
{
	struct dump d = {
		.skb = skb,
		.cb = cb,
		.net = sock_net(skb->sk),
		.done = cb->args[0],
		.addresses = cb->args[1],
	};
	int ret;

	mutex_lock(&rnic_lock);
	/* 0 would mean that nobody counts. */
	cb->seq = atomic_read(&rnic_changes) ?: 1;
	ret = all(&d);
	mutex_unlock(&rnic_lock);
	cb->args[0] = d.done;
	cb->args[1] = d.addresses;
	return skb->len ?: ret;
}

static int nl_get_adapters(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, dump_adapters);
}

static int nl_get_functions(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, dump_functions);
}

static int nl_get_rules(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, dump_rules);
}

/* Changing; under rtnl and rnic_lock */

static struct rnic_function *find_by_number(const struct net *net, u32 port, u16 number)
{
	struct rnic_adapter *adapter;
	struct rnic_function *fn;

	list_for_each_entry(adapter, &rnic_adapters, item) {
		if (!sees_port(net, adapter) || adapter->port->ifindex != port)
			continue;
		list_for_each_entry(fn, &adapter->functions, item) {
			if (fn->number == number)
				return fn;
		}
	}
	return NULL;
}

static struct rnic_function *find_function(struct genl_info *info)
{
	struct net *net = genl_info_net(info);
	struct rnic_function *fn = NULL;
	struct net_device *netdev;
	u16 vlan = 0;

	if (info->attrs[RNIC_NL_IFINDEX]) {
		netdev = __dev_get_by_index(net, nla_get_u32(info->attrs[RNIC_NL_IFINDEX]));
		if (netdev)
			fn = rnic_function_of(netdev, &vlan);
		if (fn && !vlan)
			return fn;
		NL_SET_ERR_MSG(info->extack, "this interface is not a function of an adapter");
		return ERR_PTR(netdev ? -EOPNOTSUPP : -ENODEV);
	}
	if (!info->attrs[RNIC_NL_PORT] || !info->attrs[RNIC_NL_NUMBER]) {
		NL_SET_ERR_MSG(info->extack, "which function?");
		return ERR_PTR(-EINVAL);
	}
	fn = find_by_number(net, nla_get_u32(info->attrs[RNIC_NL_PORT]),
			    nla_get_u16(info->attrs[RNIC_NL_NUMBER]));
	if (fn)
		return fn;
	NL_SET_ERR_MSG(info->extack, "there is no such function");
	return ERR_PTR(-ENODEV);
}

static int change(struct genl_info *info,
		  int (*how)(struct rnic_function *fn, struct genl_info *info))
{
	struct rnic_function *fn;
	int ret;

	rtnl_lock();
	mutex_lock(&rnic_lock);
	fn = find_function(info);
	ret = IS_ERR(fn) ? PTR_ERR(fn) : how(fn, info);
	mutex_unlock(&rnic_lock);
	rtnl_unlock();
	return ret;
}

static int change_role(struct rnic_function *fn, struct genl_info *info)
{
	enum rnic_nl_role role;
	struct rnic_function *other;
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, RNIC_NL_ROLE))
		return -EINVAL;
	if (!fn->adapter->ops->set_role) {
		NL_SET_ERR_MSG(info->extack, "this adapter has no routers");
		return -EOPNOTSUPP;
	}
	role = nla_get_u8(info->attrs[RNIC_NL_ROLE]);
	if (role != RNIC_ROLE_NONE && fn->kind == RNIC_L3) {
		NL_SET_ERR_MSG(info->extack, "an IP-only function is no router: it needs one");
		return -EOPNOTSUPP;
	}
	ret = fn->adapter->ops->set_role(fn, role);
	if (ret)
		return ret;
	list_for_each_entry(other, &fn->adapter->functions, item) {
		if (other->role == role)
			other->role = RNIC_ROLE_NONE;
	}
	fn->role = role;
	return 0;
}

static int rule_set_address(struct rnic_rule *rule, struct genl_info *info, int attr,
			    int prefix_attr, struct in6_addr *addr, u8 *bits)
{
	const struct nlattr *nla = info->attrs[attr];
	int family, most;

	if (!nla)
		return info->attrs[prefix_attr] ? -EINVAL : 0;
	switch (nla_len(nla)) {
	case sizeof(__be32):
		family = AF_INET;
		ipv6_addr_set_v4mapped(nla_get_in_addr(nla), addr);
		break;
	case sizeof(*addr):
		family = AF_INET6;
		*addr = nla_get_in6_addr(nla);
		break;
	default:
		return -EINVAL;
	}
	most = family == AF_INET ? 32 : 128;
	*bits = info->attrs[prefix_attr] ? nla_get_u8(info->attrs[prefix_attr]) : most;
	if (*bits > most || (rule->family && rule->family != family))
		return -EINVAL;
	*bits += 128 - most;
	rule->family = family;
	return 0;
}

static int rule_set(struct rnic_rule *rule, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;

	if (rule_set_address(rule, info, RNIC_NL_SOURCE, RNIC_NL_SOURCE_PREFIX, &rule->source,
			     &rule->source_bits) ||
	    rule_set_address(rule, info, RNIC_NL_DEST, RNIC_NL_DEST_PREFIX, &rule->dest,
			     &rule->dest_bits)) {
		NL_SET_ERR_MSG(info->extack, "addresses are of one family, with lengths that fit");
		return -EINVAL;
	}
	if (attrs[RNIC_NL_PROTOCOL])
		rule->protocol = nla_get_u8(attrs[RNIC_NL_PROTOCOL]);
	if (attrs[RNIC_NL_SOURCE_PORT])
		rule->source_port = nla_get_be16(attrs[RNIC_NL_SOURCE_PORT]);
	if (attrs[RNIC_NL_DEST_PORT])
		rule->dest_port = nla_get_be16(attrs[RNIC_NL_DEST_PORT]);
	if ((rule->source_port || rule->dest_port) && rule->protocol != IPPROTO_TCP &&
	    rule->protocol != IPPROTO_UDP) {
		NL_SET_ERR_MSG(info->extack, "ports are those of TCP or UDP: say which");
		return -EINVAL;
	}
	if (attrs[RNIC_NL_TOS]) {
		rule->tos_mask = 0xff;
		if (attrs[RNIC_NL_TOS_MASK])
			rule->tos_mask = nla_get_u8(attrs[RNIC_NL_TOS_MASK]);
		rule->tos = nla_get_u8(attrs[RNIC_NL_TOS]) & rule->tos_mask;
	}
	return 0;
}

static int change_add_rule(struct rnic_function *fn, struct genl_info *info)
{
	struct rnic_rule *rule;
	int ret;

	if (!fn->adapter->ops->rule_add) {
		NL_SET_ERR_MSG(info->extack, "this adapter steers by no rules");
		return -EOPNOTSUPP;
	}
	rule = kzalloc(sizeof(*rule), GFP_KERNEL);
	if (!rule)
		return -ENOMEM;
	rule->fn = fn;
	ret = rule_set(rule, info);
	ret = ret ?: rules_add(rule);
	if (ret)
		kfree(rule);
	return ret;
}

static int change_delete_rule(struct rnic_function *fn, struct genl_info *info)
{
	if (GENL_REQ_ATTR_CHECK(info, RNIC_NL_RULE))
		return -EINVAL;
	if (!rules_delete(fn, nla_get_u32(info->attrs[RNIC_NL_RULE]))) {
		NL_SET_ERR_MSG(info->extack, "this function has no such rule");
		return -ENOENT;
	}
	return 0;
}

static int nl_set_role(struct sk_buff *skb, struct genl_info *info)
{
	return change(info, change_role);
}

static int nl_add_rule(struct sk_buff *skb, struct genl_info *info)
{
	return change(info, change_add_rule);
}

static int nl_delete_rule(struct sk_buff *skb, struct genl_info *info)
{
	return change(info, change_delete_rule);
}

static const struct genl_small_ops rnic_ops[] = {
	{ .cmd = RNIC_NL_GET_ADAPTERS, .dumpit = nl_get_adapters },
	{ .cmd = RNIC_NL_GET_FUNCTIONS, .dumpit = nl_get_functions },
	{ .cmd = RNIC_NL_SET_ROLE, .doit = nl_set_role, .flags = GENL_ADMIN_PERM },
	{ .cmd = RNIC_NL_GET_RULES, .dumpit = nl_get_rules },
	{ .cmd = RNIC_NL_ADD_RULE, .doit = nl_add_rule, .flags = GENL_ADMIN_PERM },
	{ .cmd = RNIC_NL_DEL_RULE, .doit = nl_delete_rule, .flags = GENL_ADMIN_PERM },
};

static struct genl_family rnic_family __ro_after_init = {
	.name = RNIC_NL_FAMILY,
	.version = RNIC_NL_VERSION,
	.maxattr = RNIC_NL_ATTR_MAX,
	.policy = rnic_policy,
	.module = THIS_MODULE,
	.netnsok = true,
	.small_ops = rnic_ops,
	.n_small_ops = ARRAY_SIZE(rnic_ops),
	.resv_start_op = RNIC_NL_DEL_RULE + 1,
};

int netlink_init(void)
{
	return genl_register_family(&rnic_family);
}

void netlink_exit(void)
{
	genl_unregister_family(&rnic_family);
}
