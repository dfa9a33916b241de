/* SPDX-License-Identifier: Apache-2.0 */
/* uctr images: what is in the store, filtered and formatted. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/command.h"
#include "base/human.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/engine.h"

#define DOCKER_PREFIX "docker.io/library/"
#define LOCAL_PREFIX "localhost/"

struct images_args {
	bool all, digests;
	char *sort;
	struct output_how how;
	char *format;
	char **filters;
};

static const struct opt images_opts[] = {
	OPT_FLAG('a', "all", struct images_args, all, "Show images too that have lost their name"),
	OPT_FLAG(0, "digests", struct images_args, digests, "Show the digests of the manifests"),
	OPT_LIST('f', "filter", struct images_args, filters, "KEY=VALUE",
		"Show only what matches: reference=PATTERN, label=KEY[=VALUE], before=IMAGE, "
		"since=IMAGE, dangling=true|false"),
	OPT_STR(0, "format", struct images_args, format, "FORMAT",
		"Print 'json', 'table TEMPLATE' or a Go template, as '{{.Repository}} {{.ID}}'"),
	OPT_FLAG(0, "no-trunc", struct images_args, how.no_trunc, "Show ids in full"),
	OPT_FLAG('q', "quiet", struct images_args, how.quiet, "Show ids alone"),
	OPT_STR(0, "sort", struct images_args, sort, "KEY",
		"Order by created (the default), id, repository, size or tag"),
	OPT_END,
};

#define COLUMNS(digest)                                                                            \
	(const struct output_col[])                                                                \
	{                                                                                          \
		{ "REPOSITORY", "Repository", 0 }, { "TAG", "Tag", 0 }, { digest, "Digest", 0 },   \
			{ "IMAGE ID", "ID", OUTPUT_ID }, { "CREATED", "CreatedSince", 0 },         \
			{ NULL, "CreatedAt", 0 }, { "SIZE", "Size", 0 }, { NULL, NULL, 0 },        \
	}

static const struct output_table table = { .cols = COLUMNS(NULL), .quiet_key = "ID" };
static const struct output_table table_digests = { .cols = COLUMNS("DIGEST"), .quiet_key = "ID" };

/* The filters after parsing: one image passes when every kind that was given lets it. */
struct filter {
	char **references, **labels;
	int64_t before, since; /* creation times */
	bool has_before, has_since, has_dangling, dangling;
};

static void filter_free(struct filter *f)
{
	strv_free(f->references);
	strv_free(f->labels);
}

static const char *text(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static int64_t number(json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* before= and since= mean the time at which another image entered the store. */
static int creation(
	struct image_store *s, json_t *list, const char *name, int64_t *ret, struct err *e)
{
	_cleanup_free_ char *id = NULL;
	json_t *o;
	size_t i;
	int r = image_find(s, name, &id, e);

	if (r < 0)
		return r;
	json_array_foreach (list, i, o) {
		if (streq(text(o, "Id"), id))
			*ret = number(o, "Created");
	}
	return 0;
}

static int add_filter(
	struct image_store *s, json_t *list, const char *arg, struct filter *f, struct err *e)
{
	const char *eq = strchr(arg, '='), *value = eq ? eq + 1 : "";
	_cleanup_free_ char *key = strndup(arg, eq ? (size_t)(eq - arg) : strlen(arg));
	int r = 0;

	if (!key)
		return err_set(e, -ENOMEM, "filter");
	if (!*value)
		return err_msg(e, -EINVAL, "filter \"%s\": want KEY=VALUE", arg);
	if (streq(key, "reference"))
		r = strv_add(&f->references, value);
	else if (streq(key, "label"))
		r = strv_add(&f->labels, value);
	else if (streq(key, "before"))
		return f->has_before = true, creation(s, list, value, &f->before, e);
	else if (streq(key, "since"))
		return f->has_since = true, creation(s, list, value, &f->since, e);
	else if (streq(key, "dangling")) {
		f->has_dangling = true;
		if (parse_bool(value, &f->dangling) < 0)
			return err_msg(e, -EINVAL, "filter dangling=%s: want true or false", value);
	} else
		return err_msg(e, -EINVAL,
			"unknown filter \"%s\"; known are reference, label, before, since and "
			"dangling",
			key);
	return r < 0 ? err_set(e, r, "filter") : 0;
}

static bool labels_match(char *const *want, json_t *labels)
{
	strv_foreach (w, want) {
		const char *eq = strchr(w, '=');
		_cleanup_free_ char *key = strndup(w, eq ? (size_t)(eq - w) : strlen(w));
		json_t *v = key ? json_object_get(labels, key) : NULL;

		if (!v || (eq && !streq(json_string_value(v), eq + 1)))
			return false;
	}
	return true;
}

static const char *without(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) == 0 ? name + n : name;
}

/* docker's familiar form: what one types to get this image. */
static const char *familiar(const char *name)
{
	return without(name, DOCKER_PREFIX);
}

/* A pattern fits the name with or without tag, in full, familiar, or local form. */
static bool references_match(char *const *want, const char *name)
{
	const char *forms[] = { name, familiar(name), without(name, LOCAL_PREFIX) };

	if (!want)
		return true;
	strv_foreach (w, want) {
		for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
			const char *colon = strrchr(forms[i], ':');
			_cleanup_free_ char *bare =
				strndup(forms[i], colon ? (size_t)(colon - forms[i]) : 0);

			if (fnmatch(w, forms[i], FNM_PATHNAME) == 0 ||
				(bare && *bare && fnmatch(w, bare, FNM_PATHNAME) == 0))
				return true;
		}
	}
	return false;
}

static bool image_passes(const struct filter *f, json_t *image)
{
	bool dangling = json_array_size(json_object_get(image, "Names")) == 0 &&
			!json_object_get(image, "Pinned");
	int64_t created = number(image, "Created");

	return (!f->has_before || created < f->before) && (!f->has_since || created > f->since) &&
	       (!f->has_dangling || dangling == f->dangling) &&
	       labels_match(f->labels, json_object_get(image, "Labels"));
}

static int add_row(
	json_t *rows, json_t *image, const char *name, const char *manifest, struct err *e)
{
	const char *shown = *name ? familiar(name) : "<none>:<none>";
	const char *colon = strrchr(shown, ':');
	_cleanup_free_ char *repo = strndup(shown, (size_t)(colon - shown));
	_cleanup_free_ char *id = str_printf("sha256:%s", text(image, "Id"));
	_cleanup_free_ char *digest = str_printf("sha256:%s", manifest);
	char size[32], since[64], ago[80], at[64];
	int64_t created = number(image, "Created"), now = time(NULL);
	json_t *row;

	if (!repo || !id || !digest)
		return err_set(e, -ENOMEM, "images");
	human_size((uint64_t)number(image, "Size"), size, sizeof(size));
	human_duration(now > created ? (uint64_t)(now - created) : 0, since, sizeof(since));
	snprintf(ago, sizeof(ago), "%s ago", since);
	human_time(created, at, sizeof(at));
	row = json_pack("{ss ss ss ss ss ss ss sI sO sO}", "ID", id, "Repository", repo, "Tag",
		colon + 1, "Digest", digest, "CreatedSince", ago, "CreatedAt", at, "Size", size,
		"Bytes", (json_int_t)number(image, "Size"), "Labels",
		json_object_get(image, "Labels"), "ReadOnly", json_object_get(image, "ReadOnly"));
	return !row || json_array_append_new(rows, row) < 0 ? err_set(e, -ENOMEM, "images") : 0;
}

static int make_rows(json_t *list, const struct filter *f, bool all, json_t *rows, struct err *e)
{
	json_t *image, *name;
	size_t i, k;
	int r = 0;

	json_array_foreach (list, i, image) {
		json_t *names = json_object_get(image, "Names");
		json_t *digests = json_object_get(image, "Digests");
		const char *pinned = json_string_value(json_object_get(image, "Pinned"));
		_cleanup_free_ char *by_digest = pinned ? str_printf("%s:<none>", pinned) : NULL;

		if (!image_passes(f, image))
			continue;
		if (by_digest && references_match(f->references, by_digest))
			r = add_row(rows, image, by_digest, text(image, "Digest"), e);
		if (json_array_size(names) == 0 && !by_digest && !f->references &&
			(all || (f->has_dangling && f->dangling)))
			r = add_row(rows, image, "", text(image, "Digest"), e);
		json_array_foreach (names, k, name) {
			if (r == 0 && references_match(f->references, json_string_value(name)))
				r = add_row(rows, image, json_string_value(name),
					json_string_value(json_array_get(digests, k)), e);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* -q lists an image once, however many names it has. */
static void drop_doubles(json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const char *id = text(json_array_get(rows, i), "ID");

		for (size_t k = json_array_size(rows); k-- > i + 1;) {
			if (streq(text(json_array_get(rows, k), "ID"), id))
				json_array_remove(rows, k);
		}
	}
}

struct sorted_row {
	json_t *o;
	const char *key; /* texts go up, numbers down */
	int64_t n;
};

static int compare(const void *a, const void *b)
{
	const struct sorted_row *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return x->key && y->key ? strcmp(x->key, y->key) : 0;
}

/* The rows in the order of a key; "created" is the one that they have. */
static int sort_rows(json_t **rows, const char *by, struct err *e)
{
	static const struct {
		const char *name, *key;
		bool number;
	} keys[] = { { "created", NULL, false }, { "id", "ID", false },
		{ "repository", "Repository", false }, { "size", "Bytes", true },
		{ "tag", "Tag", false } };
	size_t n = json_array_size(*rows), k = 0;
	_cleanup_free_ struct sorted_row *v = calloc(n + 1, sizeof(*v));
	json_t *out = json_array();

	while (by && k < ARRAY_SIZE(keys) && !streq(keys[k].name, by))
		k++;
	if (k == ARRAY_SIZE(keys)) {
		json_decref(out);
		return err_msg(e, -EINVAL,
			"--sort '%.60s': want created, id, repository, size or tag", by);
	}
	for (size_t i = 0; v && i < n; i++) {
		v[i].o = json_array_get(*rows, i);
		if (keys[k].number)
			v[i].n = number(v[i].o, keys[k].key);
		else if (keys[k].key)
			v[i].key = text(v[i].o, keys[k].key);
	}
	if (v && keys[k].key)
		qsort(v, n, sizeof(*v), compare);
	for (size_t i = 0; v && i < n; i++) {
		json_object_del(v[i].o, "Bytes");
		json_array_append(out, v[i].o);
	}
	if (!v || json_array_size(out) != n) {
		json_decref(out);
		return err_set(e, -ENOMEM, "images");
	}
	json_decref(*rows);
	*rows = out;
	return 0;
}

static int run_images(void *args, char **operands, struct err *e)
{
	struct images_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_json_ json_t *list = NULL, *rows = json_array();
	_cleanup_(filter_free)
	struct filter f = { 0 };
	int r = engine_open(&en, e);

	if (r == 0)
		r = image_list(&en.images, &list, e);
	strv_foreach (arg, a->filters) {
		if (r == 0)
			r = add_filter(&en.images, list, arg, &f, e);
	}
	if (r == 0 && operands[0] && strv_add(&f.references, operands[0]) < 0)
		r = err_set(e, -ENOMEM, "images");
	if (r == 0)
		r = make_rows(list, &f, a->all, rows, e);
	if (r == 0)
		r = sort_rows(&rows, a->sort, e);
	if (r < 0)
		return r;
	warn_flush(&en);
	if (a->how.quiet)
		drop_doubles(rows);
	a->how.format = a->format;
	return output_rows(a->digests ? &table_digests : &table, rows, &a->how, e);
}

const struct command cmd_images = {
	.name = "images",
	.summary = "List images",
	.operands = "[PATTERN]",
	.about = "Lists the images in the store, newest first. PATTERN selects by name, as "
		 "--filter reference=PATTERN does; '*' matches within one part of a name.",
	.min = 0,
	.max = 1,
	.opts = images_opts,
	.args_size = sizeof(struct images_args),
	.run = run_images,
};
