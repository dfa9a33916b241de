/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, JSON and templates as commands print them. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "cli/output.h"
#include "tap.h"

static const struct output_col cols[] = {
	{ "CONTAINER ID", "ID", OUTPUT_ID },
	{ "COMMAND", "Command", 8 },
	{ "NAMES", "Names", 0 },
	{ NULL, "Labels", 0 },
	{ NULL, NULL, 0 },
};
static const struct output_table table = { cols, "ID" };

static json_t *rows;
static char text[4096];

/* What one call prints, in text. */
static int print(struct output_how how, struct err *e)
{
	int saved = dup(STDOUT_FILENO), mem = memfd_create("out", MFD_CLOEXEC), r;
	ssize_t n;

	fflush(stdout);
	dup2(mem, STDOUT_FILENO);
	r = output_rows(&table, rows, &how, e);
	dup2(saved, STDOUT_FILENO);
	n = pread(mem, text, sizeof(text) - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	close(saved);
	close(mem);
	return r;
}

static void prints(struct output_how how, const char *want)
{
	struct err e = ERR_INIT;

	CHECK_INT(print(how, &e), 0);
	CHECK_STR(text, want);
	CHECK_STR(e.msg, "");
}

static void test_table(void)
{
	static const char want[] = "CONTAINER ID   COMMAND    NAMES\n"
				   "0123456789ab   sleep 1\xe2\x80\xa6   web,alias\n"
				   "ffff           \xc3\xbc x        db\n";

	prints((struct output_how){ 0 }, want);
	prints((struct output_how){ .format = "table" }, want);
	prints((struct output_how){ .no_heading = true }, strchr(want, '\n') + 1);
	prints((struct output_how){ .no_trunc = true, .no_heading = true },
		"sha256:0123456789abcdef   sleep 1000   web,alias\n"
		"ffff                      \xc3\xbc x          db\n");
}

static void test_quiet(void)
{
	prints((struct output_how){ .quiet = true }, "0123456789ab\nffff\n");
	prints((struct output_how){ .quiet = true, .no_trunc = true },
		"sha256:0123456789abcdef\nffff\n");
	/* An explicit format wins, as in podman. */
	prints((struct output_how){ .quiet = true, .format = "{{len .Names}}" }, "2\n1\n");
}

static void test_templates(void)
{
	prints((struct output_how){ .format = "{{.ID}}:{{join .Names \" \"}}" },
		"0123456789ab:web alias\nffff:db\n");
	prints((struct output_how){ .format = "table {{.ID}}\\t{{.Labels.a}}\\t{{.Size}}" },
		"CONTAINER ID   A       SIZE\n0123456789ab   1       5\nffff           long-   "
		"6\n");
	prints((struct output_how){ .format = "{{json .Names}}" },
		"[\"web\",\"alias\"]\n[\"db\"]\n");
}

static void test_json(void)
{
	struct err e = ERR_INIT;
	_cleanup_json_ json_t *back = NULL;

	/* Whole values: nothing is shortened for programs. */
	CHECK_INT(print((struct output_how){ .format = "json" }, &e), 0);
	back = json_loads(text, 0, NULL);
	CHECK(json_equal(back, rows));
}

static void test_errors(void)
{
	struct err e = ERR_INIT;
	json_t *saved = rows;

	CHECK_INT(print((struct output_how){ .format = "{{.Nope}}" }, &e), -EINVAL);
	CHECK_STR(e.msg,
		"--format: template: no field .Nope; there are ID, Command, Names, Labels, Size");
	CHECK_STR(text, "");
	rows = json_array();
	/* A broken template is told also when there is nothing to print. */
	CHECK_INT(print((struct output_how){ .format = "{{.ID" }, &e), -EINVAL);
	CHECK_STR(e.msg, "--format: template: expected }} at the end");
	prints((struct output_how){ 0 }, "CONTAINER ID   COMMAND   NAMES\n");
	prints((struct output_how){ .quiet = true }, "");
	prints((struct output_how){ .format = "json" }, "[]\n");
	json_decref(rows);
	rows = saved;
}

static void test_full_disk(void)
{
	int saved = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY | O_CLOEXEC), r;
	struct err e = ERR_INIT;

	fflush(stdout);
	dup2(full, STDOUT_FILENO);
	r = output_text("x\n", 2, &e);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(full);
	CHECK_INT(r, -ENOSPC);
	CHECK_STR(e.msg, "write to standard output: No space left on device");
}

/* On a terminal no byte of a container's choice may act. */
static void test_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), saved = dup(STDOUT_FILENO), tty,
	    r;
	struct output_how how = { .format = "{{.X}}" }, json = { .format = "json" };
	json_t *kept = rows;
	struct err e = ERR_INIT;
	ssize_t n;

	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	rows = json_pack("[{s:s}]", "X",
		"a\033]0;t\007\xc2\x9b"
		"b");
	fflush(stdout);
	dup2(tty, STDOUT_FILENO);
	r = output_rows(&table, rows, &how, &e);
	if (r == 0)
		r = output_rows(&table, rows, &json, &e);
	dup2(saved, STDOUT_FILENO);
	n = read(master, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	CHECK_INT(r, 0);
	CHECK(strstr(text, "a\\x1b]0;t\\x07\\xc2\\x9bb"));
	CHECK(!strpbrk(text, "\033\007\x9b"));
	close(tty);
	close(master);
	close(saved);
	json_decref(rows);
	rows = kept;
}

int main(void)
{
	rows = json_pack("[{s:s,s:s,s:[s,s],s:{s:s},s:i},{s:s,s:s,s:[s],s:{s:s},s:i}]", "ID",
		"sha256:0123456789abcdef", "Command", "sleep 1000", "Names", "web", "alias",
		"Labels", "a", "1", "Size", 5, "ID", "ffff", "Command", "\xc3\xbc\tx", "Names",
		"db", "Labels", "a", "long-", "Size", 6);
	RUN(test_table);
	RUN(test_quiet);
	RUN(test_templates);
	RUN(test_json);
	RUN(test_errors);
	RUN(test_full_disk);
	RUN(test_terminal);
	json_decref(rows);
	return tap_end();
}
