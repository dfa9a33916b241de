/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Join a running container. A fork of the monitor enters the namespaces of the container's init
 * and clones the process there as its sibling, so that it becomes the monitor's own child. It is
 * undumpable before it is seen in the container, so nothing inside can attach to it or read its
 * descriptors (A3), and gets capabilities, filter, limits and keyring by the code of the start (A14).
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/red.h"
#include "base/trace.h"
#include "runtime/child.h"
#include "runtime/sync.h"
#include "sys/ns.h"
#include "sys/syscalls.h"

/* In the container: resolve the user, open a terminal, become the process. */
static int inside(const struct joining *j, int sock, struct err *e)
{
	_cleanup_fd_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct spec_process p = *j->process;
	int master = -1, slave = -1, r;

	if (red_off("join"))
		p.has_caps = false;

	if (root < 0)
		return err_set(e, -errno, "open /");
	if (setsid() < 0)
		return err_set(e, -errno, "setsid");
	r = user_resolve(root, j->spec, &p, e);
	if (r == 0 && p.terminal)
		r = devices_terminal(root, false, &p, &master, &slave, e);
	if (r == 0)
		r = sync_send(sock, SYNC_READY, 0, master, e);
	fd_closep(&master);
	if (r < 0)
		return r;
	return process_exec(j->spec, &p, slave >= 0 ? (int[3]){ slave, slave, slave } : j->stdio,
		j->seal_exe, e);
}

static int enter(const struct joining *j, struct err *e)
{
	uint64_t flags = 0;
	int r = process_early(j->process, e);

	if (r < 0)
		return r;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(e, -errno, "PR_SET_DUMPABLE");
	for (size_t i = 0; i < j->spec->n_ns; i++)
		flags |= j->spec->ns[i].flag;
	if (setns(j->pidfd, (int)flags) < 0) {
		r = -errno;
		return r == -ESRCH ? err_msg(e, r, "the container has ended")
				   : err_set(e, r, "enter the container");
	}
	if ((flags & CLONE_NEWUSER) && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		return err_set(e, -errno, "become root of the user namespace");
	/* A change of ids may have set it again (prctl(2), PR_SET_DUMPABLE). */
	if (prctl(PR_SET_DUMPABLE, red_off("dumpable"), 0, 0, 0) < 0)
		return err_set(e, -errno, "PR_SET_DUMPABLE");
	return 0;
}

static void joiner(const struct joining *j, int sock) __attribute__((noreturn));
static void joiner(const struct joining *j, int sock)
{
	struct err e = ERR_INIT;
	pid_t pid = 0;
	int r;

	trace_who("exec");
	r = enter(j, &e);
	if (r == 0) {
		pid = ns_clone(0, -1, true, NULL);
		if (pid < 0)
			r = err_set(&e, pid, "clone into the container");
	}
	if (r == 0 && pid > 0) {
		if (red_off("slowpid"))
			usleep(50000);
		r = sync_send(sock, SYNC_PID, pid, -1, &e);
		_exit(r < 0 ? 125 : 0);
	}
	if (r == 0)
		inside(j, sock, &e);
	sync_send_error(sock, &e);
	_exit(125);
}

int join_begin(struct joining *j, struct err *e)
{
	int pair[2], r = sync_pair(pair, e);

	j->mid = j->pid = j->sync = j->master = -1;
	if (r < 0)
		return r;
	/* Born in the container's cgroup: what it does counts there from its first instruction. */
	j->mid = ns_clone(0, j->cgroup_fd, false, NULL);
	if (j->mid == 0) {
		close(pair[0]);
		joiner(j, pair[1]);
	}
	close(pair[1]);
	if (j->mid < 0) {
		close(pair[0]);
		return err_set(e, j->mid, "fork into the container");
	}
	j->sync = pair[0];
	return 0;
}

int join_step(struct joining *j, struct err *e)
{
	struct err got = ERR_INIT;
	_cleanup_fd_ int fd = -1;
	int64_t pid = -1;
	int r = sync_recv(j->sync, &pid, &fd, &got);

	/* The process runs already, and may be ready before the one in between has told its pid. */
	if (r == SYNC_READY) {
		j->master = take_fd(&fd);
		return 1;
	}
	if (r == SYNC_PID && j->pid < 0) {
		j->pid = (pid_t)pid;
		return 1;
	}
	fd_closep(&j->sync);
	if (r == -EPIPE && !got.code)
		return j->pid > 0 ? 0
				  : err_msg(e, r, "the other side ended before '%s'",
					    sync_name(SYNC_PID));
	if (r >= 0)
		return err_msg(e, -EPROTO, "unexpected '%s'", sync_name((enum sync_type)r));
	*e = got;
	return r;
}
