/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges, token servers, and the rule which secret goes where. */
#include "auth.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/red.h"
#include "uctr/registry_proto.h"

#define TOKEN_TRIES 3
#define CHALLENGE_MAX 8192

void challenge_free(struct challenge *c)
{
	free(c->realm);
	free(c->service);
	free(c->scope);
	*c = (struct challenge){ 0 };
}

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t");
}

/* A token or quoted string behind '='; *end is what follows. */
static char *take_value(const char *p, const char **end)
{
	_cleanup_str_ struct str b = { 0 };
	size_t n;

	if (*p != '"') {
		n = strcspn(p, " \t,\"");
		*end = p + n;
		return n ? strndup(p, n) : NULL;
	}
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		if (char_is_control((unsigned char)*p) || str_add(&b, p, 1) < 0)
			return NULL;
	}
	if (*p != '"')
		return NULL;
	*end = p + 1;
	return b.s ? take_ptr(b.s) : strdup("");
}

/* NAME=VALUE pairs, separated by commas. */
static int take_params(const char *p, struct challenge *c, struct err *e)
{
	while (*(p = skip_space(p))) {
		size_t n = strcspn(p, "= \t,\"");
		const char *name = p, *end;
		char **field = NULL, *value;

		p = skip_space(p + n);
		if (n == 0 || *p != '=')
			return err_msg(e, -EINVAL, "a malformed WWW-Authenticate header");
		if (n == 5 && strncasecmp(name, "realm", n) == 0)
			field = &c->realm;
		else if (n == 7 && strncasecmp(name, "service", n) == 0)
			field = &c->service;
		else if (n == 5 && strncasecmp(name, "scope", n) == 0)
			field = &c->scope;
		value = take_value(skip_space(p + 1), &end);
		if (!value || (field && *field)) {
			free(value);
			return err_msg(e, -EINVAL, "a malformed WWW-Authenticate header");
		}
		if (field)
			*field = value;
		else
			free(value);
		p = skip_space(end);
		if (*p == ',')
			p++;
		else if (*p)
			return err_msg(e, -EINVAL, "a malformed WWW-Authenticate header");
	}
	return 0;
}

int challenge_parse(const char *text, struct challenge *ret, struct err *e)
{
	const char *p = skip_space(text);
	size_t n = strcspn(p, " \t,=");
	struct challenge c = { 0 };
	int r;

	if (strlen(text) > CHALLENGE_MAX)
		return err_msg(e, -EINVAL, "a WWW-Authenticate header that is too long");
	if (n == 6 && strncasecmp(p, "bearer", n) == 0)
		c.bearer = true;
	else if (n != 5 || strncasecmp(p, "basic", n) != 0)
		return 0;
	r = take_params(p + n, &c, e);
	if (r == 0 && c.bearer && (!c.realm || !*c.realm))
		r = err_msg(e, -EINVAL, "a WWW-Authenticate header without a realm");
	if (r < 0) {
		challenge_free(&c);
		return r;
	}
	*ret = c;
	return 1;
}

int realm_check(const char *realm, const struct origin *registry, struct err *e)
{
	struct origin o;
	int r = origin_parse(realm, &o, e);

	if (r < 0)
		return err_wrap(e, r, "the registry's token server");
	if (streq(o.scheme, "https") || red_off("realm-scheme"))
		return 0;
	if (streq(registry->scheme, "http") &&
		(strcasecmp(o.host, registry->host) == 0 || host_is_loopback(o.host)))
		return 0;
	return err_msg(e, -EPROTO,
		"the registry's token server http://%.100s is not asked: only https is safe there",
		o.host);
}

static bool below(const char *host, const char *domain)
{
	size_t h = strlen(host), d = strlen(domain);

	return strcasecmp(host, domain) == 0 ||
	       (h > d && host[h - d - 1] == '.' && strcasecmp(host + h - d, domain) == 0);
}

bool realm_is_trusted(const struct origin *realm, const struct origin *registry)
{
	const char *parent = strchr(registry->host, '.');

	if (red_off("auth-realm"))
		return true;
	if (streq(registry->scheme, "https") && !streq(realm->scheme, "https"))
		return false;
	if (strcasecmp(realm->host, registry->host) == 0)
		return true;
	/* Addresses have no domain; a domain of one label belongs to everybody. */
	if (registry->host[0] == '[' || !parent || !strchr(parent + 1, '.') ||
		strspn(registry->host, "0123456789.") == strlen(registry->host))
		return false;
	return below(realm->host, parent + 1);
}

char *auth_basic(const struct credentials *cred)
{
	_cleanup_free_ char *plain = str_printf("%s:%s", cred->user, cred->password);
	size_t len = plain ? strlen(plain) : 0;
	_cleanup_free_ char *coded = malloc(4 * (len / 3 + 1) + 1);

	if (!plain || !coded)
		return NULL;
	EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)plain, (int)len);
	return str_printf("Basic %s", coded);
}

static int add_param(struct str *b, const char *key, const char *value)
{
	int r = str_addf(b, "%s%s=", b->len ? "&" : "", key);

	return r < 0 ? r : url_add_escaped(b, value);
}

/* The query of a GET, or the form of a POST when an identity token is traded. */
static int make_query(const struct challenge *c, const struct credentials *cred, bool post,
	char *const *scopes, struct str *ret)
{
	_cleanup_str_ struct str all = { 0 };
	int r = c->service ? add_param(ret, "service", c->service) : 0;

	strv_foreach (s, scopes) {
		if (r == 0 && !post)
			r = add_param(ret, "scope", s);
		if (r == 0 && post)
			r = str_addf(&all, "%s%s", all.len ? " " : "", s);
	}
	if (r < 0 || !post)
		return r;
	if (all.s)
		r = add_param(ret, "scope", all.s);
	if (r == 0)
		r = add_param(ret, "grant_type", "refresh_token");
	if (r == 0)
		r = add_param(ret, "client_id", "uctr");
	return r < 0 ? r : add_param(ret, "refresh_token", cred->identity_token);
}

static int read_token(const struct str *body, char **ret, struct err *e)
{
	_cleanup_json_ json_t *doc = NULL;
	const char *token = NULL;
	int r = json_parse(body->s ? body->s : "", body->len, "the token server's answer", &doc, e);

	if (r == 0 && !json_is_object(doc))
		r = err_msg(e, -EPROTO, "the token server's answer: want a JSON object");
	if (r == 0)
		r = json_get_str(doc, "token", &token, e);
	if (r == 0)
		r = json_get_str(doc, "access_token", &token, e);
	if (r < 0)
		return r;
	if (!token || !*token)
		return err_msg(e, -EPROTO, "the token server answered without a token");
	for (const char *p = token; *p; p++) {
		/* It becomes part of a header. */
		if (*p <= ' ' || (unsigned char)*p >= 0x7f)
			return err_msg(e, -EPROTO, "the token server answered with a bad token");
	}
	*ret = str_printf("Bearer %s", token);
	return *ret ? 0 : err_set(e, -ENOMEM, "token");
}

static int ask_once(const struct http *h, const char *url, const char *basic, const char *form,
	char **ret, struct err *e)
{
	_cleanup_(response_reset)
	struct response res = { 0 };
	_cleanup_str_ struct str body = { 0 };
	char where[160];
	int r = http_simple(h, url, basic, form, UCTR_MAX_TOKEN, &res, &body, e);

	if (r < 0)
		return r;
	if (res.status == 200)
		return read_token(&body, ret, e);
	url_show(url, where, sizeof(where));
	if (res.status == 401 || res.status == 403)
		return err_msg(e, -EACCES, "the token server %s refuses (%ld): %s", where,
			res.status,
			basic || form ? "wrong user name or password"
				      : "nobody is logged in to this registry");
	return err_msg(e, http_status_is_transient(res.status) ? -EAGAIN : -EIO,
		"the token server %s answers %ld", where, res.status);
}

static int ask_token(const struct http *h, const struct origin *registry, const struct challenge *c,
	const struct credentials *cred, char *const *scopes, char **ret, struct err *e)
{
	_cleanup_str_ struct str query = { 0 };
	_cleanup_free_ char *url = NULL, *basic = NULL;
	struct origin realm;
	bool trusted, post;
	int r = realm_check(c->realm, registry, e);

	if (r == 0)
		r = origin_parse(c->realm, &realm, e);
	if (r < 0)
		return r;
	trusted = realm_is_trusted(&realm, registry);
	post = trusted && cred->identity_token;
	if (trusted && !post && cred->user) {
		basic = auth_basic(cred);
		r = basic ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = make_query(c, cred, post, scopes, &query);
	url = post ? strdup(c->realm)
		   : str_printf("%s%s%s", c->realm, strchr(c->realm, '?') ? "&" : "?",
			     query.s ? query.s : "");
	if (r < 0 || !url)
		return err_set(e, -ENOMEM, "token");
	for (int i = 1;; i++) {
		r = ask_once(h, url, basic, post ? query.s : NULL, ret, e);
		if (r != -EAGAIN || i == TOKEN_TRIES)
			break;
		sleep((unsigned)i);
	}
	if (r == -EACCES && !trusted && (cred->user || cred->identity_token))
		err_hint(
			e, "the password was not sent there, as it is not the registry's own host");
	return r;
}

int auth_answer(const struct http *h, const struct origin *registry, const struct challenge *c,
	const struct credentials *cred, char *const *scopes, char **ret, struct err *e)
{
	if (c->bearer)
		return ask_token(h, registry, c, cred, scopes, ret, e);
	if (!cred->user)
		return err_msg(e, -EACCES, "nobody is logged in to this registry");
	*ret = auth_basic(cred);
	return *ret ? 0 : err_set(e, -ENOMEM, "authorization");
}
