/* SPDX-License-Identifier: Apache-2.0 */
/* Full read and write, close, pass descriptors. */
#include "base/fd.h"
#include "base/red.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

void fd_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t fd_read_full(int fd, void *buf, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, (char *)buf + got, len - got);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

int fd_cloexec_from(unsigned int first)
{
	if (red_off("fds"))
		return 0;
	return syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

static int cmp_int(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

int fd_close_except(unsigned int first, const int *keep, size_t n)
{
	int sorted[64];
	size_t m = 0;

	if (red_off("fds"))
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < 0 || (unsigned int)keep[i] < first)
			continue;
		if (m == sizeof(sorted) / sizeof(sorted[0]))
			return -E2BIG;
		sorted[m++] = keep[i];
	}
	qsort(sorted, m, sizeof(sorted[0]), cmp_int);
	for (size_t i = 0; i < m; i++) {
		unsigned int k = (unsigned int)sorted[i];

		if (k > first && syscall(SYS_close_range, first, k - 1, 0) < 0)
			return -errno;
		first = k + 1;
	}
	return syscall(SYS_close_range, first, ~0U, 0) < 0 ? -errno : 0;
}

int fd_above_stdio(int fd)
{
	int n;

	if (fd < 0 || fd > 2)
		return fd;
	n = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (n < 0)
		return -errno;
	close(fd);
	return n;
}

int fd_pipe(int p[2])
{
	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		int n = fd_above_stdio(p[i]);

		if (n < 0) {
			fd_closep(&p[0]);
			fd_closep(&p[1]);
			return n;
		}
		p[i] = n;
	}
	return 0;
}

int fd_nonblock(int fd)
{
	int fl = fcntl(fd, F_GETFL);

	return fl < 0 || fcntl(fd, F_SETFL, fl | O_NONBLOCK) < 0 ? -errno : 0;
}

int fd_send(int sock, const void *buf, size_t len, const int *fds, size_t n_fds)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
		struct cmsghdr align;
	} ctl;
	struct iovec iov = { (void *)buf, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n_fds > FD_PASS_MAX)
		return -E2BIG;
	if (n_fds > 0) {
		struct cmsghdr *c;

		memset(&ctl, 0, sizeof(ctl));
		m.msg_control = ctl.buf;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	for (;;) {
		ssize_t n = sendmsg(sock, &m, MSG_NOSIGNAL);

		if (n >= 0)
			return (size_t)n == len ? 0 : -EMSGSIZE;
		if (errno != EINTR)
			return -errno;
	}
}

/* Takes the descriptors out of a received message; at most FD_PASS_MAX fit its buffer. */
static void take_rights(struct msghdr *m, int fds[FD_PASS_MAX], size_t *n_fds)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (n > FD_PASS_MAX)
			n = FD_PASS_MAX;
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		*n_fds = n;
	}
}

ssize_t fd_recv(int sock, void *buf, size_t len, int fds[FD_PASS_MAX], size_t *ret_n_fds)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
		struct cmsghdr align;
	} ctl;
	struct iovec iov = { buf, len };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.buf,
		.msg_controllen = sizeof(ctl.buf) };
	size_t n_fds = 0;
	ssize_t n;

	for (size_t i = 0; i < FD_PASS_MAX; i++)
		fds[i] = -1;
	do {
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	take_rights(&m, fds, &n_fds);
	if (m.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) {
		for (size_t i = 0; i < n_fds; i++)
			fd_closep(&fds[i]);
		return -EMSGSIZE;
	}
	if (ret_n_fds)
		*ret_n_fds = n_fds;
	return n;
}
