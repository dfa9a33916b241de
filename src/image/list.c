/* SPDX-License-Identifier: Apache-2.0 */
/* image_list: what is in the store. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/store.h"

/* Labels come from the config blob, which is hostile: anything that is no text is left out. */
static json_t *read_labels(struct image_store *s, const struct tag *rec)
{
	_cleanup_json_ json_t *config = NULL;
	json_t *labels = json_object(), *v;
	const char *key;

	if (blob_load_json(s, rec->id, "config", &config, NULL) < 0)
		return labels;
	json_object_foreach (json_object_get(json_object_get(config, "config"), "Labels"), key, v) {
		if (json_is_string(v))
			json_object_set(labels, key, v);
	}
	return labels;
}

static json_t *find_id(json_t *list, const char *id)
{
	json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		if (streq(json_string_value(json_object_get(o, "Id")), id))
			return o;
	}
	return NULL;
}

static int newest_first(const void *a, const void *b)
{
	const struct tag *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? 1 : -1;
	return strcmp(x->name, y->name);
}

int image_list(struct image_store *s, json_t **ret, struct err *e)
{
	_cleanup_json_ json_t *list = json_array();
	struct tag *all = NULL;
	size_t n = 0;
	int r = tag_all(s, &all, &n, e);

	if (n > 1)
		qsort(all, n, sizeof(*all), newest_first);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *o = find_id(list, all[i].id);

		if (!o) {
			o = json_pack("{ss ss s[] sI sI so}", "Id", all[i].id, "Digest",
				all[i].manifest, "Names", "Created", (json_int_t)all[i].created,
				"Size", (json_int_t)all[i].size, "Labels", read_labels(s, &all[i]));
			if (!o || json_array_append_new(list, o) < 0)
				r = err_set(e, -ENOMEM, "list the images");
		}
		if (r == 0 && *all[i].name)
			json_array_append_new(json_object_get(o, "Names"), json_text(all[i].name));
	}
	tags_free(all, n);
	if (r == 0)
		*ret = take_ptr(list);
	return r;
}
