/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State directories of OCI containers: ROOT/ID with a lock that its owner holds for the container's
 * life, so "alive" is what the kernel says and a dead owner's directory is free to be replaced.
 */
#ifndef UCTR_RUNTIME_STATE_H
#define UCTR_RUNTIME_STATE_H

#include <jansson.h>

#include "base/err.h"

struct state {
	int root, dir, lock;
	char *id;
};
#define STATE_INIT                                                                                 \
	{                                                                                          \
		.root = -1, .dir = -1, .lock = -1                                                  \
	}

/* 0 when id is [A-Za-z0-9_][A-Za-z0-9_.-]* of at most 255 characters. */
int state_check_id(const char *id, struct err *e);

/*
 * Makes ROOT/ID and locks it. root NULL: "oci" below the caller's runtime directory; another one is
 * made when missing, and must be the caller's and writable by nobody else. -EEXIST when the id is in
 * use. What a dead owner left (its process, its cgroup) is ended and removed first.
 */
int state_create(const char *root, const char *id, struct state *ret, struct err *e);

/*
 * Writes the record state.json. "pid" with "start" (proc_start_time) and "cgroup" (a path) are what
 * state_create() clears away should the owner die.
 */
int state_write(const struct state *s, json_t *record, struct err *e);

/* Removes the directory while its lock is held. 0 or -errno. */
int state_remove(const struct state *s);
/* Closes the descriptors, which frees the lock. */
void state_close(struct state *s);

#endif
