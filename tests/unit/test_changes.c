/* SPDX-License-Identifier: Apache-2.0 */
/* import --change: lines of a Dockerfile become an image config. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/config.h"
#include "tap.h"

/* The config after some changes, as sorted JSON; an error is the text itself. */
static char *apply(const char *const *changes)
{
	_cleanup_json_ json_t *config = json_object();
	struct err e = ERR_INIT;

	for (; *changes; changes++) {
		if (config_change(config, *changes, &e) < 0)
			return strdup(e.msg);
	}
	return json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS);
}

#define CHECK_CHANGES(want, ...)                                                                   \
	do {                                                                                       \
		const char *const list_[] = { __VA_ARGS__, NULL };                                 \
		_cleanup_free_ char *got_text = apply(list_);                                      \
		CHECK_STR(got_text, want);                                                         \
	} while (0)

static void test_commands(void)
{
	CHECK_CHANGES("{\"Cmd\":[\"a\",\"b c\"]}", "CMD [\"a\", \"b c\"]");
	CHECK_CHANGES("{\"Cmd\":[\"/bin/sh\",\"-c\",\"echo $HOME\"]}", "CMD echo $HOME");
	CHECK_CHANGES("{\"Cmd\":[\"/bin/sh\",\"-c\",\"x\"]}", "cmd=x");
	CHECK_CHANGES("{\"Cmd\":[\"/bin/sh\",\"-c\",\"[1, 2]\"]}", "CMD [1, 2]");
	CHECK_CHANGES("{\"Entrypoint\":[\"/x\"]}", "ENTRYPOINT [\"/y\"]", "ENTRYPOINT [\"/x\"]");
	CHECK_CHANGES("{\"Cmd\":[]}", "CMD []");
}

static void test_pairs(void)
{
	CHECK_CHANGES("{\"Env\":[\"A=1\",\"B=two words\",\"C=\"]}", "ENV A=1 B=\"two words\" C=");
	CHECK_CHANGES("{\"Env\":[\"A=2\",\"AB=3\"]}", "ENV A=1", "ENV AB=3", "ENV A=2");
	CHECK_CHANGES("{\"Env\":[\"A=the rest = it\"]}", "ENV A the rest = it");
	CHECK_CHANGES("{\"Env\":[\"A=x y\"]}", "ENV A=x\\ y");
	CHECK_CHANGES("{\"Env\":[\"A=$x\\\\\"]}", "ENV A='$x\\'");
	CHECK_CHANGES("{\"Labels\":{\"a.b\":\"c\",\"d\":\"e f\"}}", "LABEL a.b=c d='e f'");
}

static void test_single(void)
{
	CHECK_CHANGES("{\"StopSignal\":\"SIGQUIT\",\"User\":\"www:33\",\"WorkingDir\":\"/a b\"}",
		"USER www:33", "WORKDIR /a b", "STOPSIGNAL SIGQUIT");
	CHECK_CHANGES("{\"ExposedPorts\":{\"53/udp\":{},\"80/tcp\":{}}}", "EXPOSE 80 53/udp");
	CHECK_CHANGES("{\"Volumes\":{\"/a\":{},\"/b c\":{}}}", "VOLUME [\"/a\", \"/b c\"]");
}

static void test_refused(void)
{
	CHECK_CHANGES(
		"change \"RUN x\": unknown instruction; known are CMD, ENTRYPOINT, ENV, EXPOSE, "
		"LABEL, STOPSIGNAL, USER, VOLUME and WORKDIR",
		"RUN x");
	CHECK_CHANGES("change \"CMD\": the value is missing", "CMD");
	CHECK_CHANGES("change \"USER \": the value is missing", "USER ");
	CHECK_CHANGES("change \"ENV A\": want KEY=VALUE", "ENV A");
	CHECK_CHANGES("change \"ENV =x\": want KEY=VALUE", "ENV =x");
	CHECK_CHANGES("change \"ENV A=1 B\": want KEY=VALUE", "ENV A=1 B");
	CHECK_CHANGES("change \"ENV A=\"x\": a quote is not closed", "ENV A=\"x");
	CHECK_CHANGES("change \"WORKDIR a\": the path must be absolute", "WORKDIR a");
	CHECK_CHANGES(
		"change \"STOPSIGNAL 999999999999\": unknown signal", "STOPSIGNAL 999999999999");
	CHECK_CHANGES("change \"LABEL a\\xff=1\": the label is not UTF-8 text", "LABEL a\xff=1");
}

static void test_config(void)
{
	_cleanup_json_ json_t *doc = NULL;
	_cleanup_strv_ char **ids = NULL;
	char hex[65];
	json_t *history;

	memset(hex, 'a', 64);
	hex[64] = '\0';
	CHECK_INT(config_make(hex, NULL, "hello", &doc, NULL), 0);
	CHECK_INT(config_check(doc, platform_here(), &ids, NULL), 0);
	CHECK_INT(strv_len(ids), 1);
	CHECK_STR(ids ? ids[0] : NULL, hex);
	history = json_array_get(json_object_get(doc, "history"), 0);
	CHECK_STR(json_string_value(json_object_get(history, "comment")), "hello");
}

static void check_bad_config(const char *text, const char *want)
{
	_cleanup_json_ json_t *doc = NULL;
	_cleanup_strv_ char **ids = NULL;
	struct err e = ERR_INIT;

	CHECK_INT(json_parse(text, strlen(text), "test", &doc, &e), 0);
	CHECK(config_check(doc, platform_here(), &ids, &e) < 0);
	if (!strstr(e.msg, want))
		CHECK_STR(e.msg, want);
}

static void test_bad_configs(void)
{
	_cleanup_json_ json_t *doc = NULL;
	_cleanup_free_ char *text = NULL;

	check_bad_config("{}", "the image is for unknown/unknown, this machine is linux/");
	check_bad_config("{\"os\":\"windows\\u001b[2J\",\"architecture\":\"amd64\"}",
		"the image is for windows\\x1b[2J/amd64");
	check_bad_config("{\"os\":7}", "os: want a string");
	CHECK_INT(config_make("", NULL, NULL, &doc, NULL), 0);
	text = json_dumps(doc, 0);
	check_bad_config(text, "config: diff_ids: want sha256: and 64 digits");
	json_object_del(doc, "rootfs");
	free(text);
	text = json_dumps(doc, 0);
	check_bad_config(text, "config: rootfs: missing");
}

int main(void)
{
	RUN(test_commands);
	RUN(test_pairs);
	RUN(test_single);
	RUN(test_refused);
	RUN(test_config);
	RUN(test_bad_configs);
	return tap_end();
}
