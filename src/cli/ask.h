/* SPDX-License-Identifier: Apache-2.0 */
/* A question before something is lost. */
#ifndef UCTR_CLI_ASK_H
#define UCTR_CLI_ASK_H

#include "base/err.h"

/*
 * Prints `what` (a sentence) and asks whether to go on: 0 for yes. Anything else is -ECANCELED, and so
 * is a standard input that is no terminal, with a message that names -f.
 */
int ask(const char *what, struct err *e);

#endif
