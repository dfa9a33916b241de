/* SPDX-License-Identifier: Apache-2.0 */
/* Checked values of the command line. */
#ifndef UCTR_TRANSFER_ARGS_H
#define UCTR_TRANSFER_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sys/idmap.h"

/* An open descriptor above 2; -1 in *ret without a text. `name` is the option's. */
int args_fd(const char *name, const char *text, int *ret, struct err *e);
/* A number, or `none` without a text. */
int args_number(const char *name, const char *text, uint64_t none, uint64_t *ret, struct err *e);
/*
 * What owners in an archive are in this namespace: 1 when two MAPs of uctr/transfer_proto.h say it, 0
 * when they are the same, as one of them is NULL.
 */
int args_ids(const char *uid_map, const char *gid_map, struct idmap *ret, struct err *e);

#endif
