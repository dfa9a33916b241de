/* SPDX-License-Identifier: Apache-2.0 */
/* image_pull: which image a name means, whether the registry is asked, and where it goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/lookup.h"
#include "image/registries.h"
#include "image/registry.h"

int pull_policy_parse(const char *text, enum pull_policy *ret, struct err *e)
{
	static const struct {
		const char *name;
		enum pull_policy policy;
	} names[] = { { "always", PULL_ALWAYS }, { "missing", PULL_MISSING },
		{ "ifnotpresent", PULL_MISSING }, { "never", PULL_NEVER }, { "newer", PULL_NEWER },
		{ "true", PULL_ALWAYS }, { "false", PULL_MISSING } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (streq(names[i].name, text)) {
			*ret = names[i].policy;
			return 0;
		}
	}
	return err_msg(
		e, -EINVAL, "pull policy \"%.40s\": want always, missing, never or newer", text);
}

/* One candidate: a reference with a host, and the names that follow from it. */
struct target {
	struct ref ref;
	char *origin; /* "docker.io/library/x" */
	char *name; /* of the record: with tag, or "" for an image that only its digest names */
	char *shown; /* what image_get() understands */
};

static void target_free(struct target *t)
{
	ref_free(&t->ref);
	free(t->origin);
	free(t->name);
	free(t->shown);
	*t = (struct target){ 0 };
}

static int target_make(const char *text, struct target *ret, struct err *e)
{
	char *colon;
	int r = ref_parse(text, &ret->ref, e);

	if (r < 0)
		return r;
	ret->name = ref_name(&ret->ref, REF_HOST_DOCKER);
	ret->origin = ret->name ? strdup(ret->name) : NULL;
	if (!ret->origin)
		return err_set(e, -ENOMEM, "image name");
	colon = strrchr(ret->origin, ':');
	*colon = '\0';
	if (ret->ref.digest && !ret->ref.tag)
		*ret->name = '\0';
	ret->shown = *ret->name ? strdup(ret->name)
				: str_printf("%s@sha256:%s", ret->origin, ret->ref.digest);
	return ret->shown ? 0 : err_set(e, -ENOMEM, "image name");
}

/* Names with a registry that `text` may mean. */
static int candidates(const char *text, char ***ret, struct err *e)
{
	_cleanup_(ref_free)
	struct ref ref = { 0 };
	_cleanup_strv_ char **names = NULL;
	int r = ref_parse(text, &ref, e);

	if (r < 0)
		return r;
	if (ref.host)
		return strv_add(ret, text) < 0 ? err_set(e, -ENOMEM, "image name") : 0;
	r = registries_candidates(ref.path, &names, e);
	strv_foreach (name, names) {
		if (r == 0)
			r = strv_addf(ret, "%s%s%s%s%s", name, ref.tag ? ":" : "",
				ref.tag ? ref.tag : "", ref.digest ? "@sha256:" : "",
				ref.digest ? ref.digest : "");
	}
	return r < 0 ? err_set(e, r, "image name") : 0;
}

/* Is the image in the store one for the platform that is wanted? */
static bool fits(struct image_store *s, const struct tag *rec, const struct platform *p)
{
	_cleanup_json_ json_t *config = NULL;
	const char *os, *arch, *variant;

	if (!p || blob_load_json(s, rec->id, "config", &config, NULL) < 0)
		return !p;
	os = json_string_value(json_object_get(config, "os"));
	arch = json_string_value(json_object_get(config, "architecture"));
	variant = json_string_value(json_object_get(config, "variant"));
	/* Many configs name no variant: then it is the one that the index named. */
	return os && arch && streq(os, p->os) && streq(arch, p->arch) &&
	       (!p->variant || !variant || streq(variant, p->variant));
}

/* 1: the registry has the same image as the record. */
static int is_current(
	const struct image_pull *p, const struct target *t, const struct tag *rec, struct err *e)
{
	_cleanup_source_ struct image_source *src = NULL;
	_cleanup_document_ struct document doc = { 0 };
	int r = registry_source(&t->ref, &p->remote, &src, e);

	if (r == 0)
		r = src->ops->document(src, NULL, &doc, e);
	if (r == 0)
		r = document_parse(&doc, "the image's top document", NULL, e);
	if (r < 0)
		return r;
	return streq(doc.hex, rec->manifest) || (rec->index && streq(doc.hex, rec->index));
}

static int fetch_target(struct image_store *s, const struct image_pull *p, const struct target *t,
	const struct platform *platform, char **ret_id, struct err *e)
{
	_cleanup_source_ struct image_source *src = NULL;
	struct image_fetch f = {
		.name = t->name,
		.origin = t->origin,
		.digest = t->ref.digest,
		.platform = platform,
		.watch = p->watch,
	};
	int r = registry_source(&t->ref, &p->remote, &src, e);

	f.source = src;
	return r < 0 ? r : image_fetch(s, &f, ret_id, e);
}

/* What the store has under any of the names, as the policy wants it: 1, else 0. */
static int find_stored(struct image_store *s, const struct image_pull *p, char *const *names,
	const struct platform *platform, struct tag *ret, struct err *e)
{
	bool by_id;
	int r = lookup(s, p->name, ret, &by_id, e);

	strv_foreach (name, names) {
		if (r == 0)
			r = lookup(s, name, ret, &by_id, e);
	}
	if (r > 0 && !fits(s, ret, platform)) {
		tag_free(ret);
		r = 0;
	}
	return r;
}

static int keep(const char *name, const char *id, char **ret_name, char **ret_id, struct err *e)
{
	if (ret_name && !(*ret_name = strdup(name)))
		return err_set(e, -ENOMEM, "image name");
	if (ret_id && !(*ret_id = strdup(id)))
		return err_set(e, -ENOMEM, "image id");
	return 0;
}

/* The candidates in order; the first error of one that is not just missing there ends it. */
static int fetch_any(struct image_store *s, const struct image_pull *p, char *const *names,
	const struct tag *stored, const struct platform *platform, char **ret_name, char **ret_id,
	struct err *e)
{
	int r = -ENOENT;

	strv_foreach (name, names) {
		_cleanup_(target_free)
		struct target t = { 0 };
		_cleanup_free_ char *id = NULL;

		if (e)
			*e = (struct err)ERR_INIT;
		r = target_make(name, &t, e);
		if (r == 0 && stored) {
			r = is_current(p, &t, stored, e);
			if (r > 0)
				return keep(t.shown, stored->id, ret_name, ret_id, e);
		}
		if (r == 0)
			r = fetch_target(s, p, &t, platform, &id, e);
		if (r == 0)
			return keep(t.shown, id, ret_name, ret_id, e);
		if (r != -ENOENT)
			break;
	}
	return r;
}

int image_pull(struct image_store *s, const struct image_pull *p, char **ret_name, char **ret_id,
	struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_(tag_free)
	struct tag stored = { 0 };
	struct platform platform;
	char buf[PLATFORM_MAX];
	int r = p->platform ? platform_parse(p->platform, buf, &platform, e) : 0, have = 0;

	if (r == 0)
		r = candidates(p->name, &names, e);
	if (r == 0 && p->policy != PULL_ALWAYS)
		have = find_stored(s, p, names, p->platform ? &platform : NULL, &stored, e);
	if (r < 0 || have < 0)
		return r < 0 ? r : have;
	if (p->policy == PULL_NEVER && !have)
		return lookup_failed(p->name, e);
	if (have && p->policy != PULL_NEWER)
		return keep(*stored.name ? stored.name : stored.id, stored.id, ret_name, ret_id, e);
	r = fetch_any(s, p, names, have ? &stored : NULL, p->platform ? &platform : NULL, ret_name,
		ret_id, e);
	if (r >= 0 || !have || r == -EINTR)
		return r;
	/* newer: what is there does when the registry has no answer. */
	if (e)
		*e = (struct err)ERR_INIT;
	return keep(*stored.name ? stored.name : stored.id, stored.id, ret_name, ret_id, e);
}

static int add_tags(const char *text, size_t len, char ***ret, struct err *e)
{
	_cleanup_json_ json_t *list = NULL, *o = json_object();
	int r = json_parse(text, len, "the registry's tags", &list, e);

	if (r < 0)
		return r;
	json_object_set(o, "tags", list);
	r = json_get_strv(o, "tags", ret, e);
	return r < 0 ? r : 0;
}

int image_remote_tags(const char *name, const struct remote_options *o, char ***ret, struct err *e)
{
	_cleanup_registry_ struct registry *reg = NULL;
	_cleanup_strv_ char **names = NULL;
	_cleanup_(target_free)
	struct target t = { 0 };
	_cleanup_free_ char *text = NULL;
	struct remote *places = NULL;
	size_t n = 0, len = 0;
	int r = candidates(name, &names, e);

	if (r == 0)
		r = target_make(names[0], &t, e);
	if (r == 0)
		r = remotes_find(&t.ref, o, true, &places, &n, e);
	if (r == 0)
		r = registry_start(&places[0], places[0].repository, false, NULL, &reg, e);
	if (r == 0)
		r = registry_read(reg, json_pack("{ss}", "op", "tags"), NULL, &text, &len, e);
	remotes_free(places, n);
	if (r == 0)
		r = add_tags(text, len, ret, e);
	return r < 0 ? err_wrap(e, r, "%s", t.origin ? t.origin : name) : 0;
}
