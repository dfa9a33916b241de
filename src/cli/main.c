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
	printf("\n'uctr COMMAND --help' tells the options; 'uctr doctor' what this host offers.\n");
}

static void print_help(const struct command *c)
{
	printf("Usage: uctr %s %s%s%s\n\n%s.\n%s%s\n", c->name,
		c->opts->type != OPT_T_END ? "[OPTIONS]" : "", *c->operands ? " " : "", c->operands,
		c->summary, c->about, *c->about ? "\n" : "");
	if (c->opts->type != OPT_T_END) {
		printf("Options:\n");
		opt_print(c->opts);
	}
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; commands[i]; i++) {
		if (streq(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

static int flush_stdout(int r, struct err *e)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return r;
	return r < 0 ? r : err_set(e, -errno, "write to standard output");
}

static int run_command(const struct command *c, int argc, char **argv, struct err *e)
{
	_cleanup_free_ void *args = calloc(1, c->args_size);
	char **operands;
	int n, r;

	if (!args)
		return err_set(e, -ENOMEM, "%s", c->name);
	r = opt_parse(c->opts, args, c->stop_at_operand, argc, argv, &operands, e);
	if (r == 1) {
		print_help(c);
		return flush_stdout(0, e);
	}
	for (n = 0; r == 0 && operands[n]; n++)
		;
	if (r == 0 && (n < c->min || (c->max >= 0 && n > c->max)))
		r = err_msg(e, -EINVAL, "%s takes %s arguments; usage: uctr %s %s", c->name,
			n < c->min ? "more" : "fewer", c->name,
			*c->operands ? c->operands : "[OPTIONS]");
	if (r == 0)
		r = c->run(args, operands, e);
	opt_free(c->opts, args);
	return flush_stdout(r, e);
}

static int dispatch(int argc, char **argv, struct err *e)
{
	const struct command *c;
	_cleanup_free_ char *clean = NULL;

	if (argc < 2 || streq(argv[1], "help") || streq(argv[1], "--help") ||
		streq(argv[1], "-h")) {
		c = argc > 2 ? find_command(argv[2]) : NULL;
		if (c)
			print_help(c);
		else
			print_commands();
		return flush_stdout(argc < 2 ? 1 : 0, e);
	}
	if (streq(argv[1], "--version") || streq(argv[1], "-v")) {
		printf("uctr version " UCTR_VERSION "\n");
		return flush_stdout(0, e);
	}
	c = find_command(argv[1]);
	if (c)
		return run_command(c, argc - 1, argv + 1, e);
	clean = str_sanitise(argv[1]);
	return err_msg(e, -EINVAL, "unknown command '%.100s'; 'uctr --help' lists them",
		clean ? clean : "");
}

/* A closed 0, 1 or 2 would be filled by the next file opened, and then printed into. */
static int fill_stdio(void)
{
	int fd;

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
	return e.exit ? e.exit : EXIT_UCTR;
}
