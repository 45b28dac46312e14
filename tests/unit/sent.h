/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a stream sends, all of it: as it was expected, or whatever it is.
 */
#ifndef UNIT_SENT_H
#define UNIT_SENT_H

#include "env.h"

void sent_expect(struct env *env, const char *hex);
void sent_drop(struct env *env);

#endif
