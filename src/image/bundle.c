/* SPDX-License-Identifier: Apache-2.0 */
/* Reading directories and archives of images. */
#include "image/bundle.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/red.h"
#include "base/str.h"
#include "image/config.h"
#include "image/lookup.h"
#include "image/ref.h"
#include "image/transfer.h"
#include "sys/inroot.h"

#define IMAGES_MAX 1000
#define LINKS_MAX 8
#define REF_NAME "org.opencontainers.image.ref.name"
#define FULL_NAME "io.containerd.image.name"

void bundle_free(struct bundle *b)
{
	for (size_t i = 0; i < b->n; i++) {
		strv_free(b->images[i].names);
		free(b->images[i].text);
		free(b->images[i].type);
	}
	free(b->images);
	free(b->what);
	json_decref(b->names);
	json_decref(b->digests);
	fd_closep(&b->dir);
	stage_end(&b->st);
}

struct bundle_image *bundle_add(struct bundle *b)
{
	struct bundle_image *grown = realloc(b->images, (b->n + 1) * sizeof(*grown));

	if (!grown)
		return NULL;
	b->images = grown;
	grown[b->n] = (struct bundle_image){ 0 };
	return &grown[b->n++];
}

json_t *bundle_member(const struct bundle *b, const char *name)
{
	json_t *m = json_object_get(b->names, name);

	for (int i = 0; m && i < LINKS_MAX; i++) {
		const char *to = json_string_value(json_object_get(m, "link"));

		if (!to)
			return m;
		m = json_object_get(b->names, to);
	}
	return NULL;
}

/* A regular file, reached through no link: what lies in a directory may be anything. */
static int open_in_dir(const struct bundle *b, const char *name, struct stat *st)
{
	_cleanup_fd_ int fd = red_off("bundle-links") ? openat(b->dir, name, O_RDONLY | O_CLOEXEC)
						      : inroot_open_nolinks(b->dir, name,
								O_RDONLY | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return red_off("bundle-links") ? -errno : fd;
	if (fstat(fd, st) < 0)
		return -errno;
	return S_ISREG(st->st_mode) ? take_fd(&fd) : -EINVAL;
}

/* The helper's table names its files by number; anything else is not opened. */
static int open_numbered(const struct bundle *b, json_t *member, struct stat *st)
{
	const char *file = json_string_value(json_object_get(member, "file"));
	_cleanup_fd_ int fd = -1;

	if (!file || !*file || strspn(file, "0123456789") != strlen(file))
		return -ENOENT;
	fd = openat(b->dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, st) < 0)
		return -errno;
	return take_fd(&fd);
}

static int open_member(const struct bundle *b, const char *name, struct stat *st)
{
	return b->names ? open_numbered(b, bundle_member(b, name), st) : open_in_dir(b, name, st);
}

static int open_blob(const struct bundle *b, const struct descriptor *d, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	char path[BLOB_PATH_MAX];
	struct stat st;
	int r;

	if (b->names) {
		r = open_numbered(b, json_object_get(b->digests, d->digest), &st);
	} else {
		blob_path(d->digest, path);
		r = open_in_dir(b, b->flat ? d->digest : path, &st);
	}
	if (r < 0)
		return err_set(e, r, "open blob sha256:%.12s", d->digest);
	fd = r;
	if ((uint64_t)st.st_size != d->size)
		return err_msg(e, -EBADMSG, "blob sha256:%.12s has %llu bytes, announced were %llu",
			d->digest, (unsigned long long)st.st_size, (unsigned long long)d->size);
	return take_fd(&fd);
}

static int bundle_document(struct image_source *src, const struct descriptor *want,
	struct document *ret, struct err *e)
{
	struct bundle *b = (struct bundle *)src;
	const struct bundle_image *i = &b->images[b->at];
	const struct descriptor top = { .digest = i->digest, .size = i->size };
	char hex[UCTR_DIGEST_HEX + 1];
	_cleanup_fd_ int fd = -1;
	int r;

	if (!want && i->type && !(ret->type = strdup(i->type)))
		return err_set(e, -ENOMEM, "manifest");
	if (!want && i->text) {
		ret->text = strdup(i->text);
		ret->len = strlen(i->text);
		return ret->text ? 0 : err_set(e, -ENOMEM, "manifest");
	}
	fd = open_blob(b, want ? want : &top, e);
	if (fd < 0)
		return fd;
	r = fd_slurp(fd, UCTR_MAX_DOCUMENT, &ret->text, &ret->len);
	if (r < 0)
		return err_set(e, r, "read a document");
	/* What another document names is compared by whoever asks for it. */
	r = want ? 0 : blob_digest(ret->text, ret->len, top.digest, hex, e);
	return r < 0 ? err_wrap(e, r, "manifest") : 0;
}

static int bundle_blob(
	struct image_source *src, const struct descriptor *want, int part_fd, struct err *e)
{
	fd_closep(&part_fd);
	return open_blob((struct bundle *)src, want, e);
}

/* What is not there is no error: *ret stays NULL. */
static int load_json(
	const struct bundle *b, const char *name, char **ret_text, json_t **ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fd_ int fd = -1;
	struct stat st;
	size_t len = 0;
	int r = open_member(b, name, &st);

	if (r == -ENOENT)
		return 0;
	fd = r;
	if (r >= 0)
		r = fd_slurp(fd, UCTR_MAX_DOCUMENT, &text, &len);
	if (r < 0)
		return err_set(e, r, "read %s", name);
	r = json_parse(text, len, name, ret, e);
	if (r == 0 && ret_text)
		*ret_text = take_ptr(text);
	return r;
}

/* Docker writes the full name into an annotation of its own, podman into that of OCI. */
static int add_name(struct bundle_image *i, json_t *entry)
{
	json_t *notes = json_object_get(entry, "annotations");
	const char *full = json_string_value(json_object_get(notes, FULL_NAME));
	const char *ref = json_string_value(json_object_get(notes, REF_NAME));

	if (!full)
		full = ref;
	return full ? strv_add(&i->names, full) : 0;
}

/* Signatures and the like stand beside images, for a system that is none. */
static bool is_attachment(json_t *entry)
{
	const char *os =
		json_string_value(json_object_get(json_object_get(entry, "platform"), "os"));

	return os && streq(os, "unknown");
}

static int read_entry(struct bundle *b, json_t *entry, struct err *e)
{
	struct bundle_image *i;
	struct descriptor d;
	int r = descriptor_read(entry, UCTR_MAX_DOCUMENT, &d, e);

	if (r < 0)
		return r;
	/* Several names of one image are several entries. */
	for (size_t k = 0; k < b->n; k++) {
		if (streq(b->images[k].digest, d.digest))
			return add_name(&b->images[k], entry) < 0
				       ? err_set(e, -ENOMEM, "index.json")
				       : 0;
	}
	i = bundle_add(b);
	if (!i)
		return err_set(e, -ENOMEM, "index.json");
	memcpy(i->digest, d.digest, sizeof(i->digest));
	i->size = d.size;
	i->type = strdup(d.media_type);
	return !i->type || add_name(i, entry) < 0 ? err_set(e, -ENOMEM, "index.json") : 0;
}

/*
 * Entries with names are images; several without one are the platforms of a single image, of which
 * the index itself is the top document.
 */
static int read_index(struct bundle *b, const char *text, json_t *index, struct err *e)
{
	json_t *list = NULL, *entry;
	bool named = false;
	size_t i;
	int r = json_is_object(index) ? json_get_arr(index, "manifests", &list, e) : -EINVAL;

	if (r <= 0 || json_array_size(list) == 0 || json_array_size(list) > IMAGES_MAX)
		return r < 0 && e->code ? r
					: err_msg(e, -EINVAL, "index.json: want 1 to %d manifests",
						  IMAGES_MAX);
	json_array_foreach (list, i, entry) {
		r = is_attachment(entry) ? 0 : read_entry(b, entry, e);
		if (r < 0)
			return err_wrap(e, r, "index.json: manifests[%zu]", i);
	}
	for (i = 0; i < b->n; i++)
		named |= b->images[i].names != NULL;
	if (b->n == 1 || named)
		return 0;
	while (b->n > 1)
		free(b->images[--b->n].type);
	free(b->images[0].type);
	b->images[0].type = strdup("application/vnd.oci.image.index.v1+json");
	b->images[0].text = strdup(text);
	return b->images[0].type && b->images[0].text ? 0 : err_set(e, -ENOMEM, "index.json");
}

static int read_flat(struct bundle *b, char **text, struct err *e)
{
	struct bundle_image *i = bundle_add(b);

	b->flat = true;
	if (!i)
		return err_set(e, -ENOMEM, "manifest.json");
	i->text = take_ptr(*text);
	return 0;
}

static int find_out(struct bundle *b, struct err *e)
{
	_cleanup_json_ json_t *index = NULL, *manifest = NULL;
	_cleanup_free_ char *index_text = NULL, *manifest_text = NULL;
	int r = load_json(b, "index.json", &index_text, &index, e);

	if (r == 0 && !index)
		r = load_json(b, "manifest.json", &manifest_text, &manifest, e);
	if (r < 0)
		return r;
	if (index)
		return read_index(b, index_text, index, e);
	if (json_is_object(manifest) && !b->names)
		return read_flat(b, &manifest_text, e);
	if (json_is_array(manifest) && b->names)
		return bundle_read_docker(b, manifest, e);
	if (json_is_array(manifest))
		return err_msg(e, -EINVAL,
			"is an unpacked archive of docker; \"tar -C DIR -c . | uctr load\" reads "
			"it");
	return err_msg(e, -EINVAL,
		"holds no images: neither index.json nor manifest.json is in it%s",
		b->names ? " (\"uctr import\" takes root file systems)" : "");
}

static int index_members(struct bundle *b, json_t *table)
{
	json_t *m;
	size_t i;
	int bad = 0;

	b->names = json_object();
	b->digests = json_object();
	/* As for tar: of two members with one name the last one counts. */
	json_array_foreach (table, i, m) {
		const char *digest = json_string_value(json_object_get(m, "digest"));

		bad |= json_object_set(b->names, json_string_value(json_object_get(m, "name")), m);
		if (digest)
			bad |= json_object_set(b->digests, digest, m);
	}
	return bad ? -ENOMEM : 0;
}

static int take_apart(struct image_store *s, int in, struct bundle *b, struct err *e)
{
	struct transfer t = TRANSFER_INIT("members");
	_cleanup_json_ json_t *table = NULL;
	char name[64];
	int r = stage_begin(s, false, &b->st, e);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%s.new", b->st.key);
	b->dir = openat(b->st.form_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (b->dir < 0)
		return err_set(e, -errno, "open the directory for the archive");
	t.in_fd = in;
	t.out_fd = b->dir;
	t.hold_fd = b->st.lock_fd;
	r = transfer_run(&t, NULL, e);
	if (r < 0)
		return err_wrap(e, r, "%s", b->what);
	r = json_parse_file(b->dir, "members", 64U << 20, "members", &table, e);
	if (r < 0)
		return r;
	return index_members(b, table) < 0 ? err_set(e, -ENOMEM, "list the archive") : 0;
}

static int open_path(struct image_store *s, const char *path, struct bundle *b, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (streq(path, "-") && isatty(STDIN_FILENO))
		return err_msg(e, -EINVAL,
			"standard input is a terminal; name the archive with -i, or pipe it in");
	fd = streq(path, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			      : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_set(e, -errno, "open %s", path);
	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "look at %s", path);
	if (!S_ISDIR(st.st_mode))
		return take_apart(s, fd, b, e);
	b->dir = take_fd(&fd);
	return 0;
}

int bundle_open(struct image_store *s, const char *path, struct bundle *b, struct err *e)
{
	static const struct image_source_ops ops = {
		.document = bundle_document,
		.blob = bundle_blob,
	};
	int r;

	b->what = streq(path, "-") ? strdup("standard input") : strdup(path);
	if (!b->what)
		return err_set(e, -ENOMEM, "archive");
	b->source = (struct image_source){ .ops = &ops, .what = b->what };
	r = open_path(s, path, b, e);
	if (r < 0)
		return r;
	r = find_out(b, e);
	return r < 0 ? err_wrap(e, r, "%s", b->what) : 0;
}

/* In full, in the familiar form ("x" for docker.io/library/x:latest), or the tag alone. */
static bool has_ref(const struct bundle_image *i, const char *ref)
{
	_cleanup_free_ char *full = NULL;

	(void)name_new(ref, REF_HOST_DOCKER, &full, NULL); /* a tag alone need not be a name */
	strv_foreach (n, i->names) {
		_cleanup_free_ char *own = NULL;
		const char *colon = strrchr(n, ':');

		if (streq(n, ref) || (colon && streq(colon + 1, ref)) ||
			(full && name_new(n, REF_HOST_DOCKER, &own, NULL) == 0 && streq(own, full)))
			return true;
	}
	return false;
}

int bundle_pick(struct bundle *b, const char *ref, struct err *e)
{
	_cleanup_free_ char *clean = ref ? str_sanitise(ref) : NULL;

	if (!ref && b->n == 1)
		return 0;
	if (!ref)
		return err_msg(e, -EINVAL, "%s: holds %zu images; name one of them", b->what, b->n);
	for (b->at = 0; b->at < b->n; b->at++) {
		if (has_ref(&b->images[b->at], ref))
			return 0;
	}
	b->at = 0;
	return err_msg(e, -ENOENT, "%s: holds no image \"%.80s\"", b->what, clean ? clean : "");
}
