/* SPDX-License-Identifier: Apache-2.0 */
/* Images into directories and archives. Internal to image. */
#ifndef UCTR_IMAGE_SAVE_H
#define UCTR_IMAGE_SAVE_H

#include "image/outlet.h"
#include "image/source.h"

enum save_layout {
	SAVE_OCI, /* an OCI layout: digests stay what they are */
	SAVE_FLAT, /* skopeo's dir: one image, digests stay */
	SAVE_DOCKER, /* as docker save: layers uncompressed, no manifest */
};

struct saver {
	struct outlet o;
	enum save_layout layout;
	json_t *entries; /* of index.json or manifest.json */
};
#define SAVER_INIT                                                                                 \
	{                                                                                          \
		.o = OUTLET_INIT                                                                   \
	}

int saver_open(struct image_store *s, const char *path, bool archive, enum save_layout layout,
	struct saver *v, struct err *e);
/*
 * Adds the image of a source, as `name`: a full name, or for SAVE_OCI with tag_only just the tag that
 * it has there; NULL: without a name.
 */
int saver_add(struct saver *v, struct image_source *src, const struct platform *platform,
	const char *name, bool tag_only, struct err *e);
int saver_finish(struct saver *v, struct err *e);
void saver_free(struct saver *v);

#endif
