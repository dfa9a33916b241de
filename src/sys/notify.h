/* SPDX-License-Identifier: Apache-2.0 */
/* System calls answered by another process: the notifying form of seccomp (seccomp_unotify(2)). */
#ifndef UCTR_SYS_NOTIFY_H
#define UCTR_SYS_NOTIFY_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Puts the calling thread and all its children under the filter. The descriptor on which its
 * SECCOMP_RET_USER_NOTIF calls arrive, or -errno: -EBUSY when this process has such a filter already
 * (the kernel allows one). Needs CAP_SYS_ADMIN in the user namespace or no_new_privs.
 */
int notify_load(const struct sock_filter *insns, unsigned short len, struct err *e);

/* Is the kernel's message of a size that this program knows? 0 or -EOPNOTSUPP. */
int notify_check_sizes(void);

/* Waits for a call: 0, or -errno (-ENOENT: its process was killed meanwhile). */
int notify_receive(int listener, struct seccomp_notif *ret);

/*
 * Is the process still waiting in this call? If so, what was opened by its pid before is its own,
 * and no pid was used twice.
 */
bool notify_valid(int listener, uint64_t id);

/* Answers: result is the call's value, or -errno. A process that is gone is no error. */
void notify_answer(int listener, uint64_t id, int64_t result);

#endif
