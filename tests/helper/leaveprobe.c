/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries to leave by execveat through every descriptor that uctr could have left by, and says
 * whether the filter let it: "execveat worked", or the error of the last try.
 *
 * usage: leaveprobe         the tries
 *        leaveprobe wait    nothing, until it is killed
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

int main(int argc, char **argv)
{
	static char name[] = "leaveprobe", worked[] = "worked";
	static char *again[] = { name, worked, NULL };
	int exe, at;

	if (argc > 1 && strcmp(argv[1], worked) == 0) {
		puts("execveat worked");
		return 0;
	}
	while (argc > 1 && strcmp(argv[1], "wait") == 0)
		poll(NULL, 0, -1);
	exe = open(argv[0], O_RDONLY | O_CLOEXEC);
	if (exe < 0) {
		perror("leaveprobe: open");
		return 2;
	}
	for (int fd = 3; fd < 128; fd++) {
		at = fd == exe ? exe : dup2(exe, fd);
		if (at < 0) {
			perror("leaveprobe: dup2");
			return 2;
		}
		syscall(SYS_execveat, (long)at, "", again, NULL, (long)AT_EMPTY_PATH);
		syscall(SYS_execveat, (long)at, "", again, argv + argc + 1, (long)AT_EMPTY_PATH);
	}
	printf("execveat %s\n", errno == EPERM ? "EPERM" : strerror(errno));
	return 0;
}
