/* SPDX-License-Identifier: Apache-2.0 */
/* Digesting, keeping and decompressing the input in one pass. */
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"

/*
 * Two archive objects are chained. The first has only filters and the "raw" format: it turns the
 * bytes of in_fd into the uncompressed stream. The second is the tar reader and gets that stream
 * from stream_tar_read(), which digests it on the way: libarchive offers no other look at the
 * bytes between a filter and a format. All filters work in this process; none may start a program.
 */
#define BUF_SIZE (256U << 10)
#define PROGRESS_STEP (32ULL << 20)

int stream_init(struct stream *s, struct err *e)
{
	s->e = e;
	s->in_bytes = s->out_bytes = s->shown = 0;
	s->filter = NULL;
	s->in_md = EVP_MD_CTX_new();
	s->out_md = EVP_MD_CTX_new();
	s->buf = malloc(BUF_SIZE);
	if (!s->in_md || !s->out_md || !s->buf)
		return err_set(e, -ENOMEM, "prepare the digests");
	if (EVP_DigestInit_ex(s->in_md, EVP_sha256(), NULL) != 1 ||
		EVP_DigestInit_ex(s->out_md, EVP_sha256(), NULL) != 1)
		return err_msg(e, -EIO, "libcrypto offers no SHA-256");
	return 0;
}

void stream_free(struct stream *s)
{
	if (s->filter)
		archive_read_free(s->filter);
	EVP_MD_CTX_free(s->in_md);
	EVP_MD_CTX_free(s->out_md);
	free(s->buf);
	if (s->shown)
		fprintf(stderr, "\r\033[K");
}

static int digest_add(EVP_MD_CTX *md, const void *data, size_t len, struct err *e)
{
	if (EVP_DigestUpdate(md, data, len) != 1)
		return err_msg(e, -EIO, "SHA-256 failed in libcrypto");
	return 0;
}

static void show_progress(struct stream *s)
{
	if (!s->progress || s->in_bytes < s->shown + PROGRESS_STEP)
		return;
	s->shown = s->in_bytes;
	fprintf(stderr, "\r%llu MB", (unsigned long long)(s->in_bytes / 1000000));
}

ssize_t stream_read(struct stream *s, const void **ret)
{
	ssize_t n;
	int r;

	do {
		n = read(s->in_fd, s->buf, BUF_SIZE);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(s->e, -errno, "read the archive");
	if (n == 0)
		return 0;
	s->in_bytes += (uint64_t)n;
	if (s->max_in && s->in_bytes > s->max_in)
		return err_msg(s->e, -EFBIG, "the blob is longer than the %llu bytes announced",
			(unsigned long long)s->max_in);
	r = digest_add(s->in_md, s->buf, (size_t)n, s->e);
	if (r < 0)
		return r;
	if (s->blob_fd >= 0) {
		r = fd_write_all(s->blob_fd, s->buf, (size_t)n);
		if (r < 0)
			return err_set(s->e, r, "store the blob");
	}
	show_progress(s);
	*ret = s->buf;
	return n;
}

int stream_drain_input(struct stream *s)
{
	const void *data;
	ssize_t n;

	while ((n = stream_read(s, &data)) > 0)
		continue;
	return (int)n;
}

/* libarchive wants its own error set too, or it reports success with no bytes. */
static ssize_t filter_read(struct archive *a, void *stream, const void **ret)
{
	ssize_t n = stream_read(stream, ret);

	if (n >= 0)
		return n;
	archive_set_error(a, (int)-n, "read error");
	return -1;
}

static int filter_failed(struct stream *s, const char *doing)
{
	_cleanup_free_ char *why = NULL;

	if (s->e && s->e->code)
		return s->e->code;
	why = str_sanitise(archive_error_string(s->filter) ? archive_error_string(s->filter) : "");
	return err_msg(s->e, -EINVAL, "%s: %s", doing, why ? why : "out of memory");
}

static const char *filter_name(struct archive *a)
{
	static const struct {
		int code;
		const char *name;
	} names[] = {
		{ ARCHIVE_FILTER_NONE, "none" },
		{ ARCHIVE_FILTER_GZIP, "gzip" },
		{ ARCHIVE_FILTER_ZSTD, "zstd" },
		{ ARCHIVE_FILTER_XZ, "xz" },
		{ ARCHIVE_FILTER_BZIP2, "bzip2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].code == archive_filter_code(a, 0))
			return names[i].name;
	}
	return NULL;
}

int stream_open_filter(struct stream *s, const char **ret_name)
{
	struct archive_entry *entry;
	int r;

	s->filter = archive_read_new();
	if (!s->filter)
		return err_set(s->e, -ENOMEM, "prepare the decompressor");
	/* ARCHIVE_WARN means "by an external program": not here. */
	if (archive_read_support_filter_gzip(s->filter) != ARCHIVE_OK ||
		archive_read_support_filter_zstd(s->filter) != ARCHIVE_OK ||
		archive_read_support_filter_xz(s->filter) != ARCHIVE_OK ||
		archive_read_support_filter_bzip2(s->filter) != ARCHIVE_OK ||
		archive_read_support_format_raw(s->filter) != ARCHIVE_OK)
		return err_msg(
			s->e, -ENOSYS, "libarchive was built without gzip, zstd, xz or bzip2");
	r = archive_read_open(s->filter, s, NULL, filter_read, NULL);
	if (r == ARCHIVE_OK)
		r = archive_read_next_header(s->filter, &entry);
	if (s->in_bytes == 0 && (!s->e || !s->e->code))
		return err_msg(s->e, -ENODATA, "the input is empty");
	if (r == ARCHIVE_EOF)
		return err_msg(s->e, -ENODATA, "the input holds nothing");
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		return filter_failed(s, "read the archive");
	*ret_name = filter_name(s->filter);
	/* Filters can be stacked (gzip in gzip); images know one level. */
	if (!*ret_name || archive_filter_count(s->filter) > 2)
		return err_msg(s->e, -EINVAL, "the archive is compressed more than once");
	return 0;
}

ssize_t stream_tar_read(struct archive *a, void *stream, const void **ret)
{
	struct stream *s = stream;
	la_int64_t off;
	size_t len = 0;
	int r;

	do {
		r = archive_read_data_block(s->filter, ret, &len, &off);
	} while (r == ARCHIVE_OK && len == 0);
	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK) {
		filter_failed(s, "decompress");
		goto fail;
	}
	s->out_bytes += len;
	if (s->out_bytes > s->max_out) {
		err_msg(s->e, -EFBIG,
			"the archive holds more than %llu bytes, the limit for a layer here "
			"(free disk space; UCTR_MAX_LAYER_SIZE)",
			(unsigned long long)s->max_out);
		goto fail;
	}
	if (digest_add(s->out_md, *ret, len, s->e) < 0)
		goto fail;
	return (ssize_t)len;
fail:
	if (a)
		archive_set_error(a, EIO, "read error");
	return -1;
}

int stream_finish(struct stream *s)
{
	uint64_t end = s->out_bytes;
	const void *data;
	ssize_t n;

	while ((n = stream_tar_read(NULL, s, &data)) > 0) {
		if (s->out_bytes - end > UCTR_MAX_TRAILER)
			return err_msg(s->e, -EFBIG,
				"more than %llu bytes follow the archive's end",
				(unsigned long long)UCTR_MAX_TRAILER);
	}
	if (n < 0)
		return s->e->code;
	return stream_drain_input(s);
}

int stream_hex(EVP_MD_CTX *md, char hex[UCTR_DIGEST_HEX + 1], struct err *e)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (EVP_DigestFinal_ex(md, sum, &len) != 1 || len != UCTR_DIGEST_HEX / 2)
		return err_msg(e, -EIO, "SHA-256 failed in libcrypto");
	for (unsigned int i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	return 0;
}
