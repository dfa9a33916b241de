/* SPDX-License-Identifier: Apache-2.0 */
/* uctr diff: what a container or an image changed. */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/view.h"

struct diff_args {
	char *format;
};

static const struct opt diff_opts[] = {
	OPT_STR(0, "format", struct diff_args, format, "FORMAT",
		"json, or a Go template such as '{{.Type}} {{.Path}}'"),
	OPT_END,
};

/* Places that a start makes for what it mounts there: no change of the container's. */
static bool is_place(const struct container *c, const char *path)
{
	static const char *const own[] = { "/dev", "/proc", "/sys", "/etc/hostname", "/etc/hosts",
		"/etc/resolv.conf", "/etc/localtime" };
	json_t *m;
	size_t i;

	for (size_t k = 0; k < ARRAY_SIZE(own); k++) {
		if (streq(own[k], path))
			return true;
	}
	json_array_foreach (c->mounts, i, m) {
		const char *target = json_string_value(json_object_get(m, "target"));

		if (target && streq(target, path))
			return true;
	}
	return false;
}

static void drop_places(const struct container *c, json_t *list)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		const char *path =
			json_string_value(json_object_get(json_array_get(list, i), "Path"));

		if (is_place(c, path))
			json_array_remove(list, i);
	}
}

static int of_container(struct engine *en, struct container *c, json_t **ret, struct err *e)
{
	struct container_view v = { .v = IMAGE_VIEW_INIT };
	int r = container_view_open(en, c, CONTAINER_CHANGES, &v, e);

	if (r == 0)
		r = image_view_changes(&en->images, &v.v, ret, e);
	image_view_free(&v.v);
	if (r == 0)
		drop_places(c, *ret);
	return r;
}

/* An image against another one, or its last layer against those below. */
static int of_image(
	struct engine *en, const char *image, const char *other, json_t **ret, struct err *e)
{
	struct image_view v = IMAGE_VIEW_INIT;
	struct image_store *s = &en->images;
	int r = engine_map(en, e);

	if (r == 0)
		r = image_view_layers(s, other ? other : image, &v.layers, &v.n_layers, e);
	if (r == 0)
		r = image_view_layers(s, image, &v.base, &v.n_base, e);
	if (r == 0 && !other) {
		v.top = true;
		close(v.base[--v.n_base]);
	}
	if (r == 0)
		r = image_view_changes(s, &v, ret, e);
	image_view_free(&v);
	return r;
}

static int find(struct engine *en, char **operands, json_t **ret, struct err *e)
{
	_cleanup_container_ struct container c = CONTAINER_INIT;
	struct err image = ERR_INIT;
	int r = operands[1] ? -ENOENT : container_find(en, operands[0], &c, e);

	if (r == 0)
		return of_container(en, &c, ret, e);
	if (r != -ENOENT)
		return r;
	r = of_image(en, operands[0], operands[1], ret, &image);
	/* What is neither: the word about containers, unless two images were given. */
	if (r == -ENOENT && !operands[1])
		return err_hint(e, "and no image of that name ('uctr images')");
	if (r < 0 || operands[1] || e->code)
		*e = image;
	return r;
}

static const struct output_col cols[] = {
	{ "TYPE", "Type", 0 },
	{ "PATH", "Path", 0 },
	{ NULL, "Kind", 0 },
	{ NULL, NULL, 0 },
};

static int print(json_t *list, const char *format, struct err *e)
{
	static const struct output_table table = { .cols = cols };
	static const char *const letters[] = { "C", "A", "D" };
	struct output_how how = { .format = format ? format : "{{.Type}} {{.Path}}" };
	json_t *o;
	size_t i;

	json_array_foreach (list, i, o)
		json_object_set_new(o, "Type",
			json_string(letters[json_integer_value(json_object_get(o, "Kind"))]));
	return output_rows(&table, list, &how, e);
}

static int run_diff(void *args, char **operands, struct err *e)
{
	struct diff_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_json_ json_t *list = NULL;
	int r = engine_open(&en, e);

	if (r == 0)
		r = find(&en, operands, &list, e);
	warn_flush(&en);
	return r < 0 ? r : print(list, a->format, e);
}

const struct command cmd_diff = {
	.name = "diff",
	.summary = "Show which files a container changed",
	.operands = "CONTAINER|IMAGE [IMAGE]",
	.about = "Shows what a container added (A), changed (C) and deleted (D), compared with its "
		 "image; for an image, what its last layer did, and for two, what the second has "
		 "that the first had not. Places of mounts are left out.",
	.min = 1,
	.max = 2,
	.opts = diff_opts,
	.args_size = sizeof(struct diff_args),
	.run = run_diff,
};
