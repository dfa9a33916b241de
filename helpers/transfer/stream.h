/* SPDX-License-Identifier: Apache-2.0 */
/* The input as a stream: digested as received, kept, decompressed, digested again, in one pass. */
#ifndef UCTR_TRANSFER_STREAM_H
#define UCTR_TRANSFER_STREAM_H

#include <archive.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "uctr/transfer_proto.h"

struct stream {
	int in_fd; /* borrowed */
	int blob_fd; /* borrowed; -1: the bytes are not kept */
	uint64_t max_in; /* more input than that is an error; 0: no limit */
	uint64_t max_out; /* the same for the uncompressed stream */
	uint64_t in_bytes, out_bytes;
	bool progress; /* show it on standard error */
	uint64_t shown;
	struct err *e; /* where callbacks that libarchive runs leave their error */
	struct archive *filter;
	EVP_MD_CTX *in_md, *out_md;
	unsigned char *buf;
};

/* Fields that callers set (in_fd .. progress) are kept; the rest is made. Free also on failure. */
int stream_init(struct stream *s, struct err *e);
void stream_free(struct stream *s);

/* One read from in_fd: digested, kept, counted. Bytes, 0 at the end, -errno with the error set. */
ssize_t stream_read(struct stream *s, const void **ret);

/* Reads in_fd to its end through stream_read. */
int stream_drain_input(struct stream *s);

/* Recognises the compression: *ret_name is "none", "gzip", ... -ENODATA: there is no input. */
int stream_open_filter(struct stream *s, const char **ret_name);

/* libarchive's read callback for the tar reader behind the filter; client data is the stream. */
ssize_t stream_tar_read(struct archive *a, void *stream, const void **ret);

/* Reads what lies behind the archive's end, in both forms, so that the digests are complete. */
int stream_finish(struct stream *s);

/* Ends a digest: 64 hex digits and a NUL. */
int stream_hex(EVP_MD_CTX *md, char hex[UCTR_DIGEST_HEX + 1], struct err *e);

#endif
