/* SPDX-License-Identifier: Apache-2.0 */
/* uctr rmi: names and images go. */
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/engine.h"

struct rmi_args {
	bool force;
};

static const struct opt rmi_opts[] = {
	OPT_FLAG('f', "force", struct rmi_args, force,
		"Remove all names of an id, also of an image that containers use; missing images "
		"are no "
		"error"),
	OPT_END,
};

static int run_rmi(void *args, char **operands, struct err *e)
{
	struct rmi_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_strv_ char **lines = NULL;
	struct err later = ERR_INIT;
	int r = engine_open(&en, e), told, failed = 0;

	if (r == 0)
		r = engine_check_store(&en, e);
	if (r == 0)
		r = engine_map(&en, e);
	if (r < 0)
		return r;
	/* As docker: the others are removed all the same; the first failure is reported. */
	strv_foreach (name, operands) {
		struct err one = ERR_INIT;

		r = image_remove(&en.images, name, a->force, &lines, &one);
		if (r == -ENOENT && a->force)
			continue;
		if (r < 0 && failed++ == 0)
			later = one;
	}
	engine_clear_images(&en);
	warn_flush(&en);
	/* What went is told even when a later image failed. */
	told = output_lines(lines, e);
	if (failed == 0)
		return told;
	*e = later;
	if (failed > 1)
		err_hint(e, "%d more could not be removed", failed - 1);
	return e->code;
}

const struct command cmd_rmi = {
	.name = "rmi",
	.summary = "Remove images",
	.operands = "IMAGE [IMAGE...]",
	.about = "Removes names of images, and an image with its layers when its last name goes. "
		 "IMAGE is a name or an id, which may be shortened. An image that a container uses "
		 "stays; with -f it loses its names.",
	.min = 1,
	.max = -1,
	.opts = rmi_opts,
	.args_size = sizeof(struct rmi_args),
	.run = run_rmi,
};
