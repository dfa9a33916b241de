/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening what the caller named with the caller's rights. Where root of the container's user
 * namespace is somebody else (keep-id, nomap, auto), he may not search the caller's directories:
 * not by owner, and not by capability where their owner or group is not mapped. A fresh child still
 * has the caller's ids, until it becomes that root.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "runtime/child.h"
#include "sys/mount.h"

static int open_dir(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int paths_dir(const struct child *c, const char *path)
{
	for (size_t i = 0; i < c->n_opened; i++) {
		int fd;

		if (!streq(c->opened[i].path, path))
			continue;
		fd = fcntl(c->opened[i].fd, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? -errno : fd;
	}
	return open_dir(path);
}

static int keep_open(struct child *c, const char *path, struct err *e)
{
	int fd;

	if (!path)
		return 0;
	fd = open_dir(path);
	if (fd < 0)
		return err_set(e, fd, "open %s", path);
	c->opened[c->n_opened++] = (struct opened){ path, fd };
	return 0;
}

/* requires: ids mapped. leaves: descriptors in c->opened, binds in c->mounts. */
int paths_open(struct child *c, struct err *e)
{
	const struct spec *s = c->spec;
	/* Slave, so that what is cloned from now on sends nothing back; see rootfs_mount_root(). */
	int r = mount_propagation_all(MS_SLAVE);

	if (r < 0)
		return err_set(e, r, "make mounts private");
	c->opened = calloc(strv_len(s->lowers) + 3, sizeof(*c->opened));
	if (!c->opened)
		return err_set(e, -ENOMEM, "paths");
	strv_foreach (lower, s->lowers) {
		r = keep_open(c, lower, e);
		if (r < 0)
			return r;
	}
	if ((r = keep_open(c, s->upper, e)) < 0 || (r = keep_open(c, s->work, e)) < 0 ||
		(!s->upper && (r = keep_open(c, s->root_path, e)) < 0))
		return r;
	return rootfs_open_binds(c, e);
}
