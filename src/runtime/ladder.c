/* SPDX-License-Identifier: Apache-2.0 */
/* Root file systems where the kernel refuses an overlay, or where another was asked for. */
#include "runtime/ladder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/human.h"
#include "runtime/sync.h"
#include "sys/dirs.h"
#include "sys/mount.h"
#include "sys/syscalls.h"
#include "sys/tree.h"

static const char *const names[] = {
	[ROOT_AUTO] = "auto",
	[ROOT_OVERLAY] = "overlay",
	[ROOT_TMPFS] = "tmpfs",
	[ROOT_FUSE] = "fuse-overlayfs",
	[ROOT_COPY] = "copy",
};

int ladder_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (streq(names[i], name))
			return (int)i;
	}
	return -EINVAL;
}

const char *ladder_name(enum spec_root root)
{
	return names[root];
}

bool ladder_helps(int r)
{
	return r != -ENOENT && !err_is_shortage(r);
}

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The directory that the two lower rungs use, in the container's own one. */
static int make_root_dir(struct child *c, struct err *e)
{
	const char *path = c->spec->root_path;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(e, -errno, "make %s", path);
	return 0;
}

/* --- upper directory on a tmpfs ---------------------------------------------------------------- */

/* Half of what the container may have: the rest is for its processes. */
static uint64_t default_size(const struct spec *s)
{
	struct sysinfo si = { 0 };
	uint64_t all = sysinfo(&si) == 0 ? (uint64_t)si.totalram * si.mem_unit : 1ULL << 30;

	if (s->limits.memory > 0 && (uint64_t)s->limits.memory < all)
		all = (uint64_t)s->limits.memory;
	return all / 2;
}

/* A tmpfs on the work directory; in this mount namespace alone, so gone with it. */
static int mount_upper(struct child *c, uint64_t size, struct err *e)
{
	char text[24];
	const char *const pairs[] = { "size", text, "mode", "0700", NULL };
	_cleanup_fd_ int at = open_dir(c->spec->work), mnt = -1;
	int r;

	if (at < 0)
		return err_set(e, at, "open %s", c->spec->work);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)size);
	mnt = mount_new("tmpfs", pairs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);
	if (mnt < 0)
		return mnt;
	r = mount_attach(mnt, at);
	if (r < 0)
		return err_set(e, r, "attach a tmpfs");
	return take_fd(&mnt);
}

static int try_tmpfs(struct child *c, uint64_t *ret_size, struct err *e)
{
	uint64_t size = c->spec->tmpfs_size ? c->spec->tmpfs_size : default_size(c->spec);
	_cleanup_fd_ int top = mount_upper(c, size, e), upper = -1, work = -1;

	if (top < 0)
		return take_fd(&top);
	if (mkdirat(top, "upper", 0755) < 0 || mkdirat(top, "work", 0700) < 0)
		return err_set(e, -errno, "make directories on a tmpfs");
	upper = openat(top, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	work = openat(top, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (upper < 0 || work < 0 || fchmod(upper, 0755) < 0)
		return err_set(e, -errno, "open directories on a tmpfs");
	/* Overlayfs would mount without them, and then fail at every deletion. */
	if (fsetxattr(upper, "user.overlay.uctr", "y", 1, 0) < 0)
		return err_set(e, -errno, "user attributes on a tmpfs (Linux 6.6 has them)");
	if (fremovexattr(upper, "user.overlay.uctr") < 0)
		return err_set(e, -errno, "user attributes on a tmpfs");
	*ret_size = size;
	return rootfs_overlay(c, upper, work, e);
}

/* --- fuse-overlayfs ---------------------------------------------------------------------------- */

/* A shared mount of the directory on itself, from which the parent's mount comes here. */
static int share_root_dir(struct child *c, struct err *e)
{
	_cleanup_fd_ int dir = open_dir(c->spec->root_path), mnt = -1;
	int r;

	if (dir < 0)
		return err_set(e, dir, "open %s", c->spec->root_path);
	mnt = mount_clone(AT_FDCWD, c->spec->root_path, false);
	r = mnt < 0 ? mnt : mount_attach(mnt, dir);
	if (r == 0)
		r = mount_propagation(mnt, MS_SHARED, false);
	return r < 0 ? err_set(e, r, "prepare %s", c->spec->root_path) : take_fd(&mnt);
}

/*
 * fuse-overlayfs mounts on root_path in a copy of this mount namespace, and the mount comes here by
 * propagation. In this very namespace its root directory would follow our pivot_root into the file
 * system that it serves, and it would wait for itself.
 */
static int ask_for_fuse(struct child *c, struct err *e)
{
	static const char *const own[] = { "/proc/self/ns/user", "/proc/self/ns/mnt" };

	for (size_t i = 0; i < 2; i++) {
		_cleanup_fd_ int ns = open(own[i], O_RDONLY | O_CLOEXEC);
		int r = ns < 0 ? err_set(e, -errno, "open %s", own[i])
			       : sync_send(c->sync, SYNC_FUSE, 0, ns, e);

		if (r < 0)
			return r;
	}
	return sync_expect(c->sync, SYNC_FUSE_DONE, NULL, NULL, e);
}

static int check_device(struct err *e)
{
	_cleanup_fd_ int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (dev < 0 || fstat(dev, &st) < 0)
		return err_set(e, -errno, "fuse-overlayfs: /dev/fuse");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(10, 229))
		return err_msg(e, -ENODEV, "/dev/fuse is not the FUSE device");
	return 0;
}

static int try_fuse(struct child *c, struct err *e)
{
	_cleanup_fd_ int mnt = -1;
	int r;

	if (!dirs_tool("fuse-overlayfs"))
		return err_msg(e, -ENOENT, "fuse-overlayfs is not installed");
	r = check_device(e);
	if (r == 0)
		r = make_root_dir(c, e);
	if (r < 0)
		return r;
	mnt = share_root_dir(c, e);
	if (mnt < 0)
		return take_fd(&mnt);
	r = ask_for_fuse(c, e);
	if (r < 0) {
		(void)sys_umount2(c->spec->root_path, MNT_DETACH);
		return r;
	}
	/* pivot_root(2) takes no shared mounts. */
	r = mount_propagation(mnt, MS_PRIVATE, true);
	if (r < 0)
		return err_set(e, r, "make %s private", c->spec->root_path);
	c->root = open(c->spec->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return c->root < 0 ? err_set(e, -errno, "open %s", c->spec->root_path) : 0;
}

/* --- copy -------------------------------------------------------------------------------------- */

static void tell_progress(const struct tree_sums *s, void *ctx)
{
	struct child *c = ctx;

	/* Lost words are no harm; a parent that is gone is noticed by the next step. */
	(void)sync_send(c->sync, SYNC_PROGRESS, (int64_t)s->bytes, -1, NULL);
}

static int copy_layers(struct child *c, int to, struct err *e)
{
	const struct tree_opts o = { .apply = true, .progress = tell_progress, .ctx = c };

	strv_foreach (layer, c->spec->lowers) {
		_cleanup_fd_ int from = open_dir(layer);
		int r = from < 0 ? err_set(e, from, "open layer %s", layer)
				 : tree_copy(from, to, &o, NULL, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int make_copy(struct child *c, struct err *e)
{
	_cleanup_fd_ int to = -1;
	int r = make_root_dir(c, e);

	if (r < 0)
		return r;
	to = open_dir(c->spec->root_path);
	if (to < 0)
		return err_set(e, to, "open %s", c->spec->root_path);
	if (c->spec->root_kept)
		return rootfs_bind(c, e);
	r = copy_layers(c, to, e);
	if (r < 0) {
		err_wrap(e, r, "make a copy of the image for the container");
		return r == -ENOSPC || r == -EDQUOT ? err_exit(e, 125) : r;
	}
	/* As the upper directory of an overlay gives them to "/". */
	if (fchown(to, 0, 0) < 0 || fchmod(to, 0755) < 0)
		return err_set(e, -errno, "set the owner of %s", c->spec->root_path);
	return rootfs_bind(c, e);
}

/* --- the ladder -------------------------------------------------------------------------------- */

static int chosen(struct child *c, enum spec_root root, struct err *e)
{
	return sync_send(c->sync, SYNC_ROOT, root, -1, e);
}

/* Tells the person, once, what is used instead and why. */
static int fall(struct child *c, enum spec_root root, const struct err *note, struct err *e)
{
	sync_send_note(c->sync, note);
	*e = (struct err)ERR_INIT;
	return chosen(c, root, e);
}

static int fall_to_tmpfs(struct child *c, const struct err *refused, struct err *e)
{
	struct err note = *refused;
	char text[32];
	uint64_t size;
	int r = try_tmpfs(c, &size, e);

	if (r < 0) {
		(void)sys_umount2(c->spec->work, MNT_DETACH);
		return r;
	}
	human_size(size, text, sizeof(text));
	err_wrap(&note, note.code,
		"what the container writes goes to memory, %s at most "
		"(--storage-opt size=, or driver=fuse-overlayfs or copy for the disk), as the "
		"kernel refused",
		text);
	return fall(c, ROOT_TMPFS, &note, e);
}

static int fall_to_fuse(struct child *c, const struct err *refused, struct err *e)
{
	struct err note = *refused;
	int r = try_fuse(c, e);

	if (r < 0)
		return r;
	err_wrap(&note, note.code, "using fuse-overlayfs, which is slower, as the kernel refused");
	return fall(c, ROOT_FUSE, &note, e);
}

/* The line comes first: a copy may take its time. */
static int fall_to_copy(
	struct child *c, const struct err *refused, const struct err *fuse, struct err *e)
{
	struct err note = *refused;
	int r;

	err_wrap(&note, note.code, "using a copy of the image, as the kernel refused");
	err_hint(&note, "and %s", fuse->msg);
	r = fall(c, ROOT_COPY, &note, e);
	return r < 0 ? r : make_copy(c, e);
}

static int forced(struct child *c, struct err *e)
{
	enum spec_root root = c->spec->root;
	uint64_t size;
	int r;

	if (root == ROOT_TMPFS)
		r = try_tmpfs(c, &size, e);
	else if (root == ROOT_FUSE)
		r = try_fuse(c, e);
	else
		r = make_copy(c, e);
	return r < 0 ? err_wrap(e, r, "--storage-opt driver=%s", names[root]) : chosen(c, root, e);
}

int ladder_mount(struct child *c, struct err *e)
{
	struct err refused = *e, fuse = ERR_INIT;
	int r;

	if (c->spec->root != ROOT_AUTO)
		return forced(c, e);
	*e = (struct err)ERR_INIT;
	/* What is written is lost with the container: right where it was to be removed anyhow. */
	r = c->spec->ephemeral ? fall_to_tmpfs(c, &refused, e) : -EOPNOTSUPP;
	if (r == 0)
		return 0;
	r = fall_to_fuse(c, &refused, &fuse);
	return r == 0 ? 0 : fall_to_copy(c, &refused, &fuse, e);
}
