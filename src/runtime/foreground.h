/* SPDX-License-Identifier: Apache-2.0 */
/* Stays with a container that was launched in the foreground: signals, terminal, its end. */
#ifndef UCTR_RUNTIME_FOREGROUND_H
#define UCTR_RUNTIME_FOREGROUND_H

#include <signal.h>
#include <sys/types.h>

#include "base/err.h"
#include "runtime/launch.h"
#include "runtime/state.h"

/*
 * Blocks what foreground_wait() passes on or waits for, so that nothing is lost or kills the
 * caller while the container is set up. *ret_old (may be NULL) is the mask before.
 */
int foreground_block(sigset_t *ret_old, struct err *e);

/*
 * The guard: a small process that ends the container, removes its cgroup (path or NULL) and its
 * state when the caller dies without having done so. Unlike a parent-death signal it cannot be
 * cleared by the payload, as prctl(2) and every exec of a setuid program would. Start it between
 * launch_ready() and launch_start(): until then a dead parent is seen by the child itself.
 */
struct guard {
	pid_t pid;
	int fd; /* the guard reads end of file from it when the caller is gone */
};
#define GUARD_INIT                                                                                 \
	{                                                                                          \
		.pid = -1, .fd = -1                                                                \
	}
int guard_start(
	struct guard *ret, int pidfd, const struct state *s, const char *cgroup, struct err *e);
/* Sends it away: the caller has cleared up, or will. */
void guard_stop(struct guard *g);

/*
 * After launch_start(): passes signals on and carries the terminal (l->master to standard input
 * and output, which are put into raw mode and restored) until the payload ends. Returns its exit
 * code, 128+signal, or an error. Needs foreground_block().
 */
int foreground_wait(struct launch *l, struct err *e);

#endif
