/* SPDX-License-Identifier: Apache-2.0 */
/* uctr ps */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/container.h"
#include "engine/record.h"

struct ps_args {
	bool all, quiet, no_trunc, latest;
	char **filter;
	char *format;
};

#define S struct ps_args
static const struct opt ps_opts[] = { OPT_FLAG('a', "all", S, all,
					      "show containers that do not run as well"),
	OPT_LIST('f', "filter", S, filter, "KEY=VALUE",
		"only those with this id, name, label, status, exited, ancestor or network"),
	OPT_STR(0, "format", S, format, "FORMAT",
		"json, table, or a Go template such as '{{.ID}} {{.Names}}'"),
	OPT_FLAG('l', "latest", S, latest, "only the newest one, whatever its state"),
	OPT_FLAG(0, "no-trunc", S, no_trunc, "do not shorten ids and commands"),
	OPT_FLAG('q', "quiet", S, quiet, "print ids alone"), OPT_END };
#undef S

static const struct output_table table = {
	.cols =
		(const struct output_col[]){
			{ "CONTAINER ID", "ID", 0 },
			{ "IMAGE", "Image", 0 },
			{ "COMMAND", "Command", 0 },
			{ "CREATED", "RunningFor", 0 },
			{ "STATUS", "Status", 0 },
			{ "PORTS", "Ports", 0 },
			{ "NAMES", "Names", 0 },
			{ NULL, "State", 0 },
			{ NULL, "Labels", 0 },
			{ NULL, "Mounts", 0 },
			{ NULL, "Networks", 0 },
			{ NULL, "Pid", 0 },
			{ NULL, "ExitCode", 0 },
			{ NULL, "CreatedAt", 0 },
			{ NULL, "Driver", 0 },
			{ NULL, NULL, 0 },
		},
	.quiet_key = "ID",
};

struct row {
	int64_t created;
	json_t *o;
};

struct walk {
	const struct ps_args *a;
	bool brief; /* the plain table, or ids */
	struct row *rows;
	size_t n;
};

static void walk_free(struct walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		json_decref(w->rows[i].o);
	free(w->rows);
}

static bool label_matches(const struct container *c, const char *value)
{
	_cleanup_free_ char *key = strndup(value, strcspn(value, "="));
	const char *eq = strchr(value, '='), *have;

	have = key ? json_string_value(json_object_get(c->labels, key)) : NULL;
	return have && (!eq || streq(have, eq + 1));
}

static bool image_matches(const struct container *c, const char *value)
{
	const char *slash = strrchr(c->image, '/'), *tail = slash ? slash + 1 : c->image;
	size_t n = strlen(value);

	if (c->image_id && n >= 12 && strncmp(c->image_id, value, n) == 0)
		return true;
	return streq(c->image, value) || streq(tail, value) ||
	       (strncmp(tail, value, n) == 0 && tail[n] == ':');
}

static bool matches(const struct container *c, const char *key, const char *value)
{
	char code[16];

	switch (key[0]) {
	case 'i':
		return str_startswith(c->id, value);
	case 'n':
		return key[1] == 'a' ? strstr(c->name, value) != NULL
				     : c->network && streq(c->network, value);
	case 'l':
		return label_matches(c, value);
	case 's':
		return streq(container_state_name(c->state), value);
	case 'e':
		snprintf(code, sizeof(code), "%d", c->exit_code);
		return c->state >= CONTAINER_EXITED && streq(code, value);
	default:
		return c->image && image_matches(c, value);
	}
}

/* docker's rule: values of one key are alternatives, keys must all hold; labels must all hold. */
static int keep(const struct container *c, char *const *filters, struct err *e)
{
	static const char *const keys[] = { "id", "name", "label", "status", "exited", "ancestor",
		"network" };

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		size_t n = strlen(keys[k]), asked = 0, held = 0;

		strv_foreach (f, filters) {
			if (strncmp(f, keys[k], n) != 0 || f[n] != '=')
				continue;
			asked++;
			held += matches(c, keys[k], f + n + 1);
		}
		if (asked && (streq(keys[k], "label") ? held < asked : held == 0))
			return 0;
	}
	(void)e;
	return 1;
}

/* A value that nothing can ever have is a slip of the pen, not an empty list. */
static int check_value(const char *f, struct err *e)
{
	const char *value = strchr(f, '=') + 1;
	_cleanup_free_ char *clean = str_sanitise(value);
	uint32_t code;

	if (str_startswith(f, "exited=") && (parse_u32(value, &code) < 0 || code > 255))
		return err_msg(e, -EINVAL, "--filter exited='%.60s': want an exit code, 0 to 255",
			clean ? clean : "");
	if (!str_startswith(f, "status="))
		return 0;
	for (int s = CONTAINER_CREATED; s <= CONTAINER_DEAD; s++) {
		if (streq(value, container_state_name((enum container_state)s)))
			return 0;
	}
	return err_msg(e, -EINVAL, "--filter status='%.60s': want created, running, exited or dead",
		clean ? clean : "");
}

static int check_filters(char *const *filters, struct err *e)
{
	static const char *const keys[] = {
		"id=", "name=", "label=", "status=", "exited=", "ancestor=", "network="
	};

	strv_foreach (f, filters) {
		_cleanup_free_ char *clean = str_sanitise(f);
		bool known = false;
		int r;

		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			known |= str_startswith(f, keys[k]);
		if (!known)
			return err_msg(e, -EINVAL,
				"--filter '%.100s': want id=, name=, label=, status=, exited=, "
				"ancestor= or network=",
				clean ? clean : "");
		r = check_value(f, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool asks_for_state(char *const *filters)
{
	strv_foreach (f, filters) {
		if (str_startswith(f, "status=") || str_startswith(f, "exited="))
			return true;
	}
	return false;
}

static int add_row(struct container *c, void *ctx, struct err *e)
{
	struct walk *w = ctx;
	struct row *rows;

	if (c->state != CONTAINER_RUNNING && !w->a->all && !w->a->latest &&
		!asks_for_state(w->a->filter))
		return 0;
	if (!keep(c, w->a->filter, e))
		return 0;
	/* Doubled whenever full, which it is at powers of two. */
	if ((w->n & (w->n - 1)) == 0) {
		rows = realloc(w->rows, (w->n ? 2 * w->n : 1) * sizeof(*rows));
		if (!rows)
			return err_set(e, -ENOMEM, "ps");
		w->rows = rows;
	}
	w->rows[w->n++] = (struct row){ c->created, record_row(c, w->brief, w->a->no_trunc) };
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct row *)a)->created, y = ((const struct row *)b)->created;

	return (x < y) - (x > y);
}

static json_t *sorted(struct walk *w)
{
	json_t *out = json_array();

	if (w->n > 1)
		qsort(w->rows, w->n, sizeof(*w->rows), newest_first);
	for (size_t i = 0; i < w->n && (i == 0 || !w->a->latest); i++)
		json_array_append(out, w->rows[i].o);
	return out;
}

static int ps(void *args, char **operands, struct err *e)
{
	struct ps_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_json_ json_t *out = NULL;
	_cleanup_(walk_free)
	struct walk w = { .a = a, .brief = !a->format || streq(a->format, "table") };
	struct output_how how = { .format = a->format, .quiet = a->quiet, .no_trunc = a->no_trunc };
	int r = check_filters(a->filter, e);

	(void)operands;
	if (r == 0)
		r = engine_open(&en, e);
	if (r == 0)
		r = container_each(&en, w.brief, add_row, &w, e);
	if (r < 0)
		return r;
	warn_flush(&en);
	out = sorted(&w);
	return output_rows(&table, out, &how, e);
}

const struct command cmd_ps = {
	.name = "ps",
	.summary = "List containers",
	.operands = "",
	.about = "Shows running containers; with --all the others too. A container whose monitor "
		 "was "
		 "killed, or that was running when the machine went down, is shown as dead.",
	.min = 0,
	.max = 0,
	.opts = ps_opts,
	.args_size = sizeof(struct ps_args),
	.run = ps,
};
