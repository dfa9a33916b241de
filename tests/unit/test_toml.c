/* SPDX-License-Identifier: Apache-2.0 */
/* Settings in TOML: what is read, what is refused, and that nothing behind the text is read. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "base/toml.h"
#include "tap.h"

static void test_read(void)
{
	static const char text[] = "a = \"\\t\\u00e9\" # why\r\n[t.\"u v\"]\nb = [1, -2,\n true]\n"
				   "[[l]]\nx = {y = 'z'}\n[[l]]\n";
	_cleanup_json_ json_t *doc = NULL;
	_cleanup_free_ char *dump = NULL;
	struct err e = ERR_INIT;

	CHECK_INT(toml_parse(text, "x", &doc, &e), 0);
	dump = doc ? json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	CHECK_STR(dump, "{\"a\":\"\\t\303\251\",\"l\":[{\"x\":{\"y\":\"z\"}},{}],"
			"\"t\":{\"u v\":{\"b\":[1,-2,true]}}}");
}

/* The text lies at the end of a page with nothing readable behind it. */
static void test_refused(void)
{
	static const char *const table[] = { "\"\\", "\"\\u", "\"\\u00e", "a = \"\\", "a = \"\\U1",
		"a = \"", "a = '", "a", "a.", "a =", "[", "[[", "[[a]", "a = [", "a = [1", "a = {",
		"a = {b", "a = 1.5", "a = 1\na = 2", "a = \"\\ud800\"", "a = 1\n[a]", "[a]\n[a]",
		"[a.b]\n[a]\n[c]\n[a.b]", "[[l]]\n[l.t]\n[l.t]" };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *two =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(two != MAP_FAILED && mprotect(two + page, page, PROT_NONE) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		size_t size = strlen(table[i]) + 1;
		char *text = two + page - size;
		struct err e = ERR_INIT;
		json_t *doc = NULL;

		memcpy(text, table[i], size);
		CHECK_INT(toml_parse(text, "x", &doc, &e), -EINVAL);
		CHECK(!doc && strncmp(e.msg, "x: line ", 8) == 0);
	}
	munmap(two, 2 * page);
}

int main(void)
{
	RUN(test_read);
	RUN(test_refused);
	return tap_end();
}
