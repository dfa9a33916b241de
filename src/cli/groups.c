/* SPDX-License-Identifier: Apache-2.0 */
/* The table of groups: docker's "image ls" and the like. */
#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "cli/command.h"

extern const struct command cmd_commit, cmd_create, cmd_start, cmd_diff, cmd_exec, cmd_export,
	cmd_container_inspect, cmd_history, cmd_image_exists, cmd_image_inspect, cmd_image_prune,
	cmd_image_tree, cmd_copy, cmd_load, cmd_save, cmd_tag, cmd_untag, cmd_images, cmd_import,
	cmd_info, cmd_manifest_inspect, cmd_mount, cmd_umount, cmd_pull, cmd_push, cmd_kill,
	cmd_logs, cmd_ps, cmd_rm, cmd_rmi, cmd_run, cmd_stop, cmd_system_check, cmd_system_df,
	cmd_system_prune, cmd_system_reset, cmd_wait;

static const struct group_verb container_verbs[] = {
	{ "commit", NULL, &cmd_commit },
	{ "create", NULL, &cmd_create },
	{ "diff", NULL, &cmd_diff },
	{ "exec", NULL, &cmd_exec },
	{ "export", NULL, &cmd_export },
	{ "inspect", NULL, &cmd_container_inspect },
	{ "kill", NULL, &cmd_kill },
	{ "logs", NULL, &cmd_logs },
	{ "ls", "list", &cmd_ps },
	{ "mount", NULL, &cmd_mount },
	{ "ps", NULL, &cmd_ps },
	{ "rm", "remove", &cmd_rm },
	{ "run", NULL, &cmd_run },
	{ "start", NULL, &cmd_start },
	{ "stop", NULL, &cmd_stop },
	{ "umount", "unmount", &cmd_umount },
	{ "wait", NULL, &cmd_wait },
	{ NULL, NULL, NULL },
};

static const struct group_verb image_verbs[] = {
	{ "copy", NULL, &cmd_copy },
	{ "exists", NULL, &cmd_image_exists },
	{ "history", NULL, &cmd_history },
	{ "import", NULL, &cmd_import },
	{ "inspect", NULL, &cmd_image_inspect },
	{ "load", NULL, &cmd_load },
	{ "ls", "list", &cmd_images },
	{ "mount", NULL, &cmd_mount },
	{ "prune", NULL, &cmd_image_prune },
	{ "pull", NULL, &cmd_pull },
	{ "push", NULL, &cmd_push },
	{ "rm", "remove", &cmd_rmi },
	{ "save", NULL, &cmd_save },
	{ "tag", NULL, &cmd_tag },
	{ "tree", NULL, &cmd_image_tree },
	{ "umount", "unmount", &cmd_umount },
	{ "untag", NULL, &cmd_untag },
	{ NULL, NULL, NULL },
};

static const struct group_verb manifest_verbs[] = {
	{ "inspect", NULL, &cmd_manifest_inspect },
	{ NULL, NULL, NULL },
};

static const struct group_verb system_verbs[] = {
	{ "check", NULL, &cmd_system_check },
	{ "df", NULL, &cmd_system_df },
	{ "info", NULL, &cmd_info },
	{ "prune", NULL, &cmd_system_prune },
	{ "reset", NULL, &cmd_system_reset },
	{ NULL, NULL, NULL },
};

const struct command_group groups[] = {
	{ "container", "What can be done with containers", container_verbs },
	{ "image", "What can be done with images", image_verbs },
	{ "manifest", "What can be done with manifests at registries", manifest_verbs },
	{ "system", "What can be done with the whole store", system_verbs },
	{ NULL, NULL, NULL },
};

const struct command_group *group_find(const char *name)
{
	for (const struct command_group *g = groups; g->name; g++) {
		if (streq(g->name, name))
			return g;
	}
	return NULL;
}

const struct group_verb *group_verb_find(const struct command_group *g, const char *verb)
{
	for (const struct group_verb *v = g->verbs; v->name; v++) {
		if (streq(v->name, verb) || (v->alias && streq(v->alias, verb)))
			return v;
	}
	return NULL;
}
