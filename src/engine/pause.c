/* SPDX-License-Identifier: Apache-2.0 */
/* The freezer of cgroup v2; where there is no cgroup, signals from inside the pid namespace. */
#include "engine/pause.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "engine/userns.h"
#include "sys/ns.h"
#include "sys/syscalls.h"

#define FREEZE_SECONDS 10 /* a process in an uninterruptible call freezes when that is over */

/* --- cgroup ------------------------------------------------------------------------------------ */

static bool is_frozen(int events)
{
	char buf[512];
	ssize_t n = pread(events, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return strstr(buf, "frozen 1") != NULL;
}

/* cgroup.events becomes readable with POLLPRI whenever it changes (cgroup-v2 admin guide). */
static int await_frozen(int cgroup)
{
	_cleanup_fd_ int events = openat(cgroup, "cgroup.events", O_RDONLY | O_CLOEXEC);
	time_t end = time(NULL) + FREEZE_SECONDS;

	while (events >= 0 && !is_frozen(events)) {
		struct pollfd p = { .fd = events, .events = POLLPRI };

		if (time(NULL) > end)
			return -EBUSY;
		(void)poll(&p, 1, 100);
	}
	return events < 0 ? -errno : 0;
}

/* --- signals ----------------------------------------------------------------------------------- */

/* In the container's pid namespace -1 is every process but its init and the caller. */
static int enter_pids(int userns, int pidfd)
{
	if (userns_enter(userns) < 0 || setns(pidfd, CLONE_NEWPID) < 0)
		return -errno;
	return 0;
}

static int signal_all(int pidfd, int sig)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(kill(-1, sig) < 0 && errno != ESRCH);
	if (pid < 0 || spawn_wait(pid) != 0)
		return -EPERM;
	/* init ignores what it has no handler for, but not these from its parent's namespace. */
	return sys_pidfd_send_signal(pidfd, sig) < 0 ? -errno : 0;
}

/* --- the guard --------------------------------------------------------------------------------- */

static void answer(int fd, int r)
{
	(void)!write(fd, &r, sizeof(r)); /* nobody listens: the hold ends at once */
	close(fd);
}

static void await_end(int hold)
{
	char c;

	while (read(hold, &c, 1) < 0 && errno == EINTR)
		continue;
}

/* What lets it go on is open before it is held: later there may be no descriptor left for it. */
static void guard_cgroup(int cgroup, int hold, int word)
{
	int freeze = openat(cgroup, "cgroup.freeze", O_WRONLY | O_CLOEXEC);
	int r = freeze < 0 ? -errno : fd_write_all(freeze, "1", 1);

	if (r == 0)
		r = await_frozen(cgroup);
	answer(word, r);
	if (r == 0)
		await_end(hold);
	if (freeze >= 0)
		(void)!pwrite(freeze, "0", 1, 0);
}

static void guard_signals(int userns, int pidfd, int hold, int word)
{
	int r = enter_pids(userns, pidfd);

	if (r == 0)
		r = signal_all(pidfd, SIGSTOP);
	answer(word, r);
	if (r == 0)
		await_end(hold);
	(void)signal_all(pidfd, SIGCONT);
}

/* A signal from the terminal is for the command; what ends that ends the hold. */
static void guard_main(struct engine *en, int cgroup, int pidfd, int hold, int word)
{
	sigset_t all;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (cgroup >= 0)
		guard_cgroup(cgroup, hold, word);
	else
		guard_signals(en->userns_fd, pidfd, hold, word);
	_exit(0);
}

static int start_guard(struct engine *en, int cgroup, int pidfd, struct pause *ret, struct err *e)
{
	int hold[2], word[2], r = 0;

	if (pipe2(hold, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	if (pipe2(word, O_CLOEXEC) < 0) {
		r = err_set(e, -errno, "pipe");
		close(hold[0]);
		close(hold[1]);
		return r;
	}
	ret->guard = fork();
	if (ret->guard == 0) {
		close(hold[1]);
		close(word[0]);
		guard_main(en, cgroup, pidfd, hold[0], word[1]);
	}
	close(hold[0]);
	close(word[1]);
	ret->hold = hold[1];
	if (ret->guard < 0)
		r = -errno;
	else if (fd_read_full(word[0], &r, sizeof(r)) != sizeof(r))
		r = -EPIPE;
	close(word[0]);
	return r;
}

int pause_begin(struct engine *en, const struct container *c, struct pause *ret, struct err *e)
{
	_cleanup_fd_ int cgroup = -1, pidfd = -1;
	int r;

	if (c->state != CONTAINER_RUNNING)
		return 0;
	pidfd = proc_open(c->pid, c->pid_start);
	if (pidfd == -ESRCH)
		return 0; /* it ended a moment ago */
	if (pidfd < 0)
		return err_set(e, pidfd, "find the process of container %s", c->name);
	if (c->cgroup)
		cgroup = open(c->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = cgroup < 0 ? userns_open(en, e) : 0;
	if (r == 0)
		r = start_guard(en, cgroup, pidfd, ret, e);
	if (r == 0)
		return 0;
	pause_end(ret);
	return err_set(e, r, "pause container %s (--pause=false goes without)", c->name);
}

void pause_end(struct pause *p)
{
	fd_closep(&p->hold);
	if (p->guard > 0)
		spawn_wait(p->guard);
	p->guard = -1;
}
