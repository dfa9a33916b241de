/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a tar archive that no tar program would: hostile names, links, devices, bombs.
 *
 * usage: mktar < SPEC > ARCHIVE
 *
 * One entry a line, fields separated by blanks; \xHH (also \x20 for a blank) is understood:
 *   dir NAME MODE | file NAME MODE [TEXT] | fill NAME MODE SIZE [BYTE]
 *   symlink NAME TARGET | hardlink NAME TARGET | fifo NAME MODE
 *   char NAME MAJOR MINOR | block NAME MAJOR MINOR
 *   owner UID GID         for the entries that follow
 *   pax KEY VALUE         for the next entry: a PAX record (xattrs: SCHILY.xattr.NAME)
 *   sparse NAME MODE SIZE a GNU sparse file of one hole
 * Names longer than 100 bytes are written as a PAX path.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512
#define FIELDS 4

static unsigned long owner_uid, owner_gid;
static char pax[65536];
static size_t pax_len;

static void fail(const char *what)
{
	fprintf(stderr, "mktar: %s\n", what);
	exit(1);
}

static void put(const void *p, size_t n)
{
	if (fwrite(p, 1, n, stdout) != n)
		fail("write error");
}

static void pad(unsigned long long size)
{
	static const char zero[BLOCK];

	if (size % BLOCK)
		put(zero, BLOCK - size % BLOCK);
}

/* A number field: octal, or GNU's base 256 when it is too large for that. */
static void number(char *field, size_t width, unsigned long long v)
{
	if (v >> (3 * (width - 1))) {
		for (size_t i = width; i-- > 1; v >>= 8)
			field[i] = (char)(v & 0xff);
		field[0] = (char)0x80;
		return;
	}
	snprintf(field, width, "%0*llo", (int)width - 1, v);
}

struct entry {
	const char *name, *link;
	char type;
	unsigned long mode, major, minor;
	unsigned long long size, real_size; /* real_size: of a sparse file */
};

static void header(const struct entry *en)
{
	char h[BLOCK] = { 0 };
	unsigned long sum = 0;

	memcpy(h, en->name, strnlen(en->name, 100));
	number(h + 100, 8, en->mode);
	number(h + 108, 8, owner_uid);
	number(h + 116, 8, owner_gid);
	number(h + 124, 12, en->size);
	number(h + 136, 12, 1704067200);
	memset(h + 148, ' ', 8);
	h[156] = en->type;
	if (en->link)
		memcpy(h + 157, en->link, strnlen(en->link, 100));
	if (en->type == 'S') {
		memcpy(h + 257, "ustar  ", 8); /* GNU's magic */
		number(h + 386, 12, en->real_size);
		number(h + 398, 12, 0);
		number(h + 483, 12, en->real_size);
	} else {
		memcpy(h + 257, "ustar\00000", 8);
		number(h + 329, 8, en->major);
		number(h + 337, 8, en->minor);
	}
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06lo", sum);
	put(h, BLOCK);
}

/* Adds "LENGTH KEY=VALUE\n", where LENGTH counts its own digits too. */
static void pax_add(const char *key, const char *value)
{
	size_t body = strlen(key) + strlen(value) + 3, len = body + 1;
	char digits[32];

	while (len != body + (size_t)snprintf(digits, sizeof(digits), "%zu", len))
		len++;
	if (pax_len + len >= sizeof(pax))
		fail("too many pax records");
	pax_len += (size_t)snprintf(pax + pax_len, len + 1, "%zu %s=%s\n", len, key, value);
}

static void emit(const struct entry *en)
{
	if (strlen(en->name) > 100)
		pax_add("path", en->name);
	if (en->link && strlen(en->link) > 100)
		pax_add("linkpath", en->link);
	if (pax_len) {
		struct entry x = { .name = "pax", .type = 'x', .mode = 0644, .size = pax_len };

		header(&x);
		put(pax, pax_len);
		pad(pax_len);
		pax_len = 0;
	}
	header(en);
}

static void fill(const struct entry *en, int byte)
{
	char buf[8192];

	memset(buf, byte, sizeof(buf));
	for (unsigned long long left = en->size; left;) {
		size_t n = left < sizeof(buf) ? (size_t)left : sizeof(buf);

		put(buf, n);
		left -= n;
	}
	pad(en->size);
}

/* Resolves \xHH, \n, \\ in place. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] == 'x' && s[2] && s[3]) {
			char hex[3] = { s[2], s[3], 0 };

			*out++ = (char)strtol(hex, NULL, 16);
			s += 3;
		} else if (s[0] == '\\' && s[1] == 'n') {
			*out++ = '\n';
			s++;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

static void node(struct entry *en, char **f, char type)
{
	en->type = type;
	en->mode = 0666;
	en->major = strtoul(f[2], NULL, 0);
	en->minor = strtoul(f[3], NULL, 0);
	emit(en);
}

static void line(char **f)
{
	struct entry en = { .name = f[1], .mode = strtoul(f[2], NULL, 8) };

	if (!strcmp(f[0], "dir")) {
		en.type = '5';
		emit(&en);
	} else if (!strcmp(f[0], "file")) {
		en.type = '0';
		en.size = strlen(f[3]);
		emit(&en);
		put(f[3], en.size);
		pad(en.size);
	} else if (!strcmp(f[0], "fill")) {
		char *byte;

		en.type = '0';
		en.size = strtoull(f[3], &byte, 0);
		emit(&en);
		fill(&en, byte[0] ? byte[1] : 0);
	} else if (!strcmp(f[0], "sparse")) {
		en.type = 'S';
		en.real_size = strtoull(f[3], NULL, 0);
		emit(&en);
	} else if (!strcmp(f[0], "symlink") || !strcmp(f[0], "hardlink")) {
		en.type = f[0][0] == 's' ? '2' : '1';
		en.mode = 0777;
		en.link = f[2];
		emit(&en);
	} else if (!strcmp(f[0], "fifo")) {
		en.type = '6';
		emit(&en);
	} else if (!strcmp(f[0], "char") || !strcmp(f[0], "block")) {
		node(&en, f, f[0][0] == 'c' ? '3' : '4');
	} else if (!strcmp(f[0], "owner")) {
		owner_uid = strtoul(f[1], NULL, 0);
		owner_gid = strtoul(f[2], NULL, 0);
	} else if (!strcmp(f[0], "pax")) {
		pax_add(f[1], f[2]);
	} else {
		fail(f[0]);
	}
}

int main(void)
{
	static const char end[2 * BLOCK];
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&text, &cap, stdin)) > 0) {
		static char empty[] = "";
		char *f[FIELDS] = { empty, empty, empty, empty };
		char *p = text;

		text[strcspn(text, "\n")] = '\0';
		if (!*text || *text == '#')
			continue;
		for (int i = 0; i < FIELDS && p; i++)
			f[i] = i < FIELDS - 1 ? strsep(&p, " ") : p;
		for (int i = 0; i < FIELDS; i++)
			unescape(f[i]);
		line(f);
	}
	free(text);
	put(end, sizeof(end));
	return fflush(stdout) ? 1 : 0;
}
