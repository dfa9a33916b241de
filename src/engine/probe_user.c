/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: kernel, user namespaces and what can forbid them, id maps. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/probe_impl.h"
#include "sys/dirs.h"
#include "sys/idmap.h"
#include "sys/syscalls.h"

/* mount_setattr(2) is the youngest call that the start of a container needs. */
#define KERNEL_MAJOR 5
#define KERNEL_MINOR 12

enum probe_status probe_kernel(struct probe_ctx *c, struct probe_result *r)
{
	struct utsname u;
	int major = 0, minor = 0;

	(void)c;
	if (uname(&u) < 0 || sscanf(u.release, "%d.%d", &major, &minor) != 2) {
		probe_found(r, "the version cannot be read");
		return PROBE_WARN;
	}
	probe_found(r, "Linux %s", u.release);
	if (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR))
		return PROBE_OK;
	probe_cure(r, "update the kernel to %d.%d or newer", KERNEL_MAJOR, KERNEL_MINOR);
	return PROBE_MISSING;
}

enum probe_status probe_syscalls(struct probe_ctx *c, struct probe_result *r)
{
	static const struct {
		const char *name;
		long nr;
	} calls[] = { { "clone3", SYS_clone3 }, { "close_range", SYS_close_range },
		{ "openat2", SYS_openat2 }, { "open_tree", SYS_open_tree },
		{ "move_mount", SYS_move_mount }, { "fsopen", SYS_fsopen },
		{ "mount_setattr", SYS_mount_setattr }, { "pidfd_open", SYS_pidfd_open } };
	char missing[256] = "";

	(void)c;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		size_t n = strlen(missing);

		/* Arguments that every one of them refuses; only the kind of refusal counts. */
		if (syscall(calls[i].nr, -1L, -1L, -1L, -1L, -1L) < 0 && errno == ENOSYS)
			snprintf(missing + n, sizeof(missing) - n, "%s%s", n ? ", " : "",
				calls[i].name);
	}
	if (!missing[0]) {
		probe_found(r, "the calls a start needs are there");
		return PROBE_OK;
	}
	if (probe_filtered()) {
		probe_found(r, "%s refused by a seccomp filter around this process", missing);
		probe_cure_outer(r);
		return PROBE_MISSING;
	}
	probe_found(r, "%s not available: an old kernel", missing);
	probe_cure(r, "update the kernel to %d.%d or newer", KERNEL_MAJOR, KERNEL_MINOR);
	return PROBE_MISSING;
}

/* How a sysctl is set now and for good. */
static void cure_sysctl(struct probe_result *r, const char *setting)
{
	const char *sudo = probe_sudo();

	probe_cure(r, "echo %s | %stee -a /etc/sysctl.d/60-uctr.conf && %ssysctl --system", setting,
		sudo, sudo);
}

enum probe_status probe_clone_knob(struct probe_ctx *c, struct probe_result *r)
{
	long v = 1;

	(void)c;
	if (probe_sysctl("/proc/sys/kernel/unprivileged_userns_clone", &v) < 0) {
		probe_found(r, "this kernel does not have the knob");
		return PROBE_OK;
	}
	probe_found(r, "kernel.unprivileged_userns_clone = %ld", v);
	if (v != 0 || geteuid() == 0)
		return PROBE_OK;
	cure_sysctl(r, "kernel.unprivileged_userns_clone=1");
	return PROBE_MISSING;
}

enum probe_status probe_max_userns(struct probe_ctx *c, struct probe_result *r)
{
	long v = 0;
	int err = probe_sysctl("/proc/sys/user/max_user_namespaces", &v);

	(void)c;
	if (err < 0) {
		probe_found(r, "user.max_user_namespaces: %s", strerror(-err));
		return PROBE_WARN;
	}
	probe_found(r, "user.max_user_namespaces = %ld", v);
	if (v >= 2)
		return PROBE_OK;
	if (probe_nested() && getenv("container"))
		probe_cure_outer(r);
	else
		cure_sysctl(r, "user.max_user_namespaces=15000");
	return PROBE_MISSING;
}

static void cure_apparmor(struct probe_result *r)
{
	const char *sudo = probe_sudo();
	char exe[256] = "";
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	snprintf(exe + (n > 0 ? n : 0), sizeof(exe) - (size_t)(n > 0 ? n : 0), "%s",
		n > 0 ? "" : "/usr/local/bin/uctr");
	probe_cure(r,
		"printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile uctr \"%s\" "
		"flags=(unconfined) {\\n  userns,\\n}\\n' | %stee /etc/apparmor.d/uctr && "
		"%sapparmor_parser -r /etc/apparmor.d/uctr",
		exe, sudo, sudo);
}

enum probe_status probe_apparmor_knob(struct probe_ctx *c, struct probe_result *r)
{
	const struct trial *t;
	long v = 0;

	if (probe_sysctl("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", &v) < 0) {
		probe_found(r, "this kernel does not have the knob");
		return PROBE_OK;
	}
	probe_found(r, "kernel.apparmor_restrict_unprivileged_userns = %ld", v);
	t = probe_trial(c);
	if (v == 0 || (t && t->mount == 0))
		return PROBE_OK;
	cure_apparmor(r);
	return PROBE_MISSING;
}

enum probe_status probe_userns(struct probe_ctx *c, struct probe_result *r)
{
	const struct trial *t = probe_trial(c);
	const char *what = NULL;
	int err = 0;

	if (!t) {
		probe_found(r, "a test process could not be started");
		return PROBE_MISSING;
	}
	if (t->userns != 0) {
		what = "a user namespace";
		err = t->userns;
	} else if (t->map != 0) {
		what = "the id map of a user namespace";
		err = t->map;
	} else if (t->namespaces != 0) {
		what = "mount, pid, network and other namespaces in a user namespace";
		err = t->namespaces;
	} else if (t->mount != 0) {
		what = "mounts in a user namespace";
		err = t->mount;
	}
	if (!what) {
		probe_found(r, "created, with working rights inside");
		return PROBE_OK;
	}
	probe_refused(r, what, err > 0 ? err : EPERM);
	return PROBE_MISSING;
}

enum probe_status probe_proc(struct probe_ctx *c, struct probe_result *r)
{
	const struct trial *t = probe_trial(c);

	if (!t || t->proc == UNTRIED) {
		probe_found(r, "not tried, as namespaces do not work");
		return PROBE_WARN;
	}
	if (t->proc == 0 && t->sysfs == 0) {
		probe_found(r, "mounted");
		return PROBE_OK;
	}
	probe_found(r, "%s: %s: parts of %s are covered here, as inside a container",
		t->proc ? "proc" : "sysfs", strerror(t->proc ? t->proc : t->sysfs),
		t->proc ? "/proc" : "/sys");
	probe_cure_outer(r);
	return PROBE_MISSING;
}

static void cure_subids(struct probe_result *r)
{
	const char *sudo = probe_sudo(), *user = probe_user();
	unsigned int start = probe_free_range();

	if (start == 0)
		probe_cure(r, "free a range of 65536 ids in /etc/subuid and /etc/subgid");
	else if (access("/usr/sbin/usermod", X_OK) == 0 && !strchr("0123456789", user[0]))
		probe_cure(r, "%susermod --add-subuids %u-%u --add-subgids %u-%u %s", sudo, start,
			start + 65535, start, start + 65535, user);
	else
		probe_cure(r, "echo %s:%u:65536 | %stee -a /etc/subuid /etc/subgid", user, start,
			sudo);
}

enum probe_status probe_subids(struct probe_ctx *c, struct probe_result *r)
{
	uint64_t total[2] = { 0, 0 };
	struct err e = ERR_INIT;
	bool nested = probe_nested();
	struct idmap m;

	(void)c;
	if (idmap_full(&m, &e) == 0) {
		total[0] = idmap_total(m.uid + 1, m.n_uid - 1);
		total[1] = idmap_total(m.gid + 1, m.n_gid - 1);
	}
	probe_found(r, "%llu user ids and %llu group ids for %s%s", (unsigned long long)total[0],
		(unsigned long long)total[1], probe_user(),
		nested ? " in the user namespace around uctr" : "");
	if ((total[0] >= 65536 && total[1] >= 65536) || (geteuid() == 0 && total[0] && !nested))
		return PROBE_OK;
	cure_subids(r);
	if (nested) {
		_cleanup_free_ char *cure = strdup(r->cure);

		probe_cure(r, "start uctr outside of the user namespace around it, or: %s",
			cure ? cure : "");
	}
	return total[0] > 0 && total[1] > 0 ? PROBE_WARN : PROBE_MISSING;
}

/* A process in a fresh user namespace that waits until *hold is closed; -errno when refused. */
static pid_t start_holder(int *hold)
{
	_cleanup_fd_ int ready_r = -1;
	int go[2], ready[2];
	char byte;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(ready, O_CLOEXEC) < 0) {
		fd_closep(&go[0]);
		fd_closep(&go[1]);
		return -EMFILE;
	}
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && unshare(CLONE_NEWUSER) == 0 &&
			write(ready[1], "r", 1) == 1)
			(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	ready_r = ready[0];
	close(ready[1]);
	close(go[0]);
	*hold = go[1];
	if (pid < 0)
		return -EAGAIN;
	if (read(ready_r, &byte, 1) == 1)
		return pid;
	waitpid(pid, NULL, 0);
	return -EPERM;
}

/*
 * Writes the map with the helpers' standard error in a memory file, as its first line says best why
 * they refuse; it replaces e's message.
 */
static int try_map(pid_t pid, const struct idmap *m, struct err *e)
{
	_cleanup_fd_ int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	_cleanup_fd_ int mem = memfd_create("helpers", MFD_CLOEXEC);
	struct idmap_job job;
	char text[400];
	ssize_t n;
	int r;

	if (saved < 0 || mem < 0 || dup2(mem, STDERR_FILENO) < 0)
		return err_set(e, -errno, "catch what newuidmap says");
	r = idmap_write_start(pid, m, &job, e);
	if (r == 0)
		r = idmap_write_finish(&job, e);
	if (dup2(saved, STDERR_FILENO) < 0)
		return err_set(e, -errno, "restore standard error");
	n = r < 0 ? pread(mem, text, sizeof(text) - 1, 0) : 0;
	if (n > 0) {
		text[n] = '\0';
		text[strcspn(text, "\n")] = '\0';
		err_msg(e, r, "%s", text);
	}
	return r;
}

/* "what is wrong; an administrator runs: COMMAND" and the like: the cure is behind the semicolon. */
static void cure_helpers(struct probe_result *r, const char *text)
{
	static const char admin[] = "an administrator runs: ";
	const char *cure = strstr(text, "; ");

	probe_found(r, "%.*s", (int)strcspn(text, ";"), text);
	if (!cure)
		probe_cure(r, "mount the file system of newuidmap without nosuid");
	else if (str_startswith(cure + 2, admin))
		probe_cure(r, "%s%s", probe_sudo(), cure + 2 + strlen(admin));
	else
		probe_cure(r, "%s", cure + 2);
}

enum probe_status probe_idmap(struct probe_ctx *c, struct probe_result *r)
{
	_cleanup_fd_ int hold = -1;
	struct err e = ERR_INIT;
	struct idmap m;
	pid_t pid;
	int ret;

	(void)c;
	if (geteuid() != 0 && !dirs_tool("newuidmap")) {
		probe_found(r, "newuidmap is not installed");
		probe_install(r, "uidmap");
		return PROBE_MISSING;
	}
	if (idmap_check_helpers(&e) < 0) {
		cure_helpers(r, e.msg);
		return PROBE_MISSING;
	}
	if (idmap_full(&m, &e) < 0) {
		probe_found(r, "not tried without subordinate ids");
		return PROBE_WARN;
	}
	pid = start_holder(&hold);
	if (pid < 0) {
		probe_found(r, "not tried without user namespaces");
		return PROBE_WARN;
	}
	ret = try_map(pid, &m, &e);
	fd_closep(&hold);
	waitpid(pid, NULL, 0);
	if (ret == 0) {
		probe_found(r, "a full map was written%s",
			geteuid() == 0 ? " (root needs no helper)" : "");
		return PROBE_OK;
	}
	probe_found(r, "%s", e.msg);
	probe_cure(r, "%s",
		prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
			? "start uctr from a shell that does not run under no_new_privs"
			: "look for a nosuid mount (findmnt -T /usr/bin/newuidmap) and for lines "
			  "of "
			  "/etc/subuid and /etc/subgid that overlap");
	return PROBE_MISSING;
}

enum probe_status probe_seccomp(struct probe_ctx *c, struct probe_result *r)
{
	unsigned int action = SECCOMP_RET_ERRNO;

	(void)c;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) {
		probe_found(r, "filters work");
		return PROBE_OK;
	}
	probe_found(r, "filters are not available: %s", strerror(errno));
	probe_cure(r, "use a kernel with CONFIG_SECCOMP_FILTER, or run with "
		      "--security-opt seccomp=unconfined");
	return PROBE_MISSING;
}
