/* SPDX-License-Identifier: Apache-2.0 */
/* What `inspect` tells of a container. */
#ifndef UCTR_ENGINE_INSPECT_H
#define UCTR_ENGINE_INSPECT_H

#include "engine/container.h"

/*
 * The record under docker's names, with Userns of our own. A field that docker has and the record
 * does not know is left out; what is not so (no end yet, no image) is docker's empty value. New
 * reference in *ret, or -ENOMEM.
 */
int container_inspect(const struct container *c, json_t **ret, struct err *e);

#endif
