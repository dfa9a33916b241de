/* SPDX-License-Identifier: Apache-2.0 */
/* Growable string, string vector, environment vector. */
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool str_startswith(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_endswith(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && streq(s + n - m, suffix);
}

char *str_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

void str_free(struct str *b)
{
	free(b->s);
	b->s = NULL;
	b->len = b->cap = 0;
}

int str_add(struct str *b, const void *data, size_t len)
{
	if (len >= SIZE_MAX - b->len - 1)
		return -ENOMEM;
	if (b->len + len + 1 > b->cap) {
		size_t cap = b->cap ? b->cap : 64;
		char *s;

		while (cap < b->len + len + 1)
			cap = cap > SIZE_MAX / 2 ? b->len + len + 1 : cap * 2;
		s = realloc(b->s, cap);
		if (!s)
			return -ENOMEM;
		b->s = s;
		b->cap = cap;
	}
	if (len > 0)
		memcpy(b->s + b->len, data, len);
	b->len += len;
	b->s[b->len] = '\0';
	return 0;
}

int str_addf(struct str *b, const char *fmt, ...)
{
	_cleanup_free_ char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0) {
		s = NULL;
		return -ENOMEM;
	}
	return str_add(b, s, (size_t)n);
}

size_t strv_len(char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

int strv_take(char ***v, char *s)
{
	size_t n = strv_len(*v);
	char **grown;

	if (!s)
		return -ENOMEM;
	grown = reallocarray(*v, n + 2, sizeof(*grown));
	if (!grown) {
		free(s);
		return -ENOMEM;
	}
	grown[n] = s;
	grown[n + 1] = NULL;
	*v = grown;
	return 0;
}

int strv_add(char ***v, const char *s)
{
	return strv_take(v, strdup(s));
}

int strv_addf(char ***v, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return strv_take(v, n < 0 ? NULL : s);
}

int strv_extend(char ***v, char *const *more)
{
	strv_foreach (s, more) {
		int r = strv_add(v, s);

		if (r < 0)
			return r;
	}
	return 0;
}

bool strv_contains(char *const *v, const char *s)
{
	strv_foreach (x, v) {
		if (streq(x, s))
			return true;
	}
	return false;
}

bool strv_equal(char *const *a, char *const *b)
{
	size_t n = strv_len(a);

	if (n != strv_len(b))
		return false;
	while (n > 0 && streq(a[n - 1], b[n - 1]))
		n--;
	return n == 0;
}

void strv_free(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}

void strv_freep(char ***v)
{
	strv_free(*v);
	*v = NULL;
}

char **strv_split(const char *s, char sep)
{
	_cleanup_strv_ char **v = NULL;

	for (;;) {
		const char *end = strchr(s, sep);

		if (strv_take(&v, end ? strndup(s, (size_t)(end - s)) : strdup(s)) < 0)
			return NULL;
		if (!end)
			return take_ptr(v);
		s = end + 1;
	}
}

static char **env_find(char *const *env, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; env && env[i]; i++) {
		if (strncmp(env[i], key, n) == 0 && env[i][n] == '=')
			return (char **)&env[i];
	}
	return NULL;
}

const char *env_get(char *const *env, const char *key)
{
	char **slot = env_find(env, key);

	return slot ? *slot + strlen(key) + 1 : NULL;
}

int env_set(char ***env, const char *key, const char *value)
{
	char **slot = env_find(*env, key);
	char *s = str_printf("%s=%s", key, value);

	if (!slot)
		return strv_take(env, s);
	if (!s)
		return -ENOMEM;
	free(*slot);
	*slot = s;
	return 0;
}

void env_unset(char **env, const char *key)
{
	char **slot = env_find(env, key);

	if (!slot)
		return;
	free(*slot);
	for (; slot[0]; slot++)
		slot[0] = slot[1];
}

bool char_is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

/* Length of the valid, printable UTF-8 sequence at p, or 0: C1 and bidi controls are not. */
static size_t utf8_printable(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 4;
	uint32_t cp = n == 1 ? p[0] : p[0] & (0x7fU >> n);
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (n == 1)
		return char_is_control(p[0]) ? 0 : 1;
	if ((p[0] & 0xf8) > 0xf0 || (p[0] & 0xc0) == 0x80)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	if (cp <= 0x9f || (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) ||
		cp == 0x200e || cp == 0x200f || cp == 0x2028 || cp == 0x2029 || cp == 0xfeff)
		return 0;
	return n;
}

char *str_sanitise(const char *s)
{
	struct str b = { 0 };
	const unsigned char *p = (const unsigned char *)s;

	while (*p) {
		size_t n = utf8_printable(p);
		int r = n ? str_add(&b, p, n) : str_addf(&b, "\\x%02x", *p);

		if (r < 0) {
			str_free(&b);
			return NULL;
		}
		p += n ? n : 1;
	}
	return b.s ? b.s : strdup("");
}
