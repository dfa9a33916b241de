/* SPDX-License-Identifier: Apache-2.0 */
/* image_prune: images that nobody needs. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/layers.h"

/* "KEY" or "KEY=VALUE" */
static bool has_label(json_t *labels, const char *want)
{
	const char *eq = strchr(want, '=');
	_cleanup_free_ char *key = strndup(want, eq ? (size_t)(eq - want) : strlen(want));
	const char *v = key ? json_string_value(json_object_get(labels, key)) : NULL;

	return v && (!eq || streq(v, eq + 1));
}

static bool asked_for(const struct image_prune *what, struct tag *rec, struct image_store *s)
{
	if (what->before && rec->built >= what->before)
		return false;
	if (!rec->labels)
		tag_describe(s, rec);
	strv_foreach (l, what->labels) {
		if (!has_label(rec->labels, l))
			return false;
	}
	strv_foreach (l, what->not_labels) {
		if (has_label(rec->labels, l))
			return false;
	}
	return true;
}

static bool has_name(const struct tag *all, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++) {
		if ((*all[i].name || all[i].pinned) && streq(all[i].id, id))
			return true;
	}
	return false;
}

/* Does a record that stays need this layer? Or one before (at, layer), where it was counted? */
static bool counted(const struct tag *all, size_t n, const bool *goes, size_t at, size_t layer)
{
	const char *blob = all[at].layers[layer].blob;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < all[i].n_layers; k++) {
			if (streq(all[i].layers[k].blob, blob) &&
				(!goes[i] || i < at || (i == at && k < layer)))
				return true;
		}
	}
	return false;
}

/* What goes with the records: kept blobs, and trees of the store's own form. */
static uint64_t space(struct image_store *s, const struct tag *all, size_t n, const bool *goes)
{
	uint64_t sum = 0, bytes;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; goes[i] && k < all[i].n_layers; k++) {
			if (counted(all, n, goes, i, k))
				continue;
			sum += blob_bytes(s, &all[i].layers[k]);
			if (layer_bytes(s, all[i].layers[k].diff_id, &bytes, NULL) == 0)
				sum += bytes;
		}
	}
	return sum;
}

int records_remove(
	struct image_store *s, struct tag *all, size_t n, bool *goes, char ***lines, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!goes[i])
			continue;
		r = tag_delete(s, &all[i], e);
		if (r == 0 && *all[i].name && strv_addf(lines, "Untagged: %s", all[i].name) < 0)
			r = err_set(e, -ENOMEM, "prune");
	}
	if (r == 0)
		r = store_retire(s, all, n, goes, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		_cleanup_free_ char *line = str_printf("Deleted: %s", all[i].id);

		if (goes[i] && line && !strv_contains(*lines, line) && strv_add(lines, line) < 0)
			r = err_set(e, -ENOMEM, "prune");
	}
	return r == 0 ? store_collect(s, e) : r;
}

int image_prune(struct image_store *s, const struct image_prune *what, char ***ret_removed,
	uint64_t *ret_space, struct err *e)
{
	_cleanup_fd_ int lock = store_lock(s, e);
	_cleanup_strv_ char **in_use = NULL;
	_cleanup_free_ bool *goes = NULL;
	struct tag *all = NULL;
	size_t n = 0;
	int r = lock < 0 ? lock : tag_all(s, &all, &n, e);

	if (r == 0 && !(goes = calloc(n + 1, sizeof(*goes))))
		r = err_set(e, -ENOMEM, "prune");
	if (r == 0)
		r = store_in_use(s, &in_use, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		goes[i] = !strv_contains(in_use, all[i].id) &&
			  (what->all || !has_name(all, n, all[i].id)) &&
			  asked_for(what, &all[i], s);
	if (r == 0) {
		*ret_space = space(s, all, n, goes);
		r = records_remove(s, all, n, goes, ret_removed, e);
	}
	tags_free(all, n);
	return r;
}
