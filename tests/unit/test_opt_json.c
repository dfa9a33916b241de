/* SPDX-License-Identifier: Apache-2.0 */
/* Options to JSON and back. */
#include "base/opt_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "tap.h"

struct inner {
	char *text;
};

struct args {
	bool flag, other;
	char *empty;
	char **list;
	struct inner inner;
};

static const struct opt inner_opts[] = { OPT_STR(0, "text", struct inner, text, "T", "text"),
	OPT_END };
static const struct opt opts[] = { OPT_FLAG('f', "flag", struct args, flag, "flag"),
	OPT_FLAG('o', "other", struct args, other, "other"),
	OPT_STR(0, "empty", struct args, empty, "E", "empty"),
	OPT_LIST('l', "list", struct args, list, "L", "list"),
	OPT_INCLUDE(struct args, inner, inner_opts), OPT_END };

static void test_round_trip(void)
{
	struct args a = { 0 }, b = { 0 };
	char *argv[] = { "x", "-f", "--empty=", "-l", "--flag", "-l", "a=b,\"c\"", "-l", "",
		"--text", "--", NULL };
	char **operands;
	struct err e = ERR_INIT;
	_cleanup_json_ json_t *o = NULL;

	CHECK(opt_parse(opts, &a, false, 11, argv, &operands, &e) == 0);
	o = opt_save(opts, &a);
	CHECK(o && json_object_size(o) == 4);
	CHECK(opt_load(opts, &b, o, &e) == 0);
	CHECK(b.flag && !b.other);
	CHECK(b.empty && !*b.empty);
	CHECK(strv_equal(a.list, b.list) && strv_len(b.list) == 3);
	CHECK(b.inner.text && streq(b.inner.text, "--"));
	opt_free(opts, &a);
	opt_free(opts, &b);
}

static void test_refused(void)
{
	/* Options of another version, and damaged ones. */
	static const char *const texts[] = { "{\"nosuch\": true}", "{\"flag\": 1}",
		"{\"list\": [1]}", "{\"text\": {}}", "{\"flag\": \"perhaps\"}" };
	struct args a = { .inner = { .text = "\xff" } };

	CHECK(!opt_save(opts, &a));
	a.inner.text = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_json_ json_t *o = NULL;
		struct err e = ERR_INIT;

		CHECK(json_parse(texts[i], strlen(texts[i]), "test", &o, &e) == 0);
		CHECK(opt_load(opts, &a, o, &e) < 0 && e.code < 0);
		opt_free(opts, &a);
	}
}

int main(void)
{
	RUN(test_round_trip);
	RUN(test_refused);
	return tap_end();
}
