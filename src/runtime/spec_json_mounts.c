/* SPDX-License-Identifier: Apache-2.0 */
/* config.json to struct spec: mounts. */
#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/spec_json.h"

/* What one mount takes at most as data of the file system (rootfs.c hands them to the kernel). */
#define DATA_MAX 15

/*
 * An absolute path without empty, "." and ".." components, in place: "/proc/" and "/x/../proc" must
 * be known for what they are. Relative ones (allowed before 1.0.2) begin at the root.
 */
static char *clean_path(const char *path)
{
	char *out = malloc(strlen(path) + 2), *o = out;

	if (!out)
		return NULL;
	for (const char *p = path; *p;) {
		size_t n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (o > out && *--o != '/')
				;
		} else if (n > 0 && !(n == 1 && p[0] == '.')) {
			*o++ = '/';
			memcpy(o, p, n);
			o += n;
		}
		p += n;
	}
	if (o == out)
		*o++ = '/';
	*o = '\0';
	return out;
}

static int parse_destination(json_t *o, struct spec_mount *m, struct err *e)
{
	const char *path = NULL;
	int r = json_get_str(o, "destination", &path, e);

	if (r < 0)
		return r;
	if (!path || !*path)
		return spec_json_missing(e, "destination");
	m->dest = clean_path(path);
	if (!m->dest)
		return err_set(e, -ENOMEM, "destination");
	if (streq(m->dest, "/"))
		return spec_json_bad(
			e, "destination", path, "is the root itself, which root.path gives");
	return 0;
}

static int parse_options(char **options, struct spec_mount *m, struct err *e)
{
	strv_foreach (word, options) {
		int r = spec_mount_option(m, word, e);

		if (r < 0)
			return err_wrap(e, r, "options");
	}
	if (m->idmapped)
		return err_msg(e, -EOPNOTSUPP, "options: idmapped mounts are not supported");
	if (strv_len(m->data) / 2 > DATA_MAX)
		return err_msg(e, -EINVAL, "options: more than %d for the file system", DATA_MAX);
	return 0;
}

static int parse_bind(const char *bundle, const char *source, struct spec_mount *m, struct err *e)
{
	if (!source || !*source)
		return spec_json_missing(e, "source");
	m->source = spec_json_below(bundle, source);
	return m->source ? 0 : err_set(e, -ENOMEM, "source");
}

/* Instead of a new one: the host's, with all that is mounted below it, read-only. */
static int bind_host(struct spec_mount *m, const char *source)
{
	m->kind = MOUNT_BIND;
	m->recursive = m->rec_attr = true;
	m->attr_set |= MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	m->attr_clear = 0;
	m->source = strdup(source);
	return m->source ? 0 : -ENOMEM;
}

static int parse_fs(
	const char *type, const char *source, struct spec *s, struct spec_mount *m, struct err *e)
{
	bool own_user = spec_find_ns(s, CLONE_NEWUSER);
	bool cgroup = streq(type, "cgroup") || streq(type, "cgroup2");
	int r = 0;

	/* Only cgroup v2 is known here, by whichever name the configuration calls it. */
	m->type = strdup(cgroup ? "cgroup2" : type);
	if (!m->type)
		return err_set(e, -ENOMEM, "type");
	/*
	 * sysfs shows a network namespace, cgroup2 a cgroup namespace: without an own one a user
	 * namespace may not mount it, and what it would show is what the host's shows.
	 */
	s->host_sys |= streq(type, "sysfs") && own_user && !spec_find_ns(s, CLONE_NEWNET);
	if (streq(type, "sysfs") && s->host_sys)
		r = bind_host(m, "/sys");
	else if (cgroup && !spec_find_ns(s, CLONE_NEWCGROUP))
		r = bind_host(m, "/sys/fs/cgroup");
	else if (source && *source == '/') /* a block device; the others have only names */
		r = strv_add(&m->data, "source") < 0 ? -ENOMEM : strv_add(&m->data, source);
	return r < 0 ? err_set(e, r, "source") : 0;
}

static int parse_mount(json_t *o, const char *bundle, struct spec *s, struct err *e)
{
	_cleanup_strv_ char **options = NULL;
	const char *type = NULL, *source = NULL;
	struct spec_mount *m;
	bool bind;
	int r;

	if (!json_is_object(o))
		return err_msg(e, -EINVAL, "destination: missing; want an object");
	m = spec_add_mount(s);
	if (!m)
		return err_set(e, -ENOMEM, "destination");
	if ((r = parse_destination(o, m, e)) < 0 || (r = json_get_str(o, "type", &type, e)) < 0 ||
		(r = json_get_str(o, "source", &source, e)) < 0 ||
		(r = json_get_strv(o, "options", &options, e)) < 0 ||
		(r = spec_json_refuse(o, "uidMappings", "for mounts", e)) < 0 ||
		(r = spec_json_refuse(o, "gidMappings", "for mounts", e)) < 0)
		return r;
	bind = (type && streq(type, "bind")) || strv_contains(options, "bind") ||
	       strv_contains(options, "rbind");
	if (!bind && (!type || !*type || streq(type, "none")))
		return err_msg(e, -EINVAL, "type: want a file system, or the option 'bind'");
	/* Known before the options: what is data for a file system is an error for a bind. */
	m->kind = bind ? MOUNT_BIND : MOUNT_FS;
	r = parse_options(options, m, e);
	if (r < 0)
		return r;
	return bind ? parse_bind(bundle, source, m, e) : parse_fs(type, source, s, m, e);
}

int spec_json_mounts(json_t *config, const char *bundle, struct spec *s, struct err *e)
{
	json_t *a = NULL, *v;
	size_t i;
	int r = json_get_arr(config, "mounts", &a, e);

	if (r <= 0)
		return r;
	json_array_foreach (a, i, v) {
		r = parse_mount(v, bundle, s, e);
		if (r < 0)
			return spec_json_at(e, r, "mounts[%zu]", i);
	}
	return 0;
}
