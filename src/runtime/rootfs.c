/* SPDX-License-Identifier: Apache-2.0 */
/* The root file system and its mounts: sources before pivot_root, targets after it. */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/red.h"
#include "base/trace.h"
#include "runtime/ladder.h"
#include "sys/inroot.h"
#include "sys/mount.h"
#include "sys/syscalls.h"

static int open_dir(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fd_closep(&fds[i]);
	free(fds);
}

int rootfs_overlay(struct child *c, int upper, int work, struct err *e)
{
	const struct spec *s = c->spec;
	size_t n = strv_len(s->lowers);
	int *lower = calloc(n + 1, sizeof(*lower)), mnt, r = 0;

	if (!lower)
		return err_set(e, -ENOMEM, "layers");
	for (size_t i = 0; i < n; i++) {
		lower[i] = paths_dir(c, s->lowers[i]);
		if (lower[i] < 0 && r == 0)
			r = err_set(e, lower[i], "open layer %s", s->lowers[i]);
	}
	mnt = r < 0 ? r : mount_overlay(lower, n, upper, work, s->ephemeral, e);
	close_all(lower, n);
	if (mnt < 0)
		return mnt;
	/* pivot_root wants a place in the tree; the upper directory itself is private to us. */
	r = mount_attach(mnt, upper);
	c->root = mnt;
	return r < 0 ? err_set(e, r, "attach the overlay") : 0;
}

static int overlay(struct child *c, struct err *e)
{
	const struct spec *s = c->spec;
	_cleanup_fd_ int upper = -1, work = -1;
	int r;

	if (s->root > ROOT_OVERLAY)
		return ladder_mount(c, e);
	upper = paths_dir(c, s->upper);
	work = paths_dir(c, s->work);
	if (upper < 0 || work < 0)
		return err_set(
			e, upper < 0 ? upper : work, "open %s", upper < 0 ? s->upper : s->work);
	r = rootfs_overlay(c, upper, work, e);
	return r < 0 && s->root == ROOT_AUTO && ladder_helps(r) ? ladder_mount(c, e) : r;
}

int rootfs_bind(struct child *c, struct err *e)
{
	_cleanup_fd_ int dir = paths_dir(c, c->spec->root_path);
	int mnt, r;

	if (dir < 0)
		return err_set(e, dir, "root file system %s", c->spec->root_path);
	mnt = mount_clone(dir, "", true);
	if (mnt < 0)
		return err_set(e, mnt, "bind root file system %s", c->spec->root_path);
	r = mount_attach(mnt, dir);
	c->root = mnt;
	return r < 0 ? err_set(e, r, "attach root file system %s", c->spec->root_path) : 0;
}

/* requires: ids. leaves: c->root mounted, nothing propagates to the host. */
int rootfs_mount_root(struct child *c, struct err *e)
{
	/* Slave keeps later host mounts flowing into rslave volumes; nothing flows back. */
	int r = mount_propagation_all(MS_SLAVE);

	if (r < 0)
		return err_set(e, r, "make mounts private");
	return c->spec->upper ? overlay(c, e) : rootfs_bind(c, e);
}

/* "key", "value" pairs with "" for flags become what mount_new takes. */
static int new_fs(const struct spec_mount *m, struct err *e)
{
	size_t n = strv_len(m->data);
	const char **pairs = calloc(n + 1, sizeof(*pairs));
	int mnt, r = 0;

	if (!pairs)
		return err_set(e, -ENOMEM, "mount %s", m->type);
	for (size_t i = 0; i + 1 < n; i += 2) {
		pairs[i] = m->data[i];
		pairs[i + 1] = m->data[i + 1][0] ? m->data[i + 1] : NULL;
	}
	mnt = mount_new(m->type, pairs, m->attr_set, e);
	free(pairs);
	if (mnt >= 0 && m->propagation)
		r = mount_propagation(mnt, m->propagation & ~(unsigned long)MS_REC, false);
	if (r < 0) {
		close(mnt);
		return err_set(e, r, "propagation of mount %s", m->type);
	}
	return mnt;
}

/* Whoever may write beside a source must not exchange it for a link after it was looked at (C6). */
static int clone_source(const struct spec_mount *m)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	_cleanup_fd_ int fd = -1;

	if (!m->resolved)
		return mount_clone(AT_FDCWD, m->source, m->recursive);
	fd = sys_openat2(AT_FDCWD, m->source, &how);
	return fd < 0 ? -errno : mount_clone(fd, "", m->recursive);
}

static int bind_source(const struct spec_mount *m, struct err *e)
{
	int r, mnt = clone_source(m);

	if (mnt < 0)
		return err_set(e, mnt, "mount source %s", m->source);
	r = mount_attr(mnt, m->attr_set, m->attr_clear, m->rec_attr || m->recursive);
	if (r == -EPERM && m->attr_clear) {
		/* The host's own nosuid, nodev or ro may not be lifted: they stay. */
		r = mount_attr(mnt, m->attr_set, 0, m->rec_attr || m->recursive);
	}
	if (r == 0)
		r = mount_propagation(mnt,
			(m->propagation ? m->propagation : MS_PRIVATE) & ~(unsigned long)MS_REC,
			!m->propagation || m->propagation & MS_REC);
	if (r < 0) {
		close(mnt);
		return err_set(e, r, "mount options of %s", m->source);
	}
	return mnt;
}

static int alloc_mounts(struct child *c, struct err *e)
{
	if (c->mounts)
		return 0;
	c->mounts = calloc(c->spec->n_mounts + 1, sizeof(*c->mounts));
	if (!c->mounts)
		return err_set(e, -ENOMEM, "mounts");
	for (size_t i = 0; i < c->spec->n_mounts; i++)
		c->mounts[i] = -1;
	return 0;
}

int rootfs_open_binds(struct child *c, struct err *e)
{
	int r = alloc_mounts(c, e);

	for (size_t i = 0; r >= 0 && i < c->spec->n_mounts; i++) {
		const struct spec_mount *m = &c->spec->mounts[i];

		if (m->kind != MOUNT_BIND)
			continue;
		c->mounts[i] = r = bind_source(m, e);
		if (r < 0)
			err_wrap(e, r, "mount %s", m->dest);
	}
	return r < 0 ? r : 0;
}

/* requires: the host's tree in view. leaves: every mount as a detached one. */
int rootfs_open_sources(struct child *c, struct err *e)
{
	const struct spec *s = c->spec;
	int r = alloc_mounts(c, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct spec_mount *m = &s->mounts[i];

		if (c->mounts[i] >= 0)
			continue;
		c->mounts[i] = m->kind == MOUNT_BIND ? bind_source(m, e) : new_fs(m, e);
		if (c->mounts[i] < 0)
			return err_wrap(e, c->mounts[i], "mount %s", m->dest);
		if (m->kind == MOUNT_FS && streq(m->type, "proc"))
			c->proc = c->mounts[i];
	}
	return 0;
}

/*
 * Written through our own detached procfs, which no image can have touched (A8).
 * requires: rootfs_open_sources.
 */
int rootfs_sysctl(struct child *c, struct err *e)
{
	_cleanup_fd_ int own = -1;
	int proc = c->proc;

	if (!c->spec->sysctl)
		return 0;
	if (proc < 0)
		proc = own = mount_new("proc", NULL, 0, e);
	if (proc < 0)
		return proc;
	strv_foreach (kv, c->spec->sysctl) {
		_cleanup_free_ char *path = str_printf("sys/%s", kv);
		char *eq = path ? strchr(path, '=') : NULL;
		int r;

		if (!eq)
			return err_msg(e, -EINVAL, "sysctl '%s': want KEY=VALUE", kv);
		*eq++ = '\0';
		for (char *p = path; *p; p++)
			*p = *p == '.' ? '/' : *p;
		r = file_poke(proc, path, eq);
		if (r < 0) {
			err_set(e, r, "sysctl '%s'", kv);
			return r == -ENOENT || r == -EACCES || r == -EPERM
				       ? err_hint(e, "only settings of the container's own "
						     "namespaces can be set without root")
				       : r;
		}
	}
	return 0;
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Kernel file systems go where they belong, or not at all: no symlink may lead them away (A5, A9). */
static bool is_core(const struct spec_mount *m)
{
	static const char *const types[] = { "proc", "sysfs", "devpts", "mqueue", "cgroup2", NULL };

	if (streq(m->dest, "/dev") || str_startswith(m->dest, "/dev/") || streq(m->dest, "/proc") ||
		streq(m->dest, "/sys"))
		return true;
	for (size_t i = 0; m->kind == MOUNT_FS && types[i]; i++) {
		if (streq(m->type, types[i]))
			return true;
	}
	return false;
}

static int core_target(struct child *c, const struct spec_mount *m, bool dir, struct err *e)
{
	int fd = inroot_open_nolinks(c->root, m->dest, O_PATH | (dir ? O_DIRECTORY : 0));

	if (fd == -ENOENT)
		fd = dir ? inroot_mkdir(c->root, m->dest) : inroot_touch(c->root, m->dest);
	if (fd == -ELOOP)
		return err_msg(e, fd,
			"%s is a symbolic link in the image; refusing to mount through it",
			m->dest);
	return fd < 0 ? err_set(e, fd, "mount target %s", m->dest) : fd;
}

static int target(struct child *c, const struct spec_mount *m, int mnt, struct err *e)
{
	struct stat st;
	bool dir;
	int fd;

	if (fstat(mnt, &st) < 0)
		return err_set(e, -errno, "mount %s", m->dest);
	dir = S_ISDIR(st.st_mode);
	if (is_core(m)) {
		fd = core_target(c, m, dir, e);
		if (fd < 0)
			return fd;
	} else {
		fd = dir ? inroot_mkdir(c->root, m->dest) : inroot_touch(c->root, m->dest);
		if (fd < 0)
			return err_set(e, fd, "mount target %s", m->dest);
	}
	if (!red_off("procfs") && inroot_is_fs(fd, PROC_SUPER_MAGIC)) {
		close(fd);
		return err_msg(e, -EINVAL,
			"mount target %s lies on /proc; nothing may be mounted there", m->dest);
	}
	if (!red_off("top") && same_file(fd, c->root)) {
		close(fd);
		return err_msg(
			e, -EINVAL, "mount target %s is the container's root directory", m->dest);
	}
	return fd;
}

/* requires: the new root at "/". leaves: all mounts in place, c->root opened anew. */
int rootfs_attach(struct child *c, struct err *e)
{
	bool proc = false;

	if (!red_off("pivot")) {
		fd_closep(&c->root);
		c->root = open_dir("/");
	}
	if (c->root < 0)
		return err_set(e, c->root, "open the new root");
	for (size_t i = 0; i < c->spec->n_mounts; i++) {
		const struct spec_mount *m = &c->spec->mounts[i];
		_cleanup_fd_ int at = target(c, m, c->mounts[i], e);
		int r;

		if (at < 0)
			return at;
		r = mount_attach(c->mounts[i], at);
		if (r < 0)
			return err_set(e, r, "mount %s", m->dest);
		proc |= m->kind == MOUNT_FS && streq(m->type, "proc") && streq(m->dest, "/proc");
	}
	if (proc) {
		_cleanup_fd_ int fd = inroot_open_nolinks(c->root, "/proc", O_PATH | O_DIRECTORY);

		if (fd < 0 || !inroot_is_fs(fd, PROC_SUPER_MAGIC))
			return err_msg(e, -EINVAL, "/proc is not a real procfs after mounting it");
	}
	return 0;
}

static int new_empty_dir(struct err *e)
{
	static const char *const pairs[] = { "size", "0", "nr_inodes", "1", "mode", "0", NULL };

	return mount_new("tmpfs", pairs,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
}

/*
 * Covers a file with the verified /dev/null and a directory with an empty tmpfs. The first mount
 * is attached itself and the others are copies of it: before Linux 6.15 only an attached mount can
 * be copied.
 */
static int mask_path(struct child *c, const char *path, struct err *e)
{
	_cleanup_fd_ int at = inroot_open_nolinks(c->root, path, O_PATH), copy = -1;
	struct mask *mask;
	struct stat st;
	int r;

	if (at == -ENOENT || at == -EACCES || at == -ENOTDIR)
		return 0; /* not on this kernel */
	if (at < 0 || fstat(at, &st) < 0)
		return err_set(e, at < 0 ? at : -errno, "masked path %s", path);
	mask = S_ISDIR(st.st_mode) ? &c->empty : &c->null;
	if (mask->fd < 0 && mask == &c->empty)
		mask->fd = new_empty_dir(e);
	if (mask->fd < 0)
		return mask->fd;
	if (mask->attached)
		copy = mount_clone(mask->fd, "", false);
	r = mask->attached && copy < 0 ? copy : mount_attach(mask->attached ? copy : mask->fd, at);
	mask->attached = true;
	return r < 0 ? err_set(e, r, "masked path %s", path) : 0;
}

static int readonly_path(struct child *c, const char *path, struct err *e)
{
	_cleanup_fd_ int at = inroot_open_nolinks(c->root, path, O_PATH), mnt = -1;
	int r;

	if (at == -ENOENT || at == -ENOTDIR)
		return 0;
	if (at < 0)
		return err_set(e, at, "read-only path %s", path);
	mnt = mount_clone(at, "", true);
	if (mnt < 0)
		return err_set(e, mnt, "read-only path %s", path);
	r = mount_attr(mnt, MOUNT_ATTR_RDONLY, 0, true);
	if (r == 0)
		r = mount_attach(mnt, at);
	return r < 0 ? err_set(e, r, "read-only path %s", path) : 0;
}

/* requires: all mounts. leaves: what must not be read or written is covered. */
int rootfs_masks(struct child *c, struct err *e)
{
	int r = 0;

	strv_foreach (path, c->spec->readonly) {
		r = readonly_path(c, path, e);
		if (r < 0)
			return r;
	}
	/* Red control of A6: covers with what the container calls /dev/null. */
	if (red_off("hostnull") && c->spec->masked) {
		fd_closep(&c->null.fd);
		c->null.fd = mount_clone(AT_FDCWD, "/dev/null", false);
	}
	strv_foreach (path, c->spec->masked) {
		r = mask_path(c, path, e);
		if (r < 0)
			return r;
	}
	fd_closep(&c->empty.fd);
	fd_closep(&c->null.fd);
	return 0;
}

/* requires: nothing more is written to the root. leaves: it read-only when asked. */
int rootfs_finish(struct child *c, struct err *e)
{
	int r = 0;

	if (c->spec->process.make_cwd) {
		int fd = process_open_cwd(c->root, &c->process, e);

		if (fd < 0)
			return fd;
		close(fd);
	}
	if (c->spec->root_readonly)
		r = mount_attr(c->root, MOUNT_ATTR_RDONLY, 0, false);
	if (r == 0 && c->spec->rootfs_propagation)
		r = mount_propagation(c->root, c->spec->rootfs_propagation & ~(unsigned long)MS_REC,
			c->spec->rootfs_propagation & MS_REC);
	return r < 0 ? err_set(e, r, "root file system options") : 0;
}
