/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeps in little memory. */
#ifndef UCTR_SYS_SHRINK_H
#define UCTR_SYS_SHRINK_H

#include <poll.h>

/*
 * poll(2) without a time limit, for a process that is about to sleep for long: free heap, the stack
 * below the caller and the pages of programs and libraries are given back first (madvise(2),
 * MADV_DONTNEED), and come back from the page cache when they are touched. Nothing that a program
 * can see changes. On the main thread, without other threads. Returns what poll returns.
 */
int shrink_poll(struct pollfd *p, nfds_t n);

#endif
