/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.json: struct container to and from disk, as two JSON objects, one in each line. What is
 * empty is left out.
 */
#ifndef UCTR_ENGINE_RECORD_H
#define UCTR_ENGINE_RECORD_H

#include "engine/container.h"
#include "engine/merge.h"
#include "runtime/spec.h"

#define RECORD_SCHEMA 2

/*
 * Fills c, which has its id, from the record at path. With `brief` only what lists show: the rest
 * stays empty. -ENOENT when there is none yet; other errors name the id.
 */
int record_load(int dirfd, const char *path, bool brief, struct container *c, struct err *e);

/* Fills in what is told of volumes and ids; -ENOMEM. `outside` is the map as the caller counts. */
int record_set_mounts(struct container *c, const struct spec *spec, struct err *e);
int record_set_map(struct container *c, const struct idmap *outside, struct err *e);

/*
 * What inspect tells of the process and of what was asked for. Owned by c; -ENOMEM. record_config.c
 */
int record_set_config(
	struct container *c, const struct container_opts *o, const struct plan *p, struct err *e);

/* A record that says running whose monitor is gone: killed, or the machine was restarted. */
void record_mark_dead(struct container *c);

/*
 * What lists show of it: docker's field names, as `ps --format` takes them; with `brief` only the
 * columns of the plain table. New reference.
 */
json_t *record_row(const struct container *c, bool brief, bool no_trunc);

#endif
