/* SPDX-License-Identifier: Apache-2.0 */
/* Image references: [HOST[:PORT]/]PATH[:TAG][@sha256:HEX], as docker's grammar has them. */
#ifndef UCTR_IMAGE_REF_H
#define UCTR_IMAGE_REF_H

#include <stdbool.h>

#include "base/err.h"

/* Longest accepted reference, so that a name with its escapes is one file name. */
#define REF_MAX 220
#define REF_HOST_LOCAL "localhost"
#define REF_HOST_DOCKER "docker.io"

struct ref {
	char *host; /* NULL: none was given */
	char *path; /* "busybox", "library/busybox" */
	char *tag; /* NULL: none was given */
	char *digest; /* 64 hex digits, or NULL */
};
void ref_free(struct ref *r);

/* Strict: everything the grammar does not have is refused, with the reason. 0 or -EINVAL. */
int ref_parse(const char *text, struct ref *ret, struct err *e);

/*
 * The full name under a host ("localhost/x:latest"), malloc'ed; the reference's own host wins. With
 * docker.io, a path without a slash gets "library/". NULL when memory is out.
 */
char *ref_name(const struct ref *r, const char *default_host);

/* Is text exactly 64 lowercase hex digits? */
bool digest_hex_valid(const char *text);

/* The hex digits of "sha256:HEX" (borrowed), or NULL for any other text: it becomes a path. */
const char *digest_hex(const char *text);

#endif
