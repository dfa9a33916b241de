/* SPDX-License-Identifier: Apache-2.0 */
/* Copies bytes from one descriptor to another inside a poll(2) loop, with back-pressure. */
#ifndef UCTR_BASE_PUMP_H
#define UCTR_BASE_PUMP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define PUMP_BUF 16384

/*
 * src is read when nothing is pending and written to dst when it takes it. Descriptors are owned
 * and -1 when closed. `tap` (may be NULL) sees every chunk once (the log). When dst fails or was
 * never there, bytes still pass the tap.
 */
struct pump {
	int src, dst;
	size_t off, len;
	bool eof; /* src has ended */
	bool dst_broken; /* dst said EPIPE or worse; `error` is its errno */
	int error;
	void (*tap)(void *ctx, const char *data, size_t len);
	void *ctx;
	char buf[PUMP_BUF];
};

void pump_init(struct pump *s, int src, int dst);
void pump_close(struct pump *s);
/* Fills up to two entries for poll(2); returns how many. */
size_t pump_poll(const struct pump *s, struct pollfd *p);
/* Moves what the same n entries allow; does not block when dst is non-blocking. */
void pump_serve(struct pump *s, const struct pollfd *p, size_t n);
/* Nothing pending and src at its end (or closed). */
bool pump_done(const struct pump *s);

#endif
