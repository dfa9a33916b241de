/* SPDX-License-Identifier: Apache-2.0 */
/* The walk: what of a view goes into the archive or the list, in the order of names. */
#include "pack.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "tree.h"

/*
 * Theory of operation. Directories are entered by descriptor and by one name at a time, never
 * through a link, so nothing outside of the layers can be reached, whatever a living container does
 * meanwhile. Depth is limited (UCTR_MAX_PATH_DEPTH, UCTR_MAX_PATH_BYTES), as deeper files could not
 * be unpacked from an image. Each level has up to a descriptor for each layer; far above the current
 * one they are closed for a while and opened again by name from the root.
 */
#define FDS_MAX 640 /* of directories; the limit of the process is 1024 */
#define LIST_FLUSH (64U << 10)

struct level {
	struct view_dir now, base;
	struct level *up;
	unsigned int depth;
	size_t path_len;
	bool closed, has_base;
	bool told; /* the directory itself is in the archive or the list */
};

static int walk(struct pack *p, struct level *l, struct err *e);

/* --- the list ---------------------------------------------------------------------------------- */

static int flush_list(struct pack *p, struct err *e)
{
	int r = fd_write_all(p->list_fd, p->lines_out.s, p->lines_out.len);

	p->lines_out.len = 0;
	return r < 0 ? err_set(e, r, "write the list of changes") : 0;
}

static int list(struct pack *p, char what, const char *name, struct err *e)
{
	int r = str_addf(&p->lines_out, "%c/%.*s%s%s", what, (int)p->len, p->path,
		name && p->len ? "/" : "", name ? name : "");

	if (r == 0)
		r = str_add(&p->lines_out, "", 1);
	if (r < 0)
		return err_set(e, r, "list the changes");
	return p->lines_out.len > LIST_FLUSH ? flush_list(p, e) : 0;
}

/* --- levels ------------------------------------------------------------------------------------ */

static size_t width(const struct pack *p)
{
	return p->now.n + p->base.n + 1;
}

static void close_level(struct level *l)
{
	view_close(&l->now);
	if (l->has_base)
		view_close(&l->base);
	l->closed = true;
}

/* Down from the root again, along the path of the level. */
static int reopen_view(const struct pack *p, const struct view *v, size_t len, struct view_dir *ret)
{
	_cleanup_free_ char *path = strndup(p->path, len);
	struct view_dir at = { 0 }, next = { 0 };
	char *save = NULL;
	int r = path ? view_open_root(v, &at) : -ENOMEM;

	for (char *name = r < 0 ? NULL : strtok_r(path, "/", &save); r == 0 && name;
		name = strtok_r(NULL, "/", &save)) {
		r = view_open_dir(v, &at, name, &next);
		view_close(&at);
		at = next;
	}
	if (r == 0)
		*ret = at;
	return r;
}

/* 1 again open, 0 the directory is gone, or an error. */
static int reopen(struct pack *p, struct level *l, struct err *e)
{
	int r;

	if (!l->closed)
		return 1;
	r = reopen_view(p, &p->now, l->path_len, &l->now);
	if (r == 0 && l->has_base) {
		r = reopen_view(p, &p->base, l->path_len, &l->base);
		if (r == -ENOENT) {
			l->has_base = false;
			r = 0;
		}
	}
	if (r < 0)
		view_close(&l->now);
	if (r == -ENOENT) {
		p->changed++;
		return 0;
	}
	if (r < 0)
		return pack_fail(p, r, "open again", e);
	l->closed = false;
	return 1;
}

static int enter(struct pack *p, struct level *l, const char *name, bool told, struct err *e)
{
	struct level sub = {
		.up = l,
		.depth = l->depth + 1,
		.path_len = p->len,
		.told = told,
	};
	int r = view_open_dir(&p->now, &l->now, name, &sub.now);

	if (r == -ENOENT) {
		p->changed++;
		return 0;
	}
	if (r == 0 && l->has_base) {
		r = view_open_dir(&p->base, &l->base, name, &sub.base);
		sub.has_base = r == 0;
		r = r == -ENOENT ? 0 : r;
	}
	if (r < 0) {
		view_close(&sub.now);
		return pack_fail(p, r, "open the directory", e);
	}
	/* Nothing of the top layer in there: it is the base's. */
	if (!p->top || sub.now.fds[sub.now.n - 1] >= 0) {
		if ((size_t)sub.depth * width(p) > FDS_MAX)
			close_level(l);
		r = walk(p, &sub, e);
	}
	close_level(&sub);
	return r;
}

/* --- one name ---------------------------------------------------------------------------------- */

static int push(struct pack *p, const struct level *l, const char *name, struct err *e)
{
	size_t n = strlen(name);

	if (++p->entries > UCTR_MAX_ENTRIES)
		return err_msg(e, -E2BIG, "there are more than %llu files, the limit for a layer",
			(unsigned long long)UCTR_MAX_ENTRIES);
	if (p->len + n + 1 > UCTR_MAX_PATH_BYTES || l->depth >= UCTR_MAX_PATH_DEPTH)
		return pack_fail(p, -ENAMETOOLONG,
			"images cannot have directories as deep as below (at most 256 names, 4095 "
			"bytes)",
			e);
	if (p->len)
		p->path[p->len++] = '/';
	memcpy(p->path + p->len, name, n + 1);
	p->len += n;
	return 0;
}

static void pop(struct pack *p, const struct level *l)
{
	p->len = l->path_len;
	p->path[p->len] = '\0';
}

/*
 * What changed stands below its directories, which are told first: an unpacker that has to make one
 * up would give it a mode and an owner that hide those of the image.
 */
static int tell_dirs(struct pack *p, struct level *l, struct err *e)
{
	bool was_closed = l->closed;
	size_t len = p->len, top = l->now.n;
	struct stat st;
	char cut;
	int r;

	if (l->told || !l->up)
		return 0;
	r = tell_dirs(p, l->up, e);
	if (r == 0)
		r = reopen(p, l, e);
	if (r <= 0)
		return r;
	while (top > 0 && l->now.fds[top - 1] < 0)
		top--;
	if (top == 0 || fstat(l->now.fds[top - 1], &st) < 0)
		return pack_fail(p, -ENOENT, "look into", e);
	cut = p->path[l->path_len];
	p->path[p->len = l->path_len] = '\0';
	r = p->out ? pack_entry(p, l->now.fds[top - 1], ".", &st, e) : list(p, 'C', NULL, e);
	p->path[l->path_len] = cut;
	p->len = len;
	l->told = true;
	if (was_closed)
		close_level(l);
	return r;
}

static int put(struct pack *p, const struct level *l, size_t layer, const char *name,
	const struct stat *st, bool new, struct err *e)
{
	if (p->out)
		return pack_entry(p, l->now.fds[layer], name, st, e);
	if (S_ISSOCK(st->st_mode))
		return 0;
	return list(p, new ? 'A' : 'C', NULL, e);
}

static int gone(struct pack *p, const char *name, const struct stat *st, struct err *e)
{
	char mark[256 + 8];

	if (!p->out)
		return list(p, 'D', name, e);
	/* A name as long as names can be has no mark: nothing that could be unpacked says it. */
	if (strlen(name) > 255 - strlen(".wh."))
		return pack_fail(p, -ENAMETOOLONG, "an image cannot say what was deleted in", e);
	snprintf(mark, sizeof(mark), ".wh.%s", name);
	return pack_mark(p, mark, st, e);
}

static bool same_link(int a, const char *name, int b)
{
	char x[4096], y[4096];
	ssize_t n = readlinkat(a, name, x, sizeof(x)), m = readlinkat(b, name, y, sizeof(y));

	return n >= 0 && n == m && memcmp(x, y, (size_t)n) == 0;
}

static bool same_owner(
	struct pack *p, int a, const struct stat *x, int b, const struct stat *y, const char *name)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	bool opens = p->records && (S_ISREG(x->st_mode) || S_ISDIR(x->st_mode));
	_cleanup_fd_ int fx = opens ? openat(a, name, flags) : -1;
	_cleanup_fd_ int fy = opens ? openat(b, name, flags) : -1;
	uint32_t ux, gx, uy, gy;

	pack_owner(p, a, name, fx, x, &ux, &gx);
	pack_owner(p, b, name, fy, y, &uy, &gy);
	return ux == uy && gx == gy;
}

/* As docker and rsync tell: by what stat(2) shows, not by contents. */
static bool same(
	struct pack *p, int a, const struct stat *x, int b, const struct stat *y, const char *name)
{
	if (x->st_dev == y->st_dev && x->st_ino == y->st_ino)
		return true;
	if (x->st_mode != y->st_mode || x->st_rdev != y->st_rdev ||
		!same_owner(p, a, x, b, y, name))
		return false;
	if (S_ISDIR(x->st_mode))
		return true;
	if (S_ISLNK(x->st_mode))
		return same_link(a, name, b);
	return x->st_size == y->st_size && x->st_mtim.tv_sec == y->st_mtim.tv_sec &&
	       x->st_mtim.tv_nsec == y->st_mtim.tv_nsec;
}

/* A file that the view shows, and, if it is a directory, what is in it. */
static int visible(struct pack *p, struct level *l, const char *name, size_t layer,
	const struct stat *st, struct err *e)
{
	struct stat old;
	size_t where;
	bool tell = true;
	int r, was = 0;

	if (l->has_base) {
		was = view_find(&p->base, &l->base, name, &where, &old);
		if (was < 0)
			return pack_fail(p, was, "look at the image's files in", e);
		tell = p->top ? layer == p->now.n - 1
			      : !was || !same(p, l->now.fds[layer], st, l->base.fds[where], &old,
						name);
	}
	r = tell ? tell_dirs(p, l, e) : 0;
	if (r == 0)
		r = push(p, l, name, e);
	if (r == 0 && tell)
		r = put(p, l, layer, name, st, !was, e);
	/* A directory in the place of a file needs no mark: it hides what is not one. */
	if (r == 0 && S_ISDIR(st->st_mode))
		r = enter(p, l, name, tell, e);
	pop(p, l);
	return r;
}

/* One name of a single layer, whose marks become marks of the archive. */
static int layer_name(struct pack *p, struct level *l, const struct view_name *n,
	const struct stat *st, struct err *e)
{
	int fd, r;

	switch (view_mark(&l->now, n, st)) {
	case VIEW_GONE:
		return gone(p, n->name, st, e);
	case VIEW_META:
		if (p->now.wh_names && !str_startswith(n->name, ".wh..wh."))
			return gone(p, n->name + strlen(".wh."), st, e);
		p->skipped += !p->now.wh_names;
		return 0;
	default:
		break;
	}
	r = push(p, l, n->name, e);
	if (r == 0)
		r = put(p, l, n->layer, n->name, st, true, e);
	if (r == 0 && S_ISDIR(st->st_mode)) {
		fd = openat(
			l->now.fds[0], n->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && view_is_opaque(&p->now, fd, true))
			r = pack_mark(p, ".wh..wh..opq", NULL, e);
		fd_closep(&fd);
		if (r == 0)
			r = enter(p, l, n->name, true, e);
	}
	pop(p, l);
	return r;
}

static int one_name(struct pack *p, struct level *l, const struct view_name *n, struct err *e)
{
	struct stat st;
	size_t layer;
	int r = reopen(p, l, e);

	if (r <= 0)
		return r;
	if (p->layer) {
		if (fstatat(l->now.fds[0], n->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? 0 : pack_fail(p, -errno, "look into", e);
		return layer_name(p, l, n, &st, e);
	}
	r = view_find(&p->now, &l->now, n->name, &layer, &st);
	if (r < 0)
		return pack_fail(p, r, "look into", e);
	if (r > 0)
		return visible(p, l, n->name, layer, &st, e);
	/* Not shown: a mark, or what one hides. Names like marks would become some in an image. */
	p->skipped += str_startswith(n->name, ".wh.") && !p->now.wh_names;
	return 0;
}

/* A name that the base has: told when the view has it no more. */
static int one_deleted(struct pack *p, struct level *l, const char *name, struct err *e)
{
	struct stat st;
	size_t layer;
	int r = view_find(&p->base, &l->base, name, &layer, &st);

	if (r > 0) {
		r = view_find(&p->now, &l->now, name, &layer, &st);
		if (r > 0)
			return 0;
		if (r == 0)
			r = tell_dirs(p, l, e);
		if (r == 0)
			return gone(p, name, NULL, e);
	}
	return r == 0 || e->code ? r : pack_fail(p, r, "look into", e);
}

/* What the base has in this directory, and the view has not. */
static int deleted(struct pack *p, struct level *l, struct err *e)
{
	struct view_names names;
	int r = reopen(p, l, e);

	if (r <= 0 || !l->has_base)
		return r < 0 ? r : 0;
	r = view_list(&l->base, &names);
	if (r < 0)
		return pack_fail(p, r, "read the directory", e);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = one_deleted(p, l, names.list[i].name, e);
	view_names_free(&names);
	return r;
}

static int walk(struct pack *p, struct level *l, struct err *e)
{
	struct view_names names;
	int r = view_list(&l->now, &names);

	if (r < 0)
		return pack_fail(p, r, "read the directory", e);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = one_name(p, l, &names.list[i], e);
	view_names_free(&names);
	return r < 0 || !p->base.n ? r : deleted(p, l, e);
}

int pack(struct pack *p, struct err *e)
{
	struct level root = { .has_base = p->base.n > 0 };
	int r = view_open_root(&p->now, &root.now);

	p->len = 0;
	if (r == 0 && root.has_base)
		r = view_open_root(&p->base, &root.base);
	if (r < 0) {
		view_close(&root.now);
		return err_set(e, r, "open the layers");
	}
	r = walk(p, &root, e);
	close_level(&root);
	if (r == 0 && p->out)
		r = tar_end(p->out, e);
	if (r == 0 && p->out)
		r = sink_finish(p->out, e);
	return r < 0 || p->out ? r : flush_list(p, e);
}

void pack_free(struct pack *p)
{
	free(p->lines.list);
	str_free(&p->lines_out);
	tree_links_free(&p->links);
}
