/* SPDX-License-Identifier: Apache-2.0 */
/* Open and close the engine. */
#include "engine/engine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/trace.h"
#include "engine/container.h"
#include "engine/sweep.h"
#include "engine/userns.h"
#include "sys/dirs.h"
#include "sys/title.h"

static int open_sub(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	}
	return fd < 0 ? -errno : fd;
}

static int images_userns(struct image_store *s, struct err *e)
{
	struct engine *en = s->ctx;
	int r = userns_open(en, e);

	s->userns_fd = en->userns_fd;
	return r;
}

static int images_in_use(struct image_store *s, char ***ids, struct err *e);

/* Several looks at the store in one command find the same. */
static void images_warn(struct image_store *s, const char *line)
{
	struct engine *en = s->ctx;

	if (!strv_contains(en->warnings, line))
		engine_warn(en, "%s", line);
}

/* A data directory that can only be read still gives its images; containers go elsewhere. */
static int read_only_data(struct engine *en, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	int fd = dirs_runtime_data(en->runtime_path, &path, e);

	if (fd < 0)
		return fd;
	engine_warn(en,
		"data directory %s can only be read: its images can be used, containers are kept "
		"in "
		"%s, which is gone after a reboot; set UCTR_DATA to a directory you can write to",
		en->data_path, path);
	en->store = en->data;
	en->data = fd;
	en->store_path = en->data_path;
	en->data_path = take_ptr(path);
	return 0;
}

int engine_check_store(const struct engine *en, struct err *e)
{
	return en->store < 0 ? 0
			     : err_msg(e, -EROFS,
				       "data directory %s can only be read; set UCTR_DATA to a "
				       "directory you can write to",
				       en->store_path);
}

static int open_dirs(struct engine *en, struct err *e)
{
	_cleanup_free_ char *note = NULL;

	en->data = dirs_data(&en->data_path, &note, e);
	if (en->data < 0)
		return en->data;
	if (note)
		engine_warn(en, "%s", note);
	en->runtime = dirs_runtime(&en->runtime_path, e);
	if (en->runtime < 0)
		return en->runtime;
	return faccessat(en->data, ".", W_OK, 0) < 0 ? read_only_data(en, e) : 0;
}

int engine_open(struct engine *en, struct err *e)
{
	int r;

	*en = (struct engine)ENGINE_INIT;
	r = open_dirs(en, e);
	if (r < 0)
		return r;
	en->containers = open_sub(en->data, "containers");
	r = en->containers < 0 ? 0 : userns_find_home(en, e);
	if (r < 0)
		return r;
	if (en->containers < 0)
		return err_set(e, en->containers, "open %s/containers", en->data_path);
	en->images = (struct image_store){ .dirfd = en->store >= 0 ? en->store : en->data,
		.form = en->form,
		.userns_fd = -1,
		.userns = images_userns,
		.warn = images_warn,
		.in_use = images_in_use,
		.ctx = en };
	trace("engine open");
	return 0;
}

/* The map of ranges, or en->one_id when this host has none for the caller. */
static int find_ranges(struct engine *en, struct err *e)
{
	struct err why = ERR_INIT;
	int r = userns_peek(en, &en->map, e);

	if (r != 0)
		return r < 0 ? r : 0;
	r = idmap_full(&en->map, &why);
	if (r == 0)
		r = idmap_check_helpers(&why);
	if (err_is_shortage(r))
		return err_msg(e, r, "%s", why.msg);
	if (r < 0) {
		engine_warn(en, "containers have one id, yours: %s", why.msg);
		snprintf(en->one_why, sizeof(en->one_why), "%s", why.msg);
		en->one_id = true;
	}
	return 0;
}

/* The namespaces with one id and with all of them are beside each other: no way leads across. */
static int check_home(struct engine *en, struct err *e)
{
	bool one = idmap_is_one(&en->map);

	if (one && !en->one_id)
		snprintf(en->one_why, sizeof(en->one_why), "uctr unshare has no other");
	en->one_id = en->one_id || one;
	return one == en->one_id
		       ? 0
		       : err_msg(e, -EPERM,
				 "containers with one id are in another user namespace than this "
				 "shell of uctr unshare; leave it first");
}

int engine_map(struct engine *en, struct err *e)
{
	int r = 0;

	if (en->has_map)
		return 0;
	if (en->home)
		r = check_home(en, e);
	else if (!en->one_id)
		r = find_ranges(en, e);
	if (r < 0)
		return r;
	if (en->one_id && !en->home)
		idmap_one(&en->map);
	en->images.record_owners = en->one_id;
	idmap_form(&en->map, en->form, sizeof(en->form));
	en->has_map = true;
	trace("id map found");
	return 0;
}

void engine_close(struct engine *en)
{
	image_store_end(&en->images);
	fd_closep(&en->data);
	fd_closep(&en->store);
	fd_closep(&en->runtime);
	fd_closep(&en->containers);
	fd_closep(&en->userns_fd);
	free(en->data_path);
	free(en->store_path);
	free(en->runtime_path);
	strv_free(en->warnings);
	*en = (struct engine)ENGINE_INIT;
}

void engine_warn(struct engine *en, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) >= 0)
		(void)strv_take(&en->warnings, s); /* out of memory: a warning less */
	va_end(ap);
}

static int collect_image(struct container *c, void *ctx, struct err *e)
{
	char ***ids = ctx;

	if (!c->image_id || strv_contains(*ids, c->image_id))
		return 0;
	return strv_add(ids, c->image_id) < 0 ? err_set(e, -ENOMEM, "images in use") : 0;
}

int engine_images_in_use(struct engine *en, char ***ids, struct err *e)
{
	/* Starts first: one that has its record by now is seen by the second look. */
	int r = sweep_images_starting(en, ids, e);

	return r < 0 ? r
		     : container_each_or(en, true, collect_image, sweep_image_of_damaged, ids, e);
}

static int images_in_use(struct image_store *s, char ***ids, struct err *e)
{
	return engine_images_in_use(s->ctx, ids, e);
}

/* Nothing of the caller's stays open: who waits for the end of a pipe must not wait for this. */
static int detach(const struct engine *en)
{
	const int keep[] = { en->data, en->store, en->runtime, en->containers, en->userns_fd };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (setsid() < 0 || chdir("/") < 0 || null < 0)
		return -errno;
	for (int i = 0; i < 3; i++) {
		if (dup2(null, i) < 0)
			return -errno;
	}
	return fd_close_except(3, keep, ARRAY_SIZE(keep));
}

void engine_clear_images(struct engine *en)
{
	if (!image_clear_waits(&en->images) || fork() != 0)
		return;
	if (detach(en) < 0)
		_exit(1);
	title_set("uctr: removes images");
	image_clear(&en->images);
	_exit(0);
}

struct count {
	unsigned int running, all;
};

static int count_one(struct container *c, void *ctx, struct err *e)
{
	struct count *n = ctx;

	(void)e;
	n->all++;
	n->running += c->state == CONTAINER_RUNNING;
	return 0;
}

int engine_count(struct engine *en, unsigned int *running, unsigned int *all, struct err *e)
{
	struct count n = { 0 };
	int r = container_each(en, true, count_one, &n, e);

	*running = n.running;
	*all = n.all;
	return r;
}
