/* SPDX-License-Identifier: Apache-2.0 */
/* The first request: files are read, rights given up, and the registry found. Searches. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/red.h"
#include "confine.h"
#include "registry.h"

#define CERT_MAX (1U << 20)
#define BUNDLE_MAX (8U << 20)
#define STALL_SECONDS 60
#define SEARCH_MAX 1000

static int add_file(const char *path, size_t max, struct str *b, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = file_read(AT_FDCWD, path, max, &text, &len);

	if (r == 0)
		r = str_add(b, text, len);
	if (r == 0)
		r = str_add(b, "\n", 1);
	return r < 0 ? err_set(e, r, "read %s", path) : 0;
}

/*
 * NAME.crt: authorities; NAME.cert with NAME.key: what this client shows of itself, the first pair of all
 * directories.
 */
static int read_cert(
	struct http *h, const char *dir, const char *name, struct str *ca, struct err *e)
{
	_cleanup_free_ char *path = str_printf("%s/%s", dir, name);
	_cleanup_str_ struct str cert = { 0 }, key = { 0 };
	int r;

	if (!path)
		return err_set(e, -ENOMEM, "certificates");
	if (str_endswith(name, ".crt"))
		return add_file(path, CERT_MAX, ca, e);
	if (!str_endswith(name, ".cert") || h->cert)
		return 0;
	r = add_file(path, CERT_MAX, &cert, e);
	memcpy(path + strlen(path) - strlen(".cert"), ".key",
		sizeof(".key")); /* which is shorter */
	if (r == 0)
		r = add_file(path, CERT_MAX, &key, e);
	if (r == 0) {
		h->cert = take_ptr(cert.s);
		h->key = take_ptr(key.s);
	}
	return r;
}

static int read_cert_dir(struct http *h, const char *dir, struct str *ca, struct err *e)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, NULL, alphasort), r = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : err_set(e, -errno, "open %s", dir);
	for (int i = 0; i < n; i++) {
		if (r == 0 && list[i]->d_name[0] != '.')
			r = read_cert(h, dir, list[i]->d_name, ca, e);
		free(list[i]);
	}
	free(list);
	return r;
}

static const char *system_bundle(void)
{
	static const char *const paths[] = { "/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem" };
	const char *env = getenv("SSL_CERT_FILE");

	if (env && *env == '/')
		return env;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (access(paths[i], R_OK) == 0)
			return paths[i];
	}
	return NULL;
}

/*
 * Authorities of one registry come on top of the system's, and are read here, as no file can be opened
 * later. The file of the system's alone is left to curl, which then reads it once.
 */
static int read_certs(struct registry *reg, char *const *dirs, struct err *e)
{
	_cleanup_str_ struct str ca = { 0 };
	const char *bundle = system_bundle();
	int r = 0;

	strv_foreach (dir, dirs) {
		if (r == 0)
			r = read_cert_dir(&reg->http, dir, &ca, e);
	}
	if (r == 0 && ca.len && bundle)
		r = add_file(bundle, BUNDLE_MAX, &ca, e);
	if (r < 0)
		return r;
	reg->http.ca_len = ca.len;
	reg->http.ca = take_ptr(ca.s);
	reg->http.ca_file = bundle ? strdup(bundle) : NULL;
	return bundle && !reg->http.ca_file ? err_set(e, -ENOMEM, "certificates") : 0;
}

static int read_request(struct registry *reg, json_t *req, char ***ret_dirs, struct err *e)
{
	const struct {
		const char *key;
		char **field;
	} texts[] = {
		{ "host", &reg->host },
		{ "repository", &reg->repository },
		{ "mount", &reg->mount },
		{ "user", &reg->cred.user },
		{ "password", &reg->cred.password },
		{ "identityToken", &reg->cred.identity_token },
	};
	const struct {
		const char *key;
		bool *field;
	} flags[] = { { "push", &reg->push }, { "plain", &reg->plain },
		{ "insecure", &reg->http.insecure } };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++)
		r = json_get_strdup(req, texts[i].key, texts[i].field, e);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(flags); i++)
		r = json_get_bool(req, flags[i].key, flags[i].field, e);
	if (r >= 0)
		r = json_get_strv(req, "certs", ret_dirs, e);
	if (r < 0)
		return r;
	if (!reg->host || !reg->cred.user != !reg->cred.password)
		return err_msg(e, -EINVAL, "open: host, user or password is missing");
	return 0;
}

int registry_open(struct registry *reg, json_t *req, struct err *e)
{
	_cleanup_strv_ char **dirs = NULL;
	const char *stall = getenv("UCTR_NET_TIMEOUT");
	uint32_t seconds = STALL_SECONDS;
	int r;

	if (reg->opened)
		return err_msg(e, -EINVAL, "open: a second time");
	if (stall && (parse_u32(stall, &seconds) < 0 || seconds == 0 || seconds > 86400))
		return err_msg(e, -EINVAL, "UCTR_NET_TIMEOUT: want a number of seconds");
	reg->http.stall = (long)seconds;
	r = read_request(reg, req, &dirs, e);
	if (r == 0)
		r = read_certs(reg, dirs, e);
	if (r == 0)
		r = confine_network(reg->http.ca_file, e);
	reg->opened = r == 0;
	return r < 0 ? r : registry_find(reg, e);
}

static int set_base(struct registry *reg, const char *scheme, struct err *e)
{
	free(reg->base);
	reg->base = str_printf("%s://%s", scheme, reg->host);
	reg->http.host = reg->origin.host;
	return reg->base ? origin_parse(reg->base, &reg->origin, e)
			 : err_set(e, -ENOMEM, "registry");
}

/* What GET /v2/ says to an unknown caller; *ret stays empty when nothing like HTTP came back. */
static int ping(struct registry *reg, struct response *ret, struct err *e)
{
	_cleanup_free_ char *url = str_printf("%s/v2/", reg->base);
	_cleanup_str_ struct str body = { 0 };

	return url ? http_simple(&reg->http, url, NULL, NULL, UCTR_MAX_TOKEN, ret, &body, e)
		   : err_set(e, -ENOMEM, "registry");
}

/*
 * https, unless plain http may be spoken here. Then a registry on this machine is asked by http
 * first, which costs less than to fail at TLS; another one by https first, as it may have it. Nothing
 * secret is sent before this is known.
 */
int registry_find(struct registry *reg, struct err *e)
{
	_cleanup_(response_reset)
	struct response res = { 0 };
	struct err why = ERR_INIT;
	bool local;
	int r = set_base(reg, "https", e);

	if (r < 0 || (!reg->plain && !red_off("plain-http")))
		return r;
	local = host_is_loopback(reg->origin.host);
	if (local)
		r = set_base(reg, "http", e);
	if (r == 0)
		r = ping(reg, &res, &why);
	if (r == 0 && (!local || res.registry || res.status == 200 || res.status == 401))
		return 0;
	if (r == -ECONNREFUSED && local) {
		*e = why;
		return r;
	}
	return set_base(reg, local ? "https" : "http", e);
}

int registry_check(struct registry *reg, struct err *e)
{
	_cleanup_free_ char *url = str_printf("%s/v2/", reg->base);
	_cleanup_(response_reset)
	struct response first = { 0 };
	_cleanup_(response_reset)
	struct response second = { 0 };
	_cleanup_str_ struct str body = { 0 };
	int r = ping(reg, &first, e);

	if (r < 0 || first.status == 200)
		return r;
	if (first.status != 401)
		return err_msg(
			e, -EPROTO, "%s is no registry: it answers %ld", reg->host, first.status);
	r = registry_authorize(reg, &first, e);
	if (r == 0)
		r = url ? http_simple(&reg->http, url, reg->authorization, NULL, UCTR_MAX_TOKEN,
				  &second, &body, e)
			: err_set(e, -ENOMEM, "registry");
	if (r == 0 && second.status == 401)
		r = err_msg(e, -EACCES, "wrong user name or password");
	else if (r == 0 && second.status != 200)
		r = err_msg(e, -EPROTO, "the registry answers %ld", second.status);
	return r;
}

/* One GET with an answer to a challenge when there is one. */
static int get(
	struct registry *reg, const char *path, struct str *body, long *ret_status, struct err *e)
{
	_cleanup_free_ char *url = str_printf("%s%s", reg->base, path);
	int r = url ? 0 : err_set(e, -ENOMEM, "registry");

	for (int i = 0; r == 0 && i < 2; i++) {
		_cleanup_(response_reset)
		struct response res = { 0 };

		body->len = 0;
		r = http_simple(&reg->http, url, reg->authorization, NULL, UCTR_MAX_DOCUMENT, &res,
			body, e);
		*ret_status = res.status;
		if (r < 0 || res.status != 401 || i > 0)
			break;
		r = registry_authorize(reg, &res, e);
	}
	return r;
}

/* The list of docker's index has more to say than the specification's catalogue of names. */
static int catalogue(json_t *doc, const char *text, json_t *list)
{
	json_t *names = json_object_get(doc, "repositories"), *name;
	size_t i;

	json_array_foreach (names, i, name) {
		const char *s = json_string_value(name);

		if (s && strcasestr(s, text) &&
			json_array_append_new(list, json_pack("{ss}", "name", s)) < 0)
			return -ENOMEM;
	}
	return 0;
}

int registry_search(struct registry *reg, json_t *req, int fd, struct err *e)
{
	_cleanup_str_ struct str path = { 0 }, body = { 0 };
	_cleanup_json_ json_t *doc = NULL, *list = json_array();
	_cleanup_free_ char *out = NULL;
	const char *text = "";
	int64_t limit = 25;
	long status = 0;
	int r = json_get_str(req, "text", &text, e);

	if (r >= 0)
		r = json_get_i64(req, "limit", &limit, e);
	if (r >= 0 && (fd < 0 || limit < 1 || limit > SEARCH_MAX))
		r = err_msg(
			e, -EINVAL, "search: want a descriptor and a limit up to %d", SEARCH_MAX);
	if (r < 0)
		return r;
	if (str_addf(&path, "/v1/search?n=%lld&q=", (long long)limit) < 0 ||
		url_add_escaped(&path, text) < 0)
		return err_set(e, -ENOMEM, "search");
	r = get(reg, path.s, &body, &status, e);
	if (r == 0 && status == 404)
		r = get(reg, "/v2/_catalog?n=1000", &body, &status, e);
	if (r == 0 && status != 200)
		r = err_msg(e, status == 401 || status == 403 ? -EACCES : -EOPNOTSUPP,
			"%s offers no search (%ld)", reg->host, status);
	if (r == 0)
		r = json_parse(body.s ? body.s : "", body.len, "the registry's answer", &doc, e);
	if (r < 0)
		return r;
	r = json_is_array(json_object_get(doc, "results"))
		    ? json_array_extend(list, json_object_get(doc, "results"))
		    : catalogue(doc, text, list);
	out = r == 0 ? json_dumps(list, JSON_COMPACT) : NULL;
	r = out ? fd_write_all(fd, out, strlen(out)) : -ENOMEM;
	return r < 0 ? err_set(e, r, "search") : 0;
}
