/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. */
#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "cli/command.h"

extern const struct command cmd_run, cmd_create, cmd_start, cmd_exec, cmd_ps, cmd_inspect, cmd_stop,
	cmd_kill, cmd_wait, cmd_rm, cmd_logs, cmd_commit, cmd_diff, cmd_export, cmd_pull, cmd_push,
	cmd_login, cmd_logout, cmd_search, cmd_import, cmd_images, cmd_history, cmd_rmi, cmd_copy,
	cmd_load, cmd_save, cmd_tag, cmd_untag, cmd_unshare, cmd_mount, cmd_umount, cmd_doctor,
	cmd_info, cmd_version;

const struct command *const commands[] = { &cmd_run, &cmd_create, &cmd_start, &cmd_exec, &cmd_ps,
	&cmd_inspect, &cmd_stop, &cmd_kill, &cmd_wait, &cmd_rm, &cmd_logs, &cmd_commit, &cmd_diff,
	&cmd_export, &cmd_pull, &cmd_push, &cmd_login, &cmd_logout, &cmd_search, &cmd_import,
	&cmd_images, &cmd_rmi, &cmd_tag, &cmd_untag, &cmd_history, &cmd_save, &cmd_load, &cmd_copy,
	&cmd_unshare, &cmd_mount, &cmd_umount, &cmd_doctor, &cmd_info, &cmd_version, NULL };

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++) {
		if (streq(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}
