/* SPDX-License-Identifier: Apache-2.0 */
/* uctr import: a root file system becomes an image. */
#include <string.h>

#include "base/fd.h"
#include "base/stop.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/budget.h"
#include "engine/engine.h"

struct import_args {
	char **changes;
	char *message;
};

static const struct opt import_opts[] = {
	OPT_LIST('c', "change", struct import_args, changes, "INSTRUCTION",
		"Apply a line of a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, "
		"USER, "
		"VOLUME or WORKDIR"),
	OPT_STR('m', "message", struct import_args, message, "TEXT",
		"Comment for the image's history"),
	OPT_END,
};

static int run_import(void *args, char **operands, struct err *e)
{
	struct import_args *a = args;
	struct image_import what = {
		.path = operands[0],
		.name = operands[1],
		.changes = a->changes,
		.message = a->message,
	};
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_free_ char *id = NULL, *line = NULL;
	int r = engine_open(&en, e);

	if (r == 0)
		r = engine_check_store(&en, e);
	if (r < 0)
		return r;
	r = engine_map(&en, e);
	warn_flush(&en);
	stop_begin();
	if (r == 0)
		r = image_import(&en.images, &what, &id, e);
	if (r < 0)
		return r;
	budget_keep(&en);
	warn_flush(&en);
	engine_clear_images(&en);
	line = str_printf("sha256:%s\n", id);
	return line ? output_text(line, strlen(line), e) : err_set(e, -ENOMEM, "import");
}

const struct command cmd_import = {
	.name = "import",
	.summary = "Make an image from a root file system",
	.operands = "FILE|- [NAME[:TAG]]",
	.about =
		"Reads a tar archive of a root file system from FILE, or from standard input for "
		"'-', "
		"and makes it an image with one layer. The archive may be compressed with gzip, "
		"zstd, xz or bzip2. A name without a registry becomes localhost/NAME. Device nodes "
		"are left out. Prints the id of the new image.",
	.min = 1,
	.max = 2,
	.opts = import_opts,
	.args_size = sizeof(struct import_args),
	.run = run_import,
};
