/* SPDX-License-Identifier: Apache-2.0 */
/* Reading descriptors, indexes and manifests. */
#include "image/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/red.h"
#include "base/str.h"
#include "image/config.h"
#include "image/ref.h"
#include "image/store.h"

#define VALUES_MAX 200000
#define TYPE_OCI "application/vnd.oci.image."

void document_free(struct document *d)
{
	free(d->text);
	free(d->type);
	json_decref(d->json);
	*d = (struct document){ 0 };
}

int descriptor_read(json_t *o, uint64_t max, struct descriptor *ret, struct err *e)
{
	const char *digest = NULL;
	int r;

	if (!json_is_object(o))
		return err_msg(e, -EINVAL, "want an object");
	*ret = (struct descriptor){ 0 };
	r = json_get_str(o, "mediaType", &ret->media_type, e);
	if (r == 0)
		r = err_msg(e, -EINVAL, "mediaType: missing");
	if (r >= 0)
		r = json_get_str(o, "digest", &digest, e);
	if (r >= 0 && !(ret->digest = digest_hex(digest)))
		r = err_msg(e, -EINVAL, "digest: want sha256: and 64 lowercase hex digits");
	if (r >= 0)
		r = json_get_u64(o, "size", &ret->size, e);
	if (r == 0)
		r = err_msg(e, -EINVAL, "size: missing");
	if (r >= 0 && (ret->size == 0 || ret->size > max))
		r = err_msg(e, -EFBIG, "size: %llu is not between 1 and %llu",
			(unsigned long long)ret->size, (unsigned long long)max);
	return r < 0 ? r : 0;
}

/*
 * Each value costs some 80 bytes of memory, however short its text is: 4 MB of "{}," would be 300 MB.
 * Commas and brackets in strings count as well; they are few in documents of images.
 */
static bool is_bomb(const char *text, size_t len)
{
	size_t values = 0;

	for (size_t i = 0; i < len; i++)
		values += text[i] == ',' || text[i] == '{' || text[i] == '[';
	return values > VALUES_MAX;
}

int document_parse(struct document *d, const char *what, const char *want, struct err *e)
{
	int r = blob_digest(d->text, d->len, red_off("document-digest") ? NULL : want, d->hex, e);

	if (r < 0)
		return err_wrap(e, r, "%s", what);
	if (is_bomb(d->text, d->len) && !red_off("json-bomb"))
		return err_msg(e, -EFBIG, "%s: more than %d values", what, VALUES_MAX);
	r = json_parse(d->text, d->len, what, &d->json, e);
	if (r == 0 && !json_is_object(d->json))
		r = err_msg(e, -EINVAL, "%s: want a JSON object", what);
	return r;
}

static bool is_schema1(const char *type)
{
	return type && str_startswith(type, "application/vnd.docker.distribution.manifest.v1+");
}

/* Takes a media type into account: what it says must not contradict what is known. */
static int agree(const char *type, bool index, struct err *e)
{
	if (!type || (!media_type_is_index(type) && !media_type_is_manifest(type)))
		return 0;
	if (media_type_is_index(type) != index && !red_off("document-kind"))
		return err_msg(e, -EINVAL, "mediaType contradicts the content");
	return 0;
}

int document_classify(struct document *d, struct err *e)
{
	const char *own = NULL;
	int64_t version = 0;
	bool layers = json_object_get(d->json, "layers") || json_object_get(d->json, "config");
	int r = json_get_str(d->json, "mediaType", &own, e);

	if (r >= 0)
		r = json_get_i64(d->json, "schemaVersion", &version, e);
	if (r < 0)
		return r;
	if (version == 1 || is_schema1(own) || is_schema1(d->type))
		return err_msg(e, -ENOTSUP,
			"is in Docker's old format (schema 1), which names no digests to check; "
			"the image has to be pushed again by a current tool");
	if (version != 2)
		return err_msg(e, -EINVAL, "schemaVersion: want 2");
	d->index = json_object_get(d->json, "manifests");
	/* A document with both means two things (CVE-2021-41190). */
	if (d->index && layers && !red_off("document-kind"))
		return err_msg(e, -EINVAL, "is a manifest and an index at the same time");
	r = agree(own, d->index, e);
	if (r == 0)
		r = agree(d->type, d->index, e);
	if (r < 0)
		return r;
	/* The document's own word is what was digested. */
	if (own || !d->type ||
		(!media_type_is_index(d->type) && !media_type_is_manifest(d->type))) {
		free(d->type);
		d->type = strdup(own        ? own
				 : d->index ? TYPE_OCI "index.v1+json"
					    : TYPE_OCI "manifest.v1+json");
		if (!d->type)
			return err_set(e, -ENOMEM, "document");
	}
	if (!media_type_is_index(d->type) && !media_type_is_manifest(d->type))
		return err_msg(e, -EINVAL, "unknown mediaType of a manifest");
	return 0;
}

const struct platform *platform_here(void)
{
	static struct platform here = { .os = "linux" };

	if (!here.arch)
		here.arch = image_arch();
	return &here;
}

int platform_parse(const char *text, char buf[PLATFORM_MAX], struct platform *ret, struct err *e)
{
	static const struct {
		const char *machine, *arch;
	} other[] = { { "x86_64", "amd64" }, { "x86-64", "amd64" }, { "aarch64", "arm64" },
		{ "i386", "386" }, { "armhf", "arm" } };
	_cleanup_free_ char *clean = str_sanitise(text);
	char *part[3] = { NULL, NULL, NULL };
	size_t n = 0;

	snprintf(buf, PLATFORM_MAX, "%s", text);
	for (char *p = buf; p && n < 3; n++) {
		part[n] = p;
		p = strchr(p, '/');
		if (p)
			*p++ = '\0';
	}
	if (n == 1)
		*ret = (struct platform){ .os = "linux", .arch = part[0] };
	else
		*ret = (struct platform){ .os = part[0], .arch = part[1], .variant = part[2] };
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		if (streq(ret->arch, other[i].machine))
			ret->arch = other[i].arch;
	}
	if (strlen(text) >= PLATFORM_MAX || !*ret->os || !*ret->arch ||
		(ret->variant && (!*ret->variant || strchr(ret->variant, '/'))))
		return err_msg(e, -EINVAL,
			"platform \"%.60s\": want OS/ARCH[/VARIANT], as linux/arm64",
			clean ? clean : "");
	return 0;
}

/* How well a descriptor of an index fits: 0 not, 1 perhaps, up to 3 exactly. */
static int fits(json_t *o, const struct platform *p, struct err *e)
{
	const char *arch = NULL, *os = NULL, *variant = NULL;
	json_t *platform = NULL;
	int r = json_get_obj(o, "platform", &platform, e);

	if (r <= 0)
		return r < 0 ? r : 3; /* one without a platform fits any */
	r = json_get_str(platform, "architecture", &arch, e);
	if (r >= 0)
		r = json_get_str(platform, "os", &os, e);
	if (r >= 0)
		r = json_get_str(platform, "variant", &variant, e);
	if (r < 0)
		return r;
	if (!arch || !os || !streq(arch, p->arch) || !streq(os, p->os))
		return 0;
	if (p->variant)
		return variant && streq(variant, p->variant) ? 3 : variant ? 0 : 1;
	return variant && *variant ? 2 : 3;
}

/* "linux/amd64, linux/arm64/v8": what an index offers, as far as it goes into one line. */
static void offers(json_t *list, struct str *ret)
{
	json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		json_t *p = json_object_get(o, "platform");
		const char *os = json_string_value(json_object_get(p, "os"));
		const char *arch = json_string_value(json_object_get(p, "architecture"));
		const char *variant = json_string_value(json_object_get(p, "variant"));

		if (os && arch && !streq(os, "unknown") && ret->len < 300)
			str_addf(ret, "%s%.20s/%.20s%s%.20s", ret->len ? ", " : "", os, arch,
				variant && *variant ? "/" : "", variant ? variant : "");
	}
}

int index_pick(json_t *index, const struct platform *p, struct descriptor *ret, struct err *e)
{
	_cleanup_str_ struct str have = { 0 };
	_cleanup_free_ char *clean = NULL;
	json_t *list = NULL, *best = NULL, *o;
	size_t i, at = 0;
	int r = json_get_arr(index, "manifests", &list, e), score = 0;

	if (r < 0)
		return r;
	json_array_foreach (list, i, o) {
		r = json_is_object(o) ? fits(o, p, e) : err_msg(e, -EINVAL, "want an object");
		if (r < 0)
			return err_wrap(e, r, "manifests[%zu]", i);
		if (r > score) {
			score = r;
			best = o;
			at = i;
		}
	}
	if (best) {
		r = descriptor_read(best, UCTR_MAX_DOCUMENT, ret, e);
		return r < 0 ? err_wrap(e, r, "manifests[%zu]", at) : 0;
	}
	offers(list, &have);
	clean = have.s ? str_sanitise(have.s) : NULL;
	return err_msg(e, -ENOENT, "holds no image for %s/%s%s%s%s%s", p->os, p->arch,
		p->variant ? "/" : "", p->variant ? p->variant : "", clean ? "; there are " : "",
		clean ? clean : "");
}
