/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes settings: any text is one line of error or an object that JSON can say too. */
#include "base/json.h"
#include "base/toml.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size), *dump = NULL;
	_cleanup_json_ json_t *doc = NULL, *again = NULL;
	struct err e = ERR_INIT;
	int r = toml_parse(text, "settings", &doc, &e);

	must_tell(r, &e);
	must(r < 0 ? !doc : json_is_object(doc), "no object, or one with an error");
	if (r < 0)
		return 0;
	dump = json_dumps(doc, JSON_COMPACT);
	must(dump != NULL, "text that is no UTF-8");
	r = json_parse(dump, strlen(dump), "settings", &again, &e);
	must(r == 0 && json_equal(doc, again), "another meaning as JSON");
	return 0;
}
