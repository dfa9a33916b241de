/* SPDX-License-Identifier: Apache-2.0 */
/* uctr tag, untag, image exists: names of images. */
#include <string.h>

#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/engine.h"

static const struct opt no_opts[] = { OPT_END };

static int open_store(struct engine *en, struct err *e)
{
	int r = engine_open(en, e);

	if (r == 0)
		r = engine_check_store(en, e);
	if (r == 0)
		r = engine_map(en, e);
	return r;
}

static int tag(void *args, char **operands, struct err *e)
{
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	int r = open_store(&en, e);

	(void)args;
	if (r == 0)
		r = image_tag(&en.images, operands[0], operands + 1, e);
	warn_flush(&en);
	return r;
}

const struct command cmd_tag = {
	.name = "tag",
	.summary = "Give an image another name",
	.operands = "IMAGE NAME[:TAG]...",
	.about = "The image keeps the names that it has. A NAME without a registry becomes "
		 "localhost/NAME. An image that had the name before stays, without it.",
	.min = 2,
	.max = -1,
	.opts = no_opts,
	.args_size = 1,
	.run = tag,
};

static int untag(void *args, char **operands, struct err *e)
{
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_strv_ char **lines = NULL;
	int r = open_store(&en, e);

	(void)args;
	if (r == 0)
		r = image_untag(
			&en.images, operands[0], operands[1] ? operands + 1 : NULL, &lines, e);
	warn_flush(&en);
	return r < 0 ? r : output_lines(lines, e);
}

const struct command cmd_untag = {
	.name = "untag",
	.summary = "Take names of an image away",
	.operands = "IMAGE [NAME...]",
	.about = "Takes all names away, or those that are given. The image itself stays; uctr "
		 "images -a lists it, uctr image prune removes it.",
	.min = 1,
	.max = -1,
	.opts = no_opts,
	.args_size = 1,
	.run = untag,
};

static int exists(void *args, char **operands, struct err *e)
{
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_free_ char *id = NULL;
	struct err missing = ERR_INIT;
	int r = engine_open(&en, e);

	(void)args;
	if (r < 0)
		return r;
	r = image_find(&en.images, operands[0], &id, &missing);
	if (r == -ENOENT)
		return 1;
	if (r < 0)
		*e = missing;
	return r;
}

const struct command cmd_image_exists = {
	.name = "exists",
	.summary = "Tell by the exit code whether an image is there",
	.operands = "IMAGE",
	.about = "0: it is in the store; 1: it is not; 125: that could not be found out.",
	.min = 1,
	.max = 1,
	.opts = no_opts,
	.args_size = 1,
	.run = exists,
};
