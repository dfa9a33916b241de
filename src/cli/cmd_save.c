/* SPDX-License-Identifier: Apache-2.0 */
/* uctr save and load: images to and from archives. */
#include <string.h>
#include <unistd.h>

#include "base/stop.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/warn.h"
#include "engine/budget.h"
#include "engine/engine.h"

struct save_args {
	char *format, *output;
};

static const struct opt save_opts[] = {
	OPT_STR(0, "format", struct save_args, format, "FORMAT",
		"docker-archive (the default), oci-archive, oci-dir or docker-dir"),
	OPT_STR('o', "output", struct save_args, output, "FILE",
		"Write to FILE, or into that directory, not to standard output"),
	OPT_END,
};

static int save(void *args, char **operands, struct err *e)
{
	struct save_args *a = args;
	struct image_save what = {
		.format = a->format ? a->format : "docker-archive",
		.path = a->output ? a->output : "-",
		.images = operands,
	};
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	int r = engine_open(&en, e);

	if (r == 0)
		r = engine_map(&en, e);
	stop_begin();
	if (r == 0)
		r = image_save(&en.images, &what, e);
	warn_flush(&en);
	return r;
}

const struct command cmd_save = {
	.name = "save",
	.summary = "Write images to an archive",
	.operands = "IMAGE...",
	.about =
		"Writes images with all their layers to standard output or a file, from which "
		"uctr, docker and podman load them. In the oci formats, and in docker-dir, digests "
		"stay what they are; a docker-archive has no manifest and holds the layers "
		"uncompressed. A file gets its name when all is written. The directory of oci-dir "
		"may hold other images, which stay.",
	.min = 1,
	.max = -1,
	.opts = save_opts,
	.args_size = sizeof(struct save_args),
	.run = save,
};

struct load_args {
	char *input;
	bool replace, quiet;
};

static const struct opt load_opts[] = {
	OPT_STR('i', "input", struct load_args, input, "FILE",
		"Read FILE, or that directory, not standard input"),
	OPT_FLAG('q', "quiet", struct load_args, quiet, "Show no progress"),
	OPT_FLAG(0, "replace", struct load_args, replace,
		"Names that other images have here go to those of the archive"),
	OPT_END,
};

static int load(void *args, char **operands, struct err *e)
{
	struct load_args *a = args;
	struct image_load what = { .path = a->input ? a->input : "-", .replace = a->replace };
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_strv_ char **lines = NULL;
	struct err later = ERR_INIT;
	struct progress progress;
	int r = engine_open(&en, e), told;

	(void)operands;
	if (r == 0)
		r = engine_check_store(&en, e);
	if (r == 0)
		r = engine_map(&en, e);
	if (r < 0)
		return r;
	/* Bars for people; what is loaded is told by the lines at the end. */
	stop_begin();
	progress_begin(&progress, a->quiet || !isatty(STDERR_FILENO));
	what.watch = &progress.watch;
	r = image_load(&en.images, &what, &lines, e);
	budget_keep(&en);
	engine_clear_images(&en);
	warn_flush(&en);
	/* What was loaded is told even when a later image failed. */
	told = output_lines(lines, &later);
	if (r == 0 && told < 0)
		*e = later;
	return r < 0 ? r : told;
}

const struct command cmd_load = {
	.name = "load",
	.summary = "Read images from an archive",
	.operands = "",
	.about = "Reads what uctr save, docker save, podman save or skopeo wrote: docker-archive "
		 "and "
		 "oci-archive, plain or compressed with gzip, zstd, xz or bzip2, and directories "
		 "with "
		 "an OCI layout. Digests are checked, links lead nowhere outside. An archive that "
		 "gives a name of an image here to another one is refused; with --replace the name "
		 "moves, and the image that had it stays without.",
	.min = 0,
	.max = 0,
	.opts = load_opts,
	.args_size = sizeof(struct load_args),
	.run = load,
};
