/* SPDX-License-Identifier: Apache-2.0 */
/* image_copy: an image from one place to another, digests kept wherever the place allows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/bundle.h"
#include "image/lookup.h"
#include "image/ref.h"
#include "image/registry.h"
#include "image/save.h"
#include "image/stored.h"

enum kind { STORE, REGISTRY, OCI_DIR, OCI_ARCHIVE, DOCKER_ARCHIVE, FLAT };

/* "oci:DIR:TAG": taken apart at the first colon, as other tools do. */
static const struct transport {
	const char *prefix;
	enum kind kind;
	bool has_ref, archive;
	enum save_layout layout;
} transports[] = {
	{ "uctr:", STORE, false, false, 0 },
	{ "docker://", REGISTRY, false, false, 0 },
	{ "oci:", OCI_DIR, true, false, SAVE_OCI },
	{ "oci-archive:", OCI_ARCHIVE, true, true, SAVE_OCI },
	{ "docker-archive:", DOCKER_ARCHIVE, true, true, SAVE_DOCKER },
	{ "dir:", FLAT, false, false, SAVE_FLAT },
};

struct place {
	const struct transport *t;
	char *path; /* or the name */
	char *ref; /* behind the path; NULL: none */
};

static void place_free(struct place *p)
{
	free(p->path);
	free(p->ref);
}

static int place_parse(const char *text, struct place *p, struct err *e)
{
	_cleanup_free_ char *clean = str_sanitise(text);
	const char *rest, *colon;

	for (size_t i = 0; i < ARRAY_SIZE(transports) && !p->t; i++) {
		if (str_startswith(text, transports[i].prefix))
			p->t = &transports[i];
	}
	if (!p->t)
		return err_msg(e, -EINVAL,
			"\"%.80s\": want TRANSPORT:PLACE, where TRANSPORT is docker://, oci:, "
			"oci-archive:, docker-archive:, dir: or uctr: (the store)",
			clean ? clean : "");
	rest = text + strlen(p->t->prefix);
	colon = p->t->has_ref ? strchr(rest, ':') : NULL;
	p->path = colon ? strndup(rest, (size_t)(colon - rest)) : strdup(rest);
	p->ref = colon ? strdup(colon + 1) : NULL;
	if (!p->path || (colon && !p->ref))
		return err_set(e, -ENOMEM, "copy");
	if (!*p->path || (p->ref && !*p->ref))
		return err_msg(e, -EINVAL, "\"%.80s\": a part is empty", clean ? clean : "");
	return 0;
}

/* Where an image comes from: a source of its own, or that of a bundle. */
struct from {
	struct image_source *own, *source;
	struct bundle b;
};

static void from_free(struct from *f)
{
	source_close(&f->own);
	bundle_free(&f->b);
}

static int open_from(struct image_store *s, const struct place *p,
	const struct remote_options *remote, struct from *f, struct err *e)
{
	int r;

	if (p->t->kind == REGISTRY) {
		_cleanup_(ref_free)
		struct ref ref = { 0 };

		r = remote_name(p->path, false, &ref, e);
		if (r == 0)
			r = registry_source(&ref, remote, &f->own, e);
		f->source = f->own;
		return r;
	}
	if (p->t->kind == STORE) {
		r = stored_source(s, p->path, NULL, &f->own, e);
		f->source = f->own;
		return r;
	}
	r = bundle_open(s, p->path, &f->b, e);
	if (r == 0)
		r = bundle_pick(&f->b, p->ref, e);
	f->source = &f->b.source;
	return r;
}

static int into_store(struct image_store *s, struct image_source *src, const char *name,
	const struct platform *platform, struct err *e)
{
	struct image_fetch f = { .source = src, .platform = platform };
	_cleanup_free_ char *full = NULL;
	int r = name_new(name, REF_HOST_LOCAL, &full, e);

	f.name = full;
	return r < 0 ? r : image_fetch(s, &f, NULL, e);
}

static int into_files(struct image_store *s, struct image_source *src, const struct place *to,
	const struct platform *platform, struct err *e)
{
	_cleanup_(saver_free)
	struct saver v = SAVER_INIT;
	_cleanup_free_ char *name = NULL;
	bool docker = to->t->layout == SAVE_DOCKER;
	int r = 0;

	/* In an archive of docker a name is a full one; in a layout whatever one likes. */
	if (to->ref && docker)
		r = name_new(to->ref, REF_HOST_DOCKER, &name, e);
	else if (to->ref && !(name = strdup(to->ref)))
		r = err_set(e, -ENOMEM, "copy");
	if (r == 0)
		r = saver_open(s, to->path, to->t->archive, to->t->layout, &v, e);
	if (r == 0)
		r = saver_add(&v, src, platform, name, !docker, e);
	return r == 0 ? saver_finish(&v, e) : r;
}

static int into_registry(struct image_store *s, struct image_source *src, const char *name,
	const struct image_copy *what, const struct platform *platform, struct err *e)
{
	_cleanup_sink_ struct image_sink *dst = NULL;
	_cleanup_(ref_free)
	struct ref ref = { 0 };
	int r = remote_name(name, true, &ref, e);

	if (r == 0)
		r = registry_sink(&ref, &what->remote, NULL, &dst, e);
	return r == 0 ? image_send(s, src, platform, dst, NULL, e) : r;
}

int image_copy(struct image_store *s, const struct image_copy *what, struct err *e)
{
	_cleanup_(place_free)
	struct place from = { 0 };
	_cleanup_(place_free)
	struct place to = { 0 };
	_cleanup_(from_free)
	struct from f = { .b = BUNDLE_INIT };
	const struct platform *want = NULL;
	struct platform platform;
	char buf[PLATFORM_MAX];
	int r = place_parse(what->from, &from, e);

	if (r == 0)
		r = place_parse(what->to, &to, e);
	if (r == 0 && what->platform) {
		r = platform_parse(what->platform, buf, &platform, e);
		want = &platform;
	}
	if (r == 0)
		r = store_make(s, e);
	if (r == 0)
		r = layers_sweep(s, e);
	if (r == 0)
		r = open_from(s, &from, &what->remote, &f, e);
	if (r < 0)
		return r;
	if (to.t->kind == STORE)
		return into_store(s, f.source, to.path, want, e);
	if (to.t->kind == REGISTRY)
		return into_registry(s, f.source, to.path, what, want, e);
	return into_files(s, f.source, &to, want, e);
}
