/* SPDX-License-Identifier: Apache-2.0 */
/* uctr mount, uctr umount: files of containers and images inside uctr unshare. */
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/mount.h"

struct mount_args {
	char *format;
	bool no_trunc;
};

static const struct opt mount_opts[] = {
	OPT_STR(0, "format", struct mount_args, format, "FORMAT",
		"json, or a Go template such as '{{.Mountpoint}}'"),
	OPT_FLAG(0, "no-trunc", struct mount_args, no_trunc, "show whole ids"),
	OPT_END,
};

static int list(struct engine *en, const struct mount_args *a, struct err *e)
{
	static const struct output_col cols[] = { { "ID", "Id", OUTPUT_ID },
		{ "MOUNTPOINT", "Mountpoint", 0 }, { NULL, NULL, 0 } };
	static const struct output_table table = { .cols = cols };
	struct output_how how = {
		.format = a->format, .no_trunc = a->no_trunc, .no_heading = true
	};
	_cleanup_json_ json_t *all = NULL;
	int r = mount_list(en, &all, e);

	return r < 0 ? r : output_rows(&table, all, &how, e);
}

/* An engine has the ids of one container at a time. */
static int mount_one(const char *what, struct err *e)
{
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_free_ char *path = NULL;
	int r = engine_open(&en, e);

	if (r == 0)
		r = mount_make(&en, what, &path, e);
	warn_flush(&en);
	return r < 0 ? r : output_lines((char *[]){ path, NULL }, e);
}

static int run_mount(void *args, char **operands, struct err *e)
{
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	int r = 0;

	strv_foreach (what, operands) {
		if (r == 0)
			r = mount_one(what, e);
	}
	if (operands[0])
		return r;
	r = engine_open(&en, e);
	if (r == 0)
		r = list(&en, args, e);
	warn_flush(&en);
	return r;
}

const struct command cmd_mount = {
	.name = "mount",
	.summary = "Show the files of containers and images as directories",
	.operands = "[CONTAINER|IMAGE...]",
	.about =
		"Works inside 'uctr unshare', where it mounts the files of a container, running or "
		"not, or of an image (read-only), and prints where. Mounts are seen in that shell "
		"alone and go with it. Without operands it lists what is mounted. Owners are those "
		"of the user's namespace; volumes are left out.",
	.min = 0,
	.max = -1,
	.opts = mount_opts,
	.args_size = sizeof(struct mount_args),
	.run = run_mount,
};

struct umount_args {
	bool all, force;
};

static const struct opt umount_opts[] = {
	OPT_FLAG('a', "all", struct umount_args, all, "everything that is mounted"),
	OPT_FLAG('f', "force", struct umount_args, force, "also what is in use"),
	OPT_END,
};

static int undo(struct engine *en, const char *what, bool force, struct err *e)
{
	_cleanup_free_ char *id = NULL;
	int r = mount_undo(en, what, force, &id, e);

	return r < 0 ? r : output_lines((char *[]){ id, NULL }, e);
}

static int run_umount(void *args, char **operands, struct err *e)
{
	const struct umount_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_json_ json_t *all = NULL;
	json_t *o;
	size_t i;
	int r;

	if (a->all == (operands[0] != NULL))
		return err_msg(e, -EINVAL, "umount: want names, or --all");
	r = engine_open(&en, e);
	if (r == 0 && a->all)
		r = mount_list(&en, &all, e);
	json_array_foreach (all, i, o) {
		if (r == 0)
			r = undo(&en, json_string_value(json_object_get(o, "Id")), a->force, e);
	}
	strv_foreach (what, operands) {
		if (r == 0)
			r = undo(&en, what, a->force, e);
	}
	warn_flush(&en);
	return r;
}

const struct command cmd_umount = {
	.name = "umount",
	.summary = "Take away what uctr mount has mounted",
	.operands = "[CONTAINER|IMAGE...]",
	.about = "Inside the same 'uctr unshare'. Prints the ids. What is in use stays, unless "
		 "--force "
		 "is given.",
	.min = 0,
	.max = -1,
	.opts = umount_opts,
	.args_size = sizeof(struct umount_args),
	.run = run_umount,
};
