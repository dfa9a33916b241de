/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory as a whole: what it takes on the disk, and making it empty. */
#ifndef UCTR_ENGINE_DISK_H
#define UCTR_ENGINE_DISK_H

#include <jansson.h>

#include "engine/engine.h"

/*
 * Bytes on the disk: {store: {HEX: N}, containers: {ID: N}, rest: N, unread: N}. HEX is a blob or a
 * layer, in all its forms; rest is what is being made or removed; unread counts directories that could
 * not be looked into. It is read in the user's namespace, so also what belongs to subordinate ids; where
 * there is none to be had, as far as the caller may. A file with several names counts once.
 */
int disk_usage(struct engine *en, json_t **ret, struct err *e);

/*
 * Removes everything that uctr has in the data directory, whatever state it is in. Nothing may run. The
 * first thing that cannot be removed is the error; the rest goes all the same.
 */
int disk_reset(struct engine *en, struct err *e);

#endif
