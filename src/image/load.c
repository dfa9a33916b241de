/* SPDX-License-Identifier: Apache-2.0 */
/* image_load: from an archive or directory into the store. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/red.h"
#include "base/str.h"
#include "image/bundle.h"
#include "image/config.h"
#include "image/lookup.h"
#include "image/ref.h"

/* A tag alone ("latest", as skopeo writes them) names no image. */
static bool is_tag_alone(const char *name)
{
	return !strpbrk(name, "/:");
}

static int full_names(const struct bundle_image *i, char ***ret, struct err *e)
{
	strv_foreach (name, i->names) {
		char *full = NULL;
		int r = is_tag_alone(name) ? 0 : name_new(name, REF_HOST_DOCKER, &full, e);

		if (r < 0)
			return r;
		if (full &&
			(strv_contains(*ret, full) ? (free(full), 0) : strv_take(ret, full)) < 0)
			return err_set(e, -ENOMEM, "load");
	}
	return 0;
}

/* The id that the image will have. */
static int find_id(struct bundle *b, char ret[UCTR_DIGEST_HEX + 1], struct err *e)
{
	_cleanup_document_ struct document manifest = { 0 };
	char index[UCTR_DIGEST_HEX + 1];
	struct descriptor d = { 0 };
	json_t *o = NULL;
	int r = source_manifest(&b->source, NULL, platform_here(), &manifest, index, e);

	if (r == 0)
		r = json_get_obj(manifest.json, "config", &o, e);
	if (r >= 0)
		r = descriptor_read(o, UCTR_MAX_DOCUMENT, &d, e);
	if (r == 0)
		memcpy(ret, d.digest, UCTR_DIGEST_HEX + 1);
	return r;
}

/*
 * An archive may bring any name along, also those of images that are there (B18): unless asked to, none
 * of those is made to mean another image.
 */
static int check_names(struct image_store *s, struct bundle *b, char *const *names, struct err *e)
{
	char id[UCTR_DIGEST_HEX + 1];
	int r = find_id(b, id, e);

	strv_foreach (name, names) {
		_cleanup_(tag_free)
		struct tag old = { 0 };

		if (r >= 0)
			r = tag_load(s, name, &old, e);
		if (r > 0 && !streq(old.id, id) && !red_off("load-replaces"))
			return err_msg(e, -EEXIST,
				"%s is another image here (%.12s); --replace gives the name to the "
				"one of the archive",
				name, old.id);
	}
	return r < 0 ? r : 0;
}

static int load_one(struct image_store *s, struct bundle *b, char *const *names,
	const struct image_load *what, char ***ret_lines, struct err *e)
{
	struct image_fetch f = {
		.source = &b->source,
		.name = names ? names[0] : "",
		.watch = what->watch,
	};
	_cleanup_free_ char *id = NULL;
	int r = image_fetch(s, &f, &id, e);

	if (r == 0 && names && names[1])
		r = image_tag(s, names[0], names + 1, e);
	strv_foreach (name, names) {
		if (r == 0 && strv_addf(ret_lines, "Loaded image: %s", name) < 0)
			r = err_set(e, -ENOMEM, "load");
	}
	if (r == 0 && !names && strv_addf(ret_lines, "Loaded image ID: sha256:%s", id) < 0)
		r = err_set(e, -ENOMEM, "load");
	return r;
}

/* All that is known before the first layer is unpacked is checked for all images first. */
static int load(struct image_store *s, struct bundle *b, const struct image_load *what,
	char ****names, char ***ret_lines, struct err *e)
{
	int r = 0;

	*names = calloc(b->n, sizeof(**names));
	if (!*names)
		return err_set(e, -ENOMEM, "load");
	for (b->at = 0; r == 0 && b->at < b->n; b->at++) {
		r = full_names(&b->images[b->at], &(*names)[b->at], e);
		if (r == 0 && !what->replace)
			r = check_names(s, b, (*names)[b->at], e);
		if (r < 0)
			err_wrap(e, r, "%s", b->what);
	}
	for (b->at = 0; r == 0 && b->at < b->n; b->at++)
		r = load_one(s, b, (*names)[b->at], what, ret_lines, e);
	return r;
}

int image_load(
	struct image_store *s, const struct image_load *what, char ***ret_lines, struct err *e)
{
	_cleanup_(bundle_free)
	struct bundle b = BUNDLE_INIT;
	char ***names = NULL;
	int r = store_make(s, e);

	if (r == 0)
		r = layers_sweep(s, e);
	if (r == 0)
		r = bundle_open(s, what->path, &b, e);
	if (r == 0)
		r = load(s, &b, what, &names, ret_lines, e);
	for (size_t i = 0; names && i < b.n; i++)
		strv_free(names[i]);
	free(names);
	return r;
}
