/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up rights: limits, Landlock, seccomp. */
#include "confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "base/red.h"
#include "base/str.h"
#include "calls.h"
#include "sys/seccomp.h"
#include "uctr/transfer_proto.h"

int confine_enter_userns(int userns_fd, struct err *e)
{
	int r = spawn_join_userns(userns_fd);

	if (r < 0)
		return err_set(e, r, "enter the user namespace of the image store");
	/* The map may lack a group 0, or setgroups may be denied there: nothing depends on it. */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return err_set(e, -errno, "leave the caller's groups");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(e, -errno, "become root of the user namespace");
	return 0;
}

/* AddressSanitizer needs terabytes of address space and calls of its own at the end. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#if SANITIZED
/* The leak check at exit looks into /proc, which Landlock has closed by then. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

static int set_limits(struct err *e)
{
	static const struct {
		int what;
		rlim_t max;
		const char *name;
	} limits[] = {
		{ RLIMIT_CORE, 0, "core" },
		{ RLIMIT_DATA, UCTR_MAX_TRANSFER_MEM, "data" },
		{ RLIMIT_NOFILE, 1024, "nofile" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit l;

		if (SANITIZED && limits[i].what == RLIMIT_DATA)
			continue;
		if (getrlimit(limits[i].what, &l) < 0)
			return err_set(e, -errno, "read the limit %s", limits[i].name);
		if (l.rlim_max > limits[i].max)
			l.rlim_max = limits[i].max;
		l.rlim_cur = l.rlim_max;
		if (setrlimit(limits[i].what, &l) < 0)
			return err_set(e, -errno, "set the limit %s", limits[i].name);
	}
	return 0;
}

/*
 * Landlock: best effort, by ABI (landlock(7)). ABI 1 (Linux 5.13) forbids every link between
 * directories, so hard links need ABI 2 (5.19); older kernels go without, the writer's openat2 and
 * the seccomp filter still hold.
 */
#define ALL_ACCESS ((LANDLOCK_ACCESS_FS_REFER << 1) - 1)
#define READ_ACCESS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_ACCESS                                                                               \
	(ALL_ACCESS & ~(__u64)LANDLOCK_ACCESS_FS_EXECUTE & ~(__u64)LANDLOCK_ACCESS_FS_MAKE_BLOCK & \
		~(__u64)LANDLOCK_ACCESS_FS_MAKE_SOCK)

/* The first n_write of them can be written, the others read. */
static int landlock_trees(const int *fds, size_t n, size_t n_write, struct err *e)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = ALL_ACCESS };
	_cleanup_fd_ int rules = -1;

	if (red_off("landlock") ||
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 2)
		return 0;
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (rules < 0)
		return err_set(e, -errno, "make a Landlock ruleset");
	for (size_t i = 0; i < n; i++) {
		struct landlock_path_beneath_attr below = {
			.allowed_access = i < n_write ? WRITE_ACCESS : READ_ACCESS,
			.parent_fd = fds[i]
		};
		struct stat st;

		/* A file has no entries. */
		if (fstat(fds[i], &st) == 0 && !S_ISDIR(st.st_mode))
			below.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE;
		if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) <
			0)
			return err_set(e, -errno, "allow the layer's directory in Landlock");
	}
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return err_set(e, -errno, "enter the Landlock ruleset");
	return 0;
}

static int filter_calls(enum calls_set set, struct err *e)
{
	struct sock_filter insns[CALLS_MAX];
	int n = calls_compile(set, insns, e);

	return n < 0 ? n : seccomp_install(insns, (unsigned short)n, e);
}

int confine_process(struct err *e)
{
	struct pollfd answer = { .fd = STDOUT_FILENO };

	/* uctr gone: nobody waits for the tree. After the user namespace, which clears it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_set(e, -errno, "follow the caller's end");
	/* Or gone before that: then nobody reads the answer. */
	if (poll(&answer, 1, 0) > 0 && (answer.revents & POLLERR))
		return err_msg(e, -EPIPE, "the caller has ended");
	umask(0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, -errno, "set no-new-privileges");
	return set_limits(e);
}

static int restrict_thread(
	const int *fds, size_t n, size_t n_write, enum calls_set set, struct err *e)
{
	int r = landlock_trees(fds, n, n_write, e);

	return r < 0 || SANITIZED ? r : filter_calls(set, e);
}

int confine_thread(int tree_fd, struct err *e)
{
	return restrict_thread(&tree_fd, tree_fd >= 0, 1, CALLS_ARCHIVE, e);
}

int confine(int tree_fd, struct err *e)
{
	int r = confine_process(e);

	return r < 0 ? r : confine_thread(tree_fd, e);
}

int confine_reading(const int *fds, size_t n, struct err *e)
{
	int r = confine_process(e);

	return r < 0 ? r : restrict_thread(fds, n, 0, CALLS_ARCHIVE, e);
}

int confine_copying(int from, int to, struct err *e)
{
	const int fds[] = { to, from };
	int r = confine_process(e);

	return r < 0 ? r : restrict_thread(fds, ARRAY_SIZE(fds), 1, CALLS_COPY, e);
}

/*
 * What connecting needs to read: certificates, the settings of name resolution, and the modules
 * that are loaded for it. Nothing of the user's.
 */
int confine_network(const char *bundle, struct err *e)
{
	const char *const paths[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
		"/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
		"/etc/ld.so.cache", "/etc/localtime", "/etc/ssl", "/etc/pki",
		"/etc/ca-certificates", "/etc/crypto-policies", "/usr/lib", "/usr/lib64", "/lib",
		"/lib64", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
		"/usr/share/zoneinfo", "/run/systemd/resolve", bundle };
	int fds[ARRAY_SIZE(paths)], r;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		fds[n] = paths[i] ? open(paths[i], O_PATH | O_CLOEXEC) : -1;
		n += fds[n] >= 0; /* what is not there is not read */
	}
	/* Passwords pass through this process. */
	r = prctl(PR_SET_DUMPABLE, 0) < 0 ? err_set(e, -errno, "become undumpable") : 0;
	if (r == 0)
		r = confine_process(e);
	if (r == 0)
		r = restrict_thread(fds, n, 0, CALLS_NETWORK, e);
	while (n > 0)
		fd_closep(&fds[--n]);
	return r;
}
