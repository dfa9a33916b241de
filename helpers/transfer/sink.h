/* SPDX-License-Identifier: Apache-2.0 */
/* The output as a stream: digested, compressed, digested again and written, in one pass. */
#ifndef UCTR_TRANSFER_SINK_H
#define UCTR_TRANSFER_SINK_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>
#include <zstd.h>

#include "base/err.h"

enum sink_form { SINK_PLAIN, SINK_GZIP, SINK_ZSTD };

struct sink {
	int fd; /* borrowed; gets the compressed bytes */
	int copy_fd; /* borrowed; gets the plain ones; -1: nobody wants them */
	enum sink_form form;
	uint64_t max; /* more plain bytes than that are an error */
	uint64_t in_bytes, out_bytes; /* plain, and as written to fd */
	EVP_MD_CTX *in_md, *out_md;
	unsigned char *buf, *out;
	size_t len;
	z_stream z;
	ZSTD_CCtx *zstd;
};

/* "none", "gzip" or "zstd": the form, or -EINVAL. */
int sink_form(const char *name);

/* Fields up to max are the caller's and kept. Free it also after a failure. */
int sink_init(struct sink *s, struct err *e);
void sink_free(struct sink *s);

int sink_write(struct sink *s, const void *data, size_t len, struct err *e);

/*
 * Room for the next bytes, at least one, in *ret; sink_filled() says how many were put there. So file
 * contents are read to where they are digested.
 */
int sink_room(struct sink *s, void **ret, size_t *ret_len, struct err *e);
int sink_filled(struct sink *s, size_t len, struct err *e);

/* Writes what is buffered and the end of the compressed form. */
int sink_finish(struct sink *s, struct err *e);

#endif
