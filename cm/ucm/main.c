// SPDX-License-Identifier: GPL-2.0
/*
 * The device node, how librdmacm finds it, and the sysctl: as the stock module
 * has them.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>
#include <rdma/ib_verbs.h>
#include <rdma/rdma_netlink.h>
#include "compat.h"
#include "ucm.h"

unsigned int ucm_max_backlog = 1024;

static struct ctl_table main_sysctls[] = {
	{
		.procname = "max_backlog",
		.data = &ucm_max_backlog,
		.maxlen = sizeof(ucm_max_backlog),
		.mode = 0644,
		.proc_handler = proc_dointvec,
	},
	COMPAT_CTL_TABLE_END
};

static struct ctl_table_header *main_sysctl;

static struct miscdevice main_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "rdma_cm",
	.nodename = "infiniband/rdma_cm",
	.mode = 0666,
	.fops = &ucm_fops,
};

static ssize_t abi_version_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", RDMA_USER_CM_ABI_VERSION);
}
static DEVICE_ATTR_RO(abi_version);

/* librdmacm asks over rdma netlink where the client "rdma_cm" has its device. */
static int main_get_global_nl_info(struct ib_client_nl_info *res)
{
	compat_client_set_cdev(res, main_device.this_device, RDMA_USER_CM_ABI_VERSION);
	return 0;
}

static struct ib_client main_client = {
	.name = "rdma_cm",
	.get_global_nl_info = main_get_global_nl_info,
};
MODULE_ALIAS_RDMA_CLIENT("rdma_cm");

static int __init ucm_init(void)
{
	int ret;

	ret = misc_register(&main_device);
	if (ret)
		return ret;
	ret = device_create_file(main_device.this_device, &dev_attr_abi_version);
	if (ret)
		goto err_device;
	main_sysctl = register_net_sysctl(&init_net, "net/rdma_ucm", main_sysctls);
	if (!main_sysctl) {
		ret = -ENOMEM;
		goto err_file;
	}
	ret = ib_register_client(&main_client);
	if (ret)
		goto err_sysctl;
	return 0;

err_sysctl:
	unregister_net_sysctl_table(main_sysctl);
err_file:
	device_remove_file(main_device.this_device, &dev_attr_abi_version);
err_device:
	misc_deregister(&main_device);
	return ret;
}

static void __exit ucm_exit(void)
{
	ib_unregister_client(&main_client);
	unregister_net_sysctl_table(main_sysctl);
	device_remove_file(main_device.this_device, &dev_attr_abi_version);
	misc_deregister(&main_device);
	ucm_multicasts_exit();
	ucm_ids_exit();
}

module_init(ucm_init);
module_exit(ucm_exit);

MODULE_DESCRIPTION("The user door of the RDMA connection manager, with TCP's port space");
MODULE_LICENSE("GPL");
