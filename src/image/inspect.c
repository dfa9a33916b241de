/* SPDX-License-Identifier: Apache-2.0 */
/* image_inspect: an image as docker's inspect shows it. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/additional.h"

/* What the config says under docker's names, as far as it is there and of the right kind. */
static int add_config(json_t *o, json_t *config)
{
	static const struct {
		const char *from, *to;
		json_type type;
	} keys[] = { { "created", "Created", JSON_STRING }, { "author", "Author", JSON_STRING },
		{ "architecture", "Architecture", JSON_STRING }, { "os", "Os", JSON_STRING },
		{ "variant", "Variant", JSON_STRING }, { "config", "Config", JSON_OBJECT } };
	json_t *rootfs = json_object_get(config, "rootfs");
	int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		json_t *v = json_object_get(config, keys[i].from);

		if (v && json_typeof(v) == keys[i].type)
			bad |= json_object_set(o, keys[i].to, v);
	}
	bad |= json_object_set_new(o, "RootFS",
		json_pack("{ss sO}", "Type", "layers", "Layers",
			json_object_get(rootfs, "diff_ids")));
	return bad;
}

static int add_once(json_t *list, json_t *text)
{
	json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		if (json_equal(o, text)) {
			json_decref(text);
			return 0;
		}
	}
	return json_array_append_new(list, text);
}

static json_t *entry_of(json_t *list, const char *id)
{
	json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		if (streq(json_string_value(json_object_get(o, "Id")), id))
			return o;
	}
	return NULL;
}

/* Registries' names for it, as far as it came from there: by its manifest, and by the index above. */
static int add_digests(struct image_store *s, const char *id, json_t *o, struct err *e)
{
	json_t *list = json_array();
	struct tag *all = NULL;
	size_t n = 0;
	int r = tags_everywhere(s, false, &all, &n, e),
	    bad = json_object_set_new(o, "RepoDigests", list);

	for (size_t i = 0; r == 0 && !bad && i < n; i++) {
		const char *const digests[] = { all[i].manifest, all[i].index };

		for (size_t k = 0; k < 2 && all[i].origin && streq(all[i].id, id); k++) {
			if (digests[k])
				bad |= add_once(list,
					json_sprintf("%s@sha256:%s", all[i].origin, digests[k]));
		}
	}
	tags_free(all, n);
	return r < 0 ? r : bad ? err_set(e, -ENOMEM, "image sha256:%s", id) : 0;
}

int image_inspect(struct image_store *s, const char *name, json_t **ret, struct err *e)
{
	_cleanup_json_ json_t *list = NULL, *config = NULL, *o = NULL;
	_cleanup_free_ char *id = NULL;
	json_t *entry;
	int r = image_find(s, name, &id, e);

	if (r == 0)
		r = image_list(s, &list, e);
	if (r == 0)
		r = blob_load_json(s, id, "config", &config, e);
	if (r < 0)
		return r;
	entry = entry_of(list, id);
	if (!entry) /* removed between the two looks */
		return err_msg(e, -ENOENT, "image %s is gone", name);
	o = json_pack("{so sO sO sO}", "Id", json_sprintf("sha256:%s", id), "RepoTags",
		json_object_get(entry, "Names"), "Size", json_object_get(entry, "Size"), "ReadOnly",
		json_object_get(entry, "ReadOnly"));
	if (!o || add_config(o, config))
		return err_set(e, -ENOMEM, "image %s", name);
	json_object_set_new(o, "Digest",
		json_sprintf("sha256:%s", json_string_value(json_object_get(entry, "Digest"))));
	r = add_digests(s, id, o, e);
	if (r < 0)
		return r;
	*ret = take_ptr(o);
	return 0;
}
