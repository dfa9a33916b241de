/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a system call filter. */
#ifndef UCTR_SYS_SECCOMP_H
#define UCTR_SYS_SECCOMP_H

#include <linux/filter.h>

#include "base/err.h"

/*
 * Puts the calling thread and all its children under the filter, for good. Needs CAP_SYS_ADMIN in
 * the user namespace or no_new_privs.
 */
int seccomp_install(const struct sock_filter *insns, unsigned short len, struct err *e);

#endif
