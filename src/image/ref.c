/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing image references. */
#include "image/ref.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/red.h"
#include "base/str.h"
#include "uctr/transfer_proto.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define TAG_MAX 128

void ref_free(struct ref *r)
{
	free(r->host);
	free(r->path);
	free(r->tag);
	free(r->digest);
	*r = (struct ref){ 0 };
}

bool digest_hex_valid(const char *text)
{
	if (red_off("digest-form"))
		return true;
	return strlen(text) == UCTR_DIGEST_HEX && strspn(text, DIGITS "abcdef") == UCTR_DIGEST_HEX;
}

const char *digest_hex(const char *text)
{
	const char *hex = text && str_startswith(text, "sha256:") ? text + 7 : NULL;

	return hex && digest_hex_valid(hex) ? hex : NULL;
}

static int bad(struct err *e, const char *text, const char *why)
{
	_cleanup_free_ char *clean = str_sanitise(text);

	return err_msg(e, -EINVAL, "image name \"%.80s%s\": %s", clean ? clean : "",
		clean && strlen(clean) > 80 ? "..." : "", why);
}

/* Letters and digits joined by '.', '_', "__" or any number of '-', between start and end. */
static bool path_part_valid(const char *s, size_t len)
{
	size_t i = 0;

	for (;;) {
		size_t word = strspn(s + i, LOWER DIGITS), sep;

		if (word == 0 || i + word > len)
			return false;
		i += word;
		if (i == len)
			return true;
		sep = strspn(s + i, "-");
		if (sep == 0)
			sep = s[i] == '.' ? 1 : strspn(s + i, "_");
		if (sep == 0 || (s[i] == '_' && sep > 2))
			return false;
		i += sep;
	}
}

static bool path_valid(const char *s)
{
	for (;;) {
		size_t len = strcspn(s, "/");

		if (!path_part_valid(s, len))
			return false;
		if (!s[len])
			return true;
		s += len + 1;
	}
}

static bool label_valid(const char *s, size_t len)
{
	return len > 0 && len <= 63 && strspn(s, LOWER UPPER DIGITS "-") >= len && s[0] != '-' &&
	       s[len - 1] != '-';
}

/* HOST, HOST:PORT or [IPv6]:PORT. */
static bool host_valid(const char *s)
{
	size_t len;
	uint32_t port;

	if (*s == '[') {
		len = strspn(s + 1, DIGITS "abcdefABCDEF:");
		if (len < 2 || s[1 + len] != ']')
			return false;
		s += len + 2;
	} else {
		for (;; s++) {
			len = strcspn(s, ".:");
			if (!label_valid(s, len))
				return false;
			s += len;
			if (*s != '.')
				break;
		}
	}
	if (!*s)
		return true;
	return *s == ':' && parse_u32(s + 1, &port) == 0 && port > 0 && port < 65536;
}

static bool tag_valid(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len <= TAG_MAX && *s != '.' && *s != '-' &&
	       strspn(s, LOWER UPPER DIGITS "_.-") == len;
}

/* docker's rule: the first part is a host when nothing else can look like it. */
static bool looks_like_host(const char *s, size_t len)
{
	if (memchr(s, '.', len) || memchr(s, ':', len))
		return true;
	return len == strlen(REF_HOST_LOCAL) && memcmp(s, REF_HOST_LOCAL, len) == 0;
}

static const char *path_fault(const char *path)
{
	if (!*path)
		return "the repository is empty";
	if (strpbrk(path, UPPER))
		return "the repository must be lowercase";
	return "want [HOST/]NAME[:TAG]; a name is lowercase letters and digits, with single "
	       "'.', '_' or '-' between them, parts separated by '/'";
}

static int keep(char **field, const char *value, struct err *e)
{
	*field = strdup(value);
	return *field ? 0 : err_set(e, -ENOMEM, "image name");
}

static int split(char *s, const char *text, struct ref *r, struct err *e)
{
	char *at = strchr(s, '@'), *slash, *colon;

	if (at) {
		*at = '\0';
		if (!digest_hex(at + 1))
			return bad(
				e, text, "the digest must be sha256: and 64 lowercase hex digits");
		if (keep(&r->digest, digest_hex(at + 1), e) < 0)
			return -ENOMEM;
	}
	slash = strrchr(s, '/');
	colon = strrchr(s, ':');
	if (colon && (!slash || colon > slash)) {
		*colon = '\0';
		if (!tag_valid(colon + 1))
			return bad(e, text,
				"the tag must be 1 to 128 letters, digits, '_', '.' or '-', and "
				"not "
				"start with '.' or '-'");
		if (keep(&r->tag, colon + 1, e) < 0)
			return -ENOMEM;
	}
	slash = strchr(s, '/');
	if (slash && looks_like_host(s, (size_t)(slash - s))) {
		*slash = '\0';
		if (!host_valid(s))
			return bad(e, text, "the registry's host name or port is malformed");
		if (keep(&r->host, streq(s, "index.docker.io") ? REF_HOST_DOCKER : s, e) < 0)
			return -ENOMEM;
		s = slash + 1;
	}
	if (!path_valid(s))
		return bad(e, text, path_fault(s));
	return keep(&r->path, s, e);
}

int ref_parse(const char *text, struct ref *ret, struct err *e)
{
	_cleanup_(ref_free)
	struct ref r = { 0 };
	_cleanup_free_ char *s = NULL;
	int n;

	if (!*text)
		return err_msg(e, -EINVAL, "the image name is empty");
	if (strlen(text) > REF_MAX)
		return bad(e, text, "it is too long (at most 220 characters)");
	s = strdup(text);
	if (!s)
		return err_set(e, -ENOMEM, "image name");
	n = split(s, text, &r, e);
	if (n < 0)
		return n;
	*ret = r;
	r = (struct ref){ 0 };
	return 0;
}

char *ref_name(const struct ref *r, const char *default_host)
{
	const char *host = r->host ? r->host : default_host;
	bool library = streq(host, REF_HOST_DOCKER) && !strchr(r->path, '/');

	return str_printf(
		"%s/%s%s:%s", host, library ? "library/" : "", r->path, r->tag ? r->tag : "latest");
}
