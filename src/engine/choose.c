/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map chosen by itself. A user of an image who is not root owns nothing on the host, so that a
 * volume of the caller's is closed to him, and what he makes there is closed to the caller. Where
 * both are seen, that user becomes the caller.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "base/trace.h"
#include "engine/mapping.h"
#include "runtime/user.h"
#include "sys/inroot.h"

#define DB_MAX (4 << 20) /* as the start itself reads (runtime/user.c) */
#define BUDGET_NS 1000000000ULL

/* The user as a word, borrowed; NULL for root and for what only the start itself can tell. */
static const char *user_word(const struct container_opts *o, const struct image *img)
{
	const char *user = o->user;
	json_t *config = NULL;
	size_t n;

	if (!user && (json_get_obj(img->config, "config", &config, NULL) <= 0 ||
			     json_get_str(config, "User", &user, NULL) < 0))
		return NULL;
	if (!user || !*user)
		return NULL;
	n = strcspn(user, ":");
	if ((n == 1 && user[0] == '0') || (n == 4 && strncmp(user, "root", 4) == 0))
		return NULL;
	return user;
}

/* Is it there, and the caller's? His own links count, as the mount follows them too. */
static bool is_mine(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_uid == geteuid();
}

/* The source of --mount type=bind; owned, NULL when it has none. */
static char *mount_source(const char *arg)
{
	_cleanup_strv_ char **words = strv_split(arg, ',');
	const char *source = NULL;
	bool bind = false;

	strv_foreach (w, words) {
		bind |= streq(w, "type=bind");
		if (str_startswith(w, "source=") || str_startswith(w, "src="))
			source = strchr(w, '=') + 1;
	}
	return bind && source ? strdup(source) : NULL;
}

/* The first source of a bind that is the caller's; owned. Malformed ones are the merge's to refuse. */
static char *own_source(const struct container_opts *o)
{
	strv_foreach (v, o->volumes) {
		_cleanup_free_ char *source = strndup(v, strcspn(v, ":"));

		if (source && strchr(v, ':') && (source[0] == '.' || strchr(source, '/')) &&
			is_mine(source))
			return take_ptr(source);
	}
	strv_foreach (v, o->mounts) {
		_cleanup_free_ char *source = mount_source(v);

		if (source && is_mine(source))
			return take_ptr(source);
	}
	return NULL;
}

/*
 * etc/NAME of one layer: 1 and its text, 0 when lower layers tell, -ENOENT when it hides theirs,
 * or another error for anything that would need the layers to be one tree: links, other files.
 */
static int read_in_layer(const char *layer, const char *name, char **ret)
{
	_cleanup_fd_ int root = open(layer, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			 etc = -1, at = -1, fd = -1;
	char opaque = 0;

	if (root < 0)
		return -errno;
	etc = inroot_open_nolinks(root, "etc", O_RDONLY | O_DIRECTORY);
	if (etc < 0)
		return etc == -ENOENT ? 0 : etc;
	at = inroot_open_nolinks(etc, name, O_PATH);
	if (at == -ENOENT)
		return fgetxattr(etc, "user.overlay.opaque", &opaque, 1) == 1 && opaque == 'y'
			       ? -ENOENT
			       : 0;
	if (at < 0)
		return at;
	fd = inroot_open_regular(etc, name, DB_MAX);
	if (fd < 0)
		return fd;
	/* A deletion, in the form that is an empty file. */
	if (fgetxattr(fd, "user.overlay.whiteout", NULL, 0) >= 0)
		return -ENOENT;
	return fd_slurp(fd, DB_MAX, ret, NULL) < 0 ? -EIO : 1;
}

/* The file as the container will see it; -ENOENT when there is none. */
static int read_in_layers(char *const *layers, const char *name, char **ret)
{
	size_t i = strv_len(layers);
	int r = 0;

	while (r == 0 && i-- > 0)
		r = read_in_layer(layers[i], name, ret);
	return r > 0 ? 0 : r == 0 ? -ENOENT : r;
}

static bool is_number(const char *s, size_t n)
{
	return n > 0 && strspn(s, "0123456789") >= n;
}

/* 0 and the ids, or negative where they cannot be told, or are no reason to choose. */
static int find_ids(const char *user, const struct image *img, uint32_t *uid, uint32_t *gid)
{
	_cleanup_free_ char *passwd = NULL, *groups = NULL;
	const char *colon = strchr(user, ':');
	bool number = is_number(user, strcspn(user, ":"));
	int r = 0;

	if (!number || !colon)
		r = read_in_layers(img->layers, "passwd", &passwd);
	if (r == -ENOENT && number)
		r = 0;
	if (r == 0 && colon && !is_number(colon + 1, strlen(colon + 1)))
		r = read_in_layers(img->layers, "group", &groups);
	if (r == 0)
		r = user_ids(user, passwd ? passwd : "", groups ? groups : "", uid, gid, NULL);
	return r < 0 ? r : *uid == 0 ? -EINVAL : 0;
}

static int budget(uint64_t *ret, struct err *e)
{
	const char *text = getenv("UCTR_MAP_BUDGET");

	*ret = BUDGET_NS;
	if (text && *text && parse_duration_ns(text, ret) < 0)
		return err_msg(e, -EINVAL,
			"UCTR_MAP_BUDGET: want a time such as 500ms or 10s, not \"%.40s\"", text);
	return 0;
}

/* The full map it stays; says why, and what would get the other one. */
static int keep_full(struct engine *en, struct mapping *m, const char *problem, struct err *e)
{
	engine_warn(en,
		"user %u of the container is not you, although a volume is yours: %s; --userns "
		"keep-id:uid=%u,gid=%u takes the time it needs, --userns full stops asking",
		m->uid, problem, m->uid, m->gid);
	m->mode = MAP_FULL;
	m->chosen = false;
	snprintf(m->why, sizeof(m->why), "%s", problem);
	return mapping_make(en, m, e);
}

int mapping_choose(struct engine *en, const struct container_opts *o, struct image *img,
	struct mapping *m, struct err *e)
{
	_cleanup_free_ char *source = NULL, *clean = NULL;
	struct err why = ERR_INIT;
	const char *user;
	uint64_t time_ns;
	uint32_t uid, gid;
	int r;

	/* Real root as an image's user would be too much of a gift. */
	if (o->userns || o->uidmap || o->gidmap || m->mode != MAP_FULL || geteuid() == 0)
		return 0;
	user = user_word(o, img);
	source = user ? own_source(o) : NULL;
	if (!source || find_ids(user, img, &uid, &gid) < 0)
		return 0;
	r = budget(&time_ns, e);
	if (r < 0)
		return r;
	clean = str_sanitise(source);
	m->mode = MAP_KEEP_ID;
	m->chosen = true;
	m->uid = uid;
	m->gid = gid;
	r = mapping_make(en, m, &why);
	if (r == 0)
		r = image_reform(&en->images, img, time_ns, &why);
	trace("map chosen: %s", r == 0 ? "keep-id" : "full");
	if (r < 0)
		return keep_full(en, m, why.msg, e);
	snprintf(m->why, sizeof(m->why), "the container's user is not root, and %.150s is yours",
		clean ? clean : "a volume");
	return 0;
}
