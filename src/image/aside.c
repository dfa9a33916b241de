/* SPDX-License-Identifier: Apache-2.0 */
/* Removal behind the command: names go at once, contents in a process of its own. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "image/layers.h"

/*
 * What has no name that a reader looks for needs no lock: trees wait as layers/FORM/gone-KEY, blobs
 * as tmp/gone-KEY. A tree stays in its directory, because moving it to another one takes a right on
 * the tree itself, which may belong to a subordinate id.
 *
 * One process at a time removes them, under tmp/clear.lock. Who finds the lock taken leaves the work
 * to its holder: that looks once more after it has let go.
 */
#define GONE "gone-"
#define CLEAR_LOCK STORE_TMP "/clear.lock"

static int gone_name(char buf[32], struct err *e)
{
	uint64_t salt;

	if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
		return err_set(e, -EIO, "getrandom");
	snprintf(buf, 32, GONE "%016llx", (unsigned long long)salt);
	return 0;
}

/* The marker goes first: from then on the tree does not exist for readers. */
int aside_tree(int form_fd, const char *diff_id, struct err *e)
{
	char marker[UCTR_DIGEST_HEX + 8], gone[32];
	int r = gone_name(gone, e);

	snprintf(marker, sizeof(marker), "%.64s.ok", diff_id);
	if (r == 0 && ((unlinkat(form_fd, marker, 0) < 0 && errno != ENOENT) ||
			      (renameat(form_fd, diff_id, form_fd, gone) < 0 && errno != ENOENT)))
		r = err_set(e, -errno, "remove the layer %.12s", diff_id);
	return r;
}

int aside_blob(struct image_store *s, const char *hex, struct err *e)
{
	char from[BLOB_PATH_MAX], gone[32], to[64];
	int r = gone_name(gone, e);

	if (r < 0)
		return r;
	blob_path(hex, from);
	snprintf(to, sizeof(to), STORE_TMP "/%s", gone);
	if (renameat(s->dirfd, from, s->dirfd, to) < 0 && errno != ENOENT)
		return err_set(e, -errno, "remove the blob sha256:%.12s", hex);
	return 0;
}

/* Calls fn for each name that waits in the directory dirfd; what fn makes of it is summed up. */
static int each_gone(struct image_store *s, int dirfd,
	int (*fn)(struct image_store *s, int dirfd, const char *name), int *ret_n, struct err *e)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!d) {
		int r = -errno;

		fd_closep(&fd);
		return err_set(e, r, "list what waits for removal");
	}
	while ((de = readdir(d))) {
		if (str_startswith(de->d_name, GONE))
			*ret_n += fn(s, dirfd, de->d_name);
	}
	closedir(d);
	return 0;
}

static int count_one(struct image_store *s, int dirfd, const char *name)
{
	(void)s, (void)dirfd, (void)name;
	return 1;
}

/* 1 when it is gone. What cannot be removed stays for the next one, and must not end this one. */
static int remove_blob(struct image_store *s, int dirfd, const char *name)
{
	(void)s;
	return unlinkat(dirfd, name, 0) == 0;
}

static int remove_tree(struct image_store *s, int form_fd, const char *name)
{
	return layer_remove_tree(s, form_fd, name, NULL) == 0;
}

static int count_form(struct image_store *s, int form_fd, void *n, struct err *e)
{
	return each_gone(s, form_fd, count_one, n, e);
}

static int clear_form(struct image_store *s, int form_fd, void *n, struct err *e)
{
	return each_gone(s, form_fd, remove_tree, n, e);
}

/* Everything that waits, once over: how much of it was counted or removed. */
static int pass(struct image_store *s, bool clear)
{
	_cleanup_fd_ int tmp = openat(s->dirfd, STORE_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int n = 0;

	if (tmp >= 0)
		(void)each_gone(s, tmp, clear ? remove_blob : count_one, &n, NULL);
	(void)each_form(s, clear ? clear_form : count_form, &n, NULL);
	return n;
}

/* Until a pass finds nothing that it can remove, also after the lock was free for others. */
void image_clear(struct image_store *s)
{
	int n;

	do {
		_cleanup_fd_ int lock = store_lock_file(s->dirfd, CLEAR_LOCK, false);

		if (lock < 0)
			return;
		n = 0;
		while (pass(s, true) > 0)
			n = 1;
	} while (n > 0 && pass(s, false) > 0);
}

bool image_clear_waits(struct image_store *s)
{
	return pass(s, false) > 0;
}
