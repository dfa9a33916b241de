/* SPDX-License-Identifier: Apache-2.0 */
/* Responses, URLs and the settings of connections. */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fd.h"
#include "base/red.h"
#include "uctr/version.h"

#define CONNECT_SECONDS 30L

void response_reset(struct response *r)
{
	free(r->type);
	free(r->digest);
	free(r->link);
	free(r->content_range);
	free(r->location);
	for (size_t i = 0; i < r->n_challenges; i++)
		free(r->challenges[i]);
	*r = (struct response){ 0 };
}

#define SHORT_MAX 255

/* Of the fields that are passed on a long or binary one is none. */
static bool is_short_text(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return false;
	}
	return len <= SHORT_MAX;
}

static int keep(char **field, const char *value, size_t len)
{
	free(*field);
	*field = strndup(value, len);
	return *field ? 0 : -ENOMEM;
}

int response_header(struct response *r, const char *line, size_t len)
{
	const struct {
		const char *name;
		char **field;
		bool passed_on;
	} fields[] = {
		{ "content-type", &r->type, true },
		{ "docker-content-digest", &r->digest, true },
		{ "link", &r->link, false },
		{ "content-range", &r->content_range, false },
		{ "location", &r->location, false },
	};
	const char *colon = memchr(line, ':', len), *value;
	size_t name = colon ? (size_t)(colon - line) : 0;

	/* A new status line begins another response (100 Continue, a proxy's answer). */
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		response_reset(r);
		return 0;
	}
	if (!colon || memchr(line, '\0', len))
		return 0;
	value = colon + 1;
	len -= name + 1;
	for (; len > 0 && (*value == ' ' || *value == '\t'); len--)
		value++;
	while (len > 0 && strchr(" \t\r\n", value[len - 1]))
		len--;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strlen(fields[i].name) != name || strncasecmp(line, fields[i].name, name) != 0)
			continue;
		return fields[i].passed_on && !is_short_text(value, len)
			       ? 0
			       : keep(fields[i].field, value, len);
	}
	if (name == strlen("docker-distribution-api-version") &&
		strncasecmp(line, "docker-distribution-api-version", name) == 0)
		r->registry = true;
	if (name == strlen("www-authenticate") && r->n_challenges < HTTP_CHALLENGES &&
		strncasecmp(line, "www-authenticate", name) == 0)
		return keep(&r->challenges[r->n_challenges++], value, len);
	return 0;
}

int content_range_start(const char *text, uint64_t *ret)
{
	char digits[24];
	size_t n;

	if (!text || strncasecmp(text, "bytes ", 6) != 0)
		return -EINVAL;
	text += 6;
	n = strspn(text, "0123456789");
	if (n == 0 || n >= sizeof(digits) || text[n] != '-')
		return -EINVAL;
	memcpy(digits, text, n);
	digits[n] = '\0';
	return parse_u64(digits, ret);
}

static void url_freep(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void curl_freep(char **s)
{
	curl_free(*s);
}

int origin_parse(const char *url, struct origin *ret, struct err *e)
{
	_cleanup_(url_freep)
	CURLU *u = curl_url();
	_cleanup_(curl_freep)
	char *scheme = NULL;
	_cleanup_(curl_freep)
	char *host = NULL;
	_cleanup_(curl_freep)
	char *port = NULL;
	_cleanup_(curl_freep)
	char *user = NULL;
	uint32_t n = 0;

	if (!u || curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK || strlen(host) >= 256)
		return err_msg(e, -EPROTO, "a URL that is malformed");
	if (!streq(scheme, "http") && !streq(scheme, "https"))
		return err_msg(e, -EPROTO, "a URL that is neither https nor http");
	if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK && !red_off("url-user"))
		return err_msg(e, -EPROTO, "a URL with user information");
	if (curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
		parse_u32(port, &n) < 0)
		return err_msg(e, -EPROTO, "a URL with a malformed port");
	snprintf(ret->scheme, sizeof(ret->scheme), "%s", scheme);
	snprintf(ret->host, sizeof(ret->host), "%s", host);
	ret->port = n;
	return 0;
}

bool origin_same(const struct origin *a, const struct origin *b)
{
	return streq(a->scheme, b->scheme) && strcasecmp(a->host, b->host) == 0 &&
	       a->port == b->port;
}

bool host_is_loopback(const char *host)
{
	unsigned a, b, c, d;
	int n = 0;

	if (strcasecmp(host, "localhost") == 0 || streq(host, "[::1]") || streq(host, "::1"))
		return true;
	return sscanf(host, "%3u.%3u.%3u.%3u%n", &a, &b, &c, &d, &n) == 4 && !host[n] && a == 127 &&
	       b < 256 && c < 256 && d < 256;
}

int url_resolve(const char *base, const char *ref, char **ret, struct err *e)
{
	_cleanup_(url_freep)
	CURLU *u = curl_url();
	_cleanup_(curl_freep)
	char *text = NULL;

	if (!u || curl_url_set(u, CURLUPART_URL, base, 0) != CURLUE_OK ||
		curl_url_set(u, CURLUPART_URL, ref, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_URL, &text, 0) != CURLUE_OK)
		return err_msg(e, -EPROTO, "a URL that is malformed");
	*ret = strdup(text);
	return *ret ? 0 : err_set(e, -ENOMEM, "URL");
}

int url_add_escaped(struct str *b, const char *text)
{
	int r = 0;

	for (const unsigned char *p = (const unsigned char *)text; r == 0 && *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			     (*p >= '0' && *p <= '9') || strchr("-._~", *p);

		r = plain ? str_add(b, p, 1) : str_addf(b, "%%%02X", *p);
	}
	return r;
}

void url_show(const char *url, char *buf, size_t size)
{
	struct origin o;

	if (origin_parse(url, &o, NULL) < 0)
		snprintf(buf, size, "(malformed URL)");
	else
		snprintf(buf, size, "%s://%.100s:%u", o.scheme, o.host, o.port);
}

/*
 * Authorities, a client certificate and the leave to do without are meant for one host: where it leads to
 * is judged as any other.
 */
static bool is_own(const struct http *h, const char *host)
{
	return h->host && (strcasecmp(host, h->host) == 0 || red_off("tls-host"));
}

static void set_tls(const struct http *h, CURL *easy, const char *host)
{
	bool own = is_own(h, host);
	struct curl_blob cert = { h->cert, h->cert ? strlen(h->cert) : 0, CURL_BLOB_NOCOPY };
	struct curl_blob key = { h->key, h->key ? strlen(h->key) : 0, CURL_BLOB_NOCOPY };
	struct curl_blob ca = { h->ca, h->ca_len, CURL_BLOB_NOCOPY };
	bool verify = !(own && h->insecure) && !red_off("tls-verify");

	curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	if (red_off("tls-version")) {
		curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_0);
		curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, "ALL:@SECLEVEL=0");
	}
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CAINFO, own && h->ca ? NULL : h->ca_file);
	if (own && h->ca)
		curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
	if (own && h->cert)
		curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &cert);
	if (own && h->key)
		curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
}

int http_setup(const struct http *h, CURL *easy, const char *url, char *errbuf)
{
	struct origin o;

	errbuf[0] = '\0';
	if (origin_parse(url, &o, NULL) < 0)
		return -EINVAL;
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, errbuf);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "uctr/" UCTR_VERSION);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, h->stall);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 262144L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	/* What stays on this machine is nobody else's business, and http is plain text. */
	if (host_is_loopback(o.host) && !red_off("loopback-proxy"))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	set_tls(h, easy, o.host);
	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK ? 0 : -ENOMEM;
}

bool http_status_is_transient(long status)
{
	return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

bool http_code_is_transient(CURLcode code)
{
	static const CURLcode codes[] = { CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR,
		CURLE_GOT_NOTHING, CURLE_OPERATION_TIMEDOUT, CURLE_HTTP2, CURLE_HTTP2_STREAM };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (codes[i] == code)
			return true;
	}
	return false;
}

int http_failed(CURLcode code, const char *errbuf, const char *url, struct err *e)
{
	_cleanup_free_ char *why = str_sanitise(*errbuf ? errbuf : curl_easy_strerror(code));
	char where[160];
	int r = -EIO;

	if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
		r = -ECONNREFUSED;
	else if (code == CURLE_OPERATION_TIMEDOUT)
		r = -ETIMEDOUT;
	else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR)
		r = -EKEYREJECTED;
	url_show(url, where, sizeof(where));
	if (r == -EKEYREJECTED)
		return err_msg(e, r,
			"no trusted connection to %s: %s; its certificate authority belongs into a "
			"certs.d directory (\"insecure\" in registries.conf does without)",
			where, why ? why : "");
	return err_msg(e, r, "no answer from %s: %s", where, why ? why : "");
}

struct collect {
	struct str *body;
	size_t max;
};

static size_t collect_body(char *data, size_t one, size_t len, void *ctx)
{
	struct collect *c = ctx;

	(void)one;
	return c->body->len + len > c->max || str_add(c->body, data, len) < 0 ? 0 : len;
}

static size_t collect_header(char *line, size_t one, size_t len, void *ctx)
{
	(void)one;
	return response_header(ctx, line, len) < 0 ? 0 : len;
}

static int perform(const struct http *h, CURL *easy, const char *url, const char *form,
	struct curl_slist *headers, struct collect *c, struct response *ret, struct err *e)
{
	char errbuf[CURL_ERROR_SIZE];
	CURLcode code;
	int r = http_setup(h, easy, url, errbuf);

	if (r < 0)
		return err_set(e, r, "HTTP request");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, collect_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, ret);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, h->stall);
	if (form)
		curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, form);
	code = curl_easy_perform(easy);
	if (code == CURLE_WRITE_ERROR)
		return err_msg(e, -EFBIG, "the answer is longer than %zu bytes", c->max);
	if (code != CURLE_OK)
		return http_failed(code, errbuf, url, e);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &ret->status);
	return 0;
}

int http_simple(const struct http *h, const char *url, const char *authorization, const char *form,
	size_t max, struct response *ret, struct str *ret_body, struct err *e)
{
	_cleanup_free_ char *line =
		authorization ? str_printf("Authorization: %s", authorization) : NULL;
	struct curl_slist *headers = line ? curl_slist_append(NULL, line) : NULL;
	struct collect c = { ret_body, max };
	CURL *easy = curl_easy_init();
	int r;

	if (!easy || (authorization && !headers))
		r = err_set(e, -ENOMEM, "HTTP request");
	else
		r = perform(h, easy, url, form, headers, &c, ret, e);
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	return r;
}
