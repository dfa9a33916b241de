/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities, seccomp, masked paths: the default profile and the flags that change it. */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/merge.h"
#include "sys/caps.h"

#define PROFILE_MAX (4 << 20)

struct choices {
	bool seccomp_off, unmask_all, nesting;
	const char *profile;
	char **unmask;
};

static int cap_list(
	char *const *names, const char *flag, uint64_t all, uint64_t *ret, struct err *e)
{
	*ret = 0;
	strv_foreach (list, names) {
		_cleanup_strv_ char **parts = strv_split(list, ',');

		strv_foreach (name, parts) {
			_cleanup_free_ char *clean = str_sanitise(name);
			int cap = strcasecmp(name, "all") == 0 ? 64 : caps_from_name(name);

			if (cap < 0 || (cap < 64 && !(all & CAP_BIT(cap))))
				return err_msg(e, -EINVAL,
					"%s '%.60s': no such capability; see capabilities(7), e.g. "
					"NET_ADMIN",
					flag, clean ? clean : "");
			*ret |= cap == 64 ? all : CAP_BIT(cap);
		}
	}
	return 0;
}

static int merge_caps(const struct container_opts *o, struct plan *p, struct err *e)
{
	struct spec_process *pr = &p->spec.process;
	uint64_t all = caps_all(), add, drop, set;
	int r;

	if ((r = cap_list(o->cap_add, "--cap-add", all, &add, e)) < 0 ||
		(r = cap_list(o->cap_drop, "--cap-drop", all, &drop, e)) < 0)
		return r;
	/* docker: "--cap-drop all --cap-add X" is X; an added one beats a dropped one. */
	set = o->privileged ? all : CAPS_DEFAULT;
	set = (set & ~drop) | add;
	pr->has_caps = true;
	pr->caps.bounding = set;
	pr->caps_add = add;
	pr->caps_by_uid = true;
	return 0;
}

static int one_option(const char *s, struct choices *c, struct plan *p, struct err *e)
{
	const char *value = s + strcspn(s, "=:"), *arg = *value ? value + 1 : NULL;
	size_t n = (size_t)(value - s);
	_cleanup_free_ char *key = strndup(s, n), *clean = str_sanitise(s);

	if (!key)
		return err_set(e, -ENOMEM, "--security-opt");
	if (streq(key, "no-new-privileges")) {
		p->spec.process.no_new_privs = true;
		if (arg && parse_bool(arg, &p->spec.process.no_new_privs) < 0)
			goto bad;
		return 0;
	}
	if (streq(key, "seccomp") && arg && *arg) {
		c->seccomp_off = streq(arg, "unconfined");
		c->profile = c->seccomp_off ? NULL : arg;
		return 0;
	}
	if (streq(key, "unmask") && arg && *arg) {
		if (strcasecmp(arg, "all") == 0) {
			c->unmask_all = true;
			return 0;
		}
		strv_free(c->unmask);
		c->unmask = strv_split(arg, ':');
		return c->unmask ? 0 : err_set(e, -ENOMEM, "--security-opt");
	}
	if (streq(s, "systempaths=unconfined") || streq(s, "systempaths:unconfined")) {
		c->unmask_all = true;
		return 0;
	}
	if (streq(s, "nesting")) {
		c->nesting = c->unmask_all = true;
		return 0;
	}
	/* No label or profile is set without being asked for one, so these are what holds anyway. */
	if (streq(s, "label=disable") || streq(s, "label:disable") ||
		streq(s, "apparmor=unconfined") || streq(s, "apparmor:unconfined"))
		return 0;
	if (streq(key, "apparmor") && arg && *arg) {
		p->spec.process.apparmor = strdup(arg);
		return p->spec.process.apparmor ? 0 : err_set(e, -ENOMEM, "--security-opt");
	}
bad:
	return err_msg(e, -EINVAL,
		"--security-opt '%.100s' is not known; there are no-new-privileges[=true|false], "
		"seccomp=FILE|unconfined, unmask=ALL|PATH[:PATH], systempaths=unconfined, "
		"apparmor=unconfined|PROFILE, label=disable, nesting",
		clean ? clean : "");
}

static bool path_matches(char *const *list, const char *path)
{
	strv_foreach (p, list) {
		size_t n = strlen(p);

		if (streq(p, path) || (n > 1 && p[n - 1] == '*' && strncmp(p, path, n - 1) == 0))
			return true;
	}
	return false;
}

/* How often each processor was too hot tells what others compute (GHSA-6fw5-f8r9-fgfm). */
static int mask_thermal(const struct choices *c, struct plan *p)
{
	static const char name[] = "/sys/devices/system/cpu/cpu*/thermal_throttle";
	long n = 0;
	int r = 0;

	/* Most machines' kernels tell of none, and those of the others count their processors. */
	if (!path_matches(c->unmask, name) &&
		access("/sys/devices/system/cpu/cpu0/thermal_throttle", F_OK) == 0)
		n = sysconf(_SC_NPROCESSORS_CONF);
	for (long i = 0; r == 0 && i < n; i++)
		r = strv_addf(
			&p->spec.masked, "/sys/devices/system/cpu/cpu%ld/thermal_throttle", i);
	return r;
}

static int merge_masks(const struct choices *c, struct plan *p, struct err *e)
{
	int r = 0;

	if (c->unmask_all)
		return 0;
	for (size_t i = 0; r == 0 && spec_masked_paths[i]; i++) {
		if (!path_matches(c->unmask, spec_masked_paths[i]))
			r = strv_add(&p->spec.masked, spec_masked_paths[i]);
	}
	if (r == 0)
		r = mask_thermal(c, p);
	for (size_t i = 0; r == 0 && spec_readonly_paths[i]; i++) {
		if (!path_matches(c->unmask, spec_readonly_paths[i]))
			r = strv_add(&p->spec.readonly, spec_readonly_paths[i]);
	}
	return r < 0 ? err_set(e, r, "masked paths") : 0;
}

static int merge_seccomp(
	struct engine *en, const struct choices *c, bool privileged, struct plan *p, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	uint64_t caps = p->spec.process.caps.bounding;
	size_t len;
	int r;

	if (c->seccomp_off || (privileged && !c->profile))
		return 0;
	if (!c->profile)
		return seccomp_profile_default(caps, c->nesting, en->data, &p->spec.seccomp, e);
	r = file_read(AT_FDCWD, c->profile, PROFILE_MAX, &text, &len);
	if (r < 0)
		return err_set(e, r, "--security-opt seccomp=%s", c->profile);
	return seccomp_profile_compile(text, len, c->profile, caps, en->data, &p->spec.seccomp, e);
}

/*
 * Real root's containers are root of the host by number. The kernel lets that number write
 * /proc/sys and /proc/sysrq-trigger without any capability, so there the masks are all that holds.
 */
static int check_real_root(const struct choices *c, uint64_t caps, struct err *e)
{
	struct idmap own;

	if (geteuid() != 0 || (!c->unmask_all && !c->unmask && !(caps & CAP_BIT(CAP_SYS_ADMIN))))
		return 0;
	if (idmap_read(0, &own) < 0 || own.n_uid != 1 || own.uid[0].count != UINT32_MAX)
		return 0; /* root of a user namespace only */
	return err_msg(e, -EPERM,
		"--privileged, nesting, SYS_ADMIN and unmasked paths would hand the host's kernel "
		"settings to "
		"the "
		"container of real root; run uctr as an ordinary user");
}

int merge_security(struct engine *en, const struct container_opts *o, struct plan *p, struct err *e)
{
	struct choices c = { .nesting = o->privileged, .unmask_all = o->privileged };
	int r = 0;

	strv_foreach (s, o->security_opt) {
		r = one_option(s, &c, p, e);
		if (r < 0)
			goto out;
	}
	if ((r = merge_caps(o, p, e)) < 0 ||
		(r = check_real_root(&c, p->spec.process.caps.bounding, e)) < 0 ||
		(r = merge_masks(&c, p, e)) < 0)
		goto out;
	/* Nested user namespaces are shut twice: by the filter, and by the namespace's own limit. */
	if (!c.nesting && !c.seccomp_off &&
		strv_add(&p->spec.sysctl, "user.max_user_namespaces=0") < 0)
		r = err_set(e, -ENOMEM, "security options");
	if (r == 0)
		r = merge_seccomp(en, &c, o->privileged, p, e);
out:
	strv_free(c.unmask);
	return r;
}
