/* SPDX-License-Identifier: Apache-2.0 */
/* image_history: how an image came to be, step by step, and what each layer takes. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/human.h"
#include "base/json.h"
#include "base/str.h"
#include "image/additional.h"
#include "image/layers.h"
#include "image/lookup.h"

#define STEPS_MAX 4096 /* of a config; far more than anybody's */

struct wanted {
	const char *diff_id;
	uint64_t bytes;
};

static int look_in_form(struct image_store *s, int form_fd, void *ctx, struct err *e)
{
	struct wanted *w = ctx;
	struct transfer_result m;

	(void)s, (void)e;
	/* A damaged marker tells no size. */
	if (marker_read(form_fd, w->diff_id, &m, NULL) == 0)
		w->bytes = m.bytes;
	return 0;
}

/* What a layer takes unpacked, in whatever form it is there; 0 when in none. */
static uint64_t layer_size(struct image_store *s, const char *diff_id)
{
	struct wanted w = { .diff_id = diff_id };

	(void)each_form(s, look_in_form, &w, NULL);
	return w.bytes;
}

static const char *text(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* One step; layer is NULL for one that changed no file. */
static json_t *step(struct image_store *s, json_t *h, const struct tag_layer *layer)
{
	int64_t created = 0;
	uint64_t size = layer ? layer_size(s, layer->diff_id) : 0;

	if (human_time_read(text(h, "created"), &created) < 0)
		created = 0;
	return json_pack("{ss sI ss ss sI ss s[]}", "Id", "<missing>", "Created",
		(json_int_t)created, "CreatedBy", text(h, "created_by"), "Comment",
		text(h, "comment"), "Size", (json_int_t)size, "Layer", layer ? layer->diff_id : "",
		"Tags");
}

static int add_steps(struct image_store *s, const struct tag *rec, json_t *history, json_t *out)
{
	size_t i, used = 0;
	json_t *h;
	int r = 0;

	json_array_foreach (history, i, h) {
		bool empty = json_is_true(json_object_get(h, "empty_layer"));

		if (i < STEPS_MAX)
			r |= json_array_insert_new(out, 0,
				step(s, h,
					empty || used >= rec->n_layers ? NULL
								       : &rec->layers[used++]));
	}
	/* Layers that the history does not know. */
	for (; used < rec->n_layers; used++)
		r |= json_array_insert_new(out, 0, step(s, NULL, &rec->layers[used]));
	return r;
}

static int add_names(struct image_store *s, const struct tag *rec, json_t *newest, struct err *e)
{
	_cleanup_free_ char *id = str_printf("sha256:%s", rec->id);
	json_t *tags = json_object_get(newest, "Tags");
	struct tag *all = NULL;
	size_t n = 0;
	int r = tags_everywhere(s, true, &all, &n, e), bad = 0;

	for (size_t i = 0; i < n; i++) {
		if (*all[i].name && streq(all[i].id, rec->id))
			bad |= json_array_append_new(tags, json_text(all[i].name));
	}
	tags_free(all, n);
	bad |= !id || json_object_set_new(newest, "Id", json_string(id));
	return r < 0 ? r : bad ? err_set(e, -ENOMEM, "history") : 0;
}

int image_history(struct image_store *s, const char *name, json_t **ret, struct err *e)
{
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_json_ json_t *config = NULL, *out = json_array();
	bool by_id;
	int r = lookup_or_bundled(s, name, &rec, &by_id, e);

	if (r == 0)
		r = blob_load_json(s, rec.id, "config", &config, e);
	if (r < 0)
		return r;
	if (add_steps(s, &rec, json_object_get(config, "history"), out) < 0)
		return err_set(e, -ENOMEM, "history");
	if (json_array_size(out) > 0)
		r = add_names(s, &rec, json_array_get(out, 0), e);
	if (r == 0)
		*ret = take_ptr(out);
	return r;
}
