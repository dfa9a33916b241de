/* SPDX-License-Identifier: Apache-2.0 */
/* record.json: struct container to and from disk. */
#ifndef UCTR_ENGINE_RECORD_H
#define UCTR_ENGINE_RECORD_H

#include "engine/container.h"
#include "runtime/spec.h"

#define RECORD_SCHEMA 1

/* Fills c from c->dir/record.json. -ENOENT when there is none yet; other errors name the id. */
int record_load(struct container *c, struct err *e);

/* Fills in what is told of volumes and ids; -ENOMEM. `outside` is the map as the caller counts. */
int record_set_mounts(struct container *c, const struct spec *spec, struct err *e);
int record_set_map(struct container *c, const struct idmap *outside, struct err *e);

/* A record that says running whose monitor is gone: killed, or the machine was restarted. */
void record_mark_dead(struct container *c);

/* What lists show of it: docker's field names, as `ps --format` takes them. New reference. */
json_t *record_row(const struct container *c, bool no_trunc);

#endif
