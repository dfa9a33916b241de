/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's loop: one call after the other, of all processes of the container. */
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/emulate_impl.h"
#include "sys/notify.h"

/*
 * A call that takes longer hangs: its file is on a file system whose server does not answer. The
 * supervisor is killed and begun anew, and the call gets EIO.
 */
#define HANG_SECONDS 10

static const struct {
	int nr;
	int64_t (*fn)(struct call *c);
	bool may_hang;
	bool light; /* looks at nothing but the tables and the mark */
} calls[] = {
	{ SYS_getuid, emulate_get_id, false, true },
	{ SYS_geteuid, emulate_get_id, false, true },
	{ SYS_getgid, emulate_get_id, false, true },
	{ SYS_getegid, emulate_get_id, false, true },
	{ SYS_getresuid, emulate_get_ids, false, true },
	{ SYS_getresgid, emulate_get_ids, false, true },
	{ SYS_getgroups, emulate_get_groups, false, true },
	{ SYS_setuid, emulate_set_ids, false, false },
	{ SYS_setgid, emulate_set_ids, false, false },
	{ SYS_setreuid, emulate_set_ids, false, false },
	{ SYS_setregid, emulate_set_ids, false, false },
	{ SYS_setresuid, emulate_set_ids, false, false },
	{ SYS_setresgid, emulate_set_ids, false, false },
	{ SYS_setfsuid, emulate_set_ids, false, false },
	{ SYS_setfsgid, emulate_set_ids, false, false },
	{ SYS_setgroups, emulate_set_groups, false, false },
	{ SYS_prctl, emulate_prctl, false, false },
#ifdef SYS_chown
	{ SYS_chown, emulate_chown, true, false },
	{ SYS_lchown, emulate_chown, true, false },
#endif
	{ SYS_fchown, emulate_chown, true, false },
	{ SYS_fchownat, emulate_chown, true, false },
#ifdef SYS_mknod
	{ SYS_mknod, emulate_mknod, true, false },
#endif
	{ SYS_mknodat, emulate_mknod, true, false },
};

static void set_timer(struct supervisor *s, int seconds)
{
	struct itimerspec t = { .it_value.tv_sec = seconds };

	(void)timer_settime(s->timer, 0, &t, NULL);
}

static int64_t serve_call(struct call *c, size_t i)
{
	struct emulate_shared *sh = c->s->shared;
	int64_t value;

	if (!calls[i].may_hang)
		return calls[i].fn(c);
	sh->busy_listener = c->listener;
	sh->busy_id = c->n->id;
	sh->busy = true;
	set_timer(c->s, HANG_SECONDS);
	value = calls[i].fn(c);
	set_timer(c->s, 0);
	sh->busy = false;
	return value;
}

/* The entry of the call, or ARRAY_SIZE(calls). */
static size_t find_call(int nr)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(calls) && calls[i].nr != nr)
		i++;
	return i;
}

static void serve(struct supervisor *s, int listener, const struct seccomp_notif *n, size_t i)
{
	struct call c = { .s = s, .listener = listener, .n = n, .tid = (pid_t)n->pid };

	/* A process that was killed meanwhile needs no answer; one that is there must have one. */
	notify_answer(listener, n->id, i < ARRAY_SIZE(calls) ? serve_call(&c, i) : -ENOSYS);
}

/* Its ids, whatever it asked for. */
static void serve_first(struct supervisor *s, uint32_t at, const struct seccomp_notif *n)
{
	struct emulate_shared *sh = s->shared;
	struct call c = { .s = s, .listener = sh->listeners[at], .n = n, .tid = (pid_t)n->pid };
	int64_t value = emulate_enter_ids(&c, sh->first[at]);

	sh->first[at] = ENTERED;
	notify_answer(c.listener, n->id, value);
}

/* False when it waits in sh->pending for a supervisor that can do more than this one. */
static bool serve_one(struct supervisor *s, uint32_t at)
{
	struct emulate_shared *sh = s->shared;
	struct seccomp_notif n;
	size_t i;

	if (notify_receive(sh->listeners[at], &n) < 0)
		return true;
	if (sh->first[at] != ENTERED) {
		serve_first(s, at, &n);
		return true;
	}
	i = find_call(n.data.nr);
	if (s->light && i < ARRAY_SIZE(calls) && !calls[i].light) {
		sh->pending = n;
		sh->pending_listener = sh->listeners[at];
		return false;
	}
	serve(s, sh->listeners[at], &n, i);
	return true;
}

static bool is_whole(struct creds *c, size_t len)
{
	return len >= offsetof(struct creds, groups) && c->n_groups <= CREDS_GROUPS_MAX &&
	       len == creds_size(c) && creds_sort_groups(c) == 0;
}

/* False when the other end is gone: then so is the container. */
static bool take_listener(struct supervisor *s)
{
	struct emulate_shared *sh = s->shared;
	int fds[FD_PASS_MAX];
	ssize_t n = fd_recv(s->sock, &s->next, sizeof(s->next), fds, NULL);

	if (n == 0)
		return false;
	if (n < 0)
		return true;
	/* One too many is closed: its process is told ENOSYS. */
	if (sh->n_listeners < LISTENERS_MAX && is_whole(&s->next, (size_t)n)) {
		sh->first[sh->n_listeners] = table_add(sh, &s->next);
		sh->listeners[sh->n_listeners++] = take_fd(&fds[0]);
	}
	for (size_t i = 0; i < FD_PASS_MAX; i++)
		fd_closep(&fds[i]);
	return true;
}

static void drop_listener(struct emulate_shared *sh, uint32_t i)
{
	int fd = sh->listeners[i];

	sh->n_listeners--;
	sh->listeners[i] = sh->listeners[sh->n_listeners];
	sh->first[i] = sh->first[sh->n_listeners];
	fd_closep(&fd);
}

/* The call that a light supervisor left. */
static void serve_pending(struct supervisor *s)
{
	struct emulate_shared *sh = s->shared;
	struct seccomp_notif n = sh->pending;

	if (sh->pending_listener < 0)
		return;
	/* Before it is served: should it kill the supervisor, the next one must not begin anew. */
	sh->busy_listener = sh->pending_listener;
	sh->busy_id = n.id;
	sh->busy = true;
	sh->pending_listener = -1;
	serve(s, sh->busy_listener, &n, find_call(n.data.nr));
	sh->busy = false;
}

bool emulate_serve(struct supervisor *s)
{
	struct emulate_shared *sh = s->shared;
	struct pollfd p[LISTENERS_MAX + 1];

	if (!s->light)
		serve_pending(s);
	for (;;) {
		uint32_t n = sh->n_listeners;

		p[0] = (struct pollfd){ .fd = s->sock, .events = POLLIN };
		for (uint32_t i = 0; i < n; i++)
			p[i + 1] = (struct pollfd){ .fd = sh->listeners[i], .events = POLLIN };
		if (poll(p, n + 1, -1) < 0 && errno != EINTR)
			return false;
		/* From the end: drop_listener() moves the last one down. */
		for (uint32_t i = n; i > 0; i--) {
			if (p[i].revents & POLLIN) {
				if (!serve_one(s, i - 1))
					return true;
			} else if (p[i].revents) {
				drop_listener(sh, i - 1); /* its last process ended */
			}
		}
		if (p[0].revents && !take_listener(s))
			return false;
	}
}
