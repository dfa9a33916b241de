/* SPDX-License-Identifier: Apache-2.0 */
/* What a record keeps of its image's config. */
#include <string.h>

#include "base/human.h"
#include "base/json.h"
#include "image/store.h"

/* The config is hostile: anything that is no text is left out. */
static json_t *read_labels(json_t *config)
{
	json_t *labels = json_object(), *v;
	const char *key;

	json_object_foreach (json_object_get(json_object_get(config, "config"), "Labels"), key, v) {
		if (json_is_string(v))
			json_object_set(labels, key, v);
	}
	return labels;
}

void tag_describe(struct image_store *s, struct tag *r)
{
	_cleanup_json_ json_t *config = NULL;
	const char *created;

	/* A config that is damaged is told by whoever needs it. */
	if (blob_load_json(s, r->id, "config", &config, NULL) < 0)
		json_decref(config), config = NULL;
	created = json_string_value(json_object_get(config, "created"));
	if (!created || human_time_read(created, &r->built) < 0)
		r->built = r->created;
	json_decref(r->labels);
	r->labels = read_labels(config);
}
