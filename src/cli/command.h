/* SPDX-License-Identifier: Apache-2.0 */
/* What a command is: a table and a handler. */
#ifndef UCTR_CLI_COMMAND_H
#define UCTR_CLI_COMMAND_H

#include "base/err.h"
#include "base/opt.h"

struct command {
	const char *name; /* "run" */
	const char *summary; /* one line for the command list */
	const char *operands; /* "IMAGE [COMMAND] [ARG...]", for usage and manual */
	const char *about; /* paragraph(s) for help and the manual page */
	int min, max; /* operands; max -1 is any number */
	bool stop_at_operand; /* options end at the first operand */
	const struct opt *opts;
	size_t args_size; /* of the struct that opts describe; zeroed before parsing */
	const void *defaults; /* such a struct to begin with instead, or NULL */
	/*
	 * Returns the exit code (>= 0) or a negative errno with *e set, which main prints as one
	 * line. `operands` is NULL-terminated.
	 */
	int (*run)(void *args, char **operands, struct err *e);
};

/* All docker-style commands in the order of the help text, ended by NULL. commands.c */
extern const struct command *const commands[];

/* "uctr GROUP VERB": another way to a command, or the only one where it is not in commands[]. */
struct group_verb {
	const char *name;
	const char *alias; /* a second word for it, or NULL */
	const struct command *command;
};

struct command_group {
	const char *name; /* "image" */
	const char *summary; /* one line for the command list */
	const struct group_verb *verbs; /* ended by a NULL name */
};

/* All groups, ended by a NULL name. groups.c */
extern const struct command_group groups[];

/* The command of that name in commands[], or NULL. */
const struct command *command_find(const char *name);
/* The group, or its verb by name or alias; NULL when there is none. */
const struct command_group *group_find(const char *name);
const struct group_verb *group_verb_find(const struct command_group *g, const char *verb);

#endif
