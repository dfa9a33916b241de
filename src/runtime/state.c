/* SPDX-License-Identifier: Apache-2.0 */
/* State directories of OCI containers. */
#include "runtime/state.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/red.h"
#include "sys/cgroup.h"
#include "sys/dirs.h"
#include "sys/ns.h"
#include "sys/syscalls.h"

#define RECORD "state.json"
#define RECORD_MAX (4 << 20)

int state_check_id(const char *id, struct err *e)
{
	static const char ok[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	_cleanup_free_ char *clean = NULL;

	if (red_off("names"))
		return 0;
	if (*id && strspn(id, ok) == strlen(id) && *id != '.' && *id != '-' && strlen(id) <= 255)
		return 0;
	clean = str_sanitise(id);
	return err_msg(e, -EINVAL,
		"container id '%.80s': want at most 255 letters, digits, '_', '.' and '-', "
		"beginning with a letter, a digit or '_'",
		clean ? clean : "");
}

static int open_root(const char *root, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r;

	if (!root) {
		_cleanup_fd_ int base = dirs_runtime(&path, e);

		if (base < 0)
			return base;
		if (mkdirat(base, "oci", 0700) < 0 && errno != EEXIST)
			return err_set(e, -errno, "make state directory %s/oci", path);
		fd = openat(base, "oci", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return fd < 0 ? err_set(e, -errno, "state directory %s/oci", path) : take_fd(&fd);
	}
	r = dir_make(AT_FDCWD, root, 0700);
	if (r < 0)
		return err_set(e, r, "make state directory %s", root);
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, -errno, "state directory %s", root);
	if (st.st_uid != geteuid() || st.st_mode & 022)
		return err_msg(e, -EPERM,
			"state directory %s belongs to someone else or others can write to it; "
			"give "
			"another --root",
			root);
	return take_fd(&fd);
}

/*
 * Opens ROOT/ID and takes its lock. 0 and s->dir, s->lock; -EAGAIN when it vanished or was
 * replaced meanwhile (its former owner removes it while it holds the lock); -EBUSY.
 */
static int try_lock(struct state *s)
{
	_cleanup_fd_ int dir = -1, lock = -1;
	struct stat opened, named;
	int r;

	if (mkdirat(s->root, s->id, 0700) < 0 && errno != EEXIST)
		return -errno;
	dir = openat(s->root, s->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	lock = openat(dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	r = lock_take(lock, true, false);
	if (r < 0)
		return r == -EAGAIN || r == -EACCES ? -EBUSY : r;
	if (fstat(dir, &opened) < 0)
		return -errno;
	if (fstatat(s->root, s->id, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (opened.st_ino != named.st_ino || opened.st_dev != named.st_dev)
		return -EAGAIN;
	s->dir = take_fd(&dir);
	s->lock = take_fd(&lock);
	return 0;
}

/* Ends the process that a dead owner left, if it is still that one. */
static void end_process(json_t *record)
{
	int64_t pid = 0;
	uint64_t start = 0;
	_cleanup_fd_ int fd = -1;
	struct pollfd p = { .events = POLLIN };

	if (json_get_i64(record, "pid", &pid, NULL) <= 0 ||
		json_get_u64(record, "start", &start, NULL) <= 0)
		return;
	fd = proc_open((pid_t)pid, start);
	if (fd < 0 || sys_pidfd_send_signal(fd, SIGKILL) < 0)
		return;
	p.fd = fd;
	(void)poll(&p, 1, 10000);
}

/* requires: the lock. leaves: nothing of the former owner's but the directory and its lock. */
static int clear_stale(struct state *s, struct err *e)
{
	_cleanup_json_ json_t *record = NULL;
	const char *cgroup = NULL;
	struct err ignored = ERR_INIT;
	int r;

	if (faccessat(s->dir, RECORD, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	/* A record that cannot be read names nothing that could be cleared. */
	if (json_parse_file(s->dir, RECORD, RECORD_MAX, RECORD, &record, &ignored) == 0) {
		end_process(record);
		r = json_get_str(record, "cgroup", &cgroup, &ignored);
		r = r > 0 && str_startswith(cgroup, "/sys/fs/cgroup/") ? cgroup_remove(cgroup) : 0;
		if (r < 0)
			return err_set(
				e, r, "container %s: remove its old cgroup %s", s->id, cgroup);
	}
	return unlinkat(s->dir, RECORD, 0) < 0 ? err_set(e, -errno, "container %s", s->id) : 0;
}

int state_create(const char *root, const char *id, struct state *ret, struct err *e)
{
	struct state s = STATE_INIT;
	int r = state_check_id(id, e);

	if (r < 0)
		return r;
	s.root = open_root(root, e);
	if (s.root < 0)
		return s.root;
	s.id = strdup(id);
	r = s.id ? -EAGAIN : -ENOMEM;
	for (int i = 0; i < 100 && r == -EAGAIN; i++)
		r = try_lock(&s);
	if (r == -EBUSY)
		r = err_msg(e, -EEXIST,
			"container id '%s' is in use; end that container or take another id", id);
	else if (r < 0)
		err_set(e, r, "state directory of container %s", id);
	else
		r = clear_stale(&s, e);
	if (r < 0) {
		state_close(&s);
		return r;
	}
	*ret = s;
	return 0;
}

int state_write(const struct state *s, json_t *record, struct err *e)
{
	_cleanup_free_ char *text = json_dumps(record, JSON_COMPACT);
	int r = text ? file_replace(s->dir, RECORD, text, strlen(text), 0600, false) : -ENOMEM;

	return r < 0 ? err_set(e, r, "write the state of container %s", s->id) : 0;
}

int state_remove(const struct state *s)
{
	char away[32];

	/* Out of the way first: nobody may take the id while its directory is half gone. */
	snprintf(away, sizeof(away), ".old.%d", getpid());
	if (renameat(s->root, s->id, s->root, away) < 0)
		return errno == ENOENT ? 0 : -errno;
	return dir_remove(s->root, away);
}

void state_close(struct state *s)
{
	fd_closep(&s->lock);
	fd_closep(&s->dir);
	fd_closep(&s->root);
	free(s->id);
	s->id = NULL;
}
