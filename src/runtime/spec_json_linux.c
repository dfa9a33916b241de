/* SPDX-License-Identifier: Apache-2.0 */
/* config.json to struct spec: linux: namespaces, id maps, paths, seccomp. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "runtime/spec_json.h"
#include "sys/ns.h"

/*
 * Joining one by path: the mount and pid namespaces of a container are always its own, or its root
 * would be exchanged under the feet of whoever lives there; a user namespace decides what the
 * others belong to, and joining one is refused by name.
 */
static int parse_namespace(json_t *o, struct spec *s, struct err *e)
{
	const uint64_t own = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS;
	const char *type = NULL, *path = NULL;
	uint64_t flag;
	int r = json_get_str(o, "type", &type, e);

	if (r >= 0)
		r = json_get_str(o, "path", &path, e);
	if (r < 0)
		return r;
	if (!type)
		return spec_json_missing(e, "type");
	if (streq(type, "time"))
		return err_msg(e, -EOPNOTSUPP, "type: time namespaces are not supported");
	flag = ns_flag(type);
	/* Only the specification's names, not those of /proc. */
	if (!flag || streq(type, "mnt") || streq(type, "net"))
		return spec_json_bad(e, "type", type, "is not a namespace");
	if (spec_find_ns(s, flag))
		return spec_json_bad(e, "type", type, "is given twice");
	if (path && !*path)
		path = NULL;
	if (path && *path != '/')
		return spec_json_bad(e, "path", path, "is not an absolute path");
	if (path && flag & own)
		return err_msg(
			e, -EOPNOTSUPP, "path: joining a %s namespace is not supported", type);
	r = spec_add_ns(s, flag, path);
	return r < 0 ? err_set(e, r, "type") : 0;
}

static int parse_namespaces(json_t *l, struct spec *s, struct err *e)
{
	json_t *a = NULL, *v;
	size_t i;
	int r = json_get_arr(l, "namespaces", &a, e);

	if (r < 0)
		return r;
	json_array_foreach (a, i, v) {
		r = parse_namespace(v, s, e);
		if (r < 0)
			return spec_json_at(e, r, "namespaces[%zu]", i);
	}
	if (!spec_find_ns(s, CLONE_NEWNS))
		return err_msg(e, -EINVAL,
			"namespaces: want at least 'mount'; the caller's mounts are left alone");
	return 0;
}

static int parse_map_line(json_t *o, struct idmap_line *l, struct err *e)
{
	uint32_t *const fields[] = { &l->inside, &l->outside, &l->count };
	static const char *const keys[] = { "containerID", "hostID", "size" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		int r = json_get_u32(o, keys[i], fields[i], e);

		if (r < 0)
			return r;
		if (r == 0)
			return spec_json_missing(e, keys[i]);
	}
	/* 4294967295 is "no id", so no range may reach it. */
	if (l->count == 0 || (uint64_t)l->inside + l->count > UINT32_MAX ||
		(uint64_t)l->outside + l->count > UINT32_MAX)
		return err_msg(e, -EINVAL, "size: %u does not fit", l->count);
	return 0;
}

static int parse_map(
	json_t *l, const char *key, bool user_ns, struct idmap_line *ret, size_t *n, struct err *e)
{
	json_t *a = NULL, *v;
	size_t i;
	int r = json_get_arr(l, key, &a, e);

	if (r < 0)
		return r;
	if (user_ns != (json_array_size(a) > 0))
		return err_msg(e, -EINVAL,
			user_ns ? "%s: missing; a user namespace needs it"
				: "%s: needs a user namespace in linux.namespaces",
			key);
	if (json_array_size(a) > IDMAP_LINES)
		return err_msg(e, -EINVAL, "%s: more than %d lines", key, IDMAP_LINES);
	json_array_foreach (a, i, v) {
		r = parse_map_line(v, &ret[i], e);
		if (r < 0)
			return spec_json_at(e, r, "%s[%zu]", key, i);
	}
	*n = json_array_size(a);
	return 0;
}

static int parse_maps(json_t *l, struct spec *s, struct err *e)
{
	bool user_ns = spec_find_ns(s, CLONE_NEWUSER);
	struct idmap *m = &s->map;
	int r = parse_map(l, "uidMappings", user_ns, m->uid, &m->n_uid, e);

	if (r == 0)
		r = parse_map(l, "gidMappings", user_ns, m->gid, &m->n_gid, e);
	if (r < 0)
		return r;
	/*
	 * Without privilege one gid alone can only be mapped with setgroups denied, so the
	 * caller's supplementary groups cannot be changed (user_namespaces(7)).
	 */
	if (user_ns && m->n_gid == 1 && m->gid[0].count == 1 && geteuid() != 0) {
		if (s->process.user.n_groups)
			return err_msg(e, -EINVAL,
				"gidMappings: with one id only, process.user.additionalGids must "
				"be empty");
		s->process.user.keep_groups = true;
	}
	return 0;
}

static int parse_propagation(json_t *l, struct spec *s, struct err *e)
{
	const char *word = NULL;
	int r = json_get_str(l, "rootfsPropagation", &word, e);

	if (r <= 0 || !*word)
		return r < 0 ? r : 0;
	s->rootfs_propagation = spec_propagation(word);
	if (s->rootfs_propagation)
		return 0;
	return spec_json_bad(
		e, "rootfsPropagation", word, "is not one of private, slave, shared, unbindable");
}

static int parse_seccomp(json_t *l, int cache_dirfd, struct spec *s, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	json_t *o = NULL;
	int r = json_get_obj(l, "seccomp", &o, e);

	if (r <= 0)
		return r;
	r = spec_json_refuse(o, "listenerPath", "by uctr-oci: it passes no notifications", e);
	if (r < 0)
		return spec_json_at(e, r, "seccomp");
	text = json_dumps(o, JSON_COMPACT);
	if (!text)
		return err_set(e, -ENOMEM, "seccomp");
	return seccomp_profile_compile(text, strlen(text), "seccomp", s->process.caps.bounding,
		cache_dirfd, &s->seccomp, e);
}

/*
 * Without SELinux a label means nothing, and generators write one regardless; with it, the mounts
 * would lack what the policy expects.
 */
static int parse_mount_label(json_t *l, struct err *e)
{
	const char *label = NULL;
	int r = json_get_str(l, "mountLabel", &label, e);

	if (r <= 0 || !*label || access("/sys/fs/selinux/enforce", F_OK) < 0)
		return r < 0 ? r : 0;
	return err_msg(e, -EOPNOTSUPP, "mountLabel: not supported where SELinux is enabled");
}

static int parse_personality(json_t *l, struct err *e)
{
	json_t *o = NULL;
	const char *domain = NULL;
	int r = json_get_obj(l, "personality", &o, e);

	if (r > 0)
		r = json_get_str(o, "domain", &domain, e);
	if (r > 0 && *domain && !streq(domain, "LINUX"))
		r = err_msg(e, -EOPNOTSUPP, "domain: only 'LINUX' is supported");
	if (r >= 0)
		r = spec_json_refuse(o, "flags", "", e);
	return r < 0 ? spec_json_at(e, r, "personality") : 0;
}

static int parse_paths(json_t *l, struct spec *s, struct err *e)
{
	int r = spec_json_paths(l, "maskedPaths", &s->masked, e);

	return r < 0 ? r : spec_json_paths(l, "readonlyPaths", &s->readonly, e);
}

int spec_json_linux(json_t *l, int cache_dirfd, struct spec *s, struct err *e)
{
	static const char *const never[] = { "intelRdt", "timeOffsets", "netDevices",
		"memoryPolicy", NULL };
	int r;

	if ((r = parse_namespaces(l, s, e)) < 0 || (r = parse_maps(l, s, e)) < 0 ||
		(r = json_get_strdup(l, "cgroupsPath", &s->cgroups_path, e)) < 0 ||
		(r = spec_json_resources(l, s, e)) < 0 || (r = spec_json_sysctl(l, s, e)) < 0 ||
		(r = parse_propagation(l, s, e)) < 0 || (r = parse_paths(l, s, e)) < 0 ||
		(r = parse_mount_label(l, e)) < 0 || (r = parse_personality(l, e)) < 0)
		return r;
	for (size_t i = 0; never[i]; i++) {
		r = spec_json_refuse(l, never[i], "by uctr-oci", e);
		if (r < 0)
			return r;
	}
	return parse_seccomp(l, cache_dirfd, s, e);
}
