/* SPDX-License-Identifier: Apache-2.0 */
/* Resolve inside a root. */
#include "sys/inroot.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/fd.h"
#include "base/red.h"
#include "base/str.h"
#include "sys/syscalls.h"

#define LINKS_MAX 40

static int open_how(int rootfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = { .flags = (uint64_t)(unsigned int)flags | O_CLOEXEC,
		.mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve };
	int fd;

	if (red_off("pivot")) { /* the classic: a path string below a directory of the host */
		how.resolve = 0;
		path += strspn(path, "/");
	}
	/* openat2(2): -EAGAIN when a rename or mount raced with ".." handling; try again. */
	for (int i = 0; i < 32; i++) {
		fd = sys_openat2(rootfd, *path ? path : ".", &how);
		if (fd >= 0)
			return fd;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

int inroot_open(int rootfd, const char *path, int flags, mode_t mode)
{
	return open_how(rootfd, path, flags, mode, 0);
}

int inroot_open_nolinks(int rootfd, const char *path, int flags)
{
	return open_how(rootfd, path, flags, 0, red_off("links") ? 0 : RESOLVE_NO_SYMLINKS);
}

bool inroot_is_fs(int fd, long magic)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (long)fs.f_type == magic;
}

int inroot_is_pseudo(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	return fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC;
}

int inroot_open_regular(int rootfd, const char *path, size_t max)
{
	_cleanup_fd_ int at = open_how(rootfd, path, O_PATH, 0, 0);
	struct stat st;
	struct stat again;
	_cleanup_fd_ int fd = -1;
	int r;

	if (at < 0)
		return take_fd(&at);
	if (red_off("regular"))
		return open_how(rootfd, path, O_RDONLY, 0, 0);
	if (fstat(at, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	r = inroot_is_pseudo(at);
	if (r != 0)
		return r < 0 ? r : -EINVAL;
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return -EFBIG;
	/* O_NONBLOCK: should a FIFO take its place now, the open returns and the check refuses it. */
	fd = open_how(rootfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, 0);
	if (fd < 0)
		return take_fd(&fd);
	if (fstat(fd, &again) < 0)
		return -errno;
	if (again.st_dev != st.st_dev || again.st_ino != st.st_ino)
		return -EINVAL;
	return take_fd(&fd);
}

/* Splits off the last component: parent "" is the root. Ignores trailing slashes. */
static char *split_last(const char *path, char **ret_parent)
{
	size_t n = strlen(path), start;
	char *last;

	while (n > 0 && path[n - 1] == '/')
		n--;
	for (start = n; start > 0 && path[start - 1] != '/'; start--)
		;
	last = strndup(path + start, n - start);
	while (start > 0 && path[start - 1] == '/')
		start--;
	*ret_parent = strndup(path, start);
	return last;
}

/* The path that a dangling symlink at parent/name stands for, or NULL when it is no symlink. */
static char *link_target(int parent_fd, const char *parent, const char *name)
{
	char buf[PATH_MAX];
	ssize_t n = readlinkat(parent_fd, name, buf, sizeof(buf) - 1);

	if (n <= 0)
		return NULL;
	buf[n] = '\0';
	return buf[0] == '/' ? strdup(buf) : str_printf("%s/%s", parent, buf);
}

/*
 * Follows or makes one path, whose last component is a directory or a file. *links is what may still
 * be followed, on all of it: a path that has long been made costs nothing, one of links ends.
 */
static int make_path(int rootfd, const char *path, bool dir, int *links)
{
	_cleanup_free_ char *parent = NULL, *name = NULL, *target = NULL;
	_cleanup_fd_ int pfd = -1;
	int fd = open_how(rootfd, path, dir ? O_PATH | O_DIRECTORY : O_PATH, 0, 0);

	if (fd != -ENOENT)
		return fd;
	if (*links <= 0)
		return -ELOOP;
	name = split_last(path, &parent);
	if (!name || !parent)
		return -ENOMEM;
	if (!*name || streq(name, ".."))
		return -ENOENT;
	pfd = make_path(rootfd, parent, true, links);
	if (pfd < 0)
		return take_fd(&pfd);
	if (dir ? mkdirat(pfd, name, 0755) == 0 : true) {
		int fl = dir ? O_PATH | O_DIRECTORY | O_NOFOLLOW
			     : O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

		fd = openat(pfd, name, fl | O_CLOEXEC, 0644);
		if (fd >= 0)
			return fd;
	}
	if (errno != EEXIST)
		return -errno;
	target = link_target(pfd, parent, name);
	/* No link: somebody made it in between, so take what is there now. */
	--*links;
	return make_path(rootfd, target ? target : path, dir, links);
}

int inroot_mkdir(int rootfd, const char *path)
{
	int links = LINKS_MAX;

	return make_path(rootfd, path, true, &links);
}

int inroot_touch(int rootfd, const char *path)
{
	int links = LINKS_MAX;
	_cleanup_fd_ int fd = make_path(rootfd, path, false, &links);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return -EISDIR;
	return take_fd(&fd);
}
