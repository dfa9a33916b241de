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
} calls[] = {
	{ SYS_getuid, emulate_get_id, false },
	{ SYS_geteuid, emulate_get_id, false },
	{ SYS_getgid, emulate_get_id, false },
	{ SYS_getegid, emulate_get_id, false },
	{ SYS_getresuid, emulate_get_ids, false },
	{ SYS_getresgid, emulate_get_ids, false },
	{ SYS_getgroups, emulate_get_groups, false },
	{ SYS_setuid, emulate_set_ids, false },
	{ SYS_setgid, emulate_set_ids, false },
	{ SYS_setreuid, emulate_set_ids, false },
	{ SYS_setregid, emulate_set_ids, false },
	{ SYS_setresuid, emulate_set_ids, false },
	{ SYS_setresgid, emulate_set_ids, false },
	{ SYS_setfsuid, emulate_set_ids, false },
	{ SYS_setfsgid, emulate_set_ids, false },
	{ SYS_setgroups, emulate_set_groups, false },
	{ SYS_prctl, emulate_prctl, false },
#ifdef SYS_chown
	{ SYS_chown, emulate_chown, true },
	{ SYS_lchown, emulate_chown, true },
#endif
	{ SYS_fchown, emulate_chown, true },
	{ SYS_fchownat, emulate_chown, true },
#ifdef SYS_mknod
	{ SYS_mknod, emulate_mknod, true },
#endif
	{ SYS_mknodat, emulate_mknod, true },
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

static int64_t find_call(struct call *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].nr == c->n->data.nr)
			return serve_call(c, i);
	}
	return -ENOSYS;
}

static void serve_one(struct supervisor *s, uint32_t at)
{
	struct emulate_shared *sh = s->shared;
	struct seccomp_notif n;
	struct call c = { .s = s, .listener = sh->listeners[at], .n = &n };
	int64_t value;

	if (notify_receive(c.listener, &n) < 0)
		return;
	c.tid = (pid_t)n.pid;
	if (sh->first[at] == ENTERED) {
		value = find_call(&c);
	} else {
		value = emulate_enter_ids(&c, sh->first[at]);
		sh->first[at] = ENTERED;
	}
	/* A process that was killed meanwhile needs no answer; one that is there must have one. */
	notify_answer(c.listener, n.id, value);
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

void emulate_serve(struct supervisor *s)
{
	struct emulate_shared *sh = s->shared;
	struct pollfd p[LISTENERS_MAX + 1];

	for (;;) {
		uint32_t n = sh->n_listeners;

		p[0] = (struct pollfd){ .fd = s->sock, .events = POLLIN };
		for (uint32_t i = 0; i < n; i++)
			p[i + 1] = (struct pollfd){ .fd = sh->listeners[i], .events = POLLIN };
		if (poll(p, n + 1, -1) < 0 && errno != EINTR)
			return;
		/* From the end: drop_listener() moves the last one down. */
		for (uint32_t i = n; i > 0; i--) {
			if (p[i].revents & POLLIN)
				serve_one(s, i - 1);
			else if (p[i].revents)
				drop_listener(sh, i - 1); /* its last process ended */
		}
		if (p[0].revents && !take_listener(s))
			return;
	}
}
