/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as docker shows them to people. */
#ifndef UCTR_BASE_HUMAN_H
#define UCTR_BASE_HUMAN_H

#include <stddef.h>
#include <stdint.h>

/* "1.98MB", "133kB", "5B": three digits, powers of 1000. */
void human_size(uint64_t bytes, char *buf, size_t size);

/* "Less than a second", "5 seconds", "About a minute", "3 hours", "2 weeks". */
void human_duration(uint64_t seconds, char *buf, size_t size);

/* "2024-01-01 00:00:00 +0000 UTC", in UTC; seconds since the epoch. */
void human_time(int64_t t, char *buf, size_t size);

/*
 * Reads a time as documents have it (RFC 3339: 2024-01-01T00:00:00.123Z, or with +02:00), in whole
 * seconds since the epoch: 0 or -EINVAL.
 */
int human_time_read(const char *text, int64_t *ret);

#endif
