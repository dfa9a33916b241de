/* SPDX-License-Identifier: Apache-2.0 */
/* uctr create and start: run in two steps. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/opt_json.h"
#include "base/spawn.h"
#include "cli/command.h"
#include "cli/container_opts.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/warn.h"
#include "engine/lifecycle.h"
#include "runtime/sync.h"

struct create_args {
	struct container_opts c;
};

static const struct opt create_opts[] = { OPT_INCLUDE(struct create_args, c, container_opts),
	OPT_END };

static int create_container(
	struct start *s, struct container_opts *o, char **operands, struct err *e)
{
	_cleanup_image_ struct image img = { 0 };
	char line[80];
	int r = options_make_absolute(o, e);

	if (r == 0)
		r = run_prepare(s, o, operands, &img, e);
	if (r < 0)
		return r;
	s->request = opt_save(container_opts, o);
	r = run_create(s, o, o->rootfs ? NULL : &img, e);
	warn_flush(s->en);
	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "%s\n", s->c.id);
	return output_text(line, strlen(line), e);
}

static int create(void *args, char **operands, struct err *e)
{
	struct container_opts *o = &((struct create_args *)args)->c;
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	struct start s = START_INIT;
	struct progress progress;
	int r;

	if (o->detach || o->explain)
		return err_msg(e, -EINVAL, "create: --%s belongs to 'uctr run'",
			o->detach ? "detach" : "explain");
	s.en = &en;
	progress_begin(&progress, false);
	en.watch = &progress.watch;
	r = engine_open(&en, e);
	if (r == 0)
		r = create_container(&s, o, operands, e);
	start_free(&s);
	opt_free(container_opts, o);
	return r;
}

const struct command cmd_create = {
	.name = "create",
	.summary = "Make a container without starting it",
	.operands = "IMAGE [COMMAND] [ARG...]",
	.about =
		"Makes a container as 'uctr run' would, and prints its id; 'uctr start' runs it. "
		"The "
		"environment and files that are named by relative paths are those of this command.",
	.min = 1,
	.max = -1,
	.stop_at_operand = true,
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.run = create,
};

struct start_args {
	bool attach, interactive;
};

static const struct opt start_opts[] = {
	OPT_FLAG('a', "attach", struct start_args, attach,
		"stay with the container: its output, signals and exit code"),
	OPT_FLAG('i', "interactive", struct start_args, interactive,
		"with --attach, pass standard input on to a container made with --interactive"),
	OPT_END
};

/* On its own engine: which ids it stands for is the container's to say. */
static int start_one(const char *name, const struct start_args *a, struct err *e)
{
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	struct container_opts o = { 0 };
	struct start s = START_INIT;
	int r;

	s.en = &en;
	s.detach = !a->attach;
	r = engine_open(&en, e);
	if (r == 0)
		r = container_take(&s, name, e);
	if (r == 0)
		r = opt_load(container_opts, &o, s.c.request, e);
	if (r == 0 && a->attach)
		r = attach_check_tty(s.c.tty, a->interactive && s.c.open_stdin, e);
	if (r == 0) {
		attach_block_signals();
		r = container_start(&s, &o, a->interactive, e);
		warn_flush(&en);
		if (r == 0 && a->attach)
			r = run_attach(&s, e);
	} else if (r == 1) {
		r = a->attach ? err_msg(e, -EBUSY, "container %s is running already", s.c.name) : 0;
	}
	warn_flush(&en);
	start_free(&s);
	opt_free(container_opts, &o);
	return r;
}

/*
 * A start leaves its process in the user's namespace, from where the next container's may not be
 * reached: of several, each has a process of its own.
 */
static int start_apart(const char *name, const struct start_args *a, struct err *e)
{
	int words[2], r = sync_pair(words, e);
	pid_t pid;

	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0) {
		struct err own = ERR_INIT;

		if (start_one(name, a, &own) < 0)
			sync_send_error(words[1], &own);
		else
			(void)sync_send(words[1], (enum sync_type)CTL_DONE, 0, -1, &own);
		_exit(0);
	}
	close(words[1]);
	r = pid < 0 ? err_set(e, -errno, "fork") : sync_recv(words[0], NULL, NULL, e);
	close(words[0]);
	if (pid > 0)
		(void)spawn_wait(pid);
	if (r == -EPIPE && !e->code)
		return err_msg(e, r, "the start of container %s was killed", name);
	return r < 0 ? r : 0;
}

static int start(void *args, char **operands, struct err *e)
{
	const struct start_args *a = args;
	_cleanup_engine_ struct engine en = ENGINE_INIT; /* for its warnings */
	int first = 0;

	if (a->interactive && !a->attach)
		return err_msg(e, -EINVAL, "start: --interactive needs --attach");
	if (a->attach && operands[1])
		return err_msg(e, -EINVAL, "start: --attach takes one container");
	if (a->attach)
		return start_one(operands[0], a, e);
	strv_foreach (name, operands) {
		_cleanup_free_ char *line = str_printf("%s\n", name);
		struct err one = ERR_INIT;
		int r = line ? (operands[1] ? start_apart : start_one)(name, a, &one)
			     : err_set(&one, -ENOMEM, "start");

		if (r == 0)
			r = output_text(line, strlen(line), &one);
		if (r < 0 && first == 0) {
			first = r;
			*e = one;
		} else if (r < 0) {
			engine_warn(&en, "%s", one.msg);
		}
	}
	warn_flush(&en);
	return first;
}

const struct command cmd_start = {
	.name = "start",
	.summary = "Start containers that were created or have ended",
	.operands = "CONTAINER...",
	.about = "Runs the command that the container was made for, with the same options, on the "
		 "files "
		 "that it has; prints the names. A container that runs already is left as it is.",
	.min = 1,
	.max = -1,
	.opts = start_opts,
	.args_size = sizeof(struct start_args),
	.run = start,
};
