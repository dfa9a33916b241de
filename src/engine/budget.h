/* SPDX-License-Identifier: Apache-2.0 */
/* The storage budget: `budget = "SIZE"` in storage.conf of ~/.config/uctr, else of /etc/uctr. */
#ifndef UCTR_ENGINE_BUDGET_H
#define UCTR_ENGINE_BUDGET_H

#include "engine/engine.h"

/* The bytes that images may take; 0: any. Errors name the file. */
int budget_read(uint64_t *ret, struct err *e);

/*
 * For commands that added an image: has the ones go that were not used for longest, where all together
 * take more than the budget. What went, and what is wrong, is a warning: the command has done its work.
 */
void budget_keep(struct engine *en);

#endif
