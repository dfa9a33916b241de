/* SPDX-License-Identifier: Apache-2.0 */
/* Image config and options become one struct spec. */
#include "engine/merge.h"

#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/red.h"
#include "engine/storage.h"
#include "sys/dirs.h"
#include "sys/syscalls.h"

void plan_free(struct plan *p)
{
	spec_free(&p->spec);
	json_decref(p->labels);
	json_decref(p->annotations);
	memset(p, 0, sizeof(*p));
}

int merge_labels(char *const *list, const char *flag, json_t **ret, struct err *e)
{
	if (!*ret)
		*ret = json_object();
	strv_foreach (kv, list) {
		_cleanup_free_ char *key = strndup(kv, strcspn(kv, "="));
		const char *eq = strchr(kv, '=');

		if (!key || !*key)
			return err_msg(e, -EINVAL, "%s '%s': want KEY=VALUE", flag, kv);
		if (json_object_set_new(*ret, key, json_text(eq ? eq + 1 : "")) < 0)
			return err_msg(e, -EINVAL, "%s: the key is not valid UTF-8", flag);
	}
	return 0;
}

static int merge_network(
	struct engine *en, const struct container_opts *o, struct plan *p, struct err *e)
{
	struct err why = ERR_INIT;
	int r = 0;

	if (o->network) {
		r = net_parse(o->network, &p->net, e);
		if (r == 0 && p->net == NET_SLIRP)
			r = net_slirp_available(e);
		return r < 0 ? err_wrap(e, r, "--network") : 0;
	}
	p->net = net_slirp_available(&why) == 0 ? NET_SLIRP : NET_NONE;
	if (p->net == NET_NONE)
		engine_warn(en, "no network for the container: %s", why.msg);
	return 0;
}

static int merge_namespaces(struct plan *p, struct err *e)
{
	static const uint64_t always[] = { CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWIPC,
		CLONE_NEWUTS, CLONE_NEWCGROUP };

	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		if (spec_add_ns(&p->spec, always[i], NULL) < 0)
			return err_set(e, -ENOMEM, "namespaces");
	}
	p->spec.host_sys = p->net == NET_HOST;
	if (p->net != NET_HOST && spec_add_ns(&p->spec, CLONE_NEWNET, NULL) < 0)
		return err_set(e, -ENOMEM, "namespaces");
	return 0;
}

/* docker's rule: --entrypoint drops the image's CMD; arguments replace it. */
static int merge_args(const struct container_opts *o, const struct image_policy *img,
	char *const *args, struct plan *p, struct err *e)
{
	char ***out = &p->spec.process.args;
	int r = 0;

	if (o->entrypoint) {
		if (o->entrypoint[0])
			r = strv_add(out, o->entrypoint);
	} else {
		r = strv_extend(out, img->entrypoint);
	}
	p->n_entrypoint = strv_len(*out);
	if (r == 0 && args && args[0])
		r = strv_extend(out, args);
	else if (r == 0 && !o->entrypoint)
		r = strv_extend(out, img->cmd);
	if (r < 0)
		return err_set(e, r, "command");
	if (!*out)
		return err_msg(e, -EINVAL,
			"no command: the image has none, so give one behind the image's name");
	return 0;
}

static int merge_hostname(const struct container_opts *o, struct plan *p, struct err *e)
{
	const char *s = o->hostname;
	size_t n = s ? strlen(s) : 0;

	if (!s)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)s[i]) && !strchr("-._", s[i]))
			n = 0;
	}
	if (n == 0 || n > 64 || s[0] == '-' || s[0] == '.') {
		_cleanup_free_ char *clean = str_sanitise(s);

		return err_msg(e, -EINVAL,
			"--hostname '%.100s' is not a host name (letters, digits, '-', '.', at "
			"most 64)",
			clean ? clean : "");
	}
	p->spec.hostname = strdup(s);
	return p->spec.hostname ? 0 : err_set(e, -ENOMEM, "host name");
}

static int merge_user(const struct container_opts *o, const struct image_policy *img,
	struct plan *p, struct err *e)
{
	struct spec_user *u = &p->spec.process.user;
	const char *name = o->user ? o->user : img->user && *img->user ? img->user : "0";

	/* keep-id is asked for by whoever wants to be himself (podman's rule too). */
	u->name = !o->user && p->mapping->mode == MAP_KEEP_ID && !p->mapping->chosen
			  ? str_printf("%u:%u", p->mapping->uid, p->mapping->gid)
			  : strdup(name);
	p->user_given = o->user || (img->user && *img->user);
	u->make_passwd = true;
	/* Red control of A19: a label is taken for an order. */
	u->keep_groups =
		red_off("labels") && json_object_get(img->labels, "run.oci.keep_original_groups");
	if (!u->name)
		return err_set(e, -ENOMEM, "user");
	strv_foreach (g, o->group_add) {
		if (streq(g, "keep-groups"))
			u->keep_groups = true;
		else if (strv_add(&u->group_names, g) < 0)
			return err_set(e, -ENOMEM, "groups");
	}
	if (u->keep_groups && u->group_names)
		return err_msg(e, -EINVAL,
			"--group-add keep-groups cannot be combined with other groups: keeping the "
			"caller's groups means not setting any");
	if (o->umask) {
		if (parse_octal(o->umask, 0777, &u->umask) < 0)
			return err_msg(
				e, -EINVAL, "--umask '%s': want octal digits, 0 to 0777", o->umask);
		u->has_umask = true;
	}
	return 0;
}

static int merge_process(const struct container_opts *o, const struct image_policy *img,
	char *const *args, struct plan *p, struct err *e)
{
	struct spec_process *pr = &p->spec.process;
	const char *cwd = o->workdir                      ? o->workdir
			  : img->workdir && *img->workdir ? img->workdir
							  : "/";
	int r;

	if (cwd[0] != '/')
		return err_msg(e, -EINVAL, "--workdir '%s' must be an absolute path", cwd);
	pr->cwd = strdup(cwd);
	if (!pr->cwd)
		return err_set(e, -ENOMEM, "working directory");
	pr->make_cwd = true;
	pr->terminal = o->tty;
	pr->init = o->init;
	if ((r = merge_args(o, img, args, p, e)) < 0 || (r = merge_user(o, img, p, e)) < 0 ||
		(r = merge_hostname(o, p, e)) < 0)
		return r;
	return merge_env(o, img, p, e);
}

static int merge_stop(const struct container_opts *o, const struct image_policy *img,
	struct plan *p, struct err *e)
{
	uint32_t seconds;

	p->stop_signal = img->stop_signal ? img->stop_signal : SIGTERM;
	if (o->stop_signal) {
		p->stop_signal = parse_signal(o->stop_signal);
		if (p->stop_signal < 0)
			return err_msg(
				e, -EINVAL, "--stop-signal '%s' is not a signal", o->stop_signal);
	}
	p->stop_timeout = 10;
	if (o->stop_timeout) {
		if (parse_u32(o->stop_timeout, &seconds) < 0 || seconds > 86400 * 365)
			return err_msg(
				e, -EINVAL, "--stop-timeout '%s': want seconds", o->stop_timeout);
		p->stop_timeout = seconds;
	}
	if (o->timeout && (parse_duration_ns(o->timeout, &p->timeout_ns) < 0 || !p->timeout_ns))
		return err_msg(
			e, -EINVAL, "--timeout '%s': want seconds, or 90s, 5m, 1h", o->timeout);
	return 0;
}

static int refuse_ports(const struct container_opts *o, struct err *e)
{
	if (o->publish || o->publish_all)
		return err_msg(e, -EOPNOTSUPP,
			"%s: published ports are not available in this version; use --network host",
			o->publish ? "--publish" : "--publish-all");
	return 0;
}

int plan_make(struct engine *en, const struct container_opts *o, const struct mapping *map,
	const struct image *img, const char *rootfs, char *const *args, struct plan *p,
	struct err *e)
{
	struct image_policy policy = { 0 };
	int r = 0;

	memset(p, 0, sizeof(*p));
	p->mapping = map;
	p->spec.map = map->child;
	p->spec.caller_opens = map->root_uid != 0 || map->root_gid != 0;
	if (img)
		r = image_policy_read(img, &policy, e);
	else if (!(p->spec.root_path = strdup(rootfs)))
		r = err_set(e, -ENOMEM, "root file system");
	p->spec.root_readonly = o->read_only;
	if (r == 0)
		r = storage_options(o, &p->spec, e);
	if (r == 0)
		r = refuse_ports(o, e);
	if (r == 0)
		r = merge_process(o, &policy, args, p, e);
	if (r == 0)
		r = merge_stop(o, &policy, p, e);
	if (r == 0)
		r = merge_network(en, o, p, e);
	if (r == 0)
		r = merge_namespaces(p, e);
	if (r == 0)
		r = merge_security(en, o, p, e);
	if (r == 0)
		r = merge_mounts(o, p, e);
	if (r == 0)
		r = merge_devices(o, p, e);
	if (r == 0)
		r = merge_limits(en, o, p, e);
	if (r == 0)
		r = merge_caller(p, e);
	/* Image labels first, then what the person gave. */
	p->labels = policy.labels ? json_incref(policy.labels) : NULL;
	if (r == 0)
		r = merge_labels(o->labels, "--label", &p->labels, e);
	if (r == 0)
		r = merge_labels(o->annotations, "--annotation", &p->annotations, e);
	image_policy_free(&policy);
	return r;
}
