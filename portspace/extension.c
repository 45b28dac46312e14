// SPDX-License-Identifier: GPL-2.0
/*
 * Who else has to hold a reserved port: adapters whose TCP is not the host's.
 */
#include <linux/module.h>
#include <linux/rwsem.h>
#include "portspace.h"
#include "reservation.h"

static const struct portspace_extension *extension;
/* Whom to ask, and that he is there while he is asked; inside rdma_cm's mutex */
static DECLARE_RWSEM(extension_sem);

/**
 * portspace_extend - have reserved ports held elsewhere, too
 * @ext: by whom; there is one at most
 *
 * Ports that are reserved already are not told of. Whoever has held one keeps
 * his module until it is let go.
 *
 * Return: 0 or -EBUSY.
 */
int portspace_extend(const struct portspace_extension *ext)
{
	int ret = 0;

	down_write(&extension_sem);
	if (extension)
		ret = -EBUSY;
	else
		extension = ext;
	up_write(&extension_sem);
	return ret;
}
EXPORT_SYMBOL_GPL(portspace_extend);

/**
 * portspace_unextend - undo portspace_extend()
 *
 * No bind() is running or comes any more after return; no port is held, as each
 * has kept the caller's module.
 */
void portspace_unextend(void)
{
	down_write(&extension_sem);
	extension = NULL;
	up_write(&extension_sem);
}
EXPORT_SYMBOL_GPL(portspace_unextend);

/* NULL: nobody has to; or an error. */
void *extension_bind(struct net *net, const struct sockaddr_storage *addr, bool v6only)
{
	void *held = NULL;

	down_read(&extension_sem);
	if (extension && try_module_get(extension->owner)) {
		held = extension->bind(net, addr, v6only);
		if (IS_ERR_OR_NULL(held))
			module_put(extension->owner);
	}
	up_read(&extension_sem);
	return held;
}

void extension_unbind(void *held)
{
	if (!held)
		return;
	/* Its module is kept, so it is still there. */
	extension->unbind(held);
	module_put(extension->owner);
}
