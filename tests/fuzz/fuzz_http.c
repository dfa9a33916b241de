/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes what a registry says in headers: lines of a response, challenges, ranges, redirects. */
#include "../../helpers/transfer/auth.h"
#include "../../helpers/transfer/http.h"
#include "fuzz.h"

#define REGISTRY "https://registry.example.com:5000/v2/"

static void try_challenge(const char *text, const struct origin *registry)
{
	struct err e = ERR_INIT, why = ERR_INIT;
	struct challenge c = { 0 };
	struct origin realm;
	int r = challenge_parse(text, &c, &e);

	must_tell(r, &e);
	must(r > 0 || (!c.realm && !c.service && !c.scope), "something of a refused challenge");
	if (r <= 0)
		return;
	must(!c.bearer || (c.realm && *c.realm), "a token server without a name");
	if (c.bearer) {
		r = realm_check(c.realm, registry, &why);
		must_tell(r, &why);
		must(r < 0 || (origin_parse(c.realm, &realm, NULL) == 0 &&
				      streq(realm.scheme, "https")),
			"a token server without TLS for a registry with it");
	}
	challenge_free(&c);
}

static void try_location(const char *text)
{
	_cleanup_free_ char *url = NULL;
	struct err e = ERR_INIT;
	struct origin o;
	char where[160];
	int r = url_resolve(REGISTRY, text, &url, &e);

	must_tell(r, &e);
	url_show(text, where, sizeof(where));
	if (r < 0)
		return;
	r = origin_parse(url, &o, &e);
	must_tell(r, &e);
	must(r < 0 || ((streq(o.scheme, "http") || streq(o.scheme, "https")) && *o.host),
		"an origin without scheme or host");
}

static void try_response(const struct response *res)
{
	struct origin registry;
	uint64_t start;

	must(origin_parse(REGISTRY, &registry, NULL) == 0, "the registry's own URL");
	must(res->n_challenges <= HTTP_CHALLENGES, "too many challenges");
	for (size_t i = 0; i < res->n_challenges; i++)
		try_challenge(res->challenges[i], &registry);
	if (content_range_start(res->content_range, &start) == 0)
		must(strchr(res->content_range, '-') != NULL, "a range without an end");
	if (res->location)
		try_location(res->location);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	struct response res = { 0 };

	/* Lines as curl hands them over: with their end, and not terminated. */
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = nl ? (size_t)(nl - p) + 1 : (size_t)(end - p);
		char *line = malloc(len);

		must(line != NULL, "no memory");
		memcpy(line, p, len); /* so that a byte behind it is found out */
		must(response_header(&res, line, len) == 0, "a header is never an error");
		free(line);
		try_response(&res);
		p += len;
	}
	response_reset(&res);
	return 0;
}
