/* SPDX-License-Identifier: Apache-2.0 */
/* Find, make and verify directories. */
#include "sys/dirs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/red.h"
#include "base/str.h"

#ifndef DATADIR
#define DATADIR "/usr/local/share/uctr"
#endif
#ifndef LIBEXECDIR
#define LIBEXECDIR "/usr/local/libexec/uctr"
#endif

/* Opens path if it is a directory of the caller that nobody else can write to. */
static int open_own(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!red_off("owner") && (st.st_uid != geteuid() || (st.st_mode & 022)))
		return -EPERM;
	return take_fd(&fd);
}

int dirs_make_own(const char *path)
{
	int fd = open_own(path), r;

	if (fd != -ENOENT)
		return fd;
	r = dir_make(AT_FDCWD, path, 0700);
	return r < 0 ? r : open_own(path);
}

bool dirs_place_is_bad(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EACCES || r == -EPERM || r == -EROFS ||
	       r == -ELOOP;
}

int dirs_data(char **ret_path, char **ret_note, struct err *e)
{
	const char *data = getenv("UCTR_DATA"), *xdg = getenv("XDG_DATA_HOME"),
		   *home = getenv("HOME");
	bool chosen = data && *data == '/';
	_cleanup_free_ char *path = NULL;
	_cleanup_fd_ int fd = -1;

	if (chosen)
		path = strdup(data);
	else if (xdg && *xdg == '/')
		path = str_printf("%s/uctr", xdg);
	else if (home && *home == '/')
		path = str_printf("%s/.local/share/uctr", home);
	else
		return dirs_data_elsewhere(NULL, -ENOENT, false, ret_path, ret_note, e);
	if (!path)
		return err_set(e, -ENOMEM, "data directory");
	fd = dirs_make_own(path);
	if (fd < 0)
		return dirs_data_elsewhere(path, fd, chosen, ret_path, ret_note, e);
	if (ret_path)
		*ret_path = take_ptr(path);
	return take_fd(&fd);
}

/* $BASE/uctr below a base that is ours and private. */
static int runtime_below(const char *base, char **ret_path)
{
	_cleanup_fd_ int bfd = open_own(base), fd = -1;
	_cleanup_free_ char *path = NULL;

	if (bfd < 0)
		return take_fd(&bfd);
	path = str_printf("%s/uctr", base);
	if (!path)
		return -ENOMEM;
	fd = open_own(path);
	if (fd == -ENOENT) {
		if (mkdirat(bfd, "uctr", 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = open_own(path);
	}
	if (fd >= 0 && ret_path)
		*ret_path = take_ptr(path);
	return take_fd(&fd);
}

int dirs_runtime(char **ret_path, struct err *e)
{
	static const char *const shared[] = { "/tmp", "/dev/shm" };
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char base[64] = "";
	int fd = -ENOENT;

	if (xdg && *xdg == '/')
		fd = runtime_below(xdg, ret_path);
	if (dirs_place_is_bad(fd)) {
		snprintf(base, sizeof(base), "/run/user/%u", geteuid());
		fd = runtime_below(base, ret_path);
	}
	/* World-writable parents: the mkdir or the checks of open_own decide, not the name. */
	for (size_t i = 0; i < ARRAY_SIZE(shared) && dirs_place_is_bad(fd); i++) {
		snprintf(base, sizeof(base), "%s/uctr-%u", shared[i], geteuid());
		fd = mkdir(base, 0700) < 0 && errno != EEXIST ? -errno
							      : runtime_below(base, ret_path);
	}
	if (fd >= 0)
		return fd;
	err_set(e, fd, "runtime directory %s", base[0] ? base : xdg);
	return dirs_place_is_bad(fd) ? err_hint(e, "set XDG_RUNTIME_DIR to a directory of yours "
						   "with mode 0700")
				     : fd;
}

/* Directory of the running executable, with NAME behind it, if that exists. */
static bool beside(const char *rel, char out[PATH_MAX])
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n <= 0)
		return false;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return false;
	*slash = '\0';
	if (snprintf(out, PATH_MAX, "%s/%s", exe, rel) >= PATH_MAX)
		return false;
	return access(out, F_OK) == 0;
}

const char *dirs_share(void)
{
	static char path[PATH_MAX];

	if (path[0])
		return path;
	if (!beside("share/uctr", path) && !beside("../share/uctr", path))
		snprintf(path, sizeof(path), "%s", DATADIR);
	return path;
}

const char *dirs_helper(const char *name)
{
	static char path[PATH_MAX];
	char rel[128];

	snprintf(rel, sizeof(rel), "libexec/uctr/%s", name);
	if (beside(rel, path))
		return path;
	snprintf(rel, sizeof(rel), "../libexec/uctr/%s", name);
	if (!beside(rel, path))
		snprintf(path, sizeof(path), "%s/%s", LIBEXECDIR, name);
	return path;
}

const char *dirs_tool(const char *name)
{
	static const char *const dirs[] = { "/usr/bin", "/bin", "/usr/sbin", "/sbin",
		"/usr/local/bin", "/usr/local/sbin" };
	static char found[8][64];
	static unsigned int n;
	char path[64];

	for (unsigned int i = 0; i < n; i++) {
		if (streq(strrchr(found[i], '/') + 1, name))
			return found[i];
	}
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (snprintf(path, sizeof(path), "%s/%s", dirs[i], name) >= (int)sizeof(path))
			continue;
		if (access(path, X_OK) < 0)
			continue;
		memcpy(found[n % ARRAY_SIZE(found)], path, sizeof(path));
		return found[n++ % ARRAY_SIZE(found)];
	}
	return NULL;
}
