/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's tree for another id map, from one whose owners are the namespace's ids. */
#ifndef UCTR_TRANSFER_REFORM_H
#define UCTR_TRANSFER_REFORM_H

#include "base/err.h"
#include "sys/idmap.h"

/*
 * Copies the tree `from` to the empty directory `to`, with contents shared where the file system can,
 * and owners as `ids` say. -EOVERFLOW: they lack one, as only an unpacking can record it.
 */
int reform(int from, int to, struct idmap *ids, struct err *e);

#endif
