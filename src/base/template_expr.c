/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions of templates: fields, variables, literals, function calls and pipes. */
#include "base/template_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/template.h"

int template_syntax(struct tmpl *t, const char *what)
{
	_cleanup_free_ char *near = str_sanitise(t->p);

	return err_msg(t->e, -EINVAL, "template: %s%s%.40s", what, *t->p ? " at " : " at the end",
		near ? near : "");
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

size_t template_word(const char *p)
{
	size_t n = 0;

	while (is_word(p[n]))
		n++;
	return n;
}

void template_space(struct tmpl *t)
{
	while (isspace((unsigned char)*t->p))
		t->p++;
}

/* Is the action's end here? Go wants a space before the minus of -}}. */
static bool at_close(const struct tmpl *t)
{
	return strncmp(t->p, "}}", 2) == 0 || strncmp(t->p, "-}}", 3) == 0;
}

int template_close(struct tmpl *t)
{
	bool trim = *t->p == '-';

	if (!at_close(t))
		return template_syntax(t, "expected }}");
	t->p += trim ? 3 : 2;
	if (trim)
		template_space(t);
	return 0;
}

void template_set_var(struct tmpl *t, size_t slot, json_t *val)
{
	json_decref(t->vars[slot].val);
	t->vars[slot].val = json_incref(val);
}

void template_drop_vars(struct tmpl *t, size_t keep)
{
	while (t->n_vars > keep) {
		t->n_vars--;
		json_decref(t->vars[t->n_vars].val);
	}
}

int template_var(struct tmpl *t, bool declare, size_t *ret)
{
	const char *name = t->p + 1;
	size_t n = template_word(name);

	t->p += n + 1;
	for (size_t i = t->n_vars; !declare && i > 0; i--) {
		struct var *v = &t->vars[i - 1];

		if (v->len == n && memcmp(v->name, name, n) == 0) {
			*ret = i - 1;
			return 0;
		}
	}
	if (!declare || t->n_vars == TEMPLATE_VARS_MAX) {
		t->p -= n + 1;
		return template_syntax(t, declare ? "too many variables" : "undefined variable");
	}
	t->vars[t->n_vars] = (struct var){ name, n, json_null() };
	*ret = t->n_vars++;
	return 0;
}

static int unknown_field(struct tmpl *t, json_t *v, const char *name, size_t n)
{
	_cleanup_str_ struct str have = { 0 };
	_cleanup_free_ char *clean = NULL;
	const char *key;
	json_t *item;

	json_object_foreach (v, key, item) {
		if (have.len < 400 && str_addf(&have, "%s%s", have.len ? ", " : "", key) < 0)
			break;
	}
	clean = have.s ? str_sanitise(have.s) : NULL;
	return err_msg(t->e, -EINVAL, "template: no field .%.*s%s%s", (int)n, name,
		clean ? "; there are " : " in a value without fields", clean ? clean : "");
}

/* What a column with this field is called in a header line. */
static json_t *header_name(struct tmpl *t, char *key)
{
	json_t *v = json_object_get(t->names, key);

	if (v)
		return json_incref(v);
	for (char *c = key; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return json_string(key);
}

/* Follows .A.B behind a value, which it takes over; *v is NULL when not live. */
static int fields(struct tmpl *t, json_t **v)
{
	while (*t->p == '.' && is_word(t->p[1])) {
		const char *name = t->p + 1;
		size_t n = template_word(name);
		char key[128];
		json_t *next;

		t->p += n + 1;
		if (!t->live)
			continue;
		snprintf(key, sizeof(key), "%.*s", (int)n, name);
		next = t->names ? header_name(t, key) : json_incref(json_object_get(*v, key));
		if (!next && streq(key, "Label"))
			next = json_incref(json_object_get(*v, "Labels"));
		if (!next)
			return t->names ? err_set(t->e, -ENOMEM, "template")
					: unknown_field(t, *v, name, n);
		json_decref(*v);
		*v = next;
	}
	return 0;
}

static int string_term(struct tmpl *t, json_t **ret)
{
	_cleanup_str_ struct str b = { 0 };
	char quote = *t->p++;
	int r = 0;

	for (; *t->p && *t->p != quote && r == 0; t->p++) {
		static const char from[] = "ntr\"\\", to[] = "\n\t\r\"\\";
		const char *esc = t->p[0] == '\\' && t->p[1] ? strchr(from, t->p[1]) : NULL;

		if (quote == '`' || *t->p != '\\')
			r = str_add(&b, t->p, 1);
		else if (!esc)
			return template_syntax(t, "unknown escape");
		else
			r = str_add(&b, &to[esc - from], 1);
		if (quote == '"' && esc)
			t->p++;
	}
	if (r < 0)
		return err_set(t->e, r, "template");
	if (*t->p != quote)
		return template_syntax(t, "string without its closing quote");
	t->p++;
	*ret = json_text(b.s ? b.s : "");
	return *ret ? 0 : err_set(t->e, -ENOMEM, "template");
}

static int word_term(struct tmpl *t, json_t **ret)
{
	size_t n = template_word(t->p);
	char word[24];

	snprintf(word, sizeof(word), "%.*s", (int)n, t->p);
	if (isdigit((unsigned char)*t->p) || *t->p == '-') {
		bool minus = *t->p == '-';
		uint64_t v;

		snprintf(
			word, sizeof(word), "%.*s", (int)template_word(t->p + minus), t->p + minus);
		if (parse_u64(word, &v) < 0 || v > INT64_MAX)
			return template_syntax(t, "bad number");
		n = strlen(word) + minus;
		*ret = json_integer(minus ? -(json_int_t)v : (json_int_t)v);
	} else if (streq(word, "true") || streq(word, "false")) {
		*ret = json_boolean(word[0] == 't');
	} else if (streq(word, "nil")) {
		*ret = json_null();
	} else {
		return template_syntax(t, n ? "unknown function" : "unexpected text");
	}
	t->p += n;
	return *ret ? 0 : err_set(t->e, -ENOMEM, "template");
}

/* One operand: a field, variable, literal or parenthesis. New reference, NULL when not live. */
static int term(struct tmpl *t, json_t *dot, json_t **ret)
{
	_cleanup_json_ json_t *v = NULL;
	size_t slot;
	int r = 0;

	if (*t->p == '.') {
		v = t->live ? json_incref(dot) : NULL;
		if (!is_word(t->p[1]))
			t->p++;
	} else if (*t->p == '$') {
		r = template_var(t, false, &slot);
		if (r == 0 && t->live)
			v = json_incref(t->vars[slot].val);
	} else if (*t->p == '(') {
		t->p++;
		r = template_pipeline(t, dot, &v);
		if (r == 0 && *t->p != ')')
			r = template_syntax(t, "expected )");
		if (r == 0)
			t->p++;
	} else {
		r = *t->p == '"' || *t->p == '`' ? string_term(t, &v) : word_term(t, &v);
		if (r < 0)
			return r;
		*ret = take_ptr(v);
		return 0;
	}
	if (r == 0)
		r = fields(t, &v);
	*ret = r == 0 ? take_ptr(v) : NULL;
	return r;
}

static void free_args(json_t **args, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_decref(args[i]);
}

/* Operands up to | ) or }}, appended to args. */
static int operands(struct tmpl *t, json_t *dot, json_t **args, size_t *n)
{
	for (;;) {
		int r;

		template_space(t);
		if (!*t->p || *t->p == '|' || *t->p == ')' || at_close(t))
			return 0;
		if (*n + 1 >= TEMPLATE_ARGS_MAX)
			return template_syntax(t, "too many operands");
		args[*n] = NULL;
		r = term(t, dot, &args[*n]);
		if (r < 0)
			return r;
		++*n;
	}
}

/* Applies f (or, without one, the lookup of args[0] by its operands) to what was read. */
static int apply(struct tmpl *t, const struct template_func *f, json_t **args, size_t n, bool piped,
	json_t **ret)
{
	if (!t->live)
		return 0;
	if (t->names) {
		*ret = n == 0 ? json_string("") : json_incref(args[piped ? n - 1 : 0]);
		return 0;
	}
	if (f)
		return template_call(f, args, n, ret, t->e);
	if (n == 1) {
		*ret = json_incref(args[0]);
		return 0;
	}
	if (n > 2 || piped)
		return template_syntax(t, "operands without a function before");
	return template_index(args[0], args[1], ret, t->e);
}

/* One command of a pipeline; takes `piped` over as the last operand. */
static int command(struct tmpl *t, json_t *dot, bool has_piped, json_t *piped, json_t **ret)
{
	json_t *args[TEMPLATE_ARGS_MAX] = { NULL };
	const struct template_func *f = NULL;
	size_t n = 0, len;
	int r;

	template_space(t);
	len = isalpha((unsigned char)*t->p) ? template_word(t->p) : 0;
	if (len > 0)
		f = template_func_find(t->p, len);
	if (f)
		t->p += len;
	r = operands(t, dot, args, &n);
	if (r == 0 && !f && n == 0)
		r = template_syntax(t, "missing value");
	if (has_piped)
		args[n++] = piped;
	if (r == 0)
		r = apply(t, f, args, n, has_piped, ret);
	free_args(args, n);
	return r;
}

int template_pipeline(struct tmpl *t, json_t *dot, json_t **ret)
{
	json_t *v = NULL, *next = NULL;
	bool piped = false;
	int r;

	if (++t->depth > TEMPLATE_DEPTH_MAX)
		return template_syntax(t, "nested too deeply");
	for (;;) {
		r = command(t, dot, piped, v, &next);
		if (r < 0)
			return r;
		v = take_ptr(next);
		if (*t->p != '|')
			break;
		t->p++;
		piped = true;
	}
	t->depth--;
	*ret = v;
	return 0;
}
