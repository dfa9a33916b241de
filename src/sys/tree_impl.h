/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of sys/tree share. Internal. */
#ifndef UCTR_SYS_TREE_IMPL_H
#define UCTR_SYS_TREE_IMPL_H

#include <sys/stat.h>

#include "base/str.h"
#include "sys/tree.h"
#include "sys/tree_links.h"

#define TREE_XATTR_WHITEOUT "user.overlay.whiteout"
#define TREE_XATTR_OPAQUE "user.overlay.opaque"

/* One directory being copied. Far above the current one the descriptors are closed for a while. */
struct tree_level {
	int src, dst; /* -1: closed for now */
	char *names, *next; /* entries, each ended by NUL, an empty one at the end */
	size_t path_len; /* of the whole path, up to this directory */
	struct stat st;
};

struct tree_walk {
	const struct tree_opts *o;
	struct tree_sums sums;
	int from, to; /* borrowed: the two roots */
	struct tree_level *levels;
	size_t n, cap;
	struct str path; /* of the current entry below the root */
	struct tree_links links;
	bool no_clone; /* the file system does not share blocks */
	uint64_t told_ns; /* when progress was called last */
};

/* -errno with what was being done and the current path. */
int tree_fail(struct tree_walk *w, int r, const char *doing, struct err *e);
/* Puts the current path before what is in *e. */
int tree_wrap(struct tree_walk *w, int r, struct err *e);
/* Counts; -ETIME past a limit. */
int tree_account(struct tree_walk *w, uint64_t entries, uint64_t bytes, struct err *e);

/* tree_attrs.c: contents of src to the new file dst. */
int tree_data(struct tree_walk *w, int src, int dst, const struct stat *st, struct err *e);
/* Owner, mode, extended attributes and times, in the order in which none undoes another. */
int tree_attrs(struct tree_walk *w, int src, int dst, const struct stat *st, struct err *e);
/* The same for what cannot be opened: symbolic links and FIFOs. */
int tree_attrs_at(
	struct tree_walk *w, int dirfd, const char *name, const struct stat *st, struct err *e);
/* Removes the user.* attributes of a directory that is going to show another layer's. */
int tree_clear_xattrs(int fd);

#endif
