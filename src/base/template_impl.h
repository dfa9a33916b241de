/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of base/template*.c; nobody else includes this. */
#ifndef UCTR_BASE_TEMPLATE_IMPL_H
#define UCTR_BASE_TEMPLATE_IMPL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

#define TEMPLATE_ARGS_MAX 16

/* Is v what {{if}} takes for true: not null, false, 0 or empty? */
bool template_truth(json_t *v);

/*
 * A function by name (n bytes, not terminated), or NULL. template_call gives a new reference in
 * *ret; args are borrowed.
 */
struct template_func;
const struct template_func *template_func_find(const char *name, size_t n);
int template_call(
	const struct template_func *f, json_t **args, size_t n, json_t **ret, struct err *e);

/* A member of a map by key (null when absent) or of a list by number. New reference. */
int template_index(json_t *from, json_t *key, json_t **ret, struct err *e);

struct var {
	const char *name; /* in the template's text */
	size_t len;
	json_t *val; /* a reference of its own */
};

#define TEMPLATE_VARS_MAX 16
#define TEMPLATE_DEPTH_MAX 32

/* A walk over one template. */
struct tmpl {
	const char *p;
	bool live; /* false: only read, nothing is looked up or printed */
	json_t *names; /* header mode when set */
	struct str *out;
	struct var vars[TEMPLATE_VARS_MAX]; /* the first is $ */
	size_t n_vars;
	int depth;
	struct err *e;
};

/* Error at t->p. */
int template_syntax(struct tmpl *t, const char *what);
void template_space(struct tmpl *t);
/* Length of the name at p, 0 when there is none. */
size_t template_word(const char *p);
/* Takes }} or -}} with what it trims. */
int template_close(struct tmpl *t);

/* Evaluates up to ) or }}: new reference in *ret, NULL when not live. */
int template_pipeline(struct tmpl *t, json_t *dot, json_t **ret);

/* $name at t->p: its slot, or a new one when `declare`. */
int template_var(struct tmpl *t, bool declare, size_t *ret);
void template_set_var(struct tmpl *t, size_t slot, json_t *val);
void template_drop_vars(struct tmpl *t, size_t keep);

#endif
