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
#include "base/str.h"
#include "sys/passwd.h"

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
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return -EPERM;
	return take_fd(&fd);
}

int dirs_data(char **ret_path, struct err *e)
{
	const char *data = getenv("UCTR_DATA"), *xdg = getenv("XDG_DATA_HOME"),
		   *home = getenv("HOME");
	_cleanup_free_ char *path = NULL;
	_cleanup_fd_ int fd = -1;
	int r;

	if (data && *data == '/') {
		path = strdup(data);
	} else if (xdg && *xdg == '/') {
		path = str_printf("%s/uctr", xdg);
	} else {
		_cleanup_free_ char *known = NULL;

		if ((!home || *home != '/') && passwd_find(geteuid(), NULL, &known) == 0)
			home = known;
		if (!home || *home != '/')
			return err_msg(e, -ENOENT,
				"no home directory for uid %u; set HOME or UCTR_DATA", geteuid());
		path = str_printf("%s/.local/share/uctr", home);
	}
	if (!path)
		return err_set(e, -ENOMEM, "data directory");
	fd = open_own(path);
	if (fd == -ENOENT) {
		r = dir_make(AT_FDCWD, path, 0700);
		if (r < 0) {
			err_set(e, r, "make data directory %s", path);
			return err_hint(e, "set UCTR_DATA to a directory you can write to");
		}
		fd = open_own(path);
	}
	if (fd == -EPERM)
		return err_msg(e, -EPERM,
			"data directory %s belongs to someone else or others can write to it; "
			"set UCTR_DATA or run: chmod go-w %s",
			path, path);
	if (fd < 0)
		return err_set(e, fd, "data directory %s", path);
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
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char base[64];
	int fd = -ENOENT;

	if (xdg && *xdg == '/')
		fd = runtime_below(xdg, ret_path);
	if (fd < 0) {
		snprintf(base, sizeof(base), "/run/user/%u", geteuid());
		fd = runtime_below(base, ret_path);
	}
	if (fd < 0) {
		/* World-writable parent: the mkdir or the checks of open_own decide, not the name. */
		snprintf(base, sizeof(base), "/tmp/uctr-%u", geteuid());
		if (mkdir(base, 0700) < 0 && errno != EEXIST)
			return err_set(e, -errno, "make runtime directory %s", base);
		fd = runtime_below(base, ret_path);
	}
	if (fd < 0) {
		err_set(e, fd, "runtime directory %s", base);
		return err_hint(e, "set XDG_RUNTIME_DIR to a directory of yours with mode 0700");
	}
	return fd;
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
