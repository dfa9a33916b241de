/* SPDX-License-Identifier: Apache-2.0 */
/* config.json to struct spec: the process. */
#include <limits.h>
#include <string.h>

#include "runtime/spec_json.h"

static int parse_console_size(json_t *process, struct spec_process *p, struct err *e)
{
	json_t *size = NULL;
	uint32_t rows = 0, cols = 0;
	int r = json_get_obj(process, "consoleSize", &size, e);

	/* The specification: without a terminal it must be ignored. */
	if (r <= 0 || !p->terminal)
		return r;
	r = json_get_u32(size, "height", &rows, e);
	if (r >= 0)
		r = json_get_u32(size, "width", &cols, e);
	if (r >= 0 && (rows > UINT16_MAX || cols > UINT16_MAX))
		r = err_msg(e, -EINVAL, "%s: want a number below 65536",
			rows > UINT16_MAX ? "height" : "width");
	if (r < 0)
		return spec_json_at(e, r, "consoleSize");
	p->rows = (uint16_t)rows;
	p->cols = (uint16_t)cols;
	return 0;
}

/* An id that exists: (uint32_t)-1 means "leave as it is" to the kernel. */
static int get_id(json_t *o, const char *key, uint32_t *ret, struct err *e)
{
	int r = json_get_u32(o, key, ret, e);

	if (r > 0 && *ret == UINT32_MAX)
		return err_msg(e, -EINVAL, "%s: 4294967295 is not a valid id", key);
	return r;
}

static int parse_groups(json_t *user, struct spec_user *u, struct err *e)
{
	json_t *a = NULL, *v;
	size_t i;
	int r = json_get_arr(user, "additionalGids", &a, e);

	if (r <= 0)
		return r;
	if (json_array_size(a) > NGROUPS_MAX)
		return err_msg(e, -EINVAL, "additionalGids: more than %d groups", NGROUPS_MAX);
	json_array_foreach (a, i, v) {
		json_int_t gid = json_integer_value(v);

		if (!json_is_integer(v) || gid < 0 || gid >= UINT32_MAX)
			return err_msg(
				e, -EINVAL, "additionalGids[%zu]: want a number below 2^32 - 1", i);
		if (spec_add_group(u, (uint32_t)gid) < 0)
			return err_set(e, -ENOMEM, "additionalGids");
	}
	return 0;
}

static int parse_user(json_t *process, struct spec_user *u, struct err *e)
{
	json_t *user = NULL;
	uint32_t mask = 0;
	int r = json_get_obj(process, "user", &user, e);

	if (r < 0)
		return r;
	if (!user)
		return spec_json_missing(e, "user");
	if ((r = get_id(user, "uid", &u->uid, e)) < 0 ||
		(r = get_id(user, "gid", &u->gid, e)) < 0 || (r = parse_groups(user, u, e)) < 0 ||
		(r = json_get_u32(user, "umask", &mask, e)) < 0)
		return spec_json_at(e, r, "user");
	if (r > 0 && mask > 0777)
		return err_msg(e, -EINVAL, "user.umask: want at most 511 (0777)");
	u->has_umask = r > 0;
	u->umask = mask;
	r = spec_json_refuse(user, "username", "on Linux: want uid and gid", e);
	return r < 0 ? spec_json_at(e, r, "user") : 0;
}

static int parse_cap_set(json_t *caps, const char *key, uint64_t *ret, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	int r = json_get_strv(caps, key, &names, e);

	if (r < 0)
		return r;
	strv_foreach (name, names) {
		int cap = str_startswith(name, "CAP_") ? caps_from_name(name) : -EINVAL;

		if (cap < 0)
			return spec_json_bad(e, key, name, "is not a capability");
		*ret |= CAP_BIT(cap);
	}
	return 0;
}

static int subset(uint64_t set, const char *name, uint64_t of, const char *of_name, struct err *e)
{
	for (int cap = 0; cap < 64; cap++) {
		_cleanup_free_ char *text = NULL;

		if (!(set & ~of & CAP_BIT(cap)))
			continue;
		text = caps_name(cap);
		return err_msg(
			e, -EINVAL, "%s: %s is not in '%s'", name, text ? text : "?", of_name);
	}
	return 0;
}

static int parse_caps(json_t *process, struct spec_process *p, struct err *e)
{
	struct caps *c = &p->caps;
	json_t *caps = NULL;
	int r = json_get_obj(process, "capabilities", &caps, e);

	if (r < 0)
		return r;
	/* Without the key, none: what is not granted is not there. */
	p->has_caps = true;
	if (!caps)
		return 0;
	if ((r = parse_cap_set(caps, "bounding", &c->bounding, e)) < 0 ||
		(r = parse_cap_set(caps, "permitted", &c->permitted, e)) < 0 ||
		(r = parse_cap_set(caps, "effective", &c->effective, e)) < 0 ||
		(r = parse_cap_set(caps, "inheritable", &c->inheritable, e)) < 0 ||
		(r = parse_cap_set(caps, "ambient", &c->ambient, e)) < 0 ||
		(r = subset(c->effective, "effective", c->permitted, "permitted", e)) < 0 ||
		(r = subset(c->inheritable, "inheritable", c->bounding, "bounding", e)) < 0)
		return spec_json_at(e, r, "capabilities");
	/*
	 * The kernel raises an ambient capability only where it is permitted and inheritable
	 * (capabilities(7)). Configurations written by `runc spec` ask for more and are run
	 * everywhere with what the kernel gives, which is less and never more.
	 */
	c->ambient &= c->permitted & c->inheritable;
	return 0;
}

/* -1 is what spec_json_load makes of 2^64 - 1: no limit. */
static int get_limit(json_t *o, const char *key, uint64_t *ret, struct err *e)
{
	int64_t v = 0;
	int r = json_get_i64(o, key, &v, e);

	if (r == 0)
		return spec_json_missing(e, key);
	if (r > 0 && v < -1)
		return err_msg(e, -EINVAL, "%s: want a number that is not negative", key);
	*ret = v == -1 ? RLIM_INFINITY : (uint64_t)v;
	return r;
}

static int parse_rlimit(json_t *o, struct spec_process *p, struct err *e)
{
	const char *type = NULL;
	uint64_t soft = 0, hard = 0;
	int resource, r = json_get_str(o, "type", &type, e);

	if (r < 0)
		return r;
	if (!type)
		return spec_json_missing(e, "type");
	resource = str_startswith(type, "RLIMIT_") ? rlimit_from_name(type) : -EINVAL;
	if (resource < 0)
		return spec_json_bad(e, "type", type, "is not a resource limit");
	for (size_t i = 0; i < p->n_rlimits; i++) {
		if (p->rlimits[i].resource == resource)
			return spec_json_bad(e, "type", type, "is given twice");
	}
	if ((r = get_limit(o, "soft", &soft, e)) < 0 || (r = get_limit(o, "hard", &hard, e)) < 0)
		return r;
	if (soft > hard)
		return err_msg(e, -EINVAL, "soft: exceeds the hard limit");
	return spec_add_rlimit(p, resource, soft, hard) < 0 ? err_set(e, -ENOMEM, "type") : 0;
}

static int parse_rlimits(json_t *process, struct spec_process *p, struct err *e)
{
	json_t *a = NULL, *v;
	size_t i;
	int r = json_get_arr(process, "rlimits", &a, e);

	if (r <= 0)
		return r;
	json_array_foreach (a, i, v) {
		if (!json_is_object(v))
			return err_msg(e, -EINVAL, "rlimits[%zu]: want an object", i);
		r = parse_rlimit(v, p, e);
		if (r < 0)
			return spec_json_at(e, r, "rlimits[%zu]", i);
	}
	return 0;
}

/* "" is what generators write for "none". */
static int get_label(json_t *process, const char *key, char **ret, struct err *e)
{
	int r = json_get_strdup(process, key, ret, e);

	if (r > 0 && !**ret) {
		free(*ret);
		*ret = NULL;
	}
	if (r > 0 && *ret && strpbrk(*ret, "\n"))
		return spec_json_bad(e, key, *ret, "is not one line");
	return r;
}

static int parse_security(json_t *process, struct spec_process *p, struct err *e)
{
	int64_t adj = 0;
	int r;

	if ((r = parse_caps(process, p, e)) < 0 ||
		(r = json_get_bool(process, "noNewPrivileges", &p->no_new_privs, e)) < 0 ||
		(r = get_label(process, "apparmorProfile", &p->apparmor, e)) < 0 ||
		(r = get_label(process, "selinuxLabel", &p->selinux, e)) < 0 ||
		(r = json_get_i64(process, "oomScoreAdj", &adj, e)) < 0)
		return r;
	p->has_oom_score_adj = r > 0;
	if (adj < -1000 || adj > 1000)
		return err_msg(e, -EINVAL, "oomScoreAdj: want a number from -1000 to 1000");
	p->oom_score_adj = (int)adj;
	if ((r = spec_json_refuse(process, "ioPriority", "", e)) < 0 ||
		(r = spec_json_refuse(process, "scheduler", "", e)) < 0 ||
		(r = spec_json_refuse(process, "execCPUAffinity", "", e)) < 0 ||
		(r = spec_json_refuse(process, "commandLine", "on Linux: want args", e)) < 0)
		return r;
	return 0;
}

int spec_json_process(json_t *process, struct spec_process *p, struct err *e)
{
	int r;

	memset(p, 0, sizeof(*p));
	if ((r = json_get_bool(process, "terminal", &p->terminal, e)) < 0 ||
		(r = parse_console_size(process, p, e)) < 0 ||
		(r = parse_user(process, &p->user, e)) < 0 ||
		(r = json_get_strv(process, "args", &p->args, e)) < 0 ||
		(r = json_get_strv(process, "env", &p->env, e)) < 0 ||
		(r = json_get_strdup(process, "cwd", &p->cwd, e)) < 0)
		return r;
	if (!p->args)
		return err_msg(e, -EINVAL, "args: want at least the program");
	if (!p->cwd)
		return spec_json_missing(e, "cwd");
	if (p->cwd[0] != '/')
		return spec_json_bad(e, "cwd", p->cwd, "is not an absolute path");
	if ((r = parse_security(process, p, e)) < 0)
		return r;
	return parse_rlimits(process, p, e);
}
