/* SPDX-License-Identifier: Apache-2.0 */
/* uctr copy: images between registries, archives, directories and the store. */
#include <string.h>

#include "base/stop.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/remote_opts.h"
#include "cli/warn.h"
#include "engine/engine.h"

struct copy_args {
	struct remote_args remote;
	char *platform;
};

static const struct opt copy_opts[] = {
	OPT_STR(0, "platform", struct copy_args, platform, "OS/ARCH[/VARIANT]",
		"Which image of an index is copied (default: this machine's)"),
	OPT_INCLUDE(struct copy_args, remote, remote_opts),
	OPT_END,
};

static int copy(void *args, char **operands, struct err *e)
{
	struct copy_args *a = args;
	struct image_copy what = {
		.from = operands[0],
		.to = operands[1],
		.platform = a->platform,
	};
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	int r = remote_args_read(&a->remote, &what.remote, e);

	if (r == 0)
		r = engine_open(&en, e);
	if (r == 0)
		r = engine_check_store(&en, e);
	if (r == 0)
		r = engine_map(&en, e);
	stop_begin();
	if (r == 0)
		r = image_copy(&en.images, &what, e);
	engine_clear_images(&en);
	warn_flush(&en);
	return r;
}

const struct command cmd_copy = {
	.name = "copy",
	.summary = "Copy an image between registries, archives, directories and the store",
	.operands = "SOURCE DESTINATION",
	.about =
		"Both are TRANSPORT:PLACE. Digests stay what they are, except in a docker-archive. "
		"Into a layout and the store the image comes beside those that are there, and "
		"takes its name over.\n\n"
		"  uctr:NAME                  an image of the store\n"
		"docker://NAME              an image of a registry\n"
		"oci:DIR[:TAG]              an OCI image layout\n"
		"oci-archive:FILE[:TAG]     the same as an archive\n"
		"docker-archive:FILE[:NAME] as docker save makes it\n"
		"dir:DIR                    one image, as skopeo writes it\n",
	.min = 2,
	.max = 2,
	.opts = copy_opts,
	.args_size = sizeof(struct copy_args),
	.run = copy,
};
