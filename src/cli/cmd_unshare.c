/* SPDX-License-Identifier: Apache-2.0 */
/* uctr unshare */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/command.h"
#include "cli/warn.h"
#include "engine/probe.h"
#include "engine/userns.h"

static const struct opt unshare_opts[] = { OPT_END };

/* A uctr in there looks for its directories as root does, who has others. */
static int name_directories(const struct engine *en)
{
	_cleanup_free_ char *base =
		strndup(en->runtime_path, strrchr(en->runtime_path, '/') - en->runtime_path);

	if (!base || setenv("XDG_RUNTIME_DIR", base, 1) < 0)
		return -ENOMEM;
	return setenv("UCTR_DATA", en->store_path ? en->store_path : en->data_path, 1) < 0 ? -ENOMEM
											   : 0;
}

/*
 * As a start does: there is never a second namespace, and containers that start meanwhile share it. It
 * is the registration by which a uctr in there knows where it is.
 */
static int enter(struct engine *en, pid_t *ret_pid, struct err *e)
{
	struct userns_hold h = USERNS_HOLD_INIT;
	uint64_t start;
	int r = userns_hold(en, &h, e);

	if (r == 0)
		r = userns_ready(&h, e);
	if (r < 0)
		(void)probe_explain(e);
	if (r == 0 && (r = userns_enter(h.fd)) < 0)
		err_set(e, r, "enter the user namespace");
	/* A mount namespace of its own too: what is mounted to look at a layer goes away again. */
	if (r == 0 && unshare(CLONE_NEWNS) < 0)
		r = err_set(e, -errno, "make a mount namespace");
	if (r == 0)
		r = userns_register(en, ret_pid, &start, e);
	userns_release(&h);
	en->held = NULL;
	if (r == 0 && name_directories(en) < 0)
		r = err_set(e, -ENOMEM, "environment");
	return r;
}

static int unshare_run(void *args, char **operands, struct err *e)
{
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	const char *shell = getenv("SHELL");
	char *argv[] = { (char *)(shell && *shell ? shell : "/bin/sh"), NULL };
	char **cmd = operands[0] ? operands : argv;
	int r = engine_open(&en, e);
	pid_t pid = 0;

	(void)args;
	if (r == 0)
		r = engine_map(&en, e);
	if (r == 0)
		r = enter(&en, &pid, e);
	warn_flush(&en);
	if (r < 0)
		return r;
	signal(SIGXFSZ, SIG_DFL);
	execvp(cmd[0], cmd);
	r = -errno;
	userns_unregister(&en, pid);
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
