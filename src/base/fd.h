/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: ownership by attribute, full reads and writes, passing over sockets. */
#ifndef UCTR_BASE_FD_H
#define UCTR_BASE_FD_H

#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/err.h"

#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Closes and sets to -1; keeps errno; never retries (close(2): Linux frees the fd on EINTR). */
void fd_closep(int *fd);

static inline int take_fd(int *fd)
{
	int n = *fd;

	*fd = -1;
	return n;
}

static inline void freep(void *p)
{
	free(*(void **)p);
}

#define take_ptr(p)                                                                                \
	__extension__({                                                                            \
		__typeof__(p) *pp_ = &(p);                                                         \
		__typeof__(p) v_ = *pp_;                                                           \
		*pp_ = NULL;                                                                       \
		v_;                                                                                \
	})

#define _cleanup_fd_ _cleanup_(fd_closep)
#define _cleanup_free_ _cleanup_(freep)

/* Write all of it, retrying short writes and EINTR: 0 or -errno. */
int fd_write_all(int fd, const void *buf, size_t len);

/* Read up to len until end of file: bytes read or -errno. */
ssize_t fd_read_full(int fd, void *buf, size_t len);

/* Marks every fd from `first` on close-on-exec (close_range(2), Linux 5.11); 0 or -errno. */
int fd_cloexec_from(unsigned int first);

/* Closes every fd from `first` on except the n in keep[] (ascending order not needed). */
int fd_close_except(unsigned int first, const int *keep, size_t n);

/* A close-on-exec pipe with both ends >= 3, and O_NONBLOCK on an open file; 0 or -errno. */
int fd_pipe(int p[2]);
int fd_nonblock(int fd);

/* Moves fd to a number >= 3 if it is below (keeps stdio numbers free): the fd or -errno. */
int fd_above_stdio(int fd);

/*
 * Send and receive one message with up to FD_PASS_MAX descriptors (SCM_RIGHTS, unix(7)). The
 * receiver gets close-on-exec descriptors; unused slots are -1. recv returns the byte count,
 * 0 at end of file, or -errno; a truncated message or control data is -EMSGSIZE and passes none.
 */
#define FD_PASS_MAX 8
int fd_send(int sock, const void *buf, size_t len, const int *fds, size_t n_fds);
ssize_t fd_recv(int sock, void *buf, size_t len, int fds[FD_PASS_MAX], size_t *ret_n_fds);

#endif
