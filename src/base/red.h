/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Red controls. A security test counts only when it was seen failing, so the test build (make
 * redteam) can switch off one check by its name in $UCTR_RED, and the test then has to fail. In
 * every other build red_off() is the constant false and leaves no code behind.
 */
#ifndef UCTR_BASE_RED_H
#define UCTR_BASE_RED_H

#include <stdbool.h>

#ifdef UCTR_RED
#include <stdlib.h>
#include <string.h>

/* Names are words that are no part of one another, separated by anything. "": is any off? */
static inline bool red_off(const char *check)
{
	const char *off = getenv("UCTR_RED");

	return off && strstr(off, check);
}
#else
#define red_off(check) false
#endif

#endif
