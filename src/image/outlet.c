/* SPDX-License-Identifier: Apache-2.0 */
/* Writing archives and directories of images. */
#include "image/outlet.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "image/transfer.h"

#define BLOCK 512

/* The header of a tar archive (POSIX.1-2017, pax, "ustar Interchange Format"). */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100],
		magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};

/* Octal digits, or from 8 GiB on a number in base 256, as GNU has it and all readers know. */
static void put_size(char field[12], uint64_t n)
{
	if (n < 1ULL << 33) {
		snprintf(field, 12, "%011llo", (unsigned long long)n);
		return;
	}
	memset(field, 0, 12);
	field[0] = (char)0x80;
	for (int i = 11; i > 3; i--, n >>= 8)
		field[i] = (char)(n & 0xff);
}

/* Names, times and owners are the same each time, so that equal images give equal archives. */
static int write_entry(struct outlet *o, const char *name, char type, uint64_t size, struct err *e)
{
	union {
		struct header h;
		unsigned char bytes[BLOCK];
	} u = { 0 };
	unsigned int sum = 0;
	char text[8];
	int r;

	snprintf(u.h.name, sizeof(u.h.name), "%s", name);
	memcpy(u.h.mode, type == '5' ? "0000755" : "0000644", 8);
	memcpy(u.h.uid, "0000000", 8);
	memcpy(u.h.gid, "0000000", 8);
	memcpy(u.h.mtime, "00000000000", 12);
	put_size(u.h.size, size);
	u.h.type = type;
	memcpy(u.h.magic, "ustar", 6);
	memcpy(u.h.version, "00", 2);
	memset(u.h.sum, ' ', sizeof(u.h.sum));
	for (size_t i = 0; i < BLOCK; i++)
		sum += u.bytes[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(u.h.sum, text, 7);
	r = fd_write_all(o->fd, u.bytes, BLOCK);
	return r < 0 ? err_set(e, r, "write the archive") : 0;
}

static int write_header(struct outlet *o, const char *name, uint64_t size, struct err *e)
{
	return write_entry(o, name, '0', size, e);
}

static int write_zeros(struct outlet *o, size_t n, struct err *e)
{
	static const char zeros[2 * BLOCK];
	int r = fd_write_all(o->fd, zeros, n);

	return r < 0 ? err_set(e, r, "write the archive") : 0;
}

static int pad(struct outlet *o, uint64_t size, struct err *e)
{
	return size % BLOCK ? write_zeros(o, BLOCK - size % BLOCK, e) : 0;
}

int outlet_open(
	struct image_store *s, const char *path, bool archive, struct outlet *o, struct err *e)
{
	o->s = s;
	o->archive = archive;
	if (archive && streq(path, "-")) {
		if (isatty(STDOUT_FILENO))
			return err_msg(e, -EINVAL,
				"standard output is a terminal; name a file with -o, or pipe it");
		o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return o->fd < 0 ? err_set(e, -errno, "standard output") : 0;
	}
	o->path = strdup(path);
	if (!o->path)
		return err_set(e, -ENOMEM, "save");
	if (archive) {
		int r = newfile_open(path, 0644, &o->file, e);

		o->fd = r < 0 ? -1 : fcntl(o->file.fd, F_DUPFD_CLOEXEC, 3);
		return r < 0 || o->fd >= 0 ? r : err_set(e, -errno, "make %s", path);
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_set(e, -errno, "make the directory %s", path);
	o->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->fd < 0)
		return err_set(e, -errno, "open the directory %s", path);
	/* Its list is read now and written at the end. Where there are no locks, nobody else is. */
	(void)flock(o->fd, LOCK_EX);
	return 0;
}

/* 1 when it is new. */
static int note(struct outlet *o, const char *name, struct err *e)
{
	if (strv_contains(o->done, name))
		return 0;
	return strv_add(&o->done, name) < 0 ? err_set(e, -ENOMEM, "save") : 1;
}

/* "blobs/sha256/HEX" in a directory: the directory it belongs into, and its own name. */
static int open_dir_of(struct outlet *o, const char *name, const char **ret_base, struct err *e)
{
	const char *slash = strrchr(name, '/');
	_cleanup_free_ char *dir = slash ? strndup(name, (size_t)(slash - name)) : strdup(".");
	int r = dir ? dir_make(o->fd, dir, 0755) : -ENOMEM, fd;

	*ret_base = slash ? slash + 1 : name;
	fd = r < 0 ? r : openat(o->fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_set(e, r < 0 ? r : -errno, "make %s in %s", dir ? dir : name, o->path)
		      : fd;
}

int outlet_text(struct outlet *o, const char *name, const char *text, size_t len, struct err *e)
{
	_cleanup_fd_ int dir = -1;
	const char *base;
	int r = note(o, name, e);

	if (r <= 0)
		return r;
	if (!o->archive) {
		dir = open_dir_of(o, name, &base, e);
		if (dir < 0)
			return dir;
		r = file_replace(dir, base, text, len, 0644, true);
		return r < 0 ? err_set(e, r, "write %s/%s", o->path, name) : 0;
	}
	r = write_header(o, name, len, e);
	if (r == 0 && (r = fd_write_all(o->fd, text, len)) < 0)
		return err_set(e, r, "write the archive");
	return r == 0 ? pad(o, len, e) : r;
}

int outlet_dir(struct outlet *o, const char *name, struct err *e)
{
	if (!o->archive)
		return 0;
	return write_entry(o, name, '5', 0, e);
}

int blob_copy(const struct descriptor *d, int in, int out, struct err *e)
{
	struct transfer t = TRANSFER_INIT("digest");
	int r;

	t.in_fd = in;
	t.blob_fd = out;
	t.digest = d->digest;
	t.size = (int64_t)d->size;
	r = transfer_run(&t, NULL, e);
	return r < 0 ? err_wrap(e, r, "blob sha256:%.12s", d->digest) : 0;
}

/* Aside first: what has its name in a directory is complete. */
static int blob_into_dir(
	struct outlet *o, const char *name, const struct descriptor *d, int in, struct err *e)
{
	_cleanup_fd_ int dir = -1;
	_cleanup_newfile_ struct newfile out = NEWFILE_INIT;
	const char *base;
	int r;

	dir = open_dir_of(o, name, &base, e);
	if (dir < 0)
		return dir;
	r = newfile_at(dir, base, 0644, &out, e);
	if (r == 0)
		r = blob_copy(d, in, out.fd, e);
	if (r == 0)
		r = newfile_commit(&out, e);
	return r < 0 ? err_wrap(e, r, "%s", o->path) : 0;
}

int outlet_blob(
	struct outlet *o, const char *name, const struct descriptor *d, int in, struct err *e)
{
	int r = note(o, name, e);

	if (r <= 0)
		return r;
	if (!o->archive)
		return blob_into_dir(o, name, d, in, e);
	r = write_header(o, name, d->size, e);
	if (r == 0)
		r = blob_copy(d, in, o->fd, e);
	return r == 0 ? pad(o, d->size, e) : r;
}

static int send_all(struct outlet *o, int from, uint64_t size, struct err *e)
{
	off_t at = 0;

	while ((uint64_t)at < size) {
		ssize_t n = sendfile(o->fd, from, &at, size - (uint64_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, n < 0 ? -errno : -EIO, "write the archive");
	}
	return 0;
}

int outlet_plain(struct outlet *o, const char *name, const struct descriptor *d, int in,
	const char *diff_id, struct err *e)
{
	struct transfer t = TRANSFER_INIT("inflate");
	_cleanup_fd_ int plain = -1;
	struct stat st;
	int r;

	if (streq(d->digest, diff_id))
		return outlet_blob(o, name, d, in, e);
	r = note(o, name, e);
	if (r <= 0)
		return r;
	/* The header wants the size, which is known at the end. */
	plain = openat(o->s->dirfd, STORE_TMP, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (plain < 0)
		return err_set(e, -errno, "make a file for a layer");
	t.in_fd = in;
	t.blob_fd = plain;
	t.digest = d->digest;
	t.size = (int64_t)d->size;
	t.diff_id = diff_id;
	r = transfer_run(&t, NULL, e);
	if (r < 0)
		return err_wrap(e, r, "layer sha256:%.12s", diff_id);
	if (fstat(plain, &st) < 0)
		return err_set(e, -errno, "layer sha256:%.12s", diff_id);
	r = write_header(o, name, (uint64_t)st.st_size, e);
	if (r == 0)
		r = send_all(o, plain, (uint64_t)st.st_size, e);
	return r == 0 ? pad(o, (uint64_t)st.st_size, e) : r;
}

bool outlet_has(const struct outlet *o, const char *name, uint64_t size)
{
	struct stat st;

	return !o->archive && fstatat(o->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

int outlet_finish(struct outlet *o, struct err *e)
{
	int r = o->archive ? write_zeros(o, sizeof(char[2 * BLOCK]), e) : 0;

	return r == 0 ? newfile_commit(&o->file, e) : r;
}

void outlet_free(struct outlet *o)
{
	fd_closep(&o->fd);
	newfile_free(&o->file);
	strv_free(o->done);
	free(o->path);
}
