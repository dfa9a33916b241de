/* SPDX-License-Identifier: Apache-2.0 */
/* image_fetch: from a source to a stored image, all verified before any of it gets its name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/config.h"
#include "image/fetch_layers.h"
#include "image/source.h"

#define MAX_INDEX_DEPTH 3

void source_close(struct image_source **src)
{
	if (*src)
		(*src)->ops->close(*src);
	*src = NULL;
}

void sink_close(struct image_sink **dst)
{
	if (*dst)
		(*dst)->ops->close(*dst);
	*dst = NULL;
}

int source_document(struct image_source *src, const struct descriptor *d, const char *what,
	struct document *ret, struct err *e)
{
	int r = src->ops->document(src, d, ret, e);

	if (r < 0)
		return err_wrap(e, r, "%s", what);
	if (ret->len != d->size)
		return err_msg(e, -EBADMSG, "%s: has %zu bytes, announced were %llu", what,
			ret->len, (unsigned long long)d->size);
	return document_parse(ret, what, d->digest, e);
}

int source_end_blob(struct image_source *src, const struct descriptor *d, int r, struct err *e)
{
	struct err why = ERR_INIT;
	int end = src->ops->blob_end ? src->ops->blob_end(src, d, &why) : 0;

	if (end >= 0 || end == -EPIPE)
		return r;
	*e = why;
	return end;
}

/* The entry of `index` that fits, as a document of the kind that the entry says. */
static int descend(struct image_source *src, const struct document *index,
	const struct platform *platform, struct document *ret, struct err *e)
{
	struct descriptor d = { 0 };
	int r = index_pick(index->json, platform, &d, e);

	if (r < 0)
		return err_wrap(e, r, "index");
	if (!media_type_is_index(d.media_type) && !media_type_is_manifest(d.media_type))
		return err_msg(e, -EINVAL, "index: unknown mediaType of a manifest");
	r = source_document(src, &d, "manifest", ret, e);
	if (r == 0)
		r = document_classify(ret, e);
	if (r == 0 && ret->index != media_type_is_index(d.media_type))
		r = err_msg(e, -EINVAL, "mediaType contradicts the content");
	return r < 0 ? err_wrap(e, r, "manifest") : 0;
}

int source_manifest(struct image_source *src, const char *digest, const struct platform *platform,
	struct document *ret, char ret_index[UCTR_DIGEST_HEX + 1], struct err *e)
{
	_cleanup_document_ struct document doc = { 0 };
	int r = src->ops->document(src, NULL, &doc, e);

	*ret_index = '\0';
	if (r == 0)
		r = document_parse(&doc, "the image's top document", digest, e);
	if (r < 0)
		return r;
	r = document_classify(&doc, e);
	if (r < 0)
		return err_wrap(e, r, "%s", doc.index ? "index" : "manifest");
	if (doc.index)
		memcpy(ret_index, doc.hex, sizeof(doc.hex));
	for (int depth = 0; doc.index; depth++) {
		struct document next = { 0 };

		if (depth > MAX_INDEX_DEPTH)
			return err_msg(e, -ELOOP, "index: nested too deeply");
		r = descend(src, &doc, platform, &next, e);
		document_free(&doc);
		doc = next;
		if (r < 0)
			return r;
	}
	*ret = doc;
	doc = (struct document){ 0 };
	return 0;
}

static int publish(struct fetch *f, const struct document *manifest, const struct document *config,
	struct err *e)
{
	_cleanup_fd_ int lock = -1;
	int r = store_sync(f->s, e);

	if (r < 0)
		return r;
	lock = store_lock(f->s, e);
	r = lock < 0 ? lock : fetch_check_present(f, e);
	if (r == 0)
		r = blob_save(f->s, manifest->hex, manifest->text, manifest->len, e);
	if (r == 0)
		r = blob_save(f->s, config->hex, config->text, config->len, e);
	if (r == 0)
		r = fetch_publish_layers(f, e);
	return r < 0 ? r : tag_replace(f->s, &f->rec, e);
}

static int read_config(const struct image_fetch *what, const struct platform *platform,
	const struct document *manifest, struct document *ret, char ***ret_diff_ids, struct err *e)
{
	json_t *o = NULL;
	struct descriptor d;
	int r = json_get_obj(manifest->json, "config", &o, e);

	if (r < 0)
		return r;
	r = descriptor_read(o, UCTR_MAX_DOCUMENT, &d, e);
	if (r < 0)
		return err_wrap(e, r, "config");
	if (!media_type_is_config(d.media_type))
		return err_msg(e, -EINVAL, "config: not the config of a container image");
	r = source_document(what->source, &d, "config", ret, e);
	return r < 0 ? r : config_check(ret->json, platform, ret_diff_ids, e);
}

static int fill_record(const struct image_fetch *what, const struct document *manifest,
	const struct document *config, const char *index, struct tag *rec, struct err *e)
{
	rec->name = strdup(what->name);
	rec->id = strdup(config->hex);
	rec->manifest = strdup(manifest->hex);
	rec->index = *index ? strdup(index) : NULL;
	rec->origin = what->origin ? strdup(what->origin) : NULL;
	rec->pinned = what->origin && what->digest && !*what->name;
	rec->created = time(NULL);
	if (!rec->name || !rec->id || !rec->manifest || (*index && !rec->index) ||
		(what->origin && !rec->origin))
		return err_set(e, -ENOMEM, "image");
	return 0;
}

static int fetch(
	struct image_store *s, const struct image_fetch *what, char **ret_id, struct err *e)
{
	const struct platform *platform = what->platform ? what->platform : platform_here();
	_cleanup_document_ struct document manifest = { 0 }, config = { 0 };
	_cleanup_(fetch_end)
	struct fetch f = { .s = s, .what = what };
	_cleanup_strv_ char **diff_ids = NULL;
	char index[UCTR_DIGEST_HEX + 1];
	int r = source_manifest(what->source, what->digest, platform, &manifest, index, e);

	if (r == 0)
		r = read_config(what, platform, &manifest, &config, &diff_ids, e);
	/* The index of a layout on disk names the layout, not the image. */
	if (r == 0)
		r = fill_record(what, &manifest, &config, what->origin ? index : "", &f.rec, e);
	if (r == 0)
		r = fetch_plan(&f, manifest.json, diff_ids, e);
	if (r == 0)
		r = fetch_layers(&f, e);
	if (r == 0)
		r = publish(&f, &manifest, &config, e);
	if (r == 0 && ret_id) {
		*ret_id = strdup(f.rec.id);
		r = *ret_id ? 0 : err_set(e, -ENOMEM, "image");
	}
	return r;
}

int image_fetch(struct image_store *s, const struct image_fetch *f, char **ret_id, struct err *e)
{
	int r = store_make(s, e);

	if (r == 0)
		r = layers_sweep(s, e);
	if (r < 0)
		return r;
	r = fetch(s, f, ret_id, e);
	/* A layer that was there went away meanwhile, with the image that it belonged to. */
	if (r == -ESTALE) {
		*e = (struct err)ERR_INIT;
		r = fetch(s, f, ret_id, e);
	}
	return r < 0 ? err_wrap(e, r, "%s", f->source->what) : 0;
}
