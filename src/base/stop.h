/* SPDX-License-Identifier: Apache-2.0 */
/* A signal that asks a command to end in good order: noticed where it waits, told in one line. */
#ifndef UCTR_BASE_STOP_H
#define UCTR_BASE_STOP_H

#include <stdbool.h>

/*
 * From now on the first SIGINT, SIGTERM or SIGHUP is only noted, and the same signal for the second time
 * ends the program at once. What is ignored stays ignored (nohup). Where there is no descriptor left for it
 * signals stay what they were.
 */
void stop_begin(void);

/*
 * Signals are again what they were at first. -EINTR when one came that nobody was told of: then it is time
 * to stop, and they stay as they are.
 */
int stop_end(void);

/* The signal that came, or 0. */
int stop_asked(void);

/*
 * Is it time to stop? True once: who is told fails with -EINTR, and what then puts things in order is not
 * stopped again.
 */
bool stop_now(void);

/* Readable from the signal until stop_now() told it, for poll(2); else -1. Borrowed. */
int stop_fd(void);

/* Waits until fd is readable: 0, -EINTR when it is time to stop, or another -errno. */
int stop_wait_readable(int fd);

#endif
