/* SPDX-License-Identifier: Apache-2.0 */
/* Layers laid over each other, read as overlayfs would show them, without a mount. */
#ifndef UCTR_TRANSFER_VIEW_H
#define UCTR_TRANSFER_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"

/*
 * The layers, lowest first: directories open in any way (O_PATH will do), borrowed. With wh_names the
 * top one marks deletions by ".wh." names too, as fuse-overlayfs does where it must.
 */
struct view {
	const int *roots;
	size_t n;
	bool wh_names;
};

/* One directory of the view: of each layer, or -1 where it has none or a higher one hides it. */
struct view_dir {
	int *fds;
	size_t n;
};

/* What a directory holds: each name once, in the order of its bytes, with its topmost layer. */
struct view_name {
	const char *name;
	size_t layer;
};
struct view_names {
	struct view_name *list;
	size_t n;
	char *text; /* where the names stand */
};

enum view_mark {
	VIEW_FILE, /* nothing special */
	VIEW_GONE, /* a mark that deletes this name below */
	VIEW_META, /* no file of the view: ".wh." names */
};

int view_open_root(const struct view *v, struct view_dir *ret);
/* The directory `name` of d: 0, -ENOENT when it is none there, or another error. */
int view_open_dir(
	const struct view *v, const struct view_dir *d, const char *name, struct view_dir *ret);
void view_close(struct view_dir *d);

/* Every name of every layer, marks too. */
int view_list(const struct view_dir *d, struct view_names *ret);
void view_names_free(struct view_names *n);

/* What the name is in one layer, whose stat is *st. */
enum view_mark view_mark(
	const struct view_dir *d, const struct view_name *n, const struct stat *st);

/* The file that the view shows under a name: 1 and its layer and stat, 0 for none, or an error. */
int view_find(const struct view *v, const struct view_dir *d, const char *name, size_t *ret_layer,
	struct stat *ret);

/* Does the directory hide what lower layers have in it? */
bool view_is_opaque(const struct view *v, int fd, bool top);

#endif
