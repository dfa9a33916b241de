/* SPDX-License-Identifier: Apache-2.0 */
/* A strict reader for the part of TOML that settings use, into JSON values. */
#ifndef UCTR_BASE_TOML_H
#define UCTR_BASE_TOML_H

#include <jansson.h>

#include "base/err.h"

/*
 * Tables, arrays of tables, dotted and quoted keys, strings of one line, integers, booleans, arrays
 * and inline tables (toml.io/en/v1.0.0). Dates, floats and strings of several lines are refused:
 * the libraries for TOML are no part of uctr's few, and its settings have none of these. `what`
 * names the source in errors, with the line. New reference in *ret, an object.
 */
int toml_parse(const char *text, const char *what, json_t **ret, struct err *e);

#endif
