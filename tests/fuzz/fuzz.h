/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets share: an input that is read octet by octet, and
 * failures that abort, so that libFuzzer keeps the input.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "env.h"
#include "harness.h"

struct input {
	const u8 *data;
	size_t len;
};

/* The next octet, zero at the end */
static inline u8 take(struct input *in)
{
	if (!in->len)
		return 0;
	in->len--;
	return *in->data++;
}

/* What libFuzzer calls */
int fuzz_one_input(const u8 *data, size_t len) __asm__("LLVMFuzzerTestOneInput");

#endif
