/* SPDX-License-Identifier: Apache-2.0 */
/* The input as a stream: digested as received, kept, decompressed, digested again, in one pass. */
#ifndef UCTR_TRANSFER_STREAM_H
#define UCTR_TRANSFER_STREAM_H

#include <archive.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "ring.h"
#include "uctr/transfer_proto.h"

struct stream {
	/* set by the caller */
	int in_fd; /* borrowed */
	int blob_fd; /* borrowed; -1: the bytes are not kept */
	uint64_t max_in; /* more input than that is an error; 0: no limit */
	uint64_t max_out; /* the same for the uncompressed stream */
	bool progress; /* show it on standard error */
	int (*confine)(struct err *e); /* what the reading thread does first; NULL: nothing */
	/* results, valid after stream_drain_input() or stream_finish() */
	uint64_t in_bytes, out_bytes;
	EVP_MD_CTX *in_md, *out_md;
	const char *compression;
	/* the reading thread's own */
	unsigned char *buf;
	const unsigned char *next; /* read, and not yet decoded */
	size_t avail;
	uint64_t shown, flushed;
	struct err in_e; /* its error; the writer looks when the ring has ended */
	struct ring ring;
	pthread_t thread;
	bool started;
	int stop_fd; /* an eventfd: the writer has given up */
	struct err *e; /* where the writer's callback leaves that error */
};

/* Fields that callers set are kept; the rest is made. Free also on failure; ends the thread. */
int stream_init(struct stream *s, struct err *e);
void stream_free(struct stream *s);

/* Reads in_fd to its end, in the calling thread: digest and blob alone. */
int stream_drain_input(struct stream *s, struct err *e);

/* Starts the thread that reads, digests, keeps and decompresses. */
int stream_start(struct stream *s, struct err *e);

/* libarchive's read callback for the tar reader; client data is the stream, errors go to s->e. */
ssize_t stream_tar_read(struct archive *a, void *stream, const void **ret);

/* The next decoded bytes: how many, 0 at the end. stream_finish() has to follow. */
ssize_t stream_next(struct stream *s, const void **ret, struct err *e);

/* Reads what lies behind the archive's end, in both forms, so that the digests are complete. */
int stream_finish(struct stream *s, struct err *e);

/* Ends a digest: 64 hex digits and a NUL. */
int stream_hex(EVP_MD_CTX *md, char hex[UCTR_DIGEST_HEX + 1], struct err *e);

/*
 * For decode.c, in the reading thread. stream_ahead: at least `want` bytes of input lie at s->next,
 * unless it ends before: s->avail or an error in s->in_e. stream_skip: n of them are used up.
 */
ssize_t stream_ahead(struct stream *s, size_t want);
void stream_skip(struct stream *s, size_t n);
/* The next n decoded bytes, which lie in the ring's empty buffer, are complete. */
int stream_put(struct stream *s, const unsigned char *slot, size_t n);

/* decode.c: the whole input, decoded, into the ring. */
int decode(struct stream *s);

#endif
