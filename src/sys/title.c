/* SPDX-License-Identifier: Apache-2.0 */
/* Overwrite argv. */
#include "sys/title.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static char *start;
static size_t room;

void title_init(int argc, char **argv)
{
	if (argc < 1)
		return;
	start = argv[0];
	room = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - start);
}

void title_set(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	prctl(PR_SET_NAME, "uctr-monitor", 0, 0, 0);
	if (!start || room == 0)
		return;
	memset(start, 0, room);
	strncpy(start, text, room - 1);
}
