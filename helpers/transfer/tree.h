/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: makes files below one directory by descriptor, whatever names it is given. */
#ifndef UCTR_TRANSFER_TREE_H
#define UCTR_TRANSFER_TREE_H

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sys/idmap.h"
#include "uctr/transfer_proto.h"

/* A directory whose times are set when everything in it is there. */
struct tree_dir {
	char *path;
	struct timespec mtime;
};

struct tree {
	int root; /* borrowed; the tree's root directory */
	struct idmap ids; /* what owners may be, and are in the user namespace */
	bool shifted; /* they are not the same */
	bool record_owners; /* others are written down and become 0 (uctr/owner.h) */
	char *parent; /* path of parent_fd; NULL: nothing cached */
	int parent_fd; /* of the entry before; most entries follow a sibling */
	struct tree_dir *dirs;
	size_t n_dirs, cap_dirs;
	uint64_t entries; /* seen in the archive */
	uint64_t bytes; /* written */
	uint64_t devices; /* left out: a user namespace cannot make them */
	uint64_t xattrs; /* left out */
	bool whiteout_xattr; /* whiteouts as xattrs: character device 0:0 was refused */
};

void tree_init(struct tree *t, int root);
void tree_free(struct tree *t);

/*
 * Cleans a name from an archive into buf (UCTR_MAX_PATH_BYTES + 1): no leading, doubled or
 * trailing slash, no "." component; "" is the root itself. -EINVAL with the reason in *ret_why
 * for what no honest archive holds: empty, "..", too long, too deep.
 */
int tree_clean_name(const char *name, char *buf, const char **ret_why);

/*
 * The directory of a cleaned, non-empty path as a borrowed descriptor (valid until the next call),
 * resolved inside the root, made when missing; *ret_name points to the last component.
 */
int tree_parent(struct tree *t, const char *path, const char **ret_name, struct err *e);

/*
 * Makes name below dirfd a directory: 0 made, 1 was one, -errno. Anything else of that name goes; a
 * whiteout of that name becomes opacity.
 */
int tree_make_dir(struct tree *t, int dirfd, const char *name);

/* Removes what bars the way for a new name: 0 or -errno. */
int tree_clear(struct tree *t, int dirfd, const char *name);

/* Marks a directory so that nothing of lower layers shows in it. 0 or -errno. */
int tree_set_opaque(int dirfd, const char *name);

/* One entry of the archive, with its data from `a`. */
int tree_entry(struct tree *t, struct archive *a, struct archive_entry *entry, struct err *e);

/* After the last entry: the directories' times. */
int tree_finish(struct tree *t, struct err *e);

/* Remembers a directory's times for tree_finish. */
int tree_note_dir(struct tree *t, const char *path, struct timespec mtime);

/* An error about one entry, named in a form that is safe to print. */
int tree_err(struct err *e, int r, const char *doing, const char *path);

/* whiteout.c: 1 the name was a whiteout and is done, 0 it is an ordinary name, or an error. */
int whiteout_apply(struct tree *t, const char *path, struct err *e);
/* whiteout.c: is this what whiteout_apply makes? */
bool whiteout_is(int dirfd, const char *name);

/* attrs.c: owner, mode, xattrs and time of an entry; fd is open for anything but links and FIFOs. */
int attrs_apply_fd(
	struct tree *t, struct archive_entry *entry, int fd, const char *path, struct err *e);
int attrs_apply_at(struct tree *t, struct archive_entry *entry, int dirfd, const char *name,
	const char *path, struct err *e);
struct timespec attrs_mtime(struct archive_entry *entry);
/* attrs.c: may an extended attribute come from an image, or go into one? */
bool xattr_wanted(const char *name);

#endif
