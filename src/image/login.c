/* SPDX-License-Identifier: Apache-2.0 */
/* login, logout, search, and documents as registries have them. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/credentials.h"
#include "image/registries.h"
#include "image/registry.h"

/* HOST[:PORT] of what a person typed, which may be a URL as old clients wanted it. */
static int registry_host(const char *text, char **ret, struct err *e)
{
	_cleanup_(ref_free)
	struct ref ref = { 0 };
	_cleanup_free_ char *name = NULL;
	size_t len;

	if (!text)
		text = REF_HOST_DOCKER;
	if (str_startswith(text, "https://"))
		text += strlen("https://");
	len = strcspn(text, "/");
	name = str_printf("%.*s%s/x", (int)len, text,
		strpbrk(text, ".:") || str_startswith(text, REF_HOST_LOCAL) ? "" : ":443");
	if (!name)
		return err_set(e, -ENOMEM, "registry");
	if (ref_parse(name, &ref, NULL) < 0 || !ref.host)
		return err_msg(e, -EINVAL, "registry \"%.80s\": want HOST[:PORT]", text);
	*ret = len == strlen(ref.host) ? strdup(ref.host) : strndup(text, len);
	return *ret ? 0 : err_set(e, -ENOMEM, "registry");
}

int image_login(
	const char *registry, const struct remote_options *o, char **ret_where, struct err *e)
{
	_cleanup_registry_ struct registry *reg = NULL;
	_cleanup_free_ char *host = NULL;
	struct remote *place = NULL;
	int r = registry_host(registry, &host, e);

	if (r == 0)
		r = remote_of_host(host, o, &place, e);
	if (r == 0)
		r = registry_start(place, NULL, false, NULL, &reg, e);
	if (r == 0)
		r = registry_call(reg, json_pack("{ss}", "op", "check"), -1, NULL, e);
	remotes_free(place, place != NULL);
	if (r < 0)
		return err_wrap(e, r, "%s", host ? host : "login");
	return credentials_store(o->authfile, host, o->user, o->password, ret_where, e);
}

int image_logout(const char *registry, const char *authfile, bool all, struct err *e)
{
	_cleanup_free_ char *host = NULL;
	int r = registry_host(registry, &host, e);

	if (r == 0)
		r = credentials_remove(authfile, host, all, e);
	if (r == 0)
		return err_msg(e, -ENOENT, "not logged in to %s", all ? "any registry" : host);
	return r < 0 ? r : 0;
}

int image_search(
	const char *text, int limit, const struct remote_options *o, json_t **ret, struct err *e)
{
	_cleanup_registry_ struct registry *reg = NULL;
	_cleanup_(ref_free)
	struct ref ref = { 0 };
	_cleanup_free_ char *answer = NULL;
	struct remote *places = NULL;
	size_t n = 0, len = 0;
	int r = ref_parse(text, &ref, e);

	if (r == 0 && !ref.host && !(ref.host = strdup(REF_HOST_DOCKER)))
		r = err_set(e, -ENOMEM, "search");
	if (r == 0)
		r = remotes_find(&ref, o, true, &places, &n, e); /* of mirrors none */
	/* docker's own index answers elsewhere than its registry. */
	if (r == 0 && streq(places[0].host, REMOTE_DOCKER)) {
		free(places[0].host);
		places[0].host = strdup("index.docker.io");
		r = places[0].host ? 0 : err_set(e, -ENOMEM, "search");
	}
	if (r == 0)
		r = registry_start(&places[0], NULL, false, NULL, &reg, e);
	if (r == 0)
		r = registry_read(reg,
			json_pack("{ss ss si}", "op", "search", "text", ref.path, "limit", limit),
			NULL, &answer, &len, e);
	remotes_free(places, n);
	if (r == 0)
		r = json_parse(answer, len, "the registry's answer", ret, e);
	return r < 0 ? err_wrap(e, r, "search %s", ref.host ? ref.host : text) : 0;
}

int image_remote_document(
	const char *name, const struct remote_options *o, char **ret, struct err *e)
{
	_cleanup_source_ struct image_source *src = NULL;
	_cleanup_document_ struct document doc = { 0 };
	_cleanup_strv_ char **names = NULL;
	_cleanup_(ref_free)
	struct ref ref = { 0 };
	int r = ref_parse(name, &ref, e);

	if (r == 0 && !ref.host) {
		r = registries_candidates(ref.path, &names, e);
		if (r == 0) {
			struct ref full = { 0 };

			r = ref_parse(names[0], &full, e);
			free(ref.path);
			ref.host = take_ptr(full.host);
			ref.path = take_ptr(full.path);
			ref_free(&full);
		}
	}
	if (r == 0)
		r = registry_source(&ref, o, &src, e);
	if (r == 0)
		r = src->ops->document(src, NULL, &doc, e);
	if (r == 0)
		r = document_parse(&doc, "manifest", ref.digest, e);
	if (r == 0)
		r = document_classify(&doc, e);
	if (r < 0)
		return src ? err_wrap(e, r, "%s", src->what) : r;
	*ret = take_ptr(doc.text);
	return 0;
}
