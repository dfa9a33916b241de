/* SPDX-License-Identifier: Apache-2.0 */
/* The downloader as a process: requests, answers, its end. */
#include "image/registry.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/red.h"
#include "base/spawn.h"
#include "base/stop.h"
#include "base/str.h"
#include "sys/dirs.h"
#include "uctr/registry_proto.h"
#include "uctr/transfer_proto.h"

/* What of the environment concerns the network. */
static int make_env(char ***ret)
{
	static const char *const keys[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy",
		"NO_PROXY", "all_proxy", "ALL_PROXY", "SSL_CERT_FILE", "UCTR_NET_TIMEOUT" };
	int r = strv_add(ret, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");

	if (r == 0)
		r = strv_add(ret, "LC_ALL=C");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++) {
		const char *value = getenv(keys[i]);

		if (value)
			r = strv_addf(ret, "%s=%s", keys[i], value);
	}
	/* The test build's helper has checks of its own that are switched off. */
	if (r == 0 && red_off(""))
		r = strv_addf(ret, "UCTR_RED=%s", getenv("UCTR_RED"));
	return r;
}

static int spawn_helper(int theirs, pid_t *ret_pid, struct err *e)
{
	_cleanup_strv_ char **argv = NULL, **env = NULL;
	struct spawn s = SPAWN_INIT;

	if (strv_add(&argv, UCTR_TRANSFER_NAME) < 0 || strv_add(&argv, UCTR_REGISTRY_VERB) < 0 ||
		strv_addf(&argv, "--in-fd=%d", theirs) < 0 || make_env(&env) < 0)
		return err_set(e, -ENOMEM, "start " UCTR_TRANSFER_NAME);
	s.path = dirs_helper(UCTR_TRANSFER_NAME);
	s.argv = argv;
	s.env = env;
	s.stdio[2] = 2;
	s.keep = &theirs;
	s.n_keep = 1;
	return spawn_start(&s, ret_pid, e);
}

static int open_repository(struct registry *reg, const struct remote *place, const char *repository,
	bool push, const char *mount, struct err *e)
{
	json_t *req = json_pack("{ss ss ss* sb ss* sb sb ss* ss* ss* so}", "op", "open", "host",
		place->host, "repository", repository, "push", push, "mount", mount, "plain",
		place->plain, "insecure", place->insecure, "user", place->user, "password",
		place->password, "identityToken", place->identity_token, "certs",
		json_from_strv(place->certs));
	int64_t id = registry_send(reg, req, -1, -1, e);

	return id < 0 ? (int)id : registry_wait(reg, id, NULL, e);
}

int registry_start(const struct remote *place, const char *repository, bool push, const char *mount,
	struct registry **ret, struct err *e)
{
	_cleanup_registry_ struct registry *reg = calloc(1, sizeof(*reg));
	_cleanup_fd_ int theirs = -1;
	int pair[2], r;

	if (!reg)
		return err_set(e, -ENOMEM, "registry");
	reg->sock = reg->pid = -1;
	reg->early = json_array();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(e, -errno, "socket for " UCTR_TRANSFER_NAME);
	reg->sock = pair[0];
	theirs = pair[1];
	r = spawn_helper(theirs, &reg->pid, e);
	fd_closep(&theirs);
	if (r == 0)
		r = open_repository(reg, place, repository, push, mount, e);
	if (r == 0)
		*ret = take_ptr(reg);
	return r;
}

void registry_stop(struct registry **p)
{
	struct registry *reg = *p;

	*p = NULL;
	if (!reg)
		return;
	fd_closep(&reg->sock);
	if (reg->pid > 0) {
		/* Its end has nothing to tell, and may be a slow one. */
		kill(reg->pid, SIGKILL);
		spawn_wait(reg->pid);
	}
	json_decref(reg->early);
	free(reg);
}

int64_t registry_send(struct registry *reg, json_t *req, int fd, int fd2, struct err *e)
{
	_cleanup_json_ json_t *owned = req;
	_cleanup_free_ char *text = NULL;
	int fds[2] = { fd, fd2 }, r = -ENOMEM;
	int64_t id = ++reg->last_id;

	if (owned && json_object_set_new(owned, "id", json_integer(id)) == 0)
		text = json_dumps(owned, JSON_COMPACT);
	if (text && strlen(text) <= UCTR_REGISTRY_PACKET)
		r = fd_send(reg->sock, text, strlen(text), fds, fd < 0 ? 0 : fd2 < 0 ? 1 : 2);
	else if (text)
		r = -EMSGSIZE;
	return r < 0 ? err_set(e, r, "ask " UCTR_TRANSFER_NAME) : id;
}

static int receive(struct registry *reg, struct err *e)
{
	char buf[UCTR_REGISTRY_PACKET];
	int fds[FD_PASS_MAX];
	size_t n_fds;
	json_t *answer = NULL;
	ssize_t n;
	int r = stop_wait_readable(reg->sock);

	if (r == -EINTR)
		return err_msg(e, r, "interrupted");
	n = r < 0 ? r : fd_recv(reg->sock, buf, sizeof(buf), fds, &n_fds);
	if (n < 0)
		return err_set(e, (int)n, "read the answer of " UCTR_TRANSFER_NAME);
	for (size_t i = 0; n > 0 && i < FD_PASS_MAX; i++)
		fd_closep(&fds[i]);
	if (n == 0)
		return err_msg(e, -EIO, "%s ended without an answer", UCTR_TRANSFER_NAME);
	r = json_parse(buf, (size_t)n, UCTR_TRANSFER_NAME, &answer, e);
	return r < 0 ? r : json_array_append_new(reg->early, answer);
}

static json_t *take_answer(struct registry *reg, int64_t id)
{
	json_t *o;
	size_t i;

	json_array_foreach (reg->early, i, o) {
		if (json_integer_value(json_object_get(o, "id")) == id) {
			json_incref(o);
			json_array_remove(reg->early, i);
			return o;
		}
	}
	return NULL;
}

int registry_wait(struct registry *reg, int64_t id, json_t **ret, struct err *e)
{
	_cleanup_json_ json_t *answer = NULL;
	const char *why = "no reason given";
	int64_t code = EIO;
	bool ok = false;
	int r = 0;

	while (!(answer = take_answer(reg, id))) {
		r = receive(reg, e);
		if (r < 0)
			return r;
	}
	r = json_get_bool(answer, "ok", &ok, e);
	if (r >= 0 && !ok)
		r = json_get_str(answer, "error", &why, e);
	if (r >= 0 && !ok)
		r = json_get_i64(answer, "errno", &code, e);
	if (r < 0)
		return r;
	if (!ok)
		return err_msg(e, code > 0 && code < 4096 ? -(int)code : -EIO, "%s", why);
	if (ret)
		*ret = take_ptr(answer);
	return 0;
}

int registry_call(struct registry *reg, json_t *req, int fd, json_t **ret, struct err *e)
{
	int64_t id = registry_send(reg, req, fd, -1, e);

	return id < 0 ? (int)id : registry_wait(reg, id, ret, e);
}

int registry_read(struct registry *reg, json_t *req, json_t **ret, char **ret_text, size_t *ret_len,
	struct err *e)
{
	_cleanup_fd_ int fd = memfd_create("document", MFD_CLOEXEC);
	int r;

	if (fd < 0) {
		json_decref(req);
		return err_set(e, -errno, "memory for a document");
	}
	r = registry_call(reg, req, fd, ret, e);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (r == 0) {
		r = fd_slurp(fd, UCTR_MAX_DOCUMENT, ret_text, ret_len);
		if (r < 0)
			err_set(e, r, "read a document");
	}
	return r;
}
