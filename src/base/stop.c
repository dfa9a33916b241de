/* SPDX-License-Identifier: Apache-2.0 */
/* Noting signals in a flag, and in a pipe so that no wait misses one. */
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "base/str.h"

static volatile sig_atomic_t asked;
static bool told;
static int ends[2] = { -1, -1 };

static void note(int sig)
{
	int saved = errno;

	asked = sig;
	(void)!write(ends[1], "", 1); /* full: then it is readable already */
	errno = saved;
}

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

void stop_begin(void)
{
	/* No SA_RESTART: what waits for a lock looks whether it should go on. */
	struct sigaction sa = { .sa_handler = note, .sa_flags = SA_RESETHAND }, old;

	if (ends[0] >= 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &sa, NULL);
	}
}

int stop_end(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL }, old;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == note)
			(void)sigaction(signals[i], &sa, NULL);
	}
	/* After the last moment in which one could be noted. */
	if (stop_now())
		return -EINTR;
	if (ends[0] >= 0) {
		close(ends[0]);
		close(ends[1]);
		ends[0] = ends[1] = -1;
	}
	return 0;
}

int stop_asked(void)
{
	return asked;
}

bool stop_now(void)
{
	bool now = asked && !told;

	told |= now;
	return now;
}

int stop_fd(void)
{
	return told ? -1 : ends[0];
}

int stop_wait_readable(int fd)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
		{ .fd = stop_fd(), .events = POLLIN } };
	int r;

	do {
		r = poll(p, 2, -1);
		if (stop_now())
			return -EINTR;
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}
