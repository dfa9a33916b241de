/* SPDX-License-Identifier: Apache-2.0 */
/* Find the command, run it, print the one error, map the exit code. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/stop.h"
#include "base/str.h"
#include "base/trace.h"
#include "cli/command.h"
#include "cli/oci.h"
#include "sys/title.h"
#include "uctr/version.h"

#define EXIT_UCTR 125
#define FILES_WANTED 1024 /* descriptors: layers, mounts and pipes of one container */

static void print_commands(void)
{
	printf("uctr: containers for ordinary users, without root and without a daemon\n\n"
	       "Usage: uctr COMMAND [OPTIONS]\n\nCommands:\n");
	for (size_t i = 0; commands[i]; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\nGroups of commands:\n");
	for (const struct command_group *g = groups; g->name; g++)
		printf("  %-10s %s\n", g->name, g->summary);
	printf("\n'uctr COMMAND --help' tells the options; 'uctr doctor' what this host offers.\n");
}

static void print_group(const struct command_group *g)
{
	printf("Usage: uctr %s COMMAND [OPTIONS]\n\n%s.\n\nCommands:\n", g->name, g->summary);
	for (const struct group_verb *v = g->verbs; v->name; v++) {
		const char *full = v->command->name;

		printf("  %-10s %s", v->name, v->command->summary);
		if (command_find(full) == v->command && !streq(full, v->name))
			printf(" (uctr %s)", full);
		putchar('\n');
	}
}

/* name: as it was called, "image ls". */
static void print_help(const struct command *c, const char *name)
{
	printf("Usage: uctr %s %s%s%s\n\n%s.\n%s%s\n", name,
		c->opts->type != OPT_T_END ? "[OPTIONS]" : "", *c->operands ? " " : "", c->operands,
		c->summary, c->about, *c->about ? "\n" : "");
	if (c->opts->type != OPT_T_END) {
		printf("Options:\n");
		opt_print(c->opts);
	}
}

static int flush_stdout(int r, struct err *e)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return r;
	return r < 0 ? r : err_set(e, -errno, "write to standard output");
}

/* argv[0] is the command's name as it was called. */
static int run_command(const struct command *c, int argc, char **argv, struct err *e)
{
	_cleanup_free_ void *args = calloc(1, c->args_size);
	const char *name = argv[0];
	char **operands;
	int n, r;

	if (!args)
		return err_set(e, -ENOMEM, "%s", name);
	if (c->defaults)
		memcpy(args, c->defaults, c->args_size);
	r = opt_parse(c->opts, args, c->stop_at_operand, argc, argv, &operands, e);
	if (r == 1) {
		print_help(c, name);
		return flush_stdout(0, e);
	}
	for (n = 0; r == 0 && operands[n]; n++)
		;
	if (r == 0 && (n < c->min || (c->max >= 0 && n > c->max)))
		r = err_msg(e, -EINVAL, "%s takes %s arguments; usage: uctr %s %s", name,
			n < c->min ? "more" : "fewer", name,
			*c->operands ? c->operands : "[OPTIONS]");
	if (r == 0)
		r = c->run(args, operands, e);
	opt_free(c->opts, args);
	return flush_stdout(r, e);
}

static bool asks_help(const char *arg)
{
	return streq(arg, "help") || streq(arg, "--help") || streq(arg, "-h");
}

static int unknown(const char *word, struct err *e)
{
	_cleanup_free_ char *clean = str_sanitise(word);

	return err_msg(e, -EINVAL, "unknown command '%.100s'; 'uctr --help' lists them",
		clean ? clean : "");
}

static int unknown_verb(const struct command_group *g, const char *word, struct err *e)
{
	_cleanup_free_ char *clean = str_sanitise(word);
	_cleanup_str_ struct str list = { 0 };

	for (const struct group_verb *v = g->verbs; v->name; v++) {
		if (str_addf(&list, "%s%s", v == g->verbs ? "" : ", ", v->name) < 0)
			return err_set(e, -ENOMEM, "%s", g->name);
	}
	return err_msg(e, -EINVAL, "unknown command '%s %.60s'; there are: %s", g->name,
		clean ? clean : "", list.s);
}

/* argv[0] is the group's name, argv[1] the verb. */
static int run_group(const struct command_group *g, int argc, char **argv, struct err *e)
{
	const struct group_verb *v = argc > 1 ? group_verb_find(g, argv[1]) : NULL;
	_cleanup_free_ char *name = v ? str_printf("%s %s", g->name, argv[1]) : NULL;

	if (argc < 2 || asks_help(argv[1])) {
		print_group(g);
		return flush_stdout(argc < 2 ? 1 : 0, e);
	}
	if (!v)
		return unknown_verb(g, argv[1], e);
	if (!name)
		return err_set(e, -ENOMEM, "%s", g->name);
	argv[1] = name;
	return run_command(v->command, argc - 1, argv + 1, e);
}

/* words: what stands behind "help". */
static void help(int n, char **words)
{
	const struct command *c = n > 0 ? command_find(words[0]) : NULL;
	const struct command_group *g = n > 0 && !c ? group_find(words[0]) : NULL;
	const struct group_verb *v = g && n > 1 ? group_verb_find(g, words[1]) : NULL;
	_cleanup_free_ char *name = v ? str_printf("%s %s", g->name, v->name) : NULL;

	if (c)
		print_help(c, c->name);
	else if (v)
		print_help(v->command, name ? name : v->name);
	else if (g)
		print_group(g);
	else
		print_commands();
}

static int dispatch(int argc, char **argv, struct err *e)
{
	const struct command *c;
	const struct command_group *g;

	if (argc < 2 || asks_help(argv[1])) {
		help(argc - 2, argv + 2);
		return flush_stdout(argc < 2 ? 1 : 0, e);
	}
	if (streq(argv[1], "--version") || streq(argv[1], "-v")) {
		printf("uctr version " UCTR_VERSION "\n");
		return flush_stdout(0, e);
	}
	c = command_find(argv[1]);
	if (c)
		return run_command(c, argc - 1, argv + 1, e);
	g = group_find(argv[1]);
	return g ? run_group(g, argc - 1, argv + 1, e) : unknown(argv[1], e);
}

/* A closed 0, 1 or 2 would be filled by the next file opened, and then printed into. */
static int fill_stdio(void)
{
	int fd;

	/* Usually none is, and then nothing can fail. */
	if (fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0 && fcntl(2, F_GETFD) >= 0)
		return 0;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
	return fd < 0 ? -1 : 0;
}

/* What callers leave behind in a process, and what would break this one's work. */
static void settle_process(void)
{
	struct rlimit files;

	/* A mask that takes the owner's own rights away would lock us out of our files. */
	umask(umask(077) & 077);
	/* Ignored, children could not be waited for. */
	signal(SIGCHLD, SIG_DFL);
	/* A limit on the size of files is an error of one write, and told like that. */
	signal(SIGXFSZ, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_WANTED &&
		files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* what needs more than there is tells */
	}
}

int main(int argc, char **argv)
{
	const char *base = argc > 0 ? strrchr(argv[0], '/') : NULL;
	struct err e = ERR_INIT;
	int r;

	if (argc < 1 || fill_stdio() < 0)
		return EXIT_UCTR;
	settle_process();
	title_init(argc, argv);
	trace_init();
	/* What the caller left open is not for containers (A2). */
	if (fd_cloexec_from(3) < 0) {
		fprintf(stderr,
			"uctr: this kernel has no close_range(2); Linux 5.12 is the least\n");
		return EXIT_UCTR;
	}
	base = base ? base + 1 : argc > 0 ? argv[0] : "uctr";
	r = streq(base, "uctr-oci") ? oci_main(argc, argv, &e) : dispatch(argc, argv, &e);
	if (r >= 0)
		return r;
	fprintf(stderr, "%s: %s\n", streq(base, "uctr-oci") ? base : "uctr",
		e.msg[0] ? e.msg : strerror(-r));
	if (stop_asked())
		return 128 + stop_asked();
	return e.exit ? e.exit : EXIT_UCTR;
}
