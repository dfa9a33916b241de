/* SPDX-License-Identifier: Apache-2.0 */
/* A number for what a tree consists of, by which damage to it is found later. */
#ifndef UCTR_TRANSFER_SURVEY_H
#define UCTR_TRANSFER_SURVEY_H

#include <stdint.h>

#include "base/err.h"

struct survey {
	uint64_t sum; /* over name, kind, mode, owner, size, time, target of every file below */
	uint64_t entries;
};

/*
 * Walks the tree below root, following no link. The sum does not depend on the order of names in
 * directories, nor on the times of directories. It finds accidents and edits, not an
 * adversary, who could write the marker as well. -ELOOP: nested deeper than SURVEY_DEPTH.
 */
#define SURVEY_DEPTH 700
int survey(int root, struct survey *ret, struct err *e);

#endif
