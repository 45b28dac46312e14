// SPDX-License-Identifier: GPL-2.0
/*
 * What kernel consumers (NVMe-oF, NFS, iSER) use of an RDMA device, tried from
 * both ends at once.
 *
 *	echo "ADDR PORT TEST [COUNT]" >/sys/module/wharf_kverbs/parameters/run
 *
 * Plays the test in the network namespace of the writer, whose address ADDR is;
 * fails with an errno, and then the log has a line that says why. COUNT is the
 * number of rounds, where a test has any.
 */
#include <linux/inet.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <net/net_namespace.h>
#include "kverbs.h"

static const struct {
	const char *name;
	int (*play)(struct kv_world *w);
} tests[] = {
	{ "unregistered", kv_test_unregistered },
	{ "registered", kv_test_registered },
	{ "chain", kv_test_chain },
	{ "renewed", kv_test_renewed },
	{ "access", kv_test_access },
	{ "bounds", kv_test_bounds },
	{ "invalidated", kv_test_invalidated },
	{ "unknown", kv_test_unknown },
	{ "valid", kv_test_valid },
	{ "send_inv", kv_test_send_inv },
	{ "read_inv", kv_test_read_inv },
	{ "other_pd", kv_test_other_pd },
	{ "race", kv_test_race },
	{ "flushed", kv_test_flushed },
	{ "remap", kv_test_remap },
	{ "polled", kv_test_polled },
	{ "drain", kv_test_drain },
	{ "drain_srq", kv_test_drain_srq },
	{ "srq", kv_test_srq },
	{ "resized", kv_test_resized },
	{ "resized_busy", kv_test_resized_busy },
	{ "full", kv_test_full },
	{ "gathered", kv_test_gathered },
	{ "inlined", kv_test_inlined },
};

static DEFINE_MUTEX(one_at_a_time);

static int run_set(const char *val, const struct kernel_param *kp)
{
	struct kv_world w = { .net = current->nsproxy->net_ns, .count = 200 };
	char host[64], port[8], name[16];
	int i, err;

	if (sscanf(val, "%63s %7s %15s %u", host, port, name, &w.count) < 3)
		return -EINVAL;
	err = inet_pton_with_scope(w.net, AF_UNSPEC, host, port, &w.addr);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		if (!strcmp(tests[i].name, name))
			break;
	if (i == ARRAY_SIZE(tests))
		return -ENOENT;

	mutex_lock(&one_at_a_time);
	err = kv_world_open(&w);
	err = err ?: tests[i].play(&w);
	kv_world_close(&w);
	mutex_unlock(&one_at_a_time);
	if (err)
		pr_err("wharf_kverbs: %s: failed, error %d\n", name, err);
	return err;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);

static int __init kverbs_init(void)
{
	return 0;
}

static void __exit kverbs_exit(void)
{
}

module_init(kverbs_init);
module_exit(kverbs_exit);
MODULE_DESCRIPTION("Wharf: what kernel consumers use, for tests");
MODULE_LICENSE("GPL");
