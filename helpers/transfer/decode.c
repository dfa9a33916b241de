/* SPDX-License-Identifier: Apache-2.0 */
/* Decompression, in this process: gzip and zstd by the fastest library, the rest by libarchive. */
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/fd.h"
#include "base/str.h"
#include "gunzip.h"
#include "stream.h"

#define SNIFF 6 /* bytes that tell a format */
#define ZSTD_WINDOW_LOG 27 /* 128 MB, what every zstd accepts without being asked */

struct format {
	const char *name, *magic;
	size_t len;
	int (*decode)(struct stream *s);
};
static const struct format *sniff(const unsigned char *p, size_t n);

static int damaged(struct stream *s, const char *why)
{
	return err_msg(&s->in_e, -EINVAL, "decompress: %s", why);
}

static int gave_up(struct stream *s)
{
	return err_msg(&s->in_e, -ECANCELED, "given up");
}

/* Images know one level of compression. */
static int put(struct stream *s, const unsigned char *slot, size_t n)
{
	if (s->out_bytes == 0 && !streq(s->compression, "none") && sniff(slot, n)->len > 0)
		return err_msg(&s->in_e, -EINVAL, "the archive is compressed more than once");
	return stream_put(s, slot, n);
}

/* One member; its first bytes are there. */
static int gunzip_member(struct stream *s, struct gunzip *g)
{
	int r = 0;

	while (r == 0) {
		unsigned char *slot = ring_empty(&s->ring);
		struct gunzip_io io = { .out = slot, .n_out = RING_BYTES };

		if (!slot)
			return gave_up(s);
		while (r == 0 && io.n_out > 0) {
			size_t room = io.n_out;
			ssize_t n = stream_ahead(s, 1);

			if (n < 0)
				return (int)n;
			io.in = s->next;
			io.n_in = (size_t)n;
			r = gunzip_run(g, &io);
			stream_skip(s, (size_t)n - io.n_in);
			/* Output may still come when there is no input, but not for ever. */
			if (r < 0 || (r == 0 && io.n_in == (size_t)n && io.n_out == room))
				return damaged(s, r < 0 ? "the gzip data is damaged"
							: "the gzip data is truncated");
		}
		if (io.n_out < RING_BYTES && put(s, slot, RING_BYTES - io.n_out) < 0)
			return s->in_e.code;
	}
	return 0;
}

/* Members follow each other; anything else behind one is not part of the stream, as for gzip(1). */
static int decode_gzip(struct stream *s)
{
	struct gunzip *g = gunzip_new();
	int r = g ? 0 : err_set(&s->in_e, -ENOMEM, "prepare the decompressor");

	while (r == 0) {
		ssize_t n;

		r = gunzip_member(s, g);
		if (r < 0)
			break;
		n = stream_ahead(s, 3);
		if (n < 0)
			r = (int)n;
		if (n < 3 || memcmp(s->next, "\x1f\x8b\x08", 3) != 0)
			break;
		gunzip_restart(g);
	}
	gunzip_free(g);
	return r;
}

static int zstd_failed(struct stream *s, size_t code)
{
	switch (ZSTD_getErrorCode(code)) {
	case ZSTD_error_frameParameter_windowTooLarge:
		return err_msg(&s->in_e, -EFBIG,
			"decompress: the zstd window is larger than 128 MB, the limit");
	case ZSTD_error_memory_allocation:
		return err_set(&s->in_e, -ENOMEM, "decompress");
	default:
		return damaged(s, ZSTD_getErrorName(code)); /* a constant of libzstd's */
	}
}

static int unzstd(struct stream *s, ZSTD_DStream *z)
{
	size_t left = 1; /* 0: at the end of a frame */
	ssize_t n = 1;

	while (n > 0) {
		ZSTD_outBuffer out = { ring_empty(&s->ring), RING_BYTES, 0 };

		if (!out.dst)
			return gave_up(s);
		while (out.pos < out.size) {
			size_t had = out.pos;
			ZSTD_inBuffer in = { 0 };

			n = stream_ahead(s, 1);
			if (n < 0)
				return (int)n;
			if (n == 0 && left == 0)
				break;
			in.src = s->next;
			in.size = (size_t)n;
			left = ZSTD_decompressStream(z, &out, &in);
			if (ZSTD_isError(left))
				return zstd_failed(s, left);
			stream_skip(s, in.pos);
			if (n == 0 && out.pos == had && left != 0)
				return damaged(s, "the zstd data is truncated");
			n = 1;
		}
		if (out.pos > 0 && put(s, out.dst, out.pos) < 0)
			return s->in_e.code;
	}
	return 0;
}

static int decode_zstd(struct stream *s)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	int r = 0;

	if (!z || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
		r = err_set(&s->in_e, -ENOMEM, "prepare the decompressor");
	if (r == 0)
		r = unzstd(s, z);
	ZSTD_freeDStream(z);
	return r;
}

/* libarchive wants its own error set too, or it reports success with no bytes. */
static ssize_t filter_read(struct archive *a, void *stream, const void **ret)
{
	struct stream *s = stream;
	ssize_t n = stream_ahead(s, 1);

	if (n < 0) {
		archive_set_error(a, (int)-n, "read error");
		return -1;
	}
	*ret = s->next;
	stream_skip(s, (size_t)n);
	return n;
}

static int filter_failed(struct stream *s, struct archive *a)
{
	_cleanup_free_ char *why = NULL;

	if (s->in_e.code)
		return s->in_e.code;
	why = str_sanitise(archive_error_string(a) ? archive_error_string(a) : "");
	return damaged(s, why ? why : "out of memory");
}

/* Hands on decoded bytes that lie elsewhere. */
static int put_copy(struct stream *s, const unsigned char *data, size_t len)
{
	int r = 0;

	while (r == 0 && len > 0) {
		size_t n = len < RING_BYTES ? len : RING_BYTES;
		unsigned char *slot = ring_empty(&s->ring);

		if (!slot)
			return gave_up(s);
		memcpy(slot, data, n);
		r = put(s, slot, n);
		data += n;
		len -= n;
	}
	return r;
}

static int run_filter(struct stream *s, struct archive *a)
{
	struct archive_entry *entry;
	const void *data;
	la_int64_t off;
	size_t len;
	int r;

	/* ARCHIVE_WARN would mean "by an external program": not here. */
	if (archive_read_support_filter_xz(a) != ARCHIVE_OK ||
		archive_read_support_filter_bzip2(a) != ARCHIVE_OK ||
		archive_read_support_format_raw(a) != ARCHIVE_OK)
		return err_msg(&s->in_e, -ENOSYS, "libarchive was built without xz or bzip2");
	if (archive_read_open(a, s, NULL, filter_read, NULL) != ARCHIVE_OK)
		return filter_failed(s, a);
	r = archive_read_next_header(a, &entry);
	/* libarchive stacks filters by itself (xz in xz). */
	if (r == ARCHIVE_OK && archive_filter_count(a) > 2)
		return err_msg(&s->in_e, -EINVAL, "the archive is compressed more than once");
	while (r == ARCHIVE_OK) {
		r = archive_read_data_block(a, &data, &len, &off);
		if (r == ARCHIVE_OK && put_copy(s, data, len) < 0)
			return s->in_e.code;
	}
	return r == ARCHIVE_EOF ? 0 : filter_failed(s, a);
}

static int decode_other(struct stream *s)
{
	struct archive *a = archive_read_new();
	int r = a ? run_filter(s, a) : err_set(&s->in_e, -ENOMEM, "prepare the decompressor");

	archive_read_free(a);
	return r;
}

static const struct format formats[] = {
	{ "gzip", "\x1f\x8b\x08", 3, decode_gzip },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, decode_zstd },
	{ "xz", "\xfd\x37zXZ", 6, decode_other },
	{ "bzip2", "BZh", 3, decode_other },
	{ "none", "", 0, decode_other },
};

static const struct format *sniff(const unsigned char *p, size_t n)
{
	const struct format *f = formats;

	/* zstd's frames to be skipped, with which zstd:chunked begins: 16 numbers. */
	if (n >= 4 && (p[0] & 0xf0) == 0x50 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0)
		return &formats[1];
	while (n < f->len || memcmp(p, f->magic, f->len) != 0)
		f++;
	return f;
}

int decode(struct stream *s)
{
	const struct format *f;
	ssize_t n = stream_ahead(s, SNIFF);
	int r;

	if (n < 0)
		return (int)n;
	if (n == 0)
		return err_msg(&s->in_e, -ENODATA, "the input is empty");
	f = sniff(s->next, (size_t)n);
	s->compression = f->name;
	r = f->decode(s);
	if (r == 0 && s->out_bytes == 0)
		r = err_msg(&s->in_e, -ENODATA, "the input holds nothing");
	return r;
}
