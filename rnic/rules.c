// SPDX-License-Identifier: GPL-2.0
/*
 * Rules by which packets go to functions: numbered here, followed by adapters.
 */
#include <linux/slab.h>
#include "rnic.h"

/* In the order of their numbers; under rnic_lock */
LIST_HEAD(rnic_rules);

/**
 * rules_add() - have a rule followed
 * @rule: filled in but for its number; kept if that works
 *
 * Context: rnic_lock.
 * Return: 0 or the adapter's errno.
 */
int rules_add(struct rnic_rule *rule)
{
	struct rnic_rule *other;
	int ret;

	rule->id = 1;
	list_for_each_entry(other, &rnic_rules, item) {
		if (other->fn->adapter == rule->fn->adapter && other->id >= rule->id)
			rule->id = other->id + 1;
	}
	ret = rule->fn->adapter->ops->rule_add(rule);
	if (ret)
		return ret;
	list_add_tail(&rule->item, &rnic_rules);
	atomic_inc(&rnic_changes);
	return 0;
}

static void rule_remove(struct rnic_rule *rule)
{
	list_del(&rule->item);
	atomic_inc(&rnic_changes);
	rule->fn->adapter->ops->rule_remove(rule);
	kfree(rule);
}

/* Of a function; false: it has none with that number. Under rnic_lock */
bool rules_delete(struct rnic_function *fn, u32 id)
{
	struct rnic_rule *rule;

	list_for_each_entry(rule, &rnic_rules, item) {
		if (rule->fn == fn && rule->id == id) {
			rule_remove(rule);
			return true;
		}
	}
	return false;
}

/* The function goes; under rnic_lock. */
void rules_forget(struct rnic_function *fn)
{
	struct rnic_rule *rule, *next;

	list_for_each_entry_safe(rule, next, &rnic_rules, item) {
		if (rule->fn == fn)
			rule_remove(rule);
	}
}
