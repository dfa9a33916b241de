/* SPDX-License-Identifier: Apache-2.0 */
/* uctr-oci run: a bundle's container in the foreground, from its state directory to its end. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/spawn.h"
#include "cli/oci_commands.h"
#include "runtime/foreground.h"
#include "runtime/launch.h"
#include "runtime/spec_json.h"
#include "runtime/state.h"
#include "sys/cgroup.h"
#include "sys/ns.h"
#include "sys/syscalls.h"
#include "sys/tty.h"

struct run_args {
	char *bundle;
	char *pid_file;
	bool no_pivot, no_new_keyring, detach; /* refused */
};

static int preserve_fds(void *field, const char *value, struct err *e)
{
	uint32_t n;

	(void)field;
	if (parse_u32(value, &n) < 0)
		return err_msg(e, -EINVAL, "'%.40s' is not a number", value);
	return n == 0 ? 0
		      : err_msg(e, -EOPNOTSUPP,
				"only 0 is supported: no descriptor of the caller's reaches a "
				"container");
}

static const struct opt run_opts[] = {
	OPT_STR('b', "bundle", struct run_args, bundle, "DIR",
		"Directory of config.json (default: the current one)"),
	OPT_STR(0, "pid-file", struct run_args, pid_file, "FILE",
		"Write the process id of the container's first process to FILE"),
	OPT_CALL(0, "preserve-fds", struct run_args, pid_file, "N", "Only 0 is supported",
		preserve_fds),
	OPT_CALL(0, "console-socket", struct run_args, pid_file, "SOCKET",
		"Refused: run relays the terminal itself", oci_refuse),
	OPT_FLAG('d', "detach", struct run_args, detach, "Refused: run stays in the foreground"),
	OPT_FLAG(0, "no-pivot", struct run_args, no_pivot,
		"Refused: the root is always exchanged by pivot_root"),
	OPT_FLAG(0, "no-new-keyring", struct run_args, no_new_keyring,
		"Refused: a container always gets its own session keyring"),
	OPT_END,
};

/* One run: everything that has to be undone. */
struct run {
	const char *id;
	char *bundle; /* absolute */
	struct spec spec;
	struct state state;
	struct launch launch;
	struct guard guard;
	char *cgroup; /* path, when one was made */
	int cgroup_fd;
};

static int check_flags(const struct run_args *a, struct err *e)
{
	if (a->no_pivot)
		return err_msg(e, -EOPNOTSUPP,
			"--no-pivot is not supported: without pivot_root the host's files stay "
			"reachable");
	if (a->no_new_keyring)
		return err_msg(e, -EOPNOTSUPP,
			"--no-new-keyring is not supported: the caller's keys would be readable");
	if (a->detach)
		return err_msg(e, -EOPNOTSUPP,
			"--detach is not supported: run stays in the foreground; use the shell's "
			"&");
	return 0;
}

static int load(struct run *c, const char *bundle, struct err *e)
{
	_cleanup_json_ json_t *config = NULL;
	_cleanup_fd_ int dir = -1;
	int r;

	c->bundle = realpath(bundle, NULL);
	if (!c->bundle)
		return err_set(e, -errno, "bundle %s", bundle);
	dir = open(c->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(e, -errno, "bundle %s", c->bundle);
	r = spec_json_load(dir, "config.json", &config, e);
	if (r == -ENOENT)
		return err_hint(e, "bundle %s has none; 'uctr-oci spec' writes one", c->bundle);
	if (r < 0)
		return r;
	r = spec_from_json(config, c->bundle, -1, &c->spec, e);
	return r < 0 ? err_wrap(e, r, "config.json") : 0;
}

/* What the kernel would refuse later, in words. */
static int check_host(const struct run *c, struct err *e)
{
	if (geteuid() != 0 && !spec_find_ns(&c->spec, CLONE_NEWUSER))
		return err_msg(e, -EPERM,
			"config.json: linux.namespaces: an ordinary user needs a user namespace; "
			"'uctr-oci spec --rootless' writes such a config.json");
	if (c->spec.process.terminal && !isatty(STDIN_FILENO))
		return err_msg(e, -ENOTTY,
			"config.json: process.terminal is true, but standard input is not a "
			"terminal; set it to false");
	return 0;
}

static bool wants_limits(const struct cgroup_limits *l)
{
	return l->memory || l->memory_swap || l->memory_low || l->cpu_quota || l->cpu_shares ||
	       l->cpuset_cpus || l->cpuset_mems || l->pids || l->unified;
}

/*
 * The name of the container's group below the delegated one. An absolute cgroupsPath is below the
 * file system's root for those who have all of it; where only a part is delegated, that part is the
 * root. One level: groups in between would be left behind.
 */
static int cgroup_name(
	const struct run *c, const struct cgroup_root *root, char name[256], struct err *e)
{
	const char *path = c->spec.cgroups_path;
	size_t n = strlen(root->path);
	int len;

	if (!path || !*path) {
		len = snprintf(name, 256, "uctr-oci-%s", c->id);
	} else {
		if (strncmp(path, root->path, n) == 0 && path[n] == '/')
			path += n;
		path += strspn(path, "/");
		if (!*path || strchr(path, '/') || *path == '.')
			return err_msg(e, -EOPNOTSUPP,
				"config.json: linux.cgroupsPath: '%s' is not one name below the "
				"delegated cgroup %s",
				c->spec.cgroups_path, root->path);
		if (strchr(path, ':'))
			return err_msg(e, -EOPNOTSUPP,
				"config.json: linux.cgroupsPath: '%s' is systemd's form, which is "
				"not supported",
				c->spec.cgroups_path);
		len = snprintf(name, 256, "%s", path);
	}
	return len < 256 ? 0 : err_msg(e, -ENAMETOOLONG, "the container's cgroup name is too long");
}

/*
 * A group when it was asked for, by name or by limits, and can be had. Limits that cannot be
 * enforced are an error; a name alone, without delegation, is no promise that could be broken.
 */
static int make_cgroup(struct run *c, struct err *e)
{
	struct cgroup_root root = { .fd = -1 };
	char name[256];
	int r = 0;

	if (oci_globals.no_cgroup)
		return wants_limits(&c->spec.limits)
			       ? err_msg(e, -EOPNOTSUPP,
					 "config.json: linux.resources cannot be enforced with "
					 "--cgroup-manager disabled")
			       : 0;
	if (!c->spec.cgroups_path && !wants_limits(&c->spec.limits))
		return 0;
	r = cgroup_find(&root, e);
	if (r == 0)
		r = cgroup_check(&root, &c->spec.limits, e);
	if (r == 0 && root.fd >= 0) {
		r = cgroup_name(c, &root, name, e);
		if (r == 0)
			r = cgroup_create(&root, name, &c->spec.limits, &c->cgroup, e);
		if (r >= 0)
			c->cgroup_fd = r;
	}
	cgroup_root_free(&root);
	return r < 0 ? r : 0;
}

static int write_state(struct run *c, struct err *e)
{
	_cleanup_json_ json_t *o = NULL;
	char created[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm);
	o = json_pack("{s:s,s:s,s:I,s:I,s:s,s:s,s:s*,s:s,s:O*}", "ociVersion", SPEC_VERSION, "id",
		c->id, "pid", (json_int_t)c->launch.proc_pid, "start",
		(json_int_t)c->launch.proc_start, "bundle", c->bundle, "rootfs", c->spec.root_path,
		"cgroup", c->cgroup, "created", created, "annotations", c->spec.annotations);
	return o ? state_write(&c->state, o, e) : err_set(e, -ENOMEM, "state of %s", c->id);
}

/* As other runtimes write it: digits and nothing else, there at once and as a whole. */
static int write_pid_file(const char *path, pid_t pid, struct err *e)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_fd_ int dir = -1;
	char text[16], *slash = copy ? strrchr(copy, '/') : NULL;
	const char *name = slash ? slash + 1 : copy;
	int r, len = snprintf(text, sizeof(text), "%d", pid);

	if (!copy)
		return err_set(e, -ENOMEM, "pid file");
	if (slash == copy)
		dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else if (slash)
		*slash = '\0';
	if (dir < 0)
		dir = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? -errno : file_replace(dir, name, text, (size_t)len, 0644, false);
	return r < 0 ? err_set(e, r, "pid file %s", path) : 0;
}

static int start(struct run *c, const struct run_args *a, struct err *e)
{
	struct launch *l = &c->launch;
	int r;

	l->spec = &c->spec;
	l->cgroup_fd = c->cgroup_fd;
	l->seal_exe = exe_is_writable();
	for (int i = 0; i < 3; i++)
		l->stdio[i] = i;
	if ((r = launch_begin(l, e)) < 0 || (r = launch_ready(l, e)) < 0 ||
		(r = write_state(c, e)) < 0 ||
		(r = guard_start(&c->guard, l->pidfd, &c->state, c->cgroup, e)) < 0)
		return r;
	/* Unknown where the own terminal has no size; consoleSize stays then. */
	if (l->master >= 0)
		(void)tty_size_copy(STDIN_FILENO, l->master);
	if (a->pid_file && (r = write_pid_file(a->pid_file, l->pid, e)) < 0)
		return r;
	return launch_start(l, e);
}

/* Ends what is left and removes what was made; the first error is told. */
static int clear_up(struct run *c, int r, struct err *e)
{
	int cr;

	/* What launch_free() leaves alone: a payload that could not be attended any more. */
	if (r < 0 && c->launch.started) {
		(void)sys_pidfd_send_signal(c->launch.pidfd, SIGKILL);
		(void)spawn_wait(c->launch.pid);
	}
	launch_free(&c->launch);
	guard_stop(&c->guard);
	fd_closep(&c->cgroup_fd);
	if (c->cgroup) {
		cr = cgroup_remove(c->cgroup);
		if (cr < 0 && r >= 0)
			r = err_set(e, cr, "remove cgroup %s", c->cgroup);
	}
	if (c->state.dir >= 0) {
		cr = state_remove(&c->state);
		if (cr < 0 && r >= 0)
			r = err_set(e, cr, "remove the state of container %s", c->id);
	}
	state_close(&c->state);
	spec_free(&c->spec);
	free(c->cgroup);
	free(c->bundle);
	return r;
}

static int run(void *p, char **operands, struct err *e)
{
	struct run_args *a = p;
	struct run c = { .id = operands[0],
		.state = STATE_INIT,
		.launch = LAUNCH_INIT,
		.guard = GUARD_INIT,
		.cgroup_fd = -1 };
	int r;

	if ((r = state_check_id(c.id, e)) < 0 || (r = check_flags(a, e)) < 0)
		return r;
	r = load(&c, a->bundle ? a->bundle : ".", e);
	if (r == 0)
		r = check_host(&c, e);
	if (r == 0)
		r = foreground_block(NULL, e);
	if (r == 0)
		r = state_create(oci_globals.root, c.id, &c.state, e);
	if (r == 0)
		r = make_cgroup(&c, e);
	if (r == 0)
		r = start(&c, a, e);
	if (r == 0)
		r = foreground_wait(&c.launch, e);
	return clear_up(&c, r, e);
}

const struct command oci_cmd_run = {
	.name = "run",
	.summary = "Run a bundle's container in the foreground",
	.operands = "ID",
	.about = "Creates and starts the container that config.json in the bundle describes, waits "
		 "for it and returns its exit code (128 + N when signal N ended it, 127 when the "
		 "program was not found, 126 when it could not be run). With process.terminal the "
		 "own terminal is relayed. Signals are passed on. When uctr-oci is killed the "
		 "container ends too.",
	.min = 1,
	.max = 1,
	.opts = run_opts,
	.args_size = sizeof(struct run_args),
	.run = run,
};
