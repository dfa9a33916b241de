/* SPDX-License-Identifier: Apache-2.0 */
/* The walk of a tree copy: an explicit stack of directories, marks of layers, hard links. */
#include "sys/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>

#include "base/file.h"
#include "sys/syscalls.h"
#include "sys/tree_impl.h"

/*
 * Theory of operation. A directory's names are read whole when it is entered, so that no open
 * stream waits on the way down; of the directories above the current one only the nearest
 * OPEN_LEVELS stay open, and one that was closed is opened anew from the root, in pieces that fit a
 * path. A name is used alone, below a descriptor, by calls that follow no link and cross no mount.
 * Contents come before the attributes of their directory, which would otherwise change its times
 * or forbid writing to it.
 */
#define OPEN_LEVELS 24
#define PIECE 4000 /* bytes of a path in one call; PATH_MAX is 4096 */
#define TELL_NS 100000000ULL /* between two calls of progress */
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY)

int tree_wrap(struct tree_walk *w, int r, struct err *e)
{
	size_t skip = w->path.len > 300 ? w->path.len - 300 : 0;
	_cleanup_free_ char *clean = str_sanitise(w->path.len ? w->path.s + skip : "/");

	return err_wrap(e, r, "%s%.600s", skip ? "..." : "", clean ? clean : "a file");
}

int tree_fail(struct tree_walk *w, int r, const char *doing, struct err *e)
{
	size_t skip = w->path.len > 300 ? w->path.len - 300 : 0;
	_cleanup_free_ char *clean = str_sanitise(w->path.len ? w->path.s + skip : "/");

	return err_set(e, r, "%s %s%.600s", doing, skip ? "..." : "", clean ? clean : "a file");
}

int tree_account(struct tree_walk *w, uint64_t entries, uint64_t bytes, struct err *e)
{
	const struct tree_opts *o = w->o;
	struct timespec t;
	uint64_t now;

	w->sums.entries += entries;
	w->sums.bytes += bytes;
	if ((o->max_entries && w->sums.entries > o->max_entries) ||
		(o->max_bytes && w->sums.bytes > o->max_bytes))
		return err_msg(e, -ETIME, "the copy of the tree is larger than its limit");
	if (!o->deadline_ns && !o->progress)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
	if (o->deadline_ns && now > o->deadline_ns)
		return err_msg(e, -ETIME, "the copy of the tree takes longer than its limit");
	if (o->progress && now - w->told_ns > TELL_NS) {
		w->told_ns = now;
		o->progress(&w->sums, o->ctx);
	}
	return 0;
}

static int open_one(int dirfd, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };
	int fd;

	do {
		fd = sys_openat2(dirfd, path, &how);
	} while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return fd < 0 ? -errno : fd;
}

/* A directory by the first len bytes of a path of any length below root. */
static int open_below(int root, const char *path, size_t len)
{
	_cleanup_fd_ int at = open_one(root, ".", len ? O_PATH | O_DIRECTORY : DIR_FLAGS);

	while (at >= 0 && len) {
		char piece[PIECE + 1];
		size_t n = len;
		int fd;

		for (n = len < PIECE ? len : PIECE; n < len && path[n] != '/'; n--)
			;
		memcpy(piece, path, n);
		piece[n] = '\0';
		path += n + (n < len);
		len -= n + (n < len);
		fd = open_one(at, piece, len ? O_PATH | O_DIRECTORY : DIR_FLAGS);
		fd_closep(&at);
		at = fd;
	}
	return take_fd(&at);
}

static void level_free(struct tree_level *l)
{
	fd_closep(&l->src);
	fd_closep(&l->dst);
	free(l->names);
}

static void walk_free(struct tree_walk *w)
{
	while (w->n)
		level_free(&w->levels[--w->n]);
	free(w->levels);
	tree_links_free(&w->links);
	str_free(&w->path);
}

static int read_names(int src, char **ret)
{
	int fd = open_one(src, ".", DIR_FLAGS);
	_cleanup_str_ struct str all = { 0 };
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	int r = 0;

	if (!d) {
		r = fd < 0 ? fd : -errno;
		fd_closep(&fd);
		return r;
	}
	while (r == 0 && (errno = 0, de = readdir(d))) {
		if (!streq(de->d_name, ".") && !streq(de->d_name, ".."))
			r = str_add(&all, de->d_name, strlen(de->d_name) + 1);
	}
	if (r == 0 && errno)
		r = -errno;
	closedir(d);
	if (r == 0)
		r = str_add(&all, "", 1);
	if (r == 0)
		*ret = take_ptr(all.s);
	return r;
}

/* Enters the directory at w->path, whose descriptors it takes over. */
static int push(struct tree_walk *w, int src, int dst, const struct stat *st, struct err *e)
{
	struct tree_level l = { .src = src, .dst = dst, .st = *st, .path_len = w->path.len };
	int r = read_names(src, &l.names);

	if (r == 0 && w->n == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 64;
		struct tree_level *grown = realloc(w->levels, cap * sizeof(*grown));

		if (grown) {
			w->levels = grown;
			w->cap = cap;
		}
		r = grown ? 0 : -ENOMEM;
	}
	if (r < 0) {
		level_free(&l);
		return tree_fail(w, r, "read the directory", e);
	}
	l.next = l.names;
	w->levels[w->n++] = l;
	if (w->n > OPEN_LEVELS) {
		fd_closep(&w->levels[w->n - 1 - OPEN_LEVELS].src);
		fd_closep(&w->levels[w->n - 1 - OPEN_LEVELS].dst);
	}
	return 0;
}

/*
 * Opens the current directory and those right above it anew: the first from the root, the others
 * from the one before, so that a deep tree costs no walk from the root for every level.
 */
static int reopen(struct tree_walk *w, struct err *e)
{
	size_t i = w->n > OPEN_LEVELS ? w->n - OPEN_LEVELS : 0, len = w->levels[i].path_len;
	int src = open_below(w->from, w->path.s, len), dst = open_below(w->to, w->path.s, len);

	for (;; i++) {
		struct tree_level *l = &w->levels[i];

		l->src = src;
		l->dst = dst;
		if (src < 0 || dst < 0)
			return tree_fail(w, src < 0 ? src : dst, "return to", e);
		if (i == w->n - 1)
			return 0;
		len = l->path_len + (l->path_len > 0);
		src = open_below(src, w->path.s + len, l[1].path_len - len);
		dst = open_below(dst, w->path.s + len, l[1].path_len - len);
	}
}

/* The directory is done: its own attributes, and back to the one above. */
static int pop(struct tree_walk *w, struct err *e)
{
	struct tree_level *l = &w->levels[w->n - 1];
	int r = tree_attrs(w, l->src, l->dst, &l->st, e);

	level_free(l);
	w->n--;
	if (r < 0 || w->n == 0)
		return r;
	l--;
	w->path.len = l->path_len;
	w->path.s[l->path_len] = '\0';
	return l->src >= 0 ? 0 : reopen(w, e);
}

/* Sets w->path to the entry's in the current directory. */
static int set_path(struct tree_walk *w, const char *name, struct err *e)
{
	w->path.len = w->levels[w->n - 1].path_len;
	if (str_addf(&w->path, "%s%s", w->path.len ? "/" : "", name) < 0)
		return err_set(e, -ENOMEM, "copy a tree");
	return 0;
}

/* Makes way for a name that is to be made anew. */
static int clear(struct tree_walk *w, int dst, const char *name, struct err *e)
{
	int r = w->o->apply ? dir_remove(dst, name) : -EEXIST;

	return r < 0 ? tree_fail(w, r, "replace", e) : 0;
}

/*
 * A file with more names: 1 when it was linked to its first copy, else 0, and it is remembered as
 * the first one itself.
 */
static int hard_link(
	struct tree_walk *w, int dst, const char *name, const struct stat *st, struct err *e)
{
	_cleanup_fd_ int dir = -1;
	const char *base, *first;
	int r = tree_links_find(&w->links, st, w->path.s, &first);

	if (r < 0)
		return tree_fail(w, r, "copy", e);
	if (!first)
		return 0;
	base = strrchr(first, '/');
	dir = open_below(w->to, first, base ? (size_t)(base - first) : 0);
	base = base ? base + 1 : first;
	if (dir < 0)
		return tree_fail(w, dir, "link", e);
	r = linkat(dir, base, dst, name, 0) < 0 ? -errno : 0;
	if (r == -EEXIST && (r = clear(w, dst, name, e)) == 0)
		r = linkat(dir, base, dst, name, 0) < 0 ? -errno : 0;
	/* Some file systems cap the number of names: then it becomes a file of its own. */
	if (r == -EMLINK)
		return 0;
	return r < 0 ? tree_fail(w, r, "link", e) : 1;
}

static int copy_regular(struct tree_walk *w, const char *name, const struct stat *st, struct err *e)
{
	struct tree_level *l = &w->levels[w->n - 1];
	_cleanup_fd_ int src = -1, dst = -1;
	struct stat now;
	int r;

	if (st->st_nlink > 1 && (r = hard_link(w, l->dst, name, st, e)) != 0)
		return r < 0 ? r : 0;
	src = open_one(l->src, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (src < 0 || fstat(src, &now) < 0)
		return tree_fail(w, src < 0 ? src : -errno, "read", e);
	if (!S_ISREG(now.st_mode))
		return tree_fail(w, -ESTALE, "it was exchanged while it was copied:", e);
	for (int i = 0; dst < 0 && i < 2; i++) {
		int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

		dst = openat(l->dst, name, flags, 0600);
		if (dst < 0 && (errno != EEXIST || i > 0))
			return tree_fail(w, -errno, "make", e);
		if (dst < 0 && (r = clear(w, l->dst, name, e)) < 0)
			return r;
	}
	r = tree_data(w, src, dst, &now, e);
	return r < 0 ? r : tree_attrs(w, src, dst, &now, e);
}

static int make_special(int dst, const char *name, const struct stat *st, const char *target)
{
	int r = S_ISLNK(st->st_mode)
			? symlinkat(target, dst, name)
			: mknodat(dst, name, st->st_mode & (S_IFMT | 0600), st->st_rdev);

	return r < 0 ? -errno : 0;
}

/* Symbolic links, FIFOs and whiteouts: what is made by one call and has no contents. */
static int copy_special(struct tree_walk *w, const char *name, const struct stat *st, struct err *e)
{
	struct tree_level *l = &w->levels[w->n - 1];
	_cleanup_free_ char *target = NULL;
	int r;

	if (st->st_nlink > 1 && (r = hard_link(w, l->dst, name, st, e)) != 0)
		return r < 0 ? r : 0;
	if (S_ISLNK(st->st_mode)) {
		size_t cap = 4096;
		ssize_t n;

		target = malloc(cap + 1);
		n = target ? readlinkat(l->src, name, target, cap) : -1;
		if (n < 0)
			return tree_fail(w, target ? -errno : -ENOMEM, "read the link", e);
		target[n] = '\0';
	}
	r = make_special(l->dst, name, st, target);
	if (r == -EEXIST) {
		r = clear(w, l->dst, name, e);
		if (r < 0)
			return r;
		r = make_special(l->dst, name, st, target);
	}
	return r < 0 ? tree_fail(w, r, "make", e) : tree_attrs_at(w, l->dst, name, st, e);
}

/* The directory at dst/name for a directory of the source: open, and writable for us. */
static int make_dir(struct tree_walk *w, int dst, const char *name, bool opaque, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;
	bool there = false;
	int r;

	if (mkdirat(dst, name, 0700) < 0) {
		if (errno != EEXIST)
			return tree_fail(w, -errno, "make the directory", e);
		there = w->o->apply && !opaque &&
			fstatat(dst, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
		r = there ? 0 : clear(w, dst, name, e);
		if (r < 0)
			return r;
		if ((there ? fchmodat(dst, name, 0700, 0) : mkdirat(dst, name, 0700)) < 0)
			return tree_fail(w, -errno, "make the directory", e);
	}
	fd = open_one(dst, name, DIR_FLAGS);
	r = fd >= 0 && there ? tree_clear_xattrs(fd) : 0;
	if (fd < 0 || r < 0)
		return tree_fail(w, fd < 0 ? fd : r, "make the directory", e);
	return take_fd(&fd);
}

static bool is_opaque(int src)
{
	char v = 0;

	return fgetxattr(src, TREE_XATTR_OPAQUE, &v, 1) == 1 && v == 'y';
}

static int enter(struct tree_walk *w, const char *name, struct err *e)
{
	struct tree_level *l = &w->levels[w->n - 1];
	_cleanup_fd_ int src = open_one(l->src, name, DIR_FLAGS), dst = -1;
	struct stat st;

	if (src < 0 || fstat(src, &st) < 0)
		return tree_fail(w, src < 0 ? src : -errno, "read the directory", e);
	dst = make_dir(w, l->dst, name, w->o->apply && is_opaque(src), e);
	if (dst < 0)
		return take_fd(&dst);
	return push(w, take_fd(&src), take_fd(&dst), &st, e);
}

/* Is it a mark that overlayfs takes for a deletion? */
static bool is_whiteout(int dirfd, const char *name, const struct stat *st)
{
	_cleanup_fd_ int fd = -1;

	if (S_ISCHR(st->st_mode))
		return st->st_rdev == makedev(0, 0);
	if (!S_ISREG(st->st_mode) || st->st_size != 0)
		return false;
	fd = open_one(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	return fd >= 0 && fgetxattr(fd, TREE_XATTR_WHITEOUT, NULL, 0) >= 0;
}

static int copy_entry(struct tree_walk *w, const char *name, struct err *e)
{
	struct tree_level *l = &w->levels[w->n - 1];
	struct stat st;
	int r = set_path(w, name, e);

	if (r == 0)
		r = tree_account(w, 1, 0, e);
	if (r < 0)
		return r;
	if (fstatat(l->src, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return tree_fail(w, -errno, "read", e);
	if (S_ISDIR(st.st_mode))
		return enter(w, name, e);
	if (w->o->apply && is_whiteout(l->src, name, &st))
		return clear(w, l->dst, name, e);
	if (S_ISREG(st.st_mode))
		return copy_regular(w, name, &st, e);
	if (S_ISLNK(st.st_mode) || S_ISFIFO(st.st_mode) || is_whiteout(l->src, name, &st))
		return copy_special(w, name, &st, e);
	w->sums.skipped++;
	return 0;
}

static int walk(struct tree_walk *w, struct err *e)
{
	int r = 0;

	while (r == 0 && w->n) {
		struct tree_level *l = &w->levels[w->n - 1];
		const char *name = l->next;

		if (!*name) {
			r = pop(w, e);
			continue;
		}
		l->next += strlen(name) + 1;
		r = copy_entry(w, name, e);
	}
	return r;
}

/* What the layers below have in the root directory itself. */
static int hide_all(int dst)
{
	_cleanup_free_ char *names = NULL;
	int r = read_names(dst, &names);

	for (const char *p = names; r == 0 && *p; p += strlen(p) + 1)
		r = dir_remove(dst, p);
	return r;
}

int tree_copy(int from, int to, const struct tree_opts *o, struct tree_sums *ret, struct err *e)
{
	struct tree_walk w = { .o = o, .from = from, .to = to };
	_cleanup_fd_ int src = open_one(from, ".", DIR_FLAGS), dst = open_one(to, ".", DIR_FLAGS);
	struct timespec t;
	struct stat st;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &t);
	w.told_ns = (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
	if (src < 0 || dst < 0 || fstat(src, &st) < 0)
		return err_set(e, src < 0 ? src : dst < 0 ? dst : -errno, "copy a tree");
	r = str_add(&w.path, "", 0);
	if (r == 0 && o->apply)
		r = tree_clear_xattrs(dst);
	if (r == 0 && o->apply && is_opaque(src))
		r = hide_all(dst);
	if (r < 0)
		return err_set(e, r, "copy a tree");
	r = push(&w, take_fd(&src), take_fd(&dst), &st, e);
	if (r == 0)
		r = walk(&w, e);
	if (ret)
		*ret = w.sums;
	walk_free(&w);
	return r;
}
