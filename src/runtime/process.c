/* SPDX-License-Identifier: Apache-2.0 */
/* From a finished container to execve: limits, rights, identity, filter, program. Start and exec. */
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/red.h"
#include "base/trace.h"
#include "runtime/child.h"
#include "runtime/emulate.h"
#include "runtime/init_blob.h"
#include "sys/inroot.h"
#include "sys/seccomp.h"
#include "sys/syscalls.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

int process_early(const struct spec_process *p, struct err *e)
{
	char value[16];
	int r;

	if (p->has_oom_score_adj) {
		snprintf(value, sizeof(value), "%d", p->oom_score_adj);
		r = file_poke(AT_FDCWD, "/proc/self/oom_score_adj", value);
		if (r < 0)
			return err_set(e, r, "set oom_score_adj %d", p->oom_score_adj);
	}
	if (p->apparmor) {
		_cleanup_free_ char *text = str_printf("exec %s", p->apparmor);

		r = text ? file_poke(AT_FDCWD, "/proc/self/attr/apparmor/exec", text) : -ENOMEM;
		if (r < 0)
			return err_set(e, r, "AppArmor profile %s", p->apparmor);
	}
	if (p->selinux) {
		r = file_poke(AT_FDCWD, "/proc/self/attr/exec", p->selinux);
		if (r < 0)
			return err_set(e, r, "SELinux label %s", p->selinux);
	}
	return 0;
}

/* A session keyring of its own, so that keys of the caller's are out of reach (H5). */
static int own_keyring(const struct spec *spec, struct err *e)
{
	if (red_off("keyring") || syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0 ||
		errno == ENOSYS)
		return 0;
	/* At the quota, or nested below a filter: safe as long as ours blocks keyctl anyway. */
	if (spec->seccomp.insns && (errno == EDQUOT || errno == EPERM))
		return 0;
	return err_set(e, -errno, "make a session keyring");
}

/* The limit on descriptors comes last: uctr's own are open until execve. */
static int set_rlimits(const struct spec_process *p, bool files, struct err *e)
{
	for (size_t i = 0; i < p->n_rlimits; i++) {
		const struct spec_rlimit *l = &p->rlimits[i];
		struct rlimit rl = { .rlim_cur = l->soft, .rlim_max = l->hard };

		if ((l->resource == RLIMIT_NOFILE) != files)
			continue;
		if (setrlimit((__rlimit_resource_t)l->resource, &rl) < 0) {
			err_set(e, -errno, "limit %s=%llu:%llu", rlimit_name(l->resource),
				(unsigned long long)l->soft, (unsigned long long)l->hard);
			if (e->code == -EPERM)
				err_hint(e, "it may not exceed the hard limit of uctr's caller");
			return err_exit(e, 125);
		}
	}
	return 0;
}

int process_open_cwd(int root, const struct spec_process *p, struct err *e)
{
	const char *cwd = p->cwd ? p->cwd : "/";
	int fd = red_off("cwd") ? open(cwd, O_PATH | O_DIRECTORY | O_CLOEXEC)
		 : p->make_cwd  ? inroot_mkdir(root, cwd)
				: inroot_open(root, cwd, O_PATH | O_DIRECTORY, 0);

	if (fd >= 0)
		return fd;
	if (fd == -ELOOP)
		err_msg(e, fd, "working directory %s leads through a link of /proc; refused", cwd);
	else
		err_set(e, fd, "working directory %s", cwd);
	e->exit = 125;
	return fd;
}

static int enter_cwd(int root, const struct spec_process *p, struct err *e)
{
	_cleanup_fd_ int fd = process_open_cwd(root, p, e);
	char buf[PATH_MAX];

	if (fd < 0)
		return fd;
	if (fchdir(fd) < 0)
		return err_set(e, -errno, "enter working directory %s", p->cwd ? p->cwd : "/");
	/* Inside the root, getcwd is absolute; "(unreachable)" would be outside (A2). */
	if (!red_off("cwd") && (!getcwd(buf, sizeof(buf)) || buf[0] != '/'))
		return err_msg(
			e, -EXDEV, "working directory %s lies outside the container", p->cwd);
	return 0;
}

static int set_stdio(const int stdio[3], bool terminal, struct err *e)
{
	int tmp[3];

	for (int i = 0; i < 3; i++) {
		int src = stdio[i] >= 0 ? stdio[i] : open("/dev/null", O_RDWR | O_CLOEXEC);

		tmp[i] = src < 0 ? -1 : fcntl(src, F_DUPFD_CLOEXEC, 3);
		if (tmp[i] < 0)
			return err_set(e, -errno, "prepare standard %s",
				i == 0   ? "input"
				: i == 1 ? "output"
					 : "error");
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(tmp[i], i) < 0)
			return err_set(e, -errno, "dup2");
	}
	if (terminal && ioctl(0, TIOCSCTTY, 0) < 0)
		return err_set(e, -errno, "take the terminal");
	/* Everything else ends at execve, whoever opened it (A2: no descriptor of the host's). */
	return fd_cloexec_from(3) < 0 ? err_set(e, -errno, "close_range") : 0;
}

/* What was asked for is at fault, not a step of ours. */
static int bad_id(int error, const char *what, uint32_t id, struct err *e)
{
	err_set(e, -error, "become %s %u", what, id);
	if (error == EINVAL)
		err_hint(e, "this %s id is not mapped in the container", what);
	return err_exit(e, 125);
}

static int set_identity(const struct spec_process *p, struct err *e)
{
	const struct spec_user *u = &p->user;
	gid_t *groups = u->groups; /* gid_t is uint32_t on Linux */

	if (!u->keep_groups && setgroups(u->n_groups, groups) < 0) {
		err_set(e, -errno, "set supplementary groups");
		if (e->code == -EINVAL)
			err_hint(e, "a group id is not mapped in this container");
		return err_exit(e, 125);
	}
	if (u->uid != 0 && p->has_caps && p->caps.permitted &&
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_set(e, -errno, "keep capabilities");
	if (setresgid(u->gid, u->gid, u->gid) < 0)
		return bad_id(errno, "group", u->gid, e);
	if (setresuid(u->uid, u->uid, u->uid) < 0)
		return bad_id(errno, "user", u->uid, e);
	return 0;
}

#define SIGNALS 64

/*
 * By system call: libc keeps 32 and 33 to itself and refuses to touch them, but whoever started uctr
 * may ignore them. A kernel's struct sigaction of zeros is SIG_DFL; the size is that of its mask.
 */
static void reset_signals(void)
{
	const unsigned long dfl[8] = { 0 };
	sigset_t none;

	for (int i = 1; i <= SIGNALS; i++)
		(void)syscall(SYS_rt_sigaction, i, dfl, NULL, SIGNALS / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int not_found(const char *arg, struct err *e)
{
	_cleanup_free_ char *clean = str_sanitise(arg);

	err_msg(e, -ENOENT,
		strchr(arg, '/') ? "exec '%s': no such file or directory in the container"
				 : "exec '%s': executable file not found in $PATH of the container",
		clean ? clean : "");
	return err_exit(e, 127);
}

static int no_interpreter(const char *arg, struct err *e)
{
	_cleanup_free_ char *clean = str_sanitise(arg);

	err_msg(e, -ENOENT,
		"exec '%s': no such file or directory: its interpreter or loader is not in the "
		"container",
		clean ? clean : "");
	return err_exit(e, 127);
}

static int not_executable(const char *arg, int r, struct err *e)
{
	_cleanup_free_ char *clean = str_sanitise(arg);

	err_set(e, r, "exec '%s'", clean ? clean : "");
	return err_exit(e, 126);
}

/* As execvp(3), but told apart: found and not executable (126), or not found (127). */
static int find_program(const struct spec_process *p, char path[PATH_MAX], struct err *e)
{
	const char *arg = p->args[0], *dirs = env_get(p->env, "PATH");
	bool seen = false;
	struct stat st;

	if (!*arg)
		return not_found(arg, e);
	if (strchr(arg, '/')) {
		if (snprintf(path, PATH_MAX, "%s", arg) >= PATH_MAX)
			return not_executable(arg, -ENAMETOOLONG, e);
		if (stat(path, &st) < 0)
			return errno == ENOENT || errno == ENOTDIR ? not_found(arg, e)
								   : not_executable(arg, -errno, e);
		if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
			return not_executable(arg, -EACCES, e);
		return 0;
	}
	for (const char *d = dirs ? dirs : "/usr/local/bin:/usr/bin:/bin"; d;) {
		const char *end = strchrnul(d, ':');
		int n = (int)(end - d);

		if (snprintf(path, PATH_MAX, "%.*s%s%s", n, d, n ? "/" : "./", arg) < PATH_MAX &&
			stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			if (access(path, X_OK) == 0)
				return 0;
			seen = true;
		}
		d = *end ? end + 1 : NULL;
	}
	return seen ? not_executable(arg, -EACCES, e) : not_found(arg, e);
}

/*
 * The embedded init program in a sealed memory file. As /proc/PID/exe it can be neither written
 * nor exchanged, so the host's uctr binary is never what a container finds there (CVE-2019-5736).
 */
static int init_memfd(struct err *e)
{
	_cleanup_fd_ int fd = memfd_create("uctr-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	int r;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("uctr-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_set(e, -errno, "memfd_create");
	r = fd_write_all(fd, init_blob, init_blob_len);
	if (r == 0 && fcntl(fd, F_ADD_SEALS,
			      F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		r = -errno;
	return r < 0 ? err_set(e, r, "prepare the init program") : take_fd(&fd);
}

/* How the process leaves for the init program: decided before the filter, which has to let it. */
struct leave {
	int init;
	const char **argv;
	struct seccomp_leave call;
};

/* path: filled in later, and stays where it is until execve. */
static int prepare_leave(
	const struct spec_process *p, const char *path, struct leave *l, struct err *e)
{
	static const char empty[] = "";
	size_t n = strv_len(p->args);
	void *mem = mmap(NULL, (n + 3) * sizeof(*l->argv), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return err_set(e, -errno, "arguments");
	l->argv = mem;
	l->argv[0] = p->init ? "uctr-init" : "uctr-exec";
	l->argv[1] = path;
	for (size_t i = 0; i < n; i++)
		l->argv[i + 2] = p->args[i];
	l->init = init_memfd(e);
	l->call = (struct seccomp_leave){ { (uint64_t)l->init, (uintptr_t)empty, (uintptr_t)l->argv,
		(uintptr_t)p->env } };
	return l->init < 0 ? l->init : 0;
}

/* A profile of the caller's own need not know of execveat: our one call is admitted (leave). */
static int load_filter(const struct seccomp_prog *sp, const struct leave *l, struct err *e)
{
	if (l->init >= 0 && sp->owned && !red_off("leave"))
		return seccomp_install_leaving(&l->call, sp->insns, sp->len, e);
	return seccomp_install(sp->insns, sp->len, e);
}

static int execute(
	const struct spec_process *p, const char *path, const struct leave *l, struct err *e)
{
	const uint64_t *arg = l->call.arg;

	if (l->init < 0) {
		execve(path, p->args, p->env);
		/* It was there a moment ago: what is missing is its interpreter or loader. */
		return errno == ENOENT ? no_interpreter(p->args[0], e)
				       : not_executable(p->args[0], -errno, e);
	}
	syscall(SYS_execveat, arg[0], arg[1], arg[2], arg[3], (long)AT_EMPTY_PATH);
	return err_set(e, -errno, "start the init program");
}

/* A user that is not root starts without capabilities, but for those asked for by name. */
static struct spec_process settle_caps(const struct spec_process *p)
{
	struct spec_process out = *p;
	bool root = p->user.uid == 0;

	if (p->caps_by_uid) {
		out.caps.permitted = out.caps.effective = root ? p->caps.bounding : p->caps_add;
		out.caps.inheritable = out.caps.ambient = root ? 0 : p->caps_add;
	}
	return out;
}

/* The order matters: each step needs a right that a later one drops. */
int process_exec(const struct spec *spec, const struct spec_process *asked, const int stdio[3],
	bool seal_exe, struct err *e)
{
	const struct spec_process settled = settle_caps(asked), *p = &settled;
	_cleanup_fd_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct seccomp_prog *sp = &spec->seccomp;
	struct leave leave = { .init = -1 };
	char path[PATH_MAX];
	int r;

	if (root < 0)
		return err_set(e, -errno, "open /");
	umask(p->user.has_umask ? p->user.umask : 0022);
	if ((r = own_keyring(spec, e)) < 0 || (r = set_rlimits(p, false, e)) < 0 ||
		(r = set_stdio(stdio, p->terminal, e)) < 0 || (r = enter_cwd(root, p, e)) < 0)
		return r;
	if ((p->init || seal_exe) && (r = prepare_leave(p, path, &leave, e)) < 0)
		return r;
	if ((r = set_rlimits(p, true, e)) < 0)
		return r;
	if (p->has_caps && (r = caps_bound(p->caps.bounding, e)) < 0)
		return r;
	if (spec->emulate && (r = emulate_enter(spec->emulate, &p->user, e)) < 0)
		return r;
	/* Without no_new_privs the filter needs CAP_SYS_ADMIN, so it goes in before rights go. */
	if (sp->insns && !p->no_new_privs && (r = load_filter(sp, &leave, e)) < 0)
		return r;
	if ((!spec->emulate && (r = set_identity(p, e)) < 0) ||
		(p->has_caps && (r = caps_apply(&p->caps, e)) < 0))
		return r;
	if (p->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, -errno, "no_new_privs");
	if ((r = find_program(p, path, e)) < 0)
		return r;
	reset_signals();
	if (sp->insns && p->no_new_privs && (r = load_filter(sp, &leave, e)) < 0)
		return r;
	return execute(p, path, &leave, e);
}
