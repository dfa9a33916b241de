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
#include "image/additional.h"
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

mode_t store_mode(int dirfd)
{
	struct stat st;

	return 0600 | (fstat(dirfd, &st) == 0 ? st.st_mode & 044 : 0);
}

static bool blob_is_here(struct image_store *s, const char *hex)
{
	char path[BLOB_PATH_MAX];

	blob_path(hex, path);
	return faccessat(s->dirfd, path, F_OK, 0) == 0;
}

uint64_t blob_bytes(struct image_store *s, const struct tag_layer *l)
{
	return blob_is_here(s, l->blob) ? l->blob_size : 0;
}

bool blob_exists(struct image_store *s, const char *hex)
{
	const char *shared = NULL;
	_cleanup_fd_ int fd = -1;

	if (blob_is_here(s, hex))
		return true;
	fd = additional_blob(s, hex, &shared);
	return fd >= 0;
}

int blob_open(struct image_store *s, const char *hex, const char **ret_shared, struct err *e)
{
	const char *shared = s->shared;
	char path[BLOB_PATH_MAX];
	int fd;

	blob_path(hex, path);
	if (shared)
		fd = additional_open(s, path);
	else
		fd = openat(s->dirfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && !shared && errno == ENOENT)
		fd = additional_blob(s, hex, &shared);
	else if (fd < 0 && !shared)
		fd = -errno;
	if (fd < 0 && shared)
		return err_msg(e, fd, "open the blob sha256:%.12s of %s: %s", hex, shared,
			additional_reason(fd));
	if (fd < 0)
		return err_set(e, fd, "open the kept blob sha256:%.12s", hex);
	*ret_shared = shared;
	return fd;
}

int blob_load_json(
	struct image_store *s, const char *hex, const char *what, json_t **ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	const char *shared = NULL;
	struct err why = ERR_INIT;
	_cleanup_fd_ int fd = blob_open(s, hex, &shared, &why);
	size_t len = 0;
	int r = fd < 0 ? fd : fd_slurp(fd, UCTR_MAX_DOCUMENT, &text, &len);

	if (r < 0)
		return err_set(e, r, "read %s", what);
	if (shared) {
		r = blob_digest(text, len, hex, NULL, e);
		if (r < 0)
			return err_wrap(e, r, "%s in the additional store %s", what, shared);
	}
	r = json_parse(text, len, what, ret, e);
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
	int r = dir < 0 ? -errno : file_replace(dir, hex, text, len, store_mode(dir), true);

	return r < 0 ? err_set(e, r, "write a blob of the image store") : 0;
}
