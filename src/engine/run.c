/* SPDX-License-Identifier: Apache-2.0 */
/* run, from options to exit code. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/trace.h"
#include "engine/lifecycle.h"
#include "engine/probe.h"
#include "engine/record.h"
#include "engine/sweep.h"
#include "runtime/ladder.h"
#include "sys/caps.h"
#include "sys/dirs.h"

static int check_new_file(const char *flag, const char *path, struct err *e)
{
	struct stat st;

	if (!path || lstat(path, &st) < 0)
		return 0;
	return err_msg(
		e, -EEXIST, "%s: %s exists already; remove it or give another path", flag, path);
}

/* O_EXCL: neither follows a link nor overwrites. -1 in *ret without a path. */
static int make_new_file(const char *flag, const char *path, int *ret, struct err *e)
{
	*ret = -1;
	if (!path)
		return 0;
	*ret = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return *ret < 0 ? err_set(e, -errno, "%s %s", flag, path) : 0;
}

static int write_new_file(
	const char *flag, const char *path, int fd, const char *text, struct err *e)
{
	int r = fd < 0 ? 0 : fd_write_all(fd, text, strlen(text));

	return r < 0 ? err_set(e, r, "%s %s", flag, path) : 0;
}

static int find_rootfs(const char *dir, char **ret, struct err *e)
{
	struct stat st;

	*ret = realpath(dir, NULL);
	if (!*ret)
		return err_set(e, -errno, "--rootfs %s", dir);
	if (stat(*ret, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_msg(e, -ENOTDIR, "--rootfs %s is not a directory", dir);
	if (streq(*ret, "/"))
		return err_msg(
			e, -EINVAL, "--rootfs / would be the host itself; give another directory");
	return 0;
}

/* An image that is not unpacked cannot be where the data directory can only be read. */
static int image_failed(const struct engine *en, int r, struct err *e)
{
	if (en->store < 0 || (r != -EROFS && r != -EACCES))
		return r;
	return err_hint(e,
		"the data directory %s can only be read; set UCTR_DATA to a directory you can "
		"write to",
		en->store_path);
}

int run_prepare(struct start *s, const struct container_opts *o, char *const *operands,
	struct image *img, struct err *e)
{
	_cleanup_free_ char *rootfs = NULL;
	int r;

	if (o->name && (r = container_check_name(o->name, e)) < 0)
		return err_wrap(e, r, "--name");
	if (o->replace && !o->name)
		return err_msg(e, -EINVAL, "--replace needs --name");
	if ((r = check_new_file("--cidfile", o->cidfile, e)) < 0 ||
		(r = check_new_file("--pidfile", o->pidfile, e)) < 0)
		return r;
	s->detach = o->detach;
	s->interactive = o->interactive;
	s->tty = o->tty;
	r = mapping_parse(s->en, o, &s->mapping, e);
	if (r == 0)
		r = engine_map(s->en, e);
	/* First of all, as a new namespace takes longer than everything that follows here. */
	if (r == 0 && !o->explain && (r = userns_hold(s->en, &s->hold, e)) < 0)
		(void)probe_explain(e);
	if (r == 0)
		r = mapping_make(s->en, &s->mapping, e);
	if (r < 0)
		return r;
	r = o->rootfs ? find_rootfs(operands[0], &rootfs, e)
		      : run_image(s->en, o, operands[0], img, e);
	if (r < 0)
		return image_failed(s->en, r, e);
	trace("image found");
	if ((o->volumes || o->mounts) && !o->rootfs)
		r = mapping_choose(s->en, o, img, &s->mapping, e);
	if (r == 0)
		r = plan_make(s->en, o, &s->mapping, o->rootfs ? NULL : img, rootfs, operands + 1,
			&s->plan, e);
	trace("plan made");
	return r;
}

static int replace(struct start *s, const char *name, struct err *e)
{
	_cleanup_container_ struct container old = CONTAINER_INIT;
	int r = container_find(s->en, name, &old, e);

	if (r == -ENOENT || (r == 0 && !streq(old.name, name))) {
		*e = (struct err)ERR_INIT;
		return 0;
	}
	return r < 0 ? r : container_remove(s->en, &old, true, e);
}

struct readiness {
	struct start *s;
	const struct container_opts *o;
	const struct image *img;
};

/*
 * From the note on no removal takes the image away, and one that did so before is seen by the look
 * behind it. The old container of --replace protects it until then.
 */
static int claim_image(struct container *c, void *ctx, struct err *e)
{
	struct readiness *q = ctx;
	int r = 0;

	if (q->img && !(c->image_id = strdup(q->img->id)))
		return err_set(e, -ENOMEM, "container");
	if (q->img)
		r = container_note_start(c, NULL, e);
	if (r == 0 && q->img && !image_exists(&q->s->en->images, c->image_id))
		r = err_msg(e, -ESTALE, "image %s was removed by another command just now",
			q->img->name);
	return r == 0 && q->o->replace ? replace(q->s, q->o->name, e) : r;
}

static int fill_record(
	struct start *s, const struct container_opts *o, const struct image *img, struct err *e)
{
	struct container *c = &s->c;
	const struct plan *p = &s->plan;
	static struct idmap outside;
	char userns[120];
	int r;

	c->image = strdup(img ? img->name : p->spec.root_path);
	c->labels = p->labels ? json_incref(p->labels) : NULL;
	c->annotations = p->annotations ? json_incref(p->annotations) : NULL;
	c->network = strdup(net_name(p->net));
	c->driver = img ? strdup(ladder_name(ROOT_OVERLAY)) : NULL;
	mapping_name(&s->mapping, userns, sizeof(userns));
	c->userns = strdup(userns);
	c->userns_why = s->mapping.why[0] ? strdup(s->mapping.why) : NULL;
	c->stop_signal = p->stop_signal;
	c->stop_timeout = p->stop_timeout;
	c->auto_remove = o->rm;
	c->tty = o->tty;
	c->open_stdin = o->interactive;
	if (!c->image || (img && !c->driver) || !c->network || !c->userns ||
		strv_extend(&c->command, p->spec.process.args) < 0)
		return err_set(e, -ENOMEM, "record");
	idmap_compose(&s->mapping.child, &s->en->map, &outside);
	if (s->request && json_carries(p->spec.process.args) && json_carries(p->spec.process.env))
		c->request = json_incref(s->request);
	r = record_set_map(c, &outside, e);
	if (r == 0)
		r = record_set_config(c, o, p, e);
	return r < 0 ? r : record_set_mounts(c, &p->spec, e);
}

/* Takes a start back; the first error is the one that is told. */
static void take_back(struct start *s)
{
	struct err ignored = ERR_INIT;

	start_close(s);
	if (s->monitor_lives) {
		_cleanup_container_ struct container c = CONTAINER_INIT;

		/* Found anew: the monitor's own pid is known to its record alone. */
		if (container_find(s->en, s->c.id, &c, &ignored) == 0)
			(void)container_remove(s->en, &c, true, &ignored);
		return;
	}
	fd_closep(&s->c.lock);
	(void)container_delete(s->en, &s->c, &ignored);
}

int run_create(
	struct start *s, const struct container_opts *o, const struct image *img, struct err *e)
{
	struct readiness ready = { .s = s, .o = o, .img = img };
	_cleanup_fd_ int cidfile = -1;
	int r = container_make(s->en, o->name, claim_image, &ready, &s->c, e);

	if (r < 0)
		return r;
	r = mapping_claim(s->en, &s->mapping, s->c.id, e);
	if (r == 0)
		r = fill_record(s, o, img, e);
	if (r == 0 && !s->c.request)
		r = err_msg(e, -EILSEQ,
			"create: options, command and environment must be UTF-8, to be kept for "
			"'uctr "
			"start'");
	if (r == 0)
		r = start_place_layer(s, img, e);
	if (r == 0)
		r = make_new_file("--cidfile", o->cidfile, &cidfile, e);
	if (r == 0)
		r = write_new_file("--cidfile", o->cidfile, cidfile, s->c.id, e);
	if (r == 0)
		r = container_save(&s->c, e);
	if (r == 0)
		return 0;
	take_back(s);
	if (cidfile >= 0)
		unlink(o->cidfile);
	return r;
}

int run_start(
	struct start *s, const struct container_opts *o, const struct image *img, struct err *e)
{
	struct spec_process *pr = &s->plan.spec.process;
	_cleanup_fd_ int cidfile = -1, pidfile = -1;
	char pid[24];
	struct readiness ready = { .s = s, .o = o, .img = img };
	int r = container_make(s->en, o->name, claim_image, &ready, &s->c, e);

	if (r < 0)
		return r;
	trace("container %.12s made", s->c.id);
	if (o->tty)
		attach_size(&pr->rows, &pr->cols);
	r = mapping_claim(s->en, &s->mapping, s->c.id, e);
	if (r == 0)
		r = fill_record(s, o, img, e);
	if (r == 0)
		r = start_place(s, o, img, e);
	/* Both before the start: what cannot be written is known before anything runs. */
	if (r == 0)
		r = make_new_file("--cidfile", o->cidfile, &cidfile, e);
	if (r == 0)
		r = make_new_file("--pidfile", o->pidfile, &pidfile, e);
	if (r == 0)
		r = write_new_file("--cidfile", o->cidfile, cidfile, s->c.id, e);
	if (r == 0)
		r = start_go(s, e);
	snprintf(pid, sizeof(pid), "%d", s->c.pid);
	if (r == 0)
		r = write_new_file("--pidfile", o->pidfile, pidfile, pid, e);
	if (r == 0)
		return 0;
	take_back(s);
	if (cidfile >= 0)
		unlink(o->cidfile);
	if (pidfile >= 0)
		unlink(o->pidfile);
	return r;
}

int run_attach(struct start *s, struct err *e)
{
	struct attach a = { .ctl = s->ctl[0],
		.in = take_fd(&s->in[1]),
		.out = take_fd(&s->fwd_out[0]),
		.err = take_fd(&s->fwd_err[0]),
		.master = s->master,
		.interactive = s->interactive,
		.relayed = true };
	int r = attach_run(&a, e);

	fd_closep(&a.in);
	if (a.oom)
		engine_warn(s->en,
			"container %s ended for lack of memory: its limit (--memory) is %lld kB",
			s->c.name, (long long)s->plan.spec.limits.memory / 1024);
	return r;
}

static json_t *explain_map(const struct idmap *m)
{
	json_t *a = json_array();

	for (size_t i = 0; i < m->n_uid; i++)
		json_array_append_new(
			a, json_sprintf("%u-%u inside is %u-%u of the host", m->uid[i].inside,
				   m->uid[i].inside + m->uid[i].count - 1, m->uid[i].outside,
				   m->uid[i].outside + m->uid[i].count - 1));
	return a;
}

static json_t *explain_mounts(const struct spec *s)
{
	json_t *a = json_array();

	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct spec_mount *m = &s->mounts[i];

		json_array_append_new(
			a, json_sprintf("%s: %s%s%s%s", m->dest,
				   m->kind == MOUNT_BIND ? "bind of " : "new ",
				   m->kind == MOUNT_BIND ? m->source : m->type,
				   m->attr_set & 1 ? ", read-only" : "",
				   m->kind == MOUNT_BIND && m->rec_attr ? ", recursively" : ""));
	}
	for (size_t i = 0; i < s->n_devices; i++)
		json_array_append_new(
			a, json_sprintf("%s: device of the host", s->devices[i].path));
	return a;
}

static json_t *explain_caps(uint64_t mask)
{
	json_t *a = json_array();

	for (int i = 0; i < 64; i++) {
		_cleanup_free_ char *name = mask & CAP_BIT(i) ? caps_name(i) : NULL;

		if (name)
			json_array_append_new(a, json_string(name));
	}
	return a;
}

static json_t *explain_cgroup(const struct spec *s)
{
	struct err e = ERR_INIT;
	struct cgroup_root root;
	json_t *o = json_object();

	if (cgroup_find(&root, &e) < 0)
		root = (struct cgroup_root){ .fd = -1 };
	json_object_set_new(o, "below",
		root.fd < 0 ? json_sprintf("none: %s", root.why) : json_text(root.path));
	if (root.fd >= 0)
		json_object_set_new(o, "controllers", json_text(root.controllers));
	if (s->limits.cpu_quota)
		json_object_set_new(o, "cpu.max",
			json_sprintf("%lld %llu", (long long)s->limits.cpu_quota,
				(unsigned long long)s->limits.cpu_period));
	if (s->limits.memory)
		json_object_set_new(o, "memory.max", json_integer(s->limits.memory));
	if (s->limits.pids > 0)
		json_object_set_new(o, "pids.max", json_integer(s->limits.pids));
	if (cgroup_check(&root, &s->limits, &e) < 0)
		json_object_set_new(o, "problem", json_text(e.msg));
	cgroup_root_free(&root);
	return o;
}

json_t *run_explain(const struct start *s, const struct image *img)
{
	static struct idmap outside;
	const struct spec *sp = &s->plan.spec;
	json_t *o = json_object();
	char userns[120];

	json_object_set_new(o, "image", img ? json_text(img->name) : json_null());
	json_object_set_new(o, "root",
		img ? json_sprintf("%s of %zu layer(s)%s",
			      ladder_name(sp->root == ROOT_AUTO ? ROOT_OVERLAY : sp->root),
			      strv_len(img->layers), sp->root_readonly ? ", read-only" : "")
		    : json_text(sp->root_path));
	json_object_set_new(o, "command", json_from_strv(sp->process.args));
	json_object_set_new(o, "user", json_text(sp->process.user.name));
	json_object_set_new(o, "workdir", json_text(sp->process.cwd));
	json_object_set_new(o, "environment", json_from_strv(sp->process.env));
	mapping_name(&s->mapping, userns, sizeof(userns));
	json_object_set_new(o, "userns", json_string(userns));
	if (s->mapping.why[0])
		json_object_set_new(o, "usernsWhy", json_text(s->mapping.why));
	idmap_compose(&s->mapping.child, &s->en->map, &outside);
	json_object_set_new(o, "map", explain_map(&outside));
	json_object_set_new(o, "mounts", explain_mounts(sp));
	json_object_set_new(o, "masked", json_from_strv(sp->masked));
	json_object_set_new(o, "readonly", json_from_strv(sp->readonly));
	json_object_set_new(o, "sysctl", json_from_strv(sp->sysctl));
	json_object_set_new(o, "network", json_string(net_name(s->plan.net)));
	json_object_set_new(o, "cgroup", explain_cgroup(sp));
	json_object_set_new(o, "capabilities", explain_caps(sp->process.caps.bounding));
	json_object_set_new(o, "seccomp",
		sp->seccomp.insns ? json_sprintf("filter of %u instructions", sp->seccomp.len)
				  : json_string("unconfined"));
	json_object_set_new(o, "noNewPrivileges", json_boolean(sp->process.no_new_privs));
	return o;
}
