/* SPDX-License-Identifier: Apache-2.0 */
/* Which ids a container has: --userns, and what is chosen when nothing was asked for. */
#ifndef UCTR_ENGINE_MAPPING_H
#define UCTR_ENGINE_MAPPING_H

#include "engine/engine.h"
#include "engine/options.h"

enum map_mode {
	MAP_FULL, /* 0 is the caller, then all his ranges */
	MAP_ONE, /* 0 is the caller, and nothing else: no helper, no range needed */
};

struct mapping {
	enum map_mode mode;
};

/* Reads the options; before engine_map(), whose choice of a namespace may follow from them. */
int mapping_parse(
	struct engine *en, const struct container_opts *o, struct mapping *ret, struct err *e);

#endif
