/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: what --format understands and how it refuses the rest. */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/template.h"
#include "tap.h"

static const char data_text[] =
	"{\"ID\":\"abc123def\",\"Names\":[\"web\",\"db\"],\"Labels\":{\"b\":\"2\",\"a\":\"1\"},"
	"\"State\":{\"Pid\":42,\"Running\":true,\"Exit\":0},\"Mounts\":[{\"Src\":\"/a\"},"
	"{\"Src\":\"/b\"}],\"None\":null,\"Empty\":[],\"Q\":\"say \\\"hi\\\"\"}";

static json_t *data;

static void renders(const char *tmpl, const char *want)
{
	_cleanup_str_ struct str out = { 0 };
	struct err e = ERR_INIT;
	int r = template_render(tmpl, data, &out, &e);
	const char *got = out.s ? out.s : "";

	if (r == 0 && template_check(tmpl, &e) < 0)
		r = -EINVAL;
	if (r < 0)
		printf("%s: refused: %s\n", tmpl, e.msg);
	CHECK_INT(r, 0);
	CHECK_STR(got, want);
}

static void refuses(const char *tmpl, const char *want, bool syntax)
{
	_cleanup_str_ struct str out = { 0 };
	struct err e = ERR_INIT, check = ERR_INIT;

	CHECK_INT(template_render(tmpl, data, &out, &e), -EINVAL);
	CHECK_INT(template_check(tmpl, &check) < 0, syntax);
	if (!strstr(e.msg, want))
		CHECK_STR(e.msg, want);
}

static void test_fields(void)
{
	renders("plain", "plain");
	renders("{{.ID}}", "abc123def");
	renders("{{ .State.Pid }}/{{.State.Running}}", "42/true");
	renders("{{.Names}} {{.Labels}} {{.None}}", "[web db] map[b:2 a:1] <no value>");
	renders("{{json .Names}}", "[\"web\",\"db\"]");
	renders("{{json .ID}}{{.ID | json}}", "\"abc123def\"\"abc123def\"");
	renders("{{.Labels.a}}{{.Labels \"b\"}}{{.Label \"a\"}}", "121");
	renders("{{with .State}}{{$.ID}} {{.Pid}}{{end}}", "abc123def 42");
}

static void test_text(void)
{
	renders("a\\tb\\nc", "a\tb\nc");
	renders("{{\"a\\tb\"}}{{`\\t`}}", "a\tb\\t");
	renders("x  {{- .ID -}}  y", "xabc123defy");
	renders("x {{.ID}} y", "x abc123def y");
	renders("a{{/* no */}}b{{- /* no */ -}} c", "abc");
	renders("{ {.ID} }", "{ {.ID} }");
}

static void test_blocks(void)
{
	renders("{{range .Names}}<{{.}}>{{end}}", "<web><db>");
	renders("{{range $i, $n := .Names}}{{$i}}={{$n}};{{end}}", "0=web;1=db;");
	renders("{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}", "a=1 b=2 ");
	renders("{{range .Mounts}}{{.Src}}{{range $.Names}}-{{.}}{{end}} {{end}}",
		"/a-web-db /b-web-db ");
	renders("{{range .Empty}}x{{else}}none{{end}}{{range .None}}x{{end}}", "none");
	renders("{{if .State.Running}}up{{else}}down{{end}}", "up");
	renders("{{if .Empty}}a{{else if eq .State.Pid 42}}b{{else}}c{{end}}", "b");
	renders("{{if .State.Exit}}a{{else if .None}}b{{else}}c{{end}}", "c");
	renders("{{if .ID}}a{{else if .Nope}}b{{else}}{{.Nope}}{{end}}", "a");
	renders("{{with .State}}{{.Pid}}{{end}}{{with .None}}x{{else}}y{{end}}", "42y");
	renders("{{$x := .ID}}{{if true}}{{$x = \"new\"}}{{end}}{{$x}}", "new");
}

static void test_functions(void)
{
	renders("{{upper .ID}} {{lower \"ABC\"}} {{title \"ab cd\"}}", "ABC123DEF abc Ab Cd");
	renders("{{len .Names}}{{len .ID}}{{len .Labels}}{{len .None}}", "2920");
	renders("{{join .Names \",\"}}{{range split \"a:b\" \":\"}}[{{.}}]{{end}}", "web,db[a][b]");
	renders("{{index .Labels \"a\"}}{{index .Names 1}}{{index .Labels \"zz\"}}", "1db");
	renders("{{(index .Mounts 0).Src}}{{index .Labels \"a\" | printf \"%s!\"}}", "/a1!");
	renders("{{slice .ID 0 3}} {{truncate .ID 5}} {{truncate .ID 99}}", "abc abc12 abc123def");
	renders("{{println .ID}}{{print .State.Pid 1 \"a\" \"b\"}}", "abc123def\n42 1ab");
	renders("{{printf \"%-5s|%5d|%q|%%\" \"ab\" 7 \"x\"}}", "ab   |    7|\"x\"|%");
	renders("{{eq .ID \"x\" \"abc123def\"}}{{ne 1 2}}{{lt 1 2}}{{ge 1 2}}{{gt \"b\" \"a\"}}",
		"truetruetruefalsetrue");
	renders("{{and .ID .State.Exit}}{{or .None \"d\"}}{{not .ID}}", "0dfalse");
	renders("{{if and (eq .State.Pid 42) (not .Empty)}}yes{{end}}", "yes");
	renders("{{.Q}}{{-3}}", "say \"hi\"-3");
}

static void test_errors(void)
{
	char deep[64] = "{{";

	refuses("{{.Nope}}", "no field .Nope; there are ID, Names, Labels", false);
	refuses("{{.State.Nope}}", "no field .Nope; there are Pid", false);
	refuses("{{.ID.Nope}}", "no field .Nope in a value without fields", false);
	refuses("{{index .Names 9}}", "index 9 of a list of 2", false);
	refuses("{{range .ID}}{{end}}", "range wants a list or a map", false);
	refuses("{{slice .ID 5 2}}", "out of range", false);
	refuses("{{printf \"%n\" 1}}", "printf knows", false);
	refuses("{{upper}}", "upper wants 1 operands, got 0", false);
	refuses("{{.ID", "expected }} at the end", true);
	refuses("{{}}", "missing value", true);
	refuses("{{frob .ID}}", "unknown function at frob", true);
	refuses("{{$x}}", "undefined variable", true);
	refuses("{{if .ID}}x", "missing {{end}}", true);
	refuses("{{range .Names}}x{{else}}y", "missing {{end}}", true);
	refuses("{{if .Empty}}{{frob}}{{end}}", "unknown function", true);
	refuses("x{{end}}", "{{end}} without a beginning", true);
	refuses("x{{else}}", "{{else}} without {{if}}", true);
	refuses("{{if .ID}}{{else}}{{else}}{{end}}", "second {{else}}", true);
	refuses("{{\"abc}}", "closing quote", true);
	refuses("{{\"\\x\"}}", "unknown escape", true);
	refuses("{{/* x }}", "comment without its end", true);
	refuses("{{99999999999999999999}}", "bad number", true);
	refuses("{{(.ID}}", "expected )", true);
	memset(deep + 2, '(', sizeof(deep) - 3);
	refuses(deep, "nested too deeply", true);
}

static void test_header(void)
{
	_cleanup_json_ json_t *names = json_pack("{s:s}", "ID", "CONTAINER ID");
	_cleanup_str_ struct str out = { 0 };
	struct err e = ERR_INIT;

	CHECK_INT(
		template_header("{{.ID}}\\t{{upper .Names}}\\t{{.State.Pid}}", names, &out, &e), 0);
	CHECK_STR(out.s, "CONTAINER ID\tNAMES\tPID");
}

int main(void)
{
	data = json_loads(data_text, 0, NULL);
	RUN(test_fields);
	RUN(test_text);
	RUN(test_blocks);
	RUN(test_functions);
	RUN(test_errors);
	RUN(test_header);
	json_decref(data);
	return tap_end();
}
