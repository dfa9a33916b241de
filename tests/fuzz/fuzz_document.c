/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the documents of images: every input is read as index or manifest and as a config. The
 * first line is the media type that a server would send with it; an empty one is none.
 */
#include "base/json.h"
#include "fuzz.h"
#include "image/config.h"
#include "image/document.h"
#include "image/ref.h"
#include "image/store.h"

/* Instead of the store's: no fuzzer finds the text to a digest. */
int blob_digest(const char *text, size_t len, const char *want, char hex[UCTR_DIGEST_HEX + 1],
	struct err *e)
{
	(void)text, (void)len, (void)want, (void)e;
	memset(hex, '0', UCTR_DIGEST_HEX);
	hex[UCTR_DIGEST_HEX] = '\0';
	return 0;
}

static void check_descriptor(const struct descriptor *d, uint64_t max)
{
	must(d->media_type && d->digest && digest_hex_valid(d->digest), "a descriptor of nothing");
	must(d->size > 0 && d->size <= max, "a size out of bounds");
}

static void try_index(struct document *d)
{
	static const struct platform other = { .os = "linux", .arch = "arm", .variant = "v7" };
	const struct platform *for_what[] = { platform_here(), &other };

	for (size_t i = 0; i < ARRAY_SIZE(for_what); i++) {
		struct descriptor found = { 0 };
		struct err e = ERR_INIT;
		int r = index_pick(d->json, for_what[i], &found, &e);

		must_tell(r, &e);
		if (r == 0)
			check_descriptor(&found, UCTR_MAX_DOCUMENT);
	}
}

static void try_manifest(struct document *d)
{
	json_t *layers = json_object_get(d->json, "layers"), *o;
	size_t i;

	json_array_foreach (layers, i, o) {
		struct descriptor found = { 0 };
		struct err e = ERR_INIT;
		int r = descriptor_read(o, 1U << 30, &found, &e);

		must_tell(r, &e);
		if (r == 0)
			check_descriptor(&found, 1U << 30);
	}
}

static void try_config(json_t *json)
{
	_cleanup_strv_ char **ids = NULL;
	struct err e = ERR_INIT;
	int r = config_check(json, platform_here(), &ids, &e);

	must_tell(r, &e);
	for (char **id = ids; id && *id; id++)
		must(digest_hex_valid(*id), "a diff id that is none");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nl = size ? memchr(data, '\n', size) : NULL;
	size_t head = nl ? (size_t)(nl - data) : 0;
	_cleanup_document_ struct document d = { 0 };
	struct err e = ERR_INIT;
	int r;

	if (!nl)
		return 0;
	d.type = head ? fuzz_text(data, head) : NULL;
	d.len = size - head - 1;
	d.text = fuzz_text(nl + 1, d.len);
	r = document_parse(&d, "document", NULL, &e);
	must_tell(r, &e);
	if (r < 0)
		return 0;
	try_config(d.json);
	r = document_classify(&d, &e);
	must_tell(r, &e);
	if (r < 0)
		return 0;
	must(d.type && (d.index ? media_type_is_index(d.type) : media_type_is_manifest(d.type)),
		"a type that contradicts the content");
	must(!d.index || !json_object_get(d.json, "layers"), "a manifest that is an index");
	if (d.index)
		try_index(&d);
	else
		try_manifest(&d);
	return 0;
}
