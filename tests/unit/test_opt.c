/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: the grammar of docker's command line. */
#include <stdlib.h>
#include <string.h>

#include "base/opt.h"
#include "base/str.h"
#include "tap.h"

struct inner {
	char *user;
	bool read_only;
};

struct args {
	bool interactive, tty, rm;
	char *name;
	char **env;
	int level;
	struct inner in;
};

static int level(void *field, const char *value, struct err *e)
{
	if (streq(value, "high"))
		*(int *)field = 9;
	else
		return err_msg(e, -EINVAL, "'%s' is no level", value);
	return 0;
}

static const struct opt inner_opts[] = {
	OPT_STR('u', "user", struct inner, user, "USER", "user"),
	OPT_FLAG(0, "read-only", struct inner, read_only, "read-only"),
	OPT_END,
};

static const struct opt opts[] = {
	OPT_FLAG('i', "interactive", struct args, interactive, "keep stdin"),
	OPT_FLAG('t', "tty", struct args, tty, "terminal"),
	OPT_FLAG(0, "rm", struct args, rm, "remove"),
	OPT_ALIAS('n', "name", "label-name", OPT_T_STR, struct args, name, "NAME", "name"),
	OPT_LIST('e', "env", struct args, env, "K=V", "environment"),
	OPT_CALL(0, "level", struct args, level, "LEVEL", "level", level),
	OPT_INCLUDE(struct args, in, inner_opts),
	OPT_END,
};

#define ARGV_MAX 16
static struct args a;
static char **operands;
static struct err e;
static char *argv[ARGV_MAX + 1];

/* Parses the words of `line` behind a command's name; what it gives stays in the globals. */
static int parse(const char *line, bool stop)
{
	static char text[256];
	char *save = NULL;
	int argc = 0;

	opt_free(opts, &a);
	memset(&a, 0, sizeof(a));
	e = (struct err)ERR_INIT;
	operands = NULL;
	snprintf(text, sizeof(text), "run %s", line);
	for (char *w = strtok_r(text, " ", &save); w && argc < ARGV_MAX;
		w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	return opt_parse(opts, &a, stop, argc, argv, &operands, &e);
}

static void test_flags(void)
{
	CHECK_INT(parse("-it --rm", false), 0);
	CHECK(a.interactive && a.tty && a.rm);
	CHECK_INT(parse("--tty=true --interactive=false -t=0", false), 0);
	CHECK(!a.interactive && !a.tty);
	CHECK_INT(parse("-it=false", false), 0);
	CHECK(a.interactive && !a.tty);
	CHECK_INT(parse("--tty=maybe", false), -EINVAL);
	CHECK_STR(e.msg, "--tty: 'maybe' is not true or false");
}

static void test_values(void)
{
	CHECK_INT(parse("--name a -n b -nc", false), 0);
	CHECK_STR(a.name, "c");
	CHECK_INT(parse("--label-name=x=y", false), 0);
	CHECK_STR(a.name, "x=y");
	CHECK_INT(parse("-itn web", false), 0);
	CHECK_STR(a.name, "web");
	CHECK(a.interactive && a.tty);
	CHECK_INT(parse("-e A=1 --env B=2 --env=C=3", false), 0);
	CHECK_INT(strv_len(a.env), 3);
	CHECK_STR(env_get(a.env, "C"), "3");
	CHECK_INT(parse("--name -x", false), 0); /* a value may look like a flag, as in pflag */
	CHECK_STR(a.name, "-x");
	CHECK_INT(parse("--name=", false), 0);
	CHECK_STR(a.name, "");
	CHECK_INT(parse("--name", false), -EINVAL);
	CHECK_STR(e.msg, "--name needs a value (NAME)");
	CHECK_INT(parse("-n", false), -EINVAL);
	CHECK_STR(e.msg, "-n needs a value (NAME)");
}

static void test_calls_and_includes(void)
{
	CHECK_INT(parse("--level high -u root --read-only", false), 0);
	CHECK_INT(a.level, 9);
	CHECK_STR(a.in.user, "root");
	CHECK(a.in.read_only);
	CHECK_INT(parse("--level low", false), -EINVAL);
	CHECK_STR(e.msg, "--level: 'low' is no level");
}

static void test_operands(void)
{
	CHECK_INT(parse("image -t cmd", false), 0);
	CHECK(a.tty);
	CHECK_INT(strv_len(operands), 2);
	CHECK_STR(operands[1], "cmd");
	CHECK_INT(parse("-i image -t cmd", true), 0);
	CHECK(a.interactive && !a.tty);
	CHECK_INT(strv_len(operands), 3);
	CHECK_STR(operands[1], "-t");
	CHECK_INT(parse("image -- -t", false), 0);
	CHECK(!a.tty);
	CHECK_INT(strv_len(operands), 2);
	CHECK_STR(operands[1], "-t");
	CHECK_INT(parse("- x", false), 0); /* a lone dash is an operand: standard input */
	CHECK_STR(operands[0], "-");
	CHECK_INT(parse("", false), 0);
	CHECK_INT(strv_len(operands), 0);
}

static void test_refused(void)
{
	CHECK_INT(parse("--nope", false), -EINVAL);
	CHECK_STR(e.msg, "unknown flag --nope; see 'uctr run --help'");
	CHECK_INT(parse("--nam x", false), -EINVAL); /* no abbreviations: they break later */
	CHECK_INT(parse("-ix", false), -EINVAL);
	CHECK_STR(e.msg, "unknown flag -x in -ix; see 'uctr run --help'");
	CHECK_INT(parse("--a\033[31m", false), -EINVAL);
	CHECK_STR(e.msg, "unknown flag --a\\x1b[31m; see 'uctr run --help'");
	CHECK_INT(parse("-i --help --nope", false), 1);
}

static void note(const struct opt *o, void *ctx)
{
	strv_add(ctx, o->lname);
}

static void test_each(void)
{
	_cleanup_strv_ char **names = NULL;

	opt_each(opts, note, &names);
	CHECK_INT(strv_len(names), 8);
	for (size_t i = 1; i < strv_len(names); i++)
		CHECK(strcmp(names[i - 1], names[i]) < 0);
	CHECK(strv_contains(names, "read-only"));
}

int main(void)
{
	RUN(test_flags);
	RUN(test_values);
	RUN(test_calls_and_includes);
	RUN(test_operands);
	RUN(test_refused);
	RUN(test_each);
	opt_free(opts, &a);
	return tap_end();
}
