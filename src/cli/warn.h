/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's warnings, printed where a person sees them. */
#ifndef UCTR_CLI_WARN_H
#define UCTR_CLI_WARN_H

#include "engine/engine.h"

/* Prints and forgets them: one line each on standard error. */
void warn_flush(struct engine *en);

#endif
