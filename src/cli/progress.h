/* SPDX-License-Identifier: Apache-2.0 */
/* How far the layers of a transfer are: bars on a terminal, one line for each when it is done. */
#ifndef UCTR_CLI_PROGRESS_H
#define UCTR_CLI_PROGRESS_H

#include "engine/engine.h"

struct progress {
	struct fetch_watch watch; /* given to the transfer */
	int terminal; /* is standard error one? -1 before the first look */
	size_t lines; /* drawn last time */
	uint64_t shown[2]; /* layers of which the last word was said, as a set */
};

/* Prepares it for standard error, with quiet for nothing. */
void progress_begin(struct progress *p, bool quiet);
/* The lines of the next transfer begin anew. */
void progress_next(struct progress *p);

#endif
