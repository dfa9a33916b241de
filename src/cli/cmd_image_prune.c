/* SPDX-License-Identifier: Apache-2.0 */
/* uctr image prune: images that nobody needs go. */
#include <string.h>
#include <time.h>

#include "base/human.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/engine.h"

struct prune_args {
	bool all, force;
	char **filters;
};

static const struct opt prune_opts[] = {
	OPT_FLAG('a', "all", struct prune_args, all,
		"Remove all images that no container uses, also those with a name"),
	OPT_LIST(0, "filter", struct prune_args, filters, "KEY=VALUE",
		"Remove only what matches: until=TIME (as 24h, or 2024-01-01T00:00:00Z), "
		"label=KEY[=VALUE], label!=KEY[=VALUE]"),
	OPT_FLAG('f', "force", struct prune_args, force, "Do not ask"),
	OPT_END,
};

struct filters {
	int64_t before;
	char **labels, **not_labels;
};

static void filters_free(struct filters *f)
{
	strv_free(f->labels);
	strv_free(f->not_labels);
}

/* A moment, or how long ago it was. */
static int parse_until(const char *text, int64_t *ret, struct err *e)
{
	uint64_t ns;

	if (human_time_read(text, ret) == 0 || parse_i64(text, ret) == 0)
		return 0;
	if (parse_duration_ns(text, &ns) < 0)
		return err_msg(e, -EINVAL,
			"filter until=%.60s: want a duration as 24h or a time as "
			"2024-01-01T00:00:00Z",
			text);
	*ret = time(NULL) - (int64_t)(ns / 1000000000);
	return 0;
}

static int add_filter(const char *arg, struct filters *f, struct err *e)
{
	static const struct {
		const char *key;
		bool inverted;
	} kinds[] = { { "label!=", true }, { "label=", false } };

	if (str_startswith(arg, "until="))
		return parse_until(arg + strlen("until="), &f->before, e);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!str_startswith(arg, kinds[i].key) || !arg[strlen(kinds[i].key)])
			continue;
		if (strv_add(kinds[i].inverted ? &f->not_labels : &f->labels,
			    arg + strlen(kinds[i].key)) < 0)
			return err_set(e, -ENOMEM, "filter");
		return 0;
	}
	return err_msg(e, -EINVAL, "filter \"%.60s\": known are until=, label= and label!=", arg);
}

static int prune(void *args, char **operands, struct err *e)
{
	struct prune_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_strv_ char **lines = NULL;
	_cleanup_(filters_free)
	struct filters f = { 0 };
	struct image_prune what = { .all = a->all };
	uint64_t bytes = 0;
	char size[32];
	int r = 0;

	(void)operands;
	strv_foreach (arg, a->filters) {
		if (r == 0)
			r = add_filter(arg, &f, e);
	}
	if (r == 0 && !a->force)
		r = ask(a->all ? "This removes all images that no container uses."
			       : "This removes all images without a name.",
			e);
	if (r == 0)
		r = engine_open(&en, e);
	if (r == 0)
		r = engine_check_store(&en, e);
	if (r == 0)
		r = engine_map(&en, e);
	if (r < 0)
		return r;
	what.before = f.before;
	what.labels = f.labels;
	what.not_labels = f.not_labels;
	r = image_prune(&en.images, &what, &lines, &bytes, e);
	engine_clear_images(&en);
	warn_flush(&en);
	if (r < 0)
		return r;
	human_size(bytes, size, sizeof(size));
	if (strv_addf(&lines, "Total reclaimed space: %s", size) < 0)
		return err_set(e, -ENOMEM, "prune");
	return output_lines(lines, e);
}

const struct command cmd_image_prune = {
	.name = "prune",
	.summary = "Remove images that nobody needs",
	.operands = "",
	.about =
		"Removes images without a name that no container uses, and with -a all that no "
		"container uses. What it prints as reclaimed are the kept and the unpacked layers.",
	.min = 0,
	.max = 0,
	.opts = prune_opts,
	.args_size = sizeof(struct prune_args),
	.run = prune,
};
