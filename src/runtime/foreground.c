/* SPDX-License-Identifier: Apache-2.0 */
/* Signals and terminal of a container in the foreground, until it ends. */
#include "runtime/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "sys/syscalls.h"
#include "sys/tty.h"

/*
 * Not passed on: faults and what cannot be caught; SIGPIPE and SIGURG concern the own descriptors;
 * the stop signals stop and continue this process as any other of the user's.
 */
static bool passes_on(int sig)
{
	static const int own[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
		SIGSYS, SIGABRT, SIGPIPE, SIGURG, SIGCHLD, SIGWINCH, SIGTSTP, SIGTTIN, SIGTTOU,
		SIGCONT };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (sig == own[i])
			return false;
	}
	return true;
}

static void watched(sigset_t *set)
{
	sigemptyset(set);
	for (int i = 1; i <= SIGRTMAX; i++) {
		/* 32 and 33 belong to the C library; sigaddset refuses them. */
		if (passes_on(i))
			(void)sigaddset(set, i);
	}
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGWINCH);
	/* A reader that went away is seen as EPIPE. */
	sigaddset(set, SIGPIPE);
}

int foreground_block(sigset_t *ret_old, struct err *e)
{
	sigset_t set;

	watched(&set);
	/* An ignored SIGCHLD (a caller's choice that exec keeps) would lose the exit status. */
	signal(SIGCHLD, SIG_DFL);
	if (sigprocmask(SIG_BLOCK, &set, ret_old) < 0)
		return err_set(e, -errno, "block signals");
	return 0;
}

struct front {
	struct launch *l;
	int signals;
	bool ended;
	int code;
	struct tty_pipe in, out; /* with a terminal */
};

static int reap(struct front *f, struct err *e)
{
	int status;
	pid_t pid = waitpid(f->l->pid, &status, WNOHANG);

	if (pid < 0)
		return err_set(e, -errno, "wait for the container");
	if (pid == 0)
		return 0;
	f->ended = true;
	f->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return 0;
}

static int on_signal(struct front *f, struct err *e)
{
	struct signalfd_siginfo si;
	ssize_t n;

	while ((n = read(f->signals, &si, sizeof(si))) == (ssize_t)sizeof(si)) {
		int sig = (int)si.ssi_signo, r = 0;

		if (sig == SIGCHLD)
			r = reap(f, e);
		else if (sig == SIGWINCH && f->l->master >= 0)
			(void)tty_size_copy(STDIN_FILENO, f->l->master);
		else if (passes_on(sig) && sys_pidfd_send_signal(f->l->pidfd, sig) < 0 &&
			 errno != ESRCH)
			r = err_set(e, -errno, "pass signal %d on to the container", sig);
		if (r < 0)
			return r;
	}
	return n < 0 && errno != EAGAIN && errno != EINTR ? err_set(e, -errno, "read signals") : 0;
}

static bool ready(const struct pollfd *p, short events)
{
	return p->revents & (events | POLLHUP | POLLERR);
}

/* One round of the terminal: what is typed to the master, what it says to standard output. */
static void carry(struct front *f, const struct pollfd *in, const struct pollfd *master,
	const struct pollfd *out)
{
	/* Standard output gone is no reason to stop the payload; it is drained regardless. */
	(void)tty_pipe_step(&f->in, ready(in, POLLIN), ready(master, POLLOUT));
	(void)tty_pipe_step(&f->out, ready(master, POLLIN), out->fd >= 0 && ready(out, POLLOUT));
	/* Our terminal hung up, so the container's does: its processes get SIGHUP and end of file. */
	if (f->in.eof && !tty_pipe_wants_out(&f->in))
		fd_closep(&f->l->master);
}

/* What was printed before the end: all of it where the slave is closed, else what is there. */
static void drain(struct front *f)
{
	struct pollfd p = { .fd = f->l->master, .events = POLLIN };

	while (!f->out.eof || tty_pipe_wants_out(&f->out)) {
		if (tty_pipe_wants_in(&f->out) && poll(&p, 1, 0) <= 0)
			return;
		(void)tty_pipe_step(&f->out, true, true);
	}
}

static int loop(struct front *f, struct err *e)
{
	int r = 0;

	while (r == 0 && !f->ended) {
		bool tty = f->l->master >= 0;
		bool in_wants = tty && tty_pipe_wants_in(&f->in);
		bool master_in = tty && tty_pipe_wants_in(&f->out);
		bool master_out = tty && tty_pipe_wants_out(&f->in);
		struct pollfd p[] = {
			{ .fd = f->signals, .events = POLLIN },
			{ .fd = in_wants ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = master_in || master_out ? f->l->master : -1,
				.events = (short)((master_in ? POLLIN : 0) |
						  (master_out ? POLLOUT : 0)) },
			{ .fd = tty && tty_pipe_wants_out(&f->out) ? STDOUT_FILENO : -1,
				.events = POLLOUT },
		};

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return err_set(e, -errno, "poll");
		if (tty)
			carry(f, &p[1], &p[2], &p[3]);
		if (p[0].revents)
			r = on_signal(f, e);
	}
	if (f->l->master >= 0)
		drain(f);
	return r;
}

int foreground_wait(struct launch *l, struct err *e)
{
	struct front f = { .l = l, .signals = -1 };
	_cleanup_fd_ int signals = -1;
	struct termios saved;
	bool tty = l->master >= 0;
	sigset_t set;
	int r;

	f.in = (struct tty_pipe){ .in = STDIN_FILENO, .out = l->master };
	f.out = (struct tty_pipe){ .in = l->master, .out = STDOUT_FILENO };
	watched(&set);
	signals = f.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return err_set(e, -errno, "signalfd");
	if (tty) {
		/* So that a payload that does not read cannot hold us up. */
		if (fcntl(l->master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
			return err_set(e, -errno, "terminal of the container");
		r = tty_raw(STDIN_FILENO, &saved);
		if (r < 0)
			return err_set(e, r, "put the terminal into raw mode");
	}
	r = loop(&f, e);
	if (tty)
		tty_restore(STDIN_FILENO, &saved);
	return r < 0 ? r : f.code;
}
