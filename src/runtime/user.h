/* SPDX-License-Identifier: Apache-2.0 */
/* Who a USER string means, before there is a container. */
#ifndef UCTR_RUNTIME_USER_H
#define UCTR_RUNTIME_USER_H

#include <stdint.h>

#include "base/err.h"

/*
 * USER[:GROUP] against the texts of a passwd and a group file, both hostile, by the rules of the
 * start itself: a number is a number, one without an entry has group 0. -ENOENT for unknown names,
 * -EINVAL for what is neither.
 */
int user_ids(const char *user, const char *passwd, const char *groups, uint32_t *ret_uid,
	uint32_t *ret_gid, struct err *e);

#endif
