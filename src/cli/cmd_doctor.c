/* SPDX-License-Identifier: Apache-2.0 */
/* uctr doctor: what this host offers, what is missing, and the command that cures it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "engine/probe.h"

struct doctor_args {
	char *format;
};

static const struct opt doctor_opts[] = {
	OPT_STR('f', "format", struct doctor_args, format, "FORMAT",
		"json, or a Go template for each row"),
	OPT_END,
};

static const struct output_col cols[] = {
	{ "STATUS", "status", 0 },
	{ "WHAT", "name", 0 },
	{ "FINDING", "finding", 0 },
	{ NULL, "cure", 0 },
	{ NULL, "needed", 0 },
	{ NULL, "purpose", 0 },
	{ NULL, NULL, 0 },
};
static const struct output_table table = { cols, NULL };

static const char *text(json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));

	return s ? s : "";
}

static int add_row(struct str *b, json_t *row, size_t width, bool colour)
{
	static const struct {
		const char *status, *shown, *on;
	} looks[] = { { "ok", "ok", "\033[32m" }, { "warn", "warn", "\033[33m" },
		{ "missing", "MISSING", "\033[31m" } };
	bool needed = json_is_true(json_object_get(row, "needed"));
	_cleanup_free_ char *finding = str_sanitise(text(row, "finding"));
	size_t i = 0;

	while (i < 2 && !streq(looks[i].status, text(row, "status")))
		i++;
	/* What `run` does without is no alarm. */
	return str_addf(b, "%s%-7s%s  %-*s  %s%s%s\n",
		colour ? looks[i == 2 && !needed ? 1 : i].on : "",
		i == 2 && !needed ? "missing" : looks[i].shown, colour ? "\033[0m" : "", (int)width,
		text(row, "name"), finding ? finding : "", i == 2 ? "; for " : "",
		i == 2 ? text(row, "purpose") : "");
}

static int add_rows(struct str *b, json_t *rows)
{
	bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	const char *last = "";
	size_t i, width = 0;
	json_t *row;
	int r = 0;

	json_array_foreach (rows, i, row) {
		if (strlen(text(row, "name")) > width)
			width = strlen(text(row, "name"));
	}
	json_array_foreach (rows, i, row) {
		_cleanup_free_ char *cure = str_sanitise(text(row, "cure"));

		r = r < 0 ? r : add_row(b, row, width, colour);
		if (r == 0 && cure && *cure && !streq(text(row, "cure"), last))
			r = str_addf(b, "         cure: %s\n", cure);
		if (cure && *cure)
			last = text(row, "cure");
	}
	return r;
}

static int run(void *p, char **operands, struct err *e)
{
	struct doctor_args *a = p;
	_cleanup_json_ json_t *rows = NULL;
	_cleanup_str_ struct str b = { 0 };
	int works = probe_all(&rows, e), r;

	(void)operands;
	if (works < 0)
		return works;
	if (a->format) {
		struct output_how how = { .format = a->format, .no_trunc = true };

		r = output_rows(&table, rows, &how, e);
		return r < 0 ? r : !works;
	}
	r = add_rows(&b, rows);
	if (r == 0)
		r = str_addf(&b, "\n%s\n",
			works ? "uctr run will work here."
			      : "uctr run will not work here before every MISSING line is cured.");
	if (r < 0)
		return err_set(e, r, "doctor");
	r = output_text(b.s, b.len, e);
	return r < 0 ? r : !works;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.summary = "Say what this host offers and what is missing, with the cure",
	.operands = "",
	.about =
		"Tries, as the caller, every step that a container needs, and prints one line for "
		"each: "
		"'ok', 'warn' (works, with a drawback), 'missing' (a feature that cannot be used) "
		"or "
		"'MISSING' (no container can start). Below it stands the command that cures it.\n\n"
		"Exit code 0 when 'uctr run' will work, else 1.",
	.opts = doctor_opts,
	.args_size = sizeof(struct doctor_args),
	.run = run,
};
