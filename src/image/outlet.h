/* SPDX-License-Identifier: Apache-2.0 */
/* Files that an image is saved into: a directory, or an archive that is written in one pass. */
#ifndef UCTR_IMAGE_OUTLET_H
#define UCTR_IMAGE_OUTLET_H

#include "base/newfile.h"
#include "image/document.h"
#include "image/store.h"

struct outlet {
	struct image_store *s;
	char *path; /* NULL: standard output */
	int fd; /* the archive, or the directory, which is locked against other writers */
	struct newfile file; /* the archive, unless it is standard output */
	bool archive;
	char **done; /* names that are written */
};
#define OUTLET_INIT                                                                                \
	{                                                                                          \
		.fd = -1, .file = NEWFILE_INIT                                                     \
	}

/*
 * Opens a file that becomes an archive ("-": standard output, no terminal), or a directory, made when
 * missing. Until outlet_finish() an archive has no name, and nothing of it stays.
 */
int outlet_open(
	struct image_store *s, const char *path, bool archive, struct outlet *o, struct err *e);
/*
 * Adds a directory ("blobs/") to an archive: not every reader makes those that files need. In a
 * directory they come with their files.
 */
int outlet_dir(struct outlet *o, const char *name, struct err *e);
/* Adds a file; one of that name that is there already (in this archive) stays as it is. */
int outlet_text(struct outlet *o, const char *name, const char *text, size_t len, struct err *e);
/* The same from a blob's descriptor, whose bytes are checked on the way. */
int outlet_blob(
	struct outlet *o, const char *name, const struct descriptor *d, int in, struct err *e);
/* The same uncompressed, as a layer that has this diff id. */
int outlet_plain(struct outlet *o, const char *name, const struct descriptor *d, int in,
	const char *diff_id, struct err *e);
/* Is a blob of that size there already? For directories. */
bool outlet_has(const struct outlet *o, const char *name, uint64_t size);
int outlet_finish(struct outlet *o, struct err *e);
void outlet_free(struct outlet *o);

/* Copies a blob from one descriptor to another, by the helper, which checks digest and size. */
int blob_copy(const struct descriptor *d, int in, int out, struct err *e);

#endif
