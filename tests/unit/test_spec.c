/* SPDX-License-Identifier: Apache-2.0 */
/* config.json to struct spec: what is read, and every refusal by its exact text. */
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/spec_json.h"
#include "sys/syscalls.h"
#include "tap.h"

static struct spec s;
static struct err e;

/* A whole configuration with these texts in their places ("" leaves them out). */
static json_t *config(const char *top, const char *process, const char *l)
{
	_cleanup_free_ char *text = str_printf(
		"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
		"\"process\":{\"user\":{\"uid\":0,\"gid\":0},\"args\":[\"sh\"],\"cwd\":\"/\"%s},"
		"\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"user\"},"
		"{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"}],"
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}],"
		"\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":2}]%s}%s}",
		process, l, top);
	json_t *j = NULL;

	e = (struct err)ERR_INIT;
	/* Without JSON_REJECT_DUPLICATES: a later key replaces one of the frame's. */
	if (text)
		j = json_loads(text, 0, NULL);
	if (!j)
		printf("bad test text: %s\n", text ? text : "");
	return j;
}

static int load(const char *top, const char *process, const char *l)
{
	_cleanup_json_ json_t *j = config(top, process, l);

	return spec_from_json(j, "/bundle", -1, &s, &e);
}

/* The configuration is refused with exactly this text, and nothing is left allocated. */
#define REFUSED(top, process, l, want)                                                             \
	do {                                                                                       \
		CHECK(load(top, process, l) < 0);                                                  \
		CHECK_STR(e.msg, want);                                                            \
		CHECK(s.root_path == NULL && s.ns == NULL);                                        \
		spec_free(&s);                                                                     \
	} while (0)

static void test_minimal(void)
{
	CHECK_INT(load("", "", ""), 0);
	CHECK_STR(e.msg, "");
	CHECK_STR(s.root_path, "/bundle/rootfs");
	CHECK(!s.root_readonly);
	CHECK_INT(s.n_ns, 5);
	CHECK(spec_find_ns(&s, CLONE_NEWUSER) && !spec_find_ns(&s, CLONE_NEWNET));
	CHECK_INT(s.map.n_uid, 1);
	CHECK_INT(s.map.uid[0].outside, 1000);
	CHECK_INT(s.map.gid[0].count, 2);
	CHECK(!s.process.user.keep_groups);
	CHECK(s.process.has_caps);
	CHECK_INT(s.process.caps.bounding, 0);
	CHECK_INT(s.n_devices, 0);
	CHECK(!s.seccomp.insns);
	spec_free(&s);
}

static void test_version(void)
{
	static const char *const good[] = { "1.0.0", "1.0.2-dev", "1.1.0", "1.2.0+dev",
		"1.0.0-rc5" };
	static const char *const bad[] = { "0.9.0", "2.0.0", "1.0", "1", "", "x", "1.0.2x", "1..2",
		"11.0.0", "1.0.99999999999" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_free_ char *top = str_printf(",\"ociVersion\":\"%s\"", good[i]);

		CHECK_INT(load(top, "", ""), 0);
		spec_free(&s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *top = str_printf(",\"ociVersion\":\"%s\"", bad[i]);

		CHECK(load(top, "", "") < 0);
		CHECK(str_startswith(e.msg, "ociVersion: '"));
		spec_free(&s);
	}
	REFUSED(",\"ociVersion\":null", "", "", "ociVersion: missing");
	REFUSED(",\"ociVersion\":1", "", "", "ociVersion: want a string");
}

static void test_top_level(void)
{
	_cleanup_json_ json_t *array = json_array();

	CHECK(spec_from_json(array, "/b", -1, &s, &e) < 0);
	CHECK_STR(e.msg, "want an object at the top level");
	REFUSED(",\"process\":null", "", "", "process: missing");
	REFUSED(",\"root\":null", "", "", "root: missing");
	REFUSED(",\"root\":{}", "", "", "root.path: missing");
	REFUSED(",\"root\":{\"path\":1}", "", "", "root.path: want a string");
	REFUSED(",\"root\":{\"path\":\"/r\",\"readonly\":\"yes\"}", "", "",
		"root.readonly: want true or false");
	REFUSED(",\"linux\":null", "", "", "linux: missing");
	REFUSED(",\"hooks\":{\"prestart\":[{\"path\":\"/bin/true\"}]}", "", "",
		"hooks: not supported by uctr-oci: no host program is run");
	REFUSED(",\"windows\":{\"x\":[1]}", "", "", "windows: not supported on Linux");
	REFUSED(",\"hostname\":\"h\",\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}", "", "",
		"hostname: needs a uts namespace in linux.namespaces");
	REFUSED(",\"annotations\":{\"a\":1}", "", "",
		"annotations: 'a' want keys that are not empty, with strings");
	CHECK_INT(load(",\"root\":{\"path\":\"/abs\",\"readonly\":true},\"hostname\":\"h\","
		       "\"domainname\":\"\",\"hooks\":{\"prestart\":[]},\"future\":{\"x\":1},"
		       "\"annotations\":{\"a\":\"b\"}",
			  "", ""),
		0);
	CHECK_STR(s.root_path, "/abs");
	CHECK(s.root_readonly);
	CHECK_STR(s.hostname, "h");
	CHECK(s.domainname == NULL);
	CHECK_STR(json_string_value(json_object_get(s.annotations, "a")), "b");
	spec_free(&s);
}

static void test_process(void)
{
	const struct spec_process *p = &s.process;

	CHECK_INT(load("",
			  ",\"terminal\":true,\"consoleSize\":{\"height\":40,\"width\":100},"
			  "\"user\":{\"uid\":7,\"gid\":8,\"additionalGids\":[9,10],\"umask\":63},"
			  "\"args\":[\"a\",\"b c\"],\"env\":[\"X=1\"],\"cwd\":\"/w\","
			  "\"noNewPrivileges\":true,\"oomScoreAdj\":-5,\"apparmorProfile\":\"\","
			  "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,\"hard\":-1}]",
			  ""),
		0);
	CHECK(p->terminal && p->no_new_privs && p->has_oom_score_adj);
	CHECK_INT(p->rows, 40);
	CHECK_INT(p->cols, 100);
	CHECK_INT(p->user.uid, 7);
	CHECK_INT(p->user.gid, 8);
	CHECK_INT(p->user.n_groups, 2);
	CHECK_INT(p->user.groups[1], 10);
	CHECK(p->user.has_umask);
	CHECK_INT(p->user.umask, 077);
	CHECK_STR(p->args[1], "b c");
	CHECK_STR(p->env[0], "X=1");
	CHECK_STR(p->cwd, "/w");
	CHECK_INT(p->oom_score_adj, -5);
	CHECK(p->apparmor == NULL);
	CHECK_INT(p->n_rlimits, 1);
	CHECK_INT(p->rlimits[0].resource, RLIMIT_NOFILE);
	CHECK(p->rlimits[0].hard == RLIM_INFINITY);
	spec_free(&s);
}

static void test_process_refusals(void)
{
	REFUSED("", ",\"args\":[]", "", "process.args: want at least the program");
	REFUSED("", ",\"args\":\"sh\"", "", "process.args: want an array");
	REFUSED("", ",\"args\":[1]", "", "process.args: want an array of strings");
	REFUSED("", ",\"cwd\":null", "", "process.cwd: missing");
	REFUSED("", ",\"cwd\":\"x\"", "", "process.cwd: 'x' is not an absolute path");
	REFUSED("", ",\"user\":null", "", "process.user: missing");
	REFUSED("", ",\"user\":{\"uid\":-1}", "",
		"process.user.uid: want a number that is not negative");
	REFUSED("", ",\"user\":{\"uid\":4294967295}", "",
		"process.user.uid: 4294967295 is not a valid id");
	REFUSED("", ",\"user\":{\"gid\":4294967296}", "",
		"process.user.gid: want a number below 2^32");
	REFUSED("", ",\"user\":{\"umask\":512}", "", "process.user.umask: want at most 511 (0777)");
	REFUSED("", ",\"user\":{\"username\":\"root\"}", "",
		"process.user.username: not supported on Linux: want uid and gid");
	REFUSED("", ",\"user\":{\"additionalGids\":[0,-1]}", "",
		"process.user.additionalGids[1]: want a number below 2^32 - 1");
	REFUSED("", ",\"oomScoreAdj\":1001", "",
		"process.oomScoreAdj: want a number from -1000 to 1000");
	REFUSED("", ",\"terminal\":true,\"consoleSize\":{\"height\":65536}", "",
		"process.consoleSize.height: want a number below 65536");
	REFUSED("", ",\"scheduler\":{\"policy\":\"SCHED_FIFO\"}", "",
		"process.scheduler: not supported");
	REFUSED("", ",\"rlimits\":[{\"type\":\"NOFILE\",\"soft\":1,\"hard\":1}]", "",
		"process.rlimits[0].type: 'NOFILE' is not a resource limit");
	REFUSED("", ",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":1}]", "",
		"process.rlimits[0].soft: exceeds the hard limit");
	REFUSED("", ",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2}]", "",
		"process.rlimits[0].hard: missing");
	REFUSED("",
		",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1},"
		"{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1}]",
		"", "process.rlimits[1].type: 'RLIMIT_CPU' is given twice");
	REFUSED("", ",\"rlimits\":[1]", "", "process.rlimits[0]: want an object");
}

static void test_caps(void)
{
	const struct caps *c = &s.process.caps;

	CHECK_INT(load("",
			  ",\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_KILL\"],"
			  "\"permitted\":[\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"],"
			  "\"inheritable\":[],\"ambient\":[\"CAP_KILL\"]}",
			  ""),
		0);
	CHECK_INT(c->bounding, 0x21);
	CHECK_INT(c->permitted, 0x20);
	CHECK_INT(c->effective, 0x20);
	CHECK_INT(c->ambient, 0);
	spec_free(&s);
	REFUSED("", ",\"capabilities\":{\"bounding\":[\"KILL\"]}", "",
		"process.capabilities.bounding: 'KILL' is not a capability");
	REFUSED("", ",\"capabilities\":{\"effective\":[\"CAP_SYS_ADMIN\"]}", "",
		"process.capabilities.effective: CAP_SYS_ADMIN is not in 'permitted'");
	REFUSED("", ",\"capabilities\":{\"inheritable\":[\"CAP_KILL\"]}", "",
		"process.capabilities.inheritable: CAP_KILL is not in 'bounding'");
	REFUSED("", ",\"capabilities\":[]", "", "process.capabilities: want an object");
}

static void test_mounts(void)
{
	const struct spec_mount *m;

	CHECK_INT(load(",\"mounts\":["
		       "{\"destination\":\"/proc/\",\"type\":\"proc\",\"source\":\"proc\"},"
		       "{\"destination\":\"data/./x/../y\",\"type\":\"bind\",\"source\":\"d\","
		       "\"options\":[\"ro\",\"rslave\"]},"
		       "{\"destination\":\"/b\",\"source\":\"/"
		       "abs\",\"options\":[\"nosuid\",\"rbind\"]},"
		       "{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"c\"},"
		       "{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\"},"
		       "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
		       "\"options\":[\"size=1m\",\"noexec\"]}]",
			  "", ""),
		0);
	CHECK_INT(s.n_mounts, 6);
	m = s.mounts;
	CHECK_STR(m[0].dest, "/proc");
	CHECK_STR(m[0].type, "proc");
	CHECK(m[0].kind == MOUNT_FS && !m[0].data);
	CHECK_STR(m[1].dest, "/data/y");
	CHECK_STR(m[1].source, "/bundle/d");
	CHECK(m[1].kind == MOUNT_BIND && !m[1].recursive);
	CHECK_INT(m[1].attr_set, MOUNT_ATTR_RDONLY);
	CHECK_INT(m[1].propagation, MS_SLAVE | MS_REC);
	CHECK_STR(m[2].source, "/abs");
	CHECK(m[2].kind == MOUNT_BIND && m[2].recursive);
	CHECK_STR(m[3].type, "cgroup2");
	/* No network namespace: the host's /sys, read-only. */
	CHECK(m[4].kind == MOUNT_BIND && m[4].rec_attr && s.host_sys);
	CHECK_STR(m[4].source, "/sys");
	CHECK(m[4].attr_set & MOUNT_ATTR_RDONLY);
	CHECK_STR(m[5].data[0], "size");
	CHECK_STR(m[5].data[1], "1m");
	/* /dev is a tmpfs: the six devices come with it. */
	CHECK_INT(s.n_devices, 6);
	CHECK_STR(s.devices[0].path, "/dev/null");
	CHECK_INT(s.devices[0].minor, 3);
	spec_free(&s);
}

static void test_mount_refusals(void)
{
	REFUSED(",\"mounts\":{}", "", "", "mounts: want an array");
	REFUSED(",\"mounts\":[1]", "", "", "mounts[0].destination: missing; want an object");
	REFUSED(",\"mounts\":[{\"type\":\"proc\"}]", "", "", "mounts[0].destination: missing");
	REFUSED(",\"mounts\":[{\"destination\":\"/x/..\",\"type\":\"proc\"}]", "", "",
		"mounts[0].destination: '/x/..' is the root itself, which root.path gives");
	REFUSED(",\"mounts\":[{\"destination\":\"/x\"}]", "", "",
		"mounts[0].type: want a file system, or the option 'bind'");
	REFUSED(",\"mounts\":[{\"destination\":\"/x\",\"type\":\"bind\"}]", "", "",
		"mounts[0].source: missing");
	REFUSED(",\"mounts\":[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"y\","
		"\"options\":[\"nonsense\"]}]",
		"", "", "mounts[0].options: unknown mount option 'nonsense'");
	REFUSED(",\"mounts\":[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"y\","
		"\"options\":[\"idmap\"]}]",
		"", "", "mounts[0].options: idmapped mounts are not supported");
	REFUSED(",\"mounts\":[{\"destination\":\"/"
		"x\",\"type\":\"tmpfs\",\"options\":[\"tmpcopyup\"]}]",
		"", "", "mounts[0].options: 'tmpcopyup' is not supported");
	REFUSED(",\"mounts\":[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"y\","
		"\"uidMappings\":[{\"size\":1}]}]",
		"", "", "mounts[0].uidMappings: not supported for mounts");
}

static void test_namespaces(void)
{
	CHECK_INT(load("", "",
			  ",\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"network\","
			  "\"path\":\"/proc/1/ns/net\"}],\"uidMappings\":[],\"gidMappings\":null"),
		0);
	CHECK_STR(spec_find_ns(&s, CLONE_NEWNET)->path, "/proc/1/ns/net");
	spec_free(&s);
	REFUSED("", "", ",\"namespaces\":[]",
		"linux.namespaces: want at least 'mount'; the caller's mounts are left alone");
	REFUSED("", "", ",\"namespaces\":[{\"type\":\"time\"}]",
		"linux.namespaces[0].type: time namespaces are not supported");
	REFUSED("", "", ",\"namespaces\":[{\"type\":\"mnt\"}]",
		"linux.namespaces[0].type: 'mnt' is not a namespace");
	REFUSED("", "", ",\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"mount\"}]",
		"linux.namespaces[1].type: 'mount' is given twice");
	REFUSED("", "", ",\"namespaces\":[7]", "linux.namespaces[0].type: missing");
	REFUSED("", "", ",\"namespaces\":[{\"type\":\"user\",\"path\":\"/proc/1/ns/user\"}]",
		"linux.namespaces[0].path: joining a user namespace is not supported");
	REFUSED("", "", ",\"namespaces\":[{\"type\":\"pid\",\"path\":\"/proc/1/ns/pid\"}]",
		"linux.namespaces[0].path: joining a pid namespace is not supported");
	REFUSED("", "", ",\"namespaces\":[{\"type\":\"network\",\"path\":\"net\"}]",
		"linux.namespaces[0].path: 'net' is not an absolute path");
}

static void test_maps(void)
{
	REFUSED("", "", ",\"uidMappings\":[]",
		"linux.uidMappings: missing; a user namespace needs it");
	REFUSED("", "", ",\"namespaces\":[{\"type\":\"mount\"}]",
		"linux.uidMappings: needs a user namespace in linux.namespaces");
	REFUSED("", "", ",\"gidMappings\":[{\"containerID\":0,\"size\":1}]",
		"linux.gidMappings[0].hostID: missing");
	REFUSED("", "", ",\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":0}]",
		"linux.uidMappings[0].size: 0 does not fit");
	REFUSED("", "", ",\"uidMappings\":[{\"containerID\":1,\"hostID\":0,\"size\":4294967295}]",
		"linux.uidMappings[0].size: 4294967295 does not fit");
	REFUSED("", "", ",\"uidMappings\":[{\"containerID\":-1,\"hostID\":0,\"size\":1}]",
		"linux.uidMappings[0].containerID: want a number that is not negative");
	if (geteuid() == 0)
		return;
	REFUSED("", ",\"user\":{\"uid\":0,\"gid\":0,\"additionalGids\":[4]}",
		",\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}]",
		"linux.gidMappings: with one id only, process.user.additionalGids must be empty");
	CHECK_INT(load("", "", ",\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}]"),
		0);
	CHECK(s.process.user.keep_groups);
	spec_free(&s);
}

static void test_resources(void)
{
	const struct cgroup_limits *l = &s.limits;

	CHECK_INT(
		load("", "",
			",\"cgroupsPath\":\"/a/b\",\"resources\":{\"memory\":{\"limit\":1000,"
			"\"swap\":3000,\"reservation\":500,\"kernel\":-1,\"disableOOMKiller\":"
			"false},"
			"\"cpu\":{\"shares\":512,\"quota\":20000,\"period\":50000,\"cpus\":\"0-1\","
			"\"mems\":\"\"},\"pids\":{\"limit\":9},\"unified\":{\"memory.high\":\"7\"},"
			"\"blockIO\":{\"weight\":0},\"hugepageLimits\":[],"
			"\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]}"),
		0);
	CHECK_STR(s.cgroups_path, "/a/b");
	CHECK_INT(l->memory, 1000);
	CHECK_INT(l->memory_swap, 3000);
	CHECK_INT(l->memory_low, 500);
	CHECK_INT(l->cpu_shares, 512);
	CHECK_INT(l->cpu_quota, 20000);
	CHECK_INT(l->cpu_period, 50000);
	CHECK_STR(l->cpuset_cpus, "0-1");
	CHECK(l->cpuset_mems == NULL);
	CHECK_INT(l->pids, 9);
	CHECK(l->pids_asked);
	CHECK_STR(l->unified[0], "memory.high");
	CHECK_STR(l->unified[1], "7");
	spec_free(&s);
	/* No limits at all, however they are written. */
	CHECK_INT(load("", "",
			  ",\"resources\":{\"memory\":{\"limit\":-1,\"swap\":-1},"
			  "\"cpu\":{\"quota\":-1,\"period\":100000,\"shares\":0},"
			  "\"pids\":{\"limit\":-1}}"),
		0);
	CHECK(!l->memory && !l->memory_swap && !l->cpu_quota && !l->cpu_shares && !l->pids);
	CHECK(!l->pids_asked);
	spec_free(&s);
	/* A memory limit alone says nothing about swap. */
	CHECK_INT(load("", "", ",\"resources\":{\"memory\":{\"limit\":1000}}"), 0);
	CHECK_INT(l->memory_swap, -1);
	spec_free(&s);
}

static void test_resource_refusals(void)
{
	REFUSED("", "", ",\"resources\":{\"cpu\":{\"quota\":\"x\"}}",
		"linux.resources.cpu.quota: want a whole number");
	REFUSED("", "", ",\"resources\":{\"cpu\":{\"quota\":-2}}",
		"linux.resources.cpu.quota: want -1 or a number that is not negative");
	REFUSED("", "", ",\"resources\":{\"cpu\":{\"cpus\":\"a\"}}",
		"linux.resources.cpu.cpus: 'a' is not a list such as 0-3,7");
	REFUSED("", "", ",\"resources\":{\"cpu\":{\"realtimeRuntime\":5}}",
		"linux.resources.cpu.realtimeRuntime: not supported");
	REFUSED("", "", ",\"resources\":{\"memory\":{\"limit\":-2}}",
		"linux.resources.memory.limit: want -1 or a number that is not negative");
	REFUSED("", "", ",\"resources\":{\"memory\":{\"limit\":9,\"swap\":8}}",
		"linux.resources.memory.swap: it is memory and swap together, so want at least "
		"'limit'");
	REFUSED("", "", ",\"resources\":{\"memory\":{\"swappiness\":0}}",
		"linux.resources.memory.swappiness: cgroup v2 has no such setting");
	REFUSED("", "", ",\"resources\":{\"memory\":{\"disableOOMKiller\":true}}",
		"linux.resources.memory.disableOOMKiller: not supported by cgroup v2");
	REFUSED("", "", ",\"resources\":{\"blockIO\":{\"weight\":10}}",
		"linux.resources.blockIO: not supported by uctr-oci");
	REFUSED("", "", ",\"resources\":{\"unified\":{\"cgroup.procs\":\"1\"}}",
		"linux.resources.unified: 'cgroup.procs' is not a setting of a cgroup controller");
	REFUSED("", "", ",\"resources\":{\"unified\":{\"../memory.max\":\"1\"}}",
		"linux.resources.unified: '../memory.max' is not a setting of a cgroup controller");
	REFUSED("", "", ",\"resources\":{\"devices\":[{\"allow\":true,\"access\":\"x\"}]}",
		"linux.resources.devices[0].access: want r, w and m only");
	REFUSED("", ",\"capabilities\":{\"bounding\":[\"CAP_MKNOD\"]}",
		",\"namespaces\":[{\"type\":\"mount\"}],\"uidMappings\":[],\"gidMappings\":[],"
		"\"resources\":{\"devices\":[{\"allow\":false}]}",
		"linux.resources.devices[0]: rules that deny need a user namespace, or "
		"process.capabilities.bounding without CAP_MKNOD");
}

static void test_sysctl(void)
{
	CHECK_INT(load("", "", ",\"sysctl\":{\"kernel.msgmax\":\"1\",\"fs/mqueue/msg_max\":\"2\"}"),
		0);
	CHECK(strv_contains(s.sysctl, "kernel.msgmax=1"));
	CHECK(strv_contains(s.sysctl, "fs.mqueue.msg_max=2"));
	spec_free(&s);
	REFUSED("", "", ",\"sysctl\":{\"kernel.core_pattern\":\"|/x\"}",
		"linux.sysctl: 'kernel.core_pattern' is not a setting of a container's own "
		"namespaces");
	REFUSED("", "", ",\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}",
		"linux.sysctl: 'net.ipv4.ip_forward' needs a network namespace");
	REFUSED("", "", ",\"sysctl\":{\"net\":\"1\"}",
		"linux.sysctl: 'net' is not a setting of a container's own namespaces");
	REFUSED("", "", ",\"sysctl\":{\"kernel.shm_rmid_forced=1+kernel.core_pattern\":\"1\"}",
		"linux.sysctl: 'kernel.shm_rmid_forced=1+kernel.core_pattern' is not the name of a "
		"setting");
	REFUSED("", "", ",\"sysctl\":{\"kernel.msgmax\":\"1\\n2\"}",
		"linux.sysctl: 'kernel.msgmax' has a value of several lines");
	REFUSED("", "", ",\"sysctl\":{\"kernel.msgmax\":1}",
		"linux.sysctl: 'kernel.msgmax' want a string");
}

static void test_devices(void)
{
	CHECK_INT(load(",\"mounts\":[{\"destination\":\"/dev\",\"type\":\"tmpfs\"}]", "",
			  ",\"devices\":[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,"
			  "\"minor\":229,\"fileMode\":438,\"uid\":0},"
			  "{\"path\":\"/dev/null\",\"type\":\"u\",\"major\":1,\"minor\":3}]"),
		0);
	CHECK_INT(s.n_devices, 7);
	CHECK_STR(s.devices[0].path, "/dev/fuse");
	CHECK_INT(s.devices[0].type, 'c');
	CHECK_INT(s.devices[0].minor, 229);
	spec_free(&s);
	REFUSED("", "", ",\"devices\":[{\"path\":\"/dev/x\",\"type\":\"p\"}]",
		"linux.devices[0].type: FIFOs are not supported; make it in the image");
	REFUSED("", "", ",\"devices\":[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":1}]",
		"linux.devices[0].minor: missing");
	REFUSED("", "", ",\"devices\":[{\"path\":\"x\",\"type\":\"c\"}]",
		"linux.devices[0].path: 'x' is not an absolute path");
	REFUSED("", "",
		",\"devices\":[{\"path\":\"/x\",\"type\":\"c\",\"major\":1,\"minor\":1},"
		"{\"path\":\"/x\",\"type\":\"c\",\"major\":1,\"minor\":1}]",
		"linux.devices[1].path: '/x' is given twice");
}

static void test_linux(void)
{
	CHECK_INT(load("", "",
			  ",\"rootfsPropagation\":\"rslave\",\"maskedPaths\":[\"/proc/kcore\"],"
			  "\"readonlyPaths\":[\"/proc/sys\"],\"intelRdt\":{},\"timeOffsets\":{},"
			  "\"personality\":{\"domain\":\"LINUX\"},"
			  "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\","
			  "\"architectures\":[\"SCMP_ARCH_X86_64\"],\"syscalls\":[{\"names\":"
			  "[\"mount\"],\"action\":\"SCMP_ACT_ERRNO\"}]}"),
		0);
	CHECK_INT(s.rootfs_propagation, MS_SLAVE | MS_REC);
	CHECK_STR(s.masked[0], "/proc/kcore");
	CHECK_STR(s.readonly[0], "/proc/sys");
	CHECK(s.seccomp.insns && s.seccomp.owned);
	spec_free(&s);
	REFUSED("", "", ",\"rootfsPropagation\":\"x\"",
		"linux.rootfsPropagation: 'x' is not one of private, slave, shared, unbindable");
	REFUSED("", "", ",\"maskedPaths\":[\"x\"]",
		"linux.maskedPaths: 'x' is not an absolute path");
	REFUSED("", "", ",\"personality\":{\"domain\":\"LINUX32\"}",
		"linux.personality.domain: only 'LINUX' is supported");
	REFUSED("", "", ",\"intelRdt\":{\"closID\":\"x\"}",
		"linux.intelRdt: not supported by uctr-oci");
	REFUSED("", "", ",\"timeOffsets\":{\"monotonic\":{\"secs\":1}}",
		"linux.timeOffsets: not supported by uctr-oci");
	REFUSED("", "",
		",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}",
		"linux.seccomp.listenerPath: not supported by uctr-oci: it passes no "
		"notifications");
	CHECK(load("", "", ",\"seccomp\":{\"defaultAction\":\"NO\"}") < 0);
	CHECK(str_startswith(e.msg, "linux.seccomp: "));
	spec_free(&s);
}

static void test_default(void)
{
	for (int rootless = 0; rootless < 2; rootless++) {
		_cleanup_json_ json_t *j = spec_default_json(rootless);

		e = (struct err)ERR_INIT;
		CHECK_INT(spec_from_json(j, "/b", -1, &s, &e), 0);
		CHECK_STR(e.msg, "");
		CHECK_STR(s.process.args[0], "sh");
		CHECK(s.process.terminal && s.process.no_new_privs && s.root_readonly);
		CHECK(s.process.caps.bounding == CAPS_DEFAULT);
		CHECK(s.process.caps.effective == CAPS_DEFAULT);
		CHECK_INT(s.process.caps.inheritable | s.process.caps.ambient, 0);
		CHECK_INT(s.n_devices, 6);
		CHECK_INT(s.map.n_uid, rootless);
		CHECK(!!spec_find_ns(&s, CLONE_NEWNET) == !rootless);
		CHECK(!!spec_find_ns(&s, CLONE_NEWUSER) == !!rootless);
		CHECK(strv_contains(s.masked, "/proc/kcore"));
		CHECK(strv_contains(s.readonly, "/proc/sys"));
		spec_free(&s);
	}
}

/* Every prefix and every value replaced: an error or not, but never a crash or a leak. */
static void replace_each(json_t *whole, json_t *part)
{
	const char *key;
	json_t *v, *bad[4];
	void *next;

	if (!json_is_object(part))
		return;
	bad[0] = json_null();
	bad[1] = json_integer(-7);
	bad[2] = json_string("x");
	bad[3] = json_array();
	json_object_foreach_safe(part, next, key, v)
	{
		json_incref(v);
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			json_object_set(part, key, bad[i]);
			CHECK(spec_from_json(whole, "/b", -1, &s, &e) <= 0);
			spec_free(&s);
		}
		json_object_set(part, key, v);
		replace_each(whole, v);
		for (size_t i = 0; i < json_array_size(v); i++)
			replace_each(whole, json_array_get(v, i));
		json_decref(v);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		json_decref(bad[i]);
}

static void test_mutations(void)
{
	_cleanup_json_ json_t *j = spec_default_json(true);

	replace_each(j, j);
	/* It is whole again, so the mutations were not mutations of a broken configuration. */
	CHECK_INT(spec_from_json(j, "/b", -1, &s, &e), 0);
	spec_free(&s);
}

int main(void)
{
	RUN(test_minimal);
	RUN(test_version);
	RUN(test_top_level);
	RUN(test_process);
	RUN(test_process_refusals);
	RUN(test_caps);
	RUN(test_mounts);
	RUN(test_mount_refusals);
	RUN(test_namespaces);
	RUN(test_maps);
	RUN(test_resources);
	RUN(test_resource_refusals);
	RUN(test_sysctl);
	RUN(test_devices);
	RUN(test_linux);
	RUN(test_default);
	RUN(test_mutations);
	return tap_end();
}
