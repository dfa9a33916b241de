/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: given, taken away. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/additional.h"
#include "image/lookup.h"
#include "image/ref.h"

int name_new(const char *text, const char *host, char **ret, struct err *e)
{
	_cleanup_(ref_free)
	struct ref ref = { 0 };
	int r = ref_parse(text, &ref, e);

	if (r < 0)
		return r;
	if (ref.digest)
		return err_msg(
			e, -EINVAL, "image name \"%.80s\": a new name cannot have a digest", text);
	*ret = ref_name(&ref, host);
	return *ret ? 0 : err_set(e, -ENOMEM, "image name");
}

static int lookup_locked(
	struct image_store *s, const char *name, struct tag *ret, int *ret_lock, struct err *e)
{
	bool by_id;
	int r = lookup(s, name, ret, &by_id, e);

	if (r > 0 && ret->shared)
		return additional_refuse(ret, e);
	if (r <= 0)
		return r == 0 ? lookup_failed(name, e) : r;
	*ret_lock = store_lock(s, e);
	if (*ret_lock < 0)
		return *ret_lock;
	/* Again: what it meant may have changed while we waited. */
	tag_free(ret);
	r = lookup(s, name, ret, &by_id, e);
	if (r > 0 && ret->shared)
		return additional_refuse(ret, e);
	return r == 0 ? lookup_failed(name, e) : r < 0 ? r : 0;
}

int image_tag(struct image_store *s, const char *name, char *const *new_names, struct err *e)
{
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_strv_ char **full = NULL;
	_cleanup_free_ char *own = NULL;
	_cleanup_fd_ int lock = -1;
	bool by_id;
	int r = 0;

	strv_foreach (n, new_names) {
		char *one = NULL;

		r = name_new(n, REF_HOST_LOCAL, &one, e);
		if (r < 0)
			return r;
		if (strv_take(&full, one) < 0)
			return err_set(e, -ENOMEM, "image name");
	}
	r = lookup_or_bundled(s, name, &rec, &by_id, e);
	if (r == 0 && rec.shared) {
		r = additional_adopt(s, &rec, e);
		own = r == 0 ? str_printf("sha256:%s", rec.id) : NULL;
		if (r == 0 && !own)
			r = err_set(e, -ENOMEM, "image");
	}
	tag_free(&rec);
	if (r < 0)
		return r;
	r = lookup_locked(s, own ? own : name, &rec, &lock, e);
	strv_foreach (n, full) {
		struct tag named = rec;

		named.name = n;
		if (r == 0)
			r = tag_replace(s, &named, e);
	}
	return r;
}

/* Are all these names the image's own? In their full form to *ret. */
static int own_names(struct image_store *s, const struct tag *rec, char *const *names, char ***ret,
	struct err *e)
{
	strv_foreach (n, names) {
		_cleanup_(tag_free)
		struct tag one = { 0 };
		bool by_id;
		int r = lookup(s, n, &one, &by_id, e);

		if (r == 0)
			return lookup_failed(n, e);
		if (r < 0)
			return r;
		if (by_id || one.shared || !streq(one.id, rec->id))
			return err_msg(
				e, -EINVAL, "\"%.80s\" is not a name of image %.12s", n, rec->id);
		if (strv_add(ret, one.name) < 0)
			return err_set(e, -ENOMEM, "image name");
	}
	return 0;
}

int image_untag(struct image_store *s, const char *name, char *const *names, char ***ret_removed,
	struct err *e)
{
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_strv_ char **own = NULL;
	_cleanup_fd_ int lock = -1;
	struct tag *all = NULL;
	size_t n = 0, left = 0;
	int r = lookup_locked(s, name, &rec, &lock, e);

	if (r == 0 && names)
		r = own_names(s, &rec, names, &own, e);
	if (r == 0)
		r = tags_readable(s, &all, &n, e);
	for (size_t i = 0; i < n; i++)
		left += streq(all[i].id, rec.id) && own && !strv_contains(own, all[i].name);
	/* The image stays: before its last name goes it has a record without one. */
	if (r == 0 && left == 0)
		r = tag_keep_unnamed(s, &rec, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!*all[i].name || !streq(all[i].id, rec.id) ||
			(own && !strv_contains(own, all[i].name)))
			continue;
		r = tag_delete(s, &all[i], e);
		if (r == 0 && strv_addf(ret_removed, "Untagged: %s", all[i].name) < 0)
			r = err_set(e, -ENOMEM, "untag");
	}
	tags_free(all, n);
	return r;
}
