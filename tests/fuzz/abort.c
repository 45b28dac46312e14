// SPDX-License-Identifier: GPL-2.0
/*
 * The checks of tests/unit, for a fuzz target: a failure aborts.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

void unit_context(const char *format, ...)
{
	(void)format;
}

void unit_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	abort();
}

void unit_check_eq(uint64_t got, uint64_t want, const char *what,
		   const char *file, int line)
{
	if (got != want)
		unit_fail(file, line, "%s is %#llx, not %#llx", what,
			  (unsigned long long)got, (unsigned long long)want);
}

void unit_check_bytes(const void *got, uint32_t len, const void *want,
		      uint32_t want_len, const char *file, int line)
{
	if (len != want_len || (len && memcmp(got, want, len)))
		unit_fail(file, line, "%u octets differ", len);
}
