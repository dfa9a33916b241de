/* SPDX-License-Identifier: Apache-2.0 */
/* uctr info: where things are kept and what this host lets uctr do, under docker's names. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "engine/engine.h"
#include "engine/probe.h"
#include "sys/cgroup.h"
#include "uctr/version.h"

struct info_args {
	char *format;
};

static const struct opt info_opts[] = {
	OPT_STR('f', "format", struct info_args, format, "FORMAT",
		"json, or a Go template such as '{{.DockerRootDir}}'"),
	OPT_END,
};

static int put(json_t *o, const char *key, json_t *v, struct err *e)
{
	return json_object_set_new(o, key, v) < 0 ? err_set(e, -ENOMEM, "info") : 0;
}

/* PRETTY_NAME of os-release(5). */
static json_t *os_name(void)
{
	_cleanup_free_ char *text = NULL;
	char *p, *end;

	if (file_read(AT_FDCWD, "/etc/os-release", 65536, &text, NULL) < 0)
		return json_string("Linux");
	p = strstr(text, "PRETTY_NAME=");
	if (!p || (p != text && p[-1] != '\n'))
		return json_string("Linux");
	p += strlen("PRETTY_NAME=");
	p += *p == '"';
	end = p + strcspn(p, "\"\n");
	*end = '\0';
	return json_text(p);
}

static json_t *map_lines(const struct idmap_line *l, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(a,
			json_pack("{s:I,s:I,s:I}", "ContainerID", (json_int_t)l[i].inside, "HostID",
				(json_int_t)l[i].outside, "Size", (json_int_t)l[i].count));
	return a;
}

static int add_engine(json_t *o, struct err *e)
{
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_json_ json_t *images = NULL;
	unsigned int running = 0, all = 0;
	struct err map_err = ERR_INIT;
	int r = engine_open(&en, e), mapped;

	if (r == 0)
		r = engine_count(&en, &running, &all, e);
	if (r < 0)
		return r;
	/* Without a map there is still a lot to tell; the probes' warnings say what is missing. */
	mapped = engine_map(&en, &map_err);
	r = image_list(&en.images, &images, e);
	if (r < 0)
		return r;
	r = put(o, "Containers", json_integer(all), e);
	r = r < 0 ? r : put(o, "ContainersRunning", json_integer(running), e);
	r = r < 0 ? r : put(o, "ContainersPaused", json_integer(0), e);
	r = r < 0 ? r : put(o, "ContainersStopped", json_integer(all - running), e);
	r = r < 0 ? r : put(o, "Images", json_integer((json_int_t)json_array_size(images)), e);
	r = r < 0 ? r : put(o, "DockerRootDir", json_text(en.data_path), e);
	r = r < 0 ? r : put(o, "RuntimeDir", json_text(en.runtime_path), e);
	if (r < 0 || mapped < 0)
		return r;
	r = put(o, "UIDMap", map_lines(en.map.uid, en.map.n_uid), e);
	return r < 0 ? r : put(o, "GIDMap", map_lines(en.map.gid, en.map.n_gid), e);
}

static int add_host(json_t *o, struct err *e)
{
	struct sysinfo si = { 0 };
	struct utsname u = { 0 };
	int r;

	if (uname(&u) < 0 || sysinfo(&si) < 0)
		return err_set(e, -errno, "read about this host");
	r = put(o, "Name", json_text(u.nodename), e);
	r = r < 0 ? r : put(o, "KernelVersion", json_text(u.release), e);
	r = r < 0 ? r : put(o, "OperatingSystem", os_name(), e);
	r = r < 0 ? r : put(o, "OSType", json_string("linux"), e);
	r = r < 0 ? r : put(o, "Architecture", json_text(u.machine), e);
	r = r < 0 ? r : put(o, "NCPU", json_integer(sysconf(_SC_NPROCESSORS_ONLN)), e);
	r = r < 0 ? r
		  : put(o, "MemTotal",
			    json_integer((json_int_t)((uint64_t)si.totalram * si.mem_unit)), e);
	return r < 0 ? r : put(o, "ServerVersion", json_string(UCTR_VERSION), e);
}

static int add_cgroup(json_t *o, struct err *e)
{
	static const struct {
		const char *key, *word;
	} limits[] = { { "CpuCfsQuota", " cpu " }, { "MemoryLimit", " memory " },
		{ "PidsLimit", " pids " }, { "CPUSet", " cpuset " } };
	struct cgroup_root g = { .fd = -1 };
	int r = cgroup_find(&g, e);

	if (r < 0)
		return r;
	r = put(o, "CgroupDriver", json_string(g.fd < 0 ? "none" : "cgroupfs"), e);
	r = r < 0 ? r : put(o, "CgroupVersion", json_string("2"), e);
	r = r < 0 ? r : put(o, "CgroupParent", json_text(g.path ? g.path : ""), e);
	for (size_t i = 0; i < ARRAY_SIZE(limits) && r == 0; i++)
		r = put(o, limits[i].key,
			json_boolean(g.fd >= 0 && strstr(g.controllers, limits[i].word)), e);
	cgroup_root_free(&g);
	return r;
}

/* What doctor finds wanting becomes Warnings, and the driver follows from its trial. */
static int add_probes(json_t *o, struct err *e)
{
	_cleanup_json_ json_t *rows = NULL, *warnings = json_array();
	const char *driver = "overlay", *last = "";
	json_t *row;
	size_t i;
	int r = probe_all(&rows, e);

	if (r < 0)
		return r;
	json_array_foreach (rows, i, row) {
		const char *name = json_string_value(json_object_get(row, "name"));
		const char *status = json_string_value(json_object_get(row, "status"));
		const char *finding = json_string_value(json_object_get(row, "finding"));

		if (streq(status, "ok"))
			continue;
		if (streq(name, "overlay"))
			driver = strstr(finding, "fuse-overlayfs, which") ? "fuse-overlayfs"
									  : "copy";
		/* Without any cgroup every controller says the same. */
		if (!streq(finding, last) &&
			json_array_append_new(warnings, json_sprintf("%s: %s", name, finding)) < 0)
			return err_set(e, -ENOMEM, "info");
		last = finding;
	}
	r = put(o, "Driver", json_string(driver), e);
	r = r < 0 ? r
		  : put(o, "SecurityOptions",
			    json_pack("[s,s,s]", "name=seccomp,profile=default", "name=rootless",
				    "name=cgroupns"),
			    e);
	r = r < 0 ? r : put(o, "DefaultRuntime", json_string("uctr-oci"), e);
	return r < 0 ? r : put(o, "Warnings", take_ptr(warnings), e);
}

static long long number(json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static int add_line(struct str *b, json_t *o, const char *label, const char *key)
{
	const char *raw = json_string_value(json_object_get(o, key));
	_cleanup_free_ char *clean = raw ? str_sanitise(raw) : NULL;

	if (!raw || !*raw)
		return 0;
	return str_addf(b, "%s: %s\n", label, clean ? clean : "");
}

static int add_map(struct str *b, json_t *o, const char *label, const char *key)
{
	json_t *line;
	size_t i;
	int r = str_addf(b, "%s:%s\n", label, json_object_get(o, key) ? "" : " none");

	json_array_foreach (json_object_get(o, key), i, line) {
		long long host = number(line, "HostID"), in = number(line, "ContainerID"),
			  n = number(line, "Size");

		if (r == 0 && n == 1)
			r = str_addf(b, " %lld inside is %lld here\n", in, host);
		else if (r == 0)
			r = str_addf(b, " %lld-%lld inside are %lld-%lld here\n", in, in + n - 1,
				host, host + n - 1);
	}
	return r;
}

static int as_text(json_t *o, struct str *b)
{
	static const char *const lines[][2] = { { "Version", "ServerVersion" },
		{ "Storage driver", "Driver" }, { "Data directory", "DockerRootDir" },
		{ "Runtime directory", "RuntimeDir" }, { "Cgroup driver", "CgroupDriver" },
		{ "Cgroup version", "CgroupVersion" }, { "Cgroup parent", "CgroupParent" },
		{ "OCI runtime", "DefaultRuntime" }, { "Host", "Name" },
		{ "Kernel", "KernelVersion" }, { "Operating system", "OperatingSystem" },
		{ "Architecture", "Architecture" } };
	json_t *v;
	size_t i;
	int r = str_addf(b, "Containers: %lld\n Running: %lld\n Stopped: %lld\nImages: %lld\n",
		number(o, "Containers"), number(o, "ContainersRunning"),
		number(o, "ContainersStopped"), number(o, "Images"));

	for (i = 0; i < ARRAY_SIZE(lines) && r == 0; i++)
		r = add_line(b, o, lines[i][0], lines[i][1]);
	r = r < 0 ? r
		  : str_addf(b, "CPUs: %lld\nMemory: %.1f GiB\n", number(o, "NCPU"),
			    (double)number(o, "MemTotal") / (1 << 30));
	r = r < 0 ? r : add_map(b, o, "User ids", "UIDMap");
	r = r < 0 ? r : add_map(b, o, "Group ids", "GIDMap");
	r = r < 0 ? r : str_addf(b, "Security options:\n");
	json_array_foreach (json_object_get(o, "SecurityOptions"), i, v)
		r = r < 0 ? r : str_addf(b, " %s\n", json_string_value(v));
	json_array_foreach (json_object_get(o, "Warnings"), i, v) {
		_cleanup_free_ char *clean = str_sanitise(json_string_value(v));

		r = r < 0 ? r
			  : str_addf(b, "%s %s\n",
				    i ? "" : "Warnings (uctr doctor has the cures):\n",
				    clean ? clean : "");
	}
	return r;
}

static int run(void *p, char **operands, struct err *e)
{
	struct info_args *a = p;
	_cleanup_json_ json_t *o = json_object();
	_cleanup_str_ struct str b = { 0 };
	int r = add_engine(o, e);

	(void)operands;
	if (r == 0)
		r = add_host(o, e);
	if (r == 0)
		r = add_cgroup(o, e);
	if (r == 0)
		r = add_probes(o, e);
	if (r < 0)
		return r;
	if (a->format)
		return output_object(o, a->format, e);
	if (as_text(o, &b) < 0)
		return err_set(e, -ENOMEM, "info");
	return output_text(b.s, b.len, e);
}

const struct command cmd_info = {
	.name = "info",
	.summary = "Print where things are kept and what this host offers",
	.operands = "",
	.about =
		"Prints counts of containers and images, the directories, the storage and cgroup "
		"drivers, the id map and the host. Templates find the values under the names that "
		"docker gives them (.Driver, .DockerRootDir, .CgroupVersion, .SecurityOptions, "
		"...), "
		"and .RuntimeDir, .UIDMap, .GIDMap beside them. .Warnings lists what 'uctr doctor' "
		"finds wanting.",
	.opts = info_opts,
	.args_size = sizeof(struct info_args),
	.run = run,
};
