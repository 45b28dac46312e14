/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few words that the core takes from its platform. The kernel has them;
 * user space, where the same files are tested and fuzzed, brings a header.
 */
#ifndef SIW_CORE_PLATFORM_H
#define SIW_CORE_PLATFORM_H

#ifdef __KERNEL__

#include <linux/types.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/errno.h>
#include <linux/build_bug.h>
#include <linux/compiler_attributes.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>

#else
#include "user_platform.h"
#endif

#endif
