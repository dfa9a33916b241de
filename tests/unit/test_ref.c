/* SPDX-License-Identifier: Apache-2.0 */
/* Image references: the reference table of what docker's grammar takes, and what it refuses. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "image/ref.h"
#include "tap.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define L50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"

static void test_accepted(void)
{
	static const struct {
		const char *text, *local, *docker;
	} table[] = {
		{ "busybox", "localhost/busybox:latest", "docker.io/library/busybox:latest" },
		{ "a", "localhost/a:latest", "docker.io/library/a:latest" },
		{ "busybox:1.36", "localhost/busybox:1.36", "docker.io/library/busybox:1.36" },
		{ "x:V1_2.3-Rc", "localhost/x:V1_2.3-Rc", "docker.io/library/x:V1_2.3-Rc" },
		{ "x:_t", "localhost/x:_t", "docker.io/library/x:_t" },
		{ "me/app", "localhost/me/app:latest", "docker.io/me/app:latest" },
		{ "localhost/x", "localhost/x:latest", "localhost/x:latest" },
		{ "localhost:5000/x:t", "localhost:5000/x:t", "localhost:5000/x:t" },
		{ "docker.io/x", "docker.io/library/x:latest", "docker.io/library/x:latest" },
		{ "index.docker.io/x", "docker.io/library/x:latest", "docker.io/library/x:latest" },
		{ "docker.io/me/x", "docker.io/me/x:latest", "docker.io/me/x:latest" },
		{ "Reg.Example/x", "Reg.Example/x:latest", "Reg.Example/x:latest" },
		{ "[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest" },
		{ "reg.example:443/a/b/c:t", "reg.example:443/a/b/c:t", "reg.example:443/a/b/c:t" },
		{ "a.b_c__d---e", "localhost/a.b_c__d---e:latest",
			"docker.io/library/a.b_c__d---e:latest" },
		{ "x@sha256:" HEX, "localhost/x:latest", "docker.io/library/x:latest" },
		{ "x:t@sha256:" HEX, "localhost/x:t", "docker.io/library/x:t" },
		{ "reg.example:5000", "localhost/reg.example:5000",
			"docker.io/library/reg.example:5000" },
		{ "1.2.3.4/x", "1.2.3.4/x:latest", "1.2.3.4/x:latest" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct ref r = { 0 };
		struct err e = ERR_INIT;

		CHECK_INT(ref_parse(table[i].text, &r, &e), 0);
		CHECK_STR(e.msg, "");
		if (r.path) {
			_cleanup_free_ char *local = ref_name(&r, REF_HOST_LOCAL);
			_cleanup_free_ char *docker = ref_name(&r, REF_HOST_DOCKER);

			CHECK_STR(local, table[i].local);
			CHECK_STR(docker, table[i].docker);
		}
		ref_free(&r);
	}
}

static void test_digest_kept(void)
{
	struct ref r = { 0 };

	CHECK_INT(ref_parse("x:t@sha256:" HEX, &r, NULL), 0);
	CHECK_STR(r.digest, HEX);
	CHECK_STR(r.tag, "t");
	ref_free(&r);
	CHECK(r.path == NULL);
}

static void test_refused(void)
{
	static const char *const table[] = { "", " ", "-", "-x", "x-", ".x", "x.", "_x", "x_",
		"a..b", "a___b", "a._b", "a-.b", "a-_b", "X", "Busybox", "a/B", "/x", "x/", "a//b",
		"x:", ":t", "x:-t", "x:.t", "x:t:u", "x:a/b", "x@", "x@sha256",
		"x@sha256:", "x@sha256:abc", "x@md5:" HEX, "x@sha512:" HEX, "x@sha256:" HEX "0",
		"x@sha256:../../x",
		"x@sha256:0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
		"a@b/c", "x/../y", "../x", "./x", "x/./y", "%2e%2e", "x y", "x\ty", "x\n",
		"x\r\nHost:", "host\r\nX:/y", "x\x01", "b\xc3\xbcsybox", "reg.example:/x",
		"reg.example:0/x", "reg.example:65536/x", "reg.example:+1/x", "reg.example:5000x/x",
		"-reg.example/x", "reg-.example/x", "reg..example/x", ".example/x", "[::1/x",
		"[]/x", "[g::]/x", "[::1]5000/x", "user:pw@reg.example/x", "http://reg.example/x",
		"localhost/", "reg.example/", "x+y", "x*", "$(id)", "x;y", "x\\y", "~x",
		"x:" L50 L50 L50, L50 "/" L50 "/" L50 "/" L50 "/" L50 "/" L50 };

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct ref r = { 0 };
		struct err e = ERR_INIT;

		if (ref_parse(table[i], &r, &e) != -EINVAL)
			printf("accepted: [%s]\n", table[i]);
		CHECK_INT(e.code, -EINVAL);
		CHECK(strlen(e.msg) > 10 && !strchr(e.msg, '\n') && !strchr(e.msg, '\r'));
		CHECK(r.path == NULL);
		ref_free(&r);
	}
}

static void test_messages(void)
{
	struct ref r = { 0 };
	struct err e = ERR_INIT;

	ref_parse("Foo", &r, &e);
	CHECK_STR(e.msg, "image name \"Foo\": the repository must be lowercase");
	ref_parse("x@sha256:12", &r, &e);
	CHECK_STR(e.msg,
		"image name \"x@sha256:12\": the digest must be sha256: and 64 lowercase hex "
		"digits");
	ref_parse("a\nb", &r, &e);
	CHECK(str_startswith(e.msg, "image name \"a\\x0ab\": want [HOST/]NAME[:TAG]"));
}

static void test_digests(void)
{
	CHECK_STR(digest_hex("sha256:" HEX), HEX);
	CHECK(!digest_hex(HEX) && !digest_hex("sha256:") && !digest_hex("sha256:" HEX "0"));
	CHECK(!digest_hex(
		"sha256:../../../../../../../../../../../../../../../../../../../../etc/p"));
	CHECK(!digest_hex(NULL));
	CHECK(digest_hex_valid(HEX) && !digest_hex_valid("") && !digest_hex_valid("ab"));
}

int main(void)
{
	RUN(test_accepted);
	RUN(test_digest_kept);
	RUN(test_refused);
	RUN(test_messages);
	RUN(test_digests);
	return tap_end();
}
