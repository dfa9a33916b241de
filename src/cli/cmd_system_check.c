/* SPDX-License-Identifier: Apache-2.0 */
/* uctr system check: is what the store holds what it should be? */
#include <stdio.h>

#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/engine.h"

struct check_args {
	bool repair, quiet;
};

static const struct opt check_opts[] = {
	OPT_FLAG('r', "repair", struct check_args, repair,
		"Remove what is damaged: trees are made anew from blobs, blobs come with the next "
		"pull"),
	OPT_FLAG('q', "quiet", struct check_args, quiet, "Print damage alone, no sum"),
	OPT_END,
};

/* A running container would lose the tree that it stands on. */
static int check_running(struct engine *en, struct err *e)
{
	unsigned int running, all;
	int r = engine_count(en, &running, &all, e);

	if (r < 0 || running == 0)
		return r;
	return err_msg(e, -EBUSY, "%u container%s; stop %s first (\"uctr ps\")", running,
		running == 1 ? " is running" : "s are running", running == 1 ? "it" : "them");
}

static int report(const struct check_args *a, struct image_check *c, struct err *e)
{
	unsigned int left = c->damaged - c->repaired;

	if (!a->quiet && strv_addf(&c->lines,
				 "%llu blobs and %llu trees of layers checked, %u damage%s found",
				 (unsigned long long)c->blobs, (unsigned long long)c->trees,
				 c->damaged, c->damaged == 1 ? "" : "s") < 0)
		return err_set(e, -ENOMEM, "check");
	if (output_lines(c->lines, e) < 0)
		return e->code;
	if (left == 0)
		return 0;
	e->exit = 1;
	return err_msg(e, -EBADMSG, "the store is damaged%s",
		a->repair ? "; what is left needs a pull or import"
			  : "; \"uctr system check --repair\" removes what is");
}

static int check(void *args, char **operands, struct err *e)
{
	struct check_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	struct image_check c = { .repair = a->repair };
	int r = engine_open(&en, e);

	(void)operands;
	if (r == 0 && a->repair)
		r = engine_check_store(&en, e);
	if (r == 0)
		r = engine_map(&en, e);
	if (r == 0 && a->repair)
		r = check_running(&en, e);
	if (r == 0)
		r = image_check(&en.images, &c, e);
	if (r == 0 && a->repair)
		engine_clear_images(&en);
	warn_flush(&en);
	if (r == 0)
		r = report(a, &c, e);
	strv_free(c.lines);
	return r;
}

const struct command cmd_system_check = {
	.name = "check",
	.summary = "Look for damage in the image store",
	.operands = "",
	.about =
		"Reads every blob and compares its digest, walks every unpacked layer and compares "
		"names, sizes, owners, modes and times with those noted when it was unpacked, and "
		"looks whether images have all that they need. Prints a line for each damage; the "
		"exit code is 1 when any is left. What a file of an unpacked layer holds is not "
		"read. "
		"With --repair no container may be running.",
	.min = 0,
	.max = 0,
	.opts = check_opts,
	.args_size = sizeof(struct check_args),
	.run = check,
};
