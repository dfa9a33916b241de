/* SPDX-License-Identifier: Apache-2.0 */
/* Holding all processes of a container for a moment, so that its files stay as they are. */
#ifndef UCTR_ENGINE_PAUSE_H
#define UCTR_ENGINE_PAUSE_H

#include "engine/container.h"

/*
 * A process of its own lets the container go on when `hold` is closed, so also when its holder is
 * killed.
 */
struct pause {
	pid_t guard;
	int hold;
};
#define PAUSE_INIT                                                                                 \
	{                                                                                          \
		.guard = -1, .hold = -1                                                            \
	}

/*
 * Returns when every process of the container stands still: by its cgroup, else by SIGSTOP, after
 * which also those go on that stood still before. One that does not run is left alone.
 */
int pause_begin(struct engine *en, const struct container *c, struct pause *ret, struct err *e);
/* Returns when it goes on. Accepts PAUSE_INIT. */
void pause_end(struct pause *p);

#endif
