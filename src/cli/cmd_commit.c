/* SPDX-License-Identifier: Apache-2.0 */
/* uctr commit: a container's files become an image. */
#include <string.h>

#include "base/stop.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/budget.h"
#include "engine/pause.h"
#include "engine/view.h"

struct commit_args {
	char **changes;
	char *author, *message, *format, *compression;
	bool pause, quiet;
};

#define S struct commit_args
static const struct opt commit_opts[] = {
	OPT_STR('a', "author", S, author, "NAME", "Author of the image"),
	OPT_LIST('c', "change", S, changes, "INSTRUCTION",
		"Apply a line of a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, "
		"USER, VOLUME or WORKDIR"),
	OPT_STR(0, "compression", S, compression, "NAME",
		"Compress the new layer by gzip (default) or zstd; none leaves it as it is"),
	OPT_STR('f', "format", S, format, "FORMAT", "Media types: oci (default) or docker"),
	OPT_STR('m', "message", S, message, "TEXT", "Comment for the image's history"),
	OPT_FLAG('p', "pause", S, pause,
		"Hold the container's processes meanwhile (default; --pause=false does not)"),
	OPT_FLAG('q', "quiet", S, quiet, "Do not tell of files that were left out"),
	OPT_END,
};
#undef S

static int check(const struct commit_args *a, struct err *e)
{
	static const char *const forms[] = { "none", "gzip", "zstd", NULL };

	if (a->format && !streq(a->format, "oci") && !streq(a->format, "docker"))
		return err_msg(e, -EINVAL, "--format %.40s: want oci or docker", a->format);
	for (size_t i = 0; a->compression && forms[i]; i++) {
		if (streq(forms[i], a->compression))
			return 0;
	}
	return !a->compression ? 0
			       : err_msg(e, -EINVAL, "--compression %.40s: want gzip, zstd or none",
					 a->compression);
}

static int commit(struct engine *en, struct container *c, const struct commit_args *a,
	const char *name, char **ret_id, struct err *e)
{
	struct container_view v = { .v = IMAGE_VIEW_INIT };
	struct pause pause = PAUSE_INIT;
	struct image_view_sums sums = { 0 };
	struct image_commit what = {
		.view = &v.v,
		.name = name,
		.changes = a->changes,
		.message = a->message,
		.author = a->author,
		.labels = c->labels,
		.command = c->command,
		.compression = a->compression ? a->compression : "gzip",
		.docker = a->format && streq(a->format, "docker"),
	};
	int r = container_view_open(en, c, CONTAINER_LAYER, &v, e);
	_cleanup_free_ char *base = r < 0 ? NULL : str_printf("sha256:%s", c->image_id);

	what.base = base;
	if (r == 0 && !base)
		r = err_set(e, -ENOMEM, "commit");
	stop_begin();
	if (r == 0 && a->pause)
		r = pause_begin(en, c, &pause, e);
	if (r == 0)
		r = image_commit(&en->images, &what, ret_id, &sums, e);
	pause_end(&pause);
	image_view_free(&v.v);
	if (r == 0 && !a->quiet)
		warn_sums(en, c, &sums);
	return r;
}

static int run_commit(void *args, char **operands, struct err *e)
{
	struct commit_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_container_ struct container c = CONTAINER_INIT;
	_cleanup_free_ char *id = NULL, *line = NULL;
	int r = check(a, e);

	if (r == 0)
		r = engine_open(&en, e);
	if (r == 0)
		r = engine_check_store(&en, e);
	if (r == 0)
		r = container_find(&en, operands[0], &c, e);
	if (r == 0)
		r = commit(&en, &c, a, operands[1], &id, e);
	if (r == 0)
		budget_keep(&en);
	warn_flush(&en);
	if (r < 0)
		return r;
	engine_clear_images(&en);
	line = str_printf("sha256:%s\n", id);
	return line ? output_text(line, strlen(line), e) : err_set(e, -ENOMEM, "commit");
}

const struct command cmd_commit = {
	.name = "commit",
	.summary = "Make an image of a container's changes",
	.operands = "CONTAINER [NAME[:TAG]]",
	.about = "Makes an image of the container's image and one layer more: what the container "
		 "changed. It may run or have ended; one that runs is held for a moment. Owners "
		 "are what the container sees, with every id map. Volumes and other mounts are no "
		 "part of it. The image gets the container's command and labels, and what --change "
		 "says. Prints the id of the new image.",
	.min = 1,
	.max = 2,
	.opts = commit_opts,
	.args_size = sizeof(struct commit_args),
	.defaults = &(const struct commit_args){ .pause = true },
	.run = run_commit,
};
