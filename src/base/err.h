/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: an integer -errno for the program, a line of context for the person. */
#ifndef UCTR_BASE_ERR_H
#define UCTR_BASE_ERR_H

#include <errno.h>
#include <stdbool.h>

#define ERR_MSG_MAX 1024

/*
 * Caller-owned and fixed-size: no allocation, and it crosses the sync socket in one write.
 * `code` is -errno. `exit` is the exit code that main should use (125, 126, 127); 0 means 125.
 * Start from ERR_INIT or {0}.
 */
struct err {
	int code;
	int exit;
	char msg[ERR_MSG_MAX];
};

#define ERR_INIT                                                                                   \
	{                                                                                          \
		0                                                                                  \
	}
#define _printf_(a, b) __attribute__((format(printf, a, b)))

/*
 * err_set: "context: strerror(-r)". err_msg: the text alone, for a cause errno cannot name.
 * err_wrap: puts "context: " before what is there already. All return `r` (a negative errno;
 * a zero or positive r is stored as -EINVAL so that a caller's bug cannot look like success),
 * and all accept e == NULL.
 */
int err_set(struct err *e, int r, const char *fmt, ...) _printf_(3, 4);
int err_msg(struct err *e, int r, const char *fmt, ...) _printf_(3, 4);
int err_wrap(struct err *e, int r, const char *fmt, ...) _printf_(3, 4);

/*
 * Is r a lack of descriptors, memory, processes or space, or an interruption? It says nothing of what
 * is there, so nothing may be concluded from it and nothing less taken instead.
 */
bool err_is_shortage(int r);

/* Adds "; text" behind the message: the cure. Returns e->code. */
int err_hint(struct err *e, const char *fmt, ...) _printf_(2, 3);

/* Sets the exit code that main uses and returns e->code, so it chains: return err_exit(e, 127). */
int err_exit(struct err *e, int exit_code);

#endif
