/* SPDX-License-Identifier: Apache-2.0 */
/* Additional stores: which there are, and reading them. */
#include "image/additional.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/red.h"
#include "base/str.h"
#include "image/ref.h"
#include "image/storage_conf.h"
#include "sys/inroot.h"

#define STORES_MAX 32

struct additional {
	struct image_store stores[STORES_MAX];
	size_t n;
	bool no_blobs; /* one was wrong */
	char *lost; /* path of one that cannot be used */
};

void image_store_end(struct image_store *s)
{
	for (size_t i = 0; s->additional && i < s->additional->n; i++) {
		fd_closep(&s->additional->stores[i].dirfd);
		free((char *)s->additional->stores[i].shared);
	}
	if (s->additional)
		free(s->additional->lost);
	free(s->additional);
	s->additional = NULL;
}

static void _printf_(2, 3) warnf(struct image_store *s, const char *fmt, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	if (line)
		store_warn(s, line);
}

/* Who may write there could put one image in the place of another. */
static int check_owner(int fd, mode_t type, struct stat *st)
{
	if (fstat(fd, st) < 0)
		return -errno;
	if ((st->st_mode & S_IFMT) != type)
		return -EINVAL;
	if (red_off("additional-owner"))
		return 0;
	return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & 022) ? 0 : -EPERM;
}

int additional_open(const struct image_store *shared, const char *path)
{
	_cleanup_fd_ int fd =
		inroot_open_nolinks(shared->dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r = fd < 0 ? fd : check_owner(fd, S_IFREG, &st);

	return r < 0 ? r : take_fd(&fd);
}

const char *additional_reason(int r)
{
	return r == -EPERM   ? "it must belong to root or to you and be writable for nobody else"
	       : r == -ELOOP ? "there is a symbolic link on the way"
			     : strerror(-r);
}

/* The descriptor of a usable one, -EALREADY for the user's own store. */
static int open_store(struct image_store *s, const char *path)
{
	static const char *const dirs[] = { STORE_IMAGES, "blobs", STORE_BLOBS };
	_cleanup_fd_ int fd = *path == '/' ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct stat st, own;
	int r = *path != '/' ? -EINVAL : fd < 0 ? -errno : check_owner(fd, S_IFDIR, &st);

	if (r == 0 && fstat(s->dirfd, &own) == 0 && own.st_dev == st.st_dev &&
		own.st_ino == st.st_ino)
		return -EALREADY;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++) {
		_cleanup_fd_ int dir = inroot_open_nolinks(fd, dirs[i], O_PATH | O_DIRECTORY);

		r = dir < 0 ? dir : check_owner(dir, S_IFDIR, &st);
	}
	return r < 0 ? r : take_fd(&fd);
}

static void add_store(struct image_store *s, struct additional *a, const char *path)
{
	_cleanup_fd_ int fd = a->n < STORES_MAX ? open_store(s, path) : -E2BIG;
	_cleanup_free_ char *copy = strdup(path), *clean = str_sanitise(path);

	if (fd == -EALREADY)
		return;
	if (fd < 0 || !copy) {
		warnf(s, "additional store %s is not used: %s", clean ? clean : "",
			*path != '/' ? "want an absolute path"
				     : additional_reason(fd < 0 ? fd : -ENOMEM));
		if (!a->lost)
			a->lost = take_ptr(clean);
		return;
	}
	a->stores[a->n++] = (struct image_store){ .dirfd = take_fd(&fd),
		.form = s->form,
		.userns_fd = -1,
		.warn = s->warn,
		.ctx = s->ctx,
		.shared = take_ptr(copy) };
}

size_t additional_stores(struct image_store *s, struct image_store **ret)
{
	_cleanup_json_ json_t *doc = NULL;
	_cleanup_free_ char *file = NULL;
	_cleanup_strv_ char **paths = NULL;
	struct err e = ERR_INIT;
	int r;

	*ret = s->additional ? s->additional->stores : NULL;
	if (s->shared || s->additional)
		return s->additional ? s->additional->n : 0;
	s->additional = calloc(1, sizeof(*s->additional));
	if (!s->additional)
		return 0;
	r = storage_conf_find("additional", &doc, &file, &e);
	if (r > 0) {
		r = json_get_strv(doc, "additional", &paths, &e);
		if (r < 0)
			err_wrap(&e, r, "%s", file);
	}
	if (r < 0)
		warnf(s, "additional stores are not used: %s", e.msg);
	strv_foreach (path, paths)
		add_store(s, s->additional, path);
	*ret = s->additional->stores;
	return s->additional->n;
}

int additional_check_record(const struct tag *rec, const char *file, struct err *e)
{
	_cleanup_(ref_free)
	struct ref name = { 0 }, origin = { 0 };
	_cleanup_free_ char *want = *rec->name ? strdup(rec->name) : str_printf("@%s", rec->id);
	size_t len = want ? strlen(want) : 0;
	int r = want ? 0 : err_set(e, -ENOMEM, "record");

	if (r == 0 && *rec->name)
		r = ref_parse(rec->name, &name, e);
	if (r == 0 && rec->origin)
		r = ref_parse(rec->origin, &origin, e);
	if (r < 0)
		return r;
	for (char *p = want; (p = strchr(p, '/'));)
		*p = '+';
	if (strncmp(file, want, len) != 0 || !streq(file + len, ".json") ||
		(*rec->name && (!name.host || !name.tag || name.digest)))
		return err_msg(e, -EINVAL, "name: not that of the file");
	return 0;
}

int additional_blob(struct image_store *s, const char *hex, const char **ret_shared)
{
	struct image_store *more;
	size_t n = additional_stores(s, &more);
	char path[BLOB_PATH_MAX];

	blob_path(hex, path);
	for (size_t i = 0; i < n && !s->additional->no_blobs; i++) {
		int fd = additional_open(&more[i], path);

		if (fd >= 0) {
			*ret_shared = more[i].shared;
			return fd;
		}
	}
	return -ENOENT;
}

const char *additional_lost(struct image_store *s)
{
	return s->additional ? s->additional->lost : NULL;
}

bool additional_distrust(struct image_store *s, const char *hex)
{
	const char *shared = NULL;
	char path[BLOB_PATH_MAX];
	_cleanup_fd_ int fd = -1;

	blob_path(hex, path);
	if (faccessat(s->dirfd, path, F_OK, 0) == 0)
		return false; /* the user's own */
	fd = additional_blob(s, hex, &shared);
	if (fd < 0)
		return false;
	s->additional->no_blobs = true;
	warnf(s, "blob sha256:%.12s of the additional store %s is damaged", hex, shared);
	return true;
}

static bool known(const struct tag *all, size_t n, const struct tag *rec)
{
	for (size_t i = 0; i < n; i++) {
		if (*rec->name ? streq(all[i].name, rec->name)
			       : !*all[i].name && streq(all[i].id, rec->id))
			return true;
	}
	return false;
}

int tags_everywhere(
	struct image_store *s, bool listed, struct tag **ret, size_t *ret_n, struct err *e)
{
	int (*get)(struct image_store * s, struct tag * *ret, size_t * ret_n, struct err * e) =
		listed ? tags_listed : tags_readable;
	struct image_store *stores;
	size_t n_stores = additional_stores(s, &stores);
	struct tag *all = NULL;
	size_t n = 0;
	int r = get(s, &all, &n, e);

	for (size_t i = 0; r == 0 && i < n_stores; i++) {
		struct tag *more = NULL, *grown;
		size_t n_more = 0, before = n;

		r = get(&stores[i], &more, &n_more, e);
		grown = r < 0 ? NULL : realloc(all, (n + n_more + 1) * sizeof(*all));
		if (r == 0 && !grown)
			r = err_set(e, -ENOMEM, "images");
		all = grown ? grown : all;
		for (size_t k = 0; r == 0 && k < n_more; k++) {
			if (known(all, before, &more[k]))
				continue;
			all[n++] = more[k];
			more[k] = (struct tag){ 0 };
		}
		tags_free(more, n_more);
	}
	if (r < 0) {
		tags_free(all, n);
		return r;
	}
	*ret = all;
	*ret_n = n;
	return 0;
}

int additional_refuse(const struct tag *rec, struct err *e)
{
	return err_msg(e, -EROFS,
		"image %s is in the additional store %s, which is only read; its owner can remove "
		"it "
		"there",
		*rec->name ? rec->name : rec->id, rec->shared);
}
