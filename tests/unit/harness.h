/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test program: a table of functions, run in order, told about in TAP. A
 * check that fails ends its test, not the program.
 */
#ifndef UNIT_HARNESS_H
#define UNIT_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

struct unit_test {
	const char *name;
	void (*run)(void);
};

#define UNIT_TEST(function)	{ #function, function }

#define CHECK(condition)						\
	do {								\
		if (!(condition))					\
			unit_fail(__FILE__, __LINE__, "%s", #condition);\
	} while (0)

#define CHECK_EQ(got, want)						\
	unit_check_eq((uint64_t)(got), (uint64_t)(want), #got, __FILE__, __LINE__)

/* @want: hexadecimal digits, blanks and semicolons between them as one likes */
#define CHECK_HEX(got, len, want)					\
	unit_check_hex(got, len, want, __FILE__, __LINE__)

#define CHECK_BYTES(got, len, want, want_len)				\
	unit_check_bytes(got, len, want, want_len, __FILE__, __LINE__)

/* What is told along with a failure: which turn of a loop it was */
void unit_context(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

void unit_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4), noreturn));
void unit_check_eq(uint64_t got, uint64_t want, const char *what,
		   const char *file, int line);
void unit_check_bytes(const void *got, uint32_t len, const void *want,
		      uint32_t want_len, const char *file, int line);
void unit_check_hex(const void *got, uint32_t len, const char *want,
		    const char *file, int line);

/*
 * Run them all. @finish is called at the end of every test, to check that it
 * left nothing behind, and @reset after that, whatever the outcome.
 */
int unit_run(const struct unit_test *tests, unsigned int n,
	     void (*finish)(void), void (*reset)(void));

#endif
