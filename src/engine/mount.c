/* SPDX-License-Identifier: Apache-2.0 */
/* uctr mount and umount: from a container's or an image's layers to a mount in this namespace. */
#include "engine/mount.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "engine/view.h"
#include "runtime/ladder.h"
#include "sys/mount.h"
#include "sys/syscalls.h"

#define PLACES "mounts" /* in the runtime directory; a tmpfs lies on it in each shell of unshare */

static int check_home(const struct engine *en, struct err *e)
{
	if (en->home)
		return 0;
	return err_msg(e, -EPERM,
		"an ordinary user can mount only inside \"uctr unshare\", and mounts are seen "
		"there "
		"alone; run: uctr unshare");
}

static bool is_mount(int dirfd, const char *name)
{
	struct statx st;

	return statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int open_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The tmpfs; -ENOENT when nothing was mounted yet. */
static int open_places(struct engine *en)
{
	_cleanup_fd_ int fd = open_dir(en->runtime, PLACES);

	return fd < 0 || is_mount(fd, "") ? take_fd(&fd) : -ENOENT;
}

static int make_places(struct engine *en, struct err *e)
{
	const char *const pairs[] = { "mode", "0700", NULL };
	_cleanup_fd_ int fd = open_places(en), mnt = -1, at = -1;
	int r;

	if (fd >= 0)
		return take_fd(&fd);
	if (mkdirat(en->runtime, PLACES, 0700) < 0 && errno != EEXIST)
		return err_set(e, -errno, "make %s/" PLACES, en->runtime_path);
	at = open_dir(en->runtime, PLACES);
	if (at < 0)
		return err_set(e, at, "open %s/" PLACES, en->runtime_path);
	mnt = mount_new("tmpfs", pairs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);
	r = mnt < 0 ? mnt : mount_attach(mnt, at);
	if (r < 0 && mnt >= 0)
		err_set(e, r, "mount a tmpfs on %s/" PLACES, en->runtime_path);
	if (r < 0)
		return r;
	fd = open_dir(mnt, ".");
	return fd < 0 ? err_set(e, fd, "open %s/" PLACES, en->runtime_path) : take_fd(&fd);
}

static int refuse_fuse(const struct container *c, struct err *e)
{
	return err_msg(e, -EOPNOTSUPP,
		"container %s has its root by fuse-overlayfs, which shows it to nobody else; use "
		"\"uctr export\", or \"uctr exec\" while it runs",
		c->name);
}

/* Of one that ended, the layers are put together as its start did. */
static int of_ended(struct container *c, const struct image_view *v, struct err *e)
{
	size_t top = v->n_layers - 1;
	_cleanup_fd_ int work = -1;
	int mnt;

	if (v->n_layers == 1) {
		mnt = mount_clone(v->layers[0], "", true);
		return mnt < 0 ? err_set(e, mnt, "mount the root of container %s", c->name) : mnt;
	}
	work = openat(c->dir, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (work < 0)
		return err_set(e, -errno, "open the work directory of container %s", c->name);
	mnt = mount_overlay(v->layers, top, v->layers[top], work, false, e);
	return mnt < 0 ? err_wrap(e, mnt, "container %s", c->name) : mnt;
}

static int of_container(struct engine *en, struct container *c, struct err *e)
{
	struct container_view view = { .v = IMAGE_VIEW_INIT };
	int r;

	if (c->image_id && c->driver && ladder_from_name(c->driver) == ROOT_FUSE)
		return refuse_fuse(c, e);
	/* It has one of its own, and a second overlay over the same directory would contradict it. */
	if (c->state == CONTAINER_RUNNING) {
		r = engine_map(en, e);
		return r < 0 ? r : container_live_root(en, c, e);
	}
	r = container_view_open(en, c, CONTAINER_TREE, &view, e);
	if (r == 0)
		r = of_ended(c, &view.v, e);
	image_view_free(&view.v);
	return r;
}

static int of_image(struct engine *en, const char *id, struct err *e)
{
	struct image_view v = IMAGE_VIEW_INIT;
	int r = engine_map(en, e), mnt = -1, at;

	if (r == 0)
		r = image_view_layers(&en->images, id, &v.layers, &v.n_layers, e);
	if (r == 0 && v.n_layers == 0)
		r = err_msg(e, -ENODATA, "image %.12s has no layers", id);
	if (r == 0 && v.n_layers > 1) {
		r = mnt = mount_overlay(v.layers, v.n_layers, -1, -1, false, e);
	} else if (r == 0) {
		r = mnt = mount_clone(v.layers[0], "", false);
		if (r >= 0 && (r = mount_attr(mnt, MOUNT_ATTR_RDONLY, 0, false)) < 0)
			fd_closep(&mnt);
		if (r < 0)
			err_set(e, r, "mount image %.12s", id);
	}
	at = mnt;
	image_view_free(&v);
	return r < 0 ? r : at;
}

/* What a name means: a container, else an image. With c->id "" it is the image *ret_id. */
static int find(
	struct engine *en, const char *what, struct container *c, char **ret_id, struct err *e)
{
	struct err image = ERR_INIT;
	int r = container_find(en, what, c, e);

	if (r != -ENOENT) {
		*ret_id = r < 0 ? NULL : strdup(c->id);
		return r < 0 ? r : *ret_id ? 0 : err_set(e, -ENOMEM, "mount");
	}
	c->id[0] = '\0';
	r = image_find(&en->images, what, ret_id, &image);
	if (r == -ENOENT)
		return err_hint(e, "and no image of that name ('uctr images')");
	*e = image;
	return r;
}

static int attach(struct engine *en, struct container *c, int places, const char *id, struct err *e)
{
	_cleanup_fd_ int at = -1, mnt = -1;
	int r;

	if (mkdirat(places, id, 0700) < 0 && errno != EEXIST)
		return err_set(e, -errno, "make %s/" PLACES "/%s", en->runtime_path, id);
	at = open_dir(places, id);
	if (at < 0)
		return err_set(e, at, "open %s/" PLACES "/%s", en->runtime_path, id);
	mnt = c->id[0] ? of_container(en, c, e) : of_image(en, id, e);
	r = mnt < 0 ? mnt : mount_attach(mnt, at);
	if (r < 0 && mnt >= 0)
		err_set(e, r, "mount on %s/" PLACES "/%s", en->runtime_path, id);
	if (r < 0)
		unlinkat(places, id, AT_REMOVEDIR);
	return r;
}

int mount_make(struct engine *en, const char *what, char **ret_path, struct err *e)
{
	_cleanup_container_ struct container c = CONTAINER_INIT;
	_cleanup_free_ char *id = NULL;
	_cleanup_fd_ int places = -1;
	int r = check_home(en, e);

	if (r == 0)
		r = find(en, what, &c, &id, e);
	if (r < 0)
		return r;
	places = make_places(en, e);
	if (places < 0)
		return take_fd(&places);
	r = is_mount(places, id) ? 0 : attach(en, &c, places, id, e);
	if (r < 0)
		return r;
	*ret_path = str_printf("%s/" PLACES "/%s", en->runtime_path, id);
	return *ret_path ? 0 : err_set(e, -ENOMEM, "mount");
}

static int take_away(struct engine *en, int places, const char *id, bool lazy)
{
	_cleanup_free_ char *path = str_printf("%s/" PLACES "/%s", en->runtime_path, id);

	if (!path)
		return -ENOMEM;
	if (umount2(path, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) < 0)
		return -errno;
	return unlinkat(places, id, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int mount_undo(struct engine *en, const char *what, bool lazy, char **ret_id, struct err *e)
{
	_cleanup_container_ struct container c = CONTAINER_INIT;
	_cleanup_free_ char *id = NULL;
	_cleanup_fd_ int places = -1;
	int r = check_home(en, e);

	if (r < 0)
		return r;
	places = open_places(en);
	/* The whole id of something that does not exist any more may still be mounted. */
	if (places >= 0 && strlen(what) == 64 && !strchr(what, '/') && is_mount(places, what))
		id = strdup(what);
	else
		r = find(en, what, &c, &id, e);
	if (r < 0)
		return r;
	if (!id || places < 0 || !is_mount(places, id))
		return err_msg(e, -EINVAL, "%.12s is not mounted in this shell of uctr unshare",
			id ? id : "");
	r = take_away(en, places, id, lazy);
	if (r == -EBUSY)
		return err_msg(e, r,
			"%s/" PLACES "/%s is in use; end what works in there, or use --force",
			en->runtime_path, id);
	if (r < 0)
		return err_set(e, r, "umount %s/" PLACES "/%s", en->runtime_path, id);
	*ret_id = take_ptr(id);
	return 0;
}

int mount_list(struct engine *en, json_t **ret, struct err *e)
{
	_cleanup_json_ json_t *list = json_array();
	int fd, r = check_home(en, e);
	struct dirent *de;
	DIR *d;

	if (r < 0)
		return r;
	fd = open_places(en);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		fd_closep(&fd);
	while (d && (de = readdir(d))) {
		if (de->d_name[0] != '.' && is_mount(dirfd(d), de->d_name) &&
			json_array_append_new(
				list, json_pack("{ss so}", "Id", de->d_name, "Mountpoint",
					      json_sprintf("%s/" PLACES "/%s", en->runtime_path,
						      de->d_name))) < 0)
			r = -ENOMEM;
	}
	if (d)
		closedir(d);
	if (r < 0)
		return err_set(e, r, "list mounts");
	*ret = take_ptr(list);
	return 0;
}

void mount_forget(struct engine *en, const char *id)
{
	_cleanup_fd_ int places = en->home ? open_places(en) : -1;

	/* One that stays shows files that are gone, to this shell alone. */
	if (places >= 0 && is_mount(places, id))
		(void)take_away(en, places, id, true);
}
