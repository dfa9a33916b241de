/* SPDX-License-Identifier: Apache-2.0 */
/* Digesting, keeping and decompressing the input in one pass. */
#include "stream.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/fd.h"
#include "base/red.h"
#include "base/str.h"

/*
 * Two threads. One reads in_fd, digests, keeps and decodes it, digests what comes out and puts that
 * into the ring; it needs no file but its descriptors, and confines itself accordingly. The other,
 * which is the process's first, reads tar from the ring and writes the tree. So a single large layer
 * uses two cores, and neither waits for the disk of the other.
 */
#define BUF_SIZE (256U << 10)
#define PROGRESS_STEP (32ULL << 20)
#define FLUSH_STEP (16ULL << 20) /* the blob goes to the disk while the rest is still coming */
#define STACK_SIZE (256U << 10)

int stream_init(struct stream *s, struct err *e)
{
	s->e = e;
	s->in_e = (struct err)ERR_INIT;
	s->compression = "none";
	s->stop_fd = -1;
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
	const uint64_t one = 1;

	if (s->started) {
		ring_close(&s->ring);
		/* It may wait for input that never comes. */
		if (fd_write_all(s->stop_fd, &one, sizeof(one)) == 0)
			pthread_join(s->thread, NULL);
	}
	ring_free(&s->ring);
	fd_closep(&s->stop_fd);
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

static int keep(struct stream *s, const unsigned char *data, size_t n)
{
	int r;

	if (s->blob_fd < 0)
		return 0;
	r = fd_write_all(s->blob_fd, data, n);
	if (r < 0)
		return err_set(&s->in_e, r, "store the blob");
	if (s->in_bytes >= s->flushed + FLUSH_STEP) {
		/* Only a hint; the store is synced as a whole before anything gets its name. */
		sync_file_range(s->blob_fd, (off_t)s->flushed, (off_t)(s->in_bytes - s->flushed),
			SYNC_FILE_RANGE_WRITE);
		s->flushed = s->in_bytes;
	}
	return 0;
}

/* Until there is something to read, or the writer has given up. */
static int await_input(struct stream *s)
{
	struct pollfd p[] = { { .fd = s->in_fd, .events = POLLIN },
		{ .fd = s->stop_fd, .events = POLLIN } };
	int r;

	if (s->stop_fd < 0)
		return 0;
	do {
		r = poll(p, ARRAY_SIZE(p), -1);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_set(&s->in_e, -errno, "wait for the archive");
	return p[1].revents ? err_msg(&s->in_e, -ECANCELED, "given up") : 0;
}

ssize_t stream_ahead(struct stream *s, size_t want)
{
	/* What is left moves to the front: it is a few bytes, never more than a header. */
	if (s->avail < want && s->avail > 0)
		memmove(s->buf, s->next, s->avail);
	if (s->avail < want)
		s->next = s->buf;
	while (s->avail < want) {
		unsigned char *at = s->buf + s->avail;
		ssize_t n;
		int r = await_input(s);

		if (r < 0)
			return r;
		n = read(s->in_fd, at, BUF_SIZE - s->avail);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(&s->in_e, -errno, "read the archive");
		if (n == 0)
			break;
		s->in_bytes += (uint64_t)n;
		s->avail += (size_t)n;
		if (s->max_in && s->in_bytes > s->max_in)
			return err_msg(&s->in_e, -EFBIG,
				"the blob is longer than the %llu bytes announced",
				(unsigned long long)s->max_in);
		r = digest_add(s->in_md, at, (size_t)n, &s->in_e);
		if (r == 0)
			r = keep(s, at, (size_t)n);
		if (r < 0)
			return r;
		show_progress(s);
	}
	return (ssize_t)s->avail;
}

void stream_skip(struct stream *s, size_t n)
{
	s->next += n;
	s->avail -= n;
}

static int drain(struct stream *s)
{
	ssize_t n;

	while ((n = stream_ahead(s, 1)) > 0)
		stream_skip(s, (size_t)n);
	return (int)n;
}

int stream_drain_input(struct stream *s, struct err *e)
{
	int r = drain(s);

	if (r < 0 && e)
		*e = s->in_e;
	return r;
}

int stream_put(struct stream *s, const unsigned char *slot, size_t n)
{
	int r;

	s->out_bytes += n;
	if (s->out_bytes > s->max_out && !red_off("max-bytes"))
		return err_msg(&s->in_e, -EFBIG,
			"the archive holds more than %llu bytes, the limit for a layer here "
			"(free disk space; UCTR_MAX_LAYER_SIZE)",
			(unsigned long long)s->max_out);
	r = digest_add(s->out_md, slot, n, &s->in_e);
	if (r == 0)
		ring_push(&s->ring, n);
	return r;
}

static void *run(void *stream)
{
	struct stream *s = stream;
	int r = s->confine ? s->confine(&s->in_e) : 0;

	if (r == 0)
		r = decode(s);
	if (r == 0)
		drain(s);
	ring_end(&s->ring);
	return NULL;
}

int stream_start(struct stream *s, struct err *e)
{
	pthread_attr_t attr;
	int r = ring_init(&s->ring);

	s->stop_fd = r < 0 ? -1 : eventfd(0, EFD_CLOEXEC);
	if (r < 0 || s->stop_fd < 0)
		return err_set(e, r < 0 ? r : -errno, "prepare the stream");
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	r = pthread_create(&s->thread, &attr, run, s);
	pthread_attr_destroy(&attr);
	if (r > 0)
		return err_set(e, -r, "start the reading thread");
	s->started = true;
	return 0;
}

/* The next bytes of the tar stream, 0 at its end, or the error of the thread that makes it. */
ssize_t stream_next(struct stream *s, const void **ret, struct err *e)
{
	size_t n = ring_next(&s->ring, ret);

	if (n == 0 && s->in_e.code) {
		if (e && !e->code)
			*e = s->in_e;
		return s->in_e.code;
	}
	return (ssize_t)n;
}

ssize_t stream_tar_read(struct archive *a, void *stream, const void **ret)
{
	struct stream *s = stream;
	ssize_t n = stream_next(s, ret, s->e);

	if (n >= 0)
		return n;
	/* libarchive wants its own error set too, or it reports success with no bytes. */
	archive_set_error(a, (int)-n, "read error");
	return -1;
}

int stream_finish(struct stream *s, struct err *e)
{
	uint64_t trailer = 0;
	const void *data;
	ssize_t n;

	while ((n = stream_next(s, &data, e)) > 0) {
		trailer += (uint64_t)n;
		if (trailer > UCTR_MAX_TRAILER && !red_off("trailer"))
			return err_msg(e, -EFBIG, "more than %llu bytes follow the archive's end",
				(unsigned long long)UCTR_MAX_TRAILER);
	}
	if (n < 0)
		return (int)n;
	pthread_join(s->thread, NULL);
	s->started = false;
	return 0;
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
