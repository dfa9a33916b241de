/* SPDX-License-Identifier: Apache-2.0 */
/* run, exec, stop, kill, wait, rm: what commands do to containers, in order. */
#ifndef UCTR_ENGINE_LIFECYCLE_H
#define UCTR_ENGINE_LIFECYCLE_H

#include "engine/container.h"
#include "engine/ctl.h"
#include "engine/options.h"
#include "engine/start.h"

/*
 * The image of a new container, fetched from its registry by --pull; by default when it is missing.
 * pull.c
 */
int run_image(struct engine *en, const struct container_opts *o, const char *name,
	struct image *img, struct err *e);

/*
 * run, first half: finds the image (operands[0], or the directory with --rootfs), checks
 * everything that can be checked and makes the plan. Nothing is left on disk.
 */
int run_prepare(struct start *s, const struct container_opts *o, char *const *operands,
	struct image *img, struct err *e);
/* Second half: makes the container and starts it; on failure nothing stays. */
int run_start(
	struct start *s, const struct container_opts *o, const struct image *img, struct err *e);
/* In the foreground: the payload's exit code. */
int run_attach(struct start *s, struct err *e);
/* What would happen, as JSON for --explain. New reference. */
json_t *run_explain(const struct start *s, const struct image *img);

/* create: the first half of run_start, and the record of what is needed for the second. */
int run_create(
	struct start *s, const struct container_opts *o, const struct image *img, struct err *e);

/*
 * start. Takes the container by name or id into s->c, for nobody else to start or remove: 0, or 1
 * when it runs already. Then s->c.request has its options, and o is what they say; o is completed and
 * must live as long as s. With s->detach unset run_attach follows. On failure the container is as it
 * was, and its record says why. restart.c
 */
int container_take(struct start *s, const char *what, struct err *e);
int container_start(struct start *s, struct container_opts *o, bool interactive, struct err *e);
/* Has it ended within a second? A monitor on its way out removes its socket before its lock. */
bool container_ended(const struct container *c);

/* exec. With q->detach: 0 as soon as it runs; else its exit code. */
int exec_run(struct engine *en, struct container *c, const struct exec_request *q, bool interactive,
	struct err *e);

/* Sends sig to the container's init; -ESRCH with a message when it does not run. */
int container_signal(struct engine *en, struct container *c, int sig, struct err *e);
/* Stop signal, then SIGKILL after `timeout` seconds (-1: for ever; -2: the container's own). */
int container_stop(struct engine *en, struct container *c, long timeout, struct err *e);
/* Waits for the end: the exit code. */
int container_wait(struct engine *en, struct container *c, struct err *e);
/* Removes; a living one only with force, which cannot be refused. */
int container_remove(struct engine *en, struct container *c, bool force, struct err *e);

#endif
