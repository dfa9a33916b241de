/* SPDX-License-Identifier: Apache-2.0 */
/* Clear away what killed commands and monitors left behind. */
#include "engine/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/userns.h"
#include "sys/cgroup.h"

/*
 * The note is what the lock file holds: STATE " " IMAGE-ID " " CGROUP, "-" for what there is not. A
 * file more would cost a start and an end a tenth of a millisecond each.
 */
#define STARTED 'S'
#define ENDED 'E' /* the image is not needed any more */

struct note {
	char text[4096];
	const char *image, *cgroup; /* in text; NULL for none */
};

int container_note_start(struct container *c, const char *cgroup, struct err *e)
{
	char text[sizeof(((struct note *)0)->text)];
	int n = snprintf(text, sizeof(text), "%c %s %s", STARTED, c->image_id ? c->image_id : "-",
		cgroup ? cgroup : "-");
	ssize_t done;

	if (n >= (int)sizeof(text))
		return err_msg(
			e, -ENAMETOOLONG, "the path of cgroup %.100s... is too long", cgroup);
	do {
		done = pwrite(c->lock, text, (size_t)n, 0);
	} while (done < 0 && errno == EINTR);
	/* An earlier start's may have been longer. */
	if (done == n && ftruncate(c->lock, n) == 0)
		return 0;
	return err_set(e, done < 0 ? -errno : -ENOSPC, "note the start of container %s", c->name);
}

void container_note_end(struct container *c)
{
	static const char ended[] = { ENDED };
	_cleanup_fd_ int own = c->lock < 0 ? openat(c->dir, "lock", O_WRONLY | O_CLOEXEC) : -1;

	ssize_t n = pwrite(c->lock < 0 ? own : c->lock, ended, 1, 0);

	(void)n; /* a directory that is gone has nothing to free */
}

static const char *word(const char *s)
{
	return streq(s, "-") ? NULL : s;
}

/* 1, 0 when there is none (yet), or an error. */
static int read_note(int dir, struct note *ret)
{
	_cleanup_fd_ int fd = openat(dir, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, ret->text, sizeof(ret->text) - 1, 0);
	bool started;
	char *space;

	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	ret->text[n] = '\0';
	started = ret->text[0] == STARTED;
	if ((!started && ret->text[0] != ENDED) || ret->text[1] != ' ')
		return 0;
	space = strchr(ret->text + 2, ' ');
	if (!space)
		return 0;
	*space = '\0';
	ret->image = started ? word(ret->text + 2) : NULL;
	ret->cgroup = word(space + 1);
	return 1;
}

/* A few names for one id: found by looking, as the note is made after the name. */
static int free_names_of(struct engine *en, const char *id)
{
	int fd = openat(en->data, "names", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	char holder[80];
	int r = 0;

	if (!d) {
		r = -errno;
		fd_closep(&fd);
		return r == -ENOENT ? 0 : r;
	}
	while (r == 0 && (de = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), de->d_name, holder, sizeof(holder) - 1);

		holder[n > 0 ? n : 0] = '\0';
		if (streq(holder, id))
			r = container_free_name(en, de->d_name, id);
	}
	closedir(d);
	return r;
}

static void sweep_cgroup(struct engine *en, const char *id, const char *path)
{
	int r = path ? cgroup_remove(path) : 0;

	if (r < 0)
		engine_warn(en,
			"cgroup %s of container %.12s, which was killed, is still there: %s", path,
			id, strerror(-r));
}

void sweep_abandoned(struct engine *en, const char *id)
{
	_cleanup_fd_ int dir = openat(en->containers, id,
				 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			 lock = -1;
	struct container c = CONTAINER_INIT;
	struct err e = ERR_INIT;
	struct note note;

	if (dir < 0)
		return;
	lock = container_open_lock(dir, "lock", true);
	/* Held by its start or its removal; or that has just come to its end. */
	if (lock < 0 || lock_take(lock, true, false) < 0 ||
		faccessat(dir, "record.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	if (read_note(dir, &note) > 0)
		sweep_cgroup(en, id, note.cgroup);
	snprintf(c.id, sizeof(c.id), "%s", id);
	(void)container_runtime_clear(en, &c);
	/* With the name not free the directory stays, and is found again by the next sweep. */
	if (free_names_of(en, id) == 0 && container_remove_tree(en, id, &e) < 0)
		engine_warn(en, "%s", e.msg);
}

void sweep_dead(struct engine *en, const struct container *c)
{
	sweep_cgroup(en, c->id, c->cgroup);
	(void)container_runtime_clear(en, c);
	userns_forget(en, c->monitor, c->monitor_start);
}

static DIR *open_containers(struct engine *en)
{
	int fd = openat(en->containers, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		fd_closep(&fd);
	return d;
}

static bool has_record(struct engine *en, const char *id)
{
	char path[80];

	snprintf(path, sizeof(path), "%.64s/record.json", id);
	return faccessat(en->containers, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

void container_sweep(struct engine *en)
{
	DIR *d = open_containers(en);
	struct dirent *de;

	while (d && (de = readdir(d))) {
		if (container_is_id(de->d_name, 64) && !has_record(en, de->d_name))
			sweep_abandoned(en, de->d_name);
	}
	if (d)
		closedir(d);
	userns_sweep(en);
}

/* Adds the image that the note of a container names: as read_note(). */
static int add_noted(struct engine *en, const char *id, char ***ids, struct err *e)
{
	_cleanup_fd_ int dir =
		openat(en->containers, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct note note;
	int r = dir >= 0 ? read_note(dir, &note) : errno == ENOENT ? 0 : -errno;

	if (r < 0)
		return err_set(e, r, "read the note of container %.12s", id);
	if (r > 0 && note.image && !strv_contains(*ids, note.image) &&
		strv_add(ids, note.image) < 0)
		return err_set(e, -ENOMEM, "images in use");
	return r;
}

int sweep_image_of_damaged(
	struct engine *en, const char *id, const struct err *why, void *ctx, struct err *e)
{
	int r = add_noted(en, id, ctx, e);

	if (r != 0)
		return r < 0 ? r : 0;
	return err_msg(e, -EBADMSG, "nobody knows which image it needs: %s", why->msg);
}

int sweep_images_starting(struct engine *en, char ***ids, struct err *e)
{
	DIR *d = open_containers(en);
	struct dirent *de;
	int r = 0;

	if (!d)
		return err_set(e, -errno, "read containers in %s", en->data_path);
	while (r == 0 && (de = readdir(d))) {
		if (container_is_id(de->d_name, 64) && !has_record(en, de->d_name))
			r = add_noted(en, de->d_name, ids, e);
		r = r > 0 ? 0 : r;
	}
	closedir(d);
	return r;
}

static int warn_damaged(
	struct engine *en, const char *id, const struct err *why, void *ctx, struct err *e)
{
	(void)id, (void)ctx, (void)e;
	engine_warn(en, "%s", why->msg);
	return 0;
}

int container_each(struct engine *en, bool brief,
	int (*fn)(struct container *c, void *ctx, struct err *e), void *ctx, struct err *e)
{
	return container_each_or(en, brief, fn, warn_damaged, ctx, e);
}
