/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CRC32C where no kernel and no instruction has it.
 */
#ifndef UNIT_CRC32C_H
#define UNIT_CRC32C_H

#include "platform.h"

static inline u32 crc32c_by_table(u32 crc, const void *data, u32 len)
{
	static u32 table[256];
	const u8 *p = data;
	u32 i, bit;

	for (i = 0; !table[255] && i < 256; i++)
		for (table[i] = i, bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0x82f63b78 : 0);
	while (len--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return crc;
}

#endif
