/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP as the downloader needs it: what a response says, where a URL leads, one blocking request. */
#ifndef UCTR_TRANSFER_HTTP_H
#define UCTR_TRANSFER_HTTP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define HTTP_CHALLENGES 4

/* What the headers of a response say. Strings owned; bounded by curl's limit on headers. */
struct response {
	long status;
	char *type, *digest, *link, *content_range, *location;
	char *challenges[HTTP_CHALLENGES];
	size_t n_challenges;
	bool registry; /* it says that it is one */
};
void response_reset(struct response *r);
/* Takes one header line (any bytes, not terminated). 0 or -ENOMEM. */
int response_header(struct response *r, const char *line, size_t len);
/* Where a partial answer begins ("bytes 100-199/200"), or -EINVAL. */
int content_range_start(const char *text, uint64_t *ret);

/* Scheme, host and port: what credentials are bound to. */
struct origin {
	char scheme[8], host[256];
	unsigned port;
};
/* Of an http or https URL without user information; anything else is refused. */
int origin_parse(const char *url, struct origin *ret, struct err *e);
bool origin_same(const struct origin *a, const struct origin *b);
/* localhost, 127.0.0.0/8 and ::1, as written. */
bool host_is_loopback(const char *host);
/* A reference resolved against a URL (RFC 3986); malloc'ed. */
int url_resolve(const char *base, const char *ref, char **ret, struct err *e);
/* Appends text to b, with everything escaped that is not unreserved in a query. */
int url_add_escaped(struct str *b, const char *text);

/* How to connect: shared by all requests. What concerns certificates is for `host` alone. */
struct http {
	const char *host; /* the registry's; borrowed, NULL until it is known */
	char *ca; /* a bundle in memory instead of ca_file: the system's and that of the host */
	size_t ca_len;
	char *ca_file, *cert, *key; /* cert and key: PEM of a client certificate, or NULL */
	bool insecure; /* certificates need not be good */
	long stall; /* seconds without a byte after which a connection is given up */
};
/* Settings that every handle gets. errbuf has CURL_ERROR_SIZE bytes. 0 or -errno. */
int http_setup(const struct http *h, CURL *easy, const char *url, char *errbuf);
/* Text for a failure of curl. */
int http_failed(CURLcode code, const char *errbuf, const char *url, struct err *e);
/* Could the same request succeed a moment later? */
bool http_code_is_transient(CURLcode code);
bool http_status_is_transient(long status);

/*
 * One request, waited for: GET, or POST of `form`. Redirects are not followed. `authorization` is
 * the header's value or NULL. The body (at most max) goes to *ret_body.
 */
int http_simple(const struct http *h, const char *url, const char *authorization, const char *form,
	size_t max, struct response *ret, struct str *ret_body, struct err *e);

/* Host and port of a URL for messages (nothing of path or query), at most `size` bytes. */
void url_show(const char *url, char *buf, size_t size);

#endif
