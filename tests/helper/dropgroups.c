/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executes a program without supplementary groups, as far as the kernel lets it.
 *
 * usage: dropgroups PROGRAM [ARG...]
 */
#include <grp.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (setgroups(0, NULL) < 0)
		fprintf(stderr, "dropgroups: setgroups refused\n");
	execvp(argv[1], argv + 1);
	perror("dropgroups: exec");
	return 127;
}
