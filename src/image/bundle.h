/* SPDX-License-Identifier: Apache-2.0 */
/* Images in a directory or an archive: OCI layouts, archives of docker, dir. Internal to image. */
#ifndef UCTR_IMAGE_BUNDLE_H
#define UCTR_IMAGE_BUNDLE_H

#include "image/layers.h"
#include "image/source.h"

/* One image in it. What a bundle says is hostile, names included. */
struct bundle_image {
	char **names;
	char *text, *type; /* its top document, when that is no blob of the bundle */
	char digest[UCTR_DIGEST_HEX + 1]; /* of the blob that it is otherwise */
	uint64_t size;
};

struct bundle {
	struct image_source source; /* of images[at]; ended by bundle_free */
	size_t at;
	struct bundle_image *images;
	size_t n;
	/* the rest is bundle.c's own */
	char *what;
	int dir;
	bool flat; /* blobs are not below blobs/sha256 */
	json_t *names, *digests; /* members of an archive; NULL: a directory as it is */
	struct stage st; /* the directory that an archive was taken apart into */
};

/*
 * Opens a directory, or a file that is an archive ("-": standard input), and finds out what it is.
 * Archives are taken apart by the helper, below the store. Bring a zeroed struct; bundle_free()
 * also after an error. The store's directories must exist.
 */
int bundle_open(struct image_store *s, const char *path, struct bundle *b, struct err *e);
void bundle_free(struct bundle *b);
#define BUNDLE_INIT                                                                                \
	{                                                                                          \
		.dir = -1, .st = STAGE_INIT                                                        \
	}

/*
 * Sets b->at to the image that has this name, in full or as its tag alone; with ref NULL there must
 * be only one.
 */
int bundle_pick(struct bundle *b, const char *ref, struct err *e);

/* bundle_docker.c: what manifest.json of docker's archives lists. */
int bundle_read_docker(struct bundle *b, json_t *list, struct err *e);
/* A member of an archive by its name, links followed; NULL: there is none. */
json_t *bundle_member(const struct bundle *b, const char *name);
struct bundle_image *bundle_add(struct bundle *b);

#endif
