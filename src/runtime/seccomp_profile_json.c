/* SPDX-License-Identifier: Apache-2.0 */
/* Reads seccomp profiles: which rules hold here, and for which system calls. */
#include "runtime/seccomp_profile_json.h"

#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/json.h"
#include "runtime/seccomp_profile_bpf.h"
#include "runtime/seccomp_profile_names.h"
#include "sys/caps.h"

#define ARGS_MAX 32

struct profile {
	const struct seccomp_env *env;
	uint32_t tokens[BPF_ARCHES]; /* architectures of this machine that the profile covers */
	unsigned int n_tokens;
	struct bpf_filter f;
};

static void profile_free(struct profile *p)
{
	bpf_filter_free(&p->f);
}

void seccomp_prog_free(struct seccomp_prog *p)
{
	if (p->owned)
		free((void *)p->insns);
	*p = (struct seccomp_prog){ 0 };
}

void seccomp_env_kernel(struct seccomp_env *env)
{
	struct utsname u;

	env->kernel_major = env->kernel_minor = 0;
	if (uname(&u) < 0 ||
		sscanf(u.release, "%u.%u", &env->kernel_major, &env->kernel_minor) != 2)
		env->kernel_major = env->kernel_minor = 0;
}

/* --- architectures ------------------------------------------------------------------------- */

static int arch_add(struct profile *p, const char *name, struct err *e)
{
	uint32_t token = scname_arch(name);
	_cleanup_free_ char *clean = NULL;

	if (token == 0) {
		clean = str_sanitise(name);
		return err_msg(e, -EINVAL, "architecture '%s' is unknown", clean ? clean : "");
	}
	/* The others can make no call on this machine; the filter answers them with ENOSYS. */
	if (!scname_arch_runs_here(token))
		return 0;
	for (unsigned int i = 0; i < p->n_tokens; i++) {
		if (p->tokens[i] == token)
			return 0;
	}
	p->tokens[p->n_tokens++] = token;
	return 0;
}

static int arch_list(struct profile *p, json_t *o, const char *key, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	int r = json_get_strv(o, key, &names, e);

	strv_foreach (name, names) {
		if (r >= 0)
			r = arch_add(p, name, e);
	}
	return r;
}

/* docker: one entry for each machine; the one of this machine counts. */
static int arch_map(struct profile *p, json_t *map, struct err *e)
{
	json_t *o;
	size_t i;

	json_array_foreach (map, i, o) {
		const char *name = NULL;
		int r = json_get_str(o, "architecture", &name, e);

		if (r < 0)
			return r;
		if (r == 0)
			return err_msg(e, -EINVAL, "archMap: an entry lacks 'architecture'");
		if (scname_arch(name) != p->tokens[0])
			continue;
		return arch_list(p, o, "subArchitectures", e);
	}
	return 0;
}

static struct bpf_arch *arch_slot(struct profile *p, uint32_t audit)
{
	struct bpf_filter *f = &p->f;

	for (unsigned int i = 0; i < f->n_arch; i++) {
		if (f->arch[i].audit == audit)
			return &f->arch[i];
	}
	f->arch[f->n_arch].audit = audit;
	return &f->arch[f->n_arch++];
}

static int read_arches(struct profile *p, json_t *root, struct err *e)
{
	json_t *map = NULL, *list = NULL;
	int r;

	p->tokens[p->n_tokens++] = scname_arch_native();
	r = json_get_arr(root, "archMap", &map, e);
	if (r >= 0)
		r = json_get_arr(root, "architectures", &list, e);
	if (r < 0)
		return r;
	if (json_array_size(map) && json_array_size(list))
		return err_msg(e, -EINVAL, "give either 'architectures' or 'archMap', not both");
	r = map ? arch_map(p, map, e) : arch_list(p, root, "architectures", e);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < p->n_tokens; i++) {
		struct bpf_arch *a = arch_slot(p, scname_arch_audit(p->tokens[i]));

		if (a->audit == p->tokens[i])
			a->native = true;
		else
			a->x32 = true;
	}
	return 0;
}

/* --- conditions ---------------------------------------------------------------------------- */

/* ORs (or adds up) the capabilities named in o.caps; *all: does env have every one of them? */
static int caps_named(json_t *o, const struct seccomp_env *env, bool *any, bool *all,
	uint64_t *seen, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	int r = json_get_strv(o, "caps", &names, e);

	strv_foreach (name, names) {
		int cap = caps_from_name(name);

		if (cap < 0 || cap > 62) {
			_cleanup_free_ char *clean = str_sanitise(name);

			return err_msg(
				e, -EINVAL, "capability '%s' is unknown", clean ? clean : "");
		}
		*seen |= UINT64_C(1) << cap;
		if (env->caps & (UINT64_C(1) << cap))
			*any = true;
		else
			*all = false;
	}
	return r;
}

static int kernel_at_least(json_t *o, const struct seccomp_env *env, bool *ret, struct err *e)
{
	const char *text = NULL;
	unsigned int major, minor;
	char rest;
	int r = json_get_str(o, "minKernel", &text, e);

	*ret = true;
	if (r <= 0)
		return r;
	if (sscanf(text, "%u.%u%c", &major, &minor, &rest) != 2)
		return err_msg(e, -EINVAL, "minKernel: want a version such as 4.8");
	*ret = env->kernel_major > major ||
	       (env->kernel_major == major && env->kernel_minor >= minor);
	return 1;
}

/* Does this machine stand in o.arches? 1 listed or no list, 0 not listed. */
static int arch_named(json_t *o, bool *given, bool *here, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	int r = json_get_strv(o, "arches", &names, e);

	*given = names != NULL;
	*here = strv_contains(names, scname_arch_native_name());
	return r;
}

/* 1 when the filter object `key` speaks for using the rule, 0 when against. */
static int filter_holds(json_t *rule, const char *key, bool exclude, const struct seccomp_env *env,
	uint64_t *seen, struct err *e)
{
	bool any = false, all = true, given, here, new_enough, nesting = false;
	json_t *o = NULL;
	int r = json_get_obj(rule, key, &o, e), has_nesting, has_kernel;

	if (r <= 0)
		return r < 0 ? r : 1;
	r = caps_named(o, env, &any, &all, seen, e);
	if (r >= 0)
		r = arch_named(o, &given, &here, e);
	if (r < 0)
		return r;
	has_kernel = kernel_at_least(o, env, &new_enough, e);
	if (has_kernel < 0)
		return has_kernel;
	has_nesting = json_get_bool(o, "nesting", &nesting, e);
	if (has_nesting < 0)
		return has_nesting;
	if (exclude)
		return !(any || here || (has_kernel && new_enough) ||
			 (has_nesting && nesting == env->nesting));
	return all && (!given || here) && new_enough && (!has_nesting || nesting == env->nesting);
}

static int rule_applies(json_t *rule, const struct seccomp_env *env, uint64_t *seen, struct err *e)
{
	int in = filter_holds(rule, "includes", false, env, seen, e), out;

	if (in < 0)
		return err_wrap(e, in, "includes");
	out = filter_holds(rule, "excludes", true, env, seen, e);
	if (out < 0)
		return err_wrap(e, out, "excludes");
	return in && out;
}

/* --- rules --------------------------------------------------------------------------------- */

static int read_action(
	json_t *o, const char *key, const char *errno_key, uint32_t *ret, struct err *e)
{
	uint32_t data = EPERM;
	const char *name = NULL;
	int r = json_get_str(o, key, &name, e);

	if (r < 0)
		return r;
	if (r == 0)
		return err_msg(e, -EINVAL, "'%s' is missing", key);
	r = json_get_u32(o, errno_key, &data, e);
	if (r < 0)
		return r;
	return scname_action(name, data, ret, e);
}

static int read_cond(json_t *o, struct bpf_cond *c, struct err *e)
{
	uint32_t arg = BPF_ARGS;
	uint64_t two = 0;
	const char *op = "";
	int r = json_is_object(o) ? json_get_u32(o, "index", &arg, e)
				  : err_msg(e, -EINVAL, "want an object");

	if (r >= 0)
		r = json_get_u64(o, "value", &c->value, e);
	if (r >= 0)
		r = json_get_u64(o, "valueTwo", &two, e);
	if (r >= 0)
		r = json_get_str(o, "op", &op, e);
	if (r >= 0)
		r = scname_op(op, &c->op, e);
	if (r < 0)
		return r;
	if (arg >= BPF_ARGS)
		return err_msg(e, -EINVAL, "index: want 0 to %d", BPF_ARGS - 1);
	c->arg = arg;
	/* libseccomp's order: the first value is the mask. */
	c->mask = c->op == BPF_OP_MASKED ? c->value : 0;
	if (c->op == BPF_OP_MASKED)
		c->value = two;
	return 0;
}

struct action_args {
	uint32_t action;
	bool any; /* each condition is a rule of its own */
	unsigned int n;
	struct bpf_cond conds[ARGS_MAX];
};

static int read_args(json_t *o, struct action_args *aa, struct err *e)
{
	json_t *args = NULL, *a;
	unsigned int seen = 0;
	size_t i;
	int r = json_get_arr(o, "args", &args, e);

	if (r <= 0)
		return r;
	if (json_array_size(args) > ARGS_MAX)
		return err_msg(e, -EINVAL, "args: want at most %d", ARGS_MAX);
	json_array_foreach (args, i, a) {
		struct bpf_cond *c = &aa->conds[aa->n++];

		r = read_cond(a, c, e);
		if (r < 0)
			return err_wrap(e, r, "args[%zu]", i);
		if (seen & (1u << c->arg))
			aa->any = true;
		seen |= 1u << c->arg;
	}
	return 0;
}

static int add_to_arch(struct bpf_arch *a, uint32_t nr, const struct action_args *aa)
{
	struct bpf_rule rule = { .nr = nr, .action = aa->action };
	int r = 0;

	if (!aa->any) {
		/* Distinct arguments, so there are no more than a rule holds. */
		rule.n_conds = aa->n;
		memcpy(rule.conds, aa->conds, aa->n * sizeof(aa->conds[0]));
		return bpf_rule_add(a, &rule);
	}
	rule.n_conds = 1;
	for (unsigned int i = 0; i < aa->n && r == 0; i++) {
		rule.conds[0] = aa->conds[i];
		r = bpf_rule_add(a, &rule);
	}
	return r;
}

static bool lets_pass(uint32_t action)
{
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

static int add_call(
	struct profile *p, const char *name, const struct action_args *aa, struct err *e)
{
	for (unsigned int i = 0; i < p->n_tokens; i++) {
		uint32_t nr;
		int r = scname_call(p->tokens[i], name, &nr);

		/* Leaving a rule out must not open what it closes. */
		if (r == -ENOENT && lets_pass(p->f.def) && !lets_pass(aa->action)) {
			_cleanup_free_ char *clean = str_sanitise(name);

			return err_msg(e, -EINVAL,
				"system call '%s' is unknown here, so it cannot be denied; "
				"correct the name or remove it",
				clean ? clean : "");
		}
		if (r <= 0)
			continue;
		r = add_to_arch(arch_slot(p, scname_arch_audit(p->tokens[i])), nr, aa);
		if (r < 0)
			return err_set(e, r, "seccomp profile");
	}
	return 0;
}

static int add_entry(struct profile *p, json_t *o, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	struct action_args aa = { 0 };
	const char *one = NULL;
	uint64_t seen = 0;
	int r = json_is_object(o) ? rule_applies(o, p->env, &seen, e)
				  : err_msg(e, -EINVAL, "want an object");

	if (r <= 0)
		return r;
	r = json_get_strv(o, "names", &names, e);
	if (r >= 0)
		r = json_get_str(o, "name", &one, e);
	if (r < 0)
		return r;
	if (one && strv_add(&names, one) < 0)
		return err_set(e, -ENOMEM, "seccomp profile");
	if (!names)
		return err_msg(e, -EINVAL, "'names' is missing");
	r = read_action(o, "action", "errnoRet", &aa.action, e);
	if (r >= 0)
		r = read_args(o, &aa, e);
	strv_foreach (name, names) {
		if (r >= 0)
			r = add_call(p, name, &aa, e);
	}
	return r < 0 ? r : 0;
}

/* Kernel flags: what cannot be honoured is refused, what holds anyway is accepted. */
static int check_flags(json_t *root, struct err *e)
{
	_cleanup_strv_ char **flags = NULL;
	const char *listener = NULL;
	int r = json_get_strv(root, "flags", &flags, e);

	if (r >= 0)
		r = json_get_str(root, "listenerPath", &listener, e);
	if (r < 0)
		return r;
	if (listener && *listener)
		return err_msg(e, -EOPNOTSUPP,
			"listenerPath is not supported: uctr passes no notifications; remove it");
	strv_foreach (flag, flags) {
		_cleanup_free_ char *clean = NULL;

		/* One thread loads the filter, so all have it; without SPEC_ALLOW it is stricter. */
		if (streq(flag, "SECCOMP_FILTER_FLAG_TSYNC") ||
			streq(flag, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"))
			continue;
		clean = str_sanitise(flag);
		return err_msg(e, -EOPNOTSUPP, "flag '%s' is not supported; remove it",
			clean ? clean : "");
	}
	return 0;
}

static int read_rules(struct profile *p, json_t *root, struct err *e)
{
	json_t *list = NULL, *o;
	size_t i;
	int r = json_get_arr(root, "syscalls", &list, e);

	if (r < 0)
		return r;
	json_array_foreach (list, i, o) {
		r = add_entry(p, o, e);
		if (r < 0)
			return err_wrap(e, r, "syscalls[%zu]", i);
	}
	return 0;
}

static int parse_root(const char *text, size_t len, const char *what, json_t **ret, struct err *e)
{
	int r = json_parse(text, len, what, ret, e);

	if (r == 0 && !json_is_object(*ret))
		r = err_msg(e, -EINVAL, "%s: want a JSON object", what);
	return r;
}

int seccomp_json_compile(const char *text, size_t len, const char *what,
	const struct seccomp_env *env, struct seccomp_prog *ret, struct err *e)
{
	_cleanup_json_ json_t *root = NULL;
	_cleanup_(profile_free)
	struct profile p = { .env = env };
	struct sock_filter *insns = NULL;
	unsigned short n;
	int r = parse_root(text, len, what, &root, e);

	if (r < 0)
		return r;
	r = check_flags(root, e);
	if (r >= 0)
		r = read_action(root, "defaultAction", "defaultErrnoRet", &p.f.def, e);
	if (r >= 0)
		r = read_arches(&p, root, e);
	if (r >= 0)
		r = read_rules(&p, root, e);
	if (r >= 0)
		r = bpf_build(&p.f, &insns, &n, e);
	if (r < 0)
		return err_wrap(e, r, "%s", what);
	*ret = (struct seccomp_prog){ .insns = insns, .len = n, .owned = true };
	return 0;
}

int seccomp_json_caps(const char *text, size_t len, const char *what, uint64_t *ret, struct err *e)
{
	_cleanup_json_ json_t *root = NULL;
	struct seccomp_env env = { 0 };
	json_t *list = NULL, *o;
	size_t i;
	int r = parse_root(text, len, what, &root, e);

	*ret = 0;
	if (r >= 0)
		r = json_get_arr(root, "syscalls", &list, e);
	if (r < 0)
		return r;
	json_array_foreach (list, i, o) {
		r = rule_applies(o, &env, ret, e);
		if (r < 0)
			return err_wrap(e, r, "%s: syscalls[%zu]", what, i);
	}
	return 0;
}
