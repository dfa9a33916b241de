/* SPDX-License-Identifier: Apache-2.0 */
/* A network namespace, made by a thread. */
#include "runtime/netns.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <unistd.h>

#include "base/fd.h"

static void *make(void *arg)
{
	struct netns_maker *m = arg;

	m->fd = unshare(CLONE_NEWNET) < 0 ? -1
					  : open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	m->error = m->fd < 0 ? errno : 0;
	return NULL;
}

int netns_begin(struct netns_maker *m, struct err *e)
{
	pthread_attr_t attr;
	int r;

	*m = (struct netns_maker){ .fd = -1 };
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)PTHREAD_STACK_MIN + 16384);
	r = pthread_create(&m->thread, &attr, make, m);
	pthread_attr_destroy(&attr);
	return r ? err_set(e, -r, "thread for the network namespace") : 0;
}

int netns_end(struct netns_maker *m, struct err *e)
{
	int r = pthread_join(m->thread, NULL);

	if (r || m->fd < 0)
		return err_set(e, r ? -r : -m->error, "create the network namespace");
	if (setns(m->fd, CLONE_NEWNET) < 0)
		r = err_set(e, -errno, "enter the network namespace");
	fd_closep(&m->fd);
	return r;
}
