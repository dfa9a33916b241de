/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command that inherits a directory under many descriptor numbers, as careless callers do.
 *
 * usage: withfds DIRECTORY FIRST LAST COMMAND [ARG...]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd;
	long last;

	if (argc < 5)
		return 2;
	fd = open(argv[1], O_RDONLY | O_DIRECTORY);
	last = strtol(argv[3], NULL, 10);
	for (long i = strtol(argv[2], NULL, 10); fd >= 0 && i <= last; i++) {
		if (i != fd && dup2(fd, (int)i) < 0)
			fd = -1;
	}
	if (fd >= 0)
		execvp(argv[4], argv + 4);
	perror("withfds");
	return 2;
}
