/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes uctr(1), or with `bash` the completion for that shell, from the command tables of uctr
 * itself, so that neither can tell of a flag that is not there. Runs at build time only.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/command.h"
#include "cli/oci_commands.h"
#include "mantext.h"
#include "uctr/version.h"

#define LINE 60

/*
 * Text for mdoc(7): no character may be taken for a request or an escape. At the start of a line
 * and behind a blank a period, quote or dash would be special.
 */
static void put_text(const char *s, size_t n)
{
	bool start = true;

	for (size_t i = 0; i < n; i++) {
		if (start && (s[i] == '.' || s[i] == '\''))
			fputs("\\&", stdout);
		if (s[i] == '\\')
			fputs("\\e", stdout);
		else if (s[i] == '-')
			fputs("\\-", stdout);
		else if (s[i] == '"')
			fputs("\\(dq", stdout);
		else if (s[i] == '\'')
			fputs("\\(aq", stdout);
		else
			putchar(s[i]);
		start = s[i] == '\n';
	}
}

/* One argument of a macro: quoted, and never the name of a macro. */
static void put_arg(const char *s)
{
	fputs("\"\\&", stdout);
	put_text(s, strlen(s));
	fputs("\"", stdout);
}

/* One sentence, in lines of the width that mandoc's style wants. */
static void put_wrapped(const char *s, size_t n)
{
	while (n > 0) {
		size_t len = n;

		if (len > LINE) {
			len = LINE;
			while (len > 0 && s[len] != ' ')
				len--;
			if (len == 0)
				len = strcspn(s, " ");
			len = len < n ? len : n;
		}
		put_text(s, len);
		putchar('\n');
		s += len;
		n -= len;
		while (n > 0 && *s == ' ') {
			s++;
			n--;
		}
	}
}

/* Sentences end lines in mdoc, so that the formatter knows them. */
static void put_sentences(const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t len = 0;

		while (i + len < n &&
			!(s[i + len] == '.' && i + len + 2 < n && s[i + len + 1] == ' ' &&
				isupper((unsigned char)s[i + len + 2])))
			len++;
		if (i + len < n)
			len++;
		put_wrapped(s + i, len);
		i += len;
		while (i < n && (s[i] == ' ' || s[i] == '\n'))
			i++;
	}
}

/* Paragraphs are parted by empty lines; one that starts with two blanks is shown as typed. */
static void put_paragraphs(const char *s)
{
	bool first = true;

	while (*s) {
		const char *end = strstr(s, "\n\n");
		size_t n = end ? (size_t)(end - s) : strlen(s);

		if (strncmp(s, "  ", 2) == 0) {
			puts(".Bd -literal -offset indent");
			put_text(s + 2, n - 2);
			puts("\n.Ed");
		} else {
			if (!first)
				puts(".Pp");
			put_sentences(s, n);
		}
		first = false;
		s += n;
		while (*s == '\n')
			s++;
	}
}

/* A sentence: tables write help in lower case; a leading word that is no literal gets a capital. */
static void put_help(const char *s)
{
	size_t n = 0;

	while (isalpha((unsigned char)s[n]))
		n++;
	if (n > 0 && s[n] == ' ') {
		putchar(toupper((unsigned char)*s));
		s++;
	}
	put_text(s, strlen(s));
	puts(".");
}

static void man_option(const struct opt *o, void *ctx)
{
	(void)ctx;
	fputs(".It ", stdout);
	if (o->sname)
		printf("Fl %c , ", o->sname);
	printf("Fl \\-");
	put_text(o->lname, strlen(o->lname));
	if (o->meta) {
		fputs(" Ar ", stdout);
		put_arg(o->meta);
	}
	putchar('\n');
	put_help(o->help);
	if (o->alias) {
		fputs("Also\n.Fl \\-", stdout);
		put_text(o->alias, strlen(o->alias));
		puts(" .");
	}
}

static void count_option(const struct opt *o, void *ctx)
{
	(void)o;
	++*(int *)ctx;
}

/* program: NULL for uctr itself; name: as the command is called. */
static void man_command(const struct command *c, const char *name, const char *program)
{
	int n = 0;

	opt_each(c->opts, count_option, &n);
	printf(".Ss \"\\&%s%s%s\"\n.Nm", program ? program : "", program ? " " : "", name);
	printf("%s%s\n.Cm ", program ? " " : "", program ? program : "");
	put_arg(name);
	putchar('\n');
	if (n > 0)
		puts(".Op Ar options");
	if (c->operands && *c->operands) {
		fputs(".Ar ", stdout);
		put_arg(c->operands);
		putchar('\n');
	}
	puts(".Pp");
	put_text(c->summary, strlen(c->summary));
	puts(".");
	if (c->about && *c->about) {
		puts(".Pp");
		put_paragraphs(c->about);
	}
	if (n == 0)
		return;
	puts(".Bl -tag -width Ds");
	opt_each(c->opts, man_option, NULL);
	puts(".El");
}

/* Verbs that are commands under another name in one list, then those that are only here. */
static void man_group(const struct command_group *g)
{
	bool listed = false;
	char name[64];

	printf(".Ss \"\\&%s\"\n", g->name);
	put_text(g->summary, strlen(g->summary));
	puts(".");
	/* mandoc takes an empty list for a mistake. */
	for (const struct group_verb *v = g->verbs; v->name; v++) {
		if (command_find(v->command->name) != v->command)
			continue;
		if (!listed)
			puts(".Bl -tag -width Ds");
		listed = true;
		printf(".It Cm %s %s\nIs\n.Cm %s .\n", g->name, v->name, v->command->name);
		if (v->alias)
			printf("Also\n.Cm %s %s .\n", g->name, v->alias);
	}
	if (listed)
		puts(".El");
	for (const struct group_verb *v = g->verbs; v->name; v++) {
		if (command_find(v->command->name) == v->command)
			continue;
		snprintf(name, sizeof(name), "%s %s", g->name, v->name);
		man_command(v->command, name, NULL);
	}
}

static void man_pairs(
	const char *section, const char *intro, const char *macro, const struct man_pair *p)
{
	printf(".Sh %s\n", section);
	if (intro)
		put_sentences(intro, strlen(intro));
	puts(".Bl -tag -width Ds");
	for (; p->name; p++) {
		printf(".It %s ", macro);
		put_arg(p->name);
		putchar('\n');
		put_sentences(p->text, strlen(p->text));
	}
	puts(".El");
}

static void man(void)
{
	printf(".\\\" Made from the command tables of uctr %s by docs/mkman.c.\n", UCTR_VERSION);
	printf(".Dd %s\n.Dt UCTR 1\n.Os\n", UCTR_DATE);
	puts(".Sh NAME\n.Nm uctr\n.Nd containers for ordinary users, without root and without a "
	     "daemon");
	puts(".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar options\n.Op Ar operands\n.Nm\n"
	     ".Ar command\n.Fl \\-help");
	puts(".Sh DESCRIPTION");
	put_paragraphs(man_description);
	puts(".Sh COMMANDS");
	for (size_t i = 0; commands[i]; i++)
		man_command(commands[i], commands[i]->name, NULL);
	for (const struct command_group *g = groups; g->name; g++)
		man_group(g);
	puts(".Sh OCI RUNTIME");
	put_paragraphs(man_oci);
	for (size_t i = 0; oci_commands[i]; i++)
		man_command(oci_commands[i], oci_commands[i]->name, "uctr-oci");
	man_pairs("ENVIRONMENT", NULL, "Ev", man_environment);
	man_pairs("FILES", NULL, "Pa", man_files);
	man_pairs("EXIT STATUS", man_exit_intro, "Li", man_exit);
	puts(".Sh EXAMPLES");
	for (const struct man_pair *p = man_examples; p->name; p++) {
		if (p != man_examples)
			puts(".Pp");
		put_sentences(p->text, strlen(p->text));
		puts(".Bd -literal -offset indent");
		put_text(p->name, strlen(p->name));
		puts("\n.Ed");
	}
	puts(".Sh SEE ALSO");
	puts(".Xr newgidmap 1 ,\n.Xr newuidmap 1 ,\n.Xr slirp4netns 1 ,\n.Xr subgid 5 ,\n.Xr "
	     "subuid 5 "
	     ",\n.Xr cgroups 7 ,\n.Xr user_namespaces 7");
}

static void bash_option(const struct opt *o, void *ctx)
{
	(void)ctx;
	printf(" --%s", o->lname);
	if (o->alias)
		printf(" --%s", o->alias);
}

/* Options whose value is a file or anything else, so that the shell completes names there. */
static void bash_value(const struct opt *o, void *ctx)
{
	bool *any = ctx;

	if (!o->meta)
		return;
	printf("%s--%s", *any ? "|" : "", o->lname);
	if (o->sname)
		printf("|-%c", o->sname);
	*any = true;
}

static void bash_command(const struct command *c, const char *name)
{
	const char *what = "files", *ops = c->operands ? c->operands : "";
	bool any = false;

	if (str_startswith(ops, "CONTAINER") || str_startswith(ops, "NAME") ||
		str_startswith(ops, "[CONTAINER"))
		what = "containers";
	else if (str_startswith(ops, "IMAGE") || str_startswith(ops, "[IMAGE"))
		what = "images";
	printf("\t'%s')\n\t\twhat=%s flags='--help", name, what);
	opt_each(c->opts, bash_option, NULL);
	printf("'\n\t\tcase $prev in ");
	opt_each(c->opts, bash_value, &any);
	printf("%s) what=files flags= ;; esac ;;\n", any ? "" : "''");
}

/* The words behind a group, and what "GROUP VERB" means: a command of the table, or its own. */
static void bash_group(const struct command_group *g)
{
	printf("\t%s)\n\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n\t\t\tmapfile -t COMPREPLY < "
	       "<(compgen -W '",
		g->name);
	for (const struct group_verb *v = g->verbs; v->name; v++)
		printf("%s%s", v == g->verbs ? "" : " ", v->name);
	fputs("' -- \"$cur\")\n\t\t\treturn\n\t\tfi\n\t\tcase ${COMP_WORDS[2]} in\n", stdout);
	for (const struct group_verb *v = g->verbs; v->name; v++) {
		bool top = command_find(v->command->name) == v->command;

		printf("\t\t%s%s%s) cmd='%s%s%s' ;;\n", v->name, v->alias ? "|" : "",
			v->alias ? v->alias : "", top ? "" : g->name, top ? "" : " ",
			top ? v->command->name : v->name);
	}
	fputs("\t\tesac ;;\n", stdout);
}

/* Commands by name, then those that only a group has. */
static void bash_commands(void)
{
	char name[64];

	for (size_t i = 0; commands[i]; i++)
		bash_command(commands[i], commands[i]->name);
	for (const struct command_group *g = groups; g->name; g++) {
		for (const struct group_verb *v = g->verbs; v->name; v++) {
			if (command_find(v->command->name) == v->command)
				continue;
			snprintf(name, sizeof(name), "%s %s", g->name, v->name);
			bash_command(v->command, name);
		}
	}
}

static void bash(void)
{
	printf("# bash completion for uctr %s, made from its command tables.\n", UCTR_VERSION);
	fputs("_uctr() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - "
	      "1]}\n"
	      "\tlocal what='' flags='' cmd=${COMP_WORDS[1]}\n\tCOMPREPLY=()\n\tif [ "
	      "\"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W '",
		stdout);
	for (size_t i = 0; commands[i]; i++)
		printf("%s ", commands[i]->name);
	for (const struct command_group *g = groups; g->name; g++)
		printf("%s%s", g == groups ? "" : " ", g->name);
	fputs("' -- \"$cur\")\n\t\treturn\n\tfi\n\tcase $cmd in\n", stdout);
	for (const struct command_group *g = groups; g->name; g++)
		bash_group(g);
	fputs("\tesac\n\tcase $cmd in\n", stdout);
	bash_commands();
	fputs("\tesac\n\tif [ \"${cur:0:1}\" = - ] && [ -n \"$flags\" ]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$cur\")\n"
	      "\telif [ \"$what\" = containers ]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$(uctr ps -a --format '{{.Names}}' "
	      "2>/dev/null)\" -- \"$cur\")\n"
	      "\telif [ \"$what\" = images ]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$(uctr images --format "
	      "'{{.Repository}}:{{.Tag}}' 2>/dev/null)\" -- \"$cur\")\n"
	      "\telse\n\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n\tfi\n}\n"
	      "complete -o filenames -F _uctr uctr\n",
		stdout);
}

int main(int argc, char **argv)
{
	if (argc == 1) {
		man();
	} else if (argc == 2 && streq(argv[1], "bash")) {
		bash();
	} else {
		fprintf(stderr, "usage: mkman [bash]\n");
		return 2;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("mkman: standard output");
		return 1;
	}
	return 0;
}
