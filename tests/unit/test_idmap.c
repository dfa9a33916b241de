/* SPDX-License-Identifier: Apache-2.0 */
/* Id maps: ranges from texts, and the arithmetic of children's maps. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "sys/idmap.h"
#include "tap.h"

/* A map as text, as /proc shows it but with single blanks and ';'. */
static const char *show(const struct idmap_line *l, size_t n)
{
	static char buf[16384];
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < n && at < sizeof(buf); i++)
		at += (size_t)snprintf(buf + at, sizeof(buf) - at, "%s%u %u %u", i ? "; " : "",
			l[i].inside, l[i].outside, l[i].count);
	return buf;
}

static const char *ranges(const char *text, const char *name, uid_t uid)
{
	static struct idmap_line l[IDMAP_LINES];
	char *copy = strdup(text);
	size_t n = idmap_parse_file(copy, name, uid, uid, l, IDMAP_LINES);

	free(copy);
	return show(l, n);
}

/* row F13: lines that wrap, are empty, malformed, of others | red: by hand: without the check of each line */
static void test_files(void)
{
	CHECK_STR(ranges("ann:100000:65536\nbob:200000:65536\n", "ann", 1000), "0 100000 65536");
	CHECK_STR(ranges("ann:100000:65536\n", "bob", 1001), "");
	/* By name and by number, any number of them, in the file's order; no final newline. */
	CHECK_STR(ranges("1000:300000:5\nann:100000:10\nbob:5:5\nann:200000:7", "ann", 1000),
		"0 300000 5; 0 100000 10; 0 200000 7");
	CHECK_STR(ranges("1000:300000:5\n", NULL, 1000), "0 300000 5");
	/* What is no range. */
	CHECK_STR(ranges("ann\nann:1\nann:x:5\nann:5:x\nann:5:-1\nann: 5:1\n\n:::\nann:5:5:5\n",
			  "ann", 1000),
		"");
	CHECK_STR(ranges("ann:100000:0\nann:0:10\n", "ann", 1000), "");
	/* Wrapping, and (uid_t)-1. */
	CHECK_STR(ranges("ann:4294967295:1\nann:4294967290:6\nann:4294967290:5\n", "ann", 1000),
		"0 4294967290 5");
	CHECK_STR(ranges("ann:18446744073709551615:2\n", "ann", 1000), "");
	/* The kernel refuses a map that names an id twice: the caller's own, or another range's. */
	CHECK_STR(ranges("ann:900:200\nann:100000:10\n", "ann", 1000), "0 100000 10");
	CHECK_STR(ranges("ann:100000:10\nann:100009:10\nann:100010:10\n1000:100000:10\n", "ann",
			  1000),
		"0 100000 10; 0 100010 10");
}

static const char *getsubids(const char *text)
{
	static struct idmap_line l[IDMAP_LINES];
	char *copy = strdup(text);
	size_t n = idmap_parse_getsubids(copy, 1000, l, IDMAP_LINES);

	free(copy);
	return show(l, n);
}

static void test_getsubids(void)
{
	CHECK_STR(getsubids("0: ann 100000 65536\n1: ann 300000 10\n"),
		"0 100000 65536; 0 300000 10");
	CHECK_STR(getsubids("0: ann 100000 65536"), "0 100000 65536");
	CHECK_STR(getsubids("Error fetching ranges\n"), "");
	CHECK_STR(getsubids("0: ann 100000\n0 ann 1 2\n: ann x 2\n"), "");
	CHECK_STR(getsubids("0: ann 900 200\n1: ann 4294967295 2\n2: ann 5 0\n"), "");
}

static void test_lay_out(void)
{
	struct idmap_line l[IDMAP_LINES] = { { 0, 100000, 65536 }, { 0, 300000, 10 } };
	size_t n = idmap_lay_out(l, 2, 1000), text = 0;

	CHECK_STR(show(l, n), "0 1000 1; 1 100000 65536; 65537 300000 10");
	CHECK_INT(idmap_total(l, n), 65547);
	/* As many as the kernel takes: a page of text is the limit long before 340 lines. */
	for (size_t i = 0; i < IDMAP_LINES - 1; i++)
		l[i] = (struct idmap_line){ 0, (uint32_t)(1000000000 + i * 10), 10 };
	n = idmap_lay_out(l, IDMAP_LINES - 1, 1000);
	for (size_t i = 0; i < n; i++)
		text += (size_t)snprintf(
			NULL, 0, "%u %u %u\n", l[i].inside, l[i].outside, l[i].count);
	CHECK(n > 150 && n < IDMAP_LINES - 2);
	CHECK(text > 3900 && text < 4096 - 60);
	CHECK_INT(l[n - 1].inside, 1 + 10 * (n - 2));
	/* Short lines: 340 of them, of which two are kept for the child's map. */
	for (size_t i = 0; i < IDMAP_LINES - 1; i++)
		l[i] = (struct idmap_line){ 0, (uint32_t)(10 + i * 2), 1 };
	n = idmap_lay_out(l, IDMAP_LINES - 1, 5);
	CHECK(n > 300 && n <= IDMAP_LINES - 3);
}

static const char *split(
	const struct idmap_line *l, size_t n, const struct idmap_line *parent, size_t n_parent)
{
	static struct idmap_line out[IDMAP_LINES];
	size_t n_out = 0;
	int r = idmap_split(l, n, parent, n_parent, out, &n_out);

	return r == -ENOENT ? "unmapped" : r == -E2BIG ? "too many" : show(out, n_out);
}

static void test_split(void)
{
	static const struct idmap_line parent[] = { { 0, 1000, 1 }, { 1, 100000, 65536 },
		{ 65537, 300000, 10 } };
	struct idmap_line all = { 0, 0, 65547 }, part = { 5, 65530, 12 }, over = { 0, 65540, 8 },
			  none = { 0, 70000, 1 };

	CHECK_STR(split(&all, 1, parent, 3), "0 0 1; 1 1 65536; 65537 65537 10");
	CHECK_STR(split(&part, 1, parent, 3), "5 65530 7; 12 65537 5");
	CHECK_STR(split(&over, 1, parent, 3), "unmapped");
	CHECK_STR(split(&none, 1, parent, 3), "unmapped");
	CHECK_STR(split(&all, 0, parent, 3), "");
}

static void test_too_many(void)
{
	static struct idmap_line parent[IDMAP_LINES], out[IDMAP_LINES];
	struct idmap_line whole = { 0, 0, IDMAP_LINES * 2 },
			  cut[] = { { 0, 0, 1 }, { 1, 1, IDMAP_LINES * 2 - 1 } };
	size_t n = 0;

	for (uint32_t i = 0; i < IDMAP_LINES; i++)
		parent[i] = (struct idmap_line){ i * 2, 1000 + i * 3, 2 };
	CHECK_INT(idmap_split(&whole, 1, parent, IDMAP_LINES, out, &n), 0);
	CHECK_INT(n, IDMAP_LINES);
	CHECK_INT(idmap_split(cut, 2, parent, IDMAP_LINES, out, &n), -E2BIG);
}

static void test_keep_id(void)
{
	static const struct idmap_line parent[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };
	struct idmap_line l[3];
	size_t n = idmap_keep(1000, 65537, l);

	CHECK_STR(show(l, n), "0 1 1000; 1000 0 1; 1001 1001 64536");
	CHECK_STR(split(l, n, parent, 2), "0 1 1000; 1000 0 1; 1001 1001 64536");
	n = idmap_keep(0, 65537, l);
	CHECK_STR(show(l, n), "0 0 1; 1 1 65536");
	/* An id of a directory service, beyond the range. */
	n = idmap_keep(1234567, 65537, l);
	CHECK_STR(show(l, n), "0 1 65536; 1234567 0 1");
	n = idmap_keep(1000, 100, l);
	CHECK_STR(show(l, n), "0 1 99; 1000 0 1");
	n = idmap_keep(5, 10, l);
	CHECK_STR(show(l, n), "0 1 5; 5 0 1; 6 6 4");
	n = idmap_keep(9, 10, l);
	CHECK_STR(show(l, n), "0 1 9; 9 0 1");
	n = idmap_keep(7, 1, l);
	CHECK_STR(show(l, n), "7 0 1");
}

static void test_compose(void)
{
	static struct idmap parent = { .uid = { { 0, 1000, 1 }, { 1, 100000, 65536 } },
		.gid = { { 0, 100, 1 }, { 1, 50, 10 }, { 11, 200000, 65526 } },
		.n_uid = 2,
		.n_gid = 3 };
	static struct idmap child, out;
	struct idmap_line l[3];
	size_t n = idmap_keep(5, 65537, l);
	char form[256], other[256];
	uint32_t low, high;

	CHECK_INT(idmap_split(l, n, parent.uid, 2, child.uid, &child.n_uid), 0);
	CHECK_INT(idmap_split(l, n, parent.gid, 3, child.gid, &child.n_gid), 0);
	idmap_compose(&child, &parent, &out);
	CHECK_STR(show(out.uid, out.n_uid), "0 100000 5; 5 1000 1; 6 100005 65531");
	CHECK_STR(show(out.gid, out.n_gid), "0 50 5; 5 100 1; 6 55 5; 11 200000 65526");
	CHECK_INT(idmap_lookup(out.uid, out.n_uid, 5), 1000);
	CHECK_INT(idmap_reverse(out.uid, out.n_uid, 1000), 5);
	CHECK_INT(idmap_reverse(out.uid, out.n_uid, 1001), UINT32_MAX);
	idmap_form(&out, form, sizeof(form));
	idmap_form(&parent, other, sizeof(other));
	CHECK(strcmp(form, other) != 0);
	idmap_gid_span(&child, &parent, &low, &high);
	CHECK_INT(low, 0);
	CHECK_INT(high, 65536);
	/* The caller's own gid is above all others outside. */
	parent.gid[0].outside = 3000000000U;
	idmap_gid_span(&child, &parent, &low, &high);
	CHECK_INT(low, 0);
	CHECK_INT(high, 5);
	idmap_identity(&parent, &out);
	CHECK_STR(show(out.gid, out.n_gid), "0 0 1; 1 1 10; 11 11 65526");
	CHECK(!idmap_is_one(&parent));
	idmap_one(&out);
	CHECK(idmap_is_one(&out));
}

/* row F13: ranges that overlap each other or hold the caller | red: by hand: without the check of overlaps */
static void test_overlaps(void)
{
	struct idmap_line a = { 0, 100, 10 }, b = { 10, 110, 10 }, c = { 9, 200, 1 },
			  d = { 50, 109, 1 }, e = { 4294967290U, 4294967290U, 5 };

	CHECK(!idmap_overlaps(&a, &b));
	CHECK(idmap_overlaps(&a, &c));
	CHECK(idmap_overlaps(&a, &d));
	CHECK(idmap_overlaps(&e, &e));
	CHECK(!idmap_overlaps(&a, &e));
}

int main(void)
{
	RUN(test_files);
	RUN(test_getsubids);
	RUN(test_lay_out);
	RUN(test_split);
	RUN(test_too_many);
	RUN(test_keep_id);
	RUN(test_compose);
	RUN(test_overlaps);
	return tap_end();
}
