/* SPDX-License-Identifier: Apache-2.0 */
/* An image of the store as a source. Internal to image. */
#ifndef UCTR_IMAGE_STORED_H
#define UCTR_IMAGE_STORED_H

#include "image/source.h"
#include "image/store.h"

/* The image of a record, which is taken over, also after an error. */
int stored_source_of(
	struct image_store *s, struct tag *rec, struct image_source **ret, struct err *e);
/*
 * Finds the image as lookup_or_bundled() does. *ret_name: the name that it was found by (owned, "" for
 * an id); NULL: not wanted.
 */
int stored_source(struct image_store *s, const char *name, char **ret_name,
	struct image_source **ret, struct err *e);

#endif
