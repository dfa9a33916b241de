/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: init of a pid namespace that holds the container's pid namespace and its network
 * helper, so that the kernel ends them all when it dies, whatever they did to their parent-death
 * signals. It holds the lock that means "alive", the log, the exit status and the socket.
 */
#include "engine/monitor.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "base/trace.h"
#include "engine/userns.h"
#include "runtime/ladder.h"
#include "runtime/sync.h"
#include "sys/ns.h"
#include "sys/shrink.h"
#include "sys/syscalls.h"
#include "sys/title.h"

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Own session, nothing of the caller's open, signals by descriptor. */
static int detach_self(struct monitor *m, struct err *e)
{
	struct start *s = m->s;
	const int keep[] = { s->en->data, s->en->runtime, s->en->containers, s->c.dir, s->c.lock,
		s->cgroup_fd, s->ctl[1], s->in[0], s->detach ? s->in[1] : -1, s->out[0], s->out[1],
		s->err[0], s->err[1], s->fwd_out[1], s->fwd_err[1], s->hold.lock, trace_fd() };
	sigset_t set;
	int null;

	if (setsid() < 0 || chdir("/") < 0)
		return err_set(e, -errno, "detach the monitor");
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		return err_set(e, -errno, "open /dev/null");
	if (fd_close_except(3, keep, ARRAY_SIZE(keep)) < 0)
		return err_set(e, -errno, "close_range");
	s->ctl[0] = s->fwd_out[0] = s->fwd_err[0] = -1;
	s->en->userns_fd = s->en->store = -1;
	if (!s->detach)
		s->in[1] = -1;
	/* SIGPIPE too: a reader that went away is an error of one write. */
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	m->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signals < 0)
		return err_set(e, -errno, "signalfd");
	title_set("uctr: monitor of %s", s->c.name);
	return 0;
}

/* Output that is shown once and thrown away with its container is not written to disk as well. */
static int open_log(struct monitor *m, struct err *e)
{
	int fd;

	if (m->s->c.auto_remove && !m->s->detach)
		return 0;
	fd = openat(
		m->s->c.dir, "log", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, -errno, "open the container's log");
	m->log_out = (struct log_tap){ .fd = fd, .stream = "stdout" };
	m->log_err = (struct log_tap){ .fd = fd, .stream = "stderr" };
	return 0;
}

static void make_streams(struct monitor *m)
{
	struct start *s = m->s;
	int src = s->tty ? fcntl(m->launch.master, F_DUPFD_CLOEXEC, 3) : take_fd(&s->out[0]);

	(void)fd_nonblock(src);
	(void)fd_nonblock(s->err[0]);
	(void)fd_nonblock(s->fwd_out[1]);
	(void)fd_nonblock(s->fwd_err[1]);
	pump_init(&m->out, src, take_fd(&s->fwd_out[1]));
	pump_init(&m->err, take_fd(&s->err[0]), take_fd(&s->fwd_err[1]));
	m->out.tap = m->err.tap = log_append;
	m->out.ctx = &m->log_out;
	m->err.ctx = &m->log_err;
}

static int write_running(struct monitor *m, struct err *e)
{
	struct container *c = &m->s->c;
	int r = proc_boot_id(c->boot_id);

	c->pid = m->launch.proc_pid;
	c->pid_start = m->launch.proc_start;
	if (r < 0)
		return err_set(e, r, "read the boot id");
	c->state = CONTAINER_RUNNING;
	c->started = now_ns();
	return container_save(c, e);
}

/* Another root file system than was planned. */
static int note_driver(struct monitor *m, struct err *e)
{
	struct container *c = &m->s->c;

	free(c->driver);
	c->driver = strdup(ladder_name(m->launch.root));
	if (!c->driver)
		return err_set(e, -ENOMEM, "record");
	return c->state == CONTAINER_RUNNING ? container_save(c, e) : 0;
}

static int arm_timeout(struct monitor *m, uint64_t ns, struct err *e)
{
	struct itimerspec t = { .it_value = { .tv_sec = (time_t)(ns / 1000000000ULL),
					.tv_nsec = (long)(ns % 1000000000ULL) } };

	if (m->timer < 0)
		m->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (m->timer < 0 || timerfd_settime(m->timer, 0, &t, NULL) < 0)
		return err_set(e, -errno, "timer");
	return 0;
}

/* A container with one id: root emulation, and the record of owners that no file can carry. */
static int start_emulation(struct monitor *m, struct err *e)
{
	struct spec *sp = &m->s->plan.spec;
	_cleanup_fd_ int records = -1;
	int r;

	if (!idmap_is_one(&sp->map))
		return 0;
	records = openat(m->s->c.dir, "owners",
		O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (records < 0)
		return err_set(e, -errno, "open the container's record of owners");
	r = emulate_start(&m->emulate, records, e);
	sp->emulate = &m->emulate;
	return r;
}

/* Everything up to the running payload. */
static int start_container(struct monitor *m, struct err *e)
{
	struct start *s = m->s;
	struct launch *l = &m->launch;
	int r;

	l->spec = &s->plan.spec;
	l->stdio[0] = s->in[0];
	l->stdio[1] = s->out[1];
	l->stdio[2] = s->err[1];
	l->cgroup_fd = s->cgroup_fd;
	l->words = s->ctl[1];
	l->seal_exe = exe_is_writable();
	l->wants_netns = s->plan.net == NET_SLIRP;
	r = userns_register(s->en, &s->c.monitor, &s->c.monitor_start, e);
	m->self = s->c.monitor;
	fd_closep(&s->hold.lock);
	if (r == 0)
		r = start_give(s, e);
	if (r == 0)
		r = start_emulation(m, e);
	if (r == 0)
		r = launch_begin(l, e);
	if (r == 0 && s->plan.net == NET_SLIRP)
		r = net_slirp_start(l->netns, &m->slirp, e);
	/* While the child mounts: */
	if (r == 0)
		r = open_log(m, e);
	if (r == 0)
		m->listen = r = ctl_listen(s->en, &s->c, e);
	if (r >= 0)
		r = write_running(m, e);
	if (r == 0)
		r = launch_ready(l, e);
	if (r == 0 && l->root != ROOT_AUTO)
		r = note_driver(m, e);
	if (r == 0 && s->plan.net == NET_SLIRP)
		r = net_slirp_wait(&m->slirp, e);
	if (r == 0 && s->plan.timeout_ns)
		r = arm_timeout(m, s->plan.timeout_ns, e);
	if (r == 0)
		r = launch_start(l, e);
	if (r < 0)
		return r;
	fd_closep(&s->in[0]);
	fd_closep(&s->out[1]);
	fd_closep(&s->err[1]);
	make_streams(m);
	return 0;
}

static void kill_container(struct monitor *m, const char *why)
{
	if (why && !m->death)
		m->death = strdup(why);
	(void)sys_pidfd_send_signal(m->launch.pidfd, SIGKILL);
}

static void reap(struct monitor *m)
{
	int status = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
		int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

		if (pid < 0)
			continue;
		if (pid == m->launch.pid) {
			m->exited = true;
			m->exit_code = code;
		} else if (pid == m->slirp.pid) {
			m->slirp.pid = -1; /* the container goes on, without its uplink */
		} else if (pid == m->emulate.pid) {
			m->emulate.pid = -1; /* and so here: its calls fail (runtime/emulate.h) */
		} else {
			clients_reaped(m, pid, code);
		}
	}
}

static void take_signals(struct monitor *m)
{
	struct signalfd_siginfo si;
	struct err ignored = ERR_INIT;

	while (read(m->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			continue;
		/* The user's session ends, or somebody asks politely: stop as `uctr stop` does. */
		(void)sys_pidfd_send_signal(m->launch.pidfd, m->s->c.stop_signal);
		if (!m->stopping)
			(void)arm_timeout(m, (m->s->c.stop_timeout + 1) * 1000000000ULL, &ignored);
		m->stopping = true;
	}
	reap(m);
}

static void accept_client(struct monitor *m)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int fd = accept4(m->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	/* The directory is 0700 already. Not even root of the host comes in, as he is not mapped. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || cred.uid != geteuid()) {
		close(fd);
		return;
	}
	(void)clients_add(m, fd);
}

#define IDLE_MS 1000 /* what is idle for so long is so for longer, and sleeps in little memory */

/* How long to wait for something to happen; -1 is for ever. */
static int patience(const struct monitor *m, bool pending)
{
	if (!m->exited)
		return IDLE_MS;
	/* After the end only what is in the pipes is to come; a terminal's bytes trail a little. */
	return pending ? -1 : m->s->tty ? 50 : 0;
}

/* One turn of the loop; false when all is over. */
static bool turn(struct monitor *m)
{
	struct pollfd p[8 + 2 * CLIENTS_MAX];
	size_t n = 3, n_out, n_err, n_clients;
	bool pending = m->out.len > 0 || m->err.len > 0;
	int r;

	p[0] = (struct pollfd){ .fd = m->signals, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = m->listen, .events = POLLIN };
	p[2] = (struct pollfd){ .fd = m->timer, .events = POLLIN };
	n += n_out = pump_poll(&m->out, p + n);
	n += n_err = pump_poll(&m->err, p + n);
	clients_poll(m, p + n, &n_clients);
	r = poll(p, n + n_clients, patience(m, pending));
	if (r == 0 && !m->exited)
		r = shrink_poll(p, n + n_clients);
	if (r < 0)
		return errno == EINTR;
	if (r == 0)
		return false;
	pump_serve(&m->out, p + 3, n_out);
	pump_serve(&m->err, p + 3 + n_out, n_err);
	if (p[0].revents)
		take_signals(m);
	if (p[2].revents && !m->exited) {
		fd_closep(&m->timer);
		kill_container(m, m->stopping ? NULL : "its time was up");
	}
	clients_serve(m, p + n, n_clients);
	if (p[1].revents)
		accept_client(m);
	return !(m->exited && pump_done(&m->out) && pump_done(&m->err));
}

static void finish(struct monitor *m)
{
	struct start *s = m->s;
	struct err ignored = ERR_INIT;

	s->c.state = CONTAINER_EXITED;
	s->c.exit_code = m->exit_code;
	s->c.finished = now_ns();
	s->c.pid = s->c.monitor = 0;
	m->oom = m->exit_code && s->plan.spec.limits.memory > 0 && cgroup_oom_killed(s->cgroup_fd);
	if (m->oom && !m->death)
		m->death = strdup("its memory limit was reached");
	s->c.error = m->death;
	/*
	 * One that is removed at once needs no record, unless a slow reader keeps it here for now.
	 * Nobody is there to be told of a full disk; the freed lock says "dead" then.
	 */
	if (!s->c.auto_remove || m->out.len || m->err.len)
		(void)container_save(&s->c, &ignored);
}

static void clean_up(struct monitor *m, bool remove)
{
	struct start *s = m->s;
	struct err ignored = ERR_INIT;

	launch_free(&m->launch);
	net_slirp_free(&m->slirp);
	emulate_free(&m->emulate);
	pump_close(&m->out);
	pump_close(&m->err);
	start_close(s);
	fd_closep(&m->listen);
	fd_closep(&m->signals);
	fd_closep(&m->timer);
	userns_unregister(s->en, m->self);
	if (remove) {
		(void)container_delete(s->en, &s->c, &ignored);
		return;
	}
	if (s->c.cgroup)
		(void)cgroup_remove(s->c.cgroup);
	(void)container_runtime_clear(s->en, &s->c); /* again when it is removed */
}

void monitor_main(struct start *s)
{
	struct monitor *m = calloc(1, sizeof(*m));
	struct err e = ERR_INIT;
	int r;

	trace_who("monitor");
	if (!m)
		_exit(125); /* the command says that it died */
	m->s = s;
	m->launch = (struct launch)LAUNCH_INIT;
	m->slirp = (struct net_slirp){ .pid = -1, .ready = -1, .log = -1 };
	m->emulate = (struct emulate)EMULATE_INIT;
	m->listen = m->timer = m->signals = -1;
	m->log_out.fd = m->log_err.fd = -1;
	pump_init(&m->out, -1, -1);
	pump_init(&m->err, -1, -1);
	r = detach_self(m, &e);
	if (r == 0)
		r = start_container(m, &e);
	if (r < 0) {
		clean_up(m, !s->again);
		if (s->again)
			start_undo(s, &e);
		sync_send_error(s->ctl[1], &e);
		_exit(125);
	}
	(void)sync_send(s->ctl[1], (enum sync_type)CTL_STARTED, s->c.pid, m->launch.master, &e);
	fd_closep(&m->launch.master);
	(void)fd_nonblock(s->ctl[1]); /* as with every client: see answer() */
	if (clients_add(m, take_fd(&s->ctl[1])) == 0) {
		m->starter = m->clients[0];
		m->starter->waits = true;
	}
	while (turn(m)) {
		if (m->exited && !s->c.finished)
			finish(m);
	}
	if (!s->c.finished)
		finish(m);
	/*
	 * The command returns when its container is not listed and its name is free. What is left is
	 * nobody's concern but ours, and a lock that is still held says so.
	 */
	if (s->c.auto_remove) {
		(void)container_unlist(s->en, &s->c, &e);
		mapping_release(s->en, &s->mapping, s->c.id);
	}
	trace("ended");
	trace_end(); /* standard error belongs to whoever comes after the command */
	clients_finish(m);
	clean_up(m, s->c.auto_remove);
	_exit(0);
}
