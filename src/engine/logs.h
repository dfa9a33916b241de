/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Container logs in the CRI format: one line per line of output,
 * "2026-01-02T03:04:05.123456789Z stdout F text"; P instead of F when the line goes on.
 */
#ifndef UCTR_ENGINE_LOGS_H
#define UCTR_ENGINE_LOGS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/container.h"

/* Appends a chunk of one stream to the log. A full disk costs the log, never the container. */
struct log_tap {
	int fd;
	const char *stream; /* "stdout", "stderr" */
	bool failed;
};
void log_append(void *tap, const char *data, size_t len);

/*
 * Writes the log's text to stdout and stderr. follow: until the container ends. tail: the last
 * lines only, -1 for all. timestamps: with each line's time.
 */
int logs_print(struct container *c, bool follow, long tail, bool timestamps, struct err *e);

#endif
