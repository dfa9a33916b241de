/* SPDX-License-Identifier: Apache-2.0 */
/* Which directories a container's files are in: by the rung of its root file system. */
#include "engine/view.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/spawn.h"
#include "engine/userns.h"
#include "runtime/ladder.h"
#include "sys/ns.h"
#include "sys/syscalls.h"

/* --- ids --------------------------------------------------------------------------------------- */

static int read_lines(char *const *words, const struct idmap_line *parent, size_t n_parent,
	struct idmap_line *outside, struct idmap_line *child, size_t *ret_n)
{
	size_t n = 0;

	strv_foreach (w, words) {
		struct idmap_line *l = &outside[n];
		char end;

		if (n == IDMAP_LINES ||
			sscanf(w, "%u:%u:%u%c", &l->inside, &l->outside, &l->count, &end) != 3)
			return -EINVAL;
		child[n] = *l;
		child[n].outside = idmap_reverse(parent, n_parent, l->outside);
		if (child[n++].outside == UINT32_MAX)
			return -ENOENT;
	}
	*ret_n = n;
	return n ? 0 : -EINVAL;
}

static bool is_all(
	const struct idmap_line *l, size_t n, const struct idmap_line *parent, size_t n_parent)
{
	return idmap_total(l, n) == idmap_total(parent, n_parent) && idmap_is_identity(l, n);
}

int container_view_ids(
	struct engine *en, const struct container *c, struct container_view *ret, struct err *e)
{
	static struct idmap outside;
	struct idmap *child = &ret->child, *map = &en->map;
	bool whole;
	int r;

	en->one_id = c->userns && streq(c->userns, "one");
	r = engine_map(en, e);
	if (r < 0)
		return r;
	r = read_lines(c->uid_map, map->uid, map->n_uid, outside.uid, child->uid, &outside.n_uid);
	if (r == 0)
		r = read_lines(
			c->gid_map, map->gid, map->n_gid, outside.gid, child->gid, &outside.n_gid);
	if (r < 0)
		return err_msg(e, r, "container %s has ids that are not yours any more (%s)",
			c->name, "/etc/subuid or /etc/subgid was changed");
	child->n_uid = outside.n_uid;
	child->n_gid = outside.n_gid;
	whole = is_all(child->uid, child->n_uid, map->uid, map->n_uid) &&
		is_all(child->gid, child->n_gid, map->gid, map->n_gid);
	idmap_form(&outside, ret->form, sizeof(ret->form));
	en->images.form = whole ? en->form : ret->form;
	en->images.shift = whole ? NULL : child;
	en->images.base_form = whole || en->one_id ? NULL : en->form;
	en->images.record_owners = en->one_id || !whole;
	return 0;
}

/* --- directories ------------------------------------------------------------------------------- */

static int add(int **list, size_t *n, int fd, const char *what, struct err *e)
{
	if (fd < 0)
		return err_set(e, -errno, "open %s of the container", what);
	return image_view_add(list, n, fd) < 0 ? err_set(e, -ENOMEM, "layers") : 0;
}

static int add_own(
	const struct container *c, const char *name, int **list, size_t *n, struct err *e)
{
	int fd = openat(c->dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return add(list, n, fd, name, e);
}

static int add_image(
	struct engine *en, const struct container *c, int **list, size_t *n, struct err *e)
{
	/* With its prefix it can be nothing but an id, whatever images are called. */
	_cleanup_free_ char *id = str_printf("sha256:%s", c->image_id);

	return id ? image_view_layers(&en->images, id, list, n, e) : err_set(e, -ENOMEM, "layers");
}

/* The upper directory of an overlay, of the kernel's or of fuse-overlayfs's. */
static int open_upper(struct engine *en, struct container *c, enum container_view_kind kind,
	struct image_view *v, struct err *e)
{
	int r = 0;

	v->marks = kind == CONTAINER_LAYER;
	v->top = kind == CONTAINER_CHANGES;
	if (!v->marks)
		r = add_image(en, c, &v->layers, &v->n_layers, e);
	if (r == 0 && v->top)
		r = add_image(en, c, &v->base, &v->n_base, e);
	return r < 0 ? r : add_own(c, "upper", &v->layers, &v->n_layers, e);
}

/* A directory that has everything; what is new in it is found by comparing. */
static int open_whole(struct engine *en, struct container *c, enum container_view_kind kind, int fd,
	const char *what, struct image_view *v, struct err *e)
{
	int r = add(&v->layers, &v->n_layers, fd, what, e);

	return r < 0 || kind == CONTAINER_TREE ? r : add_image(en, c, &v->base, &v->n_base, e);
}

static int open_memory(struct engine *en, struct container *c, enum container_view_kind kind,
	struct image_view *v, struct err *e)
{
	int fd;

	if (c->state != CONTAINER_RUNNING)
		return err_msg(e, -ENODATA,
			"what container %s wrote was in memory (driver tmpfs) and is gone since it "
			"ended",
			c->name);
	fd = container_live_root(en, c, e);
	return fd < 0 ? fd : open_whole(en, c, kind, fd, "the root", v, e);
}

static int open_directory(
	struct container *c, enum container_view_kind kind, struct image_view *v, struct err *e)
{
	int fd = kind == CONTAINER_TREE ? open(c->image, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (kind != CONTAINER_TREE)
		return err_msg(e, -EINVAL,
			"container %s has no image, but the directory %s (--rootfs); \"uctr "
			"export\" "
			"and \"uctr import\" make an image of it",
			c->name, c->image);
	return add(&v->layers, &v->n_layers, fd, c->image, e);
}

int container_view_open(struct engine *en, struct container *c, enum container_view_kind kind,
	struct container_view *ret, struct err *e)
{
	struct image_view *v = &ret->v;
	int root = c->driver ? ladder_from_name(c->driver) : ROOT_OVERLAY;
	int r = container_view_ids(en, c, ret, e);

	if (r < 0)
		return r;
	v->owners_fd = openat(c->dir, "owners", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (v->owners_fd < 0 && errno != ENOENT)
		return err_set(e, -errno, "open owners of container %s", c->name);
	if (!c->image_id)
		return open_directory(c, kind, v, e);
	if (root == ROOT_TMPFS)
		return open_memory(en, c, kind, v, e);
	if (root == ROOT_COPY)
		return open_whole(en, c, kind,
			openat(c->dir, "merged", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			"the root", v, e);
	v->wh_names = root == ROOT_FUSE;
	return open_upper(en, c, kind, v, e);
}

/* --- the living root --------------------------------------------------------------------------- */

/* In the user's namespace first, whose root may enter the container's. */
static int clone_root(int userns, int pidfd)
{
	int fd;

	if (userns_enter(userns) < 0 || setns(pidfd, CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -errno;
	fd = sys_open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int container_live_root(struct engine *en, const struct container *c, struct err *e)
{
	_cleanup_fd_ int pidfd = proc_open(c->pid, c->pid_start);
	int pair[2], fds[FD_PASS_MAX], r = 0, word;
	size_t n = 0;
	pid_t pid;

	if (pidfd < 0)
		return err_set(e, pidfd, "find the process of container %s", c->name);
	r = userns_open(en, e);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(e, -errno, "socket pair");
	pid = fork();
	if (pid == 0) {
		word = clone_root(en->userns_fd, pidfd);
		_exit(fd_send(pair[1], &word, sizeof(word), &word, word >= 0) < 0);
	}
	close(pair[1]);
	r = pid < 0 ? -errno : (int)fd_recv(pair[0], &word, sizeof(word), fds, &n);
	close(pair[0]);
	if (pid > 0)
		spawn_wait(pid);
	if (r < 0 || n != 1)
		return err_set(e, r < 0 ? r : r == 0 ? -EIO : word, "enter container %s", c->name);
	return fds[0];
}
