/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a thread of the fuzzer may do next.
 */
#ifndef UCM_FUZZ_MOVE_H
#define UCM_FUZZ_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "ucm_fuzz.h"

struct fuzzer {
	struct dice dice;
	unsigned int left;	/* operations */
};

void move_open_doors(uint16_t first_port);
void move(struct fuzzer *f);
void move_wait(struct fuzzer *f);
/* Something was answered that is no errno of user space's. */
bool move_saw_wrong(void);

#endif
