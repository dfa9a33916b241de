/* SPDX-License-Identifier: Apache-2.0 */
/* File systems made of layers, as they are packed, listed and committed: what the helper walks. */
#ifndef UCTR_IMAGE_VIEW_H
#define UCTR_IMAGE_VIEW_H

#include "image/image.h"

/*
 * Directories, the lowest first, opened with O_PATH; owned. See uctr/transfer_proto.h for what they
 * mean together: one layer with its marks, a whole tree, or a tree compared with a base.
 */
struct image_view {
	int *layers, *base;
	size_t n_layers, n_base;
	bool marks, top, wh_names;
	int owners_fd; /* the container's file of owners; -1: none */
};
#define IMAGE_VIEW_INIT                                                                            \
	{                                                                                          \
		.owners_fd = -1                                                                    \
	}
void image_view_free(struct image_view *v);

/* Appends a descriptor, which belongs to the list from now on, also after an error: 0 or -ENOMEM. */
int image_view_add(int **list, size_t *n, int fd);

/*
 * Appends the layers of an image in the store's form, which are made when they are missing. `ref` is a
 * name or an id.
 */
int image_view_layers(struct image_store *s, const char *ref, int **list, size_t *n, struct err *e);

/* What was left out, or was not the same any more. */
struct image_view_sums {
	uint64_t skipped; /* sockets, and names that would mean deletions */
	uint64_t changed; /* files that were cut or taken away while they were read */
};

/* Writes the view as a tar archive to out_fd. */
int image_view_pack(struct image_store *s, const struct image_view *v, int out_fd,
	struct image_view_sums *ret, struct err *e);

/* What differs from the base: an array of {Path, Kind}, Kind as docker counts (0 C, 1 A, 2 D). */
int image_view_changes(
	struct image_store *s, const struct image_view *v, json_t **ret, struct err *e);

/* A new image: that of id `base` and one layer more, which the view says. */
struct image_commit {
	const char *base;
	const struct image_view *view;
	const char *name; /* NULL: the image gets none */
	char *const *changes; /* lines of a Dockerfile, or NULL */
	const char *message, *author; /* of its history; NULL */
	json_t *labels; /* added to the image's, or NULL */
	char *const *command; /* what the container runs, or NULL: the image's own */
	const char *compression; /* none, gzip or zstd */
	bool docker; /* docker's media types instead of OCI's */
};
int image_commit(struct image_store *s, const struct image_commit *what, char **ret_id,
	struct image_view_sums *ret, struct err *e);

#endif
