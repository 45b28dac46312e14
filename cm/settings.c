// SPDX-License-Identifier: GPL-2.0
/*
 * The bounds of every half-open step.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include "settings.h"

#define TIMEOUT_MIN_MS	10u
#define TIMEOUT_MAX_MS	3600000u

static int timeout_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, TIMEOUT_MIN_MS, TIMEOUT_MAX_MS);
}

static const struct kernel_param_ops timeout_ops = {
	.set = timeout_set,
	.get = param_get_uint,
};

unsigned int connect_timeout = 20000;
module_param_cb(connect_timeout, &timeout_ops, &connect_timeout, 0644);
__MODULE_PARM_TYPE(connect_timeout, "uint");
MODULE_PARM_DESC(connect_timeout,
		 "Connecting: TCP and MPA together, second attempt included [ms, 20000]");

unsigned int request_timeout = 10000;
module_param_cb(request_timeout, &timeout_ops, &request_timeout, 0644);
__MODULE_PARM_TYPE(request_timeout, "uint");
MODULE_PARM_DESC(request_timeout,
		 "Accepted by TCP until the whole MPA request has come [ms, 10000]");

unsigned int answer_timeout = 60000;
module_param_cb(answer_timeout, &timeout_ops, &answer_timeout, 0644);
__MODULE_PARM_TYPE(answer_timeout, "uint");
MODULE_PARM_DESC(answer_timeout,
		 "Request reported until accepted or rejected; request_timeout at most once the listener is gone [ms, 60000]");

unsigned int rtr_timeout = 10000;
module_param_cb(rtr_timeout, &timeout_ops, &rtr_timeout, 0644);
__MODULE_PARM_TYPE(rtr_timeout, "uint");
MODULE_PARM_DESC(rtr_timeout,
		 "Accepted, peer-to-peer, until the initiator's first FPDU has come [ms, 10000]");

unsigned int close_timeout = 5000;
module_param_cb(close_timeout, &timeout_ops, &close_timeout, 0644);
__MODULE_PARM_TYPE(close_timeout, "uint");
MODULE_PARM_DESC(close_timeout,
		 "Closing, in the background, until the peer has closed as well; reset then [ms, 5000]");
