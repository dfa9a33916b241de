/* SPDX-License-Identifier: Apache-2.0 */
/* What the helper gives up before it looks at the first byte of an archive. */
#ifndef UCTR_TRANSFER_CONFINE_H
#define UCTR_TRANSFER_CONFINE_H

#include <stddef.h>

#include "base/err.h"

/* Enters the user namespace and becomes its root. */
int confine_enter_userns(int userns_fd, struct err *e);

/* For the whole process, threads to come included: no new privileges, limits on memory and files. */
int confine_process(struct err *e);

/*
 * For the rest of the calling thread: no file system but what lies below tree_fd (-1: none) and open
 * descriptors, and only the system calls that unpacking needs: no network, no exec, no other process
 * or thread. After confine_process(), and in every thread before it looks at the first byte.
 */
int confine_thread(int tree_fd, struct err *e);

/* Both, for a process with one thread. */
int confine(int tree_fd, struct err *e);

/* The same, but what lies below the n directories can be read and nothing else. */
int confine_reading(const int *fds, size_t n, struct err *e);

/* The same, but what lies below `to` can be written as well, and files of it may share blocks. */
int confine_copying(int from, int to, struct err *e);

/*
 * For a process with network: no file but those of name resolution, certificates (`bundle` too,
 * unless NULL) and open descriptors, none to write, and no other process.
 */
int confine_network(const char *bundle, struct err *e);

#endif
