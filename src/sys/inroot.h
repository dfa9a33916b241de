/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one resolver for paths below a root file system, volume or context: openat2(2) with
 * RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS, used as descriptors. Symlinks resolve inside the
 * root; /proc/PID/fd and /proc/PID/root links are never followed (CVE-2024-21626's class).
 */
#ifndef UCTR_SYS_INROOT_H
#define UCTR_SYS_INROOT_H

#include <stddef.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* open(2) flags below rootfd; O_CLOEXEC is added. The descriptor or -errno. */
int inroot_open(int rootfd, const char *path, int flags, mode_t mode);

/* As inroot_open, and no component may be a symlink (-ELOOP): for /proc, /sys, /dev. */
int inroot_open_nolinks(int rootfd, const char *path, int flags);

/*
 * A hostile regular file for reading: never blocks (O_NONBLOCK: FIFOs), is no device, not on
 * procfs or sysfs, at most max bytes. The descriptor, -ENOENT, or -EINVAL for another file type,
 * -EFBIG.
 */
int inroot_open_regular(int rootfd, const char *path, size_t max);

/*
 * An O_PATH descriptor of a directory, making missing ones (mode 0755); dangling symlinks on the
 * way are followed by making their targets, inside the root. -ENOTDIR when something else is there.
 */
int inroot_mkdir(int rootfd, const char *path);

/* The same for a mount target that must be a regular file: made empty when missing. */
int inroot_touch(int rootfd, const char *path);

/* Is fd on a file system of this kind (linux/magic.h)? */
bool inroot_is_fs(int fd, long magic);

/* 1 when fd lies on procfs or sysfs, 0 when not, -errno. */
int inroot_is_pseudo(int fd);

#endif
