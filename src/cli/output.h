/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what commands list: aligned tables, JSON and --format templates. */
#ifndef UCTR_CLI_OUTPUT_H
#define UCTR_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define OUTPUT_ID (-1)

struct output_col {
	const char *header; /* "CONTAINER ID"; NULL: not in the default table, only for templates */
	const char *key; /* of the row object */
	/*
	 * How text (never JSON) shortens the value unless no_trunc: 0 not at all, OUTPUT_ID to 12
	 * characters without "sha256:", n to n characters with an ellipsis.
	 */
	int trunc;
};

struct output_table {
	const struct output_col *cols; /* ended by a NULL key */
	const char *quiet_key; /* the value that -q prints, shortened as its column */
};

struct output_how {
	const char *format; /* --format or NULL */
	bool quiet; /* -q: quiet_key of each row, one a line */
	bool no_trunc;
	bool no_heading; /* leaves the header line out */
};

/*
 * Prints rows (an array of objects, borrowed). `format`: NULL or "table" is the default table,
 * "json" an array of the whole rows, "table TEMPLATE" a table of tab-separated columns under a
 * header line, anything else a template per row with a newline behind it ("{{json .}}" is one
 * object a line). Lists in cells are joined by commas, maps become k=v. On a terminal strings are
 * made safe to show first. Errors: a bad template (also when there are no rows), a field that no
 * row has, or standard output that cannot be written.
 */
int output_rows(
	const struct output_table *t, json_t *rows, const struct output_how *how, struct err *e);

/* One object by a template, or whole for "json" (indented, as `inspect` prints). */
int output_object(json_t *o, const char *format, struct err *e);

/* Each text on a line of its own. */
int output_lines(char *const *lines, struct err *e);

/* Writes text to standard output and flushes it: 0 or an error that names the cause. */
int output_text(const char *s, size_t len, struct err *e);

#endif
