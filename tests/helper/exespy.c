/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's side of attacks on processes that join it: looks at every other process in /proc
 * as fast as it can, until killed or for SECONDS.
 *
 * usage: exespy SECONDS DEVICE INODE PREFIX
 *
 * DEVICE and INODE are those of the host's program, PREFIX is how paths of the host begin. Prints one
 * line for each kind of thing it saw: "exe" (a process is that program: its file could be opened),
 * "writable" (and opened for writing once its mode was changed), "link WHICH PATH" (cwd, root or a
 * descriptor led to the host), "ptrace" (a process that had not yet executed anything of the
 * container's could be seized). "looked N" is the last line.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned long dev, ino;
static const char *prefix;
static unsigned long looks;

static void tell(const char *what, const char *detail)
{
	static char seen[32][256];
	static unsigned int n;
	char line[256];

	snprintf(line, sizeof(line), "%s%s%s", what, *detail ? " " : "", detail);
	for (unsigned int i = 0; i < n; i++) {
		if (!strcmp(seen[i], line))
			return;
	}
	if (n < 32)
		snprintf(seen[n++], sizeof(seen[0]), "%s", line);
	puts(line);
	fflush(stdout);
}

static int is_program(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

static void look_at_exe(const char *pid)
{
	char path[300];
	int fd, wr;

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (is_program(fd)) {
		tell("exe", "");
		/* Busy while it runs (ETXTBSY), so a real attacker waits; the mode is what counts. */
		(void)!fchmod(fd, 0777);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		for (int i = 0; i < 20; i++) {
			wr = open(path, O_WRONLY | O_CLOEXEC);
			if (wr >= 0) {
				tell("writable", "");
				close(wr);
				break;
			}
			usleep(1000);
		}
	}
	close(fd);
}

static void look_at_link(const char *pid, const char *name)
{
	char path[300], target[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	if (n > 0 && !strncmp(target, prefix, strlen(prefix)))
		tell("link", path + strlen("/proc/") + strlen(pid));
}

static void look_at_fds(const char *pid)
{
	char path[300], name[300];
	struct dirent *de;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	while (d && (de = readdir(d))) {
		snprintf(name, sizeof(name), "fd/%s", de->d_name);
		look_at_link(pid, name);
	}
	if (d)
		closedir(d);
}

static int runs_host_code(const char *pid)
{
	char path[300], comm[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	(void)!read(fd, comm, sizeof(comm) - 1);
	close(fd);
	return !strncmp(comm, "uctr", 4) && strncmp(comm, "uctr-init", 9) &&
	       strncmp(comm, "uctr-exec", 9);
}

/* Looked at once more when it stands still: before, it may have gone on to execute the payload. */
static void seize(const char *pid)
{
	pid_t p = (pid_t)strtol(pid, NULL, 10);

	if (!runs_host_code(pid) || ptrace(PTRACE_SEIZE, p, 0, 0) < 0)
		return;
	ptrace(PTRACE_INTERRUPT, p, 0, 0);
	if (waitpid(p, NULL, __WALL) == p && runs_host_code(pid))
		tell("ptrace", "");
	ptrace(PTRACE_DETACH, p, 0, 0);
}

int main(int argc, char **argv)
{
	struct timespec now;
	struct dirent *de;
	time_t end;
	DIR *d;

	if (argc != 5)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + strtol(argv[1], NULL, 10);
	dev = strtoul(argv[2], NULL, 10);
	ino = strtoul(argv[3], NULL, 10);
	prefix = argv[4];
	d = opendir("/proc");
	for (; d && now.tv_sec < end; clock_gettime(CLOCK_MONOTONIC, &now)) {
		rewinddir(d);
		while ((de = readdir(d))) {
			if (de->d_name[0] < '1' || de->d_name[0] > '9' ||
				strtol(de->d_name, NULL, 10) == getpid())
				continue;
			looks++;
			look_at_exe(de->d_name);
			look_at_link(de->d_name, "cwd");
			look_at_link(de->d_name, "root");
			look_at_fds(de->d_name);
			seize(de->d_name);
		}
	}
	printf("looked %lu\n", looks);
	return 0;
}
