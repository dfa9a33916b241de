/* SPDX-License-Identifier: Apache-2.0 */
/* uctr search, and manifest inspect: what registries have. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/remote_opts.h"

#define SEARCH_LIMIT 25
#define SEARCH_MAX 1000

struct search_args {
	struct remote_args remote;
	char *limit, *format;
	bool list_tags, no_trunc;
};

static const struct opt search_opts[] = {
	OPT_STR(0, "format", struct search_args, format, "FORMAT",
		"Print 'json', 'table TEMPLATE' or a Go template, as '{{.Name}}'"),
	OPT_STR(0, "limit", struct search_args, limit, "N", "Show at most N (default 25)"),
	OPT_FLAG(0, "list-tags", struct search_args, list_tags,
		"Show the tags of the repository instead"),
	OPT_FLAG(0, "no-trunc", struct search_args, no_trunc, "Show descriptions in full"),
	OPT_INCLUDE(struct search_args, remote, remote_opts),
	OPT_END,
};

static const struct output_table found = {
	.cols =
		(const struct output_col[]){
			{ "NAME", "Name", 0 },
			{ "DESCRIPTION", "Description", 44 },
			{ "STARS", "Stars", 0 },
			{ "OFFICIAL", "Official", 0 },
			{ NULL, NULL, 0 },
		},
	.quiet_key = "Name",
};

static const struct output_table tags_found = {
	.cols =
		(const struct output_col[]){
			{ "NAME", "Name", 0 },
			{ "TAG", "Tag", 0 },
			{ NULL, NULL, 0 },
		},
	.quiet_key = "Tag",
};

/* Registries name the keys differently, and leave out most of them. */
static int add_row(json_t *rows, json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "name"));
	const char *text = json_string_value(json_object_get(o, "description"));
	json_int_t stars = json_integer_value(json_object_get(o, "star_count"));
	bool official = json_is_true(json_object_get(o, "is_official"));

	if (!name)
		return 0;
	return json_array_append_new(
		rows, json_pack("{ss ss sI ss}", "Name", name, "Description", text ? text : "",
			      "Stars", stars, "Official", official ? "[OK]" : ""));
}

static int search_names(
	const char *text, int limit, const struct remote_options *o, json_t *rows, struct err *e)
{
	_cleanup_json_ json_t *list = NULL;
	json_t *one;
	size_t i;
	int r = image_search(text, limit, o, &list, e);

	if (r < 0)
		return r;
	json_array_foreach (list, i, one) {
		if (json_array_size(rows) < (size_t)limit && add_row(rows, one) < 0)
			return err_set(e, -ENOMEM, "search");
	}
	return 0;
}

static int search_tags(
	const char *name, int limit, const struct remote_options *o, json_t *rows, struct err *e)
{
	_cleanup_strv_ char **tags = NULL;
	int r = image_remote_tags(name, o, &tags, e);

	strv_foreach (tag, tags) {
		if (r == 0 && json_array_size(rows) < (size_t)limit &&
			json_array_append_new(
				rows, json_pack("{ss ss}", "Name", name, "Tag", tag)) < 0)
			r = err_set(e, -ENOMEM, "search");
	}
	return r;
}

static int run_search(void *args, char **operands, struct err *e)
{
	struct search_args *a = args;
	const struct output_how how = { .format = a->format, .no_trunc = a->no_trunc };
	_cleanup_json_ json_t *rows = json_array();
	struct remote_options o;
	uint32_t limit = SEARCH_LIMIT;
	int r = remote_args_read(&a->remote, &o, e);

	if (r == 0 && a->limit &&
		(parse_u32(a->limit, &limit) < 0 || limit == 0 || limit > SEARCH_MAX))
		r = err_msg(e, -EINVAL, "--limit: want a number up to %d", SEARCH_MAX);
	if (r == 0)
		r = (a->list_tags ? search_tags : search_names)(
			operands[0], (int)limit, &o, rows, e);
	return r < 0 ? r : output_rows(a->list_tags ? &tags_found : &found, rows, &how, e);
}

const struct command cmd_search = {
	.name = "search",
	.summary = "Search a registry for repositories",
	.operands = "[REGISTRY/]TEXT",
	.about = "Lists the repositories of REGISTRY, by default docker.io, whose name or "
		 "description "
		 "has TEXT, where the registry offers a search or a catalogue.",
	.min = 1,
	.max = 1,
	.opts = search_opts,
	.args_size = sizeof(struct search_args),
	.run = run_search,
};

static const struct opt manifest_opts[] = {
	OPT_INCLUDE(struct remote_args, authfile, remote_opts),
	OPT_END,
};

static int run_manifest(void *args, char **operands, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *doc = NULL;
	struct remote_options o;
	int r = remote_args_read(args, &o, e);

	if (r == 0)
		r = image_remote_document(operands[0], &o, &text, e);
	if (r == 0)
		r = json_parse(text, strlen(text), "manifest", &doc, e);
	return r < 0 ? r : output_object(doc, "json", e);
}

const struct command cmd_manifest_inspect = {
	.name = "inspect",
	.summary = "Show the manifest or index of an image at its registry",
	.operands = "NAME[:TAG][@DIGEST]",
	.about = "Prints the document that the registry has for the name, without fetching the "
		 "image.",
	.min = 1,
	.max = 1,
	.opts = manifest_opts,
	.args_size = sizeof(struct remote_args),
	.run = run_manifest,
};
