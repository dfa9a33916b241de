/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors, indexes and manifests: one strict reading of hostile documents. Internal to image. */
#ifndef UCTR_IMAGE_DOCUMENT_H
#define UCTR_IMAGE_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "uctr/transfer_proto.h"

/* What names a blob or document. Digest: 64 hex digits. Strings borrowed from the document. */
struct descriptor {
	const char *media_type, *digest;
	uint64_t size;
};

/* Bytes and what they mean. text, json and type are owned; json is NULL before document_parse. */
struct document {
	char *text, *type; /* type: its media type, as its deliverer or itself says, or NULL */
	size_t len;
	json_t *json;
	char hex[UCTR_DIGEST_HEX + 1];
	bool index;
};
void document_free(struct document *d);
#define _cleanup_document_ _cleanup_(document_free)

/* What an image is for: values as in Go (linux, amd64, v8); variant NULL when it does not matter. */
struct platform {
	const char *os, *arch, *variant;
};

/* This machine's. */
const struct platform *platform_here(void);

/* OS/ARCH[/VARIANT] or ARCH; "x86_64" and "aarch64" are understood. Borrows from buf. */
#define PLATFORM_MAX 64
int platform_parse(const char *text, char buf[PLATFORM_MAX], struct platform *ret, struct err *e);

/* Reads a descriptor; digest must be sha256, size 1 to max. */
int descriptor_read(json_t *o, uint64_t max, struct descriptor *ret, struct err *e);

/*
 * Digests d->text (with `want`, 64 hex digits, anything else is -EBADMSG) and parses it: a JSON
 * object without doubled keys. `what` names it in errors.
 */
int document_parse(struct document *d, const char *what, const char *want, struct err *e);

/*
 * Is it an index or a manifest (d->index)? All that says so must agree: d->type, its own
 * mediaType, and what it holds. The type is filled in where it was missing.
 */
int document_classify(struct document *d, struct err *e);

/*
 * The entry of an index that fits a platform best: that variant, then one without, then the first.
 * -ENOENT with a message that lists what there is.
 */
int index_pick(json_t *index, const struct platform *p, struct descriptor *ret, struct err *e);

#endif
