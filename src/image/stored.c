/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an image of the store, for copies to other places. */
#include "image/stored.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "image/lookup.h"

struct stored {
	struct image_source source;
	struct image_store *s;
	struct tag rec;
	char *what;
};

static int open_blob(struct image_store *s, const char *hex, struct err *e)
{
	char path[BLOB_PATH_MAX];
	int fd;

	blob_path(hex, path);
	fd = openat(s->dirfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_set(e, -errno, "open the kept blob sha256:%.12s", hex) : fd;
}

static int stored_document(struct image_source *src, const struct descriptor *want,
	struct document *ret, struct err *e)
{
	struct stored *st = (struct stored *)src;
	_cleanup_fd_ int fd = open_blob(st->s, want ? want->digest : st->rec.manifest, e);
	int r = fd < 0 ? fd : fd_slurp(fd, UCTR_MAX_DOCUMENT, &ret->text, &ret->len);

	return fd < 0 ? fd : r < 0 ? err_set(e, r, "read a document of the store") : 0;
}

static int stored_blob(
	struct image_source *src, const struct descriptor *want, int part_fd, struct err *e)
{
	struct stored *st = (struct stored *)src;

	fd_closep(&part_fd);
	return open_blob(st->s, want->digest, e);
}

static void stored_close(struct image_source *src)
{
	struct stored *st = (struct stored *)src;

	tag_free(&st->rec);
	free(st->what);
	free(st);
}

int stored_source(struct image_store *s, const char *name, char **ret_name,
	struct image_source **ret, struct err *e)
{
	static const struct image_source_ops ops = {
		.document = stored_document,
		.blob = stored_blob,
		.close = stored_close,
	};
	struct stored *st = calloc(1, sizeof(*st));
	bool by_id = false;
	int r = st ? lookup_or_bundled(s, name, &st->rec, &by_id, e) : err_set(e, -ENOMEM, "image");

	if (r == 0) {
		st->what = str_printf("image %s", *st->rec.name ? st->rec.name : st->rec.id);
		if (ret_name)
			*ret_name = strdup(by_id ? "" : st->rec.name);
		r = !st->what || (ret_name && !*ret_name) ? err_set(e, -ENOMEM, "image") : 0;
	}
	if (r < 0) {
		if (st)
			stored_close(&st->source);
		return r;
	}
	st->s = s;
	st->source = (struct image_source){ .ops = &ops, .what = st->what };
	*ret = &st->source;
	return 0;
}
