/* SPDX-License-Identifier: Apache-2.0 */
/* A subset of Go's text/template over JSON, for --format as people know it from docker. */
#ifndef UCTR_BASE_TEMPLATE_H
#define UCTR_BASE_TEMPLATE_H

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Understood: {{.Field}} {{.A.B}} {{$}} {{$v}} {{$v := PIPE}}, pipes and parentheses, quoted and
 * raw strings, whole numbers, true, false, nil; {{if}} {{else if}} {{else}} {{with}}
 * {{range [$k,] $v := X}} {{end}}, comments, {{- and -}}; functions: json print println printf
 * upper lower title len join split index slice truncate eq ne lt le gt ge and or not.
 * In text, \t and \n are a tab and a newline, as docker reads them.
 * A field applied to a string looks it up ({{.Labels "k"}}; .Label "k" reads .Labels).
 * Maps are ranged over in the order of their keys.
 *
 * Appends to *out. -EINVAL for a syntax error or a field that the data lacks, named in *e.
 */
int template_render(const char *tmpl, json_t *data, struct str *out, struct err *e);

/* Reads the whole template without data: 0, or the syntax error that render would report. */
int template_check(const char *tmpl, struct err *e);

/*
 * Renders the header line of a table: a field becomes names[FIELD] (an object of strings), or,
 * when that is missing, its own name in capitals; functions give back their first operand.
 */
int template_header(const char *tmpl, json_t *names, struct str *out, struct err *e);

/* Appends v as {{print}} shows it: 0 or -ENOMEM. */
int template_print(json_t *v, struct str *out);

#endif
