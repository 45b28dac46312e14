// SPDX-License-Identifier: GPL-2.0
/*
 * CRC32C with the CPU's instruction where the compiler may use it, one stream of
 * eight octets at a time; the kernel's own on x86-64 has three streams at once
 * for long runs and is up to three times as fast.
 */
#include "crc32c.h"
#include "surroundings.h"

#ifdef __SSE4_2__
#include <nmmintrin.h>

const char *bench_crc_kind(void)
{
	return "the CPU's crc32c, 8 octets at a time";
}

u32 core_crc32c(u32 crc, const void *data, u32 len)
{
	const u8 *p = data;
	u64 sum = crc, word;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&word, p, 8);
		sum = _mm_crc32_u64(sum, word);
	}
	crc = sum;
	while (len--)
		crc = _mm_crc32_u8(crc, *p++);
	return crc;
}

#else

const char *bench_crc_kind(void)
{
	return "a table, one octet at a time";
}

u32 core_crc32c(u32 crc, const void *data, u32 len)
{
	return crc32c_by_table(crc, data, len);
}

#endif
