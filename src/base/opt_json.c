/* SPDX-License-Identifier: Apache-2.0 */
/* Options to JSON and back. */
#include "base/opt_json.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"

static json_t *list(char *const *v)
{
	json_t *a = json_array();

	strv_foreach (s, v) {
		if (json_array_append_new(a, json_string(s)) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

static int save(const struct opt *t, const char *args, json_t *o)
{
	for (; t->type != OPT_T_END; t++) {
		const void *field = args + t->off;
		bool given = t->type == OPT_T_FLAG ? *(const bool *)field
						   : *(char *const *)field != NULL;
		int r = 0;

		if (t->type == OPT_T_INCLUDE)
			r = save(t->table, field, o);
		else if (given)
			r = json_object_set_new(o, t->lname,
				t->type == OPT_T_FLAG  ? json_true()
				: t->type == OPT_T_STR ? json_string(*(char *const *)field)
						       : list(*(char **const *)field));
		if (r < 0)
			return r;
	}
	return 0;
}

json_t *opt_save(const struct opt *table, const void *args)
{
	json_t *o = json_object();

	if (o && save(table, args, o) == 0)
		return o;
	json_decref(o);
	return NULL;
}

/* As a person would have typed it. */
static int add_words(char ***argv, const char *name, json_t *v, struct err *e)
{
	json_t *one;
	size_t i;
	int r = -EINVAL;

	if (json_is_true(v))
		r = strv_addf(argv, "--%s", name);
	else if (json_is_string(v))
		r = strv_addf(argv, "--%s=%s", name, json_string_value(v));
	else if (json_is_array(v))
		r = 0;
	json_array_foreach (v, i, one) {
		if (r == 0)
			r = json_is_string(one)
				    ? strv_addf(argv, "--%s=%s", name, json_string_value(one))
				    : -EINVAL;
	}
	return r < 0 ? err_set(e, r, "option --%s", name) : 0;
}

int opt_load(const struct opt *table, void *args, json_t *o, struct err *e)
{
	_cleanup_strv_ char **words = NULL;
	_cleanup_free_ char **argv = NULL;
	char **operands;
	const char *name;
	json_t *v;
	int r = strv_add(&words, "");

	json_object_foreach (o, name, v) {
		if (r == 0)
			r = add_words(&words, name, v, e);
	}
	if (r < 0)
		return r;
	/* Its own vector: the parser puts other words into its places. */
	argv = calloc(strv_len(words) + 1, sizeof(*argv));
	if (!argv)
		return err_set(e, -ENOMEM, "options");
	memcpy(argv, words, strv_len(words) * sizeof(*argv));
	return opt_parse(table, args, false, (int)strv_len(words), argv, &operands, e);
}
