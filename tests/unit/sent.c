// SPDX-License-Identifier: GPL-2.0
/*
 * What a stream sends.
 */
#include "harness.h"
#include "sent.h"

void sent_expect(struct env *env, const char *hex)
{
	struct bytes got = {};

	env_transmit(env, &got, 5000);
	CHECK_HEX(got.data, got.len, hex);
	bytes_free(&got);
}

void sent_drop(struct env *env)
{
	struct bytes got = {};

	env_transmit(env, &got, 5000);
	bytes_free(&got);
}
