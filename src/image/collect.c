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

struct marks {
	char **blobs, **trees;
};

static int mark(struct marks *m, const struct tag *r)
{
	int n = strv_add(&m->blobs, r->id);

	if (n == 0)
		n = strv_add(&m->blobs, r->manifest);
	for (size_t i = 0; n == 0 && i < r->n_layers; i++) {
		n = strv_add(&m->blobs, r->layers[i].blob);
		if (n == 0)
			n = strv_add(&m->trees, r->layers[i].diff_id);
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

static int sweep_files(
	struct image_store *s, const char *dir, bool blobs, char *const *keep, struct err *e)
{
	struct dirent *de;
	DIR *d;
	int r = open_list(s->dirfd, dir, &d, e);

	if (r < 0 || !d)
		return r;
	while (r == 0 && (de = readdir(d))) {
		bool blob = blobs && digest_hex_valid(de->d_name);

		if (!is_leftover(de->d_name) && (!blob || strv_contains(keep, de->d_name)))
			continue;
		if (unlinkat(dirfd(d), de->d_name, 0) < 0 && errno != ENOENT)
			r = err_set(e, -errno, "remove %s/%s", dir, de->d_name);
	}
	closedir(d);
	return r;
}

/* The marker goes first: from then on the tree does not exist for readers. */
static int sweep_tree(struct image_store *s, int form_fd, const char *id, struct err *e)
{
	char marker[UCTR_DIGEST_HEX + 8];

	snprintf(marker, sizeof(marker), "%.64s.ok", id);
	if (unlinkat(form_fd, marker, 0) < 0 && errno != ENOENT)
		return err_set(e, -errno, "remove the layer %.12s", id);
	return layer_remove_tree(s, form_fd, id, e);
}

static int sweep_form(struct image_store *s, const char *form, char *const *keep, struct err *e)
{
	_cleanup_free_ char *path = str_printf("layers/%s", form);
	struct dirent *de;
	DIR *d = NULL;
	int r = path ? open_list(s->dirfd, path, &d, e) : err_set(e, -ENOMEM, "collect");

	if (r < 0 || !d)
		return r;
	while (r == 0 && (de = readdir(d))) {
		if (digest_hex_valid(de->d_name) && !strv_contains(keep, de->d_name))
			r = sweep_tree(s, dirfd(d), de->d_name, e);
		else if (is_leftover(de->d_name) && unlinkat(dirfd(d), de->d_name, 0) < 0)
			r = err_set(e, -errno, "remove %s/%s", path, de->d_name);
	}
	closedir(d);
	return r;
}

static int sweep_forms(struct image_store *s, char *const *keep, struct err *e)
{
	struct dirent *de;
	DIR *d;
	int r = open_list(s->dirfd, "layers", &d, e);

	if (r < 0 || !d)
		return r;
	while (r == 0 && (de = readdir(d))) {
		if (de->d_name[0] != '.')
			r = sweep_form(s, de->d_name, keep, e);
	}
	closedir(d);
	return r;
}

int store_collect(struct image_store *s, struct err *e)
{
	_cleanup_strv_ char **blobs = NULL, **trees = NULL;
	struct marks m = { 0 };
	struct tag *all = NULL;
	size_t n = 0;
	int r = tag_all(s, &all, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = mark(&m, &all[i]);
	tags_free(all, n);
	blobs = m.blobs;
	trees = m.trees;
	if (r < 0)
		return e && e->code ? r : err_set(e, r, "collect");
	r = sweep_files(s, STORE_IMAGES, false, NULL, e);
	if (r == 0)
		r = sweep_files(s, STORE_BLOBS, true, blobs, e);
	return r < 0 ? r : sweep_forms(s, trees, e);
}
