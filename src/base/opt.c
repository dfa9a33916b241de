/* SPDX-License-Identifier: Apache-2.0 */
/* Option-table parser and help printer. */
#include "base/opt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

const char *opt_program = "uctr";

struct found {
	const struct opt *o;
	char *field;
};

static bool find(const struct opt *t, char *args, char s, const char *l, size_t n, struct found *f)
{
	for (; t->type != OPT_T_END; t++) {
		if (t->type == OPT_T_INCLUDE) {
			if (find(t->table, args + t->off, s, l, n, f))
				return true;
			continue;
		}
		if (s ? t->sname == s
		      : (strlen(t->lname) == n && memcmp(t->lname, l, n) == 0) ||
					(t->alias && strlen(t->alias) == n &&
						memcmp(t->alias, l, n) == 0)) {
			f->o = t;
			f->field = args + t->off;
			return true;
		}
	}
	return false;
}

static int apply(const struct found *f, const char *shown, const char *value, struct err *e)
{
	int r = 0;

	switch (f->o->type) {
	case OPT_T_FLAG:
		if (value && parse_bool(value, (bool *)f->field) < 0)
			return err_msg(e, -EINVAL, "%s: '%s' is not true or false", shown, value);
		if (!value)
			*(bool *)f->field = true;
		return 0;
	case OPT_T_STR:
		free(*(char **)f->field);
		*(char **)f->field = strdup(value);
		return *(char **)f->field ? 0 : err_set(e, -ENOMEM, "%s", shown);
	case OPT_T_LIST:
		r = strv_add((char ***)f->field, value);
		return r < 0 ? err_set(e, r, "%s", shown) : 0;
	case OPT_T_CALL:
		r = f->o->call(f->field, value, e);
		return r < 0 ? err_wrap(e, r, "%s", shown) : 0;
	default:
		return err_msg(e, -EINVAL, "%s: bad option table", shown);
	}
}

static int parse_long(
	const struct opt *t, void *args, const char *cmd, char **argv, int *i, struct err *e)
{
	const char *name = argv[*i] + 2, *eq = strchr(name, '='), *value = eq ? eq + 1 : NULL;
	size_t n = eq ? (size_t)(eq - name) : strlen(name);
	struct found f;
	char shown[64];

	if (n == 4 && strncmp(name, "help", 4) == 0)
		return 1;
	if (!find(t, args, 0, name, n, &f)) {
		_cleanup_free_ char *clean = str_sanitise(argv[*i]);

		return err_msg(e, -EINVAL, "unknown flag %s; see '%s%s%s --help'",
			clean ? clean : "", opt_program, *cmd ? " " : "", cmd);
	}
	snprintf(shown, sizeof(shown), "--%s", f.o->lname);
	if (!value && f.o->type != OPT_T_FLAG) {
		value = argv[*i + 1];
		if (!value)
			return err_msg(e, -EINVAL, "%s needs a value (%s)", shown, f.o->meta);
		++*i;
	}
	return apply(&f, shown, value, e);
}

static int parse_short(
	const struct opt *t, void *args, const char *cmd, char **argv, int *i, struct err *e)
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		struct found f;
		char shown[3] = { '-', *p, 0 };
		int r;

		if (!find(t, args, *p, NULL, 0, &f)) {
			_cleanup_free_ char *clean = str_sanitise(argv[*i]);

			return err_msg(e, -EINVAL, "unknown flag -%.1s in %s; see '%s%s%s --help'",
				char_is_control((unsigned char)*p) ? "?" : p, clean ? clean : "",
				opt_program, *cmd ? " " : "", cmd);
		}
		if (f.o->type == OPT_T_FLAG) {
			if (p[1] == '=')
				return apply(&f, shown, p + 2, e);
			r = apply(&f, shown, NULL, e);
			if (r < 0)
				return r;
			continue;
		}
		if (p[1])
			return apply(&f, shown, p[1] == '=' ? p + 2 : p + 1, e);
		if (!argv[*i + 1])
			return err_msg(e, -EINVAL, "%s needs a value (%s)", shown, f.o->meta);
		++*i;
		return apply(&f, shown, argv[*i], e);
	}
	return 0;
}

int opt_parse(const struct opt *table, void *args, bool stop_at_operand, int argc, char **argv,
	char ***ret_operands, struct err *e)
{
	int out = 1, i;

	for (i = 1; i < argc; i++) {
		int r = 0;

		if (streq(argv[i], "--")) {
			i++;
			break;
		}
		if (argv[i][0] != '-' || !argv[i][1]) {
			if (stop_at_operand)
				break;
			argv[out++] = argv[i];
			continue;
		}
		if (argv[i][1] == '-')
			r = parse_long(table, args, argv[0], argv, &i, e);
		else
			r = parse_short(table, args, argv[0], argv, &i, e);
		if (r != 0)
			return r;
	}
	while (i < argc)
		argv[out++] = argv[i++];
	argv[out] = NULL;
	*ret_operands = argv + 1;
	return 0;
}

void opt_free(const struct opt *t, void *args)
{
	for (; t->type != OPT_T_END; t++) {
		char *field = (char *)args + t->off;

		if (t->type == OPT_T_INCLUDE) {
			opt_free(t->table, field);
		} else if (t->type == OPT_T_STR) {
			free(*(char **)field);
			*(char **)field = NULL;
		} else if (t->type == OPT_T_LIST) {
			strv_free(*(char ***)field);
			*(char ***)field = NULL;
		}
	}
}

#define OPT_MAX 256

static size_t collect(const struct opt *t, const struct opt **all, size_t n)
{
	for (; t->type != OPT_T_END; t++) {
		if (t->type == OPT_T_INCLUDE)
			n = collect(t->table, all, n);
		else if (n < OPT_MAX)
			all[n++] = t;
	}
	return n;
}

static int cmp_opt(const void *a, const void *b)
{
	return strcmp(
		(*(const struct opt *const *)a)->lname, (*(const struct opt *const *)b)->lname);
}

void opt_each(const struct opt *table, void (*fn)(const struct opt *o, void *ctx), void *ctx)
{
	const struct opt *all[OPT_MAX];
	size_t n = collect(table, all, 0);

	qsort(all, n, sizeof(all[0]), cmp_opt);
	for (size_t i = 0; i < n; i++)
		fn(all[i], ctx);
}

static void print_one(const struct opt *o, void *ctx)
{
	char left[80];
	int n;

	(void)ctx;
	n = snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->sname ? '-' : ' ',
		o->sname ? o->sname : ' ', o->sname ? "," : " ", o->lname, o->meta ? " " : "",
		o->meta ? o->meta : "");
	printf("  %-*s%s%s\n", 32, left, n >= 32 ? "  " : "", o->help);
}

void opt_print(const struct opt *table)
{
	opt_each(table, print_one, NULL);
}
