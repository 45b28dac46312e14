// SPDX-License-Identifier: GPL-2.0
/*
 * Makes placeholders on demand, and counts what their owner hears.
 *
 *	echo "listen NAME ADDR PORT [reuse]" >/sys/module/wharf_placeholder/parameters/do
 *	echo "accept NAME ADDR PORT PEER PEERPORT LISTENER" > ...
 *	echo "connect NAME ADDR PORT PEER PEERPORT [any]" > ...
 *	echo "flag NAME QPN" > ...
 *	echo "destroy NAME" > ...
 *
 * Each works in the network namespace of the writer and fails with an errno.
 * Port 0 of "connect" is chosen by both ends; "any" has it bound to the wildcard.
 * A name that begins with "mute" has an owner without callbacks.
 * .../parameters/state has a line for each placeholder.
 */
#include <linux/inet.h>
#include <linux/ip.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include "portspace.h"
#include "portspace_placeholder.h"

#define WORDS 7

/**
 * struct item - a placeholder
 * @list: in items
 * @name: of it
 * @res: of a listener
 * @ph: the placeholder
 * @strays: what came
 * @odd: what came and was no IP packet
 * @kills: how often it was killed
 */
struct item {
	struct list_head list;
	char name[16];
	struct portspace_reservation *res;
	struct portspace_placeholder *ph;
	atomic_t strays;
	atomic_t odd;
	atomic_t kills;
};

static LIST_HEAD(items);
static DEFINE_MUTEX(items_lock);

static void item_stray(void *context, struct sk_buff *skb)
{
	struct item *item = context;
	u8 version = ip_hdr(skb)->version;

	atomic_add(max_t(unsigned int, skb_shinfo(skb)->gso_segs, 1), &item->strays);
	if (skb->data != skb_network_header(skb) || (version != 4 && version != 6) || skb->sk)
		atomic_inc(&item->odd);
	kfree_skb(skb);
}

static void item_killed(void *context)
{
	struct item *item = context;

	atomic_inc(&item->kills);
}

static struct item *item_find(const char *name)
{
	struct item *item;

	list_for_each_entry(item, &items, list)
		if (!strcmp(item->name, name))
			return item;
	return NULL;
}

static int parse_end(char **words, struct sockaddr_storage *addr)
{
	return inet_pton_with_scope(current->nsproxy->net_ns, AF_UNSPEC, words[0], words[1], addr);
}

static const struct portspace_flag flag_of_all = {
	.device = "test0", .qpn = 77, .bypasses = PORTSPACE_BYPASS_FILTER,
};

/* For listeners, and for connections that have an end of their own */
static struct portspace_reservation *reserve(const struct sockaddr_storage *addr, bool late,
					     bool reuse)
{
	struct portspace_bind bind = { .addr = *addr, .late_port = late, .reuse = reuse };

	return portspace_reserve(current->nsproxy->net_ns, &bind);
}

static struct portspace_placeholder *make_listener(struct item *item, char **words, int count,
						   const struct portspace_owner *owner)
{
	struct sockaddr_storage addr;
	int err = parse_end(words, &addr);

	if (err)
		return ERR_PTR(err);
	item->res = reserve(&addr, false, count > 2);
	if (IS_ERR(item->res)) {
		err = PTR_ERR(item->res);
		item->res = NULL;
		return ERR_PTR(err);
	}
	return portspace_placeholder_listen(item->res, 7, &flag_of_all, owner);
}

static struct portspace_placeholder *make_accepted(const struct portspace_pair *pair,
						   const char *listener_name,
						   const struct portspace_owner *owner)
{
	struct item *listener = item_find(listener_name);

	if (!listener || !listener->res)
		return ERR_PTR(-ENOENT);
	return portspace_placeholder_accept(listener->res, pair, &flag_of_all, owner);
}

static struct portspace_placeholder *make_active(const struct portspace_pair *pair, bool any,
						 const struct portspace_owner *owner)
{
	struct sockaddr_storage addr = pair->local;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr;
	struct sockaddr_in *in = (struct sockaddr_in *)&addr;
	struct portspace_reservation *res;
	struct portspace_placeholder *ph;

	if (any && addr.ss_family == AF_INET6)
		in6->sin6_addr = in6addr_any;
	else if (any)
		in->sin_addr.s_addr = htonl(INADDR_ANY);
	res = reserve(&addr, !in->sin_port, false);
	if (IS_ERR(res))
		return ERR_CAST(res);
	ph = portspace_placeholder_connect(res, pair, &flag_of_all, owner);
	portspace_put(res);
	return ph;
}

static struct portspace_placeholder *make_connection(char **words, int count, bool accepted,
						     const struct portspace_owner *owner)
{
	struct portspace_pair pair;
	int err;

	if (count < 4 + accepted)
		return ERR_PTR(-EINVAL);
	err = parse_end(words, &pair.local) ?: parse_end(words + 2, &pair.remote);
	if (err)
		return ERR_PTR(err);
	if (accepted)
		return make_accepted(&pair, words[4], owner);
	return make_active(&pair, count > 4, owner);
}

static void item_free(struct item *item)
{
	if (item->ph) {
		portspace_placeholder_destroy(item->ph);
		portspace_placeholder_destroy(item->ph);
		portspace_placeholder_put(item->ph);
	}
	if (item->res)
		portspace_put(item->res);
	kfree(item);
}

static int item_make(char **words, int count)
{
	struct portspace_owner owner = { .stray = item_stray, .killed = item_killed };
	struct portspace_placeholder *ph;
	struct item *item;

	if (count < 4 || item_find(words[1]))
		return -EINVAL;
	item = kzalloc(sizeof(*item), GFP_KERNEL);
	if (!item)
		return -ENOMEM;
	strscpy(item->name, words[1], sizeof(item->name));
	if (strstarts(item->name, "mute"))
		memset(&owner, 0, sizeof(owner));
	owner.context = item;
	if (!strcmp(words[0], "listen"))
		ph = make_listener(item, words + 2, count - 2, &owner);
	else
		ph = make_connection(words + 2, count - 2, !strcmp(words[0], "accept"), &owner);
	if (IS_ERR(ph)) {
		item_free(item);
		return PTR_ERR(ph);
	}
	item->ph = ph;
	list_add_tail(&item->list, &items);
	return 0;
}

static int item_flag(const char *name, const char *qpn)
{
	struct portspace_flag flag = { .device = "test1" };
	struct item *item = item_find(name);
	int err = kstrtou32(qpn, 0, &flag.qpn);

	if (!item)
		return -ENOENT;
	return err ?: portspace_placeholder_flag(item->ph, &flag);
}

static int item_destroy(const char *name)
{
	struct item *item = item_find(name);

	if (!item)
		return -ENOENT;
	list_del(&item->list);
	item_free(item);
	return 0;
}

static int command(char **words, int count)
{
	if (count >= 4)
		return item_make(words, count);
	if (count == 3 && !strcmp(words[0], "flag"))
		return item_flag(words[1], words[2]);
	if (count == 2 && !strcmp(words[0], "destroy"))
		return item_destroy(words[1]);
	return -EINVAL;
}

static int do_set(const char *val, const struct kernel_param *kp)
{
	char *line = kstrdup(val, GFP_KERNEL), *rest, *word, *words[WORDS];
	int count = 0, err;

	if (!line)
		return -ENOMEM;
	rest = strim(line);
	while (count < WORDS && (word = strsep(&rest, " ")))
		words[count++] = word;
	mutex_lock(&items_lock);
	err = command(words, count);
	mutex_unlock(&items_lock);
	kfree(line);
	return err;
}

static int state_get(char *buf, const struct kernel_param *kp)
{
	struct portspace_pair pair;
	struct item *item;
	int at = 0;

	mutex_lock(&items_lock);
	list_for_each_entry(item, &items, list) {
		portspace_placeholder_pair(item->ph, &pair);
		at += scnprintf(buf + at, PAGE_SIZE - at,
				"%s %pISpc %pISpc leaks=%llu strays=%d odd=%d kills=%d\n",
				item->name, &pair.local, &pair.remote,
				portspace_placeholder_leaks(item->ph), atomic_read(&item->strays),
				atomic_read(&item->odd), atomic_read(&item->kills));
	}
	mutex_unlock(&items_lock);
	return at;
}

static const struct kernel_param_ops do_ops = { .set = do_set };
static const struct kernel_param_ops state_ops = { .get = state_get };
module_param_cb(do, &do_ops, NULL, 0200);
module_param_cb(state, &state_ops, NULL, 0400);

static int __init placeholder_test_init(void)
{
	return 0;
}

static void __exit placeholder_test_exit(void)
{
	struct item *item, *next;

	list_for_each_entry_safe(item, next, &items, list)
		item_free(item);
}

module_init(placeholder_test_init);
module_exit(placeholder_test_exit);
MODULE_DESCRIPTION("Wharf: placeholders for tests");
MODULE_LICENSE("GPL");
