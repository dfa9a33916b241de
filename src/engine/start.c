/* SPDX-License-Identifier: Apache-2.0 */
/* The command's side of a start. */
#include "engine/start.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/spawn.h"
#include "base/trace.h"
#include "engine/ctl.h"
#include "engine/probe.h"
#include "engine/sweep.h"
#include "engine/userns.h"
#include "runtime/sync.h"
#include "sys/ns.h"
#include "sys/syscalls.h"

static void close_pair(int p[2])
{
	fd_closep(&p[0]);
	fd_closep(&p[1]);
}

void start_close(struct start *s)
{
	close_pair(s->in);
	close_pair(s->out);
	close_pair(s->err);
	close_pair(s->fwd_out);
	close_pair(s->fwd_err);
	fd_closep(&s->cgroup_fd);
	fd_closep(&s->master);
}

void start_free(struct start *s)
{
	start_close(s);
	userns_release(&s->hold);
	close_pair(s->ctl);
	container_free(&s->c);
	json_decref(s->request);
	plan_free(&s->plan);
}

static int make_pipe(int p[2], struct err *e)
{
	int r = fd_pipe(p);

	return r < 0 ? err_set(e, r, "make a pipe") : 0;
}

static int make_pipes(struct start *s, struct err *e)
{
	int r = sync_pair(s->ctl, e);

	if (r == 0 && !s->tty && s->interactive)
		r = make_pipe(s->in, e);
	if (r == 0 && !s->tty)
		r = make_pipe(s->out, e);
	if (r == 0 && !s->tty)
		r = make_pipe(s->err, e);
	if (r == 0 && !s->detach)
		r = make_pipe(s->fwd_out, e);
	if (r == 0 && !s->detach && !s->tty)
		r = make_pipe(s->fwd_err, e);
	return r;
}

static int make_cgroup(struct start *s, struct err *e)
{
	struct cgroup_root root;
	_cleanup_free_ char *path = NULL;
	char name[80];
	int r = cgroup_find(&root, e);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "uctr-%.64s", s->c.id);
	if (root.fd >= 0 && !(path = cgroup_path(&root, name)))
		r = err_set(e, -ENOMEM, "cgroup");
	if (r == 0)
		r = container_note_start(&s->c, path, e);
	if (r < 0 || root.fd < 0) {
		r = r < 0 ? r : cgroup_check(&root, &s->plan.spec.limits, e);
		cgroup_root_free(&root);
		return r;
	}
	/* A record stands for it already, so that nobody looks at the note. */
	if (s->again) {
		s->c.cgroup = path;
		r = container_save(&s->c, e);
		s->c.cgroup = NULL;
	}
	if (r == 0)
		r = cgroup_create(&root, name, &s->plan.spec.limits, &s->c.cgroup, e);
	cgroup_root_free(&root);
	if (r < 0)
		return r;
	s->cgroup_fd = r;
	trace("cgroup made");
	return 0;
}

/* Clones the monitor as init of a pid namespace of its own, in the user's namespace. */
static int clone_monitor(struct start *s, int *ret_pidfd, struct err *e)
{
	pid_t pid;

	int r = spawn_join_userns(s->hold.fd);

	if (r < 0)
		return err_set(e, r, "enter the user's namespace");
	pid = ns_clone(CLONE_NEWPID, -1, false, ret_pidfd);
	if (pid == 0)
		monitor_main(s);
	if (pid < 0)
		return err_set(e, pid, "create the monitor's pid namespace");
	trace("cloned monitor %d", pid);
	s->monitor_lives = true;
	return 0;
}

static int give_up(struct start *s, int pidfd, int sig, struct err *e)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	(void)poll(&end, 1, 5000);
	s->monitor_lives = false;
	err_msg(e, -EINTR, "the start of container %s was given up: %s", s->c.name, strsignal(sig));
	return err_exit(e, 128 + sig);
}

/*
 * Waits for the monitor's word. A start takes milliseconds, and a signal that comes meanwhile is
 * for the container; a start that hangs (a dead file server below a mount) is ended by it.
 */
static int await_monitor(struct start *s, int pidfd, struct err *e)
{
	struct pollfd word = { .fd = s->ctl[0], .events = POLLIN };
	int r, sig = 0;

	do {
		r = poll(&word, 1, 1000);
		if (r < 0 && errno != EINTR)
			return err_set(e, -errno, "poll");
		if (r == 0)
			sig = attach_waiting_signal();
	} while (r <= 0 && !sig);
	return r > 0 ? 0 : give_up(s, pidfd, sig, e);
}

/* A copy of the image is made, which takes longer than a start: signals are not for later. */
static int show_progress(struct start *s, int pidfd, int64_t bytes, struct err *e)
{
	int sig = attach_waiting_signal();

	if (s->en->progress)
		s->en->progress(s->en, sig ? -1 : bytes);
	return sig ? give_up(s, pidfd, sig, e) : 0;
}

static int wait_started(struct start *s, int pidfd, struct err *e)
{
	bool copies = false;
	int64_t number;
	int r = await_monitor(s, pidfd, e);

	while (r == 0) {
		r = sync_recv(s->ctl[0], &number, &s->master, e);
		if (r == SYNC_NOTE) {
			engine_warn(s->en, "%s", e->msg);
			*e = (struct err)ERR_INIT;
		} else if (r == SYNC_PROGRESS) {
			copies = true;
			r = show_progress(s, pidfd, number, e);
			if (r < 0)
				return r;
		} else {
			break;
		}
		r = await_monitor(s, pidfd, e);
	}
	if (copies && s->en->progress)
		s->en->progress(s->en, -1);
	if (r == CTL_STARTED) {
		s->c.pid = (pid_t)number;
		return 0;
	}
	/* With its error the monitor has removed everything; killed, it has left that to us. */
	if (r == -EPIPE && !e->code) {
		s->monitor_lives = false;
		return err_msg(
			e, r, "the monitor of container %s died while starting it", s->c.name);
	}
	return r < 0 ? r : err_msg(e, -EPROTO, "unexpected answer of the monitor");
}

int start_go(struct start *s, struct err *e)
{
	_cleanup_fd_ int monitor = -1;
	int r = make_cgroup(s, e);

	if (r == 0)
		r = make_pipes(s, e);
	if (r < 0)
		return r;
	r = userns_ready(&s->hold, e);
	if (r == 0)
		r = clone_monitor(s, &monitor, e);
	/* Close what the monitor and the container hold, so that ends of file are seen. */
	fd_closep(&s->ctl[1]);
	fd_closep(&s->in[0]);
	close_pair(s->out);
	close_pair(s->err);
	fd_closep(&s->fwd_out[1]);
	fd_closep(&s->fwd_err[1]);
	fd_closep(&s->c.lock);
	if (r == 0)
		r = wait_started(s, monitor, e);
	userns_release(&s->hold);
	if (r < 0)
		(void)probe_explain(e);
	return r;
}
