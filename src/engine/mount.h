/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of containers and images as directories, inside `uctr unshare`: its mount namespace is the only
 * place where an ordinary user may mount, and what is mounted goes with the last process in there. The
 * directories lie on a tmpfs of that namespace's own, so that no shell sees or disturbs another one's.
 */
#ifndef UCTR_ENGINE_MOUNT_H
#define UCTR_ENGINE_MOUNT_H

#include <jansson.h>

#include "engine/container.h"

/*
 * Mounts a container (to be written, also while it runs) or an image (read-only) by name or id; what is
 * mounted already stays as it is. *ret_path: where, owned. -EPERM with the cure outside of uctr unshare.
 */
int mount_make(struct engine *en, const char *what, char **ret_path, struct err *e);

/* Takes it away; -EINVAL when it is not mounted. `lazy`: also when something uses it. *ret_id is owned. */
int mount_undo(struct engine *en, const char *what, bool lazy, char **ret_id, struct err *e);

/* What is mounted: an array of {Id, Mountpoint}. */
int mount_list(struct engine *en, json_t **ret, struct err *e);

/* The container goes: its files are not to be seen any more. No error when nothing was mounted. */
void mount_forget(struct engine *en, const char *id);

#endif
