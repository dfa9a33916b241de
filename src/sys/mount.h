/* SPDX-License-Identifier: Apache-2.0 */
/* Mount primitives by descriptor: mount_setattr(2), open_tree(2), fsopen(2), move_mount(2). */
#ifndef UCTR_SYS_MOUNT_H
#define UCTR_SYS_MOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * A new detached file system: type, "key", "value" pairs (value NULL: a flag) ended by a NULL key,
 * MOUNT_ATTR_* flags. The mount's descriptor, or -errno with the kernel's own words in *e.
 */
int mount_new(const char *type, const char *const *pairs, uint64_t attr, struct err *e);

/* A detached copy of the tree at dirfd/path (open_tree OPEN_TREE_CLONE). -errno. */
int mount_clone(int dirfd, const char *path, bool recursive);

/* Attaches mnt on the file or directory that target_fd stands for. 0 or -errno. */
int mount_attach(int mnt, int target_fd);

/* Sets and clears MOUNT_ATTR_* on mnt, on the whole tree when recursive. 0 or -errno. */
int mount_attr(int mnt, uint64_t set, uint64_t clear, bool recursive);

/* MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE for mnt. 0 or -errno. */
int mount_propagation(int mnt, unsigned long type, bool recursive);

/* The same for everything the caller's mount namespace holds. */
int mount_propagation_all(unsigned long type);

/*
 * An overlay: lower[] lowest first, upper and work directories given by descriptor, so that no
 * host path shows in the container's mountinfo; with upper -1 nothing can be written. `ephemeral` adds volatile (no syncs; for containers
 * that are thrown away). Detached mount or -errno.
 */
int mount_overlay(
	const int *lower, size_t n_lower, int upper, int work, bool ephemeral, struct err *e);

/*
 * Makes root_fd (the top of a mount) the root of the caller's mount namespace and lets go of the
 * old one; the working directory is "/" then.
 */
int mount_pivot(int root_fd, struct err *e);

#endif
