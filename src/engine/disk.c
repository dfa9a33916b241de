/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and removing, in a process that has the rights of the user's namespace. */
#include "engine/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/spawn.h"
#include "engine/userns.h"

#define DEPTH_MAX 400 /* a descriptor for each; deeper ones are counted as unread */
#define ANSWER_MAX (64U << 20)

struct count {
	uint64_t bytes, unread;
};

static void count_tree(int dirfd, const char *name, int depth, struct count *n);

static void count_entry(int dirfd, const char *name, int depth, struct count *n)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return; /* gone meanwhile */
	n->bytes += (uint64_t)st.st_blocks * 512 /
		    (S_ISDIR(st.st_mode) || !st.st_nlink ? 1 : (uint64_t)st.st_nlink);
	if (S_ISDIR(st.st_mode))
		count_tree(dirfd, name, depth + 1, n);
}

static void count_tree(int dirfd, const char *name, int depth, struct count *n)
{
	int fd = depth > DEPTH_MAX
			 ? -1
			 : openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!d) {
		fd_closep(&fd);
		n->unread++;
		return;
	}
	while ((de = readdir(d))) {
		if (!streq(de->d_name, ".") && !streq(de->d_name, ".."))
			count_entry(fd, de->d_name, depth, n);
	}
	closedir(d);
}

static void add(json_t *to, const char *key, uint64_t bytes)
{
	json_int_t was = json_integer_value(json_object_get(to, key));

	json_object_set_new(to, key, json_integer(was + (json_int_t)bytes));
}

/* Each entry of a directory under its own name; what is no digest or id is the rest. */
static void count_each(int data, const char *path, json_t *to, json_t *sums)
{
	int fd = openat(data, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!d) {
		if (fd >= 0 || errno != ENOENT)
			add(sums, "unread", 1);
		fd_closep(&fd);
		return;
	}
	while ((de = readdir(d))) {
		struct count n = { 0 };
		bool id = strlen(de->d_name) == 64;

		if (streq(de->d_name, ".") || streq(de->d_name, ".."))
			continue;
		count_entry(fd, de->d_name, 0, &n);
		add(id && to ? to : sums, id && to ? de->d_name : "rest", n.bytes);
		add(sums, "unread", n.unread);
	}
	closedir(d);
}

static json_t *count_all(int data)
{
	json_t *store = json_object(), *containers = json_object();
	json_t *sums = json_pack(
		"{si si so so}", "rest", 0, "unread", 0, "store", store, "containers", containers);
	int fd = openat(data, "layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	count_each(data, "blobs/sha256", store, sums);
	count_each(data, "containers", containers, sums);
	count_each(data, "tmp", NULL, sums);
	while (d && (de = readdir(d))) {
		if (de->d_name[0] != '.')
			count_each(fd, de->d_name, store, sums);
	}
	if (d)
		closedir(d);
	else
		fd_closep(&fd);
	return sums;
}

/* In the child: the rights of the namespace, if there is one. */
static void enter(struct engine *en)
{
	if (en->userns_fd >= 0 && spawn_join_userns(en->userns_fd) == 0 &&
		(setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		_exit(EPERM);
}

static void find_userns(struct engine *en)
{
	struct err why = ERR_INIT;

	if (engine_map(en, &why) < 0 || userns_open(en, &why) < 0)
		engine_warn(en, "files of subordinate ids cannot be reached: %s", why.msg);
}

int disk_usage(struct engine *en, json_t **ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	int p[2], r, store = en->store >= 0 ? en->store : en->data;
	size_t len = 0;
	pid_t pid;

	find_userns(en);
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	pid = fork();
	if (pid == 0) {
		enter(en);
		text = json_dumps(count_all(store), JSON_COMPACT);
		_exit(!text || fd_write_all(p[1], text, strlen(text)) < 0);
	}
	close(p[1]);
	r = pid < 0 ? -errno : fd_slurp(p[0], ANSWER_MAX, &text, &len);
	close(p[0]);
	if (pid > 0 && spawn_wait(pid) != 0 && r == 0)
		r = -EIO;
	return r < 0 ? err_set(e, r, "count what is on the disk")
		     : json_parse(text, len, "the disk usage", ret, e);
}

/* What uctr makes there; anything else is somebody's own. */
static bool is_own(const char *name)
{
	static const char *const own[] = { "names", "containers", "images", "layers", "blobs",
		"tmp", "ranges", "ranges.lock", "skeleton" };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (streq(name, own[i]))
			return true;
	}
	return str_startswith(name, "seccomp-"); /* runtime/seccomp_cache.h */
}

static int remove_own(struct engine *en)
{
	int fd = openat(en->data, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), first = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!d) {
		first = -errno;
		fd_closep(&fd);
		return first;
	}
	while ((de = readdir(d))) {
		int r = is_own(de->d_name) ? dir_remove(dirfd(d), de->d_name) : 0;

		if (r < 0 && first == 0)
			first = r;
	}
	closedir(d);
	return first;
}

int disk_reset(struct engine *en, struct err *e)
{
	int status;
	pid_t pid;

	/* What is the caller's goes without any namespace, so that little is left if there is none. */
	if (remove_own(en) == 0)
		return 0;
	find_userns(en);
	pid = fork();
	if (pid == 0) {
		enter(en);
		_exit(-remove_own(en) & 0x7f);
	}
	status = pid < 0 ? errno : spawn_wait(pid);
	return status ? err_set(e, -status, "empty the data directory %s", en->data_path) : 0;
}
