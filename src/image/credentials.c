/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing auth.json and config.json. */
#include "image/credentials.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "image/credentials_program.h"
#include "image/ref.h"

#define FILE_MAX (4U << 20)
#define DOCKER_KEY "https://index.docker.io/v1/"

/* All files that may have something; the first is where new ones go. */
static int list_files(const char *authfile, char ***ret, struct err *e)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *docker = getenv("DOCKER_CONFIG");
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const char *only = authfile ? authfile : getenv("REGISTRY_AUTH_FILE");
	int r = 0;

	if (only && *only)
		return strv_add(ret, only) < 0 ? err_set(e, -ENOMEM, "credentials") : 0;
	if (docker && *docker)
		r = strv_addf(ret, "%s/config.json", docker);
	if (r == 0 && runtime && *runtime == '/')
		r = strv_addf(ret, "%s/containers/auth.json", runtime);
	if (r == 0 && !(docker && *docker) && home && *home == '/')
		r = strv_addf(ret, "%s/.docker/config.json", home);
	if (r == 0 && config && *config == '/')
		r = strv_addf(ret, "%s/containers/auth.json", config);
	else if (r == 0 && home && *home == '/')
		r = strv_addf(ret, "%s/.config/containers/auth.json", home);
	if (r == 0 && !*ret)
		return err_msg(e, -ENOENT, "no place for credentials: HOME is not set");
	return r < 0 ? err_set(e, r, "credentials") : 0;
}

static int load(const char *path, json_t **ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = file_read(AT_FDCWD, path, FILE_MAX, &text, &len);

	if (r == -ENOENT || r == -ENOTDIR || (r == 0 && len == 0)) {
		*ret = json_object();
		return *ret ? 0 : err_set(e, -ENOMEM, "%s", path);
	}
	if (r < 0)
		return err_set(e, r, "read %s", path);
	r = json_parse(text, len, path, ret, e);
	if (r == 0 && !json_is_object(*ret))
		r = err_msg(e, -EINVAL, "%s: want a JSON object", path);
	return r;
}

/* Old clients wrote URLs: what remains is HOST[:PORT][/PATH]. malloc'ed. */
static char *normal(const char *key)
{
	static const char *const schemes[] = { "https://", "http://" };
	static const char *const paths[] = { "/v1/", "/v1", "/v2/", "/v2", "/" };
	char *ret;

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (str_startswith(key, schemes[i]))
			key += strlen(schemes[i]);
	}
	ret = strdup(key);
	for (size_t i = 0; ret && i < ARRAY_SIZE(paths); i++) {
		if (str_endswith(ret, paths[i]))
			ret[strlen(ret) - strlen(paths[i])] = '\0';
	}
	if (ret && (streq(ret, "index.docker.io") || streq(ret, "registry-1.docker.io"))) {
		free(ret);
		ret = strdup(REF_HOST_DOCKER);
	}
	return ret;
}

/* The value under a key that means the same. Borrowed. */
static json_t *lookup(json_t *table, const char *key, const char **ret_key)
{
	const char *k;
	json_t *v;

	json_object_foreach (table, k, v) {
		_cleanup_free_ char *n = normal(k);

		if (n && streq(n, key)) {
			if (ret_key)
				*ret_key = k;
			return v;
		}
	}
	return NULL;
}

struct found {
	char **user, **password, **identity_token;
};

static int take(const struct found *f, const char *user, const char *password, struct err *e)
{
	/* How docker marks an identity token in a program's answer. */
	if (streq(user, "<token>")) {
		*f->identity_token = strdup(password);
		return *f->identity_token ? 1 : err_set(e, -ENOMEM, "credentials");
	}
	*f->user = strdup(user);
	*f->password = strdup(password);
	return *f->user && *f->password ? 1 : err_set(e, -ENOMEM, "credentials");
}

static int from_entry(json_t *entry, const char *path, const struct found *f, struct err *e)
{
	_cleanup_free_ char *plain = NULL;
	const char *auth = NULL, *token = NULL;
	size_t len = 0;
	char *colon;
	int r = json_get_str(entry, "auth", &auth, e);

	if (r >= 0)
		r = json_get_str(entry, "identitytoken", &token, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	if (token && *token && !(*f->identity_token = strdup(token)))
		return err_set(e, -ENOMEM, "credentials");
	if (!auth || !*auth)
		return *f->identity_token != NULL;
	r = base64_decode(auth, &plain, &len);
	colon = r == 0 ? strchr(plain, ':') : NULL;
	if (!colon || strlen(plain) != len)
		return err_msg(
			e, -EINVAL, "%s: an entry that is not base64 of NAME:PASSWORD", path);
	*colon = '\0';
	return take(f, plain, colon + 1, e);
}

static const char *program_key(const char *host)
{
	return streq(host, REF_HOST_DOCKER) ? DOCKER_KEY : host;
}

/* 0: it knows nothing of this host. */
static int from_program(const char *name, const char *host, const struct found *f, struct err *e)
{
	_cleanup_json_ json_t *answer = NULL;
	const char *user = "", *secret = "";
	int r = credentials_program(name, "get", program_key(host), &answer, e);

	if (r == -ENOENT) {
		if (e)
			*e = (struct err)ERR_INIT;
		return 0;
	}
	if (r == 0)
		r = json_get_str(answer, "Username", &user, e);
	if (r >= 0)
		r = json_get_str(answer, "Secret", &secret, e);
	return r < 0 ? r : take(f, user, secret, e);
}

/*
 * Files come from other machines: a program for all hosts may be missing, which is as one that knows
 * nothing; one for this very host may not.
 */
static int unless_missing(int r, struct err *e)
{
	if (r != -ENOPKG)
		return r;
	if (e)
		*e = (struct err)ERR_INIT;
	return 0;
}

/* One file: its program for this host, its own entries from the most specific on, its program. */
static int search_file(const char *path, const char *location, const struct found *f, struct err *e)
{
	_cleanup_free_ char *key = strdup(location);
	_cleanup_free_ char *host = strndup(location, strcspn(location, "/"));
	_cleanup_json_ json_t *doc = NULL;
	json_t *auths = NULL, *helpers = NULL, *entry = NULL;
	const char *store = NULL, *name;
	int r = key && host ? load(path, &doc, e) : err_set(e, -ENOMEM, "credentials");

	if (r == 0)
		r = json_get_obj(doc, "auths", &auths, e);
	if (r >= 0)
		r = json_get_obj(doc, "credHelpers", &helpers, e);
	if (r >= 0)
		r = json_get_str(doc, "credsStore", &store, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	name = json_string_value(lookup(helpers, host, NULL));
	if (name) {
		r = from_program(name, host, f, e);
		if (r != 0)
			return r;
	}
	for (;;) {
		char *slash;

		entry = lookup(auths, key, NULL);
		if (json_is_object(entry) && json_object_size(entry) > 0) {
			r = from_entry(entry, path, f, e);
			if (r != 0)
				return r;
		}
		slash = strrchr(key, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	if (!store || !*store)
		return 0;
	return unless_missing(from_program(store, host, f, e), e);
}

int credentials_find(const char *authfile, const char *location, char **ret_user,
	char **ret_password, char **ret_identity_token, struct err *e)
{
	const struct found f = { ret_user, ret_password, ret_identity_token };
	_cleanup_strv_ char **files = NULL;
	int r = list_files(authfile, &files, e);

	if (r == -ENOENT)
		return 0;
	strv_foreach (path, files) {
		if (r == 0)
			r = search_file(path, location, &f, e);
	}
	return r;
}

/* As a whole, and for nobody else to read. A link stays a link. */
static int save(const char *path, json_t *doc, struct err *e)
{
	_cleanup_free_ char *text = json_dumps(doc, JSON_INDENT(4)), *dir = NULL;
	_cleanup_fd_ int fd = -1;
	char real[PATH_MAX];
	const char *slash;
	int r;

	if (realpath(path, real))
		path = real;
	slash = strrchr(path, '/');
	dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	if (!text || !dir)
		return err_set(e, -ENOMEM, "write %s", path);
	r = dir_make(AT_FDCWD, dir, 0700);
	if (r == 0)
		r = fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		r = file_replace(fd, slash ? slash + 1 : path, text, strlen(text), 0600, true);
	else if (r == -1)
		r = -errno;
	return r < 0 ? err_set(e, r, "write %s", path) : 0;
}

static int store_in_program(
	const char *name, const char *host, const char *user, const char *password, struct err *e)
{
	_cleanup_json_ json_t *o = json_pack(
		"{ss ss ss}", "ServerURL", program_key(host), "Username", user, "Secret", password);
	_cleanup_free_ char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	return text ? credentials_program(name, "store", text, NULL, e)
		    : err_msg(e, -EINVAL, "the user name or password is not UTF-8");
}

static int put_entry(json_t *doc, const char *key, const char *user, const char *password)
{
	_cleanup_free_ char *plain = str_printf("%s:%s", user, password);
	_cleanup_free_ char *coded = plain ? base64_encode(plain, strlen(plain)) : NULL;
	json_t *auths = json_object_get(doc, "auths");
	const char *old = NULL;

	if (!coded)
		return -ENOMEM;
	if (!json_is_object(auths)) {
		auths = json_object();
		json_object_set_new(doc, "auths", auths);
	}
	while (lookup(auths, key, &old))
		json_object_del(auths, old);
	return json_object_set_new(auths, program_key(key), json_pack("{ss}", "auth", coded));
}

int credentials_store(const char *authfile, const char *key, const char *user, const char *password,
	char **ret_where, struct err *e)
{
	_cleanup_strv_ char **files = NULL;
	_cleanup_json_ json_t *doc = NULL;
	const char *name;
	int r = list_files(authfile, &files, e);

	if (r == 0)
		r = load(files[0], &doc, e);
	if (r < 0)
		return r;
	name = json_string_value(lookup(json_object_get(doc, "credHelpers"), key, NULL));
	if (!name)
		name = json_string_value(json_object_get(doc, "credsStore"));
	if (name && *name)
		r = store_in_program(name, key, user, password, e);
	else if (put_entry(doc, key, user, password) < 0)
		r = err_set(e, -ENOMEM, "credentials");
	else
		r = save(files[0], doc, e);
	if (r < 0)
		return r;
	*ret_where = strdup(files[0]);
	return *ret_where ? 0 : err_set(e, -ENOMEM, "credentials");
}

/* 1, or 0: it had nothing. `key` as the program knows it. */
static int erase(const char *program, const char *key, struct err *e)
{
	int r = credentials_program(program, "erase", key, NULL, e);

	if (r == -ENOENT && e)
		*e = (struct err)ERR_INIT;
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/* All that a program for all hosts has, and what those for single hosts have. How many they were. */
static int erase_all(const char *store, json_t *helpers, struct err *e)
{
	_cleanup_json_ json_t *list = NULL;
	const char *key;
	json_t *v;
	int n = 0, r = 0;

	if (store && *store)
		r = unless_missing(credentials_program(store, "list", "", &list, e), e);
	json_object_foreach (list, key, v) {
		if (r >= 0)
			r = erase(store, key, e);
		n += r > 0;
	}
	json_object_foreach (helpers, key, v) {
		_cleanup_free_ char *host = normal(key);

		if (r >= 0 && json_is_string(v))
			r = host ? erase(json_string_value(v), program_key(host), e)
				 : err_set(e, -ENOMEM, "credentials");
		n += r > 0;
	}
	return r < 0 ? r : n;
}

/* What programs have: how many entries, or an error. */
static int remove_from_programs(json_t *doc, const char *key, bool all, struct err *e)
{
	json_t *helpers = json_object_get(doc, "credHelpers");
	const char *store = json_string_value(json_object_get(doc, "credsStore")),
		   *own = json_string_value(lookup(helpers, key, NULL));

	if (all)
		return erase_all(store, helpers, e);
	if (own)
		return *own ? erase(own, program_key(key), e) : 0;
	return store && *store ? unless_missing(erase(store, program_key(key), e), e) : 0;
}

static int remove_from(const char *path, const char *key, bool all, struct err *e)
{
	_cleanup_json_ json_t *doc = NULL;
	json_t *auths;
	const char *old = NULL;
	int n = 0, programs, r = load(path, &doc, e);

	if (r < 0)
		return r;
	/* First what can fail. */
	programs = remove_from_programs(doc, key, all, e);
	if (programs < 0)
		return programs;
	auths = json_object_get(doc, "auths");
	if (all) {
		n = (int)json_object_size(auths);
		json_object_clear(auths);
	}
	while (!all && lookup(auths, key, &old)) {
		json_object_del(auths, old);
		n++;
	}
	r = n > 0 ? save(path, doc, e) : 0;
	return r < 0 ? r : n + programs;
}

int credentials_remove(const char *authfile, const char *key, bool all, struct err *e)
{
	_cleanup_strv_ char **files = NULL;
	int n = 0, r = list_files(authfile, &files, e);

	strv_foreach (path, files) {
		if (r < 0)
			break;
		r = remove_from(path, key, all, e);
		n += r > 0 ? r : 0;
	}
	return r < 0 ? r : n;
}
