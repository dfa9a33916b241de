/* SPDX-License-Identifier: Apache-2.0 */
/* Named handshake carrying errors. The sequence is drawn in sync.h. */
#include "runtime/sync.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/str.h"

struct message {
	int32_t type;
	int64_t number;
	struct err err;
};

static const char *const names[] = {
	[SYNC_ERROR] = "error",
	[SYNC_MAPPED] = "id map written",
	[SYNC_FUSE] = "fuse-overlayfs wanted",
	[SYNC_FUSE_DONE] = "fuse-overlayfs started",
	[SYNC_READY] = "ready",
	[SYNC_START] = "start",
	[SYNC_PID] = "pid",
	[SYNC_PROGRESS] = "progress",
	[SYNC_ROOT] = "root file system",
	[SYNC_NOTE] = "note",
};

const char *sync_name(enum sync_type type)
{
	return (size_t)type < ARRAY_SIZE(names) && names[type] ? names[type] : "unknown message";
}

int sync_pair(int fds[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_set(e, -errno, "make the handshake socket");
	/* stdio numbers must stay free for the payload's. */
	for (int i = 0; i < 2; i++)
		fds[i] = fd_above_stdio(fds[i]);
	return 0;
}

int sync_send(int sock, enum sync_type type, int64_t number, int fd, struct err *e)
{
	struct message m = { .type = type, .number = number };
	int r = fd_send(sock, &m, offsetof(struct message, err), &fd, fd >= 0 ? 1 : 0);

	return r < 0 ? err_set(e, r, "send '%s'", sync_name(type)) : 0;
}

static void send_err(int sock, enum sync_type type, const struct err *e)
{
	struct message m = { .type = (int32_t)type, .err = *e };
	size_t len = offsetof(struct message, err) + offsetof(struct err, msg) + strlen(e->msg) + 1;

	(void)fd_send(sock, &m, len, NULL, 0);
}

void sync_send_error(int sock, const struct err *e)
{
	send_err(sock, SYNC_ERROR, e);
}

void sync_send_note(int sock, const struct err *note)
{
	send_err(sock, SYNC_NOTE, note);
}

int sync_recv(int sock, int64_t *ret_number, int *ret_fd, struct err *e)
{
	struct message m = { 0 };
	int fds[FD_PASS_MAX];
	ssize_t n = fd_recv(sock, &m, sizeof(m), fds, NULL);

	/* Told first when the other side ended with something unread; its last words come after. */
	if (n == -ECONNRESET)
		n = fd_recv(sock, &m, sizeof(m), fds, NULL);
	if (n == 0 || n == -ECONNRESET)
		return -EPIPE;
	if (n < 0)
		return err_set(e, (int)n, "receive from the child");
	for (size_t i = 1; i < FD_PASS_MAX; i++)
		fd_closep(&fds[i]);
	if ((size_t)n < offsetof(struct message, err)) {
		fd_closep(&fds[0]);
		return err_msg(e, -EPROTO, "short handshake message");
	}
	if (m.type == SYNC_ERROR || m.type == SYNC_NOTE) {
		fd_closep(&fds[0]);
		m.err.msg[sizeof(m.err.msg) - 1] = '\0';
		*e = m.err;
		if (m.type == SYNC_NOTE)
			return m.type;
		return e->code < 0 ? e->code : -EPROTO;
	}
	if (ret_number)
		*ret_number = m.number;
	if (ret_fd)
		*ret_fd = fds[0];
	else
		fd_closep(&fds[0]);
	return m.type;
}

int sync_expect(int sock, enum sync_type want, int64_t *ret_number, int *ret_fd, struct err *e)
{
	struct err got = ERR_INIT;
	int fd = -1, r = sync_recv(sock, ret_number, &fd, &got);

	if (r == (int)want) {
		if (ret_fd)
			*ret_fd = fd;
		else
			fd_closep(&fd);
		return 0;
	}
	fd_closep(&fd);
	if (r == -EPIPE && !got.code)
		return err_msg(e, -EPIPE, "the other side ended before '%s'", sync_name(want));
	if (r < 0) {
		if (e)
			*e = got;
		return r;
	}
	return err_msg(e, -EPROTO, "expected '%s', got '%s'", sync_name(want),
		sync_name((enum sync_type)r));
}
