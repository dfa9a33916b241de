/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole of what a C unit test needs: main() calls RUN() for each test function and ends with
 * `return tap_end();`. CHECK() and its kin note a failure and go on, so one run shows all of them.
 */
#ifndef UCTR_TESTS_TAP_H
#define UCTR_TESTS_TAP_H

#include <stdio.h>
#include <string.h>

static int tap_failed; /* checks of the running test */
static int tap_bad; /* tests */
static int tap_run;

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);                \
			tap_failed++;                                                              \
		}                                                                                  \
	} while (0)

#define CHECK_INT(got, want)                                                                       \
	do {                                                                                       \
		long long got_ = (long long)(got), want_ = (long long)(want);                      \
		if (got_ != want_) {                                                               \
			printf("%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, got_,    \
				want_);                                                            \
			tap_failed++;                                                              \
		}                                                                                  \
	} while (0)

#define CHECK_STR(got, want)                                                                       \
	do {                                                                                       \
		const char *got_ = (got), *want_ = (want);                                         \
		if (!got_ || strcmp(got_, want_) != 0) {                                           \
			printf("%s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #got,      \
				got_ ? got_ : "(null)", want_);                                    \
			tap_failed++;                                                              \
		}                                                                                  \
	} while (0)

/* Runs `void test_name(void)` and prints its line. */
#define RUN(test)                                                                                  \
	do {                                                                                       \
		tap_failed = 0;                                                                    \
		test();                                                                            \
		tap_run++;                                                                         \
		tap_bad += tap_failed != 0;                                                        \
		printf("%s %s\n", tap_failed ? "not ok" : "ok", #test);                            \
		fflush(stdout);                                                                    \
	} while (0)

/* The exit code for main: 0 when at least one test ran and all passed. */
static inline int tap_end(void)
{
	return tap_bad || !tap_run;
}

#endif
