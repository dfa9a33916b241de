/* SPDX-License-Identifier: Apache-2.0 */
/* clone3, pidfds, namespace names. */
#include "sys/ns.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "sys/syscalls.h"

static const struct {
	uint64_t flag;
	const char *oci, *proc;
} table[] = {
	{ CLONE_NEWUSER, "user", "user" },
	{ CLONE_NEWNS, "mount", "mnt" },
	{ CLONE_NEWPID, "pid", "pid" },
	{ CLONE_NEWIPC, "ipc", "ipc" },
	{ CLONE_NEWUTS, "uts", "uts" },
	{ CLONE_NEWNET, "network", "net" },
	{ CLONE_NEWCGROUP, "cgroup", "cgroup" },
};

uint64_t ns_flag(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (streq(name, table[i].oci) || streq(name, table[i].proc))
			return table[i].flag;
	}
	return 0;
}

uint64_t ns_flag_at(size_t i, const char **oci_name, const char **proc_name)
{
	if (i >= ARRAY_SIZE(table))
		return 0;
	if (oci_name)
		*oci_name = table[i].oci;
	if (proc_name)
		*proc_name = table[i].proc;
	return table[i].flag;
}

pid_t ns_clone(uint64_t flags, int cgroup_fd, bool sibling, int *ret_pidfd)
{
	int pidfd = -1;
	struct clone_args a = { .flags = flags, .exit_signal = SIGCHLD };
	pid_t pid;

	if (ret_pidfd) {
		a.flags |= CLONE_PIDFD;
		a.pidfd = (uint64_t)(uintptr_t)&pidfd;
	}
	if (cgroup_fd >= 0) {
		a.flags |= CLONE_INTO_CGROUP;
		a.cgroup = (uint64_t)cgroup_fd;
	}
	if (sibling) {
		a.flags |= CLONE_PARENT;
		a.exit_signal = 0; /* clone(2): taken from the caller's leader */
	}
	pid = sys_clone3(&a);
	if (pid < 0)
		return -errno;
	if (pid > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return pid;
}

pid_t ns_pidfd_pid(int pidfd)
{
	_cleanup_free_ char *text = NULL;
	char path[48], *p;
	int r;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	r = file_read(AT_FDCWD, path, 4096, &text, NULL);
	if (r < 0)
		return r;
	p = strstr(text, "\nPid:");
	if (!p)
		return -EINVAL;
	r = (int)strtol(p + 5, NULL, 10);
	return r > 0 ? r : -ESRCH;
}

int proc_start_time(pid_t pid, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	char path[40], *p;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = file_read(AT_FDCWD, path, 8192, &text, NULL);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	/* comm may hold spaces and parentheses: the last one closes it. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++) {
		p = strchr(p + 1, ' ');
	}
	if (!p)
		return -EINVAL;
	*ret = strtoull(p + 1, NULL, 10);
	return 0;
}

int proc_open(pid_t pid, uint64_t start)
{
	_cleanup_fd_ int fd = -1;
	uint64_t now;
	int r;

	if (pid <= 0)
		return -ESRCH;
	fd = sys_pidfd_open(pid, 0);
	if (fd < 0)
		return -errno;
	r = proc_start_time(pid, &now);
	if (r < 0)
		return r;
	return now == start ? take_fd(&fd) : -ESRCH;
}

int proc_boot_id(char buf[37])
{
	_cleanup_free_ char *text = NULL;
	int r = file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, NULL);

	if (r < 0)
		return r;
	snprintf(buf, 37, "%.36s", text);
	return 0;
}
