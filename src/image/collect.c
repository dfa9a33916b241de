/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting what no record needs: mark by the records, then sweep blobs and trees. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/layers.h"
#include "image/ref.h"

/* Many names, sorted for a quick look. */
struct names {
	char **v;
	size_t n;
};

static void names_free(struct names *n)
{
	strv_free(n->v);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_sort(struct names *n)
{
	n->n = strv_len(n->v);
	if (n->n > 1)
		qsort(n->v, n->n, sizeof(*n->v), compare);
}

static bool names_have(const struct names *n, const char *name)
{
	return n->n > 0 && bsearch(&name, n->v, n->n, sizeof(*n->v), compare);
}

static int mark(const struct tag *r, struct names *blobs, struct names *trees)
{
	int n = strv_add(&blobs->v, r->id);

	if (n == 0)
		n = strv_add(&blobs->v, r->manifest);
	for (size_t i = 0; n == 0 && i < r->n_layers; i++) {
		n = strv_add(&blobs->v, r->layers[i].blob);
		if (n == 0)
			n = strv_add(&trees->v, r->layers[i].diff_id);
	}
	return n;
}

static int open_list(int dirfd, const char *path, DIR **ret, struct err *e)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*ret = NULL;
	if (fd < 0)
		return errno == ENOENT ? 0 : err_set(e, -errno, "open %s in the image store", path);
	*ret = fdopendir(fd);
	if (!*ret) {
		close(fd);
		return err_set(e, -ENOMEM, "list %s in the image store", path);
	}
	return 0;
}

/* What file_replace() leaves when it is killed; all its callers here hold the store's lock. */
static bool is_leftover(const char *name)
{
	return name[0] == '.' && strlen(name) > 8;
}

/* keep: the blobs that stay; NULL: the directory has none, only leftovers go. */
static int sweep_files(
	struct image_store *s, const char *dir, const struct names *keep, struct err *e)
{
	struct dirent *de;
	DIR *d;
	int r = open_list(s->dirfd, dir, &d, e);

	if (r < 0 || !d)
		return r;
	while (r == 0 && (de = readdir(d))) {
		bool blob = keep && digest_hex_valid(de->d_name);

		if (blob && !names_have(keep, de->d_name))
			r = aside_blob(s, de->d_name, e);
		else if (!blob && is_leftover(de->d_name) &&
			 unlinkat(dirfd(d), de->d_name, 0) < 0 && errno != ENOENT)
			r = err_set(e, -errno, "remove %s/%s", dir, de->d_name);
	}
	closedir(d);
	return r;
}

static int sweep_form(struct image_store *s, int form_fd, void *ctx, struct err *e)
{
	const struct names *keep = ctx;
	struct dirent *de;
	DIR *d = NULL;
	int r = open_list(form_fd, ".", &d, e);

	(void)s;
	while (r == 0 && d && (de = readdir(d))) {
		if (digest_hex_valid(de->d_name) && !names_have(keep, de->d_name))
			r = aside_tree(form_fd, de->d_name, e);
		else if (is_leftover(de->d_name) && unlinkat(form_fd, de->d_name, 0) < 0 &&
			 errno != ENOENT)
			r = err_set(e, -errno, "remove %s of the layers", de->d_name);
	}
	if (d)
		closedir(d);
	return r;
}

int each_form(struct image_store *s,
	int (*fn)(struct image_store *s, int form_fd, void *ctx, struct err *e), void *ctx,
	struct err *e)
{
	struct dirent *de;
	DIR *d;
	int r = open_list(s->dirfd, "layers", &d, e);

	while (r == 0 && d && (de = readdir(d))) {
		_cleanup_fd_ int form_fd = -1;

		if (de->d_name[0] == '.')
			continue;
		form_fd = openat(
			dirfd(d), de->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = form_fd < 0 ? err_set(e, -errno, "open layers/%s", de->d_name)
				: fn(s, form_fd, ctx, e);
	}
	if (d)
		closedir(d);
	return r;
}

int store_collect(struct image_store *s, struct err *e)
{
	_cleanup_(names_free)
	struct names blobs = { 0 };
	_cleanup_(names_free)
	struct names trees = { 0 };
	struct tag *all = NULL;
	size_t n = 0;
	int r = tag_all(s, &all, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = mark(&all[i], &blobs, &trees);
	tags_free(all, n);
	if (r < 0)
		return e && e->code ? r : err_set(e, r, "collect");
	names_sort(&blobs);
	names_sort(&trees);
	r = sweep_files(s, STORE_IMAGES, NULL, e);
	if (r == 0)
		r = sweep_files(s, STORE_BLOBS, &blobs, e);
	return r < 0 ? r : each_form(s, sweep_form, &trees, e);
}
