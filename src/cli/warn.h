/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's warnings, printed where a person sees them. */
#ifndef UCTR_CLI_WARN_H
#define UCTR_CLI_WARN_H

#include "engine/view.h"

/* Prints and forgets them: one line each on standard error. */
void warn_flush(struct engine *en);

/* Warns of what a container's archive lacks, and of what changed under it. */
void warn_sums(struct engine *en, const struct container *c, const struct image_view_sums *n);

#endif
