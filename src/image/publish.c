/* SPDX-License-Identifier: Apache-2.0 */
/* Manifest, record, names: the end of import and commit. */
#include "image/publish.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/ref.h"

struct types {
	const char *manifest, *config, *layer, *separator;
};

static const struct types *types_of(bool docker)
{
	static const struct types types[] = {
		{ "application/vnd.oci.image.manifest.v1+json",
			"application/vnd.oci.image.config.v1+json",
			"application/vnd.oci.image.layer.v1.tar", "+" },
		{ "application/vnd.docker.distribution.manifest.v2+json",
			"application/vnd.docker.container.image.v1+json",
			"application/vnd.docker.image.rootfs.diff.tar", "." },
	};

	return &types[docker];
}

/* xz and bzip2 have no registered type; the name says plainly what the bytes are. */
static json_t *layer_entry(
	const struct types *t, const char *compression, const char *hex, uint64_t size)
{
	bool plain = streq(compression, "none");
	_cleanup_free_ char *type =
		str_printf("%s%s%s", t->layer, plain ? "" : t->separator, plain ? "" : compression);
	_cleanup_free_ char *digest = str_printf("sha256:%s", hex);

	if (!type || !digest)
		return NULL;
	return json_pack(
		"{ss ss sI}", "mediaType", type, "digest", digest, "size", (json_int_t)size);
}

/* How a layer of the base is compressed: the end of its media type, whoever made that. */
static const char *compression_of(json_t *manifest, const char *hex)
{
	json_t *l;
	size_t i;

	json_array_foreach (json_object_get(manifest, "layers"), i, l) {
		const char *digest = json_string_value(json_object_get(l, "digest"));
		const char *type = json_string_value(json_object_get(l, "mediaType"));
		const char *end;

		if (!digest || !type || !str_endswith(digest, hex))
			continue;
		end = strrchr(type, '.');
		if (strrchr(type, '+') && strrchr(type, '+') > end)
			end = strrchr(type, '+');
		return !end || streq(end + 1, "tar") ? "none" : end + 1;
	}
	return "gzip"; /* what layers are where nobody says */
}

static int add_base(struct image_store *s, const struct tag *base, const struct types *t,
	json_t *layers, struct err *e)
{
	_cleanup_json_ json_t *manifest = NULL;
	int r = base ? blob_load_json(s, base->manifest, "the image's manifest", &manifest, e) : 0;

	for (size_t i = 0; r == 0 && base && i < base->n_layers; i++) {
		const struct tag_layer *l = &base->layers[i];

		if (json_array_append_new(layers, layer_entry(t, compression_of(manifest, l->blob),
							  l->blob, l->blob_size)) < 0)
			r = err_set(e, -ENOMEM, "make the manifest");
	}
	return r;
}

static int make_manifest(struct image_store *s, const struct publish *p, const char *config_hex,
	size_t config_len, char **ret, struct err *e)
{
	const struct types *t = types_of(p->docker);
	_cleanup_free_ char *config = str_printf("sha256:%s", config_hex);
	_cleanup_json_ json_t *layers = json_array(), *doc = NULL;
	int r = add_base(s, p->base, t, layers, e);

	if (r < 0)
		return r;
	if (!config ||
		json_array_append_new(layers, layer_entry(t, p->st->res.compression,
						      p->st->res.digest, p->st->res.size)) < 0)
		return err_set(e, -ENOMEM, "make the manifest");
	doc = json_pack("{si ss s{ss ss sI} sO}", "schemaVersion", 2, "mediaType", t->manifest,
		"config", "mediaType", t->config, "digest", config, "size", (json_int_t)config_len,
		"layers", layers);
	*ret = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	return *ret ? 0 : err_set(e, -ENOMEM, "make the manifest");
}

static int fill_layer(struct tag_layer *to, const char *diff_id, const char *blob, uint64_t size)
{
	to->diff_id = strdup(diff_id);
	to->blob = strdup(blob);
	to->blob_size = size;
	return to->diff_id && to->blob ? 0 : -ENOMEM;
}

static int fill_record(struct tag *rec, const struct publish *p, const char *id,
	const char *manifest, struct err *e)
{
	const struct transfer_result *res = &p->st->res;
	size_t n = p->base ? p->base->n_layers : 0;
	int r = 0;

	rec->layers = calloc(n + 1, sizeof(*rec->layers));
	rec->name = strdup(p->name);
	rec->id = strdup(id);
	rec->manifest = strdup(manifest);
	if (!rec->layers || !rec->name || !rec->id || !rec->manifest)
		return err_set(e, -ENOMEM, "image");
	rec->created = time(NULL);
	rec->size = res->bytes + (p->base ? p->base->size : 0);
	for (size_t i = 0; r == 0 && i < n; i++, rec->n_layers++)
		r = fill_layer(&rec->layers[i], p->base->layers[i].diff_id, p->base->layers[i].blob,
			p->base->layers[i].blob_size);
	if (r == 0)
		r = fill_layer(&rec->layers[rec->n_layers++], res->diff_id, res->digest, res->size);
	return r < 0 ? err_set(e, r, "image") : 0;
}

/* Somebody may have removed the base since; then nothing may stand on it. */
static int check_base(struct image_store *s, const struct tag *base, struct err *e)
{
	for (size_t i = 0; base && i < base->n_layers; i++) {
		if (!blob_exists(s, base->layers[i].blob))
			return err_msg(e, -ESTALE, "image %.12s was removed meanwhile", base->id);
	}
	return 0;
}

int image_publish(struct image_store *s, const struct publish *p, char **ret_id, struct err *e)
{
	char config_hex[UCTR_DIGEST_HEX + 1], manifest_hex[UCTR_DIGEST_HEX + 1];
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_free_ char *ctext = json_dumps(p->config, JSON_COMPACT), *mtext = NULL;
	_cleanup_fd_ int lock = -1;
	int r = ctext ? blob_digest(ctext, strlen(ctext), NULL, config_hex, e) : -ENOMEM;

	if (r == 0)
		r = make_manifest(s, p, config_hex, strlen(ctext), &mtext, e);
	if (r == 0)
		r = blob_digest(mtext, strlen(mtext), NULL, manifest_hex, e);
	if (r == 0)
		r = fill_record(&rec, p, config_hex, manifest_hex, e);
	if (r == 0)
		r = store_sync(s, e);
	if (r < 0)
		return e->code ? r : err_set(e, r, "make the image");
	lock = store_lock(s, e);
	r = lock < 0 ? lock : check_base(s, p->base, e);
	if (r == 0)
		r = blob_save(s, config_hex, ctext, strlen(ctext), e);
	if (r == 0)
		r = blob_save(s, manifest_hex, mtext, strlen(mtext), e);
	if (r == 0)
		r = stage_publish(p->st, e);
	if (r == 0)
		r = tag_replace(s, &rec, e);
	if (r == 0)
		*ret_id = take_ptr(rec.id);
	return r;
}

int publish_name(const char *name, const char *doing, char **ret, struct err *e)
{
	_cleanup_(ref_free)
	struct ref ref = { 0 };
	int r = name ? ref_parse(name, &ref, e) : 0;

	if (r < 0)
		return r;
	if (ref.digest)
		return err_msg(e, -EINVAL, "image name \"%.80s\": %s cannot choose its digest",
			name, doing);
	*ret = name ? ref_name(&ref, REF_HOST_LOCAL) : strdup("");
	return *ret ? 0 : err_set(e, -ENOMEM, "image name");
}
