/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of directory trees, by descriptor: layers in another ownership form, roots without overlay. */
#ifndef UCTR_SYS_TREE_H
#define UCTR_SYS_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Who owns a copy: changes *uid and *gid, as the caller's user namespace numbers them, to what the
 * copy gets. 0, or -errno to refuse it, with the reason in *e. Called once per file, and for the
 * root user id of file capabilities (gid is 0 there).
 */
typedef int tree_owner_fn(uint32_t *uid, uint32_t *gid, void *ctx, struct err *e);

/* What was copied so far. */
struct tree_sums {
	uint64_t entries; /* files of any kind, directories too */
	uint64_t bytes; /* of file contents, reflinked ones too */
	uint64_t cloned; /* files that share their blocks with the original */
	uint64_t skipped; /* sockets and devices */
	uint64_t xattrs; /* user.* attributes that the file system does not take */
};

struct tree_opts {
	tree_owner_fn *owner; /* NULL: owners stay */
	/*
	 * The copy is laid over what `to` holds, as overlayfs shows it: a whiteout removes, an opaque
	 * directory hides, anything else replaces or, as directories, merges. Otherwise `to` must be
	 * empty, and the marks are copied like everything else.
	 */
	bool apply;
	/* Limits, 0: none. Past one of them the copy ends with -ETIME. */
	uint64_t max_entries, max_bytes, deadline_ns; /* the last of CLOCK_MONOTONIC */
	void (*progress)(const struct tree_sums *s, void *ctx); /* now and then; NULL: none */
	void *ctx; /* for owner and progress */
};

/*
 * Copies everything below the directory `from`, and the attributes of `from` itself, to the
 * directory `to`, both open for reading. The source may be hostile: no name is followed, nothing
 * outside of `from` and its mount is touched. Nobody else may write below either of them. Contents
 * are reflinked where the file system can, holes stay holes; kept are hard links within the tree,
 * modes, owners, times, user.* attributes and file capabilities. Depth costs neither stack nor
 * descriptors.
 *
 * 0, -ETIME, or another error, which names the file by its path below `from`. After an error `to`
 * holds a part of the tree: the caller removes it.
 */
int tree_copy(int from, int to, const struct tree_opts *o, struct tree_sums *ret, struct err *e);

#endif
