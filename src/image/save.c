/* SPDX-License-Identifier: Apache-2.0 */
/* image_save, and the layouts that images are saved in. */
#include "image/save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/ref.h"
#include "image/stored.h"

#define REF_NAME "org.opencontainers.image.ref.name"
#define FULL_NAME "io.containerd.image.name"
#define FILE_NAME_MAX (UCTR_DIGEST_HEX + 24)

/* What an image consists of, read and checked. */
struct parts {
	struct document manifest, config;
	struct descriptor config_d;
	json_t *layers; /* borrowed */
	char **diff_ids; /* "sha256:HEX" */
};

static void parts_free(struct parts *p)
{
	document_free(&p->manifest);
	document_free(&p->config);
	strv_free(p->diff_ids);
}

static int read_parts(
	struct image_source *src, const struct platform *platform, struct parts *p, struct err *e)
{
	char index[UCTR_DIGEST_HEX + 1];
	json_t *o = NULL, *rootfs = NULL;
	int r = source_manifest(
		src, NULL, platform ? platform : platform_here(), &p->manifest, index, e);

	if (r == 0)
		r = json_get_obj(p->manifest.json, "config", &o, e);
	if (r >= 0)
		r = descriptor_read(o, UCTR_MAX_DOCUMENT, &p->config_d, e);
	if (r < 0)
		return err_wrap(e, r, "manifest");
	r = source_document(src, &p->config_d, "config", &p->config, e);
	if (r == 0)
		r = json_get_arr(p->manifest.json, "layers", &p->layers, e);
	if (r >= 0)
		r = json_get_obj(p->config.json, "rootfs", &rootfs, e);
	if (r > 0)
		r = json_get_strv(rootfs, "diff_ids", &p->diff_ids, e);
	if (r >= 0 && (json_array_size(p->layers) > UCTR_MAX_LAYERS ||
			      json_array_size(p->layers) != strv_len(p->diff_ids)))
		r = err_msg(e, -EINVAL, "%zu layers and %zu diff ids; want as many, at most %d",
			json_array_size(p->layers), strv_len(p->diff_ids), UCTR_MAX_LAYERS);
	return r < 0 ? r : 0;
}

static void blob_name(
	enum save_layout layout, const char *hex, const char *diff_id, char buf[FILE_NAME_MAX])
{
	if (layout == SAVE_OCI)
		snprintf(buf, FILE_NAME_MAX, STORE_BLOBS "/%s", hex);
	else if (layout == SAVE_FLAT)
		snprintf(buf, FILE_NAME_MAX, "%s", hex);
	else if (diff_id)
		snprintf(buf, FILE_NAME_MAX, "%s.tar", diff_id);
	else
		snprintf(buf, FILE_NAME_MAX, "%s.json", hex);
}

static int add_layer(
	struct saver *v, struct image_source *src, json_t *o, const char *diff_id, struct err *e)
{
	char name[FILE_NAME_MAX];
	_cleanup_fd_ int in = -1;
	struct descriptor d;
	int r = descriptor_read(o, UCTR_MAX_LAYER_BYTES, &d, e);

	if (r == 0 && !diff_id)
		r = err_msg(e, -EINVAL, "diff_ids: want sha256: and 64 digits");
	if (r < 0)
		return r;
	blob_name(v->layout, d.digest, diff_id, name);
	if (strv_contains(v->o.done, name) || outlet_has(&v->o, name, d.size))
		return 0;
	in = src->ops->blob(src, &d, -1, e);
	if (in < 0)
		return in;
	r = v->layout == SAVE_DOCKER ? outlet_plain(&v->o, name, &d, in, diff_id, e)
				     : outlet_blob(&v->o, name, &d, in, e);
	fd_closep(&in);
	return source_end_blob(src, &d, r, e);
}

static int add_files(
	struct saver *v, struct image_source *src, const struct parts *p, struct err *e)
{
	char name[FILE_NAME_MAX];
	json_t *o;
	size_t i;
	int r = 0;

	json_array_foreach (p->layers, i, o) {
		r = add_layer(v, src, o, digest_hex(p->diff_ids[i]), e);
		if (r < 0)
			return err_wrap(e, r, "layer %zu", i + 1);
	}
	blob_name(v->layout, p->config.hex, NULL, name);
	r = outlet_text(&v->o, name, p->config.text, p->config.len, e);
	if (r < 0 || v->layout == SAVE_DOCKER)
		return r;
	blob_name(v->layout, p->manifest.hex, NULL, name);
	return outlet_text(&v->o, v->layout == SAVE_FLAT ? "manifest.json" : name, p->manifest.text,
		p->manifest.len, e);
}

/* An entry of docker's manifest.json: one for each image, with all names. */
static int add_docker_entry(struct saver *v, const struct parts *p, const char *name)
{
	_cleanup_free_ char *config = str_printf("%s.json", p->config.hex);
	json_t *o = NULL, *layers = json_array(), *tags;
	size_t i;
	int bad = !config;

	json_array_foreach (v->entries, i, o) {
		if (config && streq(json_string_value(json_object_get(o, "Config")), config))
			break;
	}
	if (i == json_array_size(v->entries)) {
		strv_foreach (id, p->diff_ids) {
			_cleanup_free_ char *file = str_printf("%s.tar", digest_hex(id));

			bad |= !file || json_array_append_new(layers, json_string(file));
		}
		o = json_pack("{ss s[] sO}", "Config", config, "RepoTags", "Layers", layers);
		bad |= json_array_append_new(v->entries, o);
	}
	json_decref(layers);
	tags = json_object_get(o, "RepoTags");
	if (!bad && name)
		bad |= json_array_append_new(tags, json_string(name));
	return bad;
}

/* A name in a layout means one image: an older entry of that name goes. */
static int add_oci_entry(struct saver *v, const struct parts *p, const char *name, bool tag_only)
{
	_cleanup_free_ char *digest = str_printf("sha256:%s", p->manifest.hex);
	json_t *notes = json_object(), *o;
	int bad = !digest || !notes;

	if (name)
		bad |= json_object_set_new(notes, REF_NAME, json_string(name));
	if (name && !tag_only)
		bad |= json_object_set_new(notes, FULL_NAME, json_string(name));
	for (size_t i = json_array_size(v->entries); !bad && i-- > 0;) {
		json_t *old = json_array_get(v->entries, i);
		const char *ref = json_string_value(
			json_object_get(json_object_get(old, "annotations"), REF_NAME));
		const char *hex = json_string_value(json_object_get(old, "digest"));

		if (name ? ref && streq(ref, name) : !ref && hex && streq(hex, digest))
			json_array_remove(v->entries, i);
	}
	o = json_pack("{ss ss sI}", "mediaType", p->manifest.type, "digest", digest, "size",
		(json_int_t)p->manifest.len);
	if (json_object_size(notes) > 0)
		bad |= json_object_set(o, "annotations", notes);
	json_decref(notes);
	return bad | json_array_append_new(v->entries, o);
}

int saver_add(struct saver *v, struct image_source *src, const struct platform *platform,
	const char *name, bool tag_only, struct err *e)
{
	_cleanup_(parts_free)
	struct parts p = { 0 };
	int r = read_parts(src, platform, &p, e);

	if (r == 0)
		r = add_files(v, src, &p, e);
	if (r < 0)
		return err_wrap(e, r, "%s", src->what);
	if (v->layout == SAVE_DOCKER)
		r = add_docker_entry(v, &p, name);
	else if (v->layout == SAVE_OCI)
		r = add_oci_entry(v, &p, name, tag_only);
	return r ? err_set(e, -ENOMEM, "save") : 0;
}

/* What a layout that is there already lists stays in it. */
static int read_entries(struct saver *v, struct err *e)
{
	_cleanup_json_ json_t *index = NULL;
	json_t *list = NULL;
	int r = faccessat(v->o.fd, "index.json", F_OK, 0) < 0 ? -errno : 0;

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = json_parse_file(
			v->o.fd, "index.json", UCTR_MAX_DOCUMENT, "index.json", &index, e);
	if (r == 0)
		r = json_get_arr(index, "manifests", &list, e);
	if (r > 0)
		json_array_extend(v->entries, list);
	return r < 0 ? err_wrap(e, r, "%s", v->o.path) : 0;
}

int saver_open(struct image_store *s, const char *path, bool archive, enum save_layout layout,
	struct saver *v, struct err *e)
{
	int r = store_make(s, e);

	v->layout = layout;
	v->entries = json_array();
	if (!v->entries)
		return err_set(e, -ENOMEM, "save");
	if (r == 0)
		r = outlet_open(s, path, archive, &v->o, e);
	if (r < 0 || layout != SAVE_OCI)
		return r;
	if (!archive)
		return read_entries(v, e);
	r = outlet_dir(&v->o, "blobs/", e);
	if (r == 0)
		r = outlet_dir(&v->o, STORE_BLOBS "/", e);
	return r;
}

int saver_finish(struct saver *v, struct err *e)
{
	static const char version[] = "Directory Transport Version: 1.1\n";
	static const char oci[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	_cleanup_json_ json_t *index = NULL;
	_cleanup_free_ char *text = NULL;
	int r;

	if (v->layout == SAVE_FLAT) {
		r = outlet_text(&v->o, "version", version, strlen(version), e);
		return r == 0 ? outlet_finish(&v->o, e) : r;
	}
	if (v->layout == SAVE_OCI)
		index = json_pack("{si ss sO}", "schemaVersion", 2, "mediaType",
			"application/vnd.oci.image.index.v1+json", "manifests", v->entries);
	text = json_dumps(index ? index : v->entries, JSON_COMPACT);
	r = text ? 0 : err_set(e, -ENOMEM, "save");
	if (r == 0 && v->layout == SAVE_OCI)
		r = outlet_text(&v->o, "oci-layout", oci, strlen(oci), e);
	if (r == 0)
		r = outlet_text(&v->o, v->layout == SAVE_OCI ? "index.json" : "manifest.json", text,
			strlen(text), e);
	return r == 0 ? outlet_finish(&v->o, e) : r;
}

void saver_free(struct saver *v)
{
	outlet_free(&v->o);
	json_decref(v->entries);
}

static const struct save_format {
	const char *name;
	bool archive;
	enum save_layout layout;
} formats[] = {
	{ "docker-archive", true, SAVE_DOCKER },
	{ "oci-archive", true, SAVE_OCI },
	{ "oci-dir", false, SAVE_OCI },
	{ "docker-dir", false, SAVE_FLAT },
};

int image_save(struct image_store *s, const struct image_save *what, struct err *e)
{
	_cleanup_(saver_free)
	struct saver v = SAVER_INIT;
	size_t f = 0;
	int r;

	while (f < ARRAY_SIZE(formats) && !streq(formats[f].name, what->format))
		f++;
	if (f == ARRAY_SIZE(formats))
		return err_msg(e, -EINVAL,
			"format \"%.40s\": want docker-archive, oci-archive, oci-dir or docker-dir",
			what->format);
	if (!formats[f].archive && streq(what->path, "-"))
		return err_msg(
			e, -EINVAL, "format %s is a directory; name it with -o", what->format);
	if (formats[f].layout == SAVE_FLAT && what->images[1])
		return err_msg(e, -EINVAL, "format %s holds one image", what->format);
	r = saver_open(s, what->path, formats[f].archive, formats[f].layout, &v, e);
	strv_foreach (image, what->images) {
		_cleanup_source_ struct image_source *src = NULL;
		_cleanup_free_ char *name = NULL;

		if (r == 0)
			r = stored_source(s, image, &name, &src, e);
		if (r == 0)
			r = saver_add(&v, src, NULL, *name ? name : NULL, false, e);
	}
	return r == 0 ? saver_finish(&v, e) : r;
}
