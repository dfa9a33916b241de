/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a system call filter. */
#ifndef UCTR_SYS_SECCOMP_H
#define UCTR_SYS_SECCOMP_H

#include <linux/filter.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Puts the calling thread and all its children under the filter, for good. Needs CAP_SYS_ADMIN in
 * the user namespace or no_new_privs.
 */
int seccomp_install(const struct sock_filter *insns, unsigned short len, struct err *e);

/*
 * The arguments of the one execveat(2) by which the caller is about to leave: descriptor, path,
 * argv, envp, and AT_EMPTY_PATH as flags.
 */
struct seccomp_leave {
	uint64_t arg[4];
};

/*
 * The filter with instructions in front that admit exactly that call: the number of this machine,
 * the same descriptor, the same three addresses, the same flags. Whoever runs afterwards cannot
 * use them: he knows none of the addresses, which were those of a program that is gone. Writes at
 * most SECCOMP_LEAVE_INSNS + len instructions to out and returns their number; -E2BIG when that
 * is more than the kernel takes.
 */
#define SECCOMP_LEAVE_INSNS 23
int seccomp_admit_leave(const struct seccomp_leave *leave, const struct sock_filter *insns,
	unsigned short len, struct sock_filter *out);

/* seccomp_install of that. */
int seccomp_install_leaving(const struct seccomp_leave *leave, const struct sock_filter *insns,
	unsigned short len, struct err *e);

#endif
