/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts: the container's own file systems, volumes, tmpfs, devices. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/red.h"
#include "engine/merge.h"
#include "engine/selinux.h"
#include "sys/syscalls.h"

#define SHM_DEFAULT (64 << 20)
#define GID_TTY 5 /* of every distribution */

/* The file systems every container gets; "" ends each list of pairs (security.md 5.3). */
static const struct own_mount {
	const char *type, *dest, *options;
} own[] = {
	{ "proc", "/proc", "nosuid,nodev,noexec" },
	{ "tmpfs", "/dev", "nosuid,noexec,mode=755,size=64k,nr_inodes=64" },
	{ "devpts", "/dev/pts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620" },
	{ "mqueue", "/dev/mqueue", "nosuid,nodev,noexec" },
	{ "tmpfs", "/dev/shm", "nosuid,nodev,noexec,mode=1777" },
	{ "sysfs", "/sys", "nosuid,nodev,noexec,ro" },
	{ "cgroup2", "/sys/fs/cgroup", "nosuid,nodev,noexec,ro" },
};

static struct spec_mount *add(struct plan *p, enum spec_mount_kind kind, const char *type,
	const char *source, const char *dest)
{
	struct spec_mount *m = spec_add_mount(&p->spec);

	if (!m)
		return NULL;
	m->kind = kind;
	m->recursive = kind == MOUNT_BIND;
	m->type = strdup(type);
	m->source = strdup(source);
	m->dest = strdup(dest);
	return m->type && m->source && m->dest ? m : NULL;
}

static int add_own(
	const struct container_opts *o, const struct own_mount *w, struct plan *p, struct err *e)
{
	struct spec_mount *m;
	uint64_t shm = SHM_DEFAULT;
	char size[48];
	int r;

	/* sysfs and cgroup2 show the namespace they are mounted from: with the host's network the
	 * host's /sys is bound instead, with everything below it. */
	if (p->spec.host_sys && streq(w->type, "cgroup2"))
		return 0;
	if (p->spec.host_sys && streq(w->type, "sysfs")) {
		m = add(p, MOUNT_BIND, "bind", "/sys", w->dest);
		return m ? spec_mount_options(m, "nosuid,nodev,noexec,rro", e)
			 : err_set(e, -ENOMEM, "mounts");
	}
	m = add(p, MOUNT_FS, w->type, w->type, w->dest);
	if (!m)
		return err_set(e, -ENOMEM, "mounts");
	r = spec_mount_options(m, w->options, e);
	if (r == 0 && streq(w->type, "devpts") &&
		idmap_lookup(p->spec.map.gid, p->spec.map.n_gid, GID_TTY) != UINT32_MAX)
		r = spec_mount_option(m, "gid=5", e);
	if (r < 0 || !streq(w->dest, "/dev/shm"))
		return r;
	if (o->shm_size && (parse_size(o->shm_size, &shm) < 0 || shm == 0))
		return err_msg(e, -EINVAL, "--shm-size '%s': want a size such as 64m", o->shm_size);
	snprintf(size, sizeof(size), "size=%llu", (unsigned long long)shm);
	return spec_mount_option(m, size, e);
}

static int check_dest(const char *flag, const char *dest, struct err *e)
{
	_cleanup_free_ char *clean = str_sanitise(dest);

	if (dest[0] != '/' || strlen(dest) >= PATH_MAX)
		return err_msg(e, -EINVAL, "%s: target '%.200s' must be an absolute path", flag,
			clean ? clean : "");
	if (strspn(dest, "/") == strlen(dest))
		return err_msg(e, -EINVAL, "%s: target must not be '/'", flag);
	return 0;
}

/* Absolute, with links resolved, so that what is shown and mounted is what was there. */
static int real_source(const char *flag, const char *source, char **ret, struct err *e)
{
	*ret = realpath(source, NULL);
	if (*ret)
		return 0;
	err_set(e, -errno, "%s: source %s", flag, source);
	return errno == ENOENT ? err_hint(e, "create it first: mkdir -p %s", source) : e->code;
}

static int bind_option(struct spec_mount *m, const char *word, const char *flag, struct err *e)
{
	int r;

	if (streq(word, "z") || streq(word, "Z")) {
		r = selinux_relabel(m->source, word[0] == 'z', e);
		return r < 0 ? err_wrap(e, r, "%s", flag) : 0;
	}
	if (streq(word, "rw") || streq(word, "ro") || streq(word, "rro"))
		m->rec_attr = true; /* of the whole tree: a read-only volume has no writable part */
	r = spec_mount_option(m, word, e);
	if (r == 0 && m->idmapped)
		r = err_msg(e, -EOPNOTSUPP,
			"idmapped mounts of ordinary file systems need privileges that a user "
			"lacks");
	return r < 0 ? err_wrap(e, r, "%s", flag) : 0;
}

static int add_bind(struct plan *p, const char *flag, const char *source, const char *dest,
	char *const *options, struct err *e)
{
	_cleanup_free_ char *real = NULL;
	struct spec_mount *m;
	int r = check_dest(flag, dest, e);

	if (r == 0)
		r = real_source(flag, source, &real, e);
	if (r < 0)
		return r;
	m = add(p, MOUNT_BIND, "bind", real, dest);
	if (!m)
		return err_set(e, -ENOMEM, "mounts");
	m->resolved = true;
	/* A volume carries no rights in: no setuid, no devices (H13). */
	m->attr_set = red_off("nosuid") ? 0 : MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	strv_foreach (w, options) {
		if ((r = bind_option(m, w, flag, e)) < 0)
			return r;
	}
	return 0;
}

/* SOURCE:DEST[:OPTIONS]; a source with '/' or '.' in front is a path, relative ones too. */
static int volume(struct plan *p, const char *s, struct err *e)
{
	_cleanup_strv_ char **part = strv_split(s, ':'), **words = NULL;
	_cleanup_free_ char *clean = str_sanitise(s);
	size_t n = strv_len(part);

	if (n < 2 || n > 3 || !part[0][0])
		return err_msg(e, -EINVAL,
			"--volume '%.200s': want SOURCE:TARGET[:OPTIONS]; named and anonymous "
			"volumes "
			"are not available in this version",
			clean ? clean : "");
	if (part[0][0] != '/' && part[0][0] != '.' && !strchr(part[0], '/'))
		return err_msg(e, -EINVAL,
			"--volume '%.200s': named volumes are not available in this version; for "
			"the "
			"directory write ./%s",
			clean ? clean : "", part[0]);
	if (n == 3 && !(words = strv_split(part[2], ',')))
		return err_set(e, -ENOMEM, "--volume");
	return add_bind(p, "--volume", part[0], part[1], words, e);
}

static int add_tmpfs(
	struct plan *p, const char *flag, const char *dest, char *const *words, struct err *e)
{
	struct spec_mount *m;
	bool mode = false;
	int r = check_dest(flag, dest, e);

	if (r < 0)
		return r;
	m = add(p, MOUNT_FS, "tmpfs", "tmpfs", dest);
	if (!m)
		return err_set(e, -ENOMEM, "mounts");
	m->attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	strv_foreach (w, words) {
		static const char *const known[] = {
			"size=", "mode=", "uid=", "gid=", "nr_inodes=", "nr_blocks="
		};
		bool ok = !strchr(w, '=');

		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			ok |= str_startswith(w, known[i]);
		if (!ok)
			return err_msg(e, -EINVAL, "%s %s: unknown option '%s'", flag, dest, w);
		mode |= str_startswith(w, "mode=");
		if ((r = spec_mount_option(m, w, e)) < 0)
			return err_wrap(e, r, "%s", flag);
		/* Words that config.json knows for other mounts. */
		if (m->kind != MOUNT_FS || m->idmapped)
			return err_msg(e, -EOPNOTSUPP,
				"%s %s: option '%s' is not available for a tmpfs; leave it out",
				flag, dest, w);
	}
	return mode ? 0 : spec_mount_option(m, "mode=1777", e);
}

static int tmpfs(struct plan *p, const char *s, struct err *e)
{
	_cleanup_free_ char *dest = strndup(s, strcspn(s, ":"));
	const char *colon = strchr(s, ':');
	_cleanup_strv_ char **words = colon ? strv_split(colon + 1, ',') : NULL;

	return dest ? add_tmpfs(p, "--tmpfs", dest, words, e) : err_set(e, -ENOMEM, "--tmpfs");
}

struct mount_arg {
	const char *type, *source, *dest;
	char **words;
};

/* One KEY[=VALUE] of --mount; borrowed from kv, whose '=' is cut. */
static int mount_word(struct mount_arg *a, char *kv, struct err *e)
{
	char *eq = strchr(kv, '=');
	const char *v = eq ? eq + 1 : NULL;
	bool on = true;

	if (eq)
		*eq = '\0';
	if (streq(kv, "type") && v)
		a->type = v;
	else if ((streq(kv, "source") || streq(kv, "src")) && v)
		a->source = v;
	else if ((streq(kv, "target") || streq(kv, "destination") || streq(kv, "dst")) && v)
		a->dest = v;
	else if (streq(kv, "readonly") || streq(kv, "ro") || streq(kv, "rw")) {
		if (v && parse_bool(v, &on) < 0)
			return err_msg(e, -EINVAL, "--mount: %s wants true or false", kv);
		return strv_add(&a->words, on == (kv[1] != 'w') ? "ro" : "rw");
	} else if (streq(kv, "bind-propagation") && v)
		return strv_add(&a->words, v);
	else if (streq(kv, "relabel") && v && (streq(v, "shared") || streq(v, "private")))
		return strv_add(&a->words, v[0] == 's' ? "z" : "Z");
	else if (streq(kv, "tmpfs-size") && v)
		return strv_addf(&a->words, "size=%s", v);
	else if (streq(kv, "tmpfs-mode") && v)
		return strv_addf(&a->words, "mode=%s", v);
	else if (!(streq(kv, "consistency") && v))
		return err_msg(e, -EINVAL, "--mount: unknown or incomplete key '%s'", kv);
	return 0;
}

static int mount_flag(struct plan *p, const char *s, struct err *e)
{
	_cleanup_strv_ char **parts = strv_split(s, ',');
	struct mount_arg a = { .type = "volume" };
	int r = 0;

	for (char **kv = parts; r >= 0 && kv && *kv; kv++)
		r = mount_word(&a, *kv, e);
	if (r >= 0 && !a.dest)
		r = err_msg(e, -EINVAL, "--mount '%s': target= is missing", s);
	else if (r >= 0 && streq(a.type, "bind"))
		r = a.source ? add_bind(p, "--mount", a.source, a.dest, a.words, e)
			     : err_msg(e, -EINVAL, "--mount '%s': source= is missing", s);
	else if (r >= 0 && streq(a.type, "tmpfs"))
		r = a.source ? err_msg(e, -EINVAL, "--mount '%s': a tmpfs has no source", s)
			     : add_tmpfs(p, "--mount", a.dest, a.words, e);
	else if (r >= 0)
		r = err_msg(e, -EINVAL, "--mount type '%s' is not available; use bind or tmpfs",
			a.type);
	strv_free(a.words);
	return r < 0 && e && !e->msg[0] ? err_set(e, r, "--mount") : r;
}

static size_t depth(const char *path)
{
	size_t n = 0;

	for (const char *p = path; *p; p++)
		n += *p == '/' && p[1] && p[1] != '/';
	return n;
}

static size_t rank(const struct spec_mount *m)
{
	return 2 * depth(m->dest) + (m->kind == MOUNT_BIND);
}

/*
 * As docker: what lies deeper is mounted later, in whatever order it was given, so that /app does
 * not cover /app/data. At equal depth new file systems come before volumes; else the order is kept.
 */
static void sort_by_depth(struct spec_mount *m, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct spec_mount one = m[i];
		size_t at = i;

		for (; at > 0 && rank(&m[at - 1]) > rank(&one); at--)
			m[at] = m[at - 1];
		m[at] = one;
	}
}

int merge_mounts(const struct container_opts *o, struct plan *p, struct err *e)
{
	static const char *const scratch[] = { "/run", "/tmp", "/var/tmp", NULL };
	size_t n_own;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if ((r = add_own(o, &own[i], p, e)) < 0)
			return r;
	}
	n_own = p->spec.n_mounts;
	/* A read-only root keeps the places that programs cannot do without, as podman's does. */
	for (size_t i = 0; o->read_only && scratch[i]; i++) {
		if ((r = add_tmpfs(p, "--read-only", scratch[i], NULL, e)) < 0)
			return r;
	}
	strv_foreach (s, o->tmpfs) {
		if ((r = tmpfs(p, s, e)) < 0)
			return r;
	}
	strv_foreach (s, o->volumes) {
		if ((r = volume(p, s, e)) < 0)
			return r;
	}
	strv_foreach (s, o->mounts) {
		if ((r = mount_flag(p, s, e)) < 0)
			return r;
	}
	sort_by_depth(p->spec.mounts + n_own, p->spec.n_mounts - n_own);
	return 0;
}

static int add_device(
	struct plan *p, const char *path, const char *source, const char *access_, struct err *e)
{
	struct spec_device *d = spec_add_device(&p->spec);

	if (!d || !(d->path = strdup(path)) || !(d->source = strdup(source)) ||
		!(d->access = strdup(access_)))
		return err_set(e, -ENOMEM, "devices");
	return 0;
}

/* HOST[:CONTAINER][:rwm] */
static int device(struct plan *p, const char *s, struct err *e)
{
	_cleanup_strv_ char **part = strv_split(s, ':');
	size_t n = strv_len(part);
	const char *dest = part ? part[0] : "", *mode = "rwm";
	struct stat st;

	if (n == 2 && part[1][0] == '/')
		dest = part[1];
	else if (n == 2)
		mode = part[1];
	else if (n == 3) {
		dest = part[1];
		mode = part[2];
	}
	if (n < 1 || n > 3 || !*mode || mode[strspn(mode, "rwm")])
		return err_msg(e, -EINVAL, "--device '%s': want HOST[:CONTAINER][:rwm]", s);
	/* A read-only mount does not keep anybody from writing to a device, and the kernel's device
	 * filter is root's: half the access would be a promise without a keeper. */
	if (!strchr(mode, 'r') || !strchr(mode, 'w'))
		return err_msg(e, -EOPNOTSUPP,
			"--device '%s': access '%s' cannot be enforced without root; leave it out "
			"for "
			"reading and writing",
			s, mode);
	if (part[0][0] != '/' || !str_startswith(dest, "/dev/") || strstr(dest, "/../"))
		return err_msg(
			e, -EINVAL, "--device '%s': want absolute paths, inside below /dev", s);
	if (stat(part[0], &st) < 0)
		return err_set(e, -errno, "--device %s", part[0]);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_msg(e, -ENODEV, "--device %s is not a device", part[0]);
	return add_device(p, dest, part[0], mode, e);
}

int merge_devices(const struct container_opts *o, struct plan *p, struct err *e)
{
	static const struct {
		const char *path;
		int64_t minor, major;
	} standard[] = { { "/dev/null", 3, 1 }, { "/dev/zero", 5, 1 }, { "/dev/full", 7, 1 },
		{ "/dev/random", 8, 1 }, { "/dev/urandom", 9, 1 }, { "/dev/tty", 0, 5 } };
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(standard); i++) {
		struct spec_device *d = spec_add_device(&p->spec);

		if (!d || !(d->path = strdup(standard[i].path)))
			return err_set(e, -ENOMEM, "devices");
		d->type = 'c';
		d->major = standard[i].major;
		d->minor = standard[i].minor;
	}
	strv_foreach (s, o->devices) {
		if ((r = device(p, s, e)) < 0)
			return r;
	}
	return 0;
}
