/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. Root hands a subtree to a user by giving him the directory,
 * cgroup.procs and cgroup.subtree_control. A process may move between two groups when he may write
 * cgroup.procs of both and of their common ancestor; controllers are enabled for children from the
 * top down, in groups without processes of their own ("no internal processes"). So containers
 * become children of the topmost group that is the caller's, and when uctr itself sits in that
 * group it steps into a leaf first. Other people's processes are never moved.
 */
#include "sys/cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif
#define MOUNT "/sys/fs/cgroup"

void cgroup_limits_free(struct cgroup_limits *l)
{
	free(l->cpuset_cpus);
	free(l->cpuset_mems);
	strv_free(l->unified);
	memset(l, 0, sizeof(*l));
}

void cgroup_root_free(struct cgroup_root *r)
{
	fd_closep(&r->fd);
	free(r->path);
	free(r->controllers);
	r->path = r->controllers = NULL;
}

/* "0::/user.slice/..." of /proc/self/cgroup; NULL when only v1 hierarchies are there. */
static char *own_path(void)
{
	_cleanup_free_ char *text = NULL;
	char *p;

	if (file_read(AT_FDCWD, "/proc/self/cgroup", 1 << 16, &text, NULL) < 0)
		return NULL;
	p = str_startswith(text, "0::/") ? text : strstr(text, "\n0::/");
	if (!p)
		return NULL;
	p = strchr(p, '/');
	p[strcspn(p, "\n")] = '\0';
	return strdup(p);
}

static bool manageable(const char *path)
{
	char file[4200];
	static const char *const needed[] = { "", "/cgroup.procs", "/cgroup.subtree_control" };

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		snprintf(file, sizeof(file), MOUNT "%s%s", path, needed[i]);
		if (access(file, W_OK) < 0)
			return false;
	}
	return true;
}

/*
 * Where systemd manages the tree it is the only writer above a unit: it turns controllers off again
 * when no unit of its own needs them, and a limit would just vanish. So the unit that we are in is
 * the top: marked as delegated (newer versions), or below user@UID.service by its name.
 */
static bool delegation_ends(const char *path)
{
	char full[4200], value[2];
	const char *user = strstr(path, "/user@");

	snprintf(full, sizeof(full), MOUNT "%s", path);
	if (getxattr(full, "user.delegate", value, sizeof(value)) == 1 && value[0] == '1')
		return true;
	return user && strchr(user + 1, '/') &&
	       (str_endswith(path, ".scope") || str_endswith(path, ".service"));
}

static int none(struct cgroup_root *r, const char *why)
{
	snprintf(r->why, sizeof(r->why), "%s", why);
	return 0;
}

int cgroup_find(struct cgroup_root *ret, struct err *e)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	struct statfs fs;
	char full[4200];
	int r;

	*ret = (struct cgroup_root){ .fd = -1 };
	if (statfs(MOUNT, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return none(ret, MOUNT " is not a plain cgroup v2 mount");
	path = own_path();
	if (!path || str_startswith(path, "/.."))
		return none(ret, "this process is in no cgroup v2 of this view");
	if (!manageable(path))
		return none(ret, "the own cgroup is not delegated to this user");
	while (!delegation_ends(path)) {
		char *slash = strrchr(path, '/');
		char c = slash[1];

		if (!c)
			break; /* the root of this view */
		slash[slash == path] = '\0';
		if (manageable(path))
			continue;
		slash[slash == path] = slash == path ? c : '/';
		break;
	}
	snprintf(full, sizeof(full), MOUNT "%s", path);
	ret->fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd < 0)
		return err_set(e, -errno, "open cgroup %s", full);
	r = file_read(ret->fd, "cgroup.controllers", 4096, &text, NULL);
	if (r < 0)
		return err_set(e, r, "read cgroup.controllers of %s", full);
	text[strcspn(text, "\n")] = '\0';
	ret->controllers = str_printf(" %s ", text);
	ret->path = take_ptr(path);
	return ret->controllers ? 0 : err_set(e, -ENOMEM, "cgroup");
}

static bool offers(const struct cgroup_root *root, const char *controller)
{
	char word[32];

	if (root->fd < 0)
		return false;
	snprintf(word, sizeof(word), " %s ", controller);
	return strstr(root->controllers, word) != NULL;
}

/* Which controllers a set of limits needs, and how the person asked for it. */
static const char *needed(const struct cgroup_limits *l, const char *controller)
{
	if (streq(controller, "cpu") && l->cpu_quota)
		return "a CPU quota (--cpus)";
	if (streq(controller, "cpu") && l->cpu_shares)
		return "CPU shares (--cpu-shares)";
	if (streq(controller, "cpuset") && (l->cpuset_cpus || l->cpuset_mems))
		return "a CPU set (--cpuset-cpus)";
	if (streq(controller, "memory") && (l->memory || l->memory_low || l->memory_swap))
		return "a memory limit (--memory)";
	if (streq(controller, "pids") && l->pids && l->pids_asked)
		return "a limit of processes (--pids-limit)";
	return NULL;
}

static const char *const controllers[] = { "cpu", "cpuset", "memory", "pids" };

int cgroup_check(const struct cgroup_root *root, const struct cgroup_limits *l, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		const char *c = controllers[i], *what = needed(l, c);

		if (!what || offers(root, c))
			continue;
		err_msg(e, -EOPNOTSUPP, "%s cannot be enforced: %s%s", what,
			root->fd < 0 ? root->why : "the delegated cgroup has no controller ",
			root->fd < 0 ? "" : c);
		return err_hint(e,
			"the %s controller must be delegated: start uctr by 'systemd-run --user "
			"--scope -p Delegate=yes uctr ...', or an administrator sets "
			"Delegate=cpu cpuset io memory pids for user@.service (uctr doctor)",
			c);
	}
	if (l->unified && root->fd < 0)
		return err_msg(e, -EOPNOTSUPP, "cgroup settings cannot be applied: %s", root->why);
	return 0;
}

/* Moves this process out of the top group when it sits there, so that controllers can be enabled. */
static int step_aside(const struct cgroup_root *root, struct err *e)
{
	_cleanup_free_ char *own = own_path();
	int r;

	if (!own || !streq(own, root->path))
		return 0;
	if (mkdirat(root->fd, "uctr-cli", 0755) < 0 && errno != EEXIST)
		return err_set(e, -errno, "make cgroup %s/uctr-cli", root->path);
	r = file_poke(root->fd, "uctr-cli/cgroup.procs", "0");
	return r < 0 ? err_set(e, r, "move uctr into cgroup %s/uctr-cli", root->path) : 0;
}

/* Is it a child of this process, or a child's child? */
static bool is_ours(pid_t pid)
{
	char file[32], *p;

	for (int depth = 0; depth < 4 && pid > 1; depth++) {
		_cleanup_free_ char *stat = NULL;

		snprintf(file, sizeof(file), "/proc/%d/stat", pid);
		if (file_read(AT_FDCWD, file, 4096, &stat, NULL) < 0 || !(p = strrchr(stat, ')')) ||
			strlen(p) < 4)
			return false;
		pid = (pid_t)strtol(p + 3, NULL, 10); /* ") S PPID ..." */
		if (pid == getpid())
			return true;
	}
	return false;
}

/* What this process started before it stepped aside (the id map helpers) follows it. */
static void bring_children(const struct cgroup_root *root)
{
	_cleanup_free_ char *procs = NULL;
	char *save = NULL;

	if (file_read(root->fd, "cgroup.procs", 1 << 20, &procs, NULL) < 0)
		return;
	for (char *p = strtok_r(procs, "\n", &save); p; p = strtok_r(NULL, "\n", &save))
		if (is_ours((pid_t)strtol(p, NULL, 10)))
			(void)file_poke(root->fd, "uctr-cli/cgroup.procs", p);
}

/* Enables for the children what is wanted and not enabled yet. */
static int enable(const struct cgroup_root *root, const struct cgroup_limits *l, struct err *e)
{
	_cleanup_free_ char *on = NULL;
	_cleanup_str_ struct str want = { 0 };
	bool asked = false; /* for a default alone nobody is refused */
	int r = file_read(root->fd, "cgroup.subtree_control", 4096, &on, NULL);

	if (r < 0)
		return err_set(e, r, "read cgroup.subtree_control of %s", root->path);
	on[strcspn(on, "\n")] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		const char *c = controllers[i], *at = strstr(on, c);
		size_t n = strlen(c);

		asked |= needed(l, c) != NULL;
		while (at && ((at != on && at[-1] != ' ') || (at[n] && at[n] != ' ')))
			at = strstr(at + 1, c);
		if (!at && offers(root, c) && (needed(l, c) || streq(c, "pids")))
			str_addf(&want, "%s+%s", want.len ? " " : "", c);
	}
	if (want.len == 0)
		return 0;
	r = step_aside(root, e);
	if (r < 0)
		return r;
	r = file_poke(root->fd, "cgroup.subtree_control", want.s);
	/* A child may have started one of its own in between. */
	for (int i = 0; r == -EBUSY && i < 5; i++) {
		bring_children(root);
		r = file_poke(root->fd, "cgroup.subtree_control", want.s);
	}
	if (r == -EBUSY && !asked)
		return 0;
	if (r == -EBUSY)
		return err_msg(e, r,
			"cannot enable '%s' for containers: cgroup %s holds other processes; start "
			"uctr by 'systemd-run --user --scope -p Delegate=yes uctr ...'",
			want.s, root->path);
	return r < 0 ? err_set(e, r, "enable '%s' below cgroup %s", want.s, root->path) : 0;
}

static int put(int fd, const char *file, const char *path, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
static int put(int fd, const char *file, const char *path, struct err *e, const char *fmt, ...)
{
	char value[4096];
	va_list ap;
	int r;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	r = file_poke(fd, file, value);
	return r < 0 ? err_set(e, r, "write '%s' to %s of cgroup %s", value, file, path) : 0;
}

/* cgroup v1 shares 2..262144 to v2 weight 1..10000, the formula of the OCI conversion. */
static uint64_t shares_to_weight(uint64_t shares)
{
	if (shares < 2)
		shares = 2;
	if (shares > 262144)
		shares = 262144;
	return 1 + ((shares - 2) * 9999) / 262142;
}

static int write_cpu(int fd, const char *path, const struct cgroup_limits *l, struct err *e)
{
	uint64_t period = l->cpu_period ? l->cpu_period : 100000;
	int r = 0;

	if (l->cpu_quota > 0)
		r = put(fd, "cpu.max", path, e, "%lld %llu", (long long)l->cpu_quota,
			(unsigned long long)period);
	if (r == 0 && l->cpu_shares)
		r = put(fd, "cpu.weight", path, e, "%llu",
			(unsigned long long)shares_to_weight(l->cpu_shares));
	if (r == 0 && l->cpuset_cpus)
		r = put(fd, "cpuset.cpus", path, e, "%s", l->cpuset_cpus);
	if (r == 0 && l->cpuset_mems)
		r = put(fd, "cpuset.mems", path, e, "%s", l->cpuset_mems);
	return r;
}

static int write_memory(int fd, const char *path, const struct cgroup_limits *l, struct err *e)
{
	int r = 0;

	if (l->memory > 0)
		r = put(fd, "memory.max", path, e, "%lld", (long long)l->memory);
	/* v2 counts swap apart from memory; docker's --memory alone allows as much swap again. */
	if (r == 0 && l->memory_swap > 0)
		r = put(fd, "memory.swap.max", path, e, "%lld",
			(long long)(l->memory_swap > l->memory ? l->memory_swap - l->memory : 0));
	else if (r == 0 && l->memory > 0 && l->memory_swap == 0) {
		/* Absent without swap support: then there is nothing to limit. */
		r = put(fd, "memory.swap.max", path, e, "%lld", (long long)l->memory);
		if (r == -ENOENT)
			r = 0;
	}
	if (r == 0 && l->memory_low > 0)
		r = put(fd, "memory.low", path, e, "%lld", (long long)l->memory_low);
	return r;
}

static int write_limits(int fd, const char *path, const struct cgroup_root *root,
	const struct cgroup_limits *l, struct err *e)
{
	int r = write_cpu(fd, path, l, e);

	if (r == 0)
		r = write_memory(fd, path, l, e);
	if (r == 0 && l->pids > 0 && offers(root, "pids")) {
		r = put(fd, "pids.max", path, e, "%lld", (long long)l->pids);
		if (r == -ENOENT && !l->pids_asked)
			r = 0; /* the controller could not be enabled for the children */
	}
	for (char **u = l->unified; r == 0 && u && u[0]; u += 2)
		r = put(fd, u[0], path, e, "%s", u[1]);
	return r;
}

char *cgroup_path(const struct cgroup_root *root, const char *name)
{
	return str_printf(MOUNT "%s%s%s", root->path, streq(root->path, "/") ? "" : "/", name);
}

int cgroup_create(const struct cgroup_root *root, const char *name, const struct cgroup_limits *l,
	char **ret_path, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	int r = cgroup_check(root, l, e);

	if (r < 0)
		return r;
	r = enable(root, l, e);
	if (r < 0)
		return r;
	path = cgroup_path(root, name);
	if (!path)
		return err_set(e, -ENOMEM, "cgroup");
	if (mkdirat(root->fd, name, 0755) < 0)
		return err_set(e, -errno, "make cgroup %s", path);
	fd = openat(root->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? err_set(e, -errno, "open cgroup %s", path)
		   : write_limits(fd, path, root, l, e);
	if (r < 0) {
		unlinkat(root->fd, name, AT_REMOVEDIR);
		return r;
	}
	*ret_path = take_ptr(path);
	return take_fd(&fd);
}

bool cgroup_oom_killed(int fd)
{
	_cleanup_free_ char *text = NULL;
	const char *at;

	if (fd < 0 || file_read(fd, "memory.events", 4096, &text, NULL) < 0)
		return false;
	at = strstr(text, "\noom_kill ");
	return at && strtoul(at + strlen("\noom_kill "), NULL, 10) > 0;
}

int cgroup_remove(const char *path)
{
	char file[4200];

	/* EBUSY: killed processes leave the group a moment after the kill, seconds on a busy machine. */
	for (int i = 0; i < 1000; i++) {
		if (rmdir(path) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return -errno;
		if (i == 0) {
			snprintf(file, sizeof(file), "%s/cgroup.kill", path);
			(void)file_poke(AT_FDCWD, file, "1"); /* before 5.14: not there */
		}
		usleep(i < 20 ? 500 : 10000);
	}
	return -EBUSY;
}
