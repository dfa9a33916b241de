/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for damage in the store: records, blobs and trees against what they must be. */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "image/additional.h"
#include "image/layers.h"
#include "image/ref.h"

/*
 * Nothing is locked while files are read, as that takes seconds: what is in the store has a final name
 * and does not change. It may go, which is no damage. Only a removal takes the lock, and renames.
 */
static int _printf_(3, 4) finding(struct image_check *c, struct err *e, const char *fmt, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n < 0) {
		line = NULL;
		return err_set(e, -ENOMEM, "check");
	}
	c->damaged++;
	return strv_add(&c->lines, line) < 0 ? err_set(e, -ENOMEM, "check") : 0;
}

static int open_dir(int at, const char *path, DIR **ret, struct err *e)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

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

static int check_blob(struct image_store *s, const char *hex, struct image_check *c, struct err *e)
{
	struct transfer t = TRANSFER_INIT("digest");
	struct transfer_result res = { 0 };
	struct err why = ERR_INIT;
	_cleanup_fd_ int fd = -1, lock = -1;
	char path[BLOB_PATH_MAX];
	int r;

	blob_path(hex, path);
	if (s->shared)
		fd = additional_open(s, path);
	else
		fd = openat(s->dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	r = fd >= 0 ? 0 : s->shared ? fd : -errno;
	if (r == -ENOENT)
		return 0;
	if (r < 0 && s->shared)
		return finding(
			c, e, "blob sha256:%.12s cannot be used: %s", hex, additional_reason(r));
	if (r < 0)
		return err_set(e, r, "open blob sha256:%.12s", hex);
	c->blobs++;
	t.in_fd = fd;
	t.digest = hex;
	r = transfer_run(&t, &res, &why);
	if (r == 0)
		return 0;
	/* EISDIR: no file at all; EIO: the disk cannot read it. */
	if (r != -EBADMSG && r != -EIO && r != -EISDIR)
		return err_msg(e, r, "%s", why.msg);
	if (!c->repair)
		return finding(c, e, "blob sha256:%.12s is damaged", hex);
	lock = store_lock(s, e);
	r = lock < 0 ? lock : aside_blob(s, hex, e);
	if (r < 0)
		return r;
	c->repaired++;
	return finding(c, e, "blob sha256:%.12s was damaged and is removed", hex);
}

static int check_blobs(struct image_store *s, struct image_check *c, struct err *e)
{
	struct dirent *de;
	DIR *d;
	int r = open_dir(s->dirfd, STORE_BLOBS, &d, e);

	while (r == 0 && d && (de = readdir(d))) {
		if (digest_hex_valid(de->d_name))
			r = check_blob(s, de->d_name, c, e);
	}
	if (d)
		closedir(d);
	return r;
}

int layer_is_whole(
	struct image_store *s, int form_fd, const char *id, struct err *why, struct err *e)
{
	struct transfer t = TRANSFER_INIT("survey");
	struct transfer_result want, have = { 0 };
	_cleanup_fd_ int tree = -1;
	int r = marker_read(form_fd, id, &want, why);

	if (r < 0)
		return r == -ENOENT ? 1 : 0;
	tree = openat(form_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (tree < 0 && errno == EACCES) /* the root directory of an image may be closed */
		tree = openat(form_fd, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (tree < 0) {
		err_set(why, -errno, "its directory cannot be opened");
		return 0;
	}
	r = store_need_userns(s, e);
	if (r < 0)
		return r;
	t.out_fd = tree;
	t.userns_fd = s->userns_fd;
	r = transfer_run(&t, &have, why);
	if (r < 0)
		return 0;
	/* An older uctr did not write down what it should be: the walk alone has to do. */
	if (!*want.survey || (streq(want.survey, have.survey) && want.files == have.files))
		return 1;
	if (want.files != have.files)
		err_msg(why, -EBADMSG, "it has %llu files instead of %llu",
			(unsigned long long)have.files, (unsigned long long)want.files);
	else
		err_msg(why, -EBADMSG, "names, sizes, owners, modes or times differ");
	return 0;
}

static int check_tree(
	struct image_store *s, int form_fd, const char *id, struct image_check *c, struct err *e)
{
	struct err why = ERR_INIT;
	_cleanup_fd_ int lock = -1;
	int r = layer_is_whole(s, form_fd, id, &why, e);

	c->trees++;
	if (r != 0)
		return r < 0 ? r : 0;
	if (!c->repair)
		return finding(c, e, "the tree of layer sha256:%.12s is damaged: %s", id, why.msg);
	lock = store_lock(s, e);
	r = lock < 0 ? lock : aside_tree(form_fd, id, e);
	if (r < 0)
		return r;
	c->repaired++;
	return finding(c, e,
		"the tree of layer sha256:%.12s was damaged and is removed, the next start makes "
		"it "
		"anew: %s",
		id, why.msg);
}

static int check_form(struct image_store *s, int form_fd, void *ctx, struct err *e)
{
	struct dirent *de;
	DIR *d;
	int r = open_dir(form_fd, ".", &d, e);

	while (r == 0 && d && (de = readdir(d))) {
		char id[UCTR_DIGEST_HEX + 1];

		if (strlen(de->d_name) != UCTR_DIGEST_HEX + 3 || !str_endswith(de->d_name, ".ok"))
			continue;
		memcpy(id, de->d_name, UCTR_DIGEST_HEX);
		id[UCTR_DIGEST_HEX] = '\0';
		if (digest_hex_valid(id))
			r = check_tree(s, form_fd, id, ctx, e);
	}
	if (d)
		closedir(d);
	return r;
}

/* After the blobs, so that what was removed there is told here with the names that need it. */
static int check_record(
	struct image_store *s, const struct tag *rec, struct image_check *c, struct err *e)
{
	const char *name = *rec->name ? rec->name : rec->id;
	int r = 0;

	if (!blob_exists(s, rec->id) || !blob_exists(s, rec->manifest))
		r = finding(c, e,
			"image %s cannot be used, its configuration or manifest is missing; pull "
			"or "
			"import it again",
			name);
	for (size_t i = 0; r == 0 && i < rec->n_layers; i++) {
		if (!blob_exists(s, rec->layers[i].blob))
			r = finding(c, e,
				"image %s lacks the blob of layer %zu, sha256:%.12s; pull or "
				"import "
				"it again",
				name, i + 1, rec->layers[i].blob);
	}
	return r;
}

static int check_bad_record(struct image_store *s, const char *path, int why,
	const struct err *what, void *ctx, struct err *e)
{
	struct image_check *c = ctx;
	int r = why == -EINVAL && c->repair ? tag_set_aside(s, path, e) : 0;

	if (r < 0)
		return r;
	if (r == 0)
		return why == -EINVAL && c->repair ? 0 : finding(c, e, "%s", what->msg);
	c->repaired++;
	return finding(c, e,
		"%s in the image store was damaged and is now %s.damaged; pull or import the "
		"image again",
		path, path);
}

static int check_records(struct image_store *s, struct image_check *c, struct err *e)
{
	const struct bad_records bad = { .fn = check_bad_record, .ctx = c };
	struct tag *all = NULL;
	size_t n = 0;
	int r = tags_check(s, &bad, &all, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = check_record(s, &all[i], c, e);
	tags_free(all, n);
	return r;
}

/* What others keep is told of, and left as it is; their trees are for nobody here. */
static int check_additional(struct image_store *s, struct image_check *c, struct err *e)
{
	struct image_check look = { 0 };
	int r = check_blobs(s, &look, e);

	if (r == 0)
		r = check_records(s, &look, e);
	c->blobs += look.blobs;
	strv_foreach (line, look.lines) {
		if (r == 0)
			r = finding(c, e, "additional store %s: %s", s->shared, line);
	}
	strv_free(look.lines);
	return r;
}

int image_check(struct image_store *s, struct image_check *c, struct err *e)
{
	struct image_store *more;
	size_t n = additional_stores(s, &more);
	int r = check_blobs(s, c, e);

	if (r == 0)
		r = each_form(s, check_form, c, e);
	if (r == 0)
		r = check_records(s, c, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = check_additional(&more[i], c, e);
	return r;
}
