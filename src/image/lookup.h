/* SPDX-License-Identifier: Apache-2.0 */
/* From what a person types to a record. Internal to image. */
#ifndef UCTR_IMAGE_LOOKUP_H
#define UCTR_IMAGE_LOOKUP_H

#include "image/store.h"

/*
 * Finds the record of a name or id: 1, or 0 when there is none. A name resolves to localhost/NAME, then
 * docker.io/library/NAME; *ret_by_id says that it was found by id (the record then is one of
 * perhaps several names). What the store has not is looked for in the additional ones: then ret->shared
 * says where, and the record is a stranger's claim until additional_adopt().
 */
int lookup(
	struct image_store *s, const char *text, struct tag *ret, bool *ret_by_id, struct err *e);

/*
 * The same, and an image that is bundled with uctr enters the store when the name is not there. 0,
 * or an error (-ENOENT as of lookup_failed).
 */
int lookup_or_bundled(
	struct image_store *s, const char *text, struct tag *ret, bool *ret_by_id, struct err *e);

/*
 * The full name that a text gives a new image ("localhost/x:latest"), malloc'ed; `host` where it has
 * none: REF_HOST_LOCAL for what a person types, REF_HOST_DOCKER for what is read in archives. names.c
 */
int name_new(const char *text, const char *host, char **ret, struct err *e);

/* -ENOENT with a message that names the image and the cure. */
int lookup_failed(const char *text, struct err *e);

/* Is it an id or a prefix of one (hex digits, 3 to 64, perhaps after "sha256:")? The digits. */
const char *lookup_id_digits(const char *text);

#endif
