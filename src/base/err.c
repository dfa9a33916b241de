/* SPDX-License-Identifier: Apache-2.0 */
/* Carry and wrap an error. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int store(struct err *e, int r, const char *text)
{
	if (r >= 0)
		r = -EINVAL;
	if (e) {
		e->code = r;
		snprintf(e->msg, sizeof(e->msg), "%s", text);
	}
	return r;
}

int err_set(struct err *e, int r, const char *fmt, ...)
{
	char text[ERR_MSG_MAX], full[ERR_MSG_MAX + 128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(full, sizeof(full), "%s: %s", text, strerror(r < 0 ? -r : EINVAL));
	return store(e, r, full);
}

int err_msg(struct err *e, int r, const char *fmt, ...)
{
	char text[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return store(e, r, text);
}

int err_wrap(struct err *e, int r, const char *fmt, ...)
{
	char text[ERR_MSG_MAX], full[2 * ERR_MSG_MAX + 2];
	va_list ap;

	if (!e)
		return r < 0 ? r : -EINVAL;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(full, sizeof(full), "%s: %s", text, e->msg[0] ? e->msg : strerror(-r));
	return store(e, r, full);
}

bool err_is_shortage(int r)
{
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -EAGAIN || r == -EINTR ||
	       r == -ENOSPC || r == -EDQUOT;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	size_t n;
	va_list ap;

	if (!e)
		return -EINVAL;
	n = strlen(e->msg);
	if (n + 3 < sizeof(e->msg)) {
		memcpy(e->msg + n, "; ", 3);
		va_start(ap, fmt);
		vsnprintf(e->msg + n + 2, sizeof(e->msg) - n - 2, fmt, ap);
		va_end(ap);
	}
	return e->code;
}

int err_exit(struct err *e, int exit_code)
{
	if (!e)
		return -EINVAL;
	e->exit = exit_code;
	return e->code;
}
