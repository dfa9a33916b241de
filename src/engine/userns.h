/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's namespace: one per user, made on demand, shared by his containers, gone with the
 * last of them. Theory of operation: it lives as long as a process is in it. Every monitor is, and
 * registers as runtime/userns/PID -> start time. Who starts a container takes the lock file shared,
 * joins the namespace of any live monitor and keeps the lock until its own monitor has registered;
 * who finds none queues for a second lock, looks again, and then takes the first exclusively and
 * makes the namespace. So there is never a second one, and starts beside a living container do not
 * wait for each other.
 *
 * A namespace with one id (engine.one_id) is another one, with registrations and a lock of its own
 * (userns-one): it needs no helpers, and its containers are the same whether or not the full one
 * lives at the moment.
 */
#ifndef UCTR_ENGINE_USERNS_H
#define UCTR_ENGINE_USERNS_H

#include <sys/types.h>

#include "engine/engine.h"

/*
 * One start's hold on the namespace. userns_hold finds the living one or begins to make one: the
 * map helpers take two milliseconds, so it comes first in a start, and userns_ready, which waits for
 * them, when everything else is prepared. Then fd can be entered. Release it when the monitor has
 * registered, or when nothing comes of the start; also after an error.
 */
struct userns_hold {
	int maker_lock; /* the right to make one */
	int lock; /* the monitor inherits it and closes it when it has registered */
	int fd; /* the namespace, or -1 before userns_ready */
	pid_t keeper; /* what keeps a new one alive until then; killed with its parent */
	int keeper_pidfd;
	bool mapping;
	struct idmap_job job;
};
#define USERNS_HOLD_INIT                                                                           \
	{                                                                                          \
		.maker_lock = -1, .lock = -1, .fd = -1, .keeper_pidfd = -1                         \
	}
int userns_hold(struct engine *en, struct userns_hold *h, struct err *e);
int userns_ready(struct userns_hold *h, struct err *e);
void userns_release(struct userns_hold *h);

/* The map of the living namespace, 1, or 0 when there is none. */
int userns_peek(struct engine *en, struct idmap *ret, struct err *e);

/* en->userns_fd: the living namespace, or one kept alive just by the descriptor. */
int userns_open(struct engine *en, struct err *e);

/*
 * Is the caller in the user's namespace already, as what `uctr unshare` starts is? Its living members
 * tell: one of them has the same. Then en->home is set, and en->one_id and en->map as they are there.
 */
int userns_find_home(struct engine *en, struct err *e);

/* Makes the calling process root of the namespace fd, which it may be already. 0 or -errno. */
int userns_enter(int fd);

/* Called by a monitor, or a shell in the namespace, for itself. Its pid as /proc shows it and its start time are returned. */
int userns_register(struct engine *en, pid_t *ret_pid, uint64_t *ret_start, struct err *e);
void userns_unregister(struct engine *en, pid_t pid);

/* Registrations of monitors that were killed: of this one (a zero pid is none), or of all. */
void userns_forget(struct engine *en, pid_t pid, uint64_t start);
void userns_sweep(struct engine *en);

#endif
