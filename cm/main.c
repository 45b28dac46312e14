// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include "device.h"
#include "endpoint.h"
#include "listener.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int __init iwarp_cm_init(void)
{
	int ret;

	ret = endpoint_init();
	if (ret)
		return ret;
	ret = listener_init();
	if (ret)
		goto err_endpoint;
	ret = device_init();
	if (ret)
		goto err_listener;
	return 0;

err_listener:
	listener_exit();
err_endpoint:
	endpoint_exit();
	return ret;
}

static void __exit iwarp_cm_exit(void)
{
	device_exit();
	/* Endpoints first: they queue their listener's work. */
	endpoint_exit();
	listener_exit();
}

module_init(iwarp_cm_init);
module_exit(iwarp_cm_exit);

MODULE_DESCRIPTION("One connection manager for every iWARP provider of Wharf");
MODULE_LICENSE("GPL");
/* Whose clients are told of a device's end after us, see device.c */
MODULE_SOFTDEP("pre: rdma_cm");
