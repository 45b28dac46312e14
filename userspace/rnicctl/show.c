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

/* @only: an adapter's name, or that of a function's interface; NULL: all */
static bool is_meant(const char *only, const char *adapter, const char *function)
{
	return !only || !strcmp(only, adapter) || (function && !strcmp(only, function));
}

static bool adapter_is_known(const struct model *model, const char *name)
{
	size_t i;

	for (i = 0; i < model->adapter_count; i++)
		if (!strcmp(model->adapters[i].name, name))
			return true;
	return false;
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

	printf("    %s/%u %s %s", fn->adapter, fn->number, fn->name, kind_name(fn->kind));
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

		if (strcmp(rule->adapter, fn->adapter) || rule->number != fn->number)
			continue;
		printf("        rule %u:", rule->id);
		text_match(rule);
		printf(" packets %ju octets %ju\n", (uintmax_t)rule->packets, (uintmax_t)rule->octets);
	}
}

static void text_functions(const struct model *model, const char *adapter, const char *only)
{
	size_t i;

	for (i = 0; i < model->function_count; i++) {
		const struct function *fn = &model->functions[i];

		if (adapter ? !strcmp(fn->adapter, adapter) && is_meant(only, adapter, fn->name) :
			      !adapter_is_known(model, fn->adapter) && is_meant(only, "", fn->name))
			text_function(model, fn);
	}
}

void show_text(const struct model *model, const char *only)
{
	size_t i, j;

	for (i = 0; i < model->adapter_count; i++) {
		const struct adapter *adapter = &model->adapters[i];

		if (is_meant(only, adapter->name, NULL)) {
			printf("adapter %s\n    packets:", adapter->name);
			for (j = 0; j < adapter->count; j++)
				printf(" %s %ju", adapter->counters[j].name, (uintmax_t)adapter->counters[j].value);
			putchar('\n');
		}
		text_functions(model, adapter->name, only);
	}
	/* Whose port is in another namespace */
	text_functions(model, NULL, only);
}

/* As JSON: an array of adapters, as far as they are seen, and one of functions with all of theirs */

static void json_adapter(const struct adapter *adapter)
{
	size_t i;

	printf("{\"name\":");
	text_json(stdout, adapter->name);
	printf(",\"counters\":{");
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
	printf(",\"number\":%u,\"ifname\":", fn->number);
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
		if (strcmp(model->rules[i].adapter, fn->adapter) || model->rules[i].number != fn->number)
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
		if (!is_meant(only, model->adapters[i].name, NULL))
			continue;
		printf("%s", comma);
		json_adapter(&model->adapters[i]);
		comma = ",";
	}
	printf("],\"functions\":[");
	comma = "";
	for (i = 0; i < model->function_count; i++) {
		if (!is_meant(only, model->functions[i].adapter, model->functions[i].name))
			continue;
		printf("%s", comma);
		json_function(model, &model->functions[i]);
		comma = ",";
	}
	printf("]}\n");
}
