/* SPDX-License-Identifier: Apache-2.0 */
/* Records: which image a name means, one file each, replaced atomically. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "image/additional.h"
#include "image/ref.h"
#include "image/store.h"

#define RECORD_MAX (1U << 20)
#define LABELS_MAX 16384 /* longer ones stay in the config alone */
#define FILE_MAX (sizeof(STORE_IMAGES) + REF_MAX + 16)

void tag_free(struct tag *r)
{
	for (size_t i = 0; i < r->n_layers; i++) {
		free(r->layers[i].diff_id);
		free(r->layers[i].blob);
	}
	free(r->layers);
	free(r->name);
	free(r->id);
	free(r->manifest);
	free(r->index);
	free(r->origin);
	json_decref(r->labels);
	*r = (struct tag){ 0 };
}

void tags_free(struct tag *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tag_free(&r[i]);
	free(r);
}

/* "docker.io/library/x:latest" -> "images/docker.io+library+x:latest.json": no name has a '+'. */
static int file_name(const char *name, char buf[FILE_MAX])
{
	size_t dir = strlen(STORE_IMAGES "/");
	int n = snprintf(buf, FILE_MAX, STORE_IMAGES "/%s.json", name);

	if (n < 0 || (size_t)n >= FILE_MAX)
		return -ENAMETOOLONG;
	for (char *p = buf + dir; (p = strchr(p, '/'));)
		*p = '+';
	return 0;
}

static int get_digest(json_t *o, const char *key, char **ret, struct err *e)
{
	int r = json_get_strdup(o, key, ret, e);

	if (r < 0)
		return r;
	if (r == 0 || !digest_hex_valid(*ret))
		return err_msg(e, -EINVAL, "%s: want a digest", key);
	return 0;
}

static int read_layers(json_t *doc, struct tag *ret, struct err *e)
{
	json_t *arr = NULL, *o;
	size_t i;
	int r = json_get_arr(doc, "layers", &arr, e);

	if (r ==
		0) /* cut off after the first line: nothing must take it for an image without any */
		r = err_msg(e, -EINVAL, "layers: missing");
	if (r < 0)
		return r;
	if (json_array_size(arr) > UCTR_MAX_LAYERS)
		return err_msg(e, -EINVAL, "layers: too many");
	ret->layers = calloc(json_array_size(arr) + 1, sizeof(*ret->layers));
	if (!ret->layers)
		return err_set(e, -ENOMEM, "layers");
	json_array_foreach (arr, i, o) {
		struct tag_layer *l = &ret->layers[ret->n_layers++];

		r = get_digest(o, "diffId", &l->diff_id, e);
		if (r == 0)
			r = get_digest(o, "digest", &l->blob, e);
		if (r == 0)
			r = json_get_u64(o, "size", &l->blob_size, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_record(json_t *doc, struct tag *ret, struct err *e)
{
	int64_t schema = 0;
	int r = json_get_i64(doc, "schema", &schema, e);

	if (r >= 0 && schema != STORE_SCHEMA)
		return err_msg(e, -EPROTO, "schema %lld; this uctr reads %d", (long long)schema,
			STORE_SCHEMA);
	if (r >= 0)
		r = json_get_strdup(doc, "name", &ret->name, e);
	if (r == 0)
		r = err_msg(e, -EINVAL, "name: missing");
	if (r >= 0)
		r = get_digest(doc, "id", &ret->id, e);
	if (r >= 0)
		r = get_digest(doc, "manifest", &ret->manifest, e);
	if (r >= 0 && json_object_get(doc, "index"))
		r = get_digest(doc, "index", &ret->index, e);
	if (r >= 0)
		r = json_get_strdup(doc, "origin", &ret->origin, e);
	if (r >= 0)
		r = json_get_bool(doc, "pinned", &ret->pinned, e);
	if (r >= 0)
		r = json_get_i64(doc, "created", &ret->created, e);
	if (r >= 0)
		r = json_get_u64(doc, "size", &ret->size, e);
	if (r >= 0)
		r = json_get_i64(doc, "built", &ret->built, e);
	if (r >= 0)
		r = json_get_obj(doc, "labels", &ret->labels, e);
	if (r > 0)
		json_incref(ret->labels);
	return r < 0 ? r : 0;
}

static int read_text(struct image_store *s, const char *path, char **ret, size_t *ret_len)
{
	_cleanup_fd_ int fd = -1;

	if (!s->shared)
		return file_read(s->dirfd, path, RECORD_MAX, ret, ret_len);
	fd = additional_open(s, path);
	return fd < 0 ? fd : fd_slurp(fd, RECORD_MAX, ret, ret_len);
}

/* The first line is what lists need, the second one has the layers. */
static int load_file(
	struct image_store *s, const char *path, bool listed, struct tag *ret, struct err *e)
{
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_json_ json_t *doc = NULL, *layers = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0, first;
	const char *where = s->shared ? s->shared : "the image store";
	int r = read_text(s, path, &text, &len);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return s->shared ? err_msg(e, r, "read %s in %s: %s", path, where,
					   additional_reason(r))
				 : err_set(e, r, "read %s in %s", path, where);
	first = strcspn(text, "\n");
	r = json_parse(text, first, "record", &doc, e);
	if (r == 0 && !listed && first < len)
		r = json_parse(text + first, len - first, "record", &layers, e);
	if (r == 0)
		r = read_record(doc, &rec, e);
	/* Records of an older version have one line with everything. */
	if (r == 0 && !listed)
		r = read_layers(layers ? layers : doc, &rec, e);
	if (r == 0 && s->shared)
		r = additional_check_record(&rec, path + strlen(STORE_IMAGES "/"), e);
	if (r < 0)
		err_wrap(e, r, "%s in %s", path, where);
	if (r == -EINVAL && !s->shared)
		err_hint(e, "\"uctr system check --repair\" moves it aside");
	if (r < 0)
		return r;
	rec.shared = s->shared;
	*ret = rec;
	rec = (struct tag){ 0 };
	return 1;
}

int tag_load(struct image_store *s, const char *name, struct tag *ret, struct err *e)
{
	char path[FILE_MAX];

	if (file_name(name, path) < 0)
		return 0;
	return load_file(s, path, false, ret, e);
}

/* The file of a record: its name, or "@ID". */
static int tag_file(const struct tag *r, char buf[FILE_MAX])
{
	char unnamed[UCTR_DIGEST_HEX + 2];

	if (*r->name)
		return file_name(r->name, buf);
	snprintf(unnamed, sizeof(unnamed), "@%s", r->id);
	return file_name(unnamed, buf);
}

static json_t *layers_to_json(const struct tag *r)
{
	json_t *layers = json_array();

	for (size_t i = 0; i < r->n_layers; i++)
		json_array_append_new(layers,
			json_pack("{ss ss sI}", "diffId", r->layers[i].diff_id, "digest",
				r->layers[i].blob, "size", (json_int_t)r->layers[i].blob_size));
	return json_pack("{so}", "layers", layers);
}

static json_t *to_json(const struct tag *r)
{
	return json_pack("{si ss ss ss ss* ss* so* sI sI}", "schema", STORE_SCHEMA, "name", r->name,
		"id", r->id, "manifest", r->manifest, "index", r->index, "origin", r->origin,
		"pinned", r->pinned ? json_true() : NULL, "created", (json_int_t)r->created, "size",
		(json_int_t)r->size);
}

/* What the config says for lists, unless that is more than a list should have to read. */
static void add_description(struct image_store *s, const struct tag *r, json_t *doc)
{
	struct tag d = { .id = r->id, .created = r->created };

	tag_describe(s, &d);
	json_object_set_new(doc, "built", json_integer(d.built));
	if (json_dumpb(d.labels, NULL, 0, 0) <= LABELS_MAX)
		json_object_set(doc, "labels", d.labels);
	json_decref(d.labels);
}

int tag_save(struct image_store *s, const struct tag *rec, struct err *e)
{
	_cleanup_json_ json_t *doc = to_json(rec), *layers = layers_to_json(rec);
	_cleanup_free_ char *first = NULL, *second = NULL, *text = NULL;
	_cleanup_fd_ int dir = -1;
	char path[FILE_MAX];
	int r;

	if (doc)
		add_description(s, rec, doc);
	first = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	second = layers ? json_dumps(layers, JSON_COMPACT) : NULL;
	text = first && second ? str_printf("%s\n%s\n", first, second) : NULL;
	r = text ? tag_file(rec, path) : -ENOMEM;
	if (r < 0)
		return err_set(e, r, "write the image record");
	dir = openat(s->dirfd, STORE_IMAGES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? -errno : 0;
	if (r == 0)
		r = file_replace(dir, path + strlen(STORE_IMAGES "/"), text, strlen(text),
			store_mode(dir), true);
	return r < 0 ? err_set(e, r, "write %s in the image store", path) : 0;
}

int64_t tag_last_used(struct image_store *s, const struct tag *rec)
{
	struct stat st;
	char path[FILE_MAX];

	if (tag_file(rec, path) < 0 || fstatat(s->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return st.st_mtime;
}

void tag_used(struct image_store *s, const struct tag *rec)
{
	char path[FILE_MAX];

	/* A store that can only be read keeps its times, and its images. */
	if (time(NULL) - tag_last_used(s, rec) > 30 && tag_file(rec, path) == 0)
		(void)utimensat(s->dirfd, path, NULL, AT_SYMLINK_NOFOLLOW);
}

int tag_delete(struct image_store *s, const struct tag *rec, struct err *e)
{
	char path[FILE_MAX];
	int r = tag_file(rec, path);

	if (r == 0 && unlinkat(s->dirfd, path, 0) < 0 && errno != ENOENT)
		r = -errno;
	return r < 0 ? err_set(e, r, "remove the record of image %s", rec->name) : 0;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int add_record(struct image_store *s, const char *file, bool listed,
	const struct bad_records *bad, struct tag **list, size_t *n, struct err *e)
{
	struct tag *grown = realloc(*list, (*n + 1) * sizeof(**list));
	char path[sizeof(STORE_IMAGES) + 256];
	struct err what = ERR_INIT;
	int r;

	if (!grown)
		return err_set(e, -ENOMEM, "list the images");
	*list = grown;
	snprintf(path, sizeof(path), STORE_IMAGES "/%s", file);
	r = load_file(s, path, listed, &grown[*n], &what);
	if (r > 0)
		(*n)++;
	if (r >= 0)
		return 0;
	if (bad && !err_is_shortage(r))
		return bad->fn(s, path, r, &what, bad->ctx, e);
	return err_msg(e, r, "%s", what.msg);
}

static int load_all(struct image_store *s, bool listed, const struct bad_records *bad,
	struct tag **ret, size_t *ret_n, struct err *e)
{
	int fd = openat(s->dirfd, STORE_IMAGES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp)
	DIR *d = NULL;
	struct tag *list = NULL;
	struct dirent *de;
	size_t n = 0;
	int r = 0;

	*ret = NULL;
	*ret_n = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : err_set(e, -errno, "open the image store");
	d = fdopendir(fd);
	if (!d) {
		r = -errno;
		close(fd);
		return err_set(e, r, "open the image store");
	}
	while (r == 0 && (errno = 0, de = readdir(d))) {
		if (de->d_name[0] != '.' && str_endswith(de->d_name, ".json"))
			r = add_record(s, de->d_name, listed, bad, &list, &n, e);
	}
	if (r == 0 && errno)
		r = err_set(e, -errno, "list the images");
	if (r < 0) {
		tags_free(list, n);
		return r;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

static int warn(struct image_store *s, const char *path, int why, const struct err *what, void *ctx,
	struct err *e)
{
	(void)path, (void)why, (void)ctx, (void)e;
	store_warn(s, what->msg);
	return 0;
}

int tag_all(struct image_store *s, struct tag **ret, size_t *ret_n, struct err *e)
{
	return load_all(s, false, NULL, ret, ret_n, e);
}

int tags_readable(struct image_store *s, struct tag **ret, size_t *ret_n, struct err *e)
{
	static const struct bad_records skip = { .fn = warn };

	return load_all(s, false, &skip, ret, ret_n, e);
}

int tags_listed(struct image_store *s, struct tag **ret, size_t *ret_n, struct err *e)
{
	static const struct bad_records skip = { .fn = warn };

	return load_all(s, true, &skip, ret, ret_n, e);
}

int tags_check(struct image_store *s, const struct bad_records *bad, struct tag **ret,
	size_t *ret_n, struct err *e)
{
	return load_all(s, false, bad, ret, ret_n, e);
}

int tag_set_aside(struct image_store *s, const char *path, struct err *e)
{
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_free_ char *to = str_printf("%s.damaged", path);
	_cleanup_fd_ int lock = to ? store_lock(s, e) : err_set(e, -ENOMEM, "check");
	int r = lock < 0 ? lock : load_file(s, path, false, &rec, NULL);

	if (lock < 0 || r != -EINVAL)
		return lock < 0 ? lock : 0; /* written anew meanwhile, or gone */
	if (renameat(s->dirfd, path, s->dirfd, to) < 0)
		return err_set(e, -errno, "move %s aside in the image store", path);
	return 1;
}
