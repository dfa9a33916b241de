/* SPDX-License-Identifier: Apache-2.0 */
/* Owner, mode, extended attributes and time of what was unpacked. */
#include <endian.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/red.h"
#include "base/str.h"
#include "tree.h"
#include "uctr/owner.h"

struct timespec attrs_mtime(struct archive_entry *entry)
{
	if (!archive_entry_mtime_is_set(entry))
		return (struct timespec){ 0 };
	return (struct timespec){ archive_entry_mtime(entry), archive_entry_mtime_nsec(entry) };
}

struct owner {
	uid_t uid;
	gid_t gid;
	char record[UCTR_OWNER_MAX]; /* what the archive says, when that cannot be; or "" */
};

static uint32_t mapped(const struct idmap_line *l, size_t n, int64_t id)
{
	return id >= 0 && id < UINT32_MAX ? idmap_lookup(l, n, (uint32_t)id) : UINT32_MAX;
}

static int find_owner(struct tree *t, struct archive_entry *entry, const char *path,
	struct owner *ret, struct err *e)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
	const struct idmap *m = &t->ids;
	bool bad_uid, bad_gid;
	_cleanup_free_ char *clean = NULL;

	*ret = (struct owner){ .uid = mapped(m->uid, m->n_uid, uid),
		.gid = mapped(m->gid, m->n_gid, gid) };
	bad_uid = ret->uid == UINT32_MAX;
	bad_gid = ret->gid == UINT32_MAX;
	if (!bad_uid && !bad_gid)
		return 0;
	ret->uid = bad_uid ? mapped(m->uid, m->n_uid, 0) : ret->uid;
	ret->gid = bad_gid ? mapped(m->gid, m->n_gid, 0) : ret->gid;
	if (t->record_owners && uid >= 0 && uid < UINT32_MAX && gid >= 0 && gid < UINT32_MAX) {
		snprintf(ret->record, sizeof(ret->record), "%lld:%lld", (long long)uid,
			(long long)gid);
		return 0;
	}
	clean = str_sanitise(*path ? path : "/");
	return err_msg(e, -EINVAL,
		"%.300s belongs to %s %lld, which your id map does not have; give your account "
		"more "
		"subordinate ids (%s, usermod --add-%ss)",
		clean ? clean : "a file", bad_uid ? "user" : "group",
		(long long)(bad_uid ? uid : gid), bad_uid ? "/etc/subuid" : "/etc/subgid",
		bad_uid ? "subuid" : "subgid");
}

/*
 * user.* is the image's own, but for the names by which overlayfs and fuse-overlayfs would let a
 * layer hide, redirect or re-own files of others. File capabilities are kept: the kernel ties them
 * to this user namespace. ACLs, labels and trusted.* have no meaning for an unprivileged mount.
 */
bool xattr_wanted(const char *name)
{
	static const char *const control[] = {
		"user.overlay.",
		"user.fuseoverlayfs.",
		"user.containers.",
		UCTR_XATTR_PREFIX,
	};

	if (red_off("xattrs"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(control); i++) {
		if (str_startswith(name, control[i]))
			return false;
	}
	return str_startswith(name, "user.") || streq(name, "security.capability");
}

/*
 * Capabilities belong to the user namespace whose root they name (capabilities(7), version 3), so
 * here they name the container's, who is not root of this one. Others than root's are not kept.
 */
static int set_caps(const struct tree *t, int fd, const void *value, size_t size)
{
	struct vfs_ns_cap_data v = { 0 };
	uint32_t magic;

	if (size < XATTR_CAPS_SZ_2 || size > sizeof(v)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(&v, value, size);
	magic = le32toh(v.magic_etc);
	if (size == XATTR_CAPS_SZ_3 && le32toh(v.rootid) != 0) {
		errno = EINVAL;
		return -1;
	}
	v.magic_etc = htole32((magic & VFS_CAP_FLAGS_EFFECTIVE) | VFS_CAP_REVISION_3);
	v.rootid = htole32(idmap_lookup(t->ids.uid, t->ids.n_uid, 0));
	return fsetxattr(fd, "security.capability", &v, sizeof(v), 0);
}

static int set_xattrs(
	struct tree *t, struct archive_entry *entry, int fd, const char *path, struct err *e)
{
	const char *name;
	const void *value;
	size_t size;

	if (archive_entry_xattr_reset(entry) > UCTR_MAX_XATTRS)
		return tree_err(e, -E2BIG, "too many extended attributes:", path);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		bool cap = name && streq(name, "security.capability");

		if (!name || fd < 0 || !xattr_wanted(name)) {
			t->xattrs++;
			continue;
		}
		if (size > UCTR_MAX_XATTR_BYTES)
			return tree_err(e, -E2BIG, "an extended attribute is too long:", path);
		if (cap && t->shifted ? set_caps(t, fd, value, size) == 0
				      : fsetxattr(fd, name, value, size, 0) == 0)
			continue;
		/* A program without its capabilities is broken; a comment less is not. */
		if (errno != ENOTSUP || cap)
			return tree_err(e, -errno,
				cap ? "set the capabilities of" : "set an xattr of", path);
		t->xattrs++;
	}
	return 0;
}

/*
 * What runs as its owner must not run as root because that owner has no id. With one id for all
 * there is nobody to become.
 */
static mode_t mode_of(const struct tree *t, struct archive_entry *entry, const struct owner *o)
{
	mode_t mode = archive_entry_perm(entry) & 07777;

	return t->shifted && *o->record ? mode & ~(mode_t)(S_ISUID | S_ISGID) : mode;
}

int attrs_apply_fd(
	struct tree *t, struct archive_entry *entry, int fd, const char *path, struct err *e)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, attrs_mtime(entry) };
	struct stat st = { 0 };
	struct owner o;
	bool moved;
	int r = find_owner(t, entry, path, &o, e);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return tree_err(e, -errno, "look at", path);
	/*
	 * Most files are made as they should be. In this order: a change of owner clears setuid bits
	 * and file capabilities.
	 */
	moved = st.st_uid != o.uid || st.st_gid != o.gid;
	if (moved && fchown(fd, o.uid, o.gid) < 0)
		return tree_err(e, -errno, "set the owner of", path);
	if ((moved || (st.st_mode & 07777) != mode_of(t, entry, &o)) &&
		fchmod(fd, mode_of(t, entry, &o)) < 0)
		return tree_err(e, -errno, "set the mode of", path);
	r = set_xattrs(t, entry, fd, path, e);
	if (r < 0)
		return r;
	if (*o.record && fsetxattr(fd, UCTR_OWNER_XATTR, o.record, strlen(o.record), 0) < 0)
		return tree_err(e, -errno, "write down the owner of", path);
	/* A directory's time is set at the end, when nothing is made in it any more. */
	if (!S_ISDIR(st.st_mode) && futimens(fd, times) < 0)
		return tree_err(e, -errno, "set the time of", path);
	return 0;
}

int attrs_apply_at(struct tree *t, struct archive_entry *entry, int dirfd, const char *name,
	const char *path, struct err *e)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, attrs_mtime(entry) };
	int flags = red_off("link-attrs") ? 0 : AT_SYMLINK_NOFOLLOW;
	struct owner o;
	/* A link or FIFO cannot carry a record: the kernel allows it no user.* attributes. */
	int r = find_owner(t, entry, path, &o, e);

	if (r < 0)
		return r;
	if (fchownat(dirfd, name, o.uid, o.gid, flags) < 0)
		return tree_err(e, -errno, "set the owner of", path);
	r = set_xattrs(t, entry, -1, path, e);
	if (r < 0)
		return r;
	if (utimensat(dirfd, name, times, flags) < 0)
		return tree_err(e, -errno, "set the time of", path);
	return 0;
}
