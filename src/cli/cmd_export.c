/* SPDX-License-Identifier: Apache-2.0 */
/* uctr export: a container's files as a tar archive. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
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

static int open_output(const char *path, struct err *e)
{
	int fd;

	if (!path && isatty(STDOUT_FILENO))
		return err_msg(e, -EINVAL,
			"standard output is a terminal; give a file with -o, or a pipe");
	fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666)
		  : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? err_set(e, -errno, "open %s", path ? path : "standard output") : fd;
}

static int export(struct engine *en, struct container *c, int out, struct err *e)
{
	struct container_view v = { .v = IMAGE_VIEW_INIT };
	struct image_view_sums sums = { 0 };
	int r = container_view_open(en, c, CONTAINER_TREE, &v, e);

	if (r == 0)
		r = image_view_pack(&en->images, &v.v, out, &sums, e);
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
	_cleanup_fd_ int out = -1;
	int r = engine_open(&en, e);

	if (r == 0)
		r = container_find(&en, operands[0], &c, e);
	if (r < 0)
		return r;
	out = open_output(a->output, e);
	if (out < 0)
		return out;
	r = export(&en, &c, out, e);
	warn_flush(&en);
	/* Half an archive must not be taken for one; a device or a pipe has to stay. */
	if (r < 0 && a->output && ftruncate(out, 0) == 0)
		(void)unlink(a->output);
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
