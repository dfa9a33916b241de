/* SPDX-License-Identifier: Apache-2.0 */
/* Reading OCI image layouts: every document, descriptor and file in them is hostile. */
#include "image/layout.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "image/config.h"
#include "image/layers.h"
#include "image/ref.h"
#include "sys/inroot.h"

#define MAX_INDEX_DEPTH 3

/* A descriptor that passed: digest is 64 hex digits, borrowed from the document. */
struct desc {
	const char *media_type, *digest;
	uint64_t size;
};

/* A verified document: the bytes and what they mean. */
struct doc {
	char *text;
	size_t len;
	json_t *json;
	char hex[UCTR_DIGEST_HEX + 1];
};

static void doc_free(struct doc *d)
{
	free(d->text);
	json_decref(d->json);
}

static int read_desc(json_t *o, uint64_t max, struct desc *ret, struct err *e)
{
	const char *digest = NULL;
	int r;

	if (!json_is_object(o))
		return err_msg(e, -EINVAL, "want an object");
	*ret = (struct desc){ 0 };
	r = json_get_str(o, "mediaType", &ret->media_type, e);
	if (r == 0)
		r = err_msg(e, -EINVAL, "mediaType: missing");
	if (r >= 0)
		r = json_get_str(o, "digest", &digest, e);
	if (r >= 0 && !(ret->digest = digest_hex(digest)))
		r = err_msg(e, -EINVAL, "digest: want sha256: and 64 lowercase hex digits");
	if (r >= 0)
		r = json_get_u64(o, "size", &ret->size, e);
	if (r == 0)
		r = err_msg(e, -EINVAL, "size: missing");
	if (r >= 0 && (ret->size == 0 || ret->size > max))
		r = err_msg(e, -EFBIG, "size: %llu is not between 1 and %llu",
			(unsigned long long)ret->size, (unsigned long long)max);
	return r < 0 ? r : 0;
}

/* A blob is a regular file of the announced size, reached through no link. */
static int open_blob(int layout, const struct desc *d, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	char path[BLOB_PATH_MAX];
	struct stat st;

	blob_path(d->digest, path);
	fd = inroot_open_nolinks(layout, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_set(e, fd, "open blob sha256:%.12s", d->digest);
	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "look at blob sha256:%.12s", d->digest);
	if (!S_ISREG(st.st_mode))
		return err_msg(e, -EINVAL, "blob sha256:%.12s is not a regular file", d->digest);
	if ((uint64_t)st.st_size != d->size)
		return err_msg(e, -EBADMSG, "blob sha256:%.12s has %llu bytes, announced were %llu",
			d->digest, (unsigned long long)st.st_size, (unsigned long long)d->size);
	return take_fd(&fd);
}

static int load_doc(
	int layout, const struct desc *d, const char *what, struct doc *ret, struct err *e)
{
	_cleanup_fd_ int fd = open_blob(layout, d, e);
	int r;

	if (fd < 0)
		return err_wrap(e, fd, "%s", what);
	r = fd_slurp(fd, UCTR_MAX_DOCUMENT, &ret->text, &ret->len);
	if (r < 0)
		return err_set(e, r, "read the %s", what);
	/* What was digested is what is parsed: the file may change in between. */
	r = blob_digest(ret->text, ret->len, d->digest, ret->hex, e);
	if (r < 0)
		return err_wrap(e, r, "%s", what);
	r = json_parse(ret->text, ret->len, what, &ret->json, e);
	if (r == 0 && !json_is_object(ret->json))
		r = err_msg(e, -EINVAL, "%s: want a JSON object", what);
	return r;
}

/* An index says "manifests", a manifest says "layers"; a document with both means two things. */
static int check_kind(json_t *o, bool index, struct err *e)
{
	const char *type = NULL;
	int64_t version = 0;
	int r = json_get_i64(o, "schemaVersion", &version, e);

	if (r >= 0 && version != 2)
		r = err_msg(e, -EINVAL, "schemaVersion: want 2");
	if (r >= 0)
		r = json_get_str(o, "mediaType", &type, e);
	if (r < 0)
		return r;
	if (type && media_type_is_index(type) != index)
		return err_msg(e, -EINVAL, "mediaType contradicts the content");
	if (json_object_get(o, index ? "layers" : "manifests") ||
		json_object_get(o, index ? "config" : "manifests"))
		return err_msg(e, -EINVAL, "is a manifest and an index at the same time");
	return 0;
}

/* Does a descriptor of an index fit this machine? One without a platform fits any. */
static int fits(json_t *o, struct err *e)
{
	const char *arch = NULL, *os = NULL;
	json_t *platform = NULL;
	int r = json_get_obj(o, "platform", &platform, e);

	if (r <= 0)
		return r < 0 ? r : 1;
	r = json_get_str(platform, "architecture", &arch, e);
	if (r >= 0)
		r = json_get_str(platform, "os", &os, e);
	if (r < 0)
		return r;
	return arch && os && streq(arch, image_arch()) && streq(os, "linux");
}

static int pick(json_t *index, struct desc *ret, struct err *e)
{
	json_t *list = NULL, *o;
	size_t i;
	int r = check_kind(index, true, e);

	if (r == 0)
		r = json_get_arr(index, "manifests", &list, e);
	if (r < 0)
		return r;
	json_array_foreach (list, i, o) {
		r = fits(o, e);
		if (r > 0)
			r = read_desc(o, UCTR_MAX_DOCUMENT, ret, e);
		else if (r == 0)
			continue;
		if (r < 0)
			return err_wrap(e, r, "manifests[%zu]", i);
		return 0;
	}
	return err_msg(e, -ENOENT, "holds no image for linux/%s", image_arch());
}

/* From index.json to the manifest, through at most MAX_INDEX_DEPTH further indexes. */
static int find_manifest(int layout, struct doc *ret, struct err *e)
{
	_cleanup_json_ json_t *index = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_fd_ int fd = inroot_open_nolinks(layout, "index.json", O_RDONLY | O_NONBLOCK);
	struct desc d = { 0 };
	size_t len = 0;
	int r = fd;

	if (r >= 0)
		r = fd_slurp(fd, UCTR_MAX_DOCUMENT, &text, &len);
	if (r < 0)
		return err_set(e, r, "read index.json");
	r = json_parse(text, len, "index.json", &index, e);
	for (int depth = 0; r == 0; depth++) {
		_cleanup_(doc_free)
		struct doc doc = { 0 };

		r = pick(index, &d, e);
		if (r < 0)
			return err_wrap(e, r, "index");
		if (!media_type_is_index(d.media_type) && !media_type_is_manifest(d.media_type))
			return err_msg(e, -EINVAL, "index: unknown mediaType of a manifest");
		r = load_doc(layout, &d, "manifest", &doc, e);
		if (r == 0 && !media_type_is_index(d.media_type)) {
			*ret = doc;
			doc = (struct doc){ 0 };
			r = check_kind(ret->json, false, e);
			return r < 0 ? err_wrap(e, r, "manifest") : 0;
		}
		if (depth == MAX_INDEX_DEPTH)
			return err_msg(e, -ELOOP, "index: nested too deeply");
		json_decref(index);
		index = json_incref(doc.json);
	}
	return r;
}

/* One layer of the manifest into a stage, verified against both documents. */
static int take_layer(struct image_store *s, int layout, json_t *o, const char *diff_id,
	struct stage *st, struct tag *rec, struct err *e)
{
	struct tag_layer *l = &rec->layers[rec->n_layers];
	struct stage_want want = { .diff_id = diff_id };
	_cleanup_fd_ int in = -1;
	struct desc d;
	int r = read_desc(o, UCTR_MAX_LAYER_BYTES, &d, e);

	if (r < 0)
		return r;
	if (!media_type_is_layer(d.media_type))
		return err_msg(e, -EINVAL, "unknown mediaType of a layer");
	in = open_blob(layout, &d, e);
	if (in < 0)
		return in;
	want.digest = d.digest;
	want.size = (int64_t)d.size;
	r = stage_begin(s, true, st, e);
	if (r == 0)
		r = stage_fill(st, in, &want, e);
	if (r < 0)
		return r;
	l->diff_id = strdup(diff_id);
	l->blob = strdup(d.digest);
	l->blob_size = d.size;
	rec->n_layers++;
	rec->size += st->res.bytes;
	return l->diff_id && l->blob ? 0 : err_set(e, -ENOMEM, "layer");
}

static int publish(struct image_store *s, const struct doc *manifest, const struct doc *config,
	struct stage *stages, const struct tag *rec, struct err *e)
{
	_cleanup_fd_ int lock = -1;
	int r = store_sync(s, e);

	if (r < 0)
		return r;
	lock = store_lock(s, e);
	if (lock < 0)
		return lock;
	r = blob_save(s, manifest->hex, manifest->text, manifest->len, e);
	if (r == 0)
		r = blob_save(s, config->hex, config->text, config->len, e);
	for (size_t i = 0; r == 0 && i < rec->n_layers; i++)
		r = stage_publish(&stages[i], e);
	return r < 0 ? r : tag_replace(s, rec, e);
}

static int take_layers(struct image_store *s, int layout, const struct doc *manifest,
	const struct doc *config, struct tag *rec, struct err *e)
{
	struct stage stages[UCTR_MAX_LAYERS];
	_cleanup_strv_ char **diff_ids = NULL;
	json_t *layers = NULL, *o;
	size_t i, n;
	int r = config_check(config->json, &diff_ids, e);

	if (r >= 0)
		r = json_get_arr(manifest->json, "layers", &layers, e);
	if (r < 0)
		return r;
	n = json_array_size(layers);
	if (n == 0 || n > UCTR_MAX_LAYERS || n != strv_len(diff_ids))
		return err_msg(e, -EINVAL, "%zu layers and %zu diff ids; want as many, 1 to %d", n,
			strv_len(diff_ids), UCTR_MAX_LAYERS);
	rec->layers = calloc(n, sizeof(*rec->layers));
	if (!rec->layers)
		return err_set(e, -ENOMEM, "layers");
	for (i = 0; i < n; i++)
		stages[i] = (struct stage)STAGE_INIT;
	r = 0;
	json_array_foreach (layers, i, o) {
		r = take_layer(s, layout, o, diff_ids[i], &stages[i], rec, e);
		if (r < 0) {
			err_wrap(e, r, "layer %zu", i + 1);
			break;
		}
	}
	if (r == 0)
		r = publish(s, manifest, config, stages, rec, e);
	for (i = 0; i < n; i++)
		stage_end(&stages[i]);
	return r;
}

static int import(struct image_store *s, int layout, const char *name, struct err *e)
{
	_cleanup_(doc_free)
	struct doc manifest = { 0 }, config = { 0 };
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	json_t *o = NULL;
	struct desc d;
	int r = find_manifest(layout, &manifest, e);

	if (r == 0)
		r = json_get_obj(manifest.json, "config", &o, e);
	if (r < 0)
		return r;
	r = read_desc(o, UCTR_MAX_DOCUMENT, &d, e);
	if (r < 0)
		return err_wrap(e, r, "config");
	if (!media_type_is_config(d.media_type))
		return err_msg(e, -EINVAL, "config: not the config of a container image");
	r = load_doc(layout, &d, "config", &config, e);
	if (r < 0)
		return r;
	rec.name = strdup(name);
	rec.id = strdup(config.hex);
	rec.manifest = strdup(manifest.hex);
	rec.created = time(NULL);
	if (!rec.name || !rec.id || !rec.manifest)
		return err_set(e, -ENOMEM, "image");
	return take_layers(s, layout, &manifest, &config, &rec, e);
}

int layout_import(struct image_store *s, const char *path, const char *name, struct err *e)
{
	_cleanup_fd_ int layout = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (layout < 0)
		return err_set(e, -errno, "open the image layout %s", path);
	r = store_make(s, e);
	if (r == 0)
		r = layers_sweep(s, e);
	if (r == 0)
		r = import(s, layout, name, e);
	return r < 0 ? err_wrap(e, r, "image layout %s", path) : 0;
}
