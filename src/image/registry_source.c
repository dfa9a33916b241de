/* SPDX-License-Identifier: Apache-2.0 */
/* An image of a registry as a source: documents by request, blobs through pipes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/config.h"
#include "image/registry.h"

/* The kernel's limit for everybody; less is as correct. */
#define PIPE_SIZE (1 << 20)

struct under_way {
	char digest[UCTR_DIGEST_HEX + 1];
	int64_t id;
};

struct registry_source {
	struct image_source source;
	struct remote *places;
	size_t n_places;
	struct registry *reg; /* at the place that had the first document */
	char *ref, *what; /* tag or "sha256:..." */
	struct under_way *blobs;
	size_t n_blobs;
};

static int read_document(
	struct registry *reg, const char *ref, bool blob, struct document *ret, struct err *e)
{
	_cleanup_json_ json_t *answer = NULL;
	const char *type = "";
	int r = registry_read(reg,
		json_pack("{ss ss sb}", "op", "document", "ref", ref, "blob", blob), &answer,
		&ret->text, &ret->len, e);

	if (r == 0)
		r = json_get_str(answer, "type", &type, e);
	if (r < 0)
		return r;
	ret->type = *type && !blob ? strdup(type) : NULL;
	return !*type || blob || ret->type ? 0 : err_set(e, -ENOMEM, "document");
}

/* The places in order, until one has it; what the last one says counts, as it is no mirror. */
static int read_top(struct registry_source *s, struct document *ret, struct err *e)
{
	int r = -ENOENT;

	for (size_t i = 0; i < s->n_places; i++) {
		registry_stop(&s->reg);
		*e = (struct err)ERR_INIT;
		r = registry_start(&s->places[i], s->places[i].repository, false, NULL, &s->reg, e);
		if (r == 0)
			r = read_document(s->reg, s->ref, false, ret, e);
		if (r == 0)
			return 0;
	}
	if (r == -EACCES)
		err_hint(e, "\"uctr login %s\" gives a name and password",
			s->places[s->n_places - 1].host);
	return r;
}

static int source_read(struct image_source *src, const struct descriptor *want,
	struct document *ret, struct err *e)
{
	struct registry_source *s = (struct registry_source *)src;
	char ref[UCTR_DIGEST_HEX + 16];

	if (!want)
		return read_top(s, ret, e);
	snprintf(ref, sizeof(ref), "sha256:%s", want->digest);
	return read_document(s->reg, ref, media_type_is_config(want->media_type), ret, e);
}

static int source_blob(
	struct image_source *src, const struct descriptor *want, int part_fd, struct err *e)
{
	struct registry_source *s = (struct registry_source *)src;
	struct under_way *grown = realloc(s->blobs, (s->n_blobs + 1) * sizeof(struct under_way));
	_cleanup_fd_ int part = part_fd, rd = -1, wr = -1;
	char ref[UCTR_DIGEST_HEX + 16];
	int64_t id;
	int p[2];

	if (!grown)
		return err_set(e, -ENOMEM, "blob");
	s->blobs = grown;
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe for a blob");
	rd = p[0];
	wr = p[1];
	fcntl(wr, F_SETPIPE_SZ, PIPE_SIZE);
	snprintf(ref, sizeof(ref), "sha256:%s", want->digest);
	id = registry_send(s->reg,
		json_pack("{ss ss sI}", "op", "blob", "ref", ref, "size", (json_int_t)want->size),
		wr, part, e);
	if (id < 0)
		return (int)id;
	grown[s->n_blobs].id = id;
	memcpy(grown[s->n_blobs++].digest, want->digest, UCTR_DIGEST_HEX + 1);
	return take_fd(&rd);
}

static int source_blob_end(struct image_source *src, const struct descriptor *want, struct err *e)
{
	struct registry_source *s = (struct registry_source *)src;

	for (size_t i = 0; i < s->n_blobs; i++) {
		if (streq(s->blobs[i].digest, want->digest)) {
			int64_t id = s->blobs[i].id;

			s->blobs[i] = s->blobs[--s->n_blobs];
			return registry_wait(s->reg, id, NULL, e);
		}
	}
	return 0;
}

static void close_source(struct image_source *src)
{
	struct registry_source *s = (struct registry_source *)src;

	registry_stop(&s->reg);
	remotes_free(s->places, s->n_places);
	free(s->ref);
	free(s->what);
	free(s->blobs);
	free(s);
}

int registry_source(const struct ref *ref, const struct remote_options *o,
	struct image_source **ret, struct err *e)
{
	static const struct image_source_ops ops = {
		.document = source_read,
		.blob = source_blob,
		.blob_end = source_blob_end,
		.close = close_source,
	};
	struct registry_source *s = calloc(1, sizeof(*s));
	_cleanup_source_ struct image_source *owned = NULL;

	if (!s)
		return err_set(e, -ENOMEM, "registry");
	owned = &s->source;
	owned->ops = &ops;
	s->ref = ref->digest ? str_printf("sha256:%s", ref->digest)
			     : strdup(ref->tag ? ref->tag : "latest");
	s->what = ref->digest ? str_printf("%s/%s@sha256:%.12s", ref->host, ref->path, ref->digest)
			      : str_printf("%s/%s:%s", ref->host, ref->path, s->ref ? s->ref : "");
	if (!s->ref || !s->what)
		return err_set(e, -ENOMEM, "registry");
	owned->what = s->what;
	*ret = take_ptr(owned);
	{
		int r = remotes_find(ref, o, false, &s->places, &s->n_places, e);

		if (r < 0) {
			err_wrap(e, r, "%s", s->what);
			source_close(ret);
		}
		return r;
	}
}
