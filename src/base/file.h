/* SPDX-License-Identifier: Apache-2.0 */
/* Files: whole reads with a cap, atomic replace, locks that the kernel forgets with the holder. */
#ifndef UCTR_BASE_FILE_H
#define UCTR_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"

/*
 * Reads a whole file below dirfd (or AT_FDCWD). NUL-terminated, malloc'ed. Refuses anything over
 * max bytes with -EFBIG. For files that uctr wrote or the kernel offers; hostile files are opened
 * with inroot_open_regular() of sys/inroot.h first and read by fd_slurp().
 */
int file_read(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len);
int fd_slurp(int fd, size_t max, char **ret, size_t *ret_len);

/*
 * What a program said when it failed: the first line that read(2) gives, safe to print; "" when it
 * said nothing. Owned by the caller; NULL when memory is out.
 */
char *fd_first_line(int fd);
/* The same with the last line: for programs that warn before they fail. */
char *fd_last_line(int fd);

/* Writes a short value to an existing file (/proc, cgroup), in one write(2). 0 or -errno. */
int file_poke(int dirfd, const char *path, const char *value);

/*
 * Replaces dirfd/name atomically: temporary file beside it, mode, rename(2). With `sync` the data
 * reaches the disk before the rename. A reader sees the old or the new bytes, never a mix.
 */
int file_replace(int dirfd, const char *name, const void *data, size_t len, mode_t mode, bool sync);

/* mkdir -p below dirfd for paths uctr itself chose (never below a rootfs). 0 or -errno. */
int dir_make(int dirfd, const char *path, mode_t mode);

/*
 * Removes dirfd/name with everything below, without following links and without leaving the file
 * system it starts on; directories without owner permission are made accessible first. A missing
 * name is success.
 */
int dir_remove(int dirfd, const char *name);

/*
 * OFD locks (fcntl(2)): held by the open file description, so a fork keeps it, and gone with its
 * last descriptor, however the holder died. lock: -EAGAIN when held elsewhere and !wait.
 * query: 1 held by another, 0 free, or -errno; it takes nothing, so a starter is never disturbed.
 */
int lock_take(int fd, bool exclusive, bool wait);
int lock_release(int fd);
int lock_query(int fd);

#endif
