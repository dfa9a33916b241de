/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs members and inflate: archives of images, taken apart and made again. */
#ifndef UCTR_TRANSFER_MEMBERS_H
#define UCTR_TRANSFER_MEMBERS_H

#include "stream.h"

/*
 * Writes the regular files of a tar stream below dir, named 0, 1, 2 ..., and the table of them as
 * `members` (uctr/transfer_proto.h). The stream has been started.
 */
int members(struct stream *s, int dir, struct err *e);

/* Writes the decoded stream, which has been started, to fd. */
int inflate_to(struct stream *s, int fd, struct err *e);

#endif
