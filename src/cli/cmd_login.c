/* SPDX-License-Identifier: Apache-2.0 */
/* uctr login and logout */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/remote_opts.h"

#define SECRET_SIZE 65536

struct login_args {
	struct remote_args remote;
	char *user, *password;
	bool password_stdin;
};

static const struct opt login_opts[] = {
	OPT_STR('u', "username", struct login_args, user, "NAME", "User name"),
	OPT_STR('p', "password", struct login_args, password, "PASSWORD",
		"Password; everybody on this machine can read it there, unlike with "
		"--password-stdin"),
	OPT_FLAG(0, "password-stdin", struct login_args, password_stdin,
		"Read the password from standard input"),
	OPT_INCLUDE(struct login_args, remote, remote_opts),
	OPT_END,
};

/*
 * Standard input without the end of its last line, up to the end of the first one, or all of it: a
 * password may be a JSON document, as Google's registry has it. malloc'ed.
 */
static int read_secret(bool all, char **ret, struct err *e)
{
	char buf[SECRET_SIZE];
	size_t len = 0;

	/* Byte by byte: what follows a line belongs to somebody else. */
	while (len < sizeof(buf)) {
		ssize_t n = read(STDIN_FILENO, buf + len, 1);

		if (n < 0)
			return err_set(e, -errno, "read standard input");
		if (n == 0 || (!all && buf[len] == '\n'))
			break;
		len++;
	}
	if (len == sizeof(buf))
		return err_msg(e, -EMSGSIZE, "what is on standard input is too long");
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	if (len > 0 && buf[len - 1] == '\r')
		len--;
	*ret = memchr(buf, '\0', len) ? NULL : strndup(buf, len);
	explicit_bzero(buf, sizeof(buf));
	if (!*ret)
		return err_msg(e, -EINVAL, "what is on standard input has a zero byte");
	return 0;
}

static const int caught[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP };
static volatile sig_atomic_t came;

static void note_signal(int sig)
{
	came = sig;
}

/* Without SA_RESTART: the read ends, and the terminal gets its echo back before the signal acts. */
static void catch_signals(struct sigaction before[])
{
	struct sigaction note = { .sa_handler = note_signal };

	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		sigaction(caught[i], &note, &before[i]);
}

/* Asks on the terminal; a secret is not echoed, and the terminal gets its settings back. */
static int ask_for(const char *what, bool secret, char **ret, struct err *e)
{
	struct sigaction before[ARRAY_SIZE(caught)];
	struct termios old, quiet;
	int r;

	if (*ret)
		return 0;
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &old) < 0)
		return err_msg(e, -EINVAL,
			"standard input is no terminal to ask on; -u and --password-stdin say it");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (secret)
		catch_signals(before);
	/* Before the question: what is typed after it is neither shown nor lost. */
	if (secret && tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) < 0)
		return err_set(e, -errno, "silence the terminal");
	fprintf(stderr, "%s: ", what);
	fflush(stderr);
	r = read_secret(false, ret, e);
	if (secret) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		fputc('\n', stderr);
		for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
			sigaction(caught[i], &before[i], NULL);
		if (came)
			raise(came);
	}
	return r;
}

static int run_login(void *args, char **operands, struct err *e)
{
	struct login_args *a = args;
	struct remote_options o;
	_cleanup_free_ char *where = NULL, *line = NULL;
	int r = remote_args_read(&a->remote, &o, e);

	if (r == 0 && a->password_stdin && (a->password || !a->user))
		r = err_msg(e, -EINVAL, "--password-stdin needs -u, and no -p");
	if (r == 0 && a->password_stdin)
		r = read_secret(true, &a->password, e);
	if (r == 0)
		r = ask_for("Username", false, &a->user, e);
	if (r == 0)
		r = ask_for("Password", true, &a->password, e);
	if (r < 0)
		return r;
	o.user = a->user;
	o.password = a->password;
	/* They are kept as NAME:PASSWORD. */
	if (!*a->user || strchr(a->user, ':'))
		return err_msg(e, -EINVAL, "a user name is not empty and has no ':'");
	r = image_login(operands[0], &o, &where, e);
	memset(a->password, 0, strlen(a->password));
	if (r < 0)
		return r;
	line = str_printf("Login Succeeded!\n");
	return line ? output_text(line, strlen(line), e) : err_set(e, -ENOMEM, "login");
}

const struct command cmd_login = {
	.name = "login",
	.summary = "Store the credentials for a registry",
	.operands = "[REGISTRY]",
	.about =
		"Checks a name and a password with REGISTRY, by default docker.io, and stores them "
		"where docker and podman find them too: the file of --authfile or "
		"$REGISTRY_AUTH_FILE, config.json in $DOCKER_CONFIG, or containers/auth.json in "
		"$XDG_RUNTIME_DIR, which is gone with the login session; without any of these "
		"~/.docker/config.json. A program that the file names as its store gets them "
		"instead.",
	.min = 0,
	.max = 1,
	.opts = login_opts,
	.args_size = sizeof(struct login_args),
	.run = run_login,
};

struct logout_args {
	char *authfile;
	bool all;
};

static const struct opt logout_opts[] = {
	OPT_FLAG('a', "all", struct logout_args, all, "Forget those of every registry"),
	OPT_STR(0, "authfile", struct logout_args, authfile, "FILE", "Look into FILE alone"),
	OPT_END,
};

static int run_logout(void *args, char **operands, struct err *e)
{
	struct logout_args *a = args;
	static const char line[] = "Removed login credentials\n";
	int r = image_logout(operands[0], a->authfile, a->all, e);

	return r < 0 ? r : output_text(line, strlen(line), e);
}

const struct command cmd_logout = {
	.name = "logout",
	.summary = "Forget the credentials for a registry",
	.operands = "[REGISTRY]",
	.about = "Removes what login stored for REGISTRY, by default docker.io, from all files "
		 "where "
		 "it may be.",
	.min = 0,
	.max = 1,
	.opts = logout_opts,
	.args_size = sizeof(struct logout_args),
	.run = run_logout,
};
