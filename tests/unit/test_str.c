/* SPDX-License-Identifier: Apache-2.0 */
/* Strings, vectors, environments, and what is safe to print. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tap.h"

static void test_buffer(void)
{
	_cleanup_str_ struct str b = { 0 };

	CHECK_INT(str_add(&b, NULL, 0), 0);
	CHECK_STR(b.s, "");
	for (int i = 0; i < 1000; i++)
		CHECK_INT(str_addf(&b, "%03d", i), 0);
	CHECK_INT(b.len, 3000);
	CHECK_INT(strlen(b.s), 3000);
	CHECK(str_startswith(b.s, "000001") && str_endswith(b.s, "998999"));
	CHECK_INT(str_add(&b, "x", SIZE_MAX - 2), -ENOMEM); /* would wrap */
	CHECK_INT(str_add(&b, "a\0b", 3), 0);
	CHECK_INT(b.len, 3003);
}

static void test_affixes(void)
{
	CHECK(str_startswith("sha256:ab", "sha256:"));
	CHECK(!str_startswith("sha", "sha256:"));
	CHECK(str_endswith("a.json", ".json") && !str_endswith("json", ".json"));
	CHECK(str_startswith("x", "") && str_endswith("x", ""));
}

static void test_vector(void)
{
	_cleanup_strv_ char **v = NULL, **more = strv_split("c,,d", ',');
	size_t n = 0;

	CHECK_INT(strv_len(v), 0);
	CHECK_INT(strv_add(&v, "a"), 0);
	CHECK_INT(strv_addf(&v, "%s%d", "b", 2), 0);
	CHECK_INT(strv_take(&v, NULL), -ENOMEM); /* a failed strdup passes through */
	CHECK_INT(strv_extend(&v, more), 0);
	CHECK_INT(strv_len(v), 5);
	CHECK_STR(v[1], "b2");
	CHECK_STR(v[3], "");
	CHECK_STR(v[4], "d");
	CHECK(strv_contains(v, "c") && !strv_contains(v, "C"));
	strv_foreach (s, v)
		n += strlen(s);
	CHECK_INT(n, 5);
	CHECK(!strv_contains(NULL, "c"));
}

static void test_split(void)
{
	_cleanup_strv_ char **one = strv_split("abc", ':'), **none = strv_split("", ':');

	CHECK_INT(strv_len(one), 1);
	CHECK_STR(one[0], "abc");
	CHECK_INT(strv_len(none), 1);
	CHECK_STR(none[0], "");
}

static void test_env(void)
{
	_cleanup_strv_ char **env = NULL;

	CHECK_INT(env_set(&env, "PATH", "/bin"), 0);
	CHECK_INT(env_set(&env, "PA", "x"), 0);
	CHECK_INT(env_set(&env, "E", "a=b"), 0);
	CHECK_INT(env_set(&env, "PATH", "/usr/bin"), 0);
	CHECK_INT(strv_len(env), 3);
	CHECK_STR(env_get(env, "PATH"), "/usr/bin");
	CHECK_STR(env_get(env, "PA"), "x");
	CHECK_STR(env_get(env, "E"), "a=b");
	CHECK(!env_get(env, "P") && !env_get(NULL, "P"));
	env_unset(env, "PATH");
	env_unset(env, "nothing");
	CHECK_INT(strv_len(env), 2);
	CHECK(!env_get(env, "PATH"));
	CHECK_STR(env_get(env, "E"), "a=b");
}

static void sanitises(const char *in, const char *want)
{
	_cleanup_free_ char *got = str_sanitise(in);

	CHECK_STR(got, want);
}

static void test_sanitise(void)
{
	sanitises("", "");
	sanitises("plain text", "plain text");
	sanitises("Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x8b",
		"Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x8b");
	sanitises("a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd");
	sanitises("\033]0;title\007", "\\x1b]0;title\\x07");
	sanitises("\x7f", "\\x7f");
	/* C1 controls: a terminal takes U+009B, and the bare byte, for ESC [ */
	sanitises("\xc2\x9b"
		  "31m",
		"\\xc2\\x9b31m");
	sanitises("\x9b"
		  "31m",
		"\\x9b31m");
	/* U+202E turns text around, U+200F and U+2066 too; U+FEFF is invisible */
	sanitises("a\xe2\x80\xae"
		  "b",
		"a\\xe2\\x80\\xaeb");
	sanitises("\xe2\x80\x8f\xe2\x81\xa6\xef\xbb\xbf",
		"\\xe2\\x80\\x8f\\xe2\\x81\\xa6\\xef\\xbb\\xbf");
	/* not UTF-8: overlong, surrogate, above U+10FFFF, cut short */
	sanitises("\xc0\xaf", "\\xc0\\xaf");
	sanitises("\xed\xa0\x80", "\\xed\\xa0\\x80");
	sanitises("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	sanitises("\xe2\x82", "\\xe2\\x82");
	sanitises("\xff", "\\xff");
}

int main(void)
{
	RUN(test_buffer);
	RUN(test_affixes);
	RUN(test_vector);
	RUN(test_split);
	RUN(test_env);
	RUN(test_sanitise);
	return tap_end();
}
