/* SPDX-License-Identifier: Apache-2.0 */
/* The small /dev: verified nodes bound from the host, links, the terminal. */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/child.h"
#include "sys/inroot.h"
#include "sys/mount.h"
#include "sys/syscalls.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41) /* Linux 4.13 */
#endif

static bool same_device(int fd, const struct spec_device *d)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
		return false;
	if (d->type && (d->type == 'b') != S_ISBLK(st.st_mode))
		return false;
	return d->major < 0 || (major(st.st_rdev) == (unsigned int)d->major &&
				       minor(st.st_rdev) == (unsigned int)d->minor);
}

static int open_device(const struct spec_device *d, struct err *e)
{
	const char *source = d->source ? d->source : d->path;
	int r, mnt = mount_clone(AT_FDCWD, source, false);

	if (mnt == -ENOENT && d->optional)
		return -1;
	if (mnt < 0)
		return err_set(e, mnt, "device %s", source);
	if (!same_device(mnt, d)) {
		close(mnt);
		return err_msg(
			e, -ENODEV, "device %s on the host is not the device it should be", source);
	}
	r = mount_attr(mnt,
		MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC |
			(d->access && !strchr(d->access, 'w') ? MOUNT_ATTR_RDONLY : 0),
		0, false);
	if (r < 0) {
		close(mnt);
		return err_set(e, r, "device %s", source);
	}
	return mnt;
}

/* requires: the host's tree. leaves: device nodes as detached binds, verified /dev/null for masks. */
int devices_open(struct child *c, struct err *e)
{
	static const struct spec_device null = {
		.path = (char *)"/dev/null", .type = 'c', .major = 1, .minor = 3
	};

	c->devices = calloc(c->spec->n_devices + 1, sizeof(*c->devices));
	if (!c->devices)
		return err_set(e, -ENOMEM, "devices");
	for (size_t i = 0; i < c->spec->n_devices; i++) {
		c->devices[i] = open_device(&c->spec->devices[i], e);
		if (c->devices[i] < -1)
			return c->devices[i];
	}
	if (c->spec->masked) {
		c->null.fd = open_device(&null, e);
		if (c->null.fd < 0)
			return c->null.fd;
	}
	return 0;
}

static int make_links(int dev, struct err *e)
{
	static const char *const links[][2] = { { "/proc/self/fd", "fd" },
		{ "/proc/self/fd/0", "stdin" }, { "/proc/self/fd/1", "stdout" },
		{ "/proc/self/fd/2", "stderr" }, { "pts/ptmx", "ptmx" } };

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		if (symlinkat(links[i][0], dev, links[i][1]) < 0 && errno != EEXIST)
			return err_set(e, -errno, "make /dev/%s", links[i][1]);
	}
	return 0;
}

/*
 * A node's place is a file: made by inroot_touch. A symlink there would put the bind elsewhere in
 * the root, so it is refused. requires: mounts. leaves: nodes and links in /dev.
 */
int devices_attach(struct child *c, struct err *e)
{
	_cleanup_fd_ int dev = inroot_open_nolinks(c->root, "/dev", O_PATH | O_DIRECTORY);

	for (size_t i = 0; i < c->spec->n_devices; i++) {
		const char *path = c->spec->devices[i].path;
		_cleanup_fd_ int at = -1;
		int r;

		if (c->devices[i] < 0)
			continue;
		at = inroot_open_nolinks(c->root, path, O_PATH);
		if (at == -ENOENT)
			at = inroot_touch(c->root, path);
		if (at == -ELOOP)
			return err_msg(e, at, "%s is a symbolic link in the image", path);
		if (at < 0)
			return err_set(e, at, "device %s", path);
		r = mount_attach(c->devices[i], at);
		if (r < 0)
			return err_set(e, r, "device %s", path);
		fd_closep(&c->devices[i]);
	}
	/* Only into our own tmpfs: an image's or a volume's /dev stays as it is. */
	return dev >= 0 && inroot_is_fs(dev, TMPFS_MAGIC) ? make_links(dev, e) : 0;
}

/*
 * A pair on the container's own devpts: the master through /dev/pts/ptmx, verified to be devpts,
 * the slave by TIOCGPTPEER, so no path of the container is trusted (A7).
 */
int devices_terminal(int root, bool console, const struct spec_process *p, int *ret_master,
	int *ret_slave, struct err *e)
{
	_cleanup_fd_ int master = -1, slave = -1, mnt = -1, at = -1;
	struct winsize ws = { .ws_row = p->rows, .ws_col = p->cols };
	int unlock = 0, r;

	master = inroot_open_nolinks(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0)
		return err_set(e, master, "open /dev/pts/ptmx of the container");
	if (!inroot_is_fs(master, DEVPTS_SUPER_MAGIC))
		return err_msg(e, -EINVAL, "/dev/pts of the container is not a devpts");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_set(e, -errno, "unlock the terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_set(e, -errno, "open the terminal");
	if (fchown(slave, p->user.uid, (gid_t)-1) < 0)
		return err_set(e, -errno, "give the terminal to uid %u", p->user.uid);
	if ((ws.ws_row || ws.ws_col) && ioctl(master, TIOCSWINSZ, &ws) < 0)
		return err_set(e, -errno, "set the terminal's size");
	if (console) {
		mnt = mount_clone(slave, "", false);
		at = inroot_open_nolinks(root, "/dev/console", O_PATH);
		if (at == -ENOENT)
			at = inroot_touch(root, "/dev/console");
		r = mnt < 0 ? mnt : at < 0 ? at : mount_attach(mnt, at);
		if (r < 0)
			return err_set(e, r, "make /dev/console");
	}
	*ret_master = take_fd(&master);
	*ret_slave = take_fd(&slave);
	return 0;
}
