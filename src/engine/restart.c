/* SPDX-License-Identifier: Apache-2.0 */
/* start: a container that was created, or one that has ended, as its record describes it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "engine/lifecycle.h"
#include "engine/probe.h"
#include "engine/record.h"
#include "runtime/ladder.h"
#include "sys/cgroup.h"

#define BUSY_MS 10000 /* a monitor that ends may wait for a slow reader */

static int open_locked(const struct container *c)
{
	_cleanup_fd_ int lock = openat(c->dir, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int r = lock < 0 ? -errno : lock_take(lock, true, false);

	return r < 0 ? r : take_fd(&lock);
}

int container_take(struct start *s, const char *what, struct err *e)
{
	struct container *c = &s->c;
	int r = container_find(s->en, what, c, e), lock = -EAGAIN;
	char id[65];

	memcpy(id, c->id, sizeof(id));
	for (int ms = 0; r == 0 && lock < 0; ms += 10) {
		if (c->state == CONTAINER_RUNNING)
			return 1;
		lock = open_locked(c);
		if (lock < 0 && ms >= BUSY_MS)
			return err_set(
				e, lock, "another command is busy with container %s", c->name);
		if (lock < 0)
			usleep(10000);
		/* What was read before the lock was ours may be out of date. */
		container_free(c);
		r = container_find(s->en, id, c, e);
	}
	if (r < 0) {
		fd_closep(&lock);
		return r;
	}
	c->lock = lock;
	s->again = true;
	s->started_before = c->started;
	if (c->request)
		return 0;
	return err_msg(e, -EOPNOTSUPP,
		"container %s cannot be started again: %s; 'uctr commit %s NAME' makes an image of "
		"it",
		c->name,
		c->auto_remove ? "it is about to be removed"
			       : "its options were not UTF-8, or it is older than that",
		c->name);
}

/* The map that its files are for; it was chosen, or fell to the one id, when they were made. */
static int restore_map(struct start *s, struct container_opts *o, struct err *e)
{
	static struct idmap outside;
	_cleanup_container_ struct container now = CONTAINER_INIT;
	struct mapping *m = &s->mapping;
	struct engine *en = s->en;
	uint32_t first;
	int r;

	if (!o->uidmap && !o->gidmap) {
		free(o->userns);
		o->userns = strdup(s->c.userns);
		if (!o->userns)
			return err_set(e, -ENOMEM, "--userns");
	}
	r = mapping_parse(en, o, m, e);
	if (r == 0)
		r = engine_map(en, e);
	if (r == 0 && (r = userns_hold(en, &s->hold, e)) < 0)
		(void)probe_explain(e);
	if (r < 0)
		return r;
	m->chosen = m->mode == MAP_KEEP_ID && s->c.userns_why;
	if (m->mode == MAP_AUTO && s->c.uid_map && sscanf(s->c.uid_map[0], "0:%u:", &first) == 1)
		m->first = idmap_reverse(en->map.uid, en->map.n_uid, first);
	r = mapping_make(en, m, e);
	if (r < 0)
		return r;
	idmap_compose(&m->child, &en->map, &outside);
	r = record_set_map(&now, &outside, e);
	if (r < 0)
		return r;
	if (strv_equal(now.uid_map, s->c.uid_map) && strv_equal(now.gid_map, s->c.gid_map))
		return 0;
	return err_msg(e, -EPERM,
		"the files of container %s belong to other ids than you have now ('uctr doctor' "
		"shows "
		"them, 'uctr inspect %s' its own)",
		s->c.name, s->c.name);
}

static int find_image(struct start *s, struct image *img, struct err *e)
{
	_cleanup_free_ char *digest = str_printf("sha256:%s", s->c.image_id);
	int r = digest ? image_get(&s->en->images, digest, img, e) : err_set(e, -ENOMEM, "image");

	return r < 0 ? err_wrap(e, r, "the image of container %s", s->c.name) : 0;
}

static int make_plan(
	struct start *s, const struct container_opts *o, const struct image *img, struct err *e)
{
	_cleanup_strv_ char **args = NULL, **env = NULL;
	struct container *c = &s->c;
	int r = json_get_strv(c->config, "Cmd", &args, e);

	if (r >= 0)
		r = json_get_strv(c->config, "Env", &env, e);
	if (r >= 0)
		r = plan_make(s->en, o, &s->mapping, img, c->image, args, &s->plan, e);
	if (r < 0)
		return r;
	strv_free(s->plan.spec.process.env);
	s->plan.spec.process.env = take_ptr(env);
	free(c->network);
	c->network = strdup(net_name(s->plan.net));
	return c->network ? 0 : err_set(e, -ENOMEM, "record");
}

/* The root file system that holds what it wrote. */
static int keep_root(struct start *s, struct err *e)
{
	int root = s->c.driver ? ladder_from_name(s->c.driver) : ROOT_AUTO;

	if (root < 0)
		return err_msg(e, -EINVAL, "container %s has an unknown driver", s->c.name);
	if (!s->started_before || root == ROOT_AUTO)
		return 0;
	s->plan.spec.root = (enum spec_root)root;
	s->plan.spec.root_kept = root == ROOT_COPY;
	if (root == ROOT_TMPFS)
		engine_warn(s->en, "what container %s wrote was in memory and is gone", s->c.name);
	return 0;
}

/*
 * From here on, "created" and a held lock mean a start that is under way (container_remove). What is
 * told of the last run ends.
 */
static int mark(struct container *c, struct err *e)
{
	if (c->state == CONTAINER_CREATED && !c->cgroup && !c->error)
		return 0;
	if (c->cgroup)
		(void)cgroup_remove(c->cgroup); /* left by a start that was killed */
	free(take_ptr(c->cgroup));
	free(take_ptr(c->error));
	c->state = CONTAINER_CREATED;
	c->exit_code = 0;
	c->finished = 0;
	c->pid = c->monitor = 0;
	return container_save(c, e);
}

void start_undo(struct start *s, const struct err *why)
{
	struct container *c = &s->c;
	struct err ignored = ERR_INIT;

	c->state = CONTAINER_CREATED;
	c->started = s->started_before;
	c->pid = c->monitor = 0;
	free(c->error);
	c->error = strdup(why->msg);
	/* A copy that may be half of one. */
	if (!c->started && c->driver) {
		(void)dir_remove(c->dir, "merged");
		free(c->driver);
		c->driver = strdup(ladder_name(ROOT_OVERLAY));
	}
	/* The freed lock and the record before this one say the same, but for the reason. */
	(void)container_save(c, &ignored);
}

static int write_pid(const struct container_opts *o, const struct start *s, struct err *e)
{
	char text[24];
	int r;

	if (!o->pidfile)
		return 0;
	snprintf(text, sizeof(text), "%d", s->c.pid);
	r = file_replace(AT_FDCWD, o->pidfile, text, strlen(text), 0644, false);
	return r < 0 ? err_set(e, r, "--pidfile %s", o->pidfile) : 0;
}

int container_start(struct start *s, struct container_opts *o, bool interactive, struct err *e)
{
	struct spec_process *pr = &s->plan.spec.process;
	_cleanup_image_ struct image img = { 0 };
	const struct image *from = s->c.image_id ? &img : NULL;
	int r;

	/* The environment is in the record, as --env K and --env-file were answered then. */
	strv_freep(&o->env);
	strv_freep(&o->env_file);
	s->tty = s->c.tty;
	s->interactive = s->c.open_stdin && (s->detach || interactive);
	r = restore_map(s, o, e);
	if (r == 0 && from)
		r = find_image(s, &img, e);
	if (r == 0)
		r = make_plan(s, o, from, e);
	if (r == 0)
		r = start_place(s, o, from, e);
	if (r == 0)
		r = keep_root(s, e);
	if (r == 0)
		r = mark(&s->c, e);
	if (r < 0)
		return r;
	if (s->tty)
		attach_size(&pr->rows, &pr->cols);
	r = start_go(s, e);
	if (r < 0) {
		start_close(s);
		(void)container_ended(&s->c);
		return r;
	}
	r = write_pid(o, s, e);
	if (r < 0) {
		struct err ignored = ERR_INIT;

		s->c.state = CONTAINER_RUNNING;
		(void)container_stop(s->en, &s->c, 0, &ignored);
	}
	return r;
}
