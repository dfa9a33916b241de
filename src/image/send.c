/* SPDX-License-Identifier: Apache-2.0 */
/* image_send: from a source into a registry, byte for byte. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/outlet.h"
#include "image/source.h"

/* What a pipe brings, checked, as a file without a name. */
static int spool(struct image_store *s, struct image_source *src, const struct descriptor *d,
	int in, struct err *e)
{
	_cleanup_fd_ int out = openat(s->dirfd, STORE_TMP, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int r = out < 0 ? err_set(e, -errno, "make a file for a blob") : 0;

	if (r == 0)
		r = blob_copy(d, in, out, e);
	close(in); /* before the source is asked, which may wait for a reader */
	r = source_end_blob(src, d, r, e);
	if (r == 0 && lseek(out, 0, SEEK_SET) < 0)
		r = err_set(e, -errno, "read a blob");
	return r < 0 ? r : take_fd(&out);
}

static int send_layer(struct image_store *s, struct image_source *src, struct image_sink *dst,
	const struct descriptor *d, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;
	/* Of a file the sink asks itself, before it reads. */
	int r = src->ops->blob_end ? dst->ops->has_blob(dst, d, e) : 0;

	if (r != 0)
		return r < 0 ? r : 0;
	fd = src->ops->blob(src, d, -1, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "blob sha256:%.12s", d->digest);
	if (!S_ISREG(st.st_mode)) {
		fd = spool(s, src, d, take_fd(&fd), e);
		return fd < 0 ? fd : dst->ops->put_blob(dst, d, fd, e);
	}
	/* Its digest is compared by the registry. */
	if ((uint64_t)st.st_size != d->size)
		return err_msg(e, -EBADMSG,
			"blob sha256:%.12s: has %lld bytes, announced were %llu", d->digest,
			(long long)st.st_size, (unsigned long long)d->size);
	return dst->ops->put_blob(dst, d, fd, e);
}

static int send_config(struct image_source *src, struct image_sink *dst, json_t *o, struct err *e)
{
	_cleanup_document_ struct document config = { 0 };
	_cleanup_fd_ int fd = memfd_create("config", MFD_CLOEXEC);
	struct descriptor d;
	int r = descriptor_read(o, UCTR_MAX_DOCUMENT, &d, e);

	if (r == 0)
		r = source_document(src, &d, "config", &config, e);
	if (r < 0)
		return r;
	r = fd < 0 ? -errno : fd_write_all(fd, config.text, config.len);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? err_set(e, r, "memory for a document") : dst->ops->put_blob(dst, &d, fd, e);
}

static void show(const struct fetch_watch *w, const struct fetch_layer *layers, size_t n)
{
	if (w)
		w->show(w->ctx, layers, n);
}

/* The layers, one after the other into the sink, which may work on several; then the config. */
static int send_blobs(struct image_store *s, struct image_source *src, json_t *manifest,
	struct image_sink *dst, const struct fetch_watch *w, struct err *e)
{
	struct fetch_layer layers[UCTR_MAX_LAYERS] = { 0 };
	struct descriptor d[UCTR_MAX_LAYERS];
	json_t *list = NULL, *config = NULL;
	size_t n, i;
	int r = json_get_arr(manifest, "layers", &list, e);

	if (r >= 0)
		r = json_get_obj(manifest, "config", &config, e);
	if (r < 0)
		return r;
	n = json_array_size(list);
	if (n > UCTR_MAX_LAYERS)
		return err_msg(e, -EINVAL, "manifest: more than %d layers", UCTR_MAX_LAYERS);
	for (i = 0; i < n; i++) {
		r = descriptor_read(json_array_get(list, i), UCTR_MAX_LAYER_BYTES, &d[i], e);
		if (r < 0)
			return err_wrap(e, r, "layer %zu", i + 1);
		layers[i] = (struct fetch_layer){ FETCH_WAITING, d[i].digest, 0, d[i].size };
	}
	for (i = 0; i < n; i++) {
		layers[i].state = FETCH_RUNNING;
		show(w, layers, n);
		r = send_layer(s, src, dst, &d[i], e);
		if (r < 0)
			return err_wrap(e, r, "layer %zu", i + 1);
	}
	r = send_config(src, dst, config, e);
	if (r == 0)
		r = dst->ops->flush(dst, e);
	for (i = 0; r == 0 && i < n; i++) {
		layers[i].state = FETCH_DONE;
		layers[i].done = layers[i].size;
	}
	if (r == 0)
		show(w, layers, n);
	return r;
}

int image_send(struct image_store *s, struct image_source *src, const struct platform *platform,
	struct image_sink *dst, const struct fetch_watch *w, struct err *e)
{
	_cleanup_document_ struct document manifest = { 0 };
	char index[UCTR_DIGEST_HEX + 1];
	int r = source_manifest(
		src, NULL, platform ? platform : platform_here(), &manifest, index, e);

	if (r < 0)
		return err_wrap(e, r, "%s", src->what);
	r = send_blobs(s, src, manifest.json, dst, w, e);
	if (r == 0)
		r = dst->ops->put_document(dst, &manifest, true, e);
	return r < 0 ? err_wrap(e, r, "%s", dst->what) : 0;
}
