/* SPDX-License-Identifier: Apache-2.0 */
/* What ps(1) shows of a process: a monitor must not show its command's arguments (-e SECRET=...). */
#ifndef UCTR_SYS_TITLE_H
#define UCTR_SYS_TITLE_H

#include "base/err.h"

/* Remembers where the arguments lie; call first thing in main. */
void title_init(int argc, char **argv);
/* Overwrites them; argv is unusable afterwards. Cut to the room there is. */
void title_set(const char *fmt, ...) _printf_(1, 2);

#endif
