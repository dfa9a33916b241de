/* SPDX-License-Identifier: Apache-2.0 */
/* Copying one file: contents, owner, mode, extended attributes, times. */
#include <endian.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/tree_impl.h"

#define CHUNK (8U << 20) /* bytes between two looks at the limits */
#define XATTR_LIST_MAX 65536 /* XATTR_LIST_MAX and XATTR_SIZE_MAX of the kernel */
#define CAPABILITY "security.capability"

/* By read and write, where the two file systems know no better. Bytes copied or -errno. */
static ssize_t copy_plain(int src, int dst, off_t at, size_t len)
{
	_cleanup_free_ char *buf = malloc(1 << 16);
	size_t done = 0;

	if (!buf)
		return -ENOMEM;
	while (done < len) {
		size_t want = len - done < (1 << 16) ? len - done : (1 << 16);
		ssize_t n = pread(src, buf, want, at + (off_t)done), m;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		for (ssize_t out = 0; out < n; out += m) {
			m = pwrite(dst, buf + out, (size_t)(n - out), at + (off_t)done + out);
			if (m < 0)
				return -errno;
		}
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static ssize_t copy_chunk(int src, int dst, off_t at, size_t len)
{
	off_t in = at, out = at;
	ssize_t n = copy_file_range(src, &in, dst, &out, len, 0);

	if (n >= 0)
		return n;
	if (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS ||
		errno == EBADF || errno == EPERM)
		return copy_plain(src, dst, at, len);
	return errno == EINTR ? 0 : -errno;
}

static int copy_range(struct tree_walk *w, int src, int dst, off_t at, off_t end, struct err *e)
{
	while (at < end) {
		size_t len = end - at < (off_t)CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t n = copy_chunk(src, dst, at, len);
		int r;

		/* Some file systems answer 0 where they know nothing (procfs, FUSE). */
		if (n == 0)
			n = copy_plain(src, dst, at, len);
		if (n < 0)
			return tree_fail(w, (int)n, "copy", e);
		if (n == 0)
			return tree_fail(w, -EIO, "it became shorter while it was copied:", e);
		at += n;
		r = tree_account(w, 0, (uint64_t)n, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_never(int err)
{
	return err == EOPNOTSUPP || err == EXDEV || err == ENOTTY || err == ENOSYS;
}

int tree_data(struct tree_walk *w, int src, int dst, const struct stat *st, struct err *e)
{
	off_t at = 0, end = st->st_size;
	int r;

	if (end == 0)
		return 0;
	if (!w->no_clone) {
		if (ioctl(dst, FICLONE, src) == 0) {
			w->sums.cloned++;
			return tree_account(w, 0, (uint64_t)end, e);
		}
		w->no_clone = is_never(errno);
	}
	if (st->st_blocks * 512 >= end)
		return copy_range(w, src, dst, 0, end, e);
	while (at < end) {
		off_t data = lseek(src, at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			break; /* holes up to the end */
		if (data < 0)
			return copy_range(w, src, dst, at, end, e);
		hole = lseek(src, data, SEEK_HOLE);
		if (hole < 0 || hole > end)
			hole = end;
		r = copy_range(w, src, dst, data, hole, e);
		if (r < 0)
			return r;
		at = hole;
	}
	return ftruncate(dst, end) < 0 ? tree_fail(w, -errno, "copy", e) : 0;
}

static int map_owner(struct tree_walk *w, uint32_t *uid, uint32_t *gid, struct err *e)
{
	int r = w->o->owner ? w->o->owner(uid, gid, w->o->ctx, e) : 0;

	return r < 0 ? tree_wrap(w, r, e) : 0;
}

/*
 * The kernel shows the capabilities of a file that belongs to this namespace's root as version 2,
 * and those of another root as version 3 with his id (cap_inode_getsecurity). The new owner of the
 * namespace is that root's new id.
 */
static int map_capability(struct tree_walk *w, char *value, ssize_t *size, struct err *e)
{
	struct vfs_ns_cap_data cap = { 0 };
	uint32_t root = 0, gid = 0;
	int r;

	if (!w->o->owner || (*size != XATTR_CAPS_SZ_2 && *size != XATTR_CAPS_SZ_3))
		return 0;
	memcpy(&cap, value, (size_t)*size);
	if (*size == XATTR_CAPS_SZ_3)
		root = le32toh(cap.rootid);
	r = map_owner(w, &root, &gid, e);
	if (r < 0)
		return r;
	cap.rootid = htole32(root);
	cap.magic_etc = htole32((le32toh(cap.magic_etc) & ~(uint32_t)VFS_CAP_REVISION_MASK) |
				(root ? VFS_CAP_REVISION_3 : VFS_CAP_REVISION_2));
	*size = root ? XATTR_CAPS_SZ_3 : XATTR_CAPS_SZ_2;
	memcpy(value, &cap, (size_t)*size);
	return 0;
}

/* ACLs, labels and trusted.* are the host's business, or mean nothing to an unprivileged mount. */
static bool is_wanted(const struct tree_walk *w, const char *name)
{
	if (w->o->apply && str_startswith(name, "user.overlay."))
		return false;
	return str_startswith(name, "user.") || streq(name, CAPABILITY);
}

static int copy_xattr(
	struct tree_walk *w, int src, int dst, const char *name, char *value, struct err *e)
{
	ssize_t size = fgetxattr(src, name, value, XATTR_LIST_MAX);
	bool vital = !str_startswith(name, "user.") || str_startswith(name, "user.overlay.");
	int r = 0;

	if (size < 0)
		return tree_fail(w, -errno, "read an extended attribute of", e);
	if (streq(name, CAPABILITY))
		r = map_capability(w, value, &size, e);
	if (r < 0 || fsetxattr(dst, name, value, (size_t)size, 0) == 0)
		return r;
	/* A program without its capabilities is broken, a layer without its marks another layer. */
	if (vital || errno != ENOTSUP)
		return tree_fail(w, -errno, "set an extended attribute of", e);
	w->sums.xattrs++;
	return 0;
}

static int copy_xattrs(struct tree_walk *w, int src, int dst, struct err *e)
{
	char few[256];
	_cleanup_free_ char *many = NULL, *value = NULL;
	char *list = few;
	ssize_t len = flistxattr(src, few, sizeof(few));
	int r = 0;

	if (len < 0 && errno == ERANGE) {
		list = many = malloc(XATTR_LIST_MAX);
		len = many ? flistxattr(src, many, XATTR_LIST_MAX) : -1;
	}
	if (len < 0)
		return errno == ENOTSUP
			       ? 0
			       : tree_fail(w, -errno, "read the extended attributes of", e);
	for (char *p = list; r == 0 && p < list + len; p += strlen(p) + 1) {
		if (!is_wanted(w, p))
			continue;
		if (!value && !(value = malloc(XATTR_LIST_MAX)))
			return tree_fail(w, -ENOMEM, "copy", e);
		r = copy_xattr(w, src, dst, p, value, e);
	}
	return r;
}

int tree_clear_xattrs(int fd)
{
	_cleanup_free_ char *list = NULL;
	ssize_t len = flistxattr(fd, NULL, 0);

	if (len <= 0)
		return len < 0 && errno != ENOTSUP ? -errno : 0;
	list = malloc(XATTR_LIST_MAX);
	len = list ? flistxattr(fd, list, XATTR_LIST_MAX) : -1;
	if (len < 0)
		return list ? -errno : -ENOMEM;
	for (char *p = list; p < list + len; p += strlen(p) + 1) {
		if (str_startswith(p, "user.") && fremovexattr(fd, p) < 0)
			return -errno;
	}
	return 0;
}

int tree_attrs(struct tree_walk *w, int src, int dst, const struct stat *st, struct err *e)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	uint32_t uid = st->st_uid, gid = st->st_gid;
	int r = map_owner(w, &uid, &gid, e);

	if (r < 0)
		return r;
	/* In this order: a change of owner clears setuid bits and file capabilities. */
	if (fchown(dst, uid, gid) < 0)
		return tree_fail(w, -errno, "set the owner of", e);
	if (fchmod(dst, st->st_mode & 07777) < 0)
		return tree_fail(w, -errno, "set the mode of", e);
	r = copy_xattrs(w, src, dst, e);
	if (r < 0)
		return r;
	return futimens(dst, times) < 0 ? tree_fail(w, -errno, "set the times of", e) : 0;
}

int tree_attrs_at(
	struct tree_walk *w, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	uint32_t uid = st->st_uid, gid = st->st_gid;
	int r = map_owner(w, &uid, &gid, e);

	if (r < 0)
		return r;
	if (fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return tree_fail(w, -errno, "set the owner of", e);
	if (!S_ISLNK(st->st_mode) && fchmodat(dirfd, name, st->st_mode & 07777, 0) < 0)
		return tree_fail(w, -errno, "set the mode of", e);
	return utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0
		       ? tree_fail(w, -errno, "set the times of", e)
		       : 0;
}
