/* SPDX-License-Identifier: Apache-2.0 */
/* Deletions: the archive's `.wh.` names become what overlayfs in a user namespace understands. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "base/red.h"
#include "base/str.h"
#include "tree.h"

#define PREFIX ".wh."
#define OPAQUE ".wh..wh..opq"
#define META ".wh..wh."
#define XATTR "user.overlay.whiteout"

bool whiteout_is(int dirfd, const char *name)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISCHR(st.st_mode))
		return st.st_rdev == makedev(0, 0);
	if (!S_ISREG(st.st_mode) || st.st_size != 0)
		return false;
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && fgetxattr(fd, XATTR, NULL, 0) >= 0;
}

/* Overlayfs reads whiteouts from xattrs since Linux 6.7; before, one would show as an empty file. */
static int kernel_reads_xattr(void)
{
	struct utsname u;
	unsigned int major = 0, minor = 0;

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return major > 6 || (major == 6 && minor >= 7);
}

/* The xattr form: an empty file that carries XATTR, in a directory marked "look for them" (x). */
static int make_xattr_form(int dirfd, const char *name)
{
	_cleanup_fd_ int fd = -1, dir = -1;
	char have = 0;

	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (fsetxattr(fd, XATTR, "y", 1, 0) < 0)
		return -errno;
	dir = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	if (fgetxattr(dir, "user.overlay.opaque", &have, 1) == 1 && have == 'y')
		return 0; /* opaque already: there is nothing below to delete */
	return fsetxattr(dir, "user.overlay.opaque", "x", 1, 0) < 0 ? -errno : 0;
}

/* Character device 0:0 is no device and may be made in a user namespace since Linux 5.8. */
static int make(struct tree *t, int dirfd, const char *name)
{
	if (!t->whiteout_xattr) {
		if (mknodat(dirfd, name, S_IFCHR, makedev(0, 0)) == 0)
			return 0;
		if (errno != EPERM || !kernel_reads_xattr())
			return -errno;
		t->whiteout_xattr = true;
	}
	return make_xattr_form(dirfd, name);
}

static int delete_name(struct tree *t, int dirfd, const char *name)
{
	struct stat st;
	int r = make(t, dirfd, name);

	if (r != -EEXIST)
		return r;
	/*
	 * The layer itself has the name: deletions are about lower layers alone, wherever they
	 * stand in the archive. A directory hides what is below by opacity, anything else by itself.
	 */
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? tree_set_opaque(dirfd, name) : 0;
}

int whiteout_apply(struct tree *t, const char *path, struct err *e)
{
	const char *name, *base = strrchr(path, '/');
	int dirfd, r;

	base = base ? base + 1 : path;
	for (const char *p = path; p < base; p = strchr(p, '/') + 1) {
		if (str_startswith(p, PREFIX))
			return tree_err(e, -EINVAL, "a deletion mark is used as directory:", path);
	}
	if (!str_startswith(base, PREFIX))
		return 0;
	if (streq(base, OPAQUE)) {
		dirfd = tree_parent(t, path, &name, e);
		if (dirfd < 0)
			return dirfd;
		r = tree_set_opaque(dirfd, ".");
		return r < 0 ? tree_err(e, r, "mark as opaque the directory of", path) : 1;
	}
	if (str_startswith(base, META))
		return 1; /* aufs's own files; they mean nothing to an image */
	base += strlen(PREFIX);
	if (!red_off("whiteout-names") && (!*base || streq(base, ".") || streq(base, "..")))
		return tree_err(e, -EINVAL, "the deletion mark names nothing:", path);
	dirfd = tree_parent(t, path, &name, e);
	if (dirfd < 0)
		return dirfd;
	r = delete_name(t, dirfd, base);
	return r < 0 ? tree_err(e, r, "mark as deleted", path) : 1;
}
