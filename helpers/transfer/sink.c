/* SPDX-License-Identifier: Apache-2.0 */
/* Digesting and compressing what is written. */
#include "sink.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"

#define IN_SIZE (256U << 10)
#define OUT_SIZE (256U << 10)
/* Commits are made while somebody waits; a push of the same bytes happens later, and perhaps never. */
#define GZIP_LEVEL 4
#define ZSTD_LEVEL 3
#define GZIP_WINDOW (15 + 16) /* zlib's way to ask for gzip's header */

int sink_form(const char *name)
{
	static const char *const names[] = { "none", "gzip", "zstd" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (streq(names[i], name))
			return (int)i;
	}
	return -EINVAL;
}

int sink_init(struct sink *s, struct err *e)
{
	s->in_bytes = s->out_bytes = 0;
	s->len = 0;
	s->zstd = NULL;
	s->in_md = EVP_MD_CTX_new();
	s->out_md = EVP_MD_CTX_new();
	s->buf = malloc(IN_SIZE);
	s->out = malloc(OUT_SIZE);
	memset(&s->z, 0, sizeof(s->z));
	if (s->form == SINK_ZSTD)
		s->zstd = ZSTD_createCCtx();
	if (!s->in_md || !s->out_md || !s->buf || !s->out || (s->form == SINK_ZSTD && !s->zstd))
		return err_set(e, -ENOMEM, "prepare the archive");
	if (s->form == SINK_GZIP && deflateInit2(&s->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
					    Z_DEFAULT_STRATEGY) != Z_OK)
		return err_set(e, -ENOMEM, "prepare gzip");
	if (s->zstd &&
		ZSTD_isError(ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)))
		return err_msg(e, -EIO, "prepare zstd");
	if (EVP_DigestInit_ex(s->in_md, EVP_sha256(), NULL) != 1 ||
		EVP_DigestInit_ex(s->out_md, EVP_sha256(), NULL) != 1)
		return err_msg(e, -EIO, "libcrypto offers no SHA-256");
	return 0;
}

void sink_free(struct sink *s)
{
	EVP_MD_CTX_free(s->in_md);
	EVP_MD_CTX_free(s->out_md);
	if (s->z.state)
		deflateEnd(&s->z);
	ZSTD_freeCCtx(s->zstd);
	free(s->buf);
	free(s->out);
}

static int put(struct sink *s, const void *data, size_t len, struct err *e)
{
	int r;

	if (len == 0)
		return 0;
	if (EVP_DigestUpdate(s->out_md, data, len) != 1)
		return err_msg(e, -EIO, "SHA-256 failed in libcrypto");
	s->out_bytes += len;
	r = fd_write_all(s->fd, data, len);
	return r < 0 ? err_set(e, r, "write the archive") : 0;
}

static int put_gzip(struct sink *s, bool end, struct err *e)
{
	int r;

	s->z.next_in = s->buf;
	s->z.avail_in = (uInt)s->len;
	do {
		s->z.next_out = s->out;
		s->z.avail_out = OUT_SIZE;
		r = deflate(&s->z, end ? Z_FINISH : Z_NO_FLUSH);
		if (r == Z_STREAM_ERROR)
			return err_msg(e, -EIO, "gzip failed");
		r = put(s, s->out, OUT_SIZE - s->z.avail_out, e);
		if (r < 0)
			return r;
	} while (s->z.avail_out == 0);
	return 0;
}

static int put_zstd(struct sink *s, bool end, struct err *e)
{
	ZSTD_inBuffer in = { s->buf, s->len, 0 };
	size_t left;
	int r;

	do {
		ZSTD_outBuffer out = { s->out, OUT_SIZE, 0 };

		left = ZSTD_compressStream2(s->zstd, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return err_msg(e, -EIO, "zstd: %s", ZSTD_getErrorName(left));
		r = put(s, s->out, out.pos, e);
		if (r < 0)
			return r;
	} while (end ? left > 0 : in.pos < in.size);
	return 0;
}

static int flush(struct sink *s, bool end, struct err *e)
{
	int r = 0;

	s->in_bytes += s->len;
	if (s->in_bytes > s->max)
		return err_msg(e, -EFBIG,
			"the files are more than %llu bytes, the limit for a layer here (free disk "
			"space; UCTR_MAX_LAYER_SIZE)",
			(unsigned long long)s->max);
	if (EVP_DigestUpdate(s->in_md, s->buf, s->len) != 1)
		return err_msg(e, -EIO, "SHA-256 failed in libcrypto");
	if (s->copy_fd >= 0)
		r = fd_write_all(s->copy_fd, s->buf, s->len);
	if (r < 0)
		return err_set(e, r, "hand the archive on");
	if (s->form == SINK_GZIP)
		r = put_gzip(s, end, e);
	else if (s->form == SINK_ZSTD)
		r = put_zstd(s, end, e);
	else
		r = put(s, s->buf, s->len, e);
	s->len = 0;
	return r;
}

int sink_room(struct sink *s, void **ret, size_t *ret_len, struct err *e)
{
	int r = s->len == IN_SIZE ? flush(s, false, e) : 0;

	*ret = s->buf + s->len;
	*ret_len = IN_SIZE - s->len;
	return r;
}

int sink_filled(struct sink *s, size_t len, struct err *e)
{
	s->len += len;
	return s->len == IN_SIZE ? flush(s, false, e) : 0;
}

int sink_write(struct sink *s, const void *data, size_t len, struct err *e)
{
	const char *p = data;
	size_t room, n;
	void *at;
	int r = 0;

	for (; r == 0 && len > 0; p += n, len -= n) {
		r = sink_room(s, &at, &room, e);
		if (r < 0)
			return r;
		n = len < room ? len : room;
		memcpy(at, p, n);
		r = sink_filled(s, n, e);
	}
	return r;
}

int sink_finish(struct sink *s, struct err *e)
{
	return flush(s, true, e);
}
