/* SPDX-License-Identifier: Apache-2.0 */
/* OCI image layouts: an image as a directory. Internal to image. */
#ifndef UCTR_IMAGE_LAYOUT_H
#define UCTR_IMAGE_LAYOUT_H

#include "image/store.h"

struct image_source;

/* The layout at `path` as a source (image/source.h). */
int layout_source(const char *path, struct image_source **ret, struct err *e);

/*
 * Brings the image of the layout at `path` into the store as `name` (a full name). Everything in the
 * layout is treated as hostile. The image for this machine's architecture is taken.
 */
int layout_import(struct image_store *s, const char *path, const char *name, struct err *e);

#endif
