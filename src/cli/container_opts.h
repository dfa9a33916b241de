/* SPDX-License-Identifier: Apache-2.0 */
/* The options that run shares with every command that makes a container. */
#ifndef UCTR_CLI_CONTAINER_OPTS_H
#define UCTR_CLI_CONTAINER_OPTS_H

#include "base/opt.h"
#include "engine/options.h"

extern const struct opt container_opts[];

#endif
