/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root emulation for a container whose map has one id. There the kernel knows no other owner, user or
 * group, so chown, mknod of devices, setuid, setgroups and their kin fail or tell a lie. A second
 * seccomp filter stops these calls, and a supervisor answers them:
 *
 *   monitor --fork--> keeper --clone--> supervisor          process of the container
 *      |                | (restarts it)      ^ <-- listener of its filter -- |  emulate_enter()
 *      |                                     | <-- setresuid(42,42,42) ----- |  stopped in the call
 *      |                                     | ---- 0, or an error --------> |
 *
 * - Credentials are numbers that the supervisor keeps, as a table of sets. Which set a process has
 *   stands in the process itself: its soft RLIMIT_LOCKS, a limit without effect since Linux 2.4.25,
 *   is the index. So the kernel hands it down by fork and keeps it over exec, for orphans too, and
 *   the filter keeps the payload from changing it. They are a process's, not a thread's.
 * - Owners are recorded on the file (uctr/owner.h); for what can carry no attribute, in memory, and
 *   for the container's own root file system in a file beside it.
 * - Paths are looked up as the process would: in its root, from its directory or descriptor.
 * - The process is never told to go on with a call that was looked at (it could change the
 *   arguments meanwhile): the supervisor does the work or refuses it.
 * - Nothing rests on these ids but what programs see. The kernel's rights are those of the one id.
 *
 * When keeper or supervisor are not there, the calls fail with ENOSYS.
 */
#ifndef UCTR_RUNTIME_EMULATE_H
#define UCTR_RUNTIME_EMULATE_H

#include <sys/types.h>

#include "base/err.h"
#include "runtime/spec.h"

struct emulate_shared;

/* Held by the monitor, inherited by the processes that it forks into the container. */
struct emulate {
	int sock; /* listeners are sent here */
	pid_t pid; /* the keeper, a child of the monitor's; -1: none */
	struct emulate_shared *shared;
};
#define EMULATE_INIT                                                                               \
	{                                                                                          \
		.sock = -1, .pid = -1                                                              \
	}

/*
 * Forks the keeper. records: an O_APPEND file for owners of the container's own symlinks, FIFOs and
 * sockets (see emulate_table.c); borrowed. The caller must have all rights over the container's user
 * namespace and be in the pid namespace above the container's.
 */
int emulate_start(struct emulate *em, int records, struct err *e);

/*
 * In the process that becomes the container's, with all its rights still: from here on its calls
 * are emulated, and it is this user. One that is not root gets no rights at execve, though the
 * kernel takes it for root.
 */
int emulate_enter(const struct emulate *em, const struct spec_user *user, struct err *e);

/* The keeper ended: waited for, or about to be. Closes what is held. */
void emulate_free(struct emulate *em);

#endif
