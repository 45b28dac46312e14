/* SPDX-License-Identifier: GPL-2.0 */
#ifndef WHARF_MEMORY_H
#define WHARF_MEMORY_H

#include <stddef.h>

void *check_alloc(void *p);
void *grow(void *array, size_t count, size_t *room, size_t size);

#endif
