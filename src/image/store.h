/* SPDX-License-Identifier: Apache-2.0 */
/* What lies below the data directory: blobs, records of names, layer trees. Internal to image. */
#ifndef UCTR_IMAGE_STORE_H
#define UCTR_IMAGE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "image/image.h"
#include "uctr/transfer_proto.h"

/*
 *	blobs/sha256/HEX         manifests, configs and layers, byte for byte as they came
 *	images/NAME.json         one record for each name ('/' is written '+'), "@ID.json" for an
 *	                         image that lost its name
 *	images/NAME.json.damaged what system check found to be no record
 *	images/.lock             held while records change and while trees and blobs get or lose their
 *	                         final names; nothing that only reads takes it
 *	layers/FORM/HEX/         the tree of the layer with this diff id, for one id map
 *	layers/FORM/HEX.ok       it is complete; without this file the tree does not exist
 *	layers/FORM/KEY.new      a tree in the making; KEY.lock is held by its maker
 *	tmp/KEY.blob             the blob that goes with it
 *	tmp/HEX.part             the beginning of a blob; a fetch that broke off goes on from there
 *	tmp/HEX.lock             held while that blob is fetched
 */
#define STORE_BLOBS "blobs/sha256"
#define STORE_IMAGES "images"
#define STORE_TMP "tmp"
#define STORE_SCHEMA 1

struct tag_layer {
	char *diff_id; /* hex digits */
	char *blob;
	uint64_t blob_size;
};

/* One name of an image. */
struct tag {
	char *name; /* "" when the image has none */
	char *id; /* config digest, hex */
	char *manifest; /* manifest digest, hex */
	char *index; /* digest of the index that it was found by, hex; NULL: none */
	char *origin; /* repository it was fetched from or pushed to, without tag; NULL: none */
	bool pinned; /* without a name, as it was fetched by its digest: that keeps it */
	int64_t created; /* when it entered the store */
	int64_t built; /* what its config says, else the same; 0 until saved and loaded */
	json_t *labels; /* those of the config; NULL: not in the record, see tag_describe() */
	uint64_t size;
	struct tag_layer *layers;
	size_t n_layers;
	const char *shared; /* the additional store that it was read in (borrowed); NULL: none */
};
void tag_free(struct tag *r);

/* Loads the record of a full name, or of an unnamed image ("@ID"): 1, 0 when there is none. */
int tag_load(struct image_store *s, const char *name, struct tag *ret, struct err *e);
/* Writes it under its name, or as "@ID" when the name is "". The store's lock must be held. */
int tag_save(struct image_store *s, const struct tag *r, struct err *e);
/*
 * Fills built and labels from the config, as far as it can be read; only texts are labels. tag_save
 * puts both into the record, so that a list reads no configs. describe.c
 */
void tag_describe(struct image_store *s, struct tag *r);
/*
 * Saves it; an image that loses its only name by that keeps a record without a name, because
 * containers may need it. The store's lock must be held.
 */
int tag_replace(struct image_store *s, const struct tag *r, struct err *e);
/* Writes it again as the record of an image without a name. */
int tag_keep_unnamed(struct image_store *s, struct tag *rec, struct err *e);
/*
 * A container is made of it: the time of its file tells, to half a minute, for the budget.
 * tag_last_used() is that time in seconds, 0 without a file.
 */
void tag_used(struct image_store *s, const struct tag *r);
int64_t tag_last_used(struct image_store *s, const struct tag *r);
int tag_delete(struct image_store *s, const struct tag *r, struct err *e);
/*
 * All records, in no order; owned by the caller. A file that is no record, or that cannot be read, is
 * an error: for whoever removes what no record needs.
 */
int tag_all(struct image_store *s, struct tag **ret, size_t *ret_n, struct err *e);
/* The same for all others: such a file is left out, with a warning. */
int tags_readable(struct image_store *s, struct tag **ret, size_t *ret_n, struct err *e);
/* As tags_readable(), without layers: less to read. */
int tags_listed(struct image_store *s, struct tag **ret, size_t *ret_n, struct err *e);
/*
 * What is made of such files, by path below the data directory: `why` is -EINVAL for a damaged one,
 * -EPROTO for one of another schema, else the error of reading it. 0 goes on.
 */
struct bad_records {
	int (*fn)(struct image_store *s, const char *path, int why, const struct err *what,
		void *ctx, struct err *e);
	void *ctx;
};
int tags_check(struct image_store *s, const struct bad_records *bad, struct tag **ret,
	size_t *ret_n, struct err *e);
/*
 * Renames a damaged record to "PATH.damaged", under the store's lock, which the caller does not hold: 1,
 * or 0 when it is not damaged any more.
 */
int tag_set_aside(struct image_store *s, const char *path, struct err *e);
void tags_free(struct tag *r, size_t n);

/* A line for the person, who goes on: what could not be used. */
void store_warn(struct image_store *s, const char *line);

/* Makes the store's directories. */
int store_make(struct image_store *s, struct err *e);
/* Takes images/.lock; close the descriptor to release it. */
int store_lock(struct image_store *s, struct err *e);
/* Opens a lock file below dirfd and locks it; -EAGAIN when held elsewhere and !wait. The fd. */
int store_lock_file(int dirfd, const char *name, bool wait);
/* Opens layers/FORM, made when missing. The descriptor or an error. */
int store_form_dir(struct image_store *s, struct err *e);

/* The mode of a new file of a directory: whoever may read the directory may read the file. */
mode_t store_mode(int dirfd);

/* Path of a blob below the data directory. */
#define BLOB_PATH_MAX (sizeof(STORE_BLOBS) + 1 + UCTR_DIGEST_HEX)
void blob_path(const char *hex, char buf[BLOB_PATH_MAX]);
/* Bytes that the blob of a layer takes here; 0 when it is not, or in an additional store alone. */
uint64_t blob_bytes(struct image_store *s, const struct tag_layer *l);
/* Is the blob there, or in an additional store? */
bool blob_exists(struct image_store *s, const char *hex);
/*
 * Opens it for reading. *ret_shared: the path of the additional store that it comes from (its bytes have
 * to be digested) or NULL. -ENOENT: it is missing.
 */
int blob_open(struct image_store *s, const char *hex, const char **ret_shared, struct err *e);
/* Loads a small JSON blob; `what` names it in errors. One of an additional store is digested. */
int blob_load_json(
	struct image_store *s, const char *hex, const char *what, json_t **ret, struct err *e);
/* The digest of a document in memory. With `want` (hex digits) anything else is -EBADMSG. */
int blob_digest(const char *text, size_t len, const char *want, char hex[UCTR_DIGEST_HEX + 1],
	struct err *e);
/* Writes a document under its digest. The store's lock must be held, or it could be swept. */
int blob_save(struct image_store *s, const char *hex, const char *text, size_t len, struct err *e);

#endif
