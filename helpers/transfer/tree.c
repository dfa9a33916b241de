/* SPDX-License-Identifier: Apache-2.0 */
/* Names and directories of the tree: every parent is resolved inside the root, by the kernel. */
#include "tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/red.h"
#include "base/str.h"
#include "sys/inroot.h"
#include "sys/syscalls.h"

/*
 * Theory of operation. An archive's names are hostile, and so are the links it made before. No
 * name is ever joined to a path of the host: the parent of each entry is opened by openat2(2)
 * with RESOLVE_IN_ROOT below the root's descriptor, where "..", absolute names and links can only
 * lead to places in the tree. The last component is then used alone, with calls that neither
 * follow nor reuse what is there: O_EXCL|O_NOFOLLOW, symlinkat, linkat, mknodat, mkdirat. What
 * stands in the way is unlinked first. Nobody else writes below the root meanwhile.
 */
void tree_init(struct tree *t, int root)
{
	*t = (struct tree){ .root = root, .parent_fd = -1 };
}

void tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->n_dirs; i++)
		free(t->dirs[i].path);
	free(t->dirs);
	free(t->parent);
	fd_closep(&t->parent_fd);
}

int tree_err(struct err *e, int r, const char *doing, const char *path)
{
	_cleanup_free_ char *clean = str_sanitise(*path ? path : "/");

	return err_set(e, r, "%s %.300s", doing, clean ? clean : "(a file)");
}

int tree_clean_name(const char *name, char *buf, const char **ret_why)
{
	size_t len = 0, depth = 0, n;

	*ret_why = "it is empty";
	if (!name || !*name)
		return -EINVAL;
	if (red_off("clean-name")) {
		snprintf(buf, UCTR_MAX_PATH_BYTES + 1, "%s", name);
		return 0;
	}
	for (; *name; name += n) {
		name += strspn(name, "/");
		n = strcspn(name, "/");
		if (n == 0 || (n == 1 && name[0] == '.'))
			continue;
		*ret_why = "it has a \"..\" component";
		if (n == 2 && name[0] == '.' && name[1] == '.')
			return -EINVAL;
		*ret_why = "it is too long";
		if (n > 255 || len + 1 + n > UCTR_MAX_PATH_BYTES)
			return -EINVAL;
		*ret_why = "it is too deep";
		if (++depth > UCTR_MAX_PATH_DEPTH)
			return -EINVAL;
		if (len)
			buf[len++] = '/';
		memcpy(buf + len, name, n);
		len += n;
	}
	buf[len] = '\0';
	return 0;
}

static int open_dir_in_root(struct tree *t, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int fd;

	if (red_off("in-root"))
		how.resolve = 0;
	fd = sys_openat2(t->root, *path ? path : ".", &how);

	return fd < 0 ? -errno : fd;
}

int tree_clear(struct tree *t, int dirfd, const char *name)
{
	/* What is removed may be, or lead to, the cached parent. dirfd may be the cache's own. */
	free(t->parent);
	t->parent = NULL;
	return dir_remove(dirfd, name);
}

int tree_set_opaque(int dirfd, const char *name)
{
	_cleanup_fd_ int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) < 0 ? -errno : 0;
}

int tree_make_dir(struct tree *t, int dirfd, const char *name)
{
	bool hides;
	struct stat st;
	int r;

	if (mkdirat(dirfd, name, 0755) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return 1;
	/* Deleted below, then made again here: what lower layers have there stays hidden. */
	hides = whiteout_is(dirfd, name);
	r = tree_clear(t, dirfd, name);
	if (r < 0)
		return r;
	if (mkdirat(dirfd, name, 0755) < 0)
		return -errno;
	return hides ? tree_set_opaque(dirfd, name) : 0;
}

/*
 * Makes what is missing of dir (a cleaned path), one component after the other: the descriptor or
 * -errno. A name that this layer deleted is a directory of it after all: the mark gives way. Links
 * to what lower layers have lead to the same place in this layer (inroot_mkdir).
 */
static int make_parents(struct tree *t, char *dir)
{
	_cleanup_fd_ int above = open_dir_in_root(t, "");
	char *name = dir;

	for (;;) {
		char *slash = strchr(name, '/');
		int fd, r = 0;

		if (above < 0)
			return take_fd(&above);
		if (slash)
			*slash = '\0';
		if (whiteout_is(above, name))
			r = tree_make_dir(t, above, name);
		fd = r < 0 ? r : inroot_mkdir(t->root, dir);
		if (slash)
			*slash = '/';
		if (fd < 0 || !slash)
			return fd;
		fd_closep(&above);
		above = fd;
		name = slash + 1;
	}
}

int tree_parent(struct tree *t, const char *path, const char **ret_name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = strndup(path, slash ? (size_t)(slash - path) : 0);
	int fd;

	if (!dir)
		return err_set(e, -ENOMEM, "unpack");
	*ret_name = slash ? slash + 1 : path;
	if (t->parent && streq(t->parent, dir))
		return t->parent_fd;
	fd = open_dir_in_root(t, dir);
	if (fd == -ENOENT || fd == -ENOTDIR)
		fd = make_parents(t, dir);
	if (fd < 0)
		return tree_err(e, fd, "make the directory of", path);
	free(t->parent);
	fd_closep(&t->parent_fd);
	t->parent = take_ptr(dir);
	t->parent_fd = fd;
	return fd;
}

int tree_note_dir(struct tree *t, const char *path, struct timespec mtime)
{
	char *copy = strdup(path);

	if (copy && t->n_dirs == t->cap_dirs) {
		size_t cap = t->cap_dirs ? 2 * t->cap_dirs : 256;
		struct tree_dir *grown = realloc(t->dirs, cap * sizeof(*grown));

		if (grown) {
			t->dirs = grown;
			t->cap_dirs = cap;
		}
	}
	if (!copy || t->n_dirs == t->cap_dirs) {
		free(copy);
		return -ENOMEM;
	}
	t->dirs[t->n_dirs++] = (struct tree_dir){ copy, mtime };
	return 0;
}

int tree_finish(struct tree *t, struct err *e)
{
	for (size_t i = 0; i < t->n_dirs; i++) {
		const char *path = t->dirs[i].path;
		struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, t->dirs[i].mtime };
		struct open_how how = {
			.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
			.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
		};
		_cleanup_fd_ int fd = sys_openat2(t->root, *path ? path : ".", &how);

		/* A later entry may have replaced the directory: then there is nothing to set. */
		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
			continue;
		if (fd < 0 || futimens(fd, times) < 0)
			return tree_err(e, -errno, "set the times of", path);
	}
	return 0;
}
