/* SPDX-License-Identifier: Apache-2.0 */
/* image_list: what is in the store. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/additional.h"

static int newest_first(const void *a, const void *b)
{
	const struct tag *x = a, *y = b;

	if (x->built != y->built)
		return x->built < y->built ? 1 : -1;
	if (x->created != y->created)
		return x->created < y->created ? 1 : -1;
	return strcmp(x->name, y->name);
}

static json_t *entry(const struct tag *rec)
{
	return json_pack("{ss ss s[] s[] sI sI sI sO sb}", "Id", rec->id, "Digest", rec->manifest,
		"Names", "Digests", "Created", (json_int_t)rec->built, "Entered",
		(json_int_t)rec->created, "Size", (json_int_t)rec->size, "Labels", rec->labels,
		"ReadOnly", rec->shared != NULL);
}

/* One entry for each id, which gathers the names of its records. */
static int gather(const struct tag *all, size_t n, json_t *list)
{
	_cleanup_json_ json_t *by_id = json_object();
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *o = json_object_get(by_id, all[i].id);

		if (!o) {
			o = entry(&all[i]);
			r |= json_array_append_new(list, o);
			r |= json_object_set(by_id, all[i].id, o);
		}
		if (r == 0 && all[i].shared)
			r = json_object_set_new(o, "ReadOnly", json_true());
		if (r == 0 && all[i].pinned && all[i].origin)
			r = json_object_set_new(o, "Pinned", json_text(all[i].origin));
		if (r == 0 && *all[i].name) {
			r = json_array_append_new(
				json_object_get(o, "Names"), json_text(all[i].name));
			r |= json_array_append_new(
				json_object_get(o, "Digests"), json_string(all[i].manifest));
		}
	}
	return r;
}

int image_list(struct image_store *s, json_t **ret, struct err *e)
{
	_cleanup_json_ json_t *list = json_array();
	struct tag *all = NULL;
	size_t n = 0;
	int r = tags_everywhere(s, true, &all, &n, e);

	/* Records of an older version, and those with very long labels. */
	for (size_t i = 0; i < n; i++) {
		if (!all[i].labels)
			tag_describe(s, &all[i]);
	}
	if (n > 1)
		qsort(all, n, sizeof(*all), newest_first);
	if (r == 0 && gather(all, n, list) < 0)
		r = err_set(e, -ENOMEM, "list the images");
	tags_free(all, n);
	if (r == 0)
		*ret = take_ptr(list);
	return r;
}
