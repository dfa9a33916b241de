/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of the archive: which kind it is, its node in the tree, its data. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/red.h"
#include "base/str.h"
#include "tree.h"

#define FLUSH_SIZE (1U << 20)

/* Keeps the error that the stream left (digest, limit, disk); else tells libarchive's. */
static int data_failed(struct archive *a, const char *path, struct err *e)
{
	_cleanup_free_ char *why = NULL, *clean = NULL;

	if (e && e->code)
		return e->code;
	why = str_sanitise(archive_error_string(a) ? archive_error_string(a) : "");
	clean = str_sanitise(path);
	return err_msg(e, -EINVAL, "the archive is damaged at %.300s: %s", clean ? clean : "a file",
		why ? why : "");
}

/* Holes stay holes: libarchive hands out the data blocks of sparse files with their offsets. */
static int write_data(
	struct tree *t, struct archive *a, int fd, uint64_t size, const char *path, struct err *e)
{
	la_int64_t off, end = 0;
	const void *data;
	size_t len;
	int r;

	while ((r = archive_read_data_block(a, &data, &len, &off)) == ARCHIVE_OK) {
		const char *p = data;

		if (off < 0 || (uint64_t)off + len > size)
			return tree_err(e, -EINVAL, "more data than announced for", path);
		t->bytes += len;
		while (len > 0) {
			ssize_t n = pwrite(fd, p, len, off);

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return tree_err(e, -errno, "write", path);
			p += n;
			off += n;
			len -= (size_t)n;
		}
		end = off;
	}
	if (r != ARCHIVE_EOF)
		return data_failed(a, path, e);
	/* A hole at the end has no block. */
	if ((uint64_t)end < size && (red_off("holes") ? fallocate(fd, 0, 0, (off_t)size)
						      : ftruncate(fd, (off_t)size)) < 0)
		return tree_err(e, -errno, "set the size of", path);
	/* Only a hint: what is large goes to the disk while the rest is still coming. */
	if (size >= FLUSH_SIZE)
		sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

static int make_file(struct tree *t, struct archive *a, struct archive_entry *entry, int dirfd,
	const char *name, const char *path, struct err *e)
{
	const int flags =
		O_WRONLY | O_CREAT | O_CLOEXEC | (red_off("exclusive") ? 0 : O_EXCL | O_NOFOLLOW);
	const mode_t mode = archive_entry_perm(entry) & 0777; /* as it mostly stays (attrs.c) */
	int64_t size = archive_entry_size(entry);
	_cleanup_fd_ int fd = -1;
	int r;

	if (size < 0 || (uint64_t)size > UCTR_MAX_FILE_SIZE)
		return tree_err(e, -EFBIG, "the size is out of bounds:", path);
	fd = openat(dirfd, name, flags, mode);
	if (fd < 0 && errno == EEXIST) {
		r = tree_clear(t, dirfd, name);
		if (r < 0)
			return tree_err(e, r, "replace", path);
		fd = openat(dirfd, name, flags, mode);
	}
	if (fd < 0)
		return tree_err(e, -errno, "create", path);
	r = size ? write_data(t, a, fd, (uint64_t)size, path, e) : 0;
	return r < 0 ? r : attrs_apply_fd(t, entry, fd, path, e);
}

static int make_dir(struct tree *t, struct archive_entry *entry, int dirfd, const char *name,
	const char *path, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	int r = tree_make_dir(t, dirfd, name);

	if (r < 0)
		return tree_err(e, r, "make the directory", path);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return tree_err(e, -errno, "open the directory", path);
	r = attrs_apply_fd(t, entry, fd, path, e);
	if (r < 0)
		return r;
	if (tree_note_dir(t, path, attrs_mtime(entry)) < 0)
		return tree_err(e, -ENOMEM, "unpack", path);
	return 0;
}

/* Links and FIFOs: made by name, at most twice because something of that name may have to go. */
static int make_node(struct tree *t, struct archive_entry *entry, int dirfd, const char *name,
	const char *path, struct err *e)
{
	bool link = archive_entry_filetype(entry) == AE_IFLNK;
	const char *target = link ? archive_entry_symlink(entry) : NULL;
	mode_t mode = (red_off("devices") ? S_IFCHR : S_IFIFO) | (archive_entry_perm(entry) & 0777);
	int r;

	if (link && (!target || !*target))
		return tree_err(e, -EINVAL, "the symbolic link has no readable target:", path);
	for (int i = 0;; i++) {
		r = link ? symlinkat(target, dirfd, name) : mknodat(dirfd, name, mode, 0);
		if (r == 0)
			break;
		if (errno != EEXIST || i > 0)
			return tree_err(e, -errno, "create", path);
		r = tree_clear(t, dirfd, name);
		if (r < 0)
			return tree_err(e, r, "replace", path);
	}
	return attrs_apply_at(t, entry, dirfd, name, path, e);
}

/*
 * The target's parent is resolved inside the root like any other, its last component is not
 * followed (linkat without AT_SYMLINK_FOLLOW), so a link to a symlink is a link to just that. The
 * archive's mode and owner for the link are not applied: they are the target's.
 */
static int make_hardlink(struct tree *t, const char *target, const char *path, struct err *e)
{
	char clean[UCTR_MAX_PATH_BYTES + 1];
	const char *why, *tname, *name;
	_cleanup_fd_ int tdir = -1;
	struct stat st, old;
	int dirfd;

	if (tree_clean_name(target, clean, &why) < 0 || !*clean)
		return tree_err(e, -EINVAL, "a hard link out of the image:", path);
	dirfd = tree_parent(t, clean, &tname, e);
	if (dirfd < 0)
		return dirfd;
	tdir = fcntl(dirfd, F_DUPFD_CLOEXEC, 3); /* the next tree_parent ends the borrowed one */
	if (tdir < 0)
		return tree_err(e, -errno, "link", path);
	if (fstatat(tdir, tname, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return tree_err(e, -errno, "find the target of the hard link", path);
	if (S_ISDIR(st.st_mode) || S_ISCHR(st.st_mode))
		return tree_err(e, -EINVAL, "a hard link to what cannot be linked:", path);
	dirfd = tree_parent(t, path, &name, e);
	if (dirfd < 0)
		return dirfd;
	if (linkat(tdir, tname, dirfd, name, 0) == 0)
		return 0;
	if (errno != EEXIST || fstatat(dirfd, name, &old, AT_SYMLINK_NOFOLLOW) < 0)
		return tree_err(e, -errno, "link", path);
	if (!red_off("same-file") && old.st_dev == st.st_dev && old.st_ino == st.st_ino)
		return 0; /* clearing it could remove the only name */
	if (tree_clear(t, dirfd, name) < 0 || linkat(tdir, tname, dirfd, name, 0) < 0)
		return tree_err(e, -errno, "link", path);
	return 0;
}

static int make_root(struct tree *t, struct archive_entry *entry, struct err *e)
{
	int r;

	if (!red_off("root-entry") &&
		(archive_entry_filetype(entry) != AE_IFDIR || archive_entry_hardlink(entry)))
		return err_msg(e, -EINVAL, "the archive replaces the root directory by a file");
	r = attrs_apply_fd(t, entry, t->root, "", e);
	if (r < 0)
		return r;
	if (tree_note_dir(t, "", attrs_mtime(entry)) < 0)
		return err_set(e, -ENOMEM, "unpack");
	return 0;
}

static int make_ordinary(struct tree *t, struct archive *a, struct archive_entry *entry,
	const char *path, struct err *e)
{
	const char *name;
	int dirfd;

	if (archive_entry_hardlink(entry))
		return make_hardlink(t, archive_entry_hardlink(entry), path, e);
	switch (archive_entry_filetype(entry)) {
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFSOCK:
		t->devices++; /* a user namespace cannot make them; /dev is the engine's business */
		if (!red_off("devices"))
			return 0;
		break;
	case AE_IFREG:
	case AE_IFDIR:
	case AE_IFLNK:
	case AE_IFIFO:
		break;
	default:
		return tree_err(e, -EINVAL, "unknown type of file:", path);
	}
	dirfd = tree_parent(t, path, &name, e);
	if (dirfd < 0)
		return dirfd;
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return make_file(t, a, entry, dirfd, name, path, e);
	case AE_IFDIR:
		return make_dir(t, entry, dirfd, name, path, e);
	default:
		return make_node(t, entry, dirfd, name, path, e);
	}
}

int tree_entry(struct tree *t, struct archive *a, struct archive_entry *entry, struct err *e)
{
	const char *raw = archive_entry_pathname(entry), *why;
	char path[UCTR_MAX_PATH_BYTES + 1];
	int r;

	if (++t->entries > UCTR_MAX_ENTRIES && !red_off("max-entries"))
		return err_msg(e, -E2BIG, "the archive has more than %llu entries, the limit",
			(unsigned long long)UCTR_MAX_ENTRIES);
	if (tree_clean_name(raw, path, &why) < 0) {
		_cleanup_free_ char *clean = str_sanitise(raw ? raw : "(unreadable)");

		return err_msg(e, -EINVAL, "the archive holds a bad name, \"%.200s\": %s",
			clean ? clean : "", why);
	}
	if (!*path)
		return make_root(t, entry, e);
	r = whiteout_apply(t, path, e);
	if (r != 0)
		return r < 0 ? r : 0;
	return make_ordinary(t, a, entry, path, e);
}
