/* SPDX-License-Identifier: Apache-2.0 */
/* Signal, stop, wait, remove, exec. */
#include "engine/lifecycle.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/trace.h"
#include "engine/mount.h"
#include "runtime/sync.h"
#include "sys/ns.h"
#include "sys/syscalls.h"

static int not_running(const struct container *c, struct err *e)
{
	return err_msg(e, -ESRCH, "container %s is not running (%s)", c->name,
		c->state == CONTAINER_RUNNING ? "it has just ended"
					      : container_state_name(c->state));
}

bool container_ended(const struct container *c)
{
	for (int i = 0; i < 100; i++) {
		_cleanup_fd_ int lock = openat(c->dir, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);

		if (lock < 0 || lock_query(lock) == 0 ||
			faccessat(c->dir, "record.json", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return true;
		usleep(10000);
	}
	return false;
}

/* Connects to the monitor; a container that ended meanwhile is "not running". */
static int reach(struct engine *en, struct container *c, struct err *e)
{
	int fd;

	if (c->state != CONTAINER_RUNNING)
		return not_running(c, e);
	fd = ctl_connect(en, c, e);
	if (fd != -ECONNREFUSED && fd != -ENOENT)
		return fd;
	if (container_ended(c)) {
		c->state = CONTAINER_EXITED;
		return not_running(c, e);
	}
	return err_msg(e, -EIO,
		"container %s is running, but its monitor has no socket in %s; set "
		"XDG_RUNTIME_DIR as it was when the container was started, or end it with "
		"'uctr rm -f %s'",
		c->name, en->runtime_path, c->name);
}

/* A monitor answers at once; one that is stopped or starved never does. */
#define ANSWER_MS 10000

int container_signal(struct engine *en, struct container *c, int sig, struct err *e)
{
	_cleanup_fd_ int fd = reach(en, c, e);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct err got = ERR_INIT;
	int r;

	if (fd < 0)
		return take_fd(&fd);
	r = sync_send(fd, (enum sync_type)CTL_SIGNAL, sig, -1, &got);
	if (r == 0 && poll(&p, 1, ANSWER_MS) == 0)
		return err_msg(e, -ETIMEDOUT,
			"the monitor of container %s does not answer (is it stopped?); 'uctr rm -f "
			"%s' "
			"ends it all the same",
			c->name, c->name);
	if (r == 0)
		r = sync_recv(fd, NULL, NULL, &got);
	else if (r == -EPIPE)
		got.code = 0;
	if (r == CTL_DONE || (r == -EPIPE && !got.code))
		return 0; /* gone while we spoke: then nothing was left to signal */
	if (r < 0)
		*e = got;
	return r < 0 ? r : err_msg(e, -EPROTO, "unexpected answer of the monitor");
}

/*
 * The monitor went without an answer: killed, or it ended before it read the question, and then
 * the record has the answer (but for --rm). A killed one may be the work of `uctr rm -f`, which
 * removes the record next: then the container was ended by SIGKILL, as docker's wait says.
 */
static int recorded_answer(struct engine *en, const struct container *c, struct err *e)
{
	_cleanup_container_ struct container again = CONTAINER_INIT;
	int r;

	(void)container_ended(c);
	r = container_find(en, c->id, &again, e);
	for (int i = 0; r == 0 && again.state == CONTAINER_DEAD && i < 40; i++) {
		usleep(50000);
		container_free(&again);
		r = container_find(en, c->id, &again, e);
	}
	if (r == -ENOENT && !c->auto_remove) {
		*e = (struct err)ERR_INIT;
		return 128 + SIGKILL;
	}
	if (r < 0)
		return r;
	return again.state == CONTAINER_EXITED
		       ? again.exit_code
		       : err_msg(e, -EPIPE, "the monitor of container %s was killed", c->name);
}

/* The answer to CTL_WAIT within ms (-1: for ever): exit code, -ETIMEDOUT. */
static int wait_answer(struct engine *en, int fd, int ms, struct container *c, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct err got = ERR_INIT;
	int64_t code = 0;
	int r;

	do {
		r = poll(&p, 1, ms);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return -ETIMEDOUT;
	r = sync_recv(fd, &code, NULL, &got);
	if (r == CTL_EXITED)
		return (int)(code & ~(int64_t)CTL_OOM);
	if (r == -EPIPE && !got.code)
		return recorded_answer(en, c, e);
	if (r < 0)
		*e = got;
	return r < 0 ? r : err_msg(e, -EPROTO, "unexpected answer of the monitor");
}

int container_wait(struct engine *en, struct container *c, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	struct err got = ERR_INIT;

	if (c->state == CONTAINER_EXITED || c->state == CONTAINER_DEAD)
		return c->exit_code;
	fd = reach(en, c, e);
	/* It may end between the look at its record and now. */
	if (fd < 0)
		return fd == -ESRCH ? recorded_answer(en, c, e) : take_fd(&fd);
	if (sync_send(fd, (enum sync_type)CTL_WAIT, 0, -1, &got) < 0)
		return recorded_answer(en, c, e);
	return wait_answer(en, fd, -1, c, e);
}

/* Its monitor may still wait for somebody to read the output while the record says that it ended. */
static bool recorded_end(struct engine *en, const struct container *c)
{
	_cleanup_container_ struct container again = CONTAINER_INIT;
	struct err ignored = ERR_INIT;
	int r = container_find(en, c->id, &again, &ignored);

	return r == -ENOENT || (r == 0 && again.state != CONTAINER_RUNNING);
}

static int kill_and_wait(struct engine *en, struct container *c, int fd, struct err *e)
{
	int r = container_signal(en, c, SIGKILL, e);

	if (r == 0 || r == -ESRCH)
		r = wait_answer(en, fd, 10000, c, e);
	return r == -ETIMEDOUT
		       ? err_msg(e, r,
				 "container %s did not end within 10 s of SIGKILL; 'uctr rm -f %s'",
				 c->name, c->name)
		       : r;
}

int container_stop(struct engine *en, struct container *c, long timeout, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	int r, ms;

	if (c->state != CONTAINER_RUNNING)
		return 0; /* docker: stopping a stopped one is fine */
	fd = reach(en, c, e);
	if (fd < 0)
		return fd == -ESRCH ? 0 : take_fd(&fd);
	if (timeout == -2)
		timeout = c->stop_timeout;
	ms = timeout < 0 ? -1 : timeout > 2000000 ? 2000000000 : (int)timeout * 1000;
	/* A question that cannot be put any more is answered by the end of file behind it. */
	(void)sync_send(fd, (enum sync_type)CTL_WAIT, 0, -1, NULL);
	r = container_signal(en, c, c->stop_signal, e);
	if (r < 0 && r != -ESRCH)
		return r;
	r = wait_answer(en, fd, ms, c, e);
	if (r == -ETIMEDOUT && recorded_end(en, c))
		return 0;
	if (r == -ETIMEDOUT)
		r = kill_and_wait(en, c, fd, e);
	/* Removed by itself (--rm), or ended with its monitor: stopped either way. */
	return r < 0 && r != -ENOENT && r != -EPIPE ? r : 0;
}

/*
 * SIGKILL to the monitor: the kernel ends everything in its pid namespace. Needs no answer from
 * anybody, so it works on a stopped or confused one too.
 */
static int kill_monitor(struct container *c, struct err *e)
{
	_cleanup_fd_ int pidfd = proc_open(c->monitor, c->monitor_start), lock = -1;
	int r;

	if (pidfd == -ESRCH)
		return 0;
	if (pidfd < 0)
		return err_set(e, pidfd, "find the monitor of container %s", c->name);
	if (sys_pidfd_send_signal(pidfd, SIGKILL) < 0 && errno != ESRCH)
		return err_set(e, -errno, "kill the monitor of container %s", c->name);
	lock = openat(c->dir, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (lock < 0)
		return errno == ENOENT ? 0 : err_set(e, -errno, "lock container %s", c->name);
	r = lock_take(lock, true, true);
	if (r < 0)
		return err_set(e, r, "lock container %s", c->name);
	c->lock = take_fd(&lock); /* nobody starts what is going to be removed */
	return 0;
}

/* How long a start may hold what is to be removed. */
#define STARTING_MS 30000

/*
 * Of a container that does not run, the lock is taken, so that nobody starts what goes away. It may
 * be held: by a monitor behind an end that is recorded already, which is no hindrance; or by a start
 * that has just begun, which is waited for with `force`, until the container runs or does not.
 */
static int keep_from_starting(struct engine *en, struct container *c, bool force, struct err *e)
{
	char id[65];

	memcpy(id, c->id, sizeof(id));
	for (int ms = 0; c->state != CONTAINER_RUNNING; ms += 10) {
		_cleanup_fd_ int lock = openat(c->dir, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		int r = lock < 0 ? 0 : lock_take(lock, true, false);

		if (r == 0)
			c->lock = take_fd(&lock);
		if (r == 0 || c->state != CONTAINER_CREATED)
			return 0;
		if (!force || ms >= STARTING_MS)
			return err_msg(e, -EBUSY, "container %s is just being started; try again",
				c->name);
		usleep(10000);
		container_free(c);
		r = container_find(en, id, c, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int container_remove(struct engine *en, struct container *c, bool force, struct err *e)
{
	int r = keep_from_starting(en, c, force, e);

	if (r < 0)
		return r;
	if (c->state == CONTAINER_RUNNING) {
		if (!force)
			return err_msg(e, -EBUSY,
				"container %s is running; stop it first ('uctr stop %s'), or use "
				"'uctr rm -f %s'",
				c->name, c->name, c->name);
		r = kill_monitor(c, e);
		if (r < 0)
			return r;
	}
	mount_forget(en, c->id);
	return container_delete(en, c, e);
}

static int send_stdio(int fd, int number, int stdio, struct err *e)
{
	return stdio < 0 ? 0 : sync_send(fd, (enum sync_type)CTL_STDIO, number, stdio, e);
}

static int exec_pipes(
	const struct exec_request *q, bool interactive, int fd, struct attach *a, struct err *e)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 }, r = 0;

	if (q->terminal || q->detach)
		return 0;
	if (interactive)
		r = fd_pipe(in);
	if (r == 0)
		r = fd_pipe(out);
	if (r == 0)
		r = fd_pipe(err);
	if (r < 0)
		err_set(e, r, "make a pipe");
	if (r == 0)
		r = send_stdio(fd, 0, in[0], e);
	if (r == 0)
		r = send_stdio(fd, 1, out[1], e);
	if (r == 0)
		r = send_stdio(fd, 2, err[1], e);
	fd_closep(&in[0]);
	fd_closep(&out[1]);
	fd_closep(&err[1]);
	a->in = in[1];
	a->out = out[0];
	a->err = err[0];
	return r;
}

/* A start that takes this long will not come: the container is frozen, or the machine hangs. */
#define EXEC_MS 30000

/* Waits for the answer to CTL_EXEC. Signals are blocked and for the process; before, for us. */
static int await_exec(int fd, const struct container *c, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (int ms = 0; ms < EXEC_MS; ms += 500) {
		int sig, r = poll(&p, 1, 500);

		if (r < 0 && errno != EINTR)
			return err_set(e, -errno, "poll");
		if (r > 0)
			return 0;
		sig = attach_waiting_signal();
		if (sig) {
			err_msg(e, -EINTR, "exec in container %s was given up: %s", c->name,
				strsignal(sig));
			return err_exit(e, 128 + sig);
		}
	}
	return err_msg(e, -ETIMEDOUT,
		"nothing was started in container %s within %d s; is it frozen? 'uctr rm -f %s' "
		"ends it all the same",
		c->name, EXEC_MS / 1000, c->name);
}

int exec_run(struct engine *en, struct container *c, const struct exec_request *q, bool interactive,
	struct err *e)
{
	struct attach a = {
		.in = -1, .out = -1, .err = -1, .master = -1, .interactive = interactive
	};
	_cleanup_fd_ int fd = reach(en, c, e), mem = -1;
	int r;

	if (fd < 0)
		return take_fd(&fd);
	a.ctl = fd;
	mem = ctl_pack_exec(q, e);
	if (mem < 0)
		return mem;
	attach_block_signals();
	r = exec_pipes(q, interactive, fd, &a, e);
	if (r == 0)
		r = sync_send(fd, (enum sync_type)CTL_EXEC, 0, mem, e);
	if (r == 0)
		r = await_exec(fd, c, e);
	if (r == 0) {
		struct err got = ERR_INIT;

		r = sync_recv(fd, NULL, &a.master, &got);
		if (r == -EPIPE && !got.code)
			r = not_running(c, e);
		else if (r < 0)
			*e = got;
		else
			r = r == CTL_STARTED ? 0 : err_msg(e, -EPROTO, "unexpected answer");
	}
	trace("exec started");
	if (r == 0 && !q->detach)
		r = attach_run(&a, e);
	fd_closep(&a.in);
	fd_closep(&a.out);
	fd_closep(&a.err);
	fd_closep(&a.master);
	return r;
}
