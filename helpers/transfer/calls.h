/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that the helper keeps, as a filter. */
#ifndef UCTR_TRANSFER_CALLS_H
#define UCTR_TRANSFER_CALLS_H

#include <linux/filter.h>

#include "base/err.h"

#define CALLS_MAX 512

enum calls_set {
	CALLS_ARCHIVE, /* reads and writes what lies below its directories */
	CALLS_COPY, /* the same, and lets files share blocks */
	CALLS_NETWORK, /* talks to the network, reads, and starts threads */
};

/* Compiles the filter into insns: how many instructions, or an error. */
int calls_compile(enum calls_set set, struct sock_filter insns[CALLS_MAX], struct err *e);

#endif
