/* SPDX-License-Identifier: Apache-2.0 */
/* Values and functions of templates. */
#include "base/template_impl.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/template.h"

typedef int func_fn(const char *name, json_t **a, size_t n, json_t **ret, struct err *e);

struct template_func {
	const char *name;
	size_t min, max;
	func_fn *fn;
};

bool template_truth(json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_NULL:
	case JSON_FALSE:
		return false;
	case JSON_STRING:
		return json_string_length(v) > 0;
	case JSON_ARRAY:
		return json_array_size(v) > 0;
	case JSON_OBJECT:
		return json_object_size(v) > 0;
	case JSON_INTEGER:
		return json_integer_value(v) != 0;
	case JSON_REAL:
		return json_real_value(v) < 0 || json_real_value(v) > 0;
	default:
		return true;
	}
}

static int print_members(json_t *v, struct str *out)
{
	const char *key;
	json_t *item;
	size_t i;
	int r = 0;

	if (json_is_array(v)) {
		json_array_foreach (v, i, item) {
			if (r == 0 && i > 0)
				r = str_add(out, " ", 1);
			if (r == 0)
				r = template_print(item, out);
		}
		return r;
	}
	i = 0;
	json_object_foreach (v, key, item) {
		if (r == 0)
			r = str_addf(out, "%s%s:", i++ ? " " : "", key);
		if (r == 0)
			r = template_print(item, out);
	}
	return r;
}

int template_print(json_t *v, struct str *out)
{
	int r;

	switch (json_typeof(v)) {
	case JSON_STRING:
		return str_add(out, json_string_value(v), json_string_length(v));
	case JSON_INTEGER:
		return str_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	case JSON_REAL:
		return str_addf(out, "%.15g", json_real_value(v));
	case JSON_TRUE:
		return str_add(out, "true", 4);
	case JSON_FALSE:
		return str_add(out, "false", 5);
	case JSON_NULL:
		return str_addf(out, "<no value>");
	default:
		r = str_addf(out, json_is_array(v) ? "[" : "map[");
		if (r == 0)
			r = print_members(v, out);
		return r < 0 ? r : str_add(out, "]", 1);
	}
}

/* Turns a built buffer into a string value and frees it; r is what building it returned. */
static int finish(struct str *b, int r, json_t **ret, struct err *e)
{
	if (r == 0) {
		*ret = json_stringn(b->s ? b->s : "", b->len);
		if (!*ret)
			*ret = json_text(b->s ? b->s : ""); /* cut inside a character */
		if (!*ret)
			r = -ENOMEM;
	}
	str_free(b);
	return r < 0 ? err_set(e, r, "template") : 0;
}

static int fn_json(const char *name, json_t **a, size_t n, json_t **ret, struct err *e)
{
	char *s = json_dumps(a[0], JSON_COMPACT | JSON_ENCODE_ANY);

	(void)name;
	(void)n;
	*ret = s ? json_string(s) : NULL;
	free(s);
	return *ret ? 0 : err_set(e, -ENOMEM, "template");
}

static int fn_print(const char *name, json_t **a, size_t n, json_t **ret, struct err *e)
{
	bool line = streq(name, "println");
	struct str b = { 0 };
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		/* Go's Print puts a space between two operands when neither is a string. */
		if (i > 0 && (line || (!json_is_string(a[i]) && !json_is_string(a[i - 1]))))
			r = str_add(&b, " ", 1);
		if (r == 0)
			r = template_print(a[i], &b);
	}
	if (r == 0 && line)
		r = str_add(&b, "\n", 1);
	return finish(&b, r, ret, e);
}

/* One verb of printf at *p (behind '%' and the flags); flags are kept for %s and %d. */
static int print_verb(char verb, const char *flags, json_t *v, struct str *b)
{
	_cleanup_str_ struct str text = { 0 };
	char fmt[16];
	int width = 0, r;

	if (verb == 'q') {
		_cleanup_free_ char *s = json_dumps(v, JSON_ENCODE_ANY);

		return s ? str_addf(b, "%s", s) : -ENOMEM;
	}
	r = template_print(v, &text);
	if (r < 0)
		return r;
	snprintf(fmt, sizeof(fmt), "%s", flags);
	if (sscanf(fmt, "%d", &width) == 1 && width > -1000 && width < 1000)
		return str_addf(b, "%*s", width, text.s ? text.s : "");
	return str_add(b, text.s ? text.s : "", text.len);
}

static int fn_printf(const char *name, json_t **a, size_t n, json_t **ret, struct err *e)
{
	const char *p = json_string_value(a[0]);
	struct str b = { 0 };
	size_t used = 1;
	int r = 0;

	if (!p)
		return err_msg(e, -EINVAL, "template: %s wants a format string", name);
	for (; *p && r == 0; p++) {
		char flags[8] = "";
		size_t len;

		if (*p != '%') {
			r = str_add(&b, p, 1);
			continue;
		}
		len = strspn(++p, "-0123456789");
		if (len < sizeof(flags))
			snprintf(flags, sizeof(flags), "%.*s", (int)len, p);
		p += len;
		if (*p == '%') {
			r = str_add(&b, "%", 1);
			continue;
		}
		if (!*p || !strchr("svdqt", *p) || used >= n) {
			str_free(&b);
			return err_msg(e, -EINVAL,
				*p && strchr("svdqt", *p)
					? "template: printf has more verbs than operands"
					: "template: printf knows %%s %%v %%d %%q %%t");
		}
		r = print_verb(*p, flags, a[used++], &b);
	}
	if (r == 0 && used < n) {
		str_free(&b);
		return err_msg(e, -EINVAL, "template: printf has more operands than verbs");
	}
	return finish(&b, r, ret, e);
}

static int fn_case(const char *name, json_t **a, size_t n, json_t **ret, struct err *e)
{
	struct str b = { 0 };
	int r = template_print(a[0], &b);
	bool start = true;

	(void)n;
	for (size_t i = 0; i < b.len; i++) {
		unsigned char c = (unsigned char)b.s[i];

		if (streq(name, "lower"))
			b.s[i] = (char)tolower(c);
		else if (streq(name, "upper") || start)
			b.s[i] = (char)toupper(c);
		start = c == ' ';
	}
	return finish(&b, r, ret, e);
}

static int fn_len(const char *name, json_t **a, size_t n, json_t **ret, struct err *e)
{
	(void)n;
	if (json_is_string(a[0]))
		*ret = json_integer((json_int_t)json_string_length(a[0]));
	else if (json_is_array(a[0]) || json_is_object(a[0]) || json_is_null(a[0]))
		*ret = json_integer((json_int_t)(json_array_size(a[0]) + json_object_size(a[0])));
	else
		return err_msg(e, -EINVAL, "template: %s wants a string, a list or a map", name);
	return *ret ? 0 : err_set(e, -ENOMEM, "template");
}

static int fn_join(const char *name, json_t **a, size_t n, json_t **ret, struct err *e)
{
	const char *sep = json_string_value(a[1]);
	struct str b = { 0 };
	json_t *v;
	size_t i;
	int r = 0;

	(void)n;
	if ((!json_is_array(a[0]) && !json_is_null(a[0])) || !sep)
		return err_msg(e, -EINVAL, "template: %s wants a list and a separator", name);
	json_array_foreach (a[0], i, v) {
		if (r == 0 && i > 0)
			r = str_add(&b, sep, strlen(sep));
		if (r == 0)
			r = template_print(v, &b);
	}
	return finish(&b, r, ret, e);
}

static int fn_split(const char *name, json_t **a, size_t n, json_t **ret, struct err *e)
{
	const char *s = json_string_value(a[0]), *sep = json_string_value(a[1]), *end;
	json_t *list = json_array();

	(void)n;
	if (!s || !sep || !*sep) {
		json_decref(list);
		return err_msg(e, -EINVAL, "template: %s wants a string and a separator", name);
	}
	for (; (end = strstr(s, sep)); s = end + strlen(sep))
		json_array_append_new(list, json_stringn(s, (size_t)(end - s)));
	if (json_array_append_new(list, json_text(s)) < 0) {
		json_decref(list);
		return err_set(e, -ENOMEM, "template");
	}
	*ret = list;
	return 0;
}

int template_index(json_t *from, json_t *key, json_t **ret, struct err *e)
{
	json_t *v = NULL;

	if (json_is_object(from) && json_is_string(key)) {
		v = json_object_get(from, json_string_value(key));
		*ret = v ? json_incref(v) : json_string("");
		return *ret ? 0 : err_set(e, -ENOMEM, "template");
	}
	if (json_is_array(from) && json_is_integer(key)) {
		json_int_t i = json_integer_value(key);

		v = i >= 0 ? json_array_get(from, (size_t)i) : NULL;
		if (!v)
			return err_msg(e, -EINVAL,
				"template: index %" JSON_INTEGER_FORMAT " of a list of %zu", i,
				json_array_size(from));
		*ret = json_incref(v);
		return 0;
	}
	return err_msg(
		e, -EINVAL, "template: index wants a map and a string, or a list and a number");
}

static int fn_index(const char *name, json_t **a, size_t n, json_t **ret, struct err *e)
{
	_cleanup_json_ json_t *v = json_incref(a[0]);

	(void)name;
	for (size_t i = 1; i < n; i++) {
		json_t *next = NULL;
		int r = template_index(v, a[i], &next, e);

		if (r < 0)
			return r;
		json_decref(v);
		v = next;
	}
	*ret = take_ptr(v);
	return 0;
}

/* slice TEXT FROM [TO] and truncate TEXT LEN: bytes, as in Go. */
static int fn_slice(const char *name, json_t **a, size_t n, json_t **ret, struct err *e)
{
	const char *s = json_string_value(a[0]);
	bool cut = streq(name, "truncate");
	json_int_t len = (json_int_t)json_string_length(a[0]), from, to;
	struct str b = { 0 };

	if (!s || !json_is_integer(a[1]) || (n > 2 && !json_is_integer(a[2])))
		return err_msg(e, -EINVAL, "template: %s wants a string and numbers", name);
	from = cut ? 0 : json_integer_value(a[1]);
	to = cut ? json_integer_value(a[1]) : n > 2 ? json_integer_value(a[2]) : len;
	if (cut && to > len)
		to = len;
	if (from < 0 || from > to || to > len)
		return err_msg(e, -EINVAL, "template: %s is out of range", name);
	return finish(&b, str_add(&b, s + from, (size_t)(to - from)), ret, e);
}

static int order(json_t *a, json_t *b)
{
	if (json_is_string(a) && json_is_string(b))
		return strcmp(json_string_value(a), json_string_value(b));
	return (json_number_value(a) > json_number_value(b)) -
	       (json_number_value(a) < json_number_value(b));
}

static int fn_compare(const char *name, json_t **a, size_t n, json_t **ret, struct err *e)
{
	bool yes = false;

	if (streq(name, "eq") || streq(name, "ne")) {
		/* eq takes more operands: is the first equal to any of the others? */
		for (size_t i = 1; i < n; i++)
			yes = yes || json_equal(a[0], a[i]);
		*ret = json_boolean(streq(name, "eq") ? yes : !yes);
		return 0;
	}
	if (!(json_is_string(a[0]) && json_is_string(a[1])) &&
		!(json_is_number(a[0]) && json_is_number(a[1])))
		return err_msg(e, -EINVAL, "template: %s wants two strings or two numbers", name);
	if (name[0] == 'l')
		yes = name[1] == 't' ? order(a[0], a[1]) < 0 : order(a[0], a[1]) <= 0;
	else
		yes = name[1] == 't' ? order(a[0], a[1]) > 0 : order(a[0], a[1]) >= 0;
	*ret = json_boolean(yes);
	return 0;
}

/* and: the first empty operand or the last; or: the first that is not empty or the last. */
static int fn_logic(const char *name, json_t **a, size_t n, json_t **ret, struct err *e)
{
	size_t i = 0;

	(void)e;
	if (streq(name, "not")) {
		*ret = json_boolean(!template_truth(a[0]));
		return 0;
	}
	while (i + 1 < n && template_truth(a[i]) == streq(name, "and"))
		i++;
	*ret = json_incref(a[i]);
	return 0;
}

static const struct template_func funcs[] = {
	{ "json", 1, 1, fn_json },
	{ "print", 0, TEMPLATE_ARGS_MAX, fn_print },
	{ "println", 0, TEMPLATE_ARGS_MAX, fn_print },
	{ "printf", 1, TEMPLATE_ARGS_MAX, fn_printf },
	{ "upper", 1, 1, fn_case },
	{ "lower", 1, 1, fn_case },
	{ "title", 1, 1, fn_case },
	{ "len", 1, 1, fn_len },
	{ "join", 2, 2, fn_join },
	{ "split", 2, 2, fn_split },
	{ "index", 1, TEMPLATE_ARGS_MAX, fn_index },
	{ "slice", 2, 3, fn_slice },
	{ "truncate", 2, 2, fn_slice },
	{ "eq", 2, TEMPLATE_ARGS_MAX, fn_compare },
	{ "ne", 2, 2, fn_compare },
	{ "lt", 2, 2, fn_compare },
	{ "le", 2, 2, fn_compare },
	{ "gt", 2, 2, fn_compare },
	{ "ge", 2, 2, fn_compare },
	{ "and", 1, TEMPLATE_ARGS_MAX, fn_logic },
	{ "or", 1, TEMPLATE_ARGS_MAX, fn_logic },
	{ "not", 1, 1, fn_logic },
};

const struct template_func *template_func_find(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(funcs); i++) {
		if (strlen(funcs[i].name) == n && memcmp(funcs[i].name, name, n) == 0)
			return &funcs[i];
	}
	return NULL;
}

int template_call(
	const struct template_func *f, json_t **args, size_t n, json_t **ret, struct err *e)
{
	if (n < f->min || n > f->max)
		return err_msg(e, -EINVAL, "template: %s wants %s%zu operands, got %zu", f->name,
			f->min == f->max ? "" : "at least ", f->min, n);
	return f->fn(f->name, args, n, ret, e);
}
