/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel charges for a container: the system calls of a start, by hand, and nothing else.
 *
 * usage: floor LOWER SCRATCH UID_RANGE GID_RANGE COMMAND [ARG...]
 *
 * LOWER is a root file system, SCRATCH an existing directory for the writable layer; UID_RANGE and
 * GID_RANGE are the caller's first subordinate ids, of which 65536 are mapped. All namespaces, both
 * id map helpers at the same time, overlay, /proc, /sys, a small /dev, pivot_root, exec, wait. No
 * capabilities are dropped, no filter is loaded, nothing is recorded, errors end it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void check(int failed, const char *what)
{
	if (failed) {
		fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
		_exit(125);
	}
}

static pid_t spawn_map(const char *tool, pid_t child, unsigned int own, const char *first)
{
	char pid_s[16], own_s[16];
	char *argv[] = { (char *)tool, pid_s, "0", own_s, "1", "1", (char *)first, "65536", NULL };
	pid_t pid;

	snprintf(pid_s, sizeof(pid_s), "%d", child);
	snprintf(own_s, sizeof(own_s), "%u", own);
	errno = posix_spawnp(&pid, tool, NULL, NULL, argv, environ);
	check(errno != 0, tool);
	return pid;
}

static void make_dev(void)
{
	static const char *const nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };
	char from[32], to[32];

	check(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=64k"), "/dev");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		int fd;

		snprintf(from, sizeof(from), "/dev/%s", nodes[i]);
		snprintf(to, sizeof(to), "dev/%s", nodes[i]);
		fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
		check(fd < 0, to);
		close(fd);
		check(mount(from, to, NULL, MS_BIND, NULL), from);
	}
	check(mkdir("dev/pts", 0755) || mkdir("dev/shm", 01777) || mkdir("dev/mqueue", 0755),
		"dev");
	check(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		      "newinstance,ptmxmode=0666,mode=620,gid=5"),
		"/dev/pts");
	check(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64m"),
		"/dev/shm");
	check(mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
		"/dev/mqueue");
	check(symlink("pts/ptmx", "dev/ptmx") || symlink("/proc/self/fd", "dev/fd") ||
			symlink("/proc/self/fd/0", "dev/stdin") ||
			symlink("/proc/self/fd/1", "dev/stdout") ||
			symlink("/proc/self/fd/2", "dev/stderr"),
		"links of /dev");
}

static void child(int sock, const char *lower, const char *scratch, char **argv)
{
	const unsigned long quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char opts[4096], root[1024], c;

	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	check(sethostname("floor", 5), "sethostname");
	snprintf(root, sizeof(root), "%s/merged", scratch);
	snprintf(opts, sizeof(opts),
		"userxattr,volatile,lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, scratch,
		scratch);
	check(read(sock, &c, 1) != 1, "wait for the maps");
	check(setresgid(0, 0, 0) || setresuid(0, 0, 0), "become root inside");
	check(mount("overlay", root, "overlay", 0, opts), "overlay");
	check(chdir(root), root);
	check(mount("proc", "proc", "proc", quiet, NULL), "/proc");
	check(mount("sysfs", "sys", "sysfs", quiet | MS_RDONLY, NULL), "/sys");
	make_dev();
	check((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "leave the old root");
	check(chdir("/"), "/");
	execvp(argv[0], argv);
	check(1, argv[0]);
}

static const char *const scratch_dirs[] = { "upper", "work", "merged", "work/work",
	"work/work/incompat", "work/work/incompat/volatile", "work/work/incompat/volatile/dirty" };
#define MADE_BY_US 3 /* the others are overlay's own, the last three because of `volatile` */

static void make_scratch(const char *scratch)
{
	char path[1200];

	for (size_t i = 0; i < MADE_BY_US; i++) {
		snprintf(path, sizeof(path), "%s/%s", scratch, scratch_dirs[i]);
		check(mkdir(path, 0755), path);
	}
}

static void remove_scratch(const char *scratch)
{
	char path[1200];

	/* The kernel made these without any permission. */
	for (size_t i = MADE_BY_US; i < sizeof(scratch_dirs) / sizeof(scratch_dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", scratch, scratch_dirs[i]);
		check(chmod(path, 0700), path);
	}
	for (size_t i = sizeof(scratch_dirs) / sizeof(scratch_dirs[0]); i-- > 0;) {
		snprintf(path, sizeof(path), "%s/%s", scratch, scratch_dirs[i]);
		check(remove(path), path);
	}
}

int main(int argc, char **argv)
{
	struct clone_args args = { .exit_signal = SIGCHLD,
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_NEWNET | CLONE_NEWCGROUP };
	int sock[2], status;
	pid_t pid, uidmap, gidmap;

	if (argc < 6) {
		fprintf(stderr,
			"usage: floor LOWER SCRATCH UID_RANGE GID_RANGE COMMAND [ARG...]\n");
		return 125;
	}
	make_scratch(argv[2]);
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock), "socketpair");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	check(pid < 0, "clone3");
	if (!pid) {
		close(sock[0]);
		child(sock[1], argv[1], argv[2], argv + 5);
	}
	uidmap = spawn_map("newuidmap", pid, getuid(), argv[3]);
	gidmap = spawn_map("newgidmap", pid, getgid(), argv[4]);
	check(waitpid(uidmap, &status, 0) < 0 || status, "newuidmap");
	check(waitpid(gidmap, &status, 0) < 0 || status, "newgidmap");
	check(write(sock[0], "", 1) != 1, "release the child");
	check(waitpid(pid, &status, 0) < 0, "wait");
	remove_scratch(argv[2]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
