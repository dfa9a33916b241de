/* SPDX-License-Identifier: Apache-2.0 */
/* uctr system df, prune and reset: the store as a whole. */
#include <string.h>

#include "base/human.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/budget.h"
#include "engine/disk.h"
#include "engine/lifecycle.h"
#include "engine/sweep.h"

/* --- df ---------------------------------------------------------------------------------------- */

struct df_args {
	char *format;
	bool verbose;
};

static const struct opt df_opts[] = {
	OPT_STR(0, "format", struct df_args, format, "FORMAT",
		"json, or a Go template such as '{{.Type}} {{.Size}}'"),
	OPT_FLAG('v', "verbose", struct df_args, verbose, "A line for each container"),
	OPT_END,
};

static const struct output_col df_cols[] = {
	{ "TYPE", "Type", 0 },
	{ "TOTAL", "TotalCount", 0 },
	{ "ACTIVE", "Active", 0 },
	{ "SIZE", "Size", 0 },
	{ "RECLAIMABLE", "Reclaimable", 0 },
	{ NULL, NULL, 0 },
};

static const struct output_col container_cols[] = {
	{ "CONTAINER ID", "ID", OUTPUT_ID },
	{ "NAMES", "Names", 0 },
	{ "STATUS", "State", 0 },
	{ "SIZE", "Size", 0 },
	{ NULL, NULL, 0 },
};

struct tally {
	json_t *usage, *rows; /* rows: of containers */
	uint64_t containers, running, live_bytes;
};

static uint64_t bytes_of(json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static uint64_t sum(json_t *o)
{
	uint64_t n = 0;
	const char *key;
	json_t *v;

	json_object_foreach (o, key, v)
		n += (uint64_t)json_integer_value(v);
	return n;
}

static int tally_container(struct container *c, void *ctx, struct err *e)
{
	struct tally *t = ctx;
	uint64_t bytes = bytes_of(json_object_get(t->usage, "containers"), c->id);
	bool live = c->state == CONTAINER_RUNNING;
	char size[32];

	t->containers++;
	t->running += live;
	t->live_bytes += live ? bytes : 0;
	human_size(bytes, size, sizeof(size));
	if (json_array_append_new(
		    t->rows, json_pack("{ss so ss ss sI}", "ID", c->id, "Names", json_text(c->name),
				     "State", container_state_name(c->state), "Size", size, "Bytes",
				     (json_int_t)bytes)) < 0)
		return err_set(e, -ENOMEM, "df");
	return 0;
}

static int add_row(json_t *rows, const char *type, uint64_t total, uint64_t active, uint64_t size,
	uint64_t free, struct err *e)
{
	_cleanup_free_ char *reclaim = NULL;
	char text[32], part[32];

	human_size(size, text, sizeof(text));
	human_size(free, part, sizeof(part));
	reclaim = str_printf("%s (%llu%%)", part,
		size ? (unsigned long long)(100.0 * (double)free / (double)size) : 0ULL);
	if (!reclaim || json_array_append_new(rows,
				json_pack("{ss sI sI ss ss sI sI}", "Type", type, "TotalCount",
					(json_int_t)total, "Active", (json_int_t)active, "Size",
					text, "Reclaimable", reclaim, "SizeBytes", (json_int_t)size,
					"ReclaimableBytes", (json_int_t)free)) < 0)
		return err_set(e, -ENOMEM, "df");
	return 0;
}

/* A damaged store is counted too: then nothing is known to be free. */
static int images_row(struct engine *en, json_t *usage, json_t *rows, struct err *e)
{
	_cleanup_strv_ char **in_use = NULL, **needed = NULL;
	_cleanup_json_ json_t *list = NULL, *left = json_object();
	json_t *o;
	struct err why = ERR_INIT;
	uint64_t active = 0, size = sum(json_object_get(usage, "store"));
	size_t i;
	int r = image_list(&en->images, &list, &why);

	if (r == 0)
		r = engine_images_in_use(en, &in_use, &why);
	if (r == 0)
		r = image_needs(&en->images, in_use, &needed, &why);
	if (r < 0) {
		if (!strv_contains(en->warnings, why.msg))
			engine_warn(en, "%s", why.msg);
		return add_row(rows, "Images", json_array_size(list), 0, size, 0, e);
	}
	json_object_update(left, json_object_get(usage, "store"));
	strv_foreach (name, needed)
		json_object_del(left, name);
	json_array_foreach (list, i, o)
		active += strv_contains(in_use, json_string_value(json_object_get(o, "Id")));
	return add_row(rows, "Images", json_array_size(list), active, size, sum(left), e);
}

/* What images may take, where storage.conf says it. */
static int budget_row(json_t *rows, struct err *e)
{
	uint64_t budget = 0;
	int r = budget_read(&budget, e);

	return r < 0 || budget == 0 ? r : add_row(rows, "Budget", 0, 0, budget, 0, e);
}

static int df(void *args, char **operands, struct err *e)
{
	static const struct output_table sums = { .cols = df_cols };
	static const struct output_table each = { .cols = container_cols };
	struct df_args *a = args;
	struct output_how how = { .format = a->format };
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_json_ json_t *usage = NULL, *rows = json_array(), *list = json_array();
	struct tally t = { .rows = list };
	uint64_t rest, all;
	int r = engine_open(&en, e);

	(void)operands;
	if (r == 0)
		r = disk_usage(&en, &usage, e);
	t.usage = usage;
	if (r == 0)
		r = container_each(&en, false, tally_container, &t, e);
	if (r == 0)
		r = images_row(&en, usage, rows, e);
	if (r < 0)
		return r;
	all = sum(json_object_get(usage, "containers"));
	rest = bytes_of(usage, "rest");
	if (bytes_of(usage, "unread"))
		engine_warn(&en, "%llu directories could not be counted",
			(unsigned long long)bytes_of(usage, "unread"));
	r = add_row(rows, "Containers", t.containers, t.running, all, all - t.live_bytes, e);
	if (r == 0)
		r = add_row(rows, "Temporary", 0, 0, rest, rest, e);
	if (r == 0)
		r = budget_row(rows, e);
	warn_flush(&en);
	if (r == 0)
		r = output_rows(&sums, rows, &how, e);
	return r < 0 || !a->verbose ? r : output_rows(&each, list, &how, e);
}

const struct command cmd_system_df = {
	.name = "df",
	.summary = "Show what images and containers take on the disk",
	.operands = "",
	.about = "Shows the bytes on the disk of images (kept and unpacked layers), containers "
		 "(what "
		 "they wrote) and what is being made or removed, and how much of it nothing needs.",
	.min = 0,
	.max = 0,
	.opts = df_opts,
	.args_size = sizeof(struct df_args),
	.run = df,
};

/* --- prune ------------------------------------------------------------------------------------- */

struct prune_args {
	bool all, force;
};

static const struct opt prune_opts[] = {
	OPT_FLAG('a', "all", struct prune_args, all,
		"Remove all images that no container uses, not only those without a name"),
	OPT_FLAG('f', "force", struct prune_args, force, "Do not ask"),
	OPT_END,
};

static int collect_ended(struct container *c, void *ctx, struct err *e)
{
	char ***ids = ctx;

	if (c->state == CONTAINER_RUNNING)
		return 0;
	return strv_add(ids, c->id) < 0 ? err_set(e, -ENOMEM, "prune") : 0;
}

/* One that cannot be removed does not keep the others. */
static int prune_containers(struct engine *en, char ***lines, struct err *e)
{
	_cleanup_strv_ char **ids = NULL;
	int r = container_each(en, false, collect_ended, &ids, e);

	strv_foreach (id, ids) {
		_cleanup_container_ struct container c = CONTAINER_INIT;
		struct err one = ERR_INIT;
		int failed = container_find(en, id, &c, &one);

		if (failed == 0)
			failed = container_remove(en, &c, false, &one);
		if (failed == 0 && strv_addf(lines, "Deleted container: %s", id) < 0)
			return err_set(e, -ENOMEM, "prune");
		if (failed < 0 && failed != -ENOENT)
			engine_warn(en, "%s", one.msg);
	}
	return r;
}

static int prune_images(
	struct engine *en, bool all, char ***lines, uint64_t *ret_bytes, struct err *e)
{
	struct image_prune what = { .all = all };
	int r = image_prune(&en->images, &what, lines, ret_bytes, e);

	if (r == 0)
		r = image_sweep(&en->images, e);
	engine_clear_images(en);
	return r;
}

static int prune(void *args, char **operands, struct err *e)
{
	struct prune_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_strv_ char **lines = NULL;
	uint64_t bytes = 0;
	char size[32];
	int r = 0, shown;

	(void)operands;
	if (!a->force)
		r = ask(a->all ? "This removes all containers that do not run, and all images that "
				 "no other container uses."
			       : "This removes all containers that do not run, and all images "
				 "without "
				 "a name that no other container uses.",
			e);
	if (r == 0)
		r = engine_open(&en, e);
	if (r == 0)
		r = engine_check_store(&en, e);
	if (r == 0)
		r = engine_map(&en, e);
	if (r < 0)
		return r;
	container_sweep(&en);
	r = prune_containers(&en, &lines, e);
	if (r == 0)
		r = prune_images(&en, a->all, &lines, &bytes, e);
	warn_flush(&en);
	human_size(bytes, size, sizeof(size));
	if (r == 0 && strv_addf(&lines, "Total reclaimed space of images: %s", size) < 0)
		r = err_set(e, -ENOMEM, "prune");
	shown = output_lines(lines, r < 0 ? NULL : e);
	return r < 0 ? r : shown;
}

const struct command cmd_system_prune = {
	.name = "prune",
	.summary = "Remove containers and images that nobody needs",
	.operands = "",
	.about = "Removes containers that do not run, images without a name (with -a all) that no "
		 "container uses, and what killed commands left behind. Volumes stay.",
	.min = 0,
	.max = 0,
	.opts = prune_opts,
	.args_size = sizeof(struct prune_args),
	.run = prune,
};

/* --- reset ------------------------------------------------------------------------------------- */

struct reset_args {
	bool force;
};

static const struct opt reset_opts[] = {
	OPT_FLAG('f', "force", struct reset_args, force, "Do not ask"),
	OPT_END,
};

static int collect_all(struct container *c, void *ctx, struct err *e)
{
	return strv_add((char ***)ctx, c->id) < 0 ? err_set(e, -ENOMEM, "reset") : 0;
}

static int reset(void *args, char **operands, struct err *e)
{
	struct reset_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_strv_ char **ids = NULL;
	int r = a->force ? 0
			 : ask("This ends and removes all containers, and removes all images: "
			       "everything that uctr has.",
				   e);

	(void)operands;
	if (r == 0)
		r = engine_open(&en, e);
	if (r == 0)
		r = engine_check_store(&en, e);
	if (r == 0)
		r = container_each(&en, false, collect_all, &ids, e);
	strv_foreach (id, ids) {
		_cleanup_container_ struct container c = CONTAINER_INIT;

		if (r < 0)
			break;
		/* One that cannot be ended keeps the rest: its files are in use. */
		r = container_find(&en, id, &c, e);
		if (r == 0)
			r = container_remove(&en, &c, true, e);
		else if (r == -ENOENT)
			r = 0;
	}
	if (r == 0)
		r = disk_reset(&en, e);
	warn_flush(&en);
	return r;
}

const struct command cmd_system_reset = {
	.name = "reset",
	.summary = "Remove everything: containers, images, layers",
	.operands = "",
	.about = "Ends all containers and removes them, all images, and everything else that uctr "
		 "has in its data directory, whatever state that is in. Volumes that were given as "
		 "directories stay.",
	.min = 0,
	.max = 0,
	.opts = reset_opts,
	.args_size = sizeof(struct reset_args),
	.run = reset,
};
