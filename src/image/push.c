/* SPDX-License-Identifier: Apache-2.0 */
/* image_push: a stored image, byte for byte, into a repository. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "image/lookup.h"
#include "image/registry.h"

static int load_manifest(
	struct image_store *s, const char *hex, struct document *ret, struct err *e)
{
	char path[BLOB_PATH_MAX];
	int r;

	blob_path(hex, path);
	r = file_read(s->dirfd, path, UCTR_MAX_DOCUMENT, &ret->text, &ret->len);
	if (r < 0)
		return err_set(e, r, "read the manifest");
	r = document_parse(ret, "manifest", hex, e);
	return r < 0 ? r : document_classify(ret, e);
}

static int send_blob(
	struct image_store *s, struct image_sink *dst, const struct descriptor *d, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	char path[BLOB_PATH_MAX];
	struct stat st;

	blob_path(d->digest, path);
	fd = openat(s->dirfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, -errno, "open the kept blob sha256:%.12s", d->digest);
	if ((uint64_t)st.st_size != d->size)
		return err_msg(e, -EBADMSG, "the kept blob sha256:%.12s is damaged", d->digest);
	return dst->ops->put_blob(dst, d, fd, e);
}

static void show(const struct fetch_watch *w, struct fetch_layer *layers, size_t n)
{
	if (w)
		w->show(w->ctx, layers, n);
}

/* The layers, one after the other into the sink, which may work on several; then the config. */
static int send_blobs(struct image_store *s, const struct document *manifest,
	struct image_sink *dst, const struct fetch_watch *w, struct err *e)
{
	struct fetch_layer layers[UCTR_MAX_LAYERS] = { 0 };
	json_t *list = NULL, *config = NULL, *o;
	struct descriptor d;
	size_t i, n;
	int r = json_get_arr(manifest->json, "layers", &list, e);

	if (r >= 0)
		r = json_get_obj(manifest->json, "config", &config, e);
	if (r < 0)
		return r;
	n = json_array_size(list);
	if (n > UCTR_MAX_LAYERS)
		return err_msg(e, -EINVAL, "too many layers");
	json_array_foreach (list, i, o) {
		r = descriptor_read(o, UCTR_MAX_LAYER_BYTES, &d, e);
		if (r == 0)
			r = send_blob(s, dst, &d, e);
		if (r < 0)
			return err_wrap(e, r, "layer %zu", i + 1);
		layers[i] = (struct fetch_layer){ FETCH_RUNNING, d.digest, 0, d.size };
	}
	show(w, layers, n);
	r = descriptor_read(config, UCTR_MAX_DOCUMENT, &d, e);
	if (r == 0)
		r = send_blob(s, dst, &d, e);
	if (r == 0)
		r = dst->ops->flush(dst, e);
	for (i = 0; r == 0 && i < n; i++) {
		layers[i].state = FETCH_DONE;
		layers[i].done = layers[i].size;
	}
	if (r == 0)
		show(w, layers, n);
	return r;
}

int image_send(struct image_store *s, const char *manifest_hex, struct image_sink *dst,
	const struct fetch_watch *w, struct err *e)
{
	_cleanup_document_ struct document manifest = { 0 };
	int r = load_manifest(s, manifest_hex, &manifest, e);

	if (r == 0)
		r = send_blobs(s, &manifest, dst, w, e);
	if (r == 0)
		r = dst->ops->put_document(dst, &manifest, true, e);
	return r < 0 ? err_wrap(e, r, "%s", dst->what) : 0;
}

/* The repository that the image came from, when it is one of the same registry. malloc'ed. */
static char *mount_from(const struct tag *rec, const struct ref *to)
{
	const char *path = rec->origin ? strchr(rec->origin, '/') : NULL;

	if (!path || (size_t)(path - rec->origin) != strlen(to->host) ||
		strncmp(rec->origin, to->host, strlen(to->host)) != 0 || streq(path + 1, to->path))
		return NULL;
	return strdup(path + 1);
}

static int destination(const char *text, struct ref *ret, struct err *e)
{
	int r = ref_parse(str_startswith(text, "docker://") ? text + 9 : text, ret, e);

	if (r < 0)
		return r;
	if (ret->digest)
		return err_msg(e, -EINVAL, "push %.80s: a digest cannot be chosen", text);
	if (!ret->host && !(ret->host = strdup(REF_HOST_DOCKER)))
		return err_set(e, -ENOMEM, "image name");
	return 0;
}

int image_push(struct image_store *s, const struct image_push *p, char **ret_digest, struct err *e)
{
	_cleanup_sink_ struct image_sink *dst = NULL;
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_(ref_free)
	struct ref to = { 0 };
	_cleanup_free_ char *mount = NULL;
	bool by_id;
	int r = lookup(s, p->name, &rec, &by_id, e);

	if (r == 0)
		return lookup_failed(p->name, e);
	if (r < 0)
		return r;
	if (!p->destination && (by_id || !*rec.name))
		return err_msg(e, -EINVAL,
			"push %.80s: an id says nothing of where to; name the "
			"destination too",
			p->name);
	r = destination(p->destination ? p->destination : rec.name, &to, e);
	if (r < 0)
		return r;
	mount = mount_from(&rec, &to);
	r = registry_sink(&to, &p->remote, mount, &dst, e);
	if (r == 0)
		r = image_send(s, rec.manifest, dst, p->watch, e);
	if (r == -EACCES)
		err_hint(e, "\"uctr login %s\" gives a name and password", to.host);
	if (r == 0 && !(*ret_digest = str_printf("sha256:%s", rec.manifest)))
		r = err_set(e, -ENOMEM, "push");
	return r;
}
