/* SPDX-License-Identifier: Apache-2.0 */
/* Parent side of a start. */
#include "runtime/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/red.h"
#include "base/spawn.h"
#include "base/trace.h"
#include "runtime/child.h"
#include "runtime/sync.h"
#include "sys/dirs.h"
#include "sys/ns.h"
#include "sys/syscalls.h"

#define UID_NOBODY 65534

bool exe_is_writable(void)
{
	struct stat st;

	if (red_off("seal"))
		return false;
	/* An owner can make it writable first, whatever its mode says now. Only root's (who is nobody
	 * in a user namespace) is out of a container's reach. */
	return access("/proc/self/exe", W_OK) == 0 || stat("/proc/self/exe", &st) < 0 ||
	       st.st_uid == geteuid() || (st.st_uid != 0 && st.st_uid != UID_NOBODY);
}

static uint64_t new_namespaces(const struct launch *l)
{
	const struct spec *s = l->spec;
	uint64_t flags = 0;

	for (size_t i = 0; i < s->n_ns; i++) {
		if (!s->ns[i].path)
			flags |= s->ns[i].flag;
	}
	/* The child makes its own one beside other work (runtime/netns.h). */
	if (!l->wants_netns)
		flags &= ~(uint64_t)CLONE_NEWNET;
	/* Unshared by the child once it sits in its cgroup, or it would be rooted at ours. */
	return flags & ~(uint64_t)CLONE_NEWCGROUP;
}

/* Now: once the child is undumpable nobody may open what is below its /proc entry. */
static int open_ns(const struct launch *l, const char *name, int *ret, struct err *e)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", l->proc_pid, name);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? err_set(e, -errno, "open the container's %s namespace", name) : 0;
}

/*
 * Nothing can be done with a child that is dead: then what it said, or its death, is the cause. Its
 * end of the socket closes a moment after its address space.
 */
static int child_first(struct launch *l, int r, struct err *e)
{
	struct pollfd p = { .fd = l->sync, .events = POLLIN };
	struct err cause = ERR_INIT;

	if (poll(&p, 1, 200) <= 0 || launch_ready(l, &cause) == 0)
		return r;
	*e = cause;
	return cause.code;
}

/* Its place in /proc, its maps, its network namespace; then it may go on. */
static int prepare_child(struct launch *l, uint64_t flags, struct err *e)
{
	struct idmap_job job;
	int r;

	l->proc_pid = ns_pidfd_pid(l->pidfd);
	if (l->proc_pid < 0)
		return err_set(e, l->proc_pid, "find the child in /proc");
	/* Now: once it is undumpable a /proc with hidepid does not show it. */
	r = proc_start_time(l->proc_pid, &l->proc_start);
	if (r < 0)
		return err_set(e, r, "identify the container's process");
	if (flags & CLONE_NEWUSER) {
		r = idmap_write_start(l->proc_pid, &l->spec->map, &job, e);
		if (r == 0)
			r = idmap_write_finish(&job, e);
		if (r < 0)
			return r;
		trace("id map written");
	}
	if ((flags & CLONE_NEWNET) && (r = open_ns(l, "net", &l->netns, e)) < 0)
		return r;
	if ((flags & CLONE_NEWNS) && (r = open_ns(l, "mnt", &l->mntns, e)) < 0)
		return r;
	return sync_send(l->sync, SYNC_MAPPED, 0, -1, e);
}

int launch_begin(struct launch *l, struct err *e)
{
	uint64_t flags = new_namespaces(l);
	int pair[2], r;

	r = sync_pair(pair, e);
	if (r < 0)
		return r;
	l->pid = ns_clone(flags, l->cgroup_fd, false, &l->pidfd);
	if (l->pid == 0) {
		close(pair[0]);
		child_main(l, pair[1]);
	}
	close(pair[1]);
	l->sync = pair[0];
	if (l->pid < 0)
		return err_set(e, l->pid, "create the container's namespaces");
	trace("cloned child %d", l->pid);
	r = prepare_child(l, flags, e);
	return r < 0 ? child_first(l, r, e) : 0;
}

/* Joins the child's user and mount namespaces and becomes fuse-overlayfs there. */
static void fuse_child(const struct launch *l, const char *tool, const int ns[2], int err_fd)
{
	sigset_t none;
	const struct spec *s = l->spec;
	_cleanup_str_ struct str opt = { 0 };
	char *argv[5] = { (char *)"fuse-overlayfs", (char *)"-o", NULL, s->root_path, NULL };

	str_addf(&opt, "upperdir=%s,workdir=%s,lowerdir=", s->upper, s->work);
	for (size_t i = strv_len(s->lowers); i > 0; i--)
		str_addf(&opt, "%s%s", s->lowers[i - 1], i > 1 ? ":" : "");
	argv[2] = opt.s;
	if (setns(ns[0], CLONE_NEWUSER) < 0 || setns(ns[1], CLONE_NEWNS) < 0 ||
		unshare(CLONE_NEWNS) < 0 || dup2(err_fd, 2) < 0 || fd_cloexec_from(3) < 0)
		_exit(126);
	/* The monitor takes its signals by descriptor; this one must not have them all blocked. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(tool, argv, (char *[]){ (char *)"PATH=/usr/bin:/bin", NULL });
	_exit(127);
}

/* The child, which nobody else may look into any more, passes its namespaces itself. */
static int start_fuse(const struct launch *l, int user_ns, struct err *e)
{
	_cleanup_fd_ int rd = -1, wr = -1, mnt_ns = -1;
	_cleanup_free_ char *said = NULL;
	const char *tool = dirs_tool("fuse-overlayfs");
	int p[2], code, r = sync_expect(l->sync, SYNC_FUSE, NULL, &mnt_ns, e);
	pid_t pid;

	if (r < 0)
		return r;
	if (!tool)
		return err_msg(e, -ENOENT, "fuse-overlayfs is not installed");
	r = fd_pipe(p);
	if (r < 0)
		return err_set(e, r, "pipe for %s", tool);
	rd = p[0];
	wr = p[1];
	pid = fork();
	if (pid == 0)
		fuse_child(l, tool, (int[2]){ user_ns, mnt_ns }, wr);
	if (pid < 0)
		return err_set(e, -errno, "fork for %s", tool);
	/* It returns when its daemon, which becomes the monitor's child, serves the mount. */
	code = spawn_wait(pid);
	if (code == 0)
		return 0;
	fd_closep(&wr);
	said = fd_last_line(rd);
	return err_msg(e, -EIO, "%s failed (exit code %d): %s", tool, code, said ? said : "");
}

/* What the child says while it makes its root file system. */
static int serve_root(struct launch *l, enum sync_type type, int64_t number, int fd, struct err *e)
{
	struct err why = ERR_INIT;

	if (type == SYNC_ROOT) {
		l->root = (enum spec_root)number;
		return 0;
	}
	if (type == SYNC_PROGRESS)
		return l->words < 0 ? 0 : sync_send(l->words, type, number, -1, e);
	if (type != SYNC_FUSE)
		return err_msg(e, -EPROTO, "unexpected '%s'", sync_name(type));
	if (start_fuse(l, fd, &why) == 0)
		return sync_send(l->sync, SYNC_FUSE_DONE, 0, -1, e);
	sync_send_error(l->sync, &why); /* the child knows another way */
	return 0;
}

static int child_died(struct launch *l, struct err *e)
{
	int code = spawn_wait(l->pid);

	l->pid = -1;
	return err_msg(e, -EPIPE, "the container's first process died while it was set up (%s %d)",
		code > 128 ? "signal" : "exit code", code > 128 ? code - 128 : code);
}

int launch_ready(struct launch *l, struct err *e)
{
	for (;;) {
		struct err got = ERR_INIT;
		_cleanup_fd_ int fd = -1;
		int64_t number = 0;
		int r = sync_recv(l->sync, &number, &fd, &got);

		if (r == SYNC_READY) {
			l->master = take_fd(&fd);
			trace("child is ready");
			return 0;
		}
		if (r == SYNC_NOTE) {
			if (l->words >= 0)
				sync_send_note(l->words, &got);
			continue;
		}
		if (r > 0) {
			r = serve_root(l, (enum sync_type)r, number, fd, e);
			if (r < 0)
				return r;
			continue;
		}
		if (r == -EPIPE && !got.code)
			return child_died(l, e);
		if (r < 0) {
			*e = got;
			return r;
		}
	}
}

int launch_start(struct launch *l, struct err *e)
{
	struct err got = ERR_INIT;
	int r = sync_send(l->sync, SYNC_START, 0, -1, e);

	if (r == -EPIPE)
		return child_died(l, e);
	if (r < 0)
		return r;
	r = sync_recv(l->sync, NULL, NULL, &got);
	if (r == -EPIPE && !got.code) {
		/* Closed by execve. A child killed right before looks the same, and is reaped next. */
		fd_closep(&l->sync);
		l->started = true;
		trace("payload runs");
		return 0;
	}
	if (r < 0) {
		*e = got;
		return r;
	}
	return err_msg(e, -EPROTO, "unexpected '%s'", sync_name((enum sync_type)r));
}

void launch_free(struct launch *l)
{
	fd_closep(&l->sync);
	if (l->pid > 0 && !l->started) {
		if (l->pidfd >= 0)
			(void)sys_pidfd_send_signal(l->pidfd, SIGKILL);
		while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
			;
		l->pid = -1;
	}
	fd_closep(&l->pidfd);
	fd_closep(&l->netns);
	fd_closep(&l->mntns);
	fd_closep(&l->master);
}
