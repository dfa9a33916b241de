/* SPDX-License-Identifier: Apache-2.0 */
/* The parent side of a container's start, in order; and joining a running one. */
#ifndef UCTR_RUNTIME_LAUNCH_H
#define UCTR_RUNTIME_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "runtime/spec.h"

/*
 * One launch. Fill spec, stdio and cgroup_fd; the rest is set by the functions below. The caller
 * owns everything and calls launch_free(), which kills a child that was not started.
 */
struct launch {
	const struct spec *spec;
	int stdio[3]; /* the payload's; -1: /dev/null; with a terminal they are not used */
	int cgroup_fd; /* -1: the parent's cgroup */
	bool seal_exe; /* the payload's image could write to uctr's binary: exec from a sealed copy */
	bool wants_netns; /* the caller has something to put into the network namespace */

	pid_t pid; /* as the parent's pid namespace numbers it (waitpid) */
	pid_t proc_pid; /* as /proc shows it */
	uint64_t proc_start; /* its start time (sys/ns.h) */
	int pidfd;
	int netns; /* the child's own network namespace, when it is wanted and there is one; or -1 */
	int mntns; /* the child's mount namespace: what is mounted there goes when we let it go, not
		      while we wait for the process to end; -1 when it shares the parent's */
	int sync;
	int master; /* the terminal, from launch_ready on; -1 without one */
	bool started;
	int words; /* a socket to pass the child's SYNC_NOTE and SYNC_PROGRESS on to; -1: none */
	enum spec_root root; /* what the root became; ROOT_AUTO: what was planned */
};
#define LAUNCH_INIT                                                                                \
	{                                                                                          \
		.stdio = { -1, -1, -1 }, .cgroup_fd = -1, .pid = -1, .proc_pid = -1, .pidfd = -1,  \
		.netns = -1, .mntns = -1, .sync = -1, .master = -1, .words = -1                    \
	}

/* Clones the child with the spec's new namespaces and writes its id maps. */
int launch_begin(struct launch *l, struct err *e);
/* Waits until everything but the process is set; serves the child's request for fuse-overlayfs. */
int launch_ready(struct launch *l, struct err *e);
/* Lets it go and waits for execve: returns 0 when the payload runs, or its error (126, 127). */
int launch_start(struct launch *l, struct err *e);
void launch_free(struct launch *l);

/*
 * Runs one more process in the container whose init is `pidfd`, with process `p` instead of the
 * spec's. The caller must be the parent that launched it (or its equal): the child is the caller's
 * own, born in cgroup_fd. master is set when p->terminal. It has been started, or an error.
 */
struct joining {
	const struct spec *spec;
	const struct spec_process *process;
	int pidfd, cgroup_fd;
	int stdio[3];
	bool seal_exe;

	pid_t mid; /* the process in between; the caller sets it to -1 when it was reaped */
	pid_t pid; /* -1 until join_step() has heard of it */
	int sync; /* readable at end of file: it runs; an error message: it does not */
	int master; /* with a terminal: received by join_step */
};
/* Forks the process in between and waits for nothing: a frozen container holds nobody up. */
int join_begin(struct joining *j, struct err *e);
/* Call when j->sync is readable: 1 more to come, 0 it runs, or the child's error. */
int join_step(struct joining *j, struct err *e);

/* May a container write to uctr's own binary, now or once its owner changed the mode? */
bool exe_is_writable(void);

#endif
