/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's clients: signals, waiting, exec. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/trace.h"
#include "engine/monitor.h"
#include "runtime/sync.h"
#include "sys/syscalls.h"

int clients_add(struct monitor *m, int fd)
{
	struct client *c;

	if (m->n_clients == CLIENTS_MAX || !(c = calloc(1, sizeof(*c)))) {
		close(fd);
		return -EAGAIN;
	}
	c->fd = fd;
	c->stdio[0] = c->stdio[1] = c->stdio[2] = -1;
	c->join.mid = c->join.pid = c->join.sync = c->join.master = -1;
	m->clients[m->n_clients++] = c;
	return 0;
}

static void free_process(struct client *c)
{
	/* Shallow copies of the container's own settings are not ours to free. */
	strv_free(c->process.env);
	free(c->process.user.name);
	exec_request_free(&c->request);
	memset(&c->process, 0, sizeof(c->process));
}

static void drop(struct monitor *m, size_t i)
{
	struct client *c = m->clients[i];

	fd_closep(&c->fd);
	/* Given up before there was a process (a frozen container): then there will be none. */
	if (c->join.mid > 0 && c->join.pid < 0)
		kill(c->join.mid, SIGKILL);
	fd_closep(&c->join.sync);
	fd_closep(&c->join.master);
	for (int k = 0; k < 3; k++)
		fd_closep(&c->stdio[k]);
	/* The exec goes on without its client, as docker's does; it is reaped like any child. */
	free_process(c);
	if (m->starter == c)
		m->starter = NULL;
	free(c);
	m->clients[i] = m->clients[--m->n_clients];
}

/*
 * A client may have gone; that is its own affair. One that asks and never reads must not hold the
 * monitor up: its connection is shut, and dropped at the next turn.
 */
static void answer(struct client *c, enum ctl_type type, int64_t number, int fd)
{
	struct err ignored = ERR_INIT;

	if (sync_send(c->fd, (enum sync_type)type, number, fd, &ignored) == -EAGAIN)
		(void)shutdown(c->fd, SHUT_RDWR);
}

void clients_poll(struct monitor *m, struct pollfd *p, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_clients; i++) {
		const struct client *c = m->clients[i];

		p[n++] = (struct pollfd){ .fd = c->fd >= 0 ? c->fd : c->join.master,
			.events = POLLIN };
		p[n++] = (struct pollfd){ .fd = c->join.sync, .events = POLLIN };
	}
	*ret_n = n;
}

/* The process of an exec: the container's own settings, and what was asked for on top. */
static int make_process(struct monitor *m, struct client *c, struct err *e)
{
	const struct spec_process *own = &m->s->plan.spec.process;
	struct exec_request *q = &c->request;
	struct spec_process *p = &c->process;
	int r = 0;

	*p = *own;
	p->env = NULL;
	p->init = false;
	p->make_cwd = false;
	p->args = q->args;
	p->terminal = q->terminal;
	p->rows = (uint16_t)q->rows;
	p->cols = (uint16_t)q->cols;
	if (q->cwd)
		p->cwd = q->cwd;
	p->user.make_passwd = false;
	p->user.name = strdup(q->user ? q->user : own->user.name ? own->user.name : "0");
	if (!p->user.name || strv_extend(&p->env, own->env) < 0)
		return err_set(e, -ENOMEM, "exec");
	/* HOME follows the user of this process, unless it was set for the container. */
	if (q->terminal && !env_get(p->env, "TERM"))
		r = env_set(&p->env, "TERM", "xterm");
	strv_foreach (kv, q->env) {
		char *eq = strchr(kv, '=');

		if (r < 0 || !eq)
			continue;
		*eq = '\0';
		r = env_set(&p->env, kv, eq + 1);
		*eq = '=';
	}
	if (q->privileged) {
		p->caps.bounding = caps_all();
		p->no_new_privs = false;
	}
	return r < 0 ? err_set(e, r, "exec") : 0;
}

static int start_exec(struct monitor *m, struct client *c, int fd, struct err *e)
{
	int r = c->execs ? err_msg(e, -EBUSY, "one exec per connection") : 0;

	c->execs = true;
	if (r == 0 && m->exited)
		r = err_msg(e, -ESRCH, "the container has ended");
	if (r == 0)
		r = ctl_unpack_exec(fd, &c->request, e);
	if (r == 0)
		r = make_process(m, c, e);
	if (r < 0)
		return r;
	c->join.spec = &m->s->plan.spec;
	c->join.process = &c->process;
	c->join.pidfd = m->launch.pidfd;
	c->join.cgroup_fd = m->s->cgroup_fd;
	c->join.seal_exe = m->launch.seal_exe;
	memcpy(c->join.stdio, c->stdio, sizeof(c->stdio));
	r = join_begin(&c->join, e);
	for (int k = 0; k < 3; k++)
		fd_closep(&c->stdio[k]);
	return r;
}

/*
 * To the process that this connection started, or to the container's init. An exec that has ended
 * is never exchanged for the init: the signal was not meant for that.
 */
static int send_signal(struct monitor *m, struct client *c, int sig)
{
	int r = 0;

	if (c->execs && c->join.pid < 0 && c->join.sync >= 0)
		c->early = sig;
	else if (c->execs) /* our own child, not yet reaped: the pid is its own */
		r = c->join.pid > 0 ? kill(c->join.pid, sig) : 0;
	else if (!m->exited)
		r = sys_pidfd_send_signal(m->launch.pidfd, sig);
	return r < 0 && errno != ESRCH ? -errno : 0;
}

/*
 * The payload's next write fails, as in a pipeline. A command that was killed says nothing of the
 * kind: then its container goes on by itself, and its output goes to the log alone.
 */
static void unread(struct pump *s)
{
	fd_closep(&s->src);
	s->eof = true;
}

/* Handles one request; false when the connection is done for. */
static bool request(struct monitor *m, struct client *c)
{
	struct err e = ERR_INIT;
	_cleanup_fd_ int fd = -1;
	int64_t number = 0;
	int r = sync_recv(c->fd, &number, &fd, &e);

	switch (r) {
	case CTL_SIGNAL:
		r = send_signal(m, c, (int)number);
		if (r < 0) {
			err_set(&e, r, "send signal %d", (int)number);
			break;
		}
		answer(c, CTL_DONE, 0, -1);
		return true;
	case CTL_WAIT:
		c->waits = true;
		return true;
	case CTL_UNREAD:
		if (c == m->starter && (number == 1 || number == 2) && !m->s->tty)
			unread(number == 1 ? &m->out : &m->err);
		return true;
	case CTL_STDIO:
		if (number < 0 || number > 2)
			return false;
		fd_closep(&c->stdio[number]);
		c->stdio[number] = take_fd(&fd);
		return true;
	case CTL_EXEC:
		if (start_exec(m, c, fd, &e) == 0)
			return true;
		break;
	default:
		return false;
	}
	sync_send_error(c->fd, &e);
	return true;
}

static void exec_started(struct client *c)
{
	answer(c, CTL_STARTED, c->join.pid, c->request.detach ? -1 : c->join.master);
	if (!c->request.detach)
		fd_closep(&c->join.master);
	trace("exec runs");
}

/* The child of an exec says how far it is. */
static void exec_step(struct client *c)
{
	struct err e = ERR_INIT;
	int r = join_step(&c->join, &e);

	if (r > 0) {
		if (c->join.pid > 0 && c->early)
			kill(c->join.pid, c->early);
		if (c->join.pid > 0)
			c->early = 0;
		return; /* ready; its terminal is in join.master */
	}
	if (r < 0) {
		sync_send_error(c->fd, &e);
		c->join.pid = -1;
		return;
	}
	exec_started(c);
}

static bool has_word(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&p, 1, 0) > 0;
}

static void exec_ended(struct client *c, int code)
{
	/* What it said before it ended comes first: started, or why not. */
	while (c->join.pid > 0 && has_word(c->join.sync))
		exec_step(c);
	/* The one in between may hold the other end still, frozen by now. */
	if (c->join.pid > 0 && c->join.sync >= 0) {
		fd_closep(&c->join.sync);
		exec_started(c);
	}
	if (c->join.pid > 0)
		answer(c, CTL_EXITED, code, -1);
	c->join.pid = -1;
}

/* A process that was quick: it has ended before its pid was heard of. */
static void check_early_end(struct monitor *m, struct client *c)
{
	for (size_t i = 0; i < m->n_ends && c->join.pid > 0; i++) {
		if (m->ends[i].pid != c->join.pid)
			continue;
		exec_ended(c, m->ends[i].code);
		m->ends[i] = m->ends[--m->n_ends];
		return;
	}
}

static bool awaits_pid(const struct client *c)
{
	return c->join.sync >= 0 && c->join.pid < 0;
}

/* The terminal of a detached exec is read, so that its process is never held up, and thrown away. */
static void drain_terminal(struct client *c)
{
	char buf[4096];
	ssize_t n = read(c->join.master, buf, sizeof(buf));

	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		fd_closep(&c->join.master);
}

/* The connection ended; a detached exec with a terminal keeps that until its process ends. */
static void hang_up(struct monitor *m, size_t i)
{
	struct client *c = m->clients[i];

	if (c->request.detach && c->join.pid > 0 && c->join.master >= 0)
		fd_closep(&c->fd);
	else
		drop(m, i);
}

void clients_serve(struct monitor *m, const struct pollfd *p, size_t n)
{
	/* From the end: drop() moves the last one down. */
	for (size_t i = n / 2; i > 0; i--) {
		struct client *c = m->clients[i - 1];
		short conn = p[2 * (i - 1)].revents, sync = p[2 * (i - 1) + 1].revents;

		if (sync && c->join.sync >= 0) {
			exec_step(c);
			check_early_end(m, c);
		}
		if (c->fd < 0) {
			if (c->join.pid < 0)
				drop(m, i - 1);
			else if (conn)
				drain_terminal(c);
		} else if (conn && !request(m, c)) {
			hang_up(m, i - 1);
		}
	}
}

void clients_reaped(struct monitor *m, pid_t pid, int code)
{
	bool awaited = false;

	for (size_t i = 0; i < m->n_clients; i++) {
		struct client *c = m->clients[i];

		if (c->join.mid == pid) {
			c->join.mid = -1;
			return;
		}
		if (c->join.pid == pid) {
			exec_ended(c, code);
			return;
		}
		awaited |= awaits_pid(c);
	}
	if (!awaited)
		m->n_ends = 0;
	else if (m->n_ends < CLIENTS_MAX)
		m->ends[m->n_ends++] = (struct early_end){ pid, code };
}

void clients_finish(struct monitor *m)
{
	while (m->n_clients > 0) {
		struct client *c = m->clients[m->n_clients - 1];

		if (c->waits)
			answer(c, CTL_EXITED, m->exit_code | (m->oom ? CTL_OOM : 0), -1);
		drop(m, m->n_clients - 1);
	}
}
