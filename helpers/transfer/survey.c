/* SPDX-License-Identifier: Apache-2.0 */
/* Names and attributes of a whole tree as one number. */
#include "survey.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* FNV-1a. */
static uint64_t add(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n-- > 0)
		h = (h ^ *p++) * 0x100000001b3ULL;
	return h;
}

static uint64_t add_number(uint64_t h, uint64_t v)
{
	return add(h, &v, sizeof(v));
}

/* Spreads the bits, so that sums of many say something (the end of splitmix64). */
static uint64_t mix(uint64_t h)
{
	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9ULL;
	h = (h ^ (h >> 27)) * 0x94d049bb133111ebULL;
	return h ^ (h >> 31);
}

/* One file; `name` is the hash of its path. */
static int add_file(
	uint64_t name, int dirfd, const char *file, const struct stat *st, struct survey *s)
{
	const uint64_t fields[] = { st->st_mode, st->st_uid, st->st_gid, st->st_rdev };
	uint64_t h = name;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		h = add_number(h, fields[i]);
	if (!S_ISDIR(st->st_mode)) {
		h = add_number(h, (uint64_t)st->st_mtim.tv_sec);
		h = add_number(h, (uint64_t)st->st_mtim.tv_nsec);
	}
	if (S_ISREG(st->st_mode))
		h = add_number(h, (uint64_t)st->st_size);
	if (S_ISLNK(st->st_mode)) {
		char target[4096];
		ssize_t n = readlinkat(dirfd, file, target, sizeof(target));

		if (n < 0)
			return -errno;
		h = add(h, target, (size_t)n);
	}
	s->sum += mix(h);
	s->entries++;
	return 0;
}

static int walk(int fd, uint64_t name, unsigned int depth, struct survey *s);

static int visit(int dirfd, const char *file, uint64_t name, unsigned int depth, struct survey *s)
{
	struct stat st;
	int fd, r;

	if (fstatat(dirfd, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = add_file(name, dirfd, file, &st, s);
	if (r < 0 || !S_ISDIR(st.st_mode))
		return r;
	if (depth == SURVEY_DEPTH)
		return -ELOOP;
	fd = openat(dirfd, file, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : walk(fd, name, depth + 1, s);
}

/* Takes over fd. */
static int walk(int fd, uint64_t name, unsigned int depth, struct survey *s)
{
	DIR *d = fdopendir(fd);
	struct dirent *de;
	int r = 0;

	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	for (;;) {
		errno = 0;
		de = r == 0 ? readdir(d) : NULL;
		if (!de)
			break;
		if (!streq(de->d_name, ".") && !streq(de->d_name, ".."))
			r = visit(fd, de->d_name, add(name, de->d_name, strlen(de->d_name) + 1),
				depth, s);
	}
	if (r == 0 && errno)
		r = -errno;
	closedir(d);
	return r;
}

int survey(int root, struct survey *ret, struct err *e)
{
	struct survey s = { 0 };
	int r = visit(root, ".", 0xcbf29ce484222325ULL, 0, &s);

	if (r == -ELOOP)
		return err_msg(e, r, "the layer's directories are nested deeper than %d, the limit",
			SURVEY_DEPTH);
	if (r < 0)
		return err_set(e, r, "look through the layer's tree");
	*ret = s;
	return 0;
}
