/* SPDX-License-Identifier: Apache-2.0 */
/* The first steps of a container, tried for real in a child that ends at once. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/probe_impl.h"
#include "sys/dirs.h"
#include "sys/mount.h"

enum { LOWER, UPPER, WORK, N_DIRS };
static const char *const dir_names[N_DIRS] = { "lower", "upper", "work" };

static int write_own_map(uid_t uid, gid_t gid)
{
	char line[64];
	int r = file_poke(AT_FDCWD, "/proc/self/setgroups", "deny");

	if (r == 0) {
		snprintf(line, sizeof(line), "0 %u 1\n", gid);
		r = file_poke(AT_FDCWD, "/proc/self/gid_map", line);
	}
	if (r == 0) {
		snprintf(line, sizeof(line), "0 %u 1\n", uid);
		r = file_poke(AT_FDCWD, "/proc/self/uid_map", line);
	}
	return -r;
}

/* With the flags that a container's has: an outer one that is read-only allows no other. */
static int try_new(const char *type, uint64_t attr)
{
	static const char *const none[] = { NULL };
	int fd = mount_new(type, none, attr, NULL);

	if (fd < 0)
		return -fd;
	close(fd);
	return 0;
}

/* In the new pid namespace, as a new proc shows the pid namespace of who mounts it. */
static void try_proc(struct trial *t)
{
	const uint64_t attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		t->proc = try_new("proc", attr);
		t->sysfs = try_new("sysfs", attr | MOUNT_ATTR_RDONLY);
		_exit(0);
	}
	if (pid < 0)
		t->proc = errno;
	else
		(void)waitpid(pid, &status, 0); /* what it found is in t */
}

/*
 * The directories are opened here, in the new mount namespace: the kernel takes no layer that lies
 * on a mount of another one.
 */
static int try_overlay(const char *top)
{
	int dirs[N_DIRS], fd;
	char path[PATH_MAX];

	for (int i = 0; i < N_DIRS; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", top, dir_names[i]) >= (int)sizeof(path))
			return ENAMETOOLONG;
		dirs[i] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dirs[i] < 0)
			return errno;
	}
	fd = mount_overlay(&dirs[LOWER], 1, dirs[UPPER], dirs[WORK], true, NULL);
	return fd < 0 ? -fd : 0; /* the process ends, and its descriptors with it */
}

/* top is the directory for the overlay, or NULL. */
static void child(struct trial *t, const char *top)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return;
	t->userns = unshare(CLONE_NEWUSER) < 0 ? errno : 0;
	if (t->userns)
		return;
	t->map = write_own_map(uid, gid);
	if (t->map)
		return;
	t->namespaces = unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
				CLONE_NEWNET | CLONE_NEWCGROUP) < 0
				? errno
				: 0;
	if (t->namespaces)
		return;
	t->mount = -mount_propagation_all(MS_PRIVATE);
	if (t->mount)
		return;
	try_proc(t);
	if (top)
		t->overlay = try_overlay(top);
}

/* Empty directories on the file system where containers will live; false where that fails. */
static bool make_dirs(int data, const char *name)
{
	char path[128];

	if (data < 0 || mkdirat(data, name, 0700) < 0)
		return false;
	for (int i = 0; i < N_DIRS; i++) {
		snprintf(path, sizeof(path), "%s/%s", name, dir_names[i]);
		if (mkdirat(data, path, 0700) < 0)
			return false;
	}
	return true;
}

const struct trial *probe_trial(struct probe_ctx *c)
{
	_cleanup_free_ char *top = NULL;
	char name[64];
	pid_t pid;
	int data;

	if (c->trial)
		return c->trial;
	c->trial = mmap(
		NULL, sizeof(*c->trial), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->trial == MAP_FAILED) {
		c->trial = NULL;
		return NULL;
	}
	memset(c->trial, 0xff, sizeof(*c->trial)); /* UNTRIED everywhere */
	data = probe_data_fd(c, NULL);
	snprintf(name, sizeof(name), ".probe-%d", getpid());
	if (make_dirs(data, name))
		top = str_printf("%s/%s", c->data_path, name);
	pid = fork();
	if (pid == 0) {
		child(c->trial, top);
		_exit(0);
	}
	if (pid < 0)
		probe_trial_free(c);
	else
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (data >= 0)
		(void)dir_remove(data, name); /* empty directories; a leftover is found by name */
	return c->trial;
}

void probe_trial_free(struct probe_ctx *c)
{
	if (c->trial)
		munmap(c->trial, sizeof(*c->trial));
	c->trial = NULL;
}

int probe_data_fd(struct probe_ctx *c, struct err *e)
{
	if (c->data_fd < 0)
		c->data_fd = dirs_data(&c->data_path, &c->data_note, e);
	return c->data_fd;
}
