/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of tar archives (POSIX.1-2001, pax interchange format). */
#include "tar.h"

#include <stdio.h>
#include <string.h>

#define BLOCK 512
#define MAX_OCTAL8 07777777ULL /* of a field of eight bytes */
#define MAX_OCTAL12 077777777777ULL

struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a tar header is one block");

static const char zeros[BLOCK];

int tar_pax(struct str *b, const char *key, const void *value, size_t len)
{
	/* " key=value\n" and the digits of the whole length, themselves included. */
	size_t body = strlen(key) + len + 3, digits = 1, total;
	char text[24];
	int r;

	for (;; digits++) {
		total = body + digits;
		if ((size_t)snprintf(text, sizeof(text), "%zu", total) == digits)
			break;
	}
	r = str_addf(b, "%s %s=", text, key);
	if (r == 0)
		r = str_add(b, value, len);
	return r < 0 ? r : str_add(b, "\n", 1);
}

static int pax_text(struct str *b, const char *key, const char *value)
{
	return tar_pax(b, key, value, strlen(value));
}

static int pax_number(struct str *b, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return pax_text(b, key, text);
}

static int pax_time(struct str *b, const struct timespec *t)
{
	char text[40];
	long ns = t->tv_nsec;
	long long s = t->tv_sec;
	bool negative = s < 0;

	/* The fraction counts away from zero: half a second before 1970 is -0.5. */
	if (negative && ns) {
		s++;
		ns = 1000000000L - ns;
	}
	snprintf(text, sizeof(text), "%s%llu.%09ld", negative ? "-" : "",
		(unsigned long long)(s < 0 ? -s : s), ns);
	return pax_text(b, "mtime", text);
}

static bool is_ascii(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s > 0x7e)
			return false;
	}
	return true;
}

/* Is it UTF-8, as PAX wants its records? str_sanitise() shows anything else as \xNN. */
static bool is_utf8(const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		int more = c < 0x80                ? 0
			   : c >= 0xc2 && c < 0xe0 ? 1
			   : (c & 0xf0) == 0xe0    ? 2
			   : c >= 0xf0 && c < 0xf5 ? 3
						   : -1;

		if (more < 0)
			return false;
		for (; more > 0; more--) {
			if (((unsigned char)*++s & 0xc0) != 0x80)
				return false;
		}
	}
	return true;
}

/* A name goes into the header when it fits and means the same everywhere. */
static bool fits(const char *s)
{
	return strlen(s) <= 100 && (is_ascii(s) || !is_utf8(s));
}

static int pax_name(struct str *b, const char *key, const char *value)
{
	int r = is_utf8(value) ? 0 : pax_text(b, "hdrcharset", "BINARY");

	return r < 0 ? r : pax_text(b, key, value);
}

/* Everything that the header cannot say. */
static int extend(const struct tar_entry *t, struct str *b)
{
	int r = fits(t->path) ? 0 : pax_name(b, "path", t->path);

	if (r == 0 && t->target && !fits(t->target))
		r = pax_name(b, "linkpath", t->target);
	if (r == 0 && t->uid > MAX_OCTAL8)
		r = pax_number(b, "uid", t->uid);
	if (r == 0 && t->gid > MAX_OCTAL8)
		r = pax_number(b, "gid", t->gid);
	if (r == 0 && t->size > MAX_OCTAL12)
		r = pax_number(b, "size", t->size);
	if (r == 0 && (t->mtime.tv_nsec || t->mtime.tv_sec < 0 ||
			      (uint64_t)t->mtime.tv_sec > MAX_OCTAL12))
		r = pax_time(b, &t->mtime);
	return r < 0 || !t->pax.len ? r : str_add(b, t->pax.s, t->pax.len);
}

/* What does not fit stands in the records, which readers take first. */
static void octal(char *field, size_t width, uint64_t v, uint64_t max)
{
	char text[24];

	snprintf(text, sizeof(text), "%0*llo", (int)width - 1,
		(unsigned long long)(v > max ? 0 : v));
	memcpy(field, text, width - 1);
}

static void copy_name(char *field, const char *name)
{
	memcpy(field, name, strnlen(name, 100));
}

static int put_block(struct sink *s, const struct tar_entry *t, struct err *e)
{
	struct ustar h = { .type = t->type,
		.magic = "ustar",
		.version = { '0', '0' },
		.sum = { ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ' } };
	const unsigned char *p = (const unsigned char *)&h;
	int64_t when = t->mtime.tv_sec;
	unsigned int sum = 0;
	char text[8];

	copy_name(h.name, t->path);
	if (t->target)
		copy_name(h.link, t->target);
	octal(h.mode, sizeof(h.mode), t->mode & 07777, MAX_OCTAL8);
	octal(h.uid, sizeof(h.uid), t->uid, MAX_OCTAL8);
	octal(h.gid, sizeof(h.gid), t->gid, MAX_OCTAL8);
	octal(h.size, sizeof(h.size), t->size, MAX_OCTAL12);
	octal(h.mtime, sizeof(h.mtime), when < 0 ? 0 : (uint64_t)when, MAX_OCTAL12);
	if (t->type == '3' || t->type == '4') {
		octal(h.major, sizeof(h.major), t->major, MAX_OCTAL8);
		octal(h.minor, sizeof(h.minor), t->minor, MAX_OCTAL8);
	}
	for (size_t i = 0; i < sizeof(h); i++)
		sum += p[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(h.sum, text, 7);
	return sink_write(s, &h, sizeof(h), e);
}

int tar_pad(struct sink *s, uint64_t size, struct err *e)
{
	return size % BLOCK ? sink_write(s, zeros, BLOCK - size % BLOCK, e) : 0;
}

int tar_header(struct sink *s, const struct tar_entry *t, struct err *e)
{
	_cleanup_str_ struct str pax = { 0 };
	struct tar_entry x = { .path = "PaxHeaders/file", .type = 'x', .mode = 0644 };
	int r = extend(t, &pax);

	if (r < 0)
		return err_set(e, r, "write the archive");
	if (pax.len) {
		x.size = pax.len;
		r = put_block(s, &x, e);
		if (r == 0)
			r = sink_write(s, pax.s, pax.len, e);
		if (r == 0)
			r = tar_pad(s, pax.len, e);
	}
	return r < 0 ? r : put_block(s, t, e);
}

int tar_end(struct sink *s, struct err *e)
{
	int r = sink_write(s, zeros, BLOCK, e);

	return r < 0 ? r : sink_write(s, zeros, BLOCK, e);
}
