/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option tables: parsing, help and the manual page come from one table, so they cannot drift.
 *
 * Grammar (that of docker, Go's pflag): -a -bc -n VALUE -nVALUE --name VALUE --name=VALUE
 * --flag --flag=true|false, `--` ends options. With `stop_at_operand` the first operand ends them
 * too (run, exec), so that the payload's own flags are left alone.
 */
#ifndef UCTR_BASE_OPT_H
#define UCTR_BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum opt_type {
	OPT_T_END,
	OPT_T_FLAG, /* bool */
	OPT_T_STR, /* char *, the last one wins; owned by the args struct */
	OPT_T_LIST, /* char **, appended */
	OPT_T_CALL, /* call(field, value) */
	OPT_T_INCLUDE, /* another table, for a struct embedded at `off` */
};

struct opt {
	enum opt_type type;
	char sname; /* 0 when there is no short form */
	const char *lname; /* NULL only for END and INCLUDE */
	const char *alias; /* a second long name, or NULL */
	size_t off; /* of the field in the args struct */
	const char *meta; /* VALUE's name in help; NULL for flags */
	const char *help; /* one sentence, no full stop */
	int (*call)(void *field, const char *value, struct err *e);
	const struct opt *table;
};

#define OPT_FLAG(s, l, st, f, h)                                                                   \
	{                                                                                          \
		OPT_T_FLAG, s, l, NULL, offsetof(st, f), NULL, h, NULL, NULL                       \
	}
#define OPT_STR(s, l, st, f, m, h)                                                                 \
	{                                                                                          \
		OPT_T_STR, s, l, NULL, offsetof(st, f), m, h, NULL, NULL                           \
	}
#define OPT_LIST(s, l, st, f, m, h)                                                                \
	{                                                                                          \
		OPT_T_LIST, s, l, NULL, offsetof(st, f), m, h, NULL, NULL                          \
	}
#define OPT_CALL(s, l, st, f, m, h, fn)                                                            \
	{                                                                                          \
		OPT_T_CALL, s, l, NULL, offsetof(st, f), m, h, fn, NULL                            \
	}
#define OPT_ALIAS(s, l, a, ty, st, f, m, h)                                                        \
	{                                                                                          \
		ty, s, l, a, offsetof(st, f), m, h, NULL, NULL                                     \
	}
#define OPT_INCLUDE(st, f, t)                                                                      \
	{                                                                                          \
		OPT_T_INCLUDE, 0, NULL, NULL, offsetof(st, f), NULL, NULL, NULL, t                 \
	}
#define OPT_END                                                                                    \
	{                                                                                          \
		OPT_T_END, 0, NULL, NULL, 0, NULL, NULL, NULL, NULL                                \
	}

/*
 * Parses argv[1..argc-1] (argv[0] is the command's name, for error texts) into the struct at
 * `args`. *ret_operands is a NULL-terminated tail or reordered part of argv (borrowed).
 * Returns 0, 1 when --help was met (nothing else is looked at then), or an error.
 */
int opt_parse(const struct opt *table, void *args, bool stop_at_operand, int argc, char **argv,
	char ***ret_operands, struct err *e);

/* The program that error texts name in "see 'PROGRAM COMMAND --help'"; "uctr" unless set. */
extern const char *opt_program;

/* Frees what OPT_T_STR and OPT_T_LIST fields own; fields of OPT_T_CALL are the command's own. */
void opt_free(const struct opt *table, void *args);

/* Calls fn for each real option, includes flattened, sorted by long name (for help, man, shells). */
void opt_each(const struct opt *table, void (*fn)(const struct opt *o, void *ctx), void *ctx);

/* Prints the OPTIONS part of a help text to stdout. */
void opt_print(const struct opt *table);

#endif
