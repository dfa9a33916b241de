/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces by name; clone3(2); processes by pidfd. */
#ifndef UCTR_SYS_NS_H
#define UCTR_SYS_NS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* "mount" (OCI) or "mnt" (/proc/PID/ns) to CLONE_NEW*; 0 when unknown. */
uint64_t ns_flag(const char *name);
/* OCI name of one flag, or NULL; i walks the table for listing: ns_flag_at(i, &name), 0 at its end. */
uint64_t ns_flag_at(size_t i, const char **oci_name, const char **proc_name);

/*
 * fork with clone3 flags: 0 in the child, the pid in the parent, -errno. *ret_pidfd (may be NULL)
 * gets a close-on-exec pidfd in the parent. cgroup_fd >= 0: the child is born there
 * (CLONE_INTO_CGROUP, Linux 5.7). sibling: the child's parent is the caller's (CLONE_PARENT).
 */
pid_t ns_clone(uint64_t flags, int cgroup_fd, bool sibling, int *ret_pidfd);

/*
 * The pid of a pidfd's process as /proc shows it here (Linux 5.2 fdinfo), whatever pid namespace
 * the caller is in; -ESRCH when it is dead.
 */
pid_t ns_pidfd_pid(int pidfd);

/* Start time in clock ticks since boot (proc(5), stat field 22): tells a pid from its reuse. */
int proc_start_time(pid_t pid, uint64_t *ret);

/*
 * A pidfd for pid if it is still the process that started at `start`: -ESRCH otherwise. The check
 * follows the open, so the descriptor stands for the checked process.
 */
int proc_open(pid_t pid, uint64_t start);

/* The kernel's boot id (37 bytes with NUL). */
int proc_boot_id(char buf[37]);

#endif
