/* SPDX-License-Identifier: Apache-2.0 */
/* Resolving names and ids to records. */
#include "image/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/additional.h"
#include "image/ref.h"

#define ID_MIN 3

const char *lookup_id_digits(const char *text)
{
	size_t len;

	if (str_startswith(text, "sha256:"))
		text += strlen("sha256:");
	len = strlen(text);
	if (len < ID_MIN || len > UCTR_DIGEST_HEX || strspn(text, "0123456789abcdef") != len)
		return NULL;
	return text;
}

int lookup_failed(const char *text, struct err *e)
{
	_cleanup_free_ char *clean = str_sanitise(text);

	return err_msg(e, -ENOENT,
		"no image \"%.80s\"; \"uctr images\" lists what is there, \"uctr pull\" fetches "
		"one",
		clean ? clean : "");
}

/* An image is known by its manifest, and by the index that led to it. */
static bool has_digest(const struct tag *rec, const char *digest)
{
	return streq(digest, rec->manifest) || (rec->index && streq(digest, rec->index));
}

/* 1 found, 0 not; a digest in the reference must be that of the image's manifest. */
static int by_name(struct image_store *s, const struct ref *ref, const char *host, struct tag *ret,
	struct err *e)
{
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_free_ char *name = ref_name(ref, host);
	int r = name ? tag_load(s, name, &rec, e) : err_set(e, -ENOMEM, "image name");

	if (r <= 0)
		return r;
	if (ref->digest && !has_digest(&rec, ref->digest))
		return 0;
	*ret = rec;
	rec = (struct tag){ 0 };
	return 1;
}

/* name@digest without a tag: any tag of that repository will do, or that it was fetched from there. */
static int by_digest(struct image_store *s, const struct ref *ref, const char *host,
	struct tag *ret, struct err *e)
{
	_cleanup_free_ char *full = ref_name(ref, host);
	struct tag *all = NULL;
	size_t n = 0, prefix;
	int r = full ? tags_readable(s, &all, &n, e) : err_set(e, -ENOMEM, "image name");

	if (r < 0)
		return r;
	prefix = (size_t)(strrchr(full, ':') - full) + 1;
	for (size_t i = 0; r == 0 && i < n; i++) {
		bool named = strncmp(all[i].name, full, prefix) == 0 ||
			     (all[i].origin && strlen(all[i].origin) == prefix - 1 &&
				     strncmp(all[i].origin, full, prefix - 1) == 0);

		if (named && has_digest(&all[i], ref->digest)) {
			*ret = all[i];
			all[i] = (struct tag){ 0 };
			r = 1;
		}
	}
	tags_free(all, n);
	return r;
}

static int by_ref(struct image_store *s, const struct ref *ref, struct tag *ret, struct err *e)
{
	static const char *const hosts[] = { REF_HOST_LOCAL, REF_HOST_DOCKER };
	int r = 0;

	for (size_t i = 0; r == 0 && i < (ref->host ? 1 : ARRAY_SIZE(hosts)); i++) {
		if (ref->digest && !ref->tag)
			r = by_digest(s, ref, hosts[i], ret, e);
		else
			r = by_name(s, ref, hosts[i], ret, e);
	}
	return r;
}

static int by_id(struct image_store *s, const char *digits, struct tag *ret, struct err *e)
{
	struct tag *all = NULL;
	size_t n = 0, found = 0;
	int r = tags_readable(s, &all, &n, e);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		if (!str_startswith(all[i].id, digits))
			continue;
		if (r == 1 && !streq(all[i].id, all[found].id))
			r = err_msg(e, -EINVAL,
				"image id %s is ambiguous: it starts %.16s and %.16s", digits,
				all[found].id, all[i].id);
		else if (r == 0 || !*all[found].name) {
			found = i; /* a record with a name tells more */
			r = 1;
		}
	}
	if (r == 1) {
		*ret = all[found];
		all[found] = (struct tag){ 0 };
	}
	tags_free(all, n);
	return r;
}

static int lookup_in(
	struct image_store *s, const char *text, struct tag *ret, bool *ret_by_id, struct err *e)
{
	const char *digits = lookup_id_digits(text);
	_cleanup_(ref_free)
	struct ref ref = { 0 };
	int r = 0;

	*ret_by_id = false;
	/* "sha256:..." is docker's way to write an id; as a name it would be a repository. */
	if (!digits || !str_startswith(text, "sha256:")) {
		r = ref_parse(text, &ref, e);
		if (r == 0)
			r = by_ref(s, &ref, ret, e);
		if (r != 0)
			return r;
	}
	if (!digits)
		return 0;
	r = by_id(s, digits, ret, e);
	*ret_by_id = r > 0;
	return r;
}

int lookup(struct image_store *s, const char *text, struct tag *ret, bool *ret_by_id, struct err *e)
{
	int r = lookup_in(s, text, ret, ret_by_id, e);
	struct image_store *more;
	size_t n = r == 0 ? additional_stores(s, &more) : 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = lookup_in(&more[i], text, ret, ret_by_id, e);
	return r;
}
