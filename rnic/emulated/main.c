// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include "emulated.h"

MODULE_DESCRIPTION("Wharf: an emulated adapter that terminates TCP, on any Ethernet interface");
MODULE_AUTHOR("The Wharf developers");
MODULE_LICENSE("GPL");

static int __init emu_init(void)
{
	int ret;

	ret = emu_adapters_init();
	if (ret)
		return ret;
	ret = emu_netlink_init();
	if (ret)
		goto err_adapters;
	ret = emu_functions_init();
	if (ret)
		goto err_netlink;
	return 0;

err_netlink:
	emu_netlink_exit();
err_adapters:
	emu_adapters_exit();
	return ret;
}

static void __exit emu_exit(void)
{
	emu_functions_exit();
	emu_netlink_exit();
	emu_adapters_exit();
}

module_init(emu_init);
module_exit(emu_exit);
