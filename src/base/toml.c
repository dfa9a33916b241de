/* SPDX-License-Identifier: Apache-2.0 */
/* Reading TOML. */
#include "base/toml.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"

#define MAX_DEPTH 16

struct reader {
	const char *p, *start, *what;
	struct err *e;
	int depth;
	json_t **headed; /* tables that had a header of their own, borrowed */
	size_t n_headed;
};

static int bad(const struct reader *r, const char *why)
{
	unsigned line = 1;

	for (const char *p = r->start; p < r->p; p++)
		line += *p == '\n';
	return err_msg(r->e, -EINVAL, "%s: line %u: %s", r->what, line, why);
}

static void skip_space(struct reader *r)
{
	r->p += strspn(r->p, " \t");
}

/* Spaces, line ends and comments, as they may stand within an array. */
static void skip_lines(struct reader *r)
{
	for (;;) {
		r->p += strspn(r->p, " \t\r\n");
		if (*r->p != '#')
			return;
		r->p += strcspn(r->p, "\n");
	}
}

static int add_code_point(struct str *b, struct reader *r, size_t digits)
{
	char hex[9] = { 0 };
	unsigned long c;
	char utf8[4];
	size_t n = 0;

	if (strspn(r->p + 1, "0123456789abcdefABCDEF") < digits)
		return bad(r, "a bad \\u in a string");
	memcpy(hex, r->p + 1, digits);
	r->p += digits;
	c = strtoul(hex, NULL, 16);
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return bad(r, "a bad \\u in a string");
	if (c < 0x80) {
		utf8[n++] = (char)c;
	} else if (c < 0x800) {
		utf8[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		utf8[n++] = (char)(0xe0 | c >> 12);
		utf8[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		utf8[n++] = (char)(0xf0 | c >> 18);
		utf8[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		utf8[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		utf8[n++] = (char)(0x80 | (c & 0x3f));
	return str_add(b, utf8, n);
}

static int add_escape(struct str *b, struct reader *r)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	const char *at = *r->p ? strchr(from, *r->p) : NULL;

	if (at)
		return str_add(b, &to[at - from], 1);
	if (*r->p == 'u')
		return add_code_point(b, r, 4);
	if (*r->p == 'U')
		return add_code_point(b, r, 8);
	return bad(r, "an unknown escape in a string");
}

/* "basic" or 'literal', on one line; malloc'ed. */
static int read_string(struct reader *r, char **ret)
{
	_cleanup_str_ struct str b = { 0 };
	char quote = *r->p;
	int n;

	if (r->p[1] == quote && r->p[2] == quote)
		return bad(r, "strings of several lines are not read here");
	/* After an error the place stays where it is: behind it the text may have ended. */
	for (r->p++; *r->p != quote; r->p++) {
		if (!*r->p || *r->p == '\n')
			return bad(r, "a string without its end");
		if (*r->p == '\\' && quote == '"') {
			r->p++;
			n = add_escape(&b, r);
		} else {
			n = str_add(&b, r->p, 1);
		}
		if (n < 0)
			return n;
	}
	r->p++;
	*ret = b.s ? take_ptr(b.s) : strdup("");
	return *ret ? 0 : err_set(r->e, -ENOMEM, "%s", r->what);
}

static int read_key(struct reader *r, char **ret)
{
	static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_-";
	size_t n;

	skip_space(r);
	if (*r->p == '"' || *r->p == '\'')
		return read_string(r, ret);
	n = strspn(r->p, bare);
	if (n == 0)
		return bad(r, "want a key");
	*ret = strndup(r->p, n);
	r->p += n;
	return *ret ? 0 : err_set(r->e, -ENOMEM, "%s", r->what);
}

static int read_value(struct reader *r, json_t **ret);
static int read_pair(struct reader *r, json_t *table);

static int read_array(struct reader *r, json_t **ret)
{
	_cleanup_json_ json_t *list = json_array();

	r->p++;
	for (skip_lines(r); *r->p != ']'; skip_lines(r)) {
		json_t *v = NULL;
		int n = read_value(r, &v);

		if (n < 0)
			return n;
		if (json_array_append_new(list, v) < 0)
			return err_set(r->e, -ENOMEM, "%s", r->what);
		skip_lines(r);
		if (*r->p == ',')
			r->p++;
		else if (*r->p != ']')
			return bad(r, "want ',' or ']' in an array");
	}
	r->p++;
	*ret = take_ptr(list);
	return 0;
}

static int read_inline_table(struct reader *r, json_t **ret)
{
	_cleanup_json_ json_t *table = json_object();

	r->p++;
	skip_space(r);
	while (*r->p != '}') {
		int n = read_pair(r, table);

		if (n < 0)
			return n;
		skip_space(r);
		if (*r->p == ',')
			r->p++;
		else if (*r->p != '}')
			return bad(r, "want ',' or '}' in a table");
	}
	r->p++;
	*ret = take_ptr(table);
	return 0;
}

static int read_word(struct reader *r, json_t **ret)
{
	size_t n = strcspn(r->p, " \t\r\n,]}#");
	_cleanup_free_ char *word = strndup(r->p, n);
	int64_t number;

	if (!word)
		return err_set(r->e, -ENOMEM, "%s", r->what);
	if (streq(word, "true"))
		*ret = json_true();
	else if (streq(word, "false"))
		*ret = json_false();
	else if (parse_i64(word, &number) == 0)
		*ret = json_integer(number);
	else
		return bad(r, "a value that is not understood here");
	r->p += n;
	return 0;
}

static int read_value(struct reader *r, json_t **ret)
{
	_cleanup_free_ char *text = NULL;
	int n;

	if (++r->depth > MAX_DEPTH)
		return bad(r, "nested too deeply");
	if (*r->p == '"' || *r->p == '\'') {
		n = read_string(r, &text);
		if (n == 0 && !(*ret = json_string(text)))
			n = bad(r, "a string that is not UTF-8");
	} else if (*r->p == '[') {
		n = read_array(r, ret);
	} else if (*r->p == '{') {
		n = read_inline_table(r, ret);
	} else {
		n = read_word(r, ret);
	}
	r->depth--;
	return n;
}

/* The table below `table` with this name, made when it is missing; of an array the last one. */
static int enter(struct reader *r, json_t *table, const char *key, json_t **ret)
{
	json_t *o = json_object_get(table, key);

	if (!o) {
		o = json_object();
		if (json_object_set_new(table, key, o) < 0)
			return bad(r, "a key that is not UTF-8");
	}
	if (json_is_array(o))
		o = json_array_get(o, json_array_size(o) - 1);
	if (!json_is_object(o))
		return bad(r, "a key that is a value already");
	*ret = o;
	return 0;
}

/* KEY or KEY.KEY...: enters all but the last; *ret_key is that. */
static int read_path(struct reader *r, json_t **table, char **ret_key)
{
	int n = read_key(r, ret_key);

	for (skip_space(r); n == 0 && *r->p == '.'; skip_space(r)) {
		_cleanup_free_ char *key = take_ptr(*ret_key);

		r->p++;
		n = enter(r, *table, key, table);
		if (n == 0)
			n = read_key(r, ret_key);
	}
	return n;
}

static int read_pair(struct reader *r, json_t *table)
{
	_cleanup_free_ char *key = NULL;
	json_t *v = NULL;
	int n = read_path(r, &table, &key);

	if (n < 0)
		return n;
	if (*r->p != '=')
		return bad(r, "want KEY = VALUE");
	r->p++;
	skip_space(r);
	if (json_object_get(table, key))
		return bad(r, "a key for the second time");
	n = read_value(r, &v);
	if (n < 0)
		return n;
	return json_object_set_new(table, key, v) < 0 ? bad(r, "a key that is not UTF-8") : 0;
}

/* A table has one header: the second one would change what stands elsewhere in the file. */
static int note_header(struct reader *r, json_t *table)
{
	json_t **grown;

	for (size_t i = 0; i < r->n_headed; i++) {
		if (r->headed[i] == table)
			return bad(r, "a table for the second time");
	}
	grown = realloc(r->headed, (r->n_headed + 1) * sizeof(json_t *));
	if (!grown)
		return err_set(r->e, -ENOMEM, "%s", r->what);
	r->headed = grown;
	grown[r->n_headed++] = table;
	return 0;
}

/* [TABLE] or [[ARRAY]]: what follows belongs there. */
static int read_header(struct reader *r, json_t *root, json_t **ret)
{
	bool array = r->p[1] == '[';
	_cleanup_free_ char *key = NULL;
	json_t *table = root, *list;
	int n;

	r->p += array ? 2 : 1;
	n = read_path(r, &table, &key);
	if (n < 0)
		return n;
	if (strncmp(r->p, array ? "]]" : "]", array ? 2 : 1) != 0)
		return bad(r, "want ']' behind the name of a table");
	r->p += array ? 2 : 1;
	if (!array) {
		n = enter(r, table, key, ret);
		return n < 0 ? n : note_header(r, *ret);
	}
	list = json_object_get(table, key);
	if (!list) {
		list = json_array();
		if (json_object_set_new(table, key, list) < 0)
			return bad(r, "a key that is not UTF-8");
	}
	if (!json_is_array(list) || json_array_append_new(list, json_object()) < 0)
		return bad(r, "a key that is a value already");
	*ret = json_array_get(list, json_array_size(list) - 1);
	return 0;
}

int toml_parse(const char *text, const char *what, json_t **ret, struct err *e)
{
	_cleanup_json_ json_t *root = json_object();
	struct reader r = { .p = text, .start = text, .what = what, .e = e };
	json_t *table = root;
	int n = 0;

	if (!root)
		return err_set(e, -ENOMEM, "%s", what);
	for (skip_lines(&r); n == 0 && *r.p; skip_lines(&r)) {
		n = *r.p == '[' ? read_header(&r, root, &table) : read_pair(&r, table);
		skip_space(&r);
		if (n == 0 && *r.p && !strchr("\r\n#", *r.p))
			n = bad(&r, "more on the line than belongs there");
	}
	free(r.headed);
	if (n == 0)
		*ret = take_ptr(root);
	return n;
}
