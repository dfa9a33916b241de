/* SPDX-License-Identifier: Apache-2.0 */
/* The config.json that `uctr-oci spec` writes. */
#include <unistd.h>

#include "base/json.h"
#include "runtime/spec.h"
#include "uctr/version.h"

static json_t *list(const char *const *v)
{
	return json_from_strv((char *const *)v);
}

static json_t *cap_list(void)
{
	json_t *a = json_array();

	for (int cap = 0; cap < 64; cap++) {
		_cleanup_free_ char *name = CAPS_DEFAULT & CAP_BIT(cap) ? caps_name(cap) : NULL;

		if (name && json_array_append_new(a, json_string(name)) < 0)
			return json_decref(a), NULL;
	}
	return a;
}

static json_t *process(void)
{
	json_t *p = json_pack("{s:b, s:{s:i,s:i}, s:[s], s:[s,s], s:s, s:b}", "terminal", 1, "user",
		"uid", 0, "gid", 0, "args", "sh", "env",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm",
		"cwd", "/", "noNewPrivileges", 1);
	json_t *caps = json_pack("{s:o,s:o,s:o}", "bounding", cap_list(), "effective", cap_list(),
		"permitted", cap_list());
	json_t *limits = json_pack("[{s:s,s:i,s:i},{s:s,s:i,s:i}]", "type", "RLIMIT_NOFILE", "soft",
		1024, "hard", 1024, "type", "RLIMIT_CORE", "soft", 0, "hard", 0);

	/* A failed part is NULL here, which makes the setting fail. */
	if (json_object_set_new(p, "capabilities", caps) < 0 ||
		json_object_set_new(p, "rlimits", limits) < 0) {
		json_decref(p);
		return NULL;
	}
	return p;
}

/* options: separated by commas */
static int add_mount(
	json_t *mounts, const char *dest, const char *type, const char *source, const char *options)
{
	_cleanup_strv_ char **words = strv_split(options, ',');
	json_t *o = words ? json_pack("{s:s,s:s,s:s,s:o}", "destination", dest, "type", type,
				    "source", source, "options", json_from_strv(words))
			  : NULL;

	return json_array_append_new(mounts, o);
}

/* Rootless: gid 5 (tty) is not mapped, and without an own network /sys cannot be mounted anew. */
static json_t *mounts(bool rootless)
{
	json_t *a = json_array();
	int r = add_mount(a, "/proc", "proc", "proc", "nosuid,noexec,nodev");

	r |= add_mount(a, "/dev", "tmpfs", "tmpfs",
		"nosuid,noexec,strictatime,mode=755,size=65536,nr_inodes=64");
	r |= add_mount(a, "/dev/pts", "devpts", "devpts",
		rootless ? "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620"
			 : "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
	r |= add_mount(
		a, "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=67108864");
	r |= add_mount(a, "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev");
	if (rootless)
		r |= add_mount(a, "/sys", "none", "/sys", "rbind,nosuid,noexec,nodev,ro");
	else
		r |= add_mount(a, "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro");
	r |= add_mount(a, "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,ro");
	if (r < 0) {
		json_decref(a);
		return NULL;
	}
	return a;
}

static json_t *namespaces(bool rootless)
{
	static const char *const always[] = { "pid", "ipc", "uts", "mount", "cgroup" };
	json_t *a = json_array();
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		r |= json_array_append_new(a, json_pack("{s:s}", "type", always[i]));
	r |= json_array_append_new(a, json_pack("{s:s}", "type", rootless ? "user" : "network"));
	if (r < 0) {
		json_decref(a);
		return NULL;
	}
	return a;
}

static json_t *one_id(unsigned int id)
{
	return json_pack("[{s:i,s:I,s:i}]", "containerID", 0, "hostID", (json_int_t)id, "size", 1);
}

static json_t *linux_part(bool rootless)
{
	json_t *l = json_pack("{s:o,s:o,s:o}", "namespaces", namespaces(rootless), "maskedPaths",
		list(spec_masked_paths), "readonlyPaths", list(spec_readonly_paths));

	if (l && rootless &&
		(json_object_set_new(l, "uidMappings", one_id(geteuid())) < 0 ||
			json_object_set_new(l, "gidMappings", one_id(getegid())) < 0)) {
		json_decref(l);
		return NULL;
	}
	return l;
}

json_t *spec_default_json(bool rootless)
{
	/* json_pack takes what "o" is given, and drops all of it when one of them is NULL. */
	return json_pack("{s:s, s:o, s:{s:s,s:b}, s:s, s:o, s:o}", "ociVersion",
		UCTR_OCI_SPEC_VERSION, "process", process(), "root", "path", "rootfs", "readonly",
		1, "hostname", "uctr", "mounts", mounts(rootless), "linux", linux_part(rootless));
}
