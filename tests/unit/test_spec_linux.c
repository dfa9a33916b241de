/* SPDX-License-Identifier: Apache-2.0 */
/* config.json to struct spec: the part `linux`, and every refusal by its exact text. */
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "spec_text.h"

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

int main(void)
{
	RUN(test_namespaces);
	RUN(test_maps);
	RUN(test_resources);
	RUN(test_resource_refusals);
	RUN(test_sysctl);
	RUN(test_devices);
	RUN(test_linux);
	return tap_end();
}
