/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals: raw mode, window size, carrying bytes between the user's terminal and a container's. */
#ifndef UCTR_SYS_TTY_H
#define UCTR_SYS_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <termios.h>

/*
 * Puts the terminal into raw mode and keeps its settings in *saved for tty_restore(). 0 or -errno
 * (-ENOTTY when fd is no terminal), with the terminal as it was.
 */
int tty_raw(int fd, struct termios *saved);
/* Never blocks on SIGTTOU, so that a background process restores its terminal too. Keeps errno. */
void tty_restore(int fd, const struct termios *saved);

/* The window's size: 0 or -errno. set raises SIGWINCH for the terminal's foreground group. */
int tty_size_get(int fd, struct winsize *ret);
int tty_size_set(int fd, const struct winsize *size);
/* Gives `to` the size of `from`; 0, or -errno of either. A size of 0x0 (unknown) is left out: 0. */
int tty_size_copy(int from, int to);

/*
 * One direction of a relay. The caller polls: `in` for POLLIN while tty_pipe_wants_in(), `out` for
 * POLLOUT while tty_pipe_wants_out(), and calls tty_pipe_step() when either is ready. The
 * descriptors are the caller's. A terminal's stdout is often shared with the user's shell, so `out`
 * need not be non-blocking; `in` must be readable when step is called with `readable`.
 */
struct tty_pipe {
	int in, out;
	bool eof; /* nothing more will come from `in` */
	size_t len, off;
	char buf[8192];
};
static inline bool tty_pipe_wants_in(const struct tty_pipe *p)
{
	return !p->eof && p->off == p->len;
}
static inline bool tty_pipe_wants_out(const struct tty_pipe *p)
{
	return p->off < p->len;
}
/*
 * Reads when `readable` and the buffer is empty, then writes what there is when `writable` or it
 * was just read. The end of a terminal master (EIO) is end of file. 0, or -errno when writing failed:
 * what is in the buffer is dropped then, so that the source can be drained further.
 */
int tty_pipe_step(struct tty_pipe *p, bool readable, bool writable);

#endif
