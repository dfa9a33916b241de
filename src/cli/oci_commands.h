/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of uctr-oci and what they share. */
#ifndef UCTR_CLI_OCI_COMMANDS_H
#define UCTR_CLI_OCI_COMMANDS_H

#include <stdbool.h>

#include "cli/command.h"

/* Options before the verb. */
struct oci_globals {
	char *root; /* of state directories; NULL: below the runtime directory */
	char *log; /* where errors go besides standard error */
	bool log_json;
	bool debug;
	bool no_cgroup; /* --cgroup-manager disabled */
	bool systemd_cgroup;
	bool version;
};
extern struct oci_globals oci_globals;

extern const struct command *const oci_commands[]; /* NULL-terminated */
extern const struct command oci_cmd_run, oci_cmd_spec;

/* For options that other runtimes have: an OPT_CALL that refuses. */
int oci_refuse(void *field, const char *value, struct err *e);

#endif
