/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Additional stores: directories of storage.conf (`additional = ["/DIR", ...]`) with the layout of a
 * store, kept by an administrator or by the user elsewhere. Internal to image.
 *
 * They are looked at when the user's own store has not what is asked for, never written to, and never
 * locked. Of what they hold, records and blobs are used; the trees there have their maker's owners.
 * Nothing is believed: a store, its directories and each file must belong to root or the caller and
 * be writable for nobody else, records are read strictly, and whatever comes into the user's own
 * store does so through image_fetch().
 */
#ifndef UCTR_IMAGE_ADDITIONAL_H
#define UCTR_IMAGE_ADDITIONAL_H

#include "image/store.h"

/*
 * How many there are; *ret is the first of them, each with its path in `shared`. They belong to s. One
 * that cannot be used is told in a warning and left out, and so is storage.conf itself.
 */
size_t additional_stores(struct image_store *s, struct image_store **ret);

/* Opens a file of an additional store for reading: the descriptor, -EPERM by owner or mode, -errno. */
int additional_open(const struct image_store *shared, const char *path);

/* Why it cannot be opened, for people. */
const char *additional_reason(int r);

/* Is a record of an additional store what it claims, by its file's name? -EINVAL with the reason. */
int additional_check_record(const struct tag *rec, const char *file, struct err *e);

/* A blob of the first store that has it, which *ret_shared says; -ENOENT when none has. */
int additional_blob(struct image_store *s, const char *hex, const char **ret_shared);

/* One that storage.conf names and that cannot be used, for errors about what is missing; or NULL. */
const char *additional_lost(struct image_store *s);

/*
 * A blob from there was not what its digest says: none of these stores' blobs is used any more by this
 * command, and a warning says so. False when none was in use.
 */
bool additional_distrust(struct image_store *s, const char *hex);

/*
 * Records of s and of the additional stores, as of tags_listed() or tags_readable(). Where two stores
 * have a name, the first one's counts.
 */
int tags_everywhere(
	struct image_store *s, bool listed, struct tag **ret, size_t *ret_n, struct err *e);

/*
 * Has the image of a record from an additional store in the user's own: documents, trees of the store's
 * form, and a record, which *rec becomes; without a name unless the image has one of the user's. The
 * blobs of its layers stay where they are. Never -ENOENT. adopt.c
 */
int additional_adopt(struct image_store *s, struct tag *rec, struct err *e);

/* -EROFS with the one line that tells why this image cannot be removed or lose a name. */
int additional_refuse(const struct tag *rec, struct err *e);

#endif
