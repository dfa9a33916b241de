/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a command that ignores a signal, also one that libc keeps to itself.
 *
 * usage: ignoring NUMBER COMMAND [ARG...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	/* A kernel's struct sigaction: the handler first, SIG_IGN is 1. */
	const unsigned long ignore[8] = { 1 };

	if (argc < 3 || syscall(SYS_rt_sigaction, strtol(argv[1], NULL, 10), ignore, NULL, 8) < 0) {
		fprintf(stderr, "usage: ignoring NUMBER COMMAND [ARG...]\n");
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
