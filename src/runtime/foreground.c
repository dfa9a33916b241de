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
#include "base/pump.h"
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
	struct pump in, out; /* with a terminal */
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

/* Our terminal hung up, so the container's does: its processes get SIGHUP and end of file. */
static void hang_up(struct front *f)
{
	pump_close(&f->in);
	pump_close(&f->out);
	fd_closep(&f->l->master);
}

/* What was printed before the end: all of it where the slave is closed, else what is there. */
static void drain(struct front *f)
{
	struct pollfd p[2];

	while (!pump_done(&f->out)) {
		size_t n = pump_poll(&f->out, p);

		if (poll(p, n, f->out.len ? -1 : 0) <= 0)
			return;
		pump_serve(&f->out, p, n);
	}
}

static int loop(struct front *f, struct err *e)
{
	int r = 0;

	while (r == 0 && !f->ended) {
		struct pollfd p[5] = { { .fd = f->signals, .events = POLLIN } };
		size_t n_in = pump_poll(&f->in, p + 1), n_out = pump_poll(&f->out, p + 1 + n_in);

		if (poll(p, 1 + n_in + n_out, -1) < 0 && errno != EINTR)
			return err_set(e, -errno, "poll");
		pump_serve(&f->in, p + 1, n_in);
		pump_serve(&f->out, p + 1 + n_in, n_out);
		if (f->l->master >= 0 && pump_done(&f->in))
			hang_up(f);
		if (p[0].revents)
			r = on_signal(f, e);
	}
	drain(f);
	return r;
}

/* The terminal's two directions; each stream owns its descriptors. */
static int open_streams(struct front *f, struct err *e)
{
	int fds[4] = { STDIN_FILENO, f->l->master, f->l->master, STDOUT_FILENO };

	/* So that a payload that does not read cannot hold us up. */
	if (fcntl(f->l->master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return err_set(e, -errno, "terminal of the container");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		if (fds[i] < 0)
			return err_set(e, -errno, "terminal of the container");
	}
	pump_init(&f->in, fds[0], fds[1]);
	pump_init(&f->out, fds[2], fds[3]);
	return 0;
}

int foreground_wait(struct launch *l, struct err *e)
{
	static struct front f;
	_cleanup_fd_ int signals = -1;
	struct termios saved;
	bool tty = l->master >= 0;
	sigset_t set;
	int r;

	f = (struct front){ .l = l, .signals = -1 };
	pump_init(&f.in, -1, -1);
	pump_init(&f.out, -1, -1);
	watched(&set);
	signals = f.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return err_set(e, -errno, "signalfd");
	if (tty) {
		r = open_streams(&f, e);
		if (r < 0)
			return r;
		r = tty_raw(STDIN_FILENO, &saved);
		if (r < 0)
			return err_set(e, r, "put the terminal into raw mode");
	}
	r = loop(&f, e);
	if (tty)
		tty_restore(STDIN_FILENO, &saved);
	pump_close(&f.in);
	pump_close(&f.out);
	return r < 0 ? r : f.code;
}
