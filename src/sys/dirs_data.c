/* SPDX-License-Identifier: Apache-2.0 */
/* Where data goes when the home directory cannot take it. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "sys/dirs.h"
#include "sys/passwd.h"

static int failed(const char *path, int r, struct err *e)
{
	struct stat st;

	if (r == -EPERM && lstat(path, &st) == 0 && st.st_uid == geteuid())
		return err_msg(e, r,
			"others can write to the data directory %s; run: chmod go-w %s, or set "
			"UCTR_DATA",
			path, path);
	if (r == -EPERM)
		return err_msg(e, r,
			"data directory %s belongs to someone else; set UCTR_DATA to a directory "
			"of yours",
			path);
	err_set(e, r, "data directory %s", path);
	return dirs_place_is_bad(r) ? err_hint(e, "set UCTR_DATA to a directory you can write to")
				    : r;
}

/* A directory of ours that others can write to is for its owner to mend, not to be passed over. */
static bool is_final(const char *path, int r)
{
	struct stat st;

	if (r == -EPERM)
		return lstat(path, &st) == 0 && st.st_uid == geteuid();
	return !dirs_place_is_bad(r);
}

int dirs_runtime_data(const char *runtime, char **ret_path, struct err *e)
{
	_cleanup_free_ char *path = str_printf("%s/data", runtime);
	int fd;

	if (!path)
		return err_set(e, -ENOMEM, "data directory");
	fd = dirs_make_own(path);
	if (fd < 0)
		return failed(path, fd, e);
	*ret_path = take_ptr(path);
	return fd;
}

static int below_home(char **ret_path)
{
	_cleanup_free_ char *home = NULL;
	int fd;

	if (passwd_find(geteuid(), NULL, &home) < 0 || !home || *home != '/')
		return -ENOENT;
	*ret_path = str_printf("%s/.local/share/uctr", home);
	if (!*ret_path)
		return -ENOMEM;
	fd = dirs_make_own(*ret_path);
	return fd;
}

static int below_runtime(char **ret_path, struct err *e)
{
	_cleanup_free_ char *runtime = NULL;
	int fd = dirs_runtime(&runtime, e);

	if (fd < 0)
		return fd;
	close(fd);
	return dirs_runtime_data(runtime, ret_path, e);
}

static char *why(const char *first, int r, const char *path, bool passing)
{
	_cleanup_free_ char *what = NULL;

	if (!first)
		what = str_printf("uid %u has no home directory", geteuid());
	else if (r == -EPERM)
		what = str_printf("data directory %s belongs to someone else", first);
	else
		what = str_printf("data directory %s: %s", first, strerror(-r));
	return what ? str_printf("%s; using %s%s; set HOME or UCTR_DATA to a directory of yours",
			      what, path, passing ? ", which is gone after a reboot" : "")
		    : NULL;
}

int dirs_data_elsewhere(
	const char *first, int r, bool chosen, char **ret_path, char **ret_note, struct err *e)
{
	_cleanup_free_ char *path = NULL, *note = NULL;
	_cleanup_fd_ int fd = -ENOENT;
	bool passing = false;

	if (first && (chosen || is_final(first, r)))
		return failed(first, r, e);
	fd = below_home(&path);
	if (fd < 0 && path && is_final(path, fd))
		return failed(path, fd, e);
	if (fd < 0) {
		passing = true;
		free(take_ptr(path));
		fd = below_runtime(&path, e);
		if (fd < 0)
			return take_fd(&fd);
	}
	/* Only HOME was missing: the user database is no lesser place. */
	if (first || passing) {
		note = why(first, r, path, passing);
		if (!note)
			return err_set(e, -ENOMEM, "data directory");
	}
	if (ret_path)
		*ret_path = take_ptr(path);
	if (ret_note)
		*ret_note = take_ptr(note);
	return take_fd(&fd);
}
