/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an image of the store, for copies to other places. */
#include "image/stored.h"

#include <stdlib.h>
#include <string.h>

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

static int stored_document(struct image_source *src, const struct descriptor *want,
	struct document *ret, struct err *e)
{
	struct stored *st = (struct stored *)src;
	const char *shared;
	_cleanup_fd_ int fd = blob_open(st->s, want ? want->digest : st->rec.manifest, &shared, e);
	char hex[UCTR_DIGEST_HEX + 1];
	int r = fd < 0 ? fd : fd_slurp(fd, UCTR_MAX_DOCUMENT, &ret->text, &ret->len);

	if (r < 0)
		return fd < 0 ? r : err_set(e, r, "read a document of the store");
	r = want ? 0 : blob_digest(ret->text, ret->len, st->rec.manifest, hex, e);
	return r < 0 ? err_wrap(e, r, "the kept manifest") : 0;
}

static int stored_blob(
	struct image_source *src, const struct descriptor *want, int part_fd, struct err *e)
{
	struct stored *st = (struct stored *)src;
	const char *shared;

	fd_closep(&part_fd);
	return blob_open(st->s, want->digest, &shared, e);
}

static void stored_close(struct image_source *src)
{
	struct stored *st = (struct stored *)src;

	tag_free(&st->rec);
	free(st->what);
	free(st);
}

int stored_source_of(
	struct image_store *s, struct tag *rec, struct image_source **ret, struct err *e)
{
	static const struct image_source_ops ops = {
		.document = stored_document,
		.blob = stored_blob,
		.close = stored_close,
	};
	struct stored *st = calloc(1, sizeof(*st));

	if (st)
		st->what = str_printf("image %s%s%s", *rec->name ? rec->name : rec->id,
			rec->shared ? " of the additional store " : "",
			rec->shared ? rec->shared : "");
	if (!st || !st->what) {
		free(st);
		tag_free(rec);
		return err_set(e, -ENOMEM, "image");
	}
	st->rec = *rec;
	*rec = (struct tag){ 0 };
	st->s = s;
	st->source = (struct image_source){ .ops = &ops, .what = st->what };
	*ret = &st->source;
	return 0;
}

int stored_source(struct image_store *s, const char *name, char **ret_name,
	struct image_source **ret, struct err *e)
{
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_free_ char *found = NULL;
	bool by_id = false;
	int r = lookup_or_bundled(s, name, &rec, &by_id, e);

	if (r < 0)
		return r;
	found = strdup(by_id ? "" : rec.name);
	if (!found)
		return err_set(e, -ENOMEM, "image");
	r = stored_source_of(s, &rec, ret, e);
	if (r == 0 && ret_name)
		*ret_name = take_ptr(found);
	return r;
}
