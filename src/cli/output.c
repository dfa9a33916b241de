/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, JSON and templates on standard output. */
#include "cli/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "base/template.h"

#define GAP 3 /* spaces between columns */

int output_text(const char *s, size_t len, struct err *e)
{
	errno = 0;
	if (fwrite(s, 1, len, stdout) != len || fflush(stdout) != 0) {
		int r = errno ? -errno : -EIO;

		clearerr(stdout);
		return err_set(e, r, "write to standard output");
	}
	return 0;
}

int output_lines(char *const *lines, struct err *e)
{
	_cleanup_str_ struct str out = { 0 };

	strv_foreach (l, lines) {
		if (str_addf(&out, "%s\n", l) < 0)
			return err_set(e, -ENOMEM, "output");
	}
	return out.s ? output_text(out.s, out.len, e) : 0;
}

static int no_memory(struct err *e)
{
	return err_set(e, -ENOMEM, "output");
}

static int print_json(json_t *v, struct err *e)
{
	/* jansson escapes C0 alone; a terminal obeys C1 and turns text around at bidi marks too. */
	size_t flags = JSON_INDENT(4) | JSON_ENCODE_ANY | (isatty(1) ? JSON_ENSURE_ASCII : 0);
	_cleanup_free_ char *s = json_dumps(v, flags);
	_cleanup_str_ struct str b = { 0 };

	if (!s || str_addf(&b, "%s\n", s) < 0)
		return no_memory(e);
	return output_text(b.s, b.len, e);
}

/* A copy of v in which every string (keys too) is safe on a terminal; NULL without memory. */
static json_t *sanitised(json_t *v)
{
	json_t *item, *copy;
	const char *key;
	size_t i;

	if (json_is_string(v)) {
		_cleanup_free_ char *s = str_sanitise(json_string_value(v));

		return s ? json_string(s) : NULL;
	}
	if (json_is_array(v)) {
		copy = json_array();
		json_array_foreach (v, i, item) {
			if (json_array_append_new(copy, sanitised(item)) < 0)
				goto fail;
		}
		return copy;
	}
	if (!json_is_object(v))
		return json_incref(v);
	copy = json_object();
	json_object_foreach (v, key, item) {
		_cleanup_free_ char *k = str_sanitise(key);

		if (!k || json_object_set_new(copy, k, sanitised(item)) < 0)
			goto fail;
	}
	return copy;
fail:
	json_decref(copy);
	return NULL;
}

/* Bytes of the first n characters of UTF-8 text. */
static size_t chars_to_bytes(const char *s, size_t n)
{
	size_t i = 0;

	while (s[i] && (n > 0 || ((unsigned char)s[i] & 0xc0) == 0x80)) {
		n -= ((unsigned char)s[i] & 0xc0) != 0x80;
		i++;
	}
	return i;
}

static size_t count_chars(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static int shorten(json_t *row, const struct output_col *c)
{
	const char *s = json_string_value(json_object_get(row, c->key));
	_cleanup_free_ char *cut = NULL;
	size_t max = c->trunc > 0 ? (size_t)c->trunc : 12;

	if (!s || c->trunc == 0)
		return 0;
	if (c->trunc == OUTPUT_ID) {
		s += str_startswith(s, "sha256:") ? 7 : 0;
		cut = strndup(s, 12);
	} else if (count_chars(s, strlen(s)) > max) {
		cut = str_printf("%.*s…", (int)chars_to_bytes(s, max - 1), s);
	} else {
		return 0;
	}
	return cut ? json_object_set_new(row, c->key, json_string(cut)) : -1;
}

/*
 * The row as text shows it: shortened, and safe when standard output is a terminal. New reference,
 * to the row itself where nothing is to be done.
 */
static json_t *view(const struct output_table *t, json_t *row, bool tty, bool no_trunc)
{
	bool cut = false;
	json_t *v;

	for (const struct output_col *c = t->cols; c->key && !no_trunc; c++)
		cut |= c->trunc != 0;
	if (!tty && !cut)
		return json_incref(row);
	v = tty ? sanitised(row) : json_copy(row);

	for (const struct output_col *c = t->cols; v && c->key && !no_trunc; c++) {
		if (shorten(v, c) < 0) {
			json_decref(v);
			return NULL;
		}
	}
	return v;
}

static int print_cell(json_t *v, struct str *b)
{
	const char *key;
	json_t *item;
	size_t i;
	int r = 0;

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_array(v) && !json_is_object(v))
		return template_print(v, b);
	json_array_foreach (v, i, item) {
		r = r < 0 || i == 0 ? r : str_add(b, ",", 1);
		r = r < 0 ? r : template_print(item, b);
	}
	i = 0;
	json_object_foreach (v, key, item) {
		r = r < 0 ? r : str_addf(b, "%s%s=", i++ ? "," : "", key);
		r = r < 0 ? r : template_print(item, b);
	}
	return r;
}

/* Pads tab-separated lines to columns; the last column is left as it is. */
#define COLS_MAX 64
static int align(const char *text, struct str *out)
{
	size_t width[COLS_MAX] = { 0 };
	int r = 0;

	for (int pass = 0; pass < 2; pass++) {
		size_t col = 0;

		for (const char *p = text; *p && r == 0; p++) {
			size_t len = strcspn(p, "\t\n"), n = count_chars(p, len);
			bool last = p[len] != '\t' || col + 1 == COLS_MAX;

			if (pass == 0 && !last && n > width[col])
				width[col] = n;
			if (pass == 1)
				r = str_add(out, p, len);
			if (pass == 1 && r == 0)
				r = last ? str_add(out, "\n", 1)
					 : str_addf(out, "%*s", (int)(width[col] - n + GAP), "");
			p += len;
			col = last ? 0 : col + 1;
			if (!*p)
				break;
		}
	}
	return r;
}

static int default_table(
	const struct output_table *t, json_t *rows, const struct output_how *how, struct err *e)
{
	_cleanup_str_ struct str raw = { 0 }, out = { 0 };
	const char *sep = "";
	bool tty = isatty(1);
	json_t *row;
	size_t i;
	int r = 0;

	for (const struct output_col *c = t->cols; c->key && !how->no_heading; c++) {
		if (!c->header)
			continue;
		r = r < 0 ? r : str_addf(&raw, "%s%s", sep, c->header);
		sep = "\t";
	}
	if (r == 0 && *sep)
		r = str_add(&raw, "\n", 1);
	json_array_foreach (rows, i, row) {
		_cleanup_json_ json_t *v = view(t, row, tty, how->no_trunc);

		sep = "";
		r = v ? r : -ENOMEM;
		for (const struct output_col *c = t->cols; r == 0 && c->key; c++) {
			_cleanup_str_ struct str cell = { 0 };

			if (!c->header)
				continue;
			r = print_cell(json_object_get(v, c->key), &cell);
			/* A tab or newline of a value would break the columns. */
			for (char *p = cell.s; p && *p; p++)
				*p = *p == '\t' || *p == '\n' ? ' ' : *p;
			r = r < 0 ? r : str_addf(&raw, "%s%s", sep, cell.s ? cell.s : "");
			sep = "\t";
		}
		r = r < 0 ? r : str_add(&raw, "\n", 1);
	}
	if (r == 0)
		r = align(raw.s ? raw.s : "", &out);
	return r < 0 ? no_memory(e) : output_text(out.s ? out.s : "", out.len, e);
}

static int header_line(
	const struct output_table *t, const char *tmpl, struct str *out, struct err *e)
{
	_cleanup_json_ json_t *names = json_object();

	for (const struct output_col *c = t->cols; c->key; c++) {
		if (c->header && json_object_set_new(names, c->key, json_string(c->header)) < 0)
			return no_memory(e);
	}
	return template_header(tmpl, names, out, e);
}

static int by_template(const struct output_table *t, json_t *rows, const char *tmpl,
	const struct output_how *how, bool table, struct err *e)
{
	_cleanup_str_ struct str raw = { 0 }, out = { 0 };
	bool tty = isatty(1);
	json_t *row;
	size_t i;
	int r = template_check(tmpl, e);

	if (r == 0 && table && !how->no_heading) {
		r = header_line(t, tmpl, &raw, e);
		if (r == 0 && str_add(&raw, "\n", 1) < 0)
			r = no_memory(e);
	}
	if (r < 0)
		return err_wrap(e, r, "--format");
	json_array_foreach (rows, i, row) {
		_cleanup_json_ json_t *v = view(t, row, tty, how->no_trunc);

		if (!v)
			return no_memory(e);
		r = template_render(tmpl, v, &raw, e);
		if (r < 0)
			return err_wrap(e, r, "--format");
		if (str_add(&raw, "\n", 1) < 0)
			return no_memory(e);
	}
	if (!table || !raw.s)
		return output_text(raw.s ? raw.s : "", raw.len, e);
	return align(raw.s, &out) < 0 ? no_memory(e) : output_text(out.s ? out.s : "", out.len, e);
}

static int quiet(const struct output_table *t, json_t *rows, bool no_trunc, struct err *e)
{
	_cleanup_str_ struct str out = { 0 };
	bool tty = isatty(1);
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		_cleanup_json_ json_t *v = view(t, row, tty, no_trunc);

		if (!v || print_cell(json_object_get(v, t->quiet_key), &out) < 0 ||
			str_add(&out, "\n", 1) < 0)
			return no_memory(e);
	}
	return output_text(out.s ? out.s : "", out.len, e);
}

int output_rows(
	const struct output_table *t, json_t *rows, const struct output_how *how, struct err *e)
{
	const char *f = how->format;

	if (f && streq(f, "json"))
		return print_json(rows, e);
	if (how->quiet && t->quiet_key && !f)
		return quiet(t, rows, how->no_trunc, e);
	if (!f || !*f || streq(f, "table"))
		return default_table(t, rows, how, e);
	if (str_startswith(f, "table ") || str_startswith(f, "table\\t"))
		return by_template(t, rows, f + (f[5] == ' ' ? 6 : 7), how, true, e);
	return by_template(t, rows, f, how, false, e);
}

int output_object(json_t *o, const char *format, struct err *e)
{
	_cleanup_json_ json_t *v = NULL;
	_cleanup_str_ struct str out = { 0 };
	int r;

	if (streq(format, "json"))
		return print_json(o, e);
	v = isatty(1) ? sanitised(o) : json_incref(o);
	if (!v)
		return no_memory(e);
	r = template_render(format, v, &out, e);
	if (r < 0)
		return err_wrap(e, r, "--format");
	return str_add(&out, "\n", 1) < 0 ? no_memory(e) : output_text(out.s, out.len, e);
}
