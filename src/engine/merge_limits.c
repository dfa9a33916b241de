/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: cgroup values, rlimits, sysctls. */
#include <stdlib.h>
#include <string.h>

#include "engine/merge.h"

#define PIDS_DEFAULT 2048
#define MEMORY_MIN (512 << 10)
#define NOFILE_MAX 524288

static int cpus(const char *s, struct cgroup_limits *l, struct err *e)
{
	uint64_t ns;

	/* "1.5" as a duration is 1.5 s: the same checked decimals, in billionths. */
	if (strspn(s, "0123456789.") != strlen(s) || parse_duration_ns(s, &ns) < 0)
		return err_msg(e, -EINVAL, "--cpus '%s': want a number such as 0.5 or 2", s);
	if (ns == 0)
		return 0;
	l->cpu_period = 100000;
	l->cpu_quota = (int64_t)(ns / 10000);
	if (l->cpu_quota < 1000)
		return err_msg(
			e, -EINVAL, "--cpus '%s': the least that the kernel takes is 0.01", s);
	return 0;
}

static int memory(const char *s, struct cgroup_limits *l, struct err *e)
{
	uint64_t bytes;
	int r = parse_size(s, &bytes);

	if (r < 0)
		return err_msg(e, r, "--memory '%s': want a size such as 512m or 2g", s);
	if (bytes && bytes < MEMORY_MIN)
		return err_msg(e, -EINVAL, "--memory '%s': the least is 512k", s);
	l->memory = (int64_t)bytes;
	return 0;
}

static int pids(const char *s, struct cgroup_limits *l, struct err *e)
{
	int64_t n;

	if (!s) {
		l->pids = PIDS_DEFAULT;
		return 0;
	}
	if (parse_i64(s, &n) < 0 || n < -1 || n > 4194304)
		return err_msg(e, -EINVAL, "--pids-limit '%s': want a number, -1 for no limit", s);
	l->pids = n <= 0 ? -1 : n;
	l->pids_asked = n > 0;
	return 0;
}

static int limit_value(const char *s, uint64_t *ret)
{
	if (streq(s, "-1") || streq(s, "unlimited")) {
		*ret = RLIM_INFINITY;
		return 0;
	}
	return parse_u64(s, ret);
}

static int ulimit(const char *s, struct spec_process *p, struct err *e)
{
	_cleanup_free_ char *name = strndup(s, strcspn(s, "=")), *soft = NULL;
	const char *value = strchr(s, '='), *hard;
	uint64_t lo, hi;
	int res;

	if (!name)
		return err_set(e, -ENOMEM, "--ulimit");
	res = value ? rlimit_from_name(name) : -EINVAL;
	if (res < 0)
		return err_msg(
			e, -EINVAL, "--ulimit '%s': want NAME=SOFT[:HARD], e.g. nofile=1024", s);
	value++;
	soft = strndup(value, strcspn(value, ":"));
	hard = strchr(value, ':');
	if (!soft || limit_value(soft, &lo) < 0 || limit_value(hard ? hard + 1 : soft, &hi) < 0)
		return err_msg(e, -EINVAL, "--ulimit '%s': not a number", s);
	if (lo > hi)
		return err_msg(e, -EINVAL, "--ulimit '%s': the soft limit exceeds the hard one", s);
	return spec_add_rlimit(p, res, lo, hi) < 0 ? err_set(e, -ENOMEM, "--ulimit") : 0;
}

/* security.md 5.5: no core files into images, and a file table of sane size. */
static int default_rlimits(struct spec_process *p)
{
	struct rlimit rl;
	uint64_t hard;
	int r = spec_add_rlimit(p, RLIMIT_CORE, 0, 0);

	if (r < 0 || getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return r < 0 ? r : -errno;
	hard = rl.rlim_max < NOFILE_MAX ? rl.rlim_max : NOFILE_MAX;
	return spec_add_rlimit(p, RLIMIT_NOFILE, hard < 1024 ? hard : 1024, hard);
}

static bool sysctl_allowed(const char *key, enum net_mode net)
{
	static const char *const ipc[] = { "kernel.shm_rmid_forced", "kernel.shmall",
		"kernel.shmmax", "kernel.shmmni", "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni",
		"kernel.sem", "kernel.domainname", NULL };

	if (str_startswith(key, "fs.mqueue."))
		return true;
	if (str_startswith(key, "net."))
		return net != NET_HOST;
	for (size_t i = 0; ipc[i]; i++) {
		if (streq(key, ipc[i]))
			return true;
	}
	return false;
}

static int add_sysctl(const char *kv, struct plan *p, struct err *e)
{
	_cleanup_free_ char *key = strndup(kv, strcspn(kv, "=")), *clean = str_sanitise(kv);
	bool ok = key && *key && strchr(kv, '=') && strlen(kv) < 1024;

	for (const char *s = kv; ok && *s; s++)
		ok = !char_is_control((unsigned char)*s) || *s == '\t';
	/* '+' and '/' would name another file; dots become slashes later. */
	if (!ok ||
		key[strspn(key,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ||
		strstr(key, ".."))
		return err_msg(e, -EINVAL, "--sysctl '%.100s': want KEY=VALUE", clean ? clean : "");
	if (!sysctl_allowed(key, p->net))
		return err_msg(e, -EINVAL,
			"--sysctl %s: not a setting of the container's own namespaces; allowed are "
			"net.* (not with --network host), fs.mqueue.*, kernel.shm*, msg*, sem",
			key);
	return strv_add(&p->spec.sysctl, kv) < 0 ? err_set(e, -ENOMEM, "--sysctl") : 0;
}

/* ping for every mapped group, and every port: the namespace is the container's own. */
static int default_sysctls(struct engine *en, struct plan *p)
{
	uint32_t low, high;

	if (p->net == NET_HOST)
		return 0;
	/* The kernel reads the ids in the writer's namespace and compares host ids. */
	idmap_gid_span(&p->spec.map, &en->map, &low, &high);
	if (low >
		high) /* a small keep-id: the numbers must rise inside too; then the caller's alone */
		low = high = idmap_reverse(p->spec.map.gid, p->spec.map.n_gid, 0);
	if (strv_addf(&p->spec.sysctl, "net.ipv4.ping_group_range=%u %u", low, high) < 0)
		return -ENOMEM;
	return strv_add(&p->spec.sysctl, "net.ipv4.ip_unprivileged_port_start=0");
}

int merge_limits(struct engine *en, const struct container_opts *o, struct plan *p, struct err *e)
{
	struct cgroup_limits *l = &p->spec.limits;
	int r;

	if ((o->cpus && (r = cpus(o->cpus, l, e)) < 0) ||
		(o->memory && (r = memory(o->memory, l, e)) < 0) ||
		(r = pids(o->pids_limit, l, e)) < 0)
		return r;
	r = default_rlimits(&p->spec.process);
	if (r == 0)
		r = default_sysctls(en, p);
	if (r < 0)
		return err_set(e, r, "limits");
	strv_foreach (u, o->ulimit) {
		if ((r = ulimit(u, &p->spec.process, e)) < 0)
			return r;
	}
	strv_foreach (s, o->sysctl) {
		if ((r = add_sysctl(s, p, e)) < 0)
			return r;
	}
	return 0;
}
