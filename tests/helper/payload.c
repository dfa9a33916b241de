/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests run inside and beside containers, static and without a need for anything else there.
 *
 * usage: payload euid             prints the effective user id (to be run from a setuid file)
 *        payload icmp             exit code 0 when an unprivileged echo socket can be had
 *        payload stubborn TOKEN   escapes its parent by every means and stays: clears the
 *                                 parent-death signal, ignores signals, new session, two forks;
 *                                 prints "stubborn" once the last of the three runs
 *        payload cling TOKEN      the same, but the first of the three ends after 30 ms
 *        payload lock FILE        takes the lock that a container's owner holds, prints "locked",
 *                                 keeps it until the end of its standard input
 *        payload parentns PID     prints the inode of the parent of that process's user namespace
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "payload: %s: %s\n", what, strerror(errno));
	return 1;
}

static int icmp(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (fd < 0)
		return fail("echo socket");
	close(fd);
	return 0;
}

/* Each step is one that a daemon, or a program with bad intentions, takes. */
static int escape(void)
{
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_IGN);
	if (prctl(PR_SET_PDEATHSIG, 0) < 0)
		return fail("parent-death signal");
	setsid(); /* fails for a leader, which has what it wants */
	return 0;
}

static int stubborn(bool ends)
{
	if (escape() != 0)
		return 1;
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return fail("fork");
		/* The outer ones stay as well: three processes to get rid of. */
		if (pid > 0 && i == 0 && ends)
			return usleep(30000);
		if (pid > 0)
			for (;;)
				pause();
		if (escape() != 0)
			return 1;
	}
	puts("stubborn");
	fflush(stdout);
	for (;;)
		pause();
}

static int hold_lock(const char *path)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char c;

	if (fd < 0 || fcntl(fd, F_OFD_SETLK, &l) < 0)
		return fail(path);
	puts("locked");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}

static int parent_ns(const char *pid)
{
	struct stat st;
	char path[64];
	int fd, parent;

	snprintf(path, sizeof(path), "/proc/%.20s/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(path);
	parent = ioctl(fd, NS_GET_PARENT);
	if (parent < 0 || fstat(parent, &st) < 0)
		return fail("parent of the user namespace");
	printf("user:[%llu]\n", (unsigned long long)st.st_ino);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "euid"))
		return printf("%u\n", geteuid()) < 0;
	if (!strcmp(what, "icmp"))
		return icmp();
	if ((!strcmp(what, "stubborn") || !strcmp(what, "cling")) && argc == 3)
		return stubborn(*what == 'c');
	if (!strcmp(what, "parentns") && argc == 3)
		return parent_ns(argv[2]);
	if (!strcmp(what, "lock") && argc == 3)
		return hold_lock(argv[2]);
	fprintf(stderr, "usage: payload euid | icmp | stubborn TOKEN | cling TOKEN | lock FILE | "
			"parentns PID\n");
	return 2;
}
