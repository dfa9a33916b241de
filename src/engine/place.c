/* SPDX-License-Identifier: Apache-2.0 */
/* What a start puts into the container's directory: overlay directories and the files of /etc. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/red.h"
#include "engine/start.h"
#include "sys/syscalls.h"

#define ZONE_MAX (1 << 20)
#define SKELETON_LAST "skeleton/etc/hostname" /* made last: when it is there, all is */

static int own_path(struct start *s, const char *name, char **ret, struct err *e)
{
	*ret = str_printf("%s/containers/%s/%s", s->en->data_path, s->c.id, name);
	return *ret ? 0 : err_set(e, -ENOMEM, "container directory");
}

static int make_dir(struct start *s, const char *name, mode_t mode, char **ret, struct err *e)
{
	bool there = mkdirat(s->c.dir, name, 0700) < 0;

	/* One that is there from an earlier start is as the container left it. */
	if (there ? !s->again || errno != EEXIST : fchmodat(s->c.dir, name, mode, 0) < 0)
		return err_set(e, -errno, "make directory %s of the container", name);
	return own_path(s, name, ret, e);
}

/*
 * A lowest layer of nothing but the places that every container mounts something on. Without it
 * each start would make those that the image lacks in the upper layer, which costs the copy of a
 * directory and three files on the disk, and would look like a change of the container's. Where
 * an image has them, or hides them, its own win.
 */
static int make_skeleton(struct engine *en, struct err *e)
{
	static const char *const dirs[] = { "skeleton", "skeleton/dev", "skeleton/proc",
		"skeleton/sys", "skeleton/etc" };
	static const char *const files[] = { "skeleton/etc/resolv.conf", "skeleton/etc/hosts",
		SKELETON_LAST };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if ((mkdirat(en->data, dirs[i], 0700) < 0 && errno != EEXIST) ||
			fchmodat(en->data, dirs[i], 0755, 0) < 0)
			return err_set(e, -errno, "make %s/%s", en->data_path, dirs[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_fd_ int fd = openat(
			en->data, files[i], O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0 || fchmod(fd, 0644) < 0)
			return err_set(e, -errno, "make %s/%s", en->data_path, files[i]);
	}
	return 0;
}

static int add_layers(struct start *s, const struct image *img, struct err *e)
{
	char ***lowers = &s->plan.spec.lowers;
	int r = 0;

	/* It is the caller's, who is not root in such a map. */
	if (s->mapping.shifted)
		return strv_extend(lowers, img->layers) < 0 ? err_set(e, -ENOMEM, "layers") : 0;
	if (faccessat(s->en->data, SKELETON_LAST, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		r = make_skeleton(s->en, e);
	if (r < 0)
		return r;
	if (strv_addf(lowers, "%s/skeleton", s->en->data_path) < 0 ||
		strv_extend(lowers, img->layers) < 0)
		return err_set(e, -ENOMEM, "layers");
	return 0;
}

int start_place_layer(struct start *s, const struct image *img, struct err *e)
{
	struct spec *sp = &s->plan.spec;
	int r = img ? make_dir(s, "upper", 0755, &sp->upper, e) : 0;

	/* The container's "/" takes its mode from the upper directory. */
	return r == 0 && img ? make_dir(s, "work", 0700, &sp->work, e) : r;
}

static int place_overlay(struct start *s, const struct image *img, struct err *e)
{
	struct spec *sp = &s->plan.spec;
	int r = add_layers(s, img, e);

	if (r == 0)
		r = start_place_layer(s, img, e);
	if (r < 0)
		return r;
	/* Overlay's "volatile" is for one mount only, and a start may fail behind it. */
	sp->ephemeral = s->c.auto_remove && !s->again;
	return own_path(s, "merged", &sp->root_path, e); /* made by the rungs that need it */
}

static bool is_volume(const struct spec_mount *m)
{
	return m->kind == MOUNT_BIND && m->resolved;
}

/* Does the volume cover the path, so that only what is mounted after it is seen? */
static bool covers(const struct spec_mount *volume, const char *path)
{
	size_t n = strlen(volume->dest);

	while (n > 0 && volume->dest[n - 1] == '/')
		n--;
	return strncmp(volume->dest, path, n) == 0 && path[n] == '/';
}

/*
 * Moves the last mount, uctr's own file, before all volumes: a link in the image (/etc/hosts to a
 * volume's directory) would make an empty file on the host there. Not where the person mounts a
 * volume over the place itself.
 */
static void before_volumes(struct spec *sp)
{
	size_t last = sp->n_mounts - 1, at = last;
	struct spec_mount own = sp->mounts[last];

	for (size_t i = last; i > 0 && !red_off("volumes"); i--) {
		if (!is_volume(&sp->mounts[i - 1]))
			continue;
		if (covers(&sp->mounts[i - 1], own.dest))
			return;
		at = i - 1;
	}
	memmove(&sp->mounts[at + 1], &sp->mounts[at], (last - at) * sizeof(own));
	sp->mounts[at] = own;
}

/*
 * A private file, bound over the image's: neither goes to the other. It lies in the runtime
 * directory, in memory, as it is written anew by every start.
 */
static int place_file(struct start *s, const char *name, const char *text, size_t len,
	const char *dest, struct err *e)
{
	_cleanup_fd_ int dir = container_runtime_dir(s->en, &s->c, e);
	struct spec_mount *m;
	int r;

	if (dir < 0)
		return dir;
	r = file_replace(dir, name, text, len, 0644, false);
	if (r < 0)
		return err_set(e, r, "write %s of the container", name);
	m = spec_add_mount(&s->plan.spec);
	if (!m)
		return err_set(e, -ENOMEM, "mounts");
	m->kind = MOUNT_BIND;
	m->attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	m->dest = strdup(dest);
	if (!m->dest)
		return err_set(e, -ENOMEM, "mounts");
	m->source = str_printf("%s/c/%s/%s", s->en->runtime_path, s->c.id, name);
	if (!m->source)
		return err_set(e, -ENOMEM, "mounts");
	before_volumes(&s->plan.spec);
	return 0;
}

static bool is_mounted(const struct start *s, const char *dest)
{
	for (size_t i = 0; i < s->plan.spec.n_mounts; i++) {
		if (streq(s->plan.spec.mounts[i].dest, dest))
			return true;
	}
	return false;
}

static int place_text(
	struct start *s, const char *name, char *text, const char *dest, struct err *e)
{
	int r = 0;

	/* A volume of the person's at the same place wins. */
	if (!is_mounted(s, dest))
		r = place_file(s, name, text, strlen(text), dest, e);
	free(text);
	return r;
}

static int place_zone(struct start *s, const char *tz, struct err *e)
{
	_cleanup_free_ char *path = NULL, *data = NULL;
	size_t len;
	int r;

	if (streq(tz, "local"))
		path = strdup("/etc/localtime");
	else if (*tz && tz[0] != '/' && !strstr(tz, "..") &&
		 !tz[strspn(
			 tz, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+-")])
		path = str_printf("/usr/share/zoneinfo/%s", tz);
	else
		return err_msg(e, -EINVAL,
			"--tz '%.60s': want a zone such as Europe/Berlin, or local", tz);
	r = path ? file_read(AT_FDCWD, path, ZONE_MAX, &data, &len) : -ENOMEM;
	if (r < 0) {
		err_set(e, r, "--tz %s: %s", tz, path);
		return err_hint(e, "the host knows the zones of its package tzdata");
	}
	return place_file(s, "localtime", data, len, "/etc/localtime", e);
}

static int place_etc(struct start *s, const struct container_opts *o, struct err *e)
{
	struct spec *sp = &s->plan.spec;
	struct net_names n = { .dns = o->dns,
		.search = o->dns_search,
		.options = o->dns_option,
		.add_host = o->add_host,
		.name = s->c.name };
	char *text;
	int r;

	if (!sp->hostname) {
		sp->hostname = strndup(s->c.id, 12);
		sp->hostname_invented = true;
	}
	if (!sp->hostname)
		return err_set(e, -ENOMEM, "host name");
	n.hostname = sp->hostname;
	if ((r = net_resolv_conf(s->plan.net, &n, &text, e)) < 0 ||
		(r = place_text(s, "resolv.conf", text, "/etc/resolv.conf", e)) < 0 ||
		(r = net_hosts(s->plan.net, &n, &text, e)) < 0 ||
		(r = place_text(s, "hosts", text, "/etc/hosts", e)) < 0)
		return r;
	text = str_printf("%s\n", sp->hostname);
	if (!text)
		return err_set(e, -ENOMEM, "host name");
	r = place_text(s, "hostname", text, "/etc/hostname", e);
	return r < 0 || !o->tz ? r : place_zone(s, o->tz, e);
}

int start_place(
	struct start *s, const struct container_opts *o, const struct image *img, struct err *e)
{
	int r = img ? place_overlay(s, img, e) : 0;

	if (r == 0)
		r = place_etc(s, o, e);
	if (r == 0 && !env_get(s->plan.spec.process.env, "HOSTNAME") &&
		env_set(&s->plan.spec.process.env, "HOSTNAME", s->plan.spec.hostname) < 0)
		r = err_set(e, -ENOMEM, "environment");
	return r;
}

/* What root of the container shall own, below the container's two directories. */
static int give(int dir, const char *name, const struct mapping *m, struct err *e)
{
	if (fchownat(dir, name, m->root_uid, m->root_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
		errno != ENOENT)
		return err_set(e, -errno, "give %s to the container's root", name);
	return 0;
}

int start_give(struct start *s, struct err *e)
{
	static const char *const dirs[] = { "upper", "work" }, *const files[] = { "resolv.conf",
		"hosts", "hostname", "localtime" };
	_cleanup_fd_ int runtime = -1;
	int r = 0;

	if (!s->plan.spec.caller_opens)
		return 0;
	runtime = container_runtime_dir(s->en, &s->c, e);
	if (runtime < 0)
		return runtime;
	/* Once: from then on they are the container's, "/" with its owner too. */
	for (size_t i = 0; r == 0 && !s->started_before && i < ARRAY_SIZE(dirs); i++)
		r = give(s->c.dir, dirs[i], &s->mapping, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		r = give(runtime, files[i], &s->mapping, e);
	return r;
}
