/* SPDX-License-Identifier: Apache-2.0 */
/* Container records on disk: make, find, list, delete. */
#include "engine/container.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/red.h"
#include "base/spawn.h"
#include "engine/record.h"
#include "engine/sweep.h"
#include "engine/userns.h"
#include "sys/cgroup.h"
#include "sys/dirs.h"
#include "sys/ns.h"
#include "sys/syscalls.h"

void container_free(struct container *c)
{
	fd_closep(&c->dir);
	fd_closep(&c->lock);
	free(c->name);
	free(c->image);
	free(c->image_id);
	strv_free(c->command);
	strv_free(c->uid_map);
	strv_free(c->gid_map);
	json_decref(c->mounts);
	json_decref(c->config);
	json_decref(c->host_config);
	json_decref(c->request);
	json_decref(c->labels);
	json_decref(c->annotations);
	free(c->network);
	free(c->driver);
	free(c->userns);
	free(c->userns_why);
	free(c->error);
	free(c->cgroup);
	*c = (struct container)CONTAINER_INIT;
}

int container_check_name(const char *s, struct err *e)
{
	size_t n = strlen(s);
	_cleanup_free_ char *clean = NULL;
	bool ok = n > 0 && n <= 128 && isalnum((unsigned char)s[0]);

	for (size_t i = 0; i < n && ok; i++)
		ok = isalnum((unsigned char)s[i]) || strchr("_.-", s[i]);
	if (ok || red_off("names"))
		return 0;
	clean = str_sanitise(s);
	return err_msg(e, -EINVAL,
		"invalid container name '%.140s': use letters, digits, '_', '.', '-', at most 128, "
		"beginning with a letter or digit",
		clean ? clean : "");
}

void container_socket_path(const struct container *c, char *buf, size_t size)
{
	snprintf(buf, size, "s/%.64s", c->id);
}

int container_runtime_dir(struct engine *en, const struct container *c, struct err *e)
{
	char path[72];
	int fd;

	snprintf(path, sizeof(path), "c/%.64s", c->id);
	fd = openat(en->runtime, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (mkdirat(en->runtime, path, 0700) < 0 && errno == ENOENT &&
		(mkdirat(en->runtime, "c", 0700) == 0 || errno == EEXIST))
		(void)mkdirat(en->runtime, path, 0700); /* the open says what is wrong */
	fd = openat(en->runtime, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_set(e, -errno, "make %s/%s", en->runtime_path, path) : fd;
}

int container_runtime_clear(struct engine *en, const struct container *c)
{
	char path[80];

	container_socket_path(c, path, sizeof(path));
	unlinkat(en->runtime, path, 0);
	snprintf(path, sizeof(path), "c/%.64s", c->id);
	return dir_remove(en->runtime, path);
}

static int make_id(char id[65], struct err *e)
{
	unsigned char raw[32];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return err_set(e, -errno, "getrandom");
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(id + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

int container_open_lock(int dir, const char *path, bool create)
{
	int fd = openat(dir, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);

	return fd < 0 ? -errno : fd;
}

/* Is the name's holder gone for good (a start that was killed before it left a record)? */
static bool name_is_stale(struct engine *en, const char *id)
{
	_cleanup_fd_ int dir = openat(en->containers, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			 lock = -1;

	if (dir < 0)
		return errno == ENOENT;
	lock = container_open_lock(dir, "lock", false);
	if (lock >= 0 && lock_query(lock) != 0)
		return false;
	return faccessat(dir, "record.json", F_OK, 0) < 0 && errno == ENOENT;
}

/*
 * Under a lock: between the look and the unlink another command could free it, a third take it. The
 * directory itself is locked: to free a name must not need space for a file.
 */
int container_free_name(struct engine *en, const char *name, const char *id)
{
	_cleanup_fd_ int names = openat(en->data, "names", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char holder[80];
	ssize_t n;
	int r;

	if (names < 0)
		return errno == ENOENT ? 0 : -errno;
	do {
		r = flock(names, LOCK_EX) < 0 ? -errno : 0;
	} while (r == -EINTR);
	if (r < 0)
		return r;
	n = readlinkat(names, name, holder, sizeof(holder) - 1);
	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	holder[n] = '\0';
	if (!streq(holder, id))
		return 0;
	return unlinkat(names, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int reserve_name(struct engine *en, const char *id, const char *name, struct err *e)
{
	char path[160], holder[80];
	ssize_t n;
	int r;

	snprintf(path, sizeof(path), "names/%s", name);
	for (int i = 0; i < 8; i++) {
		if (symlinkat(id, en->data, path) == 0)
			return 0;
		if (errno == ENOENT && mkdirat(en->data, "names", 0700) == 0)
			continue;
		if (errno != EEXIST)
			return err_set(e, -errno, "reserve the name %s", name);
		n = readlinkat(en->data, path, holder, sizeof(holder) - 1);
		if (n < 0)
			continue;
		holder[n] = '\0';
		if (!name_is_stale(en, holder))
			return err_msg(e, -EEXIST,
				"the name '%s' is in use by container %.12s; remove it with "
				"'uctr rm %s', or use --replace",
				name, holder, name);
		r = container_free_name(en, name, holder);
		if (r < 0)
			return err_set(e, r, "free the name %s", name);
	}
	return err_msg(e, -EAGAIN, "cannot reserve the name %s; try again", name);
}

static void invent_name(char *buf, size_t size)
{
	static const char *const how[] = { "able", "bold", "brave", "bright", "calm", "clever",
		"cosy", "eager", "fair", "fleet", "fond", "gentle", "glad", "happy", "jolly",
		"keen", "kind", "lively", "lucky", "merry", "mild", "neat", "noble", "proud",
		"quick", "quiet", "sharp", "sunny", "swift", "tidy", "warm", "witty" };
	static const char *const who[] = { "ant", "badger", "bear", "bee", "crane", "crow", "deer",
		"dove", "eagle", "elk", "falcon", "finch", "fox", "hare", "hawk", "heron", "ibis",
		"jay", "lark", "lynx", "mole", "moose", "otter", "owl", "puma", "raven", "robin",
		"seal", "swan", "tern", "wolf", "wren" };
	uint16_t n[3] = { 0 };

	if (getrandom(n, sizeof(n), 0) != (ssize_t)sizeof(n))
		n[0] = (uint16_t)getpid();
	snprintf(buf, size, "%s_%s%u", how[n[0] % 32], who[n[1] % 32], n[2] % 1000);
}

/*
 * A directory with a fresh id and its lock. A sweep may take one whose lock it finds free in the
 * moment before ours: -EAGAIN, and the next id is tried.
 */
static int make_dir(struct engine *en, struct container *c, struct err *e)
{
	struct stat st;
	int r = make_id(c->id, e);

	if (r < 0)
		return r;
	if (mkdirat(en->containers, c->id, 0700) < 0)
		return err_set(e, -errno, "make container directory in %s", en->data_path);
	c->dir = openat(en->containers, c->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->lock = c->dir < 0 ? -errno : container_open_lock(c->dir, "lock", true);
	r = c->lock < 0 ? c->lock : lock_take(c->lock, true, false);
	if (r == 0 && fstat(c->lock, &st) == 0 && st.st_nlink == 0)
		r = -EAGAIN;
	if (r == 0)
		return 0;
	r = r == -ENOENT ? -EAGAIN : r;
	err_set(e, r, "lock container %.12s", c->id);
	/* A sweeper's now, or ours to remove. */
	if (r != -EAGAIN)
		dir_remove(en->containers, c->id);
	container_free(c);
	return r;
}

int container_make(struct engine *en, const char *name,
	int (*ready)(struct container *c, void *ctx, struct err *e), void *ctx,
	struct container *ret, struct err *e)
{
	char invented[64];
	struct timespec now;
	int r = name ? container_check_name(name, e) : 0;

	*ret = (struct container)CONTAINER_INIT;
	if (r < 0)
		return r;
	for (int i = 0; i == 0 || (r == -EAGAIN && i < 20); i++)
		r = make_dir(en, ret, e);
	if (r < 0)
		return r;
	r = ready(ret, ctx, e);
	if (r < 0)
		goto undo;
	for (int i = 0; i < 20; i++) {
		if (!name)
			invent_name(invented, sizeof(invented));
		r = reserve_name(en, ret->id, name ? name : invented, e);
		if (r != -EEXIST || name)
			break;
	}
	if (r < 0)
		goto undo;
	ret->name = strdup(name ? name : invented);
	ret->name_invented = !name;
	clock_gettime(CLOCK_REALTIME, &now);
	ret->created = now.tv_sec * 1000000000LL + now.tv_nsec;
	if (ret->name)
		return 0;
	r = err_set(e, -ENOMEM, "container");
	(void)container_free_name(en, name ? name : invented, ret->id); /* else stale: free too */
undo:
	/* Descriptors may be what is short. */
	fd_closep(&ret->dir);
	fd_closep(&ret->lock);
	dir_remove(en->containers, ret->id);
	container_free(ret);
	return r;
}

/*
 * A record that said "running" and a free lock: the monitor was killed, or it ended between the two
 * looks. It writes its last record before it frees the lock, so a second look tells.
 */
static int settle_ended(struct engine *en, struct container *c, struct err *e)
{
	struct container again = CONTAINER_INIT;
	char path[80];
	int r;

	memcpy(again.id, c->id, sizeof(again.id));
	again.dir = take_fd(&c->dir);
	container_free(c);
	snprintf(path, sizeof(path), "%.64s/record.json", again.id);
	r = record_load(en->containers, path, false, &again, e);
	if (r < 0) {
		container_free(&again);
		return r;
	}
	if (again.state == CONTAINER_RUNNING) {
		sweep_dead(en, &again);
		record_mark_dead(&again);
	}
	*c = again;
	return 0;
}

/* Does its monitor hold the lock, as its record says? */
static bool lives(struct engine *en, const char *id)
{
	_cleanup_fd_ int lock = -1;
	char path[80];

	snprintf(path, sizeof(path), "%.64s/lock", id);
	lock = container_open_lock(en->containers, path, false);
	return lock >= 0 && lock_query(lock) != 0;
}

/* Reads one container's record and settles whether it lives. */
static int load(struct engine *en, const char *id, bool brief, struct container *ret, struct err *e)
{
	char path[80];
	int r;

	*ret = (struct container)CONTAINER_INIT;
	snprintf(ret->id, sizeof(ret->id), "%s", id);
	snprintf(path, sizeof(path), "%.64s/record.json", id);
	if (!brief) {
		ret->dir = openat(en->containers, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (ret->dir < 0)
			return -errno;
	}
	r = record_load(en->containers, path, brief, ret, e);
	if (r < 0) {
		container_free(ret);
		return r;
	}
	return ret->state != CONTAINER_RUNNING || lives(en, id) ? 0 : settle_ended(en, ret, e);
}

bool container_is_id(const char *s, size_t min)
{
	size_t n = strspn(s, "0123456789abcdef");

	return !s[n] && n >= min && n <= 64;
}

static int find_prefix(struct engine *en, const char *prefix, char id[65], struct err *e)
{
	_cleanup_fd_ int fd = openat(en->containers, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	int found = 0;

	if (!d)
		return err_set(e, -errno, "read containers in %s", en->data_path);
	fd = -1;
	while ((de = readdir(d))) {
		if (container_is_id(de->d_name, 64) && str_startswith(de->d_name, prefix)) {
			snprintf(id, 65, "%.64s", de->d_name);
			found++;
		}
	}
	closedir(d);
	if (found > 1)
		return err_msg(e, -EINVAL, "more than one container id begins with '%s'", prefix);
	return found ? 0 : -ENOENT;
}

int container_find(struct engine *en, const char *what, struct container *ret, struct err *e)
{
	_cleanup_free_ char *clean = NULL;
	char path[160], id[80];
	ssize_t n = -1;
	int r = -ENOENT;

	*ret = (struct container)CONTAINER_INIT;
	if (container_check_name(what, NULL) == 0) {
		snprintf(path, sizeof(path), "names/%s", what);
		n = readlinkat(en->data, path, id, sizeof(id) - 1);
	}
	if (n > 0) {
		id[n] = '\0';
		r = container_is_id(id, 64) ? load(en, id, false, ret, e) : -ENOENT;
	}
	if (r == -ENOENT && container_is_id(what, 1)) {
		r = find_prefix(en, what, id, e);
		if (r == 0)
			r = load(en, id, false, ret, e);
	}
	if (r != -ENOENT)
		return r;
	clean = str_sanitise(what);
	return err_msg(
		e, r, "no such container: %.140s; 'uctr ps -a' lists them", clean ? clean : "");
}

int container_each_or(struct engine *en, bool brief,
	int (*fn)(struct container *c, void *ctx, struct err *e),
	int (*damaged)(
		struct engine *en, const char *id, const struct err *why, void *ctx, struct err *e),
	void *ctx, struct err *e)
{
	int fd = openat(en->containers, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!d) {
		fd_closep(&fd);
		return err_set(e, -errno, "read containers in %s", en->data_path);
	}
	while (r == 0 && (de = readdir(d))) {
		_cleanup_container_ struct container c = CONTAINER_INIT;
		struct err one = ERR_INIT;

		if (!container_is_id(de->d_name, 64))
			continue;
		r = load(en, de->d_name, brief, &c, &one);
		if (r == -ENOENT) {
			sweep_abandoned(en, de->d_name); /* unless on its way in or out */
			r = 0;
			continue;
		}
		r = r < 0 ? damaged(en, de->d_name, &one, ctx, e) : fn(&c, ctx, e);
	}
	closedir(d);
	return r;
}

int container_remove_tree(struct engine *en, const char *id, struct err *e)
{
	int status, r = dir_remove(en->containers, id);
	pid_t pid;

	if (r >= 0)
		return 0;
	if (r != -EPERM && r != -EACCES)
		return err_set(e, r, "remove %s/containers/%s", en->data_path, id);
	r = engine_map(en, e);
	if (r == 0)
		r = userns_open(en, e);
	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0) {
		r = userns_enter(en->userns_fd);
		if (r == 0)
			r = dir_remove(en->containers, id);
		_exit(r < 0 ? (-r & 0x7f) : 0);
	}
	status = pid < 0 ? errno : spawn_wait(pid);
	return status ? err_set(e, -status, "remove %s/containers/%s", en->data_path, id) : 0;
}

static int free_name(struct engine *en, struct container *c, struct err *e)
{
	int r = c->name ? container_free_name(en, c->name, c->id) : 0;

	return r < 0 ? err_set(e, r, "free the name %s", c->name) : 0;
}

int container_unlist(struct engine *en, struct container *c, struct err *e)
{
	container_note_end(c);
	if (c->dir >= 0 && unlinkat(c->dir, "record.json", 0) < 0 && errno != ENOENT)
		return err_set(e, -errno, "remove container %s", c->name);
	return c->name_invented ? 0 : free_name(en, c, e);
}

int container_delete(struct engine *en, struct container *c, struct err *e)
{
	int r;

	if (c->cgroup) {
		r = cgroup_remove(c->cgroup);
		if (r < 0)
			engine_warn(en, "cgroup %s of container %s is still there: %s", c->cgroup,
				c->name, strerror(-r));
	}
	/* Nobody would find it again; but it is memory, gone with the session at the latest. */
	r = container_runtime_clear(en, c);
	if (err_is_shortage(r))
		return err_set(e, r, "remove %s/c/%s", en->runtime_path, c->id);
	r = container_unlist(en, c, e);
	if (r == 0 && c->name_invented)
		r = free_name(en, c, e);
	fd_closep(&c->dir); /* descriptors may be what is short */
	return r < 0 ? r : container_remove_tree(en, c->id, e);
}
