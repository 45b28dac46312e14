// SPDX-License-Identifier: GPL-2.0
/*
 * Asking the kernel for adapters, functions and rules.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "memory.h"
#include "model.h"
#include "rnic_netlink.h"
#include "rnicctl.h"

/* How often what something came between is asked for */
#define TRIES	100

#define PARSE(nlh, tb)	netlink_parse(nlh, sizeof(struct genlmsghdr), tb, RNIC_NL_ATTR_MAX)

static void take_prefix(const struct nlattr *address, const struct nlattr *bits, struct prefix *prefix)
{
	size_t len = address ? mnl_attr_get_payload_len(address) : 0;

	if (len != 4 && len != 16)
		return;
	prefix->family = len == 4 ? AF_INET : AF_INET6;
	memcpy(&prefix->addr, mnl_attr_get_payload(address), len);
	prefix->bits = bits ? netlink_u32(bits) : 8 * len;
}

/* Adapters */

static int take_counter(const struct nlattr *attr, void *data)
{
	const struct nlattr *tb[RNIC_NL_ATTR_MAX + 1];
	struct adapter *adapter = data;
	struct counter *counter;

	if (mnl_attr_get_type(attr) != RNIC_NL_COUNTER)
		return MNL_CB_OK;
	netlink_parse_nested(attr, tb, RNIC_NL_ATTR_MAX);
	adapter->counters = grow(adapter->counters, adapter->count, &adapter->room, sizeof(*counter));
	counter = &adapter->counters[adapter->count++];
	netlink_string(tb[RNIC_NL_NAME], counter->name, sizeof(counter->name));
	counter->value = netlink_u64(tb[RNIC_NL_PACKETS]);
	return MNL_CB_OK;
}

static int take_adapter(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[RNIC_NL_ATTR_MAX + 1];
	struct model *model = data;
	struct adapter *adapter;

	PARSE(nlh, tb);
	model->adapters = grow(model->adapters, model->adapter_count, &model->adapter_room, sizeof(*adapter));
	adapter = &model->adapters[model->adapter_count++];
	netlink_string(tb[RNIC_NL_ADAPTER], adapter->name, sizeof(adapter->name));
	adapter->id = netlink_u32(tb[RNIC_NL_ADAPTER_ID]);
	adapter->port = netlink_u32(tb[RNIC_NL_PORT]);
	adapter->steering = netlink_u32(tb[RNIC_NL_STEERING]);
	adapter->flows = netlink_u32(tb[RNIC_NL_FLOWS]);
	adapter->handles = netlink_u32(tb[RNIC_NL_HANDLES]);
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), take_counter, adapter);
}

/* Functions */

static int take_address(const struct nlattr *attr, void *data)
{
	const struct nlattr *tb[RNIC_NL_ATTR_MAX + 1];
	struct function *fn = data;
	struct prefix address = {};

	if (mnl_attr_get_type(attr) != RNIC_NL_ADDRESS)
		return MNL_CB_OK;
	netlink_parse_nested(attr, tb, RNIC_NL_ATTR_MAX);
	take_prefix(tb[RNIC_NL_DEST], NULL, &address);
	if (!address.family)
		return MNL_CB_OK;
	address.vlan = netlink_u32(tb[RNIC_NL_VLAN]);
	fn->addresses = grow(fn->addresses, fn->count, &fn->room, sizeof(address));
	fn->addresses[fn->count++] = address;
	return MNL_CB_OK;
}

/* The next one; or that of the message before, which had no place for all addresses */
static struct function *function_at(struct model *model, uint32_t adapter_id, unsigned int number)
{
	struct function *fn = model->function_count ? &model->functions[model->function_count - 1] : NULL;

	if (fn && fn->adapter_id == adapter_id && fn->number == number)
		return fn;
	model->functions = grow(model->functions, model->function_count, &model->function_room, sizeof(*fn));
	fn = &model->functions[model->function_count++];
	fn->adapter_id = adapter_id;
	fn->number = number;
	return fn;
}

static int take_function(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[RNIC_NL_ATTR_MAX + 1];
	struct model *model = data;
	struct function *fn;

	PARSE(nlh, tb);
	fn = function_at(model, netlink_u32(tb[RNIC_NL_ADAPTER_ID]), netlink_u32(tb[RNIC_NL_NUMBER]));
	netlink_string(tb[RNIC_NL_ADAPTER], fn->adapter, sizeof(fn->adapter));
	netlink_string(tb[RNIC_NL_IFNAME], fn->name, sizeof(fn->name));
	fn->kind = netlink_u32(tb[RNIC_NL_KIND]);
	fn->role = netlink_u32(tb[RNIC_NL_ROLE]);
	fn->elsewhere = !tb[RNIC_NL_IFINDEX];
	fn->netnsid = (int32_t)netlink_u32(tb[RNIC_NL_NETNSID]);
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), take_address, fn);
}

/* Rules */

static int take_rule(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[RNIC_NL_ATTR_MAX + 1];
	struct model *model = data;
	struct rule *rule;

	PARSE(nlh, tb);
	model->rules = grow(model->rules, model->rule_count, &model->rule_room, sizeof(*rule));
	rule = &model->rules[model->rule_count++];
	rule->adapter_id = netlink_u32(tb[RNIC_NL_ADAPTER_ID]);
	netlink_string(tb[RNIC_NL_IFNAME], rule->name, sizeof(rule->name));
	rule->number = netlink_u32(tb[RNIC_NL_NUMBER]);
	rule->id = netlink_u32(tb[RNIC_NL_RULE]);
	rule->protocol = netlink_u32(tb[RNIC_NL_PROTOCOL]);
	take_prefix(tb[RNIC_NL_SOURCE], tb[RNIC_NL_SOURCE_PREFIX], &rule->source);
	take_prefix(tb[RNIC_NL_DEST], tb[RNIC_NL_DEST_PREFIX], &rule->dest);
	rule->source_port = ntohs(netlink_u32(tb[RNIC_NL_SOURCE_PORT]));
	rule->dest_port = ntohs(netlink_u32(tb[RNIC_NL_DEST_PORT]));
	rule->tos = netlink_u32(tb[RNIC_NL_TOS]);
	rule->tos_mask = netlink_u32(tb[RNIC_NL_TOS_MASK]);
	rule->packets = netlink_u64(tb[RNIC_NL_PACKETS]);
	rule->octets = netlink_u64(tb[RNIC_NL_OCTETS]);
	return MNL_CB_OK;
}

static int model_ask(struct model *model)
{
	static const struct {
		uint8_t command;
		mnl_cb_t take;
	} dumps[] = {
		{ RNIC_NL_GET_ADAPTERS, take_adapter },
		{ RNIC_NL_GET_FUNCTIONS, take_function },
		{ RNIC_NL_GET_RULES, take_rule },
	};
	struct netlink *nl;
	uint16_t family;
	size_t i;
	int ret = 0;

	memset(model, 0, sizeof(*model));
	nl = genl_open(RNIC_NL_FAMILY, &family);
	if (!nl)
		return -1;
	for (i = 0; i < 3 && ret >= 0; i++) {
		genl_request(nl, family, dumps[i].command, NLM_F_DUMP);
		ret = netlink_talk(nl, dumps[i].take, model);
	}
	netlink_close(nl);
	return ret < 0 ? -1 : 0;
}

/* Return: 0, or -1 with errno; ENOENT: there is no rnic module; EINTR: too much comes and goes. */
int model_read(struct model *model)
{
	int tries, ret;

	for (tries = 0; tries < TRIES; tries++) {
		ret = model_ask(model);
		if (!ret || errno != EINTR)
			return ret;
		model_free(model);
	}
	return ret;
}

void model_free(struct model *model)
{
	size_t i;

	for (i = 0; i < model->adapter_count; i++)
		free(model->adapters[i].counters);
	for (i = 0; i < model->function_count; i++)
		free(model->functions[i].addresses);
	free(model->adapters);
	free(model->functions);
	free(model->rules);
}
