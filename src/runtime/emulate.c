/* SPDX-License-Identifier: Apache-2.0 */
/* Start of the emulation: the keeper, the supervisor that it keeps, and entering from a process. */
#include "runtime/emulate.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/red.h"
#include "base/spawn.h"
#include "base/trace.h"
#include "runtime/emulate_impl.h"
#include "runtime/seccomp_builtin.h"
#include "sys/caps.h"
#include "sys/mount.h"
#include "sys/notify.h"
#include "sys/seccomp.h"
#include "sys/syscalls.h"
#include "sys/title.h"

/* Everything that one owner's files and the container's processes ask for. */
#define RIGHTS                                                                                     \
	(CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) |          \
		CAP_BIT(CAP_SYS_CHROOT) | CAP_BIT(CAP_SYS_PTRACE) | CAP_BIT(CAP_SYS_RESOURCE) |    \
		CAP_BIT(CAP_CHOWN))

/*
 * A mount namespace that holds nothing but a procfs of this pid namespace, which numbers processes as
 * the kernel's notifications do. The host's files are out of reach.
 */
static int leave_host(struct supervisor *s, struct err *e)
{
	_cleanup_fd_ int at = -1;
	int r;

	if (unshare(CLONE_NEWNS) < 0)
		return err_set(e, -errno, "unshare the mount namespace");
	at = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return err_set(e, -errno, "open /proc");
	r = mount_propagation_all(MS_PRIVATE);
	if (r < 0)
		return err_set(e, r, "make mounts private");
	s->proc = mount_new(
		"proc", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
	if (s->proc < 0)
		return s->proc;
	r = mount_attach(s->proc, at);
	if (r < 0)
		return err_set(e, r, "attach /proc");
	return mount_pivot(s->proc, e);
}

static bool same_namespace(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/*
 * The container's user namespace: the one below ours that the waiting process is in, or in a
 * namespace below. A FUSE file system lets nobody from further up in.
 */
static int join_container(struct supervisor *s, struct err *e)
{
	const struct emulate_shared *sh = s->shared;
	_cleanup_fd_ int own = openat(s->proc, "self/ns/user", O_RDONLY | O_CLOEXEC), at = -1;
	char path[40];

	snprintf(path, sizeof(path), "%u/ns/user", sh->pending.pid);
	at = openat(s->proc, path, O_RDONLY | O_CLOEXEC);
	if (!notify_valid(sh->pending_listener, sh->pending.id))
		return -ESRCH;
	if (red_off("container"))
		return 0;
	if (own < 0 || at < 0)
		return err_set(e, -errno, "open the container's user namespace");
	for (;;) {
		_cleanup_fd_ int parent = ioctl(at, NS_GET_PARENT);

		if (parent < 0)
			return err_set(e, -errno, "find the container's user namespace");
		if (same_namespace(parent, own))
			break;
		close(at);
		at = take_fd(&parent);
	}
	return setns(at, CLONE_NEWUSER) < 0
		       ? err_set(e, -errno, "enter the container's user namespace")
		       : 0;
}

static int confine(struct err *e)
{
	struct caps caps = { .permitted = RIGHTS, .effective = RIGHTS };
	int r = caps_apply(&caps, e);

	if (r < 0)
		return r;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? err_set(e, -errno, "no_new_privs") : 0;
}

/* The supervisor's last steps, and its life. */
static void supervise(struct supervisor *s) __attribute__((noreturn));
static void supervise(struct supervisor *s)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct err *e = &s->shared->failed;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() == 1)
		_exit(1); /* the keeper is dead already */
	if (timer_create(CLOCK_MONOTONIC, &ev, &s->timer) < 0)
		err_set(e, -errno, "timer");
	else if (seccomp_install(seccomp_supervisor_prog, seccomp_supervisor_len, e) == 0)
		(void)emulate_serve(s);
	_exit(0);
}

static bool is_kept(const struct supervisor *s, int fd)
{
	const struct emulate_shared *sh = s->shared;

	if (fd == s->sock || fd == s->proc || fd == s->records || fd == trace_fd())
		return true;
	for (uint32_t i = 0; i < sh->n_listeners; i++) {
		if (fd == sh->listeners[i])
			return true;
	}
	return false;
}

/* Closes what a killed supervisor had open besides what is kept: descriptors are shared with it. */
static void close_rest(const struct supervisor *s)
{
	struct rlimit rl;

	/* Numbers of descriptors are given from below, so the soft limit is where they end. */
	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return;
	for (int fd = 3; (rlim_t)fd < rl.rlim_cur && fd < 4 * LISTENERS_MAX; fd++) {
		if (!is_kept(s, fd))
			close(fd);
	}
}

/* Keeps a supervisor running as long as one is needed. */
static void keep(struct supervisor *s)
{
	struct emulate_shared *sh = s->shared;
	struct clone_args args = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
	int code;

	do {
		pid_t pid = sys_clone3(&args);

		if (pid == 0)
			supervise(s);
		if (pid < 0) {
			err_set(&sh->failed, -errno, "fork the supervisor of root emulation");
			return;
		}
		code = spawn_wait(pid);
		if (sh->busy) {
			sh->busy = false;
			notify_answer(sh->busy_listener, sh->busy_id, -EIO);
		}
		close_rest(s);
	} while (code == 128 + SIGKILL);
}

/* Until a supervisor is needed: 0 in its place and namespaces, or an error. */
static int serve_light(struct supervisor *s, struct err *e)
{
	while (emulate_serve(s)) {
		int r = s->proc < 0 ? leave_host(s, e) : 0;

		if (r == 0)
			r = join_container(s, e);
		if (r != -ESRCH)
			return r;
		s->shared->pending_listener = -1; /* it was killed while it waited */
	}
	return -EPIPE;
}

static void keeper(struct emulate_shared *sh, int sock, int records) __attribute__((noreturn));
static void keeper(struct emulate_shared *sh, int sock, int records)
{
	const int stay[] = { sock, records, trace_fd() };
	struct supervisor *s = calloc(1, sizeof(*s));
	struct err *e = &sh->failed;
	sigset_t none;

	title_set("uctr: root emulation");
	trace_who("emulation");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(0);
	if (!s || fd_close_except(3, stay, 3) < 0) {
		err_set(e, s ? -errno : -ENOMEM, "start");
		_exit(1);
	}
	*s = (struct supervisor){ .shared = sh, .sock = sock, .records = records, .proc = -1 };
	if (notify_check_sizes() < 0) {
		err_msg(e, -EOPNOTSUPP, "this kernel's seccomp notifications are of another form");
		_exit(1);
	}
	/*
	 * Most containers ask for their ids and no more. Up to the first call that looks at a
	 * process's memory or files, one process without a view of its own will do.
	 */
	s->light = true;
	if (serve_light(s, e) == 0 && confine(e) == 0) {
		s->light = false;
		trace("supervised");
		keep(s);
	}
	_exit(0);
}

static struct emulate_shared *make_shared(void)
{
	struct emulate_shared *sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	static const struct creds root;

	if (sh == MAP_FAILED)
		return NULL;
	sh->pending_listener = -1;
	(void)table_add(sh, &root); /* index 0: what a process enters with */
	return sh;
}

int emulate_start(struct emulate *em, int records, struct err *e)
{
	int pair[2];

	em->shared = make_shared();
	if (!em->shared || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(e, -errno, "prepare root emulation");
	em->pid = fork();
	if (em->pid == 0) {
		close(pair[0]);
		keeper(em->shared, pair[1], records);
	}
	close(pair[1]);
	em->sock = pair[0];
	return em->pid < 0 ? err_set(e, -errno, "fork root emulation") : 0;
}

void emulate_free(struct emulate *em)
{
	fd_closep(&em->sock);
	if (em->pid > 0) {
		(void)kill(em->pid, SIGKILL); /* our child, not reaped yet: the number is its own */
		spawn_wait(em->pid);
		em->pid = -1;
	}
	if (em->shared)
		munmap(em->shared, sizeof(*em->shared));
	em->shared = NULL;
}

/* A process's first mark is 0; the hard limit must leave room for the others. */
static int set_mark(struct err *e)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_LOCKS, &rl) < 0)
		return err_set(e, -errno, "limit locks");
	if (rl.rlim_max < SETS_MAX)
		return err_msg(e, -EINVAL,
			"limit locks (ulimit -x, --ulimit locks): the hard limit is %llu, and root "
			"emulation needs %d; leave it unlimited",
			(unsigned long long)rl.rlim_max, SETS_MAX);
	rl.rlim_cur = 0;
	return setrlimit(RLIMIT_LOCKS, &rl) < 0 ? err_set(e, -errno, "limit locks") : 0;
}

static int send_listener(
	const struct emulate *em, const struct spec_user *user, int listener, struct err *e)
{
	struct creds c = { .n_groups = (uint32_t)user->n_groups };
	int r;

	if (user->n_groups > CREDS_GROUPS_MAX)
		return err_msg(e, -E2BIG, "more than %d groups", CREDS_GROUPS_MAX);
	for (int i = 0; i < ID_N; i++) {
		c.uid[i] = user->uid;
		c.gid[i] = user->gid;
	}
	if (user->n_groups)
		memcpy(c.groups, user->groups, user->n_groups * sizeof(c.groups[0]));
	r = fd_send(em->sock, &c, creds_size(&c), &listener, 1);
	if (r == 0)
		return 0;
	if (em->shared->failed.code) {
		*e = em->shared->failed;
		return err_wrap(e, e->code, "root emulation");
	}
	return err_msg(e, r, "root emulation: its supervisor has ended");
}

int emulate_enter(const struct emulate *em, const struct spec_user *user, struct err *e)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED;
	_cleanup_fd_ int listener = -1;
	struct err why = ERR_INIT;
	int r = red_off("emulate") ? 0 : set_mark(e);

	if (r < 0 || red_off("emulate"))
		return r;
	/* The kernel sees uid 0 at every execve and would give it all rights of the bounding set. */
	if (user->uid != 0 && !red_off("noroot") && prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
		return err_set(e, -errno, "set securebits");
	listener = notify_load(seccomp_emulate_prog, seccomp_emulate_len, &why);
	if (listener == -EBUSY) {
		/* In a container that is emulated itself: the outer supervisor answers. */
		if (setgroups(user->n_groups, user->groups) < 0 ||
			setresgid(user->gid, user->gid, user->gid) < 0 ||
			setresuid(user->uid, user->uid, user->uid) < 0)
			return err_set(
				e, -errno, "become user %u of an emulated container", user->uid);
		return 0;
	}
	if (listener < 0) {
		*e = why;
		return why.code;
	}
	r = send_listener(em, user, listener, e);
	if (r < 0)
		return r;
	/* The first call over a listener, whatever it asks for, is answered by these ids. */
	return setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1) < 0
		       ? err_set(e, -errno, "root emulation: take the ids of user %u", user->uid)
		       : 0;
}
