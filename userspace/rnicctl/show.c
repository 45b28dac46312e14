// SPDX-License-Identifier: GPL-2.0
/*
 * Adapters, for people and as JSON.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "model.h"
#include "rnic_netlink.h"
#include "text.h"

const char *kind_name(unsigned int kind)
{
	return kind == RNIC_L3 ? "l3" : "l2";
}

const char *role_name(unsigned int role)
{
	static const char *const names[] = {
		[RNIC_ROLE_NONE] = "none",
		[RNIC_ROLE_PRIMARY] = "primary",
		[RNIC_ROLE_SECONDARY] = "secondary",
	};

	return role < sizeof(names) / sizeof(*names) ? names[role] : "unknown";
}

const char *prefix_text(const struct prefix *prefix, bool with_bits, char *buf, size_t size)
{
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(prefix->family, &prefix->addr, addr, sizeof(addr));
	if (with_bits)
		snprintf(buf, size, "%s/%u", addr, prefix->bits);
	else
		snprintf(buf, size, "%s", addr);
	return buf;
}

/* @only: the name of an adapter in this namespace, or of a function's interface; NULL: all */
static bool is_meant(const char *only, const char *name)
{
	return !only || !strcmp(only, name);
}

/* The adapter of a function, or NULL: its port is in another namespace. */
static const struct adapter *adapter_of(const struct model *model, const struct function *fn)
{
	size_t i;

	for (i = 0; i < model->adapter_count; i++)
		if (model->adapters[i].id == fn->adapter_id)
			return &model->adapters[i];
	return NULL;
}

static bool function_is_meant(const struct model *model, const struct function *fn, const char *only)
{
	const struct adapter *adapter = adapter_of(model, fn);

	return is_meant(only, fn->name) || (adapter && is_meant(only, adapter->name));
}

/* Whether an adapter or a function is called that */
bool show_finds(const struct model *model, const char *name)
{
	size_t i;

	for (i = 0; i < model->adapter_count; i++)
		if (is_meant(name, model->adapters[i].name))
			return true;
	for (i = 0; i < model->function_count; i++)
		if (function_is_meant(model, &model->functions[i], name))
			return true;
	return false;
}

static bool rule_is_of(const struct rule *rule, const struct function *fn)
{
	return rule->adapter_id == fn->adapter_id && rule->number == fn->number;
}

/* For people */

static void text_match(const struct rule *rule)
{
	char buf[64];

	if (rule->protocol)
		printf(" proto %u", rule->protocol);
	if (rule->source.family)
		printf(" src %s", prefix_text(&rule->source, true, buf, sizeof(buf)));
	if (rule->dest.family)
		printf(" dst %s", prefix_text(&rule->dest, true, buf, sizeof(buf)));
	if (rule->source_port)
		printf(" sport %u", rule->source_port);
	if (rule->dest_port)
		printf(" dport %u", rule->dest_port);
	if (rule->tos_mask)
		printf(" tos 0x%02x/0x%02x", rule->tos, rule->tos_mask);
}

static void text_function(const struct model *model, const struct function *fn)
{
	char buf[64];
	size_t i;

	printf("    ");
	text_plain(stdout, fn->adapter);
	printf("/%u ", fn->number);
	text_plain(stdout, fn->name);
	printf(" %s", kind_name(fn->kind));
	if (fn->role)
		printf(" %s", role_name(fn->role));
	if (fn->elsewhere && fn->netnsid >= 0)
		printf(" netnsid %d", fn->netnsid);
	else if (fn->elsewhere)
		printf(" in another namespace");
	putchar('\n');
	for (i = 0; i < fn->count; i++) {
		printf("        address %s", prefix_text(&fn->addresses[i], false, buf, sizeof(buf)));
		if (fn->addresses[i].vlan)
			printf(" vlan %u", fn->addresses[i].vlan);
		putchar('\n');
	}
	for (i = 0; i < model->rule_count; i++) {
		const struct rule *rule = &model->rules[i];

		if (!rule_is_of(rule, fn))
			continue;
		printf("        rule %u:", rule->id);
		text_match(rule);
		printf(" packets %ju octets %ju\n", (uintmax_t)rule->packets, (uintmax_t)rule->octets);
	}
}

/* @adapter: whose; NULL: of adapters in other namespaces */
static void text_functions(const struct model *model, const struct adapter *adapter, const char *only)
{
	size_t i;

	for (i = 0; i < model->function_count; i++) {
		const struct function *fn = &model->functions[i];

		if (adapter_of(model, fn) != adapter || !function_is_meant(model, fn, only))
			continue;
		if (!adapter) {
			printf("adapter ");
			text_plain(stdout, fn->adapter);
			printf(", in another namespace\n");
		}
		text_function(model, fn);
	}
}

void show_text(const struct model *model, const char *only)
{
	size_t i, j;

	for (i = 0; i < model->adapter_count; i++) {
		const struct adapter *adapter = &model->adapters[i];

		if (is_meant(only, adapter->name)) {
			printf("adapter ");
			text_plain(stdout, adapter->name);
			printf("\n    steering %s flows %u handles %u\n    packets:",
			       adapter->steering ? "on" : "off", adapter->flows, adapter->handles);
			for (j = 0; j < adapter->count; j++)
				printf(" %s %ju", adapter->counters[j].name, (uintmax_t)adapter->counters[j].value);
			putchar('\n');
		}
		text_functions(model, adapter, only);
	}
	text_functions(model, NULL, only);
}

/* As JSON: an array of adapters, as far as they are seen, and one of functions with all of theirs */

static void json_adapter(const struct adapter *adapter)
{
	size_t i;

	printf("{\"id\":%u,\"name\":", adapter->id);
	text_json(stdout, adapter->name);
	printf(",\"steering\":%s,\"flows\":%u,\"handles\":%u,\"counters\":{",
	       adapter->steering ? "true" : "false", adapter->flows, adapter->handles);
	for (i = 0; i < adapter->count; i++) {
		printf("%s", i ? "," : "");
		text_json(stdout, adapter->counters[i].name);
		printf(":%ju", (uintmax_t)adapter->counters[i].value);
	}
	printf("}}");
}

static void json_rule(const struct rule *rule)
{
	char buf[64];

	printf("{\"id\":%u", rule->id);
	if (rule->protocol)
		printf(",\"protocol\":%u", rule->protocol);
	if (rule->source.family)
		printf(",\"src\":\"%s\"", prefix_text(&rule->source, true, buf, sizeof(buf)));
	if (rule->dest.family)
		printf(",\"dst\":\"%s\"", prefix_text(&rule->dest, true, buf, sizeof(buf)));
	if (rule->source_port)
		printf(",\"sport\":%u", rule->source_port);
	if (rule->dest_port)
		printf(",\"dport\":%u", rule->dest_port);
	if (rule->tos_mask)
		printf(",\"tos\":%u,\"tos_mask\":%u", rule->tos, rule->tos_mask);
	printf(",\"packets\":%ju,\"octets\":%ju}", (uintmax_t)rule->packets, (uintmax_t)rule->octets);
}

static void json_function(const struct model *model, const struct function *fn)
{
	const char *comma = "";
	char buf[64];
	size_t i;

	printf("{\"adapter\":");
	text_json(stdout, fn->adapter);
	printf(",\"adapter_id\":%u,\"number\":%u,\"ifname\":", fn->adapter_id, fn->number);
	text_json(stdout, fn->name);
	printf(",\"kind\":\"%s\",\"role\":\"%s\"", kind_name(fn->kind), role_name(fn->role));
	if (fn->elsewhere)
		printf(",\"netnsid\":%d", fn->netnsid);
	printf(",\"addresses\":[");
	for (i = 0; i < fn->count; i++) {
		printf("%s{\"address\":\"%s\"", i ? "," : "",
		       prefix_text(&fn->addresses[i], false, buf, sizeof(buf)));
		if (fn->addresses[i].vlan)
			printf(",\"vlan\":%u", fn->addresses[i].vlan);
		putchar('}');
	}
	printf("],\"rules\":[");
	for (i = 0; i < model->rule_count; i++) {
		if (!rule_is_of(&model->rules[i], fn))
			continue;
		printf("%s", comma);
		json_rule(&model->rules[i]);
		comma = ",";
	}
	printf("]}");
}

void show_json(const struct model *model, const char *only)
{
	const char *comma = "";
	size_t i;

	printf("{\"adapters\":[");
	for (i = 0; i < model->adapter_count; i++) {
		if (!is_meant(only, model->adapters[i].name))
			continue;
		printf("%s", comma);
		json_adapter(&model->adapters[i]);
		comma = ",";
	}
	printf("],\"functions\":[");
	comma = "";
	for (i = 0; i < model->function_count; i++) {
		if (!function_is_meant(model, &model->functions[i], only))
			continue;
		printf("%s", comma);
		json_function(model, &model->functions[i]);
		comma = ",";
	}
	printf("]}\n");
}
