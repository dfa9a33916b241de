/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. */
#include <stddef.h>

#include "cli/command.h"

extern const struct command cmd_run, cmd_exec, cmd_ps, cmd_inspect, cmd_stop, cmd_kill, cmd_wait,
	cmd_rm, cmd_logs, cmd_import, cmd_images, cmd_rmi, cmd_unshare, cmd_doctor, cmd_info,
	cmd_version;

const struct command *const commands[] = { &cmd_run, &cmd_exec, &cmd_ps, &cmd_inspect, &cmd_stop,
	&cmd_kill, &cmd_wait, &cmd_rm, &cmd_logs, &cmd_import, &cmd_images, &cmd_rmi, &cmd_unshare,
	&cmd_doctor, &cmd_info, &cmd_version, NULL };
