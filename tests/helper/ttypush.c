/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushes a line into every terminal it can reach, as if it were typed.
 *
 * usage: ttypush TEXT    tries, by TIOCSTI and TIOCLINUX, and says how each way ended
 *        ttypush check   prints "waiting N": bytes that wait to be read from standard input
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static void push(const char *way, int fd, const char *text)
{
	static const unsigned long high[] = { 0, 0x100000000 };

	if (fd < 0)
		return;
	for (int i = 0; i < 2; i++) {
		long r = 0;

		for (const char *p = text; *p && r == 0; p++)
			r = syscall(SYS_ioctl, fd, TIOCSTI | high[i], p);
		printf("%s TIOCSTI %s\n", way, r == 0 ? "ok" : strerrorname_np(errno));
	}
	/* 3: paste the selection of the virtual console. */
	printf("%s TIOCLINUX %s\n", way,
		ioctl(fd, TIOCLINUX, &(char){ 3 }) == 0 ? "ok" : strerrorname_np(errno));
}

static int check(void)
{
	struct termios t;
	int n = 0;

	/* Line by line the kernel tells of whole lines alone. */
	if (tcgetattr(0, &t) == 0) {
		t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(0, TCSANOW, &t);
	}
	if (ioctl(0, FIONREAD, &n) < 0)
		return 1;
	printf("waiting %d\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	if (!strcmp(argv[1], "check"))
		return check();
	push("stdin", 0, argv[1]);
	push("stdout", 1, argv[1]);
	push("stderr", 2, argv[1]);
	push("tty", open("/dev/tty", O_RDWR | O_CLOEXEC), argv[1]);
	push("console", open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC), argv[1]);
	push("first", open("/proc/1/fd/0", O_RDWR | O_NOCTTY | O_CLOEXEC), argv[1]);
	return 0;
}
