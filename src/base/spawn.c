/* SPDX-License-Identifier: Apache-2.0 */
/* Start, wait for and run external programs. */
#include "base/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"

static char *const clean_env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };

/* The kernel refuses to join one's own (EINVAL), where nothing is left to do. */
int spawn_join_userns(int fd)
{
	struct stat there, here;

	if (setns(fd, CLONE_NEWUSER) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	if (fstat(fd, &there) < 0 || stat("/proc/self/ns/user", &here) < 0 ||
		there.st_ino != here.st_ino || there.st_dev != here.st_dev) {
		errno = EINVAL;
		return -EINVAL;
	}
	return 0;
}

/*
 * Runs in the vforked child, on the parent's memory: only system calls, and the result goes
 * through *failed. Descriptors are moved above 2 first, so that 0-2 can be filled in any order.
 */
static __attribute__((noinline, noreturn)) void child(const struct spawn *s, volatile int *failed)
{
	int io[3];
	sigset_t none;

	for (int i = 0; i < 3; i++) {
		io[i] = s->stdio[i] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : s->stdio[i];
		if (io[i] >= 0)
			io[i] = fcntl(io[i], F_DUPFD_CLOEXEC, 3);
		if (io[i] < 0)
			goto fail;
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(io[i], i) < 0)
			goto fail;
	}
	if (fd_cloexec_from(3) < 0)
		goto fail;
	for (size_t i = 0; i < s->n_keep; i++) {
		if (fcntl(s->keep[i], F_SETFD, 0) < 0)
			goto fail;
	}
	if (s->userns_fd >= 0 && spawn_join_userns(s->userns_fd) < 0)
		goto fail;
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(s->path, s->argv, s->env ? s->env : clean_env);
fail:
	*failed = errno;
	_exit(127);
}

int spawn_start(const struct spawn *s, pid_t *ret_pid, struct err *e)
{
	volatile int failed = 0;
	sigset_t all, old;
	pid_t pid;

	/* A handler must not run in the child while it borrows our memory. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = vfork();
	if (pid == 0)
		child(s, &failed);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return err_set(e, -errno, "fork for %s", s->path);
	if (failed) {
		waitpid(pid, NULL, 0);
		return err_set(e, -failed, "start %s", s->path);
	}
	*ret_pid = pid;
	return 0;
}

int spawn_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int spawn_run(const struct spawn *s, struct err *e)
{
	_cleanup_fd_ int rd = -1, wr = -1;
	_cleanup_free_ char *said = NULL;
	struct spawn with = *s;
	int p[2], code, r = fd_pipe(p);
	pid_t pid;

	if (r < 0)
		return err_set(e, r, "pipe for %s", s->path);
	rd = p[0];
	with.stdio[2] = wr = p[1];
	r = spawn_start(&with, &pid, e);
	if (r < 0)
		return r;
	fd_closep(&wr);
	said = fd_first_line(rd); /* returns with its word or its end */
	code = spawn_wait(pid);
	if (code == 0)
		return 0;
	return err_msg(e, -EIO, "%s failed (exit code %d): %s", s->path, code, said ? said : "");
}
