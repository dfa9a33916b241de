/* SPDX-License-Identifier: Apache-2.0 */
/* OCI image layouts as a source: every document, descriptor and file in them is hostile. */
#include "image/layout.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/red.h"
#include "base/file.h"
#include "base/str.h"
#include "image/source.h"
#include "image/store.h"
#include "sys/inroot.h"

struct layout {
	struct image_source source;
	int dir;
	char *what;
};

/* A blob is a regular file of the announced size, reached through no link. */
static int open_blob(int layout, const struct descriptor *d, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	char path[BLOB_PATH_MAX];
	struct stat st;

	blob_path(d->digest, path);
	fd = inroot_open_nolinks(layout, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_set(e, fd, "open blob sha256:%.12s", d->digest);
	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "look at blob sha256:%.12s", d->digest);
	if (!S_ISREG(st.st_mode))
		return err_msg(e, -EINVAL, "blob sha256:%.12s is not a regular file", d->digest);
	if ((uint64_t)st.st_size != d->size && !red_off("blob-size"))
		return err_msg(e, -EBADMSG, "blob sha256:%.12s has %llu bytes, announced were %llu",
			d->digest, (unsigned long long)st.st_size, (unsigned long long)d->size);
	return take_fd(&fd);
}

static int layout_document(struct image_source *src, const struct descriptor *want,
	struct document *ret, struct err *e)
{
	struct layout *l = (struct layout *)src;
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r;

	if (want)
		fd = open_blob(l->dir, want, e);
	else
		fd = inroot_open_nolinks(l->dir, "index.json", O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return want ? fd : err_set(e, fd, "read index.json");
	if (!want && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		return err_msg(e, -EINVAL, "index.json is not a regular file");
	r = fd_slurp(fd, UCTR_MAX_DOCUMENT, &ret->text, &ret->len);
	if (r < 0)
		return err_set(e, r, "read %s", want ? "a document" : "index.json");
	if (want)
		return 0;
	ret->type = strdup("application/vnd.oci.image.index.v1+json");
	return ret->type ? 0 : err_set(e, -ENOMEM, "index.json");
}

static int layout_blob(
	struct image_source *src, const struct descriptor *want, int part_fd, struct err *e)
{
	fd_closep(&part_fd);
	return open_blob(((struct layout *)src)->dir, want, e);
}

static void layout_close(struct image_source *src)
{
	struct layout *l = (struct layout *)src;

	fd_closep(&l->dir);
	free(l->what);
	free(l);
}

int layout_source(const char *path, struct image_source **ret, struct err *e)
{
	static const struct image_source_ops ops = {
		.document = layout_document,
		.blob = layout_blob,
		.close = layout_close,
	};
	_cleanup_fd_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct layout *l;

	if (dir < 0)
		return err_set(e, -errno, "open the image layout %s", path);
	l = calloc(1, sizeof(*l));
	if (l)
		l->what = str_printf("image layout %s", path);
	if (!l || !l->what) {
		free(l);
		return err_set(e, -ENOMEM, "image layout");
	}
	l->dir = take_fd(&dir);
	l->source = (struct image_source){ .ops = &ops, .what = l->what };
	*ret = &l->source;
	return 0;
}

int layout_import(struct image_store *s, const char *path, const char *name, struct err *e)
{
	_cleanup_source_ struct image_source *src = NULL;
	struct image_fetch f = { .name = name };
	int r = layout_source(path, &src, e);

	f.source = src;
	return r < 0 ? r : image_fetch(s, &f, NULL, e);
}
