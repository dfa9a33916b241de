/* SPDX-License-Identifier: Apache-2.0 */
/* Find, join, make the user's namespace. */
#include "engine/userns.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/trace.h"
#include "engine/probe.h"
#include "sys/ns.h"
#include "sys/syscalls.h"

#define OWN_USERNS "/proc/self/ns/user"
#define INITIAL_USERNS 0xEFFFFFFDU /* PROC_USER_INIT_INO of the kernel: fixed */

static const char *pins_name(const struct engine *en)
{
	return en->one_id ? "userns-one" : "userns";
}

static int pins_dir(struct engine *en, struct err *e)
{
	const char *name = pins_name(en);
	int fd = openat(en->runtime, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(en->runtime, name, 0700) < 0 && errno != EEXIST)
			return err_set(e, -errno, "make %s/%s", en->runtime_path, name);
		fd = openat(en->runtime, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return fd < 0 ? err_set(e, -errno, "open %s/%s", en->runtime_path, name) : fd;
}

/* The pid of an entry when it is still the registered process; its pidfd in *ret_pidfd. */
static pid_t check_pin(int dir, const char *name, int *ret_pidfd)
{
	char start[32];
	uint32_t pid;
	uint64_t ticks;
	ssize_t n;
	int fd;

	if (parse_u32(name, &pid) < 0)
		return 0;
	n = readlinkat(dir, name, start, sizeof(start) - 1);
	if (n <= 0)
		return 0;
	start[n] = '\0';
	fd = parse_u64(start, &ticks) < 0 ? -ESRCH : proc_open((pid_t)pid, ticks);
	if (fd < 0) {
		unlinkat(dir, name, 0); /* dead, or another process by now */
		return 0;
	}
	*ret_pidfd = fd;
	return (pid_t)pid;
}

/* Living monitors of a user namespace that cannot be entered from here, in which uctr runs too. */
struct strange {
	pid_t pids[32];
	size_t n;
};

static bool is_strange(const struct strange *s, pid_t pid)
{
	for (size_t i = 0; s && i < s->n; i++) {
		if (s->pids[i] == pid)
			return true;
	}
	return false;
}

/* Any living process of the namespace: its pid, 0 when there is none. */
static pid_t find_pin(struct engine *en, const struct strange * not, int *ret_pidfd, struct err *e)
{
	int dir = pins_dir(en, e);
	struct dirent *de;
	pid_t pid = 0;
	DIR *d;

	if (dir < 0)
		return dir;
	d = fdopendir(dir);
	if (!d) {
		close(dir);
		return err_set(e, -errno, "read %s/%s", en->runtime_path, pins_name(en));
	}
	while (pid == 0 && (de = readdir(d))) {
		pid = check_pin(dirfd(d), de->d_name, ret_pidfd);
		if (pid > 0 && is_strange(not, pid)) {
			fd_closep(ret_pidfd);
			pid = 0;
		}
	}
	closedir(d);
	return pid;
}

/* Ids of a namespace beside ours, or around it, are partly none here. */
static bool is_ours(const struct idmap *m)
{
	for (size_t i = 0; i < m->n_uid; i++) {
		if (m->uid[i].outside == UINT32_MAX)
			return false;
	}
	return true;
}

int userns_peek(struct engine *en, struct idmap *ret, struct err *e)
{
	struct strange strange = { .n = 0 };

	for (;;) {
		_cleanup_fd_ int pidfd = -1;
		pid_t pid = find_pin(en, &strange, &pidfd, e);

		if (pid <= 0)
			return pid;
		/* It may end right now: then there is none, as if we had come a moment later. */
		if (idmap_read(pid, ret) < 0 || ret->n_uid == 0 || ret->n_gid == 0)
			return 0;
		if (is_ours(ret))
			return 1;
		if (strange.n == ARRAY_SIZE(strange.pids))
			return 0;
		strange.pids[strange.n++] = pid;
	}
}

/* Is a process that registers there in the caller's own user namespace? */
static bool pins_here(struct engine *en, const char *name, const struct stat *here)
{
	int fd = openat(en->runtime, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	bool found = false;

	if (!d)
		fd_closep(&fd);
	while (d && !found && (de = readdir(d))) {
		_cleanup_fd_ int pidfd = -1;
		pid_t pid = check_pin(dirfd(d), de->d_name, &pidfd);
		struct stat st;
		char path[40];

		snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
		found = pid > 0 && stat(path, &st) == 0 && st.st_ino == here->st_ino &&
			st.st_dev == here->st_dev && sys_pidfd_send_signal(pidfd, 0) == 0;
	}
	if (d)
		closedir(d);
	return found;
}

int userns_find_home(struct engine *en, struct err *e)
{
	struct stat here;
	int r;

	/* Whoever is in it is its root. */
	if (geteuid() != 0 || stat(OWN_USERNS, &here) < 0 || here.st_ino == INITIAL_USERNS)
		return 0;
	if (!pins_here(en, "userns", &here) && !pins_here(en, "userns-one", &here))
		return 0;
	r = idmap_read(0, &en->map);
	if (r < 0 || en->map.n_uid == 0 || en->map.n_gid == 0)
		return err_set(e, r < 0 ? r : -EINVAL, "read /proc/self/uid_map");
	en->home = true;
	return 0;
}

int userns_enter(int fd)
{
	int r = spawn_join_userns(fd);

	if (r == 0 && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		r = -errno;
	return r;
}

/* A descriptor of the living namespace, -ESRCH when there is none. */
static int open_living(struct engine *en, struct err *e)
{
	_cleanup_fd_ int pidfd = -1;
	struct strange strange = { .n = 0 };
	char path[40];
	pid_t pid;
	int fd, r;

	if (en->home) {
		fd = open(OWN_USERNS, O_RDONLY | O_CLOEXEC);
		return fd < 0 ? err_set(e, -errno, "open " OWN_USERNS) : fd;
	}
	for (;;) {
		bool alive;

		pid = find_pin(en, &strange, &pidfd, e);
		if (pid <= 0)
			return pid < 0 ? pid : -ESRCH;
		snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		r = -errno;
		/* Alive after the open: the path was the process we checked. */
		alive = sys_pidfd_send_signal(pidfd, 0) == 0;
		if (fd >= 0 && alive)
			return fd;
		if (alive && (r != -EACCES || strange.n == ARRAY_SIZE(strange.pids)))
			return err_set(
				e, r, "open the user namespace of the monitor with pid %d", pid);
		if (alive)
			strange.pids[strange.n++] = pid;
		fd_closep(&fd);
		fd_closep(&pidfd);
	}
}

/* The first process of a new namespace, which does nothing but keep it while its maps are written. */
static __attribute__((noreturn)) void keep_alive(pid_t parent)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	for (;;)
		pause();
}

static int begin_making(struct engine *en, struct userns_hold *h, struct err *e)
{
	pid_t self = getpid();
	int r;

	h->keeper = ns_clone(CLONE_NEWUSER, -1, false, &h->keeper_pidfd);
	if (h->keeper == 0)
		keep_alive(self);
	if (h->keeper < 0)
		return err_set(e, h->keeper, "create the user's namespace");
	r = idmap_write_start(h->keeper, &en->map, &h->job, e);
	h->mapping = r == 0;
	trace("user namespace made");
	return r;
}

/* One of the two lock files beside the registrations; taken, or an error. */
static int open_lock(struct engine *en, const char *what, bool exclusive, int *ret, struct err *e)
{
	char name[32];
	int r = 0;

	snprintf(name, sizeof(name), "%s.%s", pins_name(en), what);
	if (*ret < 0)
		*ret = openat(en->runtime, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*ret < 0)
		return err_set(e, -errno, "open %s/%s", en->runtime_path, name);
	r = lock_take(*ret, exclusive, true);
	return r < 0 ? err_set(e, r, "lock %s/%s", en->runtime_path, name) : 0;
}

/*
 * Many may come at once and find nothing. They queue for the right to make one, not for the lock
 * itself: so all but the first leave that queue at once, and start side by side.
 */
int userns_hold(struct engine *en, struct userns_hold *h, struct err *e)
{
	int r;

	*h = (struct userns_hold)USERNS_HOLD_INIT;
	en->held = h;
	for (int queued = 0; queued < 2; queued++) {
		r = queued ? open_lock(en, "maker.lock", true, &h->maker_lock, e) : 0;
		if (r == 0)
			r = open_lock(en, "lock", false, &h->lock, e);
		if (r < 0)
			return r;
		h->fd = open_living(en, e);
		if (h->fd >= 0)
			fd_closep(&h->maker_lock);
		if (h->fd != -ESRCH)
			return h->fd < 0 ? h->fd : 0;
		lock_release(h->lock);
	}
	r = open_lock(en, "lock", true, &h->lock, e);
	return r < 0 ? r : begin_making(en, h, e);
}

int userns_ready(struct userns_hold *h, struct err *e)
{
	char path[40];
	int r;

	if (h->fd >= 0)
		return 0;
	r = idmap_write_finish(&h->job, e);
	h->mapping = false;
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", h->keeper);
	h->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (h->fd < 0)
		return err_set(e, -errno, "open the user's namespace");
	trace("user namespace mapped");
	return 0;
}

void userns_release(struct userns_hold *h)
{
	struct err ignored = ERR_INIT;

	if (h->mapping)
		(void)idmap_write_finish(&h->job, &ignored); /* reaps */
	if (h->keeper > 0) {
		(void)sys_pidfd_send_signal(h->keeper_pidfd, SIGKILL);
		while (waitpid(h->keeper, NULL, 0) < 0 && errno == EINTR)
			;
	}
	fd_closep(&h->keeper_pidfd);
	fd_closep(&h->lock);
	fd_closep(&h->maker_lock);
	fd_closep(&h->fd);
	*h = (struct userns_hold)USERNS_HOLD_INIT;
}

/* The one that a start has made already, or one that only the descriptor keeps alive. */
static int make_held(struct engine *en, struct err *e)
{
	struct userns_hold own = USERNS_HOLD_INIT, *h = en->held;
	int fd = -1, r = 0;

	if (!h || (h->fd < 0 && h->keeper <= 0))
		r = begin_making(en, h = &own, e);
	if (r == 0)
		r = userns_ready(h, e);
	if (r == 0 && (fd = fcntl(h->fd, F_DUPFD_CLOEXEC, 3)) < 0)
		r = err_set(e, -errno, "user namespace");
	userns_release(&own);
	return r < 0 ? r : fd;
}

int userns_open(struct engine *en, struct err *e)
{
	int fd;

	if (en->userns_fd >= 0)
		return 0;
	fd = open_living(en, e);
	if (fd == -ESRCH) {
		fd = make_held(en, e);
		if (fd < 0)
			return probe_explain(e);
	}
	if (fd < 0)
		return fd;
	en->userns_fd = fd;
	trace("user namespace open");
	return 0;
}

int userns_register(struct engine *en, pid_t *ret_pid, uint64_t *ret_start, struct err *e)
{
	_cleanup_fd_ int dir = -1;
	char self[32], start[32];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);
	uint32_t pid;
	int r;

	/* Inside its own pid namespace a monitor is 1; the host's /proc knows it by its real pid. */
	if (n <= 0)
		return err_set(e, -errno, "read /proc/self");
	self[n] = '\0';
	r = parse_u32(self, &pid);
	if (r == 0)
		r = proc_start_time((pid_t)pid, ret_start);
	if (r < 0)
		return err_set(e, r, "start time of the monitor");
	*ret_pid = (pid_t)pid;
	dir = pins_dir(en, e);
	if (dir < 0)
		return dir;
	snprintf(start, sizeof(start), "%llu", (unsigned long long)*ret_start);
	if (symlinkat(start, dir, self) < 0) {
		/* A namesake of a dead monitor. */
		unlinkat(dir, self, 0);
		if (symlinkat(start, dir, self) < 0)
			return err_set(e, -errno, "register the monitor");
	}
	return 0;
}

void userns_unregister(struct engine *en, pid_t pid)
{
	char name[48];

	snprintf(name, sizeof(name), "%s/%d", pins_name(en), pid);
	unlinkat(en->runtime, name, 0);
}

void userns_forget(struct engine *en, pid_t pid, uint64_t start)
{
	char name[48], text[32], want[32];
	ssize_t n;

	snprintf(name, sizeof(name), "userns/%d", pid);
	snprintf(want, sizeof(want), "%llu", (unsigned long long)start);
	n = readlinkat(en->runtime, name, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	if (streq(text, want))
		unlinkat(en->runtime, name, 0);
}

void userns_sweep(struct engine *en)
{
	int dir = openat(en->runtime, "userns", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	struct dirent *de;

	if (!d)
		fd_closep(&dir);
	while (d && (de = readdir(d))) {
		_cleanup_fd_ int pidfd = -1;

		(void)check_pin(dirfd(d), de->d_name, &pidfd);
	}
	if (d)
		closedir(d);
}
