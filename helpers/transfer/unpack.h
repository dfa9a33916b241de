/* SPDX-License-Identifier: Apache-2.0 */
/* A whole archive into a tree: the loop between the stream and the writer. */
#ifndef UCTR_TRANSFER_UNPACK_H
#define UCTR_TRANSFER_UNPACK_H

#include "stream.h"
#include "tree.h"

/*
 * Reads the tar archive of a stream (started) into t and both to their
 * ends. `nonempty` refuses an archive without entries.
 */
int unpack(struct stream *s, struct tree *t, bool nonempty, struct err *e);

#endif
