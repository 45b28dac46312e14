// SPDX-License-Identifier: GPL-2.0
/*
 * Runs tests and prints TAP.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

static jmp_buf back;
static char context[256];

void unit_context(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(context, sizeof(context), format, args);
	va_end(args);
}

void unit_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	printf("# %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("%s%s%s\n", *context ? " (" : "", context, *context ? ")" : "");
	longjmp(back, 1);
}

void unit_check_eq(uint64_t got, uint64_t want, const char *what,
		   const char *file, int line)
{
	if (got != want)
		unit_fail(file, line, "%s is %#llx, not %#llx", what,
			  (unsigned long long)got, (unsigned long long)want);
}

static void dump(const char *what, const uint8_t *data, uint32_t len)
{
	uint32_t i;

	printf("# %s:", what);
	for (i = 0; i < len && i < 256; i++)
		printf("%s%02x", i % 4 ? "" : " ", data[i]);
	printf("\n");
}

void unit_check_bytes(const void *got, uint32_t len, const void *want,
		      uint32_t want_len, const char *file, int line)
{
	if (len == want_len && (!len || !memcmp(got, want, len)))
		return;
	dump("got ", got, len);
	dump("want", want, want_len);
	unit_fail(file, line, "%u octets are not the %u expected", len, want_len);
}

void unit_check_hex(const void *got, uint32_t len, const char *want,
		    const char *file, int line)
{
	uint8_t bytes[1024];
	uint32_t n = 0;

	while (*want) {
		unsigned int octet;

		if (*want == ' ' || *want == ';') {
			want++;
			continue;
		}
		if (n == sizeof(bytes) || sscanf(want, "%2x", &octet) != 1)
			abort();
		bytes[n++] = octet;
		want += 2;
	}
	unit_check_bytes(got, len, bytes, n, file, line);
}

int unit_run(const struct unit_test *tests, unsigned int n,
	     void (*finish)(void), void (*reset)(void))
{
	volatile unsigned int i, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n", n);
	for (i = 0; i < n; i++) {
		*context = 0;
		if (setjmp(back)) {
			printf("not ok %u - %s\n", i + 1, tests[i].name);
			failed++;
		} else {
			tests[i].run();
			unit_context("at its end");
			finish();
			printf("ok %u - %s\n", i + 1, tests[i].name);
		}
		reset();
	}
	/* A test that was left in the middle leaks: that is no news. */
	fflush(stdout);
	if (failed)
		_exit(EXIT_FAILURE);
	return EXIT_SUCCESS;
}
