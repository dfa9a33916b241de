/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads, atomic replace, tree removal, OFD locks. */
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/stop.h"

int fd_slurp(int fd, size_t max, char **ret, size_t *ret_len)
{
	size_t cap = 4096, len = 0;
	_cleanup_free_ char *buf = malloc(cap + 1);

	if (!buf)
		return -ENOMEM;
	for (;;) {
		ssize_t n = fd_read_full(fd, buf + len, cap - len);
		char *grown;

		if (n < 0)
			return (int)n;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
		if (len < cap)
			break;
		cap *= 2;
		grown = realloc(buf, cap + 1);
		if (!grown)
			return -ENOMEM;
		buf = grown;
	}
	buf[len] = '\0';
	*ret = take_ptr(buf);
	if (ret_len)
		*ret_len = len;
	return 0;
}

char *fd_first_line(int fd)
{
	char text[512];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return str_sanitise(text);
}

char *fd_last_line(int fd)
{
	char text[2048], *line;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n > 0 ? n : 0] = '\0';
	line = strrchr(text, '\n');
	return str_sanitise(line ? line + 1 : text);
}

int file_read(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_fd_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	return fd_slurp(fd, max, ret, ret_len);
}

int file_poke(int dirfd, const char *path, const char *value)
{
	_cleanup_fd_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = strlen(value);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, value, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int file_replace(int dirfd, const char *name, const void *data, size_t len, mode_t mode, bool sync)
{
	static unsigned int serial;
	_cleanup_fd_ int fd = -1;
	char tmp[300];
	int r;

	/* The pid keeps writers of one directory apart; the leading dot keeps listings clean. */
	r = snprintf(tmp, sizeof(tmp), ".%s.%d.%u", name, getpid(), serial++);
	if (r < 0 || (size_t)r >= sizeof(tmp))
		return -ENAMETOOLONG;
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0 && errno == EEXIST && unlinkat(dirfd, tmp, 0) == 0)
		fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, data, len);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r == 0 && sync && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, tmp, 0);
	return r;
}

int dir_make(int dirfd, const char *path, mode_t mode)
{
	_cleanup_free_ char *p = strdup(path);

	if (!p)
		return -ENOMEM;
	if (mkdirat(dirfd, p, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	for (char *s = p + 1; (s = strchr(s, '/')); *s++ = '/') {
		*s = '\0';
		if (mkdirat(dirfd, p, mode) < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdirat(dirfd, p, mode) < 0 && errno != EEXIST ? -errno : 0;
}

/*
 * One removal. Every level costs a descriptor, and a container may make directories as deep as it
 * likes: what lies deeper than DEPTH_MAX is moved up to `base`, the directory that is being removed.
 */
#define DEPTH_MAX 100
struct removal {
	dev_t dev;
	int base;
	unsigned int serial;
	bool moved;
};

static int remove_children(struct removal *rm, int fd, unsigned int depth);

static int move_up(struct removal *rm, int dirfd, const char *name)
{
	char up[40];

	do {
		snprintf(up, sizeof(up), ".deep-%u", rm->serial++);
		if (renameat2(dirfd, name, rm->base, up, RENAME_NOREPLACE) == 0) {
			rm->moved = true;
			return 0;
		}
	} while (errno == EEXIST);
	return errno == ENOENT ? 0 : -errno;
}

/* Takes over fd, a directory: empties it. */
static int remove_below(struct removal *rm, int fd, unsigned int depth)
{
	int r = 0;

	if (depth > 0)
		return remove_children(rm, fd, depth);
	rm->base = fd;
	do {
		int pass = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		rm->moved = false;
		r = pass < 0 ? -errno : remove_children(rm, pass, 0);
	} while (r == 0 && rm->moved);
	close(fd);
	return r;
}

static int remove_entry(struct removal *rm, int dirfd, const char *name, unsigned int depth)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r = 0;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	/* An empty one goes without a descriptor, which there may be none of. */
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) /* ENOENT: somebody else removes it as well */
		return errno == ENOENT ? 0 : errno == ENOTDIR ? -EPERM : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != rm->dev)
		return -EXDEV;
	if ((st.st_mode & 0700) != 0700 && fchmodat(dirfd, name, 0700, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (depth > DEPTH_MAX)
		return move_up(rm, dirfd, name);
	/* Three times at most: somebody who removes it as well may have put his lock file into it. */
	for (int i = 0; i < 3; i++) {
		fd_closep(&fd);
		fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return errno == ENOENT ? 0 : -errno;
		r = remove_below(rm, take_fd(&fd), depth);
		if (r < 0)
			return r;
		r = unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
		if (r != -ENOTEMPTY)
			return r;
	}
	return r;
}

/* Owns fd. Goes on after a failure, so that one stuck file costs one file, and reports the first. */
static int remove_children(struct removal *rm, int fd, unsigned int depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *de;
	int first = 0;

	if (!d) {
		int r = -errno;

		close(fd);
		return r;
	}
	while ((de = readdir(d))) {
		int r;

		if (streq(de->d_name, ".") || streq(de->d_name, ".."))
			continue;
		r = remove_entry(rm, dirfd(d), de->d_name, depth + 1);
		if (r < 0 && first == 0)
			first = r;
	}
	closedir(d);
	return first;
}

int dir_remove(int dirfd, const char *name)
{
	struct removal rm = { .base = -1 };
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	rm.dev = st.st_dev;
	return remove_entry(&rm, dirfd, name, 0);
}

int lock_take(int fd, bool exclusive, bool wait)
{
	struct flock l = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
	int r;

	do {
		r = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &l);
	} while (r < 0 && errno == EINTR && !stop_now());
	if (r == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

int lock_release(int fd)
{
	struct flock l = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &l) < 0 ? -errno : 0;
}

int lock_query(int fd)
{
	struct flock l = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_GETLK, &l) < 0)
		return -errno;
	return l.l_type != F_UNLCK;
}
