/* SPDX-License-Identifier: Apache-2.0 */
/* uctr run */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/human.h"
#include "base/opt_json.h"
#include "cli/command.h"
#include "cli/container_opts.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/warn.h"
#include "engine/lifecycle.h"

struct run_args {
	struct container_opts c;
};

static const struct opt run_opts[] = { OPT_INCLUDE(struct run_args, c, container_opts), OPT_END };

/* On a terminal alone: one line that is written over, and gone at the end. */
static void show_progress(struct engine *en, int64_t bytes)
{
	char text[32];

	warn_flush(en);
	if (bytes < 0) {
		fprintf(stderr, "\r\033[K");
		return;
	}
	human_size((uint64_t)bytes, text, sizeof(text));
	fprintf(stderr, "\rcopying the image: %s\033[K", text);
}

static int finish(struct start *s, const struct container_opts *o, struct err *e)
{
	char line[80];
	int r;

	warn_flush(s->en);
	if (!o->detach) {
		r = run_attach(s, e);
		warn_flush(s->en);
		return r;
	}
	snprintf(line, sizeof(line), "%s\n", s->c.id);
	return output_text(line, strlen(line), e);
}

static int explain(struct start *s, const struct image *img, struct err *e)
{
	json_t *o = run_explain(s, img);
	int r;

	warn_flush(s->en);
	if (!o)
		return err_set(e, -ENOMEM, "explain");
	r = output_object(o, "json", e);
	json_decref(o);
	return r;
}

static int run(void *args, char **operands, struct err *e)
{
	struct run_args *a = args;
	struct container_opts *o = &a->c;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_image_ struct image img = { 0 };
	struct start s = START_INIT;
	struct progress progress;
	int r;

	s.en = &en;
	progress_begin(&progress, false);
	en.watch = &progress.watch;
	r = o->detach ? 0 : attach_check_tty(o->tty, o->interactive, e);
	if (r == 0)
		r = engine_open(&en, e);
	if (r == 0 && isatty(STDERR_FILENO))
		en.progress = show_progress;
	if (r == 0)
		r = options_make_absolute(o, e);
	/* Without, it cannot be started again, and that is all. */
	if (r == 0 && !o->rm)
		s.request = opt_save(container_opts, o);
	if (r == 0)
		r = run_prepare(&s, o, operands, &img, e);
	if (r == 0 && o->explain) {
		r = explain(&s, o->rootfs ? NULL : &img, e);
	} else if (r == 0) {
		/*
		 * From here on a signal is for the container, also one that comes while it starts;
		 * detached, it must not leave half a container behind.
		 */
		attach_block_signals();
		r = run_start(&s, o, o->rootfs ? NULL : &img, e);
		if (r == 0)
			r = finish(&s, o, e);
	}
	start_free(&s);
	opt_free(container_opts, o);
	return r;
}

const struct command cmd_run = {
	.name = "run",
	.summary = "Run a command in a new container",
	.operands = "IMAGE [COMMAND] [ARG...]",
	.about = "Makes a container of IMAGE and runs COMMAND in it, or what the image names. The "
		 "exit "
		 "code is the command's; 125 when uctr fails, 126 when the command cannot be "
		 "executed, "
		 "127 when it is not found. With --rootfs, IMAGE is a directory.",
	.min = 1,
	.max = -1,
	.stop_at_operand = true,
	.opts = run_opts,
	.args_size = sizeof(struct run_args),
	.run = run,
};
