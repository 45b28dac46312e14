// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include "flag.h"
#include "reservation.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int __init portspace_init(void)
{
	return flag_init();
}

static void __exit portspace_exit(void)
{
	flag_exit();
	reservation_exit();
}

module_init(portspace_init);
module_exit(portspace_exit);

MODULE_DESCRIPTION("One TCP port space for RDMA and everybody else");
MODULE_LICENSE("GPL");
