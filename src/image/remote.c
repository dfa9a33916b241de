/* SPDX-License-Identifier: Apache-2.0 */
/* From a reference to the places where it may be found. */
#include "image/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/red.h"
#include "base/str.h"
#include "image/credentials.h"
#include "image/registries.h"

static void remote_clear(struct remote *r)
{
	free(r->host);
	free(r->repository);
	free(r->user);
	free(r->password);
	free(r->identity_token);
	strv_free(r->certs);
}

void remotes_free(struct remote *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		remote_clear(&r[i]);
	free(r);
}

bool remote_is_loopback(const char *host)
{
	unsigned a, b, c, d;
	int n = 0;
	const char *after;

	if (str_startswith(host, "[::1]"))
		return !host[5] || host[5] == ':';
	if (strncasecmp(host, REF_HOST_LOCAL, strlen(REF_HOST_LOCAL)) == 0) {
		after = host + strlen(REF_HOST_LOCAL);
		return !*after || *after == ':';
	}
	return sscanf(host, "%3u.%3u.%3u.%3u%n", &a, &b, &c, &d, &n) == 4 && a == 127 && b < 256 &&
	       c < 256 && d < 256 && (!host[n] || host[n] == ':');
}

/* uctr's own, podman's and docker's: BASE/HOST[:PORT]/NAME.{crt,cert,key}. */
static int find_certs(const char *host, char ***ret)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	_cleanup_strv_ char **bases = NULL;
	int r = 0;

	if (config && *config == '/')
		r = strv_addf(&bases, "%s/uctr/certs.d", config);
	else if (home && *home == '/')
		r = strv_addf(&bases, "%s/.config/uctr/certs.d", home);
	if (r == 0)
		r = strv_add(&bases, "/etc/containers/certs.d");
	if (r == 0)
		r = strv_add(&bases, "/etc/docker/certs.d");
	strv_foreach (base, bases) {
		_cleanup_free_ char *dir = str_printf("%s/%s", base, host);

		if (!dir)
			return -ENOMEM;
		if (r == 0 && access(dir, R_OK | X_OK) == 0)
			r = strv_add(ret, dir);
	}
	return r;
}

/*
 * `location` is HOST[:PORT]/PATH. What the options say of user, password and certificates is for the
 * host that was named (`own`), not for a mirror or another place that registries.conf leads to.
 */
static int fill(struct remote *to, const char *location, const char *own, bool insecure,
	const struct remote_options *o, struct err *e)
{
	const char *slash = strchr(location, '/');
	_cleanup_free_ char *host = slash ? strndup(location, (size_t)(slash - location)) : NULL;
	bool named;
	int r;

	if (!host)
		return err_set(e, slash ? -ENOMEM : -EINVAL, "registry %s", location);
	named = strcasecmp(host, own) == 0 || red_off("named-host");
	to->insecure = insecure || (o->tls_verify_given && !o->tls_verify);
	to->plain = to->insecure || remote_is_loopback(host);
	if (o->tls_verify_given && o->tls_verify)
		to->insecure = to->plain = false;
	to->repository = strdup(slash + 1);
	to->host = strdup(streq(host, REF_HOST_DOCKER) ? REMOTE_DOCKER : host);
	/* The first client certificate is shown: what was named comes before what lies about. */
	if (!to->repository || !to->host ||
		(named && o->cert_dir && strv_add(&to->certs, o->cert_dir) < 0) ||
		find_certs(host, &to->certs) < 0)
		return err_set(e, -ENOMEM, "registry %s", host);
	if (named && o->user) {
		to->user = strdup(o->user);
		to->password = strdup(o->password ? o->password : "");
		return to->user && to->password ? 0 : err_set(e, -ENOMEM, "credentials");
	}
	r = credentials_find(
		o->authfile, location, &to->user, &to->password, &to->identity_token, e);
	return r < 0 ? r : 0;
}

int remotes_find(const struct ref *ref, const struct remote_options *o, bool push,
	struct remote **ret, size_t *ret_n, struct err *e)
{
	static const struct remote_options none;
	bool library = streq(ref->host, REF_HOST_DOCKER) && !strchr(ref->path, '/');
	_cleanup_free_ char *name =
		str_printf("%s/%s%s", ref->host, library ? "library/" : "", ref->path);
	_cleanup_(registry_places_free)
	struct registry_places p = { 0 };
	struct remote *list;
	int r = name ? registries_places(name, ref->digest, push, &p, e)
		     : err_set(e, -ENOMEM, "registry");

	if (r < 0)
		return r;
	list = calloc(p.n, sizeof(*list));
	if (!list)
		return err_set(e, -ENOMEM, "registry");
	for (size_t i = 0; r == 0 && i < p.n; i++)
		r = fill(&list[i], p.at[i].location, ref->host, p.at[i].insecure, o ? o : &none, e);
	if (r < 0) {
		remotes_free(list, p.n);
		return r;
	}
	*ret = list;
	*ret_n = p.n;
	return 0;
}

int remote_of_host(
	const char *host, const struct remote_options *o, struct remote **ret, struct err *e)
{
	_cleanup_free_ char *name = str_printf("%s/x", host);
	_cleanup_(registry_places_free)
	struct registry_places p = { 0 };
	struct remote *one;
	int r = name ? registries_places(name, NULL, true, &p, e) : err_set(e, -ENOMEM, "registry");

	if (r < 0)
		return r;
	one = calloc(1, sizeof(*one));
	r = one ? fill(one, name, host, p.at[0].insecure, o, e) : err_set(e, -ENOMEM, "registry");
	if (r < 0) {
		remotes_free(one, one != NULL);
		return r;
	}
	*ret = one;
	return 0;
}

int remote_name(const char *text, bool push, struct ref *ret, struct err *e)
{
	int r = ref_parse(str_startswith(text, "docker://") ? text + 9 : text, ret, e);

	if (r < 0)
		return r;
	if (push && ret->digest)
		return err_msg(e, -EINVAL, "push %.80s: a digest cannot be chosen", text);
	if (!ret->host && !(ret->host = strdup(REF_HOST_DOCKER)))
		return err_set(e, -ENOMEM, "image name");
	return 0;
}
