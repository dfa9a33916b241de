/* SPDX-License-Identifier: Apache-2.0 */
/* image_budget: images that were not used for long make room for others. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/layers.h"

#define JUST_NOW 60 /* seconds: such an image may be on its way into a container */

/* All records, and the bytes of each layer's trees by diff id, in all forms. */
struct sizes {
	struct tag *all;
	size_t n;
	bool *goes;
	json_t *trees;
};

/* Has the set this name? It has from now on. */
static bool had(json_t *set, const char *name)
{
	if (json_object_get(set, name))
		return true;
	json_object_set_new(set, name, json_true());
	return false;
}

static int add_form(struct image_store *s, int form_fd, void *ctx, struct err *e)
{
	struct sizes *z = ctx;
	_cleanup_json_ json_t *seen = json_object();

	(void)s;
	(void)e;
	for (size_t i = 0; i < z->n; i++) {
		for (size_t k = 0; k < z->all[i].n_layers; k++) {
			const char *id = z->all[i].layers[k].diff_id;
			json_int_t was = json_integer_value(json_object_get(z->trees, id));
			struct transfer_result m;

			/* What has no whole marker is no tree in this form. */
			if (!had(seen, id) && marker_read(form_fd, id, &m, NULL) == 0)
				json_object_set_new(
					z->trees, id, json_integer(was + (json_int_t)m.bytes));
		}
	}
	return 0;
}

/* What the records that stay take. */
static uint64_t taken(struct image_store *s, const struct sizes *z)
{
	_cleanup_json_ json_t *blobs = json_object(), *trees = json_object();
	uint64_t sum = 0;

	for (size_t i = 0; i < z->n; i++) {
		for (size_t k = 0; !z->goes[i] && k < z->all[i].n_layers; k++) {
			const struct tag_layer *l = &z->all[i].layers[k];

			if (!had(blobs, l->blob))
				sum += blob_bytes(s, l);
			if (!had(trees, l->diff_id))
				sum += (uint64_t)json_integer_value(
					json_object_get(z->trees, l->diff_id));
		}
	}
	return sum;
}

/* Images may have several names; the last use of any counts. */
static int64_t last_used(struct image_store *s, const struct sizes *z, const char *id)
{
	int64_t last = 0;

	for (size_t i = 0; i < z->n; i++) {
		int64_t t = streq(z->all[i].id, id) ? tag_last_used(s, &z->all[i]) : 0;

		last = t > last ? t : last;
	}
	return last;
}

/* The id that goes next; NULL when all that is left is in use, or was a moment ago. */
static const char *oldest(struct image_store *s, const struct sizes *z, char *const *in_use)
{
	int64_t first = time(NULL) - JUST_NOW;
	const char *id = NULL;

	for (size_t i = 0; i < z->n; i++) {
		int64_t t = z->goes[i] || strv_contains(in_use, z->all[i].id)
				    ? INT64_MAX
				    : last_used(s, z, z->all[i].id);

		if (t < first) {
			first = t;
			id = z->all[i].id;
		}
	}
	return id;
}

int image_budget(struct image_store *s, struct image_budget *b, char ***ret_removed, struct err *e)
{
	_cleanup_fd_ int lock = store_lock(s, e);
	_cleanup_json_ json_t *trees = json_object();
	_cleanup_strv_ char **in_use = NULL;
	_cleanup_free_ bool *goes = NULL;
	struct sizes z = { .trees = trees };
	const char *id;
	int r = lock < 0 ? lock : tag_all(s, &z.all, &z.n, e);

	z.goes = goes = calloc(z.n + 1, sizeof(*goes));
	if (r == 0 && (!goes || !trees))
		r = err_set(e, -ENOMEM, "budget");
	if (r == 0)
		r = store_in_use(s, &in_use, e);
	if (r == 0)
		r = each_form(s, add_form, &z, e);
	if (r == 0)
		b->before = b->after = taken(s, &z);
	while (r == 0 && b->after > b->bytes && (id = oldest(s, &z, in_use))) {
		for (size_t i = 0; i < z.n; i++)
			goes[i] = goes[i] || streq(z.all[i].id, id);
		b->after = taken(s, &z);
	}
	if (r == 0 && b->after < b->before)
		r = records_remove(s, z.all, z.n, goes, ret_removed, e);
	if (r == 0) /* one of them may have come to use meanwhile */
		b->after = taken(s, &z);
	tags_free(z.all, z.n);
	return r;
}
