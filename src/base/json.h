/* SPDX-License-Identifier: Apache-2.0 */
/* Typed getters over jansson that name the bad key, and strict loading of untrusted text. */
#ifndef UCTR_BASE_JSON_H
#define UCTR_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

void json_freep(json_t **j);
#define _cleanup_json_ _cleanup_(json_freep)

/*
 * Parses text (duplicate keys refused, nesting limited by jansson to 2048); `what` names the
 * source in errors. New reference in *ret. file_: reads at most max bytes below dirfd first.
 */
int json_parse(const char *text, size_t len, const char *what, json_t **ret, struct err *e);
int json_parse_file(
	int dirfd, const char *path, size_t max, const char *what, json_t **ret, struct err *e);

/*
 * Typed getters: a missing or null key leaves *ret as it is and returns 0; a present one of the
 * right type returns 1; a wrong type is -EINVAL with "KEY: want TYPE". Strings are borrowed.
 * u32/u64 refuse negative and out-of-range numbers; strv appends to *ret.
 */
int json_get_str(json_t *o, const char *key, const char **ret, struct err *e);
int json_get_strdup(json_t *o, const char *key, char **ret, struct err *e);
int json_get_bool(json_t *o, const char *key, bool *ret, struct err *e);
int json_get_i64(json_t *o, const char *key, int64_t *ret, struct err *e);
int json_get_u64(json_t *o, const char *key, uint64_t *ret, struct err *e);
int json_get_u32(json_t *o, const char *key, uint32_t *ret, struct err *e);
int json_get_strv(json_t *o, const char *key, char ***ret, struct err *e);
int json_get_obj(json_t *o, const char *key, json_t **ret, struct err *e);
int json_get_arr(json_t *o, const char *key, json_t **ret, struct err *e);

/* Are they UTF-8, which JSON can carry unchanged? */
bool json_carries(char *const *v);
/* New array of the strings (empty array for NULL); NULL when memory is out. */
json_t *json_from_strv(char *const *v);
/* A string that may hold any bytes (command lines, labels): invalid UTF-8 becomes \xNN text. */
json_t *json_text(const char *s);

#endif
