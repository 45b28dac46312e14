/* SPDX-License-Identifier: GPL-2.0 */
/* One transfer, checked at its target: @n is its number, the others are octets. */
#ifndef SIZES_H
#define SIZES_H

#include <stdint.h>

#define OFFSETS	4

extern const uint32_t offsets[OFFSETS];

void size_write(uint32_t n, uint32_t len, uint32_t from, uint32_t to);
void size_read(uint32_t n, uint32_t len, uint32_t from, uint32_t to);
void size_send(uint32_t n, uint32_t len, uint32_t from, uint32_t to);

/* All three, at every other length */
void some_sizes(void);

#endif
