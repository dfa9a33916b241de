/* SPDX-License-Identifier: Apache-2.0 */
/* Typed jansson getters naming the bad key. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

void json_freep(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

int json_parse(const char *text, size_t len, const char *what, json_t **ret, struct err *e)
{
	json_error_t je;
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);

	if (!j) {
		_cleanup_free_ char *clean = str_sanitise(je.text);

		return err_msg(e, -EINVAL, "%s: not valid JSON at line %d: %s", what, je.line,
			clean ? clean : "");
	}
	*ret = j;
	return 0;
}

int json_parse_file(
	int dirfd, const char *path, size_t max, const char *what, json_t **ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read(dirfd, path, max, &text, &len);

	if (r < 0)
		return err_set(e, r, "read %s", what);
	return json_parse(text, len, what, ret, e);
}

static int want(struct err *e, const char *key, const char *type)
{
	return err_msg(e, -EINVAL, "%s: want %s", key, type);
}

int json_get_str(json_t *o, const char *key, const char **ret, struct err *e)
{
	json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	/* jansson lets \u0000 into strings only by flag, so C strings are whole. */
	if (!json_is_string(v))
		return want(e, key, "a string");
	*ret = json_string_value(v);
	return 1;
}

int json_get_strdup(json_t *o, const char *key, char **ret, struct err *e)
{
	const char *s = NULL;
	int r = json_get_str(o, key, &s, e);
	char *copy;

	if (r <= 0)
		return r;
	copy = strdup(s);
	if (!copy)
		return err_set(e, -ENOMEM, "%s", key);
	free(*ret);
	*ret = copy;
	return 1;
}

int json_get_bool(json_t *o, const char *key, bool *ret, struct err *e)
{
	json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_boolean(v))
		return want(e, key, "true or false");
	*ret = json_is_true(v);
	return 1;
}

int json_get_i64(json_t *o, const char *key, int64_t *ret, struct err *e)
{
	json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v))
		return want(e, key, "a whole number");
	*ret = json_integer_value(v);
	return 1;
}

int json_get_u64(json_t *o, const char *key, uint64_t *ret, struct err *e)
{
	int64_t v = 0;
	int r = json_get_i64(o, key, &v, e);

	if (r <= 0)
		return r;
	if (v < 0)
		return want(e, key, "a number that is not negative");
	*ret = (uint64_t)v;
	return 1;
}

int json_get_u32(json_t *o, const char *key, uint32_t *ret, struct err *e)
{
	uint64_t v = 0;
	int r = json_get_u64(o, key, &v, e);

	if (r <= 0)
		return r;
	if (v > UINT32_MAX)
		return want(e, key, "a number below 2^32");
	*ret = (uint32_t)v;
	return 1;
}

int json_get_obj(json_t *o, const char *key, json_t **ret, struct err *e)
{
	json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_object(v))
		return want(e, key, "an object");
	*ret = v;
	return 1;
}

int json_get_arr(json_t *o, const char *key, json_t **ret, struct err *e)
{
	json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_array(v))
		return want(e, key, "an array");
	*ret = v;
	return 1;
}

int json_get_strv(json_t *o, const char *key, char ***ret, struct err *e)
{
	json_t *a = NULL, *v;
	size_t i;
	int r = json_get_arr(o, key, &a, e);

	if (r <= 0)
		return r;
	json_array_foreach (a, i, v) {
		if (!json_is_string(v))
			return want(e, key, "an array of strings");
		if (strv_add(ret, json_string_value(v)) < 0)
			return err_set(e, -ENOMEM, "%s", key);
	}
	return 1;
}

json_t *json_text(const char *s)
{
	json_t *j = json_string(s);
	_cleanup_free_ char *clean = NULL;

	if (j)
		return j;
	clean = str_sanitise(s);
	return clean ? json_string(clean) : NULL;
}

bool json_carries(char *const *v)
{
	strv_foreach (s, v) {
		_cleanup_json_ json_t *one = json_string(s);

		if (!one)
			return false;
	}
	return true;
}

json_t *json_from_strv(char *const *v)
{
	json_t *a = json_array();

	strv_foreach (s, v) {
		if (json_array_append_new(a, json_text(s)) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}
