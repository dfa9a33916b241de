/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's socket and the exec request. */
#include "engine/ctl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

#define REQUEST_MAX (32 << 20)

/* Through /proc/self/fd, so that a long runtime directory fits sun_path's 108 bytes. */
static void address(struct engine *en, const struct container *c, struct sockaddr_un *sa)
{
	char rel[80];

	container_socket_path(c, rel, sizeof(rel));
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	snprintf(sa->sun_path, sizeof(sa->sun_path), "/proc/self/fd/%d/%s", en->runtime, rel);
}

int ctl_listen(struct engine *en, const struct container *c, struct err *e)
{
	_cleanup_fd_ int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sa;
	int r = -1;

	if (s < 0)
		return err_set(e, -errno, "socket");
	address(en, c, &sa);
	for (int i = 0; i < 2 && r < 0; i++) {
		mode_t old = umask(0177);

		r = bind(s, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
		umask(old);
		if (r == -ENOENT && mkdirat(en->runtime, "s", 0700) < 0 && errno != EEXIST)
			return err_set(e, -errno, "make %s/s", en->runtime_path);
	}
	if (r == 0 && listen(s, 64) < 0)
		r = -errno;
	return r < 0 ? err_set(e, r, "listen on the monitor's socket") : take_fd(&s);
}

int ctl_connect(struct engine *en, const struct container *c, struct err *e)
{
	_cleanup_fd_ int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa;

	if (s < 0)
		return err_set(e, -errno, "socket");
	address(en, c, &sa);
	if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_set(e, -errno, "reach the monitor of container %s", c->name);
	return take_fd(&s);
}

void exec_request_free(struct exec_request *q)
{
	strv_free(q->args);
	strv_free(q->env);
	free(q->user);
	free(q->cwd);
	memset(q, 0, sizeof(*q));
}

/* Fields as "KEY=VALUE" strings, each ended by NUL: every byte that argv can hold survives. */
int ctl_pack_exec(const struct exec_request *q, struct err *e)
{
	_cleanup_str_ struct str b = { 0 };
	_cleanup_fd_ int fd = memfd_create("exec", MFD_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return err_set(e, -errno, "memfd_create");
	r |= str_addf(&b, "terminal=%d%c", q->terminal, 0);
	r |= str_addf(&b, "privileged=%d%c", q->privileged, 0);
	r |= str_addf(&b, "detach=%d%c", q->detach, 0);
	r |= str_addf(&b, "rows=%u%c", q->rows, 0);
	r |= str_addf(&b, "cols=%u%c", q->cols, 0);
	if (q->user)
		r |= str_addf(&b, "user=%s%c", q->user, 0);
	if (q->cwd)
		r |= str_addf(&b, "cwd=%s%c", q->cwd, 0);
	strv_foreach (v, q->env)
		r |= str_addf(&b, "env=%s%c", v, 0);
	strv_foreach (a, q->args)
		r |= str_addf(&b, "arg=%s%c", a, 0);
	if (r < 0)
		return err_set(e, -ENOMEM, "request");
	r = fd_write_all(fd, b.s, b.len);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_set(e, r < 0 ? r : -errno, "write the request");
	return take_fd(&fd);
}

static int unpack_field(struct exec_request *q, const char *key, const char *value)
{
	uint32_t n = 0;

	if (streq(key, "env"))
		return strv_add(&q->env, value);
	if (streq(key, "arg"))
		return strv_add(&q->args, value);
	if (streq(key, "user") || streq(key, "cwd")) {
		char **field = *key == 'u' ? &q->user : &q->cwd;

		free(*field);
		*field = strdup(value);
		return *field ? 0 : -ENOMEM;
	}
	if (parse_u32(value, &n) < 0)
		return -EINVAL;
	if (streq(key, "terminal"))
		q->terminal = n;
	else if (streq(key, "privileged"))
		q->privileged = n;
	else if (streq(key, "detach"))
		q->detach = n;
	else if (streq(key, "rows"))
		q->rows = n;
	else if (streq(key, "cols"))
		q->cols = n;
	else
		return -EINVAL;
	return 0;
}

int ctl_unpack_exec(int fd, struct exec_request *ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = fd_slurp(fd, REQUEST_MAX, &text, &len);

	memset(ret, 0, sizeof(*ret));
	for (char *p = text; r == 0 && p < text + len; p += strlen(p) + 1) {
		char *eq = strchr(p, '=');

		if (eq)
			*eq = '\0';
		r = eq ? unpack_field(ret, p, eq + 1) : -EINVAL;
		if (eq)
			*eq = '=';
	}
	if (r == 0 && !ret->args)
		r = -EINVAL;
	return r < 0 ? err_set(e, r, "exec request") : 0;
}
