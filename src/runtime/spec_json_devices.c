/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json to struct spec: devices. A node is the host's, bound; its numbers are compared with
 * what was asked for. So it has the host's mode and owner: fileMode, uid and gid are for runtimes
 * that make nodes, which no user namespace may.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/spec_json.h"

static struct spec_device *find_device(struct spec *s, const char *path)
{
	for (size_t i = 0; i < s->n_devices; i++) {
		if (streq(s->devices[i].path, path))
			return &s->devices[i];
	}
	return NULL;
}

static int add_device(struct spec *s, const char *path, char type, int64_t major, int64_t minor)
{
	struct spec_device *d = spec_add_device(s);

	if (!d)
		return -ENOMEM;
	d->path = strdup(path);
	d->type = type;
	d->major = major;
	d->minor = minor;
	return d->path ? 0 : -ENOMEM;
}

static int get_number(json_t *o, const char *key, int64_t *ret, struct err *e)
{
	uint32_t v = 0;
	int r = json_get_u32(o, key, &v, e);

	*ret = v;
	return r == 0 ? spec_json_missing(e, key) : r;
}

static int parse_device(json_t *o, struct spec *s, struct err *e)
{
	const char *path = NULL, *type = NULL;
	uint32_t mode, uid, gid;
	int64_t major, minor;
	int r;

	if ((r = json_get_str(o, "path", &path, e)) < 0 ||
		(r = json_get_str(o, "type", &type, e)) < 0 ||
		(r = json_get_u32(o, "fileMode", &mode, e)) < 0 ||
		(r = json_get_u32(o, "uid", &uid, e)) < 0 ||
		(r = json_get_u32(o, "gid", &gid, e)) < 0)
		return r;
	if (!path || !type)
		return spec_json_missing(e, path ? "type" : "path");
	if (*path != '/')
		return spec_json_bad(e, "path", path, "is not an absolute path");
	if (streq(type, "p"))
		return err_msg(
			e, -EOPNOTSUPP, "type: FIFOs are not supported; make it in the image");
	if (!streq(type, "c") && !streq(type, "u") && !streq(type, "b"))
		return spec_json_bad(e, "type", type, "is not one of c, u, b");
	if ((r = get_number(o, "major", &major, e)) < 0 ||
		(r = get_number(o, "minor", &minor, e)) < 0)
		return r;
	if (find_device(s, path))
		return spec_json_bad(e, "path", path, "is given twice");
	r = add_device(s, path, *type == 'b' ? 'b' : 'c', major, minor);
	return r < 0 ? err_set(e, r, "path") : 0;
}

/* The last mount there counts; a bound or an image's own /dev is left as it is. */
static bool dev_is_tmpfs(const struct spec *s)
{
	bool tmpfs = false;

	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct spec_mount *m = &s->mounts[i];

		if (streq(m->dest, "/dev"))
			tmpfs = m->kind == MOUNT_FS && streq(m->type, "tmpfs");
	}
	return tmpfs;
}

/* "In addition to any devices configured with this setting, the runtime MUST also supply" these. */
static int add_default_devices(struct spec *s)
{
	static const struct {
		const char *path;
		int major, minor;
	} nodes[] = { { "/dev/null", 1, 3 }, { "/dev/zero", 1, 5 }, { "/dev/full", 1, 7 },
		{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		int r = find_device(s, nodes[i].path)
				? 0
				: add_device(s, nodes[i].path, 'c', nodes[i].major, nodes[i].minor);

		if (r < 0)
			return r;
	}
	return 0;
}

int spec_json_devices(json_t *l, struct spec *s, struct err *e)
{
	json_t *a = NULL, *v;
	size_t i;
	int r = json_get_arr(l, "devices", &a, e);

	if (r < 0)
		return r;
	json_array_foreach (a, i, v) {
		r = parse_device(v, s, e);
		if (r < 0)
			return spec_json_at(e, r, "devices[%zu]", i);
	}
	r = dev_is_tmpfs(s) ? add_default_devices(s) : 0;
	return r < 0 ? err_set(e, r, "devices") : 0;
}
