/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals: raw mode, window size, carrying bytes between the user's terminal and a container's. */
#include "sys/tty.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/*
 * tcsetattr from a background process group stops the caller with SIGTTOU unless the signal is
 * blocked; a process that is about to give the terminal back must not be stopped by it.
 */
static int set_attr(int fd, const struct termios *t)
{
	/* TCSADRAIN: output already written (the payload's last words) keeps its processing. */
	while (tcsetattr(fd, TCSADRAIN, t) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int tty_raw(int fd, struct termios *saved)
{
	struct termios t;

	if (tcgetattr(fd, saved) < 0)
		return -errno;
	t = *saved;
	cfmakeraw(&t);
	return set_attr(fd, &t);
}

void tty_restore(int fd, const struct termios *saved)
{
	sigset_t block, old;
	int saved_errno = errno;

	/* The terminal may have hung up meanwhile: there is nothing to restore then. */
	sigemptyset(&block);
	sigaddset(&block, SIGTTOU);
	sigprocmask(SIG_BLOCK, &block, &old);
	(void)set_attr(fd, saved);
	sigprocmask(SIG_SETMASK, &old, NULL);
	errno = saved_errno;
}

int tty_size_get(int fd, struct winsize *ret)
{
	return ioctl(fd, TIOCGWINSZ, ret) < 0 ? -errno : 0;
}

int tty_size_set(int fd, const struct winsize *size)
{
	return ioctl(fd, TIOCSWINSZ, size) < 0 ? -errno : 0;
}

int tty_size_copy(int from, int to)
{
	struct winsize size;
	int r = tty_size_get(from, &size);

	if (r < 0)
		return r;
	if (!size.ws_row && !size.ws_col)
		return 0;
	return tty_size_set(to, &size);
}

/* 1 when something was read, 0 when not (end of file is noted in p). */
