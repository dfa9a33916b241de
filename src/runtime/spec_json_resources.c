/* SPDX-License-Identifier: Apache-2.0 */
/* config.json to struct spec: linux.resources and linux.sysctl. */
#include <ctype.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/spec_json.h"

/* -1 (no limit) and 0 (not asked for) are both none. */
static int get_limit(json_t *o, const char *key, int64_t *ret, struct err *e)
{
	int64_t v = 0;
	int r = json_get_i64(o, key, &v, e);

	if (r > 0 && v < -1)
		return err_msg(e, -EINVAL, "%s: want -1 or a number that is not negative", key);
	*ret = v > 0 ? v : 0;
	return r;
}

static int parse_memory(json_t *o, struct cgroup_limits *l, struct err *e)
{
	static const char *const v1[] = { "kernel", "kernelTCP", "swappiness", NULL };
	int64_t swap = 0;
	int r;

	if ((r = get_limit(o, "limit", &l->memory, e)) < 0 ||
		(r = get_limit(o, "reservation", &l->memory_low, e)) < 0 ||
		(r = get_limit(o, "swap", &swap, e)) < 0)
		return r;
	if (swap && (!l->memory || swap < l->memory))
		return err_msg(e, -EINVAL,
			"swap: it is memory and swap together, so want at least 'limit'");
	/* What docker's --memory adds when nothing is said about swap is not the specification's. */
	l->memory_swap = swap ? swap : l->memory ? -1 : 0;
	for (size_t i = 0; v1[i]; i++) {
		int64_t v = 0;

		r = json_get_i64(o, v1[i], &v, e);
		if (r < 0)
			return r;
		/* -1: unlimited, as without the key. swappiness 0 is a wish. */
		if (r > 0 && v != -1 && (v != 0 || streq(v1[i], "swappiness")))
			return err_msg(e, -EOPNOTSUPP, "%s: cgroup v2 has no such setting", v1[i]);
	}
	r = spec_json_refuse(o, "disableOOMKiller", "by cgroup v2", e);
	return r < 0 ? r : spec_json_refuse(o, "checkBeforeUpdate", "", e);
}

static int parse_cpu(json_t *o, struct cgroup_limits *l, struct err *e)
{
	static const char *const never[] = { "realtimeRuntime", "realtimePeriod", "burst", "idle",
		NULL };
	char **const lists[] = { &l->cpuset_cpus, &l->cpuset_mems };
	static const char *const keys[] = { "cpus", "mems" };
	int r;

	if ((r = json_get_u64(o, "shares", &l->cpu_shares, e)) < 0 ||
		(r = json_get_u64(o, "period", &l->cpu_period, e)) < 0 ||
		(r = json_get_i64(o, "quota", &l->cpu_quota, e)) < 0)
		return r;
	/* -1: no limit. A period alone limits nothing either, and needs no controller. */
	if (l->cpu_quota < -1)
		return err_msg(e, -EINVAL, "quota: want -1 or a number that is not negative");
	if (l->cpu_quota == -1)
		l->cpu_quota = 0;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		r = json_get_strdup(o, keys[i], lists[i], e);
		if (r < 0)
			return r;
		if (*lists[i] && strspn(*lists[i], "0123456789,-\n") != strlen(*lists[i]))
			return spec_json_bad(e, keys[i], *lists[i], "is not a list such as 0-3,7");
		if (*lists[i] && !**lists[i]) {
			free(*lists[i]);
			*lists[i] = NULL;
		}
	}
	for (size_t i = 0; never[i]; i++) {
		r = spec_json_refuse(o, never[i], "", e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_pids(json_t *o, struct cgroup_limits *l, struct err *e)
{
	int r = get_limit(o, "limit", &l->pids, e);

	l->pids_asked = l->pids != 0;
	return r;
}

/* Files of the container's own group: a name, never a path, and nothing that moves processes. */
static int parse_unified(json_t *o, struct cgroup_limits *l, struct err *e)
{
	const char *key;
	json_t *v;

	json_object_foreach (o, key, v) {
		const char *dot = strchr(key, '.');

		if (!json_is_string(v))
			return spec_json_bad(e, "unified", key, "want a string");
		if (!dot || dot == key || strchr(key, '/') || str_startswith(key, "cgroup."))
			return spec_json_bad(
				e, "unified", key, "is not a setting of a cgroup controller");
		if (strv_add(&l->unified, key) < 0 ||
			strv_add(&l->unified, json_string_value(v)) < 0)
			return err_set(e, -ENOMEM, "unified");
	}
	return 0;
}

/*
 * Device rules need a device controller, which ordinary users are not given. In a user namespace
 * they are accepted: no node can be made there (mknod(2) is refused), all file systems of the
 * container are nodev, and so the bound devices of linux.devices are all there is; a rule cannot
 * narrow that list further. As real root with CAP_MKNOD a denied device could be made, so there a
 * rule that denies is refused.
 */
static int parse_device_rules(json_t *res, struct spec *s, struct err *e)
{
	bool may_make =
		!spec_find_ns(s, CLONE_NEWUSER) && s->process.caps.bounding & CAP_BIT(CAP_MKNOD);
	json_t *a = NULL, *v;
	size_t i;
	int r = json_get_arr(res, "devices", &a, e);

	if (r < 0)
		return r;
	json_array_foreach (a, i, v) {
		const char *access = NULL, *type = NULL;
		bool allow = false;
		int64_t number;

		if (!json_is_object(v))
			return err_msg(e, -EINVAL, "devices[%zu]: want an object", i);
		if ((r = json_get_bool(v, "allow", &allow, e)) < 0 ||
			(r = json_get_str(v, "type", &type, e)) < 0 ||
			(r = json_get_str(v, "access", &access, e)) < 0 ||
			(r = json_get_i64(v, "major", &number, e)) < 0 ||
			(r = json_get_i64(v, "minor", &number, e)) < 0)
			return spec_json_at(e, r, "devices[%zu]", i);
		if (access && strspn(access, "rwm") != strlen(access))
			return err_msg(e, -EINVAL, "devices[%zu].access: want r, w and m only", i);
		if (!allow && may_make)
			return err_msg(e, -EOPNOTSUPP,
				"devices[%zu]: rules that deny need a user namespace, or "
				"process.capabilities.bounding without CAP_MKNOD",
				i);
	}
	return 0;
}

static int parse_part(json_t *res, const char *key, struct cgroup_limits *l,
	int (*parse)(json_t *o, struct cgroup_limits *l, struct err *e), struct err *e)
{
	json_t *o = NULL;
	int r = json_get_obj(res, key, &o, e);

	if (r <= 0)
		return r;
	r = parse(o, l, e);
	/* Keys of `unified` are file names: the message begins with its own name. */
	if (r < 0 && parse != parse_unified)
		return spec_json_at(e, r, "%s", key);
	return r < 0 ? r : 0;
}

int spec_json_resources(json_t *l, struct spec *s, struct err *e)
{
	static const char *const never[] = { "blockIO", "hugepageLimits", "network", "rdma", NULL };
	struct cgroup_limits *limits = &s->limits;
	json_t *res = NULL;
	int r = json_get_obj(l, "resources", &res, e);

	if (r <= 0)
		return r;
	if ((r = parse_part(res, "memory", limits, parse_memory, e)) >= 0 &&
		(r = parse_part(res, "cpu", limits, parse_cpu, e)) >= 0 &&
		(r = parse_part(res, "pids", limits, parse_pids, e)) >= 0 &&
		(r = parse_part(res, "unified", limits, parse_unified, e)) >= 0)
		r = parse_device_rules(res, s, e);
	for (size_t i = 0; r >= 0 && never[i]; i++)
		r = spec_json_refuse(res, never[i], "by uctr-oci", e);
	return r < 0 ? spec_json_at(e, r, "resources") : 0;
}

/*
 * The settings that the kernel keeps per namespace, and which one: anything else would change the
 * host when root asks for it.
 */
static uint64_t sysctl_namespace(const char *key)
{
	static const struct {
		const char *prefix;
		uint64_t flag;
	} known[] = {
		{ "net.", CLONE_NEWNET },
		{ "fs.mqueue.", CLONE_NEWIPC },
		{ "kernel.msgmax", CLONE_NEWIPC },
		{ "kernel.msgmnb", CLONE_NEWIPC },
		{ "kernel.msgmni", CLONE_NEWIPC },
		{ "kernel.sem", CLONE_NEWIPC },
		{ "kernel.shmall", CLONE_NEWIPC },
		{ "kernel.shmmax", CLONE_NEWIPC },
		{ "kernel.shmmni", CLONE_NEWIPC },
		{ "kernel.shm_rmid_forced", CLONE_NEWIPC },
		{ "kernel.domainname", CLONE_NEWUTS },
		{ "user.", CLONE_NEWUSER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const char *p = known[i].prefix;

		if (str_endswith(p, ".") ? str_startswith(key, p) && key[strlen(p)] : streq(key, p))
			return known[i].flag;
	}
	return 0;
}

static int check_sysctl(const char *key, const char *value, struct spec *s, struct err *e)
{
	uint64_t flag;

	for (const char *p = key; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return spec_json_bad(e, "sysctl", key, "is not the name of a setting");
	}
	if (strpbrk(value, "\n"))
		return spec_json_bad(e, "sysctl", key, "has a value of several lines");
	if (streq(key, "kernel.hostname"))
		return spec_json_bad(e, "sysctl", key, "is set by 'hostname'");
	flag = sysctl_namespace(key);
	if (!flag)
		return spec_json_bad(
			e, "sysctl", key, "is not a setting of a container's own namespaces");
	if (!spec_find_ns(s, flag))
		return spec_json_bad(e, "sysctl", key,
			flag == CLONE_NEWNET   ? "needs a network namespace"
			: flag == CLONE_NEWIPC ? "needs an ipc namespace"
			: flag == CLONE_NEWUTS ? "needs a uts namespace"
					       : "needs a user namespace");
	return 0;
}

int spec_json_sysctl(json_t *l, struct spec *s, struct err *e)
{
	json_t *o = NULL, *v;
	const char *key;
	int r = json_get_obj(l, "sysctl", &o, e);

	if (r <= 0)
		return r;
	json_object_foreach (o, key, v) {
		_cleanup_free_ char *dotted = strdup(key);

		if (!json_is_string(v))
			return spec_json_bad(e, "sysctl", key, "want a string");
		/* sysctl(8) takes both separators; the kernel's names know no dots. */
		for (char *p = dotted; p && *p; p++)
			*p = *p == '/' ? '.' : *p;
		if (!dotted)
			return err_set(e, -ENOMEM, "sysctl");
		r = check_sysctl(dotted, json_string_value(v), s, e);
		if (r < 0)
			return r;
		if (strv_addf(&s->sysctl, "%s=%s", dotted, json_string_value(v)) < 0)
			return err_set(e, -ENOMEM, "sysctl");
	}
	return 0;
}
