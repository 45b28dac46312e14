// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include "flag.h"
#include "netlink.h"
#include "placeholder.h"
#include "reservation.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int __init portspace_init(void)
{
	int ret;

	ret = flag_init();
	if (ret)
		return ret;
	ret = placeholder_init();
	if (ret)
		goto err_flag;
	ret = netlink_init();
	if (ret)
		goto err_placeholder;
	return 0;

err_placeholder:
	placeholder_exit();
err_flag:
	flag_exit();
	return ret;
}

static void __exit portspace_exit(void)
{
	netlink_exit();
	placeholder_exit();
	flag_exit();
	reservation_exit();
}

module_init(portspace_init);
module_exit(portspace_exit);

MODULE_DESCRIPTION("One TCP port space for RDMA and everybody else");
MODULE_LICENSE("GPL");
