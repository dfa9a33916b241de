/* SPDX-License-Identifier: Apache-2.0 */
/* Mount primitives. */
#include "sys/mount.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "sys/syscalls.h"

#ifndef FSOPEN_CLOEXEC
#define FSOPEN_CLOEXEC 1
#endif

/* What the kernel logged for this context: the real cause behind a bare EINVAL. */
static int config_error(int fs, int r, const char *type, const char *what, struct err *e)
{
	char text[256], *p = text;
	ssize_t n = read(fs, text, sizeof(text) - 1);

	if (n <= 0)
		return err_set(e, r, "mount %s%s%s", type, what ? ": " : "", what ? what : "");
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (p[0] && p[1] == ' ')
		p += 2; /* "e ", "w ", "i ": the level */
	return err_set(e, r, "mount %s%s%s (%s)", type, what ? ": " : "", what ? what : "", p);
}

static int finish(int fs, const char *type, uint64_t attr, struct err *e)
{
	int mnt;

	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return config_error(fs, -errno, type, NULL, e);
	mnt = sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)attr);
	return mnt < 0 ? config_error(fs, -errno, type, NULL, e) : mnt;
}

int mount_new(const char *type, const char *const *pairs, uint64_t attr, struct err *e)
{
	_cleanup_fd_ int fs = sys_fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0)
		return err_set(e, -errno, "mount %s", type);
	for (; pairs && pairs[0]; pairs += 2) {
		unsigned int cmd = pairs[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (sys_fsconfig(fs, cmd, pairs[0], pairs[1], 0) < 0)
			return config_error(fs, -errno, type, pairs[0], e);
	}
	return finish(fs, type, attr, e);
}

int mount_clone(int dirfd, const char *path, bool recursive)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int mnt;

	if (recursive)
		flags |= AT_RECURSIVE;
	if (!*path)
		flags |= AT_EMPTY_PATH;
	mnt = sys_open_tree(dirfd, path, flags);
	return mnt < 0 ? -errno : mnt;
}

int mount_attach(int mnt, int target_fd)
{
	if (sys_move_mount(
		    mnt, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

int mount_attr(int mnt, uint64_t set, uint64_t clear, bool recursive)
{
	struct mount_attr a = { .attr_set = set, .attr_clr = clear };

	if (set & (MOUNT_ATTR_NOATIME | MOUNT_ATTR_STRICTATIME) || clear & MOUNT_ATTR__ATIME)
		a.attr_clr |= MOUNT_ATTR__ATIME;
	if (!a.attr_set && !a.attr_clr)
		return 0;
	if (sys_mount_setattr(mnt, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &a) < 0)
		return -errno;
	return 0;
}

int mount_propagation(int mnt, unsigned long type, bool recursive)
{
	struct mount_attr a = { .propagation = type };

	if (sys_mount_setattr(mnt, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &a) < 0)
		return -errno;
	return 0;
}

int mount_propagation_all(unsigned long type)
{
	struct mount_attr a = { .propagation = type };

	return sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &a) < 0 ? -errno : 0;
}

static int set_fd_path(int fs, const char *key, int fd)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, path, 0) < 0 ? -errno : 0;
}

/* How the layers are named to the kernel. */
enum lower_form {
	LOWER_JOINED, /* lowerdir=/proc/self/fd/4:/proc/self/fd/5, at most 255 bytes (fsconfig) */
	LOWER_EACH, /* lowerdir+=..., one call a layer, Linux 6.5 */
	LOWER_SHORT, /* lowerdir=4:5, from /proc/self/fd as working directory: before 6.5 */
};

static int set_lowers(
	int fs, const int *lower, size_t n, enum lower_form form, struct str *all, struct err *e)
{
	const char *dir = form == LOWER_JOINED ? "/proc/self/fd/" : "";
	int r = 0;

	/* Topmost first. */
	for (size_t i = n; i > 0 && r == 0; i--) {
		if (form == LOWER_EACH)
			r = set_fd_path(fs, "lowerdir+", lower[i - 1]);
		else
			r = str_addf(all, "%s%s%d", all->len ? ":" : "", dir, lower[i - 1]);
	}
	if (r == 0 && form == LOWER_SHORT && chdir("/proc/self/fd") < 0)
		r = -errno;
	if (r < 0)
		return err_set(e, r, "mount overlay: lowerdir");
	if (all->len > 255)
		return err_msg(e, -E2BIG,
			"mount overlay: %zu layers are more than this kernel takes (Linux 6.5 "
			"takes 500)",
			n);
	if (all->len && sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", all->s, 0) < 0)
		return config_error(fs, -errno, "overlay", "lowerdir", e);
	return 0;
}

static int try_overlay(const int *lower, size_t n_lower, enum lower_form form, int upper, int work,
	bool ephemeral, struct err *e)
{
	/* Layers are hostile: no redirects, no metacopy, no index out of their xattrs (B9). */
	static const char *const safe[] = { "redirect_dir", "nofollow", "metacopy", "off", "index",
		"off", NULL };
	_cleanup_fd_ int fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);
	_cleanup_str_ struct str all = { 0 };
	int r;

	if (fs < 0)
		return err_set(e, -errno, "mount overlay");
	if (sys_fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
		return config_error(fs, -errno, "overlay", "userxattr", e);
	for (size_t i = 0; safe[i]; i += 2) {
		if (sys_fsconfig(fs, FSCONFIG_SET_STRING, safe[i], safe[i + 1], 0) < 0)
			return config_error(fs, -errno, "overlay", safe[i], e);
	}
	if (ephemeral && sys_fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0)
		return config_error(fs, -errno, "overlay", "volatile", e);
	r = set_lowers(fs, lower, n_lower, form, &all, e);
	if (r < 0)
		return r;
	r = upper < 0 ? 0 : set_fd_path(fs, "upperdir", upper);
	if (r == 0 && upper >= 0)
		r = set_fd_path(fs, "workdir", work);
	if (r < 0)
		return config_error(fs, r, "overlay", "upperdir", e);
	return finish(fs, "overlay", 0, e);
}

/* "/proc/self/fd/NNN:" is 18 bytes, and fsconfig takes 255. */
#define JOINED_MAX 14

int mount_overlay(
	const int *lower, size_t n_lower, int upper, int work, bool ephemeral, struct err *e)
{
	bool few = n_lower <= JOINED_MAX;
	int mnt = try_overlay(
		lower, n_lower, few ? LOWER_JOINED : LOWER_EACH, upper, work, ephemeral, e);

	/* Before 6.5 an unknown option is found only when the file system is created. */
	if (mnt == -EINVAL && !few)
		mnt = try_overlay(lower, n_lower, LOWER_SHORT, upper, work, ephemeral, e);
	return mnt;
}

int mount_pivot(int root_fd, struct err *e)
{
	/* pivot_root(2), NOTES: "." twice stacks the old root on the new one; detach it there. */
	if (fchdir(root_fd) < 0)
		return err_set(e, -errno, "enter the new root");
	if (sys_pivot_root(".", ".") < 0)
		return err_set(e, -errno, "pivot_root");
	if (sys_umount2(".", MNT_DETACH) < 0)
		return err_set(e, -errno, "detach the old root");
	if (chdir("/") < 0)
		return err_set(e, -errno, "enter the new root");
	return 0;
}
