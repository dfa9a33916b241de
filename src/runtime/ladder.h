/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ladder of root file systems made of layers. What overlayfs shows is had by, in this order:
 *
 *   overlay         the kernel's, with the container's own directory as upper one
 *   tmpfs           the kernel's, with the upper directory on a tmpfs of the container's own: where the
 *                   kernel refuses the directory (it lies on an overlay, a network file system), for
 *                   containers that are thrown away anyhow
 *   fuse-overlayfs  a program does it; slower
 *   copy            the layers laid over each other in a directory; blocks are shared where the
 *                   file system can
 *
 * The first rung is tried by every start and costs nothing more; the way down is walked only when
 * it is refused, and one line tells why. A person may ask for a rung by name, and gets no other.
 */
#ifndef UCTR_RUNTIME_LADDER_H
#define UCTR_RUNTIME_LADDER_H

#include "runtime/child.h"

/* Names as above; -EINVAL for another word. */
int ladder_from_name(const char *name);
const char *ladder_name(enum spec_root root);

/*
 * Mounts c->root by the rung that the spec asks for, or, with ROOT_AUTO, by the first that works
 * after the kernel refused an overlay with the reason in *e. What was chosen and why goes to the
 * parent. rootfs_mount_root's requirements.
 */
int ladder_mount(struct child *c, struct err *e);
/* Is another rung worth a try? Not when a layer is missing, or memory, disk or descriptors are used up. */
bool ladder_helps(int r);

/* rootfs.c: the kernel's overlay with these upper and work directories becomes c->root. */
int rootfs_overlay(struct child *c, int upper, int work, struct err *e);
/* rootfs.c: c->root is a mount of the directory itself. */
int rootfs_bind(struct child *c, struct err *e);

#endif
