/* SPDX-License-Identifier: Apache-2.0 */
/* uctr exec */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/warn.h"
#include "engine/lifecycle.h"
#include "engine/merge.h"

struct exec_args {
	bool detach, interactive, tty, privileged;
	char *user, *workdir;
	char **env, **env_file;
};

#define S struct exec_args
static const struct opt exec_opts[] = { OPT_FLAG('d', "detach", S, detach, "run in the background"),
	OPT_LIST('e', "env", S, env, "K[=V]", "set a variable, or pass the caller's on"),
	OPT_LIST(0, "env-file", S, env_file, "FILE", "read variables from a file"),
	OPT_FLAG('i', "interactive", S, interactive, "pass standard input on"),
	OPT_FLAG(0, "privileged", S, privileged,
		"give it all capabilities of the container's namespace"),
	OPT_FLAG('t', "tty", S, tty, "give the process a terminal"),
	OPT_STR('u', "user", S, user, "USER[:GROUP]",
		"run as this user (default: the container's)"),
	OPT_STR('w', "workdir", S, workdir, "DIR", "set the working directory"), OPT_END };
#undef S

static int exec(void *args, char **operands, struct err *e)
{
	struct exec_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_container_ struct container c = CONTAINER_INIT;
	struct exec_request q = { .user = a->user,
		.cwd = a->workdir,
		.args = operands + 1,
		.terminal = a->tty,
		.privileged = a->privileged,
		.detach = a->detach };
	uint16_t rows = 0, cols = 0;
	int r = a->detach ? 0 : attach_check_tty(a->tty, a->interactive, e);

	if (r == 0 && a->workdir && a->workdir[0] != '/')
		r = err_msg(e, -EINVAL, "--workdir '%s' must be an absolute path", a->workdir);
	if (r == 0)
		r = merge_env_lists(a->env_file, a->env, &q.env, e);
	if (r == 0)
		r = engine_open(&en, e);
	if (r == 0)
		r = container_find(&en, operands[0], &c, e);
	if (r == 0) {
		if (a->tty)
			attach_size(&rows, &cols);
		q.rows = rows;
		q.cols = cols;
		warn_flush(&en);
		r = exec_run(&en, &c, &q, a->interactive, e);
	}
	strv_free(q.env);
	return r;
}

const struct command cmd_exec = {
	.name = "exec",
	.summary = "Run a command in a running container",
	.operands = "CONTAINER COMMAND [ARG...]",
	.about = "The command gets the container's namespaces, capabilities, seccomp filter, "
		 "limits and "
		 "environment. The exit code is the command's.",
	.min = 2,
	.max = -1,
	.stop_at_operand = true,
	.opts = exec_opts,
	.args_size = sizeof(struct exec_args),
	.run = exec,
};
