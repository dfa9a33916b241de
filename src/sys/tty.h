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
 * (-ENOTTY when fd is no terminal), with the terminal as it was. A background process is stopped by
 * SIGTTOU here, as it has to be, and goes on in the foreground.
 */
int tty_raw(int fd, struct termios *saved);
/* Never blocks on SIGTTOU, so that a background process restores its terminal too. Keeps errno. */
void tty_restore(int fd, const struct termios *saved);

/* The window's size: 0 or -errno. set raises SIGWINCH for the terminal's foreground group. */
int tty_size_get(int fd, struct winsize *ret);
int tty_size_set(int fd, const struct winsize *size);
/* Gives `to` the size of `from`; 0, or -errno of either. A size of 0x0 (unknown) is left out: 0. */
int tty_size_copy(int from, int to);

#endif
