/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of a relay. */
#include "base/pump.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

void pump_init(struct pump *s, int src, int dst)
{
	memset(s, 0, offsetof(struct pump, buf));
	s->src = src;
	s->dst = dst;
	s->eof = src < 0;
}

void pump_close(struct pump *s)
{
	fd_closep(&s->src);
	fd_closep(&s->dst);
	s->off = s->len = 0;
	s->eof = true;
}

size_t pump_poll(const struct pump *s, struct pollfd *p)
{
	if (s->len > 0) {
		p[0] = (struct pollfd){ .fd = s->dst, .events = POLLOUT };
		return 1;
	}
	if (s->eof)
		return 0;
	p[0] = (struct pollfd){ .fd = s->src, .events = POLLIN };
	/* POLLERR alone: a reader that goes away is noticed even while nothing is written. */
	p[1] = (struct pollfd){ .fd = s->dst, .events = 0 };
	return s->dst >= 0 ? 2 : 1;
}

static void broken(struct pump *s, int error)
{
	s->dst_broken = true;
	s->error = error;
	s->off = s->len = 0;
	fd_closep(&s->dst);
}

static void push(struct pump *s)
{
	while (s->len > 0) {
		ssize_t n = write(s->dst, s->buf + s->off, s->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			broken(s, errno);
			return;
		}
		s->off += (size_t)n;
		s->len -= (size_t)n;
	}
}

static void pull(struct pump *s)
{
	ssize_t n = read(s->src, s->buf, sizeof(s->buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		/* EIO: the last slave of a terminal was closed. */
		s->eof = true;
		return;
	}
	if (s->tap)
		s->tap(s->ctx, s->buf, (size_t)n);
	if (s->dst < 0)
		return;
	s->off = 0;
	s->len = (size_t)n;
	push(s);
}

void pump_serve(struct pump *s, const struct pollfd *p, size_t n)
{
	if (n == 0)
		return;
	if (s->len > 0) {
		if (p[0].revents)
			push(s);
		return;
	}
	if (n > 1 && s->dst >= 0 && (p[1].revents & (POLLERR | POLLNVAL)))
		broken(s, EPIPE);
	if (!s->eof && (p[0].revents & (POLLIN | POLLHUP | POLLERR)))
		pull(s);
}

bool pump_done(const struct pump *s)
{
	return s->eof && s->len == 0;
}
