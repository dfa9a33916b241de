/* SPDX-License-Identifier: Apache-2.0 */
/* image_get: from a name to the trees that a container stands on. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/additional.h"
#include "image/layers.h"
#include "image/layout.h"
#include "image/lookup.h"
#include "image/ref.h"
#include "sys/dirs.h"

void image_free(struct image *img)
{
	free(img->id);
	free(img->name);
	json_decref(img->config);
	strv_free(img->layers);
	*img = (struct image){ 0 };
}

const char *bundled_image_dir(void)
{
	static char path[PATH_MAX];
	const char *env = getenv("UCTR_IMAGES");

	if (env && *env == '/')
		return env;
	if (!path[0])
		snprintf(path, sizeof(path), "%s/images", dirs_share());
	return path;
}

/* Only plain names are bundled: "busybox", "busybox:latest", "localhost/busybox". */
static int take_bundled(struct image_store *s, const char *text, struct tag *ret, struct err *e)
{
	_cleanup_(ref_free)
	struct ref ref = { 0 };
	_cleanup_free_ char *path = NULL, *name = NULL;
	int r = ref_parse(text, &ref, NULL);

	if (r < 0 || ref.digest || strchr(ref.path, '/') ||
		(ref.tag && !streq(ref.tag, "latest")) ||
		(ref.host && !streq(ref.host, REF_HOST_LOCAL)))
		return 0;
	path = str_printf("%s/%s", bundled_image_dir(), ref.path);
	name = ref_name(&ref, REF_HOST_LOCAL);
	if (!path || !name)
		return err_set(e, -ENOMEM, "image name");
	if (access(path, F_OK) < 0)
		return 0;
	r = layout_import(s, path, name, e);
	/* It is there, and damaged: not what a registry could help with. */
	if (r == -ENOENT)
		return e ? e->code = -EINVAL : -EINVAL;
	return r < 0 ? r : tag_load(s, name, ret, e);
}

static int layer_paths(struct image_store *s, const struct tag *rec, char ***ret)
{
	char link[32], base[PATH_MAX];
	ssize_t n;
	int r = 0;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", s->dirfd);
	n = readlink(link, base, sizeof(base) - 1);
	if (n < 0)
		return -errno;
	base[n] = '\0';
	for (size_t i = 0; r == 0 && i < rec->n_layers; i++)
		r = strv_addf(ret, "%s/layers/%s/%s", base, s->form, rec->layers[i].diff_id);
	return r;
}

static int fill(struct image_store *s, struct tag *rec, struct image *ret, struct err *e)
{
	int r = blob_load_json(s, rec->id, "the image's config", &ret->config, e);

	if (r < 0)
		return r;
	r = layer_paths(s, rec, &ret->layers);
	if (r < 0)
		return err_set(e, r, "find the layers");
	ret->id = take_ptr(rec->id);
	ret->name = take_ptr(rec->name);
	ret->created = rec->created;
	ret->size = rec->size;
	return 0;
}

int lookup_or_bundled(
	struct image_store *s, const char *text, struct tag *ret, bool *ret_by_id, struct err *e)
{
	int r = lookup(s, text, ret, ret_by_id, e);

	if (r == 0)
		r = take_bundled(s, text, ret, e);
	return r == 0 ? lookup_failed(text, e) : r < 0 ? r : 0;
}

int image_get(struct image_store *s, const char *name, struct image *ret, struct err *e)
{
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_image_ struct image img = { 0 };
	_cleanup_free_ char *shown = NULL;
	bool by_id;
	int r = lookup_or_bundled(s, name, &rec, &by_id, e);

	if (r == 0 && rec.shared) {
		shown = strdup(rec.name);
		r = shown ? additional_adopt(s, &rec, e) : err_set(e, -ENOMEM, "image");
	}
	if (r == 0)
		r = layers_ensure(s, &rec, e);
	if (r == 0)
		r = fill(s, &rec, &img, e);
	if (r < 0)
		return r;
	rec.id = img.id;
	rec.name = img.name;
	tag_used(s, &rec);
	rec.id = rec.name = NULL;
	if (shown) { /* what it is called there */
		free(img.name);
		img.name = take_ptr(shown);
	}
	*ret = img;
	img = (struct image){ 0 };
	return 0;
}

int image_reform(struct image_store *s, struct image *img, uint64_t budget_ns, struct err *e)
{
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_strv_ char **paths = NULL;
	_cleanup_free_ char *unnamed = str_printf("@%s", img->id);
	int r = *img->name ? tag_load(s, img->name, &rec, e) : 0;

	/* Without a name of the user's own; in an additional store it may have one. */
	if (r == 0)
		r = unnamed ? tag_load(s, unnamed, &rec, e) : err_set(e, -ENOMEM, "image");
	/* The name means another image by now: nothing is lost but a better map. */
	if (r == 0 || (r > 0 && !streq(rec.id, img->id)))
		return err_msg(e, -ESTALE, "image %s was changed meanwhile", img->name);
	if (r > 0)
		r = layers_ensure_within(s, &rec, budget_ns, e);
	if (r < 0)
		return r;
	r = layer_paths(s, &rec, &paths);
	if (r < 0)
		return err_set(e, r, "find the layers");
	strv_free(img->layers);
	img->layers = take_ptr(paths);
	return 0;
}

/* Nothing else takes away a config, and nothing else goes before it. */
bool image_exists(struct image_store *s, const char *id)
{
	return blob_exists(s, id);
}

int image_find(struct image_store *s, const char *name, char **ret_id, struct err *e)
{
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	bool by_id;
	int r = lookup(s, name, &rec, &by_id, e);

	if (r == 0)
		return lookup_failed(name, e);
	if (r < 0)
		return r;
	*ret_id = take_ptr(rec.id);
	return 0;
}
