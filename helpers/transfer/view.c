/* SPDX-License-Identifier: Apache-2.0 */
/* Merging directories of layers; overlayfs's rules for what hides what. */
#include "view.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/str.h"
#include "tree.h"

#define WH_PREFIX ".wh."
#define WH_OPAQUE ".wh..wh..opq"

int view_open_root(const struct view *v, struct view_dir *ret)
{
	struct view_dir d = { .fds = calloc(v->n + 1, sizeof(int)), .n = v->n };
	int r = d.fds ? 0 : -ENOMEM;

	for (size_t i = 0; d.fds && i < v->n; i++)
		d.fds[i] = -1;
	for (size_t i = 0; r == 0 && i < v->n; i++) {
		/* Opened anew, with the rights of this namespace: what was given may be O_PATH. */
		d.fds[i] = openat(v->roots[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = d.fds[i] < 0 ? -errno : 0;
	}
	if (r < 0)
		view_close(&d);
	else
		*ret = d;
	return r;
}

void view_close(struct view_dir *d)
{
	for (size_t i = 0; d->fds && i < d->n; i++)
		fd_closep(&d->fds[i]);
	free(d->fds);
	*d = (struct view_dir){ 0 };
}

static bool opaque_attr(int fd, const char *name)
{
	char value = 0;

	return fgetxattr(fd, name, &value, 1) == 1 && value == 'y';
}

bool view_is_opaque(const struct view *v, int fd, bool top)
{
	if (opaque_attr(fd, "user.overlay.opaque") || opaque_attr(fd, "user.fuseoverlayfs.opaque"))
		return true;
	return top && v->wh_names && faccessat(fd, WH_OPAQUE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

enum view_mark view_mark(const struct view_dir *d, const struct view_name *n, const struct stat *st)
{
	/* A whiteout is an empty regular file with an attribute, or character device 0:0. */
	if ((S_ISCHR(st->st_mode) || (S_ISREG(st->st_mode) && st->st_size == 0)) &&
		whiteout_is(d->fds[n->layer], n->name))
		return VIEW_GONE;
	return str_startswith(n->name, WH_PREFIX) ? VIEW_META : VIEW_FILE;
}

/* Is the name deleted by a ".wh." one of the top layer? */
static bool gone_by_name(const struct view *v, const struct view_dir *d, const char *name)
{
	char mark[256 + sizeof(WH_PREFIX)];
	int top = d->n ? d->fds[d->n - 1] : -1;

	if (!v->wh_names || top < 0 || strlen(name) > 255)
		return false;
	snprintf(mark, sizeof(mark), WH_PREFIX "%s", name);
	return faccessat(top, mark, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int view_find(const struct view *v, const struct view_dir *d, const char *name, size_t *ret_layer,
	struct stat *ret)
{
	struct stat st;

	for (size_t i = d->n; i-- > 0;) {
		struct view_name n = { name, i };

		if (d->fds[i] < 0)
			continue;
		if (fstatat(d->fds[i], name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			if (view_mark(d, &n, &st) != VIEW_FILE)
				return 0;
			*ret_layer = i;
			*ret = st;
			return 1;
		}
		if (errno != ENOENT)
			return -errno;
		if (i == d->n - 1 && gone_by_name(v, d, name))
			return 0;
	}
	return 0;
}

/* Opens one layer's part: the descriptor, -ENOENT when that is no directory, and whether it ends here. */
static int open_part(
	const struct view *v, const struct view_dir *d, size_t i, const char *name, bool *ret_last)
{
	int fd = openat(d->fds[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*ret_last = true;
	if (fd >= 0) {
		*ret_last = view_is_opaque(v, fd, i == d->n - 1);
		return fd;
	}
	if (errno == ENOENT) {
		*ret_last = i == d->n - 1 && gone_by_name(v, d, name);
		return -ENOENT;
	}
	/* Something else of that name, a whiteout too, hides what is below. */
	return errno == ENOTDIR || errno == ELOOP ? -ENOENT : -errno;
}

int view_open_dir(
	const struct view *v, const struct view_dir *d, const char *name, struct view_dir *ret)
{
	struct view_dir sub = { .fds = calloc(d->n + 1, sizeof(int)), .n = d->n };
	bool found = false, last = false;
	int r = sub.fds ? 0 : -ENOMEM;

	for (size_t i = 0; sub.fds && i < d->n; i++)
		sub.fds[i] = -1;
	for (size_t i = d->n; r == 0 && !last && i-- > 0;) {
		if (d->fds[i] < 0)
			continue;
		sub.fds[i] = open_part(v, d, i, name, &last);
		found |= sub.fds[i] >= 0;
		if (sub.fds[i] < 0 && sub.fds[i] != -ENOENT)
			r = sub.fds[i];
		if (sub.fds[i] < 0)
			sub.fds[i] = -1;
	}
	if (r == 0 && !found)
		r = -ENOENT;
	if (r < 0)
		view_close(&sub);
	else
		*ret = sub;
	return r;
}

/* --- names ------------------------------------------------------------------------------------- */

struct gather {
	struct str text;
	struct {
		size_t at, layer;
	} * list;
	size_t n, cap;
};

static int add_name(struct gather *g, const char *name, size_t layer)
{
	if (g->n == g->cap) {
		size_t cap = g->cap ? 2 * g->cap : 64;
		void *grown = realloc(g->list, cap * sizeof(*g->list));

		if (!grown)
			return -ENOMEM;
		g->list = grown;
		g->cap = cap;
	}
	g->list[g->n].at = g->text.len;
	g->list[g->n++].layer = layer;
	return str_add(&g->text, name, strlen(name) + 1);
}

static int gather_one(struct gather *g, int fd, size_t layer)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *de;

	if (!dir) {
		r = own < 0 ? -errno : -ENOMEM;
		fd_closep(&own);
		return r;
	}
	while (r == 0 && (errno = 0, de = readdir(dir))) {
		if (!streq(de->d_name, ".") && !streq(de->d_name, ".."))
			r = add_name(g, de->d_name, layer);
	}
	if (r == 0 && errno)
		r = -errno;
	closedir(dir);
	return r;
}

/* By name; of one name, the topmost layer first. */
static int compare(const void *a, const void *b)
{
	const struct view_name *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (c != 0)
		return c;
	return x->layer < y->layer ? 1 : x->layer > y->layer ? -1 : 0;
}

int view_list(const struct view_dir *d, struct view_names *ret)
{
	struct gather g = { 0 };
	struct view_name *list = NULL;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->n; i++) {
		if (d->fds[i] >= 0)
			r = gather_one(&g, d->fds[i], i);
	}
	if (r == 0)
		list = calloc(g.n + 1, sizeof(*list));
	if (r == 0 && !list)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < g.n; i++)
		list[i] = (struct view_name){ g.text.s + g.list[i].at, g.list[i].layer };
	if (r == 0)
		qsort(list, g.n, sizeof(*list), compare);
	for (size_t i = 0; r == 0 && i < g.n; i++) {
		if (n == 0 || !streq(list[i].name, list[n - 1].name))
			list[n++] = list[i];
	}
	free(g.list);
	if (r < 0) {
		str_free(&g.text);
		free(list);
		return r;
	}
	*ret = (struct view_names){ list, n, g.text.s };
	return 0;
}

void view_names_free(struct view_names *n)
{
	free(n->list);
	free(n->text);
	*n = (struct view_names){ 0 };
}
