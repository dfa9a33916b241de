/* SPDX-License-Identifier: Apache-2.0 */
/* Directories, locks and blobs of the store. */
#include "image/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "image/transfer.h"

void store_warn(struct image_store *s, const char *line)
{
	if (s->warn)
		s->warn(s, line);
}

int store_make(struct image_store *s, struct err *e)
{
	static const char *const dirs[] = { STORE_BLOBS, STORE_IMAGES, STORE_TMP, "layers" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		int r = dir_make(s->dirfd, dirs[i], 0700);

		if (r < 0)
			return err_set(e, r, "make %s in the image store", dirs[i]);
	}
	return 0;
}

/*
 * Lock files are removed by their holder. A lock got on a file that lost its name meanwhile
 * protects nothing, so the name is checked once it is held.
 */
int store_lock_file(int dirfd, const char *name, bool wait)
{
	for (;;) {
		_cleanup_fd_ int fd =
			openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		struct stat mine, named;
		int r;

		if (fd < 0)
			return -errno;
		r = lock_take(fd, true, wait);
		if (r < 0)
			return r;
		if (fstat(fd, &mine) < 0)
			return -errno;
		if (fstatat(dirfd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
			mine.st_ino == named.st_ino && mine.st_dev == named.st_dev)
			return take_fd(&fd);
	}
}

int store_lock(struct image_store *s, struct err *e)
{
	int fd = store_lock_file(s->dirfd, STORE_IMAGES "/.lock", true);

	return fd < 0 ? err_set(e, fd, "lock the image store") : fd;
}

int store_form_dir(struct image_store *s, struct err *e)
{
	_cleanup_free_ char *path = str_printf("layers/%s", s->form);
	int r = path ? dir_make(s->dirfd, path, 0700) : -ENOMEM;
	int fd = r < 0 ? r : openat(s->dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, r < 0 ? r : -errno, "open the layers of the image store");
	return fd;
}

void blob_path(const char *hex, char buf[BLOB_PATH_MAX])
{
	snprintf(buf, BLOB_PATH_MAX, STORE_BLOBS "/%s", hex);
}

bool blob_exists(struct image_store *s, const char *hex)
{
	char path[BLOB_PATH_MAX];

	blob_path(hex, path);
	return faccessat(s->dirfd, path, F_OK, 0) == 0;
}

int blob_load_json(
	struct image_store *s, const char *hex, const char *what, json_t **ret, struct err *e)
{
	char path[BLOB_PATH_MAX];
	int r;

	blob_path(hex, path);
	r = json_parse_file(s->dirfd, path, UCTR_MAX_DOCUMENT, what, ret, e);
	if (r < 0)
		return r;
	return json_is_object(*ret) ? 0 : err_msg(e, -EINVAL, "%s: want a JSON object", what);
}

/* uctr links no SHA-256: the helper digests an in-memory copy. */
int blob_digest(const char *text, size_t len, const char *want, char hex[UCTR_DIGEST_HEX + 1],
	struct err *e)
{
	_cleanup_fd_ int fd = memfd_create("document", MFD_CLOEXEC);
	struct transfer t = TRANSFER_INIT("digest");
	struct transfer_result res = { 0 };
	int r = fd < 0 ? -errno : fd_write_all(fd, text, len);

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (r < 0)
		return err_set(e, r, "digest a document");
	t.in_fd = fd;
	t.size = (int64_t)len;
	t.digest = want;
	r = transfer_run(&t, &res, e);
	if (r == 0 && hex)
		memcpy(hex, res.digest, sizeof(res.digest));
	return r;
}

int blob_save(struct image_store *s, const char *hex, const char *text, size_t len, struct err *e)
{
	_cleanup_fd_ int dir = openat(s->dirfd, STORE_BLOBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? -errno : file_replace(dir, hex, text, len, 0600, true);

	return r < 0 ? err_set(e, r, "write a blob of the image store") : 0;
}
