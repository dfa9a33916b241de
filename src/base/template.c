/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of templates: walks the text once, and the body of a range once per element. */
#include "base/template.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/template_impl.h"

enum block_end { BLOCK_EOF, BLOCK_END, BLOCK_ELSE };

static int block(struct tmpl *t, json_t *dot);

/* The rest of a branch: reads up to {{end}}, which must come. */
static int until_end(struct tmpl *t, json_t *dot, bool live)
{
	bool saved = t->live;
	int r;

	t->live = saved && live;
	r = block(t, dot);
	t->live = saved;
	if (r < 0)
		return r;
	return r == BLOCK_END
		       ? 0
		       : template_syntax(t, r == BLOCK_EOF ? "missing {{end}}" : "second {{else}}");
}

static int do_if(struct tmpl *t, json_t *dot, bool with)
{
	_cleanup_json_ json_t *v = NULL;
	bool saved = t->live, yes;
	int r = template_pipeline(t, dot, &v);

	if (r == 0)
		r = template_close(t);
	if (r < 0)
		return r;
	yes = saved && template_truth(v);
	t->live = yes;
	r = block(t, with && v ? v : dot);
	t->live = saved;
	if (r < 0)
		return r;
	if (r == BLOCK_END)
		return 0;
	if (r == BLOCK_EOF)
		return template_syntax(t, "missing {{end}}");
	template_space(t);
	if (strncmp(t->p, "if", 2) == 0 && template_word(t->p + 2) == 0) {
		t->p += 2;
		t->live = saved && !yes;
		r = do_if(t, dot, false); /* shares the {{end}} */
		t->live = saved;
		return r;
	}
	r = template_close(t);
	return r < 0 ? r : until_end(t, dot, !yes);
}

/* `$v :=` or `$k, $v :=` before a pipeline: how many variables, in slots from *first on. */
static int declarations(struct tmpl *t, size_t *first)
{
	const char *p = t->p;
	size_t slot;
	int n = 0, r;

	*first = t->n_vars;
	while (*p == '$') { /* look ahead: is there a := behind the variables? */
		p += 1 + template_word(p + 1);
		p += strspn(p, " \t\n,");
	}
	if (p == t->p || strncmp(p, ":=", 2) != 0)
		return 0;
	while (*t->p == '$') {
		r = template_var(t, true, &slot);
		if (r < 0)
			return r;
		t->p += strspn(t->p, " \t\n,");
		n++;
	}
	t->p += 2;
	return n <= 2 ? n : template_syntax(t, "too many variables before :=");
}

struct range {
	const char *body;
	size_t first;
	int n_decl;
	bool ran;
	int end; /* enum block_end of the last run */
};

static int range_step(struct tmpl *t, struct range *g, json_t *key, json_t *v)
{
	size_t keep = t->n_vars;

	if (g->n_decl > 0)
		template_set_var(t, g->first + (size_t)g->n_decl - 1, v);
	if (g->n_decl > 1)
		template_set_var(t, g->first, key);
	g->ran = true;
	t->p = g->body;
	g->end = block(t, v);
	template_drop_vars(t, keep);
	return g->end < 0 ? g->end : 0;
}

static int cmp_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of a map in their order, as Go ranges over them; NULL when memory is out. */
static char **sorted_keys(json_t *map)
{
	_cleanup_strv_ char **keys = NULL;
	const char *key;
	json_t *item;

	json_object_foreach (map, key, item) {
		if (strv_add(&keys, key) < 0)
			return NULL;
	}
	if (!keys)
		return calloc(1, sizeof(*keys));
	qsort(keys, strv_len(keys), sizeof(*keys), cmp_key);
	return take_ptr(keys);
}

static int range_run(struct tmpl *t, struct range *g, json_t *v)
{
	json_t *item;
	size_t i;
	int r = 0;

	if (json_is_object(v)) {
		_cleanup_strv_ char **keys = sorted_keys(v);

		if (!keys)
			return err_set(t->e, -ENOMEM, "template");
		strv_foreach (key, keys) {
			_cleanup_json_ json_t *k = json_string(key);

			r = r < 0 ? r : range_step(t, g, k, json_object_get(v, key));
		}
		return r;
	}
	if (t->names) /* a header: the body once */
		return range_step(t, g, v, v);
	if (!json_is_array(v) && !json_is_null(v))
		return err_msg(t->e, -EINVAL, "template: range wants a list or a map");
	json_array_foreach (v, i, item) {
		_cleanup_json_ json_t *n = json_integer((json_int_t)i);

		r = r < 0 ? r : range_step(t, g, n, item);
	}
	return r;
}

static int do_range(struct tmpl *t, json_t *dot)
{
	struct range g = { .end = BLOCK_EOF };
	_cleanup_json_ json_t *v = NULL;
	bool saved = t->live;
	int r = declarations(t, &g.first);

	if (r < 0)
		return r;
	g.n_decl = r;
	r = template_pipeline(t, dot, &v);
	if (r == 0)
		r = template_close(t);
	if (r < 0)
		return r;
	g.body = t->p;
	if (saved)
		r = range_run(t, &g, v);
	if (r == 0 && !g.ran) { /* read over the body */
		t->live = false;
		r = g.end = block(t, dot);
		t->live = saved;
	}
	if (r < 0)
		return r;
	if (g.end == BLOCK_END)
		return 0;
	if (g.end == BLOCK_EOF)
		return template_syntax(t, "missing {{end}}");
	r = template_close(t);
	return r < 0 ? r : until_end(t, dot, !g.ran);
}

/* {{ PIPE }} or {{ $v := PIPE }} or {{ $v = PIPE }}: prints or assigns. */
static int do_value(struct tmpl *t, json_t *dot)
{
	_cleanup_json_ json_t *v = NULL;
	const char *start = t->p;
	size_t slot = 0;
	bool assign = false;
	int r = declarations(t, &slot);

	if (r == 0 && *t->p == '$') {
		t->p += 1 + template_word(t->p + 1);
		template_space(t);
		assign = t->p[0] == '=' && t->p[1] != '=';
		t->p = start;
		r = assign ? template_var(t, false, &slot) : 0;
		template_space(t);
		t->p += assign && r == 0;
	}
	if (r < 0)
		return r;
	assign = assign || r > 0;
	r = template_pipeline(t, dot, &v);
	if (r == 0 && t->live && assign)
		template_set_var(t, slot, v);
	else if (r == 0 && t->live)
		r = template_print(v, t->out);
	return r == -ENOMEM ? err_set(t->e, r, "template") : r < 0 ? r : template_close(t);
}

static bool keyword(struct tmpl *t, const char *word)
{
	size_t n = strlen(word);

	if (template_word(t->p) != n || strncmp(t->p, word, n) != 0)
		return false;
	t->p += n;
	template_space(t);
	return true;
}

/* Text up to the next action; \t and \n typed in a shell are meant as the characters. */
static int text(struct tmpl *t)
{
	const char *open = strstr(t->p, "{{"), *end = open ? open : t->p + strlen(t->p);
	const char *p = t->p;
	int r = 0;

	t->p = open ? open + 2 : end;
	if (open && t->p[0] == '-' && isspace((unsigned char)t->p[1])) {
		t->p++;
		while (end > p && isspace((unsigned char)end[-1]))
			end--;
	}
	for (; p < end && t->live && r == 0; p++) {
		bool esc = p[0] == '\\' && p + 1 < end && (p[1] == 't' || p[1] == 'n');

		r = str_add(t->out, esc ? (p[1] == 't' ? "\t" : "\n") : p, 1);
		p += esc;
	}
	return r < 0 ? err_set(t->e, r, "template") : open != NULL;
}

static int comment(struct tmpl *t)
{
	const char *end = strstr(t->p, "*/");

	if (!end)
		return template_syntax(t, "comment without its end");
	t->p = end + 2;
	template_space(t);
	return template_close(t);
}

static int actions(struct tmpl *t, json_t *dot)
{
	for (;;) {
		int r = text(t);

		if (r <= 0)
			return r < 0 ? r : BLOCK_EOF;
		template_space(t);
		if (strncmp(t->p, "/*", 2) == 0)
			r = comment(t);
		else if (keyword(t, "end"))
			return (r = template_close(t)) < 0 ? r : BLOCK_END;
		else if (keyword(t, "else"))
			return BLOCK_ELSE;
		else if (keyword(t, "if"))
			r = do_if(t, dot, false);
		else if (keyword(t, "with"))
			r = do_if(t, dot, true);
		else if (keyword(t, "range"))
			r = do_range(t, dot);
		else
			r = do_value(t, dot);
		if (r < 0)
			return r;
	}
}

/* Runs up to {{end}}, {{else}} (left open) or the end of the text. Variables end with it. */
static int block(struct tmpl *t, json_t *dot)
{
	size_t keep = t->n_vars;
	int r;

	if (++t->depth > TEMPLATE_DEPTH_MAX)
		return template_syntax(t, "nested too deeply");
	r = actions(t, dot);
	t->depth--;
	template_drop_vars(t, keep);
	return r;
}

static int run(struct tmpl *t, const char *text, json_t *data)
{
	int r;

	t->p = text;
	t->vars[t->n_vars++] = (struct var){ "", 0, json_incref(data) };
	r = block(t, data);
	template_drop_vars(t, 0);
	if (r <= BLOCK_EOF)
		return r;
	return template_syntax(
		t, r == BLOCK_END ? "{{end}} without a beginning" : "{{else}} without {{if}}");
}

int template_render(const char *tmpl, json_t *data, struct str *out, struct err *e)
{
	struct tmpl t = { .live = true, .out = out, .e = e };

	return run(&t, tmpl, data);
}

int template_check(const char *tmpl, struct err *e)
{
	struct tmpl t = { .e = e };

	return run(&t, tmpl, json_null());
}

int template_header(const char *tmpl, json_t *names, struct str *out, struct err *e)
{
	struct tmpl t = { .live = true, .names = names, .out = out, .e = e };

	return run(&t, tmpl, names);
}
