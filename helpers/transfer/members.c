/* SPDX-License-Identifier: Apache-2.0 */
/* An archive of images becomes numbered files and a table: no name of it reaches the file system. */
#include "members.h"

#include <archive_entry.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "tree.h"

#define CHUNK (256U << 10)

struct taking {
	struct stream *s;
	struct archive *a;
	int dir;
	json_t *table;
	uint64_t bytes; /* written */
	unsigned char *buf;
};

static void archive_freep(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static int failed(const struct taking *t, struct err *e)
{
	_cleanup_free_ char *why = NULL;

	if (e->code)
		return e->code;
	why = str_sanitise(
		archive_error_string(t->a) ? archive_error_string(t->a) : "unknown error");
	return err_msg(e, -EINVAL, "%s: %s",
		json_array_size(t->table) ? "the archive is damaged" : "not an archive of images",
		why ? why : "");
}

static const char *form_of(const unsigned char *head, size_t len)
{
	if (len >= 2 && memcmp(head, "\x1f\x8b", 2) == 0)
		return "gzip";
	return len >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0 ? "zstd" : "none";
}

/* The bytes of one file: written, digested, counted. */
static int copy_data(struct taking *t, int fd, EVP_MD_CTX *md, uint64_t *ret_size,
	const char **form, struct err *e)
{
	la_ssize_t n;

	*form = "none";
	while ((n = archive_read_data(t->a, t->buf, CHUNK)) > 0) {
		int r;

		if (*ret_size == 0)
			*form = form_of(t->buf, (size_t)n);
		t->bytes += (uint64_t)n;
		*ret_size += (uint64_t)n;
		/* Holes are no bytes of the stream, which has its own limit. */
		if (t->bytes > t->s->max_out)
			return err_msg(e, -EFBIG,
				"the archive holds more than %llu bytes, the limit here (free disk "
				"space; UCTR_MAX_LAYER_SIZE)",
				(unsigned long long)t->s->max_out);
		if (EVP_DigestUpdate(md, t->buf, (size_t)n) != 1)
			return err_msg(e, -EIO, "SHA-256 failed in libcrypto");
		r = fd_write_all(fd, t->buf, (size_t)n);
		if (r < 0)
			return err_set(e, r, "write a file of the archive");
	}
	return n < 0 ? failed(t, e) : 0;
}

static void md_freep(EVP_MD_CTX **md)
{
	EVP_MD_CTX_free(*md);
}

static int take_file(struct taking *t, const char *name, struct err *e)
{
	_cleanup_(md_freep)
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	char file[16], hex[UCTR_DIGEST_HEX + 1];
	_cleanup_fd_ int fd = -1;
	const char *form = NULL;
	uint64_t size = 0;
	int r;

	if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		return err_msg(e, -EIO, "libcrypto offers no SHA-256");
	snprintf(file, sizeof(file), "%zu", json_array_size(t->table));
	fd = openat(t->dir, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, -errno, "make a file for the archive");
	r = copy_data(t, fd, md, &size, &form, e);
	if (r == 0)
		r = stream_hex(md, hex, e);
	if (r < 0)
		return r;
	return json_array_append_new(t->table,
		       json_pack("{so ss ss sI ss}", "name", json_text(name), "file", file,
			       "digest", hex, "size", (json_int_t)size, "compression", form)) < 0
		       ? err_set(e, -ENOMEM, "list the archive")
		       : 0;
}

/*
 * Old archives of docker have links for layers that occur twice. What a link says is resolved here,
 * as text, among the names of the archive; one that leads out of it leads nowhere.
 */
static int take_link(
	struct taking *t, const char *name, const char *target, bool from_top, struct err *e)
{
	char parts[2 * UCTR_MAX_PATH_BYTES + 2], out[UCTR_MAX_PATH_BYTES + 1] = "";
	const char *slash = strrchr(name, '/');
	size_t len = 0;

	if (target[0] == '/' && !from_top)
		return 0;
	if (snprintf(parts, sizeof(parts), "%.*s/%s", slash && !from_top ? (int)(slash - name) : 0,
		    name, target) >= (int)sizeof(parts))
		return 0;
	for (const char *p = parts; *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n == 2 && memcmp(p, "..", 2) == 0) {
			char *up = strrchr(out, '/');

			if (!len)
				return 0;
			len = up ? (size_t)(up - out) : 0;
			out[len] = '\0';
		} else if (n > 0 && !(n == 1 && *p == '.')) {
			if (len + n + 2 > sizeof(out))
				return 0;
			len += (size_t)snprintf(
				out + len, sizeof(out) - len, "%s%.*s", len ? "/" : "", (int)n, p);
		}
		p += n;
	}
	return json_array_append_new(t->table,
		       json_pack("{so so}", "name", json_text(name), "link", json_text(out))) < 0
		       ? err_set(e, -ENOMEM, "list the archive")
		       : 0;
}

static int take(struct taking *t, struct archive_entry *entry, struct err *e)
{
	char name[UCTR_MAX_PATH_BYTES + 1];
	const char *why, *target;

	if (json_array_size(t->table) >= UCTR_MAX_MEMBERS)
		return err_msg(e, -EFBIG, "the archive has more than %d members", UCTR_MAX_MEMBERS);
	/* What no name is needed for stays out. */
	if (tree_clean_name(archive_entry_pathname(entry), name, &why) < 0 || !*name)
		return 0;
	target = archive_entry_hardlink(entry);
	if (target)
		return take_link(t, name, target, true, e);
	target = archive_entry_symlink(entry);
	if (target && archive_entry_filetype(entry) == AE_IFLNK)
		return take_link(t, name, target, false, e);
	return archive_entry_filetype(entry) == AE_IFREG ? take_file(t, name, e) : 0;
}

static int write_table(const struct taking *t, struct err *e)
{
	_cleanup_free_ char *text = json_dumps(t->table, JSON_COMPACT);
	_cleanup_fd_ int fd =
		openat(t->dir, "members", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = !text ? -ENOMEM : fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));

	return r < 0 ? err_set(e, r, "list the archive") : 0;
}

static int take_all(struct taking *t, struct err *e)
{
	struct archive_entry *entry;
	int r;

	if (archive_read_open(t->a, t->s, NULL, stream_tar_read, NULL) != ARCHIVE_OK)
		return failed(t, e);
	while ((r = archive_read_next_header(t->a, &entry)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		r = take(t, entry, e);
		if (r < 0)
			return r;
	}
	if (r != ARCHIVE_EOF)
		return failed(t, e);
	r = stream_finish(t->s, e);
	return r < 0 ? r : write_table(t, e);
}

int members(struct stream *s, int dir, struct err *e)
{
	_cleanup_(archive_freep)
	struct archive *a = archive_read_new();
	_cleanup_json_ json_t *table = json_array();
	_cleanup_free_ unsigned char *buf = malloc(CHUNK);
	struct taking t = { .s = s, .a = a, .dir = dir, .table = table, .buf = buf };

	if (!a || !table || !buf || archive_read_support_format_tar(a) != ARCHIVE_OK)
		return err_set(e, -ENOMEM, "prepare the tar reader");
	s->e = e;
	return take_all(&t, e);
}

int inflate_to(struct stream *s, int fd, struct err *e)
{
	const void *data;
	ssize_t n;

	while ((n = stream_next(s, &data, e)) > 0) {
		int r = fd_write_all(fd, data, (size_t)n);

		if (r < 0)
			return err_set(e, r, "write a layer");
	}
	return n < 0 ? (int)n : stream_finish(s, e);
}
