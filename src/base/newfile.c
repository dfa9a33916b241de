/* SPDX-License-Identifier: Apache-2.0 */
/* Files that get their name at the end. */
#include "base/newfile.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

static int name_aside(struct newfile *f)
{
	uint64_t salt;

	if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
		return -EIO;
	snprintf(f->aside, sizeof(f->aside), ".uctr-%016llx", (unsigned long long)salt);
	return 0;
}

/* Takes f->parent and f->base as they are. */
static int make(struct newfile *f, mode_t mode)
{
	int r;

	f->fd = openat(f->parent, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	if (f->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return f->fd < 0 ? -errno : 0;
	r = name_aside(f);
	if (r < 0)
		return r;
	f->fd = openat(
		f->parent, f->aside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (f->fd >= 0)
		return 0;
	r = -errno;
	f->aside[0] = '\0';
	return r;
}

int newfile_open(const char *path, mode_t mode, struct newfile *ret, struct err *e)
{
	_cleanup_free_ char *real = realpath(path, NULL), *dir = strdup(real ? real : path);
	const char *slash = strrchr(real ? real : path, '/');
	struct stat st;
	int r;

	*ret = (struct newfile)NEWFILE_INIT;
	if (!dir)
		return err_set(e, -ENOMEM, "%s", path);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		ret->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return ret->fd < 0 ? err_set(e, -errno, "open %s", path) : 0;
	}
	ret->base = strdup(slash ? slash + 1 : real ? real : path);
	if (!ret->base)
		return err_set(e, -ENOMEM, "%s", path);
	ret->parent = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = ret->parent < 0 ? -errno : make(ret, mode);
	if (r == 0)
		return 0;
	newfile_free(ret);
	return err_set(e, r, "make %s", path);
}

int newfile_at(int dir, const char *base, mode_t mode, struct newfile *ret, struct err *e)
{
	int r;

	*ret = (struct newfile)NEWFILE_INIT;
	ret->parent = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	ret->base = strdup(base);
	r = ret->parent < 0 ? -errno : !ret->base ? -ENOMEM : make(ret, mode);
	if (r == 0)
		return 0;
	newfile_free(ret);
	return err_set(e, r, "make %s", base);
}

int newfile_commit(struct newfile *f, struct err *e)
{
	char self[40];
	int r = 0;

	if (f->parent < 0)
		return 0;
	if (fsync(f->fd) < 0)
		return err_set(e, -errno, "write %s", f->base);
	if (!f->aside[0]) {
		r = name_aside(f);
		snprintf(self, sizeof(self), "/proc/self/fd/%d", f->fd);
		if (r == 0 && linkat(AT_FDCWD, self, f->parent, f->aside, AT_SYMLINK_FOLLOW) < 0) {
			r = -errno;
			f->aside[0] = '\0';
		}
	}
	if (r == 0 && renameat(f->parent, f->aside, f->parent, f->base) < 0)
		r = -errno;
	if (r < 0)
		return err_set(e, r, "make %s", f->base);
	f->aside[0] = '\0';
	return 0;
}

void newfile_free(struct newfile *f)
{
	if (f->aside[0])
		unlinkat(f->parent, f->aside, 0);
	fd_closep(&f->fd);
	fd_closep(&f->parent);
	free(f->base);
	*f = (struct newfile)NEWFILE_INIT;
}
