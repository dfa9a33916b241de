/* SPDX-License-Identifier: Apache-2.0 */
/* Asking credential programs. */
#include "image/credentials_program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/spawn.h"
#include "base/str.h"

#define ANSWER_MAX 65536

extern char **environ;

static int find(const char *name, char **ret, struct err *e)
{
	const char *env = getenv("PATH");
	_cleanup_free_ char *path = str_printf("/usr/local/bin:/usr/bin:/bin:%s", env ? env : "");
	_cleanup_strv_ char **dirs = path ? strv_split(path, ':') : NULL;

	/* The name comes from a file of settings, and becomes part of a path. */
	if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_.-") != strlen(name))
		return err_msg(e, -EINVAL, "credential program: a malformed name");
	strv_foreach (dir, dirs) {
		_cleanup_free_ char *full = str_printf("%s/docker-credential-%s", dir, name);

		if (full && *full == '/' && access(full, X_OK) == 0) {
			*ret = take_ptr(full);
			return 0;
		}
	}
	return err_msg(e, -ENOPKG,
		"docker-credential-%s, which the file of credentials names, is not installed",
		name);
}

static int run(const char *path, const char *verb, int in, char **ret_text, size_t *ret_len,
	int *ret_code, struct err *e)
{
	_cleanup_strv_ char **argv = NULL;
	_cleanup_fd_ int rd = -1, wr = -1;
	struct spawn s = SPAWN_INIT;
	int p[2], r = fd_pipe(p);
	pid_t pid;

	if (r < 0)
		return err_set(e, r, "pipe for %s", path);
	rd = p[0];
	s.stdio[1] = wr = p[1];
	if (strv_add(&argv, path) < 0 || strv_add(&argv, verb) < 0)
		return err_set(e, -ENOMEM, "start %s", path);
	s.path = path;
	s.argv = argv;
	/* It talks to the user's session: a bus, an agent, a home directory. */
	s.env = environ;
	s.stdio[0] = in;
	s.stdio[2] = 2;
	r = spawn_start(&s, &pid, e);
	if (r < 0)
		return r;
	fd_closep(&wr);
	r = fd_slurp(rd, ANSWER_MAX, ret_text, ret_len);
	fd_closep(&rd);
	*ret_code = spawn_wait(pid);
	return r < 0 ? err_set(e, r, "read the answer of %s", path) : 0;
}

int credentials_program(
	const char *name, const char *verb, const char *input, json_t **ret, struct err *e)
{
	_cleanup_free_ char *path = NULL, *text = NULL, *said = NULL;
	_cleanup_fd_ int in = memfd_create("input", MFD_CLOEXEC);
	size_t len = 0;
	int code = 0, r = find(name, &path, e);

	if (r < 0)
		return r;
	r = in < 0 ? -errno : fd_write_all(in, input, strlen(input));
	if (r == 0 && lseek(in, 0, SEEK_SET) < 0)
		r = -errno;
	if (r < 0)
		return err_set(e, r, "ask %s", path);
	r = run(path, verb, in, &text, &len, &code, e);
	if (r < 0)
		return r;
	if (code != 0) {
		text[strcspn(text, "\n")] = '\0';
		said = str_sanitise(text);
		return err_msg(e, strstr(text, "not found") ? -ENOENT : -EIO,
			"%s %s failed (exit code %d): %.200s", path, verb, code, said ? said : "");
	}
	if (!ret)
		return 0;
	r = json_parse(text, len, path, ret, e);
	if (r == 0 && !json_is_object(*ret))
		r = err_msg(e, -EPROTO, "%s: want a JSON object", path);
	return r;
}
