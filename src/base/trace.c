/* SPDX-License-Identifier: Apache-2.0 */
/* Stage times. */
#include "base/trace.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int fd = -1;
static struct timespec start;
static const char *me = "cli";

void trace_init(void)
{
	const char *v = getenv("UCTR_TRACE");

	if (!v || !*v || strcmp(v, "0") == 0)
		return;
	fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
	clock_gettime(CLOCK_MONOTONIC, &start);
}

void trace_who(const char *who)
{
	me = who;
}

void trace_end(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
}

int trace_fd(void)
{
	return fd;
}

void trace(const char *fmt, ...)
{
	char line[256];
	struct timespec now;
	double ms;
	va_list ap;
	int n;

	if (fd < 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (double)(now.tv_sec - start.tv_sec) * 1e3 +
	     (double)(now.tv_nsec - start.tv_nsec) / 1e6;
	n = snprintf(line, sizeof(line), "trace %8.3f ms %-8s ", ms, me);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	n = (int)strlen(line);
	line[n++] = '\n';
	if (write(fd, line, (size_t)n) < 0)
		fd = -1; /* nobody is reading: stop tracing */
}
