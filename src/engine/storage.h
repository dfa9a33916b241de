/* SPDX-License-Identifier: Apache-2.0 */
/* How a container's root file system is made, where a person has a say in it. */
#ifndef UCTR_ENGINE_STORAGE_H
#define UCTR_ENGINE_STORAGE_H

#include "engine/options.h"
#include "runtime/spec.h"

/* --storage-opt driver=NAME and size=SIZE into the spec; refuses what no rung can keep. */
int storage_options(const struct container_opts *o, struct spec *s, struct err *e);

#endif
