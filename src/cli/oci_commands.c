/* SPDX-License-Identifier: Apache-2.0 */
/* uctr-oci: the table of verbs, the options before them, help, and errors in --log. */
#include "cli/oci_commands.h"
#include "cli/oci.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "base/trace.h"
#include "cli/output.h"
#include "uctr/version.h"

const struct command *const oci_commands[] = { &oci_cmd_run, &oci_cmd_spec, NULL };

struct oci_globals oci_globals;

int oci_refuse(void *field, const char *value, struct err *e)
{
	(void)field;
	(void)value;
	return err_msg(e, -EOPNOTSUPP, "not supported by uctr-oci");
}

static int log_format(void *field, const char *value, struct err *e)
{
	if (!streq(value, "json") && !streq(value, "text"))
		return err_msg(e, -EINVAL, "'%.40s' is not 'text' or 'json'", value);
	*(bool *)field = streq(value, "json");
	return 0;
}

/* Errors are all that is logged, so only what is below them makes a difference. */
static int log_level(void *field, const char *value, struct err *e)
{
	static const char *const levels[] = { "debug", "info", "warn", "warning", "error", NULL };

	for (size_t i = 0; levels[i]; i++) {
		if (streq(value, levels[i])) {
			*(bool *)field |= i == 0;
			return 0;
		}
	}
	return err_msg(e, -EINVAL, "'%.40s' is not one of debug, info, warn, error", value);
}

static int cgroup_manager(void *field, const char *value, struct err *e)
{
	if (streq(value, "systemd"))
		return err_msg(e, -EOPNOTSUPP,
			"'systemd' is not supported; 'cgroupfs' uses the delegated cgroup");
	if (!streq(value, "cgroupfs") && !streq(value, "disabled"))
		return err_msg(
			e, -EINVAL, "'%.40s' is not one of cgroupfs, systemd, disabled", value);
	*(bool *)field = streq(value, "disabled");
	return 0;
}

/* Callers state it to be sure of it; what uctr-oci does follows from what its caller may do. */
static int rootless(void *field, const char *value, struct err *e)
{
	bool want = true;

	(void)field;
	if (!streq(value, "auto") && parse_bool(value, &want) < 0)
		return err_msg(e, -EINVAL, "'%.40s' is not one of true, false, auto", value);
	if (!want && geteuid() != 0)
		return err_msg(e, -EPERM, "false needs root; this is uid %u", geteuid());
	return 0;
}

static const struct opt global_opts[] = {
	OPT_STR(0, "root", struct oci_globals, root, "DIR",
		"Directory of container states (default: uctr/oci in the runtime directory)"),
	OPT_STR(0, "log", struct oci_globals, log, "FILE", "Append errors to FILE too"),
	OPT_CALL(0, "log-format", struct oci_globals, log_json, "text|json",
		"Format of the log (default: text)", log_format),
	OPT_CALL(0, "log-level", struct oci_globals, debug, "LEVEL",
		"debug is --debug; info, warn and error log errors", log_level),
	OPT_FLAG(0, "debug", struct oci_globals, debug,
		"Print the time of every step on standard error"),
	OPT_CALL(0, "cgroup-manager", struct oci_globals, no_cgroup, "cgroupfs|disabled",
		"How containers get a cgroup (default: cgroupfs, where one is delegated)",
		cgroup_manager),
	OPT_CALL(0, "rootless", struct oci_globals, no_cgroup, "true|false|auto",
		"Checked only: false is refused for an ordinary user", rootless),
	OPT_FLAG(0, "systemd-cgroup", struct oci_globals, systemd_cgroup,
		"Refused: cgroups are made in the delegated cgroup, not by systemd"),
	OPT_FLAG('v', "version", struct oci_globals, version, "Print versions"),
	OPT_END,
};

static int print_version(struct err *e)
{
	static const char text[] =
		"uctr-oci version " UCTR_VERSION "\nspec: " UCTR_OCI_SPEC_VERSION "\n";

	return output_text(text, sizeof(text) - 1, e);
}

/* Flushes what opt_print wrote to the C library's buffer. */
static int flush(struct err *e)
{
	return fflush(stdout) < 0 ? err_set(e, -errno, "standard output") : 0;
}

static int print_help(struct err *e)
{
	printf("Usage: uctr-oci [OPTIONS] COMMAND [ARG...]\n\n"
	       "Runs OCI bundles: a directory with config.json and a root file system.\n\n"
	       "Commands:\n");
	for (const struct command *const *c = oci_commands; *c; c++)
		printf("  %-10s %s\n", (*c)->name, (*c)->summary);
	printf("\nOptions:\n");
	opt_print(global_opts);
	return flush(e);
}

static int print_command_help(const struct command *c, struct err *e)
{
	printf("Usage: uctr-oci %s [OPTIONS] %s\n\n%s\n\nOptions:\n", c->name, c->operands,
		c->about);
	opt_print(c->opts);
	return flush(e);
}

static int check_operands(const struct command *c, char **operands, struct err *e)
{
	int n = (int)strv_len(operands);

	if (n < c->min)
		return err_msg(e, -EINVAL, "%s: %s is missing; see 'uctr-oci %s --help'", c->name,
			c->operands, c->name);
	if (c->max >= 0 && n > c->max) {
		_cleanup_free_ char *clean = str_sanitise(operands[c->max]);

		return err_msg(e, -EINVAL,
			"%s: unexpected operand '%.80s'; see 'uctr-oci %s --help'", c->name,
			clean ? clean : "", c->name);
	}
	return 0;
}

static int run_command(const struct command *c, int argc, char **argv, struct err *e)
{
	_cleanup_free_ void *args = calloc(1, c->args_size ? c->args_size : 1);
	char **operands = NULL;
	int r;

	if (!args)
		return err_set(e, -ENOMEM, "%s", c->name);
	r = opt_parse(c->opts, args, c->stop_at_operand, argc, argv, &operands, e);
	if (r == 1)
		r = print_command_help(c, e);
	else if (r == 0 && (r = check_operands(c, operands, e)) == 0)
		r = c->run(args, operands, e);
	opt_free(c->opts, args);
	return r;
}

static int log_fd = -1;

/* Once, before anything is done: a log that cannot be written is found out in time. */
static int log_open(void)
{
	if (!oci_globals.log || log_fd >= 0)
		return 0;
	log_fd = open(oci_globals.log, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0644);
	return log_fd < 0 ? -errno : 0;
}

/* {"level":"error","msg":"...","time":"..."}: engines read msg to tell their user. */
static int log_error(const char *msg)
{
	_cleanup_json_ json_t *o = NULL;
	_cleanup_free_ char *text = NULL, *line = NULL;
	time_t now = time(NULL);
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (oci_globals.log_json) {
		o = json_pack(
			"{s:s,s:o,s:s}", "level", "error", "msg", json_text(msg), "time", when);
		text = o ? json_dumps(o, JSON_COMPACT) : NULL;
		line = text ? str_printf("%s\n", text) : NULL;
	} else {
		o = json_text(msg);
		text = o ? json_dumps(o, JSON_ENCODE_ANY) : NULL;
		line = text ? str_printf("time=\"%s\" level=error msg=%s\n", when, text) : NULL;
	}
	return line ? fd_write_all(log_fd, line, strlen(line)) : -ENOMEM;
}

static int dispatch(int argc, char **argv, struct err *e)
{
	_cleanup_free_ char *clean = NULL;
	char **rest = NULL;
	int r = opt_parse(global_opts, &oci_globals, true, argc, argv, &rest, e);

	if (r < 0)
		return r;
	if (oci_globals.version && r == 0)
		return print_version(e);
	if (r == 1 || !rest[0])
		return print_help(e);
	if (oci_globals.systemd_cgroup)
		return err_msg(e, -EOPNOTSUPP,
			"--systemd-cgroup is not supported; leave it out to use the delegated "
			"cgroup");
	r = log_open();
	if (r < 0)
		return err_set(e, r, "--log: open %s", oci_globals.log);
	if (oci_globals.debug && trace_fd() < 0) {
		if (setenv("UCTR_TRACE", "1", 1) < 0)
			return err_set(e, -errno, "--debug");
		trace_init();
	}
	for (const struct command *const *c = oci_commands; *c; c++) {
		if (streq(rest[0], (*c)->name))
			return run_command(*c, (int)strv_len(rest), rest, e);
	}
	clean = str_sanitise(rest[0]);
	return err_msg(
		e, -EINVAL, "unknown command '%.40s'; see 'uctr-oci --help'", clean ? clean : "");
}

int oci_main(int argc, char **argv, struct err *e)
{
	char *own_argv[] = { (char *)"", NULL };
	int r;

	opt_program = "uctr-oci";
	if (argc < 1) {
		argc = 1;
		argv = own_argv;
	}
	argv[0] = own_argv[0];
	r = dispatch(argc, argv, e);
	if (r < 0) {
		(void)log_open();
		if (e->exit == 0 || e->exit == 125)
			e->exit = 1;
		/* When it cannot be opened that is the error itself. */
		if (log_fd >= 0 && log_error(e->msg) < 0)
			err_hint(e, "and it could not be written to %s", oci_globals.log);
	}
	fd_closep(&log_fd);
	opt_free(global_opts, &oci_globals);
	return r;
}
