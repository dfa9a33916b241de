/* SPDX-License-Identifier: Apache-2.0 */
/* SELinux: relabel volumes (z, Z). */
#ifndef UCTR_ENGINE_SELINUX_H
#define UCTR_ENGINE_SELINUX_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Gives the tree at path the label of container files. shared (z): usable by all containers;
 * else (Z) the same type, as containers of one user run in one domain. Does nothing, successfully,
 * where SELinux is not enabled.
 */
int selinux_relabel(const char *path, bool shared, struct err *e);

#endif
