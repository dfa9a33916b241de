/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of `docker save`: no manifest is in them, so one is made of what is. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/bundle.h"

#define OCI "application/vnd.oci.image."

/* The descriptor of a member; the helper has digested it. */
static json_t *describe(
	const struct bundle *b, const char *name, const char *type, const char *more)
{
	json_t *m = name ? bundle_member(b, name) : NULL;
	_cleanup_free_ char *digest =
		str_printf("sha256:%s", json_string_value(json_object_get(m, "digest")));
	_cleanup_free_ char *full = str_printf("%s%s", type, more);

	return m && digest && full ? json_pack("{ss ss sO}", "mediaType", full, "digest", digest,
					     "size", json_object_get(m, "size"))
				   : NULL;
}

static const char *suffix(const struct bundle *b, const char *name)
{
	json_t *m = name ? bundle_member(b, name) : NULL;
	const char *form = json_string_value(json_object_get(m, "compression"));

	if (form && streq(form, "gzip"))
		return "+gzip";
	return form && streq(form, "zstd") ? "+zstd" : "";
}

static int missing(const char *what, const char *name, struct err *e)
{
	_cleanup_free_ char *clean = name ? str_sanitise(name) : NULL;

	return err_msg(e, -ENOENT, "%s \"%.100s\" is not in the archive", what, clean ? clean : "");
}

static int read_one(struct bundle *b, json_t *o, struct bundle_image *i, struct err *e)
{
	const char *config_name = NULL;
	_cleanup_json_ json_t *config = NULL, *list = json_array(), *doc = NULL;
	_cleanup_strv_ char **layers = NULL;
	int r = json_get_str(o, "Config", &config_name, e);

	if (r >= 0)
		r = json_get_strv(o, "RepoTags", &i->names, e);
	if (r >= 0)
		r = json_get_strv(o, "Layers", &layers, e);
	if (r < 0)
		return r;
	config = describe(b, config_name, OCI "config.v1+json", "");
	if (!config)
		return missing("the config", config_name, e);
	strv_foreach (name, layers) {
		json_t *layer = describe(b, name, OCI "layer.v1.tar", suffix(b, name));

		if (!layer)
			return missing("the layer", name, e);
		if (json_array_append_new(list, layer) < 0)
			return err_set(e, -ENOMEM, "manifest");
	}
	doc = json_pack("{si ss sO sO}", "schemaVersion", 2, "mediaType", OCI "manifest.v1+json",
		"config", config, "layers", list);
	i->text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	i->type = strdup(OCI "manifest.v1+json");
	return i->text && i->type ? 0 : err_set(e, -ENOMEM, "manifest");
}

int bundle_read_docker(struct bundle *b, json_t *list, struct err *e)
{
	json_t *o;
	size_t i;

	if (json_array_size(list) == 0 || json_array_size(list) > 1000)
		return err_msg(e, -EINVAL, "manifest.json: want 1 to 1000 images");
	json_array_foreach (list, i, o) {
		struct bundle_image *image = bundle_add(b);
		int r = !image              ? err_set(e, -ENOMEM, "manifest.json")
			: json_is_object(o) ? read_one(b, o, image, e)
					    : err_msg(e, -EINVAL, "want an object");

		if (r < 0)
			return err_wrap(e, r, "manifest.json: image %zu", i + 1);
	}
	return 0;
}
