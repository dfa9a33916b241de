/* SPDX-License-Identifier: Apache-2.0 */
/* uctr history and image tree: the steps and layers of an image. */
#include <string.h>
#include <time.h>

#include "base/human.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/engine.h"

struct history_args {
	struct output_how how;
	char *format;
	bool human;
};

static const struct opt history_opts[] = {
	OPT_STR(0, "format", struct history_args, format, "FORMAT",
		"Print 'json', 'table TEMPLATE' or a Go template, as '{{.ID}} {{.CreatedBy}}'"),
	OPT_FLAG('H', "human", struct history_args, human,
		"Show sizes and times for people (default true); false shows bytes and dates"),
	OPT_FLAG(0, "no-trunc", struct history_args, how.no_trunc, "Show everything in full"),
	OPT_FLAG('q', "quiet", struct history_args, how.quiet, "Show ids alone"),
	OPT_END,
};

static const struct output_table table = {
	.cols =
		(const struct output_col[]){
			{ "IMAGE", "ID", OUTPUT_ID },
			{ "CREATED", "CreatedSince", 0 },
			{ NULL, "CreatedAt", 0 },
			{ "CREATED BY", "CreatedBy", 45 },
			{ "SIZE", "Size", 0 },
			{ "COMMENT", "Comment", 0 },
			{ NULL, "Tags", 0 },
			{ NULL, NULL, 0 },
		},
	.quiet_key = "ID",
};

static int64_t number(json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static json_t *row(json_t *step, bool human)
{
	char size[32], since[64], ago[80] = "N/A", at[64] = "N/A";
	int64_t created = number(step, "Created"), now = time(NULL), bytes = number(step, "Size");

	if (human)
		human_size((uint64_t)bytes, size, sizeof(size));
	else
		snprintf(size, sizeof(size), "%lld", (long long)bytes);
	if (created) {
		human_duration(now > created ? (uint64_t)(now - created) : 0, since, sizeof(since));
		human_time(created, at, sizeof(at));
		snprintf(ago, sizeof(ago), human ? "%s ago" : "%s", human ? since : at);
	}
	return json_pack("{sO ss ss sO ss sO sO}", "ID", json_object_get(step, "Id"),
		"CreatedSince", ago, "CreatedAt", at, "CreatedBy",
		json_object_get(step, "CreatedBy"), "Size", size, "Comment",
		json_object_get(step, "Comment"), "Tags", json_object_get(step, "Tags"));
}

/* Bundled images may have to be brought in first, so the store's form has to be known. */
static int load(struct engine *en, const char *name, json_t **ret, struct err *e)
{
	int r = engine_open(en, e);

	if (r == 0)
		r = engine_map(en, e);
	if (r == 0)
		r = image_history(&en->images, name, ret, e);
	warn_flush(en);
	return r;
}

static int history(void *args, char **operands, struct err *e)
{
	struct history_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_json_ json_t *steps = NULL, *rows = json_array();
	json_t *step;
	size_t i;
	int r = load(&en, operands[0], &steps, e);

	if (r < 0)
		return r;
	json_array_foreach (steps, i, step) {
		if (json_array_append_new(rows, row(step, a->human)) < 0)
			return err_set(e, -ENOMEM, "history");
	}
	a->how.format = a->format;
	return output_rows(&table, rows, &a->how, e);
}

static const struct history_args history_defaults = { .human = true };

const struct command cmd_history = {
	.name = "history",
	.summary = "Show how an image was built",
	.operands = "IMAGE",
	.about = "Shows the steps that its config tells of, newest first, with what the layer of "
		 "each takes unpacked. Steps have no images of their own: their id is <missing>.",
	.min = 1,
	.max = 1,
	.opts = history_opts,
	.args_size = sizeof(struct history_args),
	.defaults = &history_defaults,
	.run = history,
};

/* Who else stands on a layer is not told: every image names its own layers. */
static int add_layers(json_t *steps, struct str *out)
{
	const char *tee = "\xe2\x94\x9c\xe2\x94\x80\xe2\x94\x80 ";
	const char *end = "\xe2\x94\x94\xe2\x94\x80\xe2\x94\x80 ";
	size_t last = 0;
	int r = 0;

	for (size_t i = 0; i < json_array_size(steps); i++) {
		json_t *s = json_array_get(steps, i);

		if (*json_string_value(json_object_get(s, "Layer")))
			last = i + 1;
		if (last == i + 1)
			break;
	}
	for (size_t i = json_array_size(steps); r == 0 && i-- > 0;) {
		json_t *s = json_array_get(steps, i);
		const char *id = json_string_value(json_object_get(s, "Layer"));
		char size[32];

		if (!*id)
			continue;
		human_size((uint64_t)number(s, "Size"), size, sizeof(size));
		r = str_addf(out, "%sID: %.12s Size: %7s\n", i + 1 == last ? end : tee, id, size);
	}
	return r;
}

static int tree(void *args, char **operands, struct err *e)
{
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_json_ json_t *steps = NULL, *o = NULL;
	_cleanup_str_ struct str out = { 0 };
	_cleanup_free_ char *id = NULL;
	json_t *name;
	char size[32];
	size_t i;
	int r = load(&en, operands[0], &steps, e);

	(void)args;
	if (r == 0)
		r = image_find(&en.images, operands[0], &id, e);
	if (r == 0)
		r = image_inspect(&en.images, operands[0], &o, e);
	if (r < 0)
		return r;
	human_size((uint64_t)number(o, "Size"), size, sizeof(size));
	r = str_addf(&out, "Image ID: %.12s\nTags:     [", id);
	json_array_foreach (json_object_get(o, "RepoTags"), i, name)
		r |= str_addf(&out, "%s%s", i ? " " : "", json_string_value(name));
	r |= str_addf(&out, "]\nSize:     %s\nImage Layers\n", size);
	r |= add_layers(steps, &out);
	return r ? err_set(e, -ENOMEM, "image tree") : output_text(out.s, out.len, e);
}

static const struct opt no_opts[] = { OPT_END };

const struct command cmd_image_tree = {
	.name = "tree",
	.summary = "Show the layers of an image",
	.operands = "IMAGE",
	.about = "Lists the layers by diff id, lowest first, with what each takes unpacked.",
	.min = 1,
	.max = 1,
	.opts = no_opts,
	.args_size = 1,
	.run = tree,
};
