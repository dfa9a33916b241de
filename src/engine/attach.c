/* SPDX-License-Identifier: Apache-2.0 */
/* The command's side of a running process: relay, signals, terminal, exit code. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/trace.h"
#include "engine/ctl.h"
#include "engine/start.h"
#include "base/pump.h"
#include "runtime/sync.h"
#include "sys/tty.h"

/* docker's --sig-proxy: everything that can be passed on and has not a job of its own here. */
static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM };

/* How long output may trail the exit: a terminal's bytes pass a kernel work queue. */
#define LINGER_MS 50

struct relay {
	struct attach *a;
	struct pump in, out, err;
	int signals;
	bool raw, exited;
	struct termios saved;
	int code;
};

void attach_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(&set, forwarded[i]);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error of one write */
}

int attach_waiting_signal(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set;

	for (size_t i = 0; sigpending(&set) == 0 && i < ARRAY_SIZE(ends); i++) {
		if (sigismember(&set, ends[i]) == 1)
			return ends[i];
	}
	return 0;
}

void attach_size(uint16_t *rows, uint16_t *cols)
{
	struct winsize ws;

	if (tty_size_get(0, &ws) == 0 || tty_size_get(1, &ws) == 0) {
		*rows = ws.ws_row;
		*cols = ws.ws_col;
	}
}

int attach_check_tty(bool tty, bool interactive, struct err *e)
{
	struct stat st;
	int mode = interactive ? fcntl(0, F_GETFL) : O_RDONLY;

	if (interactive && fstat(0, &st) == 0 && S_ISDIR(st.st_mode))
		return err_msg(e, -EISDIR, "standard input is a directory; leave out -i");
	if (mode >= 0 && (mode & O_ACCMODE) == O_WRONLY)
		return err_msg(e, -EBADF, "standard input is open for writing only; leave out -i");
	if (tty && interactive && !isatty(0))
		return err_msg(e, -ENOTTY,
			"the input device is not a terminal; leave out -t when input comes from a "
			"pipe or file");
	return 0;
}

/*
 * Standard output or error, not blocking where that can be had: while a slow reader of theirs is
 * waited for, signals must still be passed on. O_NONBLOCK belongs to the open file, which others
 * share, so pipes and terminals are opened anew. Not /dev/ptmx and its like (major 5), which would
 * become another terminal.
 */
static int own_output(int number)
{
	char path[32];
	struct stat st;
	int fd = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", number);
	if (fstat(number, &st) == 0 &&
		(S_ISFIFO(st.st_mode) || (S_ISCHR(st.st_mode) && major(st.st_rdev) != 5)))
		fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : fcntl(number, F_DUPFD_CLOEXEC, 3);
}

static int open_relay(struct relay *r, struct attach *a, struct err *e)
{
	sigset_t set;
	int in = -1, out;

	memset(r, 0, offsetof(struct relay, in));
	r->a = a;
	r->exited = r->raw = false;
	r->code = 125;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(&set, forwarded[i]);
	sigaddset(&set, SIGWINCH);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signals < 0)
		return err_set(e, -errno, "signalfd");
	if (a->interactive)
		in = fcntl(0, F_DUPFD_CLOEXEC, 3);
	if (a->master >= 0) {
		/* The master's file status is shared with the monitor, which is non-blocking too. */
		(void)fd_nonblock(a->master);
		out = a->out >= 0 ? take_fd(&a->out) : fcntl(a->master, F_DUPFD_CLOEXEC, 3);
		pump_init(&r->in, in, in < 0 ? -1 : fcntl(a->master, F_DUPFD_CLOEXEC, 3));
	} else {
		out = take_fd(&a->out);
		(void)fd_nonblock(a->in);
		pump_init(&r->in, in, take_fd(&a->in));
		if (in < 0)
			pump_close(&r->in);
	}
	pump_init(&r->out, out, out < 0 ? -1 : own_output(1));
	pump_init(&r->err, a->err, a->err < 0 ? -1 : own_output(2));
	a->err = -1;
	if (a->master >= 0 && a->interactive && isatty(0)) {
		int rc = tty_raw(0, &r->saved);

		if (rc < 0)
			return err_set(e, rc, "set the terminal to raw mode");
		r->raw = true;
		(void)tty_size_copy(0, a->master); /* the size may have changed since the start */
	}
	return 0;
}

static void close_relay(struct relay *r)
{
	if (r->raw)
		tty_restore(0, &r->saved);
	pump_close(&r->in);
	pump_close(&r->out);
	pump_close(&r->err);
	fd_closep(&r->signals);
}

static void pass_signals(struct relay *r)
{
	struct signalfd_siginfo si;
	struct err ignored = ERR_INIT;

	while (read(r->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGWINCH) {
			if (r->a->master >= 0)
				(void)tty_size_copy(0, r->a->master);
		} else {
			(void)sync_send(
				r->a->ctl, (enum sync_type)CTL_SIGNAL, si.ssi_signo, -1, &ignored);
		}
	}
}

/* The monitor's word; false when it is gone. */
static int hear(struct relay *r, struct err *e)
{
	int64_t number = 0;
	int type = sync_recv(r->a->ctl, &number, NULL, e);

	if (type == CTL_EXITED) {
		r->exited = true;
		r->code = (int)(number & ~(int64_t)CTL_OOM);
		r->a->oom = (number & CTL_OOM) != 0;
		trace("exit code %d", r->code);
		return 0;
	}
	if (type == -EPIPE && !e->code)
		return err_msg(
			e, type, "the container's monitor is gone; 'uctr ps -a' shows its state");
	return type < 0 ? type : 0;
}

/* The end of input reaches the process: a closed pipe. A terminal has no such end. */
static void end_of_input(struct relay *r)
{
	if (r->in.dst_broken || (pump_done(&r->in) && r->a->master < 0))
		pump_close(&r->in);
}

/* Closing our end, and the monitor's, makes the payload's next write fail, as in a pipeline. */
static int give_up(struct relay *r, struct pump *s, int number, struct err *e)
{
	struct err ignored = ERR_INIT;
	int error = s->error;

	if (!s->dst_broken)
		return 0;
	s->dst_broken = false;
	pump_close(s);
	if (r->a->relayed)
		(void)sync_send(r->a->ctl, (enum sync_type)CTL_UNREAD, number, -1, &ignored);
	if (error == EPIPE || error == EIO)
		return 0;
	return err_set(e, -error, "write the container's output");
}

static int output_failed(struct relay *r, struct err *e)
{
	int out = give_up(r, &r->out, 1, e), err = give_up(r, &r->err, 2, e);

	return out < 0 ? out : err;
}

int attach_run(struct attach *a, struct err *e)
{
	static struct relay r;
	int rc = open_relay(&r, a, e);

	while (rc == 0 && !(r.exited && pump_done(&r.out) && pump_done(&r.err))) {
		struct pollfd p[8];
		size_t n = 2, n_in, n_out, n_err;
		bool pending = r.out.len > 0 || r.err.len > 0;
		int got;

		p[0] = (struct pollfd){ .fd = r.exited ? -1 : a->ctl, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = r.signals, .events = POLLIN };
		n += n_in = r.exited ? 0 : pump_poll(&r.in, p + n);
		n += n_out = pump_poll(&r.out, p + n);
		n += n_err = pump_poll(&r.err, p + n);
		got = poll(p, n, r.exited && !pending ? LINGER_MS : -1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			rc = err_set(e, -errno, "poll");
		/* A background process may hold the output open; the process itself has ended. */
		if (got <= 0)
			break;
		pump_serve(&r.in, p + 2, n_in);
		pump_serve(&r.out, p + 2 + n_in, n_out);
		pump_serve(&r.err, p + 2 + n_in + n_out, n_err);
		end_of_input(&r);
		rc = output_failed(&r, e);
		if (rc == 0 && p[1].revents)
			pass_signals(&r);
		if (rc == 0 && p[0].revents)
			rc = hear(&r, e);
	}
	close_relay(&r);
	return rc < 0 ? rc : r.code;
}
