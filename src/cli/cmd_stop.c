/* SPDX-License-Identifier: Apache-2.0 */
/* uctr stop, kill, wait, rm, logs: one container each after the other, all tried, errors told. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/lifecycle.h"
#include "engine/logs.h"
#include "engine/sweep.h"

/* What one command does to one container; a text to print in *ret_line, or nothing. */
typedef int (*each_fn)(
	struct engine *en, struct container *c, void *args, char *line, size_t size, struct err *e);

struct collect {
	char **ids;
};

static int collect_id(struct container *c, void *ctx, struct err *e)
{
	return strv_add(&((struct collect *)ctx)->ids, c->id) < 0
		       ? err_set(e, -ENOMEM, "containers")
		       : 0;
}

/* Does fn to every operand. The first error is the result; later ones are told as warnings. */
static int each(char *const *operands, bool missing_ok, each_fn fn, void *args, struct err *e)
{
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	int first = engine_open(&en, e);

	if (first < 0)
		return first;
	strv_foreach (name, operands) {
		_cleanup_container_ struct container c = CONTAINER_INIT;
		struct err one = ERR_INIT;
		char line[PATH_MAX] = "";
		int r = container_find(&en, name, &c, &one);

		if (r == -ENOENT && missing_ok)
			continue;
		if (r == 0) {
			snprintf(line, sizeof(line), "%s\n", name);
			r = fn(&en, &c, args, line, sizeof(line), &one);
		}
		if (r >= 0 && line[0])
			r = output_text(line, strlen(line), &one);
		if (r < 0 && first == 0) {
			first = r;
			*e = one;
		} else if (r < 0) {
			engine_warn(&en, "%s", one.msg);
		}
	}
	warn_flush(&en);
	return first;
}

static int all_or(bool all, char **operands, struct collect *c, char *const **ret, const char *cmd,
	struct err *e)
{
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	int r;

	*ret = operands;
	if (!all)
		return operands[0]
			       ? 0
			       : err_msg(e, -EINVAL, "%s needs a container; see 'uctr %s --help'",
					 cmd, cmd);
	if (operands[0])
		return err_msg(e, -EINVAL, "%s: --all takes no container names", cmd);
	r = engine_open(&en, e);
	if (r == 0)
		r = container_each(&en, true, collect_id, c, e);
	*ret = c->ids;
	return r;
}

struct stop_args {
	bool all;
	char *time;
	long timeout;
};

static const struct opt stop_opts[] = { OPT_FLAG('a', "all", struct stop_args, all,
						"stop all containers"),
	OPT_ALIAS('t', "time", "timeout", OPT_T_STR, struct stop_args, time, "SECONDS",
		"seconds to wait before KILL (default: the container's, 10)"),
	OPT_END };

static int stop_one(
	struct engine *en, struct container *c, void *args, char *line, size_t size, struct err *e)
{
	(void)line;
	(void)size;
	return container_stop(en, c, ((struct stop_args *)args)->timeout, e);
}

static int stop(void *args, char **operands, struct err *e)
{
	struct stop_args *a = args;
	struct collect all = { NULL };
	char *const *names;
	int64_t t = -2;
	int r;

	if (a->time && (parse_i64(a->time, &t) < 0 || t < -1 || t > INT_MAX))
		return err_msg(e, -EINVAL, "--time '%s': want seconds, -1 for no limit", a->time);
	a->timeout = (long)t;
	r = all_or(a->all, operands, &all, &names, "stop", e);
	if (r == 0)
		r = each(names, false, stop_one, a, e);
	strv_free(all.ids);
	return r;
}

const struct command cmd_stop = {
	.name = "stop",
	.summary = "Stop running containers",
	.operands = "CONTAINER...",
	.about = "Sends the container's stop signal, and KILL when it has not ended in time.",
	.min = 0,
	.max = -1,
	.opts = stop_opts,
	.args_size = sizeof(struct stop_args),
	.run = stop,
};

struct kill_args {
	bool all;
	char *signal;
	int number;
};

static const struct opt kill_opts[] = { OPT_FLAG('a', "all", struct kill_args, all,
						"signal all running containers"),
	OPT_STR('s', "signal", struct kill_args, signal, "SIGNAL", "signal to send (default KILL)"),
	OPT_END };

static int kill_one(
	struct engine *en, struct container *c, void *args, char *line, size_t size, struct err *e)
{
	const struct kill_args *a = args;

	(void)size;
	if (a->all && c->state != CONTAINER_RUNNING) {
		line[0] = '\0';
		return 0;
	}
	return container_signal(en, c, a->number, e);
}

static int kill_run(void *args, char **operands, struct err *e)
{
	struct kill_args *a = args;
	struct collect all = { NULL };
	char *const *names;
	int r;

	a->number = a->signal ? parse_signal(a->signal) : SIGKILL;
	if (a->number < 0)
		return err_msg(e, -EINVAL, "--signal '%s' is not a signal; 'kill -l' lists them",
			a->signal);
	r = all_or(a->all, operands, &all, &names, "kill", e);
	if (r == 0)
		r = each(names, false, kill_one, a, e);
	strv_free(all.ids);
	return r;
}

const struct command cmd_kill = {
	.name = "kill",
	.summary = "Send a signal to running containers",
	.operands = "CONTAINER...",
	.about = "The signal goes to the container's first process.",
	.min = 0,
	.max = -1,
	.opts = kill_opts,
	.args_size = sizeof(struct kill_args),
	.run = kill_run,
};

static int wait_one(
	struct engine *en, struct container *c, void *args, char *line, size_t size, struct err *e)
{
	int r = container_wait(en, c, e);

	(void)args;
	snprintf(line, size, "%d\n", r);
	return r < 0 ? r : 0;
}

static int wait_run(void *args, char **operands, struct err *e)
{
	return each(operands, false, wait_one, args, e);
}

static const struct opt no_opts[] = { OPT_END };

const struct command cmd_wait = {
	.name = "wait",
	.summary = "Wait for containers to end and print their exit codes",
	.operands = "CONTAINER...",
	.about = "Prints one exit code a line, in the order of the arguments.",
	.min = 1,
	.max = -1,
	.opts = no_opts,
	.args_size = 1,
	.run = wait_run,
};

struct rm_args {
	bool all, force, ignore;
};

static const struct opt rm_opts[] = { OPT_FLAG('a', "all", struct rm_args, all,
					      "remove all containers"),
	OPT_FLAG('f', "force", struct rm_args, force,
		"remove running ones too (they are killed), and ignore missing ones"),
	OPT_FLAG('i', "ignore", struct rm_args, ignore, "ignore missing ones"), OPT_END };

static int rm_one(
	struct engine *en, struct container *c, void *args, char *line, size_t size, struct err *e)
{
	(void)line;
	(void)size;
	return container_remove(en, c, ((struct rm_args *)args)->force, e);
}

static int rm_run(void *args, char **operands, struct err *e)
{
	struct rm_args *a = args;
	struct collect all = { NULL };
	char *const *names;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	struct err ignored = ERR_INIT;
	int r = all_or(a->all, operands, &all, &names, "rm", e);

	if (r == 0)
		r = each(names, a->force || a->ignore, rm_one, a, e);
	strv_free(all.ids);
	/* Beside what was asked for: never a reason to fail. */
	if (engine_open(&en, &ignored) == 0) {
		strv_freep(&en.warnings); /* told above */
		container_sweep(&en);
		warn_flush(&en);
	}
	return r;
}

const struct command cmd_rm = {
	.name = "rm",
	.summary = "Remove containers",
	.operands = "CONTAINER...",
	.about = "Removes the container with everything that was written in it.",
	.min = 0,
	.max = -1,
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.run = rm_run,
};

struct logs_args {
	bool follow, timestamps;
	char *tail;
	long lines;
};

static const struct opt logs_opts[] = {
	OPT_FLAG('f', "follow", struct logs_args, follow, "go on until the container ends"),
	OPT_ALIAS('n', "tail", "lines", OPT_T_STR, struct logs_args, tail, "N",
		"only the last N lines"),
	OPT_FLAG('t', "timestamps", struct logs_args, timestamps, "with each line's time"), OPT_END
};

static int logs(void *args, char **operands, struct err *e)
{
	struct logs_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_container_ struct container c = CONTAINER_INIT;
	int64_t tail = -1;
	int r = 0;

	if (a->tail && !streq(a->tail, "all") && (parse_i64(a->tail, &tail) < 0 || tail < 0))
		return err_msg(e, -EINVAL, "--tail '%s': want a number of lines, or all", a->tail);
	r = engine_open(&en, e);
	if (r == 0)
		r = container_find(&en, operands[0], &c, e);
	if (r == 0)
		r = logs_print(&c, a->follow, (long)tail, a->timestamps, e);
	return r;
}

const struct command cmd_logs = {
	.name = "logs",
	.summary = "Show what a container has printed",
	.operands = "CONTAINER",
	.about = "Standard output and standard error go where they went; times are UTC.",
	.min = 1,
	.max = 1,
	.opts = logs_opts,
	.args_size = sizeof(struct logs_args),
	.run = logs,
};
