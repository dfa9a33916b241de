/* SPDX-License-Identifier: Apache-2.0 */
/* Copies bytes from one descriptor to another inside a poll(2) loop, with back-pressure. */
#ifndef UCTR_BASE_STREAM_H
#define UCTR_BASE_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define STREAM_BUF 16384

/*
 * src is read when nothing is pending and written to dst when it takes it. Descriptors are owned
 * and -1 when closed. `tap` (may be NULL) sees every chunk once (the log). When dst fails or was
 * never there, bytes still pass the tap. on_broken says what a reader that went away means.
 */
struct stream {
	int src, dst;
	size_t off, len;
	bool eof; /* src has ended */
	bool dst_broken; /* dst said EPIPE or worse; `error` is its errno */
	int error;
	void (*tap)(void *ctx, const char *data, size_t len);
	void *ctx;
	char buf[STREAM_BUF];
};

void stream_init(struct stream *s, int src, int dst);
void stream_close(struct stream *s);
/* Fills up to two entries for poll(2); returns how many. */
size_t stream_poll(const struct stream *s, struct pollfd *p);
/* Moves what the same n entries allow; does not block when dst is non-blocking. */
void stream_serve(struct stream *s, const struct pollfd *p, size_t n);
/* Nothing pending and src at its end (or closed). */
bool stream_done(const struct stream *s);

#endif
