/* SPDX-License-Identifier: Apache-2.0 */
/* A repository of a registry as a sink. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/registry.h"

/* Uploads side by side; more are begun when these are done. */
#define UPLOADS 4

struct registry_sink {
	struct image_sink sink;
	struct registry *reg;
	char *host, *tag, *what; /* tag: NULL when the image is pushed by digest */
	int64_t ids[UPLOADS];
	size_t n;
};

/* What the registry refuses to a stranger it may give to somebody it knows. */
static int told(const struct registry_sink *s, int r, struct err *e)
{
	if (r == -EACCES)
		err_hint(e, "\"uctr login %s\" gives a name and password", s->host);
	return r;
}

static int wait_first(struct registry_sink *s, struct err *e)
{
	int r = registry_wait(s->reg, s->ids[0], NULL, e);

	memmove(s->ids, s->ids + 1, --s->n * sizeof(s->ids[0]));
	return told(s, r, e);
}

static int sink_has(struct image_sink *dst, const struct descriptor *d, struct err *e)
{
	struct registry_sink *s = (struct registry_sink *)dst;
	_cleanup_json_ json_t *answer = NULL;
	bool found = false;
	int r = registry_call(s->reg,
		json_pack("{ss so}", "op", "hasBlob", "ref", json_sprintf("sha256:%s", d->digest)),
		-1, &answer, e);

	if (r == 0)
		r = json_get_bool(answer, "found", &found, e);
	return r < 0 ? told(s, r, e) : found;
}

static int sink_put(struct image_sink *dst, const struct descriptor *d, int fd, struct err *e)
{
	struct registry_sink *s = (struct registry_sink *)dst;
	int64_t id;
	int r = s->n == UPLOADS ? wait_first(s, e) : 0;

	if (r < 0)
		return r;
	id = registry_send(s->reg,
		json_pack("{ss so sI}", "op", "putBlob", "ref",
			json_sprintf("sha256:%s", d->digest), "size", (json_int_t)d->size),
		fd, -1, e);
	if (id < 0)
		return (int)id;
	s->ids[s->n++] = id;
	return 0;
}

static int sink_flush(struct image_sink *dst, struct err *e)
{
	struct registry_sink *s = (struct registry_sink *)dst;
	int r = 0;

	while (r == 0 && s->n > 0)
		r = wait_first(s, e);
	return r;
}

static int sink_document(
	struct image_sink *dst, const struct document *doc, bool top, struct err *e)
{
	struct registry_sink *s = (struct registry_sink *)dst;
	_cleanup_fd_ int fd = memfd_create("document", MFD_CLOEXEC);
	_cleanup_free_ char *digest = str_printf("sha256:%s", doc->hex);
	int r = sink_flush(dst, e);

	if (r < 0)
		return r;
	r = fd < 0 ? -errno : !digest ? -ENOMEM : fd_write_all(fd, doc->text, doc->len);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (r < 0)
		return err_set(e, r, "memory for a document");
	r = registry_call(s->reg,
		json_pack("{ss ss ss sI}", "op", "putDocument", "ref",
			top && s->tag ? s->tag : digest, "type", doc->type, "size",
			(json_int_t)doc->len),
		fd, NULL, e);
	return told(s, r, e);
}

static void sink_end(struct image_sink *dst)
{
	struct registry_sink *s = (struct registry_sink *)dst;

	registry_stop(&s->reg);
	free(s->host);
	free(s->tag);
	free(s->what);
	free(s);
}

static int connect_sink(struct registry_sink *s, const struct ref *ref,
	const struct remote_options *o, const char *mount, struct err *e)
{
	struct remote *places = NULL;
	size_t n = 0;
	int r = remotes_find(ref, o, true, &places, &n, e);

	if (r == 0)
		r = registry_start(
			&places[n - 1], places[n - 1].repository, true, mount, &s->reg, e);
	remotes_free(places, n);
	return r < 0 ? err_wrap(e, r, "%s", s->what) : 0;
}

int registry_sink(const struct ref *ref, const struct remote_options *o, const char *mount,
	struct image_sink **ret, struct err *e)
{
	static const struct image_sink_ops ops = {
		.has_blob = sink_has,
		.put_blob = sink_put,
		.flush = sink_flush,
		.put_document = sink_document,
		.close = sink_end,
	};
	_cleanup_sink_ struct image_sink *owned = NULL;
	struct registry_sink *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_set(e, -ENOMEM, "registry");
	owned = &s->sink;
	owned->ops = &ops;
	s->tag = ref->digest && !ref->tag ? NULL : strdup(ref->tag ? ref->tag : "latest");
	s->what = str_printf(
		"%s/%s%s%s", ref->host, ref->path, s->tag ? ":" : "", s->tag ? s->tag : "");
	s->host = strdup(ref->host);
	if (!s->host || !s->what || (!s->tag && (!ref->digest || ref->tag)))
		return err_set(e, -ENOMEM, "registry");
	owned->what = s->what;
	r = connect_sink(s, ref, o, mount, e);
	if (r == 0)
		*ret = take_ptr(owned);
	return r;
}
