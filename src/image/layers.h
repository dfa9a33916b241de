/* SPDX-License-Identifier: Apache-2.0 */
/* Layer trees: unpacked aside, verified, and only then given their name. Internal to image. */
#ifndef UCTR_IMAGE_LAYERS_H
#define UCTR_IMAGE_LAYERS_H

#include "image/store.h"
#include "image/transfer.h"

/* A layer in the making. Its lock keeps sweepers away for as long as maker or helper live. */
struct stage {
	struct image_store *s;
	int form_fd, lock_fd, blob_fd;
	char key[40];
	char part[UCTR_DIGEST_HEX +
		  8]; /* its blob below tmp/ outlives a failure; "" : it does not */
	struct transfer_job job; /* between stage_start and stage_wait */
	struct transfer_result res; /* after stage_fill */
};
#define STAGE_INIT                                                                                 \
	{                                                                                          \
		.form_fd = -1, .lock_fd = -1, .blob_fd = -1, .job = TRANSFER_JOB_INIT              \
	}

/* What a layer must be; strings NULL and size -1 where nothing is known (import). */
struct stage_want {
	const char *digest, *diff_id;
	int64_t size;
	bool nonempty, quiet; /* quiet: somebody else shows how far it is */
	uint64_t deadline_ns; /* -ETIME past this of CLOCK_MONOTONIC; 0: none */
};

/* Makes an empty stage; keep_blob: the bytes read become a blob as well. Ended by stage_end. */
int stage_begin(struct image_store *s, bool keep_blob, struct stage *st, struct err *e);
/*
 * The same with a blob that a later attempt can go on from: tmp/HEX.part, which stays when the stage
 * ends unpublished. What it holds already is at *ret_part_fd, opened for reading (owned by the
 * caller), and has to be read again: the helper writes the file from its beginning. The caller
 * holds the lock of the blob (part_lock).
 */
int stage_begin_part(
	struct image_store *s, const char *hex, struct stage *st, int *ret_part_fd, struct err *e);
/* Waits until nobody else fetches this blob; the descriptor that holds the lock. */
int part_lock(struct image_store *s, const char *hex, struct err *e);
/* Forgets what an earlier attempt left; the lock of the blob must be held. */
int part_drop(struct image_store *s, const char *hex, struct err *e);
/* Unpacks in_fd through the helper. What differs from `want` is an error. */
int stage_fill(struct stage *st, int in_fd, const struct stage_want *want, struct err *e);
/* The two halves of stage_fill: several stages can be filled at the same time. */
int stage_start(struct stage *st, int in_fd, const struct stage_want *want, struct err *e);
int stage_wait(struct stage *st, uint64_t deadline_ns, struct err *e);
/* The directory of the tree in the making, opened. */
int stage_tree(struct stage *st, struct err *e);
/*
 * Fills it from the tree of s->base_form by sharing blocks: 1 when that was done. 0: there is none,
 * the file system cannot, or the tree cannot be copied: the stage is to be ended, and another begun.
 * -ETIME, -EINTR and shortages are errors. reform.c
 */
int stage_from_form(struct image_store *s, const char *diff_id, uint64_t deadline_ns,
	struct stage *st, struct err *e);
/* Begins and fills, from the tree of another form or the kept blob of a record's layer. */
int stage_from_blob(struct image_store *s, const struct tag_layer *l, uint64_t deadline_ns,
	struct stage *st, struct err *e);
/* From the blob without waiting: stage_wait follows. */
int stage_start_from_blob(
	struct image_store *s, const struct tag_layer *l, struct stage *st, struct err *e);
/* Gives tree and blob their names, after store_sync and with the store's lock held. */
int stage_publish(struct stage *st, struct err *e);
/* Removes what was not published. Accepts STAGE_INIT. */
void stage_end(struct stage *st);

/* Everything written so far reaches the disk, once for all. */
int store_sync(struct image_store *s, struct err *e);

/* Removes what killed makers left in the store's form. Every writer calls it first. */
int layers_sweep(struct image_store *s, struct err *e);
/* The same for beginnings of blobs, and their locks, that nobody fetches; age in seconds. */
int parts_sweep(struct image_store *s, int64_t min_age, struct err *e);

/* Is the tree there? One access(2). */
bool layer_exists(struct image_store *s, const char *diff_id);

/* The marker of a complete tree: of a transfer's result diff_id, bytes, survey and files. marker.c */
int marker_write(int form_fd, const struct transfer_result *res, struct err *e);
/* -EBADMSG: it is damaged. survey is "" where an older uctr wrote it. */
int marker_read(int form_fd, const char *diff_id, struct transfer_result *ret, struct err *e);

/* 1 the tree is what its marker says, 0 it is not and `why` says how, or an error. check.c */
int layer_is_whole(
	struct image_store *s, int form_fd, const char *id, struct err *why, struct err *e);

/* Sees to it that s->userns_fd is there. */
int store_need_userns(struct image_store *s, struct err *e);

/* How many bytes it holds, as its marker says. */
int layer_bytes(struct image_store *s, const char *diff_id, uint64_t *ret, struct err *e);

/* Makes the trees of a record that are missing in the store's form from the kept blobs. */
int layers_ensure(struct image_store *s, const struct tag *rec, struct err *e);

/*
 * The same within a time, all of them or none: -ETIME when it was not enough, or cannot be, as the
 * sizes of the blobs tell. layers_within.c
 */
int layers_ensure_within(
	struct image_store *s, const struct tag *rec, uint64_t budget_ns, struct err *e);

/* Removes all trees and blobs that no record needs. The store's lock must be held. */
int store_collect(struct image_store *s, struct err *e);

/* The ids of image_store.in_use, appended; none without it. The store's lock must be held. retire.c */
int store_in_use(struct image_store *s, char ***ids, struct err *e);
/*
 * For images whose records are gone (those of all[] with goes[]), before store_collect(): one that a
 * container came to use meanwhile gets a record without a name, and its goes[] is cleared. After an
 * error all of them have one. The store's lock must be held. retire.c
 */
int store_retire(struct image_store *s, struct tag *all, size_t n, bool *goes, struct err *e);

/*
 * Removes those of all n records for which goes[] is set, and what no other one needs; lines as of
 * image_remove(). The store's lock must be held. prune.c
 */
int records_remove(
	struct image_store *s, struct tag *all, size_t n, bool *goes, char ***lines, struct err *e);

/*
 * Takes a tree or a blob out of the store by renaming it: two calls, however large it is. What
 * remains is removed by image_clear(). The store's lock must be held.
 * aside.c
 */
int aside_tree(int form_fd, const char *diff_id, struct err *e);
int aside_blob(struct image_store *s, const char *hex, struct err *e);

/* Calls fn for each directory layers/FORM until it fails; form_fd is borrowed. collect.c */
int each_form(struct image_store *s,
	int (*fn)(struct image_store *s, int form_fd, void *ctx, struct err *e), void *ctx,
	struct err *e);

/* Removes NAME below layers/FORM (form_fd) with the rights of the owners' user namespace. */
int layer_remove_tree(struct image_store *s, int form_fd, const char *name, struct err *e);

#endif
