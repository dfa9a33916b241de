/* SPDX-License-Identifier: Apache-2.0 */
/* The guard of a container in the foreground: what clears up when its owner was killed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/foreground.h"
#include "sys/cgroup.h"
#include "sys/syscalls.h"

/*
 * A session of its own and no signals: what ends the owner's process group must not end its guard.
 * No standard streams: whoever reads them waits for the owner only.
 */
static __attribute__((noreturn)) void guard_main(
	int owner, int pidfd, const struct state *s, const char *cgroup)
{
	const int keep[] = { owner, pidfd, s->root, s->dir, s->lock };
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	sigset_t all;
	char c;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	(void)setsid();
	if (fd_close_except(0, keep, sizeof(keep) / sizeof(keep[0])) < 0)
		_exit(1);
	while (read(owner, &c, 1) < 0 && errno == EINTR)
		;
	/* Its pid namespace, when it has one, ends with it; its cgroup takes whoever is left. */
	(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	(void)poll(&end, 1, 10000);
	_exit((cgroup && cgroup_remove(cgroup) < 0) || state_remove(s) < 0);
}

int guard_start(
	struct guard *ret, int pidfd, const struct state *s, const char *cgroup, struct err *e)
{
	_cleanup_fd_ int rd = -1, wr = -1;
	int p[2], r = fd_pipe(p);
	pid_t pid;

	if (r < 0)
		return err_set(e, r, "pipe for the guard process");
	rd = p[0];
	wr = p[1];
	pid = fork();
	if (pid == 0)
		guard_main(rd, pidfd, s, cgroup);
	if (pid < 0)
		return err_set(e, -errno, "fork the guard process");
	*ret = (struct guard){ .pid = pid, .fd = take_fd(&wr) };
	return 0;
}

void guard_stop(struct guard *g)
{
	/* Our own child, not yet waited for: the pid is its own. */
	if (g->pid > 0) {
		kill(g->pid, SIGKILL);
		while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	g->pid = -1;
	fd_closep(&g->fd);
}
