/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing an image of an additional store into use: verified like one of a registry's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/additional.h"
#include "image/source.h"
#include "image/stored.h"

/* What the user's own store has of it: some record of that id. 1, 0 or an error. */
static int find_own(struct image_store *s, const char *id, struct tag *ret, struct err *e)
{
	struct tag *all = NULL;
	char name[UCTR_DIGEST_HEX + 2];
	size_t n = 0;
	int r;

	snprintf(name, sizeof(name), "@%s", id);
	r = tag_load(s, name, ret, e);
	if (r == 0)
		r = tags_readable(s, &all, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!streq(all[i].id, id))
			continue;
		*ret = all[i];
		all[i] = (struct tag){ 0 };
		r = 1;
	}
	tags_free(all, n);
	return r;
}

static struct image_store *store_of(struct image_store *s, const struct tag *rec)
{
	struct image_store *more;
	size_t n = additional_stores(s, &more);

	for (size_t i = 0; i < n; i++) {
		if (more[i].shared == rec->shared)
			return &more[i];
	}
	return NULL;
}

/* rec is taken over. */
static int bring(struct image_store *s, struct tag *rec, const char *id, struct err *e)
{
	_cleanup_source_ struct image_source *src = NULL;
	_cleanup_free_ char *manifest = strdup(rec->manifest), *got = NULL;
	struct image_store *from = store_of(s, rec);
	int r = manifest && from ? stored_source_of(from, rec, &src, e)
				 : err_set(e, -ENOMEM, "image");

	if (r == 0)
		r = image_fetch(s,
			&(struct image_fetch){ .source = src, .name = "", .digest = manifest },
			&got, e);
	if (r == 0 && !streq(got, id))
		r = err_msg(e, -EBADMSG, "%s: its record names another configuration", src->what);
	/* Not ENOENT: by that a start knows an image that can be pulled. */
	if (r == -ENOENT)
		r = e ? e->code = -EBADMSG : -EBADMSG;
	return r;
}

int additional_adopt(struct image_store *s, struct tag *rec, struct err *e)
{
	_cleanup_(tag_free)
	struct tag own = { 0 };
	_cleanup_free_ char *id = strdup(rec->id);
	int r = id ? find_own(s, id, &own, e) : err_set(e, -ENOMEM, "image");

	if (r == 0) {
		r = bring(s, rec, id, e);
		if (r == 0)
			r = find_own(s, id, &own, e);
		if (r == 0)
			r = err_msg(e, -ESTALE, "image %.12s was removed meanwhile", id);
	}
	if (r < 0)
		return r;
	tag_free(rec);
	*rec = own;
	own = (struct tag){ 0 };
	return 0;
}
