/* SPDX-License-Identifier: Apache-2.0 */
/* uctr unshare */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/command.h"
#include "cli/warn.h"
#include "engine/userns.h"

static const struct opt unshare_opts[] = { OPT_END };

static int unshare_run(void *args, char **operands, struct err *e)
{
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	const char *shell = getenv("SHELL");
	char *argv[] = { (char *)(shell && *shell ? shell : "/bin/sh"), NULL };
	char **cmd = operands[0] ? operands : argv;
	int r = engine_open(&en, e);

	(void)args;
	if (r == 0)
		r = engine_map(&en, e);
	if (r == 0)
		r = userns_open(&en, e);
	warn_flush(&en);
	if (r < 0)
		return r;
	/* A mount namespace of its own too: what is mounted to look at a layer goes away again. */
	if (setns(en.userns_fd, CLONE_NEWUSER) < 0 || setresgid(0, 0, 0) < 0 ||
		setresuid(0, 0, 0) < 0 || unshare(CLONE_NEWNS) < 0)
		return err_set(e, -errno, "enter the user namespace");
	signal(SIGXFSZ, SIG_DFL);
	execvp(cmd[0], cmd);
	r = -errno;
	err_set(e, r, "exec '%s'", cmd[0]);
	return err_exit(e, r == -ENOENT ? 127 : 126);
}

const struct command cmd_unshare = {
	.name = "unshare",
	.summary = "Run a command in the user's namespace",
	.operands = "[COMMAND [ARG...]]",
	.about = "A shell (or COMMAND) on the host's files that is root of the namespace "
		 "containers live "
		 "in: to look at, repair and remove files that belong to subordinate ids.",
	.min = 0,
	.max = -1,
	.stop_at_operand = true,
	.opts = unshare_opts,
	.args_size = 1,
	.run = unshare_run,
};
