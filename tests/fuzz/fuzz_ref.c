/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes names of images: what is accepted is one safe name, and means the same when read again. */
#include "fuzz.h"
#include "image/ref.h"

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && streq(a, b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size), *name = NULL;
	struct ref ref = { 0 }, again = { 0 };
	struct err e = ERR_INIT;
	int r = ref_parse(text, &ref, &e);

	must_tell(r, &e);
	if (r < 0)
		return 0;
	must(strlen(text) <= REF_MAX && *ref.path, "a name that is too long or empty");
	must(!ref.digest || digest_hex_valid(ref.digest), "a digest that is none");
	for (const char *p = text; *p; p++)
		must(*p > ' ' && *p < 0x7f, "a byte that no name has");
	must(*ref.path != '/' && !strstr(ref.path, "..") && !strstr(ref.path, "//"),
		"a name that is a path");
	name = ref_name(&ref, REF_HOST_DOCKER);
	must(name != NULL, "no memory");
	if (ref_parse(name, &again, NULL) == 0)
		must(again.host && again.path && (ref.host ? same(ref.host, again.host) : true) &&
				str_endswith(again.path, ref.path) &&
				(ref.tag ? same(ref.tag, again.tag) : true),
			"another meaning the second time");
	ref_free(&again);
	ref_free(&ref);
	return 0;
}
