/* SPDX-License-Identifier: Apache-2.0 */
/* Start external programs: absolute path, clean environment, only the descriptors they need. */
#ifndef UCTR_BASE_SPAWN_H
#define UCTR_BASE_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct spawn {
	const char *path; /* absolute; never looked up in PATH */
	char *const *argv; /* NULL-terminated */
	char *const *env; /* NULL: the clean environment (PATH of system directories, LC_ALL=C) */
	int stdio[3]; /* -1: /dev/null; else duplicated onto 0, 1, 2 */
	const int *keep; /* descriptors that stay open under their own number */
	size_t n_keep;
	int userns_fd; /* enter this user namespace before exec; -1: stay */
};
#define SPAWN_INIT                                                                                 \
	{                                                                                          \
		.stdio = { -1, -1, -1 }, .userns_fd = -1                                           \
	}

/*
 * Starts it with vfork(2) semantics: an exec failure is returned here, not as a child's exit code.
 * The caller reaps *ret_pid.
 */
int spawn_start(const struct spawn *s, pid_t *ret_pid, struct err *e);

/* Waits; returns the exit code (0..255), 128+signal, or -errno. */
int spawn_wait(pid_t pid);

/* Joins a user namespace, in which the caller may be already: 0 or -errno. */
int spawn_join_userns(int fd);

/* spawn_start with standard error captured (first line, sanitised) into *e when it fails. */
int spawn_run(const struct spawn *s, struct err *e);

#endif
