/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the container's network namespace beside other work of the child. Internal to the runtime. */
#ifndef UCTR_RUNTIME_NETNS_H
#define UCTR_RUNTIME_NETNS_H

#include <pthread.h>

#include "base/err.h"

/*
 * A network namespace is the costliest of all to make (about 0.5 ms of a start of 5; docs/
 * performance.md), and nothing needs it before the mount of sysfs. So a thread unshares it while
 * the child mounts its root. unshare(2) with CLONE_NEWNET is per thread, and the namespace belongs
 * to the user namespace that both are in.
 */
struct netns_maker {
	pthread_t thread;
	int fd, error; /* the thread's result */
};

/* Starts it. The caller must be in its own user namespace already and changes no ids until the end. */
int netns_begin(struct netns_maker *m, struct err *e);
/* Waits and enters the namespace. No thread is left. */
int netns_end(struct netns_maker *m, struct err *e);

#endif
