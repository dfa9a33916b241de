/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids for --userns auto. data/ranges/FIRST-COUNT is a link to the id of the container that has
 * them; before there is one, to "PID.START" of the command that is making it. A link to nothing
 * that exists is free, so nobody has to give anything back, and a kill at any moment loses nothing.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/mapping.h"
#include "sys/ns.h"

#define DIR_NAME "ranges"

struct range {
	uint32_t first, count;
};

static bool parse_name(const char *name, struct range *ret)
{
	_cleanup_free_ char *first = strndup(name, strcspn(name, "-"));
	const char *dash = strchr(name, '-');

	return first && dash && parse_u32(first, &ret->first) == 0 &&
	       parse_u32(dash + 1, &ret->count) == 0;
}

static bool is_owned(struct engine *en, int dir, const char *name)
{
	_cleanup_fd_ int pidfd = -1;
	char to[80], *dot;
	ssize_t n = readlinkat(dir, name, to, sizeof(to) - 1);
	uint64_t start;
	uint32_t pid;

	if (n <= 0)
		return false;
	to[n] = '\0';
	dot = strchr(to, '.');
	if (!dot)
		return faccessat(en->containers, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	*dot = '\0';
	if (parse_u32(to, &pid) < 0 || parse_u64(dot + 1, &start) < 0)
		return false;
	pidfd = proc_open((pid_t)pid, start);
	return pidfd >= 0;
}

static int by_first(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* What is taken, in order; names of what is free are removed. */
static int read_taken(
	struct engine *en, int dirfd, struct range **ret, size_t *ret_n, struct err *e)
{
	int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	int r = 0;

	if (!d) {
		fd_closep(&fd);
		return err_set(e, -errno, "read the ranges of --userns auto");
	}
	while (r == 0 && (de = readdir(d))) {
		struct range one, *grown;

		if (!parse_name(de->d_name, &one))
			continue;
		if (!is_owned(en, dirfd, de->d_name)) {
			unlinkat(dirfd, de->d_name, 0);
			continue;
		}
		grown = reallocarray(*ret, *ret_n + 1, sizeof(**ret));
		if (grown) {
			*ret = grown;
			grown[(*ret_n)++] = one;
		} else {
			r = err_set(e, -ENOMEM, "ranges");
		}
	}
	closedir(d);
	if (r == 0 && *ret_n > 1)
		qsort(*ret, *ret_n, sizeof(**ret), by_first);
	return r;
}

static int reserve(int dir, uint32_t first, uint32_t count, struct err *e)
{
	char name[32], owner[48];
	uint64_t start;
	int r = proc_start_time(getpid(), &start);

	if (r < 0)
		return err_set(e, r, "start time of this process");
	snprintf(name, sizeof(name), "%u-%u", first, count);
	snprintf(owner, sizeof(owner), "%d.%llu", getpid(), (unsigned long long)start);
	return symlinkat(owner, dir, name) < 0 ? err_set(e, -errno, "reserve ids %s", name) : 0;
}

int range_take(struct engine *en, uint32_t total, uint32_t count, uint32_t *ret, struct err *e)
{
	_cleanup_fd_ int lock = openat(en->data, DIR_NAME ".lock",
				 O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600),
			 dir = -1;
	_cleanup_free_ struct range *taken = NULL;
	uint32_t first = 1;
	size_t n = 0;
	int r = lock < 0 ? -errno : lock_take(lock, true, true);

	if (r == 0)
		r = dir_make(en->data, DIR_NAME, 0700);
	if (r == 0) {
		dir = openat(en->data, DIR_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = dir < 0 ? -errno : 0;
	}
	if (r < 0)
		return err_set(e, r, "open %s/" DIR_NAME, en->data_path);
	r = read_taken(en, dir, &taken, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (taken[i].first >= first && taken[i].first - first >= count)
			break;
		if ((uint64_t)taken[i].first + taken[i].count > first)
			first = taken[i].first + taken[i].count;
	}
	if (r == 0 && (uint64_t)first + count > total)
		return err_msg(e, -ENOSPC,
			"--userns auto: no %u ids in a row are left of your %u; %zu containers "
			"have the others",
			count, total - 1, n);
	if (r == 0)
		r = reserve(dir, first, count, e);
	*ret = first;
	return r;
}

int range_claim(struct engine *en, uint32_t first, uint32_t count, const char *id, struct err *e)
{
	char name[64], tmp[160];

	snprintf(name, sizeof(name), DIR_NAME "/%u-%u", first, count);
	snprintf(tmp, sizeof(tmp), DIR_NAME "/.%.64s", id);
	if (symlinkat(id, en->data, tmp) < 0 || renameat(en->data, tmp, en->data, name) < 0)
		return err_set(e, -errno, "take the ids %s", name);
	return 0;
}

void range_release(struct engine *en, uint32_t first, uint32_t count, const char *id)
{
	char name[64], to[80];
	ssize_t n;

	snprintf(name, sizeof(name), DIR_NAME "/%u-%u", first, count);
	n = readlinkat(en->data, name, to, sizeof(to) - 1);
	if (n <= 0)
		return;
	to[n] = '\0';
	if (streq(to, id))
		unlinkat(en->data, name, 0); /* nobody takes it over while our directory is there */
}
