/* SPDX-License-Identifier: Apache-2.0 */
/* Write and read container logs. */
#include "engine/logs.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#define HEAD_MAX 64

void log_append(void *ctx, const char *data, size_t len)
{
	struct log_tap *t = ctx;
	_cleanup_str_ struct str out = { 0 };
	struct timespec now;
	struct tm tm;
	char head[HEAD_MAX];
	size_t n;

	if (t->fd < 0 || t->failed)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(head + n, sizeof(head) - n, ".%09ldZ %s F ", now.tv_nsec, t->stream);
	while (len > 0) {
		const char *nl = memchr(data, '\n', len);
		size_t line = nl ? (size_t)(nl - data) : len;

		/* The kind is uctr's word at a fixed place: output cannot forge a line (G3). */
		head[n - 2] = nl ? 'F' : 'P';
		if (str_add(&out, head, n) < 0 || str_add(&out, data, line) < 0 ||
			str_add(&out, "\n", 1) < 0)
			return;
		data += line + (nl ? 1 : 0);
		len -= line + (nl ? 1 : 0);
	}
	/* One write: lines of the two streams never mix. */
	t->failed = fd_write_all(t->fd, out.s, out.len) < 0;
}

/* Where the kind stands: behind "2006-01-02T15:04:05.000000000Z stdout ". */
#define KIND_AT 38

struct printer {
	bool timestamps;
	bool inside[2]; /* a line of that stream has begun and not ended */
};

/* One record of the file to the right stream; what is not one is skipped. */
static int put_line(struct printer *p, const char *line, size_t len, struct err *e)
{
	const char *space = memchr(line, ' ', len), *text;
	struct iovec iov[3];
	int fd = 1, n = 0;
	ssize_t w;

	if (!space || len - (size_t)(space - line) < 10)
		return 0;
	if (strncmp(space, " stderr ", 8) == 0)
		fd = 2;
	else if (strncmp(space, " stdout ", 8) != 0)
		return 0;
	text = space + 10;
	/* A line that came in pieces has one time, that of its beginning. */
	if (p->timestamps && !p->inside[fd - 1])
		iov[n++] = (struct iovec){ (void *)line, (size_t)(space - line) + 1 };
	p->inside[fd - 1] = space[8] != 'F';
	iov[n++] = (struct iovec){ (void *)text, len - (size_t)(text - line) };
	if (space[8] == 'F')
		iov[n++] = (struct iovec){ (void *)"\n", 1 };
	w = writev(fd, iov, n);
	return w < 0 ? err_set(e, -errno, "write the log to standard %s",
			       fd == 1 ? "output" : "error")
		     : 0;
}

/* Does the record at `begin` end a line? One that cannot be read counts as a line. */
static bool ends_line(int fd, off_t begin)
{
	char kind;

	return pread(fd, &kind, 1, begin + KIND_AT) != 1 || kind != 'P';
}

/* Where the last `tail` lines begin; pieces of a line count with the piece that ends it. */
static off_t find_tail(int fd, long tail)
{
	char buf[8192];
	off_t end = lseek(fd, 0, SEEK_END), pos = end, next = end;
	long seen = 0;

	while (pos > 0) {
		size_t n = pos > (off_t)sizeof(buf) ? sizeof(buf) : (size_t)pos;

		pos -= (off_t)n;
		if (pread(fd, buf, n, pos) != (ssize_t)n)
			return 0;
		for (size_t i = n; i > 0; i--) {
			off_t begin = pos + (off_t)i;

			if (buf[i - 1] != '\n' || begin == end)
				continue;
			/* The last record is a line so far, even when it is a piece. */
			if ((next == end || ends_line(fd, begin)) && ++seen > tail)
				return next;
			next = begin;
		}
	}
	return (next == end || ends_line(fd, 0)) && ++seen > tail ? next : 0;
}

/* Prints all complete records after *pos. */
static int print_from(struct printer *p, int fd, off_t *pos, struct err *e)
{
	_cleanup_str_ struct str rest = { 0 };
	char buf[65536];
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), *pos + (off_t)rest.len)) > 0) {
		char *start, *nl;

		if (str_add(&rest, buf, (size_t)n) < 0)
			return err_set(e, -ENOMEM, "log");
		for (start = rest.s;
			(nl = memchr(start, '\n', rest.len - (size_t)(start - rest.s)));
			start = nl + 1) {
			int r = put_line(p, start, (size_t)(nl - start), e);

			if (r < 0)
				return r;
		}
		*pos += start - rest.s;
		rest.len -= (size_t)(start - rest.s);
		memmove(rest.s, start, rest.len);
	}
	return n < 0 ? err_set(e, -errno, "read the log") : 0;
}

static bool lives(struct container *c)
{
	_cleanup_fd_ int lock = openat(c->dir, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	return lock >= 0 && lock_query(lock) == 1;
}

int logs_print(struct container *c, bool follow, long tail, bool timestamps, struct err *e)
{
	_cleanup_fd_ int fd = openat(c->dir, "log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW), in = -1;
	struct printer to = { .timestamps = timestamps };
	char path[64], events[4096];
	off_t pos;
	int r;

	if (fd < 0 && errno == ENOENT && c->state == CONTAINER_CREATED)
		return 0;
	if (fd < 0 && errno == ENOENT)
		return err_msg(e, -ENOENT,
			"container %s keeps no log: it runs in the foreground with --rm, so its "
			"output "
			"goes to its caller alone",
			c->name);
	if (fd < 0)
		return err_set(e, -errno, "open the log of container %s", c->name);
	pos = tail < 0 ? 0 : tail == 0 ? lseek(fd, 0, SEEK_END) : find_tail(fd, tail);
	if (follow) {
		in = inotify_init1(IN_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (in < 0 || inotify_add_watch(in, path, IN_MODIFY) < 0)
			return err_set(e, -errno, "watch the log of container %s", c->name);
	}
	for (;;) {
		/* Asked before reading: what a monitor wrote before it ended is read after. */
		bool more = follow && lives(c);
		struct pollfd p = { .fd = in, .events = POLLIN };

		r = print_from(&to, fd, &pos, e);
		if (r < 0 || !more)
			return r;
		/* The end of a container changes no file; half a second is soon enough to see it. */
		if (poll(&p, 1, 500) > 0 && read(in, events, sizeof(events)) < 0)
			return err_set(e, -errno, "watch the log of container %s", c->name);
	}
}
