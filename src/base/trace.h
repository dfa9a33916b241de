/* SPDX-License-Identifier: Apache-2.0 */
/* UCTR_TRACE=1: the time of every stage of parent and child, on standard error. */
#ifndef UCTR_BASE_TRACE_H
#define UCTR_BASE_TRACE_H

#include "base/err.h"

/*
 * Reads UCTR_TRACE once and keeps a private copy of standard error, which forks inherit; the clock
 * starts here. `who` ("cli", "monitor", "child") is set by each process for itself.
 */
void trace_init(void);
void trace_who(const char *who);
void trace(const char *fmt, ...) _printf_(1, 2);
void trace_end(void);
/* The descriptor in use, or -1: for code that closes everything else. */
int trace_fd(void);

#endif
