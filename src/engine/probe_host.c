/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: file systems, directories, network helpers, cgroups, security modules. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/probe_impl.h"
#include "sys/dirs.h"
#include "sys/fsinfo.h"

enum probe_status probe_data(struct probe_ctx *c, struct probe_result *r)
{
	struct err e = ERR_INIT;
	int fd = probe_data_fd(c, &e);
	struct fs_info fs;

	if (fd < 0) {
		probe_found(r, "%s", e.msg);
		probe_cure(r, "export UCTR_DATA=DIR, with a directory of yours on a local disk");
		return PROBE_MISSING;
	}
	if (c->data_note || faccessat(fd, ".", W_OK, AT_EACCESS) < 0) {
		if (c->data_note)
			probe_found(r, "%s", c->data_note);
		else
			probe_found(r,
				"%s can only be read: containers are kept in the runtime "
				"directory, "
				"and no image can be added",
				c->data_path);
		probe_cure(r, "export UCTR_DATA=DIR, with a directory that you can write to");
		return PROBE_WARN;
	}
	fsinfo_get(fd, &fs);
	probe_found(r, "%s (%s)%s%s", c->data_path, fs.name, fs.trouble ? ": " : "",
		fs.trouble ? fs.trouble : "");
	if (!fs.trouble)
		return PROBE_OK;
	probe_cure(r, "export UCTR_DATA=DIR, with a directory on a local disk (ext4, xfs, btrfs)");
	return PROBE_WARN;
}

enum probe_status probe_runtime(struct probe_ctx *c, struct probe_result *r)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	_cleanup_free_ char *path = NULL;
	struct err e = ERR_INIT;
	_cleanup_fd_ int fd = dirs_runtime(&path, &e);
	size_t n = xdg ? strlen(xdg) : 0;

	(void)c;
	if (fd < 0) {
		probe_found(r, "%s", e.msg);
		probe_cure(r, "export XDG_RUNTIME_DIR=DIR, with a directory of yours, mode 0700");
		return PROBE_MISSING;
	}
	probe_found(r, "%s", path);
	if (n > 0 && strncmp(path, xdg, n) == 0 && streq(path + n, "/uctr"))
		return PROBE_OK;
	if (str_startswith(path, "/run/user/") && n == 0)
		return PROBE_OK;
	probe_found(r, "%s, as XDG_RUNTIME_DIR %s", path,
		n == 0 ? "is not set and /run/user has none"
		       : "is not a directory of yours that only you can write to");
	probe_cure(r,
		"log in through PAM (ssh, a desktop, machinectl shell) instead of su, or: "
		"%sloginctl enable-linger %s; export XDG_RUNTIME_DIR=/run/user/%u",
		probe_sudo(), probe_user(), geteuid());
	return PROBE_WARN;
}

static bool can_open(const char *path, struct probe_result *r)
{
	_cleanup_fd_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		probe_found(r, "%s: %s", path, strerror(errno));
	return fd >= 0;
}

static void cure_device(struct probe_result *r, const char *module, const char *path)
{
	const char *sudo = probe_sudo();

	if (probe_nested())
		probe_cure(r, "start the container around uctr with --device %s", path);
	else if (access(path, F_OK) < 0)
		probe_cure(r, "%smodprobe %s && echo %s | %stee /etc/modules-load.d/uctr-%s.conf",
			sudo, module, module, sudo, module);
	else
		probe_cure(r, "%schmod 0666 %s", sudo, path);
}

enum probe_status probe_overlay(struct probe_ctx *c, struct probe_result *r)
{
	const struct trial *t = probe_trial(c);
	struct probe_result fuse = { "", "" };

	if (t && t->overlay == 0) {
		probe_found(r, "the kernel's, in a user namespace");
		return PROBE_OK;
	}
	if (!t || t->overlay == UNTRIED) {
		probe_found(r, "not tried, as namespaces or the data directory do not work");
		return PROBE_WARN;
	}
	probe_cure(r, "put the data directory on ext4, xfs or btrfs: export UCTR_DATA=DIR");
	if (probe_fuse(c, &fuse) == PROBE_OK) {
		probe_found(r,
			"refused by the kernel (%s): containers with --rm write to memory, others "
			"use "
			"fuse-overlayfs, which is slower",
			strerror(t->overlay));
		return PROBE_WARN;
	}
	probe_found(r,
		"refused by the kernel (%s), and %s: containers with --rm write to memory, others "
		"get a copy of the image",
		strerror(t->overlay), fuse.finding);
	if (fuse.cure[0])
		probe_cure(r, "%s", fuse.cure);
	return PROBE_WARN;
}

enum probe_status probe_fuse(struct probe_ctx *c, struct probe_result *r)
{
	const char *tool = dirs_tool("fuse-overlayfs");

	(void)c;
	if (!tool) {
		probe_found(r, "fuse-overlayfs is not installed");
		probe_install(r, "fuse-overlayfs");
		return PROBE_MISSING;
	}
	if (!can_open("/dev/fuse", r)) {
		cure_device(r, "fuse", "/dev/fuse");
		return PROBE_MISSING;
	}
	probe_found(r, "%s, /dev/fuse opens", tool);
	return PROBE_OK;
}

enum probe_status probe_slirp(struct probe_ctx *c, struct probe_result *r)
{
	const char *tool = dirs_tool("slirp4netns");

	(void)c;
	if (tool) {
		probe_found(r, "%s", tool);
		return PROBE_OK;
	}
	probe_found(r, "not installed; containers get no network but their own loopback");
	probe_install(r, "slirp4netns");
	return PROBE_MISSING;
}

enum probe_status probe_tun(struct probe_ctx *c, struct probe_result *r)
{
	(void)c;
	if (!can_open("/dev/net/tun", r)) {
		cure_device(r, "tun", "/dev/net/tun");
		return PROBE_MISSING;
	}
	probe_found(r, "opens");
	return PROBE_OK;
}

/* Finds the delegated subtree once. */
static const struct cgroup_root *cgroup(struct probe_ctx *c)
{
	struct err e = ERR_INIT;

	if (!c->have_cgroup && cgroup_find(&c->cgroup, &e) < 0)
		snprintf(c->cgroup.why, sizeof(c->cgroup.why), "%.150s", e.msg);
	c->have_cgroup = true;
	return &c->cgroup;
}

/* Does the group hold processes besides this one, so that it cannot hand controllers out? */
static bool crowded(const struct cgroup_root *g)
{
	_cleanup_free_ char *procs = NULL;
	char *save = NULL;

	/* A group without cgroup.type is the real root, which may hold both. */
	if (faccessat(g->fd, "cgroup.type", F_OK, 0) < 0 ||
		file_read(g->fd, "cgroup.procs", 1 << 20, &procs, NULL) < 0)
		return false;
	for (char *p = strtok_r(procs, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		uint32_t pid;

		if (parse_u32(p, &pid) == 0 && (pid_t)pid != getpid())
			return true;
	}
	return false;
}

static void cure_no_cgroup(struct probe_result *r)
{
	struct statfs fs;

	if (probe_nested())
		probe_cure(r, "set limits for the container around uctr");
	else if (statfs("/sys/fs/cgroup", &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		probe_cure(r, "boot with the unified hierarchy (kernel parameter "
			      "systemd.unified_cgroup_hierarchy=1), or mount cgroup2 at "
			      "/sys/fs/cgroup and give a subtree to the user");
	else if (access("/run/systemd/system", F_OK) == 0)
		probe_cure(r, "start it as: systemd-run --user --scope -p Delegate=yes uctr ...");
	else
		probe_cure(r, "an administrator makes a cgroup for the user, gives it to him with "
			      "chown -R, and moves his shell into a child of it");
}

enum probe_status probe_cgroup(struct probe_ctx *c, struct probe_result *r)
{
	const struct cgroup_root *g = cgroup(c);

	if (g->fd < 0) {
		probe_found(r, "%s", g->why);
		cure_no_cgroup(r);
		return PROBE_MISSING;
	}
	if (!g->path[strspn(g->path, "/")])
		probe_found(r, "this view's root is delegated");
	else
		probe_found(r, "%s is delegated", g->path);
	if (!crowded(g))
		return PROBE_OK;
	probe_found(r,
		"%s is delegated but holds other processes, so it cannot hand controllers out",
		g->path);
	probe_cure(r, "start it as: systemd-run --user --scope -p Delegate=yes uctr ...");
	return PROBE_WARN;
}

/* Is the controller in a v1 hierarchy of the host, "9:cpu,cpuacct:/"? Then v2 cannot have it. */
static bool held_by_v1(const char *name)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ char **lines = NULL;

	if (file_read(AT_FDCWD, "/proc/self/cgroup", 65536, &text, NULL) < 0)
		return false;
	lines = strv_split(text, '\n');
	strv_foreach (line, lines) {
		_cleanup_strv_ char **f = strv_split(line, ':');
		_cleanup_strv_ char **names = strv_len(f) > 1 ? strv_split(f[1], ',') : NULL;

		if (strv_contains(names, name) ||
			(streq(name, "io") && strv_contains(names, "blkio")))
			return true;
	}
	return false;
}

static enum probe_status controller(struct probe_ctx *c, struct probe_result *r, const char *name)
{
	const struct cgroup_root *g = cgroup(c);
	const char *sudo = probe_sudo();
	char word[32];

	snprintf(word, sizeof(word), " %s ", name);
	if (g->fd >= 0 && strstr(g->controllers, word)) {
		probe_found(r, "delegated");
		return PROBE_OK;
	}
	if (g->fd < 0) {
		probe_found(r, "%s", g->why);
		cure_no_cgroup(r);
		return PROBE_MISSING;
	}
	if (held_by_v1(name)) {
		probe_found(r, "bound to a cgroup v1 hierarchy of this host");
		probe_cure(r, "boot with the unified hierarchy (kernel parameter "
			      "systemd.unified_cgroup_hierarchy=1)");
		return PROBE_MISSING;
	}
	probe_found(r, "not among the delegated controllers (%s)",
		g->controllers[strspn(g->controllers, " ")] ? g->controllers : "none");
	if (access("/run/systemd/system", F_OK) == 0)
		probe_cure(r,
			"%smkdir -p /etc/systemd/system/user@.service.d && printf "
			"'[Service]\\nDelegate=cpu cpuset io memory pids\\n' | %stee "
			"/etc/systemd/system/user@.service.d/delegate.conf && %ssystemctl "
			"daemon-reload, then log in again",
			sudo, sudo, sudo);
	else
		probe_cure(r,
			"enable it in cgroup.subtree_control of the parent of your cgroup: "
			"echo +%s | %stee /sys/fs/cgroup/.../cgroup.subtree_control",
			name, sudo);
	return PROBE_MISSING;
}

enum probe_status probe_cpu(struct probe_ctx *c, struct probe_result *r)
{
	return controller(c, r, "cpu");
}

enum probe_status probe_memory(struct probe_ctx *c, struct probe_result *r)
{
	return controller(c, r, "memory");
}

enum probe_status probe_pids(struct probe_ctx *c, struct probe_result *r)
{
	return controller(c, r, "pids");
}

enum probe_status probe_io(struct probe_ctx *c, struct probe_result *r)
{
	return controller(c, r, "io");
}

enum probe_status probe_cpuset(struct probe_ctx *c, struct probe_result *r)
{
	return controller(c, r, "cpuset");
}

enum probe_status probe_lsm(struct probe_ctx *c, struct probe_result *r)
{
	_cleanup_free_ char *apparmor = NULL, *label = NULL;
	long enforce = 0;

	(void)c;
	if (probe_sysctl("/sys/fs/selinux/enforce", &enforce) == 0) {
		probe_found(r, "SELinux %s; use :z or :Z on volumes",
			enforce ? "enforcing" : "permissive");
		return PROBE_OK;
	}
	if (file_read(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", 16, &apparmor, NULL) ==
			0 &&
		apparmor[0] == 'Y') {
		if (file_read(AT_FDCWD, "/proc/self/attr/current", 4096, &label, NULL) == 0)
			label[strcspn(label, "\n")] = '\0';
		probe_found(r, "AppArmor, this process is %s", label ? label : "unknown to it");
		return PROBE_OK;
	}
	probe_found(r, "neither SELinux nor AppArmor is active");
	return PROBE_OK;
}
