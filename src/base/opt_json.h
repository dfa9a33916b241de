/* SPDX-License-Identifier: Apache-2.0 */
/* Options as JSON: {"LONG-NAME": true | "VALUE" | ["VALUE", ...]}, so that a command can be resumed. */
#ifndef UCTR_BASE_OPT_JSON_H
#define UCTR_BASE_OPT_JSON_H

#include <jansson.h>

#include "base/opt.h"

/*
 * What was given of a table without OPT_T_CALL fields. New reference; NULL when memory is out or a
 * value is not UTF-8, which JSON cannot carry.
 */
json_t *opt_save(const struct opt *table, const void *args);

/* The same into an empty args struct. What the table does not have is an error. */
int opt_load(const struct opt *table, void *args, json_t *o, struct err *e);

#endif
