/* SPDX-License-Identifier: Apache-2.0 */
/* uctr export: a container's files as a tar archive. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/newfile.h"
#include "cli/command.h"
#include "cli/warn.h"
#include "engine/view.h"

struct export_args {
	char *output;
};

static const struct opt export_opts[] = {
	OPT_STR('o', "output", struct export_args, output, "FILE",
		"Write to FILE instead of standard output"),
	OPT_END,
};

static int export(struct engine *en, struct container *c, const char *path, struct err *e)
{
	_cleanup_newfile_ struct newfile file = NEWFILE_INIT;
	struct container_view v = { .v = IMAGE_VIEW_INIT };
	struct image_view_sums sums = { 0 };
	int r = container_view_open(en, c, CONTAINER_TREE, &v, e);

	if (r == 0 && path)
		r = newfile_open(path, 0666, &file, e);
	else if (r == 0 && (file.fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)) < 0)
		r = err_set(e, -errno, "standard output");
	if (r == 0)
		r = image_view_pack(&en->images, &v.v, file.fd, &sums, e);
	if (r == 0)
		r = newfile_commit(&file, e);
	image_view_free(&v.v);
	if (r == 0)
		warn_sums(en, c, &sums);
	return r;
}

static int run_export(void *args, char **operands, struct err *e)
{
	struct export_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_container_ struct container c = CONTAINER_INIT;
	int r = engine_open(&en, e);

	if (r == 0)
		r = container_find(&en, operands[0], &c, e);
	if (r == 0 && !a->output && isatty(STDOUT_FILENO))
		r = err_msg(e, -EINVAL,
			"standard output is a terminal; give a file with -o, or a pipe");
	if (r == 0)
		r = export(&en, &c, a->output, e);
	warn_flush(&en);
	return r;
}

const struct command cmd_export = {
	.name = "export",
	.summary = "Write a container's files as a tar archive",
	.operands = "CONTAINER",
	.about = "Writes all files of a container, which may run, as a tar archive with the owners "
		 "that the container sees; \"uctr import\" makes an image of it. Volumes and other "
		 "mounts are no part of it.",
	.min = 1,
	.max = 1,
	.opts = export_opts,
	.args_size = sizeof(struct export_args),
	.run = run_export,
};
