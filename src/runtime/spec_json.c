/* SPDX-License-Identifier: Apache-2.0 */
/* config.json to struct spec: loading, the top level, and what all its parts share. */
#include "runtime/spec_json.h"

#include <ctype.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define CONFIG_MAX (16 << 20)

int spec_json_at(struct err *e, int r, const char *fmt, ...)
{
	char prefix[128], text[ERR_MSG_MAX];
	va_list ap;

	if (!e)
		return r;
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "%s", e->msg);
	return err_msg(e, r, "%s%s%s", prefix, text[0] == '[' ? "" : ".", text);
}

int spec_json_bad(struct err *e, const char *key, const char *value, const char *why)
{
	_cleanup_free_ char *clean = str_sanitise(value);

	return err_msg(e, -EINVAL, "%s: '%.200s' %s", key, clean ? clean : "", why);
}

int spec_json_missing(struct err *e, const char *key)
{
	return err_msg(e, -EINVAL, "%s: missing", key);
}

bool spec_json_empty(const json_t *v)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_object(v)) {
		json_object_foreach ((json_t *)v, key, item) {
			if (!spec_json_empty(item))
				return false;
		}
		return true;
	}
	if (json_is_array(v)) {
		json_array_foreach (v, i, item) {
			if (!spec_json_empty(item))
				return false;
		}
		return true;
	}
	if (json_is_string(v))
		return json_string_length(v) == 0;
	if (json_is_number(v))
		return json_number_value(v) == 0;
	return !json_is_true(v);
}

int spec_json_refuse(json_t *o, const char *key, const char *why, struct err *e)
{
	if (spec_json_empty(json_object_get(o, key)))
		return 0;
	return err_msg(e, -EOPNOTSUPP, "%s: not supported%s%s", key, *why ? " " : "", why);
}

char *spec_json_below(const char *bundle, const char *path)
{
	return *path == '/' ? strdup(path) : str_printf("%s/%s", bundle, path);
}

int spec_json_paths(json_t *o, const char *key, char ***ret, struct err *e)
{
	int r = json_get_strv(o, key, ret, e);

	if (r < 0)
		return r;
	strv_foreach (path, *ret) {
		if (*path != '/')
			return spec_json_bad(e, key, path, "is not an absolute path");
	}
	return 0;
}

/*
 * Blanks out tokens of this one value and puts -1 in their place; the length stays. Inside strings
 * nothing is touched, and a longer number is left for the parser to refuse.
 */
static void replace_no_limit(char *text, size_t len)
{
	static const char big[] = "18446744073709551615";
	const size_t n = sizeof(big) - 1;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (in_string && text[i] == '\\') {
			i++;
		} else if (text[i] == '"') {
			in_string = !in_string;
		} else if (!in_string && len - i >= n && memcmp(text + i, big, n) == 0 &&
			   (i == 0 || !strchr("0123456789.eE+-", text[i - 1])) &&
			   (len - i == n || !strchr("0123456789.eE", text[i + n]))) {
			memset(text + i, ' ', n);
			memcpy(text + i, "-1", 2);
			i += n - 1;
		}
	}
}

int spec_json_parse(char *text, size_t len, const char *what, json_t **ret, struct err *e)
{
	replace_no_limit(text, len);
	return json_parse(text, len, what, ret, e);
}

int spec_json_load(int dirfd, const char *path, json_t **ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read(dirfd, path, CONFIG_MAX, &text, &len);

	if (r < 0)
		return err_set(e, r, "read %s", path);
	return spec_json_parse(text, len, path, ret, e);
}

/* "1.0.2", "1.1.0-rc.1", "1.0.2-dev": every 1.x is compatible with what is read here (semver). */
static int check_version(json_t *config, struct err *e)
{
	const char *v = NULL, *p;
	int r = json_get_str(config, "ociVersion", &v, e);

	if (r < 0)
		return r;
	if (!v)
		return spec_json_missing(e, "ociVersion");
	p = v;
	for (int i = 0; i < 3; i++) {
		size_t n = strspn(p, "0123456789");

		if (n == 0 || n > 9 || (i == 0 && !(n == 1 && *p == '1')) || (i < 2 && p[n] != '.'))
			return spec_json_bad(e, "ociVersion", v,
				"is not supported; want 1.x of the runtime specification");
		p += n + (i < 2);
	}
	if (*p && *p != '-' && *p != '+')
		return spec_json_bad(e, "ociVersion", v, "is not a version");
	return 0;
}

static int parse_root(json_t *config, const char *bundle, struct spec *s, struct err *e)
{
	json_t *root = NULL;
	const char *path = NULL;
	int r = json_get_obj(config, "root", &root, e);

	if (r < 0)
		return r;
	if (!root)
		return spec_json_missing(e, "root");
	r = json_get_str(root, "path", &path, e);
	if (r >= 0 && (!path || !*path))
		r = spec_json_missing(e, "path");
	if (r >= 0)
		r = json_get_bool(root, "readonly", &s->root_readonly, e);
	if (r < 0)
		return spec_json_at(e, r, "root");
	s->root_path = spec_json_below(bundle, path);
	return s->root_path ? 0 : err_set(e, -ENOMEM, "root.path");
}

static int parse_process(json_t *config, struct spec *s, struct err *e)
{
	json_t *process = NULL;
	int r = json_get_obj(config, "process", &process, e);

	if (r < 0)
		return r;
	if (!process)
		return spec_json_missing(e, "process");
	r = spec_json_process(process, &s->process, e);
	return r < 0 ? spec_json_at(e, r, "process") : 0;
}

static int parse_linux(json_t *config, int cache_dirfd, struct spec *s, struct err *e)
{
	json_t *linux_obj = NULL;
	int r = json_get_obj(config, "linux", &linux_obj, e);

	if (r < 0)
		return r;
	if (!linux_obj)
		return spec_json_missing(e, "linux");
	r = spec_json_linux(linux_obj, cache_dirfd, s, e);
	return r < 0 ? spec_json_at(e, r, "linux") : 0;
}

static int parse_names(json_t *config, struct spec *s, struct err *e)
{
	const char *const keys[] = { "hostname", "domainname" };
	char **const fields[] = { &s->hostname, &s->domainname };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		int r = json_get_strdup(config, keys[i], fields[i], e);

		if (r < 0)
			return r;
		if (r > 0 && !**fields[i]) {
			free(*fields[i]);
			*fields[i] = NULL;
		}
		/* The kernel's limit for both (uname(2)); setting the host's is nobody's wish. */
		if (*fields[i] && strlen(*fields[i]) > 64)
			return spec_json_bad(
				e, keys[i], *fields[i], "is longer than 64 characters");
		if (*fields[i] && !spec_find_ns(s, CLONE_NEWUTS))
			return err_msg(e, -EINVAL, "%s: needs a uts namespace in linux.namespaces",
				keys[i]);
	}
	return 0;
}

static int parse_annotations(json_t *config, struct spec *s, struct err *e)
{
	json_t *o = NULL, *v;
	const char *key;
	int r = json_get_obj(config, "annotations", &o, e);

	if (r <= 0)
		return r;
	json_object_foreach (o, key, v) {
		if (!*key || !json_is_string(v))
			return spec_json_bad(e, "annotations", key,
				"want keys that are not empty, with strings");
	}
	s->annotations = json_incref(o);
	return 0;
}

/* Hooks run host programs with data of the container; without them nothing does. */
static int refuse_unknown_worlds(json_t *config, struct err *e)
{
	static const char *const platforms[] = { "solaris", "windows", "vm", "zos", NULL };
	int r = spec_json_refuse(config, "hooks", "by uctr-oci: no host program is run", e);

	for (size_t i = 0; r == 0 && platforms[i]; i++)
		r = spec_json_refuse(config, platforms[i], "on Linux", e);
	return r;
}

static int parse(json_t *config, const char *bundle, int cache_dirfd, struct spec *s, struct err *e)
{
	int r;

	if (!json_is_object(config))
		return err_msg(e, -EINVAL, "want an object at the top level");
	if ((r = check_version(config, e)) < 0 || (r = refuse_unknown_worlds(config, e)) < 0 ||
		(r = parse_process(config, s, e)) < 0 ||
		(r = parse_root(config, bundle, s, e)) < 0 ||
		(r = parse_linux(config, cache_dirfd, s, e)) < 0 ||
		(r = parse_names(config, s, e)) < 0 ||
		(r = spec_json_mounts(config, bundle, s, e)) < 0)
		return r;
	/* After the mounts: the default devices belong to a /dev that one of them makes. */
	r = spec_json_devices(json_object_get(config, "linux"), s, e);
	if (r < 0)
		return spec_json_at(e, r, "linux");
	return parse_annotations(config, s, e);
}

int spec_from_json(
	json_t *config, const char *bundle, int cache_dirfd, struct spec *ret, struct err *e)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = parse(config, bundle, cache_dirfd, ret, e);
	if (r < 0)
		spec_free(ret);
	return r;
}
