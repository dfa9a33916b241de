/* SPDX-License-Identifier: Apache-2.0 */
/* config.json to struct spec: what is read, and every refusal by its exact text. */
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "spec_text.h"
#include "sys/syscalls.h"

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
	/* No cgroup namespace: the host's view, read-only. */
	CHECK(m[3].kind == MOUNT_BIND && m[3].attr_set & MOUNT_ATTR_RDONLY);
	CHECK_STR(m[3].source, "/sys/fs/cgroup");
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
		CHECK_STR(s.mounts[6].type, "cgroup2");
		CHECK(s.mounts[6].kind == MOUNT_FS);
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
	RUN(test_default);
	RUN(test_mutations);
	return tap_end();
}
