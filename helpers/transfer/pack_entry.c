/* SPDX-License-Identifier: Apache-2.0 */
/* One file into the archive: which kind, its links, its contents with their holes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "pack.h"

/*
 * Tools disagree about sparse files, so only those are written as such that would grow much: the
 * image specification advises against them, and a log of 2 TB of zeros is worse.
 */
#define SPARSE_GAIN (1ULL << 20)
#define SEGMENTS_MAX 65536

struct segment {
	uint64_t at, len;
};

int pack_fail(const struct pack *p, int r, const char *doing, struct err *e)
{
	size_t skip = p->len > 300 ? p->len - 300 : 0;
	_cleanup_free_ char *clean = str_sanitise(p->len ? p->path + skip : "/");

	return err_set(e, r, "%s %s%.600s", doing, skip ? "..." : "", clean ? clean : "a file");
}

static int zeros(struct sink *s, uint64_t len, struct err *e)
{
	size_t room;
	void *at;
	int r = 0;

	while (r == 0 && len > 0) {
		r = sink_room(s, &at, &room, e);
		if (r < 0)
			return r;
		if (room > len)
			room = (size_t)len;
		memset(at, 0, room);
		r = sink_filled(s, room, e);
		len -= room;
	}
	return r;
}

/* Exactly len bytes: what a living container cut off meanwhile is zeros. */
static int put_range(struct pack *p, int fd, uint64_t at, uint64_t len, struct err *e)
{
	size_t room;
	void *to;
	int r = 0;

	while (r == 0 && len > 0) {
		ssize_t n;

		r = sink_room(p->out, &to, &room, e);
		if (r < 0)
			return r;
		n = pread(fd, to, len < room ? (size_t)len : room, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return pack_fail(p, -errno, "read", e);
		if (n == 0) {
			p->changed++;
			return zeros(p->out, len, e);
		}
		r = sink_filled(p->out, (size_t)n, e);
		at += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return r;
}

/* The data of a file with holes: how many parts, or 0 when it is not worth while. */
static size_t find_segments(int fd, const struct stat *st, struct segment **ret)
{
	uint64_t size = (uint64_t)st->st_size, data = 0;
	struct segment *list;
	off_t at = 0, end;
	size_t n = 0;

	if ((uint64_t)st->st_blocks * 512 + SPARSE_GAIN > size)
		return 0;
	list = calloc(SEGMENTS_MAX, sizeof(*list));
	while (list && n < SEGMENTS_MAX && (uint64_t)at < size) {
		at = lseek(fd, at, SEEK_DATA);
		end = at < 0 ? at : lseek(fd, at, SEEK_HOLE);
		if (at < 0 || end <= at)
			break;
		if ((uint64_t)end > size)
			end = (off_t)size;
		list[n++] = (struct segment){ (uint64_t)at, (uint64_t)(end - at) };
		data += (uint64_t)(end - at);
		at = end;
	}
	if (!list || n == SEGMENTS_MAX || data + SPARSE_GAIN > size) {
		free(list);
		return 0;
	}
	/* An empty last part says how long the file is. */
	list[n++] = (struct segment){ size, 0 };
	*ret = list;
	return n;
}

/* GNU's form 1.0: real name and size in records, the map in front of the data. */
static int put_sparse(struct pack *p, int fd, struct tar_entry *t, const struct segment *list,
	size_t n, struct err *e)
{
	_cleanup_str_ struct str map = { 0 };
	char real[24];
	uint64_t data = 0;
	int r = str_addf(&map, "%zu\n", n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = str_addf(&map, "%llu\n%llu\n", (unsigned long long)list[i].at,
			(unsigned long long)list[i].len);
		data += list[i].len;
	}
	snprintf(real, sizeof(real), "%llu", (unsigned long long)t->size);
	if (r == 0)
		r = tar_pax(&t->pax, "GNU.sparse.major", "1", 1);
	if (r == 0)
		r = tar_pax(&t->pax, "GNU.sparse.minor", "0", 1);
	if (r == 0)
		r = tar_pax(&t->pax, "GNU.sparse.name", t->path, strlen(t->path));
	if (r == 0)
		r = tar_pax(&t->pax, "GNU.sparse.realsize", real, strlen(real));
	if (r < 0)
		return pack_fail(p, r, "pack", e);
	t->path = "GNUSparseFile.0/file";
	t->size = (map.len + 511) / 512 * 512 + data;
	r = tar_header(p->out, t, e);
	if (r == 0)
		r = sink_write(p->out, map.s, map.len, e);
	if (r == 0)
		r = tar_pad(p->out, map.len, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = put_range(p, fd, list[i].at, list[i].len, e);
	return r < 0 ? r : tar_pad(p->out, data, e);
}

static int put_file(
	struct pack *p, int fd, const struct stat *st, struct tar_entry *t, struct err *e)
{
	struct segment *list = NULL;
	size_t n;
	int r;

	if (t->size > UCTR_MAX_FILE_SIZE)
		return pack_fail(p, -EFBIG, "the size is out of bounds:", e);
	n = t->type == '0' ? find_segments(fd, st, &list) : 0;
	if (n) {
		r = put_sparse(p, fd, t, list, n, e);
		free(list);
		return r;
	}
	if (t->type != '0')
		t->size = 0; /* a device */
	r = tar_header(p->out, t, e);
	if (r == 0)
		r = put_range(p, fd, 0, t->size, e);
	return r < 0 ? r : tar_pad(p->out, t->size, e);
}

/*
 * Opened only as what it was seen to be, and looked at again: a living container may put something
 * else there, and to open a FIFO or a device could wait for ever.
 */
static int open_same(int dirfd, const char *name, const struct stat *st, struct stat *ret)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	_cleanup_fd_ int fd = openat(dirfd, name, flags | (S_ISDIR(st->st_mode) ? O_DIRECTORY : 0));

	if (fd < 0 || fstat(fd, ret) < 0)
		return -errno;
	return (ret->st_mode & S_IFMT) == (st->st_mode & S_IFMT) ? take_fd(&fd) : -ESTALE;
}

static bool vanished(int r)
{
	return r == -ENOENT || r == -ESTALE || r == -ELOOP || r == -ENXIO || r == -ENOTDIR;
}

/* A second name of a file is a link to the first. */
static int put_link(struct pack *p, const char *first, struct tar_entry *t, struct err *e)
{
	str_free(&t->pax);
	t->pax = (struct str){ 0 };
	t->type = '1';
	t->target = first;
	t->size = 0;
	return tar_header(p->out, t, e);
}

static int put_open(struct pack *p, int dirfd, const char *name, const struct stat *was,
	struct tar_entry *t, struct err *e)
{
	const char *first = NULL;
	struct stat st;
	_cleanup_fd_ int fd = open_same(dirfd, name, was, &st);
	int r;

	if (vanished(fd)) {
		p->changed++;
		return 0;
	}
	if (fd < 0)
		return pack_fail(p, fd, "open", e);
	r = pack_meta(p, dirfd, name, fd, &st, t, e);
	if (r == 0 && S_ISREG(st.st_mode) && st.st_nlink > 1)
		r = tree_links_find(&p->links, &st, p->path, &first);
	if (r < 0)
		return e->code ? r : pack_fail(p, r, "pack", e);
	if (first)
		return put_link(p, first, t, e);
	if (S_ISREG(st.st_mode))
		return put_file(p, fd, &st, t, e);
	p->path[p->len] = '/';
	p->path[p->len + 1] = '\0';
	r = tar_header(p->out, t, e);
	p->path[p->len] = '\0';
	return r;
}

static int put_other(struct pack *p, int dirfd, const char *name, const struct stat *st,
	struct tar_entry *t, struct err *e)
{
	const char *first = NULL;
	ssize_t n;
	int r = pack_meta(p, dirfd, name, -1, st, t, e);

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(dirfd, name, p->target, sizeof(p->target) - 1);
		if (n < 0)
			return vanished(-errno) || errno == EINVAL
				       ? (p->changed++, 0)
				       : pack_fail(p, -errno, "read the link", e);
		p->target[n] = '\0';
		t->target = p->target;
	}
	if (r == 0 && st->st_nlink > 1)
		r = tree_links_find(&p->links, st, p->path, &first);
	if (r < 0)
		return e->code ? r : pack_fail(p, r, "pack", e);
	return first ? put_link(p, first, t, e) : tar_header(p->out, t, e);
}

int pack_entry(struct pack *p, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	struct tar_entry t = { .path = p->path };
	int r;

	if (S_ISSOCK(st->st_mode)) {
		p->skipped++;
		return 0;
	}
	if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
		r = put_open(p, dirfd, name, st, &t, e);
	else
		r = put_other(p, dirfd, name, st, &t, e);
	str_free(&t.pax);
	return r;
}

int pack_mark(struct pack *p, const char *name, const struct stat *st, struct err *e)
{
	char path[sizeof(p->path) + 8];
	struct tar_entry t = { .path = path, .type = '0', .mode = 0600 };

	if (st)
		t.mtime.tv_sec = st->st_mtim.tv_sec;
	snprintf(path, sizeof(path), "%.*s%s%s", (int)p->len, p->path, p->len ? "/" : "", name);
	return tar_header(p->out, &t, e);
}
