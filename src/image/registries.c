/* SPDX-License-Identifier: Apache-2.0 */
/* registries.conf: aliases, mirrors, what is blocked and what is insecure. */
#include "image/registries.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "base/toml.h"
#include "image/ref.h"

#define CONF_MAX (1U << 20)

void registry_places_free(struct registry_places *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->at[i].location);
	free(p->at);
	*p = (struct registry_places){ 0 };
}

/* Appends the file to the list of documents, when it is there. */
static int read_file(const char *path, json_t *docs, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	json_t *doc = NULL;
	size_t len = 0;
	int r = file_read(AT_FDCWD, path, CONF_MAX, &text, &len);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_set(e, r, "read %s", path);
	r = toml_parse(text, path, &doc, e);
	if (r < 0)
		return r;
	return json_array_append_new(docs, doc) < 0 ? err_set(e, -ENOMEM, "%s", path) : 0;
}

static int not_hidden(const struct dirent *de)
{
	return de->d_name[0] != '.' && str_endswith(de->d_name, ".conf");
}

/* Additions win over the main file, the last one first. */
static int read_base(const char *base, json_t *docs, struct err *e)
{
	_cleanup_free_ char *file = str_printf("%s/registries.conf", base);
	_cleanup_free_ char *dir = str_printf("%s/registries.conf.d", base);
	struct dirent **list = NULL;
	int r = file && dir ? 0 : err_set(e, -ENOMEM, "%s", base);
	int n = r == 0 ? scandir(dir, &list, not_hidden, alphasort) : 0;

	while (n-- > 0) {
		_cleanup_free_ char *path = str_printf("%s/%s", dir, list[n]->d_name);

		if (r == 0)
			r = path ? read_file(path, docs, e) : err_set(e, -ENOMEM, "%s", base);
		free(list[n]);
	}
	free(list);
	return r < 0 ? r : read_file(file, docs, e);
}

/* All settings, the most important ones first: an array of documents. */
static int load(json_t **ret, struct err *e)
{
	static const char *const below[] = { "uctr", "containers" };
	const char *only = getenv("CONTAINERS_REGISTRIES_CONF");
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	_cleanup_json_ json_t *docs = json_array();
	int r = docs ? 0 : err_set(e, -ENOMEM, "registries.conf");

	if (r == 0 && only && *only)
		r = read_file(only, docs, e);
	for (size_t i = 0; r == 0 && !(only && *only) && i < ARRAY_SIZE(below); i++) {
		_cleanup_free_ char *user =
			config && *config == '/'
				? str_printf("%s/%s", config, below[i])
				: str_printf("%s/.config/%s", home ? home : "", below[i]);
		_cleanup_free_ char *host = str_printf("/etc/%s", below[i]);

		if (!user || !host)
			return err_set(e, -ENOMEM, "registries.conf");
		if (*user == '/')
			r = read_base(user, docs, e);
		if (r == 0)
			r = read_base(host, docs, e);
	}
	if (r == 0)
		*ret = take_ptr(docs);
	return r;
}

/* How much of name a prefix covers: up to a '/', ':' or '@', or its end; 0: it does not fit. */
static size_t covers(const char *prefix, const char *name)
{
	size_t len = strlen(prefix), host;

	if (str_startswith(prefix, "*.")) {
		/* any host below a domain */
		host = strcspn(name, "/");
		len--;
		return host > len && strncmp(name + host - len, prefix + 1, len) == 0 ? host : 0;
	}
	if (len == 0 || strncmp(prefix, name, len) != 0)
		return 0;
	return !name[len] || strchr("/:@", name[len]) ? len : 0;
}

/* The [[registry]] whose prefix is the longest that fits; the first of equals. */
static int find_registry(
	json_t *docs, const char *name, json_t **ret, size_t *ret_len, struct err *e)
{
	json_t *doc, *list, *o;
	size_t i, k;

	*ret = NULL;
	*ret_len = 0;
	json_array_foreach (docs, i, doc) {
		int r = 0;

		list = NULL;
		r = json_get_arr(doc, "registry", &list, e);
		if (r < 0)
			return err_wrap(e, r, "registries.conf");
		json_array_foreach (list, k, o) {
			const char *prefix = NULL;
			size_t len;

			r = json_get_str(o, "prefix", &prefix, e);
			if (r == 0 || (prefix && !*prefix))
				r = json_get_str(o, "location", &prefix, e);
			if (r < 0)
				return err_wrap(e, r, "registries.conf: registry");
			len = prefix ? covers(prefix, name) : 0;
			if (len > *ret_len) {
				*ret = o;
				*ret_len = len;
			}
		}
	}
	return 0;
}

/* LOCATION and what is behind the prefix. */
static int add_place(
	struct registry_places *p, const char *location, const char *rest, bool insecure)
{
	struct registry_place *grown = realloc(p->at, (p->n + 1) * sizeof(*grown));
	char *full = str_printf("%s%s", location, rest);

	if (grown)
		p->at = grown;
	if (!grown || !full) {
		free(full);
		return -ENOMEM;
	}
	grown[p->n++] = (struct registry_place){ .location = full, .insecure = insecure };
	return 0;
}

static int add_mirrors(
	json_t *registry, const char *rest, bool digest, struct registry_places *ret, struct err *e)
{
	json_t *list = NULL, *o;
	bool only_digest = false;
	size_t i;
	int r = json_get_arr(registry, "mirror", &list, e);

	if (r >= 0)
		r = json_get_bool(registry, "mirror-by-digest-only", &only_digest, e);
	if (r < 0 || (only_digest && !digest))
		return r < 0 ? r : 0;
	json_array_foreach (list, i, o) {
		const char *location = NULL, *when = "all";
		bool insecure = false;

		r = json_get_str(o, "location", &location, e);
		if (r >= 0)
			r = json_get_str(o, "pull-from-mirror", &when, e);
		if (r >= 0)
			r = json_get_bool(o, "insecure", &insecure, e);
		if (r < 0)
			return r;
		if (!location || streq(when, digest ? "tag-only" : "digest-only"))
			continue;
		if (add_place(ret, location, rest, insecure) < 0)
			return err_set(e, -ENOMEM, "mirrors");
	}
	return 0;
}

static int places_of(json_t *registry, const char *name, size_t len, const char *digest, bool push,
	struct registry_places *ret, struct err *e)
{
	const char *location = NULL;
	bool insecure = false, blocked = false;
	int r = json_get_str(registry, "location", &location, e);

	if (r >= 0)
		r = json_get_bool(registry, "insecure", &insecure, e);
	if (r >= 0)
		r = json_get_bool(registry, "blocked", &blocked, e);
	if (r >= 0 && blocked)
		r = err_msg(e, -EPERM, "%s is blocked by registries.conf", name);
	if (r >= 0 && !push)
		r = add_mirrors(registry, name + len, digest, ret, e);
	if (r >= 0)
		r = add_place(ret, location && *location ? location : "",
			    location && *location ? name + len : name, insecure) < 0
			    ? err_set(e, -ENOMEM, "registry")
			    : 0;
	return r < 0 ? r : 0;
}

int registries_places(
	const char *name, const char *digest, bool push, struct registry_places *ret, struct err *e)
{
	_cleanup_json_ json_t *docs = NULL;
	_cleanup_(registry_places_free)
	struct registry_places p = { 0 };
	json_t *registry = NULL;
	size_t len = 0;
	int r = load(&docs, e);

	if (r == 0)
		r = find_registry(docs, name, &registry, &len, e);
	if (r < 0)
		return r;
	if (registry)
		r = places_of(registry, name, len, digest, push, &p, e);
	else if (add_place(&p, name, "", false) < 0)
		r = err_set(e, -ENOMEM, "registry");
	if (r < 0)
		return r == -EPERM ? r : err_wrap(e, r, "registries.conf");
	*ret = p;
	p = (struct registry_places){ 0 };
	return 0;
}

static int search(json_t *docs, const char *path, char ***ret, struct err *e)
{
	_cleanup_strv_ char **hosts = NULL;
	json_t *doc;
	size_t i;
	int r = 0;

	json_array_foreach (docs, i, doc) {
		r = json_get_strv(doc, "unqualified-search-registries", &hosts, e);
		if (r != 0)
			break;
	}
	if (r < 0)
		return err_wrap(e, r, "registries.conf");
	if (!hosts)
		r = strv_add(&hosts, REF_HOST_DOCKER);
	strv_foreach (host, hosts) {
		if (r >= 0)
			r = strv_addf(ret, "%s/%s", host, path);
	}
	return r < 0 ? err_set(e, r, "registries.conf") : 0;
}

int registries_candidates(const char *path, char ***ret, struct err *e)
{
	_cleanup_json_ json_t *docs = NULL;
	json_t *doc;
	size_t i;
	int r = load(&docs, e);

	if (r < 0)
		return r;
	json_array_foreach (docs, i, doc) {
		json_t *aliases = NULL;
		const char *name = NULL;

		r = json_get_obj(doc, "aliases", &aliases, e);
		if (r > 0)
			r = json_get_str(aliases, path, &name, e);
		if (r < 0)
			return err_wrap(e, r, "registries.conf: aliases");
		if (name && *name)
			return strv_add(ret, name) < 0 ? err_set(e, -ENOMEM, "alias") : 0;
	}
	return search(docs, path, ret, e);
}
