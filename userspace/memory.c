// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is there, or the program ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "memory.h"

void *check_alloc(void *p)
{
	if (!p) {
		fprintf(stderr, "%s: out of memory\n", program_invocation_short_name);
		exit(1);
	}
	return p;
}

/* Room for one more behind the COUNT that ARRAY has; that one is zero. */
void *grow(void *array, size_t count, size_t *room, size_t size)
{
	if (count == *room) {
		*room = *room ? 2 * *room : 16;
		array = check_alloc(reallocarray(array, *room, size));
	}
	memset((char *)array + count * size, 0, size);
	return array;
}
